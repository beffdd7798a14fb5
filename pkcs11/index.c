/* A table of object handles with two hash chains, by key and by handle.  Runs where a module is
 * loaded, under the lock of the object calls.  Keys longer than its room are never ours. */
#include "pkcs11/index.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define FIRST_ROOM 64

static uint32_t hash_key(const struct index *ix, enum index_kind kind, const void *key, size_t len)
{
	const uint8_t *p = key;
	uint32_t h = 2166136261U ^ (uint32_t)kind;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619U;
	return (h ^ h >> 15) & (ix->buckets - 1);
}

static uint32_t hash_handle(const struct index *ix, unsigned long handle)
{
	uint64_t h = (uint64_t)handle * 0x9e3779b97f4a7c15U;

	return (uint32_t)(h >> 32) & (ix->buckets - 1);
}

static void link_entry(struct index *ix, uint32_t i)
{
	struct index_entry *e = &ix->entries[i];
	uint32_t *head = &ix->by_key[hash_key(ix, e->kind, e->key, e->key_len)];

	e->next_key = *head;
	*head = i;
	head = &ix->by_handle[hash_handle(ix, e->handle)];
	e->next_handle = *head;
	*head = i;
}

/* Twice the room; free entries are squeezed out on the way. */
static void grow(struct index *ix)
{
	uint32_t kept = 1;

	ix->room = ix->room == 0 ? FIRST_ROOM : ix->room * 2;
	ix->buckets = ix->room;
	ix->entries = mem_grow(ix->entries, ix->room, sizeof ix->entries[0]);
	free(ix->by_key);
	free(ix->by_handle);
	ix->by_key = mem_array(ix->buckets, sizeof ix->by_key[0]);
	ix->by_handle = mem_array(ix->buckets, sizeof ix->by_handle[0]);
	for (uint32_t i = 1; i < ix->count; i++) {
		if (ix->entries[i].kind == INDEX_KINDS)
			continue;
		ix->entries[kept] = ix->entries[i];
		link_entry(ix, kept++);
	}
	ix->count = kept;
}

void index_clear(struct index *ix)
{
	free(ix->entries);
	free(ix->by_key);
	free(ix->by_handle);
	memset(ix, 0, sizeof *ix);
}

void index_add(
    struct index *ix, enum index_kind kind, const void *key, size_t len, unsigned long handle)
{
	struct index_entry *e;

	if (len > sizeof e->key || index_knows(ix, handle))
		return;
	if (ix->count + 1 >= ix->room)
		grow(ix);
	e = &ix->entries[ix->count];
	memset(e, 0, sizeof *e);
	if (len > 0)
		memcpy(e->key, key, len);
	e->key_len = (uint8_t)len;
	e->kind = (uint8_t)kind;
	e->handle = handle;
	link_entry(ix, ix->count++);
}

unsigned long index_find(
    const struct index *ix, enum index_kind kind, const void *key, size_t len, unsigned long after)
{
	bool passed = after == 0;

	if (ix->buckets == 0)
		return 0;
	for (uint32_t i = ix->by_key[hash_key(ix, kind, key, len)]; i != 0;
	     i = ix->entries[i].next_key) {
		const struct index_entry *e = &ix->entries[i];
		if (e->kind != kind || e->key_len != len || memcmp(e->key, key, len) != 0)
			continue;
		if (passed)
			return e->handle;
		passed = e->handle == after;
	}
	return 0;
}

bool index_knows(const struct index *ix, unsigned long handle)
{
	if (ix->buckets == 0)
		return false;
	for (uint32_t i = ix->by_handle[hash_handle(ix, handle)]; i != 0;
	     i = ix->entries[i].next_handle)
		if (ix->entries[i].handle == handle)
			return true;
	return false;
}

void index_remove(struct index *ix, unsigned long handle)
{
	uint32_t *link, i;
	struct index_entry *e;

	if (ix->buckets == 0)
		return;
	link = &ix->by_handle[hash_handle(ix, handle)];
	while (*link != 0 && ix->entries[*link].handle != handle)
		link = &ix->entries[*link].next_handle;
	i = *link;
	if (i == 0)
		return;
	e = &ix->entries[i];
	*link = e->next_handle;
	link = &ix->by_key[hash_key(ix, e->kind, e->key, e->key_len)];
	while (*link != i)
		link = &ix->entries[*link].next_key;
	*link = e->next_key;
	e->kind = INDEX_KINDS;
}
