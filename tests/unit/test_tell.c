/* What people are told of the life of a zone's keys (R50): a zone lives for years of virtual time,
 * is looked at as the daemon looks at it, and each thing is told once, at its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "keys/edit.h"
#include "keys/roll.h"
#include "keys/tell.h"

#define DAY 86400
#define HOUR 3600
#define TOLD_MAX 400

struct told {
	struct tell tell;
	int64_t at; /* when it was told */
};

struct life {
	struct key_policy policy;
	struct record record;
	struct tell_memory memory;
	struct told told[TOLD_MAX];
	unsigned told_count;
	unsigned twice; /* so often something told already was found again */
	int64_t now;
	uint16_t tags;
};

static int64_t time_of(const char *text)
{
	int64_t t;

	assert_int_equal(time_parse(text, &t), OK);
	return t;
}

static struct record_key *add_key(struct life *l, enum key_role role)
{
	struct record_key *k = record_add_key(&l->record);

	assert_non_null(k);
	k->role = role;
	k->algorithm = l->policy.algorithm;
	k->tag = ++l->tags;
	k->id[0] = (uint8_t)(k->tag >> 8);
	k->id[1] = (uint8_t)k->tag;
	k->pub_len = 1;
	k->times.at[TIME_GENERATED] = l->now;
	return k;
}

static int setup(void **state)
{
	struct life *l = mem_alloc(sizeof(*l));
	struct period week = {.seconds = 7 * DAY}, two_months = {.months = 2};

	strcpy(l->policy.name, "default");
	l->policy.algorithm = 13;
	l->policy.ksk = (struct key_role_policy){.wanted = true,
	    .prepublish = two_months,
	    .active = {.months = 24},
	    .postpublish = two_months};
	l->policy.zsk = (struct key_role_policy){
	    .wanted = true, .prepublish = week, .active = {.months = 3}, .postpublish = week};
	l->policy.csk = l->policy.ksk;
	l->policy.csk.wanted = false;
	l->policy.ttl_dnskey = l->policy.propagation = l->policy.ds_propagation = HOUR;
	l->policy.ds_ttl = DAY;
	l->policy.purge_after.seconds = 14 * DAY;
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	struct life *l = *state;

	record_free(&l->record);
	free(l);
	return 0;
}

/* The world does at once what it should. */
static void observe(const struct life *l, struct facts *f)
{
	memset(f, 0, sizeof(*f));
	f->ttl_zone = f->ttl_unsigned = DAY;
	f->signed_since = l->record.key_count > 0 ? l->record.keys[0].times.at[TIME_GENERATED] : 0;
	facts_apply_policy(f, &l->policy);
	for (unsigned i = 0; i < l->record.key_count; i++) {
		const int64_t *at = l->record.keys[i].times.at;
		struct facts_key *k = &f->keys[i];
		bool has_ds = at[TIME_DS_SUBMITTED] != 0 && at[TIME_DS_RETRACTED] == 0;

		k->in_set = at[TIME_REMOVED] == 0 ? at[TIME_PUBLISHED] : 0;
		k->out_of_set = at[TIME_REMOVED];
		k->signs_set = at[TIME_RETIRED] == 0 ? at[TIME_PUBLISHED] : 0;
		k->signs_all = at[TIME_SIGN_UNTIL] == 0 ? at[TIME_SIGN_FROM] : 0;
		k->signs_none = at[TIME_SIGN_UNTIL];
		k->ds_in = has_ds ? at[TIME_DS_SUBMITTED] : 0;
		k->ds_out = at[TIME_DS_RETRACTED];
		k->ds_some = has_ds;
	}
}

static void keep(struct life *l, const struct tell *found, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		bool is_known = false;

		for (unsigned j = 0; j < l->told_count; j++)
			is_known |= l->told[j].tell.kind == found[i].kind &&
				    strcmp(l->told[j].tell.occasion, found[i].occasion) == 0;
		l->twice += is_known;
		if (is_known)
			continue;
		assert_true(l->told_count < TOLD_MAX);
		l->told[l->told_count].at = l->now;
		l->told[l->told_count++].tell = found[i];
	}
}

static void tell(struct life *l, bool is_before)
{
	struct tell_input in = {&l->record, &l->policy, &l->memory, l->now};
	struct tell found[TELL_MAX];

	keep(l, found, tell_due(&in, is_before, found));
	if (!is_before)
		tell_remember(&l->record, &l->memory);
}

/* All steps of this instant, as keys_step takes them; true: something was done. */
static bool step(struct life *l, int64_t *next)
{
	struct roll_result res;
	struct facts facts;
	struct roll_input in = {&l->record, &l->policy, &facts, l->now, NULL};
	bool any = false;

	observe(l, &facts);
	roll_step(&in, &res);
	*next = res.next;
	for (unsigned i = 0; i < res.change_count; i++) {
		any = true;
		if (res.changes[i].step == ROLL_GENERATE)
			add_key(l, res.changes[i].role);
	}
	roll_apply(&res, &l->record);
	return any;
}

