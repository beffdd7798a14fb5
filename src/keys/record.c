/* record: the codec of state records.  Runs in the signing side.
 *
 * What is decoded comes from a token and is not trusted: other programs write there too, and a
 * write may have been cut. */
#include <stdlib.h>
#include <string.h>
#include <openssl/sha.h>
#include "base/mem.h"
#include "keys/record.h"

#define MAGIC "ITGR"
#define DIGEST_AT (RECORD_HEADER_LEN - RECORD_DIGEST_LEN)

/* Tags are for ever. */
enum { TAG_ZONE = 1, TAG_POLICY = 2, TAG_TTLS = 3, TAG_PREVIOUS = 4, TAG_KEY = 5, TAG_UNSIGN = 6 };
enum {
	KEY_TAG_ID = 1,
	KEY_TAG_ROLE = 2,
	KEY_TAG_ALGORITHM = 3,
	KEY_TAG_FLAGS = 4,
	KEY_TAG_TAG = 5,
	KEY_TAG_PUBLIC = 6,
	KEY_TAG_NOTE = 7,
	KEY_TAG_TIME = 32 /* + enum key_time */
};

struct record_key *record_add_key(struct record *r)
{
	if (r->key_count == KEYSET_MAX)
		return NULL;
	r->keys = mem_grow(r->keys, r->key_count + 1, sizeof(*r->keys));
	memset(&r->keys[r->key_count], 0, sizeof(*r->keys));
	return &r->keys[r->key_count++];
}

void record_free(struct record *r)
{
	for (unsigned i = 0; i < r->key_count; i++)
		buf_free(&r->keys[i].extra);
	free(r->keys);
	buf_free(&r->extra);
	memset(r, 0, sizeof(*r));
}

void record_copy(const struct record *from, struct record *to)
{
	*to = *from;
	to->keys = NULL;
	to->key_count = 0;
	to->extra = (struct buf){0};
	buf_put(&to->extra, from->extra.data, from->extra.len);
	for (unsigned i = 0; i < from->key_count; i++) {
		struct record_key *k = record_add_key(to);

		*k = from->keys[i];
		k->extra = (struct buf){0};
		buf_put(&k->extra, from->keys[i].extra.data, from->keys[i].extra.len);
	}
}

static void put_field(struct buf *b, uint16_t tag, const void *value, size_t len)
{
	buf_u16(b, tag);
	buf_lv16(b, value, len);
}

static void put_number(struct buf *b, uint16_t tag, uint64_t v, unsigned octets)
{
	uint8_t value[8];

	for (unsigned i = 0; i < octets; i++)
		value[i] = (uint8_t)(v >> 8 * (octets - 1 - i));
	put_field(b, tag, value, octets);
}

static void put_key(struct buf *b, const struct record_key *k)
{
	struct buf f = {0};

	put_field(&f, KEY_TAG_ID, k->id, sizeof(k->id));
	put_number(&f, KEY_TAG_ROLE, k->role, 1);
	put_number(&f, KEY_TAG_ALGORITHM, k->algorithm, 1);
	put_number(&f, KEY_TAG_FLAGS, k->flags, 2);
	put_number(&f, KEY_TAG_TAG, k->tag, 2);
	put_field(&f, KEY_TAG_PUBLIC, k->pub, k->pub_len);
	for (unsigned i = 0; i < KEY_TIMES; i++)
		if (k->times.at[i] != 0)
			put_number(&f, (uint16_t)(KEY_TAG_TIME + i), (uint64_t)k->times.at[i], 8);
	if (k->note[0] != '\0')
		put_field(&f, KEY_TAG_NOTE, k->note, strlen(k->note));
	buf_put(&f, k->extra.data, k->extra.len);
	put_field(b, TAG_KEY, f.data, f.len);
	buf_free(&f);
}

