/* IXFR from a source on loopback: every shape of answer, every doubt, and what follows from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "inbound_fake.h"

/* Version 1 is here, and the source is idle. */
static void have_version(struct bench *b)
{
	b->fakes[0].peer.use_ixfr = true;
	bench_configure(b, 1, NULL);
	bench_until(b, b->received == 1 && inbound_busy(b->in) == 0);
	assert_int_equal(b->received_kind, SPOOL_FULL);
	assert_int_equal(b->fakes[0].transfers, 1);
	assert_int_equal(b->fakes[0].ixfrs, 0);
}

/* The source has another version, and the script answers an IXFR. */
static void offer(struct bench *b, uint32_t serial, const char *script)
{
	b->fakes[0].serial = serial;
	b->fakes[0].ixfr = script;
	assert_int_equal(bench_notify(b, &b->fakes[0], &b->key), RCODE_NOERROR);
}

static void expect_difference(struct bench *b, const char *script, const char *steps)
{
	have_version(b);
	offer(b, 3, script);
	bench_until(b, b->received == 2);
	assert_int_equal(b->received_kind, SPOOL_DELTA);
	assert_int_equal(b->received_since, 1);
	assert_int_equal(b->received_serial, 3);
	assert_string_equal(b->received_steps, steps);
	assert_int_equal(b->fakes[0].ixfrs, 1);
	assert_int_equal(b->fakes[0].ixfr_from, 1);
	assert_int_equal(b->fakes[0].transfers, 1);
	assert_int_equal(b->seen[0].status, SOURCE_OK);
	assert_int_equal(b->seen[0].serial, 3);
}

static void test_one_difference(void **state)
{
	expect_difference(*state, "s3 s1 h1 s3 h2 s3", "-s1 +s3 -h1 +h2");
}

static void test_several_differences(void **state)
{
	expect_difference(
	    *state, "s3 s1 h1 s2 h2 h4 s2 h2 s3 h1 s3", "-s1 +s2 -s2 +s3 -h1 +h1 +h2 -h2 +h4");
}

static void test_several_messages(void **state)
{
	expect_difference(*state, "s3 | s1 | h1 | s2 | h2 | s2 | | h2 s3 | h1 | s3",
	    "-s1 +s2 -s2 +s3 -h1 +h1 +h2 -h2");
}

static void test_serial_only(void **state)
{
	expect_difference(*state, "s3 s1 s3 s3", "-s1 +s3");
}

static void test_stripped(void **state)
{
	expect_difference(*state, "s3 s1 d s3 d h2 s3", "-s1 +s3 +h2");
}

static void test_whole_zone(void **state)
{
	struct bench *b = *state;

	have_version(b);
	offer(b, 3, "s3 n h1 | h2 s3");
	bench_until(b, b->received == 2);
	assert_int_equal(b->received_kind, SPOOL_FULL);
	assert_int_equal(b->received_serial, 3);
	assert_int_equal(b->fakes[0].ixfrs, 1);
	assert_int_equal(b->fakes[0].transfers, 1); /* no AXFR was needed */
}

static void test_nothing_newer(void **state)
{
	struct bench *b = *state;

	have_version(b);
	offer(b, 3, "s1");
	bench_until(b, b->refreshed == 1);
	assert_int_equal(b->received, 1);
	assert_int_equal(b->fakes[0].transfers, 1);
	assert_int_equal(b->seen[0].status, SOURCE_OK);
	assert_says(b->seen[0].reason, "serial did not move: source has 1, we have 1");
}

static void expect_whole(struct bench *b, const char *script)
{
	have_version(b);
	offer(b, 3, script);
	bench_until(b, b->received == 2);
	if (b->received_kind != SPOOL_FULL || b->fakes[0].transfers != 2 || b->fakes[0].ixfrs != 1)
		fail_msg("\"%s\": %s, %u AXFR", script, b->received_steps, b->fakes[0].transfers);
	assert_int_equal(b->seen[0].status, SOURCE_OK);
}

/* Each in a room of its own. */
static void expect_each_whole(void **state, const char *const *scripts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		expect_whole(*state, scripts[i]);
		assert_int_equal(bench_teardown(state), 0);
		assert_int_equal(bench_setup(state), 0);
	}
}

