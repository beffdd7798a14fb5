/* What is wrong with the DS at a parent, and when people are told of it. */
#include "parent/alert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HOUR 3600
#define DAY 86400
#define T 1800000000

static const struct parent_ds old = {1, 13, 2, 4, {0xaa}}, new = {2, 13, 2, 4, {0x11}},
			      foreign = {4711, 8, 2, 4, {0xff}};
static struct parent_server servers[2];
static struct parent_view view = {servers, 2};
static struct alert_key keys[2];
static struct alert_input input;

static void server(unsigned i, const struct parent_ds *a, const struct parent_ds *b)
{
	const struct parent_ds *both[] = {a, b};

	memset(&servers[i], 0, sizeof(servers[i]));
	snprintf(servers[i].name, sizeof(servers[i].name), "par%u", i + 1);
	servers[i].has_answered = true;
	servers[i].asked = T;
	servers[i].since = T - DAY;
	for (unsigned k = 0; k < 2; k++) {
		if (both[k] != NULL)
			servers[i].ds[servers[i].count++] =
			    (struct parent_sighting){*both[k], true, T};
	}
}

/* The old key signs and its DS is there; the new one's is wanted since T. */
static int setup(void **state)
{
	(void)state;
	keys[0] = (struct alert_key){1, {old}, 1, true, T - 100 * DAY, true};
	keys[1] = (struct alert_key){2, {new}, 1, true, T, false};
	input = (struct alert_input){keys, 2, &view, T, DAY};
	server(0, &old, NULL);
	server(1, &old, NULL);
	return 0;
}

static struct alert_finding find(enum alert_kind kind, int64_t now)
{
	struct alert_finding f;

	input.now = now;
	alert_find(kind, &input, &f);
	return f;
}

static void test_late(void **state)
{
	struct alert_finding f = find(ALERT_LATE, T + DAY - 1);

	(void)state;
	assert_false(f.is_there);
	assert_int_equal(f.next, T + DAY);
	server(0, &old, &new);
	f = find(ALERT_LATE, T + DAY);
	assert_true(f.is_there);
	assert_int_equal(f.since, T + DAY);
	assert_string_equal(f.tags, "2");
	assert_string_equal(f.servers, "par2");
	assert_string_equal(f.reason, "par2 does not have it");
	server(1, &old, &new);
	f = find(ALERT_LATE, T + 2 * DAY);
	assert_false(f.is_there);
	assert_int_equal(f.next, 0);
	/* Who is silent does not have it. */
	servers[1].has_answered = false;
	strcpy(servers[1].reason, "timeout");
	f = find(ALERT_LATE, T + 2 * DAY);
	assert_string_equal(f.reason, "par2 cannot be asked: timeout");
}

static void test_gone(void **state)
{
	struct alert_finding f;

	(void)state;
	keys[1].wanted = 0;
	/* One that was there: silence says nothing, an answer without it does, after a while. */
	servers[0].has_answered = false;
	assert_false(find(ALERT_LATE, T + 9 * DAY).is_there);
	server(0, &old, NULL);
	servers[0].ds[0].is_there = false;
	servers[0].ds[0].since = T + 5 * DAY;
	f = find(ALERT_LATE, T + 5 * DAY);
	assert_int_equal(f.next, T + 6 * DAY);
	f = find(ALERT_LATE, T + 6 * DAY);
	assert_true(f.is_there);
	assert_string_equal(f.tags, "1");
}

static void test_blind(void **state)
{
	struct alert_finding f;

	(void)state;
	input.view = NULL;
	f = find(ALERT_LATE, T + DAY);
	assert_true(f.is_there);
	assert_non_null(strstr(f.reason, "none of the parent's servers is known"));
	assert_false(find(ALERT_WRONG, T + DAY).is_there);
}

static void test_wrong(void **state)
{
	struct alert_finding f = find(ALERT_WRONG, T);

	(void)state;
	assert_false(f.is_there);
	assert_true(f.is_known);
	server(1, &old, &foreign);
	f = find(ALERT_WRONG, T);
	assert_true(f.is_there);
	assert_false(f.is_emergency);
	assert_int_equal(f.since, T);
	assert_string_equal(f.tags, "4711");
	assert_string_equal(f.servers, "par2");
	/* At both: named once. */
	server(0, &foreign, &old);
	f = find(ALERT_WRONG, T);
	assert_string_equal(f.tags, "4711");
	assert_string_equal(f.servers, "par1, par2");
	servers[0].has_answered = servers[1].has_answered = false;
	f = find(ALERT_WRONG, T);
	assert_false(f.is_there);
	assert_false(f.is_known);
}

