/* handover: a change of a DS set is handed over to whoever runs the parent (R30): the one way for zones
 * that are signed here and for domains that are only watched, by parent.submit:
 *
 *   command   the master runs the operator's command
 *   update    the parent's primary gets a dynamic update (signer/update.c)
 *   cds       the child says it itself (and the parent is told to look, signer/dsync.h)
 *   manual    the operator does it
 *
 * Handing over is idempotent: whatever is not known to be done may be handed over again.  Whether it may
 * be done at all, when it is tried again, and what is kept of it is the caller's business. */
#ifndef DAEMON_SIGNER_HANDOVER_H
#define DAEMON_SIGNER_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "daemon/config/config.h"
#include "parent/observe.h"

struct signer;
struct handover;

struct handover_order {
	const uint8_t *apex;
	const struct config_parent *parent;
	const char *policy; /* whose command it is; NULL: that of the monitored domain */
	bool is_retract;    /* the DS are to go; else they are to come */
	/* As text, one record a line: the DS, and DNSKEY records of their keys where they are known; the
	 * whole DS set that the parent should have afterwards. */
	struct buf records, wanted;
	/* The same DS, and those of the whole set: a retract is refused where one of them is not there. */
	struct parent_ds ds[PARENT_DS_MAX], keep[PARENT_DS_MAX];
	unsigned ds_count, keep_count;
	uint32_t ttl; /* of the DS */
};

/* ok: the parent has taken it.  Else why, in words. */
typedef void handover_done_fn(void *arg, bool ok, const char *why);

/* The order is copied.  done is called once, never from here; the handover is gone then.
 * NULL: there is nothing that we could hand over (cds, manual). */
struct handover *handover_start(struct signer *s, const struct handover_order *o,
    handover_done_fn *done, void *arg);
/* done is not called; a command that runs is not ended.  NULL is fine. */
void handover_cancel(struct handover *h);
bool handover_is_busy(const struct signer *s);

#endif
