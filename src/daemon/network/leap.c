/* The network side's part in a leap of the virtual clock: run what is due at the new time, and say
 * when all that followed from it is over.  See signer/leap.c. */
#include "daemon/network/internal.h"
#include "daemon/proto.h"

#define WAIT_MOST_MS 20

static bool is_busy(const struct network *n)
{
	return n->inbound == NULL || inbound_busy(n->inbound) > 0 || outbound_busy(n->outbound) > 0;
}

/* Most looks are over within a millisecond or two, so that the pauses begin short. */
void network_settle(void *arg)
{
	struct network *n = arg;
	struct buf body = {0};

	if (!n->settling || n->signer == NULL)
		return;
	if (is_busy(n)) {
		loop_timer_set(n->settle, n->settle_wait_ms);
		if (n->settle_wait_ms < WAIT_MOST_MS)
			n->settle_wait_ms++;
		return;
	}
	n->settling = false;
	buf_u32(&body, n->look);
	buf_u64(&body, (uint64_t)loop_next_due(n->loop));
	channel_send(n->signer, PROTO_SETTLED, &body, -1);
	buf_free(&body);
}

void network_look(struct network *n, struct reader *body)
{
	uint32_t id = reader_u32(body);

	if (body->failed)
		return;
	n->look = id;
	n->settling = true;
	n->settle_wait_ms = 1;
	loop_look(n->loop);
	network_settle(n);
}
