/* The schedule, to the second: what the step function does with a zone when all goes well, and what
 * it says when it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "keys/plan.h"

#define DAY 86400
#define HOUR 3600
#define ROWS_MAX 400

struct fixture {
	struct key_policy policy;
	struct record record;
	struct facts facts;
	struct plan_row rows[ROWS_MAX];
	unsigned row_count;
};

static int64_t time_of(const char *text)
{
	int64_t t;

	assert_int_equal(time_parse(text, &t), OK);
	return t;
}

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	struct period week = {.seconds = 7 * DAY}, two_months = {.months = 2};

	strcpy(f->policy.name, "default");
	f->policy.algorithm = 13;
	f->policy.ksk = (struct key_role_policy){.wanted = true,
	    .prepublish = two_months,
	    .active = {.months = 24},
	    .postpublish = two_months};
	f->policy.zsk = (struct key_role_policy){
	    .wanted = true, .prepublish = week, .active = {.months = 3}, .postpublish = week};
	f->policy.csk = f->policy.ksk;
	f->policy.csk.wanted = false;
	f->policy.ttl_dnskey = f->policy.propagation = f->policy.ds_propagation = HOUR;
	f->policy.ds_ttl = DAY;
	f->policy.purge_after.seconds = 14 * DAY;
	f->facts.ttl_zone = f->facts.ttl_unsigned = DAY;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	record_free(&f->record);
	free(f);
	return 0;
}

static struct record_key *add_key(struct fixture *f, enum key_role role, uint16_t tag, int64_t now)
{
	struct record_key *k = record_add_key(&f->record);

	k->role = role;
	k->algorithm = 13;
	k->tag = tag;
	k->pub_len = 1;
	for (enum key_time t = TIME_GENERATED; t <= TIME_ACTIVE; t++)
		k->times.at[t] = now;
	if (role_has_zone(role))
		k->times.at[TIME_SIGN_FROM] = now;
	return k;
}

static void new_zone(struct fixture *f, int64_t now)
{
	if (f->policy.csk.wanted) {
		add_key(f, KEY_CSK, 3, now);
		return;
	}
	add_key(f, KEY_KSK, 1, now);
	add_key(f, KEY_ZSK, 2, now);
}

/* A zone that has its DS, and was signed everywhere long ago. */
static void old_zone(struct fixture *f, int64_t born)
{
	new_zone(f, born);
	f->facts.signed_since = born;
	for (unsigned i = 0; i < f->record.key_count; i++) {
		struct facts_key *k = &f->facts.keys[i];

		k->in_set = k->signs_set = k->signs_all = born;
		if (f->record.keys[i].role == KEY_ZSK)
			continue;
		k->ds_in = born + DAY;
		k->ds_some = true;
		f->record.keys[i].times.at[TIME_DS_SUBMITTED] = born;
		f->record.keys[i].times.at[TIME_DS_SEEN] = born + DAY;
	}
}

static void keep_row(void *arg, const struct plan_row *row)
{
	struct fixture *f = arg;

	f->rows[f->row_count++] = *row;
}

static void project(struct fixture *f, int64_t now, int64_t until)
{
	struct plan_input in = {&f->record, &f->policy, &f->facts, now, until, ROWS_MAX};

	unsigned n;

	f->row_count = 0;
	n = plan_make(&in, keep_row, f);
	assert_int_equal(n, f->row_count);
}

/* The n-th (from 0) such step, which must be at that time. */
static const struct plan_row *assert_step(
    struct fixture *f, enum key_role role, enum roll_step step, unsigned n, int64_t at)
{
	char is[TIME_TEXT_SIZE] = "never", wanted[TIME_TEXT_SIZE];

	for (unsigned i = 0; i < f->row_count; i++) {
		const struct plan_row *row = &f->rows[i];

		if (row->role != role || row->step != step || n-- > 0)
			continue;
		if (row->at == at)
			return row;
		time_text(row->at, is);
		break;
	}
	time_text(at, wanted);
	fail_msg("%s %s: %s instead of %s", key_role_name(role), roll_step_name(step), is, wanted);
	return NULL;
}

static unsigned count_steps(const struct fixture *f, enum roll_step step, int64_t until)
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->row_count; i++)
		n += f->rows[i].step == step && f->rows[i].at <= until;
	return n;
}

