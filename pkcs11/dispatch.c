/* Which worker gets which request, the watchdog, and what becomes of requests when workers are
 * lost. Runs in the signing side. */
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "pkcs11/client.h"

#define ATTEMPTS_MAX 4	     /* a batch that takes its worker down each time is given up */
#define START_GRACE_MS 30000 /* loading a module and logging in, beside the time-out */
#define GENERATE_FACTOR 4    /* large RSA keys take long, in one call */
#define TICK_MAX_MS 1000
#define PART_US 20000	   /* a session's work in one part: an urgent request waits for it */
#define PART_LEAST_US 1000 /* a smaller part would cost more than it gains */
#define PART_FIRST 8	   /* signatures, while their pace is not known */

struct queue *client_queue(struct client *c, const struct pending *p)
{
	enum token_class class = p->request->class;

	return is_sign(p) ? line_of(&c->lines[class], p) : &c->objects[class];
}

static bool is_up(const struct client_worker *w)
{
	return w->channel != NULL && w->said && w->state.up;
}

static bool is_starting(const struct client_worker *w)
{
	return w->channel != NULL && !w->said;
}

/* Does this lane have a worker in that condition? */
static bool lane_has(
    struct client *c, enum lane lane, bool (*condition)(const struct client_worker *))
{
	unsigned count = lane == LANE_OBJECT ? c->worker_count > 0 : c->worker_count;

	for (unsigned i = 0; i < count; i++)
		if (condition(&c->workers[i]))
			return true;
	return false;
}

static bool is_final(const struct client_worker *w)
{
	return w->channel != NULL && w->said && w->state.final;
}

/* A second worker logs in only after the first one's PIN proved right: a wrong one costs one try.
 */
static void start_workers(struct client *c)
{
	static uint8_t go[] = {1};
	struct buf body = {.data = go, .len = sizeof go};

	for (unsigned i = 0; i < c->worker_count; i++) {
		struct client_worker *w = &c->workers[i];
		c->pin_proved = c->pin_proved || is_up(w);
		if (w->channel == NULL || w->started || (i > 0 && !c->pin_proved))
			continue;
		w->started = true;
		w->since = clock_mono_ms();
		channel_send(w->channel, WIRE_START, &body, -1);
	}
}

void client_note_state(struct client *c)
{
	bool was_up = c->down_since[LANE_SIGN] == 0;

	start_workers(c);
	for (unsigned lane = 0; lane < LANES; lane++) {
		if (lane_has(c, lane, is_up))
			c->down_since[lane] = 0;
		else if (c->down_since[lane] == 0)
			c->down_since[lane] = clock_mono_ms();
	}
	if (was_up && c->down_since[LANE_SIGN] != 0)
		log_warning("token %s: is down: %s", c->base.name, c->why.text);
	if (!was_up && c->down_since[LANE_SIGN] == 0)
		log_notice("token %s: is up", c->base.name);
	client_arm(c);
}

unsigned client_sessions(const struct client *c)
{
	unsigned sessions = 0;

	for (unsigned i = 0; i < c->worker_count; i++)
		sessions += c->workers[i].sessions;
	return sessions;
}

/* Parts at a worker: one per session, and as many waiting as sessions become free before we have
 * noticed. */
static unsigned parts_at(const struct client_worker *w)
{
	return w->sessions + w->sessions / 2 + 1;
}

/* ... and as many with us. */
unsigned client_window_parts(const struct client *c)
{
	unsigned parts = client_sessions(c);

	for (unsigned i = 0; i < c->worker_count; i++)
		parts += parts_at(&c->workers[i]);
	return parts;
}

unsigned client_part_size(const struct client *c)
{
	double us = pace_us(&c->pace);

	if (us <= 0)
		return PART_FIRST;
	if (us * TOKEN_BATCH_MAX <= PART_US)
		return TOKEN_BATCH_MAX;
	return us < PART_US ? (unsigned)(PART_US / us) : 1;
}

/* What there is, is for all sessions; but a part costs messages, whatever is in it. */
static unsigned share_of(const struct client *c, const struct queue *q)
{
	unsigned sessions = client_sessions(c), most = client_part_size(c);
	unsigned share = (q->items + sessions - 1) / sessions;
	unsigned least = most * PART_LEAST_US / PART_US;

	share = share > least ? share : least;
	return share < most ? share : most;
}

