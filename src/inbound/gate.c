/* The gate: see gate.h.  Network side.  Nothing from the network gets here but addresses of
 * configured peers, so a plain list of hosts is enough. */
#include "inbound/gate.h"

#include <netinet/in.h>
#include <stdlib.h>
#include "base/mem.h"
#include "dns/peer.h"

struct gate_host { /* lives while somebody waits for it or is inside */
	struct gate_host *next, *prev;
	struct sockaddr_storage address;
	struct gate_ticket *first, *last;
	unsigned inside;
	uint64_t heard_ms;
};

struct gate {
	unsigned limit, limit_host;
	unsigned inside;
	struct gate_host *first, *last; /* whose turn it is stands first */
	struct loop_timer *timer;
};

static bool is_same_peer(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	/* The port is at the same place for both families, and it counts: several servers on one
	 * address are several peers. */
	in_port_t pa = ((const struct sockaddr_in *)a)->sin_port;
	in_port_t pb = ((const struct sockaddr_in *)b)->sin_port;

	if (a->ss_family == AF_UNSPEC || b->ss_family == AF_UNSPEC)
		return a->ss_family == b->ss_family;
	return pa == pb && peer_same_host(a, b);
}

static struct gate_host *host_find(struct gate *g, const struct sockaddr_storage *peer)
{
	struct gate_host *h = g->first;

	while (h != NULL && !is_same_peer(&h->address, peer))
		h = h->next;
	return h;
}

static void host_append(struct gate *g, struct gate_host *h)
{
	h->next = NULL;
	h->prev = g->last;
	*(g->last == NULL ? &g->first : &g->last->next) = h;
	g->last = h;
}

static void host_unlink(struct gate *g, struct gate_host *h)
{
	*(h->prev == NULL ? &g->first : &h->prev->next) = h->next;
	*(h->next == NULL ? &g->last : &h->next->prev) = h->prev;
}

static void host_drop_if_idle(struct gate *g, struct gate_host *h)
{
	if (h->first != NULL || h->inside > 0)
		return;
	host_unlink(g, h);
	free(h);
}

static void ticket_unlink(struct gate_ticket *t)
{
	struct gate_host *h = t->host;

	*(t->prev == NULL ? &h->first : &t->prev->next) = t->next;
	*(t->next == NULL ? &h->last : &t->next->prev) = t->prev;
	t->next = t->prev = NULL;
}

/* The next host with somebody waiting and room for one more; it goes to the end of the line. */
static struct gate_host *gate_next_host(struct gate *g)
{
	for (struct gate_host *h = g->first; h != NULL; h = h->next) {
		if (h->first == NULL || h->inside >= g->limit_host)
			continue;
		host_unlink(g, h);
		host_append(g, h);
		return h;
	}
	return NULL;
}

static void gate_admit(void *arg)
{
	struct gate *g = arg;
	unsigned room = g->limit - g->inside;

	/* Room is counted once: who enters and leaves at once makes room for the next turn of the
	 * loop, so that work done inside `enter` is done in slices. */
	while (room-- > 0) {
		struct gate_host *h = gate_next_host(g);
		struct gate_ticket *t;

		if (h == NULL)
			break;
		t = h->first;
		ticket_unlink(t);
		t->is_inside = true;
		h->inside++;
		g->inside++;
		t->enter(t->arg);
	}
}

struct gate *gate_new(struct loop *l, unsigned limit, unsigned limit_host)
{
	struct gate *g = mem_alloc(sizeof(*g));

	g->limit = limit;
	g->limit_host = limit_host;
	g->timer = loop_timer_new(l, gate_admit, g);
	return g;
}

void gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	loop_timer_free(g->timer);
	free(g);
}

void gate_queue(struct gate *g, struct gate_ticket *t, const struct sockaddr_storage *peer,
    loop_fn *enter, void *arg)
{
	struct gate_host *h = host_find(g, peer);

	if (h == NULL) {
		h = mem_alloc(sizeof(*h));
		h->address = *peer;
		host_append(g, h);
	}
	*t = (struct gate_ticket){.host = h, .prev = h->last, .enter = enter, .arg = arg};
	*(h->last == NULL ? &h->first : &h->last->next) = t;
	h->last = t;
	loop_timer_set(g->timer, 0);
}

void gate_leave(struct gate *g, struct gate_ticket *t)
{
	struct gate_host *h = t->host;

	if (h == NULL)
		return;
	if (t->is_inside) {
		h->inside--;
		g->inside--;
		loop_timer_set(g->timer, 0);
	} else {
		ticket_unlink(t);
	}
	*t = (struct gate_ticket){0};
	host_drop_if_idle(g, h);
}

void gate_set_heard(struct gate_ticket *t, uint64_t ms)
{
	if (t->host != NULL)
		t->host->heard_ms = ms;
}

uint64_t gate_heard(const struct gate_ticket *t)
{
	return t->host == NULL ? 0 : t->host->heard_ms;
}

void *gate_dismiss(struct gate *g, const struct sockaddr_storage *peer)
{
	struct gate_host *h = host_find(g, peer);
	void *arg;

	if (h == NULL || h->first == NULL)
		return NULL;
	arg = h->first->arg;
	gate_leave(g, h->first);
	return arg;
}
