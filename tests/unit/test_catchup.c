/* Big zones: a new chain is built beside a version that goes on changing (sign/catchup.c), and
 * other keys take over slice by slice (sign/resign.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "dns/rrtype.h"
#include "dns/dnskey.h"
#include "sign/run.h"
#include "tests/unit/fake_token.h"
#include "tests/unit/signing.h"

#define HOSTS 3000

/* Its version n: hosts, every other one a delegation; a few differ from version to version. */
static void zone_of(struct signing *f, unsigned n)
{
	struct buf zone = {0};

	buf_printf(&zone, "@ 3600 IN SOA ns hostmaster %u 3600 600 86400 300\n@ IN NS ns\n", n);
	buf_printf(&zone, "ns IN A 192.0.2.1\nnew%u.below.it IN TXT \"%u\"\n", n, n);
	for (unsigned i = 0; i < HOSTS; i++) {
		buf_printf(&zone, "h%u IN A 192.0.2.%u\n", i, i == 7 ? n : 1);
		if (i != 11 || n % 2 == 0)
			buf_printf(&zone, "d%u IN NS ns.d%u\nns.d%u IN A 192.0.2.1\n", i, i, i);
	}
	buf_u8(&zone, 0);
	signing_text(f, (const char *)zone.data);
	buf_free(&zone);
}

struct other {
	unsigned done;
	struct sign_result result;
};

static void other_done(void *arg, const struct sign_result *r)
{
	struct other *o = arg;

	o->result = *r;
	o->done++;
}

static void until_beside(struct signing *f)
{
	while (f->done == 0 && !sign_is_beside(f->run))
		loop_once(f->loop, true);
	assert_int_equal(f->done, 0);
}

/* Begins a build of another chain, and then makes `changes` versions beside it. */
static void change_beside(struct signing *f, unsigned changes, struct other *o)
{
	struct sign_job beside;

	f->job.spool = NULL;
	f->job.policy.denial = DENIAL_NSEC3;
	signing_start(f);
	until_beside(f);
	for (unsigned n = 2; n < 2 + changes; n++) {
		zone_of(f, n);
		beside = f->job;
		beside.as_is = true;
		o->done = 0;
		sign_start(f->sign, &beside, NULL, other_done, o);
		while (o->done == 0)
			loop_once(f->loop, true);
		if (o->result.code != OK)
			fail_msg("%s", o->result.err.text);
		assert_int_equal(o->result.head.denial, DENIAL_NSEC);
		assert_int_equal(o->result.head.serial_in, n);
	}
}

static void judge(struct signing *f, unsigned serial_in)
{
	const struct zone_head *h = &f->result.head;
	struct err e = {0};
	struct signing fresh;

	assert_int_equal(h->serial_in, serial_in);
	assert_int_equal(h->denial, DENIAL_NSEC3);
	if (sign_check_keys(
		f->store, f->job.apex, f->job.now, f->job.policy.refresh, &f->job.keys, &e) != OK)
		fail_msg("%s", e.text);
	/* It is what that version signed from nothing is. */
	signing_open(&fresh, "example.");
	fresh.token = fake_token_new(fresh.loop, "soft");
	fresh.job.keys.count = 2;
	fake_token_key(fresh.token, ALG_ECDSAP256SHA256, KEY_KSK, &fresh.job.keys.keys[0]);
	fake_token_key(fresh.token, ALG_ECDSAP256SHA256, KEY_ZSK, &fresh.job.keys.keys[1]);
	fresh.job.policy = f->job.policy;
	zone_of(&fresh, serial_in);
	assert_int_equal(signing_sign(&fresh), OK);
	assert_memory_equal(fresh.result.head.input_digest, h->input_digest, 32);
	assert_int_equal(fresh.result.head.rrsets, h->rrsets);
	assert_int_equal(fresh.result.head.records, h->records);
	assert_int_equal(fresh.result.head.signatures, h->signatures);
	sign_free(fresh.sign);
	fresh.sign = NULL;
	fake_token_free(fresh.token);
	signing_close(&fresh);
}

static void begin(struct signing *f)
{
	zone_of(f, 1);
	if (signing_sign(f) != OK)
		fail_msg("%s", f->result.err.text);
}

static void test_changes_meanwhile_are_made_up_for(void **state)
{
	struct signing *f = *state;
	struct other o;

	begin(f);
	change_beside(f, 3, &o);
	if (signing_wait(f) != OK)
		fail_msg("%s", f->result.err.text);
	assert_int_equal(f->result.head.serial_out, o.result.head.serial_out + 1);
	judge(f, 4);
}

static void test_no_change_meanwhile(void **state)
{
	struct signing *f = *state;
	struct other o;

	begin(f);
	change_beside(f, 0, &o);
	if (signing_wait(f) != OK)
		fail_msg("%s", f->result.err.text);
	judge(f, 1);
}

/* It may be further: phases pass quickly where there is little to do. */
static void until_phase(struct signing *f, enum run_phase phase)
{
	while (f->done == 0 && f->run->phase < phase)
		loop_once(f->loop, true);
	assert_int_equal(f->done, 0);
}

/* The build is complete, and waits for another version that was begun before and is published now.
 */
