/* trust: would a validator that has this DS set accept what an address serves?  Pure. */
#ifndef WATCH_TRUST_H
#define WATCH_TRUST_H

#include "watch/child.h"

/* SHA-256 over algorithm and public key: a key whatever its flags. */
void trust_key_id(const uint8_t *dnskey, size_t len, uint8_t out[WATCH_DIGEST_LEN]);
const struct watch_past *trust_past(const struct watch_child *c, const struct watch_key *k);

bool trust_is_algorithm(uint8_t algorithm); /* one that a DS may be added for */
bool trust_is_digest(uint8_t digest_type);  /* likewise */

bool trust_ds_is_of(const struct watch_child *c, const struct parent_ds *ds, const struct watch_key *k);
bool trust_has_ds(const struct watch_child *c, const struct watch_ds *set, const struct watch_key *k);
const struct watch_seen *trust_seen(const struct watch_server *s, unsigned key); /* or NULL */
/* The set is signed by this key, and it is the time of that signature. */
bool trust_signs(const struct watch_part *p, unsigned key, int64_t now);
/* The newest signature by a key of the DNSKEY set that has a DS and may sign now; NULL: none. */
const struct watch_sig *trust_proof(const struct watch_child *c, const struct watch_server *s,
    const struct watch_part *p, const struct watch_ds *ds, int64_t now);

/* As any validator: one way through the DS to the DNSKEY set is enough. */
bool trust_validates(const struct watch_child *c, const struct watch_server *s, const struct watch_ds *ds,
    int64_t now);
/* As the strictest ones: one way for each algorithm in the DS set and for each type of digest with it (some
 * look at the strongest digest alone), and each of these algorithms signs the zone's data, too (RFC 6840
 * 5.11).  why: what is missing, in words; may be NULL. */
bool trust_validates_strictly(const struct watch_child *c, const struct watch_server *s,
    const struct watch_ds *ds, int64_t now, char why[WATCH_REASON_MAX]);

#endif
