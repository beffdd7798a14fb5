/* The life of a zone's keys in a token that fails at every request in turn: no step is lost, none
 * is done twice, no key is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "keys/keys_internal.h"
#include "tests/unit/failing_token.h"

#define NOW INT64_C(1800000000)
#define DAY 86400
#define SIZE (64 * 1024 * 1024)

struct fixture {
	char dir[64];
	struct store *store;
	struct token *token;
	struct keys *keys;
	struct key_policy policy;
	uint8_t apex[NAME_MAX_LEN];
	int64_t now;
};

struct outcome {
	int code;
	unsigned calls;
	char why[256];
};

static void on_done(void *arg, int code, const char *why)
{
	struct outcome *o = arg;

	o->code = code;
	o->calls++;
	snprintf(o->why, sizeof(o->why), "%s", why);
}

static void start(struct fixture *f)
{
	struct outcome o = {0};
	struct err e = {0};

	f->store = store_open(f->dir, true, SIZE, &e);
	assert_non_null(f->store);
	f->keys = keys_new(NULL, f->store);
	keys_add_token(f->keys, f->token);
	keys_load(f->keys, on_done, &o);
	assert_int_equal(o.calls, 1);
}

static void stop(struct fixture *f)
{
	keys_free(f->keys);
	store_close(f->store);
}

static void restart(struct fixture *f)
{
	stop(f);
	start(f);
}

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	struct key_role_policy role = {.wanted = true, .token = "main"};
	struct outcome o = {0};

	strcpy(f->dir, "/tmp/itg-life-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(name_parse("example.gov.", f->apex), OK);
	f->token = failing_token_new("main");
	strcpy(f->policy.name, "default");
	f->policy.algorithm = 15;
	role.prepublish.seconds = role.postpublish.seconds = 7 * DAY;
	role.active.months = 3;
	f->policy.ksk = f->policy.zsk = role;
	f->policy.ksk.active.months = 24;
	f->policy.ttl_dnskey = f->policy.propagation = f->policy.ds_propagation = 3600;
	f->policy.ds_ttl = DAY;
	f->policy.publish_cds = true;
	f->policy.emergency_validity = 3 * DAY;
	f->policy.purge_after.seconds = 14 * DAY;
	f->now = NOW;
	start(f);
	keys_zone_make(f->keys, f->apex, &f->policy, NOW, on_done, &o);
	assert_int_equal(o.code, OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	stop(f);
	failing_token_free(f->token);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* What would be observed if everything were everywhere an instant after it was changed. */
static void observe_all(const struct record *r, struct facts *out)
{
	memset(out, 0, sizeof(*out));
	out->ttl_zone = out->ttl_unsigned = DAY;
	out->signed_since = NOW;
	for (unsigned i = 0; i < r->key_count; i++) {
		const int64_t *at = r->keys[i].times.at;
		struct facts_key *k = &out->keys[i];

		k->in_set = k->signs_set = at[TIME_PUBLISHED];
		k->out_of_set = at[TIME_REMOVED];
		k->signs_all = at[TIME_SIGN_FROM];
		k->signs_none = at[TIME_SIGN_UNTIL];
		k->ds_in = at[TIME_DS_RETRACTED] == 0 ? at[TIME_DS_SUBMITTED] : 0;
		k->ds_some = k->ds_in != 0;
		k->ds_out = at[TIME_DS_RETRACTED];
	}
}

static struct outcome step(struct fixture *f)
{
	const struct record *r = keys_record(f->keys, f->apex);
	struct outcome o = {0};
	struct facts facts;

	assert_non_null(r);
	observe_all(r, &facts);
	keys_step(f->keys, f->apex, &f->policy, &facts, f->now, on_done, &o);
	assert_int_equal(o.calls, 1);
	return o;
}

/* Look, and look at what came of it, until all is done that can be. */
static void settle(struct fixture *f)
{
	uint64_t before;

	do {
		struct outcome o;

		before = keys_record(f->keys, f->apex)->sequence;
		o = step(f);
		if (o.code != OK)
			fail_msg("%s", o.why);
	} while (keys_record(f->keys, f->apex)->sequence != before);
}

/* From event to event. */
static void live_until(struct fixture *f, int64_t until)
{
	for (settle(f); f->now < until; settle(f)) {
		int64_t next = keys_next_look(f->keys, f->apex);

		f->now = next < until ? next : until;
	}
}

static unsigned count(struct fixture *f, enum key_role role, enum key_state state)
{
	const struct record *r = keys_record(f->keys, f->apex);
	unsigned n = 0;

	for (unsigned i = 0; i < r->key_count; i++)
		n += r->keys[i].role == role && timeline_state(&r->keys[i].times, f->now) == state;
	return n;
}

