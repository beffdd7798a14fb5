/* Neighbours in the denial chain of a version made in place: what the store has, and what the links
 * say is to come or go.  See links.c and amend.h.  Signing side's main thread. */
#include "sign/amend.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"

struct link *links_add(struct sign_run *r, const uint8_t *key, size_t len)
{
	struct links *l = &r->amend->links;
	struct link *x;

	if (l->count == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->items = mem_grow(l->items, l->cap, sizeof(l->items[0]));
	}
	x = &l->items[l->count++];
	*x = (struct link){.key_at = l->keys.len, .key_len = (uint16_t)len};
	buf_put(&l->keys, key, len);
	return x;
}

static int compare_links(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return key_compare(x->key, x->key_len, y->key, y->key_len);
}

static void point_keys(struct links *l)
{
	for (size_t i = 0; i < l->count; i++)
		l->items[i].key = l->keys.data + l->items[i].key_at;
}

int links_sort(struct sign_run *r)
{
	struct links *l = &r->amend->links;
	size_t kept = 0;

	if (l->keys.failed || l->bitmaps.failed)
		return run_fail(r, ERR_LIMIT, "out of memory");
	point_keys(l);
	if (l->count > 0)
		qsort(l->items, l->count, sizeof(l->items[0]), compare_links);
	for (size_t i = 0; i < l->count; i++) {
		struct link x = l->items[i], *last = &l->items[kept - 1];

		if (kept == 0 || compare_links(last, &x) != 0) {
			l->items[kept++] = x;
			continue;
		}
		if (!last->is_as_stored && !x.is_as_stored)
			return run_fail(r, ERR_CONFLICT,
			    "two names have the same NSEC3 hash; another salt is needed");
		x.stretch = x.stretch > last->stretch ? x.stretch : last->stretch;
		last->stretch = x.stretch;
		if (last->is_as_stored && !x.is_as_stored)
			*last = x;
	}
	l->count = l->sorted = kept;
	return OK;
}

