/* signer/alert: people are told what is wrong with a zone's DS at its parent (parent/alert.h), R30.
 * Included by signer.h. */
#ifndef DAEMON_SIGNER_ALERT_H
#define DAEMON_SIGNER_ALERT_H

#include <stdbool.h>
#include "parent/alert.h"
#include "zone/store.h"

struct signer;
struct signer_zone;

/* Something about its keys or its parent was learnt.  Only what is published can be wrong. */
void signer_alert_look(struct signer_zone *z);
void signer_alert_free(struct signer_zone *z);
/* With the zone. */
int signer_alert_remove(const struct signer_zone *z, struct store_write *w, struct err *e);
/* What is wrong now, and since when; NULL: nothing of the kind. */
const struct alert_finding *signer_alert_found(const struct signer_zone *z, enum alert_kind kind,
    int64_t *since);
bool signer_alert_is_busy(const struct signer *s); /* something is to be written down */
void signer_alerts_save(void *signer);

#endif