static void test_emergency(void **state)
{
	struct alert_finding f;

	(void)state;
	server(0, &foreign, NULL);
	f = find(ALERT_WRONG, T);
	assert_true(f.is_emergency);
	assert_string_equal(f.servers, "par1");
	/* Ours, but it does not sign: as bad. */
	server(0, &old, NULL);
	keys[0].signs = false;
	f = find(ALERT_WRONG, T);
	assert_true(f.is_there);
	assert_true(f.is_emergency);
	assert_string_equal(f.tags, "1");
	/* None at all: not protected, and not broken. */
	server(0, NULL, NULL);
	server(1, NULL, NULL);
	assert_false(find(ALERT_WRONG, T).is_there);
}

/* More of everything than there is room for words. */
static void test_many(void **state)
{
	struct alert_finding f;

	(void)state;
	for (unsigned i = 0; i < PARENT_DS_MAX; i++) {
		servers[0].ds[i] = (struct parent_sighting){foreign, true, T};
		servers[0].ds[i].ds.tag = (uint16_t)(60000 + i);
	}
	servers[0].count = PARENT_DS_MAX;
	f = find(ALERT_WRONG, T);
	assert_true(strlen(f.tags) < sizeof(f.tags));
	assert_true(f.is_emergency);
}

static void test_telling(void **state)
{
	struct alert_state s = {0}, kept = {0};
	struct alert_finding f;
	struct buf b = {0};
	struct reader r;

	(void)state;
	server(0, &old, &foreign);
	f = find(ALERT_WRONG, T);
	assert_int_equal(alert_step(&s, &f, T), ALERT_TELL);
	assert_int_equal(alert_step(&s, &f, T + HOUR), ALERT_NOTHING);
	assert_int_equal(alert_next(&s, &f), T + DAY);
	alert_write(&s, &b);
	r = reader_of(b.data, b.len);
	alert_read(&r, &kept);
	assert_memory_equal(&kept, &s, sizeof(s));
	assert_int_equal(alert_step(&kept, &f, T + DAY), ALERT_TELL);
	/* It becomes an emergency: at once, and more often. */
	server(0, &foreign, NULL);
	f = find(ALERT_WRONG, T + DAY);
	assert_int_equal(alert_step(&kept, &f, T + DAY + 60), ALERT_TELL);
	assert_int_equal(alert_step(&kept, &f, T + DAY + 60 + 4 * HOUR - 1), ALERT_NOTHING);
	assert_int_equal(alert_step(&kept, &f, T + DAY + 60 + 4 * HOUR), ALERT_TELL);
	/* Nobody answers: it is not over. */
	servers[0].has_answered = servers[1].has_answered = false;
	f = find(ALERT_WRONG, T + 2 * DAY);
	assert_int_equal(alert_step(&kept, &f, T + 2 * DAY), ALERT_NOTHING);
	setup(NULL);
	f = find(ALERT_WRONG, T + 2 * DAY);
	assert_int_equal(alert_step(&kept, &f, T + 2 * DAY), ALERT_OVER);
	assert_int_equal(alert_step(&kept, &f, T + 2 * DAY), ALERT_NOTHING);
	buf_free(&b);
}

/* What nobody does anything about: daily for a month, then weekly. */
static void test_long(void **state)
{
	struct alert_state s = {0};
	struct alert_finding f;
	unsigned told = 0;

	(void)state;
	server(0, &old, &foreign);
	f = find(ALERT_WRONG, T);
	for (int64_t now = T; now < T + 365 * DAY; now = alert_next(&s, &f))
		told += alert_step(&s, &f, now) == ALERT_TELL;
	assert_int_equal(told, 31 + (365 - 31) / 7);
}

/* What comes and goes each hour is told once a day, and its end as often. */
static void test_flapping(void **state)
{
	struct alert_state s = {0};
	struct alert_finding there, gone = find(ALERT_WRONG, T);
	unsigned told = 0, over = 0;

	(void)state;
	server(0, &old, &foreign);
	there = find(ALERT_WRONG, T);
	for (int64_t now = T; now < T + 3 * DAY; now += HOUR) {
		enum alert_step step =
		    alert_step(&s, (now - T) / HOUR % 2 == 0 ? &there : &gone, now);

		told += step == ALERT_TELL;
		over += step == ALERT_OVER;
	}
	assert_int_equal(told, 3);
	assert_int_equal(over, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    {"R30 a DS is late a deadline after it could be there", test_late, setup, NULL, NULL},
	    {"R30 one that was there and is gone", test_gone, setup, NULL, NULL},
	    {"R30 late also where no server is known", test_blind, setup, NULL, NULL},
	    {"R30 a DS of no key of ours, at once", test_wrong, setup, NULL, NULL},
	    {"R30 an emergency when no DS fits a key that signs", test_emergency, setup, NULL,
		NULL},
	    {"R30 words have their bounds", test_many, setup, NULL, NULL},
	    {"R30 told at once, each day, and over once", test_telling, setup, NULL, NULL},
	    {"R50 what lasts is not repeated at the same pace for ever", test_long, setup, NULL,
		NULL},
	    {"R30 what comes and goes is no flood", test_flapping, setup, NULL, NULL},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
