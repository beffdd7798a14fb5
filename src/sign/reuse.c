/* Signatures of the current generation that need not be made again.  Its RRsets are read beside the
 * new ones, in the same order; a signature is kept when its RRset is octet for octet the same, its
 * key has that work now and it lives long enough.  One by a key that has it no more is gone with
 * this run, whatever took the work away. */
#include "sign/run.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/dnskey.h"
#include "sign/delta.h"

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
	o->count = o->cap = 0;
}

void old_take_set(struct old *o, const struct old_set *s)
{
	if (o->count == o->cap) {
		o->cap = o->cap == 0 ? 16 : o->cap * 2;
		o->sets = mem_grow(o->sets, o->cap, sizeof(o->sets[0]));
	}
	o->sets[o->count++] = *s;
}

void old_take(struct old *o, const struct walk *w)
{
	struct old_set s = {.type = w->type, .packed = w->packed, .len = w->packed_len};

	old_take_set(o, &s);
}

int old_seek(struct sign_run *r, const uint8_t *key, size_t len)
{
	struct old *o = &r->old;
	int rc = OK;

	o->count = 0;
	while (rc == OK && !o->at_end && !o->walk.is_nsec3) {
		int c = key_compare(o->walk.key, o->walk.key_len, key, len);

		if (c > 0)
			break;
		if (c == 0)
			old_take(o, &o->walk);
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
	if (!r->old.is_open || !denial_is_nsec3(r->old_head.denial))
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
		int c = key_compare(o->walk.key, o->walk.key_len, hash, NSEC3_HASH_LEN);

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

static int64_t life_left(const struct sign_run *r, const struct rrsig *sig)
{
	return (int32_t)(sig->expiration - (uint32_t)r->job.now);
}

static bool may_be_kept(const struct sign_run *r, const struct lifetime *l, const struct rrsig *sig)
{
	int64_t life = life_left(r, sig), age = (int32_t)((uint32_t)r->job.now - sig->inception);

	return age >= 0 && life > l->keep && life <= l->validity;
}

/* The signature by key k among those of `was`, and its RDATA; NULL: none. */
static const uint8_t *find_signature(
    const struct sign_run *r, const struct rrset *was, unsigned k, struct rrsig *sig, uint16_t *len)
{
	const struct keyset_key *key = &r->job.keys.keys[k];
	const uint8_t *p = was->sigdata;

	for (unsigned i = 0; i < was->sigs && !r->keys[k].is_new; i++) {
		const uint8_t *rdata = rrset_next(&p, len);

		if (rrsig_parse(rdata, *len, sig) == OK && sig->key_tag == key->tag &&
		    sig->algorithm == key->algorithm && sig->covered == was->type &&
		    sig->original_ttl == was->ttl)
			return rdata;
	}
	return NULL;
}

const uint8_t *old_signature(const struct sign_run *r, const struct old_set *old,
    const struct rrset *set, unsigned k, uint16_t *len, uint32_t *expiration)
{
	const uint8_t *rdata;
	struct rrset was;
	struct rrsig sig;

	if (old == NULL || rrset_unpack(old->packed, old->len, &was) != OK)
		return NULL;
	rdata = find_signature(r, &was, k, &sig, len);
	if (rdata == NULL || !may_be_kept(r, run_lifetime(r, set), &sig))
		return NULL;
	*expiration = sig.expiration;
	return rdata;
}