/* A key generation can take seconds: what other workers can take is not put behind it. */
static unsigned limit_of(struct client *c, const struct client_worker *w)
{
	if (!w->object_call)
		return parts_at(w);
	for (unsigned i = 0; i < c->worker_count; i++)
		if (w != &c->workers[i] && is_up(&c->workers[i]))
			return w->sessions;
	return w->sessions + 2;
}

static struct client_worker *least_busy(struct client *c, uint64_t now)
{
	struct client_worker *best = NULL;

	for (unsigned i = 0; i < c->worker_count; i++) {
		struct client_worker *w = &c->workers[i];
		if (!is_up(w) || now < w->paused_until || w->sent_count >= limit_of(c, w))
			continue;
		if (best == NULL || w->sent_count * best->sessions < best->sent_count * w->sessions)
			best = w;
	}
	return best;
}

/* Challenges for keys are for the worker that made or listed them, while there is one: another
 * would have to look for each new key, and that takes some tokens as long as they have objects. */
static struct client_worker *worker_for(struct client *c, enum token_class class, uint64_t now)
{
	struct client_worker *keeper = &c->workers[0];

	if (class != TOKEN_KEYSET || !is_up(keeper) || now < keeper->paused_until)
		return least_busy(c, now);
	return keeper->sent_count < parts_at(keeper) ? keeper : NULL;
}

static void note_served(struct client_worker *w, uint64_t now)
{
	struct pending *p = w->sent.first;

	for (unsigned i = 0; p != NULL && i < w->sessions; i++, p = p->next)
		if (p->alive_at == 0)
			p->alive_at = now;
}

static void send_to(struct client_worker *w, struct pending *p, uint64_t now)
{
	struct client *c = w->client;

	p->alive_at = 0;
	buf_reset(&p->reply);
	queue_append(&w->sent, p);
	w->sent_count++;
	note_served(w, now);
	if (is_sign(p)) {
		p->id = ++c->last_id;
		c->sign_sent++;
	} else {
		w->object_call = true;
	}
	buf_reset(&c->message);
	pending_encode(p, &c->message);
	channel_send(w->channel, WIRE_REQUEST, &c->message, -1);
}

void client_sent_one_less(struct client_worker *w, const struct pending *p)
{
	w->sent_count--;
	if (is_sign(p))
		w->client->sign_sent--;
	else
		w->object_call = false;
	note_served(w, clock_mono_ms());
}

void client_pump(struct client *c)
{
	struct client_worker *keeper = &c->workers[0], *w;
	uint64_t now = clock_mono_ms();

	for (unsigned class = 0; class < TOKEN_CLASSES; class ++) {
		struct queue *q = &c->objects[class];
		/* one at a time: their order counts */
		if (!queue_is_empty(q) && is_up(keeper) && !keeper->object_call)
			send_to(keeper, queue_take(q), now);
	}
	for (unsigned class = 0; class < TOKEN_CLASSES; class ++) {
		struct queue *q;
		while ((q = line_turn(&c->lines[class])) != NULL) {
			w = worker_for(c, class, now);
			if (w == NULL && class == TOKEN_KEYSET)
				break;
			if (w == NULL)
				return;
			struct pending *p = queue_take_part(q, share_of(c, q));
			line_note(&c->lines[class], q, p->count);
			send_to(w, p, now);
		}
	}
}

void client_fail(struct client *c, struct pending *p, const struct err *e)
{
	p->failure = mem_alloc(sizeof *p->failure);
	*p->failure = *e;
	queue_append(&c->failed, p);
	client_arm(c);
}

bool client_try_again(struct client *c, struct pending *p)
{
	struct queue front;

	if (++p->attempts >= ATTEMPTS_MAX)
		return false;
	queue_init(&front);
	queue_append(&front, p);
	queue_put_before(client_queue(c, p), &front);
	client_arm(c);
	return true;
}

