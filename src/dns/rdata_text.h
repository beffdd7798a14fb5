/* rdata_text: pieces of presentation form that the files about text share.  Private to this room;
 * rdata_text itself is in rdata.h. */
#ifndef DNS_RDATA_TEXT_H
#define DNS_RDATA_TEXT_H

#include "base/buf.h"
#include "dns/layout.h"

void text_put_quoted(const uint8_t *p, size_t len, struct buf *out);
void text_put_address(int family, const uint8_t *p, struct buf *out);
/* By ldns; false if it cannot, or if it reads other octets from what it wrote. */
bool text_put_by_ldns(ldns_rdf_type kind, const uint8_t *p, size_t len, struct buf *out);
/* Of SVCB and HTTPS; their rules hold (rdata_check). */
void text_put_svcparams(const uint8_t *p, size_t len, struct buf *out);

#endif
