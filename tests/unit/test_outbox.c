/* The outbox (R50): told once, tried until it is taken, whatever happens in between. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "notices/outbox.h"

#define SIZE (UINT64_C(1) << 28)
#define NOW INT64_C(1800000000)
#define HOUR 3600
#define DAY 86400

static const struct notice_recipient ops[] = {{NOTICE_MAIL, "ops@example.gov"}};
static const struct notice_recipient both[] = {
    {NOTICE_MAIL, "host@example.gov"}, {NOTICE_MAIL, "ops@example.gov"}};

struct rig {
	char dir[64];
	struct store *store;
	struct outbox *outbox;
};

static void rig_open(struct rig *r)
{
	struct err e = {0};

	r->store = store_open(r->dir, true, SIZE, &e);
	r->outbox = r->store == NULL ? NULL : outbox_new(r->store, &e);
	if (r->outbox == NULL)
		fail_msg("%s", e.text);
}

static void rig_close(struct rig *r)
{
	outbox_free(r->outbox);
	store_close(r->store);
}

static int setup(void **state)
{
	struct rig *r = mem_alloc(sizeof(*r));

	strcpy(r->dir, "/tmp/itg-outbox-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	rig_open(r);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	static const char *const files[] = {"data.mdb", "lock.mdb", "writer.lock"};
	struct rig *r = *state;
	char path[128];

	rig_close(r);
	for (size_t i = 0; i < MEM_COUNT(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", r->dir, files[i]);
		unlink(path);
	}
	rmdir(r->dir);
	free(r);
	return 0;
}

static void apex_of(unsigned i, uint8_t out[NAME_MAX_LEN])
{
	char text[40];

	snprintf(text, sizeof(text), "z%u.example.", i);
	assert_int_equal(name_parse(text, out), OK);
}

static uint64_t put(struct rig *r, enum notice_kind kind, unsigned zone, const char *occasion,
    int64_t at, const struct notice_recipient *to, unsigned count, bool keep)
{
	uint8_t apex[NAME_MAX_LEN];
	struct notice n = {.kind = kind, .apex = apex, .occasion = occasion, .at = at};
	struct store_write *w;
	struct err e = {0};
	uint64_t id = 0;

	apex_of(zone, apex);
	notice_add(&n, "server", "src1");
	notice_add(&n, "reason", "timeout");
	assert_int_equal(store_write_begin(r->store, &w, &e), OK);
	if (outbox_put(r->outbox, w, &n, to, count, at, &id, &e) != OK)
		fail_msg("%s", e.text);
	if (keep)
		assert_int_equal(store_write_commit(w, &e), OK);
	else
		store_write_abort(w);
	return id;
}

static uint64_t tell(struct rig *r, unsigned zone, const char *occasion, int64_t at)
{
	return put(r, NOTICE_SOURCE_FAILED, zone, occasion, at, ops, 1, true);
}

static void gather(struct rig *r, int64_t now)
{
	struct err e = {0};

	outbox_take(r->outbox);
	if (outbox_gather(r->outbox, now, &e) != OK)
		fail_msg("%s", e.text);
}

static void save(struct rig *r)
{
	struct err e = {0};

	if (outbox_save(r->outbox, &e) != OK)
		fail_msg("%s", e.text);
}

static struct outbox_end end(struct rig *r, const struct outbox_try *t, int code, int64_t now)
{
	struct outbox_result result = {code, false, code == ERR_CLOSED, code == OK ? "" : "no"};

	return outbox_done(r->outbox, t, &result, now);
}

/* Send all that is due; how many. */
static unsigned drain(struct rig *r, int code, int64_t now)
{
	struct outbox_try t;
	unsigned count = 0;

	while (outbox_next(r->outbox, now, &t)) {
		end(r, &t, code, now);
		count++;
	}
	save(r);
	return count;
}

