/* probe: ask one server one question, over UDP, and over TCP when the answer is too big.  The one way
 * in which the network side asks anybody anything: SOA of sources, DS at the parent, monitoring. */
#ifndef INBOUND_PROBE_H
#define INBOUND_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "dns/packet.h"
#include "dns/peer.h"

struct inbound;
struct probe;

/* Called once, from the loop; the probe is gone when it returns.
 * e->code OK: p is the answer, NOERROR, its TSIG verified if the peer has a key.
 * ERR_REFUSED: p is an answer with another RCODE; in an error a peer with a key may have left out its
 * TSIG (p->tsig_offset 0): nothing but a failure may follow from that.
 * Else p is NULL, and e->text says why. */
typedef void probe_fn(void *arg, const struct err *e, struct packet *p);

/* Waits for its turn among all questions to that server.  peer and qname are copied; TSIG keys are
 * borrowed until probe_keep_key.  done is never called from here. */
struct probe *probe_start(struct inbound *in, const struct peer *peer, const uint8_t *qname,
    uint16_t qtype, bool tcp, probe_fn *done, void *arg);
/* The server is a resolver: ask it to recurse (RD). */
void probe_set_recursive(struct probe *p);
void probe_cancel(struct probe *p);   /* done is not called; NULL is fine */
void probe_keep_key(struct probe *p); /* the configuration is about to go away; NULL is fine */

#endif
