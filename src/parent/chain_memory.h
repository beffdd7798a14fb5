/* chain_memory: zones that were proven, or could not be.  Private to chain. */
#ifndef PARENT_CHAIN_MEMORY_H
#define PARENT_CHAIN_MEMORY_H

#include "parent/chain.h"

#define CHAIN_MEMORY_MAX 512
#define CHAIN_KEEP_MOST 3600  /* a zone that changes its keys in a hurry is seen after an hour */
#define CHAIN_KEEP_FAILURE 60

struct chain_known {
	uint8_t name[NAME_MAX_LEN]; /* and all that is below it, until another entry says more */
	enum chain_verdict verdict;
	struct buf keys; /* SECURE */
	char why[CHAIN_WHY_MAX];
	int64_t until;
};

/* NULL: nothing is known of that very name. */
const struct chain_known *chain_memory_find(
    const struct chain_memory *m, const uint8_t *name, int64_t now);
/* m may be NULL. */
void chain_memory_note(struct chain_memory *m, const uint8_t *name, enum chain_verdict verdict,
    const struct buf *keys, const char *why, int64_t until, int64_t now);

#endif
