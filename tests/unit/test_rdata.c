/* RDATA: what is refused, canonical form, names out of messages, presentation form. */
#include "dns_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"

static int check_hex(uint16_t type, const char *hex, struct err *e)
{
	uint8_t rdata[600], *exact;
	size_t n = fixture_hex(hex, rdata);
	int rc;

	exact = mem_alloc(n + 1); /* and none behind it that a sanitizer would not see */
	exact = mem_grow(exact, n > 0 ? n : 1, 1);
	memcpy(exact, rdata, n);
	rc = rdata_check(type, exact, (uint16_t)n, e);
	free(exact);
	return rc;
}

static const struct {
	uint16_t type;
	const char *hex;
} good[] = {
    {1, "c0000201"},
    {2, "00"},
    {6, "00 00 00000001 00000002 00000003 00000004 00000005"},
    {11, "c0000201 06 40"},
    {13, "00 00"},
    {16, "00"},
    {16, "01 61 02 6162"},
    {20, "01 61"},
    {20, "01 61 01 62"},
    {25, "c000 03 05"}, /* KEY that says there is none */
    {29, "00 12 16 13 80000000 80000000 00989680"},
    {38, "00 20010db8000000000000000000000001"},
    {38, "80 01 61 00"},
    {40, "01 00 00"},
    {42, ""},
    {42, "0001 20 04 c0000201 0002 80 81 20"},
    {43, "0001 0d 02 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
    {43, "0001 0d 09 00"}, /* a digest type that is not known yet */
    {45, "0a 00 02"},
    {45, "0a 03 02 01 61 00 ffff"},
    {46, "0001 0d 00 00000001 00000001 00000001 0001 00 ff"},
    {47, "00 00 01 40"},
    {48, "0101 03 0d ff"},
    {50, "01 00 0000 00 14 0000000000000000000000000000000000000000"},
    {50, "02 00 0000 00 01 00 00 01 40"},
    {51, "01 00 0000 00"},
    {59, "0000 00 00 00"},
    {60, "0000 03 00 00"},
    {62, "00000001 0003"},
    {64, "0000 01 61 00"},
    {64, "0001 00 0000 0004 0001 0003 0001 0003 026832 0003 0002 01bb"},
    {65, "0001 00 0004 0004 c0000201 0006 0010 20010db8000000000000000000000001"},
    {104, "0001 0011223344556677"},
    {108, "001122334455"},
    {256, "0001 0001"},
    {257, "00 05 6973737565"},
    {260, "0a 83 01 61 00"},
    {260, "00 04"},
    {731, ""},
    {731, "00ff"},
};

static const struct {
	uint16_t type;
	const char *hex;
} bad[] = {
    {1, ""},
    {1, "c00002"},
    {1, "c000020101"},
    {2, ""},
    {2, "01 61"},
    {2, "c000"}, /* a pointer */
    {2, "00 00"},
    {6, "00 00 00000001 00000002 00000003 00000004 000005"},
    {11, "c0000201"},
    {13, "00"},
    {15, "0001"},
    {16, ""},
    {16, "02 61"},
    {19, "03 313233"},
    {19, "04 3132 3361"},
    {22, ""},
    {28, "c0000201"},
    {29, "01 12 16 13 80000000 80000000 00989680"},
    {29, "00 a2 16 13 80000000 80000000 00989680"},
    {29, "00 12 16 13 ffffffff 80000000 00989680"},
    {29, "00 12 16 13 80000000 00000000 00989680"},
    {31, ""},
    {37, "0001 0001 05"},
    {38, "81 00"},
    {38, "80"},
    {38, "00 c0000201"},
    {42, "0001 21 04 c0000201"},
    {42, "0001 20 05 c000020101"},
    {42, "0001 20 04 c0000200"},
    {42, "0001 20 04 c00002"},
    {43, "0001 0d 02"},
    {43, "0001 0d 02 01234567"},
    {43, "0001 0d 01 01234567"},
    {44, "01 01 0123"},
    {44, "01 02"},
    {45, "0a 03 02"},
    {45, "0a 04 02 ff"},
    {46, "0001 0d 00 00000001 00000001 00000001 0001 00"},
    {47, "00"},
    {47, "00 00 01 00"},
    {47, "00 00 00"},
    {47, "00 00 21 00000000000000000000000000000000 00000000000000000000000000000000 01"},
    {47, "00 01 01 40 00 01 40"},
    {47, "00 00 01 40 00 01 40"},
    {47, "00 00 02 40"},
    {48, "0101 03 0d"},
    {49, ""},
    {50, "01 00 0000 00 13 00000000000000000000000000000000000000"},
    {50, "01 00 0000 00 00"},
    {50, "01 00 0000 02 00"},
    {51, "01 00 0000"},
    {51, "01 00 0000 00 00"},
    {52, "03 01"},
    {55, "00 02 0001 ff"},
    {59, "0001 00 00 00"},
    {59, "0000 00 00 0000"},
    {60, "0000 03 00"},
    {61, ""},
    {63, "00000001 01 01 00"},
    {64, "0001"},
    {64, "0001 00 0003 0002 01bb 0001 0003 026832"}, /* order */
    {64, "0001 00 0003 0002 01bb 0003 0002 01bb"},
    {64, "0001 00 0003 0001 01"},
    {64, "0001 00 0003 0003 0102"},
    {64, "0001 00 0001 0000"},
    {64, "0001 00 0001 0001 00"},
    {64, "0001 00 0000 0002 0003"}, /* mandatory, but not there */
    {64, "0001 00 0000 0002 0000 0001 0003 026832"},
    {64, "0001 00 0002 0000"},
    {64, "0001 00 0004 0003 c00002"},
    {64, "0001 00 0007 0001 2f"},
    {64, "0001 00 ffff 0000"},
    {108, "0011223344"},
    {256, "0001"},
    {257, "00"},
    {257, "00 00"},
    {257, "00 01 2d"},
    {257, "00 06 6973737565"},
    {260, "0a 81 c00002"},
};

static void test_good_R7(void **state)
{
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(good); i++)
		if (check_hex(good[i].type, good[i].hex, &e) != OK)
			fail_msg("type %u, %s: %s", good[i].type, good[i].hex, e.text);
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < MEM_COUNT(bad); i++) {
		struct err e = {0};

		if (check_hex(bad[i].type, bad[i].hex, &e) != ERR_FORMAT || e.text[0] == '\0')
			fail_msg("type %u, %s: taken", bad[i].type, bad[i].hex);
	}
}

