/* A token that is reached through worker processes.  Runs in the signing side, in its loop; links
 * neither libp11 nor a PKCS#11 header.  Workers run vendors' code: what they send is checked, and
 * one that sends nonsense is treated as lost. */
#include "pkcs11/client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

static const struct token_driver client_driver;

struct token *token_open_client(
    struct loop *l, const char *name, uint64_t timeout_ms, token_lost_fn *lost, void *arg)
{
	struct client *c = mem_alloc(sizeof *c);

	c->base.driver = &client_driver;
	c->base.name = mem_strdup(name);
	c->loop = l;
	c->timer = loop_timer_new(l, client_timer, c);
	c->timeout_ms = timeout_ms;
	c->lost = lost;
	c->lost_arg = arg;
	for (unsigned i = 0; i < CLIENT_WORKERS; i++) {
		c->workers[i].client = c;
		c->workers[i].number = i;
		queue_init(&c->workers[i].sent);
	}
	for (unsigned lane = 0; lane < LANES; lane++)
		c->down_since[lane] = clock_mono_ms();
	for (unsigned class = 0; class < TOKEN_CLASSES; class ++) {
		line_init(&c->lines[class]);
		queue_init(&c->objects[class]);
	}
	queue_init(&c->failed);
	err_set(&c->why, ERR_AGAIN, "token %s: no worker is running yet", name);
	return &c->base;
}

static void free_queue(struct queue *q)
{
	for (struct pending *p; (p = queue_take(q)) != NULL;)
		pending_free(p);
}

static void client_close(struct token *t)
{
	struct client *c = (struct client *)t;

	for (unsigned i = 0; i < c->worker_count; i++) {
		channel_free(c->workers[i].channel);
		free_queue(&c->workers[i].sent);
	}
	for (unsigned class = 0; class < TOKEN_CLASSES; class ++) {
		free_queue(&c->lines[class].small);
		free_queue(&c->lines[class].large);
		free_queue(&c->objects[class]);
	}
	free_queue(&c->failed);
	loop_timer_free(c->timer);
	wire_room_free(&c->room);
	buf_free(&c->message);
	free(c->base.name);
	free(c);
}

/* c->reply is that of p. */
static void give_reply(struct client *c, struct pending *p)
{
	if (is_sign(p))
		c->sign_pending -= p->count;
	pending_answer(p, &c->reply);
}

void client_deliver(struct client *c, struct pending *p)
{
	memset(&c->reply, 0, sizeof c->reply);
	c->reply.op = p->request->op;
	c->reply.code = p->failure->code;
	c->reply.err = *p->failure;
	give_reply(c, p);
}

static void on_state(struct client_worker *w, struct reader *body)
{
	struct client *c = w->client;
	struct wire_state s;

	if (wire_get_state(body, &s) != OK) {
		client_detach(w, "it sent a malformed state");
		return;
	}
	w->state = s;
	w->said = true;
	if (!s.up)
		c->why = s.why;
	client_note_state(c);
	client_pump(c);
}

static void on_alive(struct client_worker *w, struct reader *body)
{
	uint32_t id = reader_u32(body);

	for (struct pending *p = w->sent.first; p != NULL; p = p->next)
		if (p->id == id)
			p->alive_at = clock_mono_ms();
}

/* was_busy: no session was idle. */
static void count_signatures(struct client *c, bool was_busy)
{
	unsigned good = 0;

	for (unsigned i = 0; i < c->reply.signature_count; i++)
		good += c->reply.signatures[i].code == OK;
	c->signatures += good;
	pace_add(&c->pace, c->reply.sign_us, good);
	if (was_busy)
		pace_add(&c->busy_pace, c->reply.sign_us, good);
}

/* The pump runs before fn, so that the worker is busy while fn looks at the signatures. */
static void answer(struct client_worker *w, struct pending *p, struct reader body)
{
	struct client *c = w->client;
	bool was_busy = c->sign_sent >= client_sessions(c);

	queue_take_id(&w->sent, p->id);
	client_sent_one_less(w, p);
	if (wire_get_reply(&body, &c->reply, &c->room) != OK || c->reply.op != p->request->op) {
		struct err e;
		err_set(&e, ERR_TOKEN, "token %s: worker %u sent a malformed reply", c->base.name,
		    w->number);
		client_fail(c, p, &e);
		client_detach(w, "it sent a malformed reply");
		c->lost(c->lost_arg, w->number);
		return;
	}
	if (is_sign(p))
		count_signatures(c, was_busy);
	client_pump(c);
	give_reply(c, p);
	wire_room_free(&c->room);
}

/* The token went away under it: not the request's fault. */
static bool put_off(struct client_worker *w, struct pending *p)
{
	struct client *c = w->client;

	if (!is_sign(p))
		return false;
	w->paused_until = clock_mono_ms() + WIRE_PAUSE_MS;
	queue_take_id(&w->sent, p->id);
	client_sent_one_less(w, p);
	if (client_try_again(c, p)) {
		client_pump(c);
		return true;
	}
	queue_append(&w->sent, p); /* the reply at hand is the last word */
	w->sent_count++;
	c->sign_sent++;
	return false;
}

