/* Keys and their records in SoftHSM: made once, found again, whenever the process was killed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "keys/keys.h"
#include "tests/token/support.h"

#define NOW 1800000000
#define STORE_SIZE (64 * 1024 * 1024)
#define ZONES 4
#define KILLING_MS 12000

struct rig {
	struct fixture f;
	char store_dir[128];
	struct key_policy policy;
	/* of one process */
	struct store *store;
	struct token *token;
	struct keys *keys;
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

static int setup(void **state)
{
	struct rig *r = mem_alloc(sizeof(*r));
	struct key_role_policy role = {.wanted = true, .token = "test"};

	fixture_open(&r->f);
	r->f.settings.module = SOFTHSM;
	snprintf(r->store_dir, sizeof(r->store_dir), "%s/store", r->f.dir);
	assert_int_equal(mkdir(r->store_dir, 0700), 0);
	strcpy(r->policy.name, "default");
	r->policy.algorithm = ALG_ECDSAP256SHA256;
	r->policy.ksk = r->policy.zsk = role;
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	fixture_close(&r->f);
	free(r);
	return 0;
}

/* No assertions on the way: a child that is to be killed runs this, too. */
static bool start(struct rig *r)
{
	struct outcome o = {.code = ERR_AGAIN};
	struct err e = {0};

	r->store = store_open(r->store_dir, true, STORE_SIZE, &e);
	r->token = r->store != NULL ? token_open_local(&r->f.settings, &r->f.pin, &e) : NULL;
	if (r->token == NULL) {
		fprintf(stderr, "# %s\n", e.text);
		return false;
	}
	r->keys = keys_new(NULL, r->store);
	keys_add_token(r->keys, r->token);
	keys_load(r->keys, on_done, &o);
	return o.code == OK;
}

static void stop(struct rig *r)
{
	keys_free(r->keys);
	token_close(r->token);
	store_close(r->store);
}

static void apex_of(unsigned i, uint8_t out[NAME_MAX_LEN])
{
	char text[32];

	snprintf(text, sizeof(text), "zone%u.example.", i);
	name_parse(text, out);
}

static struct outcome make(struct rig *r, unsigned i)
{
	uint8_t apex[NAME_MAX_LEN];
	struct outcome o = {.code = ERR_AGAIN};

	apex_of(i, apex);
	keys_zone_make(r->keys, apex, &r->policy, NOW, on_done, &o);
	return o;
}

static void must_make(struct rig *r, unsigned i)
{
	struct outcome o = make(r, i);

	if (o.code != OK)
		fail_msg("zone %u: %s", i, o.why);
}

static struct keyset keyset(struct rig *r, unsigned i)
{
	uint8_t apex[NAME_MAX_LEN];
	struct keyset set;
	struct err e = {0};

	apex_of(i, apex);
	if (keys_keyset(r->keys, apex, NOW, &set, &e) != OK)
		fail_msg("%s", e.text);
	return set;
}

/* What of ours is in the token. */
static void assert_objects(struct rig *r, size_t keys, size_t records)
{
	struct seen seen = {0};

	assert_int_equal(list(r->token, &seen), OK);
	assert_int_equal(seen.key_count, keys);
	assert_int_equal(seen.record_count, records);
}

static void test_R20_each_algorithm(void **state)
{
	static const uint8_t algorithms[] = {ALG_RSASHA256, ALG_RSASHA512, ALG_ECDSAP256SHA256,
	    ALG_ECDSAP384SHA384, ALG_ED25519, ALG_ED448};
	struct keyset before[MEM_COUNT(algorithms)], after;
	struct rig *r = *state;

	forgive_leaks(true);
	assert_true(start(r));
	for (unsigned i = 0; i < MEM_COUNT(algorithms); i++) {
		r->policy.algorithm = algorithms[i];
		must_make(r, i);
		before[i] = keyset(r, i);
		assert_int_equal(before[i].count, 2);
		assert_int_equal(before[i].keys[0].algorithm, algorithms[i]);
	}
	stop(r);
	assert_true(start(r)); /* each key proves itself again */
	for (unsigned i = 0; i < MEM_COUNT(algorithms); i++) {
		after = keyset(r, i);
		assert_memory_equal(&before[i], &after, sizeof(after));
	}
	assert_objects(r, 2 * MEM_COUNT(algorithms), MEM_COUNT(algorithms));
	stop(r);
	forgive_leaks(false);
}