static void put_body(struct buf *b, const struct record *r)
{
	struct buf ttls = {0};

	put_field(b, TAG_ZONE, r->zone, name_len(r->zone));
	put_field(b, TAG_POLICY, r->policy, strlen(r->policy));
	buf_u32(&ttls, r->ttls.dnskey);
	buf_u32(&ttls, r->ttls.cds);
	buf_u32(&ttls, r->ttls.max_ttl);
	buf_u32(&ttls, r->ttls.propagation);
	buf_u32(&ttls, r->ttls.ds);
	put_field(b, TAG_TTLS, ttls.data, ttls.len);
	buf_free(&ttls);
	put_field(b, TAG_PREVIOUS, r->previous, sizeof(r->previous));
	if (r->unsign != 0)
		put_number(b, TAG_UNSIGN, (uint64_t)r->unsign, 8);
	for (unsigned i = 0; i < r->key_count; i++)
		put_key(b, &r->keys[i]);
	buf_put(b, r->extra.data, r->extra.len);
}

static void compute_digest(const uint8_t *data, size_t len, uint8_t out[RECORD_DIGEST_LEN])
{
	static const uint8_t zeros[RECORD_DIGEST_LEN];
	struct buf b = {0};
	uint8_t full[SHA256_DIGEST_LENGTH];

	buf_put(&b, data, DIGEST_AT);
	buf_put(&b, zeros, sizeof(zeros));
	buf_put(&b, data + RECORD_HEADER_LEN, len - RECORD_HEADER_LEN);
	SHA256(b.data, b.len, full);
	buf_free(&b);
	memcpy(out, full, RECORD_DIGEST_LEN);
}

void record_encode(struct record *r, struct buf *out)
{
	static const uint8_t zeros[RECORD_DIGEST_LEN];
	struct buf body = {0}, all = {0};

	put_body(&body, r);
	buf_put(&all, MAGIC, 4);
	buf_u8(&all, RECORD_VERSION);
	buf_u8(&all, 0);
	buf_u16(&all, RECORD_HEADER_LEN);
	buf_put(&all, r->zone_hash, sizeof(r->zone_hash));
	buf_u64(&all, r->sequence);
	buf_u32(&all, r->writer);
	buf_u64(&all, (uint64_t)r->time);
	buf_u32(&all, (uint32_t)body.len);
	buf_put(&all, zeros, sizeof(zeros));
	buf_put(&all, body.data, body.len);
	compute_digest(all.data, all.len, r->digest);
	memcpy(all.data + DIGEST_AT, r->digest, RECORD_DIGEST_LEN);
	buf_put(out, all.data, all.len);
	buf_free(&body);
	buf_free(&all);
}

static uint64_t get_number(struct reader *v)
{
	uint64_t n = 0;

	while (reader_left(v) > 0)
		n = n << 8 | reader_u8(v);
	return n;
}

static bool get_bytes(struct reader *v, void *out, size_t len)
{
	const uint8_t *p = reader_bytes(v, len);

	if (p == NULL || reader_left(v) != 0)
		return false;
	memcpy(out, p, len);
	return true;
}

static bool get_key_field(uint16_t tag, struct reader v, struct record_key *k)
{
	size_t len = reader_left(&v);

	if (tag >= KEY_TAG_TIME && tag < KEY_TAG_TIME + KEY_TIMES) {
		k->times.at[tag - KEY_TAG_TIME] = (int64_t)get_number(&v);
		return true;
	}
	switch (tag) {
	case KEY_TAG_ID:
		return get_bytes(&v, k->id, sizeof(k->id));
	case KEY_TAG_ROLE:
		k->role = (enum key_role)get_number(&v);
		return k->role >= KEY_KSK && k->role <= KEY_CSK;
	case KEY_TAG_ALGORITHM:
		k->algorithm = (uint8_t)get_number(&v);
		return true;
	case KEY_TAG_FLAGS:
		k->flags = (uint16_t)get_number(&v);
		return true;
	case KEY_TAG_TAG:
		k->tag = (uint16_t)get_number(&v);
		return true;
	case KEY_TAG_PUBLIC:
		k->pub_len = (uint16_t)len;
		return len <= sizeof(k->pub) && get_bytes(&v, k->pub, len);
	case KEY_TAG_NOTE:
		return len < sizeof(k->note) && get_bytes(&v, k->note, len);
	default:
		put_field(&k->extra, tag, v.p, len);
		return true;
	}
}

