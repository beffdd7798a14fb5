/* Which owners does this version look at?  Those of the delta; those below a name that became a
 * delegation or a DNAME, or is none any more; what is due; a slice of a walk.  The apex always. See
 * amend.h. */
#include "sign/amend.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/dnskey.h"
#include "dns/rrtype.h"
#include "dns/soa.h"

int owners_add(struct owners *o, const uint8_t *key, size_t len, uint32_t stretch)
{
	struct owner *x;

	if (o->count == o->cap) {
		o->cap = o->cap == 0 ? 64 : o->cap * 2;
		o->items = mem_grow(o->items, o->cap, sizeof(o->items[0]));
	}
	x = &o->items[o->count++];
	*x = (struct owner){.key_at = o->keys.len,
	    .key_len = (uint16_t)len,
	    .stretch = stretch,
	    .is_single = stretch == 0};
	buf_put(&o->keys, key, len);
	return o->keys.failed ? ERR_LIMIT : OK;
}

static int compare_owners(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;
	int c = key_compare(x->key, x->key_len, y->key, y->key_len);

	if (c != 0)
		return c;
	return x->stretch > y->stretch ? -1 : x->stretch < y->stretch;
}

void owners_sort(struct owners *o)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->count; i++)
		o->items[i].key = o->keys.data + o->items[i].key_at;
	if (o->count > 0)
		qsort(o->items, o->count, sizeof(o->items[0]), compare_owners);
	for (size_t i = 0; i < o->count; i++) {
		const struct owner *x = &o->items[i];
		struct owner *last = &o->items[kept - 1];

		if (kept == 0 || key_compare(last->key, last->key_len, x->key, x->key_len) != 0)
			o->items[kept++] = *x;
		else
			last->is_single = last->is_single || x->is_single;
	}
	o->count = kept;
}

static int add(
    struct sign_run *r, struct owners *o, const uint8_t *key, size_t len, uint32_t stretch)
{
	return owners_add(o, key, len, stretch) == OK ? OK
						      : run_fail(r, ERR_LIMIT, "out of memory");
}

/* What changed, and what lies below it. */

static bool is_cut(bool has_ns, bool has_dname, bool is_apex)
{
	return has_dname || (has_ns && !is_apex);
}

static int add_below(struct sign_run *r, const uint8_t *key, size_t len)
{
	uint8_t name[NAME_KEY_MAX];
	size_t name_len;
	int rc;

	memcpy(name, key, len);
	name_len = len;
	while ((rc = view_after(r, name, name_len, false, name, &name_len)) == OK) {
		if (name_len <= len || memcmp(name, key, len) != 0)
			break;
		rc = add(r, &r->amend->owners, name, name_len, 0);
		if (rc != OK)
			return rc;
		if (r->amend->owners.count > AMEND_OWNERS_MAX)
			break;
	}
	return rc == ERR_MISSING ? OK : rc;
}

/* The owner of the delta whose first set is i. */
static int choose_changed(struct sign_run *r, size_t i)
{
	struct amend *a = r->amend;
	const uint8_t *key = delta_key(&a->delta, i);
	size_t len = a->delta.sets[i].key_len;
	bool is_apex = len == r->apex_key_len, was, is;
	int rc = view_node(r, key, len, &r->node);

	if (rc == OK && a->spool != NULL && r->node.count > 0)
		rc = accept_node(r, &r->node);
	if (rc != OK)
		return rc;
	was = is_cut(old_find(&r->old, RR_NS).packed != NULL,
	    old_find(&r->old, RR_DNAME).packed != NULL, is_apex);
	is = is_cut(
	    node_find(&r->node, RR_NS) != NULL, node_find(&r->node, RR_DNAME) != NULL, is_apex);
	rc = add(r, &a->owners, key, len, 0);
	return rc == OK && was != is ? add_below(r, key, len) : rc;
}

/* What a difference makes is no zone: the whole one, which its source is asked for, may be one; if
 * not, that is what is wrong with the input. */
static int doubt_difference(struct sign_run *r)
{
	if (r->input_bad)
		r->code = r->err.code = ERR_CONFLICT;
	return r->code;
}

