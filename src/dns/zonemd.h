/* zonemd: the digest of a whole zone and the record that carries it (RFC 8976): scheme SIMPLE with
 * SHA-384 or SHA-512. */
#ifndef DNS_ZONEMD_H
#define DNS_ZONEMD_H

#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "dns/rrset.h"

#define ZONEMD_SIMPLE 1
#define ZONEMD_SHA384 1
#define ZONEMD_SHA512 2
#define ZONEMD_DIGEST_MAX 64

struct zonemd_fields {
	uint32_t serial;
	uint8_t scheme, hash;
	const uint8_t *digest;
	size_t digest_len;
};
int zonemd_parse(const uint8_t *rdata, size_t len, struct zonemd_fields *out); /* OK, ERR_FORMAT */
void zonemd_rdata(const struct zonemd_fields *f, struct buf *out);

/* A digest in the making.  RRsets are added in canonical order of their owners and, of one owner, of their
 * types; RRSIGs come with the RRset that they cover, or as an RRset of their own.  The ZONEMD set of the
 * apex and its signatures are left out, whatever is added. */
struct zonemd;
struct zonemd *zonemd_new(const uint8_t *apex, uint8_t hash); /* NULL: not one of the two */
void zonemd_add(struct zonemd *z, const struct rrset *set);
/* The digest's length; 0: memory ran out on the way.  Frees z. */
size_t zonemd_end(struct zonemd *z, uint8_t out[ZONEMD_DIGEST_MAX]);

#endif