static void test_R71_delete_and_keep(void **state)
{
	struct rig *r = *state;
	struct outcome o = {.code = ERR_AGAIN};
	struct keyset before, after;
	uint8_t apex[NAME_MAX_LEN];

	assert_true(start(r));
	must_make(r, 0);
	must_make(r, 1);
	before = keyset(r, 1);
	apex_of(0, apex);
	keys_zone_delete(r->keys, apex, true, on_done, &o);
	assert_int_equal(o.code, OK);
	apex_of(1, apex);
	keys_zone_delete(r->keys, apex, false, on_done, &o);
	assert_objects(r, 2, 1);
	stop(r);
	assert_true(start(r));
	must_make(r, 1); /* finds them */
	after = keyset(r, 1);
	assert_memory_equal(&before, &after, sizeof(after));
	assert_objects(r, 2, 1);
	stop(r);
}

/* The child tells when it is logged in, and each zone whose keys are good, with a sum of their ids.
 */
static _Noreturn void make_until_killed(struct rig *r, int fd)
{
	uint8_t message[1 + sizeof(struct keyset)];

	if (!start(r))
		_exit(1);
	message[0] = 255;
	if (write(fd, message, 1) != 1)
		_exit(1);
	for (unsigned i = 0; i < ZONES; i++) {
		if (make(r, i).code != OK)
			_exit(1);
		message[0] = (uint8_t)i;
		if (write(fd, message, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

/* Start a child, let it log in (SoftHSM rewrites its token file then), kill it later. */
static bool kill_in_the_middle(struct rig *r, unsigned delay_us, bool told[ZONES])
{
	int fd[2], status;
	uint8_t zone;
	pid_t child;

	assert_int_equal(pipe(fd), 0);
	child = fork();
	if (child == 0) {
		close(fd[0]);
		make_until_killed(r, fd[1]);
	}
	close(fd[1]);
	assert_int_equal(read(fd[0], &zone, 1), 1);
	assert_int_equal(zone, 255);
	usleep(delay_us);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	while (read(fd[0], &zone, 1) == 1 && zone < ZONES)
		told[zone] = true;
	close(fd[0]);
	assert_true(!WIFEXITED(status) || WEXITSTATUS(status) == 0);
	return WIFEXITED(status);
}

/* R12, R20: killed anywhere while making the keys of four zones, again and again: in the end each
 * has two keys and one record, the keys that were good once are the keys for ever, and no key is
 * left over.  Each round has a token of its own and is killed until it gets through. */
static void test_R12_R20_killed_while_making(void **state)
{
	struct rig *r = *state;
	unsigned seed = (unsigned)getpid(), kills = 0;
	uint64_t began = clock_mono_ms();

	print_message("# seed %u\n", seed);
	while (clock_mono_ms() - began < KILLING_MS) {
		bool told[ZONES] = {false}, before[ZONES];
		struct keyset sets[ZONES];
		unsigned most_us = 30000; /* grows: a slow machine must get through, too */
		bool through;

		do {
			memcpy(before, told, sizeof(told));
			through = kill_in_the_middle(r, (unsigned)rand_r(&seed) % most_us, told);
			most_us += most_us / 4;
			kills += !through;
			assert_true(start(r));
			for (unsigned i = 0; i < ZONES; i++) {
				struct keyset now;

				if (!told[i])
					continue;
				now = keyset(r, i); /* what was good is good */
				if (before[i])
					assert_memory_equal(&sets[i], &now, sizeof(now));
				sets[i] = now;
			}
			stop(r);
		} while (!through);
		assert_true(start(r));
		for (unsigned i = 0; i < ZONES; i++)
			must_make(r, i);
		assert_objects(r, 2 * ZONES, ZONES);
		stop(r);
		teardown(state);
		setup(state);
		r = *state;
	}
	print_message("# %u kills\n", kills);
	assert_true(kills > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_R20_each_algorithm, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_R71_delete_and_keep, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_R12_R20_killed_while_making, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
