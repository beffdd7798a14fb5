/* buf: a growing byte buffer and a bounds-checked reader, both with a sticky error: write or read
 * all of it, then look at `failed` once.  Numbers are big endian, as on the wire. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t limit; /* 0: none; growing beyond sets failed */
	bool failed;
};

void buf_reset(struct buf *b); /* empty it, keep the memory, clear failed */
void buf_free(struct buf *b);
uint8_t *buf_extend(struct buf *b, size_t len); /* room for len more, counted in; NULL on failure */
void buf_put(struct buf *b, const void *data, size_t len);
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_lv16(struct buf *b, const void *data, size_t len); /* u16 length, then the bytes */
void buf_lv32(struct buf *b, const void *data, size_t len);
void buf_str(struct buf *b, const char *s); /* lv16 of the characters; NULL is "" */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_patch_u16(struct buf *b, size_t at, uint16_t v);

struct reader {
	const uint8_t *p;
	const uint8_t *end;
	bool failed;
};

struct reader reader_of(const void *data, size_t len);
static inline size_t reader_left(const struct reader *r)
{
	return r->failed ? 0 : (size_t)(r->end - r->p);
}
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
const uint8_t *reader_bytes(struct reader *r, size_t len); /* borrowed; NULL when failed */
const uint8_t *reader_lv16(struct reader *r, size_t *len);
const uint8_t *reader_lv32(struct reader *r, size_t *len);
/* An lv16 as a string in out (size >= 1); embedded zeros or too long: failed, out = "". */
void reader_str(struct reader *r, char *out, size_t size);

static inline uint16_t load_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t load_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline void store_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}
static inline void store_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}
static inline void store_u64(uint8_t *p, uint64_t v)
{
	store_u32(p, (uint32_t)(v >> 32));
	store_u32(p + 4, (uint32_t)v);
}

#endif
