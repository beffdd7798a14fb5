/* Transfers out: whole, signed, from one version, and no client in the way of another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/mem.h"
#include "outbound_rig.h"

#define SERIAL 17

static struct rig rig;
static struct rig_answer answer;

static int setup(void **state)
{
	(void)state;
	rig_open(&rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

/* Big enough that no socket buffer takes it whole: about 30 MB. */
static void write_big_zone(uint32_t serial)
{
	rig_write_zone(&rig, "example.", serial, 40000, 255, true);
}

static int begin(const struct rig_query *q, struct tsig_state *t)
{
	struct packet_builder b = {0};
	int fd = rig_connect(&rig, q->from);

	rig_build(q, &b, t);
	rig_send(&rig, fd, b.buf.data, b.buf.len);
	packet_builder_free(&b);
	return fd;
}

static unsigned transfer(const struct rig_query *q, uint32_t serial)
{
	struct tsig_state t;
	int fd = begin(q, &t);
	unsigned messages = rig_receive_zone(&rig, fd, serial, q->key != NULL ? &t : NULL);

	close(fd);
	tsig_state_free(&t);
	return messages;
}

static void pump_for(uint64_t ms)
{
	uint64_t until = clock_mono_ms() + ms;

	while (clock_mono_ms() < until)
		rig_pump(&rig);
}

static void whole_zone(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_AXFR, .key = &rig.key};

	(void)state;
	rig_write_zone(&rig, "example.", SERIAL, 0, 0, true);
	assert_int_equal(transfer(&q, SERIAL), 1);
	rig_write_zone(&rig, "example.", SERIAL + 1, 3000, 200, true);
	assert_in_range(transfer(&q, SERIAL + 1), 100, 130); /* messages are filled */
	q.edns = true;
	assert_in_range(transfer(&q, SERIAL + 1), 100, 130);
	q = (struct rig_query){.zone = "EXAMPLE.", .type = RR_AXFR, .from = RIG_PLAIN};
	assert_in_range(transfer(&q, SERIAL + 1), 100, 130);
	assert_int_equal(rig.out->transfer_count, 0);
}

static void every_algorithm(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_AXFR, .key = &rig.key};

	(void)state;
	rig_write_zone(&rig, "example.", SERIAL, 1500, 200, true);
	for (int a = TSIG_SHA1; a <= TSIG_SHA512; a++) {
		rig.key.algorithm = (enum tsig_algorithm)a;
		assert_in_range(transfer(&q, SERIAL), 50, 65);
	}
}

static void large_records(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_AXFR, .key = &rig.key};

	(void)state;
	rig_write_zone(&rig, "example.", SERIAL, 4, 60000, true);
	assert_in_range(transfer(&q, SERIAL), 4, 6);
}

static void pipelined(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_AXFR, .key = &rig.key};
	struct packet_builder b[3] = {0};
	struct tsig_state t[3];
	struct err e = {0};
	int fd;

	(void)state;
	rig_write_zone(&rig, "example.", SERIAL, 1000, 200, true);
	fd = rig_connect(&rig, RIG_KEYED);
	for (unsigned i = 0; i < 3; i++) {
		q.type = i == 1 ? RR_SOA : RR_AXFR;
		rig_build(&q, &b[i], &t[i]);
		rig_send(&rig, fd, b[i].buf.data, b[i].buf.len);
		packet_builder_free(&b[i]);
	}
	shutdown(fd, SHUT_WR); /* answers are still owed */
	assert_true(rig_receive_zone(&rig, fd, SERIAL, &t[0]) > 1);
	assert_true(rig_receive(&rig, fd, &answer));
	assert_int_equal(answer.packet.qtype, RR_SOA);
	assert_int_equal(tsig_verify_answer(&t[1], &answer.packet, true, clock_real(), &e), OK);
	assert_true(rig_receive_zone(&rig, fd, SERIAL, &t[2]) > 1);
	assert_true(rig_is_closed(&rig, fd));
	close(fd);
	for (unsigned i = 0; i < 3; i++)
		tsig_state_free(&t[i]);
}

