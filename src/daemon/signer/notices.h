/* signer/notices: what operators and contacts are told (R50).  Included by signer.h. */
#ifndef DAEMON_SIGNER_NOTICES_H
#define DAEMON_SIGNER_NOTICES_H

#include "notices/notice.h"
#include "zone/store.h"

struct outbox_counts;
struct signer;

/* Tell it.  It is kept if the write is: for wherever the state that is reported is written.  OK
 * also when it was told before. */
int signer_notice_in(
    struct signer *s, struct store_write *w, const struct notice *n, struct err *e);
/* The same in a write of its own, soon; what cannot be written is logged. */
void signer_notice(struct signer *s, const struct notice *n);
/* With the zone: one of the same name is told everything anew. */
int signer_notices_forget(
    struct signer *s, struct store_write *w, const uint8_t *apex, struct err *e);

void signer_notices_configure(struct signer *s); /* the configuration was read */
bool signer_notices_is_busy(const struct signer *s);
void signer_notices_stop(struct signer *s); /* what is to be kept is kept */
void signer_notices_free(struct signer *s);

#endif
