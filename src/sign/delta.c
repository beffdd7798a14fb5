/* A difference of unsigned data: see delta.h. */
#include "sign/delta.h"

#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"

int key_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t shorter = a_len < b_len ? a_len : b_len;
	int c = shorter == 0 ? 0 : memcmp(a, b, shorter);

	if (c != 0)
		return c;
	return a_len < b_len ? -1 : a_len > b_len;
}

int delta_add(struct delta *d, const uint8_t *key, size_t key_len, uint16_t type,
    const uint8_t *packed, size_t len)
{
	struct delta_set *s, *last = d->count == 0 ? NULL : &d->sets[d->count - 1];

	if (d->count == d->cap) {
		d->cap = d->cap == 0 ? 64 : d->cap * 2;
		d->sets = mem_grow(d->sets, d->cap, sizeof(d->sets[0]));
		last = d->count == 0 ? NULL : &d->sets[d->count - 1];
	}
	s = &d->sets[d->count++];
	*s = (struct delta_set){.key_len = (uint16_t)key_len, .type = type};
	if (last != NULL &&
	    key_compare(delta_key(d, d->count - 2), last->key_len, key, key_len) == 0) {
		s->key_at = last->key_at;
	} else {
		s->key_at = d->data.len;
		buf_put(&d->data, key, key_len);
	}
	if (packed != NULL) {
		s->at = d->data.len;
		s->len = (uint32_t)len;
		buf_put(&d->data, packed, len);
	}
	return d->data.failed ? ERR_LIMIT : OK;
}

void delta_free(struct delta *d)
{
	free(d->sets);
	buf_free(&d->data);
	memset(d, 0, sizeof(*d));
}

size_t delta_seek(const struct delta *d, const uint8_t *key, size_t key_len)
{
	size_t low = 0, high = d->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (key_compare(delta_key(d, middle), d->sets[middle].key_len, key, key_len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct delta_set *delta_find(
    const struct delta *d, const uint8_t *key, size_t key_len, uint16_t type)
{
	for (size_t i = delta_seek(d, key, key_len); i < d->count; i++) {
		if (key_compare(delta_key(d, i), d->sets[i].key_len, key, key_len) != 0)
			break;
		if (d->sets[i].type == type)
			return &d->sets[i];
	}
	return NULL;
}
