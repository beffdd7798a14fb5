/* What chains have found out: see chain_memory.h. */
#include "parent/chain_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

struct chain_memory {
	struct chain_known *list[CHAIN_MEMORY_MAX];
	unsigned count;
};

struct chain_memory *chain_memory_new(void)
{
	return mem_alloc(sizeof(struct chain_memory));
}

static void known_free(struct chain_known *k)
{
	buf_free(&k->keys);
	free(k);
}

void chain_memory_clear(struct chain_memory *m)
{
	while (m->count > 0)
		known_free(m->list[--m->count]);
}

void chain_memory_free(struct chain_memory *m)
{
	if (m == NULL)
		return;
	chain_memory_clear(m);
	free(m);
}

const struct chain_known *chain_memory_find(
    const struct chain_memory *m, const uint8_t *name, int64_t now)
{
	for (unsigned i = 0; m != NULL && i < m->count; i++) {
		if (m->list[i]->until > now && name_equal(m->list[i]->name, name))
			return m->list[i];
	}
	return NULL;
}

/* The entry of that name, a new one, or the one that ends the soonest. */
static struct chain_known *place(struct chain_memory *m, const uint8_t *name)
{
	struct chain_known *soonest = NULL;

	for (unsigned i = 0; i < m->count; i++) {
		if (name_equal(m->list[i]->name, name))
			return m->list[i];
		if (soonest == NULL || m->list[i]->until < soonest->until)
			soonest = m->list[i];
	}
	if (m->count == CHAIN_MEMORY_MAX)
		return soonest;
	m->list[m->count] = mem_alloc(sizeof(*soonest));
	return m->list[m->count++];
}

void chain_memory_note(struct chain_memory *m, const uint8_t *name, enum chain_verdict verdict,
    const struct buf *keys, const char *why, int64_t until, int64_t now)
{
	struct chain_known *k;

	if (m == NULL || until <= now)
		return;
	k = place(m, name);
	memcpy(k->name, name, name_len(name));
	k->verdict = verdict;
	buf_reset(&k->keys);
	if (keys != NULL)
		buf_put(&k->keys, keys->data, keys->len);
	snprintf(k->why, sizeof(k->why), "%.*s", CHAIN_WHY_MAX - 1, why);
	k->until = until < now + CHAIN_KEEP_MOST ? until : now + CHAIN_KEEP_MOST;
	if (k->keys.failed) /* no memory: it is asked again */
		k->until = now;
}
