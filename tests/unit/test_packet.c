/* Messages: parsing with every length checked, building with compression, peers' addresses. */
#include "dns_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/edns.h"
#include "dns/packet.h"
#include "dns/peer.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"

static void parse_hex(const char *hex, int want)
{
	uint8_t msg[512];
	size_t n = fixture_hex(hex, msg);
	uint8_t *exact = mem_alloc(n);
	struct packet p;
	struct err e = {0};

	memcpy(exact, msg, n);
	if (packet_parse(exact, n, &p, &e) != want)
		fail_msg("%s: %s", hex, e.text);
	free(exact);
}

#define HEADER(qd, an, ns, ar) "1234 0000 " qd an ns ar
#define QUESTION "01 61 00 0006 0001 "
#define OPT "00 0029 0400 00008000 0000 "
#define TSIG "00 00fa 00ff 00000000 0000 "
#define RR_A4 "c00c 0001 0001 00000e10 0004 c0000201 "

static void test_parse(void **state)
{
	(void)state;
	parse_hex(HEADER("0000", "0000", "0000", "0000"), OK);
	parse_hex(HEADER("0001", "0000", "0000", "0000") QUESTION, OK);
	parse_hex(HEADER("0001", "0001", "0000", "0000") QUESTION RR_A4, OK);
	parse_hex(HEADER("0001", "0000", "0000", "0002") QUESTION OPT TSIG, OK);
}

static void test_parse_refused(void **state)
{
	(void)state;
	parse_hex("1234 0000 0000 0000 0000 00", ERR_FORMAT);
	parse_hex(HEADER("0002", "0000", "0000", "0000") QUESTION QUESTION, ERR_FORMAT);
	parse_hex(HEADER("0001", "0000", "0000", "0000"), ERR_FORMAT);
	parse_hex(HEADER("0001", "0000", "0000", "0000") QUESTION "00", ERR_FORMAT);
	parse_hex(HEADER("0001", "0001", "0000", "0000") QUESTION, ERR_FORMAT);
	parse_hex(HEADER("0001", "0001", "0000", "0000") QUESTION "c013 0001 0001 00000e10 0000",
	    ERR_FORMAT);
	parse_hex(HEADER("0001", "0001", "0000", "0000") QUESTION "c00c 0001 0001 00000e10 0004 c0",
	    ERR_FORMAT);
	parse_hex(HEADER("0001", "0000", "0000", "0002") QUESTION OPT OPT, ERR_FORMAT);
	parse_hex(HEADER("0001", "0001", "0000", "0000") QUESTION OPT, ERR_FORMAT);
	parse_hex(HEADER("0001", "0000", "0000", "0002") QUESTION TSIG OPT, ERR_FORMAT);
	parse_hex(HEADER("0001", "0001", "0000", "0000") QUESTION TSIG, ERR_FORMAT);
}

static void test_walk(void **state)
{
	uint8_t msg[512];
	size_t n =
	    fixture_hex(HEADER("0001", "0001", "0000", "0003") QUESTION RR_A4 RR_A4 OPT TSIG, msg);
	struct packet p;
	struct packet_rr rr;

	(void)state;
	assert_int_equal(packet_parse(msg, n, &p, NULL), OK);
	assert_int_equal(p.id, 0x1234);
	assert_true(p.has_question);
	assert_int_equal(p.qtype, RR_SOA);
	assert_int_equal(p.edns_size, 1024);
	assert_int_equal(p.counts[3], 2);
	assert_int_equal(p.full_len - p.len, 11);
	assert_int_equal(packet_next(&p, &rr), OK);
	assert_int_equal(rr.section, 1);
	assert_int_equal(rr.ttl, 3600);
	assert_true(name_equal(rr.owner, fixture_name("a.")));
	assert_memory_equal(msg + rr.rdata, "\xc0\x00\x02\x01", 4);
	assert_int_equal(packet_next(&p, &rr), OK);
	assert_int_equal(rr.section, 3);
	assert_int_equal(packet_next(&p, &rr), OK);
	assert_int_equal(rr.type, RR_OPT);
	assert_int_equal(packet_next(&p, &rr), ERR_MISSING);
	assert_int_equal(packet_next(&p, &rr), ERR_MISSING);
}

