/* A token through worker processes, against SoftHSM: batches, order, lost and hanging workers. */
#include "tests/token/support.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "pkcs11/verify.h"

#define WORKERS 2

struct state {
	struct fixture f;
	struct loop *loop;
	struct token *t;
	pid_t pids[WORKERS];
	unsigned lost;
	bool no_restart;
};

static void start_worker(struct state *s, unsigned number)
{
	int fd;

	s->pids[number] = spawn_worker(&s->f, number, &fd);
	token_client_attach(s->t, number, fd, s->f.settings.sessions);
}

static void kill_worker(struct state *s, unsigned number)
{
	if (s->pids[number] <= 0)
		return;
	kill(s->pids[number], SIGKILL);
	waitpid(s->pids[number], NULL, 0);
	s->pids[number] = 0;
}

static void on_lost(void *arg, unsigned number)
{
	struct state *s = arg;

	s->lost++;
	kill_worker(s, number);
	token_client_detach(s->t, number);
	if (!s->no_restart)
		start_worker(s, number);
}

static int open_client(void **state, uint64_t timeout_ms)
{
	struct state *s = calloc(1, sizeof *s);

	fixture_open(&s->f);
	s->loop = loop_new();
	s->t = token_open_client(s->loop, "test", timeout_ms, on_lost, s);
	*state = s;
	return 0;
}

static int set_up(void **state)
{
	return open_client(state, 60000);
}

static int set_up_impatient(void **state)
{
	return open_client(state, 1500);
}

static int tear_down(void **state)
{
	struct state *s = *state;

	token_close(s->t);
	for (unsigned i = 0; i < WORKERS; i++)
		if (s->pids[i] > 0)
			waitpid(s->pids[i], NULL, 0); /* its socket was closed: it ends by itself */
	loop_free(s->loop);
	fixture_close(&s->f);
	free(s);
	return 0;
}

static void start_all(struct state *s)
{
	for (unsigned i = 0; i < WORKERS; i++)
		start_worker(s, i);
	run_until_up(s->loop, s->t, true);
}

static void ask(struct state *s, const struct token_request *r, struct seen *out)
{
	unsigned want = out->replies + 1;

	token_submit(s->t, r, seen_reply, out);
	assert_int_equal(out->replies, want - 1); /* never from within */
	run_until(s->loop, &out->replies, want);
}

/* A run of sign batches, all of which are verified. */
struct run {
	struct state *s;
	struct seen key;
	unsigned window, batch;
	unsigned sent, done, failed, wanted;
	unsigned signatures;
	struct err err; /* of the last one that failed */
	bool verify;
};

struct batch {
	struct run *run;
	uint8_t data[TOKEN_BATCH_MAX][32];
};

static void submit_batch(struct run *run);

static void on_batch(void *arg, const struct token_reply *reply)
{
	struct batch *b = arg;
	struct run *run = b->run;

	run->done++;
	if (reply->code != OK) {
		print_message("# %s\n", reply->err.text);
		run->failed++;
		run->err = reply->err;
	}
	for (unsigned i = 0; i < reply->signature_count; i++) {
		if (reply->signatures[i].code != OK)
			continue;
		run->signatures++;
		if (run->verify)
			assert_int_equal(
			    token_verify(13, run->key.pub, run->key.pub_len, b->data[i], 32,
				reply->signatures[i].data, reply->signatures[i].len),
			    OK);
	}
	free(b);
	if (run->sent < run->wanted)
		submit_batch(run);
}

static void submit_batch(struct run *run)
{
	struct token_sign_item items[TOKEN_BATCH_MAX];
	struct token_request r = {.op = TOKEN_SIGN, .class = TOKEN_CHANGE, .items = items};
	struct batch *b = calloc(1, sizeof *b);

	b->run = run;
	r.item_count = run->batch;
	for (unsigned i = 0; i < run->batch; i++) {
		fill(b->data[i], 32, run->sent * 1000 + i);
		memcpy(items[i].id, run->key.id, TOKEN_ID_LEN);
		items[i].algorithm = 13;
		items[i].data = b->data[i];
		items[i].len = 32;
	}
	run->sent++;
	token_submit(run->s->t, &r, on_batch, b);
}

