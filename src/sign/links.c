/* The denial chain of a version made in place: which NSEC or NSEC3 records come, go, or lead
 * elsewhere now. A record that comes or goes changes the one before it; nothing else does.  See
 * amend.h.
 *
 * Both chains are one here: a link's key is a name's sort key (NSEC) or a hash (NSEC3), and what
 * the store has is asked through stored_after and stored_before. */
#include "sign/amend.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"

/* What is wanted */

/* Has it a record of its own in the chain (RFC 4035 section 2.3, RFC 5155 section 7.1)? */
static bool counts(const struct sign_run *r, const struct node *n, enum place place)
{
	bool is_insecure = place == PLACE_DELEGATION && node_find(n, RR_DS) == NULL;

	return n->count > 0 && place != PLACE_HIDDEN &&
	       !(is_insecure && r->denial == DENIAL_NSEC3_OPT_OUT);
}

/* An empty non-terminal has a record as long as a name below it counts. */
static int is_wanted_empty(struct sign_run *r, const uint8_t *key, size_t len, bool *out)
{
	struct node *n = &r->amend->node; /* view_after leaves the name there */
	uint8_t name[NAME_KEY_MAX];
	size_t name_len = len;
	bool skip = false;
	int rc;

	*out = false;
	if (view_is_hidden(r, key, len))
		return OK;
	memcpy(name, key, len);
	while ((rc = view_after(r, name, name_len, skip, name, &name_len)) == OK) {
		enum place place;

		if (name_len <= len || memcmp(name, key, len) != 0)
			return OK;
		place = node_find(n, RR_NS) != NULL ? PLACE_DELEGATION : PLACE_INSIDE;
		*out = counts(r, n, place);
		if (*out)
			return OK;
		skip = true; /* an insecure delegation: below it is nothing that counts */
	}
	return rc == ERR_MISSING ? OK : rc;
}

/* bitmap NULL: an empty one.  was: whether it has a record now. */
static int want_hash(struct sign_run *r, const uint8_t *key, size_t len, bool wanted,
    const struct buf *bitmap, bool *was)
{
	struct links *l = &r->amend->links;
	uint8_t name[NAME_MAX_LEN], hash[NSEC3_HASH_LEN];
	struct link *x;
	int rc;

	name_from_key(key, len, name);
	nsec3_hash(&r->job.policy.nsec3, name, hash);
	rc = links_is_stored(r, hash, sizeof(hash), was);
	if (rc != OK || (!*was && !wanted))
		return rc;
	x = links_add(r, hash, sizeof(hash));
	x->wanted = wanted;
	x->was = *was;
	x->bitmap_at = (uint32_t)l->bitmaps.len;
	buf_lv16(
	    &l->bitmaps, bitmap == NULL ? NULL : bitmap->data, bitmap == NULL ? 0 : bitmap->len);
	return OK;
}

static int want_name(struct sign_run *r, const uint8_t *key, size_t len, bool wanted)
{
	struct link *x;
	bool was;
	int rc = links_is_stored(r, key, len, &was);

	if (rc != OK || (!wanted && !was))
		return rc;
	x = links_add(r, key, len);
	x->wanted = wanted;
	x->was = was;
	return OK;
}

static int want_empty(struct sign_run *r, const uint8_t *key, size_t len, bool *was)
{
	bool wanted;
	int rc = is_wanted_empty(r, key, len, &wanted);

	return rc == OK ? want_hash(r, key, len, wanted, NULL, was) : rc;
}

/* Names above one that came or went may begin or cease to be empty non-terminals. */
static int note_above(struct sign_run *r, const struct owner *o)
{
	struct owners *e = &r->amend->empties;
	int rc = OK;

	for (size_t len = r->apex_key_len + 1; rc == OK && len < o->key_len; len++) {
		if (o->key[len - 1] == 0)
			rc = owners_add(e, o->key, len, 0);
	}
	return rc == OK ? OK : run_fail(r, rc, "out of memory");
}

static int want_owner(struct sign_run *r, const struct owner *o)
{
	struct amend *a = r->amend;
	struct node *n = &a->node;
	int rc = view_node(r, o->key, o->key_len, n);
	bool wanted, was = false;
	enum place place;

	if (rc != OK)
		return rc;
	place = view_place(r, n);
	wanted = counts(r, n, place);
	if (!denial_is_nsec3(r->denial))
		return want_name(r, o->key, o->key_len, wanted);
	if (place == PLACE_APEX)
		rc = plan_apex_sets(r, n);
	denial_bitmap(n, place == PLACE_DELEGATION, false, &r->bitmap);
	if (rc == OK && r->bitmap.failed)
		rc = run_fail(r, ERR_LIMIT, "out of memory");
	if (rc == OK && n->count == 0) /* it may be an empty non-terminal now */
		rc = want_empty(r, o->key, o->key_len, &was);
	else if (rc == OK)
		rc = want_hash(r, o->key, o->key_len, wanted, &r->bitmap, &was);
	return rc == OK && wanted != was ? note_above(r, o) : rc;
}

static int want_empties(struct sign_run *r)
{
	struct owners *e = &r->amend->empties;
	int rc = OK;

	owners_sort(e);
	for (size_t i = 0; rc == OK && i < e->count; i++) {
		const struct owner *o = &e->items[i];
		bool was;

		rc = view_node(r, o->key, o->key_len, &r->amend->node);
		/* One that has data has a link of its own where one is due, and so has one
		 * whose data goes. */
		if (rc == OK && r->amend->node.count == 0 && r->old.count == 0)
			rc = want_empty(r, o->key, o->key_len, &was);
	}
	return rc;
}

static int want_stretches(struct sign_run *r)
{
	const struct owners *h = &r->amend->hashes;

	for (size_t i = 0; i < h->count; i++) {
		struct link *x = links_add(r, h->items[i].key, h->items[i].key_len);

		x->wanted = x->was = x->is_as_stored = true;
		x->stretch = h->items[i].stretch;
	}
	return links_sort(r);
}

/* NSEC: what stands before one that came or went is an owner to be looked at, too. */
static int own_relinked(struct sign_run *r)
{
	struct links *l = &r->amend->links;
	size_t before = r->amend->owners.count;
	int rc = OK;

	for (size_t i = 0; rc == OK && i < l->count; i++) {
		if (l->items[i].is_relinked)
			rc = owners_add(&r->amend->owners, l->items[i].key, l->items[i].key_len, 0);
	}
	if (r->amend->owners.count > before)
		owners_sort(&r->amend->owners);
	return rc == OK ? OK : run_fail(r, rc, "out of memory");
}

int links_step(struct sign_run *r, uint64_t until)
{
	struct amend *a = r->amend;
	int rc = OK;

	for (; a->owners.done < a->owners.count; a->owners.done++) {
		const struct owner *o = &a->owners.items[a->owners.done];

		if (run_time_is_up(until))
			return STEP_AGAIN;
		if (o->is_single) /* else it has all that it had */
			rc = want_owner(r, o);
		if (rc != OK)
			return rc;
	}
	a->owners.done = 0;
	rc = want_empties(r);
	if (rc == OK)
		rc = want_stretches(r);
	if (rc == OK)
		rc = links_relink(r);
	if (rc == OK && !denial_is_nsec3(r->denial))
		rc = own_relinked(r);
	return rc == OK ? STEP_DONE : rc;
}
