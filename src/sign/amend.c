/* A version made in place: the owners that were chosen go by in order, and what must be signed goes
 * into slabs, as in plan.c.  See amend.h. */
#include "sign/amend.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/dnskey.h"
#include "dns/rrtype.h"

void amend_free(struct sign_run *r)
{
	struct amend *a = r->amend;

	if (a == NULL)
		return;
	r->amend = NULL;
	spool_close(a->spool);
	delta_free(&a->delta);
	if (a->have_is_open)
		source_close(&a->have);
	if (a->walk_is_open)
		walk_close(&a->walk);
	node_free(&a->have_node);
	node_free(&a->node);
	free(a->owners.items);
	free(a->hashes.items);
	free(a->empties.items);
	free(a->links.items);
	buf_free(&a->owners.keys);
	buf_free(&a->hashes.keys);
	buf_free(&a->empties.keys);
	buf_free(&a->links.keys);
	buf_free(&a->links.bitmaps);
	buf_free(&a->dropped);
	change_free(a->change);
	free(a);
}

static bool has_same_chain(const struct sign_run *r)
{
	const struct zone_head *h = &r->old_head;
	const struct nsec3_params *was = &h->nsec3, *is = &r->job.policy.nsec3;

	if (h->denial != r->denial || r->denial == DENIAL_NONE)
		return false;
	return !denial_is_nsec3(r->denial) ||
	       (was->iterations == is->iterations && was->salt_len == is->salt_len &&
		   memcmp(was->salt, is->salt, is->salt_len) == 0);
}

static const struct keyset_key *find_key(const struct sign_run *r, const uint8_t id[TOKEN_ID_LEN])
{
	for (unsigned k = 0; k < r->job.keys.count; k++) {
		if (memcmp(r->job.keys.keys[k].id, id, TOKEN_ID_LEN) == 0)
			return &r->job.keys.keys[k];
	}
	return NULL;
}

/* Are TTLs to be capped lower than they were? */
static bool has_lower_cap(const struct sign_run *r)
{
	uint32_t cap = r->job.policy.max_ttl, was = r->old_head.ttl_cap;

	return cap != 0 && (was == 0 || cap < was) && r->old_head.ttl_in > cap;
}

/* How many signatures are there at least of a key whose DNSKEY stays? */
static uint64_t kept_signatures(const struct sign_run *r)
{
	const struct zone_head *h = &r->old_head;
	uint64_t most = 0;

	for (unsigned i = 0; i < h->key_count; i++) {
		const struct keyset_key *k = find_key(r, h->keys[i].id);

		if (k != NULL && k->in_set && h->keys[i].signatures > most)
			most = h->keys[i].signatures;
	}
	return most;
}

/* Would some of a big zone be signed, until a walk is over, only by a key whose DNSKEY goes?  Not
 * where one that stays has signed as much, as in a change of algorithm.  keys/ never asks for that;
 * a recovery with other keys may. */
static bool leaves_behind(const struct sign_run *r)
{
	const struct zone_head *h = &r->old_head;
	uint64_t most = h->has_walk ? 0 : kept_signatures(r);

	if (h->rrsets <= AMEND_SMALL || h->keyset == sign_keyset_mark(&r->job.keys))
		return false;
	for (unsigned i = 0; i < h->key_count; i++) {
		const struct keyset_key *k = find_key(r, h->keys[i].id);
		bool is_gone = k == NULL || (!k->in_set && !k->signs_zone && !k->signs_set);

		if (is_gone && h->keys[i].signatures > most)
			return true;
	}
	return false;
}

bool amend_may(struct sign_run *r)
{
	return r->has_old && !r->job.whole && has_same_chain(r) && !has_lower_cap(r) &&
	       !leaves_behind(r);
}

