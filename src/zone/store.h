/* store: the zone store (LMDB).  One writer (the signing side's main thread), many readers.
 *
 * Trees (see store.c for keys and values):
 *   head    zone -> struct zone_head
 *   rr      generation, name key, type -> packed RRset (dns/rrset.h)
 *   nsec3   generation, hash -> packed NSEC3 RRset
 *   expiry  generation, expiry, hash of the owners -> the first and the last owner of a run of
 *           neighbours whose signatures all expire at that time or later
 *   journal zone, serial, chunk -> signed difference to the next version (journal.h)
 *   ttl     zone, TTL -> until when it was served at most
 *   meta    class, key -> small things: statuses, intents, cursors
 *   event   growing number -> event row (outbox, audit, metrics read it)
 *
 * A generation is one whole version of a zone's data.  Readers open a snapshot and see one whole
 * version for as long as they hold it.  A generation that no head names is garbage: dropped at
 * store_open by the writer. */
#ifndef ZONE_STORE_H
#define ZONE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "dns/name.h"
#include "dns/nsec.h"
#include "dns/soa.h"

/* Classes of meta rows: each belongs to one room, which says there what key and value are. */
enum store_meta_class {
	META_KEYS_INTENT = 1,   /* keys/intent.c */
	META_KEYS_SEQUENCE = 2, /* keys/intent.c */
	META_KEYS_WRITER = 3,   /* keys/intent.c */
	META_KEYS_ADOPTED = 4,  /* keys/intent.c */
	META_INBOUND = 16,      /* 16 to 31 */
	META_SIGN = 32,         /* 32 to 47 */
	META_DAEMON = 48,       /* 48 to 63 */
	META_PARENT = 64,       /* daemon/signer/parent.c, parent/observe.c */
	META_SUBMIT = 65,       /* daemon/signer/submit.c, parent/submit.c */
	META_MONITOR = 72,      /* 72 and 73: daemon/signer/monitor_keep.c */
	META_MONITOR_HISTORY = 73,
	META_NOTICE = 80,         /* 80 to 82: notices/outbox.h */
	META_NOTICE_TOLD = 81,
	META_NOTICE_WAITING = 82
};

#define STORE_HEAD_KEYS 16
#define STORE_POLICY_MAX 64
#define STORE_REASON_MAX 256

/* NONE: the version is unsigned (RFC 4035 has no such zone; `zone unsign` ends in it). */
enum denial_kind { DENIAL_NONE = 0, DENIAL_NSEC = 1, DENIAL_NSEC3 = 2, DENIAL_NSEC3_OPT_OUT = 3 };
static inline bool denial_is_nsec3(enum denial_kind d)
{
	return d == DENIAL_NSEC3 || d == DENIAL_NSEC3_OPT_OUT;
}

struct zone_head { /* encoded as TLV in the store, so that fields can be added */
	uint8_t apex[NAME_MAX_LEN];
	char policy[STORE_POLICY_MAX];
	/* unsigned side */
	bool has_in;
	uint32_t serial_in;       /* of the source's version that is signed */
	struct soa soa_in;        /* its timers */
	int64_t refreshed;        /* calendar: a source last confirmed this version */
	int64_t source_expires;   /* calendar: then it runs out, the source says (RFC 7314); 0: by soa_in.expire */
	uint8_t input_digest[32]; /* of the normalised input: see sign/digest.h */
	uint64_t input_records;
	bool foreign_dnssec;      /* it arrived with a DNSKEY at its apex (R70) */
	/* signed side */
	uint32_t generation; /* 0: none yet */
	bool own_trees;      /* this generation has trees of its own */
	bool has_out;
	uint32_t serial_out; /* last version signed: never goes back */
	bool published;      /* may be answered and notified; false: held, hold says why */
	char hold[STORE_REASON_MAX];
	bool unverified; /* signed with verify = "off" */
	bool serial_jump_warned;
	int64_t signed_at;
	int64_t expiry_first; /* the earliest RRSIG expiration in it; 0: it is unsigned */
	int64_t resign_at;    /* when refresh is due; 0: never */
	enum denial_kind denial;
	struct nsec3_params nsec3;
	uint64_t rrsets, records, signatures;
	uint32_t ttl_max;
	uint64_t input_mark; /* of the file that it came from: inbound_file_mark; 0: of none, or not known */
	uint32_t ttl_in; /* the largest that its source sent, before max_ttl lowered it; 0: not known */
	uint64_t keyset; /* what of the keys it was made by: see sign_keyset_mark */
	uint32_t ttl_cap; /* max_ttl when its source's version came in; 0: none */
	/* The apex is looked at in every run, and is not in the expiry index. */
	int64_t apex_expiry, apex_due; /* as expiry_first and resign_at; 0: nothing is signed there */
	/* what all of it is signed with; while a walk is under way: was */
	uint64_t zone_keys; /* mark of the keys: sign/resign.c */
	int64_t validity;   /* seconds: no signature was made to live longer */
	/* signing all of it anew, under way in slices, each of them a version: sign/resign.c */
	bool has_walk;
	uint64_t walk_mark;   /* of the zone's signers that it leads to */
	bool walk_anew;	      /* no signature is kept in it, however long it lives */
	bool walk_is_nsec3;   /* the owners are done, the NSEC3s are being done */
	uint8_t walk_key[NAME_KEY_MAX]; /* sort key, or hash, of the last one done; empty: none yet */
	size_t walk_key_len;
	/* journal */
	bool has_journal;
	uint32_t journal_first; /* the oldest version from which it leads to this one */
	uint64_t journal_octets, journal_rows;
	struct {
		uint8_t id[16]; /* CKA_ID */
		uint16_t tag;
		uint8_t algorithm;
		uint64_t signatures;
	} keys[STORE_HEAD_KEYS];
	unsigned key_count;
};