static void begin_run(
    struct run *run, struct state *s, unsigned batches, unsigned batch, bool verify)
{
	struct token_request r = generate_request(1, 13);

	memset(run, 0, sizeof *run);
	run->s = s;
	run->batch = batch;
	run->wanted = batches;
	run->verify = verify;
	ask(s, &r, &run->key);
	assert_int_equal(run->key.code, OK);
	while (token_sign_pending(s->t) < token_sign_window(s->t) && run->sent < batches)
		submit_batch(run);
}

static void test_all_requests(void **state)
{
	struct state *s = *state;
	struct token_request r = generate_request(1, 13);
	struct seen out = {0};

	start_all(s);
	ask(s, &r, &out);
	assert_int_equal(out.code, OK);
	assert_int_equal(out.pub_len, 64);
	r.op = TOKEN_PUT_RECORD;
	record_name(1, 1, r.label);
	r.value = (const uint8_t *)"state";
	r.value_len = 5;
	ask(s, &r, &out);
	assert_int_equal(out.code, OK);
	r.op = TOKEN_LIST;
	ask(s, &r, &out);
	assert_int_equal(out.key_count, 1);
	assert_int_equal(out.record_count, 1);
	assert_memory_equal(out.value, "state", 5);
	r.op = TOKEN_DROP_RECORD;
	ask(s, &r, &out);
	assert_int_equal(out.code, OK);
	r.op = TOKEN_RANDOM;
	r.length = 99;
	ask(s, &r, &out);
	assert_int_equal(out.value_len, 99);
	r.op = TOKEN_CAPS;
	ask(s, &r, &out);
	assert_true(out.caps.data_objects);
	r.op = TOKEN_DROP_KEY;
	ask(s, &r, &out);
	assert_int_equal(out.code, OK);
	r.op = TOKEN_LIST;
	ask(s, &r, &out);
	assert_int_equal(out.key_count + out.record_count, 0);
	r.op = TOKEN_SIGN; /* without items */
	ask(s, &r, &out);
	assert_int_equal(out.code, ERR_ARGUMENT);
}

static void test_batches(void **state)
{
	struct state *s = *state;
	struct run run;

	start_all(s);
	begin_run(&run, s, 40, 100, true);
	run_until(s->loop, &run.done, 40);
	assert_int_equal(run.failed, 0);
	assert_int_equal(run.signatures, 4000);
	assert_int_equal(token_sign_pending(s->t), 0);
	assert_int_equal(token_sign_count(s->t), 4000);
	assert_true(token_sign_rate(s->t) > 100);
}

/* The parts of a batch come back one by one: what failed is told, and what did not fail is there.
 */
static void test_bad_item(void **state)
{
	struct state *s = *state;
	struct run run;

	s->f.settings.sessions = 2;
	start_all(s);
	begin_run(&run, s, 1, 10, true);
	run_until(s->loop, &run.done, 1);
	fixture_rules(&s->f, "C_Sign 21 1 0\n"); /* CKR_DATA_LEN_RANGE, once in each worker */
	begin_run(&run, s, 1, 200, true);
	run_until(s->loop, &run.done, 1);
	assert_int_equal(run.failed, 1);
	assert_int_equal(run.err.code, ERR_TOKEN);
	assert_int_equal(run.err.ckr, 0x21);
	assert_int_equal(run.signatures, 200 - WORKERS);
	assert_int_equal(token_sign_pending(s->t), 0);
}

