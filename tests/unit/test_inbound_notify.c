/* NOTIFY from sources: which is believed, and what it sets off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include "base/clock.h"
#include "inbound_fake.h"

/* Get version 1 and settle. */
static void have_version(struct bench *b, unsigned sources)
{
	bench_configure(b, sources, NULL);
	bench_until(b, b->received == 1);
	bench_until(b, inbound_busy(b->in) == 0);
	assert_int_equal(b->received_serial, 1);
}

static void test_notify_only_that_source(void **state)
{
	struct bench *b = *state;

	have_version(b, 2);
	b->fakes[0].serial = 5;
	b->fakes[1].serial = 2;
	assert_int_equal(bench_notify(b, &b->fakes[1], &b->key), RCODE_NOERROR);
	bench_until(b, b->received == 2);
	assert_string_equal(b->received_from, "src2");
	assert_int_equal(b->received_serial, 2);
	assert_int_equal(b->fakes[0].soa_udp, 1); /* from the start */
}

static void test_notify_failure_stays_there(void **state)
{
	struct bench *b = *state;

	have_version(b, 2);
	b->fakes[0].serial = b->fakes[1].serial = 2;
	b->fakes[1].axfr = FAKE_AXFR_CUT;
	bench_notify(b, &b->fakes[1], &b->key);
	bench_until(b, b->seen[1].status == SOURCE_FAILED_XFER && inbound_busy(b->in) == 0);
	bench_idle(b, 100);
	assert_int_equal(b->received, 1);
	assert_int_equal(b->fakes[0].soa_udp, 1);
	/* The SOA refresh (600 s) comes before the retry (3600 s) and asks src1, as always. */
	b->fakes[0].serial = 1;
	bench_leap(b, clock_calendar() + 600);
	bench_until(b, b->refreshed == 1);
	/* The retry asks the one that had sent the NOTIFY. */
	b->fakes[1].axfr = FAKE_AXFR_OK;
	b->fakes[0].rcode_soa = RCODE_REFUSED;
	bench_leap(b, clock_calendar() + 3000);
	bench_until(b, b->received == 2);
	assert_string_equal(b->received_from, "src2");
}

static void test_notify_table(void **state)
{
	struct bench *b = *state;
	struct fake *s = &b->fakes[0];

	have_version(b, 2);
	assert_int_equal(bench_notify_from(b, "other.", "127.0.0.1", &b->key), RCODE_NOTAUTH);
	assert_int_equal(bench_notify_from(b, "example.", "127.0.0.9", NULL), RCODE_REFUSED);
	assert_int_equal(bench_notify_from(b, "example.", "127.0.0.9", &b->key), RCODE_REFUSED);
	assert_int_equal(bench_notify_from(b, "example.", "::1", NULL), RCODE_REFUSED);
	assert_int_equal(bench_notify(b, s, &b->other_key), RCODE_REFUSED);
	bench_idle(b, 50);
	assert_int_equal(s->soa_udp, 1); /* none of these made us ask */
	assert_int_equal(bench_notify(b, s, NULL), RCODE_NOERROR);
	assert_int_equal(bench_notify_from(b, "EXAMPLE.", "127.0.0.1", &b->key), RCODE_NOERROR);
	s->peer.notify_tsig = &b->other_key;
	assert_int_equal(bench_notify(b, s, NULL), RCODE_REFUSED);
	assert_int_equal(bench_notify(b, s, &b->other_key), RCODE_NOERROR);
	assert_int_equal(bench_notify(b, s, &b->key), RCODE_NOERROR);
	s->peer.tsig = s->peer.notify_tsig = NULL;
	assert_int_equal(bench_notify(b, s, &b->key), RCODE_REFUSED);
	s->peer.tsig = &b->key;
}

static void test_notify_hints_are_limited(void **state)
{
	struct bench *b = *state;

	have_version(b, 1);
	bench_idle(b, 350); /* the first query is past */
	for (int i = 0; i < 20; i++) {
		bench_notify(b, &b->fakes[0], NULL);
		if (i % 4 == 0)
			bench_turn(b);
	}
	bench_idle(b, 50);
	assert_int_equal(b->fakes[0].soa_udp, 2);
	/* ... but none is lost: one more, later. */
	bench_until(b, b->fakes[0].soa_udp == 3);
	bench_idle(b, 500);
	assert_int_equal(b->fakes[0].soa_udp, 3);
}

static void test_notify_during_transfer(void **state)
{
	struct bench *b = *state;

	b->hold_verdict = true;
	bench_configure(b, 1, NULL);
	bench_until(b, b->received == 1);
	b->fakes[0].serial = 2;
	assert_int_equal(bench_notify(b, &b->fakes[0], &b->key), RCODE_NOERROR);
	bench_idle(b, 150);
	assert_int_equal(b->fakes[0].transfers, 1); /* not before the verdict */
	bench_verdict(b);
	bench_until(b, b->received == 2);
	assert_int_equal(b->received_serial, 2);
}

static void test_notify_unmoved(void **state)
{
	struct bench *b = *state;

	b->fakes[0].serial = 7;
	bench_configure(b, 1, NULL);
	bench_until(b, b->received == 1 && inbound_busy(b->in) == 0);
	b->fakes[0].serial = 6;
	bench_notify(b, &b->fakes[0], &b->key);
	bench_until(b, b->refreshed == 1);
	assert_int_equal(b->seen[0].status, SOURCE_OK);
	assert_string_equal(b->seen[0].reason, "serial did not move: source has 6, we have 7");
	assert_int_equal(b->fakes[0].transfers, 1);
}

#define TEST(title, fn)                                                                            \
	{                                                                                          \
		title, fn, bench_setup, bench_teardown, NULL                                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST("R2 a NOTIFY asks and fetches from its sender only", test_notify_only_that_source),
	    TEST("R2 R4 what fails after a NOTIFY is tried again with its sender only",
		test_notify_failure_stays_there),
	    TEST("R2 which NOTIFY is believed", test_notify_table),
	    TEST("R2 unsigned NOTIFYs are hints, limited in rate, none lost",
		test_notify_hints_are_limited),
	    TEST("R2 a NOTIFY during a transfer is looked into afterwards",
		test_notify_during_transfer),
	    TEST("R60 a serial that did not move is said", test_notify_unmoved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
