/* ask: questions of ours to destinations: NOTIFY (RFC 1996), and which SOA they have.
 *
 * Runs in the network side.  Ten thousand zones share one UDP socket per address family and
 * outgoing address; each destination's address and port has its own queue, of which a bounded
 * number is under way, so that a dead one holds nobody up; and whoever waits in the queue of one
 * that answers nobody does not wait for a time-out of his own.  Answers are not trusted: they must
 * come from where the question went, with its id and question, and its TSIG key where there is one.
 */
#include "outbound/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "base/clock.h"
#include "base/mem.h"

#define UNDER_WAY_MAX 200
#define TICK_MS 50
#define QUERY_MAX 1232
#define CLASS_IN 1

struct ask_list {
	struct out_ask *first, *last;
};

#define SOCKETS_MAX 16 /* address families and outgoing addresses */

struct out_host {
	struct out_host *next;
	struct sockaddr_storage address; /* and port */
	struct out_socket *socket;	 /* NULL: there is none; trouble says why */
	struct err trouble;
	struct ask_list queue;
	struct ask_list sent; /* in the order of their deadlines */
	unsigned sent_count;
	uint64_t heard; /* when an answer came last, to whatever question; 0: never */
};

struct out_asker {
	struct outbound *out;
	struct out_socket *sockets[SOCKETS_MAX];
	unsigned socket_count;
	struct out_host *hosts;
	struct loop_timer *timer;
	bool ticking;
	struct packet_builder message;
};

static void list_append(struct ask_list *list, struct out_ask *ask)
{
	ask->next = NULL;
	ask->prev = list->last;
	if (list->last != NULL)
		list->last->next = ask;
	else
		list->first = ask;
	list->last = ask;
}

/* Its place by the deadline: nearly always the end. */
static void list_insert(struct ask_list *list, struct out_ask *ask)
{
	struct out_ask *before = list->last;

	while (before != NULL && before->deadline > ask->deadline)
		before = before->prev;
	if (before == list->last) {
		list_append(list, ask);
		return;
	}
	ask->prev = before;
	ask->next = before == NULL ? list->first : before->next;
	ask->next->prev = ask;
	if (before == NULL)
		list->first = ask;
	else
		before->next = ask;
}

static void list_remove(struct ask_list *list, struct out_ask *ask)
{
	if (ask->prev != NULL)
		ask->prev->next = ask->next;
	else
		list->first = ask->next;
	if (ask->next != NULL)
		ask->next->prev = ask->prev;
	else
		list->last = ask->prev;
	ask->next = ask->prev = NULL;
}

static void tick_soon(struct out_asker *a, uint64_t ms)
{
	if (a->ticking && ms > 0)
		return;
	a->ticking = true;
	loop_timer_set(a->timer, ms);
}

/* The ask is over: its caller may start it again from fn. */
static void finish(struct out_ask *ask, int code, const struct packet *p, const char *why)
{
	struct out_host *host = ask->host;

	list_remove(ask->is_sent ? &host->sent : &host->queue, ask);
	if (ask->is_sent)
		host->sent_count--;
	ask->host = NULL;
	tsig_state_free(&ask->tsig);
	ask->fn(ask->arg, code, p, why);
}

static const char *what(const struct out_ask *ask)
{
	return ask->opcode == OPCODE_NOTIFY ? "NOTIFY" : "SOA query";
}

/* What comes back */

static bool is_about(const struct packet *p, const struct out_ask *ask)
{
	return p->id == ask->id && packet_opcode(p) == ask->opcode &&
	       (!p->has_question || (p->qtype == RR_SOA && p->qclass == CLASS_IN &&
					name_equal(p->qname, ask->zone->apex)));
}

static struct out_ask *find_ask(struct out_asker *a, const struct out_socket *socket,
    const struct sockaddr_storage *peer, const struct packet *p)
{
	for (struct out_host *h = a->hosts; h != NULL; h = h->next) {
		if (h->socket != socket || h->address.ss_family != peer->ss_family ||
		    memcmp(&h->address, peer, peer_addrlen(peer)) != 0)
			continue;
		for (struct out_ask *ask = h->sent.first; ask != NULL; ask = ask->next) {
			if (is_about(p, ask))
				return ask;
		}
	}
	return NULL;
}