static void test_R21_R22_schedule_from_a_months_end(void **state)
{
	struct fixture *f = *state;
	int64_t born = time_of("2026-12-31T12:34:56Z");

	new_zone(f, born);
	project(f, born, time_of("2029-06-01"));
	/* ZSK: 3 months active, a week before and after. */
	assert_step(f, KEY_ZSK, ROLL_PUBLISH, 0, time_of("2027-03-24T12:34:56Z"));
	assert_step(f, KEY_ZSK, ROLL_ACTIVATE, 0, time_of("2027-03-31T12:34:56Z"));
	assert_step(f, KEY_ZSK, ROLL_RETIRE, 0, time_of("2027-03-31T12:34:56Z"));
	assert_step(f, KEY_ZSK, ROLL_REMOVE, 0, time_of("2027-04-07T12:34:56Z"));
	assert_step(f, KEY_ZSK, ROLL_DESTROY, 0, time_of("2027-04-21T12:34:56Z"));
	/* The next period counts from the recorded time, clamped to the month's end. */
	assert_step(f, KEY_ZSK, ROLL_PUBLISH, 1, time_of("2027-06-23T12:34:56Z"));
	assert_step(f, KEY_ZSK, ROLL_RETIRE, 1, time_of("2027-06-30T12:34:56Z"));
	assert_step(f, KEY_ZSK, ROLL_REMOVE, 1, time_of("2027-07-07T12:34:56Z"));
	/* KSK: 2 years active, 2 months before and after. */
	assert_step(f, KEY_KSK, ROLL_PUBLISH, 0, time_of("2028-10-31T12:34:56Z"));
	assert_step(f, KEY_KSK, ROLL_ACTIVATE, 0, time_of("2028-12-31T12:34:56Z"));
	assert_step(f, KEY_KSK, ROLL_RETIRE, 0, time_of("2028-12-31T12:34:56Z"));
	assert_step(f, KEY_KSK, ROLL_RETRACT_DS, 0, time_of("2028-12-31T12:34:56Z"));
	assert_step(f, KEY_KSK, ROLL_REMOVE, 0, time_of("2029-02-28T12:34:56Z"));
}

static void test_R21_schedule_in_a_leap_year(void **state)
{
	struct fixture *f = *state;
	int64_t born = time_of("2027-11-30");

	new_zone(f, born);
	project(f, born, time_of("2030-06-01"));
	assert_step(f, KEY_ZSK, ROLL_RETIRE, 0, time_of("2028-02-29"));
	assert_step(f, KEY_ZSK, ROLL_PUBLISH, 0, time_of("2028-02-22"));
	assert_step(f, KEY_ZSK, ROLL_REMOVE, 0, time_of("2028-03-07"));
	assert_step(f, KEY_ZSK, ROLL_RETIRE, 1, time_of("2028-05-29"));
	assert_step(f, KEY_KSK, ROLL_PUBLISH, 0, time_of("2029-09-30"));
	assert_step(f, KEY_KSK, ROLL_RETIRE, 0, time_of("2029-11-30"));
	assert_step(f, KEY_KSK, ROLL_REMOVE, 0, time_of("2030-01-30"));
}

static void test_R21_two_years_from_a_leap_day(void **state)
{
	struct fixture *f = *state;
	int64_t born = time_of("2028-02-29");

	new_zone(f, born);
	project(f, born, time_of("2030-06-01"));
	assert_step(f, KEY_KSK, ROLL_RETIRE, 0, time_of("2030-02-28"));
	assert_step(f, KEY_KSK, ROLL_PUBLISH, 0, time_of("2029-12-28"));
	assert_step(f, KEY_KSK, ROLL_REMOVE, 0, time_of("2030-04-28"));
}

static void test_R22_ds_of_the_next_ksk_beside_the_old(void **state)
{
	struct fixture *f = *state;
	int64_t born = time_of("2026-06-01");
	const struct plan_row *row;

	old_zone(f, born);
	project(f, born + 30 * DAY, time_of("2029-01-01"));
	/* Seen after propagation, cached for the TTL, and propagation as margin. */
	row = assert_step(f, KEY_KSK, ROLL_SUBMIT_DS, 0, time_of("2028-04-01T03:00:00Z"));
	assert_int_equal(row->ds_count, 2);
	assert_int_equal(row->ds[0], 1);
	row = assert_step(f, KEY_KSK, ROLL_RETRACT_DS, 0, time_of("2028-06-01"));
	assert_int_equal(row->ds_count, 1);
	assert_int_equal(row->ds[0], 0);
	assert_int_equal(row->dnskey_count, 4); /* both KSKs, and both ZSKs of that day */
}

