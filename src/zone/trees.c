/* trees: the named databases of the store, and which handles of them are open.
 *
 * Runs in the signing side (writer) and the network side (reader).  LMDB's rules, and how they are
 * kept here:
 *   - a handle may be opened by one transaction at a time, and is seen by transactions that begin
 *     after that one committed: so handles are opened under the mutex, in a transaction that then
 *     ends, and a snapshot is begun anew behind it;
 *   - a handle may not be closed under a transaction that uses it: so each snapshot has a number, a
 *     generation that went away remembers the number of that day, and its handles are closed (by
 * the writer: the trees dropped) when every open snapshot of this process is younger. A counter in
 * the store (the epoch) says when the set of own trees changed, so that a reader need not look at
 * all names each time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "zone/store_internal.h"

#define TREE_NAME_SIZE 32
#define FIRST_OWN_NAME "rr/"

static const char *const shared_names[TREE_COUNT] = {
    [TREE_HEAD] = "head",
    [TREE_RR] = "rr",
    [TREE_NSEC3] = "nsec3",
    [TREE_EXPIRY] = "expiry",
    [TREE_JOURNAL] = "journal",
    [TREE_TTL] = "ttl",
    [TREE_META] = "meta",
    [TREE_EVENT] = "event",
};
static const enum store_tree data_trees[DATA_COUNT] = {TREE_RR, TREE_NSEC3, TREE_EXPIRY};

static void own_name(unsigned data, uint32_t generation, char out[TREE_NAME_SIZE])
{
	snprintf(out, TREE_NAME_SIZE, "%s/%08" PRIx32, shared_names[data_trees[data]], generation);
}

static uint64_t counter_get(const struct store *s, MDB_txn *txn, const char *name)
{
	uint8_t k[STORE_KEY_MAX];
	MDB_val key = {store_key_meta(k, META_INTERNAL, name, strlen(name)), k}, value;

	if (mdb_get(txn, s->trees[TREE_META], &key, &value) != 0 || value.mv_size != 8)
		return 0;
	return (uint64_t)load_u32(value.mv_data) << 32 | load_u32((uint8_t *)value.mv_data + 4);
}

static int counter_set(const struct store *s, MDB_txn *txn, const char *name, uint64_t v)
{
	uint8_t k[STORE_KEY_MAX], octets[8];
	MDB_val key = {store_key_meta(k, META_INTERNAL, name, strlen(name)), k};
	MDB_val value = {sizeof(octets), octets};

	store_u32(octets, (uint32_t)(v >> 32));
	store_u32(octets + 4, (uint32_t)v);
	return mdb_put(txn, s->trees[TREE_META], &key, &value, 0);
}

int trees_next_generation(struct store *s, MDB_txn *txn, uint32_t *out)
{
	uint64_t last = counter_get(s, txn, "generation");
	int rc = counter_set(s, txn, "generation", last + 1);

	if (rc == 0)
		*out = (uint32_t)(last + 1);
	return rc;
}

int trees_open_shared(struct store *s, bool writer, struct err *e)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, writer ? 0 : MDB_RDONLY, &txn);

	if (rc != 0)
		return store_error(s, rc, e, "opening the store");
	rc = mdb_dbi_open(txn, NULL, 0, &s->names);
	for (unsigned i = 0; rc == 0 && i < TREE_COUNT; i++)
		rc = mdb_dbi_open(txn, shared_names[i], writer ? MDB_CREATE : 0, &s->trees[i]);
	if (rc != 0) {
		mdb_txn_abort(txn);
		if (rc == MDB_NOTFOUND && !writer)
			return err_set(e, ERR_AGAIN, "%s: the store is not made yet", s->dir);
		return store_error(s, rc, e, "opening its trees");
	}
	rc = mdb_txn_commit(txn);
	return rc == 0 ? OK : store_error(s, rc, e, "opening its trees");
}

static struct own_trees *own_find(const struct store *s, uint32_t generation)
{
	size_t low = 0, high = s->own_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->own[middle].generation < generation)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->own_count && s->own[low].generation == generation ? &s->own[low] : NULL;
}

/* Generations only grow and are met in order, so that the list stays sorted. */
static void own_add(struct store *s, const struct own_trees *o)
{
	size_t i = s->own_count;

	s->own = mem_grow(s->own, s->own_count + 1, sizeof(*s->own));
	for (; i > 0 && s->own[i - 1].generation > o->generation; i--)
		s->own[i] = s->own[i - 1];
	s->own[i] = *o;
	s->own_count++;
}

static void own_remove(struct store *s, struct own_trees *o)
{
	size_t i = (size_t)(o - s->own);

	memmove(o, o + 1, (s->own_count - i - 1) * sizeof(*o));
	s->own_count--;
}