/* A look, and the time of the next. */
static int64_t look(struct life *l)
{
	struct tell_input in = {&l->record, &l->policy, NULL, l->now};
	int64_t next, tell_at;
	unsigned rounds = 0;

	tell(l, true);
	while (step(l, &next))
		assert_true(++rounds < 50);
	tell(l, false);
	tell_at = tell_next(&in);
	return tell_at < next ? tell_at : next;
}

static void live(struct life *l, int64_t until)
{
	int64_t next = look(l);

	while (next <= until) {
		l->now = next > l->now ? next : l->now + 1;
		next = look(l);
	}
	l->now = until;
}

static void born(struct life *l, const char *when)
{
	enum key_role roles[2];
	unsigned count = policy_roles(&l->policy, roles);

	l->now = time_of(when);
	for (unsigned i = 0; i < count; i++)
		add_key(l, roles[i]);
}

static unsigned count_kind(const struct life *l, enum tell_kind kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->told_count; i++)
		n += l->told[i].tell.kind == kind;
	return n;
}

/* The n-th (from 0) of its kind, which was told at that time. */
static const struct tell *assert_told(
    const struct life *l, enum tell_kind kind, unsigned n, const char *when)
{
	for (unsigned i = 0; i < l->told_count; i++) {
		const struct told *x = &l->told[i];
		char at[TIME_TEXT_SIZE];

		if (x->tell.kind != kind || n-- > 0)
			continue;
		time_text(x->at, at);
		if (x->at != time_of(when))
			fail_msg("%s: told at %s instead of %s", x->tell.occasion, at, when);
		assert_int_equal(x->tell.at, x->at);
		return &x->tell;
	}
	fail_msg("nothing of kind %d was told at %s", (int)kind, when);
	return NULL;
}

static struct record_key *key_of(struct life *l, uint16_t tag)
{
	for (unsigned i = 0; i < l->record.key_count; i++)
		if (l->record.keys[i].tag == tag)
			return &l->record.keys[i];
	return NULL;
}

static void report(struct life *l, enum key_role role, uint16_t tag)
{
	struct edit e = {.kind = EDIT_EMERGENCY,
	    .which = {.role = role, .tag = tag},
	    .reason = "a laptop was stolen",
	    .requester = "uid 0",
	    .policy = &l->policy};
	char why[EDIT_WHY_SIZE];

	assert_int_equal(edit_apply(&e, &l->record, l->now, why), OK);
}

static void test_R50_five_years(void **state)
{
	struct life *l = *state;
	const struct tell *x;

	born(l, "2026-12-31");
	live(l, time_of("2031-12-30"));
	/* Sums of months clamp to the month's end. */
	x = assert_told(l, TELL_SCHEDULED, 0, "2028-10-31");
	assert_int_equal(x->until, time_of("2028-12-31"));
	assert_int_equal(x->tag, 1);
	assert_int_equal(x->role, KEY_KSK);
	assert_int_not_equal(x->next_tag, 0); /* it was made at that very instant */
	x = assert_told(l, TELL_SCHEDULED, 1, "2028-11-30");
	assert_string_equal(x->occasion, "KSK 1 2028-12-31T00:00:00Z, 1 month ahead");
	assert_told(l, TELL_SCHEDULED, 2, "2028-12-17");
	x = assert_told(l, TELL_SUCCESSFUL, 0, "2028-12-31");
	assert_int_equal(x->tag, 1);
	assert_int_equal(x->next_tag, l->told[0].tell.next_tag);
	x = assert_told(l, TELL_POSTPUBLISHED, 0, "2029-02-28");
	assert_int_equal(x->tag, 1);
	assert_told(l, TELL_SCHEDULED, 3, "2030-10-31");
	assert_told(l, TELL_SUCCESSFUL, 1, "2030-12-31");
	assert_told(l, TELL_POSTPUBLISHED, 1, "2031-02-28");
	assert_int_equal(count_kind(l, TELL_SCHEDULED), 6);
	assert_int_equal(count_kind(l, TELL_SUCCESSFUL), 2);
	assert_int_equal(count_kind(l, TELL_POSTPUBLISHED), 2);
	assert_int_equal(count_kind(l, TELL_EMERGENCY_KSK), 0);
	assert_int_equal(count_kind(l, TELL_EMERGENCY_ZSK), 0);
	assert_true(l->twice > 0); /* looked at often, and always the same occasion */
}

