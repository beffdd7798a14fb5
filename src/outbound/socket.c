/* socket: a UDP socket for questions to many hosts, which also learns when one of them has nobody
 * who listens (the kernel tells by its error queue, since such a socket is connected to nobody).
 *
 * Runs in the network side.  Neither what comes nor the errors are trusted: anybody can forge both.
 */
#include "outbound/parts.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"

#define DATAGRAMS_AT_ONCE 64

struct out_socket {
	struct sockaddr_storage local;
	int fd;
	struct loop_watch *watch;
	out_datagram_fn *fn;
	void *arg;
	uint8_t msg[65535];
};

/* One entry of the error queue: the start of a datagram of ours, where it went, and why it did not
 * arrive. */
static bool read_error(struct out_socket *s)
{
	struct sockaddr_storage to = {0};
	struct iovec iov = {s->msg, sizeof(s->msg)};
	union {
		uint8_t octets[512];
		struct cmsghdr align;
	} control;
	struct msghdr msg = {.msg_name = &to,
	    .msg_namelen = sizeof(to),
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control)};
	ssize_t len = recvmsg(s->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
	int code = 0;

	if (len < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		struct sock_extended_err see;

		if (c->cmsg_type != IP_RECVERR && c->cmsg_type != IPV6_RECVERR)
			continue;
		memcpy(&see, CMSG_DATA(c), sizeof(see));
		code = (int)see.ee_errno;
	}
	if (code != 0)
		s->fn(s->arg, s, s->msg, (size_t)len, &to, code);
	return true;
}

static void read_errors(struct out_socket *s)
{
	for (unsigned i = 0; i < DATAGRAMS_AT_ONCE && read_error(s); i++)
		;
}

static void ready(void *arg, int fd, int io)
{
	struct out_socket *s = arg;

	(void)io;
	read_errors(s);
	for (unsigned i = 0; i < DATAGRAMS_AT_ONCE; i++) {
		struct sockaddr_storage from = {0};
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(
		    fd, s->msg, sizeof(s->msg), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

		if (len >= 0)
			s->fn(s->arg, s, s->msg, (size_t)len, &from, 0);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
	}
}

struct out_socket *out_socket_open(struct loop *l, const struct sockaddr_storage *local,
    out_datagram_fn *fn, void *arg, struct err *e)
{
	int fd = socket(local->ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
	char text[PEER_TEXT_SIZE];
	struct out_socket *s;

	if (fd < 0 || bind(fd, (const struct sockaddr *)local, peer_addrlen(local)) < 0) {
		peer_address_text(local, text);
		err_sys(e, "cannot send from %s", text);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	/* Without it the time-out alone tells. */
	if (local->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	s = mem_alloc(sizeof(*s));
	s->local = *local;
	s->fd = fd;
	s->fn = fn;
	s->arg = arg;
	s->watch = loop_watch(l, fd, LOOP_READ, ready, s);
	return s;
}

void out_socket_free(struct out_socket *s)
{
	if (s == NULL)
		return;
	loop_watch_free(s->watch);
	close(s->fd);
	free(s);
}

bool out_socket_is_at(const struct out_socket *s, const struct sockaddr_storage *local)
{
	return memcmp(&s->local, local, sizeof(*local)) == 0;
}

int out_socket_send(
    struct out_socket *s, const struct buf *message, const struct sockaddr_storage *to)
{
	/* The first try may fail with an error that belongs to an earlier datagram. */
	for (unsigned i = 0; i < 2; i++) {
		if (sendto(s->fd, message->data, message->len, 0, (const struct sockaddr *)to,
			peer_addrlen(to)) >= 0 ||
		    errno == EAGAIN)
			return OK;
	}
	return ERR_SYSTEM;
}
