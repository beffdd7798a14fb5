/* udp: datagrams in, answers out, from the socket (and so the address) they came to.
 *
 * Runs in the network side.  Nothing received is trusted, least of all the sender's address. */
#include "outbound/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"

#define DATAGRAMS_AT_ONCE 64 /* then the other descriptors have their turn */

struct out_udp {
	struct out_udp *next;
	struct outbound *out;
	int fd;
	struct loop_watch *watch;
	struct out_reply reply;
	uint8_t msg[65535];
};

static void answer(struct out_udp *u, size_t len, const struct sockaddr_storage *from)
{
	struct out_query q = {.msg = u->msg, .len = len, .from = *from};
	const struct buf *message = &u->reply.message.buf;
	char text[PEER_TEXT_SIZE];

	if (out_answer(u->out, &q, &u->reply) != OK)
		return;
	/* A socket that is full drops the answer, as the network might: the client asks again. */
	if (sendto(u->fd, message->data, message->len, MSG_DONTWAIT, (const struct sockaddr *)from,
		peer_addrlen(from)) < 0 &&
	    errno != EAGAIN) {
		peer_address_text(from, text);
		out_noise(u->out, "cannot send an answer to %s: %s", text, strerror(errno));
	}
}

static void ready(void *arg, int fd, int io)
{
	struct out_udp *u = arg;

	(void)io;
	for (unsigned i = 0; i < DATAGRAMS_AT_ONCE; i++) {
		struct sockaddr_storage from = {0};
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(
		    fd, u->msg, sizeof(u->msg), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

		if (len >= 0)
			answer(u, (size_t)len, &from);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
	}
}

void out_udp_listen(struct outbound *out, int fd)
{
	struct out_udp *u = mem_alloc(sizeof(*u));

	u->out = out;
	u->fd = fd;
	u->watch = loop_watch(out->loop, fd, LOOP_READ, ready, u);
	u->next = out->udp;
	out->udp = u;
}

void out_udp_free(struct outbound *out)
{
	while (out->udp != NULL) {
		struct out_udp *u = out->udp;

		out->udp = u->next;
		loop_watch_free(u->watch);
		close(u->fd);
		out_reply_free(&u->reply);
		free(u);
	}
}