static const char *state_of(struct rig *r, uint64_t id)
{
	struct notice_row *row;
	const char *state;

	if (outbox_get(r->outbox, id, &row) != OK)
		return "gone";
	state = outbox_state(r->outbox, row);
	notice_row_free(row);
	return state;
}

static unsigned waiting(struct rig *r)
{
	struct outbox_counts c;

	outbox_count(r->outbox, &c);
	return c.waiting;
}

static void told_once(void **state)
{
	struct rig *r = *state;
	uint64_t first = tell(r, 1, "src1 a", NOW);

	assert_true(first > 0);
	assert_int_equal(tell(r, 1, "src1 a", NOW + 10), 0);
	assert_true(tell(r, 2, "src1 a", NOW) > first);
	assert_true(tell(r, 1, "src1 b", NOW) > 0);
	assert_true(put(r, NOTICE_RECOVERED, 1, "src1 a", NOW, ops, 1, true) > 0);
	rig_close(r);
	rig_open(r);
	assert_int_equal(tell(r, 1, "src1 a", NOW + 399 * (int64_t)DAY), 0);
	gather(r, NOW);
	assert_int_equal(drain(r, OK, NOW), 4);
	assert_int_equal(drain(r, OK, NOW), 0);
	assert_string_equal(state_of(r, first), "sent");
	/* after so long it is told anew, and the old ones go, one or two at a time */
	assert_true(tell(r, 1, "src1 a", NOW + 401 * (int64_t)DAY) > 0);
	assert_string_equal(state_of(r, first), "gone");
	assert_int_equal(tell(r, 1, "src1 a", NOW + 402 * (int64_t)DAY), 0);
}

static void not_kept(void **state)
{
	struct rig *r = *state;
	uint64_t id = put(r, NOTICE_DS_LATE, 1, "x", NOW, ops, 1, false);

	assert_true(id > 0);
	gather(r, NOW);
	assert_int_equal(drain(r, OK, NOW), 0);
	assert_string_equal(state_of(r, id), "gone");
	assert_true(put(r, NOTICE_DS_LATE, 1, "x", NOW, ops, 1, true) > id);
	gather(r, NOW);
	assert_int_equal(drain(r, OK, NOW), 1);
}

static void forgotten(void **state)
{
	struct rig *r = *state;
	uint8_t apex[NAME_MAX_LEN];
	struct store_write *w;
	struct err e = {0};

	tell(r, 1, "a", NOW);
	tell(r, 2, "a", NOW);
	apex_of(1, apex);
	assert_int_equal(store_write_begin(r->store, &w, &e), OK);
	assert_int_equal(outbox_forget(r->outbox, w, apex, &e), OK);
	assert_int_equal(store_write_commit(w, &e), OK);
	assert_true(tell(r, 1, "a", NOW) > 0);
	assert_int_equal(tell(r, 2, "a", NOW), 0);
}

static void nobody_to_tell(void **state)
{
	struct rig *r = *state;
	uint64_t id = put(r, NOTICE_TOKEN_BACK, 1, "a", NOW, NULL, 0, true);

	gather(r, NOW);
	assert_int_equal(drain(r, OK, NOW), 0);
	assert_string_equal(state_of(r, id), "recorded");
}

/* The pauses double, up to four hours; after five days it is given up, and never before. */
static void tried_for_days(void **state)
{
	struct rig *r = *state;
	uint64_t id = tell(r, 1, "a", NOW);
	int64_t now = NOW, before = 0;
	struct outbox_counts counts;
	struct outbox_end how;
	struct outbox_try t;
	unsigned tries = 0;

	gather(r, now);
	for (;;) {
		assert_true(outbox_next(r->outbox, now, &t));
		assert_true(outbox_is_busy(r->outbox));
		how = end(r, &t, ERR_CLOSED, now);
		tries++;
		if (how.verdict == OUTBOX_GIVEN_UP)
			break;
		save(r);
		assert_string_equal(state_of(r, id), "waiting");
		assert_true(how.next_try - now >= before || how.next_try - now == 4 * HOUR);
		assert_true(how.next_try - now <= 4 * HOUR);
		before = how.next_try - now;
		assert_false(outbox_next(r->outbox, how.next_try - 1, &t));
		assert_int_equal(outbox_due(r->outbox, now), how.next_try);
		now = how.next_try;
	}
	assert_int_equal(how.given_up, 1);
	assert_true(now - NOW >= 5 * DAY && now - NOW < 5 * DAY + 4 * HOUR);
	assert_in_range(tries, 20, 60);
	save(r);
	assert_string_equal(state_of(r, id), "given-up");
	outbox_count(r->outbox, &counts);
	assert_int_equal(counts.given_up, 1);
	assert_string_equal(counts.error, "mail: no");
	assert_int_equal(outbox_due(r->outbox, now), 0);
}

