/* Signatures of the current generation that need not be made again.  Its RRsets are read beside the
 * new ones, in the same order; a signature is kept when its RRset is octet for octet the same, its
 * key still has that work and it lives long enough. */
#include "sign/run.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/dnskey.h"

static int old_next(struct sign_run *r)
{
	int rc = walk_next(&r->old.walk);

	r->old.at_end = rc != OK;
	if (rc != OK && rc != ERR_MISSING)
		return run_fail(r, rc, "reading the current version: %s", err_name(rc));
	return OK;
}

int old_open(struct sign_run *r)
{
	int rc = OK;

	r->old.at_end = true;
	if (!r->has_old || r->job.force)
		return OK;
	rc = walk_open(r->sn, &r->old_head, &r->old.walk, &r->err);
	if (rc != OK)
		return run_fail_in(r, rc, "reading the current version");
	r->old.is_open = true;
	return old_next(r);
}

void old_close(struct old *o)
{
	if (o->is_open)
		walk_close(&o->walk);
	o->is_open = false;
	free(o->sets);
	o->sets = NULL;
}

static int compare_keys(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	int c = memcmp(a, b, alen < blen ? alen : blen);

	if (c != 0)
		return c;
	return alen < blen ? -1 : alen > blen;
}

static void old_take(struct old *o)
{
	if (o->count == o->cap) {
		o->cap = o->cap == 0 ? 16 : o->cap * 2;
		o->sets = mem_grow(o->sets, o->cap, sizeof(o->sets[0]));
	}
	o->sets[o->count++] = (struct old_set){
	    .type = o->walk.type, .packed = o->walk.packed, .len = o->walk.packed_len};
}

int old_seek(struct sign_run *r, const uint8_t *key, size_t len)
{
	struct old *o = &r->old;
	int rc = OK;

	o->count = 0;
	while (rc == OK && !o->at_end && !o->walk.is_nsec3) {
		int c = compare_keys(o->walk.key, o->walk.key_len, key, len);

		if (c > 0)
			break;
		if (c == 0)
			old_take(o);
		rc = old_next(r);
	}
	return rc;
}

struct old_set old_find(const struct old *o, uint16_t type)
{
	for (unsigned i = 0; i < o->count; i++) {
		if (o->sets[i].type == type)
			return o->sets[i];
	}
	return (struct old_set){0};
}

int old_start_nsec3(struct sign_run *r)
{
	static const uint8_t lowest[NSEC3_HASH_LEN];
	int rc = OK;

	r->old.at_end = true;
	if (!r->old.is_open || r->old_head.denial == DENIAL_NSEC)
		return OK;
	rc = walk_seek_nsec3(&r->old.walk, lowest); /* stands on the first, if there is one */
	r->old.at_end = rc != OK;
	if (rc != OK && rc != ERR_MISSING)
		return run_fail(r, rc, "reading the current version: %s", err_name(rc));
	return OK;
}

int old_seek_nsec3(struct sign_run *r, const uint8_t hash[NSEC3_HASH_LEN], struct old_set *out)
{
	struct old *o = &r->old;
	int rc = OK;

	*out = (struct old_set){0};
	while (rc == OK && !o->at_end) {
		int c = compare_keys(o->walk.key, o->walk.key_len, hash, NSEC3_HASH_LEN);

		if (c > 0)
			break;
		if (c == 0)
			*out = (struct old_set){.type = o->walk.type,
			    .packed = o->walk.packed,
			    .len = o->walk.packed_len};
		rc = old_next(r);
	}
	return rc;
}

bool old_is_same(const struct old_set *old, const uint8_t *packed, size_t len)
{
	/* The new value ends in a zero: no signatures yet. */
	return old->packed != NULL && old->len >= len && memcmp(old->packed, packed, len - 1) == 0;
}

static bool lives_long_enough(const struct sign_run *r, const struct rrsig *sig)
{
	int64_t life = (int32_t)(sig->expiration - (uint32_t)r->job.now);
	int64_t age = (int32_t)((uint32_t)r->job.now - sig->inception);

	return age >= 0 && life > r->keep_life && life <= r->job.policy.validity;
}

const uint8_t *old_signature(const struct sign_run *r, const struct old_set *old,
    const struct rrset *set, unsigned k, uint16_t *len, uint32_t *expiration)
{
	const struct keyset_key *key = &r->job.keys.keys[k];
	struct rrset was;
	const uint8_t *p;

	if (old == NULL || r->keys[k].is_new || rrset_unpack(old->packed, old->len, &was) != OK)
		return NULL;
	p = was.sigdata;
	for (unsigned i = 0; i < was.sigs; i++) {
		const uint8_t *rdata = rrset_next(&p, len);
		struct rrsig sig;

		if (rrsig_parse(rdata, *len, &sig) != OK || sig.key_tag != key->tag ||
		    sig.algorithm != key->algorithm || sig.covered != set->type ||
		    sig.original_ttl != set->ttl || !lives_long_enough(r, &sig))
			continue;
		*expiration = sig.expiration;
		return rdata;
	}
	return NULL;
}
