/* The packed RRset: there and back, damaged values, order and duplicates. */
#include "dns_fixture.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"

static void put_item(struct buf *b, const char *hex)
{
	uint8_t rdata[300];
	size_t n = fixture_hex(hex, rdata);

	buf_lv16(b, rdata, n);
}

static void make_packed(struct buf *out)
{
	struct buf items = {0}, sigs = {0};
	struct rrset set = {
	    .owner = fixture_name("wWw.example."), .type = RR_A, .ttl = 300, .count = 2, .sigs = 1};

	put_item(&items, "c0000201");
	put_item(&items, "c0000202");
	put_item(&sigs, "0001 0d 02 0000012c 00000000 00000000 0001 00 ff");
	set.rdata = items.data;
	set.rdata_len = items.len;
	set.sigdata = sigs.data;
	set.sigdata_len = sigs.len;
	rrset_pack(&set, out);
	buf_free(&items);
	buf_free(&sigs);
}

static void test_there_and_back(void **state)
{
	struct buf packed = {0}, again = {0};
	struct rrset set;

	(void)state;
	make_packed(&packed);
	assert_int_equal(rrset_unpack(packed.data, packed.len, &set), OK);
	assert_memory_equal(set.owner, "\003wWw\007example", 13);
	assert_int_equal(set.ttl, 300);
	assert_int_equal(set.count, 2);
	assert_int_equal(set.sigs, 1);
	rrset_pack(&set, &again);
	assert_int_equal(again.len, packed.len);
	assert_memory_equal(again.data, packed.data, packed.len);
	buf_free(&packed);
	buf_free(&again);
}

static void test_damaged(void **state)
{
	struct buf packed = {0};
	struct rrset set;

	(void)state;
	make_packed(&packed);
	for (size_t len = 0; len < packed.len; len++) {
		uint8_t *copy = mem_alloc(len + 1); /* so that a step too far is seen */

		memcpy(copy, packed.data, len);
		assert_int_equal(rrset_unpack(copy, len, &set), ERR_FORMAT);
		free(copy);
	}
	buf_u8(&packed, 0);
	assert_int_equal(rrset_unpack(packed.data, packed.len, &set), ERR_FORMAT);
	packed.data[1] = 200;
	assert_int_equal(rrset_unpack(packed.data, packed.len - 1, &set), ERR_FORMAT);
	buf_free(&packed);
}

/* RFC 4034 6.3: as if lower case, but each keeps its own; the first of duplicates stays. */
static void test_sort_names(void **state)
{
	struct buf items = {0}, sorted = {0}, want = {0};

	(void)state;
	put_item(&items, "01 62 00");	 /* b. */
	put_item(&items, "01 41 00");	 /* A. */
	put_item(&items, "02 61 61 00"); /* aa. */
	put_item(&items, "01 42 00");	 /* B., b. again */
	put_item(&items, "00");
	put_item(&want, "00");
	put_item(&want, "01 41 00");
	put_item(&want, "01 62 00");
	put_item(&want, "02 61 61 00");
	assert_int_equal(rrset_sort(RR_NS, items.data, items.len, 5, &sorted), 4);
	/* Which of two spellings stays is not said; here either is fine. */
	sorted.data[sorted.len - 6 - 2] |= 0x20;
	assert_int_equal(sorted.len, want.len);
	assert_memory_equal(sorted.data, want.data, want.len);
	buf_free(&items);
	buf_free(&sorted);
	buf_free(&want);
}

static void test_sort_opaque(void **state)
{
	struct buf items = {0}, sorted = {0}, want = {0};

	(void)state;
	put_item(&items, "61 00");
	put_item(&items, "61");
	put_item(&items, "41");
	put_item(&items, "61 00");
	put_item(&items, "");
	put_item(&want, "");
	put_item(&want, "41");
	put_item(&want, "61");
	put_item(&want, "61 00");
	assert_int_equal(rrset_sort(731, items.data, items.len, 5, &sorted), 4);
	assert_int_equal(sorted.len, want.len);
	assert_memory_equal(sorted.data, want.data, want.len);
	buf_free(&items);
	buf_free(&sorted);
	buf_free(&want);
}