static void test_R50_emergency_all(void **state)
{
	struct life *l = *state;
	const struct tell *x;
	int64_t at = time_of("2027-03-01T12:00:00Z");

	born(l, "2027-01-01");
	live(l, at);
	report(l, 0, 0);
	live(l, time_of("2029-01-01"));
	x = assert_told(l, TELL_EMERGENCY_KSK, 0, "2027-03-01T12:00:00Z");
	assert_int_equal(x->stop, at + 7 * DAY);
	assert_int_equal(x->remove, at + 14 * DAY);
	assert_int_equal(x->hand_over, 0);
	assert_true(x->was_active);
	assert_int_not_equal(x->next_tag, 0);
	assert_string_equal(x->note, "a laptop was stolen (uid 0)");
	x = assert_told(l, TELL_EMERGENCY_ZSK, 0, "2027-03-01T12:00:00Z");
	assert_int_equal(x->stop, at + 2 * DAY);
	assert_int_equal(x->remove, at + 4 * DAY);
	/* Its key is destroyed in the moment in which it leaves the zone. */
	assert_told(l, TELL_SUCCESSFUL, 0, "2027-03-08T12:00:00Z");
	assert_null(key_of(l, 1));
	assert_told(l, TELL_POSTPUBLISHED, 0, "2027-03-15T12:00:00Z");
	/* The next roll-over is two years from the emergency. */
	live(l, time_of("2029-02-01"));
	assert_told(l, TELL_SCHEDULED, 0, "2029-01-01T12:00:00Z");

	assert_told(l, TELL_SCHEDULED, 0, "2029-01-01T12:00:00Z");
	assert_int_equal(count_kind(l, TELL_SUCCESSFUL), 1);
	assert_int_equal(count_kind(l, TELL_EMERGENCY_KSK), 1);
	assert_int_equal(count_kind(l, TELL_EMERGENCY_ZSK), 1);
}

static void test_R50_emergency_csk(void **state)
{
	struct life *l = *state;
	int64_t at = time_of("2027-03-01");
	const struct tell *x;

	l->policy.csk.wanted = true;
	born(l, "2027-01-01");
	live(l, at);
	report(l, 0, 0);
	live(l, time_of("2028-01-01"));
	x = assert_told(l, TELL_EMERGENCY_KSK, 0, "2027-03-01");
	assert_int_equal(x->role, KEY_CSK);
	assert_int_equal(x->hand_over, at + 2 * DAY);
	assert_int_equal(x->stop, at + 7 * DAY);
	assert_int_equal(x->remove, at + 14 * DAY);
	assert_int_equal(count_kind(l, TELL_EMERGENCY_ZSK), 0);
	assert_told(l, TELL_SUCCESSFUL, 0, "2027-03-08");
	assert_told(l, TELL_POSTPUBLISHED, 0, "2027-03-15");
}

/* It is taken out and destroyed in the step that follows: told before that. */
static void test_R50_emergency_of_an_unused_key(void **state)
{
	struct life *l = *state;
	const struct tell *x;

	born(l, "2027-01-01");
	live(l, time_of("2028-12-01"));
	report(l, 0, assert_told(l, TELL_SCHEDULED, 0, "2028-11-01")->next_tag);
	live(l, time_of("2028-12-02"));
	x = assert_told(l, TELL_EMERGENCY_KSK, 0, "2028-12-01");
	assert_false(x->was_active);
	assert_int_equal(x->stop, 0);
	assert_int_equal(count_kind(l, TELL_SUCCESSFUL), 0);
}

static void test_R50_by_hand_is_not_scheduled(void **state)
{
	struct life *l = *state;
	struct edit e = {.kind = EDIT_ROLLOVER, .which = {.role = KEY_KSK}, .policy = &l->policy};
	char why[EDIT_WHY_SIZE];

	born(l, "2027-01-01");
	live(l, time_of("2027-06-01"));
	assert_int_equal(edit_apply(&e, &l->record, l->now, why), OK);
	live(l, time_of("2028-01-01"));
	assert_int_equal(count_kind(l, TELL_SCHEDULED), 0);
	assert_int_equal(count_kind(l, TELL_SUCCESSFUL), 1);
	assert_int_equal(count_kind(l, TELL_POSTPUBLISHED), 1);
}

static void test_R50_unsigning_is_no_roll_over(void **state)
{
	struct life *l = *state;

	born(l, "2027-01-01");
	live(l, time_of("2028-12-25"));
	assert_int_equal(count_kind(l, TELL_SCHEDULED), 3);
	l->record.unsign = l->now;
	live(l, time_of("2029-06-01"));
	assert_int_equal(count_kind(l, TELL_SUCCESSFUL), 0);
	assert_int_equal(count_kind(l, TELL_POSTPUBLISHED), 0);
}

