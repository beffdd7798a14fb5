/* Many sessions with a token that takes its time: are all of them busy, and does what is urgent
 * wait no longer than it must?  Nothing here depends on how fast this machine is: the token counts.
 */
#include "tests/token/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "base/clock.h"
#include "base/mem.h"
#include "tests/token/delaymod.h"
#include "tests/unit/signing.h"

#define WORKERS_MAX 2
#define SESSIONS 64
#define NAMES 1500

struct state {
	struct fixture f;
	struct signing s; /* its loop and its token */
	pid_t pids[WORKERS_MAX];
};

static struct state *open_state(unsigned delay_us)
{
	struct state *st = mem_alloc(sizeof *st);

	fixture_open(&st->f);
	fixture_delay(&st->f, delay_us);
	signing_open(&st->s, "example.");
	st->s.job.now = clock_real();
	st->s.job.policy.verify = false;
	st->s.token = token_open_client(st->s.loop, "test", 60000, NULL, NULL);
	return st;
}

static void start_workers(struct state *st, unsigned workers, unsigned sessions)
{
	int fd;

	st->f.settings.sessions = sessions;
	for (unsigned i = 0; i < workers; i++) {
		st->pids[i] = spawn_worker(&st->f, i, &fd);
		token_client_attach(st->s.token, i, fd, sessions);
	}
	run_until_up(st->s.loop, st->s.token, true);
}

static void close_state(struct state *st)
{
	sign_free(st->s.sign);
	st->s.sign = NULL;
	token_close(st->s.token);
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		if (st->pids[i] > 0)
			waitpid(st->pids[i], NULL, 0);
	signing_close(&st->s);
	fixture_close(&st->f);
	free(st);
}

static void make_key(struct state *st, unsigned number, struct seen *out)
{
	struct token_request r = generate_request(number, 13);
	unsigned want = out->replies + 1;

	token_submit(st->s.token, &r, seen_reply, out);
	run_until(st->s.loop, &out->replies, want);
	assert_int_equal(out->code, OK);
}

/* The same digest `count` times. */
static void submit(struct state *st, enum token_class class, const struct seen *key, unsigned count,
    token_reply_fn *fn, void *arg)
{
	static const uint8_t digest[32] = {1};
	struct token_sign_item items[TOKEN_BATCH_MAX];
	struct token_request r = {
	    .op = TOKEN_SIGN, .class = class, .items = items, .item_count = count};

	for (unsigned i = 0; i < count; i++) {
		items[i] =
		    (struct token_sign_item){.algorithm = 13, .data = digest, .len = sizeof digest};
		memcpy(items[i].id, key->id, TOKEN_ID_LEN);
	}
	token_submit(st->s.token, &r, fn, arg);
}

static void forget_counts(struct state *st)
{
	memset(&st->f.delay->counts, 0, sizeof st->f.delay->counts);
}

static void test_small_request(void **state)
{
	struct state *st = open_state(300000);
	struct seen key = {0}, out = {0};

	(void)state;
	start_workers(st, 1, SESSIONS);
	make_key(st, 1, &key);
	for (unsigned i = 1; i <= 2; i++) { /* before its pace is known, and after */
		forget_counts(st);
		submit(st, TOKEN_CHANGE, &key, 30, seen_reply, &out);
		run_until(st->s.loop, &out.replies, i);
		assert_int_equal(out.code, OK);
		assert_int_equal(out.signature_count, 30);
		assert_int_equal(st->f.delay->counts.most_in_call, 30);
	}
	close_state(st);
}

static void add_key(struct state *st, enum key_role role)
{
	struct keyset_key *k = &st->s.job.keys.keys[st->s.job.keys.count++];
	struct buf rdata = {0};
	struct seen key = {0};

	make_key(st, st->s.job.keys.count, &key);
	memcpy(k->id, key.id, TOKEN_ID_LEN);
	dnskey_rdata(role == KEY_ZSK ? 256 : 257, 13, key.pub, key.pub_len, &rdata);
	k->role = role;
	k->algorithm = 13;
	k->tag = dnskey_tag(rdata.data, rdata.len);
	k->dnskey_len = (uint16_t)rdata.len;
	memcpy(k->dnskey, rdata.data, rdata.len);
	k->in_set = true;
	k->signs_set = role == KEY_KSK;
	k->signs_zone = role == KEY_ZSK;
	buf_free(&rdata);
}

static void put_zone(struct state *st)
{
	struct buf text = {0};

	buf_printf(&text, "$ORIGIN example.\n$TTL 3600\n"
			  "@ SOA ns1 hostmaster 1 3600 900 1209600 1800\n@ NS ns1\n");
	for (unsigned i = 0; i < NAMES; i++)
		buf_printf(&text, "ns%u A 192.0.2.%u\n", i, i % 250);
	buf_u8(&text, 0);
	signing_text(&st->s, (const char *)text.data);
	buf_free(&text);
}

/* Each call takes so long that the slowest machine can keep up with all sessions. */
static void sign_zone(unsigned workers)
{
	struct state *st = open_state(20000);
	struct delaymod_counts *c = &st->f.delay->counts;
	struct err e = {0};
	double mean;

	start_workers(st, workers, SESSIONS / workers);
	add_key(st, KEY_KSK);
	add_key(st, KEY_ZSK);
	put_zone(st);
	forget_counts(st);
	if (signing_sign(&st->s) != OK)
		fail_msg("%s", st->s.result.err.text);
	assert_int_equal(c->calls, st->s.result.signed_now);
	assert_true(c->calls > 2 * NAMES);
	mean = (double)c->sum_us / (double)(c->last_us - c->first_us);
	print_message(
	    "# %u signatures, %.1f of %d sessions busy\n", (unsigned)c->calls, mean, SESSIONS);
	assert_int_equal(c->most_in_call, SESSIONS);
	assert_true(mean >= 0.5 * SESSIONS);
	if (signing_check(&st->s, true, &e) != OK)
		fail_msg("%s", e.text);
	close_state(st);
}