/* Three sessions per worker sign while keys and records are made and dropped. */
static void test_objects_beside_signing(void **state)
{
	struct state *s = *state;
	struct token_request r;
	struct seen out = {0};
	struct run run;

	s->f.settings.sessions = 3;
	start_all(s);
	begin_run(&run, s, UINT_MAX, 20, true);
	for (unsigned i = 10; i < 22; i++) {
		r = generate_request(i, i % 2 == 0 ? 13 : 15);
		ask(s, &r, &out);
		assert_int_equal(out.code, OK);
		r.op = TOKEN_PUT_RECORD;
		record_name(i, 1, r.label);
		r.value = out.pub;
		r.value_len = out.pub_len;
		ask(s, &r, &out);
		assert_int_equal(out.code, OK);
		r.op = i % 3 == 0 ? TOKEN_DROP_KEY : TOKEN_LIST;
		ask(s, &r, &out);
		assert_int_equal(out.code, OK);
	}
	run.wanted = run.sent;
	run_until(s->loop, &run.done, run.sent);
	assert_int_equal(run.failed, 0);
	r.op = TOKEN_LIST;
	ask(s, &r, &out);
	assert_int_equal(out.key_count, 1 + 12 - 4);
	assert_int_equal(out.record_count, 12);
}

/* More than one message can hold: 400 records of 600 octets. */
static void test_large_list(void **state)
{
	struct state *s = *state;
	struct token_request r = {.op = TOKEN_PUT_RECORD};
	uint8_t value[600];
	struct seen out = {0};

	start_all(s);
	fill(value, sizeof value, 1);
	r.value = value;
	r.value_len = sizeof value;
	for (unsigned i = 0; i < 400; i++) {
		record_name(i, 1, r.label);
		token_submit(s->t, &r, seen_reply, &out);
	}
	run_until(s->loop, &out.replies, 400);
	r.op = TOKEN_LIST;
	ask(s, &r, &out);
	assert_int_equal(out.code, OK);
	assert_int_equal(out.record_count, 400);
	assert_int_equal(out.value_len, sizeof value);
	assert_memory_equal(out.value, value, sizeof value);
}

static void test_killed_while_signing(void **state)
{
	struct state *s = *state;
	struct run run;
	unsigned killed = 0;

	start_all(s);
	begin_run(&run, s, UINT_MAX, 64, true);
	while (killed < 8) { /* each in its turn, then both */
		run_until(s->loop, &run.done, run.done + 10);
		kill_worker(s, killed % WORKERS);
		if (killed >= 6)
			kill_worker(s, (killed + 1) % WORKERS);
		for (unsigned i = 0; i < WORKERS; i++)
			if (s->pids[i] == 0) {
				token_client_detach(s->t, i);
				start_worker(s, i);
			}
		killed++;
	}
	run.wanted = run.sent;
	run_until(s->loop, &run.done, run.sent);
	assert_int_equal(run.failed, 0);
	assert_int_equal(run.signatures, run.sent * 64);
}

static void test_hanging_call(void **state)
{
	struct state *s = *state;
	uint64_t begin;
	struct run run;

	s->no_restart = true;
	start_all(s);
	begin_run(&run, s, 2, 10, true);
	run_until(s->loop, &run.done, 2);
	fixture_rules(&s->f, "C_Sign 0 1 60000\n"); /* each worker has its own count */
	begin = clock_mono_ms();
	begin_run(&run, s, 1, 1, true); /* one part, one worker */
	run_until(
	    s->loop, &s->lost, 1); /* one hangs; the other has the batch now, with the rule: */
	fixture_rules(&s->f, "");
	s->no_restart = false;
	run_until(s->loop, &run.done, 1);
	assert_true(clock_mono_ms() - begin < 10000);
	assert_int_equal(run.failed, 0);
	assert_int_equal(run.signatures, 1);
}

/* A slow token is no hanging one: each call takes a while, the batch much longer than the time-out.
 */
static void test_slow_token(void **state)
{
	struct state *s = *state;
	struct run run;

	start_all(s);
	fixture_rules(&s->f, "C_Sign 0 -1 100\n");
	begin_run(&run, s, 4, 25, true);
	run_until(s->loop, &run.done, 4);
	assert_int_equal(s->lost, 0);
	assert_int_equal(run.failed, 0);
}