static void test_R23_emergency_ksk(void **state)
{
	struct fixture *f = *state;
	int64_t born = time_of("2026-01-31"), t = time_of("2026-05-31T08:00:00Z");
	const struct plan_row *row;

	old_zone(f, born);
	f->record.keys[0].times.at[TIME_COMPROMISED] = t;
	project(f, t, time_of("2029-01-01"));
	assert_step(f, KEY_KSK, ROLL_GENERATE, 0, t);
	assert_step(f, KEY_KSK, ROLL_PUBLISH, 0, t);
	assert_step(f, KEY_KSK, ROLL_ACTIVATE, 0, t);
	row = assert_step(f, KEY_KSK, ROLL_RETIRE, 0, t + 7 * DAY);
	assert_int_equal(row->tag, 1);
	row = assert_step(f, KEY_KSK, ROLL_REMOVE, 0, t + 14 * DAY);
	assert_int_equal(row->tag, 1);
	assert_step(f, KEY_KSK, ROLL_DESTROY, 0, t + 14 * DAY);
	/* Its DS goes as soon as K2 allows: the new one asked for when it can be relied upon, and
	 * seen. */
	assert_step(f, KEY_KSK, ROLL_SUBMIT_DS, 0, t + 3 * HOUR);
	assert_step(f, KEY_KSK, ROLL_RETRACT_DS, 0, t + 4 * HOUR);
	/* The new one is active for 2 years from T. */
	assert_step(f, KEY_KSK, ROLL_PUBLISH, 1, time_of("2028-03-31T08:00:00Z"));
	assert_step(f, KEY_KSK, ROLL_RETIRE, 1, time_of("2028-05-31T08:00:00Z"));
}

static void test_R23_emergency_takes_the_prepublished_ksk(void **state)
{
	struct fixture *f = *state;
	int64_t born = time_of("2026-01-01"), t = time_of("2027-12-01");
	struct record_key *next;
	const struct plan_row *row;

	old_zone(f, born);
	next = add_key(f, KEY_KSK, 5, t - 30 * DAY);
	next->times.at[TIME_ACTIVE] = 0;
	next->times.at[TIME_DS_SUBMITTED] = next->times.at[TIME_DS_SEEN] = t - 29 * DAY;
	f->facts.keys[2].in_set = f->facts.keys[2].signs_set = t - 30 * DAY;
	f->facts.keys[2].ds_in = t - 29 * DAY;
	f->record.keys[0].times.at[TIME_COMPROMISED] = t;
	project(f, t, t + 20 * DAY);
	row = assert_step(f, KEY_KSK, ROLL_ACTIVATE, 0, t);
	assert_int_equal(row->tag, 5);
	row = assert_step(f, KEY_KSK, ROLL_RETRACT_DS, 0, t); /* nothing to wait for */
	assert_int_equal(row->tag, 1);
	assert_step(f, KEY_KSK, ROLL_RETIRE, 0, t + 7 * DAY);
	assert_step(f, KEY_KSK, ROLL_REMOVE, 0, t + 14 * DAY);
}

static void test_R24_emergency_zsk(void **state)
{
	struct fixture *f = *state;
	int64_t born = time_of("2026-11-01"), t = time_of("2026-11-28T23:59:59Z");
	const struct plan_row *row;

	old_zone(f, born);
	f->record.keys[1].times.at[TIME_COMPROMISED] = t;
	project(f, t, time_of("2027-06-01"));
	assert_step(f, KEY_ZSK, ROLL_PUBLISH, 0, t);
	assert_step(f, KEY_ZSK, ROLL_ACTIVATE, 0, t + 2 * DAY);
	row = assert_step(f, KEY_ZSK, ROLL_RETIRE, 0, t + 2 * DAY);
	assert_int_equal(row->tag, 2);
	assert_step(f, KEY_ZSK, ROLL_STOP_SIGNING, 0, t + 2 * DAY);
	row = assert_step(f, KEY_ZSK, ROLL_REMOVE, 0, t + 4 * DAY);
	assert_int_equal(row->tag, 2);
	/* 3 months from T + 2 days, the last of November: clamped. */
	assert_step(f, KEY_ZSK, ROLL_RETIRE, 1, time_of("2027-02-28T23:59:59Z"));
}

