/* Labels, names of return values, the index of handles, the rate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/mem.h"
#include "pkcs11/driver.h"
#include "pkcs11/index.h"
#include "pkcs11/labels.h"

static void test_key_labels(void **state)
{
	struct birth_label l = {{1, 2, 3, 4, 5, 6, 7, 0xff}, 'k', 13, 1795000000}, got;
	char text[TOKEN_LABEL_MAX];

	(void)state;
	labels_format_key(&l, text);
	assert_string_equal(text, "itg1/01020304050607ff/k/13/top2v4");
	assert_true(strlen(text) <= 40);
	assert_true(labels_parse_key(text, &got));
	assert_memory_equal(got.zone_hash, l.zone_hash, 8);
	assert_int_equal(got.role, 'k');
	assert_int_equal(got.algorithm, 13);
	assert_int_equal(got.birth, 1795000000);
	l.birth = 0;
	labels_format_key(&l, text);
	assert_true(labels_parse_key(text, &got));
	assert_int_equal(got.birth, 0);
}

static void test_foreign_key_labels(void **state)
{
	static const char *const foreign[] = {"", "itg1", "itg1/", "itg1/01020304050607f",
	    "itg1/01020304050607ff", "itg1/01020304050607ff/", "itg1/01020304050607ff/k",
	    "itg1/01020304050607ff/x/13/1", "itg1/01020304050607ff/k/013/1",
	    "itg1/01020304050607ff/k/256/1", "itg1/01020304050607ff/k/13/",
	    "itg1/01020304050607ff/k/13/1 ", "itg1/01020304050607FF/k/13/1",
	    "itg1/01020304050607ff/k/13/zzzzzzzzzzzzzzzzzzzz", "itg2/01020304050607ff/k/13/1",
	    "itg1|01020304050607ff|1|0001"};
	struct birth_label got;

	(void)state;
	for (unsigned i = 0; i < MEM_COUNT(foreign); i++)
		if (labels_parse_key(foreign[i], &got))
			fail_msg("%s is taken for ours", foreign[i]);
}

static void test_record_labels(void **state)
{
	static const char *const foreign[] = {"", "itg1|", "itg1|01020304050607ff|1|001",
	    "itg1|01020304050607ff|1|00011", "itg1|01020304050607ff||0001",
	    "itg1|01020304050607ff|01|0001", "itg1|01020304050607ff|18446744073709551616|0001",
	    "itg1|01020304050607ff|1|000G", "itg1/01020304050607ff/k/13/1"};
	struct record_label l = {{1, 2, 3, 4, 5, 6, 7, 0xff}, UINT64_MAX, 0xabc}, got;
	char text[TOKEN_LABEL_MAX];

	(void)state;
	labels_format_record(&l, text);
	assert_string_equal(text, "itg1|01020304050607ff|18446744073709551615|0abc");
	assert_true(labels_parse_record(text, &got));
	assert_true(got.sequence == UINT64_MAX);
	assert_int_equal(got.nonce, 0xabc);
	for (unsigned i = 0; i < MEM_COUNT(foreign); i++)
		if (labels_parse_record(foreign[i], &got))
			fail_msg("%s is taken for ours", foreign[i]);
}

static void test_zone_hash(void **state)
{
	static const uint8_t abc[8] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea};
	uint8_t hash[8];

	(void)state;
	labels_zone_hash("abc", 3, hash); /* FIPS 180-4's example */
	assert_memory_equal(hash, abc, 8);
}

static void test_ckr_names(void **state)
{
	(void)state;
	assert_string_equal(token_ckr_name(0), "CKR_OK");
	assert_string_equal(token_ckr_name(0xa0), "CKR_PIN_INCORRECT");
	assert_string_equal(token_ckr_name(0x200), "CKR_FUNCTION_REJECTED");
	assert_string_equal(token_ckr_name(0x1b0), "CKR_NEW_PIN_MODE");
	assert_string_equal(token_ckr_name(0x80000123), "CKR_VENDOR_DEFINED_0x80000123");
	assert_string_equal(token_ckr_name(0xfff), "CKR_0xFFF");
}

static void test_index(void **state)
{
	struct index ix = {0};
	uint8_t key[TOKEN_ID_LEN] = {0};

	(void)state;
	assert_int_equal(index_find(&ix, INDEX_PRIVATE, key, sizeof key, 0), 0);
	index_remove(&ix, 5);
	for (unsigned i = 0; i < 3000; i++) { /* two of each key, over both kinds */
		store_u32(key, i / 2);
		index_add(&ix, INDEX_PRIVATE, key, sizeof key, 10 + i);
		index_add(&ix, INDEX_PUBLIC, key, sizeof key, 100000 + i);
		index_add(&ix, INDEX_PUBLIC, key, sizeof key, 100000 + i); /* known already */
	}
	store_u32(key, 700);
	unsigned long one = index_find(&ix, INDEX_PRIVATE, key, sizeof key, 0);
	unsigned long two = index_find(&ix, INDEX_PRIVATE, key, sizeof key, one);
	assert_int_equal(one + two, 10 + 1400 + 10 + 1401);
	assert_int_equal(index_find(&ix, INDEX_PRIVATE, key, sizeof key, two), 0);
	index_remove(&ix, one);
	assert_false(index_knows(&ix, one));
	assert_int_equal(index_find(&ix, INDEX_PRIVATE, key, sizeof key, 0), two);
	assert_true(index_find(&ix, INDEX_PUBLIC, key, sizeof key, 0) >= 100000);
	for (unsigned i = 0; i < 3000; i++)
		index_remove(&ix, 10 + i);
	for (unsigned i = 0; i < 3000; i++) {
		store_u32(key, i / 2);
		assert_int_equal(index_find(&ix, INDEX_PRIVATE, key, sizeof key, 0), 0);
		index_add(&ix, INDEX_RECORD, key, sizeof key, 10 + i);
	}
	assert_true(index_knows(&ix, 3009));
	index_clear(&ix);
	assert_false(index_knows(&ix, 3009));
}

/* The pace follows what is seen now, and is not known before anything was. */
static void test_pace(void **state)
{
	struct pace p = {0};

	(void)state;
	assert_true(pace_us(&p) == 0);
	for (unsigned i = 0; i < 200; i++)
		pace_add(&p, 10000, 100);
	assert_true(pace_us(&p) > 99 && pace_us(&p) < 101);
	for (unsigned i = 0; i < 20000; i++)
		pace_add(&p, 2000, 1);
	assert_true(pace_us(&p) > 1900 && pace_us(&p) < 2001);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    {"birth labels", test_key_labels, NULL, NULL, NULL},
	    {"others' labels are not taken for ours", test_foreign_key_labels, NULL, NULL, NULL},
	    {"record labels", test_record_labels, NULL, NULL, NULL},
	    {"hash of a zone", test_zone_hash, NULL, NULL, NULL},
	    {"names of return values", test_ckr_names, NULL, NULL, NULL},
	    {"index of handles", test_index, NULL, NULL, NULL},
	    {"pace", test_pace, NULL, NULL, NULL},
	};

	return cmocka_run_group_tests_name("token_tables", tests, NULL, NULL);
}