static void datagram(void *arg, const struct out_socket *s, const uint8_t *msg, size_t len,
    const struct sockaddr_storage *peer, int code)
{
	struct out_asker *a = arg;
	struct out_ask *ask;
	struct packet p;
	struct err e = {0};

	if (packet_parse(msg, len, &p, NULL) != OK)
		return;
	ask = find_ask(a, s, peer, &p);
	if (ask == NULL)
		return;
	if (code != 0) { /* forged easily, so that it does not end the waiting */
		snprintf(ask->trouble, sizeof(ask->trouble), "%s did not arrive: %s", what(ask),
		    strerror(code));
		return;
	}
	if ((p.flags & PACKET_FLAG_QR) == 0)
		return;
	ask->host->heard = clock_mono_ms();
	/* An answer whose signature does not hold may be anybody's: the right one can still come
	 * (RFC 8945 5.3), so that it is only remembered. */
	if (ask->tsig.key != NULL &&
	    tsig_verify_answer(&ask->tsig, &p, true, clock_real(), &e) != OK) {
		snprintf(ask->trouble, sizeof(ask->trouble),
		    "answer to %s not accepted (%s): %.120s", what(ask),
		    packet_rcode_name(packet_rcode(&p)), e.text);
		return;
	}
	finish(ask, OK, &p, NULL);
	tick_soon(a, 0); /* a place has become free */
}

/* Sockets and hosts */

static struct out_socket *socket_find(struct out_asker *a, const struct peer *peer, struct err *e)
{
	struct sockaddr_storage local = peer->local;
	struct out_socket *s;

	if (local.ss_family == 0)
		local.ss_family = peer->address.ss_family;
	for (unsigned i = 0; i < a->socket_count; i++) {
		if (out_socket_is_at(a->sockets[i], &local))
			return a->sockets[i];
	}
	if (a->socket_count == SOCKETS_MAX) {
		err_set(e, ERR_LIMIT, "more than %d outgoing addresses are in use", SOCKETS_MAX);
		return NULL;
	}
	s = out_socket_open(a->out->loop, &local, datagram, a, e);
	if (s != NULL)
		a->sockets[a->socket_count++] = s;
	return s;
}

static struct out_host *host_find(struct out_asker *a, const struct peer *peer)
{
	struct err e = {0};
	struct out_socket *socket = socket_find(a, peer, &e);
	struct out_host *h;

	for (h = a->hosts; h != NULL; h = h->next) {
		if (h->socket == socket &&
		    memcmp(&h->address, &peer->address, sizeof(h->address)) == 0)
			return h;
	}
	h = mem_alloc(sizeof(*h));
	h->address = peer->address;
	h->socket = socket;
	h->trouble = e;
	h->next = a->hosts;
	a->hosts = h;
	return h;
}

/* Sending */

static int build(struct out_asker *a, struct out_ask *ask)
{
	const struct out_zone *z = ask->zone;
	bool is_notify = ask->opcode == OPCODE_NOTIFY;
	uint16_t flags = (uint16_t)(ask->opcode << 11 | (is_notify ? PACKET_FLAG_AA : 0));
	size_t room = ask->peer->tsig != NULL ? out_tsig_room(ask->peer->tsig) : 0;
	int rc = OK;

	packet_begin(&a->message, QUERY_MAX - room, ask->id, flags, z->apex, RR_SOA);
	if (is_notify) /* a hint of what is new, and only one: left out if it does not fit */
		packet_add(
		    &a->message, 1, z->apex, RR_SOA, z->soa_ttl, z->soa.data, (uint16_t)z->soa.len);
	else if (!ask->is_plain)
		packet_add_edns(&a->message, OUT_EDNS_SIZE, true);
	packet_end(&a->message);
	tsig_state_init(&ask->tsig, ask->peer->tsig);
	if (ask->peer->tsig != NULL)
		rc = tsig_sign_query(&ask->tsig, &a->message, clock_real());
	return rc == OK && a->message.buf.failed ? ERR_LIMIT : rc;
}

