/* store_internal: what the files of the store share.  Nobody outside src/zone includes it. */
#ifndef ZONE_STORE_INTERNAL_H
#define ZONE_STORE_INTERNAL_H

#include <lmdb.h>
#include <pthread.h>
#include "base/buf.h"
#include "zone/journal.h"
#include "zone/store.h"

enum store_tree {
	TREE_HEAD, TREE_RR, TREE_NSEC3, TREE_EXPIRY, TREE_JOURNAL, TREE_TTL, TREE_META, TREE_EVENT,
	TREE_COUNT
};

/* The trees that hold a generation's data: the shared ones, or three of its own. */
enum { DATA_RR, DATA_NSEC3, DATA_EXPIRY, DATA_COUNT };

#define META_INTERNAL 0 /* meta class of the store itself: "generation", "trees" */

/* generation (4), sort key (at most 504), 00, type (2): exactly LMDB's 511.  The 00 keeps all types
 * of a name before the names below it. */
#define NAME_KEY_LONGEST 504
#define STORE_KEY_MAX 511
#define STORE_EXPIRY_MAX (3 + 2 * NAME_KEY_LONGEST)

struct own_trees { /* open handles of one generation's own trees */
	uint32_t generation;
	MDB_dbi dbi[DATA_COUNT];
	bool is_garbage;
	uint64_t garbage_since; /* snapshots with a lower number may still use it */
};

#define STORE_IDLE_MAX 16

struct snapshot {
	struct store *store;
	MDB_txn *txn;
	uint64_t number;
	struct snapshot *prev, *next; /* among the open ones, oldest first */
	bool is_write;                /* the view of a store_write: not in the list */
};

struct store {
	MDB_env *env;
	char *dir;
	int lock_fd; /* -1: a reader */
	uint64_t size_max;
	MDB_dbi trees[TREE_COUNT];
	MDB_dbi names; /* LMDB's unnamed database: the names of all trees */
	bool is_writing;       /* a store_write is open: LMDB would wait for ever for a second one */
	pthread_mutex_t mutex; /* what follows, and every opening and closing of handles */
	struct own_trees *own;  /* ascending by generation */
	size_t own_count;
	uint64_t own_epoch; /* of the set of own trees that `own` mirrors */
	uint64_t last_number;
	struct snapshot *oldest, *newest;
	MDB_txn *idle[STORE_IDLE_MAX]; /* for reading, over, to be used again */
	unsigned idle_count;
};

struct store_write {
	struct snapshot view;
	MDB_txn *whole; /* a part is open (view.txn is the part's): what it belongs to */
	size_t dropped_before; /* of the part */
	uint32_t *dropped; /* generations with own trees that nobody names after the commit */
	size_t dropped_count;
};

/* Octets: of the file (with pages that are free in it), of those reserved for it, and of its disk. */
struct store_space {
	uint64_t file, reserved, disk_free, disk_size;
};
void store_space(const struct store *s, struct store_space *out);

