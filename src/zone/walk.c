/* walk: all RRsets of a generation in order: from the store, or from a build's memory.
 *
 * Runs in the signing side and the network side. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "zone/store_internal.h"

enum phase { WALK_RR = DATA_RR, WALK_NSEC3 = DATA_NSEC3, WALK_END };

struct walk_state {
	enum phase phase;
	bool fresh; /* this phase's cursor stands before its first row */
	uint32_t generation;
	const struct snapshot *sn;
	MDB_cursor *cursors[2];
	const struct batch *rows[2]; /* in memory: no cursors */
	size_t at;
};

/* A row without its generation: name key, 00, type; or hash. */
static int fill(
    struct walk *w, const uint8_t *key, size_t key_len, const uint8_t *value, size_t value_len)
{
	w->is_nsec3 = w->state->phase == WALK_NSEC3;
	if (!w->is_nsec3) {
		if (key_len < 3)
			return ERR_FORMAT;
		w->type = load_u16(key + key_len - 2);
		key_len -= 3;
	} else {
		w->type = 50;
	}
	w->key = key;
	w->key_len = key_len;
	w->packed = value;
	w->packed_len = value_len;
	return OK;
}

static int fill_from_memory(struct walk *w)
{
	struct walk_state *st = w->state;
	const struct batch *rows = st->rows[st->phase];
	struct batch_row row;

	if (st->at == rows->count)
		return ERR_MISSING;
	row = batch_row(rows, st->at++);
	return fill(w, row.key, row.key_len, row.value, row.value_len);
}

/* `at` is one behind the row that w stands on, if it stands on any. */
static int prev_from_memory(struct walk *w, size_t standing)
{
	struct walk_state *st = w->state;

	if (st->at <= standing)
		return ERR_MISSING;
	st->at -= standing + 1;
	return fill_from_memory(w);
}

static int read_failed(const struct walk_state *st, int rc)
{
	log_error("store %s: walking: %s", st->sn->store->dir, mdb_strerror(rc));
	return ERR_STORE;
}

/* key: where to seek; on success the row that was found.  Rows of other generations end the walk.
 */
static int fill_from_store(struct walk *w, MDB_val *key, MDB_cursor_op op)
{
	struct walk_state *st = w->state;
	MDB_val value;
	int rc = mdb_cursor_get(st->cursors[st->phase], key, &value, op);

	if (rc == MDB_NOTFOUND)
		return ERR_MISSING;
	if (rc != 0)
		return read_failed(st, rc);
	if (key->mv_size <= 4 || load_u32(key->mv_data) != st->generation)
		return ERR_MISSING;
	return fill(w, (uint8_t *)key->mv_data + 4, key->mv_size - 4, value.mv_data, value.mv_size);
}

static int seek(struct walk *w, enum phase phase, const uint8_t *key, size_t key_len)
{
	struct walk_state *st = w->state;
	uint8_t k[STORE_KEY_MAX];
	MDB_val v = {4 + key_len, k};

	st->phase = phase;
	st->fresh = false;
	if (st->sn == NULL) {
		st->at = batch_seek(st->rows[phase], key, key_len);
		return fill_from_memory(w);
	}
	store_u32(k, st->generation);
	memcpy(k + 4, key, key_len);
	return fill_from_store(w, &v, MDB_SET_RANGE);
}

/* The last row before key; NULL: the last of all. */
static int seek_before(struct walk *w, enum phase phase, const uint8_t *key, size_t key_len)
{
	struct walk_state *st = w->state;
	uint8_t k[STORE_KEY_MAX];
	MDB_val v = {4 + key_len, k};
	int rc = MDB_NOTFOUND;

	st->phase = phase;
	st->fresh = false;
	if (st->sn == NULL) {
		st->at = key != NULL ? batch_seek(st->rows[phase], key, key_len)
				     : st->rows[phase]->count;
		return prev_from_memory(w, 0);
	}
	store_u32(k, key != NULL ? st->generation : st->generation + 1);
	if (key_len > 0)
		memcpy(k + 4, key, key_len);
	if (key != NULL || st->generation < UINT32_MAX)
		rc = mdb_cursor_get(st->cursors[phase], &v, NULL, MDB_SET_RANGE);
	if (rc != 0 && rc != MDB_NOTFOUND)
		return read_failed(st, rc);
	return fill_from_store(w, &v, rc == 0 ? MDB_PREV : MDB_LAST);
}

