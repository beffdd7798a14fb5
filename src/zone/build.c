/* build: making a generation, in order.  Signing side's main thread.
 *
 * Rows gather in memory.  A small build stays there until the flip, whose transaction also gives it
 * its number: so its keys are the greatest in the shared trees and can be appended, however many
 * builds were under way.  A big one (or one that turns out to be big) gets a number and trees of
 * its own early on and is written in batches; until a head names it, it is garbage. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "zone/store_internal.h"

#define BATCH_OCTETS (4 * 1024 * 1024)
#define BATCH_ROWS 16384

struct build {
	struct store *store;
	bool is_big;
	uint32_t generation; /* big ones; 0: no trees yet */
	struct batch rows[DATA_COUNT];
	/* of the row before, to hold callers to the order */
	uint8_t last[DATA_COUNT][STORE_KEY_MAX];
	size_t last_len[DATA_COUNT];
};

struct build *build_begin(struct store *s, uint64_t rrsets_expected, struct err *e)
{
	struct build *b = mem_alloc(sizeof(*b));

	(void)e;
	b->store = s;
	b->is_big = rrsets_expected > STORE_SMALL;
	return b;
}

static void build_free(struct build *b)
{
	for (unsigned i = 0; i < DATA_COUNT; i++)
		batch_free(&b->rows[i]);
	free(b);
}

void build_abandon(struct build *b)
{
	struct store *s;

	if (b == NULL)
		return;
	s = b->store;
	if (b->generation != 0) {
		pthread_mutex_lock(&s->mutex);
		trees_mark_garbage(s, b->generation);
		pthread_mutex_unlock(&s->mutex);
		trees_sweep(s);
	}
	build_free(b);
}

/* Rows of one kind into their tree.  The expiry index is not built in its order. */
static int put_rows(
    MDB_txn *txn, MDB_dbi dbi, const struct batch *rows, uint32_t generation, unsigned flags)
{
	uint8_t k[STORE_KEY_MAX];
	MDB_cursor *c;
	int rc = mdb_cursor_open(txn, dbi, &c);

	if (rc != 0)
		return rc;
	store_u32(k, generation);
	for (size_t i = 0; rc == 0 && i < rows->count; i++) {
		struct batch_row row = batch_row(rows, i);
		MDB_val key = {4 + row.key_len, k};
		MDB_val value = {row.value_len, (void *)(uintptr_t)row.value};

		memcpy(k + 4, row.key, row.key_len);
		rc = mdb_cursor_put(c, &key, &value, flags);
	}
	mdb_cursor_close(c);
	return rc;
}

static int put_all(struct build *b, MDB_txn *txn, uint32_t generation)
{
	MDB_dbi trees[DATA_COUNT];
	int rc = 0;

	if (trees_of(b->store, generation, b->generation != 0, trees) != OK)
		return MDB_BAD_DBI;
	for (unsigned i = 0; rc == 0 && i < DATA_COUNT; i++)
		rc = put_rows(
		    txn, trees[i], &b->rows[i], generation, i == DATA_EXPIRY ? 0 : MDB_APPEND);
	return rc;
}

static size_t buffered_rows(const struct build *b)
{
	return b->rows[DATA_RR].count + b->rows[DATA_NSEC3].count + b->rows[DATA_EXPIRY].count;
}

static void forget_rows(struct build *b)
{
	for (unsigned i = 0; i < DATA_COUNT; i++)
		batch_reset(&b->rows[i]);
}

static int flush(struct build *b, struct err *e)
{
	MDB_txn *txn;
	int rc;

	if (b->generation == 0) {
		rc = trees_create_own(b->store, &b->generation, e);
		if (rc != OK)
			return rc;
	}
	if (buffered_rows(b) == 0)
		return OK;
	rc = store_begin(b->store, &txn);
	if (rc == 0) {
		rc = put_all(b, txn, b->generation);
		if (rc == 0)
			rc = mdb_txn_commit(txn);
		else
			mdb_txn_abort(txn);
	}
	if (rc != 0)
		return store_error(
		    b->store, rc, e, "writing %zu RRsets of a new version", buffered_rows(b));
	forget_rows(b);
	return OK;
}

int build_flush(struct build *b, struct err *e)
{
	return b->is_big ? flush(b, e) : OK;
}

static int flush_when_full(struct build *b, struct err *e)
{
	size_t octets = b->rows[DATA_RR].data.len + b->rows[DATA_NSEC3].data.len;

	if (octets < BATCH_OCTETS && buffered_rows(b) < BATCH_ROWS)
		return OK;
	b->is_big = true; /* whatever was expected */
	return flush(b, e);
}

/* key: with room for a generation in front, which no row has yet. */
static int add(struct build *b, unsigned data, const uint8_t *key, size_t key_len,
    const void *value, size_t len, struct err *e)
{
	size_t shorter = key_len < b->last_len[data] ? key_len : b->last_len[data];
	int c = memcmp(key, b->last[data], shorter);

	if (data != DATA_EXPIRY && (c < 0 || (c == 0 && key_len <= b->last_len[data])))
		return err_set(e, ERR_ARGUMENT, "store %s: a new version's %s are out of order",
		    b->store->dir, data == DATA_RR ? "RRsets" : "NSEC3 records");
	if (batch_add(&b->rows[data], key, key_len, value, len) != OK)
		return err_set(
		    e, ERR_LIMIT, "store %s: no memory for a new version", b->store->dir);
	memcpy(b->last[data], key, key_len);
	b->last_len[data] = key_len;
	return flush_when_full(b, e);
}

