/* check: the judge of a signed version.  It reads the version as it lies in the store and derives anew
 * what must be there (RFC 4035 section 2, RFC 5155 section 7.1); it shares no decision with the
 * planner.  Runs in the signing side; what it reads is not trusted to be sound.  Internal to the room;
 * sign_check is its public face.
 *
 *   check_item for each RRset that is no NSEC3; check_names_end; check_sort (may be long, may run
 *   in a thread); check_item for each NSEC3; check_end. */
#ifndef SIGN_CHECK_H
#define SIGN_CHECK_H

#include <stdint.h>
#include "base/err.h"
#include "dns/rrset.h"
#include "keys/keyset.h"
#include "zone/store.h"

struct check;
/* h is copied.  Each signature must hold now and for min_life seconds more. */
struct check *check_new(const struct zone_head *h, int64_t now, int64_t min_life);
void check_free(struct check *c); /* NULL is fine */
/* Verify signatures, too, with these DNSKEYs. */
int check_use_crypto(struct check *c, const struct rrset *dnskeys, struct err *e);
/* The key set that it was made with, borrowed: the DNSKEY, CDS and CDNSKEY sets must be just those of
 * it, and each RRset must be signed by just the keys that it names, whether they are published yet or
 * not (RFC 6781 section 4.1.4). */
int check_use_keys(struct check *c, const struct keyset *keys, struct err *e);
/* Verify with those of its keys that are not published, too. */
int check_use_crypto_of(struct check *c, const struct keyset *keys, struct err *e);
/* The head as it is at the end, where the names were checked before all was added up. */
void check_use_head(struct check *c, const struct zone_head *h);
int check_item(struct check *c, const struct walk *w, struct err *e);
int check_names_end(struct check *c, struct err *e);
void check_sort(struct check *c);
int check_end(struct check *c, struct err *e);

#endif
