/* The receiving end of an AXFR, message by message: what a hostile or broken source may send. */
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
#include "base/period.h"
#include "dns/rrtype.h"
#include "inbound/receive.h"

struct fixture {
	char dir[64], path[80];
	uint8_t apex[NAME_MAX_LEN];
	struct tsig_key key;
	struct exchange x;
	struct tsig_state server; /* the source's side of the exchange */
	struct packet_builder b;  /* the message being made */
	struct accept accept;
	struct receive receive;
	struct err e;
};

static const uint8_t soa_1[22] = {
    0, 0, 0, 0, 0, 1, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 1, 0, 0, 0, 0, 9};
static const uint8_t soa_2[22] = {
    0, 0, 0, 0, 0, 2, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 1, 0, 0, 0, 0, 9};

static const struct tsig_key *lookup(void *arg, const uint8_t *name, enum tsig_algorithm a)
{
	(void)name;
	(void)a;
	return arg;
}

static int setup_with(void **state, bool with_key)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	struct peer peer = {.name = "src1"};
	struct packet_builder question = {0};
	struct packet p;

	snprintf(f->dir, sizeof(f->dir), "/tmp/intaglio-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/1.part", f->dir);
	assert_int_equal(name_parse("example.", f->apex), OK);
	assert_int_equal(name_parse("k.", f->key.name), OK);
	f->key.algorithm = TSIG_SHA512;
	secret_set(&f->key.secret, "0123456789abcdef", 16);
	peer.tsig = with_key ? &f->key : NULL;
	exchange_init(&f->x, &peer, f->apex, RR_AXFR);
	assert_int_equal(exchange_ask(&f->x, &question, &f->e), OK);
	if (with_key) {
		assert_int_equal(packet_parse(question.buf.data, question.buf.len, &p, NULL), OK);
		assert_int_equal(
		    tsig_verify_query(&f->server, &p, lookup, &f->key, clock_real(), &f->e), OK);
	}
	packet_builder_free(&question);
	assert_int_equal(accept_begin(&f->accept, f->apex, f->path, 1 << 20, &f->e), OK);
	receive_init(&f->receive, &f->x, &f->accept, 100000);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, false);
}