static void assert_one_active(struct fixture *f)
{
	assert_int_equal(count(f, KEY_KSK, KEY_ACTIVE), 1);
	assert_int_equal(count(f, KEY_ZSK, KEY_ACTIVE), 1);
}

static void test_R22_ten_years(void **state)
{
	struct fixture *f = *state;

	live_until(f, NOW + 10 * 365 * DAY);
	assert_one_active(f);
	/* 3 months each, and 24: as many as were needed, and the old ones are destroyed. */
	assert_in_range(failing_token_generated(f->token), 40 + 5, 41 + 6);
	assert_int_equal(failing_token_keys(f->token), keys_record(f->keys, f->apex)->key_count);
	assert_int_equal(failing_token_records(f->token), 2);
}

static void test_R12_steps_do_nothing_without_need(void **state)
{
	struct fixture *f = *state;
	uint64_t sequence;

	live_until(f, NOW + 10 * DAY); /* the DS is submitted and seen */
	sequence = keys_record(f->keys, f->apex)->sequence;
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(step(f).code, OK);
		restart(f);
	}
	assert_int_equal(keys_record(f->keys, f->apex)->sequence, sequence);
	assert_int_equal(failing_token_generated(f->token), 2);
}

/* R27: all of it again from the token alone. */
static void test_R27_same_states_without_the_store(void **state)
{
	struct fixture *f = *state;
	struct keyset before, after;
	char command[192];
	struct err e = {0};

	live_until(f, NOW + 85 * DAY); /* in the middle of a ZSK roll-over */
	assert_int_equal(keys_keyset(f->keys, f->apex, f->now, &before, &e), OK);
	stop(f);
	snprintf(command, sizeof(command), "rm -rf %s && mkdir %s", f->dir, f->dir);
	assert_int_equal(system(command), 0);
	start(f);
	assert_int_equal(keys_keyset(f->keys, f->apex, f->now, &after, &e), OK);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(before.count, 3);
	live_until(f, NOW + 400 * DAY);
	assert_one_active(f);
}

/* One fault at request n of what happens on the day of the event; then the same step again, in this
 * process or the next.  false: there is no request n. */
static bool fail_once(struct fixture *f, enum fake_fault fault, unsigned n, bool crash)
{
	bool failed;

	failing_token_fail(f->token, n, fault, false);
	step(f);
	failed = failing_token_has_failed(f->token);
	failing_token_cure(f->token);
	if (crash)
		restart(f);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(step(f).code, OK);
	return failed;
}

static void fail_everywhere(struct fixture *f, enum fake_fault fault, bool crash)
{
	int64_t end = NOW + 3 * 365 * DAY;
	unsigned generated;

	/* Each event meets its fault at a later request than the one before, round and round. */
	for (unsigned n = 1; f->now < end;) {
		int64_t next;

		n = fail_once(f, fault, n, crash) ? n + 1 : 1;
		next = keys_next_look(f->keys, f->apex);
		f->now = next < end ? next : end;
		assert_one_active(f);
	}
	generated = failing_token_generated(f->token);
	assert_in_range(generated, 12 + 2, 13 + 3);
	assert_int_equal(failing_token_keys(f->token), keys_record(f->keys, f->apex)->key_count);
}

static void test_R25_refused_at_every_request(void **state)
{
	fail_everywhere(*state, FAKE_REFUSE, false);
}

static void test_R25_refused_and_killed(void **state)
{
	fail_everywhere(*state, FAKE_REFUSE, true);
}

static void test_R25_replies_lost_at_every_request(void **state)
{
	fail_everywhere(*state, FAKE_LOSE, false);
}

static void test_R25_replies_lost_and_killed(void **state)
{
	fail_everywhere(*state, FAKE_LOSE, true);
}

static struct outcome request(struct fixture *f, const struct edit *e)
{
	struct outcome o = {0};

	keys_request(f->keys, f->apex, e, f->now, on_done, &o);
	assert_int_equal(o.calls, 1);
	return o;
}

static struct outcome emergency(struct fixture *f, enum key_role role)
{
	struct edit edit = {.kind = EDIT_EMERGENCY,
	    .which.role = role,
	    .reason = "laptop stolen",
	    .requester = "ops"};

	return request(f, &edit);
}

