/* rdata_parse: RDATA from presentation form.  Private to this room. */
#ifndef DNS_RDATA_PARSE_H
#define DNS_RDATA_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

struct rdata_token {
	const char *text; /* escapes as they were written */
	bool quoted;      /* it stood in quotes, which are gone */
};

/* Appends to out what the tokens behind the type say; names without a final dot are relative to
 * origin.  The result is checked.  OK or ERR_FORMAT. */
int rdata_parse(uint16_t type, const struct rdata_token *tokens, size_t count,
    const uint8_t *origin, struct buf *out, struct err *e);
/* A TTL or another period: seconds, or numbers with units (1w2d3h4m5s). */
bool rdata_parse_period(const char *text, uint32_t *out);
/* Undo the escapes of a string and append its octets; false if one is broken. */
bool rdata_parse_string(const char *text, struct buf *out);

#endif