static int setup_tsig(void **state)
{
	return setup_with(state, true);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	accept_abandon(&f->accept);
	receive_free(&f->receive);
	exchange_free(&f->x);
	tsig_state_free(&f->server);
	packet_builder_free(&f->b);
	secret_free(&f->key.secret);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

/* Making messages */

static void begin(struct fixture *f)
{
	packet_begin(&f->b, 16000, f->x.id, PACKET_FLAG_QR | PACKET_FLAG_AA, f->apex, RR_AXFR);
}

static void add(struct fixture *f, const char *owner, uint16_t type, const void *rdata, size_t len)
{
	uint8_t name[NAME_MAX_LEN];

	assert_int_equal(name_parse(owner, name), OK);
	assert_int_equal(packet_add(&f->b, 1, name, type, 300, rdata, (uint16_t)len), OK);
}

static void add_soa(struct fixture *f)
{
	add(f, "example.", RR_SOA, soa_1, sizeof(soa_1));
}

static void add_body(struct fixture *f)
{
	add(f, "example.", RR_NS, "\2ns\7example", 12);
	add(f, "ns.example.", RR_A, "\300\0\2\1", 4);
}

static int feed_more(struct fixture *f, bool sign, bool more)
{
	packet_end(&f->b);
	if (sign)
		assert_int_equal(tsig_sign_answer(&f->server, &f->b, clock_real()), OK);
	return receive_message(&f->receive, f->b.buf.data, f->b.buf.len, more, &f->e);
}

static int feed(struct fixture *f, bool sign)
{
	return feed_more(f, sign, false);
}

static void opening(struct fixture *f, bool sign)
{
	begin(f);
	add_soa(f);
	add_body(f);
	assert_int_equal(feed(f, sign), OK);
	assert_false(f->receive.is_complete);
	begin(f);
}

#define assert_says(f, words)                                                                      \
	do {                                                                                       \
		if (strstr((f)->e.text, words) == NULL)                                            \
			fail_msg("\"%s\" does not say \"%s\"", (f)->e.text, words);                \
	} while (0)

/* Plain */

static void test_one_message(void **state)
{
	struct fixture *f = *state;

	begin(f);
	add_soa(f);
	add_body(f);
	add_soa(f);
	assert_int_equal(feed(f, false), OK);
	assert_true(f->receive.is_complete);
	assert_int_equal(accept_finish(&f->accept, &f->e), OK);
	unlink(f->path);
}

static void test_two_messages(void **state)
{
	struct fixture *f = *state;

	opening(f, false);
	packet_begin(&f->b, 500, f->x.id, PACKET_FLAG_QR, NULL, 0); /* RFC 5936: no question */
	add_soa(f);
	assert_int_equal(feed(f, false), OK);
	assert_true(f->receive.is_complete);
}

static void test_last_in_other_case(void **state)
{
	struct fixture *f = *state;
	uint8_t lower[25] = "\1a\0\0", upper[25] = "\1A\0\0"; /* MNAME, RNAME the root */

	memcpy(lower + 4, soa_1 + 2, 20);
	memcpy(upper + 4, soa_1 + 2, 20);
	begin(f);
	add(f, "example.", RR_SOA, lower, 24);
	add_body(f);
	add(f, "EXAMPLE.", RR_SOA, upper, 24);
	assert_int_equal(feed(f, false), OK);
	assert_true(f->receive.is_complete);
}

static void test_wrong_last(void **state)
{
	struct fixture *f = *state;

	opening(f, false);
	add(f, "example.", RR_SOA, soa_2, sizeof(soa_2));
	assert_int_equal(feed(f, false), ERR_FORMAT);
	assert_says(f, "last SOA differs");
}

static void test_after_end(void **state)
{
	struct fixture *f = *state;

	opening(f, false);
	add_soa(f);
	add(f, "late.example.", RR_A, "\300\0\2\2", 4);
	assert_int_equal(feed(f, false), ERR_FORMAT);
	assert_says(f, "late.example. A: a record after the closing SOA");
	assert_false(f->receive.is_complete);
}

static void test_message_after_end(void **state)
{
	struct fixture *f = *state;

	opening(f, false);
	add_soa(f);
	assert_int_equal(feed_more(f, false, true), ERR_FORMAT);
	assert_false(f->receive.is_complete);
}

static void test_not_soa_first(void **state)
{
	struct fixture *f = *state;

	begin(f);
	add_body(f);
	assert_int_equal(feed(f, false), ERR_FORMAT);
	assert_says(f, "must be the zone's SOA");
}

static void test_out_of_zone(void **state)
{
	struct fixture *f = *state;

	opening(f, false);
	add(f, "www.victim.test.", RR_A, "\300\0\2\2", 4);
	assert_int_equal(feed(f, false), ERR_FORMAT);
	assert_says(f, "www.victim.test. A: its owner is not in the zone");
}

/* The owner of the first record points to itself, forward, and behind the message. */
static void test_bad_pointers(void **state)
{
	struct fixture *f = *state;
	static const uint16_t targets[] = {
	    0xc000 | (12 + 9 + 4), 0xc0ff, 0xffff, 0xc000 | (12 + 9 + 5)};

	for (size_t i = 0; i < MEM_COUNT(targets); i++) {
		begin(f);
		add_soa(f);
		packet_end(&f->b);
		store_u16(f->b.buf.data + 12 + 9 + 4, targets[i]);
		assert_int_equal(
		    receive_message(&f->receive, f->b.buf.data, f->b.buf.len, false, &f->e),
		    ERR_FORMAT);
		assert_says(f, "malformed");
	}
}

/* A name inside RDATA that points to itself. */
static void test_bad_pointer_in_rdata(void **state)
{
	struct fixture *f = *state;

	opening(f, false);
	add(f, "example.", RR_NS, "\300\0", 2);
	packet_end(&f->b);
	store_u16(f->b.buf.data + f->b.buf.len - 2, (uint16_t)(0xc000 | (f->b.buf.len - 2)));
	assert_int_equal(
	    receive_message(&f->receive, f->b.buf.data, f->b.buf.len, false, &f->e), ERR_FORMAT);
	assert_says(f, "zone broken: example. NS");
}

static void test_broken_rdata(void **state)
{
	struct fixture *f = *state;

	opening(f, false);
	add(f, "a.example.", RR_A, "\300\0\2\2\1", 5);
	assert_int_equal(feed(f, false), ERR_FORMAT);
	assert_says(f, "zone broken: a.example. A");
}

static void test_wrong_header(void **state)
{
	struct fixture *f = *state;

	packet_begin(&f->b, 500, f->x.id ^ 1, PACKET_FLAG_QR, f->apex, RR_AXFR);
	assert_int_equal(feed(f, false), ERR_FORMAT);
	assert_says(f, "ID");
	packet_begin(&f->b, 500, f->x.id, 0, f->apex, RR_AXFR);
	assert_int_equal(feed(f, false), ERR_FORMAT);
	assert_says(f, "QR");
	packet_begin(&f->b, 500, f->x.id, PACKET_FLAG_QR, f->apex, RR_SOA);
	assert_int_equal(feed(f, false), ERR_FORMAT);
	assert_says(f, "another question");
	packet_begin(&f->b, 500, f->x.id, PACKET_FLAG_QR | RCODE_NOTAUTH, f->apex, RR_AXFR);
	assert_int_equal(feed(f, false), ERR_REFUSED);
	assert_string_equal(f->e.text, "NOTAUTH");
}

static void test_truncated_octets(void **state)
{
	struct fixture *f = *state;

	begin(f);
	add_soa(f);
	add_body(f);
	packet_end(&f->b);
	for (size_t len = 0; len < f->b.buf.len; len++) {
		uint8_t *copy = mem_alloc(len + 1); /* its own block, for the sanitizer */

		memcpy(copy, f->b.buf.data, len);
		assert_int_not_equal(receive_message(&f->receive, copy, len, false, &f->e), OK);
		free(copy);
	}
}

static void test_endless(void **state)
{
	struct fixture *f = *state;
	int rc = OK;

	opening(f, false);
	packet_end(&f->b); /* nothing in it, again and again */
	for (int i = 0; i < 10000 && rc == OK; i++)
		rc = receive_message(&f->receive, f->b.buf.data, f->b.buf.len, false, &f->e);
	assert_int_equal(rc, ERR_LIMIT);
	assert_says(f, "limit");
}

/* TSIG */

static void test_tsig_all_signed(void **state)
{
	struct fixture *f = *state;

	opening(f, true);
	add_soa(f);
	assert_int_equal(feed(f, true), OK);
	assert_true(f->receive.is_complete);
}

static void test_tsig_gap(void **state)
{
	struct fixture *f = *state;

	opening(f, true);
	/* What the server signs last covers the unsigned ones: it must be handed them. */
	for (int i = 0; i < 3; i++) {
		begin(f);
		add(f, "x.example.", RR_A, "\300\0\2\2", 4);
		assert_int_equal(feed(f, false), OK);
	}
	begin(f);
	add_soa(f);
	/* This MAC leaves them out. */
	assert_int_equal(feed(f, true), ERR_BADSIG);
	assert_says(f, "BADSIG");
}

static void test_tsig_gap_too_long(void **state)
{
	struct fixture *f = *state;
	int rc = OK, i;

	opening(f, true);
	for (i = 0; i < 200 && rc == OK; i++) {
		begin(f);
		add(f, "x.example.", RR_A, "\300\0\2\2", 4);
		rc = feed(f, false);
	}
	assert_int_not_equal(rc, OK);
	assert_int_equal(i, 100); /* 99 were let through */
}

static void test_tsig_first_unsigned(void **state)
{
	struct fixture *f = *state;

	begin(f);
	add_soa(f);
	assert_int_not_equal(feed(f, false), OK);
}

static void test_tsig_last_unsigned(void **state)
{
	struct fixture *f = *state;

	opening(f, true);
	add_soa(f);
	assert_int_not_equal(feed(f, false), OK);
	assert_false(f->receive.is_complete);
}

static void test_tsig_bad_mac(void **state)
{
	struct fixture *f = *state;

	begin(f);
	add_soa(f);
	packet_end(&f->b);
	assert_int_equal(tsig_sign_answer(&f->server, &f->b, clock_real()), OK);
	f->b.buf.data[f->b.buf.len - 10] ^= 1;
	assert_int_equal(
	    receive_message(&f->receive, f->b.buf.data, f->b.buf.len, false, &f->e), ERR_BADSIG);
	assert_says(f, "BADSIG");
	assert_int_equal(spool_count(f->accept.spool), 0);
}

static void test_tsig_bad_time(void **state)
{
	struct fixture *f = *state;

	begin(f);
	add_soa(f);
	packet_end(&f->b);
	assert_int_equal(tsig_sign_answer(&f->server, &f->b, clock_real() - 7200), OK);
	assert_int_equal(
	    receive_message(&f->receive, f->b.buf.data, f->b.buf.len, false, &f->e), ERR_BADTIME);
	assert_says(f, "BADTIME: our clock says 20");
}

static void test_tsig_peer_says_bad_time(void **state)
{
	struct fixture *f = *state;
	char theirs[TIME_TEXT_SIZE];

	packet_begin(&f->b, 500, f->x.id, PACKET_FLAG_QR | RCODE_NOTAUTH, f->apex, RR_AXFR);
	f->server.error = RCODE_BADTIME;
	packet_end(&f->b);
	assert_int_equal(tsig_sign_answer(&f->server, &f->b, 1700000000), OK);
	assert_int_equal(
	    receive_message(&f->receive, f->b.buf.data, f->b.buf.len, false, &f->e), ERR_BADTIME);
	time_text(1700000000, theirs);
	assert_says(f, theirs);
}

#define PLAIN(title, fn)                                                                           \
	{                                                                                          \
		title, fn, setup, teardown, NULL                                                   \
	}
#define TSIG(title, fn)                                                                            \
	{                                                                                          \
		title, fn, setup_tsig, teardown, NULL                                              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    PLAIN("R1 a transfer in one message", test_one_message),
	    PLAIN("R1 a transfer in two messages, the second without question", test_two_messages),
	    PLAIN("the same SOA in other case ends a transfer", test_last_in_other_case),
	    PLAIN("another SOA at the end is refused", test_wrong_last),
	    PLAIN("a record after the closing SOA is refused", test_after_end),
	    PLAIN("data after the closing message is refused", test_message_after_end),
	    PLAIN("a transfer that does not begin with the SOA is refused", test_not_soa_first),
	    PLAIN("a record of another zone is refused by its name", test_out_of_zone),
	    PLAIN("bad compression pointers in owner names are refused", test_bad_pointers),
	    PLAIN("a bad compression pointer in RDATA is refused", test_bad_pointer_in_rdata),
	    PLAIN("broken RDATA is refused by name and type", test_broken_rdata),
	    PLAIN("wrong ID, QR, question or RCODE are refused in words", test_wrong_header),
	    PLAIN("a message cut at any octet is refused", test_truncated_octets),
	    PLAIN("an endless stream ends at the size limit", test_endless),
	    TSIG("R6 a signed transfer", test_tsig_all_signed),
	    TSIG("R6 unsigned messages must be covered by the next MAC", test_tsig_gap),
	    TSIG("R6 at most 99 unsigned messages in a row", test_tsig_gap_too_long),
	    TSIG("R6 the first message must be signed", test_tsig_first_unsigned),
	    TSIG("R6 the last message must be signed", test_tsig_last_unsigned),
	    TSIG("R6 a bad MAC is refused before a record is taken", test_tsig_bad_mac),
	    TSIG("R6 the source finds our time wrong: both times are named",
		test_tsig_peer_says_bad_time),
	    TSIG("R6 a wrong time is refused, both times are named", test_tsig_bad_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
