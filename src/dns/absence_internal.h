/* absence_internal: what the files of absence share.  Nobody else includes it.
 *
 *   absence.c        the proof's records, and what follows
 *   absence_nsec.c   ... from NSEC
 *   absence_nsec3.c  ... from NSEC3
 */
#ifndef DNS_ABSENCE_INTERNAL_H
#define DNS_ABSENCE_INTERNAL_H

#include <stdbool.h>
#include "dns/absence.h"
#include "dns/nsec.h"
#include "dns/rrtype.h"

struct proof_record { /* NSEC or NSEC3, its signature valid; borrowed from the proof */
	const uint8_t *owner;
	const uint8_t *next; /* NSEC: a name; NSEC3: a hash */
	const uint8_t *bitmap;
	size_t bitmap_len;
	uint8_t hash[NSEC3_HASH_LEN]; /* NSEC3: of the owner's first label */
	uint8_t flags;		      /* NSEC3 */
};
struct proof {
	const struct absence_question *question;
	struct buf packed[ABSENCE_RECORDS_MAX];
	struct proof_record records[ABSENCE_RECORDS_MAX];
	unsigned count;
	bool is_nsec3;
	struct nsec3_params params; /* the same for all (RFC 5155 8.2) */
};

static inline bool proof_has(const struct proof_record *r, uint16_t type)
{
	return nsec_bitmap_has(r->bitmap, r->bitmap_len, type);
}
/* It comes from above a zone cut, or from a DNAME: of names below it says nothing (RFC 6840 4.1).
 */
static inline bool proof_ends_at(const struct proof_record *r)
{
	return proof_has(r, RR_DNAME) || (proof_has(r, RR_NS) && !proof_has(r, RR_SOA));
}
/* What the record of the very name says: ABSENCE_OF_TYPE, _OF_DS or _UNPROVEN. */
enum absence proof_match(const struct proof_record *r, uint16_t type);

/* "*." in front of a name that another one is below. */
void proof_wildcard(const uint8_t *name, uint8_t out[NAME_MAX_LEN]);

enum absence nsec_absence(const struct proof *p);
enum absence nsec_absence_closer(const struct proof *p, const uint8_t *closer);
enum absence nsec3_absence(const struct proof *p);
enum absence nsec3_absence_closer(const struct proof *p, const uint8_t *closer);

#endif
