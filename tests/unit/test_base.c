/* base: buffers and readers, durations and times, error records, secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/period.h"
#include "base/secret.h"

static void buffers_give_back_what_was_put(void **state)
{
	struct buf b = {0};
	struct reader r;
	char text[8];
	size_t len;

	(void)state;
	buf_u8(&b, 7);
	buf_u16(&b, 0x1234);
	buf_u64(&b, UINT64_C(0x1122334455667788));
	buf_str(&b, "zone");
	buf_lv16(&b, NULL, 0);
	assert_false(b.failed);
	r = reader_of(b.data, b.len);
	assert_int_equal(reader_u8(&r), 7);
	assert_int_equal(reader_u16(&r), 0x1234);
	assert_true(reader_u64(&r) == UINT64_C(0x1122334455667788));
	reader_str(&r, text, sizeof(text));
	assert_string_equal(text, "zone");
	reader_lv16(&r, &len);
	assert_int_equal(len, 0);
	assert_int_equal(reader_left(&r), 0);
	assert_false(r.failed);
	assert_int_equal(reader_u8(&r), 0);
	assert_true(r.failed);
	buf_free(&b);
}

static void a_limit_is_a_sticky_error(void **state)
{
	struct buf b = {.limit = 4};

	(void)state;
	buf_u32(&b, 1);
	assert_false(b.failed);
	buf_u8(&b, 1);
	assert_true(b.failed);
	buf_u8(&b, 1);
	assert_int_equal(b.len, 4);
	buf_free(&b);
}

static void strings_in_messages_hold_no_zero_and_fit(void **state)
{
	uint8_t with_zero[] = {0, 3, 'a', 0, 'b'}, too_long[] = {0, 4, 'a', 'b', 'c', 'd'};
	struct reader r = reader_of(with_zero, sizeof(with_zero));
	char out[4];

	(void)state;
	reader_str(&r, out, sizeof(out));
	assert_true(r.failed);
	r = reader_of(too_long, sizeof(too_long));
	reader_str(&r, out, sizeof(out));
	assert_true(r.failed);
	assert_string_equal(out, "");
}

static void durations_are_iso_8601(void **state)
{
	static const struct {
		const char *text;
		int32_t months;
		int64_t seconds;
	} good[] = {{"P2Y", 24, 0}, {"P1Y2M", 14, 0}, {"P1W", 0, 604800}, {"P1DT12H", 0, 129600},
	    {"PT30S", 0, 30}, {"PT1M", 0, 60}, {"P1M", 1, 0}, {"PT0S", 0, 0}};
	static const char *const bad[] = {"", "P", "PT", "1D", "P1", "P1H", "PT1D", "P1D1D",
	    "PT1S1M", "P-1D", "P1.5D", "P1DT", "P99999999999D", "P1D "};
	struct period p;
	char back[40];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(period_parse(good[i].text, &p), OK);
		assert_int_equal(p.months, good[i].months);
		assert_true(p.seconds == good[i].seconds);
		period_text(p, back);
		assert_string_equal(back, good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(period_parse(bad[i], &p), ERR_FORMAT);
}

static int64_t at(const char *text)
{
	int64_t t = 0;

	assert_int_equal(time_parse(text, &t), OK);
	return t;
}

static void months_clamp_to_the_end_of_the_month_R21(void **state)
{
	static const struct {
		const char *from, *period, *to;
	} sums[] = {
	    {"2027-01-31T10:00:00Z", "P1M", "2027-02-28T10:00:00Z"},
	    {"2028-01-31T10:00:00Z", "P1M", "2028-02-29T10:00:00Z"},
	    {"2028-02-29T00:00:00Z", "P1Y", "2029-02-28T00:00:00Z"},
	    {"2026-11-30T23:59:59Z", "P3M", "2027-02-28T23:59:59Z"},
	    {"2026-12-31T00:00:00Z", "P2M1W", "2027-03-07T00:00:00Z"},
	};
	struct period p;
	char text[TIME_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		assert_int_equal(period_parse(sums[i].period, &p), OK);
		time_text(period_add(at(sums[i].from), p), text);
		assert_string_equal(text, sums[i].to);
	}
	assert_int_equal(period_parse("P1M", &p), OK);
	time_text(period_sub(at("2027-03-31T00:00:00Z"), p), text);
	assert_string_equal(text, "2027-02-28T00:00:00Z");
}

static void errors_keep_code_and_words(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(err_set(&e, ERR_MISSING, "no zone %s", "a."), ERR_MISSING);
	assert_int_equal(err_wrap(&e, "signing"), ERR_MISSING);
	assert_string_equal(e.text, "signing: no zone a.");
	assert_int_equal(err_set(NULL, ERR_LIMIT, "x"), ERR_LIMIT);
	for (int code = 0; code > -ERR_CODE_COUNT; code--)
		assert_non_null(err_name(code));
	assert_string_equal(err_name(-1000), "unknown error");
}

static void secrets_from_base64(void **state)
{
	struct secret s = {0};

	(void)state;
	assert_int_equal(secret_from_base64(&s, "c2VjcmV0", NULL), OK);
	assert_int_equal(s.len, 6);
	assert_memory_equal(s.data, "secret", 7);
	assert_int_equal(secret_from_base64(&s, "c2VjcmU=", NULL), OK);
	assert_int_equal(s.len, 5);
	assert_int_equal(secret_from_base64(&s, "not base64!", NULL), ERR_FORMAT);
	assert_int_equal(secret_from_base64(&s, "", NULL), ERR_FORMAT);
	assert_int_equal(s.len, 5);
	secret_free(&s);
}

static void arenas_hold_large_and_small(void **state)
{
	struct arena *a = arena_new();
	char *big = arena_alloc(a, 100000), *word = arena_strdup(a, "word");

	(void)state;
	memset(big, 1, 100000);
	assert_string_equal(word, "word");
	assert_null(arena_strdup(a, NULL));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(buffers_give_back_what_was_put),
	    cmocka_unit_test(a_limit_is_a_sticky_error),
	    cmocka_unit_test(strings_in_messages_hold_no_zero_and_fit),
	    cmocka_unit_test(durations_are_iso_8601),
	    cmocka_unit_test(months_clamp_to_the_end_of_the_month_R21),
	    cmocka_unit_test(errors_keep_code_and_words),
	    cmocka_unit_test(secrets_from_base64),
	    cmocka_unit_test(arenas_hold_large_and_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