static void test_one_worker(void **state)
{
	(void)state;
	sign_zone(1);
}

static void test_two_workers(void **state)
{
	(void)state;
	sign_zone(2);
}

struct urgent {
	struct token *token;
	enum token_class *order; /* of the answers */
	unsigned *answered;
	enum token_class class;
	uint64_t count; /* signatures made until then */
};

static void on_urgent(void *arg, const struct token_reply *reply)
{
	struct urgent *u = arg;

	assert_int_equal(reply->code, OK);
	u->count = token_sign_count(u->token);
	u->order[(*u->answered)++] = u->class;
}

/* One session has one part of 20 ms in hand and one waiting; a signature takes at least 2 ms. */
static void test_classes(void **state)
{
	struct state *st = open_state(2000);
	struct seen key = {0}, refresh = {0};
	enum token_class order[TOKEN_REFRESH];
	struct urgent urgent[TOKEN_REFRESH];
	unsigned answered = 0;
	uint64_t begin;

	(void)state;
	start_workers(st, 1, 1);
	make_key(st, 1, &key);
	for (unsigned i = 0; i < 20; i++)
		submit(st, TOKEN_REFRESH, &key, 128, seen_reply, &refresh);
	run_until(st->s.loop, &refresh.replies, 2); /* its pace is known */
	begin = token_sign_count(st->s.token);
	for (unsigned class = TOKEN_REFRESH; class -- > 0;) { /* the most urgent one comes last */
		urgent[class] = (struct urgent){st->s.token, order, &answered, class, 0};
		submit(st, class, &key, 1, on_urgent, &urgent[class]);
	}
	run_until(st->s.loop, &answered, TOKEN_REFRESH);
	for (unsigned class = 0; class < TOKEN_REFRESH; class ++) {
		assert_int_equal(order[class], class);
		print_message("# class %u after %u signatures\n", class,
		    (unsigned)(urgent[class].count - begin));
		assert_true(urgent[class].count - begin <= 2 * 10 + class + 1);
	}
	assert_true(token_sign_pending(st->s.token) > 15 * 128); /* of what was there before */
	close_state(st);
}

static void note_count(void *arg, const struct token_reply *reply)
{
	struct urgent *u = arg;

	assert_int_equal(reply->code, OK);
	u->count = token_sign_count(u->token);
	(*u->answered)++;
}

/* Of one class: a small request does not wait for the large ones before it, nor a large one for all
 * small ones. */
static void test_turns(void **state)
{
	struct state *st = open_state(2000);
	struct seen key = {0}, out = {0};
	unsigned answered = 0;
	struct urgent large = {.token = st->s.token, .answered = &answered}, small = large;
	uint64_t begin;

	(void)state;
	start_workers(st, 1, 1);
	make_key(st, 1, &key);
	for (unsigned i = 0; i < 4; i++)
		submit(st, TOKEN_CHANGE, &key, 128, seen_reply, &out);
	run_until(st->s.loop, &out.replies, 1); /* its pace is known */
	begin = token_sign_count(st->s.token);
	submit(st, TOKEN_CHANGE, &key, 3, note_count, &small);
	run_until(st->s.loop, &answered, 1);
	print_message("# a small one after %u signatures\n", (unsigned)(small.count - begin));
	assert_true(small.count - begin <= 2 * 10 + 3);
	run_until(st->s.loop, &out.replies, 4);
	begin = token_sign_count(st->s.token);
	submit(st, TOKEN_CHANGE, &key, 100, note_count, &large);
	for (unsigned i = 0; i < 100; i++)
		submit(st, TOKEN_CHANGE, &key, 4, seen_reply, &out);
	run_until(st->s.loop, &answered, 2);
	print_message("# a large one after %u signatures\n", (unsigned)(large.count - begin));
	assert_true(large.count - begin <= 2 * 100 + 2 * 10);
	close_state(st);
}

static void test_rate(void **state)
{
	struct state *st = open_state(5000);
	struct seen key = {0}, out = {0};
	double rate;

	(void)state;
	start_workers(st, 2, 4);
	make_key(st, 1, &key);
	assert_true(token_sign_rate(st->s.token) == 0);
	submit(st, TOKEN_CHANGE, &key, 256, seen_reply, &out);
	run_until(st->s.loop, &out.replies, 1);
	rate = token_sign_rate(st->s.token);
	print_message("# %.0f signatures/s of 8 sessions\n", rate);
	assert_true(rate > 0 && rate <= 8 / 0.005);
	for (unsigned i = 2; i < 22; i++) { /* one session is busy, seven are not */
		submit(st, TOKEN_CHANGE, &key, 1, seen_reply, &out);
		run_until(st->s.loop, &out.replies, i);
	}
	assert_true(token_sign_rate(st->s.token) == rate);
	close_state(st);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
#define TEST(title, fn) {title, fn, NULL, NULL, NULL}
	    TEST("the signatures of a small request are made at the same time", test_small_request),
	    TEST("R10 64 sessions of one worker are busy while a zone is signed", test_one_worker),
	    TEST(
		"R10 64 sessions of two workers are busy while a zone is signed", test_two_workers),
	    TEST("what is urgent waits for what its sessions have in hand, no more", test_classes),
	    TEST("small requests and large ones take turns", test_turns),
	    TEST("the rate is that of all sessions, whatever was asked of them", test_rate),
	};

	maybe_worker(argc, argv);
	if (getenv("ONLY") != NULL)
		cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
