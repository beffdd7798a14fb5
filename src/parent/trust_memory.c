/* What chains have found out: see trust_memory.h. */
#include "parent/trust_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

struct trust_memory {
	struct trust_known *list[TRUST_MEMORY_MAX];
	unsigned count;
};

struct trust_memory *trust_memory_new(void)
{
	return mem_alloc(sizeof(struct trust_memory));
}

static void known_free(struct trust_known *k)
{
	buf_free(&k->keys);
	free(k);
}

void trust_memory_clear(struct trust_memory *m)
{
	while (m->count > 0)
		known_free(m->list[--m->count]);
}

void trust_memory_free(struct trust_memory *m)
{
	if (m == NULL)
		return;
	trust_memory_clear(m);
	free(m);
}

const struct trust_known *trust_memory_find(
    const struct trust_memory *m, const uint8_t *name, int64_t now)
{
	for (unsigned i = 0; m != NULL && i < m->count; i++) {
		if (m->list[i]->until > now && name_equal(m->list[i]->name, name))
			return m->list[i];
	}
	return NULL;
}

/* The entry of that name, a new one, or the one that ends the soonest. */
static struct trust_known *place(struct trust_memory *m, const uint8_t *name)
{
	struct trust_known *soonest = NULL;

	for (unsigned i = 0; i < m->count; i++) {
		if (name_equal(m->list[i]->name, name))
			return m->list[i];
		if (soonest == NULL || m->list[i]->until < soonest->until)
			soonest = m->list[i];
	}
	if (m->count == TRUST_MEMORY_MAX)
		return soonest;
	m->list[m->count] = mem_alloc(sizeof(*soonest));
	return m->list[m->count++];
}

void trust_memory_note(struct trust_memory *m, const uint8_t *name, enum trust_verdict verdict,
    const struct buf *keys, const char *why, int64_t until, int64_t now)
{
	struct trust_known *k;

	if (m == NULL || until <= now)
		return;
	k = place(m, name);
	memcpy(k->name, name, name_len(name));
	k->verdict = verdict;
	buf_reset(&k->keys);
	if (keys != NULL)
		buf_put(&k->keys, keys->data, keys->len);
	snprintf(k->why, sizeof(k->why), "%.*s", TRUST_WHY_MAX - 1, why);
	k->until = until < now + TRUST_KEEP_MOST ? until : now + TRUST_KEEP_MOST;
	if (k->keys.failed) /* no memory: it is asked again */
		k->until = now;
}