static void test_the_last_change_is_published_while_it_waits(void **state)
{
	struct signing *f = *state;
	struct sign_job beside;
	struct other o = {0};

	begin(f);
	for (unsigned n = 2; n < 4; n++) { /* without, and with one that it knows of already */
		f->job.policy.denial = DENIAL_NSEC;
		f->job.spool = NULL;
		assert_int_equal(signing_sign(f), OK);
		change_beside(f, n - 2, &o);
		until_phase(f, RUN_CHECK);
		fake_token_silence(f->token, true);
		zone_of(f, n);
		beside = f->job;
		beside.as_is = true;
		o.done = 0;
		sign_start(f->sign, &beside, NULL, other_done, &o);
		until_phase(f, RUN_CATCHUP);
		assert_int_equal(o.done, 0);
		fake_token_silence(f->token, false);
		if (signing_wait(f) != OK)
			fail_msg("%s", f->result.err.text);
		assert_int_equal(o.done, 1);
		assert_int_equal(o.result.code, OK);
		assert_int_equal(f->result.head.serial_out, o.result.head.serial_out + 1);
		judge(f, n);
	}
}

/* The build is of the keys that were; what is published has others now. */
static void test_other_keys_meanwhile(void **state)
{
	struct signing *f = *state;
	struct keyset before;
	struct other o;

	begin(f);
	f->job.spool = NULL;
	f->job.policy.denial = DENIAL_NSEC3;
	signing_start(f);
	until_beside(f);
	before = f->job.keys;
	f->job.keys.count = 3;
	fake_token_key(f->token, ALG_ECDSAP256SHA256, KEY_ZSK, &f->job.keys.keys[2]);
	f->job.keys.keys[2].signs_zone = false;
	f->job.as_is = true;
	o.done = 0;
	sign_start(f->sign, &f->job, NULL, other_done, &o);
	while (o.done == 0)
		loop_once(f->loop, true);
	assert_int_equal(o.result.code, OK);
	assert_int_equal(signing_wait(f), ERR_CONFLICT);
	assert_non_null(strstr(f->result.err.text, "its keys changed"));
	f->job.keys = before;
}

static void test_too_much_beside_waits(void **state)
{
	struct signing *f = *state;
	struct other o;

	begin(f);
	change_beside(f, 0, &o);
	zone_of(f, 2);
	f->job.as_is = true;
	f->job.whole = true; /* no amend */
	o.done = 0;
	sign_start(f->sign, &f->job, NULL, other_done, &o);
	while (o.done == 0)
		loop_once(f->loop, true);
	assert_int_equal(o.result.code, ERR_AGAIN);
	f->job.as_is = f->job.whole = false;
	assert_int_equal(signing_wait(f), OK);
	judge(f, 1);
}

static struct keyset_key *add_zsk(struct signing *f)
{
	struct keyset_key *k = &f->job.keys.keys[f->job.keys.count++];

	fake_token_key(f->token, ALG_ECDSAP256SHA256, KEY_ZSK, k);
	return k;
}

static void sign_ok(struct signing *f)
{
	if (signing_sign(f) != OK)
		fail_msg("%s", f->result.err.text);
}

/* The pause between two slices is the policy's, whatever comes in meanwhile. */
static void test_changes_do_not_put_a_walk_off(void **state)
{
	struct signing *f = *state;
	int64_t slice;

	f->job.policy.walk_time = 100000;
	begin(f);
	add_zsk(f);
	f->job.keys.keys[1].signs_zone = false;
	f->job.spool = NULL;
	sign_ok(f);
	assert_true(f->result.head.has_walk);
	slice = f->result.head.resign_at;
	assert_true(slice > f->job.now);
	f->job.now = slice - 1;
	zone_of(f, 2);
	sign_ok(f);
	assert_true(f->result.head.has_walk);
	assert_int_equal(f->result.head.resign_at, slice);
	f->job.now = slice;
	f->job.spool = NULL;
	sign_ok(f);
	assert_true(f->result.head.resign_at > slice);
	/* All of it in the end, by the new key. */
	for (unsigned i = 0; i < 100 && f->result.head.has_walk; i++) {
		f->job.now = f->result.head.resign_at;
		sign_ok(f);
	}
	assert_false(f->result.head.has_walk);
	assert_int_equal(f->result.head.key_count, 2);
}

/* Its DNSKEY goes at once: no version may have signatures that only it made. */
static void test_a_key_that_goes_at_once_leaves_nothing(void **state)
{
	struct signing *f = *state;
	struct err e = {0};

	begin(f);
	f->job.keys.count = 1;
	add_zsk(f);
	f->job.spool = NULL;
	sign_ok(f);
	assert_false(f->result.head.has_walk);
	if (sign_check_keys(f->store, f->job.apex, f->job.now, 1, &f->job.keys, &e) != OK)
		fail_msg("%s", e.text);
}

/* In a change of algorithm others have signed as much: the leftovers go slice by slice. */
static void test_leftovers_go_in_slices(void **state)
{
	struct signing *f = *state;

	begin(f);
	add_zsk(f);
	f->job.spool = NULL;
	f->job.force = true; /* all by both */
	sign_ok(f);
	f->job.force = false;
	for (unsigned i = 0; i < 100 && f->result.head.has_walk; i++)
		sign_ok(f);
	assert_false(f->result.head.has_walk);
	f->job.keys.keys[1].in_set = f->job.keys.keys[1].signs_zone = false;
	for (unsigned i = 0; i < 3; i++) {
		sign_ok(f);
		assert_true(f->result.head.has_walk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_changes_meanwhile_are_made_up_for, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_no_change_meanwhile, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_the_last_change_is_published_while_it_waits, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_other_keys_meanwhile, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_too_much_beside_waits, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_changes_do_not_put_a_walk_off, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_a_key_that_goes_at_once_leaves_nothing, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_leftovers_go_in_slices, signing_setup, signing_teardown),
	};

	return cmocka_run_group_tests_name("catchup", tests, NULL, NULL);
}
