/* trust: chains of trust from the configured anchors, asked of the resolver (parent/trust.h).  Few are at
 * work at a time, the others wait: what the first ones find out about the zones above is kept, so that
 * the rest need not ask. */
#ifndef DAEMON_SIGNER_CHAIN_H
#define DAEMON_SIGNER_CHAIN_H

#include "parent/trust.h"

struct signer;
struct signer_chain;

/* c->verdict is not TRUST_OPEN; c is borrowed until the call returns. */
typedef void chain_done_fn(void *arg, const struct trust *c);

/* Is a trust anchor configured?  Without one nothing can be validated. */
bool signer_chain_is_on(const struct signer *s);
/* done is called once, never from here; the chain is gone then.  type: TRUST_ZONE or an RR type. */
struct signer_chain *signer_chain_start(struct signer *s, const uint8_t *name, uint16_t type,
    chain_done_fn *done, void *arg);
void signer_chain_cancel(struct signer_chain *j); /* NULL is fine */
bool signer_chain_is_busy(const struct signer *s);

/* The configuration was read.  true: the anchors are others than before. */
bool signer_chain_configure(struct signer *s);
void signer_chains_free(struct signer *s);

#endif