static void check_built(const struct buf *msg, const char *const *owners, size_t count)
{
	char text[NAME_TEXT_SIZE];
	struct packet p;
	struct packet_rr rr;

	assert_int_equal(packet_parse(msg->data, msg->len, &p, NULL), OK);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(packet_next(&p, &rr), OK);
		name_text(rr.owner, text);
		assert_string_equal(text, owners[i]);
	}
	assert_int_equal(packet_next(&p, &rr), ERR_MISSING);
}

static void test_compression(void **state)
{
	static const char *const owners[] = {"example.org.", "a.example.org.", "A.example.org.",
	    "A.example.org.", "x.y.A.example.org.", "z.y.A.example.org.", "other.net.", ".",
	    "example.org.", "b.Example.org."};
	struct packet_builder b = {0};

	(void)state;
	packet_begin(&b, 1000, 7, PACKET_FLAG_QR, fixture_name("example.org."), RR_AXFR);
	for (size_t i = 0; i < MEM_COUNT(owners); i++)
		assert_int_equal(packet_add(&b, 1, fixture_name(owners[i]), RR_A, 1,
				     (const uint8_t *)"\1\2\3\4", 4),
		    OK);
	packet_end(&b);
	check_built(&b.buf, owners, MEM_COUNT(owners));
	/* Header, question; ten records with 14 octets behind the owner; the owners: a pointer, "a"
	 * and one, "A" and one, one, "x" "y" and one, "z" and one, whole, root, whole, "b"
	 * "Example" and one. */
	assert_int_equal(b.buf.len, 12 + 17 + 10 * 14 + 2 + 4 + 4 + 2 + 6 + 4 + 11 + 1 + 13 + 12);
	packet_builder_free(&b);
}

static void test_limit(void **state)
{
	struct packet_builder b = {0};
	unsigned added = 0;
	size_t before;

	(void)state;
	packet_begin(&b, 512, 7, 0, fixture_name("example.org."), RR_AXFR);
	while (packet_add(&b, 1, fixture_name("example.org."), RR_A, 1, (const uint8_t *)"\1\2\3\4",
		   4) == OK)
		added++;
	assert_int_equal(added, (512 - 29) / 16);
	before = b.buf.len;
	assert_int_equal(packet_add(&b, 1, fixture_name("example.org."), RR_A, 1,
			     (const uint8_t *)"\1\2\3\4", 4),
	    ERR_LIMIT);
	assert_int_equal(b.buf.len, before);
	packet_builder_free(&b);
}

/* Past 16383 octets names cannot be pointed to; each must still be read back. */
static void test_big_message(void **state)
{
	struct packet_builder b = {0};
	struct packet p;
	struct packet_rr rr;
	char text[64];
	uint8_t owner[NAME_MAX_LEN];
	unsigned count = 0, seen = 0;

	(void)state;
	packet_begin(&b, 65535, 7, PACKET_FLAG_QR, fixture_name("example.org."), RR_AXFR);
	for (;; count++) {
		snprintf(text, sizeof(text), "host%u.sub%u.example.org.", count, count / 3);
		assert_int_equal(name_parse(text, owner), OK);
		if (packet_add(&b, 1, owner, RR_A, count, (const uint8_t *)"\1\2\3\4", 4) != OK)
			break;
	}
	packet_end(&b);
	assert_int_equal(packet_parse(b.buf.data, b.buf.len, &p, NULL), OK);
	while (packet_next(&p, &rr) == OK) {
		snprintf(text, sizeof(text), "host%u.sub%u.example.org.", seen, seen / 3);
		assert_true(name_equal(rr.owner, fixture_name(text)));
		assert_int_equal(rr.ttl, seen++);
	}
	assert_int_equal(seen, count);
	packet_builder_free(&b);
}

static void test_edns_and_reuse(void **state)
{
	struct packet_builder b = {0};
	struct packet p;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		packet_begin(&b, 512, (uint16_t)i, 0, fixture_name("a."), RR_SOA);
		assert_int_equal(packet_add_edns(&b, 1232, true), OK);
		packet_end(&b);
		assert_int_equal(packet_parse(b.buf.data, b.buf.len, &p, NULL), OK);
		assert_int_equal(p.id, i);
		assert_true(p.has_edns);
		assert_int_equal(p.edns_size, 1232);
	}
	packet_builder_free(&b);
}

