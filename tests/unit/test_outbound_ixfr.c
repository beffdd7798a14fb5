/* Differences out: what a secondary makes of them is the zone, and they are sent when they should
 * be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/mem.h"
#include "outbound_rig.h"

#define SERIAL 17
#define HOSTS 60

static struct rig rig;
static struct rig_copy copy, fresh;
static uint32_t random_state;

static int setup(void **state)
{
	(void)state;
	rig_open(&rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_copy_clear(&copy);
	rig_copy_clear(&fresh);
	rig_close(&rig);
	return 0;
}

static uint32_t pick(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)random_state * below >> 32);
}

static const struct rig_query ixfr = {.zone = "example.", .type = RR_IXFR, .from = RIG_PLAIN};
static const struct rig_query ixfr_keyed = {
    .zone = "example.", .type = RR_IXFR, .from = RIG_KEYED, .key = &rig.key};
static const struct rig_query axfr = {.zone = "example.", .type = RR_AXFR, .from = RIG_PLAIN};

static enum rig_got fetch(struct rig_copy *c, const struct rig_query *q, bool tcp)
{
	unsigned messages;

	return rig_copy_fetch(&rig, c, q, tcp, &messages);
}

static void assert_up_to_date(void)
{
	assert_int_equal(fetch(&fresh, &axfr, true), RIG_GOT_AXFR);
	assert_true(rig_copy_equal(&copy, &fresh));
}

/* A zone with that serial, and a copy of it. */
static void begin(uint32_t serial, unsigned hosts)
{
	rig_write_zone(&rig, "example.", serial, hosts, 20, true);
	assert_int_equal(fetch(&copy, &axfr, true), RIG_GOT_AXFR);
}

/* `count` addresses for a host; none: it has none. */
static void put_host(struct rig_change *c, unsigned host, uint32_t ttl, unsigned count)
{
	struct buf rdata = {0};
	char owner[40];

	for (unsigned i = 0; i < count; i++)
		buf_lv16(&rdata, (uint8_t[]){198, 51, (uint8_t)(i >> 8), (uint8_t)i}, 4);
	snprintf(owner, sizeof(owner), "%s%08u.example.", host % 3 != 0 ? "Host" : "host", host);
	rig_change_rrset(c, owner, RR_A, ttl, &rdata, (uint16_t)count);
	buf_free(&rdata);
}

static void random_version(uint32_t serial)
{
	struct rig_change c;
	unsigned changes = pick(6);

	rig_change_begin(&c, &rig);
	for (unsigned i = 0; i < changes; i++) {
		put_host(&c, pick(HOSTS + 20), 300 + pick(2), pick(5));
		rig_change_nsec3(&c, pick(HOSTS + 20), (uint8_t)pick(3));
	}
	rig_change_end(&c, serial);
}

/* One host gets `count` addresses. */
static void version(uint32_t serial, unsigned count)
{
	struct rig_change c;

	rig_change_begin(&c, &rig);
	put_host(&c, 7, 3600, count);
	rig_change_end(&c, serial);
}

static void random_changes(void **state)
{
	unsigned seed = (unsigned)clock_mono_us(), differences = 0;
	uint32_t serial = UINT32_MAX - 40; /* and past the end */
	struct rig_copy old = {0};
	const char *given = getenv("SEED");

	(void)state;
	random_state = seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : seed;
	printf("# SEED=%u\n", seed);
	begin(serial, HOSTS);
	assert_int_equal(fetch(&old, &axfr, true), RIG_GOT_AXFR);
	for (unsigned round = 0; round < 60; round++) {
		for (unsigned steps = pick(3); steps > 0; steps--)
			random_version(serial += 2 + 2 * pick(2)); /* odd: never 0 */
		enum rig_got got = fetch(&copy, pick(2) != 0 ? &ixfr : &ixfr_keyed, pick(3) != 0);

		assert_int_not_equal(got, RIG_GOT_TROUBLE);
		if (got == RIG_GOT_SOA && copy.serial != serial)
			got = fetch(&copy, &ixfr, true);
		differences += got == RIG_GOT_IXFR;
		assert_int_not_equal(got, RIG_GOT_AXFR);
		assert_up_to_date();
		if (round % 20 == 10) { /* many steps at once, or the zone if that is less */
			assert_true(fetch(&old, &ixfr_keyed, true) >= RIG_GOT_AXFR);
			assert_true(rig_copy_equal(&old, &fresh));
		}
	}
	assert_in_range(differences, 20, 60);
	rig_copy_clear(&old);
}

