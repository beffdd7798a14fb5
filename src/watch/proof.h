/* proof: which keys of a DNSKEY set made which signatures over a set.  Pure; whether a DS stands behind a
 * key, and whether it is the time for a signature, is for others to say.
 *
 * A sender can make us check many signatures by giving many keys the same tag, so the number of checks is
 * bounded, for one set and for all sets of a reply; what is not checked does not count as signed. */
#ifndef WATCH_PROOF_H
#define WATCH_PROOF_H

#include <stdbool.h>
#include <stdint.h>
#include "dns/dnskey.h"
#include "dns/rrset.h"
#include "watch/answer.h"

#define PROOF_SIGS_MAX WATCH_RRSIGS_MAX /* remembered of a set */
#define PROOF_CHECKS_MAX 64 /* of signatures with one ring */

/* Can we judge by this key?  A zone key of protocol 3 with an algorithm of ours and a size that does not
 * cost us much; revoked ones are not left out. */
bool proof_is_usable(const uint8_t *dnskey, size_t len);

struct proof_ring; /* the keys of one DNSKEY set, ready to check; borrows the set */
struct proof_ring *proof_ring_new(const struct rrset *dnskeys);
void proof_ring_free(struct proof_ring *r); /* NULL is fine */

struct proof_sig {
	uint16_t key; /* position in the DNSKEY set */
	int64_t inception, expiration; /* calendar */
};
struct proof {
	struct proof_sig sigs[PROOF_SIGS_MAX]; /* that hold */
	unsigned count;
	unsigned rrsigs; /* that came with the set, good or not */
	bool is_capped;  /* the bound was reached */
};
/* Revoked keys sign nothing.  now: which of the instants that 32 bits can mean is meant. */
void proof_of(struct proof_ring *r, const struct rrset *set, const uint8_t *apex, int64_t now,
    struct proof *out);

#endif
