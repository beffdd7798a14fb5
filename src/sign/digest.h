/* digest: of a zone's normalised input, in a form that follows a change without reading the rest: the
 * sum modulo 2^256 of the SHA-256 of each RRset, as packed by dns/rrset.h without its signature part.
 * The case of letters counts, and so does the SOA's serial.  It guards against our own mistakes and the
 * disk's, not against somebody who makes up zones. */
#ifndef SIGN_DIGEST_H
#define SIGN_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN 32

/* packed without its last part (the number of signatures and what follows). */
void digest_add(uint8_t sum[DIGEST_LEN], const uint8_t *packed, size_t len);
void digest_subtract(uint8_t sum[DIGEST_LEN], const uint8_t *packed, size_t len);

#endif
