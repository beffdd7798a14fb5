/* What an address of a child answered in one look becomes part of what is known: see child.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/nsec.h"
#include "dns/soa.h"
#include "watch/child_internal.h"
#include "watch/trust.h"

/* Of one reply, while it is being noted. */
struct noting {
	struct watch_child *child;
	struct watch_server *server;
	const struct watch_reply *reply;
	const struct rrset *dnskeys; /* NULL: it has none */
	struct proof_ring *ring;
	int place[WATCH_RECORDS_MAX]; /* of each DNSKEY in the child's keys; -1: we cannot judge by
					 it */
	int64_t now;
};

static void note_word(struct watch_server *s, enum watch_word word, const char *reason, int64_t now)
{
	if (s->word != word)
		s->since = now;
	s->word = word;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
}

/* The address is as good as its worse answer of those that every zone must give. */
static void judge(struct watch_server *s, const struct watch_reply *r, int64_t now)
{
	const struct watch_set *soa = &r->sets[WATCH_SOA], *keys = &r->sets[WATCH_DNSKEY];
	const struct watch_set *worse = soa->word != WATCH_ANSWERED ? soa : keys;

	note_word(s, worse->word, worse->reason, now);
	if (s->word == WATCH_ANSWERED && soa->packed.len == 0)
		note_word(s, WATCH_LAME, "it has no SOA of the domain", now);
}

/* Nobody knows what it had meanwhile. */
static void begin_anew(struct watch_server *s)
{
	for (unsigned i = 0; i < s->seen_count; i++)
		s->seen[i].since = s->seen[i].signs_since = 0;
	s->wish.since = 0;
}

/* Parts: sets and who signed them */

static void note_part(struct noting *n, enum watch_type t)
{
	struct watch_part *part = &n->server->parts[t];
	struct rrset set;
	struct proof proof = {.count = 0};

	part->word = n->reply->sets[t].word;
	part->is_there = watch_set_open(&n->reply->sets[t], &set);
	child_set_digest(&n->reply->sets[t], part->digest);
	part->ttl = part->is_there ? child_ttl(set.ttl) : 0;
	free(part->sigs);
	part->sigs = NULL;
	part->sig_count = 0;
	if (part->is_there && n->ring != NULL)
		proof_of(n->ring, &set, n->child->apex, n->now, &proof);
	part->has_rrsigs = part->is_there && set.sigs > 0;
	part->is_capped = proof.is_capped;
	if (proof.count == 0)
		return;
	part->sigs = mem_array(proof.count, sizeof(*part->sigs));
	for (unsigned i = 0; i < proof.count; i++) {
		if (n->place[proof.sigs[i].key] < 0)
			continue;
		part->sigs[part->sig_count++] =
		    (struct watch_sig){.key = (uint8_t)n->place[proof.sigs[i].key],
			.inception = proof.sigs[i].inception,
			.expiration = proof.sigs[i].expiration};
	}
}

/* Keys */

/* false: there are too many. */
static bool place_keys(struct noting *n)
{
	const uint8_t *p = n->dnskeys != NULL ? n->dnskeys->rdata : NULL;

	for (unsigned i = 0; n->dnskeys != NULL && i < n->dnskeys->count; i++) {
		uint16_t len;
		const uint8_t *key = rrset_next(&p, &len);

		n->place[i] = -1;
		if (!proof_is_usable(key, len))
			continue;
		n->place[i] = child_intern(n->child, key, len);
		if (n->place[i] < 0)
			return false;
	}
	return true;
}

static struct watch_seen look_at(const struct noting *n, unsigned key, bool is_validated)
{
	const struct watch_seen *before = trust_seen(n->server, key);
	struct watch_seen seen = {.key = (uint8_t)key};

	if (is_validated)
		seen.since = before != NULL && before->since != 0 ? before->since : n->now;
	if (trust_signs(&n->server->parts[WATCH_DNSKEY], key, n->now))
		seen.signs_since =
		    before != NULL && before->signs_since != 0 ? before->signs_since : n->now;
	return seen;
}

/* The keys that are in the set, before anything is asked of it. */
static void list_keys(struct noting *n)
{
	struct watch_seen *list = mem_array(WATCH_RECORDS_MAX, sizeof(*list));
	unsigned count = 0;

	for (unsigned i = 0; n->dnskeys != NULL && i < n->dnskeys->count; i++) {
		const struct watch_seen *before;

		if (n->place[i] < 0)
			continue;
		before = trust_seen(n->server, (unsigned)n->place[i]);
		list[count].key = (uint8_t)n->place[i];
		list[count].since = before != NULL ? before->since : 0;
		list[count++].signs_since = before != NULL ? before->signs_since : 0;
	}
	free(n->server->seen);
	n->server->seen = list;
	n->server->seen_count = count;
}

