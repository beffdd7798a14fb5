/* Absence by NSEC3: see absence.h (RFC 5155 8). */
#include <string.h>
#include "dns/absence_internal.h"

static const struct proof_record *find_match(
    const struct proof *p, const uint8_t hash[NSEC3_HASH_LEN])
{
	for (unsigned i = 0; i < p->count; i++) {
		if (memcmp(p->records[i].hash, hash, NSEC3_HASH_LEN) == 0)
			return &p->records[i];
	}
	return NULL;
}

/* The last one of the chain leads to the first. */
static bool covers(const struct proof_record *r, const uint8_t hash[NSEC3_HASH_LEN])
{
	bool is_behind = memcmp(r->hash, hash, NSEC3_HASH_LEN) < 0,
	     is_before = memcmp(hash, r->next, NSEC3_HASH_LEN) < 0,
	     is_last = memcmp(r->next, r->hash, NSEC3_HASH_LEN) <= 0;

	if (memcmp(r->hash, hash, NSEC3_HASH_LEN) == 0)
		return false;
	return is_last ? is_behind || is_before : is_behind && is_before;
}

static const struct proof_record *find_cover(const struct proof *p, const uint8_t *name)
{
	uint8_t hash[NSEC3_HASH_LEN];

	nsec3_hash(&p->params, name, hash);
	for (unsigned i = 0; i < p->count; i++) {
		if (covers(&p->records[i], hash))
			return &p->records[i];
	}
	return NULL;
}

/* The name's closest ancestor that is known to be there, or the name itself; NULL: none.  *below is
 * the one of its children on the way to the name, NULL if there is none (RFC 5155 8.3). */
static const struct proof_record *find_encloser(
    const struct proof *p, const uint8_t **at, const uint8_t **below)
{
	const uint8_t *name = p->question->name;
	const struct proof_record *r;
	uint8_t hash[NSEC3_HASH_LEN];

	*below = NULL;
	for (;;) {
		nsec3_hash(&p->params, name, hash);
		r = find_match(p, hash);
		*at = name;
		if (r != NULL || name_equal(name, p->question->zone))
			return r;
		*below = name;
		name = name_parent(name);
	}
}

static enum absence of_wildcard(const struct proof *p, const uint8_t *at)
{
	uint8_t wildcard[NAME_MAX_LEN], hash[NSEC3_HASH_LEN];
	const struct proof_record *r;

	proof_wildcard(at, wildcard);
	nsec3_hash(&p->params, wildcard, hash);
	r = find_match(p, hash);
	if (r != NULL)
		return proof_match(r, p->question->type) == ABSENCE_OF_TYPE ? ABSENCE_OF_TYPE
									    : ABSENCE_UNPROVEN;
	return find_cover(p, wildcard) != NULL ? ABSENCE_OF_NAME : ABSENCE_UNPROVEN;
}

enum absence nsec3_absence(const struct proof *p)
{
	const uint8_t *at, *below;
	const struct proof_record *r = find_encloser(p, &at, &below);

	if (r == NULL)
		return ABSENCE_UNPROVEN;
	if (below == NULL)
		return proof_match(r, p->question->type);
	if (proof_ends_at(r))
		return ABSENCE_UNPROVEN;
	r = find_cover(p, below);
	if (r == NULL)
		return ABSENCE_UNPROVEN;
	return r->flags & NSEC3_FLAG_OPT_OUT ? ABSENCE_OPEN : of_wildcard(p, at);
}

enum absence nsec3_absence_closer(const struct proof *p, const uint8_t *closer)
{
	const struct proof_record *r = find_cover(p, closer);

	if (r == NULL)
		return ABSENCE_UNPROVEN;
	return r->flags & NSEC3_FLAG_OPT_OUT ? ABSENCE_OPEN : ABSENCE_OF_NAME;
}