static void test_wrong_serials(void **state)
{
	static const char *const scripts[] = {
	    "s3 s2 h1 s3 h2 s3",	  /* not from ours */
	    "s3 s3",			  /* nor this */
	    "s3 s1 h1 s3 h2 s4",	  /* does not end where it said */
	    "s3 s1 h1 s2 h2 s1 h2 s3 s3", /* a gap between the differences */
	    "s3 s1 h1 s2 h2 s3",	  /* ends before its end */
	    "s3 s1 h1 s4 h2 s4 h1 s3 s3", /* past the end, and back */
	    "s3 s1 h1 s1 h2 s1 h2 s3 s3", /* stands still */
	    "s3 s1 h1 s0 h2 s0 h1 s3 s3", /* back */
	};

	expect_each_whole(state, scripts, MEM_COUNT(scripts));
}

static void test_wrong_records(void **state)
{
	static const char *const scripts[] = {
	    "h1 s3",		      /* does not begin with the SOA */
	    "s3 s1 x s3 s3",	      /* a record of another zone is deleted */
	    "s3 s1 s3 x s3",	      /* or added */
	    "s3 s1 s3 b s3",	      /* an SOA below the apex */
	    "s3 s1 h1 s3 h2 s3 h4",   /* behind the end */
	    "s3 s1 h1 s3 h2 s3 | h4", /* the same in a message of its own */
	    "s1 h1",		      /* behind the SOA that says that there is nothing newer */
	};

	expect_each_whole(state, scripts, MEM_COUNT(scripts));
}

static void test_broken_stream(void **state)
{
	static const char *const scripts[] = {
	    "!",		     /* no answer */
	    "s3 s1 h1 !",	     /* cut */
	    "s3 s1 h1 | s3 !",	     /* cut behind a whole message */
	    "u s3 s1 h1 s3 h2 s3",   /* the first message is not signed */
	    "s3 s1 h1 s3 | u h2 s3", /* nor the last */
	    "s3",		     /* and then silence */
	};

	expect_each_whole(state, scripts, MEM_COUNT(scripts));
}

static void test_foreign_keys(void **state)
{
	static const char *const scripts[] = {"s3 s1 s3 k s3", "s3 s1 k s3 s3"};

	expect_each_whole(state, scripts, MEM_COUNT(scripts));
}

static void test_too_large(void **state)
{
	struct bench *b = *state;
	char script[1000] = "s3 s1";

	b->size_max = 1500; /* the whole zone has 750 octets */
	for (unsigned i = 0; i < 100; i++)
		snprintf(script + strlen(script), sizeof(script) - strlen(script), " h%u", i);
	strcat(script, " s3 s3");
	expect_whole(b, script);
}

/* The whole zone came in its place; the next change is fetched whole as well, but not for ever. */
static void expect_pause(struct bench *b)
{
	offer(b, 4, "s4 s3 s4 s4");
	bench_until(b, b->received == 3);
	assert_int_equal(b->received_kind, SPOOL_FULL);
	assert_int_equal(b->fakes[0].ixfrs, 1);
	b->fakes[0].rcode_ixfr = 0;
	b->in->zones[0]->sources[0].whole_until_ms = clock_mono_ms();
	offer(b, 5, "s5 s4 s5 s5");
	bench_until(b, b->received == 4);
	assert_int_equal(b->received_kind, SPOOL_DELTA);
}

static void test_not_implemented(void **state)
{
	static const unsigned rcodes[] = {RCODE_NOTIMP, RCODE_FORMERR, RCODE_REFUSED};

	for (size_t i = 0; i < MEM_COUNT(rcodes); i++) {
		struct bench *b = *state;

		b->fakes[0].rcode_ixfr = rcodes[i];
		expect_whole(b, NULL);
		expect_pause(b);
		assert_int_equal(bench_teardown(state), 0);
		assert_int_equal(bench_setup(state), 0);
	}
}

static void test_silent(void **state)
{
	struct bench *b = *state;

	expect_whole(b, "s3");
	expect_pause(b);
}

static void test_servfail(void **state)
{
	struct bench *b = *state;

	b->fakes[0].rcode_ixfr = RCODE_SERVFAIL;
	expect_whole(b, NULL);
	b->fakes[0].rcode_ixfr = 0;
	offer(b, 4, "s4 s3 s4 s4");
	bench_until(b, b->received == 3);
	assert_int_equal(b->received_kind, SPOOL_DELTA);
}

