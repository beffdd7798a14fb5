/* packet: reading and writing DNS messages (RFC 1035 4, RFC 6891), with every length checked.
 * Input is not trusted: it comes straight from the network. */
#ifndef DNS_PACKET_H
#define DNS_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "dns/name.h"
#include "dns/rrset.h"

enum packet_opcode { OPCODE_QUERY = 0, OPCODE_NOTIFY = 4, OPCODE_UPDATE = 5 };
enum packet_rcode {
	RCODE_NOERROR = 0, RCODE_FORMERR = 1, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4, RCODE_REFUSED = 5, RCODE_NXRRSET = 8, RCODE_NOTAUTH = 9, RCODE_NOTZONE = 10, RCODE_BADSIG = 16,
	RCODE_BADKEY = 17, RCODE_BADTIME = 18, RCODE_BADMODE = 19, RCODE_BADTRUNC = 22
};
#define PACKET_FLAG_QR 0x8000
#define PACKET_FLAG_AA 0x0400
#define PACKET_FLAG_TC 0x0200
#define PACKET_FLAG_RD 0x0100
#define PACKET_FLAG_CD 0x0010

const char *packet_opcode_name(unsigned opcode); /* "UPDATE"; never NULL */
const char *packet_rcode_name(unsigned rcode); /* "REFUSED"; never NULL */

/* A parsed message: a view of msg, which must outlive it. */
struct packet {
	const uint8_t *msg;
	size_t len;        /* without the TSIG record, when there is one */
	size_t full_len;   /* as received */
	uint16_t id, flags;
	uint16_t counts[4]; /* question, answer, authority, additional; TSIG not counted */
	bool has_question;  /* exactly one question */
	uint8_t qname[NAME_MAX_LEN];
	uint16_t qtype, qclass;
	bool has_edns;
	uint16_t edns_size;
	size_t tsig_offset; /* of the TSIG record's owner name in msg; 0: none */
	size_t first;       /* where the records begin */
	size_t next;        /* reading position of packet_next */
	unsigned section, left; /* likewise */
};
/* Checks header, counts, every name and RR header; TSIG only as the last record.
 * OK or ERR_FORMAT.  More than one question is ERR_FORMAT. */
int packet_parse(const uint8_t *msg, size_t len, struct packet *out, struct err *e);
static inline unsigned packet_opcode(const struct packet *p)
{
	return p->flags >> 11 & 15;
}
static inline unsigned packet_rcode(const struct packet *p)
{
	return p->flags & 15;
}

struct packet_rr {
	unsigned section; /* 1 answer, 2 authority, 3 additional */
	uint8_t owner[NAME_MAX_LEN];
	uint16_t type, class;
	uint32_t ttl;
	size_t rdata; /* offset in msg; decode with rdata_from_message */
	uint16_t rdlen;
};
/* The next record behind the question: OK, ERR_MISSING at the end. */
int packet_next(struct packet *p, struct packet_rr *out);
void packet_rewind(struct packet *p); /* the first record is the next one */

/* Building.  Owner names are compressed against the owner before: neighbours in a transfer share
 * most of their labels, and all share the apex.  Same case only, so that no name changes its own.
 * RDATA is not compressed.  Zero the structure before its first use; packet_begin keeps memory. */
struct packet_builder {
	struct buf buf;
	size_t limit; /* octets this message may have, room for TSIG already taken off by the caller */
	uint16_t counts[4];
	uint8_t last[NAME_MAX_LEN];     /* the name written last, uncompressed */
	unsigned depth;                 /* its labels; label 1 is the top one */
	uint8_t starts[NAME_DEPTH_MAX + 1]; /* where label i of `last` begins in it */
	uint16_t at[NAME_DEPTH_MAX + 1];    /* and in the message; 0: beyond a pointer's reach */
};
/* Start: header and, unless qname is NULL, the question. */
void packet_begin(struct packet_builder *b, size_t limit, uint16_t id, uint16_t flags,
    const uint8_t *qname, uint16_t qtype);
/* Add one record of class IN; ERR_LIMIT (nothing written) when it does not fit, else OK. */
typedef int packet_add_fn(struct packet_builder *b, unsigned section, const uint8_t *owner,
    uint16_t type, uint32_t ttl, const uint8_t *rdata, uint16_t rdlen);
packet_add_fn packet_add;
packet_add_fn packet_add_again; /* one more record of the owner that was added last: quicker */
/* The same with a class, as UPDATE needs it (RFC 2136 2.5). */
int packet_add_class(struct packet_builder *b, unsigned section, const uint8_t *owner,
    uint16_t type, uint16_t class, uint32_t ttl, const uint8_t *rdata, uint16_t rdlen);
int packet_add_edns(struct packet_builder *b, uint16_t size, bool dnssec_ok);
/* Write the counts; the message is b->buf. */
void packet_end(struct packet_builder *b);
void packet_builder_free(struct packet_builder *b);

#endif