static void over_udp(void **state)
{
	struct rig_query q = ixfr, keyed = ixfr_keyed;

	(void)state;
	begin(SERIAL, 100);
	version(SERIAL + 1, 3); /* more than 512 octets, and less than 1232 */
	assert_int_equal(fetch(&copy, &ixfr_keyed, false), RIG_GOT_SOA);
	q.edns = keyed.edns = true;
	assert_int_equal(fetch(&copy, &keyed, false), RIG_GOT_IXFR);
	assert_up_to_date();
	version(SERIAL + 2, 8);
	assert_int_equal(fetch(&copy, &q, false), RIG_GOT_IXFR);
	assert_up_to_date();
	/* and more than we send over UDP, though the client says 4096 */
	version(SERIAL + 3, 90);
	assert_int_equal(fetch(&copy, &q, false), RIG_GOT_SOA);
	assert_int_equal(copy.serial, SERIAL + 2);
	assert_int_equal(fetch(&copy, &q, true), RIG_GOT_IXFR);
	assert_up_to_date();
	/* whoever cannot have a difference over UDP is told to come over TCP */
	copy.serial = SERIAL - 1;
	assert_int_equal(fetch(&copy, &q, false), RIG_GOT_SOA);
}

static void up_to_date(void **state)
{
	struct rig_query q = ixfr_keyed;

	(void)state;
	begin(SERIAL, 10);
	version(SERIAL + 1, 3);
	q.edns = true; /* with DO: the SOA's signature would look like the beginning of a zone */
	for (uint32_t serial = SERIAL + 1; serial <= SERIAL + 2; serial++) {
		copy.serial = serial;
		assert_int_equal(fetch(&copy, &q, true), RIG_GOT_SOA);
		assert_int_equal(fetch(&copy, &q, false), RIG_GOT_SOA);
	}
}

/* Whole zones: to whom the journal does not reach back, be it that his version was never ours. */
static void not_in_the_journal(void **state)
{
	struct rig_change c;

	(void)state;
	begin(SERIAL, 30);
	version(SERIAL + 2, 3);
	version(SERIAL + 4, 4);
	for (uint32_t serial = SERIAL - 1; serial < SERIAL + 4; serial += 2) {
		copy.serial = serial;
		assert_int_equal(fetch(&copy, &ixfr, true), RIG_GOT_AXFR);
		assert_up_to_date();
	}
	/* another generation: the journal begins anew, and old serials are not found in it */
	rig_write_zone(&rig, "example.", SERIAL + 5, 20, 20, true);
	assert_int_equal(fetch(&copy, &ixfr, true), RIG_GOT_AXFR);
	assert_up_to_date();
	version(SERIAL + 6, 2);
	copy.serial = SERIAL + 2;
	assert_int_equal(fetch(&copy, &ixfr, true), RIG_GOT_AXFR);
	copy.serial = SERIAL + 5;
	rig_copy_clear(&copy);
	/* a journal that was too small for the last version */
	assert_int_equal(fetch(&copy, &axfr, true), RIG_GOT_AXFR);
	rig_change_begin(&c, &rig);
	c.octets_max = 100;
	put_host(&c, 3, 3600, 1);
	rig_change_end(&c, SERIAL + 7);
	assert_int_equal(fetch(&copy, &ixfr, true), RIG_GOT_AXFR);
	assert_up_to_date();
}

static void larger_than_the_zone(void **state)
{
	struct rig_copy old = {0};

	(void)state;
	begin(SERIAL, 4); /* 29 records */
	version(SERIAL + 1, 10);
	assert_int_equal(fetch(&old, &axfr, true), RIG_GOT_AXFR);
	assert_int_equal(fetch(&copy, &ixfr, true), RIG_GOT_IXFR);
	version(SERIAL + 2, 0);
	assert_int_equal(fetch(&copy, &ixfr, true), RIG_GOT_IXFR);
	version(SERIAL + 3, 20);
	assert_int_equal(fetch(&old, &ixfr, true), RIG_GOT_AXFR);
	assert_int_equal(fetch(&copy, &ixfr, true), RIG_GOT_IXFR);
	assert_true(rig_copy_equal(&copy, &old));
	assert_up_to_date();
	rig_copy_clear(&old);
}