struct store;
/* size_max: address space to reserve (the file grows inside it).  writer: sole (locked); drops
 * garbage generations, clears dead readers.  A reader that comes before the writer made the store
 * gets ERR_AGAIN. */
struct store *store_open(const char *dir, bool writer, uint64_t size_max, struct err *e);
void store_close(struct store *s);
void store_check_readers(struct store *s); /* free the slots of dead processes: writer, each minute */
/* Octets used of those reserved, for status. */
void store_usage(const struct store *s, uint64_t *used, uint64_t *reserved);
/* Is less than a tenth left of store_max, or of the disk?  Then why: words for an alert. */
#define STORE_SHORT_SIZE 300
bool store_is_short(const struct store *s, char why[STORE_SHORT_SIZE]);

/* Reading.  A snapshot may be used by one thread at a time; keep none open without need. */
struct snapshot;
int snapshot_open(struct store *s, struct snapshot **out, struct err *e);
void snapshot_close(struct snapshot *sn); /* NULL is fine */
int snapshot_head(struct snapshot *sn, const uint8_t *apex, struct zone_head *out); /* ERR_MISSING */
/* Each head in name order; not OK from fn ends it. */
typedef int store_head_fn(void *arg, const struct zone_head *h);
int snapshot_each_head(struct snapshot *sn, store_head_fn *fn, void *arg);
/* One RRset; packed is borrowed until the snapshot closes (or, in a write, changes). */
int snapshot_rrset(struct snapshot *sn, const struct zone_head *h, const uint8_t *name,
    uint16_t type, const uint8_t **packed, size_t *len);
int snapshot_meta(struct snapshot *sn, uint8_t class, const void *key, size_t key_len,
    const uint8_t **value, size_t *len);
/* Rows of a class in order of their keys, from the first whose key is not before `from` on; not OK from fn
 * ends it, and is returned.  Keys and values are borrowed for the call; fn must not write. */
typedef int store_meta_fn(
    void *arg, const uint8_t *key, size_t key_len, const uint8_t *value, size_t len);
int snapshot_each_meta(struct snapshot *sn, uint8_t class, const void *from, size_t from_len,
    store_meta_fn *fn, void *arg);
/* The class's last row: its key, borrowed.  ERR_MISSING: there is none. */
int snapshot_last_meta(struct snapshot *sn, uint8_t class, const uint8_t **key, size_t *key_len);

/* All RRsets of a generation: names in canonical order, their types ascending, then the NSEC3s in
 * hash order. */
struct walk {
	const uint8_t *key; /* sort key of the owner, or the hash */
	size_t key_len;
	bool is_nsec3;
	uint16_t type;
	const uint8_t *packed;
	size_t packed_len;
	struct walk_state *state;
};
int walk_open(struct snapshot *sn, const struct zone_head *h, struct walk *w, struct err *e);
int walk_next(struct walk *w);                                          /* ERR_MISSING at the end */
/* Stand on the first RRset whose owner is not before key (or hash) and fill w with it, as walk_next
 * does; ERR_MISSING if there is none (of this kind).  walk_next goes on from there. */
int walk_seek(struct walk *w, const uint8_t *key, size_t key_len);
int walk_seek_nsec3(struct walk *w, const uint8_t hash[NSEC3_HASH_LEN]);
/* Stand on the last RRset whose owner is before key (the last hash before hash); NULL: on the last of
 * all of its kind.  ERR_MISSING: there is none.  walk_prev goes on from there, backwards, and ends at
 * the first of the kind. */
