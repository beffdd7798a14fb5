/* signer_turns: zones that are to be looked at, and zones that wait for a place among the runs.  Included by
 * signer.h. */
#ifndef DAEMON_SIGNER_TURNS_H
#define DAEMON_SIGNER_TURNS_H

#include <stdbool.h>
#include "pkcs11/token.h"

struct signer;
struct signer_zone;

struct zone_link { /* a zone's place in a queue; zeros: it is in none */
	struct zone_queue *queue;
	struct signer_zone *zone;
	struct zone_link *next, *prev;
};
struct zone_queue {
	struct zone_link *first, *last;
};

void signer_zone_step(struct signer_zone *z); /* soon */
void signer_step_all(struct signer *s);
/* A place among the runs; false: it waits for one, and gets a turn then. */
bool signer_place_take(struct signer_zone *z, enum token_class class);
void signer_place_give(struct signer *s);
void signer_turns_forget(struct signer_zone *z); /* it is gone */

#endif
