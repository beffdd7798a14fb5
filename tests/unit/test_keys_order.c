/* Reading the tokens, making, changing and destroying keys, all at once and in any order: what each
 * token does happens one by one, what the two do happens in the order that chance gives.  Whatever
 * that is, nothing is lost, nobody is left waiting and nothing looks like a back-up or a second
 * writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/log.h"
#include "base/mem.h"
#include "keys/keys_internal.h"
#include "tests/unit/failing_token.h"

#define NOW INT64_C(1800000000)
#define DAY 86400
#define SIZE (64 * 1024 * 1024)
#define ROUNDS 250
#define ACTIONS 60
#define ZONES 3
#define CALLS (ACTIONS + 8)

enum action { LOAD, MAKE, STEP, CHANGE, DELETE, FORGET, ACTION_COUNT };

struct call {
	struct fixture *fixture;
	enum action action;
	unsigned zone;
	bool is_answered;
	int code;
};
struct fixture {
	char dir[64];
	struct store *store;
	struct token *tokens[2];
	struct keys *keys;
	struct key_policy policy;
	uint8_t apex[ZONES][NAME_MAX_LEN];
	struct call calls[CALLS];
	unsigned call_count;
	int64_t now;
	unsigned seed;
	uint32_t random;
};

static uint32_t chance(struct fixture *f, uint32_t n)
{
	f->random = f->random * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)f->random * n >> 32);
}

static void on_done(void *arg, int code, const char *why)
{
	struct call *c = arg;

	if (c->is_answered)
		fail_msg("seed %u: answered twice", c->fixture->seed);
	c->is_answered = true;
	c->code = code;
	if (code == ERR_MISSING && c->action == STEP)
		return;
	/* What may be answered: done, or try again; a zone is always deleted. */
	if (code != OK && !(code == ERR_AGAIN && c->action != DELETE && c->action != FORGET) &&
	    c->action != CHANGE)
		fail_msg("seed %u: action %u: %d, %s", c->fixture->seed, c->action, code, why);
}

static struct call *new_call(struct fixture *f, enum action a, unsigned zone)
{
	struct call *c = &f->calls[f->call_count++];

	assert_true(f->call_count <= CALLS);
	*c = (struct call){f, a, zone, false, 0};
	return c;
}

static void start(struct fixture *f)
{
	struct err e = {0};

	f->store = store_open(f->dir, true, SIZE, &e);
	if (f->store == NULL)
		fail_msg("%s", e.text);
	f->keys = keys_new(NULL, f->store);
	for (unsigned i = 0; i < 2; i++)
		keys_add_token(f->keys, f->tokens[i]);
}