static void test_R23_R24_emergency_all(void **state)
{
	struct fixture *f = *state;
	struct keyset set;
	struct err e = {0};
	int64_t t;

	live_until(f, NOW + 30 * DAY);
	t = f->now;
	assert_int_equal(emergency(f, 0).code, OK);
	restart(f);
	assert_string_equal(keys_record(f->keys, f->apex)->keys[0].note, "laptop stolen (ops)");
	assert_int_equal(emergency(f, 0).code, ERR_REFUSED); /* reported already */
	live_until(f, t + 60);
	assert_int_equal(count(f, KEY_KSK, KEY_ACTIVE), 2);
	assert_int_equal(keys_keyset(f->keys, f->apex, f->now, &set, &e), OK);
	keys_fill_cds(f->keys, f->apex, &f->policy, f->now, &set);
	assert_int_equal(set.emergency_validity, 3 * DAY);
	live_until(f, t + 15 * DAY);
	assert_one_active(f);
	assert_int_equal(keys_record(f->keys, f->apex)->key_count, 2);
	assert_int_equal(failing_token_keys(f->token), 2); /* the compromised ones are destroyed */
	assert_int_equal(keys_keyset(f->keys, f->apex, f->now, &set, &e), OK);
	keys_fill_cds(f->keys, f->apex, &f->policy, f->now, &set);
	assert_int_equal(set.emergency_validity, 0);
}

static void test_R26_roll_over_by_hand(void **state)
{
	struct fixture *f = *state;
	struct edit edit = {.kind = EDIT_ROLLOVER, .which.role = KEY_ZSK};
	struct outcome o;

	live_until(f, NOW + 5 * DAY);
	assert_int_equal(request(f, &edit).code, OK);
	o = request(f, &edit);
	assert_int_equal(o.code, ERR_REFUSED);
	assert_non_null(strstr(o.why, "its roll-over is under way already"));
	live_until(f, NOW + 6 * DAY);
	assert_int_equal(count(f, KEY_ZSK, KEY_RETIRED), 1);
	assert_one_active(f);
}

/* In the midst of a roll-over, to before it began. */
static void test_R25_clock_that_goes_back(void **state)
{
	struct fixture *f = *state;
	struct keyset before, after;
	uint64_t sequence;
	struct err e = {0};
	struct outcome o;

	live_until(f, NOW + 86 * DAY);
	assert_int_equal(count(f, KEY_ZSK, KEY_READY), 1);
	sequence = keys_record(f->keys, f->apex)->sequence;
	assert_int_equal(keys_keyset(f->keys, f->apex, f->now, &before, &e), OK);
	f->now = NOW + DAY;
	o = step(f);
	assert_int_equal(o.code, ERR_REFUSED);
	assert_non_null(strstr(o.why, "before the clock is right"));
	assert_int_equal(keys_record(f->keys, f->apex)->sequence, sequence);
	assert_int_equal(keys_keyset(f->keys, f->apex, f->now, &after, &e), OK);
	assert_int_equal(after.count, 3);
	assert_memory_equal(&after, &before, sizeof(after));
}

static void test_R26_backup_gate(void **state)
{
	struct fixture *f = *state;
	struct edit edit = {.kind = EDIT_BACKUP};
	const struct roll_held *held;
	unsigned held_count;

	f->policy.require_backup = true;
	live_until(f, NOW + 85 * DAY); /* past the day of the next ZSK's publication */
	held = keys_held(f->keys, f->apex, &held_count);
	assert_int_equal(held_count, 1);
	assert_non_null(strstr(held[0].why, "not backed up"));
	edit.backup = KEYS_BACKUP_COMMIT;
	assert_int_equal(request(f, &edit).code, ERR_REFUSED);
	edit.backup = KEYS_BACKUP_PREPARE;
	assert_int_equal(request(f, &edit).code, OK);
	edit.backup = KEYS_BACKUP_COMMIT;
	assert_int_equal(request(f, &edit).code, OK);
	assert_int_equal(step(f).code, OK);
	assert_int_equal(count(f, KEY_ZSK, KEY_PUBLISHED), 1);
}

/* RFC 7344, RFC 8078: the sets follow the times. */
static void test_R30_cds(void **state)
{
	struct fixture *f = *state;
	struct edit edit = {.kind = EDIT_UNSIGN, .is_wanted = true};
	struct keyset set;
	struct err e = {0};

	assert_int_equal(keys_keyset(f->keys, f->apex, f->now, &set, &e), OK);
	keys_fill_cds(f->keys, f->apex, &f->policy, f->now, &set);
	assert_int_equal(set.cds_count, 0); /* K0: not yet */
	live_until(f, NOW + 5 * DAY);
	f->policy.digests[0] = 2;
	f->policy.digests[1] = 4;
	keys_fill_cds(f->keys, f->apex, &f->policy, f->now, &set);
	assert_int_equal(set.cds_count, 2);
	assert_int_equal(set.cdnskey_count, 1);
	assert_int_equal(load_u16(set.cdnskey + 2), 257);
	assert_int_equal(request(f, &edit).code, OK);
	assert_int_equal(step(f).code, OK);
	keys_fill_cds(f->keys, f->apex, &f->policy, f->now, &set);
	assert_int_equal(set.cds_count, 1);
	assert_int_equal(set.cds_len, 2 + 5);
	live_until(f, NOW + 8 * DAY);
	assert_int_equal(keys_keyset(f->keys, f->apex, f->now, &set, &e), OK);
	assert_int_equal(set.count, 0);
	keys_fill_cds(f->keys, f->apex, &f->policy, f->now, &set);
	assert_int_equal(set.cds_count, 0);
}

