/* NOTIFY (RFC 1996) from a source: whether it is believed, and what it sets off.  Network side; the
 * request comes from the network, only its TSIG (if any) has been verified.
 *
 * An unsigned one can be forged by anybody, so it is a hint at most: it makes us ask the source
 * that it seems to come from, over that source's own TSIG and not more often than hint_ms allows.
 * R2: what it sets off is about that source only. */
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "inbound/internal.h"

static bool is_same_key(const struct tsig_key *a, const struct tsig_key *b)
{
	return a != NULL && b != NULL &&
	       (a == b || (a->algorithm == b->algorithm && name_equal(a->name, b->name)));
}

/* May a NOTIFY signed with key (NULL: unsigned) come from this source? */
static bool is_believed(const struct peer *peer, const struct tsig_key *key)
{
	if (key == NULL)
		return peer->notify_tsig == NULL;
	return is_same_key(key, peer->tsig) || is_same_key(key, peer->notify_tsig);
}

static void zone_hint_due(void *arg)
{
	struct zone *z = arg;

	loop_timer_free(z->hint);
	z->hint = NULL;
	for (unsigned i = 0; i < z->source_count; i++) {
		struct source *s = &z->sources[i];

		s->is_notified = s->is_notified || s->is_hinted;
		s->is_hinted = false;
	}
	zone_pump(z);
}

/* The source was asked a moment ago: later, and once for all hints that come until then. */
static void zone_defer_hint(struct zone *z, struct source *s, uint64_t ms)
{
	s->is_hinted = true;
	if (z->hint != NULL)
		return;
	z->hint = loop_timer_new(z->in->loop, zone_hint_due, z);
	loop_timer_set(z->hint, ms);
}

static void source_notified(struct zone *z, struct source *s, bool is_signed)
{
	uint64_t next = s->asked_ms + z->in->limits.hint_ms, now = clock_mono_ms();
	char name[NAME_TEXT_SIZE];

	if (s->is_notified || (s->is_hinted && !is_signed))
		return; /* it makes us do nothing more, so it is not worth a line either */
	name_text(z->apex, name);
	log_notice("zone %s: %s NOTIFY from source %s", name, is_signed ? "signed" : "unsigned",
	    s->peer->name);
	if (is_signed || s->asked_ms == 0 || now >= next)
		s->is_notified = true;
	else
		zone_defer_hint(z, s, next - now);
}

unsigned inbound_notify(struct inbound *in, const struct packet *p,
    const struct sockaddr_storage *from, const struct tsig_key *key)
{
	struct zone *z = inbound_find(in, p->qname);
	unsigned rcode = RCODE_REFUSED;

	if (z == NULL)
		return RCODE_NOTAUTH;
	/* Ports say nothing here, so several sources on one address may all be meant: each of them
	 * is asked for itself. */
	for (unsigned i = 0; i < z->source_count; i++) {
		struct source *s = &z->sources[i];

		if (!peer_same_host(from, &s->peer->address) || !is_believed(s->peer, key))
			continue;
		source_notified(z, s, key != NULL);
		rcode = RCODE_NOERROR;
	}
	zone_pump(z);
	return rcode;
}
