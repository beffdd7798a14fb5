/* When people are told of trouble (R50), and what of a server's changes is kept (R60). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/err.h"
#include "notices/history.h"
#include "notices/trouble.h"

#define MINUTE 60
#define HOUR 3600
#define DAY 86400
#define GRACE (70 * MINUTE)
#define START 1000000000

/* What there is to be said at that time is said. */
static enum trouble_step say(struct trouble *t, int64_t now)
{
	enum trouble_step step = trouble_step(t, GRACE, now);

	trouble_said(t, step, now);
	return step;
}

/* It is said at `at`, when trouble_next says that it will be, and not before. */
static void assert_next(struct trouble *t, enum trouble_step step, int64_t at)
{
	assert_int_equal(trouble_next(t, GRACE), at);
	assert_int_equal(trouble_step(t, GRACE, at - 1), TROUBLE_NOTHING);
	assert_int_equal(say(t, at), step);
}

static void test_R50_one_failure_is_not_told(void **state)
{
	struct trouble t = {0};

	(void)state;
	assert_int_equal(trouble_next(&t, GRACE), 0);
	trouble_note(&t, 3, START);
	assert_int_equal(say(&t, START), TROUBLE_NOTHING);
	trouble_note(&t, 0, START + HOUR);
	assert_int_equal(trouble_next(&t, GRACE), 0);
	assert_int_equal(say(&t, START + 10 * DAY), TROUBLE_NOTHING);
}

static void test_R50_a_failed_retry_is_told(void **state)
{
	struct trouble t = {0};

	(void)state;
	trouble_note(&t, 3, START);
	trouble_note(&t, 3, START + 9 * MINUTE); /* too soon to say anything */
	assert_int_equal(say(&t, START + 9 * MINUTE), TROUBLE_NOTHING);
	trouble_note(&t, 3, START + HOUR);
	assert_int_equal(say(&t, START + HOUR), TROUBLE_TELL);
	assert_int_equal(say(&t, START + HOUR), TROUBLE_NOTHING);
}

static void test_R50_told_though_it_is_not_asked_again(void **state)
{
	struct trouble t = {0};

	(void)state;
	trouble_note(&t, 3, START);
	assert_next(&t, TROUBLE_TELL, START + GRACE);
}

static void test_R50_reminders_daily_then_weekly(void **state)
{
	struct trouble t = {0};
	int64_t told = START + GRACE;

	(void)state;
	trouble_note(&t, 3, START);
	assert_next(&t, TROUBLE_TELL, told);
	for (int i = 1; i <= 7; i++)
		assert_next(&t, TROUBLE_REMIND, told + i * DAY);
	for (int i = 2; i <= 5; i++)
		assert_next(&t, TROUBLE_REMIND, told + 7 * i * DAY);
	/* The daemon was away for a month: one reminder, and then as before. */
	assert_int_equal(say(&t, told + 70 * DAY), TROUBLE_REMIND);
	assert_next(&t, TROUBLE_REMIND, told + 77 * DAY);
}

static void test_R50_over_when_it_stays_good(void **state)
{
	struct trouble t = {0};
	int64_t good = START + 5 * HOUR;

	(void)state;
	trouble_note(&t, 3, START);
	assert_next(&t, TROUBLE_TELL, START + GRACE);
	trouble_note(&t, 0, good);
	trouble_note(&t, 0, good + MINUTE);
	assert_next(&t, TROUBLE_OVER, good + TROUBLE_STEADY);
	assert_int_equal(t.since, 0);
	assert_int_equal(trouble_next(&t, GRACE), 0);
}

static void test_R50_both_kinds_once_each(void **state)
{
	struct trouble t = {0};

	(void)state;
	trouble_note(&t, 3, START);
	trouble_note(&t, 3, START + HOUR);
	assert_int_equal(say(&t, START + HOUR), TROUBLE_TELL);
	trouble_note(&t, 2, START + 2 * HOUR);
	assert_next(&t, TROUBLE_TELL, START + 2 * HOUR + TROUBLE_GRACE);
	for (int i = 3; i < 20; i++) {
		trouble_note(&t, i % 2 == 0 ? 2 : 3, START + i * HOUR);
		assert_int_equal(say(&t, START + i * HOUR), TROUBLE_NOTHING);
	}
}

/* Whatever comes and goes for weeks: two notices and one of its end, then reminders. */
static void test_R50_flapping_is_no_flood(void **state)
{
	const int64_t periods[] = {5 * MINUTE, 20 * MINUTE, HOUR, 3 * HOUR, 11 * HOUR};

	(void)state;
	for (size_t i = 0; i < sizeof(periods) / sizeof(*periods); i++) {
		struct trouble t = {0};
		unsigned said[4] = {0};
		int64_t now;

		for (now = START; now < START + 60 * DAY; now += MINUTE) {
			trouble_note(&t, (now - START) / periods[i] % 2 == 0 ? 3 : 0, now);
			said[say(&t, now)]++;
		}
		assert_true(said[TROUBLE_TELL] <= 2);
		assert_true(said[TROUBLE_TELL] >= 1);
		assert_true(said[TROUBLE_OVER] <= 1);
		assert_in_range(said[TROUBLE_REMIND], 7, 16);
		assert_true(t.lapses > 0);
		trouble_note(&t, 0, now);
		assert_true(trouble_next(&t, GRACE) >= now);
		assert_int_equal(say(&t, trouble_next(&t, GRACE)), TROUBLE_OVER);
		/* After a quiet day all is as at first. */
		now += 3 * DAY;
		trouble_note(&t, 3, now);
		assert_next(&t, TROUBLE_TELL, now + GRACE);
	}
}

