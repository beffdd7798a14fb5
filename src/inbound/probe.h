/* probe: ask one server one question, over UDP, and over TCP when the answer is too big.  The one way
 * in which the network side asks anybody anything: SOA of sources, DS at the parent, monitoring. */
#ifndef INBOUND_PROBE_H
#define INBOUND_PROBE_H

#include <stdint.h>
#include "base/err.h"
#include "dns/packet.h"
#include "dns/peer.h"

struct inbound;
struct probe;

enum probe_flag {
	PROBE_TCP = 1,     /* from the start, not only when the answer is truncated */
	PROBE_RECURSE = 2, /* the server is a resolver (RD) */
	PROBE_DNSSEC = 4,  /* with the records that validation needs: EDNS with DO (RFC 3225) */
	PROBE_CD = 8,      /* a resolver shall leave it to us to judge them (RFC 4035 3.2.2) */
	PROBE_EXPIRE = 16  /* for how long the server would serve the zone still (RFC 7314); not with DNSSEC */
};

/* Called once, from the loop; the probe is gone when it returns.
 * e->code OK: p is the answer, NOERROR, its TSIG verified if the peer has a key.
 * ERR_REFUSED: p is an answer with another RCODE; in an error a peer with a key may have left out its
 * TSIG (p->tsig_offset 0): nothing but a failure may follow from that.
 * Else p is NULL, and e->text says why. */
typedef void probe_fn(void *arg, const struct err *e, struct packet *p);

/* flags: of enum probe_flag.  Waits for its turn among all questions to that server.  peer and qname are copied; TSIG keys are
 * borrowed until probe_keep_key.  done is never called from here. */
struct probe *probe_start(struct inbound *in, const struct peer *peer, const uint8_t *qname,
    uint16_t qtype, unsigned flags, probe_fn *done, void *arg);
/* Sends a message of any opcode with one question or zone, composed by the caller but for ID and TSIG;
 * e->text of ERR_REFUSED and answers are as above.  NULL: it is malformed. */
struct probe *probe_send(struct inbound *in, const struct peer *peer, const uint8_t *msg, size_t len,
    unsigned flags, probe_fn *done, void *arg);
void probe_cancel(struct probe *p);   /* done is not called; NULL is fine */
void probe_keep_key(struct probe *p); /* the configuration is about to go away; NULL is fine */

#endif
