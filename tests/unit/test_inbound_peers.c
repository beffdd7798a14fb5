/* Sources that misbehave on the wire: time-outs, cuts, wrong answers, wrong TSIG. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include "base/clock.h"
#include "inbound_fake.h"

static void test_tc(void **state)
{
	struct bench *b = *state;

	b->fakes[0].soa = FAKE_SOA_TC;
	bench_configure(b, 1, NULL);
	bench_until(b, b->received == 1);
	assert_int_equal(b->fakes[0].soa_tcp, 1);
}

static void test_foreign_answers(void **state)
{
	struct bench *b = *state;

	b->fakes[0].soa = FAKE_SOA_OTHER_ID;
	b->fakes[1].soa = FAKE_SOA_NO_AA;
	bench_configure(b, 2, NULL);
	bench_until(b, b->seen[1].count > 0);
	assert_says(b->seen[0].reason, "timeout"); /* as if it had not come */
	assert_string_equal(b->seen[1].reason, "not authoritative answer");
}

static void soa_fails_with(struct bench *b, enum fake_tsig tsig, const char *words)
{
	b->fakes[0].tsig = tsig;
	bench_configure(b, 1, NULL);
	bench_until(b, b->seen[0].count > 0);
	assert_int_equal(b->seen[0].status, SOURCE_SOA_QUERY_FAILED);
	assert_says(b->seen[0].reason, words);
	assert_int_equal(b->fakes[0].transfers, 0);
}

static void test_tsig_missing(void **state)
{
	soa_fails_with(*state, FAKE_TSIG_NONE, "TSIG");
}

static void test_tsig_bad(void **state)
{
	soa_fails_with(*state, FAKE_TSIG_BAD_MAC, "BADSIG");
}

static void test_tsig_old(void **state)
{
	soa_fails_with(*state, FAKE_TSIG_OLD, "BADTIME: our clock says 20");
}

static void xfer_fails_with(struct bench *b, enum fake_axfr how, const char *words)
{
	b->fakes[0].axfr = how;
	bench_configure(b, 1, NULL);
	bench_until(b, b->seen[0].status == SOURCE_FAILED_XFER);
	assert_says(b->seen[0].reason, words);
	assert_int_equal(b->received, 0);
	assert_int_equal(inbound_busy(b->in), 0);
}

static void test_cut(void **state)
{
	xfer_fails_with(*state, FAKE_AXFR_CUT, "closed the connection before the end");
}

static void test_wrong_last(void **state)
{
	xfer_fails_with(*state, FAKE_AXFR_WRONG_LAST, "last SOA differs");
}

static void test_silent(void **state)
{
	xfer_fails_with(*state, FAKE_AXFR_SILENT, "timeout: no answer within");
}

static void test_stalls(void **state)
{
	xfer_fails_with(*state, FAKE_AXFR_SLOW_CLOSE, "timeout: no further message within");
}

static void test_endless(void **state)
{
	struct bench *b = *state;
	struct inbound_zone z = {
	    .sources = b->peers, .source_count = 1, .retry = 3600, .size_max = 1000000};

	memcpy(z.apex, b->apex, sizeof(z.apex));
	b->peers[0] = &b->fakes[0].peer;
	b->fakes[0].axfr = FAKE_AXFR_ENDLESS;
	inbound_configure(b->in, &z, 1);
	bench_until(b, b->seen[0].status == SOURCE_FAILED_XFER);
	assert_says(b->seen[0].reason, "limit of 1000000 octets");
}

#define TEST(title, fn)                                                                            \
	{                                                                                          \
		title, fn, bench_setup, bench_teardown, NULL                                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST("R1 TC: the SOA query is repeated over TCP", test_tc),
	    TEST(
		"R60 answers with another ID are ignored, lame ones refused", test_foreign_answers),
	    TEST("R6 R60 an unsigned answer to a signed query", test_tsig_missing),
	    TEST("R6 R60 BADSIG", test_tsig_bad),
	    TEST("R6 R60 BADTIME names both clocks", test_tsig_old),
	    TEST("R60 a transfer cut in the middle", test_cut),
	    TEST("R60 a transfer with another SOA at its end", test_wrong_last),
	    TEST("R60 a source that accepts and says nothing", test_silent),
	    TEST("R60 a source that stalls in the middle", test_stalls),
	    TEST("R60 an endless transfer ends at the size limit", test_endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