/* The whole zone may fail as well: then the source has failed, once. */
static void test_both_fail(void **state)
{
	struct bench *b = *state;
	unsigned failures;

	have_version(b);
	failures = b->seen[0].count - b->seen[0].oks;
	b->fakes[0].rcode_axfr = RCODE_REFUSED;
	offer(b, 3, "s3 s1 h1 !");
	bench_until(b, b->seen[0].status == SOURCE_FAILED_XFER && inbound_busy(b->in) == 0);
	assert_string_equal(b->seen[0].reason, "REFUSED");
	/* SOURCE_PENDING_XFER, SOURCE_FAILED_XFER */
	assert_int_equal(b->seen[0].count - b->seen[0].oks, failures + 2);
	assert_int_equal(b->fakes[0].transfers, 2);
	assert_int_equal(loop_next_due(b->loop), clock_calendar() + 600);
}

static void test_setting(void **state)
{
	struct bench *b = *state;

	have_version(b);
	b->fakes[0].peer.use_ixfr = false;
	offer(b, 3, "s3 s1 s3 s3");
	bench_until(b, b->received == 2);
	assert_int_equal(b->received_kind, SPOOL_FULL);
	assert_int_equal(b->fakes[0].ixfrs, 0);
}

static void test_retransfer(void **state)
{
	struct bench *b = *state;

	have_version(b);
	b->fakes[0].serial = 3;
	b->fakes[0].ixfr = "s3 s1 s3 s3";
	assert_int_equal(inbound_retransfer(b->in, b->apex), OK);
	bench_until(b, b->received == 2);
	assert_int_equal(b->received_kind, SPOOL_FULL);
	assert_int_equal(b->fakes[0].ixfrs, 0);
}

/* What a file holds need not be what the source has under the same serial. */
static void test_input_file(void **state)
{
	struct bench *b = *state;
	FILE *f = fopen(b->file, "w");

	assert_non_null(f);
	fputs("$TTL 60\n@ SOA . . 1 60 60 60 60\n@ NS ns\nns A 192.0.2.1\n", f);
	fclose(f);
	b->fakes[0].peer.use_ixfr = true;
	bench_configure(b, 1, b->file);
	bench_until(b, b->received == 1 && inbound_busy(b->in) == 0);
	offer(b, 3, "s3 s1 s3 s3");
	bench_until(b, b->received == 2);
	assert_int_equal(b->received_kind, SPOOL_FULL);
	assert_int_equal(b->fakes[0].ixfrs, 0);
}

static void test_conflict(void **state)
{
	struct bench *b = *state;

	have_version(b);
	b->hold_verdict = true;
	b->verdict = ERR_CONFLICT;
	offer(b, 3, "s3 s1 h1 s3 h2 s3");
	bench_until(b, b->received == 2);
	assert_int_equal(b->received_kind, SPOOL_DELTA);
	bench_verdict(b);
	bench_until(b, b->received == 3);
	assert_int_equal(b->received_kind, SPOOL_FULL);
	assert_int_equal(b->received_serial, 3);
	assert_int_equal(b->fakes[0].ixfrs, 1);
	/* Nobody judged it: still it has to be the whole zone. */
	b->verdict = ERR_AGAIN;
	bench_verdict(b);
	bench_until(b, b->received == 4);
	assert_int_equal(b->received_kind, SPOOL_FULL);
	b->verdict = OK;
	bench_verdict(b);
	assert_int_equal(b->seen[0].status, SOURCE_OK);
	offer(b, 4, "s4 s3 h2 s4 h1 s4");
	bench_until(b, b->received == 5);
	assert_int_equal(b->received_kind, SPOOL_DELTA);
	assert_int_equal(b->received_since, 3);
	bench_verdict(b);
}

/* A whole zone cannot conflict: whatever that means, it is an error like others. */
static void test_conflict_of_whole(void **state)
{
	struct bench *b = *state;

	b->verdict = ERR_CONFLICT;
	b->fakes[0].peer.use_ixfr = true;
	bench_configure(b, 1, NULL);
	bench_until(b, b->seen[0].status == SOURCE_FAILED_XFER && inbound_busy(b->in) == 0);
	assert_int_equal(b->received, 1);
	assert_int_equal(loop_next_due(b->loop), clock_calendar() + 3600);
}

