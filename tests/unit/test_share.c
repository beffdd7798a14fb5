/* Zones that share their keys: the owner's name, what is joined, who is admitted, what is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "keys/share.h"

#define NOW 1800000000
#define HOUR 3600

static struct record_key keys[2];
static struct record record;
static struct key_policy policy;
static struct facts facts;
static struct share_zone zone;

static int begin(void **state)
{
	(void)state;
	memset(keys, 0, sizeof(keys));
	memset(&record, 0, sizeof(record));
	memset(&policy, 0, sizeof(policy));
	memset(&facts, 0, sizeof(facts));
	memset(&zone, 0, sizeof(zone));
	record.keys = keys;
	record.key_count = 2;
	keys[0].role = KEY_KSK;
	keys[1].role = KEY_ZSK;
	for (unsigned i = 0; i < 2; i++) {
		keys[i].algorithm = policy.algorithm = 13;
		for (enum key_time t = TIME_GENERATED; t <= TIME_ACTIVE; t++)
			keys[i].times.at[t] = NOW - 1000 * HOUR;
	}
	keys[1].times.at[TIME_SIGN_FROM] = NOW - 1000 * HOUR;
	keys[0].times.at[TIME_DS_SUBMITTED] = NOW - 900 * HOUR;
	keys[0].times.at[TIME_DS_SEEN] = NOW - 890 * HOUR;
	facts.ttl_dnskey = facts.ttl_zone = facts.ttl_ds = facts.ttl_unsigned = HOUR;
	facts.ds_deadline = 24 * HOUR;
	return 0;
}

/* The zone's present version is everywhere since then. */
static void serve(struct facts *f, int64_t since)
{
	f->signed_since = f->tidy_since = since;
	f->keys[0].in_set = f->keys[1].in_set = since;
	f->keys[0].signs_set = f->keys[1].signs_all = since;
	f->keys[0].signs_none = since;
}

static struct share_input input(int64_t now)
{
	return (struct share_input){&record, &policy, &facts, now, NULL};
}

static bool advance(int64_t now)
{
	struct share_input in = input(now);

	return share_advance(&zone, &in);
}

static void test_owner_is_no_zone(void **state)
{
	char longest[64];
	uint8_t a[NAME_MAX_LEN], b[NAME_MAX_LEN];
	char text[NAME_TEXT_SIZE];

	(void)state;
	memset(longest, 'p', 63);
	longest[63] = '\0';
	share_owner("default", a);
	name_text(a, text);
	assert_string_equal(text, "default.shared\\032keys.");
	share_owner(longest, b);
	assert_int_equal(name_check(b, sizeof(b)), name_len(b));
	assert_true(share_is_owner(a) && share_is_owner(b) && !name_equal(a, b));
	assert_int_equal(name_parse("default.shared.keys.", a), OK);
	assert_false(share_is_owner(a));
}

static void test_R26_the_last_zone_counts(void **state)
{
	struct facts other = facts, all;
	struct share_zone second = {.known = 1, .admitted = 1};
	struct share_member both[] = {{&zone, &facts}, {&second, &other}};

	(void)state;
	zone = second;
	serve(&facts, NOW);
	serve(&other, NOW + HOUR);
	other.keys[0].ds_in = NOW;
	other.ttl_zone = 7;
	other.ttl_dnskey = 2 * HOUR;
	share_join(both, 2, 2, &all);
	assert_true(all.is_joined);
	assert_int_equal(all.keys[0].in_set, NOW + HOUR);
	assert_int_equal(all.keys[0].ds_in, 0);
	assert_int_equal(all.ttl_zone, HOUR);
	assert_int_equal(all.ttl_dnskey, 2 * HOUR);
	facts.keys[0].ds_in = NOW + 5;
	share_join(both, 2, 2, &all);
	assert_int_equal(all.keys[0].ds_in, NOW + 5);
}

static void test_R26_a_zone_that_joins_holds_nobody_back(void **state)
{
	struct facts fresh = {0}, all;
	struct share_zone old = {.known = 1, .admitted = 1}, joins = {.known = NOW, .cleared = NOW};
	struct share_member both[] = {{&old, &facts}, {&joins, &fresh}};

	(void)state;
	serve(&facts, NOW);
	facts.keys[0].ds_in = NOW;
	share_join(both, 2, 2, &all);
	assert_int_equal(all.keys[1].in_set, NOW);
	assert_int_equal(all.keys[0].ds_in, NOW);
	/* Unless its parent has a DS of ours: then it is trusted, whatever is kept of it. */
	fresh.keys[0].ds_some = true;
	share_join(both, 2, 2, &all);
	assert_int_equal(all.keys[0].ds_in, 0);
}