int amend_give_up(struct sign_run *r, const char *why)
{
	bool is_difference = r->amend->spool != NULL;

	amend_free(r);
	if (r->job.as_is || r->build != NULL)
		return run_fail(r, ERR_AGAIN, "%s, and its new chain is being made", why);
	if (is_difference) {
		r->input_bad = true;
		return run_fail(r, ERR_CONFLICT,
		    "the difference that came in cannot be applied in place: %s", why);
	}
	memset(&r->head, 0, sizeof(r->head));
	r->rrsets_in = r->rrsets_expected = 0;
	return run_begin_build(r);
}

int amend_is_bad(struct sign_run *r, const char *why)
{
	r->place_bad = true;
	return run_fail(r, ERR_VERIFY, "%s", why);
}

/* Owners */

int64_t amend_earliest(const struct sign_run *r, int64_t so_far, const struct old_set *s)
{
	struct rrset set;
	const uint8_t *p;

	if (rrset_unpack(s->packed, s->len, &set) != OK)
		return so_far;
	p = set.sigdata;
	for (unsigned i = 0; i < set.sigs; i++) {
		struct rrsig sig;
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);
		int64_t at;

		if (rrsig_parse(rdata, len, &sig) != OK)
			continue;
		at = r->job.now + (int32_t)(sig.expiration - (uint32_t)r->job.now);
		so_far = so_far == 0 || at < so_far ? at : so_far;
	}
	return so_far;
}

struct slab *amend_slab(struct sign_run *r, bool is_nsec3, uint32_t stretch)
{
	struct slab *s;

	if (stretch != r->amend->stretch_now)
		slab_seal(r);
	r->amend->stretch_now = stretch;
	s = slab_current(r, is_nsec3);
	s->is_stretch = stretch != 0;
	return s;
}

/* Is entry e what the store has? */
static bool is_same(struct sign_run *r, struct slab *s, const struct slab_entry *e)
{
	if (e->jobs > 0 || e->was == NULL)
		return false;
	buf_reset(&r->value);
	slab_entry_value(s, e, &r->value);
	return !r->value.failed && r->value.len == e->was_len &&
	       memcmp(r->value.data, e->was, e->was_len) == 0;
}

int amend_put_set(struct sign_run *r, struct slab *s, const uint8_t *key, size_t len, uint16_t type,
    const uint8_t *packed, size_t packed_len, uint32_t mask, bool anew)
{
	struct old_set old = old_find(&r->old, type);
	unsigned i = slab_add(s, key, len, type);
	int rc;

	s->entries[i].was = old.packed;
	s->entries[i].was_len = (uint32_t)old.len;
	rc = slab_fill(s, i, packed, packed_len, mask, anew ? NULL : &old);
	s->entries[i].is_same = rc == OK && is_same(r, s, &s->entries[i]);
	return rc;
}

static int put_sets(
    struct sign_run *r, struct slab *s, const struct node *n, enum place place, bool anew)
{
	int rc = OK;

	for (unsigned i = 0; rc == OK && i < n->count; i++) {
		const struct node_set *set = &n->sets[i];

		if (plan_comes_late(place, set->type))
			continue;
		rc = amend_put_set(r, s, n->key, n->key_len, set->type, node_packed(n, set),
		    set->len, plan_signers(r, n, place, set->type), anew);
	}
	return rc;
}

/* An RRset of the signer's own, one record, ready in r->rdata; the packed value goes into
 * r->message. */
int amend_pack(struct sign_run *r, const uint8_t *owner, uint16_t type, struct buf *items)
{
	struct rrset set = {.owner = owner, .type = type, .ttl = r->denial_ttl, .count = 1};

	buf_reset(items);
	buf_lv16(items, r->rdata.data, r->rdata.len);
	set.rdata = items->data;
	set.rdata_len = items->len;
	buf_reset(&r->nsec_bitmap);
	rrset_pack(&set, &r->nsec_bitmap);
	if (r->rdata.failed || items->failed || r->nsec_bitmap.failed)
		return run_fail(r, ERR_LIMIT, "out of memory");
	return OK;
}