/* Good RDATA printed and read by nobody else must at least not break anything. */
static void test_text_of_good_and_bad(void **state)
{
	uint8_t rdata[600];
	struct buf text = {0};

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(good); i++) {
		buf_reset(&text);
		rdata_text(good[i].type, rdata, (uint16_t)fixture_hex(good[i].hex, rdata), &text);
		assert_false(text.failed);
	}
	for (size_t i = 0; i < MEM_COUNT(bad); i++) {
		buf_reset(&text);
		rdata_text(bad[i].type, rdata, (uint16_t)fixture_hex(bad[i].hex, rdata), &text);
		assert_memory_equal(text.data, "\\# ", 3);
	}
	buf_free(&text);
}

/* RFC 4034 6.2 with RFC 6840 5.1: which types have their names in lower case. */
static void test_canonical_R7(void **state)
{
	static const struct {
		uint16_t type;
		const char *in, *out;
	} cases[] = {
	    {2, "01 41 00", "01 61 00"},
	    {6, "01 41 00 01 42 00 41414141 41414141 41414141 41414141 41414141",
		"01 61 00 01 62 00 41414141 41414141 41414141 41414141 41414141"},
	    {13, "01 41 01 42", "01 41 01 42"},
	    {15, "4141 01 41 00", "4141 01 61 00"},
	    {16, "01 41", "01 41"},
	    {17, "01 41 00 01 42 00", "01 61 00 01 62 00"},
	    {30, "01 41 00 41", "01 61 00 41"},
	    {33, "4141 4141 4141 01 41 00", "4141 4141 4141 01 61 00"},
	    {35, "0001 0001 01 41 01 41 01 41 01 41 00", "0001 0001 01 41 01 41 01 41 01 61 00"},
	    {38, "78 41 01 41 00", "78 41 01 61 00"},
	    {39, "01 41 00", "01 61 00"},
	    {46, "0001 0d 00 41414141 41414141 41414141 4141 01 41 00 41",
		"0001 0d 00 41414141 41414141 41414141 4141 01 61 00 41"},
	    {47, "01 41 00 00 01 41", "01 41 00 00 01 41"},
	    {64, "0001 01 41 00", "0001 01 41 00"},
	    {107, "0001 01 41 00", "0001 01 41 00"},
	    {731, "01 41 00", "01 41 00"},
	};

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(cases); i++) {
		uint8_t in[64], want[64], out[64];
		size_t n = fixture_hex(cases[i].in, in);

		fixture_hex(cases[i].out, want);
		rdata_canonical(cases[i].type, in, (uint16_t)n, out);
		assert_memory_equal(out, want, n);
		if (rdata_is_caseless(cases[i].type))
			assert_memory_equal(in, want, n);
		rdata_canonical(cases[i].type, in, (uint16_t)n, in);
		assert_memory_equal(in, want, n);
	}
}

