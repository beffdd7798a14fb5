/* The zone as it will be: what the store has, seen through the delta.  See amend.h. */
#include "sign/amend.h"

#include <string.h>
#include "dns/rrtype.h"

int view_open(struct sign_run *r)
{
	struct amend *a = r->amend;
	int rc = walk_open(r->sn, &r->old_head, &a->walk, &r->err);

	if (rc != OK)
		return run_fail_in(r, rc, "reading the current version");
	a->walk_is_open = true;
	return OK;
}

static int read_failed(struct sign_run *r, int rc)
{
	return run_fail(r, rc, "reading the current version: %s", err_name(rc));
}

static bool stands_on(const struct walk *w, const uint8_t *key, size_t len)
{
	return !w->is_nsec3 && w->key_len == len && memcmp(w->key, key, len) == 0;
}

static int add_packed(struct node *n, const uint8_t *packed, size_t len)
{
	struct rrset set;

	if (rrset_unpack(packed, len, &set) != OK)
		return ERR_FORMAT;
	if (n->count == 0)
		memcpy(n->owner, set.owner, name_len(set.owner));
	set.sigs = 0;
	set.sigdata_len = 0;
	return node_add(n, &set);
}

/* The rows of one name; those that the delta speaks of are not what they will be. */
static int add_stored(struct sign_run *r, const uint8_t *key, size_t len, struct node *n)
{
	struct amend *a = r->amend;
	struct walk *w = &a->walk;
	bool is_apex = len == r->apex_key_len;
	int rc = walk_seek(w, key, len);

	for (; rc == OK && stands_on(w, key, len); rc = walk_next(w)) {
		old_take(&r->old, w);
		if (rrtype_is_stripped(w->type, is_apex) ||
		    delta_find(&a->delta, key, len, w->type) != NULL)
			continue;
		if (add_packed(n, w->packed, w->packed_len) != OK)
			return ERR_FORMAT;
	}
	if (is_apex)
		source_restore_serial(&r->old_head, n);
	return rc == ERR_MISSING ? OK : rc;
}

int view_node(struct sign_run *r, const uint8_t *key, size_t len, struct node *n)
{
	const struct delta *d = &r->amend->delta;
	int rc;

	node_reset(n);
	r->old.count = 0;
	memcpy(n->key, key, len);
	n->key_len = len;
	rc = add_stored(r, key, len, n);
	for (size_t i = delta_seek(d, key, len); rc == OK && i < d->count; i++) {
		if (key_compare(delta_key(d, i), d->sets[i].key_len, key, len) != 0)
			break;
		if (d->sets[i].len > 0)
			rc = add_packed(n, d->data.data + d->sets[i].at, d->sets[i].len);
	}
	return rc == OK ? OK : read_failed(r, rc);
}

bool view_has(struct sign_run *r, const uint8_t *key, size_t len, uint16_t type)
{
	const struct delta_set *s = delta_find(&r->amend->delta, key, len, type);
	struct walk *w = &r->amend->walk;
	int rc;

	if (s != NULL)
		return s->len > 0;
	for (rc = walk_seek(w, key, len); rc == OK && stands_on(w, key, len); rc = walk_next(w)) {
		if (w->type >= type)
			return w->type == type;
	}
	return false;
}

static bool is_cut(struct sign_run *r, const uint8_t *key, size_t len)
{
	return (len > r->apex_key_len && view_has(r, key, len, RR_NS)) ||
	       view_has(r, key, len, RR_DNAME);
}

bool view_is_hidden(struct sign_run *r, const uint8_t *key, size_t len)
{
	for (size_t above = r->apex_key_len; above < len; above++) {
		bool is_label_end = above == r->apex_key_len || key[above - 1] == 0;

		if (is_label_end && is_cut(r, key, above))
			return true;
	}
	return false;
}

enum place view_place(struct sign_run *r, const struct node *n)
{
	if (n->key_len == r->apex_key_len)
		return PLACE_APEX;
	if (view_is_hidden(r, n->key, n->key_len))
		return PLACE_HIDDEN;
	return node_find(n, RR_NS) != NULL ? PLACE_DELEGATION : PLACE_INSIDE;
}

size_t key_behind(const uint8_t *key, size_t len, bool skip_below, uint8_t out[NAME_KEY_MAX + 1])
{
	memcpy(out, key, len);
	if (!skip_below && len < NAME_KEY_MAX - 1) {
		out[len] = 1; /* rows of the name itself go on with 00 */
		return len + 1;
	}
	if (len == 0) {
		out[0] = 0xff; /* nothing is beside the root, and labels have 63 octets */
		memset(out, 0xff, 64);
		return 64;
	}
	out[len - 1] = 1; /* keys of names below have 00 there, too */
	return len;
}

void hash_behind(const uint8_t hash[NSEC3_HASH_LEN], uint8_t out[NSEC3_HASH_LEN])
{
	unsigned i = NSEC3_HASH_LEN;

	memcpy(out, hash, NSEC3_HASH_LEN);
	while (i > 0 && ++out[--i] == 0)
		;
}

/* The first name in the store at or behind `from`. */
static int stored_from(struct sign_run *r, const uint8_t *from, size_t len)
{
	struct walk *w = &r->amend->walk;
	int rc = walk_seek(w, from, len);

	return rc == OK || rc == ERR_MISSING ? rc : read_failed(r, rc);
}

/* Is anything there, in the zone as it will be?  A stored row that the delta does not take away, or
 * one that it brings. */
static int has_data(struct sign_run *r, const uint8_t *key, size_t len, bool *out)
{
	int rc = view_node(r, key, len, &r->amend->node);

	*out = rc == OK && r->amend->node.count > 0;
	return rc;
}

int view_after(struct sign_run *r, const uint8_t *key, size_t len, bool skip_below,
    uint8_t out[NAME_KEY_MAX], size_t *out_len)
{
	const struct delta *d = &r->amend->delta;
	const struct walk *w = &r->amend->walk;
	uint8_t from[NAME_KEY_MAX + 1];
	size_t from_len = key_behind(key, len, skip_below, from);

	for (;;) {
		size_t i = delta_seek(d, from, from_len);
		int rc = stored_from(r, from, from_len);
		bool is_there = false, by_delta;

		if (rc != OK && rc != ERR_MISSING)
			return rc;
		if (rc == ERR_MISSING && i == d->count)
			return ERR_MISSING;
		by_delta = rc == ERR_MISSING ||
			   (i < d->count && key_compare(delta_key(d, i), d->sets[i].key_len, w->key,
						w->key_len) < 0);
		*out_len = by_delta ? d->sets[i].key_len : w->key_len;
		memcpy(out, by_delta ? delta_key(d, i) : w->key, *out_len);
		rc = has_data(r, out, *out_len, &is_there);
		if (rc != OK || is_there)
			return rc;
		from_len = key_behind(out, *out_len, false, from);
	}
}
