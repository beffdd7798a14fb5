/* change: a new state of a zone's keys, as one record.  Nobody outside src/keys includes it. */
#ifndef KEYS_CHANGE_H
#define KEYS_CHANGE_H

#include "keys/keys_internal.h"

/* Puts next (the zone's record, edited; taken) into the token as the record that follows, then makes
 * it the zone's.  token_of: where each of its keys is; NULL: as before.  The zone must be busy. */
void change_commit(struct keys *k, struct zone_keys *z, struct record *next, const unsigned *token_of,
    int64_t now, keys_done_fn *done, void *arg);
/* Superseded records of the zone go, but for one. */
void change_clean(struct keys *k, struct zone_keys *z);
/* The zone, when its keys may be changed now; NULL and words.  A clock that stands before the zone's last
 * record is wrong, and everything that was observed by it: ERR_REFUSED. */
struct zone_keys *change_begin(struct keys *k, const uint8_t *apex, int64_t now, int *code,
    char why[KEYS_WHY_SIZE]);

#endif
