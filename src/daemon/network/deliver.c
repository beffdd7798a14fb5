/* Notices of the signing side on their way to the mail server and to the webhook
 * (notices/deliver.h). */
#include <stdlib.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/network/internal.h"
#include "daemon/proto.h"
#include "notices/deliver.h"

#define PATIENCE_MS 60000
/* A leap of a virtual clock waits for the deliveries that it led to: a server that hangs must not
 * hold it up each time. */
#define VIRTUAL_PATIENCE_MS 3000
#define VIRTUAL_HURRY_MS 500
#define DELIVERIES_MAX 64

struct delivery {
	struct network *network;
	uint32_t id;
};

static void answer(struct network *n, uint32_t id, int code, bool is_permanent, const char *why)
{
	struct buf body = {0};

	buf_u32(&body, id);
	buf_u8(&body, (uint8_t)-code);
	buf_u8(&body, is_permanent);
	buf_str(&body, why);
	network_send(n, PROTO_DELIVERED, &body);
}

static void delivered(void *arg, int code, bool is_permanent, const char *why)
{
	struct delivery *v = arg;

	answer(v->network, v->id, code, is_permanent, why);
	free(v);
}

void network_deliver(struct network *n, struct reader *body)
{
	uint32_t id = reader_u32(body);
	unsigned channel = reader_u8(body);
	char to[DELIVER_TO_MAX];
	const uint8_t *text;
	size_t len;
	struct delivery *v;

	reader_str(body, to, sizeof(to));
	text = reader_lv32(body, &len);
	if (body->failed || channel >= DELIVER_WIRES) {
		log_error("the signing side sent a malformed notice to deliver");
		return;
	}
	if (n->deliver == NULL || deliver_busy(n->deliver) >= DELIVERIES_MAX) {
		answer(n, id, ERR_AGAIN, false,
		    n->deliver == NULL ? "no notices are configured"
				       : "the network side has too much in hand");
		return;
	}
	v = mem_alloc(sizeof(*v));
	v->network = n;
	v->id = id;
	deliver_start(n->deliver, (enum deliver_channel)channel, to, text, len, delivered, v);
}

void network_deliver_configure(struct network *n)
{
	const struct config_notices *c = &n->config->notices;
	bool is_virtual = clock_is_virtual();
	struct deliver_settings s = {
	    .from = c->from,
	    .smtp = {c->smtp.server, (uint16_t)c->smtp.port, (enum deliver_tls)c->smtp.tls,
		c->smtp.username, c->smtp.password, c->smtp.ca_file},
	    .webhook = {c->webhook.url, c->webhook.secret, c->webhook.ca_file},
	    .patience_ms = is_virtual ? VIRTUAL_PATIENCE_MS : PATIENCE_MS,
	    .hurry_ms = is_virtual ? VIRTUAL_HURRY_MS : 0,
	};

	if (n->deliver == NULL && c->origin.line == 0)
		return;
	if (n->deliver == NULL)
		n->deliver = deliver_new(n->loop);
	deliver_configure(n->deliver, &s);
}

void network_deliver_cancel(struct network *n)
{
	if (n->deliver != NULL)
		deliver_cancel(n->deliver);
}
