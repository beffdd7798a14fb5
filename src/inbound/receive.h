/* receive: the messages of an incoming transfer (RFC 5936, RFC 1995), one after the other, with their
 * TSIG stream.  Knows no sockets: the transfer feeds it, and so does the fuzzer. */
#ifndef INBOUND_RECEIVE_H
#define INBOUND_RECEIVE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "inbound/accept.h"
#include "inbound/exchange.h"

/* What a transfer may take when nobody said how much. */
#define RECEIVE_SIZE_MAX ((uint64_t)16 << 30)

/* What is coming.  The answer to an IXFR shows it only at its second record. */
enum receive_kind { RECEIVE_UNKNOWN, RECEIVE_NOTHING_NEW, RECEIVE_WHOLE, RECEIVE_DIFFERENCE };

enum ixfr_state { IXFR_FIRST, IXFR_SECOND, IXFR_WHOLE, IXFR_DELETING, IXFR_ADDING };

struct ixfr { /* the order of the records in the answer to an IXFR: see ixfr.c */
	enum ixfr_state state;
	uint32_t to;            /* the serial of the source's version ... */
	uint32_t at;            /* ... and of the one that the differences so far have led to */
	struct packet_rr first; /* the SOA that came first ... */
	struct buf first_rdata; /* ... kept until it shows what it begins */
};

struct receive {
	struct exchange *x; /* the question: RR_AXFR or RR_IXFR; borrowed */
	struct accept *out; /* where records go; borrowed, begun */
	uint64_t octets, octets_max;
	uint64_t messages;
	unsigned rcode; /* of the last message */
	enum receive_kind kind;
	bool has_begun;   /* the first record was the zone's SOA */
	bool is_closed;   /* the record that is the last has come ... */
	bool is_complete; /* ... and all signatures hold */
	struct buf rdata; /* of the present record */
	struct ixfr ixfr;
};

/* octets_max 0: RECEIVE_SIZE_MAX. */
void receive_init(struct receive *r, struct exchange *x, struct accept *out, uint64_t octets_max);
void receive_free(struct receive *r);
/* The next message.  more: octets have come behind it.  OK: look at is_complete; else e->text is the
 * reason in words, and the transfer has failed. */
int receive_message(struct receive *r, const uint8_t *msg, size_t len, bool more, struct err *e);

/* The next record, its RDATA in r->rdata, in the order that the one and the other form of transfer
 * have.  axfr.c, ixfr.c: for receive.c. */
int axfr_record(struct receive *r, const struct packet_rr *rr, struct err *e);
int ixfr_record(struct receive *r, const struct packet_rr *rr, struct err *e);

#endif
