/* A key's states follow from its times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/err.h"
#include "keys/timeline.h"

#define DAY 86400

static void test_states(void **state)
{
	struct key_times t = {{100, 200, 300, 400, 500, 600, 310, 320, 510, 520, 0, 0}};

	(void)state;
	assert_int_equal(timeline_state(&t, 50), KEY_GENERATED);
	for (enum key_state s = KEY_GENERATED; s <= KEY_REMOVED; s++) {
		assert_int_equal(timeline_state(&t, t.at[s]), s);
		assert_int_equal(timeline_state(&t, t.at[s] + 99), s);
		assert_int_equal(timeline_since(&t, t.at[s] + 50), t.at[s]);
		if (s > KEY_GENERATED)
			assert_int_equal(timeline_state(&t, t.at[s] - 1), s - 1);
	}
	t.at[TIME_READY] = 0; /* a state that was passed over */
	assert_int_equal(timeline_state(&t, 350), KEY_PUBLISHED);
	assert_int_equal(timeline_state(&t, 450), KEY_ACTIVE);
}

static void test_ds(void **state)
{
	struct key_times t = {{100, 200, 300, 400, 500, 600, 310, 320, 510, 520, 0, 0}};

	(void)state;
	assert_int_equal(timeline_ds(&t, false, 1000), DS_NONE);
	assert_int_equal(timeline_ds(&t, true, 309), DS_UNSUBMITTED);
	assert_int_equal(timeline_ds(&t, true, 310), DS_SUBMITTED);
	assert_int_equal(timeline_ds(&t, true, 320), DS_SEEN);
	assert_int_equal(timeline_ds(&t, true, 510), DS_RETRACTED);
	assert_int_equal(timeline_ds(&t, true, 520), DS_GONE);
}

/* R12: an active key's next change is the end of its period, not the next signing. */
static void test_R12_next_of_active(void **state)
{
	struct timeline_periods p = {.active = {.months = 3}, .postpublish = {.seconds = 7 * DAY}};
	struct key_times t = {{0}};
	struct timeline_next n;
	int64_t born, end;

	(void)state;
	assert_int_equal(time_parse("2026-11-30T00:00:00Z", &born), OK);
	assert_int_equal(time_parse("2027-02-28T00:00:00Z", &end), OK);
	for (enum key_time i = TIME_GENERATED; i <= TIME_ACTIVE; i++)
		t.at[i] = born;
	assert_true(timeline_next(&t, &p, born, &n));
	assert_int_equal(n.state, KEY_RETIRED);
	assert_int_equal(n.at, end); /* the day is clamped to the month's end */
	assert_string_equal(n.why, "scheduled roll-over");
	assert_true(timeline_next(&t, &p, end + DAY, &n)); /* overdue: still retired, at that time */
	assert_int_equal(n.at, end);
	assert_false(timeline_next(&t, NULL, born, &n));
	t.at[TIME_RETIRED] = end - 10; /* what is recorded goes before what policy would ask */
	assert_true(timeline_next(&t, &p, born, &n));
	assert_int_equal(n.at, end - 10);
	assert_true(timeline_next(&t, &p, end, &n));
	assert_int_equal(n.state, KEY_REMOVED);
	assert_int_equal(n.at, end - 10 + 7 * DAY);
	t.at[TIME_REMOVED] = end;
	assert_false(timeline_next(&t, &p, end, &n));
}

static void test_next_of_others(void **state)
{
	struct timeline_periods p = {.prepublish = {.seconds = 5 * DAY}};
	struct key_times t = {{100, 0}};
	struct timeline_next n;

	(void)state;
	assert_false(timeline_next(&t, &p, 150, &n));
	t.at[TIME_PUBLISHED] = 200;
	assert_true(timeline_next(&t, &p, 150, &n));
	assert_int_equal(n.state, KEY_PUBLISHED);
	assert_true(timeline_next(&t, &p, 250, &n));
	assert_int_equal(n.state, KEY_READY);
	assert_int_equal(n.at, 200 + 5 * DAY);
	t.at[TIME_READY] = 300;
	assert_false(timeline_next(&t, &p, 350, &n));
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(key_state_name(KEY_GENERATED), "generated");
	assert_string_equal(key_state_name(KEY_REMOVED), "removed");
	assert_string_equal(ds_state_name(DS_NONE), "none");
	assert_string_equal(ds_state_name(DS_GONE), "gone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_ds),
		cmocka_unit_test(test_R12_next_of_active),
		cmocka_unit_test(test_next_of_others),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
