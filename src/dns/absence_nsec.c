/* Absence by NSEC: see absence.h (RFC 4035 5.4, RFC 6840 4). */
#include <string.h>
#include "dns/absence_internal.h"

/* Canonical order (RFC 4034 6.1). */
static int compare(const uint8_t *a, const uint8_t *b)
{
	uint8_t ka[NAME_KEY_MAX], kb[NAME_KEY_MAX];
	size_t la = name_key(a, ka), lb = name_key(b, kb);
	int order = memcmp(ka, kb, la < lb ? la : lb);

	if (order != 0)
		return order;
	return (la > lb) - (la < lb);
}

/* There is nothing between the record's owner and its next name, which the last one of the zone
 * does not have. */
static bool covers(const struct proof_record *r, const uint8_t *name)
{
	if (name_is_at_or_below(name, r->owner) && proof_ends_at(r))
		return false;
	if (compare(r->owner, name) >= 0)
		return false;
	return compare(name, r->next) < 0 || compare(r->next, r->owner) <= 0;
}

static const struct proof_record *find_match(const struct proof *p, const uint8_t *name)
{
	for (unsigned i = 0; i < p->count; i++) {
		if (name_equal(p->records[i].owner, name))
			return &p->records[i];
	}
	return NULL;
}

static const struct proof_record *find_cover(const struct proof *p, const uint8_t *name)
{
	for (unsigned i = 0; i < p->count; i++) {
		if (covers(&p->records[i], name))
			return &p->records[i];
	}
	return NULL;
}

/* The longest name that the name is below and that is known to be there, by the record that covers
 * it. */
static const uint8_t *encloser(const struct proof_record *r, const uint8_t *name)
{
	const uint8_t *at = name_parent(name);

	while (!name_is_at_or_below(r->owner, at) && !name_is_at_or_below(r->next, at))
		at = name_parent(at);
	return at;
}

enum absence nsec_absence(const struct proof *p)
{
	const uint8_t *name = p->question->name;
	uint8_t wildcard[NAME_MAX_LEN];
	const struct proof_record *r = find_match(p, name);

	if (r != NULL)
		return proof_match(r, p->question->type);
	r = find_cover(p, name);
	if (r == NULL)
		return ABSENCE_UNPROVEN;
	if (name_is_at_or_below(r->next, name))
		return ABSENCE_OF_TYPE; /* it has names below it, and nothing else */
	proof_wildcard(encloser(r, name), wildcard);
	r = find_match(p, wildcard);
	/* What a wildcard would delegate is nothing that anybody may rely on (RFC 4592 4.2). */
	if (r != NULL)
		return proof_match(r, p->question->type) == ABSENCE_OF_TYPE ? ABSENCE_OF_TYPE
									    : ABSENCE_UNPROVEN;
	return find_cover(p, wildcard) != NULL ? ABSENCE_OF_NAME : ABSENCE_UNPROVEN;
}

enum absence nsec_absence_closer(const struct proof *p, const uint8_t *closer)
{
	const struct proof_record *r = find_cover(p, closer);

	return r != NULL && !name_is_at_or_below(r->next, closer) ? ABSENCE_OF_NAME
								  : ABSENCE_UNPROVEN;
}
