/* axfr: the messages of an incoming AXFR (RFC 5936), one after the other, with their TSIG stream.
 * Knows no sockets: the transfer feeds it, and so does the fuzzer. */
#ifndef INBOUND_AXFR_H
#define INBOUND_AXFR_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "inbound/accept.h"
#include "inbound/exchange.h"

/* What a transfer may take when nobody said how much. */
#define AXFR_SIZE_MAX ((uint64_t)16 << 30)

struct axfr {
	struct exchange *x; /* the question; borrowed */
	struct accept *out; /* where records go; borrowed, begun */
	uint64_t octets, octets_max;
	uint64_t messages;
	bool is_complete; /* the closing SOA has come and all signatures hold */
	bool is_closed;
	struct buf rdata; /* of the present record */
};

void axfr_init(struct axfr *a, struct exchange *x, struct accept *out, uint64_t octets_max);
void axfr_free(struct axfr *a);
/* The next message.  more: octets have come behind it.  OK: look at is_complete; else e->text is the
 * reason in words, and the transfer has failed. */
int axfr_message(struct axfr *a, const uint8_t *msg, size_t len, bool more, struct err *e);

#endif
