/* State records: what is written is read, what is damaged is refused, what is new is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/sha.h>
#include "keys/record.h"

static struct record make_record(unsigned keys, uint16_t pub_len)
{
	struct record r = {.sequence = 0x0102030405060708, .writer = 77, .time = 1800000000,
	    .policy = "default", .ttls = {1, 2, 3, 4, 5}};

	memcpy(r.zone_hash, "12345678", 8);
	memset(r.previous, 0xee, sizeof(r.previous));
	assert_int_equal(name_parse("example.gov.", r.zone), OK);
	for (unsigned i = 0; i < keys; i++) {
		struct record_key *k = record_add_key(&r);

		assert_non_null(k);
		memset(k->id, (int)i, sizeof(k->id));
		k->role = i % 2 == 0 ? KEY_KSK : KEY_ZSK;
		k->algorithm = 13;
		k->flags = 257;
		k->tag = (uint16_t)(1000 + i);
		k->pub_len = pub_len;
		memset(k->pub, 'p', pub_len);
		for (unsigned t = 0; t < KEY_TIMES; t++)
			k->times.at[t] = 1700000000 + (int64_t)t * (int64_t)i;
	}
	return r;
}

static void assert_same(const struct record *a, const struct record *b)
{
	assert_int_equal(a->sequence, b->sequence);
	assert_int_equal(a->writer, b->writer);
	assert_int_equal(a->time, b->time);
	assert_string_equal(a->policy, b->policy);
	assert_memory_equal(a->zone_hash, b->zone_hash, sizeof(a->zone_hash));
	assert_memory_equal(a->digest, b->digest, sizeof(a->digest));
	assert_memory_equal(a->previous, b->previous, sizeof(a->previous));
	assert_memory_equal(&a->ttls, &b->ttls, sizeof(a->ttls));
	assert_true(name_equal(a->zone, b->zone));
	assert_int_equal(a->key_count, b->key_count);
	for (unsigned i = 0; i < a->key_count; i++) {
		const struct record_key *x = &a->keys[i], *y = &b->keys[i];

		assert_memory_equal(x->id, y->id, sizeof(x->id));
		assert_true(x->role == y->role && x->algorithm == y->algorithm &&
		    x->flags == y->flags && x->tag == y->tag && x->pub_len == y->pub_len);
		assert_memory_equal(x->pub, y->pub, x->pub_len);
		assert_memory_equal(&x->times, &y->times, sizeof(x->times));
	}
}

static void check_round_trip(unsigned keys, uint16_t pub_len, size_t most)
{
	struct record r = make_record(keys, pub_len), back = {0};
	struct buf b = {0};
	struct err e = {0};

	record_encode(&r, &b);
	assert_in_range(b.len, RECORD_HEADER_LEN, most);
	if (record_decode(b.data, b.len, &back, &e) != OK)
		fail_msg("%s", e.text);
	assert_same(&r, &back);
	record_free(&r);
	record_free(&back);
	buf_free(&b);
}

static void test_round_trip(void **state)
{
	(void)state;
	check_round_trip(0, 0, 200);
	check_round_trip(2, 64, 800);
	check_round_trip(4, 516, 3300);               /* a double roll of RSA-4096 keys */
	check_round_trip(KEYSET_MAX, 516, RECORD_MAX); /* the biggest */
}

static void test_too_many_keys(void **state)
{
	struct record r = make_record(KEYSET_MAX, 1);

	(void)state;
	assert_null(record_add_key(&r));
	record_free(&r);
}

static void test_truncated(void **state)
{
	struct record r = make_record(2, 64), back;
	struct buf b = {0};

	(void)state;
	record_encode(&r, &b);
	for (size_t len = 0; len < b.len; len++) {
		uint8_t *cut = malloc(len + 1); /* so that a sanitizer sees the end */

		memcpy(cut, b.data, len);
		assert_int_equal(record_decode(cut, len, &back, NULL), ERR_FORMAT);
		free(cut);
	}
	buf_u8(&b, 0);
	assert_int_equal(record_decode(b.data, b.len, &back, NULL), ERR_FORMAT);
	record_free(&r);
	buf_free(&b);
}

static void test_flipped_bits(void **state)
{
	struct record r = make_record(2, 64), back;
	struct buf b = {0};

	(void)state;
	record_encode(&r, &b);
	for (size_t i = 0; i < b.len * 8; i++) {
		b.data[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_not_equal(record_decode(b.data, b.len, &back, NULL), OK);
		b.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(record_decode(b.data, b.len, &back, NULL), OK);
	record_free(&back);
	record_free(&r);
	buf_free(&b);
}

static void test_future_version(void **state)
{
	struct record r = make_record(1, 32), back;
	struct buf b = {0};
	struct err e = {0};

	(void)state;
	record_encode(&r, &b);
	b.data[4] = RECORD_VERSION + 1;
	assert_int_equal(record_decode(b.data, b.len, &back, &e), ERR_REFUSED);
	assert_non_null(strstr(e.text, "newer program"));
	record_free(&r);
	buf_free(&b);
}

/* Put the digest right again, as a program that knows more would have. */
static void seal(struct buf *b)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint8_t *at = b->data + RECORD_HEADER_LEN - RECORD_DIGEST_LEN;

	store_u32(at - 4, (uint32_t)(b->len - RECORD_HEADER_LEN));
	memset(at, 0, RECORD_DIGEST_LEN);
	SHA256(b->data, b->len, digest);
	memcpy(at, digest, RECORD_DIGEST_LEN);
}

static void test_unknown_fields_are_kept(void **state)
{
	struct record r = make_record(2, 32), back, copy, again;
	struct buf b = {0}, c = {0};

	(void)state;
	buf_u16(&r.keys[1].extra, 200);
	buf_lv16(&r.keys[1].extra, "of a key", 8);
	record_encode(&r, &b);
	buf_u16(&b, 999);
	buf_lv16(&b, "of tomorrow", 11);
	seal(&b);
	assert_int_equal(record_decode(b.data, b.len, &back, NULL), OK);
	assert_int_equal(back.key_count, 2);
	record_copy(&back, &copy);
	record_encode(&copy, &c);
	assert_int_equal(b.len, c.len);
	assert_memory_equal(b.data, c.data, b.len);
	assert_int_equal(record_decode(c.data, c.len, &again, NULL), OK);
	record_free(&again);
	record_free(&copy);
	record_free(&back);
	record_free(&r);
	buf_free(&b);
	buf_free(&c);
}

/* Fields that a valid digest covers, and that make no sense all the same. */
static void test_malformed_fields(void **state)
{
	static const struct {
		uint16_t tag;
		uint8_t len, value[4];
	} bad[] = {{1, 3, {9, 'a', 0}}, {1, 0, {0}}, {3, 4, {0}}, {4, 2, {0}}, {5, 1, {0}},
	    {5, 4, {0, 1, 0, 9}}, {5, 0, {0}}};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct record r = make_record(1, 32), back;
		struct buf b = {0};

		record_encode(&r, &b);
		buf_u16(&b, bad[i].tag);
		buf_lv16(&b, bad[i].value, bad[i].len);
		seal(&b);
		assert_int_equal(record_decode(b.data, b.len, &back, NULL), ERR_FORMAT);
		record_free(&r);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_too_many_keys),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_future_version),
		cmocka_unit_test(test_unknown_fields_are_kept),
		cmocka_unit_test(test_malformed_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
