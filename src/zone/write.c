/* write: changing the store: one transaction at a time, short, in the signing side's main thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "zone/store_internal.h"

int store_write_begin(struct store *s, struct store_write **out, struct err *e)
{
	struct store_write *w = mem_alloc(sizeof(*w));
	int rc;

	w->view.store = s;
	w->view.is_write = true;
	rc = store_begin(s, &w->view.txn);
	if (rc != 0) {
		free(w);
		return store_error(s, rc, e, "beginning a change");
	}
	s->is_writing = true;
	*out = w;
	return OK;
}

static void write_free(struct store_write *w)
{
	free(w->dropped);
	free(w);
}

int store_write_commit(struct store_write *w, struct err *e)
{
	struct store *s = w->view.store;
	int rc = OK;

	if (w->whole != NULL)
		rc = store_part_end(w, true, e);
	if (rc != OK) {
		store_write_abort(w);
		return rc;
	}
	rc = mdb_txn_commit(w->view.txn);
	s->is_writing = false;
	if (rc == 0 && w->dropped_count > 0) {
		pthread_mutex_lock(&s->mutex);
		for (size_t i = 0; i < w->dropped_count; i++)
			trees_mark_garbage(s, w->dropped[i]);
		pthread_mutex_unlock(&s->mutex);
		trees_sweep(s);
	}
	write_free(w);
	return rc == 0 ? OK : store_error(s, rc, e, "committing a change");
}

void store_write_abort(struct store_write *w)
{
	if (w == NULL)
		return;
	mdb_txn_abort(w->whole != NULL ? w->whole : w->view.txn); /* with the part that is open */
	w->view.store->is_writing = false;
	write_free(w);
}

/* A part is a nested transaction; the view is the part's while it is open. */
int store_part_begin(struct store_write *w, struct err *e)
{
	struct store *s = w->view.store;
	MDB_txn *part;
	int rc = w->whole != NULL ? MDB_BAD_TXN : mdb_txn_begin(s->env, w->view.txn, 0, &part);

	if (rc != 0)
		return store_error(s, rc, e, "beginning a part of a change");
	w->whole = w->view.txn;
	w->view.txn = part;
	w->dropped_before = w->dropped_count;
	return OK;
}

int store_part_end(struct store_write *w, bool keep, struct err *e)
{
	struct store *s = w->view.store;
	int rc = 0;

	if (w->whole == NULL)
		return err_set(e, ERR_ARGUMENT, "store %s: no part of a change is open", s->dir);
	if (keep)
		rc = mdb_txn_commit(w->view.txn);
	else
		mdb_txn_abort(w->view.txn);
	if (rc != 0 || !keep)
		w->dropped_count = w->dropped_before;
	w->view.txn = w->whole;
	w->whole = NULL;
	return rc == 0 ? OK : store_error(s, rc, e, "keeping a part of a change");
}

struct snapshot *store_write_view(struct store_write *w)
{
	return &w->view;
}

int store_write_head(struct store_write *w, const struct zone_head *h, struct err *e)
{
	struct store *s = w->view.store;
	uint8_t k[STORE_KEY_MAX];
	MDB_val key = {store_key_zone(k, h->apex), k}, value;
	struct buf b = {0};
	int rc;

	head_encode(h, &b);
	value.mv_data = b.data;
	value.mv_size = b.len;
	rc = b.failed ? ENOMEM : mdb_put(w->view.txn, s->trees[TREE_HEAD], &key, &value, 0);
	buf_free(&b);
	return rc == 0 ? OK : store_error(s, rc, e, "writing a zone's head");
}

int store_write_meta(struct store_write *w, uint8_t class, const void *key, size_t key_len,
    const void *value, size_t len, struct err *e)
{
	struct store *s = w->view.store;
	uint8_t k[STORE_KEY_MAX];
	MDB_val mk = {key_len + 1, k}, mv = {len, (void *)(uintptr_t)value};
	int rc;

	if (class == META_INTERNAL || key_len >= STORE_KEY_MAX)
		return err_set(e, ERR_ARGUMENT,
		    "store %s: meta class %u with a key of %zu octets: 1 to 255 and at most %d",
		    s->dir, class, key_len, STORE_KEY_MAX - 1);
	store_key_meta(k, class, key, key_len);
	if (value != NULL)
		rc = mdb_put(w->view.txn, s->trees[TREE_META], &mk, &mv, 0);
	else
		rc = mdb_del(w->view.txn, s->trees[TREE_META], &mk, NULL);
	if (value == NULL && rc == MDB_NOTFOUND)
		rc = 0;
	return rc == 0 ? OK : store_error(s, rc, e, "writing a row of class %u", class);
}

