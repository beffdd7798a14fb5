/* snapshot: reading the store: one whole version for as long as it is held.
 *
 * Runs in the signing side and the network side. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "zone/store_internal.h"

int snapshot_open(struct store *s, struct snapshot **out, struct err *e)
{
	struct snapshot *sn = mem_alloc(sizeof(*sn));
	int rc;

	sn->store = s;
	rc = trees_snapshot(s, sn, e);
	if (rc == OK)
		*out = sn;
	else
		free(sn);
	return rc;
}

void snapshot_close(struct snapshot *sn)
{
	if (sn == NULL || sn->is_write)
		return;
	trees_end_snapshot(sn);
	free(sn);
}

/* Reads have no error record: what goes wrong here is the disk or a bug, and belongs in the log. */
static int read_result(const struct snapshot *sn, int rc)
{
	if (rc == 0)
		return OK;
	if (rc == MDB_NOTFOUND)
		return ERR_MISSING;
	log_error("store %s: reading: %s", sn->store->dir, mdb_strerror(rc));
	return ERR_STORE;
}

int snapshot_get(const struct snapshot *sn, MDB_dbi dbi, const uint8_t *k, size_t k_len,
    const uint8_t **value, size_t *len)
{
	MDB_val key = {k_len, (void *)(uintptr_t)k}, v;
	int rc = read_result(sn, mdb_get(sn->txn, dbi, &key, &v));

	if (rc == OK) {
		*value = v.mv_data;
		*len = v.mv_size;
	}
	return rc;
}

static int decode(
    const struct snapshot *sn, const uint8_t *value, size_t len, struct zone_head *out)
{
	struct err e;
	int rc = head_decode(value, len, out, &e);

	if (rc != OK)
		log_error("store %s: %s", sn->store->dir, e.text);
	return rc;
}

int snapshot_head(struct snapshot *sn, const uint8_t *apex, struct zone_head *out)
{
	uint8_t key[STORE_KEY_MAX];
	const uint8_t *value;
	size_t len;
	int rc = snapshot_get(
	    sn, sn->store->trees[TREE_HEAD], key, store_key_zone(key, apex), &value, &len);

	return rc == OK ? decode(sn, value, len, out) : rc;
}

int snapshot_each_head(struct snapshot *sn, store_head_fn *fn, void *arg)
{
	MDB_val key, value;
	MDB_cursor *c;
	int rc = read_result(sn, mdb_cursor_open(sn->txn, sn->store->trees[TREE_HEAD], &c));

	if (rc != OK)
		return rc;
	for (MDB_cursor_op op = MDB_FIRST;; op = MDB_NEXT) {
		struct zone_head h;

		rc = read_result(sn, mdb_cursor_get(c, &key, &value, op));
		if (rc == ERR_MISSING) {
			rc = OK; /* that was the last */
			break;
		}
		if (rc == OK)
			rc = decode(sn, value.mv_data, value.mv_size, &h);
		if (rc == OK)
			rc = fn(arg, &h);
		if (rc != OK)
			break;
	}
	mdb_cursor_close(c);
	return rc;
}

int snapshot_rrset(struct snapshot *sn, const struct zone_head *h, const uint8_t *name,
    uint16_t type, const uint8_t **packed, size_t *len)
{
	uint8_t name_sort[NAME_KEY_MAX], key[STORE_KEY_MAX];
	size_t name_sort_len = name_key(name, name_sort);
	MDB_dbi trees[DATA_COUNT];
	int rc = trees_of(sn->store, h->generation, h->own_trees, trees);

	if (rc != OK)
		return rc;
	return snapshot_get(sn, trees[DATA_RR], key,
	    store_key_rr(key, h->generation, name_sort, name_sort_len, type), packed, len);
}

static int expiry_entry_of(const MDB_val *key, const MDB_val *value, struct expiry_entry *out)
{
	struct reader k = reader_of(key->mv_data, key->mv_size);
	struct reader v = reader_of(value->mv_data, value->mv_size);
	struct expiry_entry x = {0};

	reader_u32(&k);
	x.expiry = (int64_t)reader_u64(&k);
	x.is_nsec3 = reader_u8(&v) != 0;
	x.first = reader_lv16(&v, &x.first_len);
	x.last_len = reader_left(&v);
	x.last = reader_bytes(&v, x.last_len);
	if (k.failed || v.failed)
		return ERR_FORMAT;
	*out = x;
	return OK;
}

