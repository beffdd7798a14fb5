/* The NSEC3 chain (RFC 5155).  While the names go by, hash and type bitmap of each that has an
 * NSEC3 are noted (24 octets a name, each different bitmap once); sorted, they become the records.
 */
#include "sign/run.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/nsec.h"
#include "dns/rrtype.h"

void chain_free(struct chain *c)
{
	free(c->items);
	free(c->index);
	buf_free(&c->bitmaps);
	c->items = NULL;
	c->index = NULL;
	c->count = c->cap = 0;
}

static uint32_t fnv(const uint8_t *p, size_t len)
{
	uint32_t h = 2166136261U;

	while (len-- > 0)
		h = (h ^ *p++) * 16777619U;
	return h;
}

/* Where in the table a bitmap stands, or the free place for it. */
static uint32_t *index_place(const struct chain *c, const uint8_t *bitmap, size_t len)
{
	size_t i = fnv(bitmap, len) & (c->index_size - 1);

	for (; c->index[i] != 0; i = (i + 1) & (c->index_size - 1)) {
		const uint8_t *have = c->bitmaps.data + c->index[i] - 1;

		if (load_u16(have) == len && (len == 0 || memcmp(have + 2, bitmap, len) == 0))
			break;
	}
	return &c->index[i];
}

static void index_grow(struct chain *c)
{
	uint32_t *old = c->index;
	size_t old_size = c->index_size;

	c->index_size = old_size == 0 ? 256 : old_size * 2;
	c->index = mem_array(c->index_size, sizeof(c->index[0]));
	for (size_t i = 0; i < old_size; i++) {
		const uint8_t *have = c->bitmaps.data + old[i] - 1;

		if (old[i] != 0)
			*index_place(c, have + 2, load_u16(have)) = old[i];
	}
	free(old);
}

static uint32_t intern(struct chain *c, const uint8_t *bitmap, size_t len)
{
	uint32_t *place;

	if (c->index_used * 2 >= c->index_size)
		index_grow(c);
	place = index_place(c, bitmap, len);
	if (*place == 0) {
		*place = (uint32_t)c->bitmaps.len + 1;
		c->index_used++;
		buf_lv16(&c->bitmaps, bitmap, len);
	}
	return *place - 1;
}

static void chain_add(
    struct sign_run *r, const uint8_t *name, const uint8_t *bitmap, size_t bitmap_len)
{
	struct chain *c = &r->chain;

	if (c->count == c->cap) {
		c->cap = c->cap == 0 ? 256 : c->cap + c->cap / 2;
		c->items = mem_grow(c->items, c->cap, sizeof(c->items[0]));
	}
	nsec3_hash(&r->job.policy.nsec3, name, c->items[c->count].hash);
	c->items[c->count++].bitmap = intern(c, bitmap, bitmap_len);
}

static bool is_known(const struct chain *c, const uint8_t *key, size_t len)
{
	return len <= c->last_key_len && memcmp(c->last_key, key, len) == 0;
}

/* Names come in order, so an ancestor is new exactly when the last name is not at or below it.
 * With opt-out only names that have an NSEC3 themselves count, which is what RFC 5155 7.1 allows.
 */
static void add_empty_non_terminals(struct sign_run *r, const struct node *n)
{
	uint8_t name[NAME_MAX_LEN];

	for (size_t len = r->apex_key_len + 1; len < n->key_len; len++) {
		if (n->key[len - 1] != 0 || is_known(&r->chain, n->key, len))
			continue;
		if (name_from_key(n->key, len, name) > 0)
			chain_add(r, name, NULL, 0);
	}
}

int chain_name(struct sign_run *r, const struct node *n, bool is_delegation)
{
	struct chain *c = &r->chain;
	bool is_insecure = is_delegation && node_find(n, RR_DS) == NULL;

	if (is_insecure && r->denial == DENIAL_NSEC3_OPT_OUT)
		return OK;
	add_empty_non_terminals(r, n);
	denial_bitmap(n, is_delegation, false, &r->bitmap);
	chain_add(r, n->owner, r->bitmap.data, r->bitmap.len);
	memcpy(c->last_key, n->key, n->key_len);
	c->last_key_len = n->key_len;
	if (c->bitmaps.failed || r->bitmap.failed)
		return run_fail(r, ERR_LIMIT, "out of memory");
	return OK;
}

static int compare_items(const void *a, const void *b)
{
	return memcmp(a, b, NSEC3_HASH_LEN);
}

static void sort_in_thread(struct work *w, struct verifier_scratch *scratch)
{
	struct sign_run *r = (struct sign_run *)((char *)w - offsetof(struct sign_run, work));
	struct chain *c = &r->chain;

	(void)scratch;
	qsort(c->items, c->count, sizeof(c->items[0]), compare_items);
	for (size_t i = 1; i < c->count; i++) {
		if (compare_items(&c->items[i - 1], &c->items[i]) == 0)
			r->work_code = err_set(&r->work_err, ERR_CONFLICT,
			    "two names have the same NSEC3 hash; another salt is needed");
	}
}

int chain_sort_step(struct sign_run *r)
{
	if (!denial_is_nsec3(r->denial))
		return STEP_DONE;
	return run_in_pool(r, sort_in_thread);
}

static int chain_one(struct sign_run *r)
{
	struct chain *c = &r->chain;
	const struct chain_item *item = &c->items[c->done];
	const uint8_t *bitmap;
	uint8_t owner[NAME_MAX_LEN], flags;
	struct rrset set = {.owner = owner, .type = RR_NSEC3, .ttl = r->denial_ttl, .count = 1};
	struct old_set old;
	struct slab *s;
	int rc;

	if (c->done == c->count)
		return STEP_DONE;
	bitmap = c->bitmaps.data + item->bitmap;
	flags = r->denial == DENIAL_NSEC3_OPT_OUT ? NSEC3_FLAG_OPT_OUT : 0;
	if (nsec3_owner(item->hash, r->job.apex, owner) == 0)
		return run_fail(r, ERR_LIMIT,
		    "the zone's name is too long for NSEC3, whose owner names need 33 octets more "
		    "(RFC 5155); use denial = \"nsec\"");
	c->done++;
	buf_reset(&r->value);
	nsec3_rdata(&r->job.policy.nsec3, flags, c->items[c->done % c->count].hash, bitmap + 2,
	    load_u16(bitmap), &r->value);
	buf_reset(&r->rdata);
	buf_lv16(&r->rdata, r->value.data, r->value.len);
	set.rdata = r->rdata.data;
	set.rdata_len = r->rdata.len;
	buf_reset(&r->value);
	rrset_pack(&set, &r->value);
	if (r->value.failed || r->rdata.failed)
		return run_fail(r, ERR_LIMIT, "out of memory");
	rc = old_seek_nsec3(r, item->hash, &old);
	if (rc != OK)
		return rc;
	s = slab_current(r, true);
	return slab_fill(s, slab_add(s, item->hash, NSEC3_HASH_LEN, RR_NSEC3), r->value.data,
	    r->value.len, r->zone_mask, &old);
}

int chain_step(struct sign_run *r, uint64_t until)
{
	int rc = OK;

	if (!denial_is_nsec3(r->denial))
		return STEP_DONE;
	if (r->chain.done == 0)
		rc = old_start_nsec3(r);
	return rc != OK ? rc : queue_feed(r, until, chain_one);
}
