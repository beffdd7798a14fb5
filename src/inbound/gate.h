/* gate: how many exchanges may be under way at once, in all and with one peer.  Those who wait are
 * let in first come, first served per peer, and the peers take turns, so that ten thousand zones that
 * start together neither open ten thousand sockets nor wait behind one slow source. */
#ifndef INBOUND_GATE_H
#define INBOUND_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "base/loop.h"

struct gate;

struct gate_ticket {
	struct gate_host *host; /* NULL: neither waiting nor inside */
	struct gate_ticket *next, *prev; /* those who wait for the same host */
	bool is_inside;
	loop_fn *enter;
	void *arg;
};

struct gate *gate_new(struct loop *l, unsigned limit, unsigned limit_host);
void gate_free(struct gate *g); /* all tickets must have left */
/* Wait in line for `peer` (family 0: a place that is no peer): enter is called from the loop, never from here. */
void gate_queue(struct gate *g, struct gate_ticket *t, const struct sockaddr_storage *peer,
    loop_fn *enter, void *arg);
/* Leave, from inside or from the line; a ticket that is in neither is fine. */
void gate_leave(struct gate *g, struct gate_ticket *t);
/* A peer has answered, at that time; when it did last (0: not since it has had tickets). */
void gate_set_heard(struct gate_ticket *t, uint64_t ms);
uint64_t gate_heard(const struct gate_ticket *t);
/* Take one who waits for this peer out of the line: its arg; NULL: nobody waits. */
void *gate_dismiss(struct gate *g, const struct sockaddr_storage *peer);

#endif
