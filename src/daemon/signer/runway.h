/* The zones' signature runways (watch/runway.h): looked at when a threshold is passed, and told. */
#ifndef DAEMON_SIGNER_RUNWAY_H
#define DAEMON_SIGNER_RUNWAY_H

#include "watch/runway.h"

struct signer_zone;

/* Its head, or its policy, may be another one. */
void signer_runway_look(struct signer_zone *z);
struct runway signer_runway(const struct signer_zone *z); /* as it is now */
/* "10 days 2 h, until ...": where it is lower than normal, with what that means. */
#define SIGNER_RUNWAY_TEXT 300
void signer_runway_words(
    const struct signer_zone *z, const struct runway *r, char out[SIGNER_RUNWAY_TEXT]);
void signer_runway_free(struct signer_zone *z);

#endif