static void test_sort_many(void **state)
{
	struct buf items = {0}, sorted = {0};
	const uint8_t *p;
	uint32_t last = 0;
	uint16_t len;

	(void)state;
	fixture_seed();
	for (unsigned i = 0; i < 5000; i++) {
		buf_u16(&items, 4);
		buf_u32(&items, fixture_random(1000) + 1);
	}
	for (unsigned i = 1; i <= 1000; i++) {
		buf_u16(&items, 4);
		buf_u32(&items, i);
	}
	assert_int_equal(rrset_sort(RR_A, items.data, items.len, 6000, &sorted), 1000);
	p = sorted.data;
	while (p < sorted.data + sorted.len) {
		uint32_t value = load_u32(rrset_next(&p, &len));

		assert_int_equal(value, last + 1);
		last = value;
	}
	buf_free(&items);
	buf_free(&sorted);
}

static void test_text(void **state)
{
	struct buf packed = {0}, text = {0};
	struct rrset set;

	(void)state;
	make_packed(&packed);
	assert_int_equal(rrset_unpack(packed.data, packed.len, &set), OK);
	rrset_text(&set, &text);
	buf_u8(&text, 0);
	assert_string_equal((char *)text.data,
	    "wWw.example.\t300\tIN\tA\t192.0.2.1\n"
	    "wWw.example.\t300\tIN\tA\t192.0.2.2\n"
	    "wWw.example.\t300\tIN\tRRSIG\tA 13 2 300 19700101000000 19700101000000 1 . /w==\n");
	buf_free(&packed);
	buf_free(&text);
}

static void test_stripped_types_R70(void **state)
{
	static const uint16_t anywhere[] = {RR_RRSIG, RR_NSEC, RR_NSEC3};
	static const uint16_t apex[] = {
	    RR_DNSKEY, RR_NSEC3PARAM, RR_CDS, RR_CDNSKEY, RR_ZONEMD, RR_TYPE65534};
	unsigned stripped = 0;

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(anywhere); i++)
		assert_true(rrtype_is_stripped(anywhere[i], false));
	for (size_t i = 0; i < MEM_COUNT(apex); i++)
		assert_false(rrtype_is_stripped(apex[i], false));
	for (unsigned type = 0; type < 65536; type++)
		stripped += rrtype_is_stripped((uint16_t)type, true);
	assert_int_equal(stripped, 9);
	assert_false(rrtype_is_stripped(RR_DS, true));
}

static void test_type_names(void **state)
{
	char text[RRTYPE_TEXT_SIZE];
	uint16_t type;

	(void)state;
	for (unsigned number = 0; number < 65536; number++) {
		rrtype_text((uint16_t)number, text);
		assert_true(rrtype_parse(text, &type));
		assert_int_equal(type, number);
	}
	rrtype_text(731, text);
	assert_string_equal(text, "TYPE731");
	rrtype_text(252, text);
	assert_string_equal(text, "AXFR");
	assert_true(rrtype_parse("nsec3param", &type));
	assert_int_equal(type, RR_NSEC3PARAM);
	assert_true(rrtype_parse("AMTRELAY", &type));
	assert_int_equal(type, 260);
	assert_false(rrtype_parse("TYPE65536", &type));
	assert_false(rrtype_parse("TYPE", &type));
	assert_false(rrtype_parse("", &type));
	assert_false(rrtype_parse("NOSUCH", &type));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_there_and_back),
	    cmocka_unit_test(test_damaged),
	    cmocka_unit_test(test_sort_names),
	    cmocka_unit_test(test_sort_opaque),
	    cmocka_unit_test(test_sort_many),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_stripped_types_R70),
	    cmocka_unit_test(test_type_names),
	};

	return cmocka_run_group_tests_name("rrset", tests, NULL, NULL);
}
