/* check_part: the judge of a change made in place.  It looks at all that the change touched, in the
 * transaction that makes it, against what was there before; like check.h it derives anew what must be
 * there and shares no decision with the planner.  Signing side's main thread.  Internal to the room.
 *
 * For each owner whose RRsets were put or removed: each set is signed by just the keys that must sign it, or
 * by none (hidden below a delegation or a DNAME, which may stand above it untouched); its NSEC or NSEC3
 * is there if it must be, with the bitmap of the types that are there, it leads to its neighbour, and the
 * one before leads to it; empty non-terminals above it have their NSEC3 or, with nothing below them any
 * more, have none; of an owner that is gone nothing is left.  For each NSEC3 that was put or removed:
 * its parameters, and that the chain is closed on both sides.  The apex is always among the owners.
 * And the sums of the head moved by just what the rows moved: RRsets, records, signatures, those of each
 * key, the input's records and its digest. */
#ifndef SIGN_CHECK_PART_H
#define SIGN_CHECK_PART_H

#include "base/err.h"
#include "dns/nsec.h"
#include "keys/keyset.h"
#include "zone/store.h"

struct check_owner { /* sorted by key, each once */
	const uint8_t *key;
	size_t key_len;
};

struct check_part {
	struct snapshot *before, *view;
	const struct zone_head *was, *is; /* heads of the two; the generation is the same */
	const struct keyset *keys;	  /* that the version is made with */
	int64_t now, min_life;
	const struct check_owner *owners;
	size_t owner_count;
	const uint8_t (*hashes)[NSEC3_HASH_LEN]; /* of the NSEC3 rows put or removed, sorted, each once */
	size_t hash_count;
};
int check_part(const struct check_part *p, struct err *e);

#endif