/* It goes on where it stood. */
static void reopened(void **state)
{
	struct rig *r = *state;
	uint64_t id = put(r, NOTICE_DS_LATE, 1, "a", NOW, both, 2, true);
	struct notice_row *row;
	struct outbox_try t;

	gather(r, NOW);
	assert_true(outbox_next(r->outbox, NOW, &t));
	assert_string_equal(t.to, "host@example.gov");
	end(r, &t, OK, NOW);
	assert_true(outbox_next(r->outbox, NOW, &t));
	assert_string_equal(t.to, "ops@example.gov");
	end(r, &t, ERR_REFUSED, NOW);
	save(r);
	rig_close(r);
	rig_open(r);
	assert_int_equal(waiting(r), 1);
	assert_false(outbox_next(r->outbox, NOW + 59, &t));
	assert_true(outbox_next(r->outbox, NOW + 60, &t));
	assert_int_equal(t.id, id);
	assert_string_equal(t.to, "ops@example.gov");
	rig_close(r); /* in the middle of a try: it is tried again */
	rig_open(r);
	assert_true(outbox_next(r->outbox, NOW + 60, &t));
	end(r, &t, OK, NOW + 60);
	save(r);
	assert_int_equal(outbox_get(r->outbox, id, &row), OK);
	assert_int_equal(row->deliveries[0].tries, 1);
	assert_int_equal(row->deliveries[1].tries, 2);
	assert_string_equal(notice_value(&row->notice, "reason"), "timeout");
	notice_row_free(row);
	assert_string_equal(state_of(r, id), "sent");
	rig_close(r);
	rig_open(r);
	assert_int_equal(waiting(r), 0);
}

/* A server that is down is asked by one at a time; a mailbox that is full holds up nobody else. */
static void pauses(void **state)
{
	struct rig *r = *state;
	struct outbox_try t;

	for (unsigned i = 0; i < 10; i++)
		put(r, NOTICE_DS_LATE, i, "a", NOW, both, 2, true);
	gather(r, NOW);
	assert_int_equal(drain(r, ERR_CLOSED, NOW), 1);
	assert_int_equal(drain(r, ERR_CLOSED, NOW + 59), 0);
	assert_int_equal(drain(r, ERR_CLOSED, NOW + 60), 1);
	assert_int_equal(drain(r, ERR_CLOSED, NOW + 179), 0);
	assert_int_equal(waiting(r), 20);
	assert_true(outbox_next(r->outbox, NOW + 180, &t));
	assert_false(outbox_next(r->outbox, NOW + 180, &(struct outbox_try){0}));
	end(r, &t, OK, NOW + 180);
	assert_int_equal(drain(r, OK, NOW + 180), 19);
	assert_int_equal(waiting(r), 0);
	for (unsigned i = 0; i < 10; i++)
		put(r, NOTICE_DS_WRONG, i, "a", NOW, both, 2, true);
	gather(r, NOW);
	while (outbox_next(r->outbox, NOW, &t))
		end(r, &t, t.to[0] == 'h' ? ERR_REFUSED : OK, NOW);
	assert_int_equal(waiting(r), 10);
	assert_int_equal(drain(r, OK, NOW + 60), 10);
}