static void test_compare(void **state)
{
	static const uint8_t a[] = {1}, ab[] = {1, 2}, b[] = {2};

	(void)state;
	assert_true(rdata_compare(a, 1, ab, 2) < 0);
	assert_true(rdata_compare(ab, 2, b, 1) < 0);
	assert_true(rdata_compare(b, 1, ab, 2) > 0);
	assert_int_equal(rdata_compare(ab, 2, ab, 2), 0);
	assert_true(rdata_compare(NULL, 0, a, 1) < 0);
	assert_int_equal(rdata_compare(NULL, 0, NULL, 0), 0);
}

static int from_message(uint16_t type, const char *hex, size_t offset, struct buf *out)
{
	uint8_t msg[300];
	size_t n = fixture_hex(hex, msg);

	buf_reset(out);
	return rdata_from_message(type, msg, n, offset, (uint16_t)(n - offset), out, NULL);
}

static void test_from_message(void **state)
{
	struct buf out = {0};

	(void)state;
	assert_int_equal(from_message(15, "01 41 00 000a 01 62 c000", 3, &out), OK);
	assert_int_equal(out.len, 7);
	assert_memory_equal(out.data, "\0\012\001b\001A\0", 7);
	/* RFC 3597 4: not in types that came later. */
	assert_int_equal(from_message(39, "01 41 00 01 62 c000", 3, &out), ERR_FORMAT);
	assert_int_equal(from_message(64, "01 41 00 0001 c000", 3, &out), ERR_FORMAT);
	/* Behind the RDATA, at itself, cut off. */
	assert_int_equal(from_message(15, "01 41 00 000a c005", 3, &out), ERR_FORMAT);
	assert_int_equal(from_message(15, "01 41 00 000a c0", 3, &out), ERR_FORMAT);
	assert_int_equal(from_message(15, "01 41 00 000a c000 00", 3, &out), ERR_FORMAT);
	assert_int_equal(from_message(731, "01 41 00 c000", 3, &out), OK);
	assert_int_equal(out.len, 2);
	assert_int_equal(from_message(16, "01 41 00", 3, &out), ERR_FORMAT);
	assert_int_equal(out.len, 0);
	assert_int_equal(
	    rdata_from_message(1, (const uint8_t *)"\1\2\3", 3, 0, 4, &out, NULL), ERR_FORMAT);
	buf_free(&out);
}

/* Random octets as every type: nothing may read behind its end (sanitizers watch). */
static void test_random_octets(void **state)
{
	struct buf text = {0};

	(void)state;
	fixture_seed();
	for (unsigned i = 0; i < 60000; i++) {
		uint16_t type = (uint16_t)(fixture_random(4) == 0 ? 255 + fixture_random(10)
								  : fixture_random(112));
		size_t len = fixture_random(40);
		uint8_t *rdata = mem_alloc(len + 1);

		rdata = mem_grow(rdata, len > 0 ? len : 1, 1);
		for (size_t k = 0; k < len; k++)
			rdata[k] = (uint8_t)(fixture_random(3) > 0 ? fixture_random(5)
								   : fixture_random(256));
		if (rdata_check(type, rdata, (uint16_t)len, NULL) == OK) {
			buf_reset(&text);
			rdata_text(type, rdata, (uint16_t)len, &text);
			rdata_canonical(type, rdata, (uint16_t)len, rdata);
		}
		free(rdata);
	}
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good_R7),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_text_of_good_and_bad),
	    cmocka_unit_test(test_canonical_R7),
	    cmocka_unit_test(test_compare),
	    cmocka_unit_test(test_from_message),
	    cmocka_unit_test(test_random_octets),
	};

	return cmocka_run_group_tests_name("rdata", tests, NULL, NULL);
}
