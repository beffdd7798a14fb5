/* Rounds over sources on loopback: order, fail-over, retry, expiry, verdicts, reloads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "inbound_fake.h"

#define ASKED(b, i) ((b)->fakes[i].soa_udp + (b)->fakes[i].soa_tcp + (b)->fakes[i].transfers)

/* Get version 1 and settle. */
static void have_version(struct bench *b, unsigned sources)
{
	bench_configure(b, sources, NULL);
	bench_until(b, b->received == 1);
	bench_until(b, inbound_busy(b->in) == 0);
	assert_int_equal(b->received_serial, 1);
}

static void test_new_zone(void **state)
{
	struct bench *b = *state;

	b->hold_verdict = true;
	bench_configure(b, 2, NULL);
	bench_until(b, b->received == 1);
	assert_string_equal(b->received_from, "src1");
	assert_int_equal(b->seen[0].status, SOURCE_PENDING_XFER);
	bench_verdict(b);
	assert_int_equal(b->seen[0].status, SOURCE_OK);
	assert_int_equal(ASKED(b, 1), 0);
	/* src1's SOA says 600, bench_verdict too */
	assert_int_equal(loop_next_due(b->loop), clock_calendar() + 600);
}

static void test_restart(void **state)
{
	struct bench *b = *state;

	bench_store(b, 1, clock_calendar() - 1000);

	bench_configure(b, 1, NULL);
	bench_until(b, b->refreshed == 1);
	assert_int_equal(b->received, 0);
	assert_int_equal(loop_next_due(b->loop), clock_calendar() + 600);
}

static void test_restart_expired(void **state)
{
	struct bench *b = *state;

	bench_store(b, 1, clock_calendar() - 86401);

	b->fakes[0].rcode_soa = RCODE_REFUSED;
	bench_configure(b, 1, NULL);
	bench_until(b, b->is_expired);
}

static void test_refresh(void **state)
{
	struct bench *b = *state;

	have_version(b, 2);
	bench_leap(b, clock_calendar() + 599);
	bench_idle(b, 100);
	assert_int_equal(b->fakes[0].soa_udp, 1);
	bench_leap(b, clock_calendar() + 1);
	bench_until(b, b->refreshed == 1);
	assert_int_equal(b->fakes[0].soa_udp, 2);
	assert_int_equal(b->seen[0].status, SOURCE_OK);
	assert_string_equal(b->seen[0].reason, "");
	b->fakes[0].serial = 2;
	bench_leap(b, clock_calendar() + 600);
	bench_until(b, b->received == 2);
	assert_int_equal(b->received_serial, 2);
	assert_int_equal(ASKED(b, 1), 0);
}

static void test_failover_refused(void **state)
{
	struct bench *b = *state;

	b->fakes[0].rcode_soa = RCODE_REFUSED;
	bench_configure(b, 2, NULL);
	bench_until(b, b->received == 1);
	assert_string_equal(b->received_from, "src2");
	assert_int_equal(b->seen[0].status, SOURCE_SOA_QUERY_FAILED);
	assert_says(b->seen[0].reason, "REFUSED");
	assert_int_equal(b->seen[1].status, SOURCE_OK);
}

static void test_failover_timeout(void **state)
{
	struct bench *b = *state;

	b->fakes[0].soa = FAKE_SOA_SILENT;
	bench_configure(b, 2, NULL);
	bench_until(b, b->received == 1);
	assert_string_equal(b->received_from, "src2");
	assert_int_equal(b->fakes[0].soa_udp, 2);
	assert_int_equal(b->seen[0].status, SOURCE_SOA_QUERY_FAILED);
	assert_says(b->seen[0].reason, "timeout");
}

static void test_failover_down(void **state)
{
	struct bench *b = *state;

	fake_stop(&b->fakes[0]);
	bench_configure(b, 2, NULL);
	bench_until(b, b->received == 1);
	assert_string_equal(b->received_from, "src2");
	assert_says(b->seen[0].reason, "connection refused");
}

static void test_failover_transfer(void **state)
{
	struct bench *b = *state;

	b->fakes[0].axfr = FAKE_AXFR_CUT;
	bench_configure(b, 2, NULL);
	bench_until(b, b->received == 1);
	assert_string_equal(b->received_from, "src2");
	assert_int_equal(b->seen[0].status, SOURCE_FAILED_XFER);
	assert_says(b->seen[0].reason, "closed the connection before the end");
}