int amend_pack_stored(struct sign_run *r, const uint8_t *packed, size_t len)
{
	struct rrset set;

	if (rrset_unpack(packed, len, &set) != OK)
		return run_fail(r, ERR_FORMAT, "reading the denial chain: a damaged value");
	set.sigs = 0;
	set.sigdata_len = 0;
	buf_reset(&r->nsec_bitmap);
	rrset_pack(&set, &r->nsec_bitmap);
	return r->nsec_bitmap.failed ? run_fail(r, ERR_LIMIT, "out of memory") : OK;
}

static int make_nsec(struct sign_run *r, const struct node *n, enum place place)
{
	uint8_t next_key[NAME_KEY_MAX], next[NAME_MAX_LEN];
	size_t next_len;
	int rc = links_next(r, n->key, n->key_len, next_key, &next_len);

	if (rc != OK)
		return rc;
	denial_bitmap(n, place == PLACE_DELEGATION, true, &r->bitmap);
	buf_reset(&r->rdata);
	buf_put(&r->rdata, next, name_from_key(next_key, next_len, next));
	buf_put(&r->rdata, r->bitmap.data, r->bitmap.len);
	return amend_pack(r, n->owner, RR_NSEC, &r->value);
}

static int put_nsec(
    struct sign_run *r, struct slab *s, const struct node *n, enum place place, bool anew)
{
	const struct link *link = links_find(&r->amend->links, n->key, n->key_len);
	struct old_set old = old_find(&r->old, RR_NSEC);
	int rc;

	if (r->denial != DENIAL_NSEC || place == PLACE_HIDDEN || n->count == 0)
		return OK;
	if (link == NULL && old.packed == NULL)
		return amend_is_bad(r, "a name has lost its NSEC in the store");
	rc = link != NULL ? make_nsec(r, n, place) : amend_pack_stored(r, old.packed, old.len);
	if (rc != OK)
		return rc;
	return amend_put_set(r, s, n->key, n->key_len, RR_NSEC, r->nsec_bitmap.data,
	    r->nsec_bitmap.len, r->zone_mask, anew);
}

/* Rows that nothing asks for any more. */
static int remove_rest(
    struct sign_run *r, const struct owner *o, const struct node *n, bool has_nsec, bool *any)
{
	int rc = OK;

	for (unsigned i = 0; rc == OK && i < r->old.count; i++) {
		const struct old_set *s = &r->old.sets[i];

		if (s->type == RR_NSEC ? has_nsec : node_find(n, s->type) != NULL)
			continue;
		*any = true;
		rc = tally(r, s->packed, s->len, false, -1);
		if (rc == OK && change_rrset(r->amend->change, o->key, o->key_len, s->type, NULL, 0,
				    &r->err) != OK)
			rc = run_fail_in(r, r->err.code, "writing the new version");
	}
	return rc;
}

/* The index follows: an owner that changed has an entry of its own, for the earliest of its
 * signatures. The apex has none: it is looked at in every run. */
int amend_index(struct sign_run *r, const uint8_t *key, size_t len, bool is_nsec3, uint32_t stretch)
{
	struct amend *a = r->amend;
	struct expiry_entry x = {.is_nsec3 = is_nsec3,
	    .expiry = a->owner_was,
	    .first = key,
	    .first_len = len,
	    .last = key,
	    .last_len = len};
	int rc = OK;

	if (!is_nsec3 && len == r->apex_key_len)
		return OK;
	if (a->owner_was != 0)
		rc = change_expiry_drop(a->change, &x, &r->err);
	x.expiry = a->owner_is;
	if (rc == OK && stretch == 0 && a->owner_is != 0)
		rc = change_expiry_add(a->change, &x, &r->err);
	return rc == OK ? OK : run_fail_in(r, rc, "writing the new version");
}

/* Of the entries from `first` on nothing is new: a single owner is forgotten again. */
static bool all_same(const struct slab *s, unsigned first)
{
	for (unsigned i = first; i < s->entry_count; i++) {
		if (!s->entries[i].is_same)
			return false;
	}
	return true;
}