/* Turn LMDB's rc into words: "DIR: what: ..." and, where there is one, the remedy. */
int store_error(const struct store *s, int rc, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A write transaction, or MDB_BAD_TXN when a store_write is open. */
int store_begin(const struct store *s, MDB_txn **txn);

/* trees.c */
int trees_open_shared(struct store *s, bool writer, struct err *e);
int trees_snapshot(struct store *s, struct snapshot *sn, struct err *e);
void trees_end_snapshot(struct snapshot *sn);
int trees_of(const struct store *s, uint32_t generation, bool own, MDB_dbi out[DATA_COUNT]);
int trees_create_own(struct store *s, uint32_t *generation, struct err *e);
void trees_mark_garbage(struct store *s, uint32_t generation);
int trees_find_garbage(struct store *s, struct err *e); /* at start: what no head names */
bool trees_is_garbage(struct store *s, uint32_t generation); /* or not there at all */
void trees_sweep(struct store *s); /* drop garbage that no snapshot of this process can see */
/* The next generation number, counted in txn. */
int trees_next_generation(struct store *s, MDB_txn *txn, uint32_t *out);

/* Keys; each returns the length. */
size_t store_key_rr(uint8_t out[STORE_KEY_MAX], uint32_t generation, const uint8_t *key,
    size_t key_len, uint16_t type);
/* An entry of the expiry index: its key, of generation 0, and its value.  ERR_ARGUMENT: an owner too long. */
int store_expiry_row(uint8_t key[STORE_KEY_MAX], size_t *key_len, uint8_t value[STORE_EXPIRY_MAX],
    size_t *len, const struct expiry_entry *x, struct err *e);
size_t store_key_zone(uint8_t out[STORE_KEY_MAX], const uint8_t *apex);
size_t store_key_meta(uint8_t out[STORE_KEY_MAX], uint8_t class, const void *key, size_t key_len);

/* head.c */
void head_encode(const struct zone_head *h, struct buf *out);
int head_decode(const uint8_t *data, size_t len, struct zone_head *out, struct err *e);

/* write.c */
int write_drop_generation(struct store_write *w, const struct zone_head *h, struct err *e);
/* Delete all rows whose key begins with prefix; an LMDB code. */
int write_delete_prefix(MDB_txn *txn, MDB_dbi dbi, const uint8_t *prefix, size_t len);

/* snapshot.c: one row; ERR_MISSING, ERR_STORE (logged). */
int snapshot_get(const struct snapshot *sn, MDB_dbi dbi, const uint8_t *k, size_t k_len,
    const uint8_t **value, size_t *len);
/* The first entry of h's expiry index: its time, 0 when there is none. */
int snapshot_first_expiry(struct snapshot *sn, const struct zone_head *h, int64_t *out);

/* batch.c: rows of a build that are not in the store yet, in order. */
struct batch_row {
	const uint8_t *key; /* behind the generation */
	size_t key_len;
	const uint8_t *value;
	size_t value_len;
};
struct batch {
	struct buf data;
	size_t *at; /* offset of each row */
	size_t count, cap;
};
int batch_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);
int batch_add(struct batch *b, const uint8_t *key, size_t key_len, const void *value, size_t len);
struct batch_row batch_row(const struct batch *b, size_t i);
/* In its place among rows that are in order. */
int batch_insert(struct batch *b, const uint8_t *key, size_t key_len, const void *value, size_t len);
size_t batch_seek(const struct batch *b, const uint8_t *key, size_t key_len);
/* Rows that came in any order, now in that of their keys; of several with one key the last that came.
 * Gives *out (free it), which borrows b; returns their number. */
size_t batch_sorted(const struct batch *b, struct batch_row **out);
void batch_reset(struct batch *b);
void batch_free(struct batch *b);

/* journal_row.c */
#define JOURNAL_HEADER 31
#define JOURNAL_ITEM 5 /* octets before an item's RRset */
/* One version's difference, as it is gathered and as it is kept. */
struct draft {
	struct buf removed, added; /* items; removed has room for the row's header in front */
	uint64_t records;
};
struct journal_row { /* the header of a row */
	uint32_t to;	  /* serial that it leads to */
	int64_t made;	  /* calendar */
	uint64_t octets;  /* of all its chunks */
	uint64_t records; /* and signatures, removed and added, the SOAs among them */
	uint16_t chunks;
};
void draft_begin(struct draft *d);
/* What becomes of one RRset: was or is NULL when it is not there.  OK or ERR_FORMAT; a lack of memory
 * shows in their `failed`. */
int draft_rrset(struct draft *d, const uint8_t *was, size_t was_len, const uint8_t *is, size_t is_len);
void draft_free(struct draft *d);
void journal_row_header(const struct journal_row *row, uint8_t out[JOURNAL_HEADER]);
size_t store_key_journal(uint8_t out[STORE_KEY_MAX], const uint8_t *apex, uint32_t serial,
    uint16_t chunk);
/* The header of a row's first chunk, and where its items begin; ERR_MISSING, ERR_FORMAT. */
int journal_row_parse(const uint8_t *value, size_t len, struct journal_row *out, struct reader *items);

/* journal.c: the header of the row that leads away from serial; ERR_MISSING, ERR_FORMAT. */
int journal_row_get(
    struct snapshot *sn, const uint8_t *apex, uint32_t serial, struct journal_row *out);

/* journal_write.c: both move the journal's fields of h along. */
int journal_empty(struct store_write *w, struct zone_head *h, struct err *e);
/* Add the row from serial `from` to h->serial_out (frees nothing of d), then old rows go by the limits. */
int journal_add(struct store_write *w, struct zone_head *h, uint32_t from, struct draft *d,
    const struct journal_limits *limits, struct err *e);

/* change.c: of a change, by DATA_RR, DATA_NSEC3 */
struct change;
const struct batch *change_rows(const struct change *c, unsigned data);

/* walk.c: a walk over rows in memory; both borrowed. */
void walk_open_memory(const struct batch *rr, const struct batch *nsec3, struct walk *w);

#endif
