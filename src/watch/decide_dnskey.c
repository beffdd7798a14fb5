/* Decisions from the keys that a child publishes: see decide.h.  The order is that of a roll-over:
 * the old DS goes when it may, then new keys are looked for. */
#include "watch/decide_internal.h"

#include <stdio.h>
#include <string.h>
#include "watch/trust.h"

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool servers_agree(struct deciding *d)
{
	const struct watch_server *first = &d->child->servers[0];

	for (unsigned i = 1; i < d->child->server_count; i++) {
		const struct watch_server *s = &d->child->servers[i];

		if (memcmp(first->parts[WATCH_DNSKEY].digest, s->parts[WATCH_DNSKEY].digest,
			WATCH_DIGEST_LEN) == 0)
			continue;
		decide_say(d, WATCH_WAIT, WATCH_CAUSE_DISAGREE, 0,
		    "%s and %s have different DNSKEY sets", first->name, s->name);
		return false;
	}
	return true;
}

/* The end of a roll-over that we began */

/* Since when the key signs at all addresses; 0: it does not. */
static int64_t signs_everywhere_since(const struct deciding *d, unsigned key)
{
	int64_t since = 0;

	for (unsigned i = 0; i < d->child->server_count; i++) {
		const struct watch_seen *seen = trust_seen(&d->child->servers[i], key);

		if (seen == NULL || seen->signs_since == 0 ||
		    !trust_signs(&d->child->servers[i].parts[WATCH_DNSKEY], key, d->now))
			return 0;
		since = later(since, seen->signs_since);
	}
	return since;
}

static int64_t parent_ttl(const struct deciding *d)
{
	uint32_t ttl = parent_ttl_max(d->outside->parent);

	return ttl > WATCH_TTL_MAX ? WATCH_TTL_MAX : ttl;
}

static int64_t dnskey_ttl(const struct deciding *d)
{
	int64_t ttl = 0;

	for (unsigned i = 0; i < d->child->server_count; i++)
		ttl = later(ttl, d->child->servers[i].ttl_max);
	return ttl;
}

/* When no cache holds a DS set without the key's DS, nor a DNSKEY set without its signature; 0:
 * that is not known yet. */
static int64_t relied_upon_from(const struct deciding *d, unsigned key)
{
	const struct watch_ds *added = &d->child->roll.added;
	int64_t signs = signs_everywhere_since(d, key), there = 0;

	for (unsigned i = 0; i < added->count; i++) {
		struct parent_fact fact;

		if (!trust_ds_is_of(d->child, &added->list[i], &d->child->keys[key]))
			continue;
		fact = parent_fact_of(d->outside->parent, &added->list[i], d->outside->fresh);
		if (fact.word != PARENT_THERE)
			return 0;
		there = later(there, fact.since);
	}
	if (signs == 0 || there == 0)
		return 0;
	return later(there + parent_ttl(d), signs + dnskey_ttl(d) + d->policy->hold_down);
}

/* The first instant at which one of the new keys is relied upon. */
static int64_t roll_ends(const struct deciding *d)
{
	int64_t first = 0;

	for (unsigned i = 0; i < d->child->key_count; i++) {
		int64_t at;

		if (!trust_has_ds(d->child, &d->child->roll.added, &d->child->keys[i]))
			continue;
		at = relied_upon_from(d, i);
		if (at != 0 && (first == 0 || at < first))
			first = at;
	}
	return first;
}

static void wait_for_roll(struct deciding *d, int64_t until)
{
	char old[TAGS_SIZE], added[TAGS_SIZE];

	decide_tags(&d->child->roll.old, old);
	decide_tags(&d->child->roll.added, added);
	if (until == 0)
		decide_say(d, WATCH_WAIT, WATCH_CAUSE_NOT_SIGNING, 0,
		    "the DS of key %s stays until key %s signs the DNSKEY set at all servers", old,
		    added);
	else
		decide_say(d, WATCH_WAIT, WATCH_CAUSE_CACHES, until,
		    "the DS of key %s stays until no cache needs it any more", old);
}

