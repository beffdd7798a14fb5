/* update: a change of a DS set goes to the parent's primary as a dynamic update (parent/update.h), by TCP
 * and with the TSIG key of that server.  Which zone it is in is asked of the primary each time, unless
 * parent.zone says it: changes are rare, and zone cuts move. */
#ifndef DAEMON_SIGNER_UPDATE_H
#define DAEMON_SIGNER_UPDATE_H

#include "daemon/signer/handover.h"

struct update_job;

/* As handover_start; the order is borrowed until the job is gone. */
struct update_job *update_start(struct signer *s, const struct handover_order *o,
    handover_done_fn *done, void *arg);
/* done is not called; what was sent may be done nevertheless. */
void update_cancel(struct update_job *j);

#endif