void client_requeue(struct client_worker *w, const char *why)
{
	struct client *c = w->client;
	struct line again[TOKEN_CLASSES];
	struct pending *p;
	struct err e;

	for (unsigned i = 0; i < TOKEN_CLASSES; i++)
		line_init(&again[i]);
	while ((p = queue_take(&w->sent)) != NULL) {
		client_sent_one_less(w, p);
		if (is_sign(p) && ++p->attempts < ATTEMPTS_MAX) {
			queue_append(line_of(&again[p->request->class], p), p);
			continue;
		}
		err_set(&e, ERR_AGAIN,
		    "token %s: worker %u was lost while it had to %s (%s); whether that happened "
		    "has to be looked up",
		    c->base.name, w->number, token_op_name(p->request->op), why);
		client_fail(c, p, &e);
	}
	for (unsigned i = 0; i < TOKEN_CLASSES; i++) {
		queue_put_before(&c->lines[i].small, &again[i].small);
		queue_put_before(&c->lines[i].large, &again[i].large);
	}
}

/* A call of it hangs, or it never came up. */
static bool is_hanging(const struct client_worker *w, uint64_t now)
{
	uint64_t timeout = w->client->timeout_ms;

	if (w->channel == NULL || !w->started)
		return false;
	if (!w->said)
		return now - w->since > timeout + START_GRACE_MS;
	for (const struct pending *p = w->sent.first; p != NULL && p->alive_at != 0; p = p->next) {
		uint64_t patience =
		    p->request->op == TOKEN_GENERATE ? timeout * GENERATE_FACTOR : timeout;
		if (now > p->alive_at && now - p->alive_at > patience)
			return true;
	}
	return false;
}

static void look_for_hanging(struct client *c, uint64_t now)
{
	for (unsigned i = 0; i < c->worker_count; i++) {
		if (!is_hanging(&c->workers[i], now))
			continue;
		log_error("token %s: worker %u has not answered for %llu ms; it is given up",
		    c->base.name, i, (unsigned long long)c->timeout_ms);
		client_detach(&c->workers[i], "a call did not return in time");
		c->lost(c->lost_arg, i);
	}
}

static void fail_all(struct client *c, struct queue *q, const struct err *e)
{
	for (struct pending *p; (p = queue_take(q)) != NULL;)
		client_fail(c, p, e);
}

/* With nobody to serve a lane its requests wait for a while, then they fail with the reason. */
static void expire_lane(struct client *c, enum lane lane, uint64_t now)
{
	bool final = lane_has(c, lane, is_final);
	struct err e;

	if (c->down_since[lane] == 0 || (!final && lane_has(c, lane, is_starting)) ||
	    (!final && now - c->down_since[lane] <= c->timeout_ms))
		return;
	e = c->why;
	if (e.code == OK)
		err_set(&e, ERR_AGAIN, "token %s: no worker is running", c->base.name);
	for (unsigned class = 0; class < TOKEN_CLASSES; class ++) {
		if (lane == LANE_OBJECT) {
			fail_all(c, &c->objects[class], &e);
			continue;
		}
		fail_all(c, &c->lines[class].small, &e);
		fail_all(c, &c->lines[class].large, &e);
	}
}

static bool has_queued(const struct client *c)
{
	for (unsigned class = 0; class < TOKEN_CLASSES; class ++)
		if (!line_is_empty(&c->lines[class]) || !queue_is_empty(&c->objects[class]))
			return true;
	return false;
}

static bool needs_watch(const struct client *c)
{
	for (unsigned i = 0; i < c->worker_count; i++) {
		const struct client_worker *w = &c->workers[i];
		if (w->sent_count > 0 || (is_starting(w) && w->started))
			return true;
	}
	return has_queued(c);
}

/* The clock ticks only while there is something to wait for. */
void client_arm(struct client *c)
{
	uint64_t tick = c->timeout_ms / 4 + 1;

	if (queue_is_empty(&c->failed)) {
		if (c->armed || !needs_watch(c))
			return;
		loop_timer_set(c->timer, tick < TICK_MAX_MS ? tick : TICK_MAX_MS);
	} else {
		loop_timer_set(c->timer, 0);
	}
	c->armed = true;
}

void client_timer(void *arg)
{
	struct client *c = arg;
	uint64_t now = clock_mono_ms();
	struct queue telling;

	c->armed = false;
	look_for_hanging(c, now);
	for (unsigned lane = 0; lane < LANES; lane++)
		expire_lane(c, lane, now);
	queue_init(&telling); /* what fails meanwhile is told the next time */
	queue_put_before(&telling, &c->failed);
	client_pump(c);
	client_arm(c);
	for (struct pending *p; (p = queue_take(&telling)) != NULL;)
		client_deliver(c, p);
}
