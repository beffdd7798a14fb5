/* The control socket: connections of operators, their credentials, their lines.
 * Runs in the signing side.  A connection carries one command: a line with the request, then lines
 * with answers ({"out": text}, {"err": text}, {"progress": {...}}, at last {"exit": status}).
 *
 * A connection: accept -> credentials -> (request within REQUEST_MS) -> the verb's function ->
 * answers
 * -> exit, all of it sent -> close.  Whoever does not read for STALL_MS or lets more than QUEUE_MAX
 * pile up is cut off; the call goes on and ends by itself. */
#include "ops/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"

#define CLIENTS_MAX 64
#define REQUEST_MAX (2 * VERB_VALUE_MAX) /* a text grows when it becomes JSON */
#define REQUEST_MS 30000
#define STALL_MS 60000
#define QUEUE_MAX (256u << 20)
#define ACCEPT_PAUSE_MS 500
#define GROUPS_MAX 1024

struct handler {
	ops_verb_fn *fn;
	void *arg;
};

struct ops {
	struct loop *loop;
	struct handler *handlers; /* one per verb of the table */
	int fd;
	gid_t gid;
	struct loop_watch *watch;
	struct loop_timer *resume; /* accepting again */
	struct ops_client *clients;
	unsigned client_count;
};

struct ops_client {
	struct ops *ops;
	struct ops_client *next, **link;
	int fd;
	struct loop_watch *watch;
	struct loop_timer *timer; /* request, stall; 0: free it, being dead */
	struct buf in, out;
	size_t sent;	       /* octets of `out` */
	struct ops_call *call; /* NULL: no request yet, or it has ended */
	bool has_request;      /* what follows it is not looked at */
	bool is_finished;      /* nothing will be added to `out` */
	bool is_closed;	       /* nothing more comes in */
	bool is_dead;
	char requester[40];
};

/* Connections */

static void client_free(struct ops_client *c)
{
	struct ops *o = c->ops;
	struct ops_call *call = c->call;

	*c->link = c->next;
	if (c->next != NULL)
		c->next->link = c->link;
	if (o->client_count-- == CLIENTS_MAX && o->watch != NULL)
		loop_watch_set(o->watch, LOOP_READ);
	loop_watch_free(c->watch);
	loop_timer_free(c->timer);
	close(c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
	if (call != NULL)
		call_lost(call);
}

/* Freed from the loop, never under a function that is using it. */
static void client_die(struct ops_client *c)
{
	c->is_dead = true;
	loop_watch_set(c->watch, 0);
	loop_timer_set(c->timer, 0);
}

bool client_is_dead(const struct ops_client *c)
{
	return c->is_dead;
}

size_t client_queued(const struct ops_client *c)
{
	return c->out.len - c->sent;
}

static void client_watch(struct ops_client *c)
{
	loop_watch_set(
	    c->watch, (c->is_closed ? 0 : LOOP_READ) | (client_queued(c) > 0 ? LOOP_WRITE : 0));
}

void client_nudge(struct ops_client *c)
{
	if (!c->is_dead)
		loop_watch_set(c->watch, (c->is_closed ? 0 : LOOP_READ) | LOOP_WRITE);
}

static void client_flush(struct ops_client *c)
{
	size_t before = c->sent;

	while (client_queued(c) > 0) {
		ssize_t n = send(
		    c->fd, c->out.data + c->sent, client_queued(c), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			client_die(c);
			return;
		}
		if (n < 0)
			break;
		c->sent += (size_t)n;
	}
	if (client_queued(c) > 0) {
		if (c->sent > before || before == 0)
			loop_timer_set(c->timer, STALL_MS);
	} else {
		buf_reset(&c->out);
		c->sent = 0;
		if (c->has_request)
			loop_timer_stop(c->timer);
		if (c->is_finished) {
			client_die(c);
			return;
		}
	}
	client_watch(c);
}

static int queue_text(const char *text, size_t len, void *out)
{
	buf_put(out, text, len);
	return 0;
}

void client_send(struct ops_client *c, json_t *reply)
{
	bool is_idle = client_queued(c) == 0;

	if (c->is_dead || reply == NULL) {
		json_decref(reply);
		return;
	}
	if (c->sent > 65536 && c->sent > c->out.len / 2) {
		memmove(c->out.data, c->out.data + c->sent, client_queued(c));
		c->out.len -= c->sent;
		c->sent = 0;
	}
	json_dump_callback(reply, queue_text, &c->out, JSON_COMPACT);
	json_decref(reply);
	buf_put(&c->out, "\n", 1);
	if (c->out.failed) {
		log_warning("%s does not read its answer: cut off", c->requester);
		client_die(c);
	} else if (is_idle) {
		client_flush(c);
	}
}

void client_finish(struct ops_client *c, int status)
{
	c->call = NULL;
	c->is_finished = true;
	client_send(c, json_pack("{s:i}", "exit", status));
}

static void client_refuse(struct ops_client *c, int status, const char *text)
{
	log_notice("%s: %s", c->requester, text);
	c->has_request = true;
	client_send(c, json_pack("{s:s}", "err", text));
	client_finish(c, status);
}

/* Requests */

static bool is_quiet(const struct verb *v)
{
	return verb_option(v, "json", 4) != NULL && verb_option(v, "dry-run", 7) == NULL;
}

static void call_start(struct ops_client *c, struct ops_call *call)
{
	const struct verb *v = call->given.verb;
	const struct handler *h = &c->ops->handlers[v - verbs];
	struct buf words = {0};

	request_text(call, &words);
	if (!words.failed)
		(is_quiet(v) ? log_debug : log_notice)("%s: %s", c->requester, words.data);
	buf_free(&words);
	call->client = c;
	c->call = call;
	if (h->fn == NULL)
		ops_fail(call, "%s: not available in this version", v->name);
	else
		h->fn(h->arg, call);
}

static void client_request(struct ops_client *c, size_t len)
{
	struct ops_call *call = mem_alloc(sizeof(*call));
	struct err e;
	int code;

	c->has_request = true;
	loop_timer_stop(c->timer);
	snprintf(call->requester, sizeof(call->requester), "%s", c->requester);
	code = request_read(call, c->in.data, len, &e);
	buf_free(&c->in);
	if (code == OK) {
		call_start(c, call);
		return;
	}
	call_free(call);
	client_refuse(c, 2, e.text);
}

/* The other end closed its sending half; has it closed the other as well? */
static void client_ended(struct ops_client *c)
{
	struct pollfd p = {.fd = c->fd};

	c->is_closed = true;
	if (!c->has_request || (poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR))))
		client_die(c);
	else
		client_watch(c);
}