static size_t seek_link(const struct links *l, const uint8_t *key, size_t len)
{
	size_t low = 0, high = l->sorted;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct link *x = &l->items[middle];

		if (key_compare(x->key, x->key_len, key, len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct link *links_find(struct links *l, const uint8_t *key, size_t len)
{
	size_t i = seek_link(l, key, len);

	if (i < l->sorted && key_compare(l->items[i].key, l->items[i].key_len, key, len) == 0)
		return &l->items[i];
	return NULL;
}

/* The chain in the store */

static bool has_nsec3(const struct sign_run *r)
{
	return denial_is_nsec3(r->denial);
}

/* Names without an NSEC (glue, what a cut hides) are no part of the chain. */
static int skip_to_nsec(struct walk *w, int rc, int (*next)(struct walk *w))
{
	while (rc == OK && !w->is_nsec3 && w->type != RR_NSEC)
		rc = next(w);
	return rc == OK && w->is_nsec3 ? ERR_MISSING : rc;
}

/* The first one behind key; key NULL: of all. */
static int stored_after(struct sign_run *r, const uint8_t *key, size_t len)
{
	struct walk *w = &r->amend->walk;
	uint8_t from[NAME_KEY_MAX + 1] = {0};
	size_t from_len = 0;

	if (has_nsec3(r)) {
		if (key != NULL)
			hash_behind(key, from);
		return walk_seek_nsec3(w, from);
	}
	if (key != NULL)
		from_len = key_behind(key, len, false, from);
	return skip_to_nsec(w, walk_seek(w, from, from_len), walk_next);
}

/* The last one before key; key NULL: of all. */
static int stored_before(struct sign_run *r, const uint8_t *key, size_t len)
{
	struct walk *w = &r->amend->walk;

	if (has_nsec3(r))
		return walk_seek_nsec3_before(w, key);
	return skip_to_nsec(w, walk_seek_before(w, key, len), walk_prev);
}

int links_row(
    struct sign_run *r, const uint8_t *key, size_t len, const uint8_t **packed, size_t *packed_len)
{
	struct walk *w = &r->amend->walk;
	int rc = has_nsec3(r) ? walk_seek_nsec3(w, key) : walk_seek(w, key, len);

	if (!has_nsec3(r)) {
		while (rc == OK && !w->is_nsec3 && w->type != RR_NSEC && w->key_len == len &&
		       memcmp(w->key, key, len) == 0)
			rc = walk_next(w);
	}
	if (rc == OK &&
	    (w->key_len != len || memcmp(w->key, key, len) != 0 || w->is_nsec3 != has_nsec3(r)))
		return ERR_MISSING;
	*packed = w->packed;
	*packed_len = w->packed_len;
	return rc;
}

int links_is_stored(struct sign_run *r, const uint8_t *key, size_t len, bool *out)
{
	const uint8_t *packed;
	size_t packed_len;
	int rc = links_row(r, key, len, &packed, &packed_len);

	*out = rc == OK;
	return rc == OK || rc == ERR_MISSING
		   ? OK
		   : run_fail(r, rc, "reading the denial chain: %s", err_name(rc));
}

/* Neighbours */

static void relink(struct sign_run *r, const uint8_t *key, size_t len)
{
	struct links *l = &r->amend->links;
	const uint8_t *keys = l->keys.data;
	struct link *x = links_find(l, key, len);

	if (x == NULL) { /* behind those that are in order, until they are sorted again */
		x = links_add(r, key, len);
		x->wanted = x->was = x->is_as_stored = true;
	}
	x->is_relinked = true;
	if (l->keys.data != keys) /* seldom: they moved */
		point_keys(l);
}

/* Link i came or went: the one before it in the chain to be leads elsewhere.  If the nearest one
 * goes, too, then its own turn found the one before. */
static int relink_before(struct sign_run *r, size_t i)
{
	struct links *l = &r->amend->links;
	const struct link *x = &l->items[i], *near = i == 0 ? NULL : &l->items[i - 1];
	const struct walk *w = &r->amend->walk;
	int rc = stored_before(r, x->key, x->key_len);

	if (rc != OK && rc != ERR_MISSING)
		return run_fail(r, rc, "reading the denial chain: %s", err_name(rc));
	if (near != NULL &&
	    (rc == ERR_MISSING || key_compare(near->key, near->key_len, w->key, w->key_len) >= 0)) {
		if (near->wanted)
			l->items[i - 1].is_relinked = true;
	} else if (rc == OK) {
		relink(r, w->key, w->key_len);
	} else {
		r->amend->wraps = true;
	}
	return OK;
}

/* The last one of the chain to be leads to the first, which came or went. */
static int relink_last(struct sign_run *r)
{
	struct links *l = &r->amend->links;
	const struct walk *w = &r->amend->walk;
	int rc = stored_before(r, NULL, 0);

	for (size_t i = l->sorted; i-- > 0;) {
		const struct link *x = &l->items[i];
		int c = rc == OK ? key_compare(x->key, x->key_len, w->key, w->key_len) : 1;

		if (c < 0)
			break;
		if (x->wanted) {
			l->items[i].is_relinked = true;
			return OK;
		}
		if (c == 0)
			rc = stored_before(r, x->key, x->key_len);
	}
	if (rc == OK)
		relink(r, w->key, w->key_len);
	return rc == OK || rc == ERR_MISSING
		   ? OK
		   : run_fail(r, rc, "reading the denial chain: %s", err_name(rc));
}

int links_relink(struct sign_run *r)
{
	struct links *l = &r->amend->links;
	int rc = OK;

	for (size_t i = 0; rc == OK && i < l->sorted; i++) {
		if (l->items[i].wanted != l->items[i].was)
			rc = relink_before(r, i);
	}
	if (rc == OK && r->amend->wraps)
		rc = relink_last(r);
	return rc == OK ? links_sort(r) : rc;
}

/* The first one of the chain to be behind key, or of all: ERR_MISSING, none. */
static int next_from(
    struct sign_run *r, const uint8_t *key, size_t len, uint8_t out[NAME_KEY_MAX], size_t *out_len)
{
	struct links *l = &r->amend->links;
	const struct walk *w = &r->amend->walk;
	size_t i = key == NULL ? 0 : seek_link(l, key, len);
	int rc = stored_after(r, key, len);

	if (key != NULL && i < l->count &&
	    key_compare(l->items[i].key, l->items[i].key_len, key, len) == 0)
		i++;
	for (;; i++) {
		const struct link *x = i < l->count ? &l->items[i] : NULL;
		int c = x == NULL	    ? 1
			: rc == ERR_MISSING ? -1
					    : key_compare(x->key, x->key_len, w->key, w->key_len);

		if (rc != OK && rc != ERR_MISSING)
			return run_fail(r, rc, "reading the denial chain: %s", err_name(rc));
		if (x == NULL && rc == ERR_MISSING)
			return ERR_MISSING;
		if (c > 0 || x->wanted) {
			*out_len = c > 0 ? w->key_len : x->key_len;
			memcpy(out, c > 0 ? w->key : x->key, *out_len);
			return OK;
		}
		if (c == 0)
			rc = stored_after(r, x->key, x->key_len);
	}
}

int links_next(
    struct sign_run *r, const uint8_t *key, size_t len, uint8_t out[NAME_KEY_MAX], size_t *out_len)
{
	int rc = next_from(r, key, len, out, out_len);

	if (rc == ERR_MISSING)
		rc = next_from(r, NULL, 0, out, out_len);
	return rc == ERR_MISSING ? amend_is_bad(r, "its denial chain is empty") : rc;
}
