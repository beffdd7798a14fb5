/* batch: rows of a build or a change kept in memory until they are written.  Signing side only.
 *
 * A row in data: u16 key length, u32 value length, key, value. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "zone/store_internal.h"

#define ROW_HEADER 6

/* Order of memcmp; a prefix comes first. */
int batch_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int c = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

int batch_add(struct batch *b, const uint8_t *key, size_t key_len, const void *value, size_t len)
{
	size_t at = b->data.len;
	uint8_t *p = buf_extend(&b->data, ROW_HEADER + key_len + len);

	if (p == NULL)
		return ERR_LIMIT;
	if (b->count == b->cap) {
		b->cap = b->cap == 0 ? 256 : b->cap * 2;
		b->at = mem_grow(b->at, b->cap, sizeof(*b->at));
	}
	store_u16(p, (uint16_t)key_len);
	store_u32(p + 2, (uint32_t)len);
	memcpy(p + ROW_HEADER, key, key_len);
	if (len > 0)
		memcpy(p + ROW_HEADER + key_len, value, len);
	b->at[b->count++] = at;
	return OK;
}

struct batch_row batch_row(const struct batch *b, size_t i)
{
	const uint8_t *p = b->data.data + b->at[i];
	struct batch_row row = {
	    .key = p + ROW_HEADER,
	    .key_len = load_u16(p),
	    .value_len = load_u32(p + 2),
	};

	row.value = row.key + row.key_len;
	return row;
}

/* The first row whose key is not less. */
size_t batch_seek(const struct batch *b, const uint8_t *key, size_t key_len)
{
	size_t low = 0, high = b->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct batch_row row = batch_row(b, middle);

		if (batch_compare(row.key, row.key_len, key, key_len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int batch_insert(struct batch *b, const uint8_t *key, size_t key_len, const void *value, size_t len)
{
	size_t place = batch_seek(b, key, key_len), at;
	int rc = batch_add(b, key, key_len, value, len);

	if (rc != OK)
		return rc;
	at = b->at[b->count - 1];
	memmove(&b->at[place + 1], &b->at[place], (b->count - 1 - place) * sizeof(*b->at));
	b->at[place] = at;
	return OK;
}

/* Later rows lie behind earlier ones in memory. */
static int compare_rows(const void *a, const void *b)
{
	const struct batch_row *x = a, *y = b;
	int c = batch_compare(x->key, x->key_len, y->key, y->key_len);

	return c != 0 ? c : (x->key > y->key) - (x->key < y->key);
}

size_t batch_sorted(const struct batch *b, struct batch_row **out)
{
	struct batch_row *rows = mem_array(b->count + 1, sizeof(*rows));
	size_t kept = 0;

	for (size_t i = 0; i < b->count; i++)
		rows[i] = batch_row(b, i);
	qsort(rows, b->count, sizeof(*rows), compare_rows);
	for (size_t i = 0; i < b->count; i++) {
		bool is_last = i + 1 == b->count || batch_compare(rows[i].key, rows[i].key_len,
							rows[i + 1].key, rows[i + 1].key_len) != 0;

		if (is_last)
			rows[kept++] = rows[i];
	}
	*out = rows;
	return kept;
}

void batch_reset(struct batch *b)
{
	buf_reset(&b->data);
	b->count = 0;
}

void batch_free(struct batch *b)
{
	buf_free(&b->data);
	free(b->at);
	memset(b, 0, sizeof(*b));
}
