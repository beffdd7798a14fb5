/* Making, reading and destroying keys, with a token that fails at every step in turn. */
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

#define NOW 1800000000
#define SIZE (64 * 1024 * 1024)

struct fixture {
	char dir[64];
	struct store *store;
	struct token *token;
	struct keys *keys;
	struct key_policy policy;
	uint8_t apex[NAME_MAX_LEN];
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
	if (f->store == NULL)
		fail_msg("%s", e.text);
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

/* What a crash leaves: the store and the token, and nothing of the process. */
static void restart(struct fixture *f)
{
	stop(f);
	start(f);
}

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	strcpy(f->dir, "/tmp/itg-keys-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(name_parse("Example.gov.", f->apex), OK);
	f->token = failing_token_new("main");
	strcpy(f->policy.name, "default");
	f->policy.algorithm = 15;
	f->policy.ksk = (struct key_role_policy){
		.wanted = true, .token = "main", .active = {.months = 24}};
	f->policy.zsk = (struct key_role_policy){
		.wanted = true, .token = "main", .active = {.months = 3}};
	start(f);
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

static struct outcome make(struct fixture *f)
{
	struct outcome o = {0};

	keys_zone_make(f->keys, f->apex, &f->policy, NOW, on_done, &o);
	assert_int_equal(o.calls, 1);
	return o;
}

static struct outcome destroy(struct fixture *f)
{
	struct outcome o = {0};

	keys_zone_delete(f->keys, f->apex, true, on_done, &o);
	assert_int_equal(o.calls, 1);
	return o;
}

static enum keys_status status(struct fixture *f)
{
	char why[256];

	return keys_zone_status(f->keys, f->apex, why);
}

static void assert_status(struct fixture *f, enum keys_status wanted, const char *words)
{
	char why[256];
	enum keys_status is = keys_zone_status(f->keys, f->apex, why);

	if (is != wanted || strstr(why, words) == NULL)
		fail_msg("status %d (%s), wanted %d (%s)", is, why, wanted, words);
}

static void make_good(struct fixture *f)
{
	struct outcome o = make(f);

	if (o.code != OK)
		fail_msg("%s", o.why);
	assert_int_equal(status(f), KEYS_GOOD);
}

static struct keyset keyset(struct fixture *f)
{
	struct keyset set;
	struct err e = {0};

	if (keys_keyset(f->keys, f->apex, NOW, &set, &e) != OK)
		fail_msg("%s", e.text);
	return set;
}

static void test_R20_makes_ksk_and_zsk(void **state)
{
	struct fixture *f = *state;
	struct keyset set;

	assert_int_equal(status(f), KEYS_NONE);
	make_good(f);
	set = keyset(f);
	assert_int_equal(set.count, 2);
	assert_true(set.keys[0].role == KEY_KSK && set.keys[0].signs_set && !set.keys[0].signs_zone);
	assert_true(set.keys[1].role == KEY_ZSK && !set.keys[1].signs_set && set.keys[1].signs_zone);
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
	make_good(f);
	set = keyset(f);
	assert_int_equal(set.count, 1);
	assert_true(set.keys[0].role == KEY_CSK && set.keys[0].signs_set && set.keys[0].signs_zone);
}

static void test_R12_same_keys_again(void **state)
{
	struct fixture *f = *state;
	struct keyset before, after;

	make_good(f);
	before = keyset(f);
	make_good(f);
	restart(f);
	make_good(f);
	after = keyset(f);
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

	setup(&state);
	f = state;
	failing_token_fail(f->token, n, fault, false);
	make(f);
	reached = failing_token_has_failed(f->token);
	failing_token_cure(f->token);
	if (crash)
		restart(f);
	make_good(f);
	restart(f);
	assert_int_equal(status(f), KEYS_GOOD);
	assert_int_equal(failing_token_keys(f->token), 2);
	assert_int_equal(failing_token_records(f->token), 1);
	assert_int_equal(failing_token_generated(f->token), 2);
	assert_int_equal(intent_load(f->store, f->keys->zones[0]->hash, &intent, &e), ERR_MISSING);
	teardown(&state);
	return reached;
}

static bool fail_while_destroying(enum fake_fault fault, unsigned n, bool crash)
{
	struct fixture *f;
	struct outcome o;
	void *state;
	bool reached;

	setup(&state);
	f = state;
	make_good(f);
	failing_token_fail(f->token, n, fault, false);
	destroy(f);
	reached = failing_token_has_failed(f->token);
	failing_token_cure(f->token);
	if (crash)
		restart(f);
	o = destroy(f);
	if (o.code != OK)
		fail_msg("fault %d, request %u, crash %d: %s", fault, n, crash, o.why);
	assert_int_equal(status(f), KEYS_NONE);
	assert_int_equal(failing_token_keys(f->token), 0);
	assert_int_equal(failing_token_records(f->token), 0);
	make_good(f); /* and a new life */
	restart(f);
	assert_int_equal(status(f), KEYS_GOOD);
	teardown(&state);
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

	failing_token_fail(f->token, 4, FAKE_LOSE, true); /* the second key is made, unknown to us */
	assert_int_equal(make(f).code, ERR_TOKEN);
	assert_int_equal(status(f), KEYS_MAKING);
	failing_token_cure(f->token);
	f->policy.csk = f->policy.ksk;
	make_good(f);
	assert_int_equal(failing_token_keys(f->token), 1);
	assert_int_equal(keyset(f).keys[0].role, KEY_CSK);
}

static void test_deleted_before_made(void **state)
{
	struct fixture *f = *state;

	failing_token_fail(f->token, 4, FAKE_LOSE, true);
	assert_int_equal(make(f).code, ERR_TOKEN);
	failing_token_cure(f->token);
	assert_int_equal(destroy(f).code, OK);
	assert_int_equal(failing_token_keys(f->token), 0);
	restart(f);
	assert_int_equal(status(f), KEYS_NONE);
}

static void test_tag_clash(void **state)
{
	struct fixture *f = *state;
	struct keyset set;

	failing_token_clash(f->token, 2);
	make_good(f);
	set = keyset(f);
	assert_int_not_equal(set.keys[0].tag, set.keys[1].tag);
	assert_int_equal(failing_token_generated(f->token), 4);
	assert_int_equal(failing_token_keys(f->token), 2);
	assert_int_equal(destroy(f).code, OK);
	failing_token_clash(f->token, 1000);
	assert_int_equal(make(f).code, ERR_LIMIT);
	assert_int_equal(failing_token_records(f->token), 0);
}

static void test_R20_broken_by_a_crash(void **state)
{
	struct fixture *f = *state;

	failing_token_break(f->token, 2);
	make_good(f);
	assert_int_equal(failing_token_generated(f->token), 4);
	assert_int_equal(failing_token_keys(f->token), 2);
	assert_int_equal(destroy(f).code, OK);
	failing_token_break(f->token, 1000);
	assert_int_equal(make(f).code, ERR_LIMIT);
	assert_int_equal(failing_token_records(f->token), 0);
}

static void test_token_signs_wrong(void **state)
{
	struct fixture *f = *state;

	failing_token_sign_wrong(f->token, true);
	assert_int_equal(make(f).code, ERR_VERIFY);
	assert_int_equal(failing_token_records(f->token), 0);
	failing_token_sign_wrong(f->token, false);
	make_good(f);
	failing_token_sign_wrong(f->token, true);
	restart(f);
	assert_status(f, KEYS_RECOVERY, "did not prove itself");
	assert_int_equal(make(f).code, ERR_REFUSED);
	failing_token_sign_wrong(f->token, false);
	restart(f);
	assert_int_equal(status(f), KEYS_GOOD);
}

static void test_token_away(void **state)
{
	struct fixture *f = *state;
	struct outcome o = {0};
	struct keyset set;
	struct err e = {0};

	make_good(f);
	failing_token_fail(f->token, 1, FAKE_REFUSE, true);
	keys_load(f->keys, on_done, &o); /* what was known holds */
	assert_int_equal(o.code, ERR_TOKEN);
	assert_int_equal(status(f), KEYS_GOOD);
	restart(f);
	assert_int_equal(status(f), KEYS_UNKNOWN); /* never "no keys" */
	assert_int_equal(make(f).code, ERR_AGAIN);
	assert_int_equal(keys_keyset(f->keys, f->apex, NOW, &set, &e), ERR_AGAIN);
	failing_token_cure(f->token);
	keys_load(f->keys, on_done, &o);
	assert_int_equal(o.code, OK);
	assert_int_equal(status(f), KEYS_GOOD);
}

/* KSK and ZSK in two tokens; one of them away is no reason to call for the operator. */
static void test_two_tokens(void **state)
{
	struct fixture *f = *state;
	struct token *other = failing_token_new("other");
	struct outcome o = {0};

	keys_add_token(f->keys, other);
	keys_load(f->keys, on_done, &o);
	strcpy(f->policy.zsk.token, "other");
	make_good(f);
	assert_string_equal(keyset(f).keys[1].token, "other");
	assert_int_equal(failing_token_keys(other), 1);
	stop(f);

	failing_token_fail(other, 1, FAKE_REFUSE, true);
	start(f);
	keys_add_token(f->keys, other);
	keys_load(f->keys, on_done, &o);
	assert_int_equal(o.code, ERR_TOKEN);
	assert_status(f, KEYS_UNKNOWN, "none of the tokens that answer");
	failing_token_cure(other);
	keys_load(f->keys, on_done, &o);
	assert_int_equal(status(f), KEYS_GOOD);
	stop(f);
	start(f); /* without the second one in the configuration */
	assert_status(f, KEYS_RECOVERY, "no token has");
	failing_token_free(other);
}

static void test_keys_without_record(void **state)
{
	struct fixture *f = *state;
	struct keyset set;
	struct err e = {0};

	make_good(f);
	failing_token_drop_records(f->token);
	restart(f);
	assert_status(f, KEYS_RECOVERY, "no state record");
	assert_int_equal(make(f).code, ERR_REFUSED);
	assert_int_equal(destroy(f).code, ERR_REFUSED);
	assert_int_equal(keys_keyset(f->keys, f->apex, NOW, &set, &e), ERR_REFUSED);
	assert_int_equal(failing_token_generated(f->token), 2);
}

/* An empty token where keys were used before is the wrong token, not a new zone. */
static void test_empty_token(void **state)
{
	struct fixture *f = *state;

	make_good(f);
	failing_token_drop_records(f->token);
	failing_token_drop_keys(f->token);
	restart(f);
	assert_status(f, KEYS_RECOVERY, "right token");
	assert_int_equal(make(f).code, ERR_REFUSED);
	assert_int_equal(failing_token_generated(f->token), 2);
}

static void test_record_without_keys_in_token(void **state)
{
	struct fixture *f = *state;

	make_good(f);
	failing_token_drop_keys(f->token);
	restart(f);
	assert_status(f, KEYS_RECOVERY, "no token has");
}

/* Another record of the zone: its sequence, and whether it is damaged or of a newer version. */
static void put_other(struct fixture *f, uint64_t sequence, uint32_t writer, int damage)
{
	struct record_label label = {.sequence = sequence, .nonce = (uint16_t)writer};
	struct token_record first;
	struct record r;
	struct buf b = {0};
	char text[TOKEN_LABEL_MAX];

	assert_true(failing_token_get_record(f->token, 0, &first));
	assert_int_equal(record_decode(first.value, first.value_len, &r, NULL), OK);
	r.sequence = sequence;
	r.writer = writer;
	record_encode(&r, &b);
	if (damage >= 0)
		b.data[damage]++;
	memcpy(label.zone_hash, r.zone_hash, sizeof(label.zone_hash));
	labels_format_record(&label, text);
	failing_token_put_record(f->token, text, b.data, b.len);
	record_free(&r);
	buf_free(&b);
}

static uint32_t us(struct fixture *f)
{
	uint32_t writer = 0;

	assert_int_equal(intent_writer(f->store, &writer, NULL), OK);
	return writer;
}

static struct outcome accept(struct fixture *f, uint64_t sequence)
{
	struct outcome o = {0};

	keys_accept_record(f->keys, f->apex, sequence, on_done, &o);
	assert_int_equal(o.calls, 1);
	return o;
}

static struct outcome roll(struct fixture *f)
{
	struct edit edit = {
		.kind = EDIT_ROLLOVER, .which.role = KEY_ZSK, .reason = "", .requester = ""};
	struct outcome o = {0};

	keys_request(f->keys, f->apex, &edit, NOW, on_done, &o);
	assert_int_equal(o.calls, 1);
	return o;
}

/* Frozen: nothing changes, and what was known signs on, also after a restart. */
static void assert_frozen(struct fixture *f, const struct keyset *wanted)
{
	struct keyset set;

	for (unsigned i = 0; i < 2; i++) {
		assert_status(f, KEYS_FROZEN, "by signer 00000063");
		assert_int_equal(roll(f).code, ERR_REFUSED);
		assert_int_equal(make(f).code, ERR_REFUSED);
		assert_int_equal(destroy(f).code, ERR_REFUSED);
		set = keyset(f);
		assert_memory_equal(&set, wanted, sizeof(set));
		restart(f);
	}
}

static void test_two_writers(void **state)
{
	struct fixture *f = *state;
	struct keyset set;

	make_good(f);
	set = keyset(f);
	put_other(f, 1, 99, -1);
	restart(f);
	assert_frozen(f, &set);
	assert_int_equal(accept(f, 2).code, ERR_REFUSED);
	assert_int_equal(accept(f, 1).code, OK);
	assert_int_equal(status(f), KEYS_GOOD);
	assert_int_equal(f->keys->zones[0]->record.sequence, 2);
	assert_int_equal(f->keys->zones[0]->record.writer, us(f));
	restart(f);
	assert_int_equal(status(f), KEYS_GOOD);
}

/* Nobody may have acted upon a record that turns out not to be the only one. */
static void test_rival_seen_at_commit(void **state)
{
	struct fixture *f = *state;
	struct keyset set;
	struct outcome o;

	make_good(f);
	set = keyset(f);
	put_other(f, 2, 99, -1);
	o = roll(f);
	assert_int_equal(o.code, ERR_CONFLICT);
	assert_non_null(strstr(o.why, "two signers"));
	assert_int_equal(f->keys->zones[0]->record.sequence, 1);
	assert_frozen(f, &set);
	assert_int_equal(failing_token_records(f->token), 2); /* nothing was written against it */
	assert_int_equal(accept(f, 2).code, OK);
	assert_int_equal(status(f), KEYS_GOOD);
	assert_int_equal(f->keys->zones[0]->record.sequence, 3);
}

/* ... nor when it comes in just before ours, or just after it. */
static void test_rival_between_looks(void **state)
{
	struct edit edit = {
		.kind = EDIT_ROLLOVER, .which.role = KEY_ZSK, .reason = "", .requester = ""};

	for (unsigned turns = 1; turns <= 2; turns++) {
		struct fixture *f;
		struct outcome o = {0};
		struct keyset set;

		assert_int_equal(setup(state), 0);
		f = *state;
		make_good(f);
		set = keyset(f);
		failing_token_hold(f->token, true);
		keys_request(f->keys, f->apex, &edit, NOW, on_done, &o);
		for (unsigned i = 0; i < turns; i++)
			assert_true(failing_token_turn(f->token, FAILING_OBJECTS));
		assert_int_equal(failing_token_records(f->token), turns);
		put_other(f, 2, 99, -1);
		while (failing_token_turn(f->token, FAILING_OBJECTS))
			;
		failing_token_hold(f->token, false);
		assert_int_equal(o.calls, 1);
		assert_int_equal(o.code, ERR_CONFLICT);
		assert_frozen(f, &set);
		assert_int_equal(accept(f, 2).code, OK); /* of the two: ours */
		assert_int_not_equal(f->keys->zones[0]->record.keys[1].times.at[TIME_ROLL], 0);
		teardown(state);
	}
}

static void test_rival_is_ahead(void **state)
{
	struct fixture *f = *state;
	struct keyset set;

	make_good(f);
	set = keyset(f);
	put_other(f, 4, 99, -1);
	restart(f);
	assert_frozen(f, &set);
	assert_int_equal(accept(f, 4).code, OK); /* the other one's */
	assert_int_equal(status(f), KEYS_GOOD);
	assert_int_equal(f->keys->zones[0]->record.sequence, 5);
	put_other(f, 4, 98, -1); /* late, and of no weight */
	assert_int_equal(roll(f).code, OK);
	restart(f);
	assert_int_equal(status(f), KEYS_GOOD);
}

/* Two signers make a new zone's keys at once: the second one notices. */
static void test_rival_while_making(void **state)
{
	struct fixture *f = *state;
	struct keyset set;
	struct err e = {0};
	struct token_record r;
	struct buf value = {0};
	char label[TOKEN_LABEL_MAX];

	make_good(f); /* only for a record to be copied */
	put_other(f, 1, 99, -1);
	assert_true(failing_token_get_record(f->token, 1, &r));
	strcpy(label, r.label);
	buf_put(&value, r.value, r.value_len);
	accept(f, 1);
	assert_int_equal(destroy(f).code, OK);
	assert_int_equal(status(f), KEYS_NONE);
	failing_token_put_record(f->token, label, value.data, value.len);
	assert_int_equal(make(f).code, ERR_CONFLICT);
	assert_status(f, KEYS_FROZEN, "by signer 00000063");
	assert_int_equal(keys_keyset(f->keys, f->apex, NOW, &set, &e), ERR_REFUSED);
	buf_free(&value);
}

static void test_highest_sequence_wins(void **state)
{
	struct fixture *f = *state;

	make_good(f);
	put_other(f, 3, us(f), -1);
	put_other(f, 2, us(f), -1);
	put_other(f, 7, us(f), -1);
	restart(f);
	assert_int_equal(status(f), KEYS_GOOD);
	assert_int_equal(f->keys->zones[0]->record.sequence, 7);
	assert_int_equal(failing_token_records(f->token), 2); /* superseded ones went, but for one */
}

static void test_damaged_and_future_records(void **state)
{
	struct fixture *f = *state;

	make_good(f);
	put_other(f, 1, 9, 60); /* damaged, and not newer: the good one counts */
	restart(f);
	assert_int_equal(status(f), KEYS_GOOD);
	put_other(f, 2, 9, 60);
	restart(f);
	assert_status(f, KEYS_RECOVERY, "digest");
	put_other(f, 3, 9, 4);
	restart(f);
	assert_status(f, KEYS_RECOVERY, "newer program");
	assert_int_equal(accept(f, 3).code, ERR_REFUSED); /* that one cannot be read */
	assert_int_equal(accept(f, 1).code, OK);
	assert_int_equal(f->keys->zones[0]->record.sequence, 4);
	restart(f);
	assert_int_equal(status(f), KEYS_GOOD);
	assert_int_equal(roll(f).code, OK);
	assert_int_equal(failing_token_records(f->token), 2);
}

/* Each cut, as it may come of a write that a crash ended, is a newer record that cannot be read. */
static void test_truncated_records(void **state)
{
	struct record_label label = {.sequence = 2};
	struct fixture *f = *state;
	struct token_record r;
	struct buf whole = {0};
	char text[TOKEN_LABEL_MAX];

	make_good(f);
	put_other(f, 2, us(f), -1);
	assert_true(failing_token_get_record(f->token, 1, &r));
	buf_put(&whole, r.value, r.value_len);
	memcpy(label.zone_hash, f->keys->zones[0]->hash, sizeof(label.zone_hash));
	assert_true(failing_token_get_record(f->token, 0, &r));
	for (size_t len = 0; len < whole.len; len += 13) {
		labels_format_record(&label, text);
		failing_token_drop_record(f->token, 1);
		failing_token_put_record(f->token, text, whole.data, len);
		restart(f);
		assert_status(f, KEYS_RECOVERY, "record 2:");
		assert_int_equal(make(f).code, ERR_REFUSED);
	}
	assert_int_equal(failing_token_generated(f->token), 2);
	buf_free(&whole);
}

/* The same record twice, under one label or two: one truth, and all of it goes in the end. */
static void test_duplicated_records(void **state)
{
	struct record_label label;
	struct fixture *f = *state;
	struct token_record r;
	struct buf value = {0};
	char text[TOKEN_LABEL_MAX];

	make_good(f);
	assert_true(failing_token_get_record(f->token, 0, &r));
	buf_put(&value, r.value, r.value_len);
	assert_true(labels_parse_record(r.label, &label));
	failing_token_put_record(f->token, r.label, value.data, value.len);
	label.nonce++;
	labels_format_record(&label, text);
	failing_token_put_record(f->token, text, value.data, value.len);
	restart(f);
	assert_int_equal(status(f), KEYS_GOOD);
	assert_int_equal(roll(f).code, OK);
	assert_int_equal(destroy(f).code, OK);
	assert_int_equal(failing_token_records(f->token), 0);
	assert_int_equal(failing_token_keys(f->token), 0);
	buf_free(&value);
}

/* A record under the label of another sequence, or of another zone, is no record. */
static void test_mislabelled_records(void **state)
{
	struct record_label label;
	struct fixture *f = *state;
	struct token_record r;
	struct buf value = {0};
	char text[TOKEN_LABEL_MAX], why[256];
	uint8_t other[NAME_MAX_LEN];

	make_good(f);
	assert_true(failing_token_get_record(f->token, 0, &r));
	buf_put(&value, r.value, r.value_len);
	assert_true(labels_parse_record(r.label, &label));
	name_parse("other.example.", other);
	keys_zone_hash(other, label.zone_hash);
	labels_format_record(&label, text);
	failing_token_put_record(f->token, text, value.data, value.len);
	restart(f);
	assert_int_equal(status(f), KEYS_GOOD);
	assert_int_equal(keys_zone_status(f->keys, other, why), KEYS_RECOVERY);
	keys_zone_hash(f->apex, label.zone_hash);
	label.sequence = 9;
	labels_format_record(&label, text);
	failing_token_put_record(f->token, text, value.data, value.len);
	restart(f);
	assert_status(f, KEYS_RECOVERY, "another one's label");
	buf_free(&value);
}

static void test_restored_backup(void **state)
{
	struct fixture *f = *state;

	struct token_record r;
	struct buf old = {0};
	char label[TOKEN_LABEL_MAX];

	make_good(f);
	assert_true(failing_token_get_record(f->token, 0, &r));
	strcpy(label, r.label);
	buf_put(&old, r.value, r.value_len);
	put_other(f, 5, us(f), -1);
	restart(f);
	assert_int_equal(status(f), KEYS_GOOD);
	failing_token_drop_records(f->token);
	restart(f);
	assert_status(f, KEYS_RECOVERY, "no state record"); /* the keys are there */
	failing_token_put_record(f->token, label, old.data, old.len);
	restart(f);
	assert_status(f, KEYS_RECOVERY, "record 1 is older than 5");
	assert_int_equal(make(f).code, ERR_REFUSED);
	assert_int_equal(accept(f, 5).code, ERR_REFUSED);
	assert_status(f, KEYS_RECOVERY, "record 1 is older than 5");
	assert_int_equal(accept(f, 1).code, OK);
	assert_int_equal(status(f), KEYS_GOOD);
	assert_int_equal(accept(f, 1).code, ERR_REFUSED); /* there is no question any more */
	restart(f);
	assert_int_equal(status(f), KEYS_GOOD);
	buf_free(&old);
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

	make_good(f);
	keys_each(f->keys, NULL, policy_of, &f->policy, NOW, each, &n);
	assert_int_equal(n, 2);
	keys_each(f->keys, f->apex, policy_of, &f->policy, NOW, each, &n);
	assert_int_equal(n, 4);
	assert_false(keys_ds_may_exist(f->keys, f->apex, why));
	f->keys->zones[0]->record.keys[0].times.at[TIME_DS_SEEN] = NOW;
	assert_true(keys_ds_may_exist(f->keys, f->apex, why));
	assert_non_null(strstr(why, "seen"));
	keys_zone_delete(f->keys, f->apex, false, on_done, &o);
	assert_int_equal(o.code, OK);
	keys_each(f->keys, NULL, policy_of, &f->policy, NOW, each, &n);
	assert_int_equal(n, 4);
	assert_int_equal(failing_token_keys(f->token), 2); /* R71: they stay in the token */
	make_good(f);
	assert_int_equal(failing_token_generated(f->token), 2);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
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
		T(test_two_writers),
		T(test_rival_seen_at_commit),
		cmocka_unit_test(test_rival_between_looks),
		T(test_rival_is_ahead),
		T(test_rival_while_making),
		T(test_highest_sequence_wins),
		T(test_damaged_and_future_records),
		T(test_truncated_records),
		T(test_duplicated_records),
		T(test_mislabelled_records),
		T(test_restored_backup),
		T(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
