/* kill -9 of the worker in the middle of what it writes, many times: no record and no key is ever
 * lost. SoftHSM rewrites a file at every log-in, so the kill waits until that is done. */
#include "tests/token/support.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "base/clock.h"
#include "pkcs11/labels.h"

#define KILLS 40
#define VALUE_LEN 700

struct state {
	struct fixture f;
	struct loop *loop;
	struct token *t;
	pid_t pid;
	unsigned seed;
	bool killed;
	uint64_t acknowledged; /* the last sequence that was */
	unsigned records, keys, bad;
	uint64_t found; /* the highest sequence with the right value */
	unsigned replies, asked;
};

static void lost(void *arg, unsigned worker)
{
	(void)arg;
	fail_msg("worker %u hangs", worker);
}

static int set_up(void **state)
{
	struct state *s = calloc(1, sizeof *s);

	fixture_open(&s->f);
	s->f.settings.module = SOFTHSM;
	s->loop = loop_new();
	s->t = token_open_client(s->loop, "test", 20000, lost, s);
	s->seed = (unsigned)clock_mono_us();
	print_message("# seed %u\n", s->seed);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct state *s = *state;

	token_close(s->t);
	if (s->pid > 0)
		waitpid(s->pid, NULL, 0);
	loop_free(s->loop);
	fixture_close(&s->f);
	free(s);
	return 0;
}

static void start(struct state *s)
{
	int fd;

	s->pid = spawn_worker(&s->f, 0, &fd);
	token_client_attach(s->t, 0, fd, 1);
	run_until_up(s->loop, s->t, true);
}

/* Go on for so long, then strike. */
static void kill_after(struct state *s, unsigned us)
{
	uint64_t end = clock_mono_us() + us;

	while (clock_mono_us() < end)
		loop_once(s->loop, false);
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
	s->killed = true;
}

static void make_value(uint64_t sequence, uint8_t out[VALUE_LEN])
{
	fill(out, VALUE_LEN, (uint32_t)sequence);
}

static void submit(struct state *s, enum token_op op, uint64_t sequence, token_reply_fn *fn);

static void on_drop(void *arg, const struct token_reply *reply)
{
	struct state *s = arg;

	s->replies++;
	s->asked--;
	if (reply->code != OK && reply->code != ERR_AGAIN)
		fail_msg("drop: %s", reply->err.text);
}

/* The older one goes only when the newer one is acknowledged. */
static void on_put(void *arg, const struct token_reply *reply)
{
	struct state *s = arg;

	s->replies++;
	s->asked--;
	if (reply->code != OK && reply->code != ERR_AGAIN)
		fail_msg("put: %s", reply->err.text);
	if (reply->code != OK)
		return;
	s->acknowledged++;
	submit(s, TOKEN_DROP_RECORD, s->acknowledged - 1, on_drop);
	if (!s->killed)
		submit(s, TOKEN_PUT_RECORD, s->acknowledged + 1, on_put);
}

static void on_list(void *arg, const struct token_reply *reply)
{
	struct state *s = arg;
	uint8_t value[VALUE_LEN];

	if (reply->code != OK)
		fail_msg("list: %s", reply->err.text);
	s->replies++;
	s->asked--;
	s->records = s->keys = s->bad = 0;
	s->found = 0;
	for (size_t i = 0; i < reply->key_count; i++)
		s->keys += reply->keys[i].has_private && reply->keys[i].pub_len > 0;
	for (size_t i = 0; i < reply->record_count; i++) {
		struct record_label label;
		assert_true(labels_parse_record(reply->records[i].label, &label));
		make_value(label.sequence, value);
		s->records++;
		if (reply->records[i].value_len != VALUE_LEN ||
		    memcmp(reply->records[i].value, value, VALUE_LEN) != 0)
			s->bad++;
		else if (label.sequence > s->found)
			s->found = label.sequence;
	}
}

static void submit(struct state *s, enum token_op op, uint64_t sequence, token_reply_fn *fn)
{
	struct token_request r = {.op = op};
	uint8_t value[VALUE_LEN];

	record_name(1, sequence, r.label);
	make_value(sequence, value);
	r.value = value;
	r.value_len = VALUE_LEN;
	s->asked++;
	token_submit(s->t, &r, fn, s);
}

static void look(struct state *s)
{
	unsigned want = s->replies + 1;

	submit(s, TOKEN_LIST, 0, on_list);
	run_until(s->loop, &s->replies, want);
}

static void test_records(void **state)
{
	struct state *s = *state;
	unsigned ahead = 0, bad = 0;

	start(s);
	for (unsigned kills = 0; kills < KILLS; kills++) {
		s->killed = false;
		submit(s, TOKEN_PUT_RECORD, s->acknowledged + 1, on_put);
		kill_after(s, (unsigned)rand_r(&s->seed) % 60000); /* a step takes some 5 ms */
		token_client_detach(s->t, 0);
		start(s);
		while (s->asked > 0) /* what was not begun goes to the next worker */
			loop_once(s->loop, true);
		look(s);
		assert_true(s->found >= s->acknowledged);
		ahead += s->found > s->acknowledged;
		bad += s->bad;
		s->acknowledged = s->found;
	}
	print_message("# %u kills: %u times ahead of the acknowledged one, %u half made\n", KILLS,
	    ahead, bad);
}

/* Killed while it makes keys: asked for again, the key is there, once, and signs. */
static void test_keys(void **state)
{
	struct state *s = *state;
	struct token_request r;
	struct seen out;

	start(s);
	for (unsigned kills = 0; kills < KILLS / 2; kills++) {
		memset(&out, 0, sizeof out);
		r = generate_request(kills, 13);
		token_submit(s->t, &r, seen_reply, &out);
		kill_after(s, (unsigned)rand_r(&s->seed) % 30000);
		token_client_detach(s->t, 0);
		start(s);
		run_until(s->loop, &out.replies, 1);
		assert_true(out.code == OK || out.code == ERR_AGAIN);
		token_submit(s->t, &r, seen_reply, &out);
		run_until(s->loop, &out.replies, 2);
		if (out.code != OK)
			fail_msg("%s", out.err.text);
		look(s);
		assert_int_equal(s->keys, kills + 1);
	}
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
	    {"records survive kill -9", test_records, set_up, tear_down, NULL},
	    {"keys survive kill -9", test_keys, set_up, tear_down, NULL},
	};

	maybe_worker(argc, argv);
	if (getenv("ONLY") != NULL)
		cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("token_kill", tests, NULL, NULL);
}