int build_rrset(struct build *b, const uint8_t *key, size_t key_len, uint16_t type,
    const uint8_t *packed, size_t len, struct err *e)
{
	uint8_t k[STORE_KEY_MAX];

	if (key_len > NAME_KEY_LONGEST)
		return err_set(e, ERR_ARGUMENT, "a sort key of %zu octets: at most %d", key_len,
		    NAME_KEY_LONGEST);
	return add(b, DATA_RR, k + 4, store_key_rr(k, 0, key, key_len, type) - 4, packed, len, e);
}

/* What was appended already lies in the trees of a big build, and in memory of a small one. */
int build_rrset_late(struct build *b, const uint8_t *key, size_t key_len, uint16_t type,
    const uint8_t *packed, size_t len, struct err *e)
{
	uint8_t k[STORE_KEY_MAX];
	MDB_val row, value = {len, (void *)(uintptr_t)packed};
	MDB_dbi trees[DATA_COUNT];
	MDB_txn *txn;
	int rc = build_flush(b, e);

	if (rc != OK)
		return rc;
	if (key_len > NAME_KEY_LONGEST)
		return err_set(e, ERR_ARGUMENT, "a sort key of %zu octets: at most %d", key_len,
		    NAME_KEY_LONGEST);
	row = (MDB_val){store_key_rr(k, b->generation, key, key_len, type), k};
	if (b->generation == 0) {
		if (batch_insert(&b->rows[DATA_RR], k + 4, row.mv_size - 4, packed, len) == OK)
			return OK;
		return err_set(
		    e, ERR_LIMIT, "store %s: no memory for a new version", b->store->dir);
	}
	rc = store_begin(b->store, &txn);
	if (rc != 0)
		return store_error(b->store, rc, e, "writing an RRset of a new version");
	rc = trees_of(b->store, b->generation, true, trees) == OK
		 ? mdb_put(txn, trees[DATA_RR], &row, &value, 0)
		 : MDB_BAD_DBI;
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	return rc == 0 ? OK : store_error(b->store, rc, e, "writing an RRset of a new version");
}

int build_nsec3(struct build *b, const uint8_t hash[NSEC3_HASH_LEN], const uint8_t *packed,
    size_t len, struct err *e)
{
	return add(b, DATA_NSEC3, hash, NSEC3_HASH_LEN, packed, len, e);
}

int build_expiry(struct build *b, const struct expiry_entry *x, struct err *e)
{
	uint8_t k[STORE_KEY_MAX], value[STORE_EXPIRY_MAX];
	size_t k_len, len;
	int rc = store_expiry_row(k, &k_len, value, &len, x, e);

	return rc == OK ? add(b, DATA_EXPIRY, k + 4, k_len - 4, value, len, e) : rc;
}

int build_walk(struct build *b, struct snapshot **sn, struct walk *w, struct err *e)
{
	struct zone_head h = {.own_trees = true};
	int rc;

	if (!b->is_big) {
		walk_open_memory(&b->rows[DATA_RR], &b->rows[DATA_NSEC3], w);
		*sn = NULL;
		return OK;
	}
	rc = flush(b, e);
	if (rc == OK)
		rc = snapshot_open(b->store, sn, e);
	if (rc != OK)
		return rc;
	h.generation = b->generation;
	rc = walk_open(*sn, &h, w, e);
	if (rc != OK) {
		snapshot_close(*sn);
		*sn = NULL;
	}
	return rc;
}

int build_head(struct build *b, struct zone_head *h, struct err *e)
{
	int rc = flush(b, e);

	if (rc != OK)
		return rc;
	b->is_big = true;
	h->generation = b->generation;
	h->own_trees = true;
	return OK;
}

/* A big one that nothing was flushed of yet goes to the shared trees as a small one does. */
static int put_rest(struct build *b, MDB_txn *txn, uint32_t *generation)
{
	int rc = 0;

	*generation = b->generation;
	if (b->generation == 0)
		rc = trees_next_generation(b->store, txn, generation);
	return rc == 0 ? put_all(b, txn, *generation) : rc;
}

/* What the zone has until now goes: its generation, and the journal that led to it. */
static int drop_old(struct store_write *w, struct zone_head *h, struct err *e)
{
	struct zone_head old;
	int rc = snapshot_head(&w->view, h->apex, &old);

	if (rc == OK)
		rc = write_drop_generation(w, &old, e);
	else if (rc == ERR_MISSING)
		rc = OK;
	else
		err_set(e, rc, "store %s: the zone's head cannot be read", w->view.store->dir);
	return rc == OK ? journal_empty(w, h, e) : rc;
}

int build_flip_in(struct build *b, struct store_write *w, struct zone_head *h, struct err *e)
{
	struct zone_head head = *h;
	int rc = put_rest(b, w->view.txn, &head.generation);

	if (rc != 0)
		return store_error(b->store, rc, e, "writing a new version");
	head.own_trees = b->generation != 0;
	rc = drop_old(w, &head, e);
	if (rc == OK)
		rc = store_write_head(w, &head, e);
	if (rc == OK)
		*h = head;
	return rc;
}

void build_done(struct build *b)
{
	if (b != NULL)
		build_free(b);
}

int build_flip(
    struct build *b, struct zone_head *h, build_extra_fn *extra, void *arg, struct err *e)
{
	struct zone_head head = *h;
	struct store_write *w;
	int rc = build_flush(b, e);

	if (rc == OK)
		rc = store_write_begin(b->store, &w, e);
	if (rc != OK)
		return rc;
	rc = build_flip_in(b, w, &head, e);
	if (rc == OK && extra != NULL)
		rc = extra(arg, w, e);
	if (rc != OK) {
		store_write_abort(w);
		return rc;
	}
	rc = store_write_commit(w, e);
	if (rc != OK)
		return rc;
	*h = head;
	build_free(b);
	return OK;
}
