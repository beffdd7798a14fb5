/* Type bitmaps, NSEC3 hashes and records: RFC 5155 appendix A, and zones that others have signed.
 */
#include "dns_fixture.h"

#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "dns/nsec.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"

/* RFC 4034 4.3 */
static void test_bitmap_of_rfc4034(void **state)
{
	static const uint16_t types[] = {1, 15, 46, 47, 1234};
	struct buf bitmap = {0};
	uint8_t want[64];
	size_t n = fixture_hex("00 06 400100000003 04 1b"
			       "000000000000 000000000000 000000000000 000000000000 000020",
	    want);

	(void)state;
	nsec_bitmap(types, MEM_COUNT(types), &bitmap);
	assert_int_equal(bitmap.len, n);
	assert_memory_equal(bitmap.data, want, n);
	for (unsigned type = 0; type < 65536; type++) {
		bool there = false;

		for (size_t i = 0; i < MEM_COUNT(types); i++)
			there = there || types[i] == type;
		assert_int_equal(nsec_bitmap_has(bitmap.data, bitmap.len, (uint16_t)type), there);
	}
	buf_free(&bitmap);
}

static void test_bitmap_cut_off(void **state)
{
	static const uint8_t bitmap[] = {0, 2, 0x40, 0};

	(void)state;
	assert_true(nsec_bitmap_has(bitmap, 4, 1));
	for (size_t len = 0; len < 4; len++)
		assert_false(nsec_bitmap_has(bitmap, len, 1));
}

static void test_hashes_of_rfc5155(void **state)
{
	static const char *const names[][2] = {
	    {"example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"},
	    {"A.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl"},
	    {"ai.Example.", "gjeqe526plbf1g8mklp59enfd789njgi"},
	    {"ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"},
	    {"*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"},
	    {"x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s"},
	    {"xx.example.", "t644ebqk9bibcna874givr6joj62mlhv"},
	};
	struct nsec3_params params = {12, 4, {0xaa, 0xbb, 0xcc, 0xdd}};
	uint8_t hash[NSEC3_HASH_LEN], owner[NAME_MAX_LEN];
	char text[NAME_TEXT_SIZE], want[NAME_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(names); i++) {
		nsec3_hash(&params, fixture_name(names[i][0]), hash);
		assert_int_equal(nsec3_owner(hash, fixture_name("Example."), owner), 33 + 9);
		name_text(owner, text);
		snprintf(want, sizeof(want), "%s.example.", names[i][1]);
		assert_string_equal(text, want);
	}
}

static void test_owner_too_long(void **state)
{
	uint8_t apex[NAME_MAX_LEN] = {0}, hash[NSEC3_HASH_LEN] = {0}, out[NAME_MAX_LEN];

	(void)state;
	apex[0] = apex[64] = apex[128] = 63;
	apex[192] = 28; /* 222 octets: with 33 more, 255 */
	assert_int_equal(nsec3_owner(hash, apex, out), 255);
	apex[192] = 29;
	apex[192 + 30] = 0;
	assert_int_equal(nsec3_owner(hash, apex, out), 0);
}

static void test_rdata(void **state)
{
	static const uint8_t next[NSEC3_HASH_LEN] = {1, 2, 3}, bitmap[] = {0, 1, 0x40};
	struct nsec3_params params = {5, 2, {0xab, 0xcd}};
	struct buf out = {0};
	uint8_t want[64];
	size_t n = fixture_hex(
	    "01 01 0005 02 abcd 14 0102030000000000000000000000000000000000 00 01 40", want);

	(void)state;
	nsec3_rdata(&params, NSEC3_FLAG_OPT_OUT, next, bitmap, sizeof(bitmap), &out);
	assert_int_equal(out.len, n);
	assert_memory_equal(out.data, want, n);
	assert_int_equal(rdata_check(RR_NSEC3, out.data, (uint16_t)out.len, NULL), OK);
	buf_reset(&out);
	nsec3param_rdata(&params, &out);
	n = fixture_hex("01 00 0005 02 abcd", want);
	assert_int_equal(out.len, n);
	assert_memory_equal(out.data, want, n);
	buf_free(&out);
}

/* Take a bitmap apart and make it again. */
static void rebuild_bitmap(const uint8_t *bitmap, size_t len)
{
	static uint16_t types[65536];
	struct buf again = {0};
	size_t count = 0;

	for (unsigned type = 0; type < 65536; type++)
		if (nsec_bitmap_has(bitmap, len, (uint16_t)type))
			types[count++] = (uint16_t)type;
	nsec_bitmap(types, count, &again);
	assert_int_equal(again.len, len);
	if (len > 0)
		assert_memory_equal(again.data, bitmap, len);
	buf_free(&again);
}

static void test_bitmaps_of_signed_zones(void **state)
{
	static const char *const files[] = {
	    "vectors/rfc4035-appA.signed.zone", "vectors/rfc5155-appA.signed.zone"};
	size_t seen = 0;

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(files); i++) {
		const char *path = fixture_public_path(files[i]);
		struct fixture_zone z;
		struct err e = {0};

		if (path == NULL)
			skip();
		if (fixture_load(&z, path, "example.", &e) != OK)
			fail_msg("%s", e.text);
		for (size_t r = 0; r < z.count; r++) {
			const uint8_t *rdata = z.records[r].rdata;
			size_t head = 0;

			if (z.records[r].type == RR_NSEC)
				head = name_len(rdata);
			else if (z.records[r].type == RR_NSEC3)
				head = 5u + rdata[4] + 1u + rdata[5 + rdata[4]];
			else
				continue;
			rebuild_bitmap(rdata + head, z.records[r].len - head);
			seen++;
		}
		fixture_free(&z);
	}
	assert_true(seen > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bitmap_of_rfc4034),
	    cmocka_unit_test(test_bitmap_cut_off),
	    cmocka_unit_test(test_hashes_of_rfc5155),
	    cmocka_unit_test(test_owner_too_long),
	    cmocka_unit_test(test_rdata),
	    cmocka_unit_test(test_bitmaps_of_signed_zones),
	};

	return cmocka_run_group_tests_name("nsec", tests, NULL, NULL);
}