int store_write_event(struct store_write *w, const void *row, size_t len, struct err *e)
{
	struct store *s = w->view.store;
	uint8_t number[8] = {0};
	MDB_val key, value = {len, (void *)(uintptr_t)row}, last;
	MDB_cursor *c;
	uint64_t n = 0;
	int rc = mdb_cursor_open(w->view.txn, s->trees[TREE_EVENT], &c);

	if (rc != 0)
		return store_error(s, rc, e, "writing an event");
	rc = mdb_cursor_get(c, &key, &last, MDB_LAST);
	if (rc == 0 && key.mv_size == sizeof(number)) {
		struct reader r = reader_of(key.mv_data, key.mv_size);

		n = reader_u64(&r);
	}
	if (rc == 0 || rc == MDB_NOTFOUND) {
		store_u32(number, (uint32_t)((n + 1) >> 32));
		store_u32(number + 4, (uint32_t)(n + 1));
		key.mv_data = number;
		key.mv_size = sizeof(number);
		rc = mdb_cursor_put(c, &key, &value, MDB_APPEND);
	}
	mdb_cursor_close(c);
	return rc == 0 ? OK : store_error(s, rc, e, "writing an event");
}

int write_delete_prefix(MDB_txn *txn, MDB_dbi dbi, const uint8_t *prefix, size_t len)
{
	MDB_val key = {len, (void *)(uintptr_t)prefix}, value;
	MDB_cursor *c;
	int rc = mdb_cursor_open(txn, dbi, &c);

	if (rc != 0)
		return rc;
	rc = mdb_cursor_get(c, &key, &value, MDB_SET_RANGE);
	while (rc == 0 && key.mv_size >= len && memcmp(key.mv_data, prefix, len) == 0) {
		rc = mdb_cursor_del(c, 0);
		if (rc == 0)
			rc = mdb_cursor_get(c, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Trees of its own are dropped behind the commit (trees_sweep): a snapshot may be reading them. */
int write_drop_generation(struct store_write *w, const struct zone_head *h, struct err *e)
{
	struct store *s = w->view.store;
	MDB_dbi trees[DATA_COUNT];
	uint8_t prefix[4];
	int rc = 0;

	if (h->generation == 0)
		return OK;
	if (h->own_trees) {
		w->dropped = mem_grow(w->dropped, w->dropped_count + 1, sizeof(*w->dropped));
		w->dropped[w->dropped_count++] = h->generation;
		return OK;
	}
	store_u32(prefix, h->generation);
	trees_of(s, h->generation, false, trees);
	for (unsigned i = 0; rc == 0 && i < DATA_COUNT; i++)
		rc = write_delete_prefix(w->view.txn, trees[i], prefix, sizeof(prefix));
	return rc == 0 ? OK : store_error(s, rc, e, "dropping generation %u", h->generation);
}

int store_write_remove(struct store_write *w, const uint8_t *apex, struct err *e)
{
	struct store *s = w->view.store;
	uint8_t k[STORE_KEY_MAX];
	MDB_val key = {store_key_zone(k, apex), k};
	struct zone_head h;
	int rc = snapshot_head(&w->view, apex, &h);

	if (rc == ERR_MISSING)
		return OK;
	if (rc != OK)
		return err_set(e, rc, "store %s: the zone's head cannot be read", s->dir);
	rc = write_drop_generation(w, &h, e);
	if (rc != OK)
		return rc;
	rc = mdb_del(w->view.txn, s->trees[TREE_HEAD], &key, NULL);
	if (rc == 0)
		rc = write_delete_prefix(w->view.txn, s->trees[TREE_JOURNAL], k, key.mv_size);
	if (rc == 0)
		rc = write_delete_prefix(w->view.txn, s->trees[TREE_TTL], k, key.mv_size);
	return rc == 0 ? OK : store_error(s, rc, e, "removing a zone");
}
