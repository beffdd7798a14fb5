/* Byte buffers and readers with a sticky error: see buf.h. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

void buf_free(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
	b->failed = false;
}

static bool buf_reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap;
	uint8_t *data;

	if (b->failed || more > SIZE_MAX / 4 - b->len ||
	    (b->limit > 0 && b->len + more > b->limit)) {
		b->failed = true;
		return false;
	}
	if (b->len + more <= cap)
		return true;
	cap = cap < 64 ? 64 : cap;
	while (cap < b->len + more)
		cap += cap / 2;
	data = realloc(b->data, cap);
	if (data == NULL) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

uint8_t *buf_extend(struct buf *b, size_t len)
{
	uint8_t *at;

	if (!buf_reserve(b, len == 0 ? 1 : len))
		return NULL;
	at = b->data + b->len;
	b->len += len;
	return at;
}

void buf_put(struct buf *b, const void *data, size_t len)
{
	uint8_t *at = buf_extend(b, len);

	if (at != NULL && len > 0)
		memcpy(at, data, len);
}

void buf_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void buf_u16(struct buf *b, uint16_t v)
{
	uint8_t *at = buf_extend(b, 2);

	if (at != NULL)
		store_u16(at, v);
}

void buf_u32(struct buf *b, uint32_t v)
{
	uint8_t *at = buf_extend(b, 4);

	if (at != NULL)
		store_u32(at, v);
}

void buf_u64(struct buf *b, uint64_t v)
{
	buf_u32(b, (uint32_t)(v >> 32));
	buf_u32(b, (uint32_t)v);
}

void buf_lv16(struct buf *b, const void *data, size_t len)
{
	if (len > UINT16_MAX) {
		b->failed = true;
		return;
	}
	buf_u16(b, (uint16_t)len);
	buf_put(b, data, len);
}

void buf_lv32(struct buf *b, const void *data, size_t len)
{
	if (len > UINT32_MAX) {
		b->failed = true;
		return;
	}
	buf_u32(b, (uint32_t)len);
	buf_put(b, data, len);
}

void buf_str(struct buf *b, const char *s)
{
	buf_lv16(b, s, s == NULL ? 0 : strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int len;
	uint8_t *at;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	/* One octet more for vsnprintf's zero, given back at once. */
	if (len < 0 || (at = buf_extend(b, (size_t)len + 1)) == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf((char *)at, (size_t)len + 1, fmt, ap);
	va_end(ap);
	b->len--;
}

void buf_patch_u16(struct buf *b, size_t at, uint16_t v)
{
	if (!b->failed && at + 2 <= b->len)
		store_u16(b->data + at, v);
}

struct reader reader_of(const void *data, size_t len)
{
	const uint8_t *p = data;

	return (struct reader){.p = p, .end = len == 0 ? p : p + len, .failed = false};
}

const uint8_t *reader_bytes(struct reader *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->failed || (size_t)(r->end - r->p) < len) {
		r->failed = true;
		return NULL;
	}
	if (len > 0)
		r->p += len;
	return p;
}

uint8_t reader_u8(struct reader *r)
{
	const uint8_t *p = reader_bytes(r, 1);

	return p == NULL ? 0 : p[0];
}

uint16_t reader_u16(struct reader *r)
{
	const uint8_t *p = reader_bytes(r, 2);

	return p == NULL ? 0 : load_u16(p);
}

uint32_t reader_u32(struct reader *r)
{
	const uint8_t *p = reader_bytes(r, 4);

	return p == NULL ? 0 : load_u32(p);
}

uint64_t reader_u64(struct reader *r)
{
	uint64_t high = reader_u32(r);

	return high << 32 | reader_u32(r);
}

const uint8_t *reader_lv16(struct reader *r, size_t *len)
{
	size_t n = reader_u16(r);
	const uint8_t *p = reader_bytes(r, n);

	*len = p == NULL ? 0 : n;
	return p;
}

const uint8_t *reader_lv32(struct reader *r, size_t *len)
{
	size_t n = reader_u32(r);
	const uint8_t *p = reader_bytes(r, n);

	*len = p == NULL ? 0 : n;
	return p;
}

void reader_str(struct reader *r, char *out, size_t size)
{
	size_t len;
	const uint8_t *p = reader_lv16(r, &len);

	out[0] = '\0';
	if (p == NULL || len >= size || (len > 0 && memchr(p, 0, len) != NULL)) {
		r->failed = true;
		return;
	}
	if (len > 0)
		memcpy(out, p, len);
	out[len] = '\0';
}
