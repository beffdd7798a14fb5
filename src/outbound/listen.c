/* listen: TCP connections come in.
 *
 * Runs in the network side. */
#include "outbound/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"

#define ACCEPT_AT_ONCE 32

struct out_listener {
	struct out_listener *next;
	struct outbound *out;
	int fd;
	struct loop_watch *watch;
};

static void accept_ready(void *arg, int fd, int io)
{
	struct out_listener *l = arg;
	char text[PEER_TEXT_SIZE];

	(void)io;
	for (unsigned i = 0; i < ACCEPT_AT_ONCE; i++) {
		struct sockaddr_storage from = {0};
		socklen_t len = sizeof(from);
		int client =
		    accept4(fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (client < 0) {
			if (errno == EMFILE || errno == ENFILE) {
				log_warning("no more TCP connections for now: %s", strerror(errno));
				loop_watch_set(l->watch, 0); /* until the next sweep */
			}
			break;
		}
		if (out_tcp_take(l->out, client, &from))
			continue;
		peer_address_text(&from, text);
		out_noise(l->out, "connection from %s refused: too many connections", text);
		close(client);
	}
}

void out_tcp_listen(struct outbound *out, int fd)
{
	struct out_listener *l = mem_alloc(sizeof(*l));

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	l->out = out;
	l->fd = fd;
	l->watch = loop_watch(out->loop, fd, LOOP_READ, accept_ready, l);
	l->next = out->listeners;
	out->listeners = l;
}

void out_listeners_resume(struct outbound *out)
{
	for (struct out_listener *l = out->listeners; l != NULL; l = l->next)
		loop_watch_set(l->watch, LOOP_READ);
}

void out_listeners_free(struct outbound *out)
{
	while (out->listeners != NULL) {
		struct out_listener *l = out->listeners;

		out->listeners = l->next;
		loop_watch_free(l->watch);
		close(l->fd);
		free(l);
	}
}
