/* kill -9 at every write of every step of roll-overs, in SoftHSM: before the write, right after it,
 * and anywhere; and again while the next process goes on from there.  What comes of it is compared
 * with what comes of the same day undisturbed: the same steps at the same times, the same keys,
 * nothing left over.
 *
 * A day is what has to be done at one instant.  Each begins from a copy of token and store as the
 * day before left them undisturbed.  The process that lives it is a child that has logged in before
 * it can be killed (SoftHSM rewrites its token file in C_Login, and does not survive that).
 *
 * ROLL_KILL_DAYS: so many days of the zone's life (120); ROLL_KILL_CHAINS: so many chains of kills
 * for each of them (2). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "keys/keys.h"
#include "keys/record.h"
#include "tests/token/support.h"

#define NOW INT64_C(1800000000)
#define DAY 86400
#define STORE_SIZE (16 * 1024 * 1024)
#define KEYS_MAX KEYSET_MAX

/* What a process reports in the end: bytes that can be compared. */
struct report {
	int64_t next; /* when something has to be done again */
	uint64_t sequence;
	unsigned key_count, objects, records;
	struct {
		uint8_t id[TOKEN_ID_LEN];
		enum key_role role;
		struct key_times times;
	} keys[KEYS_MAX];
};
enum how { UNDISTURBED, BEFORE_WRITE, AFTER_WRITE, AT_RANDOM };

struct rig {
	struct fixture f;
	struct key_policy policy;
	uint8_t apex[NAME_MAX_LEN];
	int64_t now;
	unsigned seed, kills;
	/* of a child */
	struct store *store;
	struct token *token;
	struct keys *keys;
};
struct outcome {
	int code;
	char why[256];
};

static void on_done(void *arg, int code, const char *why)
{
	struct outcome *o = arg;

	o->code = code;
	snprintf(o->why, sizeof(o->why), "%s", why);
}

static unsigned setting(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text == NULL ? otherwise : (unsigned)atoi(text);
}

static int set_up(void **state)
{
	struct rig *r = mem_alloc(sizeof(*r));
	struct key_role_policy role = {.wanted = true, .token = "test"};

	fixture_open(&r->f);
	name_parse("example.", r->apex);
	strcpy(r->policy.name, "default");
	r->policy.algorithm = ALG_ECDSAP256SHA256;
	role.prepublish.seconds = role.postpublish.seconds = 7 * DAY;
	role.active.months = 1;
	r->policy.zsk = role;
	role.active.months = 3;
	r->policy.ksk = role;
	r->policy.ttl_dnskey = r->policy.propagation = r->policy.ds_propagation = 3600;
	r->policy.ds_ttl = DAY;
	r->policy.purge_after.seconds = 3 * DAY;
	r->now = NOW;
	r->seed = (unsigned)getpid();
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	fixture_close(&r->f);
	free(r);
	return 0;
}

static void shell(const char *format, const char *dir)
{
	char command[600];

	snprintf(command, sizeof(command), format, dir, dir, dir, dir, dir, dir);
	assert_int_equal(system(command), 0);
}

/* The day's beginning: kept, and taken again. */
static void keep(struct rig *r)
{
	shell("rm -rf %s/kept && mkdir %s/kept && cp -a %s/tokens %s/store %s/kept", r->f.dir);
}

static void take_again(struct rig *r)
{
	shell("rm -rf %s/tokens %s/store && cp -a %s/kept/tokens %s/kept/store %s", r->f.dir);
}

/* --- In the child: no assertions, since its memory is the parent's copy. */

static _Noreturn void child_fail(const char *what, const char *why)
{
	fprintf(stderr, "# %s: %s\n", what, why);
	_exit(1);
}