/* false: nothing is to be removed now, the decision says for what that waits. */
static bool remove_old(struct deciding *d)
{
	const struct watch_roll *roll = &d->child->roll;
	struct watch_ds rest = decide_without(&d->today, &roll->old);
	int64_t at = roll_ends(d);
	char why[WATCH_REASON_MAX], old[TAGS_SIZE], added[TAGS_SIZE];

	if (at == 0 || d->now < at) {
		wait_for_roll(d, at);
		return false;
	}
	if (!decide_is_valid(d, &rest, why)) {
		decide_say(d, WATCH_WAIT, WATCH_CAUSE_WOULD_BREAK, 0,
		    "without the old DS validation would fail: %s", why);
		return false;
	}
	d->out->ds = decide_without(&d->today, &rest);
	d->out->wanted = d->out->goal = rest;
	decide_tags(&d->out->ds, old);
	decide_tags(&roll->added, added);
	decide_say(d, WATCH_REMOVE, WATCH_CAUSE_ROLLED, 0,
	    "the roll-over from key %s to key %s is over: the new DS is at all servers of the "
	    "parent and the new key's signature at all servers of the domain for long enough",
	    old, added);
	return true;
}

/* New keys */

struct search { /* what was found among the keys */
	struct watch_ds set, added;
	int64_t wait;	       /* the earliest end of a hold-down */
	uint16_t waiting, old; /* tags */
	bool is_waiting, is_breaking, is_old, is_forgotten;
	enum watch_past_state old_state;
	char why[WATCH_REASON_MAX];
};

static bool is_candidate(const struct deciding *d, const struct watch_key *k)
{
	return watch_key_flags(k) == (DNSKEY_FLAG_ZONE | DNSKEY_FLAG_SEP) &&
	       trust_is_algorithm(watch_key_algorithm(k)) && !trust_has_ds(d->child, &d->today, k);
}

/* Since when all addresses have it without a break in sets that validate; 0: one does not. */
static int64_t stands_since(const struct deciding *d, unsigned key)
{
	int64_t since = 0;

	for (unsigned i = 0; i < d->child->server_count; i++) {
		const struct watch_seen *seen = trust_seen(&d->child->servers[i], key);

		if (seen == NULL || seen->since == 0)
			return 0;
		since = later(since, seen->since);
	}
	return since;
}

/* The digest types that the DS set of now has with this algorithm, where those of the policy would
 * lead a validator that looks at one type only to nothing but the new key. */
static void digests_of_today(const struct deciding *d, uint8_t algorithm, uint8_t out[3])
{
	unsigned count = 0;

	memset(out, 0, 3);
	for (unsigned i = 0; i < d->today.count; i++) {
		const struct parent_ds *ds = &d->today.list[i];

		if (ds->algorithm == algorithm && trust_is_digest(ds->digest_type) &&
		    memchr(out, ds->digest_type, 3) == NULL && count < 2)
			out[count++] = ds->digest_type;
	}
}

static bool try_digests(
    const struct deciding *d, const struct watch_key *k, const uint8_t *digests, struct search *s)
{
	struct watch_ds with = s->set;

	if (!decide_add_key(d, k, digests, &with) || with.count > WATCH_DS_MAX) {
		snprintf(s->why, sizeof(s->why), "the DS set would have more than %d records",
		    WATCH_DS_MAX);
		return false;
	}
	if (!decide_is_valid(d, &with, s->why))
		return false;
	s->set = with;
	return true;
}

static void accept(const struct deciding *d, const struct watch_key *k, struct search *s)
{
	uint8_t others[WATCH_DIGESTS_MAX] = {0};

	digests_of_today(d, watch_key_algorithm(k), others);
	if (!try_digests(d, k, decide_digests(d), s) &&
	    !(others[0] != 0 && try_digests(d, k, others, s)))
		s->is_breaking = true;
}