static void client_read(struct ops_client *c)
{
	uint8_t chunk[65536];
	ssize_t n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	size_t before = c->in.len;
	const uint8_t *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_ended(c);
		return;
	}
	if (c->has_request)
		return;
	buf_put(&c->in, chunk, (size_t)n);
	if (c->in.failed) {
		client_refuse(
		    c, 2, "the request is too large; a text of zones can be 16 MiB at most");
		return;
	}
	end = memchr(c->in.data + before, '\n', (size_t)n);
	if (end != NULL)
		client_request(c, (size_t)(end - c->in.data));
}

static void client_io(void *arg, int fd, int io)
{
	struct ops_client *c = arg;

	(void)fd;
	if (io & LOOP_WRITE) {
		client_flush(c);
		if (!c->is_dead && c->call != NULL && !ops_is_full(c->call))
			call_drained(c->call);
	}
	if ((io & LOOP_READ) && !c->is_dead)
		client_read(c);
}

static void client_timeout(void *arg)
{
	struct ops_client *c = arg;

	if (!c->is_dead)
		log_notice("%s: %s: cut off", c->requester,
		    c->has_request ? "does not read its answer" : "sends no request");
	client_free(c);
}

/* Credentials */

static bool is_in_group(int fd, gid_t primary, gid_t gid)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (gid == (gid_t)-1)
		return false;
	if (primary == gid)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++) {
		if (groups[i] == gid)
			return true;
	}
	return false;
}

static void client_new(struct ops *o, int fd)
{
	struct ops_client *c = mem_alloc(sizeof(*c));
	struct ucred who;
	socklen_t len = sizeof(who);
	bool is_known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0;

	c->ops = o;
	c->fd = fd;
	c->in.limit = REQUEST_MAX;
	c->out.limit = QUEUE_MAX;
	c->watch = loop_watch(o->loop, fd, LOOP_READ, client_io, c);
	c->timer = loop_timer_new(o->loop, client_timeout, c);
	c->next = o->clients;
	c->link = &o->clients;
	if (c->next != NULL)
		c->next->link = &c->next;
	o->clients = c;
	if (++o->client_count == CLIENTS_MAX)
		loop_watch_set(o->watch, 0);
	snprintf(c->requester, sizeof(c->requester), "uid %ld%s", is_known ? (long)who.uid : -1L,
	    is_known && who.uid == 0 ? " (root)" : "");
	if (is_known && (who.uid == 0 || who.uid == geteuid() || is_in_group(fd, who.gid, o->gid)))
		loop_timer_set(c->timer, REQUEST_MS);
	else
		client_refuse(c, 1,
		    "you may not command intagliod: only root, its own user and members of its "
		    "group may");
}

/* The listening socket */

static void ops_accept(void *arg, int fd, int io)
{
	struct ops *o = arg;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)io;
	if (client >= 0) {
		client_new(o, client);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		log_error("accepting on the control socket: %s", strerror(errno));
		loop_watch_set(o->watch, 0);
		loop_timer_set(o->resume, ACCEPT_PAUSE_MS);
	}
}

static void ops_resume(void *arg)
{
	struct ops *o = arg;

	if (o->watch != NULL && o->client_count < CLIENTS_MAX)
		loop_watch_set(o->watch, LOOP_READ);
}

static void ops_close(struct ops *o)
{
	loop_watch_free(o->watch);
	o->watch = NULL;
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}

struct ops *ops_new(struct loop *l)
{
	struct ops *o = mem_alloc(sizeof(*o));
	size_t count = 0;

	while (verbs[count].name != NULL)
		count++;
	o->loop = l;
	o->fd = -1;
	o->handlers = mem_array(count, sizeof(o->handlers[0]));
	o->resume = loop_timer_new(l, ops_resume, o);
	return o;
}

void ops_free(struct ops *o)
{
	if (o == NULL)
		return;
	ops_close(o);
	while (o->clients != NULL)
		client_free(o->clients);
	loop_timer_free(o->resume);
	free(o->handlers);
	free(o);
}

void ops_listen(struct ops *o, int fd, gid_t gid)
{
	ops_close(o);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	o->fd = fd;
	o->gid = gid;
	o->watch =
	    loop_watch(o->loop, fd, o->client_count < CLIENTS_MAX ? LOOP_READ : 0, ops_accept, o);
}

void ops_register(struct ops *o, const char *verb, ops_verb_fn *fn, void *arg)
{
	const struct verb *v = verb_find(verb);

	if (v == NULL) {
		log_error("\"%s\" is not in the table of verbs: nobody can say it", verb);
		return;
	}
	o->handlers[v - verbs] = (struct handler){fn, arg};
}
