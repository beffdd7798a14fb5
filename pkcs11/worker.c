/* The token worker: a process that holds a PIN and a vendor's module, and nothing else.  Its main
 * thread connects and says how things are; `sessions` threads each take a request from the socket,
 * serve it and answer.  Requests come from the signing side and are checked all the same.
 *
 * After an error that will not go away it stays and answers every request with that error: a worker
 * that is started again and again would burn the tries of a PIN. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "pkcs11/local.h"
#include "pkcs11/wire.h"

#define ALIVE_MS 500
#define FAREWELL_MS 2000 /* for threads that are in a vendor's call when the client goes */

struct servant {
	struct worker *worker;
	pthread_t thread;
	struct session session;
	struct work work;
	struct wire_room room;
	struct token_request request;
	struct token_reply reply;
	struct buf out, piece;
	uint32_t id; /* of the request in work */
	uint8_t in[MSG_MAX];
};

struct worker {
	struct local *l;
	int fd;
	struct servant *servants;
	unsigned count;
	unsigned gone; /* under l->state */
};

static void say_alive(void *arg)
{
	struct servant *v = arg;
	uint8_t id[4];

	store_u32(id, v->id);
	msg_send_blocking(v->worker->fd, WIRE_ALIVE, id, sizeof id);
}

static bool send_pieces(struct servant *v)
{
	uint8_t away =
	    v->reply.code != OK && !token_is_up(&v->worker->l->base, NULL) ? WIRE_AWAY : 0;
	size_t at = 0, len;

	do {
		len = v->out.len - at < WIRE_PIECE ? v->out.len - at : WIRE_PIECE;
		buf_reset(&v->piece);
		buf_u32(&v->piece, v->id);
		buf_u8(&v->piece, away | (at + len < v->out.len ? WIRE_MORE : 0));
		buf_put(&v->piece, v->out.data + at, len);
		if (v->piece.failed ||
		    msg_send_blocking(v->worker->fd, WIRE_REPLY, v->piece.data, v->piece.len) != 0)
			return false;
		at += len;
	} while (at < v->out.len);
	return true;
}

static void too_large(struct servant *v)
{
	struct token_reply *r = &v->reply;

	memset(r, 0, sizeof *r);
	r->op = v->request.op;
	r->code = err_set(
	    &r->err, ERR_LIMIT, "token %s: the reply is too large", v->worker->l->base.name);
	buf_reset(&v->out);
	wire_put_reply(&v->out, r);
}

static bool serve(struct servant *v, struct reader *body)
{
	if (wire_get_request(body, &v->id, &v->request, &v->room) != OK) {
		log_error("token %s: a malformed request came from the signing side",
		    v->worker->l->base.name);
		return false;
	}
	call_watch(say_alive, v, ALIVE_MS);
	local_execute(v->worker->l, &v->session, &v->work, &v->request, &v->reply);
	call_watch(NULL, NULL, 0);
	buf_reset(&v->out);
	v->out.limit = WIRE_REPLY_MAX;
	wire_put_reply(&v->out, &v->reply);
	if (v->out.failed)
		too_large(v);
	return send_pieces(v);
}

static void *servant_main(void *arg)
{
	struct servant *v = arg;
	struct local *l = v->worker->l;
	bool good = true;

	while (good) {
		uint16_t type;
		ssize_t len = msg_recv_blocking(v->worker->fd, &type, v->in, sizeof v->in);
		if (len < 0 || type == 0)
			break;
		struct reader body = reader_of(v->in, (size_t)len);
		if (type == WIRE_REQUEST)
			good = serve(v, &body);
	}
	pthread_mutex_lock(&l->state);
	v->worker->gone++;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->state);
	return NULL;
}

static void announce(struct worker *w, const struct wire_state *s)
{
	struct buf out = {0};

	wire_put_state(&out, s);
	if (!out.failed)
		msg_send_blocking(w->fd, WIRE_STATE, out.data, out.len);
	buf_free(&out);
}

static bool same_state(const struct wire_state *a, const struct wire_state *b)
{
	return a->up == b->up && a->final == b->final && a->why.code == b->why.code &&
	       strcmp(a->why.text, b->why.text) == 0;
}

static void wait_changed(struct local *l, uint64_t until_ms)
{
	struct timespec ts = {(time_t)(until_ms / 1000), (long)(until_ms % 1000) * 1000000};

	pthread_cond_timedwait(&l->changed, &l->state, &ts);
}

/* Reconnect when it is time, and say what changed, until the threads are gone. */
static void attend(struct worker *w)
{
	struct wire_state said = {.why.code = OK}, now;
	struct local *l = w->l;
	struct err ignored;
	uint64_t leaving = 0;
	bool first = true;

	pthread_mutex_lock(&l->state);
	while (w->gone < w->count && (leaving == 0 || clock_mono_ms() < leaving)) {
		now = (struct wire_state){l->up, l->final, l->why};
		if (w->gone > 0 && leaving == 0)
			leaving = clock_mono_ms() + FAREWELL_MS;
		if (leaving == 0 && (first || !same_state(&said, &now))) {
			said = now;
			first = false;
			pthread_mutex_unlock(&l->state);
			announce(w, &now);
			pthread_mutex_lock(&l->state);
			continue;
		}
		if (leaving == 0 && !l->up && !l->final && clock_mono_ms() >= l->retry_at) {
			pthread_mutex_unlock(&l->state);
			ladder_connect(l, &ignored);
			pthread_mutex_lock(&l->state);
			continue;
		}
		wait_changed(l, leaving != 0	    ? leaving
				: l->up || l->final ? clock_mono_ms() + 60000
						    : l->retry_at);
	}
	pthread_mutex_unlock(&l->state);
}

/* False when the client has gone before. */
static bool await_start(int fd)
{
	uint8_t body[16];
	uint16_t type;

	return msg_recv_blocking(fd, &type, body, sizeof body) >= 0 && type == WIRE_START;
}

static void free_servant(struct servant *v)
{
	work_free(&v->work);
	wire_room_free(&v->room);
	buf_free(&v->out);
	buf_free(&v->piece);
}

static int start_servants(struct worker *w, unsigned sessions, struct err *e)
{
	w->servants = mem_array(sessions, sizeof w->servants[0]);
	for (unsigned i = 0; i < sessions; i++) {
		struct servant *v = &w->servants[i];
		v->worker = w;
		errno = pthread_create(&v->thread, NULL, servant_main, v);
		if (errno != 0)
			return err_sys(e, "token %s: starting a thread", w->l->base.name);
		w->count++;
	}
	return OK;
}

int token_worker_run(
    const struct token_settings *s, const struct secret *pin, int fd, struct err *e)
{
	struct worker w = {.fd = fd};
	struct err why;
	int rc;

	if (!await_start(fd))
		return OK;
	w.l = local_new(s, pin);
	w.l->background = true;
	if (pin->len == 0)
		ladder_give_up(w.l, e);
	else if (ladder_connect(w.l, &why) == OK)
		log_notice("token %s: logged in, %u sessions", s->name, s->sessions);
	rc = start_servants(&w, s->sessions > 0 ? s->sessions : 1, e);
	attend(&w);
	if (w.gone < w.count)
		return rc; /* a call hangs: the process ends with it */
	for (unsigned i = 0; i < w.count; i++) {
		pthread_join(w.servants[i].thread, NULL);
		free_servant(&w.servants[i]);
	}
	free(w.servants);
	local_free(w.l);
	return rc;
}