/* One that nobody takes does not hold up those behind it. */
static void poison(void **state)
{
	struct rig *r = *state;
	uint64_t bad = tell(r, 0, "a", NOW);
	struct outbox_try t;

	for (unsigned i = 1; i < 10; i++)
		tell(r, i, "a", NOW);
	gather(r, NOW);
	for (int64_t now = NOW; now < NOW + 3 * HOUR; now += 60) {
		while (outbox_next(r->outbox, now, &t))
			end(r, &t, t.id == bad ? ERR_REFUSED : OK, now);
	}
	assert_int_equal(waiting(r), 1);
}

static unsigned count_of(struct rig *r, uint64_t digest)
{
	struct notice_row *row;
	unsigned count;

	assert_int_equal(outbox_get(r->outbox, digest, &row), OK);
	assert_int_equal(row->notice.kind, NOTICE_DIGEST);
	assert_int_equal(row->of, NOTICE_SOURCE_FAILED);
	count = row->member_count;
	notice_row_free(row);
	return count;
}

/* A thousand at once are one digest, and nothing is dropped. */
static void one_digest(void **state)
{
	struct rig *r = *state;
	uint64_t first = 0, last = 0;
	struct outbox_try t;

	for (unsigned i = 0; i < 1000; i++) {
		last = tell(r, i, "a", NOW);
		first = first == 0 ? last : first;
	}
	gather(r, NOW);
	assert_true(outbox_next(r->outbox, NOW, &t));
	assert_int_equal(t.id, last + 1);
	assert_int_equal(count_of(r, t.id), 1000);
	assert_string_equal(state_of(r, first), "waiting");
	rig_close(r);
	rig_open(r); /* it is the same one after a crash */
	gather(r, NOW);
	assert_true(outbox_next(r->outbox, NOW, &t));
	assert_int_equal(t.id, last + 1);
	end(r, &t, OK, NOW);
	save(r);
	assert_string_equal(state_of(r, first), "sent");
	assert_string_equal(state_of(r, last), "sent");
	assert_int_equal(waiting(r), 0);
	assert_int_equal(drain(r, OK, NOW), 0);
}

/* Those that come one after the other: twenty go by themselves, the rest is put together after a
 * while. */
static void digest_of_the_rest(void **state)
{
	struct rig *r = *state;
	struct outbox_try t;
	unsigned sent = 0;

	for (unsigned i = 0; i < 50; i++) {
		tell(r, i, "a", NOW + i);
		gather(r, NOW + i);
		sent += drain(r, OK, NOW + i);
	}
	assert_int_equal(sent, 20);
	assert_int_equal(outbox_due(r->outbox, NOW + 50), NOW + 300);
	gather(r, NOW + 299);
	assert_int_equal(drain(r, OK, NOW + 299), 0);
	gather(r, NOW + 300);
	assert_true(outbox_next(r->outbox, NOW + 300, &t));
	assert_int_equal(count_of(r, t.id), 30);
	end(r, &t, OK, NOW + 300);
	assert_int_equal(waiting(r), 0);
	/* other kinds, other recipients and other channels have nothing to do with it */
	put(r, NOTICE_DS_LATE, 1, "a", NOW + 301, both, 2, true);
	gather(r, NOW + 301);
	assert_int_equal(drain(r, OK, NOW + 301), 2);
}

static void programs_get_each(void **state)
{
	static const struct notice_recipient to[] = {{NOTICE_WEBHOOK, ""}, {NOTICE_COMMAND, ""}};
	struct rig *r = *state;

	for (unsigned i = 0; i < 100; i++)
		put(r, NOTICE_SOURCE_FAILED, i, "a", NOW, to, 2, true);
	gather(r, NOW);
	assert_int_equal(drain(r, OK, NOW), 200);
}