static int amend_owner(struct sign_run *r, struct owner *o)
{
	struct amend *a = r->amend;
	struct node *n = &r->node;
	bool is_apex = o->key_len == r->apex_key_len, any = false, has_nsec;
	bool anew = is_apex ? a->anew_apex : a->anew && o->stretch != 0;
	enum place place;
	struct slab *s;
	unsigned first;
	int rc = view_node(r, o->key, o->key_len, n);

	if (rc != OK)
		return rc;
	place = view_place(r, n);
	if (is_apex)
		rc = plan_apex(r, n);
	if (rc != OK)
		return rc;
	a->owner_was = a->owner_is = 0;
	for (unsigned i = 0; i < r->old.count; i++)
		a->owner_was = amend_earliest(r, a->owner_was, &r->old.sets[i]);
	s = amend_slab(r, false, o->stretch);
	first = s->entry_count;
	s->is_held = true; /* all of the owner goes into one */
	rc = put_sets(r, s, n, place, anew);
	has_nsec = r->denial == DENIAL_NSEC && place != PLACE_HIDDEN && n->count > 0;
	if (rc == OK)
		rc = put_nsec(r, s, n, place, anew);
	s->is_held = false;
	if (rc == OK)
		rc = remove_rest(r, o, n, has_nsec, &any);
	if (rc != OK)
		return rc;
	o->is_changed = any || !all_same(s, first);
	if (!o->is_changed && o->stretch == 0)
		s->entry_count = first;
	return o->is_changed ? amend_index(r, o->key, o->key_len, false, o->stretch) : OK;
}

static int amend_one(struct sign_run *r)
{
	struct owners *o = &r->amend->owners;

	if (o->done == o->count) {
		slab_seal(r);
		return STEP_DONE;
	}
	return amend_owner(r, &o->items[o->done++]);
}

int amend_step(struct sign_run *r, uint64_t until)
{
	return queue_feed(r, until, amend_one);
}

int amend_settle_step(struct sign_run *r, uint64_t until)
{
	int rc;

	(void)until;
	slab_seal(r);
	rc = queue_pump(r);
	if (rc != OK || r->first != NULL)
		return rc != OK ? rc : STEP_WAIT;
	commit_sums(r);
	return STEP_DONE;
}

/* Into the change */

static int write_entry(struct sign_run *r, const struct slab *s, const struct slab_entry *e)
{
	struct change *c = r->amend->change;
	const uint8_t *key = s->data.data + e->key_at;
	int rc = OK;

	if (e->is_same)
		return OK;
	if (e->was != NULL)
		rc = tally(r, e->was, e->was_len, s->is_nsec3, -1);
	buf_reset(&r->value);
	slab_entry_value(s, e, &r->value);
	if (rc != OK || r->value.failed)
		return rc != OK ? rc : run_fail(r, ERR_LIMIT, "out of memory");
	rc = tally(r, r->value.data, r->value.len, s->is_nsec3, 1);
	if (rc != OK)
		return rc;
	r->signed_now += e->jobs;
	if (s->is_nsec3)
		rc = change_nsec3(c, key, r->value.data, r->value.len, &r->err);
	else
		rc =
		    change_rrset(c, key, e->key_len, e->type, r->value.data, r->value.len, &r->err);
	return rc == OK ? OK : run_fail_in(r, rc, "writing the new version");
}

int amend_write_slab(struct sign_run *r, const struct slab *s)
{
	struct expiry_entry x;
	int rc = OK;

	for (unsigned i = 0; rc == OK && i < s->entry_count; i++)
		rc = write_entry(r, s, &s->entries[i]);
	r->rrsets_done += s->entry_count;
	if (rc != OK || !s->is_stretch || !s->has_expiry)
		return rc;
	slab_expiry(s, &x);
	rc = change_expiry_add(r->amend->change, &x, &r->err);
	return rc == OK ? OK : run_fail_in(r, rc, "writing the new version");
}
