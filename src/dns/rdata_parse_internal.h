/* rdata_parse_internal: what the files about reading presentation form share.  Private to this
 * room. */
#ifndef DNS_RDATA_PARSE_INTERNAL_H
#define DNS_RDATA_PARSE_INTERNAL_H

#include "dns/layout.h"
#include "dns/rdata_parse.h"

struct parse {
	const struct rdata_token *tokens;
	size_t count, at; /* at: the next one */
	const uint8_t *origin;
};

const char *parse_take(struct parse *p); /* the next token, "" behind the last */
/* At most `most` tokens as one string with a final zero. */
void parse_join(struct parse *p, const char *between, size_t most, struct buf *out);
bool parse_number(const char *text, uint32_t most, uint32_t *out);
/* Hexadecimal digits; `skip` between them is passed over. */
bool parse_hex(const char *text, char skip, struct buf *out);
/* Those of all tokens that are left. */
bool parse_hex_rest(struct parse *p, struct buf *out);
bool parse_name(struct parse *p, struct buf *out);
bool parse_address(int family, const char *text, struct buf *out);
bool parse_by_ldns(ldns_rdf_type kind, const char *text, struct buf *out);
/* One field of this kind; false: it cannot be read. */
bool parse_field(struct parse *p, ldns_rdf_type kind, struct buf *out);
/* Kinds whose text ldns cannot read, or reads without the origin. */
bool parse_special(struct parse *p, ldns_rdf_type kind, struct buf *out);
bool parse_svcparams(struct parse *p, struct buf *out);

#endif
