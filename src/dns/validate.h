/* validate: is what came what the zone's owner signed?  RFC 4035 5, with the lenience of RFC 6840 5.11:
 * one signature that holds is enough.  Nothing that comes is trusted, and nothing can make the work
 * more than a few public-key operations: keys that share a tag, and signatures without number, are an
 * attack (CVE-2023-50387).
 *
 * Sets are views of packed ones (rrset.h, answer.h). */
#ifndef DNS_VALIDATE_H
#define DNS_VALIDATE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "dns/rrset.h"

#define VALIDATE_TRIES_MAX 8    /* signatures that are computed for one set */
#define VALIDATE_DIGESTS_MAX 16 /* digests of keys that are compared with DS */

enum validity {
	VALIDITY_SECURE,
	VALIDITY_INSECURE, /* signed by means that nobody here knows: as if unsigned (RFC 4035 5.2) */
	VALIDITY_BOGUS
};

struct validated {
	int64_t until;   /* the signature's expiration */
	unsigned labels; /* of the owner that was signed, as RRSIG counts them */
	bool is_expanded; /* made from a wildcard: only good with a proof that the name is not there */
};

/* The set, of the zone, by one of the zone's keys, which are valid themselves.
 * OK or ERR_VERIFY with words. */
int validate_rrset(const struct rrset *set, const uint8_t *zone, const struct rrset *keys,
    int64_t now, struct validated *out, struct err *e);
/* Is one of the DS of an algorithm and a digest that are known here?  If not the zone is INSECURE. */
bool validate_knows_ds(const struct rrset *ds);
/* A zone's DNSKEY set by its DS, which are valid themselves.  Words unless it is SECURE; out is written
 * only then. */
enum validity validate_keys(const struct rrset *keys, const struct rrset *ds, int64_t now,
    struct validated *out, struct err *e);

#endif