static void test_R50_algorithm_roll_over(void **state)
{
	struct life *l = *state;

	born(l, "2027-01-01");
	live(l, time_of("2027-06-01"));
	l->policy.algorithm = 15;
	live(l, time_of("2027-09-01"));
	assert_int_equal(count_kind(l, TELL_SCHEDULED), 0);
	assert_int_equal(count_kind(l, TELL_SUCCESSFUL), 1);
	assert_int_equal(count_kind(l, TELL_POSTPUBLISHED), 1);
}

/* Periods shorter than the reminders' have fewer. */
static void test_R50_short_periods(void **state)
{
	struct life *l = *state;

	l->policy.ksk.active = (struct period){.months = 1};
	l->policy.ksk.prepublish = l->policy.ksk.postpublish = (struct period){.seconds = 5 * DAY};
	born(l, "2027-01-01");
	live(l, time_of("2027-02-02"));
	assert_int_equal(count_kind(l, TELL_SCHEDULED), 1);
	assert_int_equal(assert_told(l, TELL_SCHEDULED, 0, "2027-01-18")->next_tag, 0);
	assert_told(l, TELL_SUCCESSFUL, 0, "2027-02-01");
}

static void test_R50_never_scheduled(void **state)
{
	struct life *l = *state;
	struct tell_input in = {&l->record, &l->policy, &l->memory, 0};

	l->policy.ksk.active = (struct period){0};
	born(l, "2027-01-01");
	live(l, time_of("2031-01-01"));
	in.now = l->now;
	assert_int_equal(l->told_count, 0);
	assert_int_equal(tell_next(&in), POLICY_NEVER);
}

/* Upgraded, or its store lost, in the middle of life: only the last days are told. */
static void test_R50_old_history_is_not_told(void **state)
{
	struct life *l = *state;
	const struct {
		const char *when;
		unsigned scheduled, successful, postpublished;
	} cases[] = {
	    {"2028-11-07", 1, 0, 0}, /* two months ahead was a week ago, less an instant */
	    {"2028-11-09", 0, 0, 0},
	    {"2028-12-25", 1, 0, 0},
	    {"2029-01-07", 0, 1, 0},
	    {"2029-01-09", 0, 0, 0},
	    {"2029-03-07", 0, 0, 1},
	    {"2029-03-20", 0, 0, 0},
	};

	born(l, "2027-01-01");
	for (size_t i = 0; i < MEM_COUNT(cases); i++) {
		live(l, time_of(cases[i].when));
		l->told_count = 0;
		memset(&l->memory, 0, sizeof(l->memory));
		look(l);
		assert_int_equal(count_kind(l, TELL_SCHEDULED), cases[i].scheduled);
		assert_int_equal(count_kind(l, TELL_SUCCESSFUL), cases[i].successful);
		assert_int_equal(count_kind(l, TELL_POSTPUBLISHED), cases[i].postpublished);
	}
}

/* Another active period is another date, and that is told. */
static void test_R50_the_date_moves(void **state)
{
	struct life *l = *state;

	born(l, "2027-01-01");
	live(l, time_of("2028-11-10"));
	assert_int_equal(count_kind(l, TELL_SCHEDULED), 1);
	l->policy.ksk.active.months = 30;
	live(l, time_of("2029-05-10"));
	assert_int_equal(
	    assert_told(l, TELL_SCHEDULED, 1, "2029-05-01")->until, time_of("2029-07-01"));
	assert_int_equal(count_kind(l, TELL_SCHEDULED), 2);
}

static void test_memory(void **state)
{
	struct life *l = *state;
	struct tell_memory m, back;
	struct buf b = {0};
	struct reader r;

	born(l, "2027-01-01");
	live(l, time_of("2029-01-10"));
	tell_remember(&l->record, &m);
	assert_int_equal(m.count, 2); /* the KSK in use, and the one before */
	tell_memory_write(&m, &b);
	for (size_t len = 0; len < b.len; len++) {
		r = reader_of(b.data, len);
		tell_memory_read(&r, &back);
		assert_int_equal(back.count, 0);
	}
	r = reader_of(b.data, b.len);
	tell_memory_read(&r, &back);
	assert_true(tell_memory_same(&m, &back));
	assert_int_equal(back.known[0].tag, m.known[0].tag);
	back.known[1].retired++;
	assert_false(tell_memory_same(&m, &back));
	buf_free(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_R50_five_years),
	    TEST(test_R50_emergency_all),
	    TEST(test_R50_emergency_csk),
	    TEST(test_R50_emergency_of_an_unused_key),
	    TEST(test_R50_by_hand_is_not_scheduled),
	    TEST(test_R50_unsigning_is_no_roll_over),
	    TEST(test_R50_algorithm_roll_over),
	    TEST(test_R50_short_periods),
	    TEST(test_R50_never_scheduled),
	    TEST(test_R50_old_history_is_not_told),
	    TEST(test_R50_the_date_moves),
	    TEST(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