static void test_trouble_is_kept(void **state)
{
	struct trouble t = {0}, back;
	struct buf b = {0};
	struct reader r;

	(void)state;
	trouble_note(&t, 3, START);
	trouble_note(&t, 2, START + HOUR);
	say(&t, START + HOUR);
	say(&t, START + 3 * DAY);
	trouble_write(&t, &b);
	r = reader_of(b.data, b.len);
	trouble_read(&r, &back);
	assert_int_equal(reader_left(&r), 0);
	assert_memory_equal(&t, &back, sizeof(t));
	r = reader_of(b.data, b.len - 1);
	trouble_read(&r, &back);
	assert_int_equal(back.since, 0);
	buf_free(&b);
}

static void test_words_of_times(void **state)
{
	const struct {
		int64_t seconds;
		const char *words;
	} cases[] = {
	    {0, "0 seconds"},
	    {-5, "0 seconds"},
	    {1, "1 second"},
	    {61, "1 minute 1 second"},
	    {3600, "1 hour"},
	    {2 * DAY + 3 * HOUR + 59, "2 days 3 hours"},
	    {400 * (int64_t)DAY, "400 days"},
	};
	char words[TROUBLE_TIME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		trouble_time_words(cases[i].seconds, words);
		assert_string_equal(words, cases[i].words);
	}
}

/* History */

static struct history_change change(uint8_t from, uint8_t to, const char *reason)
{
	struct history_change c = {.from = from, .to = to, .server = "src1", .is_source = true};

	snprintf(c.reason, sizeof(c.reason), "%s", reason);
	return c;
}

static void test_R60_flapping_takes_two_rows(void **state)
{
	struct history_recent r = {0};
	struct history_change c;
	uint64_t next = 1;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t now = START + i * HOUR;

		c = i % 2 == 0 ? change(1, 3, "timeout: no answer to 3 queries") : change(3, 1, "");
		history_note(&r, &c, &next, now);
		assert_int_equal(c.number, 1 + i % 2);
		assert_int_equal(c.count, 1 + i / 2);
		assert_int_equal(c.at, START + i % 2 * HOUR);
		assert_int_equal(c.last, now);
	}
	assert_int_equal(next, 3);
}

static void test_R60_rare_changes_have_rows_of_their_own(void **state)
{
	struct history_recent r = {0};
	struct history_change c;
	uint64_t next = 1;

	(void)state;
	for (int i = 0; i < 10; i++) {
		c = i % 2 == 0 ? change(1, 3, "REFUSED") : change(3, 1, "");
		history_note(&r, &c, &next, START + i * (HISTORY_TOGETHER / 2));
		assert_int_equal(c.number, i + 1);
		assert_int_equal(c.count, 1);
	}
	c = change(3, 3, "NOTAUTH");
	history_note(&r, &c, &next, START + 5 * HISTORY_TOGETHER);
	assert_int_equal(c.number, 11);
}

/* A row that others have pushed out is not counted on. */
static void test_R60_a_row_that_is_gone(void **state)
{
	struct history_recent r = {0};
	struct history_change c = change(1, 3, "REFUSED");
	uint64_t next = 1;

	(void)state;
	history_note(&r, &c, &next, START);
	next = HISTORY_MAX + 1; /* rows of other servers */
	history_note(&r, &c, &next, START + 1);
	assert_int_equal(c.number, 1);
	next++;
	history_note(&r, &c, &next, START + 2);
	assert_int_equal(c.number, HISTORY_MAX + 2);
	assert_int_equal(c.count, 1);
}

static void test_R60_kinds_of_reasons(void **state)
{
	(void)state;
	assert_int_equal(history_word("BADTIME: our clock says 1"), history_word("BADTIME: 2"));
	assert_int_equal(history_word("still serves serial 12, not 14"),
	    history_word("still serves serial 9, not 1"));
	assert_int_not_equal(history_word("REFUSED"), history_word("NOTAUTH"));
	assert_int_not_equal(history_word(""), 0);
}

static void test_R60_a_row_is_kept(void **state)
{
	struct history_change c = change(1, 3, "timeout"), back;
	struct buf b = {0};

	(void)state;
	c.number = 7;
	c.at = START;
	c.last = START + 5;
	c.count = 2;
	c.has_serial = true;
	c.serial = 4000000000u;
	history_write(&c, &b);
	for (size_t len = 0; len < b.len; len++)
		assert_int_equal(history_read(b.data, len, &back), ERR_FORMAT);
	assert_int_equal(history_read(b.data, b.len, &back), OK);
	assert_int_equal(back.number, 7);
	assert_int_equal(back.last, START + 5);
	assert_int_equal(back.count, 2);
	assert_int_equal(back.serial, 4000000000u);
	assert_string_equal(back.server, "src1");
	assert_string_equal(back.reason, "timeout");
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_R50_one_failure_is_not_told),
	    cmocka_unit_test(test_R50_a_failed_retry_is_told),
	    cmocka_unit_test(test_R50_told_though_it_is_not_asked_again),
	    cmocka_unit_test(test_R50_reminders_daily_then_weekly),
	    cmocka_unit_test(test_R50_over_when_it_stays_good),
	    cmocka_unit_test(test_R50_both_kinds_once_each),
	    cmocka_unit_test(test_R50_flapping_is_no_flood),
	    cmocka_unit_test(test_trouble_is_kept),
	    cmocka_unit_test(test_words_of_times),
	    cmocka_unit_test(test_R60_flapping_takes_two_rows),
	    cmocka_unit_test(test_R60_rare_changes_have_rows_of_their_own),
	    cmocka_unit_test(test_R60_a_row_that_is_gone),
	    cmocka_unit_test(test_R60_kinds_of_reasons),
	    cmocka_unit_test(test_R60_a_row_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
