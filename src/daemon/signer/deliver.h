/* signer/deliver: notices leave, by mail, webhook and command. */
#ifndef DAEMON_SIGNER_DELIVER_H
#define DAEMON_SIGNER_DELIVER_H

#include "base/buf.h"
#include "notices/deliver.h"

struct signer;

/* to (mail only) and body, a whole message or a text in JSON, are copied.  done is called once,
 * never from here: with ERR_AGAIN also when the network side died meanwhile, so that nobody knows
 * whether it arrived. */
void signer_deliver(struct signer *s, enum deliver_channel c, const char *to,
    const struct buf *body, deliver_done_fn *done, void *arg);
/* The same, to the operator's command.  zone: in presentation form; NULL: it is about all of them.
 */
void signer_deliver_command(struct signer *s, const char *kind, const char *zone,
    const struct buf *json, deliver_done_fn *done, void *arg);
bool signer_deliver_is_busy(const struct signer *s);

void signer_delivered(struct signer *s, struct reader *body); /* PROTO_DELIVERED */
void signer_deliveries_lost(struct signer *s);		      /* the network side is gone */
void signer_deliveries_again(struct signer *s);		      /* ... and there is a new one */
/* Nobody is told any more: before signer_requests_fail. */
void signer_deliveries_stop(struct signer *s);
void signer_deliveries_free(struct signer *s); /* after it */

#endif
