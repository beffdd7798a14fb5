/* mark: numbers that stand for sets of keys in a zone's head; equal for equal sets (FNV-1a).  They tell
 * versions apart, and guard against nobody.  Internal to the room, but for sign_keyset_mark (sign.h). */
#ifndef SIGN_MARK_H
#define SIGN_MARK_H

#include <stddef.h>
#include <stdint.h>
#include "keys/keyset.h"

/* Of the keys that sign the zone, as opposed to its key sets. */
uint64_t mark_of_signers(const struct keyset *ks);
/* mark, and of this besides. */
uint64_t mark_with(uint64_t mark, const void *data, size_t len);

#endif
