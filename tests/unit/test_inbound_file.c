/* Zone files as input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "inbound_fake.h"

static void write_to(const char *path, unsigned serial, const char *more)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f,
	    "$TTL 300\n"
	    "@ IN SOA ns hostmaster %u 600 60 86400 300\n"
	    "@ IN NS ns\n"
	    "ns IN A 192.0.2.1\n"
	    "%s",
	    serial, more);
	fclose(f);
}

static const struct seen *of_file(const struct bench *b)
{
	return &b->seen[BENCH_SOURCES];
}

static void have_file(struct bench *b)
{
	write_to(b->file, 5, "");
	bench_configure(b, 0, b->file);
	bench_until(b, b->received == 1 && inbound_busy(b->in) == 0);
}

static void test_read(void **state)
{
	struct bench *b = *state;

	b->hold_verdict = true;
	write_to(b->file, 5, "");
	bench_configure(b, 0, b->file);
	bench_until(b, b->received == 1);
	assert_string_equal(b->received_from, "");
	assert_int_equal(b->received_serial, 5);
	bench_verdict(b);
	assert_int_equal(of_file(b)->status, SOURCE_OK);
	assert_int_equal(loop_next_due(b->loop), 0); /* no source, no timers */
}

static void test_changes(void **state)
{
	struct bench *b = *state;
	char other[160];

	have_file(b);
	bench_idle(b, 400);
	assert_int_equal(b->received, 1);
	write_to(b->file, 6, "");
	bench_until(b, b->received == 2);
	assert_int_equal(b->received_serial, 6);
	/* The way editors do it, and with a serial that was forgotten. */
	snprintf(other, sizeof(other), "%s.new", b->file);
	write_to(other, 6, "www IN A 192.0.2.2\n");
	assert_int_equal(rename(other, b->file), 0);
	bench_until(b, b->received == 3);
	assert_int_equal(b->received_serial, 6);
}

static void test_retransfer(void **state)
{
	struct bench *b = *state;

	have_file(b);
	assert_int_equal(inbound_retransfer(b->in, b->apex), OK);
	bench_until(b, b->received == 2);
}

static void test_same_serial(void **state)
{
	struct bench *b = *state;
	char other[160];

	/* As at a restart: the serial is known, the file was not read by this process. */
	have_file(b);
	snprintf(other, sizeof(other), "%s.other", b->file);
	write_to(other, 5, "then comes what need not be read\n");
	bench_configure(b, 0, other);
	bench_until(b, of_file(b)->oks == 2);
	assert_int_equal(b->received, 1);
	unlink(other);
}

static void test_given_up(void **state)
{
	struct bench *b = *state;
	struct inbound_zone none;
	FILE *f;

	write_to(b->file, 5, "");
	f = fopen(b->file, "a");
	assert_non_null(f);
	for (int i = 0; i < 200000; i++)
		fprintf(f, "h%d IN A 192.0.2.1\n", i);
	fclose(f);
	bench_configure(b, 0, b->file);
	for (int i = 0; i < 3; i++)
		bench_turn(b);
	inbound_configure(b->in, &none, 0); /* teardown finds no spool left over */
	bench_idle(b, 50);
	assert_int_equal(b->received, 0);
}

static void fails_with(struct bench *b, const char *more, const char *words)
{
	have_file(b);
	write_to(b->file, 6, more);
	bench_until(b, of_file(b)->status == SOURCE_FAILED_XFER);
	assert_says(of_file(b)->reason, "zone broken");
	assert_says(of_file(b)->reason, words);
	assert_says(of_file(b)->reason, b->file);
	assert_int_equal(b->received, 1);
	assert_int_equal(loop_next_due(b->loop), clock_calendar() + 3600);
	/* Mended: no need to wait for the retry. */
	write_to(b->file, 7, "");
	bench_until(b, b->received == 2 && inbound_busy(b->in) == 0);
	assert_int_equal(of_file(b)->status, SOURCE_OK);
	assert_int_equal(loop_next_due(b->loop), 0);
}

static void test_syntax(void **state)
{
	fails_with(*state, "www IN A 192.0.2\n", "5");
}

static void test_out_of_zone(void **state)
{
	fails_with(*state, "www.victim.test. IN A 192.0.2.1\n", "www.victim.test.");
}

static void test_missing(void **state)
{
	struct bench *b = *state;

	bench_configure(b, 0, b->file);
	bench_until(b, of_file(b)->status == SOURCE_FAILED_XFER);
	assert_says(of_file(b)->reason, "No such file");
	write_to(b->file, 5, "");
	bench_until(b, b->received == 1);
}

#define TEST(title, fn)                                                                            \
	{                                                                                          \
		title, fn, bench_setup, bench_teardown, NULL                                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST("an input file is read at start", test_read),
	    TEST("an input file is read again when it changes, in place or replaced", test_changes),
	    TEST("retransfer reads an input file again", test_retransfer),
	    TEST("an input file with the serial we have is not read to its end", test_same_serial),
	    TEST("a zone that goes away while its file is read", test_given_up),
	    TEST("R60 a mistake in an input file is named with its line", test_syntax),
	    TEST("R60 a record of another zone in an input file", test_out_of_zone),
	    TEST("R60 an input file that is not there yet", test_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