static bool next_field(struct reader *r, uint16_t *tag, struct reader *value)
{
	const uint8_t *p;
	size_t len;

	*tag = reader_u16(r);
	p = reader_lv16(r, &len);
	if (r->failed)
		return false;
	*value = reader_of(p, len);
	return true;
}

static bool get_key(struct reader v, struct record *r)
{
	struct record_key *k = record_add_key(r);
	struct reader field;
	uint16_t tag;

	if (k == NULL)
		return false;
	while (reader_left(&v) > 0)
		if (!next_field(&v, &tag, &field) || !get_key_field(tag, field, k))
			return false;
	return !v.failed && k->role != 0 && k->algorithm != 0 && k->pub_len != 0;
}

static bool get_ttls(struct reader v, struct record_ttls *out)
{
	out->dnskey = reader_u32(&v);
	out->cds = reader_u32(&v);
	out->max_ttl = reader_u32(&v);
	out->propagation = reader_u32(&v);
	out->ds = reader_u32(&v);
	return !v.failed;
}

static bool get_field(uint16_t tag, struct reader v, struct record *r)
{
	size_t len = reader_left(&v);

	switch (tag) {
	case TAG_ZONE:
		return len > 0 && name_check(v.p, len) == len && get_bytes(&v, r->zone, len);
	case TAG_POLICY:
		return len < sizeof(r->policy) && get_bytes(&v, r->policy, len);
	case TAG_TTLS:
		return get_ttls(v, &r->ttls);
	case TAG_PREVIOUS:
		return get_bytes(&v, r->previous, sizeof(r->previous));
	case TAG_KEY:
		return get_key(v, r);
	case TAG_UNSIGN:
		r->unsign = (int64_t)get_number(&v);
		return true;
	default:
		put_field(&r->extra, tag, v.p, len);
		return true;
	}
}

static int get_header(struct reader *r, struct record *out, struct err *e)
{
	const uint8_t *magic = reader_bytes(r, 4), *hash, *digest;
	unsigned version = reader_u8(r);
	unsigned header_len;
	uint32_t body_len;

	if (r->failed || memcmp(magic, MAGIC, 4) != 0)
		return err_set(e, ERR_FORMAT, "not a state record");
	if (version > RECORD_VERSION)
		return err_set(e, ERR_REFUSED,
		    "a state record of version %u, written by a newer program (this one reads %u): "
		    "use that program",
		    version, RECORD_VERSION);
	reader_u8(r);
	header_len = reader_u16(r);
	hash = reader_bytes(r, RECORD_HASH_LEN);
	out->sequence = reader_u64(r);
	out->writer = reader_u32(r);
	out->time = (int64_t)reader_u64(r);
	body_len = reader_u32(r);
	digest = reader_bytes(r, RECORD_DIGEST_LEN);
	if (r->failed || header_len != RECORD_HEADER_LEN || body_len != reader_left(r))
		return err_set(e, ERR_FORMAT, "a state record that is cut short");
	memcpy(out->zone_hash, hash, RECORD_HASH_LEN);
	memcpy(out->digest, digest, RECORD_DIGEST_LEN);
	return OK;
}

int record_decode(const uint8_t *data, size_t len, struct record *out, struct err *e)
{
	struct reader r = reader_of(data, len), field;
	uint8_t digest[RECORD_DIGEST_LEN];
	struct record rec = {0};
	uint16_t tag;
	int rc;

	if (len > RECORD_MAX)
		return err_set(e, ERR_FORMAT, "%zu octets, too many for a state record", len);
	rc = get_header(&r, &rec, e);
	if (rc != OK)
		return rc;
	compute_digest(data, len, digest);
	if (memcmp(digest, rec.digest, sizeof(digest)) != 0)
		return err_set(e, ERR_FORMAT, "a state record whose digest does not hold");
	while (reader_left(&r) > 0) {
		if (!next_field(&r, &tag, &field) || !get_field(tag, field, &rec)) {
			record_free(&rec);
			return err_set(e, ERR_FORMAT, "a state record with a malformed field");
		}
	}
	*out = rec;
	return OK;
}
