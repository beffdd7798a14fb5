/* What is remembered of a child's keys, so that none counts as new twice: see child.h.  Only what
 * stood in sets that validated is remembered (and what was there at enrolment), so nobody but who
 * holds the child's keys can fill this memory. */
#include <string.h>
#include "base/mem.h"
#include "watch/child_internal.h"
#include "watch/trust.h"

static struct watch_past *find(struct watch_child *c, const uint8_t id[WATCH_DIGEST_LEN])
{
	for (unsigned i = 0; i < c->past_count; i++) {
		if (memcmp(c->past[i].id, id, WATCH_DIGEST_LEN) == 0)
			return &c->past[i];
	}
	return NULL;
}

static const struct watch_key *published(
    const struct watch_child *c, const struct watch_past *past, unsigned from)
{
	uint8_t id[WATCH_DIGEST_LEN];

	for (unsigned i = from; i < c->key_count; i++) {
		trust_key_id(c->keys[i].rdata, c->keys[i].len, id);
		if (memcmp(id, past->id, sizeof(id)) == 0)
			return &c->keys[i];
	}
	return NULL;
}

/* A key that never got a DS and is gone may be forgotten: it would have to wait again. */
static bool make_room(struct watch_child *c)
{
	for (unsigned i = 0; i < c->past_count; i++) {
		if (c->past[i].state == WATCH_NEW && published(c, &c->past[i], 0) == NULL) {
			c->past[i] = c->past[--c->past_count];
			return true;
		}
	}
	return false;
}

static struct watch_past *remember(
    struct watch_child *c, const struct watch_key *k, enum watch_past_state state, int64_t now)
{
	struct watch_past *past;

	if (c->past_count == WATCH_PAST_MAX && !make_room(c)) {
		c->is_full = true;
		return NULL;
	}
	c->past = mem_grow(c->past, c->past_count + 1, sizeof(*c->past));
	past = &c->past[c->past_count++];
	*past = (struct watch_past){
	    .state = state, .since = now, .tag = k->tag, .algorithm = watch_key_algorithm(k)};
	trust_key_id(k->rdata, k->len, past->id);
	return past;
}

static void change(struct watch_past *past, enum watch_past_state state, int64_t now)
{
	if (past->state == state || past->state == WATCH_REVOKED)
		return;
	past->state = state;
	past->since = now;
}

void child_past_note(struct watch_child *c, unsigned key, bool is_validated, int64_t now)
{
	const struct watch_key *k = &c->keys[key];
	uint8_t id[WATCH_DIGEST_LEN];
	struct watch_past *past;

	if ((watch_key_flags(k) & DNSKEY_FLAG_SEP) == 0)
		return;
	trust_key_id(k->rdata, k->len, id);
	past = find(c, id);
	if (past == NULL && !c->has_baseline)
		past = remember(c, k, WATCH_OLD, now);
	else if (past == NULL && is_validated)
		past = remember(c, k, WATCH_NEW, now);
	if (past == NULL)
		return;
	if ((watch_key_flags(k) & DNSKEY_FLAG_REVOKE) != 0 && is_validated)
		change(past, WATCH_REVOKED, now);
	else if (trust_has_ds(c, &c->today, k))
		change(past, WATCH_TRUSTED, now);
}

/* A key that is not published any more is known by its tag only. */
static bool still_has_ds(const struct watch_child *c, const struct watch_past *past)
{
	const struct watch_key *k = published(c, past, 0);
	bool is_published = k != NULL;

	while (k != NULL) {
		if (trust_has_ds(c, &c->today, k))
			return true;
		k = published(c, past, (unsigned)(k - c->keys) + 1);
	}
	for (unsigned i = 0; i < c->today.count && !is_published; i++) {
		if (c->today.list[i].tag == past->tag &&
		    c->today.list[i].algorithm == past->algorithm)
			return true;
	}
	return false;
}

void child_past_trust(struct watch_child *c, int64_t now)
{
	uint8_t id[WATCH_DIGEST_LEN];

	for (unsigned i = 0; i < c->key_count; i++) {
		const struct watch_key *k = &c->keys[i];
		struct watch_past *past;

		if (!trust_has_ds(c, &c->today, k))
			continue;
		trust_key_id(k->rdata, k->len, id);
		past = find(c, id);
		if (past == NULL)
			past = remember(c, k, WATCH_TRUSTED, now);
		if (past != NULL)
			change(past, WATCH_TRUSTED, now);
	}
	for (unsigned i = 0; i < c->past_count; i++) {
		if (c->past[i].state == WATCH_TRUSTED && !still_has_ds(c, &c->past[i]))
			change(&c->past[i], WATCH_DROPPED, now);
	}
}
