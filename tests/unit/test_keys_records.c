/* State records that are not as they should be: of another writer, damaged, cut, twice there, older
 * than what was acted upon. */
#include <string.h>
#include "tests/unit/keys_rig.h"

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

	keys_accept_record(f->keys, f->apex, sequence, rig_on_done, &o);
	assert_int_equal(o.calls, 1);
	return o;
}

static struct outcome roll(struct fixture *f)
{
	struct edit edit = {
	    .kind = EDIT_ROLLOVER, .which.role = KEY_ZSK, .reason = "", .requester = ""};
	struct outcome o = {0};

	keys_request(f->keys, f->apex, &edit, NOW, rig_on_done, &o);
	assert_int_equal(o.calls, 1);
	return o;
}

/* Frozen: nothing changes, and what was known signs on, also after a restart. */
static void assert_frozen(struct fixture *f, const struct keyset *wanted)
{
	struct keyset set;

	for (unsigned i = 0; i < 2; i++) {
		rig_assert_status(f, KEYS_FROZEN, "by signer 00000063");
		assert_int_equal(roll(f).code, ERR_REFUSED);
		assert_int_equal(rig_make(f).code, ERR_REFUSED);
		assert_int_equal(rig_destroy(f).code, ERR_REFUSED);
		set = rig_keyset(f);
		assert_memory_equal(&set, wanted, sizeof(set));
		rig_restart(f);
	}
}

static void test_two_writers(void **state)
{
	struct fixture *f = *state;
	struct keyset set;

	rig_make_good(f);
	set = rig_keyset(f);
	put_other(f, 1, 99, -1);
	rig_restart(f);
	assert_frozen(f, &set);
	assert_int_equal(accept(f, 2).code, ERR_REFUSED);
	assert_int_equal(accept(f, 1).code, OK);
	assert_int_equal(rig_status(f), KEYS_GOOD);
	assert_int_equal(f->keys->zones[0]->record.sequence, 2);
	assert_int_equal(f->keys->zones[0]->record.writer, us(f));
	rig_restart(f);
	assert_int_equal(rig_status(f), KEYS_GOOD);
}

/* Nobody may have acted upon a record that turns out not to be the only one. */
static void test_rival_seen_at_commit(void **state)
{
	struct fixture *f = *state;
	struct keyset set;
	struct outcome o;

	rig_make_good(f);
	set = rig_keyset(f);
	put_other(f, 2, 99, -1);
	o = roll(f);
	assert_int_equal(o.code, ERR_CONFLICT);
	assert_non_null(strstr(o.why, "two signers"));
	assert_int_equal(f->keys->zones[0]->record.sequence, 1);
	assert_frozen(f, &set);
	assert_int_equal(failing_token_records(f->token), 2); /* nothing was written against it */
	assert_int_equal(accept(f, 2).code, OK);
	assert_int_equal(rig_status(f), KEYS_GOOD);
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

		assert_int_equal(rig_setup(state), 0);
		f = *state;
		rig_make_good(f);
		set = rig_keyset(f);
		failing_token_hold(f->token, true);
		keys_request(f->keys, f->apex, &edit, NOW, rig_on_done, &o);
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
		rig_teardown(state);
	}
}

static void test_rival_is_ahead(void **state)
{
	struct fixture *f = *state;
	struct keyset set;

	rig_make_good(f);
	set = rig_keyset(f);
	put_other(f, 4, 99, -1);
	rig_restart(f);
	assert_frozen(f, &set);
	assert_int_equal(accept(f, 4).code, OK); /* the other one's */
	assert_int_equal(rig_status(f), KEYS_GOOD);
	assert_int_equal(f->keys->zones[0]->record.sequence, 5);
	put_other(f, 4, 98, -1); /* late, and of no weight */
	assert_int_equal(roll(f).code, OK);
	rig_restart(f);
	assert_int_equal(rig_status(f), KEYS_GOOD);
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

	rig_make_good(f); /* only for a record to be copied */
	put_other(f, 1, 99, -1);
	assert_true(failing_token_get_record(f->token, 1, &r));
	strcpy(label, r.label);
	buf_put(&value, r.value, r.value_len);
	accept(f, 1);
	assert_int_equal(rig_destroy(f).code, OK);
	assert_int_equal(rig_status(f), KEYS_NONE);
	failing_token_put_record(f->token, label, value.data, value.len);
	assert_int_equal(rig_make(f).code, ERR_CONFLICT);
	rig_assert_status(f, KEYS_FROZEN, "by signer 00000063");
	assert_int_equal(keys_keyset(f->keys, f->apex, NOW, &set, &e), ERR_REFUSED);
	buf_free(&value);
}