static void octet_by_octet(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_SOA, .from = RIG_PLAIN};
	struct packet_builder b = {0};
	struct tsig_state t;
	uint8_t octets[600];
	int fd;

	(void)state;
	rig_write_zone(&rig, "example.", SERIAL, 1, 20, true);
	rig_build(&q, &b, &t);
	fd = rig_connect(&rig, q.from);
	store_u16(octets, (uint16_t)b.buf.len);
	memcpy(octets + 2, b.buf.data, b.buf.len);
	for (size_t i = 0; i < b.buf.len + 2; i++) {
		assert_int_equal(send(fd, octets + i, 1, MSG_NOSIGNAL), 1);
		rig_pump(&rig);
	}
	assert_true(rig_receive(&rig, fd, &answer));
	assert_int_equal(answer.packet.counts[1], 1);
	close(fd);
	packet_builder_free(&b);
}

static void slow_reader(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_AXFR, .key = &rig.key};
	struct rig_query other = {.zone = "example.", .type = RR_AXFR, .from = RIG_PLAIN};
	struct tsig_state t;
	int fd;

	(void)state;
	write_big_zone(SERIAL);
	fd = begin(&q, &t);
	pump_for(50);
	assert_int_equal(rig.out->transfer_count, 1);
	/* The version it reads stays, while others get the next one. */
	rig_write_zone(&rig, "example.", SERIAL + 1, 100, 100, true);
	assert_in_range(transfer(&other, SERIAL + 1), 1, 10);
	rig.out->limits.pace = 100;
	pump_for(300);
	assert_int_equal(rig.out->transfer_count, 0);
	assert_int_equal(rig.out->connection_count, 0);
	close(fd);
	tsig_state_free(&t);
}

/* The client reads a little all the time; is it cut long before it has the zone? */
static bool is_cut(uint64_t pace_octets, uint64_t whole_ms)
{
	struct rig_query q = {.zone = "example.", .type = RR_AXFR, .from = RIG_PLAIN};
	uint64_t until = clock_mono_ms() + RIG_WAIT_MS;
	struct tsig_state t;
	size_t taken = 0;
	ssize_t n;
	bool cut;
	int fd;

	rig.out->limits.pace = 100;
	rig.out->limits.pace_octets = pace_octets;
	rig.out->limits.transfer = whole_ms;
	fd = begin(&q, &t);
	pump_for(20);
	while (rig.out->transfer_count > 0 && clock_mono_ms() < until) {
		n = recv(fd, answer.msg, 4000, MSG_DONTWAIT);
		taken += n > 0 ? (size_t)n : 0;
		rig_pump(&rig);
	}
	cut = rig.out->transfer_count == 0 && taken < 10000000;
	close(fd);
	return cut;
}

static void dawdlers(void **state)
{
	(void)state;
	write_big_zone(SERIAL);
	assert_true(is_cut(100000000, 3600000)); /* too little in each 100 ms */
	assert_true(is_cut(1, 300));		 /* in all */
}

static void old_version_to_its_end(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_AXFR, .key = &rig.key};
	struct packet_rr rr = {0};
	struct tsig_state t;
	uint64_t records = 0;
	unsigned soas = 0;
	struct err e = {0};
	int fd;

	(void)state;
	write_big_zone(SERIAL);
	fd = begin(&q, &t);
	pump_for(20);
	rig_write_zone(&rig, "example.", SERIAL + 1, 1, 1, true);
	rig.peers[0] =
	    &rig.plain; /* a new configuration in the middle, without that peer and key */
	rig.conf.destination_count = 1;
	outbound_configure(rig.out, &rig.conf, 1);
	while (soas < 2 && rig_receive(&rig, fd, &answer)) {
		assert_int_equal(
		    tsig_verify_answer(&t, &answer.packet, false, clock_real(), &e), OK);
		while (packet_next(&answer.packet, &rr) == OK) {
			records++;
			soas += rr.type == RR_SOA;
		}
	}
	assert_int_equal(soas, 2);
	assert_int_equal(records, 6 + 40000 * 6);
	close(fd);
	tsig_state_free(&t);
}

static void client_goes_away(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_AXFR, .from = RIG_PLAIN};
	struct tsig_state t;
	int fd;

	(void)state;
	write_big_zone(SERIAL);
	fd = begin(&q, &t);
	pump_for(20);
	assert_int_equal(rig.out->transfer_count, 1);
	close(fd);
	pump_for(50);
	assert_int_equal(rig.out->transfer_count, 0);
	assert_int_equal(rig.out->connection_count, 0);
}