static void child_start(struct rig *r)
{
	struct outcome o = {.code = ERR_AGAIN};
	struct err e = {0};
	char dir[128];

	snprintf(dir, sizeof(dir), "%s/store", r->f.dir);
	r->store = store_open(dir, true, STORE_SIZE, &e);
	r->token = r->store != NULL ? token_open_local(&r->f.settings, &r->f.pin, &e) : NULL;
	if (r->token == NULL)
		child_fail("start", e.text);
	r->keys = keys_new(NULL, r->store);
	keys_add_token(r->keys, r->token);
	if (keys_zone_status(r->keys, r->apex, o.why) != KEYS_UNKNOWN)
		child_fail("start", o.why);
}

/* Everything is everywhere an instant after it was changed. */
static void observe(const struct record *rec, struct facts *out)
{
	memset(out, 0, sizeof(*out));
	out->ttl_zone = out->ttl_unsigned = DAY;
	out->signed_since = NOW;
	for (unsigned i = 0; i < rec->key_count; i++) {
		const int64_t *at = rec->keys[i].times.at;
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

static const struct record *child_record(struct rig *r)
{
	const struct record *rec = keys_record(r->keys, r->apex);
	char why[256];

	if (rec == NULL) {
		(void)keys_zone_status(r->keys, r->apex, why);
		child_fail("the zone's keys cannot be used", why);
	}
	return rec;
}

static void child_live(struct rig *r)
{
	struct outcome o = {.code = ERR_AGAIN};
	uint64_t before;

	keys_load(r->keys, on_done, &o);
	if (o.code == OK)
		keys_zone_make(r->keys, r->apex, &r->policy, NOW, on_done, &o);
	do {
		const struct record *rec;
		struct facts facts;

		if (o.code != OK)
			child_fail("a step", o.why);
		rec = child_record(r);
		before = rec->sequence;
		observe(rec, &facts);
		keys_step(r->keys, r->apex, &r->policy, &facts, r->now, on_done, &o);
	} while (o.code != OK || child_record(r)->sequence != before);
}

static void child_report(struct rig *r, int fd)
{
	static struct report out;
	const struct record *rec = child_record(r);
	struct seen seen = {0};

	out.next = keys_next_look(r->keys, r->apex);
	out.sequence = rec->sequence;
	out.key_count = rec->key_count;
	for (unsigned i = 0; i < rec->key_count; i++) {
		memcpy(out.keys[i].id, rec->keys[i].id, TOKEN_ID_LEN);
		out.keys[i].role = rec->keys[i].role;
		out.keys[i].times = rec->keys[i].times;
	}
	if (list(r->token, &seen) != OK)
		child_fail("list", seen.err.text);
	out.objects = (unsigned)seen.key_count;
	out.records = (unsigned)seen.record_count;
	if (write(fd, &out, sizeof(out)) != sizeof(out))
		_exit(1);
}

static _Noreturn void child(struct rig *r, enum how how, unsigned n, int fd)
{
	char rule[64] = "";

	child_start(r);
	if (how == BEFORE_WRITE || how == AFTER_WRITE)
		snprintf(rule, sizeof(rule), "write:%s 0 %u 0\n",
		    how == BEFORE_WRITE ? "kill" : "died", n);
	fixture_rules(&r->f, rule);
	if (write(fd, "", 1) != 1)
		_exit(1);
	child_live(r);
	child_report(r, fd);
	keys_free(r->keys);
	token_close(r->token);
	store_close(r->store);
	_exit(0);
}

/* --- In the parent */

/* n: the write; AT_RANDOM: microseconds.  True: it came to the end of the day. */
static bool live(struct rig *r, enum how how, unsigned n, struct report *out)
{
	int fd[2], status;
	char ready;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		close(fd[0]);
		child(r, how, n, fd[1]);
	}
	close(fd[1]);
	assert_int_equal(read(fd[0], &ready, 1), 1);
	if (how == AT_RANDOM) {
		usleep(n);
		kill(pid, SIGKILL);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		fail_msg(
		    "day %lld, write %u: the process failed", (long long)(r->now - NOW) / DAY, n);
	if (WIFEXITED(status))
		assert_int_equal(read(fd[0], out, sizeof(*out)), sizeof(*out));
	close(fd[0]);
	r->kills += !WIFEXITED(status);
	return WIFEXITED(status);
}

/* Keys that were made this day have other ids each time; all else is the same. */
static void assert_same(const struct report *day, const struct report *disturbed, unsigned old_keys)
{
	assert_int_equal(day->sequence, disturbed->sequence);
	assert_int_equal(day->next, disturbed->next);
	assert_int_equal(day->key_count, disturbed->key_count);
	assert_int_equal(day->objects, disturbed->objects);
	assert_true(disturbed->records <= 2);
	for (unsigned i = 0; i < day->key_count; i++) {
		assert_int_equal(day->keys[i].role, disturbed->keys[i].role);
		assert_memory_equal(
		    &day->keys[i].times, &disturbed->keys[i].times, sizeof(day->keys[i].times));
		if (i < old_keys)
			assert_memory_equal(day->keys[i].id, disturbed->keys[i].id, TOKEN_ID_LEN);
	}
}

/* Killed once, at each write. */
static void disturb_once(struct rig *r, enum how how, const struct report *day, unsigned old_keys)
{
	struct report out;
	bool through = false;

	for (unsigned n = 1; !through; n++) {
		take_again(r);
		through = live(r, how, n, &out);
		if (!through)
			assert_true(live(r, UNDISTURBED, 0, &out));
		assert_same(day, &out, old_keys);
	}
}

/* Killed again and again until one gets through; the time it is given grows. */
static void disturb_again(struct rig *r, const struct report *day, unsigned old_keys)
{
	struct report out;
	unsigned most_us = 20000, most_writes = 3;
	bool through = false;

	take_again(r);
	while (!through) {
		enum how how = (enum how)(BEFORE_WRITE + rand_r(&r->seed) % 3);
		unsigned n = how == AT_RANDOM ? (unsigned)rand_r(&r->seed) % most_us
					      : 1 + (unsigned)rand_r(&r->seed) % most_writes;

		through = live(r, how, n, &out);
		most_us += most_us / 4;
		most_writes++;
	}
	assert_same(day, &out, old_keys);
}

/* Keys that were there in the morning and still are. */
static unsigned keys_from_before(const struct report *before, const struct report *day)
{
	unsigned n = 0;

	while (n < day->key_count && n < before->key_count &&
	       memcmp(day->keys[n].id, before->keys[n].id, TOKEN_ID_LEN) == 0)
		n++;
	return n;
}

static void test_R12_R25_killed_at_every_write(void **state)
{
	struct rig *r = *state;
	struct report before = {0}, day = {0};
	int64_t end = NOW + (int64_t)setting("ROLL_KILL_DAYS", 120) * DAY;
	unsigned chains = setting("ROLL_KILL_CHAINS", 2), days = 0;

	shell("mkdir %s/store", r->f.dir);
	print_message("# seed %u\n", r->seed);
	for (; r->now < end; r->now = day.next) {
		unsigned old_keys;

		keep(r);
		assert_true(live(r, UNDISTURBED, 0, &day));
		shell(
		    "rm -rf %s/evening && mkdir %s/evening && cp -a %s/tokens %s/store %s/evening",
		    r->f.dir);
		old_keys = keys_from_before(&before, &day);
		disturb_once(r, BEFORE_WRITE, &day, old_keys);
		disturb_once(r, AFTER_WRITE, &day, old_keys);
		for (unsigned i = 0; i < chains; i++)
			disturb_again(r, &day, old_keys);
		shell("rm -rf %s/tokens %s/store && mv %s/evening/tokens %s/evening/store %s",
		    r->f.dir);
		assert_true(day.next > r->now);
		before = day;
		days++;
	}
	print_message("# %u days with something to do, %u kills\n", days, r->kills);
	assert_true(before.sequence > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_R12_R25_killed_at_every_write, set_up, tear_down),
	};

	log_open("test", false, LOG_LEVEL_ERROR);
	/* Kills need no disk: a process's death loses nothing that it has written. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("FIXTURE_DIR", "/dev/shm", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
