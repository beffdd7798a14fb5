/* One question over TCP and its stream of answers: see stream.h.  Network side; the peer is not
 * trusted: what is kept in memory is one buffer, whatever it sends, and how long it may take is
 * bounded three times. */
#include "inbound/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "inbound/exchange.h"

/* Also the slice that one stream reads before the others have their turn. */
#define STREAM_BUFFER ((size_t)128 * 1024)

struct stream {
	struct stream_hooks hooks;
	struct stream_times times;
	int fd;
	struct loop_watch *watch;
	struct loop_timer *timer;
	uint64_t deadline;  /* monotonic, for the whole */
	uint64_t wait_from; /* since when the present wait lasts, and for what */
	const char *wait_for;
	struct buf out;
	size_t sent;
	size_t have;
	uint8_t *in; /* STREAM_BUFFER octets */
};

/* Nothing of s may be touched behind this. */
static void stream_end(struct stream *s, const struct err *e)
{
	loop_watch_set(s->watch, 0);
	loop_timer_stop(s->timer);
	s->hooks.end(s->hooks.arg, e);
}

/* Wait at most ms for what wait_for names, and never past the deadline. */
static void stream_wait(struct stream *s, const char *wait_for, uint64_t ms)
{
	uint64_t now = clock_mono_ms();
	uint64_t left = s->deadline > now ? s->deadline - now : 0;

	s->wait_from = now;
	s->wait_for = wait_for;
	loop_timer_set(s->timer, ms < left ? ms : left);
}

static void stream_timeout(void *arg)
{
	struct stream *s = arg;
	uint64_t now = clock_mono_ms();
	struct err e;

	if (now >= s->deadline)
		err_set(&e, ERR_TIMEOUT, "timeout: not complete after %llu s",
		    (unsigned long long)s->times.total / 1000);
	else
		err_set(&e, ERR_TIMEOUT, "timeout: %s within %llu s", s->wait_for,
		    (unsigned long long)(now - s->wait_from + 500) / 1000);
	stream_end(s, &e);
}

static int stream_send(struct stream *s, struct err *e)
{
	while (s->sent < s->out.len) {
		ssize_t n = send(s->fd, s->out.data + s->sent, s->out.len - s->sent, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return OK;
		if (n < 0)
			return exchange_errno(e, errno);
		s->sent += (size_t)n;
	}
	loop_watch_set(s->watch, LOOP_READ);
	stream_wait(s, "no answer", s->times.idle);
	return OK;
}

static int stream_connected(struct stream *s, struct err *e)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	return error == 0 ? stream_send(s, e) : exchange_errno(e, error);
}

/* Hand over the whole messages in the buffer and keep what is left for the next time. */
static int stream_deliver(struct stream *s, struct err *e)
{
	const uint8_t *p = s->in, *end = s->in + s->have;
	int rc = OK;

	while (rc == OK && end - p >= 2 && end - p - 2 >= load_u16(p)) {
		uint16_t len = load_u16(p);

		rc = s->hooks.message(s->hooks.arg, p + 2, len, p + 2 + len < end, e);
		p += 2 + len;
	}
	if (rc == OK && p > s->in)
		stream_wait(s, "no further message", s->times.idle);
	s->have = (size_t)(end - p);
	memmove(s->in, p, s->have);
	return rc;
}

static int stream_receive(struct stream *s, struct err *e)
{
	ssize_t n = recv(s->fd, s->in + s->have, STREAM_BUFFER - s->have, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return OK;
	if (n < 0)
		return exchange_errno(e, errno);
	if (n == 0)
		return err_set(e, ERR_CLOSED, "the peer closed the connection before the end");
	s->have += (size_t)n;
	return stream_deliver(s, e);
}

static void stream_ready(void *arg, int fd, int io)
{
	struct stream *s = arg;
	struct err e = {0};
	int rc;

	(void)fd;
	if (io & LOOP_WRITE)
		rc = stream_connected(s, &e);
	else
		rc = stream_receive(s, &e);
	if (rc != OK)
		stream_end(s, &e);
}

struct stream *stream_open(struct loop *l, const struct peer *peer, const struct buf *query,
    const struct stream_times *times, const struct stream_hooks *hooks, struct err *e)
{
	int fd = exchange_socket(peer, SOCK_STREAM, e);
	struct stream *s;

	if (fd < 0)
		return NULL;
	s = mem_alloc(sizeof(*s));
	s->hooks = *hooks;
	s->times = *times;
	s->fd = fd;
	s->in = mem_alloc(STREAM_BUFFER);
	buf_lv16(&s->out, query->data, query->len);
	s->watch = loop_watch(l, fd, LOOP_WRITE, stream_ready, s);
	s->timer = loop_timer_new(l, stream_timeout, s);
	s->deadline = clock_mono_ms() + times->total;
	stream_wait(s, "no connection", times->connect);
	return s;
}

bool stream_has_asked(const struct stream *s)
{
	return s->sent > 0;
}

void stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	loop_watch_free(s->watch);
	loop_timer_free(s->timer);
	close(s->fd);
	buf_free(&s->out);
	free(s->in);
	free(s);
}