static void test_R24_emergency_all(void **state)
{
	struct fixture *f = *state;
	int64_t t = time_of("2026-11-28");

	old_zone(f, time_of("2026-11-01"));
	f->record.keys[0].times.at[TIME_COMPROMISED] = t;
	f->record.keys[1].times.at[TIME_COMPROMISED] = t;
	project(f, t, t + 20 * DAY);
	assert_step(f, KEY_KSK, ROLL_ACTIVATE, 0, t);
	assert_step(f, KEY_ZSK, ROLL_PUBLISH, 0, t);
	assert_step(f, KEY_ZSK, ROLL_RETIRE, 0, t + 2 * DAY);
	assert_step(f, KEY_ZSK, ROLL_REMOVE, 0, t + 4 * DAY);
	assert_step(f, KEY_KSK, ROLL_RETIRE, 0, t + 7 * DAY);
	assert_step(f, KEY_KSK, ROLL_REMOVE, 0, t + 14 * DAY);
}

static void test_R24_emergency_csk(void **state)
{
	struct fixture *f = *state;
	int64_t t = time_of("2026-11-28");

	f->policy.csk.wanted = true;
	old_zone(f, time_of("2026-11-01"));
	f->record.keys[0].times.at[TIME_COMPROMISED] = t;
	project(f, t, t + 20 * DAY);
	assert_step(f, KEY_CSK, ROLL_PUBLISH, 0, t); /* signs the DNSKEY set from there on */
	assert_step(f, KEY_CSK, ROLL_ACTIVATE, 0, t + 2 * DAY);
	assert_step(f, KEY_CSK, ROLL_SIGN, 0, t + 2 * DAY);
	assert_step(f, KEY_CSK, ROLL_HAND_OVER, 0, t + 2 * DAY);
	assert_step(f, KEY_CSK, ROLL_RETIRE, 0, t + 7 * DAY);
	assert_step(f, KEY_CSK, ROLL_REMOVE, 0, t + 14 * DAY);
}

static void test_R24_second_emergency(void **state)
{
	struct fixture *f = *state;
	int64_t t = time_of("2026-11-28"), t2 = t + DAY;
	struct record_key *next;

	old_zone(f, time_of("2026-11-01"));
	f->record.keys[1].times.at[TIME_COMPROMISED] = t;
	next = add_key(f, KEY_ZSK, 7, t); /* the one published then: it never signed */
	next->times.at[TIME_ACTIVE] = next->times.at[TIME_SIGN_FROM] = 0;
	next->times.at[TIME_READY] = 0;
	next->times.at[TIME_COMPROMISED] = t2;
	f->facts.keys[2].in_set = t;
	project(f, t2, t + 20 * DAY);
	assert_int_equal(assert_step(f, KEY_ZSK, ROLL_REMOVE, 0, t2)->tag, 7);
	assert_step(f, KEY_ZSK, ROLL_PUBLISH, 0, t2);
	assert_step(f, KEY_ZSK, ROLL_ACTIVATE, 0, t + 2 * DAY); /* there is time enough */
	assert_int_equal(assert_step(f, KEY_ZSK, ROLL_REMOVE, 1, t + 4 * DAY)->tag, 2);
}

static struct roll_result step_at(struct fixture *f, int64_t now)
{
	struct roll_input in = {&f->record, &f->policy, &f->facts, now, NULL};
	struct roll_result res;

	roll_step(&in, &res);
	return res;
}

