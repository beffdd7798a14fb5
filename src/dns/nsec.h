/* nsec: type bitmaps, NSEC and NSEC3 RDATA, NSEC3 hashing (RFC 4034 4, RFC 5155). */
#ifndef DNS_NSEC_H
#define DNS_NSEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "dns/name.h"

#define NSEC3_HASH_LEN 20
#define NSEC3_FLAG_OPT_OUT 1

/* Type bitmap windows from a sorted array of types without duplicates.  Appends. */
void nsec_bitmap(const uint16_t *types, size_t count, struct buf *out);
bool nsec_bitmap_has(const uint8_t *bitmap, size_t len, uint16_t type);

struct nsec3_params {
	uint16_t iterations;
	uint8_t salt_len;
	uint8_t salt[255];
};
/* Hash of a name (any case).  RFC 5155 section 5. */
void nsec3_hash(const struct nsec3_params *p, const uint8_t *name, uint8_t out[NSEC3_HASH_LEN]);
/* Owner name <base32hex>.<apex>, lower case; the length, 0 if it would be longer than 255. */
size_t nsec3_owner(const uint8_t hash[NSEC3_HASH_LEN], const uint8_t *apex,
    uint8_t out[NAME_MAX_LEN]);
void nsec3_rdata(const struct nsec3_params *p, uint8_t flags, const uint8_t next[NSEC3_HASH_LEN],
    const uint8_t *bitmap, size_t bitmap_len, struct buf *out);
void nsec3param_rdata(const struct nsec3_params *p, struct buf *out);

#endif
