/* The signature runway: which thresholds count, which was passed, when the next one comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include "watch/runway.h"

#define HOUR 3600
#define DAY 86400
#define NOW INT64_C(1800000000)

static const int64_t usual[] = {7 * DAY, 3 * DAY, DAY};

static struct runway look(int64_t refresh, int64_t left, int64_t overdue)
{
	struct runway_question q = {.wanted = usual,
	    .wanted_count = 3,
	    .refresh = refresh,
	    .expires = NOW + left,
	    .due = NOW - overdue,
	    .now = NOW};

	return runway_look(&q);
}

static void assert_level(struct runway r, enum runway_level level, int64_t threshold)
{
	assert_string_equal(runway_level_name(r.level), runway_level_name(level));
	assert_int_equal(r.threshold, threshold);
}

static void test_normal(void **state)
{
	struct runway r = look(7 * DAY, 13 * DAY, -6 * DAY);

	(void)state;
	assert_level(r, RUNWAY_NORMAL, 0);
	assert_int_equal(r.left, 13 * DAY);
	assert_int_equal(r.next, 3 * DAY);
	assert_int_equal(r.next_at, NOW + 10 * DAY);
	/* As low as it gets, and a little below while signatures are made. */
	assert_level(look(7 * DAY, 7 * DAY, 0), RUNWAY_NORMAL, 0);
	assert_level(look(7 * DAY, 7 * DAY - 6 * HOUR, 6 * HOUR), RUNWAY_NORMAL, 0);
	assert_level(look(7 * DAY, 4 * DAY, 3 * DAY), RUNWAY_NORMAL, 0);
	/* With a long refresh a week is low. */
	assert_level(look(10 * DAY, 7 * DAY, 3 * DAY), RUNWAY_LOW, 7 * DAY);
}

static void test_passed(void **state)
{
	struct runway r = look(7 * DAY, 3 * DAY, 4 * DAY);

	(void)state;
	assert_level(r, RUNWAY_LOW, 3 * DAY);
	assert_int_equal(r.next_at, NOW + 2 * DAY);
	assert_int_equal(r.next, DAY);
	assert_level(look(7 * DAY, 3 * DAY + 1, 4 * DAY - 1), RUNWAY_NORMAL, 0);
	r = look(7 * DAY, DAY, 6 * DAY);
	assert_level(r, RUNWAY_LOW, DAY);
	assert_int_equal(r.next, 12 * HOUR);
	assert_level(look(7 * DAY, 12 * HOUR, 6 * DAY + 12 * HOUR), RUNWAY_CRITICAL, 12 * HOUR);
	r = look(7 * DAY, HOUR, 7 * DAY - HOUR);
	assert_level(r, RUNWAY_CRITICAL, HOUR);
	assert_int_equal(r.next, 0);
	assert_int_equal(r.next_at, NOW + HOUR);
}

static void test_over(void **state)
{
	struct runway r = look(7 * DAY, 0, 7 * DAY);

	(void)state;
	assert_level(r, RUNWAY_OVER, 0);
	assert_int_equal(r.reminder, 0);
	assert_int_equal(r.next_at, NOW + DAY);
	r = look(7 * DAY, -DAY - 5, 8 * DAY);
	assert_int_equal(r.reminder, 1);
	assert_int_equal(r.next_at, NOW + DAY - 5);
}

/* In an emergency the signatures over the DNSKEY set live 3 days, and are renewed daily. */
static void test_emergency(void **state)
{
	(void)state;
	assert_level(look(7 * DAY, 2 * DAY, 0), RUNWAY_NORMAL, 0);
	assert_level(look(7 * DAY, DAY, DAY), RUNWAY_LOW, DAY);
}

/* A slice of a walk is due now, and all signatures are fresh. */
static void test_walk(void **state)
{
	(void)state;
	assert_level(look(7 * DAY, 7 * DAY, 0), RUNWAY_NORMAL, 0);
	assert_level(look(7 * DAY, 13 * DAY, 0), RUNWAY_NORMAL, 0);
}

static void test_short_lives(void **state)
{
	struct runway r = look(2 * HOUR, 2 * HOUR, 0);

	(void)state;
	assert_level(r, RUNWAY_NORMAL, 0);
	assert_int_equal(r.next, HOUR);
	r = look(600, 300, 300);
	assert_level(r, RUNWAY_CRITICAL, 300);
	assert_int_equal(r.next, 0);
}

static void test_unsigned(void **state)
{
	struct runway_question q = {.wanted = usual, .wanted_count = 3, .refresh = DAY, .now = NOW};
	struct runway r = runway_look(&q);

	(void)state;
	assert_level(r, RUNWAY_NONE, 0);
	assert_int_equal(r.next_at, 0);
}

/* In any order, twice the same, and none that would count. */
static void test_wanted(void **state)
{
	static const int64_t odd[] = {DAY, 3 * DAY, DAY, 12 * HOUR, 60 * DAY};
	struct runway_question q = {.wanted = odd,
	    .wanted_count = 5,
	    .refresh = 7 * DAY,
	    .expires = NOW + 2 * DAY,
	    .due = NOW - 5 * DAY,
	    .now = NOW};
	struct runway r = runway_look(&q);

	(void)state;
	assert_level(r, RUNWAY_LOW, 3 * DAY);
	assert_int_equal(r.next, DAY);
	q.expires = NOW + DAY;
	assert_int_equal(runway_look(&q).next, 12 * HOUR);
	q.wanted_count = 0;
	assert_int_equal(runway_look(&q).level, RUNWAY_NORMAL);
}

static void test_text(void **state)
{
	char text[RUNWAY_TEXT_SIZE];

	(void)state;
	runway_text(3 * DAY + 4 * HOUR + 59, text);
	assert_string_equal(text, "3 days 4 h");
	runway_text(-DAY, text);
	assert_string_equal(text, "1 day 0 h");
	runway_text(2 * HOUR + 600, text);
	assert_string_equal(text, "2 h 10 min");
	runway_text(61, text);
	assert_string_equal(text, "1 min 1 s");
	runway_text(0, text);
	assert_string_equal(text, "0 s");
}

#define TEST(name, fn)                                                                             \
	{                                                                                          \
		name, fn, NULL, NULL, NULL                                                         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST("R50 no threshold counts that normal operation reaches", test_normal),
	    TEST("R50 thresholds of days, then of hours", test_passed),
	    TEST("R11 R50 when it is over, and every day after that", test_over),
	    TEST("R23 the short signatures of an emergency are normal", test_emergency),
	    TEST("a walk under way is normal", test_walk),
	    TEST("signatures that live for hours or minutes", test_short_lives),
	    TEST("an unsigned zone has no runway", test_unsigned),
	    TEST("R50 thresholds as the policy has them", test_wanted),
	    TEST("times in words", test_text),
	};

	return cmocka_run_group_tests_name("runway", tests, NULL, NULL);
}