static void test_R25_held_steps_say_why_and_until_when(void **state)
{
	struct fixture *f = *state;
	int64_t t = time_of("2026-11-28");
	struct record_key *next;
	struct roll_result res;

	old_zone(f, time_of("2026-11-01"));
	f->record.keys[1].times.at[TIME_COMPROMISED] = t;
	next = add_key(f, KEY_ZSK, 7, t);
	next->times.at[TIME_ACTIVE] = next->times.at[TIME_SIGN_FROM] = 0;
	next->times.at[TIME_READY] = 0;
	f->facts.ttl_dnskey = 3 * DAY; /* longer than the timetable allows */
	f->facts.keys[2].in_set = t;
	res = step_at(f, t + 2 * DAY);
	assert_int_equal(res.change_count, 0);
	assert_int_equal(res.held_count, 1);
	assert_int_equal(res.held[0].step, ROLL_RETIRE);
	assert_int_equal(res.held[0].key, 1);
	assert_string_equal(res.held[0].rule, "Z1");
	assert_int_equal(res.held[0].until, t + 3 * DAY + HOUR);
	assert_string_equal(
	    res.held[0].why, "its successor is not ready: a DNSKEY set without it may be cached");
	assert_int_equal(res.next, t + 3 * DAY + HOUR);
	f->facts.keys[2].in_set = 0; /* a destination does not answer */
	res = step_at(f, t + 2 * DAY);
	assert_int_equal(res.held[0].until, 0);
	assert_string_equal(
	    res.held[0].why, "its successor is not ready: its DNSKEY is not everywhere");
}

static void test_R25_late_parent_holds_the_ksk(void **state)
{
	struct fixture *f = *state;
	int64_t born = time_of("2026-01-01"), date = time_of("2028-01-01");
	struct record_key *next;
	struct roll_result res;

	old_zone(f, born);
	f->policy.zsk.active.months = 0;
	next = add_key(f, KEY_KSK, 5, date - 60 * DAY);
	next->times.at[TIME_ACTIVE] = 0;
	next->times.at[TIME_DS_SUBMITTED] = date - 59 * DAY;
	f->facts.keys[2].in_set = f->facts.keys[2].signs_set = date - 60 * DAY;
	f->facts.keys[2].ds_some = true; /* at one of the parent's servers */
	res = step_at(f, date);
	assert_int_equal(res.change_count, 0);
	assert_int_equal(res.held_count, 1);
	assert_string_equal(res.held[0].rule, "K1");
	assert_int_equal(res.held[0].until, 0);
	f->facts.keys[2].ds_in = date;
	res = step_at(f, date);
	assert_int_equal(res.held[0].until, date + DAY + HOUR);
	res = step_at(f, date + DAY + HOUR);
	assert_int_equal(res.held_count, 0);
	roll_apply(&res, &f->record);
	assert_int_equal(f->record.keys[0].times.at[TIME_RETIRED], date + DAY + HOUR);
	assert_int_equal(f->record.keys[2].times.at[TIME_ACTIVE], date + DAY + HOUR);
	assert_int_equal(f->record.keys[0].times.at[TIME_DS_RETRACTED], date + DAY + HOUR);
}

static void test_R26_roll_over_by_hand(void **state)
{
	struct fixture *f = *state;
	int64_t t = time_of("2026-12-01");

	old_zone(f, time_of("2026-11-01"));
	f->record.keys[1].times.at[TIME_ROLL] = t;
	project(f, t, t + 20 * DAY);
	assert_step(f, KEY_ZSK, ROLL_PUBLISH, 0, t);
	assert_step(f, KEY_ZSK, ROLL_RETIRE, 0, t + 3 * HOUR); /* as soon as it is safe */
	assert_step(f, KEY_ZSK, ROLL_REMOVE, 0, t + 3 * HOUR + 7 * DAY);
}

static void test_R26_backup_gate(void **state)
{
	struct fixture *f = *state;
	int64_t t = time_of("2026-12-01");
	struct record_key *next;
	struct roll_result res;

	old_zone(f, time_of("2026-11-01"));
	f->policy.require_backup = true;
	f->record.keys[1].times.at[TIME_ROLL] = t;
	res = step_at(f, t);
	assert_int_equal(res.change_count, 1);
	assert_int_equal(res.changes[0].step, ROLL_GENERATE);
	next = add_key(f, KEY_ZSK, 7, t);
	memset(&next->times, 0, sizeof(next->times));
	next->times.at[TIME_GENERATED] = t;
	res = step_at(f, t);
	assert_int_equal(res.change_count, 0);
	assert_int_equal(res.held[0].step, ROLL_PUBLISH);
	assert_non_null(strstr(res.held[0].why, "not backed up"));
	next->times.at[TIME_BACKED_UP] = t;
	res = step_at(f, t);
	assert_int_equal(res.changes[0].step, ROLL_PUBLISH);
}