int snapshot_each_expiry(
    struct snapshot *sn, const struct zone_head *h, store_expiry_fn *fn, void *arg)
{
	uint8_t generation[4];
	MDB_val key = {sizeof(generation), generation}, value;
	MDB_cursor_op op = MDB_SET_RANGE;
	MDB_dbi trees[DATA_COUNT];
	MDB_cursor *c;
	int rc = trees_of(sn->store, h->generation, h->own_trees, trees);

	if (rc == OK)
		rc = read_result(sn, mdb_cursor_open(sn->txn, trees[DATA_EXPIRY], &c));
	if (rc != OK)
		return rc;
	store_u32(generation, h->generation);
	for (; rc == OK; op = MDB_NEXT) {
		struct expiry_entry x;

		rc = read_result(sn, mdb_cursor_get(c, &key, &value, op));
		if (rc == ERR_MISSING ||
		    (rc == OK && (key.mv_size < 4 || load_u32(key.mv_data) != h->generation))) {
			rc = OK; /* that was the last */
			break;
		}
		if (rc == OK)
			rc = expiry_entry_of(&key, &value, &x);
		if (rc == OK)
			rc = fn(arg, &x);
	}
	mdb_cursor_close(c);
	return rc;
}

static int take_first(void *arg, const struct expiry_entry *x)
{
	*(int64_t *)arg = x->expiry;
	return ERR_EXISTS;
}

int snapshot_first_expiry(struct snapshot *sn, const struct zone_head *h, int64_t *out)
{
	int64_t first = 0;
	int rc = snapshot_each_expiry(sn, h, take_first, &first);

	if (rc != OK && rc != ERR_EXISTS)
		return rc;
	*out = first;
	return OK;
}

int snapshot_meta(struct snapshot *sn, uint8_t class, const void *key, size_t key_len,
    const uint8_t **value, size_t *len)
{
	uint8_t k[STORE_KEY_MAX];

	if (key_len >= STORE_KEY_MAX)
		return ERR_ARGUMENT;
	return snapshot_get(
	    sn, sn->store->trees[TREE_META], k, store_key_meta(k, class, key, key_len), value, len);
}

int snapshot_each_meta(struct snapshot *sn, uint8_t class, const void *from, size_t from_len,
    store_meta_fn *fn, void *arg)
{
	uint8_t k[STORE_KEY_MAX];
	MDB_val key = {from_len + 1, k}, value;
	MDB_cursor_op op = MDB_SET_RANGE;
	MDB_cursor *c;
	int rc;

	if (from_len >= STORE_KEY_MAX)
		return ERR_ARGUMENT;
	store_key_meta(k, class, from, from_len);
	rc = read_result(sn, mdb_cursor_open(sn->txn, sn->store->trees[TREE_META], &c));
	if (rc != OK)
		return rc;
	for (; rc == OK; op = MDB_NEXT) {
		const uint8_t *row;

		rc = read_result(sn, mdb_cursor_get(c, &key, &value, op));
		row = key.mv_data;
		if (rc == ERR_MISSING || (rc == OK && row[0] != class)) {
			rc = OK; /* that was the last */
			break;
		}
		if (rc == OK)
			rc = fn(arg, row + 1, key.mv_size - 1, value.mv_data, value.mv_size);
	}
	mdb_cursor_close(c);
	return rc;
}

int snapshot_last_meta(struct snapshot *sn, uint8_t class, const uint8_t **key, size_t *key_len)
{
	uint8_t after = (uint8_t)(class + 1); /* 255 is nobody's */
	MDB_val k = {1, &after}, value;
	MDB_cursor *c;
	int rc = read_result(sn, mdb_cursor_open(sn->txn, sn->store->trees[TREE_META], &c));

	if (rc != OK)
		return rc;
	rc = mdb_cursor_get(c, &k, &value, MDB_SET_RANGE);
	rc = read_result(sn, mdb_cursor_get(c, &k, &value, rc == 0 ? MDB_PREV : MDB_LAST));
	if (rc == OK && *(const uint8_t *)k.mv_data != class)
		rc = ERR_MISSING;
	if (rc == OK) {
		*key = (const uint8_t *)k.mv_data + 1;
		*key_len = k.mv_size - 1;
	}
	mdb_cursor_close(c);
	return rc;
}
