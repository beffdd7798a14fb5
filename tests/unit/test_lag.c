/* How far a destination is behind, and until when what it serves is valid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include "base/err.h"
#include "watch/lag.h"

#define DAY 86400
#define NOW INT64_C(1800000000) /* 2027-01-15T08:00:00Z */

static struct lag_versions publish(unsigned count, uint32_t first)
{
	struct lag_versions v = {.count = 0};

	for (unsigned i = 0; i < count; i++)
		assert_true(lag_publish(&v, first + i, NOW + i * 100, NOW + 14 * DAY + i));
	return v;
}

static void test_behind(void **state)
{
	struct lag_versions v = publish(5, 0xfffffffe); /* to 2 */
	struct lag l = lag_of(&v, 0);
	char text[LAG_TEXT_SIZE];

	(void)state;
	assert_true(l.is_behind);
	assert_int_equal(l.versions, 2);
	assert_int_equal(l.serials, 2);
	assert_int_equal(l.since, NOW + 300);
	assert_int_equal(l.expires, NOW + 14 * DAY + 2);
	lag_text(&l, text);
	assert_string_equal(text, "2 versions behind since 2027-01-15T08:05:00Z");
	l = lag_of(&v, 1);
	lag_text(&l, text);
	assert_string_equal(text, "1 version behind since 2027-01-15T08:06:40Z");
	l = lag_of(&v, 2);
	assert_false(l.is_behind);
	assert_int_equal(l.expires, 0);
	lag_text(&l, text);
	assert_string_equal(text, "");
	assert_false(lag_of(&v, 3).is_behind); /* newer: another story */
}

static void test_forgotten(void **state)
{
	struct lag_versions v = publish(LAG_VERSIONS + 3, 100);
	struct lag l = lag_of(&v, 102);
	char text[LAG_TEXT_SIZE];

	(void)state;
	assert_int_equal(v.count, LAG_VERSIONS);
	assert_int_equal(v.list[0].serial, 103);
	assert_true(l.is_behind);
	assert_int_equal(l.versions, 0);
	assert_int_equal(l.expires, 0);
	lag_text(&l, text);
	assert_string_equal(text, "16 serials behind");
	assert_int_equal(lag_of(&v, 103).versions, LAG_VERSIONS - 1);
	assert_false(lag_publish(&v, v.list[LAG_VERSIONS - 1].serial, NOW, NOW));
	memset(&v, 0, sizeof(v));
	assert_false(lag_of(&v, 1).is_behind);
}

static void test_kept(void **state)
{
	struct lag_versions v = publish(LAG_VERSIONS, 7), back;
	struct buf b = {0};

	(void)state;
	lag_write(&v, &b);
	assert_int_equal(lag_read(b.data, b.len, &back), OK);
	assert_memory_equal(&v, &back, sizeof(v));
	for (size_t len = 1; len < b.len; len++)
		assert_int_equal(lag_read(b.data, len, &back), len % 20 == 0 ? OK : ERR_FORMAT);
	lag_write(&(struct lag_versions){.count = 1}, &b); /* one too many */
	assert_int_equal(lag_read(b.data, b.len, &back), ERR_FORMAT);
	buf_free(&b);
}

static void test_finding(void **state)
{
	struct lag current = {.is_behind = false}, old = {.is_behind = true};
	char text[LAG_TEXT_SIZE];

	(void)state;
	lag_finding(&current, true, NOW + DAY, NOW, text);
	assert_string_equal(text, "");
	lag_finding(&current, true, NOW, NOW, text);
	assert_string_equal(text,
	    "signatures that it serves have expired since 2027-01-15T08:00:00Z: validators fail "
	    "there");
	lag_finding(&old, true, 0, NOW, text);
	assert_string_equal(text, "");
	/* Of an old version something may expire before its SOA does. */
	old.expires = NOW + 100;
	lag_finding(&old, true, NOW + DAY, NOW, text);
	assert_string_equal(text,
	    "signatures that it serves expire from 2027-01-15T08:01:40Z on: then validators fail "
	    "there");
	lag_finding(&old, false, NOW + DAY, NOW, text); /* it may be fetching right now */
	assert_string_equal(text, "");
	lag_finding(&old, false, NOW + 99, NOW + 99, text);
	assert_non_null(strstr(text, "expired since 2027-01-15T08:01:39Z"));
}

#define TEST(name, fn)                                                                             \
	{                                                                                          \
		name, fn, NULL, NULL, NULL                                                         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST("R60 so many versions behind, and since when", test_behind),
	    TEST("R60 more versions than are kept in mind", test_forgotten),
	    TEST("R60 the last versions are kept", test_kept),
	    TEST("R60 old versions hold old signatures", test_finding),
	};

	return cmocka_run_group_tests_name("lag", tests, NULL, NULL);
}