int walk_seek_before(struct walk *w, const uint8_t *key, size_t key_len);
int walk_seek_nsec3_before(struct walk *w, const uint8_t *hash);
int walk_prev(struct walk *w);
void walk_close(struct walk *w);

/* The expiry index.  For each signature of the generation that expires at X, at the owner k below the apex,
 * there is an entry with expiry <= X and first <= k <= last.  Entries may be too early, and name owners
 * that are gone.  The apex goes by the head's times. */
struct expiry_entry {
	int64_t expiry; /* calendar */
	bool is_nsec3;	/* first and last are hashes, else sort keys of owners */
	const uint8_t *first, *last; /* borrowed */
	size_t first_len, last_len;
};
/* Each entry in order of time; not OK from fn ends it, and is returned. */
typedef int store_expiry_fn(void *arg, const struct expiry_entry *x);
int snapshot_each_expiry(struct snapshot *sn, const struct zone_head *h, store_expiry_fn *fn, void *arg);

/* Writing: the signing side only, one at a time; short. */
struct store_write;
int store_write_begin(struct store *s, struct store_write **out, struct err *e);
int store_write_commit(struct store_write *w, struct err *e); /* frees w in any case */
void store_write_abort(struct store_write *w);                /* NULL is fine */
/* A part of a write that can be taken back alone, so that many zones share one commit: begun, then ended,
 * kept or not.  Parts do not nest; walks over the view are closed before one begins and before it ends. */
int store_part_begin(struct store_write *w, struct err *e);
int store_part_end(struct store_write *w, bool keep, struct err *e);
/* What a write sees: usable with the snapshot_ and walk_ functions until it ends. */
struct snapshot *store_write_view(struct store_write *w);
int store_write_head(struct store_write *w, const struct zone_head *h, struct err *e);
int store_write_meta(struct store_write *w, uint8_t class, const void *key, size_t key_len,
    const void *value, size_t len, struct err *e); /* value NULL: delete; missing is OK */
int store_write_event(struct store_write *w, const void *row, size_t len, struct err *e);
/* Remove a zone: head, generation, journal, TTLs. */
int store_write_remove(struct store_write *w, const uint8_t *apex, struct err *e);

/* Building a generation, in order: rr by name key then type, then nsec3 by hash.  Several builds may
 * be under way at once, none of them holds a write open between calls.  A small one (rrsets_expected
 * at most STORE_SMALL) is kept in memory and written by build_flip; a big one gets trees of its own
 * and is written in bounded batches. */
#define STORE_SMALL 4096
struct build;
struct build *build_begin(struct store *s, uint64_t rrsets_expected, struct err *e);
int build_rrset(struct build *b, const uint8_t *key, size_t key_len, uint16_t type,
    const uint8_t *packed, size_t len, struct err *e);
/* One that comes late, for a place that was passed: not there yet, and read back by the walks that are
 * opened from then on. */
int build_rrset_late(struct build *b, const uint8_t *key, size_t key_len, uint16_t type,
    const uint8_t *packed, size_t len, struct err *e);
int build_nsec3(struct build *b, const uint8_t hash[NSEC3_HASH_LEN], const uint8_t *packed,
    size_t len, struct err *e);
int build_expiry(struct build *b, const struct expiry_entry *x, struct err *e);
int build_flush(struct build *b, struct err *e); /* write what is buffered (big ones) */
/* What was built so far can be read back for checking: a walk over the new generation.  A small
 * build's walk reads from memory; close the walk before going on. */
int build_walk(struct build *b, struct snapshot **sn, struct walk *w, struct err *e);
/* Make it the zone's generation: h (generation and own_trees are filled in) is written in the same
 * transaction, the old generation and the journal are dropped, and `extra` (may be NULL) may add rows
 * to it. */
typedef int build_extra_fn(void *arg, struct store_write *w, struct err *e);
int build_flip(struct build *b, struct zone_head *h, build_extra_fn *extra, void *arg,
    struct err *e); /* frees b on OK */
/* The same inside w, for commits that several zones share; build_flush before w is begun.  b is not freed: build_done when the commit was
 * well, build_abandon else (or build_flip_in again, in another write). */
int build_flip_in(struct build *b, struct store_write *w, struct zone_head *h, struct err *e);
void build_done(struct build *b);
/* Flush all of it and fill in h's generation and own_trees, so that it can be changed (change.h) before it
 * is any zone's: no build_rrset any more.  change_apply makes it the zone's; then build_done. */
int build_head(struct build *b, struct zone_head *h, struct err *e);
void build_abandon(struct build *b); /* NULL is fine */

#endif