static int choose_delta(struct sign_run *r)
{
	const struct delta *d = &r->amend->delta;
	int rc = OK;

	for (size_t i = 0; rc == OK && i < d->count; i++) {
		if (i == 0 || !delta_same_owner(d, i, i - 1))
			rc = choose_changed(r, i);
	}
	if (rc == OK && r->amend->spool != NULL)
		rc = accept_is_zone(r);
	if (rc != OK && r->amend->spool != NULL)
		return doubt_difference(r);
	return rc == OK ? add(r, &r->amend->owners, r->apex_key, r->apex_key_len, 0) : rc;
}

/* The TTL of all NSEC or NSEC3 records follows the SOA (RFC 9077). */
static uint32_t denial_ttl_of(const struct old_set *soa)
{
	struct rrset set;
	struct soa s;

	if (soa->packed == NULL || rrset_unpack(soa->packed, soa->len, &set) != OK ||
	    soa_parse(set.rdata + 2, set.rdata_len - 2, &s) != OK)
		return 0;
	return set.ttl < s.minimum ? set.ttl : s.minimum;
}

static bool has_other_denial_ttl(struct sign_run *r)
{
	const struct node_set *s;
	struct old_set was, is;

	if (view_node(r, r->apex_key, r->apex_key_len, &r->node) != OK)
		return true;
	s = node_find(&r->node, RR_SOA);
	was = old_find(&r->old, RR_SOA);
	if (s == NULL)
		return true;
	is = (struct old_set){.packed = node_packed(&r->node, s), .len = s->len};
	return denial_ttl_of(&was) != denial_ttl_of(&is);
}

/* What is renewed */

/* A row that is met: its signatures count. */
static void spend(struct amend *a, const struct walk *w)
{
	struct rrset set;

	if (rrset_unpack(w->packed, w->packed_len, &set) == OK)
		a->budget -= set.sigs < a->budget ? set.sigs : a->budget;
}

/* The owners from `first` to `last`; last NULL: as long as the budget lasts.  The last one is left
 * in w when the budget ended it: OK.  ERR_MISSING: there are no more. */
static int add_stretch(struct sign_run *r, bool is_nsec3, const uint8_t *last, size_t last_len,
    int rc, uint32_t stretch)
{
	struct amend *a = r->amend;
	struct owners *o = is_nsec3 ? &a->hashes : &a->owners;
	struct walk *w = &a->walk;
	uint8_t key[NAME_KEY_MAX];
	size_t len = SIZE_MAX;

	for (; rc == OK && w->is_nsec3 == is_nsec3; rc = walk_next(w)) {
		bool is_new = len != w->key_len || memcmp(key, w->key, len) != 0;

		if (!is_nsec3 && w->key_len == r->apex_key_len)
			continue; /* always looked at, and not in the index */
		if (last != NULL && key_compare(w->key, w->key_len, last, last_len) > 0)
			return OK;
		if (last == NULL && is_new && a->budget == 0)
			return OK;
		spend(a, w);
		if (!is_new)
			continue;
		len = w->key_len;
		memcpy(key, w->key, len);
		if (add(r, o, key, len, stretch) != OK)
			return r->code;
	}
	return rc == OK ? ERR_MISSING : rc;
}

static void note_dropped(struct amend *a, const struct expiry_entry *x)
{
	buf_u64(&a->dropped, (uint64_t)x->expiry);
	buf_u8(&a->dropped, x->is_nsec3);
	buf_lv16(&a->dropped, x->first, x->first_len);
	buf_lv16(&a->dropped, x->last, x->last_len);
}

static int choose_entry(void *arg, const struct expiry_entry *x)
{
	struct sign_run *r = arg;
	struct amend *a = r->amend;
	int rc;

	if (x->expiry > r->job.now + r->life_rest.keep || a->budget == 0)
		return ERR_MISSING; /* enough */
	note_dropped(a, x);
	rc = x->is_nsec3 ? walk_seek_nsec3(&a->walk, x->first)
			 : walk_seek(&a->walk, x->first, x->first_len);
	rc = add_stretch(r, x->is_nsec3, x->last, x->last_len, rc, ++a->stretch);
	return rc == ERR_MISSING ? OK : rc;
}