static void test_highest_sequence_wins(void **state)
{
	struct fixture *f = *state;

	rig_make_good(f);
	put_other(f, 3, us(f), -1);
	put_other(f, 2, us(f), -1);
	put_other(f, 7, us(f), -1);
	rig_restart(f);
	assert_int_equal(rig_status(f), KEYS_GOOD);
	assert_int_equal(f->keys->zones[0]->record.sequence, 7);
	assert_int_equal(
	    failing_token_records(f->token), 2); /* superseded ones went, but for one */
}

static void test_damaged_and_future_records(void **state)
{
	struct fixture *f = *state;

	rig_make_good(f);
	put_other(f, 1, 9, 60); /* damaged, and not newer: the good one counts */
	rig_restart(f);
	assert_int_equal(rig_status(f), KEYS_GOOD);
	put_other(f, 2, 9, 60);
	rig_restart(f);
	rig_assert_status(f, KEYS_RECOVERY, "digest");
	put_other(f, 3, 9, 4);
	rig_restart(f);
	rig_assert_status(f, KEYS_RECOVERY, "newer program");
	assert_int_equal(accept(f, 3).code, ERR_REFUSED); /* that one cannot be read */
	assert_int_equal(accept(f, 1).code, OK);
	assert_int_equal(f->keys->zones[0]->record.sequence, 4);
	rig_restart(f);
	assert_int_equal(rig_status(f), KEYS_GOOD);
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

	rig_make_good(f);
	put_other(f, 2, us(f), -1);
	assert_true(failing_token_get_record(f->token, 1, &r));
	buf_put(&whole, r.value, r.value_len);
	memcpy(label.zone_hash, f->keys->zones[0]->hash, sizeof(label.zone_hash));
	assert_true(failing_token_get_record(f->token, 0, &r));
	for (size_t len = 0; len < whole.len; len += 13) {
		labels_format_record(&label, text);
		failing_token_drop_record(f->token, 1);
		failing_token_put_record(f->token, text, whole.data, len);
		rig_restart(f);
		rig_assert_status(f, KEYS_RECOVERY, "record 2:");
		assert_int_equal(rig_make(f).code, ERR_REFUSED);
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

	rig_make_good(f);
	assert_true(failing_token_get_record(f->token, 0, &r));
	buf_put(&value, r.value, r.value_len);
	assert_true(labels_parse_record(r.label, &label));
	failing_token_put_record(f->token, r.label, value.data, value.len);
	label.nonce++;
	labels_format_record(&label, text);
	failing_token_put_record(f->token, text, value.data, value.len);
	rig_restart(f);
	assert_int_equal(rig_status(f), KEYS_GOOD);
	assert_int_equal(roll(f).code, OK);
	assert_int_equal(rig_destroy(f).code, OK);
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

	rig_make_good(f);
	assert_true(failing_token_get_record(f->token, 0, &r));
	buf_put(&value, r.value, r.value_len);
	assert_true(labels_parse_record(r.label, &label));
	name_parse("other.example.", other);
	keys_zone_hash(other, label.zone_hash);
	labels_format_record(&label, text);
	failing_token_put_record(f->token, text, value.data, value.len);
	rig_restart(f);
	assert_int_equal(rig_status(f), KEYS_GOOD);
	assert_int_equal(keys_zone_status(f->keys, other, why), KEYS_RECOVERY);
	keys_zone_hash(f->apex, label.zone_hash);
	label.sequence = 9;
	labels_format_record(&label, text);
	failing_token_put_record(f->token, text, value.data, value.len);
	rig_restart(f);
	rig_assert_status(f, KEYS_RECOVERY, "another one's label");
	buf_free(&value);
}

static void test_restored_backup(void **state)
{
	struct fixture *f = *state;

	struct token_record r;
	struct buf old = {0};
	char label[TOKEN_LABEL_MAX];

	rig_make_good(f);
	assert_true(failing_token_get_record(f->token, 0, &r));
	strcpy(label, r.label);
	buf_put(&old, r.value, r.value_len);
	put_other(f, 5, us(f), -1);
	rig_restart(f);
	assert_int_equal(rig_status(f), KEYS_GOOD);
	failing_token_drop_records(f->token);
	rig_restart(f);
	rig_assert_status(f, KEYS_RECOVERY, "no state record"); /* the keys are there */
	failing_token_put_record(f->token, label, old.data, old.len);
	rig_restart(f);
	rig_assert_status(f, KEYS_RECOVERY, "record 1 is older than 5");
	assert_int_equal(rig_make(f).code, ERR_REFUSED);
	assert_int_equal(accept(f, 5).code, ERR_REFUSED);
	rig_assert_status(f, KEYS_RECOVERY, "record 1 is older than 5");
	assert_int_equal(accept(f, 1).code, OK);
	assert_int_equal(rig_status(f), KEYS_GOOD);
	assert_int_equal(accept(f, 1).code, ERR_REFUSED); /* there is no question any more */
	rig_restart(f);
	assert_int_equal(rig_status(f), KEYS_GOOD);
	buf_free(&old);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
