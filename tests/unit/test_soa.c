/* SOA fields, serial arithmetic and the four policies. */
#include "dns_fixture.h"

#include <string.h>
#include "base/mem.h"
#include "dns/soa.h"

static void test_fields(void **state)
{
	uint8_t rdata[64];
	size_t n =
	    fixture_hex("01 61 00 01 62 00 00000001 00000002 00000003 00000004 00000005", rdata);
	struct soa soa;

	(void)state;
	assert_int_equal(soa_parse(rdata, n, &soa), OK);
	assert_int_equal(soa.serial, 1);
	assert_int_equal(soa.refresh, 2);
	assert_int_equal(soa.retry, 3);
	assert_int_equal(soa.expire, 4);
	assert_int_equal(soa.minimum, 5);
	soa_set_serial(rdata, n, 0xfffffffe);
	assert_int_equal(soa_parse(rdata, n, &soa), OK);
	assert_int_equal(soa.serial, 0xfffffffe);
	assert_int_equal(soa.refresh, 2);
	for (size_t len = 0; len < n; len++)
		assert_int_equal(soa_parse(rdata, len, &soa), ERR_FORMAT);
	assert_int_equal(soa_parse(rdata, n + 1, &soa), ERR_FORMAT);
}

static void test_serial_gt(void **state)
{
	(void)state;
	assert_true(serial_gt(1, 0));
	assert_false(serial_gt(0, 1));
	assert_false(serial_gt(5, 5));
	assert_true(serial_gt(0, 0xffffffff));
	assert_true(serial_gt(0x7fffffff, 0));
	assert_false(serial_gt(0x80000000, 0)); /* RFC 1982 3.2: undefined; never "greater" here */
	assert_false(serial_gt(0, 0x80000000));
}

static const struct policy_case {
	enum serial_policy policy;
	bool has_last;
	uint32_t last, source;
	int64_t now;
	uint32_t want;
	bool jumped;
} cases[] = {
    {SERIAL_KEEP, false, 0, 77, 0, 77, false},
    {SERIAL_KEEP, true, 76, 77, 0, 77, false},
    {SERIAL_KEEP, true, 77, 77, 0, 78, true},
    {SERIAL_KEEP, true, 90, 77, 0, 91, true},
    {SERIAL_KEEP, true, 0xffffffff, 3, 0, 3, false},
    {SERIAL_COUNTER, false, 0, 77, 0, 77, false},
    {SERIAL_COUNTER, true, 77, 500, 0, 78, false},
    {SERIAL_COUNTER, true, 0xffffffff, 500, 0, 0, false},
    {SERIAL_UNIXTIME, false, 0, 5, 1764000000, 1764000000, false},
    {SERIAL_UNIXTIME, true, 1763999999, 5, 1764000000, 1764000000, false},
    {SERIAL_UNIXTIME, true, 1764000000, 5, 1764000000, 1764000001, false},
    {SERIAL_UNIXTIME, true, 1764000009, 5, 1764000000, 1764000010, false},
    {SERIAL_DATECOUNTER, false, 0, 5, 1764000000, 2025112400, false},
    {SERIAL_DATECOUNTER, true, 2025112300, 5, 1764000000, 2025112400, false},
    {SERIAL_DATECOUNTER, true, 2025112400, 5, 1764000000, 2025112401, false},
    {SERIAL_DATECOUNTER, true, 2025112499, 5, 1764000000, 2025112500, false},
};

static void test_policies(void **state)
{
	(void)state;
	for (size_t i = 0; i < MEM_COUNT(cases); i++) {
		const struct policy_case *c = &cases[i];
		bool jumped;
		uint32_t got =
		    serial_next(c->policy, c->has_last, c->last, c->source, c->now, &jumped);

		print_message("case %zu\n", i);
		assert_int_equal(got, c->want);
		assert_int_equal(jumped, c->jumped);
	}
}

static void test_always_greater(void **state)
{
	(void)state;
	fixture_seed();
	for (unsigned i = 0; i < 100000; i++) {
		enum serial_policy policy = fixture_random(4);
		uint32_t last = fixture_random(UINT32_MAX) << 1 | fixture_random(2);
		uint32_t source = fixture_random(UINT32_MAX) << 1;
		bool jumped;

		assert_true(serial_gt(
		    serial_next(policy, true, last, source, fixture_random(2000000000), &jumped),
		    last));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_serial_gt),
	    cmocka_unit_test(test_policies),
	    cmocka_unit_test(test_always_greater),
	};

	return cmocka_run_group_tests_name("soa", tests, NULL, NULL);
}
