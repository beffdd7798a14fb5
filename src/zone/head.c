/* head: struct zone_head as octets in the store: u8 version, then (u16 tag, u16 length, value).
 *
 * Runs where the store is used.  What is read was written by the signing side; lengths are checked
 * all the same.  Unknown tags are skipped, so that a field can be added; a change that an older
 * program must not misread raises the version. */
#include <stddef.h>
#include <string.h>
#include "base/mem.h"
#include "zone/store_internal.h"

/* 2: the input's digest is a sum (sign/digest.h); 1 had it over the whole stream. */
#define HEAD_VERSION 2

enum head_kind { HEAD_NUMBER, HEAD_TEXT, HEAD_BYTES };

enum {
	TAG_APEX = 1,
	TAG_NSEC3 = 2,
	TAG_KEY = 3,
	TAG_WALK = 4
}; /* those with a shape of their own */

/* Tags are for ever: a field that goes leaves its number behind. */
#define NUMBER(tag, field)                                                                         \
	{                                                                                          \
		tag, HEAD_NUMBER, offsetof(struct zone_head, field),                               \
		    sizeof(((struct zone_head *)0)->field)                                         \
	}
#define TEXT(tag, field)                                                                           \
	{                                                                                          \
		tag, HEAD_TEXT, offsetof(struct zone_head, field),                                 \
		    sizeof(((struct zone_head *)0)->field)                                         \
	}
#define BYTES(tag, field)                                                                          \
	{                                                                                          \
		tag, HEAD_BYTES, offsetof(struct zone_head, field),                                \
		    sizeof(((struct zone_head *)0)->field)                                         \
	}
static const struct head_field {
	uint16_t tag;
	enum head_kind kind;
	size_t offset, size;
} fields[] = {
    TEXT(10, policy),
    NUMBER(11, has_in),
    NUMBER(12, serial_in),
    NUMBER(13, soa_in.serial),
    NUMBER(14, soa_in.refresh),
    NUMBER(15, soa_in.retry),
    NUMBER(16, soa_in.expire),
    NUMBER(17, soa_in.minimum),
    NUMBER(18, refreshed),
    BYTES(19, input_digest),
    NUMBER(20, input_records),
    NUMBER(21, foreign_dnssec),
    NUMBER(22, generation),
    NUMBER(23, own_trees),
    NUMBER(24, has_out),
    NUMBER(25, serial_out),
    NUMBER(26, published),
    TEXT(27, hold),
    NUMBER(28, unverified),
    NUMBER(29, serial_jump_warned),
    NUMBER(30, signed_at),
    NUMBER(31, expiry_first),
    NUMBER(32, resign_at),
    NUMBER(33, denial),
    NUMBER(34, rrsets),
    NUMBER(35, records),
    NUMBER(36, signatures),
    NUMBER(37, ttl_max),
    NUMBER(38, ttl_in),
    NUMBER(39, keyset),
    NUMBER(40, has_walk),
    NUMBER(41, walk_mark),
    NUMBER(42, walk_anew),
    NUMBER(43, walk_is_nsec3),
    NUMBER(44, has_journal),
    NUMBER(45, journal_first),
    NUMBER(46, journal_octets),
    NUMBER(47, journal_rows),
    NUMBER(48, ttl_cap),
    NUMBER(49, apex_expiry),
    NUMBER(50, apex_due),
    NUMBER(51, zone_keys),
    NUMBER(52, validity),
    NUMBER(53, input_mark),
    NUMBER(54, source_expires),
};

/* Numbers travel as 8 octets whatever their size here, so that a field may be widened. */
static uint64_t number_get(const void *p, size_t size)
{
	uint8_t v1;
	uint32_t v4;
	uint64_t v8;

	if (size == 1)
		return memcpy(&v1, p, 1), v1;
	if (size == 4)
		return memcpy(&v4, p, 4), v4;
	return memcpy(&v8, p, 8), v8;
}

static void number_set(void *p, size_t size, uint64_t v)
{
	uint8_t v1 = v != 0; /* the only fields of one octet are bool */
	uint32_t v4 = (uint32_t)v;

	memcpy(p, size == 1 ? (void *)&v1 : size == 4 ? (void *)&v4 : (void *)&v, size);
}

static void put_field(const struct head_field *f, const struct zone_head *h, struct buf *out)
{
	const uint8_t *p = (const uint8_t *)h + f->offset;

	buf_u16(out, f->tag);
	switch (f->kind) {
	case HEAD_NUMBER:
		buf_u16(out, 8);
		buf_u64(out, number_get(p, f->size));
		break;
	case HEAD_TEXT:
		buf_lv16(out, p, strnlen((const char *)p, f->size - 1));
		break;
	case HEAD_BYTES:
		buf_lv16(out, p, f->size);
		break;
	}
}

