/* rdata: RDATA as uncompressed wire data: checks, canonical form, text.
 * The layout of each type comes from ldns's descriptors; unknown types are opaque (RFC 3597). */
#ifndef DNS_RDATA_H
#define DNS_RDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

/* Copy RDATA out of a message, its names decompressed (types of RFC 1035 and those that RFC 3597 4
 * lets be compressed), and check it against the type's layout.  Appends to out.
 * OK, ERR_FORMAT (e says what), ERR_LIMIT (longer than 65535 octets uncompressed). */
int rdata_from_message(uint16_t type, const uint8_t *msg, size_t msg_len, size_t offset,
    uint16_t rdlen, struct buf *out, struct err *e);
/* Check uncompressed RDATA against the type's layout. */
int rdata_check(uint16_t type, const uint8_t *rdata, uint16_t len, struct err *e);
/* Canonical form (RFC 4034 6.2 with RFC 6840 5.1): out may be rdata itself; the length is the same. */
void rdata_canonical(uint16_t type, const uint8_t *rdata, uint16_t len, uint8_t *out);
/* Is the canonical form of this type always the same as the wire form? */
bool rdata_is_caseless(uint16_t type);
/* Canonical order of two RDATAs in canonical form (RFC 4034 6.3). */
int rdata_compare(const uint8_t *a, uint16_t alen, const uint8_t *b, uint16_t blen);
/* Presentation form appended to out (no newline). */
void rdata_text(uint16_t type, const uint8_t *rdata, uint16_t len, struct buf *out);

#endif