static void test_wrong_pin(void **state)
{
	struct state *s = *state;
	struct token_request r = {.op = TOKEN_LIST};
	struct seen out = {0};
	char why[256];

	secret_set(&s->f.pin, "000000", 6);
	for (unsigned i = 0; i < WORKERS; i++)
		start_worker(s, i);
	for (unsigned i = 0; i < 5; i++) {
		ask(s, &r, &out);
		assert_int_equal(out.code, ERR_TOKEN);
		assert_int_equal(out.err.ckr, 0xa0);
	}
	assert_false(token_is_up(s->t, why));
	assert_non_null(strstr(why, "CKR_PIN_INCORRECT"));
	/* once for all workers together, whatever is asked of them */
	assert_int_equal(fixture_calls(&s->f, "C_Login"), 1);
}

static void test_module_missing(void **state)
{
	struct state *s = *state;
	struct token_request r = {.op = TOKEN_LIST};
	struct seen out = {0};
	char why[256];

	s->f.settings.module = "/nowhere/module.so";
	for (unsigned i = 0; i < WORKERS; i++)
		start_worker(s, i);
	ask(s, &r, &out);
	assert_int_equal(out.code, ERR_MISSING);
	assert_false(token_is_up(s->t, why));
	assert_non_null(strstr(why, "/nowhere/module.so"));
}

static void test_token_away(void **state)
{
	struct state *s = *state;
	struct run run;

	start_all(s);
	begin_run(&run, s, 4, 10, true);
	run_until(s->loop, &run.done, 4);
	fixture_rules(&s->f, "C_SignInit 30 -1 0\nC_OpenSession 30 -1 0\n");
	begin_run(&run, s, 1, 10, true); /* generating needs no new session */
	run_until_up(s->loop, s->t, false);
	fixture_rules(&s->f, "");
	run_until_up(s->loop, s->t, true); /* by itself */
	run_until(s->loop, &run.done, 1);
	begin_run(&run, s, 4, 10, true);
	run_until(s->loop, &run.done, 4);
	assert_int_equal(run.failed, 0);
	assert_int_equal(s->lost, 0);
}

/* Two workers with a session copy each must reach what two plain processes do; here: it is
 * measured. */
static void test_rate(void **state)
{
	struct state *s = *state;
	uint64_t cpu, wall;
	struct run run;

	s->f.settings.module = SOFTHSM;
	start_all(s);
	begin_run(&run, s, 10, 256, false);
	run_until(s->loop, &run.done, 10);
	cpu = clock_cpu_us();
	wall = clock_mono_us();
	begin_run(&run, s, UINT_MAX, 256, false);
	while (clock_mono_us() - wall < 3000000)
		run_until(s->loop, &run.done, run.done + 1);
	run.wanted = run.sent;
	run_until(s->loop, &run.done, run.sent);
	cpu = clock_cpu_us() - cpu;
	wall = clock_mono_us() - wall;
	print_message("# %u signatures, %.0f/s, client %.2f us each\n", run.signatures,
	    run.signatures * 1e6 / (double)wall, (double)cpu / run.signatures);
	assert_int_equal(run.failed, 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
#define TEST_IN(fixture, title, fn) {title, fn, fixture, tear_down, NULL}
#define TEST(title, fn) TEST_IN(set_up, title, fn)
#define HASTY(title, fn) TEST_IN(set_up_impatient, title, fn)
	    TEST("every request goes through", test_all_requests),
	    TEST("batches are spread and all answered", test_batches),
	    TEST("an item that fails takes no other with it", test_bad_item),
	    TEST("keys and records are made while sessions sign", test_objects_beside_signing),
	    TEST("a list of any size arrives whole", test_large_list),
	    TEST("workers killed while signing lose nothing", test_killed_while_signing),
	    HASTY("a hanging call is taken over by another worker", test_hanging_call),
	    HASTY("a slow token is not taken for a hanging one", test_slow_token),
	    TEST("a wrong PIN costs one try, not one per worker", test_wrong_pin),
	    HASTY("a missing module is named", test_module_missing),
	    HASTY("a token that is away comes back", test_token_away),
	    TEST("the rate of two workers", test_rate),
	};

	maybe_worker(argc, argv);
	if (getenv("ONLY") != NULL)
		cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("token_client", tests, NULL, NULL);
}
