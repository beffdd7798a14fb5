/* Keys of watch_rig and what they sign. */
#ifndef TESTS_WATCH_RIG_KEYS_H
#define TESTS_WATCH_RIG_KEYS_H

#include "tests/unit/watch_rig.h"

void rig_keys_free(void); /* all of them */
/* RRSIG RDATA. */
void rig_sign(const struct rrset *set, const struct rig_key *k, const uint8_t *signer, int64_t inception,
    int64_t expiration, struct buf *out);

#endif