static void test_retry(void **state)
{
	struct bench *b = *state;

	b->fakes[0].rcode_soa = RCODE_SERVFAIL;
	b->fakes[1].rcode_axfr = RCODE_REFUSED;
	bench_configure(b, 2, NULL);
	bench_until(b, b->seen[1].status == SOURCE_FAILED_XFER && inbound_busy(b->in) == 0);
	assert_says(b->seen[0].reason, "SERVFAIL");
	assert_says(b->seen[1].reason, "REFUSED");
	assert_int_equal(loop_next_due(b->loop), clock_calendar() + 3600);
	bench_leap(b, clock_calendar() + 3599);
	bench_idle(b, 50);
	assert_int_equal(b->fakes[0].soa_udp, 1);
	b->fakes[0].rcode_soa = 0;
	bench_leap(b, clock_calendar() + 1);
	bench_until(b, b->received == 1);
	assert_string_equal(b->received_from, "src1");
	bench_until(b, inbound_busy(b->in) == 0);
	assert_int_equal(loop_next_due(b->loop), clock_calendar() + 600);
}

static void test_expire(void **state)
{
	struct bench *b = *state;

	have_version(b, 1);
	b->fakes[0].rcode_soa = RCODE_REFUSED;
	for (int hour = 0; hour < 23; hour++) {
		bench_leap(b, clock_calendar() + 3600);
		bench_until(b, inbound_busy(b->in) == 0);
	}
	assert_int_equal(b->expired, 0);
	bench_leap(b, clock_calendar() + 3600);
	bench_until(b, inbound_busy(b->in) == 0);
	assert_true(b->is_expired);
	b->fakes[0].rcode_soa = 0;
	bench_leap(b, clock_calendar() + 3600);
	bench_until(b, b->refreshed == 1);
	assert_false(b->is_expired);
	assert_int_equal(b->expired, 2);
}

static void test_given_expire(void **state)
{
	struct bench *b = *state;

	/* A secondary that is cut off from its own source: its SOA says a day, it has an hour. */
	b->fakes[0].has_expire = true;
	b->fakes[0].expire = 3600;
	have_version(b, 1);
	assert_int_equal(b->expires, clock_calendar() + 3600);
	assert_int_equal(loop_next_due(b->loop), clock_calendar() + 600);
	/* Of the version that we have the time only gets longer. */
	b->fakes[0].expire = 1000;
	bench_leap(b, clock_calendar() + 600);
	bench_until(b, b->refreshed == 2);
	assert_int_equal(b->expires, clock_calendar() + 3000);
	assert_int_equal(loop_next_due(b->loop), clock_calendar() + 500);
	b->fakes[0].rcode_soa = RCODE_SERVFAIL;
	bench_leap(b, clock_calendar() + 2999);
	bench_until(b, inbound_busy(b->in) == 0);
	assert_false(b->is_expired);
	bench_leap(b, clock_calendar() + 1);
	bench_until(b, b->is_expired);
	/* Nor longer than the SOA says; and one that knows no EDNS is asked without. */
	b->fakes[0].rcode_soa = 0;
	b->fakes[0].expire = 1000000;
	bench_leap(b, clock_calendar() + 3600);
	bench_until(b, b->refreshed == 3);
	assert_false(b->is_expired);
	assert_int_equal(b->expires, clock_calendar() + 86400);
	b->fakes[0].no_edns = true;
	bench_leap(b, clock_calendar() + 600);
	bench_until(b, b->refreshed == 4);
	assert_int_equal(b->expires, 0);
	assert_int_equal(b->seen[0].status, SOURCE_OK);
}

static void test_serial_wraps(void **state)
{
	struct bench *b = *state;

	b->fakes[0].serial = 0xfffffff0;
	bench_configure(b, 1, NULL);
	bench_until(b, b->received == 1 && inbound_busy(b->in) == 0);
	b->fakes[0].serial = 3;
	bench_notify(b, &b->fakes[0], &b->key);
	bench_until(b, b->received == 2);
	assert_int_equal(b->received_serial, 3);
}

static void test_retransfer(void **state)
{
	struct bench *b = *state;
	uint8_t other[NAME_MAX_LEN];

	have_version(b, 1);
	name_parse("other.", other);
	assert_int_equal(inbound_retransfer(b->in, other), ERR_MISSING);
	assert_int_equal(inbound_retransfer(b->in, b->apex), OK);
	bench_until(b, b->received == 2);
	assert_int_equal(b->received_serial, 1);
}

