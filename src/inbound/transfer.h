/* transfer: fetch one zone from one source into a spool file, by IXFR where a version is known and by AXFR
 * else, or when the IXFR leaves any doubt. */
#ifndef INBOUND_TRANSFER_H
#define INBOUND_TRANSFER_H

#include "base/err.h"
#include "dns/peer.h"
#include "dns/soa.h"
#include "inbound/internal.h"

struct transfer;

struct transfer_result {
	uint32_t serial;    /* of the source's version; on OK */
	const char *path;   /* of the complete spool; NULL: the source has nothing newer, or an error */
	bool is_difference; /* from the version that was known to it */
	bool is_ixfr_refused; /* the source does not do IXFR; also on an error */
};

/* Called once, from the loop.  e->code OK, or e->text is the reason.  The transfer is gone when it
 * returns. */
typedef void transfer_fn(void *arg, const struct err *e, const struct transfer_result *r);

/* Waits for its turn at the gate.  apex is borrowed; size_max: octets, 0 for the built-in limit; known: of
 * the version that we have, NULL: the whole zone is wanted. */
struct transfer *transfer_start(struct inbound *in, const struct peer *peer, const uint8_t *apex,
    uint64_t size_max, const struct soa *known, transfer_fn *done, void *arg);
void transfer_cancel(struct transfer *t);   /* done is not called; NULL is fine */
void transfer_keep_key(struct transfer *t); /* see exchange_keep_key; NULL is fine */

#endif