static void look_at(const struct deciding *d, unsigned key, struct search *s)
{
	const struct watch_key *k = &d->child->keys[key];
	const struct watch_past *past = trust_past(d->child, k);
	int64_t since = stands_since(d, key);

	if (since == 0)
		return;
	if (past == NULL) {
		s->is_forgotten = true;
	} else if (past->state != WATCH_NEW) {
		s->is_old = true;
		s->old = k->tag;
		s->old_state = past->state;
	} else if (d->now >= since + d->policy->hold_down) {
		accept(d, k, s);
	} else if (!s->is_waiting || since + d->policy->hold_down < s->wait) {
		s->is_waiting = true;
		s->wait = since + d->policy->hold_down;
		s->waiting = k->tag;
	}
}

static const char *old_words(enum watch_past_state state)
{
	static const char *const words[WATCH_PAST_STATES] = {[WATCH_NEW] = "is new",
	    [WATCH_OLD] = "was there when the domain was enrolled",
	    [WATCH_TRUSTED] = "has a DS of another form",
	    [WATCH_DROPPED] = "had a DS that was removed",
	    [WATCH_REVOKED] = "was revoked"};

	return words[state];
}

static bool asks_for_delete(const struct watch_child *c)
{
	for (unsigned i = 0; i < c->server_count; i++) {
		if (c->servers[i].wish.cds == WATCH_WISH_DELETE ||
		    c->servers[i].wish.cdnskey == WATCH_WISH_DELETE)
			return true;
	}
	return false;
}

/* Nothing is to be added: why the keys without DS, if any, get none. */
static void say_search(struct deciding *d, const struct search *s)
{
	char until[32];

	decide_time(s->wait, until);
	if (s->is_waiting)
		decide_say(d, WATCH_WAIT, WATCH_CAUSE_HOLD_DOWN, s->wait,
		    "the new key %u must stand unchanged at all servers until %s", s->waiting,
		    until);
	else if (s->is_breaking)
		decide_say(d, WATCH_WAIT, WATCH_CAUSE_WOULD_BREAK, 0,
		    "with the DS of the new key validation would fail: %s", s->why);
	else if (s->is_forgotten)
		decide_say(d, WATCH_NOTHING, WATCH_CAUSE_LIMIT, 0,
		    "there is a key without DS, and so many keys were seen that nobody can tell "
		    "whether it is new: enrol the domain anew");
	else if (s->is_old)
		decide_say(d, WATCH_NOTHING, WATCH_CAUSE_NOT_NEW, 0,
		    "key %u has no DS and gets none: it %s", s->old, old_words(s->old_state));
	else if (asks_for_delete(d->child))
		decide_say(d, WATCH_NOTHING, WATCH_CAUSE_DELETE, 0,
		    "the domain asks by CDS or CDNSKEY to be unsigned, which is not followed when "
		    "its keys are watched");
	else
		decide_say(d, WATCH_NOTHING, WATCH_CAUSE_SETTLED, 0,
		    "every key that should have a DS has one");
}

/* Keys that stand in sets of different addresses only come to nothing: all sets are the same here.
 */
static void search_keys(struct deciding *d, struct search *s)
{
	s->set = d->today;
	for (unsigned i = 0; i < d->child->key_count; i++) {
		if (is_candidate(d, &d->child->keys[i]))
			look_at(d, i, s);
	}
	s->added = decide_without(&s->set, &d->today);
}

void decide_by_dnskey(struct deciding *d)
{
	struct search s = {.wait = 0};
	char tags[TAGS_SIZE];

	if (!servers_agree(d))
		return;
	/* One roll-over that will end comes before the next: what is new in this one is old in
	 * that. */
	if (d->child->roll.is_on && (remove_old(d) || d->out->cause == WATCH_CAUSE_CACHES))
		return;
	search_keys(d, &s);
	if (s.added.count > 0) {
		d->out->ds = s.added;
		d->out->wanted = d->out->goal = s.set;
		decide_tags(&s.added, tags);
		decide_say(d, WATCH_ADD, WATCH_CAUSE_NEW_KEY, 0,
		    "the new key %s stood unchanged at all servers in DNSKEY sets that are signed "
		    "by a key with a DS",
		    tags);
		return;
	}
	if (!d->child->roll.is_on || s.is_waiting || s.is_breaking)
		say_search(d, &s);
}