/* RFC 6781 4.1.4: signatures, keys, DS, old keys, old signatures. */
static void test_R26_algorithm_roll_over(void **state)
{
	struct fixture *f = *state;
	int64_t t = time_of("2026-12-01"), at = t;
	const struct plan_row *row;

	old_zone(f, time_of("2026-11-01"));
	f->policy.algorithm = 15;
	project(f, t, t + 15 * DAY);
	row = assert_step(f, KEY_ZSK, ROLL_SIGN, 0, at);
	assert_int_equal(row->dnskey_count, 2);
	at += DAY + 2 * HOUR; /* the zone's TTL */
	row = assert_step(f, KEY_KSK, ROLL_PUBLISH, 0, at);
	assert_step(f, KEY_ZSK, ROLL_PUBLISH, 0, at);
	assert_int_equal(row->dnskey_count, 4);
	at += 3 * HOUR; /* the DNSKEY set's */
	assert_step(f, KEY_KSK, ROLL_SUBMIT_DS, 0, at);
	at += HOUR;
	assert_step(f, KEY_KSK, ROLL_RETRACT_DS, 0, at);
	at += DAY + 2 * HOUR; /* the DS set's */
	row = assert_step(f, KEY_KSK, ROLL_REMOVE, 0, at);
	assert_step(f, KEY_ZSK, ROLL_REMOVE, 0, at);
	assert_int_equal(row->dnskey_count, 2);
	at += 3 * HOUR;
	assert_step(f, KEY_ZSK, ROLL_STOP_SIGNING, 0, at);
}

static void test_R26_csk_instead_of_ksk_and_zsk_and_back(void **state)
{
	struct fixture *f = *state;
	int64_t t = time_of("2026-12-01");

	old_zone(f, time_of("2026-11-01"));
	f->policy.csk.wanted = true;
	project(f, t, t + 10 * DAY);
	assert_step(f, KEY_CSK, ROLL_PUBLISH, 0, t);
	/* With the new DS in every cache both retire. */
	assert_step(f, KEY_KSK, ROLL_RETIRE, 0, t + 4 * HOUR + DAY + HOUR);
	assert_step(f, KEY_CSK, ROLL_ACTIVATE, 0, t + 3 * HOUR);
	record_free(&f->record);
	memset(&f->facts.keys, 0, sizeof(f->facts.keys));
	old_zone(f, time_of("2026-11-01"));
	f->policy.csk.wanted = false;
	project(f, t, t + 10 * DAY);
	assert_step(f, KEY_KSK, ROLL_PUBLISH, 0, t);
	assert_step(f, KEY_ZSK, ROLL_PUBLISH, 0, t);
	assert_step(f, KEY_CSK, ROLL_RETIRE, 0, t + 4 * HOUR + DAY + HOUR);
}

static void test_R30_first_ds_waits_for_the_unsigned_zone(void **state)
{
	struct fixture *f = *state;
	int64_t born = time_of("2026-12-01");
	struct roll_result res;

	new_zone(f, born);
	res = step_at(f, born);
	assert_int_equal(res.held[0].step, ROLL_SUBMIT_DS);
	assert_string_equal(res.held[0].rule, "K0");
	f->facts.signed_since = f->facts.keys[0].signs_set = born + 60;
	res = step_at(f, born + 60);
	assert_int_equal(res.held[0].until, born + 60 + DAY + HOUR);
	res = step_at(f, born + 60 + DAY + HOUR);
	assert_int_equal(res.changes[0].step, ROLL_SUBMIT_DS);
}

static void test_R25_unsign(void **state)
{
	struct fixture *f = *state;
	int64_t t = time_of("2026-12-01");
	const struct plan_row *row;

	old_zone(f, time_of("2026-11-01"));
	f->record.unsign = t;
	project(f, t, t + 5 * DAY);
	row = assert_step(f, KEY_KSK, ROLL_RETRACT_DS, 0, t);
	assert_int_equal(row->ds_count, 0);
	assert_int_equal(row->dnskey_count, 2);
	row = assert_step(f, KEY_KSK, ROLL_REMOVE, 0, t + HOUR + DAY + HOUR);
	assert_int_equal(row->dnskey_count, 0);
	assert_int_equal(count_steps(f, ROLL_GENERATE, POLICY_NEVER), 0);
}