static void sent_again(void **state)
{
	struct rig *r = *state;
	uint64_t id = tell(r, 1, "a", NOW);
	struct outbox_try t;
	struct err e;

	gather(r, NOW);
	drain(r, OK, NOW);
	assert_int_equal(outbox_resend(r->outbox, id, both, 2, NOW + 10, &e), OK);
	assert_string_equal(state_of(r, id), "waiting");
	assert_true(outbox_next(r->outbox, NOW + 10, &t));
	assert_int_equal(outbox_resend(r->outbox, id, both, 2, NOW + 10, &e), ERR_AGAIN);
	end(r, &t, OK, NOW + 10);
	assert_int_equal(drain(r, OK, NOW + 10), 1);
	assert_string_equal(state_of(r, id), "sent");
	assert_int_equal(outbox_resend(r->outbox, 4711, both, 2, NOW, &e), ERR_MISSING);
	assert_string_equal(e.text, "there is no notice 4711");
}

/* Killed at any moment: what was raised is sent, what was sent and saved is not sent again. */
static void child(const struct rig *parent, int report)
{
	struct rig r = *parent;
	struct outbox_try t;

	rig_open(&r);
	for (unsigned i = 0;; i++) {
		char occasion[32];
		uint64_t id;

		snprintf(occasion, sizeof(occasion), "%u %d", i, (int)getpid());
		id = tell(&r, i % 7, occasion, NOW);
		if (write(report, &id, sizeof(id)) != sizeof(id))
			_exit(1);
		gather(&r, NOW);
		while (outbox_next(r.outbox, NOW, &t)) {
			struct outbox_result result = {
			    t.id % 3 == 0 ? ERR_REFUSED : OK, .why = "x"};

			outbox_done(r.outbox, &t, &result, NOW);
		}
		save(&r);
	}
}

static void killed(void **state)
{
	struct rig *r = *state;
	uint64_t id, last = 0;
	unsigned raised = 0;

	for (unsigned round = 0; round < 20; round++) {
		int fds[2];
		pid_t pid;

		rig_close(r);
		assert_int_equal(pipe(fds), 0);
		pid = fork();
		if (pid == 0) {
			close(fds[0]);
			child(r, fds[1]);
		}
		close(fds[1]);
		for (unsigned i = 0; i < 3 + round; i++) {
			if (read(fds[0], &id, sizeof(id)) != sizeof(id))
				fail_msg("the child ended");
			last = id > last ? id : last;
			raised++;
		}
		usleep(round * 331);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(fds[0]);
		rig_open(r);
	}
	for (int64_t now = NOW; now < NOW + DAY; now += HOUR) {
		gather(r, now);
		drain(r, OK, now);
	}
	assert_int_equal(waiting(r), 0);
	for (id = 1; id <= last; id++)
		assert_true(
		    strcmp(state_of(r, id), "sent") == 0 || strcmp(state_of(r, id), "gone") == 0);
	assert_true(raised <= last);
}

int main(void)
{
#define TEST(title, fn)                                                                            \
	{                                                                                          \
		title, fn, setup, teardown, NULL                                                   \
	}
	const struct CMUnitTest tests[] = {
	    TEST("R50 the same occasion is told once, for 400 days", told_once),
	    TEST("R50 what is not committed was never raised", not_kept),
	    TEST("R50 a zone that comes again is told everything anew", forgotten),
	    TEST("R50 a notice without recipients is recorded", nobody_to_tell),
	    TEST("R50 pauses double, after five days it is given up and says so", tried_for_days),
	    TEST("R50 a restart goes on where each recipient stood", reopened),
	    TEST("R50 a server that is down is asked by one notice at a time", pauses),
	    TEST("R50 one that nobody takes holds up no other", poison),
	    TEST("R50 a thousand at once are one digest", one_digest),
	    TEST("R50 a stream of them is twenty, and a digest of the rest", digest_of_the_rest),
	    TEST("R50 webhook and command get each", programs_get_each),
	    TEST("R50 sent again when the operator asks for it", sent_again),
	    TEST("R50 killed at any moment nothing is lost", killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