static int next_in_phase(struct walk *w)
{
	struct walk_state *st = w->state;
	MDB_val key;

	if (st->fresh)
		return seek(w, st->phase, (const uint8_t *)"", 0);
	if (st->sn == NULL)
		return fill_from_memory(w);
	return fill_from_store(w, &key, MDB_NEXT);
}

int walk_next(struct walk *w)
{
	struct walk_state *st = w->state;

	while (st->phase != WALK_END) {
		int rc = next_in_phase(w);

		if (rc != ERR_MISSING)
			return rc;
		st->phase = st->phase == WALK_RR ? WALK_NSEC3 : WALK_END;
		st->fresh = true;
	}
	return ERR_MISSING;
}

int walk_seek(struct walk *w, const uint8_t *key, size_t key_len)
{
	return key_len > NAME_KEY_LONGEST ? ERR_ARGUMENT : seek(w, WALK_RR, key, key_len);
}

int walk_seek_nsec3(struct walk *w, const uint8_t hash[NSEC3_HASH_LEN])
{
	return seek(w, WALK_NSEC3, hash, NSEC3_HASH_LEN);
}

int walk_seek_before(struct walk *w, const uint8_t *key, size_t key_len)
{
	return key_len > NAME_KEY_LONGEST ? ERR_ARGUMENT : seek_before(w, WALK_RR, key, key_len);
}

int walk_seek_nsec3_before(struct walk *w, const uint8_t *hash)
{
	return seek_before(w, WALK_NSEC3, hash, hash != NULL ? NSEC3_HASH_LEN : 0);
}

int walk_prev(struct walk *w)
{
	MDB_val key;

	if (w->state->phase == WALK_END || w->state->fresh)
		return ERR_MISSING;
	return w->state->sn == NULL ? prev_from_memory(w, 1) : fill_from_store(w, &key, MDB_PREV);
}

int walk_open(struct snapshot *sn, const struct zone_head *h, struct walk *w, struct err *e)
{
	struct walk_state *st;
	MDB_dbi trees[DATA_COUNT];
	int rc = 0;

	if (trees_of(sn->store, h->generation, h->own_trees, trees) != OK)
		return err_set(e, ERR_MISSING, "store %s: generation %u is gone", sn->store->dir,
		    h->generation);
	st = mem_alloc(sizeof(*st));
	st->sn = sn;
	st->generation = h->generation;
	st->fresh = true;
	for (unsigned i = 0; rc == 0 && i < 2; i++)
		rc = mdb_cursor_open(sn->txn, trees[i], &st->cursors[i]);
	memset(w, 0, sizeof(*w));
	w->state = st;
	if (rc == 0)
		return OK;
	walk_close(w);
	return store_error(sn->store, rc, e, "opening generation %u", h->generation);
}

void walk_open_memory(const struct batch *rr, const struct batch *nsec3, struct walk *w)
{
	memset(w, 0, sizeof(*w));
	w->state = mem_alloc(sizeof(*w->state));
	w->state->fresh = true;
	w->state->rows[WALK_RR] = rr;
	w->state->rows[WALK_NSEC3] = nsec3;
}

void walk_close(struct walk *w)
{
	if (w->state == NULL)
		return;
	for (unsigned i = 0; i < 2; i++)
		if (w->state->cursors[i] != NULL)
			mdb_cursor_close(w->state->cursors[i]);
	free(w->state);
	w->state = NULL;
}
