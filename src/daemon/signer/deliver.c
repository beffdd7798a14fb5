/* Notices that leave the signing side: by mail and webhook through the network side, to the
 * operator's command through the master.  A bounded number of each channel is handed over at a
 * time.  What a network side that died had not answered fails: whether it arrived is not known. Who
 * asked decides what follows. */
#include "daemon/signer/deliver.h"

#include <stdlib.h>
#include "base/mem.h"
#include "daemon/proto.h"
#include "daemon/signer/signer.h"

#define SENT_MAX 8 /* of a channel; fewer than the network side and the master take */

struct signer_delivery {
	struct signer_delivery *next;
	struct signer *signer;
	uint32_t id;
	enum deliver_channel channel;
	char *to;   /* of a command: the kind */
	char *zone; /* of a command alone */
	struct buf body;
	deliver_done_fn *done; /* NULL: nobody waits for it any more */
	void *arg;
};

struct signer_deliveries {
	struct queue {
		struct signer_delivery *waiting, *last;
		struct signer_delivery *sent; /* to whoever delivers it */
		unsigned sent_count;
	} queues[DELIVER_CHANNELS];
	uint32_t next_id;
};

static void delivery_free(struct signer_delivery *v)
{
	free(v->to);
	free(v->zone);
	buf_free(&v->body);
	free(v);
}

static void finish(struct signer_delivery *v, int code, bool is_permanent, const char *why)
{
	struct queue *q = &v->signer->deliveries->queues[v->channel];
	struct signer_delivery **at = &q->sent;

	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	q->sent_count--;
	if (v->done != NULL)
		v->done(v->arg, code, is_permanent, why);
	delivery_free(v);
}

static void pump(struct signer *s);

static void command_done(void *arg, bool ok, const char *why)
{
	struct signer_delivery *v = arg;
	struct signer *s = v->signer;

	finish(v, ok ? OK : ERR_REFUSED, false, why);
	pump(s);
}

static void too_long(void *arg)
{
	struct signer_delivery *v = arg;
	struct signer *s = v->signer;

	finish(v, ERR_LIMIT, true, "it is too long to be delivered");
	pump(s);
}

static void send_command(struct signer *s, struct signer_delivery *v)
{
	struct buf body = {0};

	buf_str(&body, v->to);
	buf_str(&body, v->zone);
	buf_lv32(&body, v->body.data, v->body.len);
	signer_request(s, PROTO_NOTICE, &body, NULL, command_done, v);
	buf_free(&body);
}

static void send_wire(struct signer *s, const struct signer_delivery *v)
{
	struct buf body = {0};

	buf_u32(&body, v->id);
	buf_u8(&body, (uint8_t)v->channel);
	buf_str(&body, v->to);
	buf_lv32(&body, v->body.data, v->body.len);
	channel_send(s->network, PROTO_DELIVER, &body, -1);
	buf_free(&body);
}

static void hand_over(struct signer *s, struct signer_delivery *v)
{
	if (v->body.failed || v->body.len > DELIVER_BODY_MAX)
		loop_soon(s->loop, too_long, v);
	else if (v->channel == DELIVER_COMMAND)
		send_command(s, v);
	else
		send_wire(s, v);
}

static void pump(struct signer *s)
{
	for (unsigned c = 0; c < DELIVER_CHANNELS; c++) {
		struct queue *q = &s->deliveries->queues[c];

		while (q->waiting != NULL && q->sent_count < SENT_MAX &&
		       (c == DELIVER_COMMAND || s->network != NULL)) {
			struct signer_delivery *v = q->waiting;

			q->waiting = v->next;
			v->next = q->sent;
			q->sent = v;
			q->sent_count++;
			hand_over(s, v);
		}
	}
}

static void enqueue(struct signer_delivery *v)
{
	struct queue *q = &v->signer->deliveries->queues[v->channel];

	if (q->waiting == NULL)
		q->waiting = v;
	else
		q->last->next = v;
	q->last = v;
	pump(v->signer);
}

static struct signer_delivery *delivery_new(struct signer *s, enum deliver_channel c,
    const char *to, const struct buf *body, deliver_done_fn *done, void *arg)
{
	struct signer_delivery *v = mem_alloc(sizeof(*v));

	if (s->deliveries == NULL)
		s->deliveries = mem_alloc(sizeof(*s->deliveries));
	v->signer = s;
	v->id = ++s->deliveries->next_id;
	v->channel = c;
	v->to = mem_strdup(to == NULL ? "" : to);
	buf_put(&v->body, body->data, body->len);
	v->done = done;
	v->arg = arg;
	return v;
}

void signer_deliver(struct signer *s, enum deliver_channel c, const char *to,
    const struct buf *body, deliver_done_fn *done, void *arg)
{
	enqueue(delivery_new(s, c, to, body, done, arg));
}

void signer_deliver_command(struct signer *s, const char *kind, const char *zone,
    const struct buf *json, deliver_done_fn *done, void *arg)
{
	struct signer_delivery *v = delivery_new(s, DELIVER_COMMAND, kind, json, done, arg);

	v->zone = mem_strdup(zone == NULL ? "" : zone);
	enqueue(v);
}

static struct signer_delivery *find_sent(const struct signer *s, uint32_t id)
{
	for (unsigned c = 0; s->deliveries != NULL && c < DELIVER_WIRES; c++) {
		for (struct signer_delivery *v = s->deliveries->queues[c].sent; v != NULL;
		     v = v->next) {
			if (v->id == id)
				return v;
		}
	}
	return NULL;
}

void signer_delivered(struct signer *s, struct reader *body)
{
	struct signer_delivery *v = find_sent(s, reader_u32(body));
	int code = -(int)reader_u8(body);
	bool is_permanent = reader_u8(body) != 0;
	char why[DELIVER_WHY_MAX];

	reader_str(body, why, sizeof(why));
	if (v == NULL || body->failed)
		return;
	finish(v, code, is_permanent, why);
	pump(s);
}

void signer_deliveries_lost(struct signer *s)
{
	for (unsigned c = 0; s->deliveries != NULL && c < DELIVER_WIRES; c++) {
		while (s->deliveries->queues[c].sent != NULL)
			finish(s->deliveries->queues[c].sent, ERR_AGAIN, false,
			    "the network side ended meanwhile");
	}
}

void signer_deliveries_again(struct signer *s)
{
	if (s->deliveries != NULL)
		pump(s);
}

bool signer_deliver_is_busy(const struct signer *s)
{
	for (unsigned c = 0; s->deliveries != NULL && c < DELIVER_CHANNELS; c++) {
		const struct queue *q = &s->deliveries->queues[c];

		if (q->waiting != NULL || q->sent_count > 0)
			return true;
	}
	return false;
}

void signer_deliveries_stop(struct signer *s)
{
	for (unsigned c = 0; s->deliveries != NULL && c < DELIVER_CHANNELS; c++) {
		struct queue *q = &s->deliveries->queues[c];

		while (q->waiting != NULL) {
			struct signer_delivery *v = q->waiting;

			q->waiting = v->next;
			delivery_free(v);
		}
		for (struct signer_delivery *v = q->sent; v != NULL; v = v->next)
			v->done = NULL;
	}
	signer_deliveries_lost(s);
}

void signer_deliveries_free(struct signer *s)
{
	free(s->deliveries);
	s->deliveries = NULL;
}
