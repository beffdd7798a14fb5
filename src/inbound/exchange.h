/* exchange: what an SOA query and a transfer have in common: a peer, a signed question, a socket, and
 * words for what went wrong. */
#ifndef INBOUND_EXCHANGE_H
#define INBOUND_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "dns/packet.h"
#include "dns/peer.h"
#include "dns/soa.h"
#include "dns/tsig.h"

struct exchange {
	const uint8_t *apex; /* borrowed */
	uint16_t qtype;
	struct soa known; /* RR_IXFR: of the version that we have */
	unsigned opcode;
	const struct buf *message; /* to be sent as it is, but for ID and TSIG; NULL: a question.  Borrowed */
	uint16_t flags; /* of the question's header */
	bool wants_dnssec; /* EDNS with DO */
	bool wants_expire; /* EDNS with EXPIRE */
	uint16_t id;
	struct peer peer;          /* a copy; its tsig is borrowed until exchange_keep_key */
	struct tsig_key *own_key;  /* NULL: the key is the configuration's */
	struct tsig_state tsig;
};

void exchange_init(struct exchange *x, const struct peer *peer, const uint8_t *apex,
    uint16_t qtype);
void exchange_free(struct exchange *x);
/* The configuration is about to go away: copy the key, so that the exchange can go on. */
void exchange_keep_key(struct exchange *x);
/* A new question with a new random id, signed when the peer has a key.  Resets the TSIG state. */
int exchange_ask(struct exchange *x, struct packet_builder *out, struct err *e);
/* Header and question of an answer: ours at all?  OK, or ERR_FORMAT with words. */
int exchange_check_header(const struct exchange *x, const struct packet *p, bool need_question,
    struct err *e);
/* TSIG and RCODE.  The reason in words has the name of the error in it ("BADTIME: ..."). */
int exchange_check_answer(struct exchange *x, const struct packet *p, bool last, struct err *e);
/* Is it an SOA of the apex? */
bool exchange_is_apex_soa(const struct exchange *x, const struct packet_rr *rr);

/* A non-blocking socket from the peer's local address, connected to the peer or (TCP) about to be.
 * The descriptor, or a negative code with the reason in words. */
int exchange_socket(const struct peer *peer, int type, struct err *e);
/* Words for an errno of connect, send or receive: "connection refused", "unreachable", "timeout". */
int exchange_errno(struct err *e, int error);

#endif
