/* check: the whole check of what the store holds: of all versions once after each start, and of one zone's
 * with each signature verified, when it is asked for.  In a thread of its own. */
#ifndef DAEMON_SIGNER_CHECK_H
#define DAEMON_SIGNER_CHECK_H

#include "daemon/signer/signer.h"

void signer_check_start(struct signer *s);
void signer_check_stop(struct signer *s); /* all that are under way; done is not called */
/* keys: what it was made with; NULL: not known.  done: OK, or what is wrong; never called from here.
 * false: it cannot be had, and the log says why. */
typedef void check_done_fn(void *arg, int code, const char *why);
bool signer_check_one(struct signer *s, const uint8_t *apex, const struct keyset *keys, check_done_fn *done,
    void *arg);

#endif