static void test_R26_a_zone_is_admitted_when_it_has_caught_up(void **state)
{
	(void)state;
	assert_true(advance(NOW));
	assert_int_equal(zone.known, NOW);
	assert_false(share_speaks(&zone));
	assert_true(share_counts(&zone, &facts, 2));
	serve(&facts, NOW);
	facts.keys[1].signs_all = NOW + HOUR;
	assert_false(advance(NOW + HOUR));
	assert_true(advance(NOW + 2 * HOUR));
	assert_int_equal(zone.admitted, NOW + 2 * HOUR);
	assert_true(share_speaks(&zone));
}

static void test_R26_a_zone_that_was_never_trusted_does_not_count(void **state)
{
	(void)state;
	advance(NOW);
	facts.keys[0].ds_out = NOW;
	assert_false(advance(NOW + 25 * HOUR - 1)); /* a DS may be on its way: 24 h, and its TTL */
	assert_true(advance(NOW + 25 * HOUR));
	assert_false(share_counts(&zone, &facts, 2));
	/* Known before there were keys: at once. */
	memset(&zone, 0, sizeof(zone));
	zone.known = keys[0].times.at[TIME_GENERATED];
	assert_true(advance(NOW));
	assert_int_equal(zone.cleared, NOW);
}

static void test_R26_one_zone_becomes_unsigned_by_rule_U(void **state)
{
	struct record_key mine[KEYSET_MAX];
	struct record view;

	(void)state;
	zone = (struct share_zone){.known = 1, .admitted = NOW - 100 * HOUR};
	facts.keys[0].ds_in = NOW - 50 * HOUR;
	assert_true(advance(NOW - 50 * HOUR));
	assert_int_equal(zone.seen, NOW - 50 * HOUR);
	share_view(&record, &zone, mine, &view);
	assert_int_equal(mine[0].times.at[TIME_DS_SUBMITTED], zone.admitted);
	assert_int_equal(mine[0].times.at[TIME_DS_SEEN], zone.seen);
	zone.unsign = NOW;
	share_view(&record, &zone, mine, &view);
	assert_int_equal(view.unsign, NOW);
	assert_int_equal(mine[0].times.at[TIME_DS_RETRACTED], NOW);
	assert_int_equal(keys[0].times.at[TIME_DS_RETRACTED], 0);
	assert_false(advance(NOW + HOUR));
	facts.keys[0].ds_in = 0;
	facts.keys[0].ds_out = NOW + 2 * HOUR;
	assert_false(advance(NOW + 3 * HOUR - 1));
	assert_true(advance(NOW + 3 * HOUR));
	assert_false(share_counts(&zone, &facts, 2));
	share_resume(&zone, NOW + 4 * HOUR);
	assert_int_equal(zone.cleared, NOW + 4 * HOUR);
	assert_int_equal(zone.unsign + zone.left + zone.admitted, 0);
}

static void test_R26_the_laggard_is_known(void **state)
{
	struct roll_held held = {.step = ROLL_RETIRE, .key = 0, .rule = "K1"};
	struct share_input in = input(NOW);
	struct record_key three[3];

	(void)state;
	zone = (struct share_zone){.known = 1, .admitted = 1};
	memcpy(three, keys, sizeof(keys));
	three[2] = keys[0];
	three[2].times.at[TIME_DS_SEEN] = 0;
	record.keys = three;
	record.key_count = 3;
	assert_true(share_lags(&zone, &in, &held));
	facts.keys[0].ds_in = facts.keys[2].ds_in = NOW - 2 * HOUR;
	assert_false(share_lags(&zone, &in, &held));
	held.rule = "";
	facts.keys[2].ds_in = 0;
	assert_false(share_lags(&zone, &in, &held));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_owner_is_no_zone, begin),
	    cmocka_unit_test_setup(test_R26_the_last_zone_counts, begin),
	    cmocka_unit_test_setup(test_R26_a_zone_that_joins_holds_nobody_back, begin),
	    cmocka_unit_test_setup(test_R26_a_zone_is_admitted_when_it_has_caught_up, begin),
	    cmocka_unit_test_setup(test_R26_a_zone_that_was_never_trusted_does_not_count, begin),
	    cmocka_unit_test_setup(test_R26_one_zone_becomes_unsigned_by_rule_U, begin),
	    cmocka_unit_test_setup(test_R26_the_laggard_is_known, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