static struct edns edns_of(const char *options)
{
	uint8_t msg[512], rdata[100];
	char hex[300];
	size_t len = fixture_hex(options, rdata);
	struct packet p;

	snprintf(hex, sizeof(hex), "%s00 0029 0400 00018000 %04x %s",
	    HEADER("0001", "0000", "0000", "0001") QUESTION, (unsigned)len, options);
	len = fixture_hex(hex, msg);
	assert_int_equal(packet_parse(msg, len, &p, NULL), OK);
	return edns_read(&p);
}

static void test_edns_options(void **state)
{
	struct packet_builder b = {0};
	uint32_t seconds = 0x01020304;
	struct packet p;
	struct edns e = edns_of("");

	(void)state;
	assert_true(e.is_there && e.dnssec_ok && !e.wants_expire);
	assert_int_equal(e.version, 1);
	e = edns_of("0009 0000");
	assert_true(e.wants_expire && !e.has_expire);
	e = edns_of("000a 0003 616263 0009 0004 00000e10 0008 0000");
	assert_true(e.wants_expire && e.has_expire);
	assert_int_equal(e.expire, 3600);
	/* Of the wrong length, cut, or not a whole option: not there. */
	assert_false(edns_of("0009 0003 000000").wants_expire);
	assert_false(edns_of("0009 0005 0000000000").wants_expire);
	assert_false(edns_of("0009 0004 0000").wants_expire);
	assert_false(edns_of("0009 00").wants_expire);
	assert_false(edns_of("000a ffff 0009 0000").wants_expire);

	packet_begin(&b, 512, 1, 0, fixture_name("a."), RR_SOA);
	assert_int_equal(edns_add_expire(&b, 1232, false, &seconds), OK);
	packet_end(&b);
	assert_int_equal(packet_parse(b.buf.data, b.buf.len, &p, NULL), OK);
	e = edns_read(&p);
	assert_true(e.has_expire && !e.dnssec_ok);
	assert_int_equal(e.expire, seconds);
	packet_begin(&b, 512, 1, 0, fixture_name("a."), RR_SOA);
	assert_int_equal(edns_add_expire(&b, 1232, true, NULL), OK);
	packet_end(&b);
	assert_int_equal(packet_parse(b.buf.data, b.buf.len, &p, NULL), OK);
	e = edns_read(&p);
	assert_true(e.wants_expire && !e.has_expire && e.dnssec_ok);
	packet_builder_free(&b);
}

static void test_rcode_names(void **state)
{
	(void)state;
	assert_string_equal(packet_rcode_name(RCODE_REFUSED), "REFUSED");
	assert_string_equal(packet_rcode_name(RCODE_BADTIME), "BADTIME");
	assert_string_equal(packet_rcode_name(RCODE_BADTRUNC), "BADTRUNC");
	assert_non_null(packet_rcode_name(4095));
}

static void test_addresses(void **state)
{
	struct sockaddr_storage a, b;
	char text[PEER_TEXT_SIZE];

	(void)state;
	assert_int_equal(peer_address_parse("127.0.0.1", 5301, &a), OK);
	peer_address_text(&a, text);
	assert_string_equal(text, "127.0.0.1 port 5301");
	assert_int_equal(peer_address_parse("127.0.0.1", 53, &b), OK);
	assert_true(peer_same_host(&a, &b));
	assert_int_equal(peer_address_parse("::ffff:127.0.0.1", 53, &b), OK);
	assert_true(peer_same_host(&a, &b));
	assert_int_equal(peer_address_parse("2001:db8::1", 53, &b), OK);
	assert_false(peer_same_host(&a, &b));
	peer_address_text(&b, text);
	assert_string_equal(text, "2001:db8::1 port 53");
	assert_int_equal(peer_address_parse("localhost", 53, &b), ERR_FORMAT);
	assert_int_equal(peer_address_parse("127.0.0.1 ", 53, &b), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_parse_refused),
	    cmocka_unit_test(test_walk),
	    cmocka_unit_test(test_compression),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_big_message),
	    cmocka_unit_test(test_edns_and_reuse),
	    cmocka_unit_test(test_edns_options),
	    cmocka_unit_test(test_rcode_names),
	    cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
