/* Making, reading and destroying keys, with a token that fails at every step in turn. */
#include <stdlib.h>
#include <string.h>
#include "tests/unit/keys_rig.h"

static void test_R20_makes_ksk_and_zsk(void **state)
{
	struct fixture *f = *state;
	struct keyset set;

	assert_int_equal(rig_status(f), KEYS_NONE);
	rig_make_good(f);
	set = rig_keyset(f);
	assert_int_equal(set.count, 2);
	assert_true(
	    set.keys[0].role == KEY_KSK && set.keys[0].signs_set && !set.keys[0].signs_zone);
	assert_true(
	    set.keys[1].role == KEY_ZSK && !set.keys[1].signs_set && set.keys[1].signs_zone);
	assert_true(set.keys[0].in_set && set.keys[1].in_set);
	assert_int_equal(load_u16(set.keys[0].dnskey), 257);
	assert_int_equal(load_u16(set.keys[1].dnskey), 256);
	assert_int_equal(dnskey_tag(set.keys[0].dnskey, set.keys[0].dnskey_len), set.keys[0].tag);
	assert_string_equal(set.keys[0].token, "main");
	assert_int_equal(failing_token_keys(f->token), 2);
	assert_int_equal(failing_token_records(f->token), 1);
}

static void test_R20_csk(void **state)
{
	struct fixture *f = *state;
	struct keyset set;

	f->policy.csk = f->policy.ksk;
	rig_make_good(f);
	set = rig_keyset(f);
	assert_int_equal(set.count, 1);
	assert_true(set.keys[0].role == KEY_CSK && set.keys[0].signs_set && set.keys[0].signs_zone);
}

static void test_R12_same_keys_again(void **state)
{
	struct fixture *f = *state;
	struct keyset before, after;

	rig_make_good(f);
	before = rig_keyset(f);
	rig_make_good(f);
	rig_restart(f);
	rig_make_good(f);
	after = rig_keyset(f);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(failing_token_generated(f->token), 2);
}

/* Fail request n, in every way; then go on, in this process or the next. */
static bool fail_while_making(enum fake_fault fault, unsigned n, bool crash)
{
	struct fixture *f;
	void *state;
	bool reached;
	struct err e = {0};
	struct intent intent;

	rig_setup(&state);
	f = state;
	failing_token_fail(f->token, n, fault, false);
	rig_make(f);
	reached = failing_token_has_failed(f->token);
	failing_token_cure(f->token);
	if (crash)
		rig_restart(f);
	rig_make_good(f);
	rig_restart(f);
	assert_int_equal(rig_status(f), KEYS_GOOD);
	assert_int_equal(failing_token_keys(f->token), 2);
	assert_int_equal(failing_token_records(f->token), 1);
	assert_int_equal(failing_token_generated(f->token), 2);
	assert_int_equal(intent_load(f->store, f->keys->zones[0]->hash, &intent, &e), ERR_MISSING);
	rig_teardown(&state);
	return reached;
}

static bool fail_while_destroying(enum fake_fault fault, unsigned n, bool crash)
{
	struct fixture *f;
	struct outcome o;
	void *state;
	bool reached;

	rig_setup(&state);
	f = state;
	rig_make_good(f);
	failing_token_fail(f->token, n, fault, false);
	rig_destroy(f);
	reached = failing_token_has_failed(f->token);
	failing_token_cure(f->token);
	if (crash)
		rig_restart(f);
	o = rig_destroy(f);
	if (o.code != OK)
		fail_msg("fault %d, request %u, crash %d: %s", fault, n, crash, o.why);
	assert_int_equal(rig_status(f), KEYS_NONE);
	assert_int_equal(failing_token_keys(f->token), 0);
	assert_int_equal(failing_token_records(f->token), 0);
	rig_make_good(f); /* and a new life */
	rig_restart(f);
	assert_int_equal(rig_status(f), KEYS_GOOD);
	rig_teardown(&state);
	return reached;
}

static void all_faults(bool (*fn)(enum fake_fault, unsigned, bool), unsigned at_least)
{
	for (enum fake_fault fault = FAKE_REFUSE; fault <= FAKE_LOSE; fault++) {
		for (unsigned crash = 0; crash < 2; crash++) {
			unsigned n = 1;

			while (fn(fault, n, crash != 0))
				n++;
			assert_true(n > at_least);
		}
	}
}

static void test_R20_any_request_fails(void **state)
{
	(void)state;
	all_faults(fail_while_making, 6);
}

static void test_R71_destroying_fails_anywhere(void **state)
{
	(void)state;
	all_faults(fail_while_destroying, 5);
}