static void look_ahead(struct fixture *f, int64_t now, bool with_next)
{
	struct plan_input in = {
	    &f->record, &f->policy, &f->facts, now, now + 30 * 365 * DAY, ROWS_MAX};

	f->row_count = 0;
	plan_ahead(&in, with_next, keep_row, f);
}

static void test_R26_plan_ends_with_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	int64_t t = time_of("2026-12-01");

	old_zone(f, time_of("2026-11-01"));
	look_ahead(f, t, false);
	assert_int_equal(f->row_count, 0); /* all is at rest */
	f->record.keys[1].times.at[TIME_ROLL] = t;
	look_ahead(f, t, false);
	assert_step(f, KEY_ZSK, ROLL_RETIRE, 0, t + 3 * HOUR);
	/* Its destruction is the last of it: neither the next ZSK's roll-over nor the KSK's. */
	assert_int_equal(f->rows[f->row_count - 1].step, ROLL_DESTROY);
	assert_int_equal(f->rows[f->row_count - 1].at, t + 3 * HOUR + 21 * DAY);
	assert_int_equal(count_steps(f, ROLL_GENERATE, POLICY_NEVER), 1);
	assert_int_equal(f->rows[f->row_count - 1].key, 1);
	assert_int_equal(f->rows[0].key, KEYSET_MAX);
}

static void test_R21_plan_has_the_next_roll_over_of_each_key(void **state)
{
	struct fixture *f = *state;
	int64_t born = time_of("2026-11-01");

	old_zone(f, born);
	look_ahead(f, born + 10 * DAY, true);
	assert_step(f, KEY_ZSK, ROLL_RETIRE, 0, time_of("2027-02-01"));
	assert_step(f, KEY_KSK, ROLL_RETIRE, 0, time_of("2028-11-01"));
	assert_step(f, KEY_KSK, ROLL_DESTROY, 0, time_of("2029-01-15"));
	assert_int_equal(count_steps(f, ROLL_RETIRE, POLICY_NEVER), 2); /* not that of every ZSK */
	f->policy.ksk.active.months = 0;				/* for ever */
	look_ahead(f, born + 10 * DAY, true);
	assert_int_equal(count_steps(f, ROLL_RETIRE, POLICY_NEVER), 1);
}

static void test_R12_nothing_is_made_without_need(void **state)
{
	struct fixture *f = *state;
	int64_t born = time_of("2026-11-01");
	struct roll_result res;

	old_zone(f, born);
	for (int64_t t = born; t < time_of("2027-01-25"); t += HOUR) {
		res = step_at(f, t);
		assert_int_equal(res.change_count, 0);
	}
	assert_int_equal(res.next, time_of("2027-01-25"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_R21_R22_schedule_from_a_months_end),
	    TEST(test_R21_schedule_in_a_leap_year),
	    TEST(test_R21_two_years_from_a_leap_day),
	    TEST(test_R22_ds_of_the_next_ksk_beside_the_old),
	    TEST(test_R23_emergency_ksk),
	    TEST(test_R23_emergency_takes_the_prepublished_ksk),
	    TEST(test_R24_emergency_zsk),
	    TEST(test_R24_emergency_all),
	    TEST(test_R24_emergency_csk),
	    TEST(test_R24_second_emergency),
	    TEST(test_R25_held_steps_say_why_and_until_when),
	    TEST(test_R25_late_parent_holds_the_ksk),
	    TEST(test_R26_roll_over_by_hand),
	    TEST(test_R26_backup_gate),
	    TEST(test_R26_algorithm_roll_over),
	    TEST(test_R26_csk_instead_of_ksk_and_zsk_and_back),
	    TEST(test_R30_first_ds_waits_for_the_unsigned_zone),
	    TEST(test_R25_unsign),
	    TEST(test_R26_plan_ends_with_what_is_under_way),
	    TEST(test_R21_plan_has_the_next_roll_over_of_each_key),
	    TEST(test_R12_nothing_is_made_without_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
