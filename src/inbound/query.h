/* query: ask one source for the SOA of one zone: a probe, and what its answer says. */
#ifndef INBOUND_QUERY_H
#define INBOUND_QUERY_H

#include "base/err.h"
#include "dns/peer.h"
#include "dns/soa.h"
#include "inbound/internal.h"

struct query;

struct query_answer {
	struct soa soa;
	bool has_expire;
	uint32_t expire; /* seconds: for so long the source would serve what it has (RFC 7314) */
};
/* Called once, from the loop.  e->code OK: the answer is the source's; else e->text is the reason.  The
 * query is gone when it returns. */
typedef void query_fn(void *arg, const struct err *e, const struct query_answer *answer);

/* Waits for its turn at the gate.  apex is borrowed. */
struct query *query_start(struct inbound *in, const struct peer *peer, const uint8_t *apex,
    query_fn *done, void *arg);
void query_cancel(struct query *q);   /* done is not called; NULL is fine */
void query_keep_key(struct query *q); /* see exchange_keep_key; NULL is fine */

#endif
