/* Runs that are ready share a commit: sign/publish.c, with runs that are nothing but their heads.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/mem.h"
#include "sign/run.h"
#include "tests/unit/signing.h"

#define RUNS 70

struct rig {
	struct signing f;
	struct sign_run *runs[RUNS];
	unsigned put, done, fails; /* fails: which put, from 1; 0: none */
};
static struct rig *rig;

static int put_head(struct sign_run *r, struct store_write *w)
{
	int rc = store_write_head(w, &r->head, &r->err);

	if (++rig->put == rig->fails)
		return err_set(&r->err, ERR_CRYPTO, "the test says so");
	return rc;
}

static bool is_in_store(const struct sign_run *r)
{
	struct snapshot *sn;
	struct zone_head h;
	bool found;

	assert_int_equal(snapshot_open(rig->f.store, &sn, NULL), OK);
	found = snapshot_head(sn, r->job.apex, &h) == OK && h.serial_out == r->head.serial_out;
	snapshot_close(sn);
	return found;
}

static void head_is_out(struct sign_run *r)
{
	assert_true(is_in_store(r)); /* the commit comes first */
	rig->done++;
}

static const struct publish publish_head = {put_head, head_is_out};

static struct sign_run *join(unsigned i, enum token_class class)
{
	struct sign_run *r = mem_alloc(sizeof(*r));

	r->sign = rig->f.sign;
	r->publish = &publish_head;
	r->job.class = class;
	r->is_waiting = true;
	snprintf(r->zone, sizeof(r->zone), "zone%u.test.", i);
	assert_int_equal(name_parse(r->zone, r->job.apex), OK);
	memcpy(r->head.apex, r->job.apex, sizeof(r->head.apex));
	r->head.has_out = true;
	r->head.serial_out = 1;
	assert_int_equal(publish_step(r, 0), STEP_WAIT);
	assert_int_equal(publish_step(r, 0), STEP_WAIT); /* once is enough */
	rig->runs[i] = r;
	return r;
}

static int setup(void **state)
{
	rig = mem_alloc(sizeof(*rig));
	signing_open(&rig->f, "example.");
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RUNS; i++) {
		if (rig->runs[i] != NULL)
			publish_leave(rig->runs[i]);
		free(rig->runs[i]);
	}
	signing_close(&rig->f);
	free(rig);
	return 0;
}

static void test_one_commit_for_all(void **state)
{
	struct sign_run next = {.job.class = TOKEN_CHANGE};

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		join(i, TOKEN_CHANGE);
	rig->f.sign->ready_since_ms = clock_mono_ms() + 60000; /* whatever this machine takes */
	publish_look(rig->f.sign, &next);
	assert_int_equal(rig->put, 0); /* another may join them */
	publish_look(rig->f.sign, NULL);
	assert_int_equal(rig->put, 3);
	assert_int_equal(rig->done, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_false(rig->runs[i]->is_waiting);
		assert_int_equal(publish_step(rig->runs[i], 0), STEP_DONE);
	}
	publish_look(rig->f.sign, NULL);
	assert_int_equal(rig->put, 3);
}

static void test_what_is_urgent_waits_for_no_other(void **state)
{
	struct sign_run next = {.job.class = TOKEN_REFRESH};

	(void)state;
	join(0, TOKEN_REFRESH);
	rig->f.sign->ready_since_ms = clock_mono_ms() + 60000;
	publish_look(rig->f.sign, &next);
	assert_int_equal(rig->done, 0);
	join(1, TOKEN_CHANGE);
	publish_look(rig->f.sign, &next);
	assert_int_equal(rig->done, 2);
}

static void test_the_list_has_bounds(void **state)
{
	struct sign_run next = {.job.class = TOKEN_EMERGENCY};

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		assert_int_equal(rig->put, 0);
		join(i, TOKEN_CHANGE);
		rig->f.sign->ready_since_ms = clock_mono_ms() + 60000;
		if (i < 63)
			publish_look(rig->f.sign, &next);
	}
	publish_look(rig->f.sign, &next);
	assert_int_equal(rig->done, 64);
	join(64, TOKEN_REFRESH);
	rig->f.sign->ready_since_ms = clock_mono_ms() - 10;
	publish_look(rig->f.sign, &next);
	assert_int_equal(rig->done, 65);
}

static void test_one_that_fails_fails_alone(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		join(i, TOKEN_CHANGE);
	rig->fails = 2;
	publish_look(rig->f.sign, NULL);
	assert_int_equal(rig->done, 2);
	assert_int_equal(rig->runs[1]->code, ERR_CRYPTO);
	assert_non_null(strstr(rig->runs[1]->err.text, "zone1.test"));
	assert_false(is_in_store(rig->runs[1]));
}

static void test_one_that_is_overtaken_fails_alone(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		join(i, TOKEN_CHANGE);
	rig->runs[0]->live_head.has_out = true; /* and none is in the store */
	publish_look(rig->f.sign, NULL);
	assert_int_equal(rig->done, 2);
	assert_int_equal(rig->runs[0]->code, ERR_CONFLICT);
}

static void test_one_that_ends_leaves(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		join(i, TOKEN_CHANGE);
	publish_leave(rig->runs[2]);
	join(3, TOKEN_CHANGE);
	publish_leave(rig->runs[0]);
	publish_leave(rig->runs[0]);
	publish_look(rig->f.sign, NULL);
	assert_int_equal(rig->done, 2);
	assert_false(is_in_store(rig->runs[0]));
	assert_true(is_in_store(rig->runs[3]));
}

static void test_a_commit_that_fails_fails_all(void **state)
{
	struct rlimit limit, none = {0};

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		join(i, TOKEN_CHANGE);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	none.rlim_max = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0); /* a full disk */
	publish_look(rig->f.sign, NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(rig->done, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rig->runs[i]->code, ERR_STORE);
		assert_non_null(strstr(rig->runs[i]->err.text, rig->runs[i]->zone));
		assert_false(is_in_store(rig->runs[i]));
	}
	join(3, TOKEN_CHANGE); /* and the store goes on */
	publish_look(rig->f.sign, NULL);
	assert_int_equal(rig->done, 1);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_one_commit_for_all),
	    TEST(test_what_is_urgent_waits_for_no_other),
	    TEST(test_the_list_has_bounds),
	    TEST(test_one_that_fails_fails_alone),
	    TEST(test_one_that_is_overtaken_fails_alone),
	    TEST(test_one_that_ends_leaves),
	    TEST(test_a_commit_that_fails_fails_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