/* The signing side took the difference and died before it said so; the next one refuses it. */
static void test_conflict_of_known(void **state)
{
	struct bench *b = *state;

	bench_store(b, 1, clock_calendar());
	b->fakes[0].peer.use_ixfr = true;
	b->hold_verdict = true;
	b->fakes[0].serial = 3;
	b->fakes[0].ixfr = "s3 s1 h1 s3 h2 s3";
	bench_configure(b, 1, NULL);
	bench_until(b, b->received == 1);
	bench_store(b, 3, clock_calendar());
	b->verdict = ERR_CONFLICT;
	bench_verdict(b);
	bench_until(b, b->refreshed == 1);
	assert_int_equal(b->received, 1);
	assert_int_equal(b->fakes[0].transfers, 0);
	assert_int_equal(b->seen[0].status, SOURCE_OK);
}

static void test_restart(void **state)
{
	struct bench *b = *state;

	bench_store(b, 7, clock_calendar() - 1000);
	b->fakes[0].peer.use_ixfr = true;
	b->fakes[0].serial = 9;
	b->fakes[0].ixfr = "s9 s7 h1 s9 h2 s9";
	bench_configure(b, 1, NULL);
	bench_until(b, b->received == 1);
	assert_int_equal(b->fakes[0].ixfr_from, 7);
	assert_int_equal(b->received_kind, SPOOL_DELTA);
	assert_int_equal(b->received_since, 7);
}

static void test_serial_wraps(void **state)
{
	struct bench *b = *state;

	b->fakes[0].serial = 0xfffffffe;
	have_version(b);
	offer(b, 2, "s2 s4294967294 h1 s4294967295 s4294967295 s2 h2 s2");
	bench_until(b, b->received == 2);
	assert_int_equal(b->received_since, 0xfffffffe);
	assert_int_equal(b->received_serial, 2);
}

/* Peers and keys go away while the answer to the IXFR is awaited; the AXFR that follows is signed.
 */
static void test_reload(void **state)
{
	struct bench *b = *state;
	struct tsig_key key = b->key;
	struct peer copy;
	const struct peer *list[1] = {&copy};
	struct inbound_zone z = {.sources = list, .source_count = 1, .retry = 3600};

	have_version(b);
	offer(b, 3, "s3"); /* and then silence */
	bench_until(b, b->fakes[0].ixfrs == 1);
	copy = b->fakes[0].peer;
	copy.tsig = &key;
	memcpy(z.apex, b->apex, sizeof(z.apex));
	inbound_configure(b->in, &z, 1);
	bench_until(b, b->received == 2);
	assert_int_equal(b->received_kind, SPOOL_FULL);
	inbound_configure(b->in, NULL, 0);
}

#define TEST(title, fn)                                                                            \
	{                                                                                          \
		title, fn, bench_setup, bench_teardown, NULL                                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST("R10 one difference", test_one_difference),
	    TEST("R10 several differences, one after the other", test_several_differences),
	    TEST("R6 R10 a difference in many messages", test_several_messages),
	    TEST("R10 a difference of nothing but the serial", test_serial_only),
	    TEST("R70 what the signer makes itself is left out", test_stripped),
	    TEST("R10 the whole zone in answer to an IXFR", test_whole_zone),
	    TEST("R10 a source that has nothing newer after all", test_nothing_newer),
	    TEST("R1 R10 serials that do not connect: the whole zone", test_wrong_serials),
	    TEST("R1 R10 records that may not be there: the whole zone", test_wrong_records),
	    TEST(
		"R6 R10 a stream that breaks or is not signed: the whole zone", test_broken_stream),
	    TEST("R70 a change of DNSKEY at the apex: the whole zone", test_foreign_keys),
	    TEST("R10 changes longer than the size limit: the whole zone", test_too_large),
	    TEST("R10 a source without IXFR gets AXFR at once, and is not asked again too soon",
		test_not_implemented),
	    TEST("R10 the same where it says nothing", test_silent),
	    TEST("R10 SERVFAIL is for this once only", test_servfail),
	    TEST(
		"R3 when the whole zone fails as well the source has failed, once", test_both_fail),
	    TEST("ixfr = false of a server", test_setting),
	    TEST("R1 retransfer fetches the whole zone", test_retransfer),
	    TEST("a zone that has an input file too is fetched whole", test_input_file),
	    TEST("R10 changes that cannot be applied: the whole zone, at once", test_conflict),
	    TEST("a conflict over a whole zone is a failure", test_conflict_of_whole),
	    TEST("changes that were taken before the signing side died", test_conflict_of_known),
	    TEST("R10 after a restart the serial in the store is asked from", test_restart),
	    TEST("R1 R10 serials wrap around (RFC 1982)", test_serial_wraps),
	    TEST("a reload in the middle of an IXFR", test_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