/* The token is away while a policy is changed: what was begun goes, nothing is used half. */
static void test_policy_changed_meanwhile(void **state)
{
	struct fixture *f = *state;

	failing_token_fail(
	    f->token, 4, FAKE_LOSE, true); /* the second key is made, unknown to us */
	assert_int_equal(rig_make(f).code, ERR_TOKEN);
	assert_int_equal(rig_status(f), KEYS_MAKING);
	failing_token_cure(f->token);
	f->policy.csk = f->policy.ksk;
	rig_make_good(f);
	assert_int_equal(failing_token_keys(f->token), 1);
	assert_int_equal(rig_keyset(f).keys[0].role, KEY_CSK);
}

static void test_deleted_before_made(void **state)
{
	struct fixture *f = *state;

	failing_token_fail(f->token, 4, FAKE_LOSE, true);
	assert_int_equal(rig_make(f).code, ERR_TOKEN);
	failing_token_cure(f->token);
	assert_int_equal(rig_destroy(f).code, OK);
	assert_int_equal(failing_token_keys(f->token), 0);
	rig_restart(f);
	assert_int_equal(rig_status(f), KEYS_NONE);
}

static void test_tag_clash(void **state)
{
	struct fixture *f = *state;
	struct keyset set;

	failing_token_clash(f->token, 2);
	rig_make_good(f);
	set = rig_keyset(f);
	assert_int_not_equal(set.keys[0].tag, set.keys[1].tag);
	assert_int_equal(failing_token_generated(f->token), 4);
	assert_int_equal(failing_token_keys(f->token), 2);
	assert_int_equal(rig_destroy(f).code, OK);
	failing_token_clash(f->token, 1000);
	assert_int_equal(rig_make(f).code, ERR_LIMIT);
	assert_int_equal(failing_token_records(f->token), 0);
}

static void test_R20_broken_by_a_crash(void **state)
{
	struct fixture *f = *state;

	failing_token_break(f->token, 2);
	rig_make_good(f);
	assert_int_equal(failing_token_generated(f->token), 4);
	assert_int_equal(failing_token_keys(f->token), 2);
	assert_int_equal(rig_destroy(f).code, OK);
	failing_token_break(f->token, 1000);
	assert_int_equal(rig_make(f).code, ERR_LIMIT);
	assert_int_equal(failing_token_records(f->token), 0);
}

static void test_token_signs_wrong(void **state)
{
	struct fixture *f = *state;

	failing_token_sign_wrong(f->token, true);
	assert_int_equal(rig_make(f).code, ERR_VERIFY);
	assert_int_equal(failing_token_records(f->token), 0);
	failing_token_sign_wrong(f->token, false);
	rig_make_good(f);
	failing_token_sign_wrong(f->token, true);
	rig_restart(f);
	rig_assert_status(f, KEYS_RECOVERY, "did not prove itself");
	assert_int_equal(rig_make(f).code, ERR_REFUSED);
	failing_token_sign_wrong(f->token, false);
	rig_restart(f);
	assert_int_equal(rig_status(f), KEYS_GOOD);
}

static void test_token_away(void **state)
{
	struct fixture *f = *state;
	struct outcome o = {0};
	struct keyset set;
	struct err e = {0};

	rig_make_good(f);
	failing_token_fail(f->token, 1, FAKE_REFUSE, true);
	keys_load(f->keys, rig_on_done, &o); /* what was known holds */
	assert_int_equal(o.code, ERR_TOKEN);
	assert_int_equal(rig_status(f), KEYS_GOOD);
	rig_restart(f);
	assert_int_equal(rig_status(f), KEYS_UNKNOWN); /* never "no keys" */
	assert_int_equal(rig_make(f).code, ERR_AGAIN);
	assert_int_equal(keys_keyset(f->keys, f->apex, NOW, &set, &e), ERR_AGAIN);
	failing_token_cure(f->token);
	keys_load(f->keys, rig_on_done, &o);
	assert_int_equal(o.code, OK);
	assert_int_equal(rig_status(f), KEYS_GOOD);
}