static void note_keys(struct noting *n)
{
	struct watch_server *s = n->server;
	bool is_validated;

	note_part(n, WATCH_DNSKEY);
	list_keys(n);
	is_validated = trust_validates(n->child, s, &n->child->today, n->now);
	for (unsigned i = 0; i < s->seen_count; i++) {
		s->seen[i] = look_at(n, s->seen[i].key, is_validated);
		child_past_note(n->child, s->seen[i].key, is_validated, n->now);
	}
	if (s->parts[WATCH_DNSKEY].ttl > s->ttl_max)
		s->ttl_max = s->parts[WATCH_DNSKEY].ttl;
}

/* What it asks for */

/* The older one of the signatures that prove it; 0: there is a set that is not proved. */
static int64_t proven_inception(const struct noting *n)
{
	int64_t oldest = 0;
	const enum watch_type types[] = {WATCH_CDS, WATCH_CDNSKEY};

	for (unsigned i = 0; i < MEM_COUNT(types); i++) {
		const struct watch_part *part = &n->server->parts[types[i]];
		const struct watch_sig *sig;

		if (!part->is_there)
			continue;
		sig = trust_proof(n->child, n->server, part, &n->child->today, n->now);
		if (sig == NULL)
			return 0;
		if (oldest == 0 || sig->inception < oldest)
			oldest = sig->inception;
	}
	return oldest;
}

static void note_newest(struct watch_child *c, const struct watch_wish *w)
{
	bool is_same = memcmp(c->newest, w->digest, WATCH_DIGEST_LEN) == 0;

	if (w->inception <= c->newest_inception)
		return;
	c->newest_inception = w->inception;
	if (!is_same)
		memcpy(c->newest, w->digest, WATCH_DIGEST_LEN);
}

static bool note_wish(struct noting *n)
{
	struct watch_wish *w = &n->server->wish, before = *w;
	bool has_room;

	memset(w, 0, sizeof(*w));
	has_room = child_wish_read(
	    n->child, &n->reply->sets[WATCH_CDS], &n->reply->sets[WATCH_CDNSKEY], w);
	if (w->cds != WATCH_WISH_NONE || w->cdnskey != WATCH_WISH_NONE) {
		bool is_same = memcmp(w->digest, before.digest, WATCH_DIGEST_LEN) == 0;

		w->inception = proven_inception(n);
		if (w->inception != 0 || (n->child->has_today && n->child->today.count == 0))
			w->since = is_same && before.since != 0 ? before.since : n->now;
		note_newest(n->child, w);
	}
	child_wish_free(&before);
	return has_room;
}

/* The rest */

static void note_soa(struct watch_server *s, const struct watch_set *set)
{
	struct rrset rrset;
	struct soa soa;

	if (!watch_set_open(set, &rrset) ||
	    soa_parse(rrset.rdata + 2, rrset.rdata_len - 2, &soa) != OK)
		return;
	s->has_serial = true;
	s->serial = soa.serial;
	s->soa_expire = soa.expire;
}

/* RFC 5155 4.2: algorithm, flags, iterations, salt. */
static void note_nsec3(struct watch_server *s, const struct watch_set *set)
{
	struct rrset rrset;

	if (set->word != WATCH_ANSWERED)
		return;
	s->nsec3_iterations = 0;
	if (watch_set_open(set, &rrset) && load_u16(rrset.rdata) >= 5)
		s->nsec3_iterations = load_u16(rrset.rdata + 4);
}

static void note_all(struct noting *n)
{
	struct watch_server *s = n->server;
	bool has_room = place_keys(n);

	if (has_room) {
		note_keys(n);
		note_part(n, WATCH_SOA);
		note_part(n, WATCH_CDS);
		note_part(n, WATCH_CDNSKEY);
		note_part(n, WATCH_NSEC3PARAM);
		has_room = note_wish(n);
	}
	note_soa(s, &n->reply->sets[WATCH_SOA]);
	note_nsec3(s, &n->reply->sets[WATCH_NSEC3PARAM]);
	if (has_room)
		s->answered = n->now;
	else
		note_word(s, WATCH_BROKEN,
		    "it and the others have more different keys than can be looked after", n->now);
}

void watch_child_note(struct watch_child *c, const char *server, const struct watch_reply *r,
    const struct watch_policy *p, int64_t now)
{
	struct watch_server *s = watch_child_server(c, server);
	struct rrset dnskeys;
	struct noting n = {.child = c, .server = s, .reply = r, .now = now};

	if (s == NULL)
		return;
	if (s->answered != 0 && now - s->answered > p->patience)
		begin_anew(s);
	s->asked = now;
	judge(s, r, now);
	if (s->word != WATCH_ANSWERED)
		return;
	if (watch_set_open(&r->sets[WATCH_DNSKEY], &dnskeys)) {
		n.dnskeys = &dnskeys;
		n.ring = proof_ring_new(&dnskeys);
	}
	note_all(&n);
	proof_ring_free(n.ring);
}
