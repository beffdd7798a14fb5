/* change: the next version of a zone, made in place of the one before: RRsets are put and removed, the
 * expiry index follows, and the signed difference goes into the journal (journal.h), all in one
 * transaction with the head.  Signing side's main thread.
 *
 * A change is gathered in memory, holds no transaction while it waits for its signatures, and may be
 * dropped at any time. */
#ifndef ZONE_CHANGE_H
#define ZONE_CHANGE_H

#include "zone/journal.h"
#include "zone/store.h"

struct change;
struct change *change_new(struct store *s);
void change_free(struct change *c); /* NULL is fine */

/* The RRset's value from now on; packed NULL: it is gone (one that is not there is OK).  In any order; of
 * several for the same RRset the last one counts.  ERR_ARGUMENT, ERR_LIMIT. */
int change_rrset(struct change *c, const uint8_t *key, size_t key_len, uint16_t type,
    const uint8_t *packed, size_t len, struct err *e);
int change_nsec3(struct change *c, const uint8_t hash[NSEC3_HASH_LEN], const uint8_t *packed,
    size_t len, struct err *e);
/* Entries of the expiry index: x is to be there, or not any more (one that is not there is OK).  An entry
 * is known by all its fields; what is both dropped and added is there in the end. */
int change_expiry_add(struct change *c, const struct expiry_entry *x, struct err *e);
int change_expiry_drop(struct change *c, const struct expiry_entry *x, struct err *e);
/* RRsets put or removed so far, and octets held in memory. */
uint64_t change_count(const struct change *c);
uint64_t change_octets(const struct change *c);

/* The rows of the version that it would make of `from`, before it is applied: its RRsets, or its NSEC3s.
 * A row is filled into out as walk_next does, but for state; ERR_MISSING at the end.  Nothing may be added
 * to c meanwhile.  May be used in a thread, with a snapshot of its own. */
struct change_walk;
int change_walk_open(const struct change *c, struct snapshot *sn, const struct zone_head *from,
    bool nsec3, struct change_walk **out, struct err *e);
int change_walk_next(struct change_walk *x, struct walk *out);
void change_walk_close(struct change_walk *x); /* NULL is fine */

/* Put it into w.  `from` is the version that is changed: its generation is written to.  h is the head of the
 * new version: generation, own_trees, the journal's fields and expiry_first (the first entry of the
 * index, 0 when there is none) are filled in.  A row of the journal leads from from->serial_out to
 * h->serial_out; older rows go by the limits.  When the zone's present head names another generation, that
 * one is dropped (a replacement that was brought up to date) and the journal begins anew.
 * On an error w must be aborted, or the part of it that was begun for this (store_part_begin).
 * c can be applied again after an abort. */
int change_apply(struct change *c, struct store_write *w, const struct zone_head *from,
    struct zone_head *h, const struct journal_limits *limits, struct err *e);

#endif
