/* rrset: one RRset and its signatures as one packed value: the shape in which zone data is kept in
 * the store, goes through the signer and is sent out.
 *
 *   packed:  u8 owner length, owner (wire, case as received), u16 type, u32 TTL,
 *            u16 count, count x (u16 length, RDATA),       canonical order, no duplicates
 *            u8 sigs, sigs x (u16 length, RRSIG RDATA)
 */
#ifndef DNS_RRSET_H
#define DNS_RRSET_H

#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "dns/name.h"

struct rrset { /* a view: everything is borrowed from the packed value */
	const uint8_t *owner;
	uint16_t type;
	uint32_t ttl;
	uint16_t count;
	const uint8_t *rdata; /* count x (u16 length, RDATA) */
	size_t rdata_len;
	uint8_t sigs;
	const uint8_t *sigdata; /* sigs x (u16 length, RRSIG RDATA) */
	size_t sigdata_len;
};

void rrset_pack(const struct rrset *set, struct buf *out); /* appends */
int rrset_unpack(const uint8_t *packed, size_t len, struct rrset *out); /* OK or ERR_FORMAT */

/* Walk rdata or sigdata: the next item's bytes and length, and p moved behind it. */
static inline const uint8_t *rrset_next(const uint8_t **p, uint16_t *len)
{
	const uint8_t *item = *p + 2;

	*len = (uint16_t)((*p)[0] << 8 | (*p)[1]);
	*p = item + *len;
	return item;
}

/* Sort RDATAs canonically and drop duplicates: items are packed (u16 length, RDATA) in their own
 * case in `items`; the result is appended to out and its number returned. */
uint16_t rrset_sort(uint16_t type, const uint8_t *items, size_t len, uint16_t count,
    struct buf *out);

/* Each record in canonical form (RFC 4034 6.2), with this TTL: appended. */
void rrset_canonical(const struct rrset *set, uint32_t ttl, struct buf *out);

/* Presentation form, one record per line with newline, signatures behind the records. */
void rrset_text(const struct rrset *set, struct buf *out);

#endif