static int choose_due(struct sign_run *r)
{
	int rc;

	if (r->old_head.resign_at == 0 || r->job.now < r->old_head.resign_at)
		return OK;
	rc = snapshot_each_expiry(r->sn, &r->old_head, choose_entry, r);
	if (rc != OK && rc != ERR_MISSING)
		return run_fail(r, rc, "reading the expiry index: %s", err_name(rc));
	return r->amend->dropped.failed ? run_fail(r, ERR_LIMIT, "out of memory") : OK;
}

static int add_walk_part(struct sign_run *r)
{
	struct amend *a = r->amend;
	struct zone_head *h = &r->head;
	struct owners *o = h->walk_is_nsec3 ? &a->hashes : &a->owners;
	uint8_t from[NAME_KEY_MAX + 1];
	size_t len = 0, before = o->count;
	int rc;

	if (h->walk_key_len > 0 && h->walk_is_nsec3)
		hash_behind(h->walk_key, from);
	else if (h->walk_key_len > 0)
		len = key_behind(h->walk_key, h->walk_key_len, false, from);
	else
		memset(from, 0, sizeof(from));
	rc = h->walk_is_nsec3 ? walk_seek_nsec3(&a->walk, from) : walk_seek(&a->walk, from, len);
	rc = add_stretch(r, h->walk_is_nsec3, NULL, 0, rc, ++a->stretch);
	if (rc == OK && o->count > before) {
		const struct owner *last = &o->items[o->count - 1];

		memcpy(h->walk_key, o->keys.data + last->key_at, last->key_len);
		h->walk_key_len = last->key_len;
	}
	return rc;
}

static int choose_walk(struct sign_run *r)
{
	struct amend *a = r->amend;
	struct zone_head *h = &r->head;
	int rc = OK;

	a->anew = h->walk_anew;
	if (a->budget > 0)
		rc = add_walk_part(r);
	if (rc == ERR_MISSING && !h->walk_is_nsec3 && denial_is_nsec3(r->denial)) {
		h->walk_is_nsec3 = true;
		h->walk_key_len = 0;
		rc = add_walk_part(r);
	}
	if (rc == ERR_MISSING) {
		resign_end(r);
		rc = OK;
	}
	return rc == OK ? OK : run_fail(r, rc, "reading the current version: %s", err_name(rc));
}

/* Signatures that were due long ago: changes that never cease must not let them expire. */
static bool is_overdue(const struct sign_run *r)
{
	const struct zone_head *h = &r->old_head;

	return h->expiry_first != 0 && h->expiry_first - r->job.now < r->life_rest.refresh / 4 * 3;
}

int choose_step(struct sign_run *r, uint64_t until)
{
	struct amend *a = r->amend;
	bool is_small = r->old_head.rrsets <= AMEND_SMALL;
	int rc = view_open(r);

	(void)until;
	if (rc == OK)
		rc = choose_delta(r);
	if (rc != OK)
		return rc;
	if (a->delta.count == 0 && r->build == NULL && !due_now(r)) {
		r->unchanged = true;
		return STEP_DONE;
	}
	if (a->owners.count > AMEND_OWNERS_MAX)
		return amend_give_up(r, "much of it changes");
	if (a->delta.count > 0 && has_other_denial_ttl(r))
		return amend_give_up(r, "the TTL of all its denial records changes");
	rc = commit_plan_amend(r);
	a->budget = is_small ? UINT64_MAX : SLICE_SIGNATURES;
	/* A change does not wait for renewals; a small zone needs no second version for them. */
	a->renews = r->spool == NULL || is_small || is_overdue(r);
	if (rc == OK && a->renews)
		rc = choose_due(r);
	if (rc == OK && resign_begin(r) && a->renews)
		rc = choose_walk(r);
	if (rc != OK)
		return rc;
	owners_sort(&a->owners);
	owners_sort(&a->hashes);
	r->rrsets_expected = a->owners.count + a->hashes.count;
	return STEP_DONE;
}