static void set_up(struct fixture *f)
{
	struct key_role_policy role = {.wanted = true};

	strcpy(f->dir, "/tmp/itg-order-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(name_parse("a.example.", f->apex[0]), OK);
	assert_int_equal(name_parse("b.example.", f->apex[1]), OK);
	assert_int_equal(name_parse("c.example.", f->apex[2]), OK);
	f->tokens[0] = failing_token_new("one");
	f->tokens[1] = failing_token_new("two");
	failing_token_hold(f->tokens[0], true);
	failing_token_hold(f->tokens[1], true);
	strcpy(f->policy.name, "default");
	f->policy.algorithm = 15;
	role.prepublish.seconds = role.postpublish.seconds = 7 * DAY;
	role.active.months = 3;
	f->policy.ksk = f->policy.zsk = role;
	f->policy.ksk.active.months = 24;
	strcpy(f->policy.ksk.token, "one");
	strcpy(f->policy.zsk.token, "two");
	f->policy.purge_after.seconds = 14 * DAY;
	f->now = NOW;
	start(f);
}

static void stop(struct fixture *f)
{
	keys_free(f->keys);
	store_close(f->store);
}

static void tear_down(struct fixture *f)
{
	char command[128];

	stop(f);
	failing_token_free(f->tokens[0]);
	failing_token_free(f->tokens[1]);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	assert_int_equal(system(command), 0);
}

/* One of the requests that wait, any; false: there is none. */
static bool turn(struct fixture *f)
{
	unsigned first = chance(f, 4);

	for (unsigned i = 0; i < 4; i++) {
		unsigned which = (first + i) % 4;

		if (failing_token_turn(f->tokens[which / 2], (enum failing_lane)(which % 2)))
			return true;
	}
	return false;
}

static void drain(struct fixture *f)
{
	while (turn(f))
		;
	for (unsigned i = 0; i < f->call_count; i++)
		if (!f->calls[i].is_answered)
			fail_msg(
			    "seed %u: action %u was never answered", f->seed, f->calls[i].action);
}

static void act(struct fixture *f, enum action a)
{
	struct edit edit = {
	    .kind = EDIT_ROLLOVER, .which.role = KEY_ZSK, .reason = "", .requester = ""};
	struct call *c = new_call(f, a, chance(f, ZONES));
	const uint8_t *apex = f->apex[c->zone];
	struct facts facts = {0};

	switch (a) {
	case LOAD:
		keys_load(f->keys, on_done, c);
		break;
	case MAKE:
		keys_zone_make(f->keys, apex, &f->policy, f->now, on_done, c);
		break;
	case STEP:
		f->now += 10 * DAY;
		keys_step(f->keys, apex, &f->policy, &facts, f->now, on_done, c);
		break;
	case CHANGE:
		keys_request(f->keys, apex, &edit, f->now, on_done, c);
		break;
	case DELETE:
	case FORGET:
		keys_zone_delete(f->keys, apex, a == DELETE, on_done, c);
		break;
	case ACTION_COUNT:
		break;
	}
}

static void check_sane(struct fixture *f)
{
	for (unsigned i = 0; i < ZONES; i++) {
		char why[256];
		enum keys_status s = keys_zone_status(f->keys, f->apex[i], why);

		if (s == KEYS_RECOVERY || s == KEYS_FROZEN)
			fail_msg("seed %u: zone %u: %s", f->seed, i, why);
	}
}

/* At rest: each zone is there or not, and the tokens hold what the records say and nothing else. */
static void check_rest(struct fixture *f, uint64_t sequences[ZONES])
{
	unsigned keys = 0;

	for (unsigned i = 0; i < ZONES; i++) {
		char why[256];
		enum keys_status s = keys_zone_status(f->keys, f->apex[i], why);
		const struct record *r = keys_record(f->keys, f->apex[i]);

		if (s != KEYS_GOOD && s != KEYS_NONE)
			fail_msg("seed %u: zone %u: status %d, %s", f->seed, i, s, why);
		sequences[i] = s == KEYS_GOOD ? r->sequence : 0;
		keys += s == KEYS_GOOD ? r->key_count : 0;
	}
	assert_int_equal(failing_token_keys(f->tokens[0]) + failing_token_keys(f->tokens[1]), keys);
	assert_false(keys_wants_load(f->keys));
}

static void live(unsigned seed)
{
	uint64_t before[ZONES], after[ZONES];
	struct fixture f = {.seed = seed, .random = seed};

	set_up(&f);
	keys_load(f.keys, on_done, new_call(&f, LOAD, 0));
	if (seed % 2 == 0) /* else the first reading is under way, too */
		drain(&f);
	for (unsigned i = 0; i < ACTIONS; i++) {
		act(&f, (enum action)chance(&f, ACTION_COUNT));
		for (unsigned n = chance(&f, 6); n > 0; n--)
			turn(&f);
		if (i > 10)
			check_sane(&f);
	}
	drain(&f);
	keys_load(f.keys, on_done, new_call(&f, LOAD, 0));
	drain(&f);
	check_rest(&f, before);
	stop(&f);
	start(&f);
	keys_load(f.keys, on_done, new_call(&f, LOAD, 0));
	drain(&f);
	check_rest(&f, after);
	assert_memory_equal(before, after, sizeof(before));
	tear_down(&f);
}

static void test_R12_R20_any_order(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= ROUNDS; seed++)
		live(seed);
}

static void call_on_done(struct fixture *f, enum action a)
{
	act(f, a);
	drain(f);
	assert_int_equal(f->calls[f->call_count - 1].code, OK);
}

/* Before each of the token's turns: the tokens are read again, while a zone of keys is made,
 * changed, destroyed. */
static unsigned read_at(enum action what, unsigned turns)
{
	struct fixture f = {.seed = turns};
	struct call *c;
	unsigned n = 0;
	uint64_t sequences[ZONES];

	set_up(&f);
	call_on_done(&f, LOAD);
	if (what != MAKE)
		call_on_done(&f, MAKE);
	f.random = 0; /* the same zone again */
	c = &f.calls[f.call_count];
	act(&f, what);
	while (n < turns && turn(&f))
		n++;
	keys_load(f.keys, on_done, new_call(&f, LOAD, 0));
	drain(&f);
	assert_true(c->code == OK || (what == CHANGE && c->code == ERR_MISSING));
	check_rest(&f, sequences);
	tear_down(&f);
	return n;
}

static void test_R12_R20_read_at_any_point(void **state)
{
	static const enum action actions[] = {MAKE, CHANGE, DELETE};

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(actions); i++)
		for (unsigned turns = 0; read_at(actions[i], turns) == turns; turns++)
			;
}

/* A zone that is deleted at once is not one whose keys stay. */
static void test_R71_deleted_while_made(void **state)
{
	(void)state;
	for (unsigned turns = 0; turns < 12; turns++) {
		struct fixture f = {.seed = turns};
		char why[256];

		set_up(&f);
		call_on_done(&f, LOAD);
		f.random = 0;
		act(&f, MAKE);
		for (unsigned n = 0; n < turns; n++)
			turn(&f);
		f.random = 0;
		act(&f, DELETE);
		drain(&f);
		for (unsigned i = 0; i < ZONES; i++)
			assert_int_equal(keys_zone_status(f.keys, f.apex[i], why), KEYS_NONE);
		assert_int_equal(failing_token_keys(f.tokens[0]), 0);
		assert_int_equal(failing_token_keys(f.tokens[1]), 0);
		assert_int_equal(failing_token_records(f.tokens[0]), 0);
		tear_down(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_R12_R20_any_order),
	    cmocka_unit_test(test_R12_R20_read_at_any_point),
	    cmocka_unit_test(test_R71_deleted_while_made),
	};

	log_open("test", false, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
