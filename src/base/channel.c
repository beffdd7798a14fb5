/* Typed messages over a SOCK_SEQPACKET socketpair: see msg.h.  What arrives may come from a process
 * that was taken over: lengths and types are checked by the readers, a message without a type ends
 * the channel. */
#include "base/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#define MSG_BURST 64 /* messages read before others have their turn */

struct outgoing {
	struct outgoing *next;
	int fd;
	size_t len;
	uint8_t data[];
};

struct channel {
	int fd;
	struct loop_watch *watch;
	channel_fn *fn;
	void *arg;
	struct outgoing *first, **last;
	size_t queued;
	bool reading; /* inside channel_read: */
	bool doomed;  /* freed by its own fn, the memory goes at the end of channel_read */
	uint8_t in[MSG_MAX + 2];
};

int msg_pair(int out[2])
{
	int size = 1024 * 1024;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out) != 0)
		return ERR_SYSTEM;
	for (int i = 0; i < 2; i++)
		setsockopt(out[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return OK;
}

static ssize_t receive(int fd, uint8_t *data, size_t size, int flags, int *passed)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {data, size};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof(control.space)};
	struct cmsghdr *c;
	ssize_t n;

	*passed = -1;
	do
		n = recvmsg(fd, &m, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(passed, CMSG_DATA(c), sizeof(int));
	if (n >= 0 && (m.msg_flags & MSG_TRUNC) != 0) {
		errno = EMSGSIZE;
		n = -1;
	}
	return n;
}

static ssize_t transmit(int fd, const struct iovec *iov, size_t count, int flags, int passed)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = {.msg_iov = (struct iovec *)iov, .msg_iovlen = count};
	ssize_t n;

	if (passed >= 0) {
		memset(&control, 0, sizeof(control));
		m.msg_control = control.space;
		m.msg_controllen = sizeof(control.space);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &passed, sizeof(int));
	}
	do
		n = sendmsg(fd, &m, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n;
}

static void outgoing_drop(struct channel *c)
{
	struct outgoing *o = c->first;

	c->first = o->next;
	if (c->first == NULL)
		c->last = &c->first;
	c->queued--;
	if (o->fd >= 0)
		close(o->fd);
	free(o);
}

static void channel_flush(struct channel *c)
{
	while (c->first != NULL) {
		struct iovec iov = {c->first->data, c->first->len};

		if (transmit(c->fd, &iov, 1, MSG_DONTWAIT, c->first->fd) < 0 &&
		    (errno == EAGAIN || errno == ENOBUFS))
			return;
		/* Any other failure means that the other end is gone: reading will say so. */
		outgoing_drop(c);
	}
	loop_watch_set(c->watch, LOOP_READ);
}

/* One message, or the end: false when there is nothing more to read now. */
static bool channel_read_one(struct channel *c)
{
	struct reader body = reader_of(NULL, 0);
	int passed;
	ssize_t n = receive(c->fd, c->in, sizeof(c->in), MSG_DONTWAIT, &passed);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return false;
	if (n >= 2 && load_u16(c->in) != 0) {
		body = reader_of(c->in + 2, (size_t)n - 2);
		c->fn(c->arg, load_u16(c->in), &body, passed);
		return !c->doomed;
	}
	if (n > 0 || (n < 0 && errno != ECONNRESET))
		log_error("a message between processes cannot be read: %s",
		    n < 0 ? strerror(errno) : "no type");
	if (passed >= 0)
		close(passed);
	loop_watch_free(c->watch);
	c->watch = NULL;
	c->fn(c->arg, 0, &body, -1);
	return false;
}

static void channel_read(struct channel *c)
{
	c->reading = true;
	for (int i = 0; i < MSG_BURST && channel_read_one(c); i++)
		;
	c->reading = false;
	if (c->doomed)
		free(c);
}

static void channel_ready(void *arg, int fd, int io)
{
	struct channel *c = arg;

	(void)fd;
	if (io & LOOP_WRITE)
		channel_flush(c);
	if (io & LOOP_READ)
		channel_read(c); /* may free c */
}

struct channel *channel_new(struct loop *l, int fd, channel_fn *fn, void *arg)
{
	struct channel *c = mem_alloc(sizeof(*c));

	c->fd = fd;
	c->fn = fn;
	c->arg = arg;
	c->last = &c->first;
	c->watch = loop_watch(l, fd, LOOP_READ, channel_ready, c);
	return c;
}

void channel_free(struct channel *c)
{
	if (c == NULL)
		return;
	while (c->first != NULL)
		outgoing_drop(c);
	loop_watch_free(c->watch);
	c->watch = NULL;
	close(c->fd);
	if (c->reading)
		c->doomed = true;
	else
		free(c);
}

static void channel_queue(struct channel *c, const uint8_t type[2], const struct buf *body, int fd)
{
	size_t len = body == NULL ? 0 : body->len;
	struct outgoing *o = mem_alloc(sizeof(*o) + 2 + len);

	o->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	o->len = 2 + len;
	memcpy(o->data, type, 2);
	if (len > 0)
		memcpy(o->data + 2, body->data, len);
	*c->last = o;
	c->last = &o->next;
	c->queued++;
	loop_watch_set(c->watch, LOOP_READ | LOOP_WRITE);
}

void channel_send(struct channel *c, uint16_t type, const struct buf *body, int fd)
{
	uint8_t head[2];
	struct iovec iov[2] = {{head, 2}, {NULL, 0}};

	store_u16(head, type);
	if (body != NULL) {
		if (body->failed || body->len > MSG_MAX) {
			log_error("a message of type %u is too long to be sent", type);
			return;
		}
		iov[1] = (struct iovec){body->data, body->len};
	}
	if (c->watch == NULL)
		return; /* the other end is gone */
	if (c->first == NULL && transmit(c->fd, iov, 2, MSG_DONTWAIT, fd) >= 0)
		return;
	if (c->first == NULL && errno != EAGAIN && errno != ENOBUFS)
		return;
	channel_queue(c, head, body, fd);
}

size_t channel_queued(const struct channel *c)
{
	return c->queued;
}

ssize_t msg_recv_blocking(int fd, uint16_t *type, uint8_t *body, size_t size)
{
	uint8_t head[2];
	struct iovec iov[2] = {{head, 2}, {body, size}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;

	do
		n = recvmsg(fd, &m, 0);
	while (n < 0 && errno == EINTR);
	*type = 0;
	if (n <= 0)
		return n;
	if (n < 2 || (m.msg_flags & MSG_TRUNC) != 0) {
		errno = EMSGSIZE;
		return -1;
	}
	*type = load_u16(head);
	return n - 2;
}

int msg_send_blocking(int fd, uint16_t type, const void *body, size_t len)
{
	uint8_t head[2];
	struct iovec iov[2] = {{head, 2}, {(void *)body, len}};

	store_u16(head, type);
	return transmit(fd, iov, 2, 0, -1) < 0 ? -1 : 0;
}