static void send_one(struct out_asker *a, struct out_host *h, struct out_ask *ask)
{
	char why[200];
	int rc;

	if (h->socket == NULL) {
		finish(ask, ERR_SYSTEM, NULL, h->trouble.text);
		return;
	}
	ask->trouble[0] = '\0';
	if (getrandom(&ask->id, sizeof(ask->id), 0) != sizeof(ask->id))
		ask->id = (uint16_t)clock_mono_us();
	rc = build(a, ask);
	if (rc != OK) {
		snprintf(why, sizeof(why), "cannot make the %s (%s)", what(ask), err_name(rc));
		finish(ask, rc, NULL, why);
		return;
	}
	if (out_socket_send(h->socket, &a->message.buf, &h->address) != OK) {
		snprintf(why, sizeof(why), "cannot send the %s: %s", what(ask), strerror(errno));
		finish(ask, ERR_SYSTEM, NULL, why);
		return;
	}
	list_remove(&h->queue, ask);
	ask->sent_at = clock_mono_ms();
	ask->deadline = ask->sent_at + (ask->patience != 0 ? ask->patience : a->out->limits.ask);
	list_insert(&h->sent, ask);
	h->sent_count++;
	ask->is_sent = true;
}

static void expire(struct out_ask *ask, char why[200])
{
	bool has_trouble = ask->trouble[0] != '\0';

	if (has_trouble)
		memcpy(why, ask->trouble, sizeof(ask->trouble));
	else
		snprintf(why, 200, "no answer to %s (timeout)", what(ask));
	finish(ask, has_trouble ? ERR_VERIFY : ERR_TIMEOUT, NULL, why);
}

/* Those in the queue as far as `last`: whom they call may ask again at once, which comes behind it.
 */
static void dismiss(struct out_host *h, const struct out_ask *last, const char *why)
{
	bool has_more = last != NULL;

	while (has_more) {
		struct out_ask *ask = h->queue.first;

		has_more = ask != last;
		finish(ask, ERR_TIMEOUT, NULL, why);
	}
}

static void expire_sent(struct out_host *h, uint64_t now)
{
	const struct out_ask *last = h->queue.last;
	bool is_dead = false;
	char why[200] = "";

	while (h->sent.first != NULL && h->sent.first->deadline <= now) {
		struct out_ask *ask = h->sent.first;

		is_dead = is_dead || h->heard < ask->sent_at;
		expire(ask, why);
	}
	if (is_dead)
		dismiss(h, last, why);
}

/* Give up what waited too long, and send what there is room for.  An ask that fn starts anew goes
 * to the end of its queue; the counts bound both loops. */
static void tick(void *arg)
{
	struct out_asker *a = arg;
	uint64_t now = clock_mono_ms();
	bool more = false;

	a->ticking = false;
	for (struct out_host *h = a->hosts; h != NULL; h = h->next) {
		expire_sent(h, now);
		for (unsigned i = 0;
		     i < UNDER_WAY_MAX && h->queue.first != NULL && h->sent_count < UNDER_WAY_MAX;
		     i++)
			send_one(a, h, h->queue.first);
		more = more || h->queue.first != NULL || h->sent.first != NULL;
	}
	if (more)
		tick_soon(a, TICK_MS);
}

void out_ask_start(struct out_asker *a, struct out_ask *ask, unsigned opcode,
    const struct out_zone *z, const struct peer *peer, out_ask_fn *fn, void *arg)
{
	out_ask_cancel(a, ask);
	ask->opcode = opcode;
	ask->zone = z;
	ask->peer = peer;
	ask->fn = fn;
	ask->arg = arg;
	ask->is_sent = false;
	ask->host = host_find(a, peer);
	list_append(&ask->host->queue, ask);
	if (ask->host->sent_count < UNDER_WAY_MAX)
		tick_soon(a, 0);
}

void out_ask_cancel(struct out_asker *a, struct out_ask *ask)
{
	struct out_host *h = ask->host;

	(void)a;
	if (h == NULL)
		return;
	list_remove(ask->is_sent ? &h->sent : &h->queue, ask);
	if (ask->is_sent)
		h->sent_count--;
	ask->host = NULL;
	tsig_state_free(&ask->tsig);
}

struct out_asker *out_asker_new(struct outbound *out)
{
	struct out_asker *a = mem_alloc(sizeof(*a));

	a->out = out;
	a->timer = loop_timer_new(out->loop, tick, a);
	return a;
}

void out_asker_reset(struct out_asker *a)
{
	while (a->hosts != NULL) {
		struct out_host *h = a->hosts;

		a->hosts = h->next;
		free(h);
	}
	while (a->socket_count > 0)
		out_socket_free(a->sockets[--a->socket_count]);
}

void out_asker_free(struct out_asker *a)
{
	out_asker_reset(a);
	loop_timer_free(a->timer);
	packet_builder_free(&a->message);
	free(a);
}