static void on_reply(struct client_worker *w, struct reader *body)
{
	uint32_t id = reader_u32(body);
	uint8_t flags = reader_u8(body);
	struct pending *p = w->sent.first;
	size_t len = reader_left(body);

	while (p != NULL && p->id != id)
		p = p->next;
	if (body->failed || p == NULL) {
		client_detach(w, "it answered what it was not asked");
		return;
	}
	if ((flags & WIRE_AWAY) != 0 && put_off(w, p))
		return;
	p->alive_at = clock_mono_ms();
	if ((flags & WIRE_MORE) == 0 && p->reply.len == 0) {
		answer(w, p, *body); /* the usual case: nothing is copied */
		return;
	}
	p->reply.limit = WIRE_REPLY_MAX;
	buf_put(&p->reply, reader_bytes(body, len), len);
	if (p->reply.failed)
		client_detach(w, "its reply is too large");
	else if ((flags & WIRE_MORE) == 0)
		answer(w, p, reader_of(p->reply.data, p->reply.len));
}

static void on_message(void *arg, uint16_t type, struct reader *body, int fd)
{
	struct client_worker *w = arg;

	if (fd >= 0)
		close(fd);
	switch (type) {
	case 0:
		client_detach(w, "it ended");
		break;
	case WIRE_STATE:
		on_state(w, body);
		break;
	case WIRE_ALIVE:
		on_alive(w, body);
		break;
	case WIRE_REPLY:
		on_reply(w, body);
		break;
	default:
		client_detach(w, "it sent an unknown message");
	}
}

void client_detach(struct client_worker *w, const char *why)
{
	struct client *c = w->client;

	if (w->channel == NULL)
		return;
	channel_free(w->channel);
	w->channel = NULL;
	w->started = false;
	w->said = false;
	client_requeue(w, why);
	if (c->why.code == OK || w->state.up)
		err_set(&c->why, ERR_AGAIN, "token %s: worker %u was lost: %s", c->base.name,
		    w->number, why);
	memset(&w->state, 0, sizeof w->state);
	client_note_state(c);
	client_pump(c);
}

void token_client_attach(struct token *t, unsigned worker, int fd, unsigned sessions)
{
	struct client *c = (struct client *)t;
	struct client_worker *w;

	if (worker >= CLIENT_WORKERS) {
		log_error("token %s: worker %u is one too many, %d are possible", c->base.name,
		    worker, CLIENT_WORKERS);
		close(fd);
		return;
	}
	w = &c->workers[worker];
	client_detach(w, "another one came in its place");
	w->sessions = sessions > 0 ? sessions : 1;
	w->paused_until = 0;
	w->channel = channel_new(c->loop, fd, on_message, w);
	if (worker >= c->worker_count)
		c->worker_count = worker + 1;
	client_note_state(c);
}

void token_client_detach(struct token *t, unsigned worker)
{
	struct client *c = (struct client *)t;

	if (worker < CLIENT_WORKERS)
		client_detach(&c->workers[worker], "it died");
}

static void client_submit(
    struct token *t, const struct token_request *r, token_reply_fn *fn, void *arg)
{
	struct client *c = (struct client *)t;
	struct pending *p = request_new(r, ++c->last_id, fn, arg);
	struct err e;
	int rc = request_fill(p, r, &e);

	if (is_sign(p))
		c->sign_pending += p->count;
	if (rc != OK) {
		err_wrap(&e, "token %s", c->base.name);
		client_fail(c, p, &e);
		return;
	}
	queue_append(client_queue(c, p), p);
	client_pump(c);
	client_arm(c);
}

static unsigned client_pending(const struct token *t)
{
	return ((const struct client *)t)->sign_pending;
}

static unsigned client_window(const struct token *t)
{
	const struct client *c = (const struct client *)t;

	/* The batch: requests that are back in part are still out. */
	return client_window_parts(c) * client_part_size(c) + TOKEN_BATCH_MAX;
}

static double client_rate(const struct token *t)
{
	const struct client *c = (const struct client *)t;
	double us = pace_us(&c->busy_pace);

	if (us <= 0)
		us = pace_us(&c->pace);
	return us > 0 ? client_sessions(c) * 1e6 / us : 0;
}

static uint64_t client_count(const struct token *t)
{
	return ((const struct client *)t)->signatures;
}

static bool client_is_up(const struct token *t, char why[256])
{
	const struct client *c = (const struct client *)t;
	bool up = c->down_since[LANE_SIGN] == 0;

	if (why != NULL) {
		size_t len = up ? 0 : strnlen(c->why.text, 255);
		memcpy(why, c->why.text, len);
		why[len] = '\0';
	}
	return up;
}

static const struct token_driver client_driver = {
    client_submit,
    client_pending,
    client_window,
    client_rate,
    client_count,
    client_is_up,
    client_close,
};