static void test_verdict_broken(void **state)
{
	struct bench *b = *state;

	b->verdict = ERR_FORMAT;
	bench_configure(b, 2, NULL);
	bench_until(b, b->seen[1].status == SOURCE_FAILED_XFER && inbound_busy(b->in) == 0);
	assert_string_equal(b->seen[0].reason, "zone broken: no glue for ns");
	assert_int_equal(b->seen[0].status, SOURCE_FAILED_XFER);
	assert_int_equal(b->received, 2); /* from the one, then from the other */
	assert_int_equal(loop_next_due(b->loop), clock_calendar() + 3600);
}

static void test_verdict_again(void **state)
{
	struct bench *b = *state;

	b->hold_verdict = true;
	bench_configure(b, 1, NULL);
	bench_until(b, b->received == 1);
	b->verdict = ERR_AGAIN;
	bench_verdict(b);
	bench_until(b, b->received == 2);
	b->verdict = OK;
	bench_verdict(b);
	assert_int_equal(b->seen[0].status, SOURCE_OK);
}

static void test_reload(void **state)
{
	struct bench *b = *state;
	struct inbound_zone none;
	struct peer copy;
	const struct peer *list[1] = {&copy};
	struct tsig_key key = b->key;
	struct inbound_zone z = {.sources = list, .source_count = 1, .retry = 3600};

	/* The old peers and keys go away in the middle of a transfer, which goes on. */
	b->fakes[0].axfr = FAKE_AXFR_SLOW_CLOSE;
	bench_configure(b, 1, NULL);
	bench_until(b, b->fakes[0].transfers == 1);
	copy = b->fakes[0].peer;
	copy.tsig = &key;
	memcpy(z.apex, b->apex, sizeof(z.apex));
	inbound_configure(b->in, &z, 1);
	bench_until(b, b->seen[0].status == SOURCE_FAILED_XFER);
	assert_int_equal(b->fakes[0].transfers, 1);
	/* A zone that is gone is asked for no more. */
	inbound_configure(b->in, &none, 0);
	assert_int_equal(loop_next_due(b->loop), 0);
	assert_int_equal(bench_notify(b, &b->fakes[0], &b->key), RCODE_NOTAUTH);
}

static void test_source_removed(void **state)
{
	struct bench *b = *state;

	b->fakes[0].axfr = FAKE_AXFR_SILENT;
	bench_configure(b, 2, NULL);
	bench_until(b, b->fakes[0].transfers == 1);
	/* Only src2 is left. */
	struct inbound_zone z = {.sources = b->peers + 1, .source_count = 1, .retry = 3600};

	memcpy(z.apex, b->apex, sizeof(z.apex));
	inbound_configure(b->in, &z, 1);
	bench_until(b, b->received == 1);
	assert_string_equal(b->received_from, "src2");
}

#define TEST(title, fn)                                                                            \
	{                                                                                          \
		title, fn, bench_setup, bench_teardown, NULL                                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST("R1 R3 R60 a new zone is asked for at once, from the first source", test_new_zone),
	    TEST("after a restart the version in the store is not fetched again", test_restart),
	    TEST("R4 after a restart a version past its EXPIRE is reported", test_restart_expired),
	    TEST("R3 the SOA refresh interval asks again", test_refresh),
	    TEST("R3 fail over: the first source refuses the SOA query", test_failover_refused),
	    TEST("R3 fail over: the first source does not answer", test_failover_timeout),
	    TEST("R3 fail over: nothing listens at the first source", test_failover_down),
	    TEST("R3 fail over: the transfer from the first source breaks", test_failover_transfer),
	    TEST("R4 R60 when all fail, all are asked again after source_retry", test_retry),
	    TEST("R4 past SOA EXPIRE the zone is reported, and again when it is well", test_expire),
	    TEST("R4 a source that is a secondary says how long its version lasts (RFC 7314)",
		test_given_expire),
	    TEST("R1 serials wrap around (RFC 1982)", test_serial_wraps),
	    TEST("R1 retransfer fetches the same serial again", test_retransfer),
	    TEST("R60 a zone found broken by the signing side", test_verdict_broken),
	    TEST("a spool that nobody judged is fetched again", test_verdict_again),
	    TEST("a reload in the middle of a transfer", test_reload),
	    TEST("a reload takes away the source being asked", test_source_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
