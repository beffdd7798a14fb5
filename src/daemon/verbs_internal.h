/* What the verbs share. */
#ifndef DAEMON_VERBS_INTERNAL_H
#define DAEMON_VERBS_INTERNAL_H

#include <jansson.h>
#include "daemon/signer.h"

/* The zone that -z names; NULL: the call has been ended with words. */
struct signer_zone *verbs_zone(struct signer *s, struct ops_call *c);
/* A time as ISO 8601, null for none. */
json_t *verbs_time(int64_t t);
/* The name without its final dot (but "." for the root), as operators write it. */
const char *verbs_zone_text(const struct signer_zone *z, char out[NAME_TEXT_SIZE]);

/* Commands that wait for a zone. */
enum waiter_for { WAIT_KEYS, WAIT_SIGNED };
void verbs_wait(struct signer_zone *z, struct ops_call *c, enum waiter_for what);

/* verbs_zone_sign.c */
void verb_zone_sign(void *signer, struct ops_call *c);
void verb_zone_retransfer(void *signer, struct ops_call *c);
/* verbs_zone_show.c */
void verb_zone_list(void *signer, struct ops_call *c);
void verb_zone_status(void *signer, struct ops_call *c);
void verb_zone_export(void *signer, struct ops_call *c);

#endif
