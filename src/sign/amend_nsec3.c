/* The NSEC3 records of a version made in place: those whose neighbours or bitmaps change, and those
 * that are due.  See amend.h.  Signing side's main thread. */
#include "sign/amend.h"

#include <string.h>
#include "dns/nsec.h"
#include "dns/rrtype.h"

static int make_nsec3(struct sign_run *r, const struct link *x, const struct old_set *old)
{
	uint8_t next[NAME_KEY_MAX], owner[NAME_MAX_LEN];
	uint8_t flags = r->denial == DENIAL_NSEC3_OPT_OUT ? NSEC3_FLAG_OPT_OUT : 0;
	const uint8_t *bitmap;
	size_t next_len, bitmap_len;
	struct rrset was;
	int rc;

	if (x->is_as_stored && !x->is_relinked)
		return amend_pack_stored(r, old->packed, old->len);
	rc = links_next(r, x->key, x->key_len, next, &next_len);
	if (rc != OK)
		return rc;
	if (x->is_as_stored) {
		size_t before = 2U + 5U + r->job.policy.nsec3.salt_len + 1U + NSEC3_HASH_LEN;

		if (rrset_unpack(old->packed, old->len, &was) != OK || was.rdata_len < before)
			return run_fail(r, ERR_FORMAT, "reading the denial chain: a damaged value");
		bitmap = was.rdata + before;
		bitmap_len = was.rdata_len - before;
	} else {
		const uint8_t *p = r->amend->links.bitmaps.data + x->bitmap_at;

		bitmap = p + 2;
		bitmap_len = load_u16(p);
	}
	buf_reset(&r->rdata);
	nsec3_rdata(&r->job.policy.nsec3, flags, next, bitmap, bitmap_len, &r->rdata);
	if (nsec3_owner(x->key, r->job.apex, owner) == 0)
		return run_fail(r, ERR_LIMIT, "the zone's name is too long for NSEC3");
	return amend_pack(r, owner, RR_NSEC3, &r->value);
}

static int remove_nsec3(struct sign_run *r, struct link *x, const struct old_set *old)
{
	int rc = tally(r, old->packed, old->len, true, -1);

	x->is_changed = true;
	if (rc == OK && change_nsec3(r->amend->change, x->key, NULL, 0, &r->err) != OK)
		rc = run_fail_in(r, r->err.code, "writing the new version");
	return rc == OK ? amend_index(r, x->key, x->key_len, true, x->stretch) : rc;
}

static int amend_link(struct sign_run *r, struct link *x)
{
	struct amend *a = r->amend;
	struct old_set old = {.type = RR_NSEC3};
	struct slab *s;
	unsigned first;
	int rc = links_row(r, x->key, x->key_len, &old.packed, &old.len);

	if (rc != OK && rc != ERR_MISSING)
		return run_fail(r, rc, "reading the denial chain: %s", err_name(rc));
	if (rc == ERR_MISSING)
		old.packed = NULL;
	a->owner_is = 0;
	a->owner_was = old.packed == NULL ? 0 : amend_earliest(r, 0, &old);
	if (!x->wanted)
		return old.packed == NULL ? OK : remove_nsec3(r, x, &old);
	if (x->is_as_stored && old.packed == NULL)
		return amend_is_bad(r, "a record of its NSEC3 chain is gone from the store");
	rc = make_nsec3(r, x, &old);
	if (rc != OK)
		return rc;
	r->old.count = 0;
	if (old.packed != NULL)
		old_take_set(&r->old, &old);
	s = amend_slab(r, true, x->stretch);
	first = s->entry_count;
	rc = amend_put_set(r, s, x->key, x->key_len, RR_NSEC3, r->nsec_bitmap.data,
	    r->nsec_bitmap.len, r->zone_mask, a->anew && x->stretch != 0);
	if (rc != OK)
		return rc;
	x->is_changed = !s->entries[first].is_same;
	if (!x->is_changed && x->stretch == 0)
		s->entry_count = first;
	return x->is_changed ? amend_index(r, x->key, x->key_len, true, x->stretch) : OK;
}

static int amend_one_nsec3(struct sign_run *r)
{
	struct links *l = &r->amend->links;

	if (l->done == l->count)
		return STEP_DONE;
	return amend_link(r, &l->items[l->done++]);
}

int amend_nsec3_step(struct sign_run *r, uint64_t until)
{
	if (!denial_is_nsec3(r->denial))
		return STEP_DONE;
	return queue_feed(r, until, amend_one_nsec3);
}