static void transfers_wait_their_turn(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_AXFR, .from = RIG_PLAIN};
	struct tsig_state t;
	int fd[3];

	(void)state;
	rig.out->limits.transfers = 1;
	write_big_zone(SERIAL);
	for (unsigned i = 0; i < 3; i++)
		fd[i] = begin(&q, &t);
	pump_for(20);
	assert_int_equal(rig.out->transfer_count, 1);
	assert_int_equal(recv(fd[1], &answer, 1, MSG_DONTWAIT), -1);
	close(fd[0]);
	assert_true(rig_receive_zone(&rig, fd[1], SERIAL, NULL) > 1);
	close(fd[1]);
	assert_true(rig_receive_zone(&rig, fd[2], SERIAL, NULL) > 1);
	close(fd[2]);
}

/* One host cannot have all places. */
static void places_of_one_host(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_AXFR, .from = RIG_PLAIN};
	struct rig_query other = {.zone = "example.", .type = RR_AXFR, .key = &rig.key};
	struct tsig_state t, other_t;
	int fd[3], other_fd;

	(void)state;
	rig.out->limits.transfers = 2;
	rig.out->limits.transfers_host = 1;
	write_big_zone(SERIAL);
	for (unsigned i = 0; i < 3; i++)
		fd[i] = begin(&q, &t);
	pump_for(20);
	other_fd = begin(&other, &other_t);
	pump_for(20);
	assert_int_equal(rig.out->transfer_count, 2);
	assert_true(rig_receive_zone(&rig, other_fd, SERIAL, &other_t) > 1);
	close(other_fd);
	close(fd[0]);
	for (unsigned i = 1; i < 3; i++) {
		assert_true(rig_receive_zone(&rig, fd[i], SERIAL, NULL) > 1);
		close(fd[i]);
	}
	tsig_state_free(&other_t);
}

static void connections_are_bounded(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_SOA, .from = RIG_PLAIN};
	struct tsig_state t;
	int fd[6];

	(void)state;
	rig_write_zone(&rig, "example.", SERIAL, 1, 20, true);
	rig.out->limits.connections_host = 2;
	rig.out->limits.connections = 4;
	for (unsigned i = 0; i < 6; i++) {
		fd[i] = rig_connect(&rig, i < 3 ? RIG_STRANGER : i < 5 ? "127.0.0.4" : "127.0.0.5");
		pump_for(5);
	}
	assert_true(rig_is_closed(&rig, fd[2])); /* the third of one address */
	assert_true(rig_is_closed(&rig, fd[0])); /* the longest silent made room for the last */
	assert_int_equal(rig.out->connection_count, 4);
	assert_true(rig_ask(&rig, &q, true, &answer, &t)); /* destinations still get through */
	rig.out->limits.idle = 50;
	assert_true(rig_is_closed(&rig, fd[5]));
	pump_for(50);
	assert_int_equal(rig.out->connection_count, 0);
	for (unsigned i = 0; i < 6; i++)
		close(fd[i]);
}

static void half_a_query_is_idle(void **state)
{
	int fd;
	uint8_t octet = 0;

	(void)state;
	rig.out->limits.idle = 60;
	fd = rig_connect(&rig, RIG_STRANGER);
	for (unsigned i = 0; i < 20; i++) { /* a drop now and then does not keep it open */
		send(fd, &octet, 0 + (i < 9), MSG_NOSIGNAL);
		pump_for(10);
	}
	assert_true(rig_is_closed(&rig, fd));
	close(fd);
}

#define TEST(name, fn)                                                                             \
	{                                                                                          \
		name, fn, setup, teardown, NULL                                                    \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST("R1 AXFR brings the whole zone, SOA first and last", whole_zone),
	    TEST("R6 every message of a transfer is signed, with each algorithm", every_algorithm),
	    TEST("R1 records that fill a message", large_records),
	    TEST("queries on one connection are answered in their order", pipelined),
	    TEST("a query that comes octet by octet", octet_by_octet),
	    TEST("a slow reader blocks nobody, and is cut", slow_reader),
	    TEST("who reads a little now and then is cut, too", dawdlers),
	    TEST("R1 a transfer ends with the version it began with, whatever is configured",
		old_version_to_its_end),
	    TEST("a client that goes away leaves nothing behind", client_goes_away),
	    TEST("transfers over the bound wait for their turn", transfers_wait_their_turn),
	    TEST("one host cannot have all places for transfers", places_of_one_host),
	    TEST("connections are bounded, overall and per address", connections_are_bounded),
	    TEST("half a query keeps no connection open", half_a_query_is_idle),
	};

	return cmocka_run_group_tests_name("outbound_transfer", tests, NULL, NULL);
}