/* From SERIAL to SERIAL + 1: `hosts` more addresses. */
static void big_version(unsigned hosts)
{
	struct rig_change c;

	rig_change_begin(&c, &rig);
	for (unsigned i = 0; i < hosts; i++)
		put_host(&c, 100000 + i, 3600, 1);
	rig_change_end(&c, SERIAL + 1);
}

static void many_messages(void **state)
{
	unsigned messages;

	(void)state;
	begin(SERIAL, 600);
	big_version(900);
	assert_int_equal(rig_copy_fetch(&rig, &copy, &ixfr_keyed, true, &messages), RIG_GOT_IXFR);
	assert_in_range(messages, 3, 20); /* TSIG was looked at in each */
	assert_up_to_date();
	assert_int_equal(rig.out->transfer_count, 0);
}

/* Places for transfers are for streams: a small difference goes out though all are taken. */
static void needs_no_place(void **state)
{
	struct rig_answer *a = mem_alloc(sizeof(*a));
	struct rig_query q = ixfr;
	struct packet_builder b = {0};
	struct tsig_state t;
	int fd;

	(void)state;
	begin(SERIAL, 3000);
	big_version(2000);
	version(SERIAL + 2, 5);
	rig.out->limits.transfers = 0;
	copy.serial = SERIAL + 1;
	assert_true(rig_ask(&rig,
	    &(struct rig_query){
		.zone = "example.", .type = RR_IXFR, .from = RIG_PLAIN, .ixfr_serial = SERIAL + 1},
	    true, a, &t));
	assert_in_range(a->packet.counts[1], 8, 20);
	q.ixfr_serial = SERIAL;
	rig_build(&q, &b, &t);
	fd = rig_connect(&rig, q.from);
	rig_send(&rig, fd, b.buf.data, b.buf.len);
	packet_builder_free(&b);
	for (unsigned i = 0; i < 20; i++)
		rig_pump(&rig);
	assert_int_equal(recv(fd, a->msg, 1, MSG_DONTWAIT), -1);
	rig.out->limits.transfers = 1;
	out_tcp_sweep(rig.out, clock_mono_ms());
	assert_true(rig_receive(&rig, fd, a));
	assert_true(a->packet.counts[1] > 100);
	close(fd);
	free(a);
}

/* What could not be read to its end once is not tried again. */
static void distrusted(void **state)
{
	(void)state;
	begin(SERIAL, 10);
	version(SERIAL + 1, 3);
	version(SERIAL + 2, 4);
	out_distrust_journal(rig.out->zones[0], SERIAL + 1);
	assert_int_equal(fetch(&copy, &ixfr, false), RIG_GOT_SOA);
	assert_int_equal(fetch(&copy, &ixfr, true), RIG_GOT_AXFR);
	assert_up_to_date();
	copy.serial = SERIAL + 1;
	rig_copy_clear(&copy);
	begin(SERIAL + 3, 10);
	version(SERIAL + 4, 3);
	assert_int_equal(fetch(&copy, &ixfr, true), RIG_GOT_IXFR);
	assert_up_to_date();
}

#define TEST(name, fn)                                                                             \
	{                                                                                          \
		name, fn, setup, teardown, NULL                                                    \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST("R5 IXFR after random changes gives what AXFR gives", random_changes),
	    TEST("R5 IXFR over UDP: all of it if it fits, else one SOA", over_udp),
	    TEST("R5 one SOA, and nothing else, for who is up to date", up_to_date),
	    TEST("R5 the whole zone for who has a version that is not in the journal",
		not_in_the_journal),
	    TEST("R5 the whole zone if that is less", larger_than_the_zone),
	    TEST("R6 a difference of many messages, each signed", many_messages),
	    TEST("a small difference needs no transfer's place", needs_no_place),
	    TEST("a journal that could not be read is not tried again", distrusted),
	};

	return cmocka_run_group_tests_name("outbound_ixfr", tests, NULL, NULL);
}