static int own_open(MDB_txn *txn, uint32_t generation, unsigned flags, struct own_trees *out)
{
	struct own_trees o = {.generation = generation};
	char name[TREE_NAME_SIZE];
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < DATA_COUNT; i++) {
		own_name(i, generation, name);
		rc = mdb_dbi_open(txn, name, flags, &o.dbi[i]);
	}
	if (rc == 0)
		*out = o;
	return rc;
}

static bool is_unused(const struct store *s, const struct own_trees *o)
{
	return o->is_garbage && (s->oldest == NULL || s->oldest->number > o->garbage_since);
}

/* A reader: trees that the writer dropped, and that no snapshot here can see any more. */
static void close_unused(struct store *s)
{
	for (size_t i = s->own_count; i-- > 0;) {
		if (!is_unused(s, &s->own[i]))
			continue;
		for (unsigned j = 0; j < DATA_COUNT; j++)
			mdb_dbi_close(s->env, s->own[i].dbi[j]);
		own_remove(s, &s->own[i]);
	}
}

static bool parse_own_name(const MDB_val *name, uint32_t *generation)
{
	char text[TREE_NAME_SIZE];
	size_t prefix = strlen(FIRST_OWN_NAME);

	if (name->mv_size <= prefix || name->mv_size >= sizeof(text) ||
	    memcmp(name->mv_data, FIRST_OWN_NAME, prefix) != 0)
		return false;
	memcpy(text, name->mv_data, name->mv_size);
	text[name->mv_size] = '\0';
	*generation = (uint32_t)strtoul(text + prefix, NULL, 16);
	return true;
}

/* Make `own` the set of own trees that txn sees: open what is new, mark what is gone. */
static int own_mirror(struct store *s, MDB_txn *txn)
{
	MDB_val key = {strlen(FIRST_OWN_NAME), (void *)(uintptr_t)FIRST_OWN_NAME};
	MDB_cursor *c;
	uint32_t generation;
	int rc = mdb_cursor_open(txn, s->names, &c);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < s->own_count; i++)
		trees_mark_garbage(s, s->own[i].generation);
	rc = mdb_cursor_get(c, &key, NULL, MDB_SET_RANGE);
	for (; rc == 0 && parse_own_name(&key, &generation);
	     rc = mdb_cursor_get(c, &key, NULL, MDB_NEXT)) {
		struct own_trees *known = own_find(s, generation), o;

		if (known != NULL) {
			known->is_garbage = false;
			continue;
		}
		rc = own_open(txn, generation, 0, &o);
		if (rc != 0)
			break;
		own_add(s, &o);
	}
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static void snapshot_link(struct store *s, struct snapshot *sn)
{
	sn->number = ++s->last_number;
	sn->prev = s->newest;
	sn->next = NULL;
	if (s->newest != NULL)
		s->newest->next = sn;
	else
		s->oldest = sn;
	s->newest = sn;
}

/* LMDB makes a transaction with room for all trees that there may be, which takes longer than most
 * of what is read in it: so those that are over are kept for the next. */
static int begin_reading(struct store *s, MDB_txn **txn)
{
	while (s->idle_count > 0) {
		*txn = s->idle[--s->idle_count];
		if (mdb_txn_renew(*txn) == 0)
			return 0;
		mdb_txn_abort(*txn);
	}
	return mdb_txn_begin(s->env, NULL, MDB_RDONLY, txn);
}

static void end_reading(struct store *s, MDB_txn *txn)
{
	if (s->idle_count == STORE_IDLE_MAX) {
		mdb_txn_abort(txn);
		return;
	}
	mdb_txn_reset(txn); /* pins nothing any more */
	s->idle[s->idle_count++] = txn;
}

void trees_end_snapshot(struct snapshot *sn)
{
	struct store *s = sn->store;

	pthread_mutex_lock(&s->mutex);
	*(sn->prev != NULL ? &sn->prev->next : &s->oldest) = sn->next;
	*(sn->next != NULL ? &sn->next->prev : &s->newest) = sn->prev;
	end_reading(s, sn->txn);
	pthread_mutex_unlock(&s->mutex);
}

/* Begin sn's transaction with handles open for everything that it can see. */
int trees_snapshot(struct store *s, struct snapshot *sn, struct err *e)
{
	uint64_t epoch;
	int rc;

	pthread_mutex_lock(&s->mutex);
	for (;;) {
		rc = begin_reading(s, &sn->txn);
		if (rc != 0)
			break;
		epoch = counter_get(s, sn->txn, "trees");
		if (epoch == s->own_epoch) {
			snapshot_link(s, sn);
			break;
		}
		rc = own_mirror(s, sn->txn);
		/* The handles last only if the transaction that opened them commits. */
		if (rc != 0) {
			mdb_txn_abort(sn->txn);
			break;
		}
		rc = mdb_txn_commit(sn->txn);
		if (rc != 0)
			break;
		s->own_epoch = epoch;
		close_unused(s);
	}
	pthread_mutex_unlock(&s->mutex);
	return rc == 0 ? OK : store_error(s, rc, e, "opening a snapshot");
}