void head_encode(const struct zone_head *h, struct buf *out)
{
	buf_u8(out, HEAD_VERSION);
	buf_u16(out, TAG_APEX);
	buf_lv16(out, h->apex, name_len(h->apex));
	for (size_t i = 0; i < MEM_COUNT(fields); i++)
		put_field(&fields[i], h, out);
	buf_u16(out, TAG_NSEC3);
	buf_u16(out, (uint16_t)(2 + h->nsec3.salt_len));
	buf_u16(out, h->nsec3.iterations);
	buf_put(out, h->nsec3.salt, h->nsec3.salt_len);
	if (h->walk_key_len > 0) {
		buf_u16(out, TAG_WALK);
		buf_lv16(out, h->walk_key, h->walk_key_len);
	}
	for (unsigned i = 0; i < h->key_count; i++) {
		buf_u16(out, TAG_KEY);
		buf_u16(out, sizeof(h->keys[i].id) + 2 + 1 + 8);
		buf_put(out, h->keys[i].id, sizeof(h->keys[i].id));
		buf_u16(out, h->keys[i].tag);
		buf_u8(out, h->keys[i].algorithm);
		buf_u64(out, h->keys[i].signatures);
	}
}

static bool get_field(const struct head_field *f, struct reader *r, struct zone_head *h)
{
	uint8_t *p = (uint8_t *)h + f->offset;
	size_t len = reader_left(r);

	if (f->kind == HEAD_NUMBER) {
		number_set(p, f->size, reader_u64(r));
	} else {
		if (f->kind == HEAD_TEXT ? len >= f->size : len != f->size)
			return false;
		if (len > 0)
			memcpy(p, reader_bytes(r, len), len);
	}
	return !r->failed;
}

static bool get_key(struct reader *r, struct zone_head *h)
{
	const uint8_t *id = reader_bytes(r, sizeof(h->keys[0].id));
	unsigned n = h->key_count;

	if (id == NULL || n == STORE_HEAD_KEYS)
		return false;
	memcpy(h->keys[n].id, id, sizeof(h->keys[n].id));
	h->keys[n].tag = reader_u16(r);
	h->keys[n].algorithm = reader_u8(r);
	h->keys[n].signatures = reader_u64(r);
	h->key_count = n + 1;
	return !r->failed;
}

static bool get_special(uint16_t tag, struct reader *r, struct zone_head *h)
{
	size_t len = reader_left(r);

	switch (tag) {
	case TAG_APEX:
		if (len == 0 || len > NAME_MAX_LEN || name_check(r->p, len) != len)
			return false;
		memcpy(h->apex, r->p, len);
		return true;
	case TAG_NSEC3:
		if (len < 2 || len > 2 + sizeof(h->nsec3.salt))
			return false;
		h->nsec3.iterations = reader_u16(r);
		h->nsec3.salt_len = (uint8_t)(len - 2);
		memcpy(h->nsec3.salt, r->p, len - 2);
		return true;
	case TAG_WALK:
		if (len > sizeof(h->walk_key))
			return false;
		memcpy(h->walk_key, r->p, len);
		h->walk_key_len = len;
		return true;
	case TAG_KEY:
		return get_key(r, h);
	default:
		return true; /* from a newer program */
	}
}

static bool get_any(uint16_t tag, struct reader *r, struct zone_head *h)
{
	for (size_t i = 0; i < MEM_COUNT(fields); i++)
		if (fields[i].tag == tag)
			return get_field(&fields[i], r, h);
	return get_special(tag, r, h);
}

int head_decode(const uint8_t *data, size_t len, struct zone_head *out, struct err *e)
{
	struct reader r = reader_of(data, len);
	uint8_t version = reader_u8(&r);
	struct zone_head h = {0};

	if (!r.failed && version > HEAD_VERSION)
		return err_set(e, ERR_FORMAT,
		    "a zone head of version %u, written by a newer program; this one reads %u",
		    version, HEAD_VERSION);
	if (!r.failed && version < HEAD_VERSION)
		return err_set(e, ERR_FORMAT,
		    "a zone head of version %u, written by an older program; this one reads %u: move "
		    "the store away and start again; it is rebuilt from token, configuration and "
		    "sources",
		    version, HEAD_VERSION);
	while (reader_left(&r) > 0) {
		uint16_t tag = reader_u16(&r);
		size_t value_len;
		const uint8_t *value = reader_lv16(&r, &value_len);
		struct reader v;

		if (r.failed)
			break;
		v = reader_of(value, value_len);
		if (!get_any(tag, &v, &h))
			return err_set(
			    e, ERR_FORMAT, "a zone head with a damaged field (tag %u)", tag);
	}
	if (r.failed)
		return err_set(e, ERR_FORMAT, "a zone head that is cut short");
	*out = h;
	return OK;
}
