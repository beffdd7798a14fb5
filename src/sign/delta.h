/* delta: what of a zone's unsigned data is to be different from what the store has, RRset by RRset, in
 * canonical order; and the zone as it will be: the store's data seen through it.  Signing side's main
 * thread.  Internal to the room. */
#ifndef SIGN_DELTA_H
#define SIGN_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

struct delta_set { /* offsets into data */
	size_t key_at, at;
	uint16_t key_len, type;
	uint32_t len; /* of the packed value without signatures; 0: the RRset is gone */
};

struct delta {
	struct delta_set *sets;
	size_t count, cap;
	struct buf data;
};

/* In order; packed NULL: gone.  ERR_LIMIT: out of memory. */
int delta_add(struct delta *d, const uint8_t *key, size_t key_len, uint16_t type,
    const uint8_t *packed, size_t len);
void delta_free(struct delta *d);
/* The first set whose owner is not before key: its index, or count. */
size_t delta_seek(const struct delta *d, const uint8_t *key, size_t key_len);
const struct delta_set *delta_find(
    const struct delta *d, const uint8_t *key, size_t key_len, uint16_t type); /* NULL: as stored */
static inline const uint8_t *delta_key(const struct delta *d, size_t i)
{
	return d->data.data + d->sets[i].key_at;
}
static inline bool delta_same_owner(const struct delta *d, size_t a, size_t b)
{
	return d->sets[a].key_at == d->sets[b].key_at;
}

/* As memcmp; a prefix is less. */
int key_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

#endif
