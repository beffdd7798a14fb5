/* signer/tell.c: people are told of the life of a zone's keys (keys/tell.h, R50).  Signing side.
 *
 * What is due is found at each look at the keys, and goes into the store with the zone's statuses.  Zones
 * that share keys are looked at one by one: each has its own contact. */
#ifndef DAEMON_SIGNER_TELL_H
#define DAEMON_SIGNER_TELL_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

struct signer_zone;
struct store_write;

/* Before a step of the keys that may destroy some, and when nothing is left to do. */
void signer_tell_before(struct signer_zone *z);
void signer_tell_after(struct signer_zone *z);
/* When there is to be looked again, though nothing changes; POLICY_NEVER. */
int64_t signer_tell_next(const struct signer_zone *z);
/* As signer_alarms_save, _saved. */
int signer_tell_save(struct signer_zone *z, struct store_write *w, struct err *e);
void signer_tell_saved(struct signer_zone *z);
int signer_tell_forget(const struct signer_zone *z, struct store_write *w, struct err *e);
void signer_tell_free(struct signer_zone *z);

#endif