/* KSK and ZSK in two tokens; one of them away is no reason to call for the operator. */
static void test_two_tokens(void **state)
{
	struct fixture *f = *state;
	struct token *other = failing_token_new("other");
	struct outcome o = {0};

	keys_add_token(f->keys, other);
	keys_load(f->keys, rig_on_done, &o);
	strcpy(f->policy.zsk.token, "other");
	rig_make_good(f);
	assert_string_equal(rig_keyset(f).keys[1].token, "other");
	assert_int_equal(failing_token_keys(other), 1);
	rig_stop(f);

	failing_token_fail(other, 1, FAKE_REFUSE, true);
	rig_start(f);
	keys_add_token(f->keys, other);
	keys_load(f->keys, rig_on_done, &o);
	assert_int_equal(o.code, ERR_TOKEN);
	rig_assert_status(f, KEYS_UNKNOWN, "none of the tokens that answer");
	failing_token_cure(other);
	keys_load(f->keys, rig_on_done, &o);
	assert_int_equal(rig_status(f), KEYS_GOOD);
	rig_stop(f);
	rig_start(f); /* without the second one in the configuration */
	rig_assert_status(f, KEYS_RECOVERY, "no token has");
	failing_token_free(other);
}

static void test_keys_without_record(void **state)
{
	struct fixture *f = *state;
	struct keyset set;
	struct err e = {0};

	rig_make_good(f);
	failing_token_drop_records(f->token);
	rig_restart(f);
	rig_assert_status(f, KEYS_RECOVERY, "no state record");
	assert_int_equal(rig_make(f).code, ERR_REFUSED);
	assert_int_equal(rig_destroy(f).code, ERR_REFUSED);
	assert_int_equal(keys_keyset(f->keys, f->apex, NOW, &set, &e), ERR_REFUSED);
	assert_int_equal(failing_token_generated(f->token), 2);
}

/* An empty token where keys were used before is the wrong token, not a new zone. */
static void test_empty_token(void **state)
{
	struct fixture *f = *state;

	rig_make_good(f);
	failing_token_drop_records(f->token);
	failing_token_drop_keys(f->token);
	rig_restart(f);
	rig_assert_status(f, KEYS_RECOVERY, "right token");
	assert_int_equal(rig_make(f).code, ERR_REFUSED);
	assert_int_equal(failing_token_generated(f->token), 2);
}

static void test_record_without_keys_in_token(void **state)
{
	struct fixture *f = *state;

	rig_make_good(f);
	failing_token_drop_keys(f->token);
	rig_restart(f);
	rig_assert_status(f, KEYS_RECOVERY, "no token has");
}

static void each(void *arg, const struct key_info *i)
{
	unsigned *n = arg;

	(*n)++;
	assert_int_equal(i->state, KEY_ACTIVE);
	assert_int_equal(i->since, NOW);
	assert_int_equal(i->ds, i->key->role == KEY_KSK ? DS_UNSUBMITTED : DS_NONE);
	assert_true(i->has_next);
	assert_int_equal(i->next_state, KEY_RETIRED);
	assert_int_equal(i->next_at,
	    period_add(NOW, (struct period){.months = i->key->role == KEY_KSK ? 24 : 3}));
}

static const struct key_policy *policy_of(void *arg, const uint8_t *apex)
{
	(void)apex;
	return arg;
}

static void test_list(void **state)
{
	struct fixture *f = *state;
	struct outcome o = {0};
	unsigned n = 0;
	char why[256];

	rig_make_good(f);
	keys_each(f->keys, NULL, policy_of, &f->policy, NOW, each, &n);
	assert_int_equal(n, 2);
	keys_each(f->keys, f->apex, policy_of, &f->policy, NOW, each, &n);
	assert_int_equal(n, 4);
	assert_false(keys_ds_may_exist(f->keys, f->apex, why));
	f->keys->zones[0]->record.keys[0].times.at[TIME_DS_SEEN] = NOW;
	assert_true(keys_ds_may_exist(f->keys, f->apex, why));
	assert_non_null(strstr(why, "seen"));
	keys_zone_delete(f->keys, f->apex, false, rig_on_done, &o);
	assert_int_equal(o.code, OK);
	keys_each(f->keys, NULL, policy_of, &f->policy, NOW, each, &n);
	assert_int_equal(n, 4);
	assert_int_equal(failing_token_keys(f->token), 2); /* R71: they stay in the token */
	rig_make_good(f);
	assert_int_equal(failing_token_generated(f->token), 2);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_R20_makes_ksk_and_zsk),
	    T(test_R20_csk),
	    T(test_R12_same_keys_again),
	    cmocka_unit_test(test_R20_any_request_fails),
	    cmocka_unit_test(test_R71_destroying_fails_anywhere),
	    T(test_policy_changed_meanwhile),
	    T(test_deleted_before_made),
	    T(test_tag_clash),
	    T(test_R20_broken_by_a_crash),
	    T(test_token_signs_wrong),
	    T(test_token_away),
	    T(test_two_tokens),
	    T(test_keys_without_record),
	    T(test_empty_token),
	    T(test_record_without_keys_in_token),
	    T(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