static void test_R26_generated_ahead(void **state)
{
	struct fixture *f = *state;
	struct outcome o = {0};

	keys_request_generate(f->keys, f->apex, &f->policy, KEY_ZSK, f->now, on_done, &o);
	assert_int_equal(o.code, OK);
	assert_int_equal(count(f, KEY_ZSK, KEY_GENERATED), 1);
	live_until(f, NOW + 95 * DAY);
	assert_int_equal(failing_token_generated(f->token), 3); /* it was used, no other made */
	assert_one_active(f);
}

static void test_ds_by_hand(void **state)
{
	struct fixture *f = *state;
	struct edit edit = {.kind = EDIT_DS, .which.role = KEY_ZSK, .ds = TIME_DS_SUBMITTED};
	struct outcome o = request(f, &edit);

	assert_non_null(strstr(o.why, "a ZSK has no DS"));
	edit.which.role = 0;
	edit.ds = TIME_DS_SEEN;
	assert_int_equal(request(f, &edit).code, ERR_REFUSED);
	edit.ds = TIME_DS_SUBMITTED;
	assert_int_equal(request(f, &edit).code, OK);
	edit.ds = TIME_DS_SEEN;
	assert_int_equal(request(f, &edit).code, OK);
	assert_true(keys_ds_may_exist(f->keys, f->apex, o.why));
}

/* What is due only, and through the path that a step takes. */
static void test_R12_purge(void **state)
{
	struct fixture *f = *state;
	struct outcome o = {0};
	struct facts facts;

	f->policy.purge_after.months = 120;
	live_until(f, NOW + 120 * DAY);
	assert_int_equal(count(f, KEY_ZSK, KEY_REMOVED), 1);
	observe_all(keys_record(f->keys, f->apex), &facts);
	keys_request_purge(f->keys, f->apex, &f->policy, &facts, f->now, on_done, &o);
	assert_int_equal(o.code, OK);
	assert_int_equal(failing_token_keys(f->token), 3);
	f->policy.purge_after.months = 0;
	f->policy.zsk.active.months = 1; /* a step would have more to do */
	keys_request_purge(f->keys, f->apex, &f->policy, &facts, f->now, on_done, &o);
	assert_int_equal(o.code, OK);
	assert_int_equal(o.calls, 2);
	assert_int_equal(failing_token_keys(f->token), 2);
	assert_int_equal(keys_record(f->keys, f->apex)->key_count, 2);
	assert_int_equal(count(f, KEY_ZSK, KEY_REMOVED), 0);
	assert_int_equal(failing_token_generated(f->token), 3);
}

static void test_R26_room_is_left_for_roll_overs(void **state)
{
	struct fixture *f = *state;
	struct outcome o = {0};

	for (unsigned i = 0; i < KEYSET_MAX && o.code == OK; i++)
		keys_request_generate(f->keys, f->apex, &f->policy, KEY_ZSK, f->now, on_done, &o);
	assert_int_equal(o.code, ERR_LIMIT);
	assert_int_equal(keys_record(f->keys, f->apex)->key_count, KEYSET_MAX - ROLL_SPARE);
	keys_request_generate(f->keys, f->apex, &f->policy, KEY_CSK, f->now, on_done, &o);
	assert_int_equal(o.code, ERR_REFUSED);
	assert_string_equal(o.why, "policy default wants no CSK");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_R22_ten_years),
	    TEST(test_R12_steps_do_nothing_without_need),
	    TEST(test_R27_same_states_without_the_store),
	    TEST(test_R25_refused_at_every_request),
	    TEST(test_R25_refused_and_killed),
	    TEST(test_R25_replies_lost_at_every_request),
	    TEST(test_R25_replies_lost_and_killed),
	    TEST(test_R23_R24_emergency_all),
	    TEST(test_R26_roll_over_by_hand),
	    TEST(test_R25_clock_that_goes_back),
	    TEST(test_R26_backup_gate),
	    TEST(test_R30_cds),
	    TEST(test_R26_generated_ahead),
	    TEST(test_ds_by_hand),
	    TEST(test_R12_purge),
	    TEST(test_R26_room_is_left_for_roll_overs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