int trees_of(const struct store *s, uint32_t generation, bool own, MDB_dbi out[DATA_COUNT])
{
	struct store *m = (struct store *)(uintptr_t)s;
	const struct own_trees *o;

	if (!own) {
		for (unsigned i = 0; i < DATA_COUNT; i++)
			out[i] = s->trees[data_trees[i]];
		return OK;
	}
	pthread_mutex_lock(&m->mutex);
	o = own_find(s, generation);
	if (o != NULL)
		memcpy(out, o->dbi, sizeof(o->dbi));
	pthread_mutex_unlock(&m->mutex);
	return o != NULL ? OK : ERR_MISSING;
}

int trees_create_own(struct store *s, uint32_t *generation, struct err *e)
{
	struct own_trees o;
	uint64_t epoch = 0;
	MDB_txn *txn;
	int rc;

	pthread_mutex_lock(&s->mutex);
	rc = store_begin(s, &txn);
	if (rc != 0)
		goto out;
	epoch = counter_get(s, txn, "trees") + 1;
	rc = trees_next_generation(s, txn, generation);
	if (rc == 0)
		rc = counter_set(s, txn, "trees", epoch);
	if (rc == 0)
		rc = own_open(txn, *generation, MDB_CREATE, &o);
	if (rc != 0) {
		mdb_txn_abort(txn);
		goto out;
	}
	rc = mdb_txn_commit(txn);
	if (rc == 0) {
		own_add(s, &o);
		s->own_epoch = epoch;
	}
out:
	pthread_mutex_unlock(&s->mutex);
	return rc == 0 ? OK : store_error(s, rc, e, "making trees for a big zone");
}

/* Called with the mutex held where other threads may be about. */
void trees_mark_garbage(struct store *s, uint32_t generation)
{
	struct own_trees *o = own_find(s, generation);

	if (o == NULL || o->is_garbage)
		return;
	o->is_garbage = true;
	o->garbage_since = s->last_number;
}

bool trees_is_garbage(struct store *s, uint32_t generation)
{
	const struct own_trees *o;
	bool is_garbage;

	pthread_mutex_lock(&s->mutex);
	o = own_find(s, generation);
	is_garbage = o == NULL || o->is_garbage;
	pthread_mutex_unlock(&s->mutex);
	return is_garbage;
}

static int drop_marked(struct store *s, MDB_txn *txn, uint64_t *epoch)
{
	int rc = 0;

	for (size_t i = s->own_count; rc == 0 && i-- > 0;) {
		if (!is_unused(s, &s->own[i]))
			continue;
		/* This closes the handles, too: forget them whatever becomes of the commit (a
		 * tree that stays is garbage again at the next start). */
		for (unsigned j = 0; rc == 0 && j < DATA_COUNT; j++)
			rc = mdb_drop(txn, s->own[i].dbi[j], 1);
		own_remove(s, &s->own[i]);
	}
	*epoch = counter_get(s, txn, "trees") + 1;
	return rc != 0 ? rc : counter_set(s, txn, "trees", *epoch);
}

void trees_sweep(struct store *s)
{
	bool any = false;
	uint64_t epoch;
	MDB_txn *txn;
	int rc;

	pthread_mutex_lock(&s->mutex);
	for (size_t i = 0; i < s->own_count; i++)
		any |= is_unused(s, &s->own[i]);
	any &= !s->is_writing; /* there is a next time */
	rc = any ? store_begin(s, &txn) : 0;
	if (any && rc == 0) {
		rc = drop_marked(s, txn, &epoch);
		if (rc == 0)
			rc = mdb_txn_commit(txn);
		else
			mdb_txn_abort(txn);
		if (rc == 0)
			s->own_epoch = epoch;
	}
	pthread_mutex_unlock(&s->mutex);
	if (rc != 0)
		log_warning("store %s: dropping old generations: %s; their space comes back at the "
			    "next start",
		    s->dir, mdb_strerror(rc));
}

static int unmark_used(void *arg, const struct zone_head *h)
{
	struct store *s = arg;
	struct own_trees *o = h->own_trees ? own_find(s, h->generation) : NULL;

	if (o != NULL)
		o->is_garbage = false;
	return OK;
}

int trees_find_garbage(struct store *s, struct err *e)
{
	struct snapshot *sn;
	int rc = snapshot_open(s, &sn, e);

	if (rc != OK)
		return rc;
	for (size_t i = 0; i < s->own_count; i++)
		trees_mark_garbage(s, s->own[i].generation);
	rc = snapshot_each_head(sn, unmark_used, s);
	snapshot_close(sn);
	return rc == OK ? OK : err_set(e, rc, "store %s: a zone head cannot be read", s->dir);
}
