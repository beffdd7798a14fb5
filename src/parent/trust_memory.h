/* trust_memory: zones that were proven, or could not be.  Private to trust. */
#ifndef PARENT_TRUST_MEMORY_H
#define PARENT_TRUST_MEMORY_H

#include "parent/trust.h"

#define TRUST_MEMORY_MAX 512
#define TRUST_KEEP_MOST 3600  /* a zone that changes its keys in a hurry is seen after an hour */
#define TRUST_KEEP_FAILURE 60

struct trust_known {
	uint8_t name[NAME_MAX_LEN]; /* and all that is below it, until another entry says more */
	enum trust_verdict verdict;
	struct buf keys; /* SECURE */
	char why[TRUST_WHY_MAX];
	int64_t until;
};

/* NULL: nothing is known of that very name. */
const struct trust_known *trust_memory_find(
    const struct trust_memory *m, const uint8_t *name, int64_t now);
/* m may be NULL. */
void trust_memory_note(struct trust_memory *m, const uint8_t *name, enum trust_verdict verdict,
    const struct buf *keys, const char *why, int64_t until, int64_t now);

#endif
