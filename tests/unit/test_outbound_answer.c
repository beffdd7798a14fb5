/* What a query gets: outbound's access rules, its errors, and how it says no. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/mem.h"
#include "dns/rdata.h"
#include "outbound_rig.h"

#define NO_TSIG -1

static struct rig rig;

static int setup(void **state)
{
	(void)state;
	rig_open(&rig);
	rig_write_zone(&rig, "example.", 2026112401, 3, 20, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

static struct rig_answer answer;

/* Ask, and forget about the answer's signature. */
static bool ask(const struct rig_query *q, bool tcp)
{
	struct tsig_state t;
	bool came = rig_ask(&rig, q, tcp, &answer, &t);

	tsig_state_free(&t);
	return came;
}

static void assert_soa(uint32_t serial)
{
	struct packet p = answer.packet;
	struct packet_rr rr;
	struct buf rdata = {0};
	struct soa soa;

	assert_int_equal(packet_rcode(&p), RCODE_NOERROR);
	assert_true(p.flags & PACKET_FLAG_AA);
	assert_int_equal(packet_next(&p, &rr), OK);
	assert_int_equal(rr.type, RR_SOA);
	assert_int_equal(
	    rdata_from_message(RR_SOA, p.msg, p.len, rr.rdata, rr.rdlen, &rdata, NULL), OK);
	assert_int_equal(soa_parse(rdata.data, rdata.len, &soa), OK);
	assert_int_equal(soa.serial, serial);
	buf_free(&rdata);
}

static void soa_to_destination(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_SOA, .key = &rig.key};
	struct tsig_state t;
	struct err e = {0};

	(void)state;
	for (int tcp = 0; tcp < 2; tcp++) {
		assert_true(rig_ask(&rig, &q, tcp, &answer, &t));
		assert_soa(2026112401);
		assert_int_equal(
		    tsig_verify_answer(&t, &answer.packet, true, clock_real(), &e), OK);
		tsig_state_free(&t);
	}
}

/* Who asks, signed how, and what he gets. */
static void access_rules(void **state)
{
	struct tsig_key unknown = rig.key, wrong = rig.key, sha1 = rig.key;
	struct secret secret = {0};
	const struct {
		const char *from;
		const struct tsig_key *key;
		int64_t time_off;
		unsigned rcode;
		int tsig_error;
	} table[] = {
	    {RIG_KEYED, &rig.key, 0, RCODE_NOERROR, 0},
	    {RIG_KEYED, &rig.key, 290, RCODE_NOERROR, 0},
	    {RIG_KEYED, NULL, 0, RCODE_REFUSED, NO_TSIG},
	    {RIG_KEYED, &rig.other, 0, RCODE_REFUSED, 0},
	    {RIG_KEYED, &unknown, 0, RCODE_NOTAUTH, RCODE_BADKEY},
	    {RIG_KEYED, &sha1, 0, RCODE_NOTAUTH, RCODE_BADKEY},
	    {RIG_KEYED, &wrong, 0, RCODE_NOTAUTH, RCODE_BADSIG},
	    {RIG_KEYED, &rig.key, 400, RCODE_NOTAUTH, RCODE_BADTIME},
	    {RIG_KEYED, &rig.key, -400, RCODE_NOTAUTH, RCODE_BADTIME},
	    {RIG_STRANGER, NULL, 0, RCODE_REFUSED, NO_TSIG},
	    {RIG_STRANGER, &rig.key, 0, RCODE_REFUSED, 0},
	    {RIG_STRANGER, &wrong, 0, RCODE_NOTAUTH, RCODE_BADSIG},
	    {RIG_PLAIN, NULL, 0, RCODE_NOERROR, NO_TSIG},
	    {RIG_PLAIN, &rig.other, 0, RCODE_NOERROR, 0},
	    {RIG_PLAIN, &wrong, 0, RCODE_NOTAUTH, RCODE_BADSIG},
	};
	static const uint16_t types[] = {RR_SOA, RR_AXFR, RR_IXFR};

	(void)state;
	name_parse("unknown-key.", unknown.name);
	secret_set(&secret, "not the secret", 14);
	wrong.secret = secret;
	sha1.algorithm = TSIG_SHA1;
	for (unsigned i = 0; i < MEM_COUNT(table) * MEM_COUNT(types); i++) {
		unsigned row = i / MEM_COUNT(types);
		struct rig_query q = {.zone = "example.",
		    .type = types[i % MEM_COUNT(types)],
		    .from = table[row].from,
		    .key = table[row].key,
		    .time_off = table[row].time_off,
		    .ixfr_serial = 1};

		assert_true(ask(&q, q.type != RR_SOA));
		if (packet_rcode(&answer.packet) != table[row].rcode ||
		    rig_tsig_error(&answer) != table[row].tsig_error)
			fail_msg("row %u type %u: %s, TSIG error %d", row, q.type,
			    packet_rcode_name(packet_rcode(&answer.packet)),
			    rig_tsig_error(&answer));
		if (table[row].rcode != RCODE_NOERROR)
			assert_int_equal(answer.packet.counts[1], 0);
	}
	secret_free(&secret);
}

static void not_served(void **state)
{
	const struct {
		struct rig_query q;
		bool tcp;
		unsigned rcode;
	} table[] = {
	    {{.zone = "example.", .type = RR_A, .key = &rig.key}, false, RCODE_REFUSED},
	    {{.zone = "example.", .type = RR_ANY, .key = &rig.key}, true, RCODE_REFUSED},
	    {{.zone = "Host00000001.example.", .type = RR_SOA, .key = &rig.key}, false,
		RCODE_REFUSED},
	    {{.zone = ".", .type = RR_AXFR, .key = &rig.key}, true, RCODE_REFUSED},
	    {{.zone = "other.example.", .type = RR_AXFR, .key = &rig.key}, true, RCODE_REFUSED},
	    {{.zone = "example.", .type = RR_AXFR, .key = &rig.key}, false, RCODE_FORMERR},
	    {{.zone = "example.", .type = RR_AXFR}, false, RCODE_REFUSED},
	    {{.zone = "example.", .type = RR_IXFR, .key = &rig.key}, true, RCODE_FORMERR},
	    {{.zone = "example.", .type = RR_SOA, .key = &rig.key, .flags = OPCODE_UPDATE << 11},
		false, RCODE_NOTIMP},
	    {{.zone = "example.", .type = RR_SOA, .flags = 2 << 11}, true, RCODE_NOTIMP},
	};

	(void)state;
	for (unsigned i = 0; i < MEM_COUNT(table); i++) {
		assert_true(ask(&table[i].q, table[i].tcp));
		if (packet_rcode(&answer.packet) != table[i].rcode)
			fail_msg("row %u: %s", i, packet_rcode_name(packet_rcode(&answer.packet)));
	}
}

static void name_in_its_own_case(void **state)
{
	struct rig_query q = {.zone = "eXaMpLe.", .type = RR_SOA, .from = RIG_PLAIN};

	(void)state;
	assert_true(ask(&q, false));
	assert_soa(2026112401);
	assert_memory_equal(answer.msg + 12, "\7eXaMpLe", 9);
}

static void edns(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_SOA, .from = RIG_PLAIN, .edns = true};
	struct packet_builder b = {0};
	struct tsig_state t;

	(void)state;
	assert_true(ask(&q, false));
	assert_soa(2026112401);
	assert_true(answer.packet.has_edns);
	assert_int_equal(answer.packet.counts[1], 2); /* DO: the signature, too */
	q.edns = false;
	assert_true(ask(&q, false));
	assert_false(answer.packet.has_edns);
	assert_int_equal(answer.packet.counts[1], 1);

	q.edns = true;
	rig_build(&q, &b, &t);
	b.buf.data[b.buf.len - 5] = 1; /* the version */
	assert_true(rig_udp_raw(&rig, RIG_PLAIN, b.buf.data, b.buf.len, &answer));
	assert_true(answer.packet.has_edns);
	assert_int_equal(answer.packet.counts[1], 0);
	assert_int_equal(answer.msg[answer.len - 6] << 4 | packet_rcode(&answer.packet), 16);
	packet_builder_free(&b);
	tsig_state_free(&t);
}

static void assert_expire(struct rig_query *q, bool tcp, int64_t least, int64_t most)
{
	struct edns e;

	assert_true(ask(q, tcp));
	e = edns_read(&answer.packet);
	assert_int_equal(packet_rcode(&answer.packet), RCODE_NOERROR);
	assert_true(e.is_there);
	assert_int_equal(e.has_expire, most >= 0);
	if (most >= 0)
		assert_in_range(e.expire, least, most);
}

static void expire(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_SOA, .from = RIG_PLAIN, .edns = true};
	int64_t now = clock_calendar();

	(void)state;
	assert_expire(&q, false, 0, -1); /* who does not ask is not told */
	q.expire = true;
	assert_expire(&q, false, 3602, 3602); /* nothing ends before the SOA says */
	rig_set_ends(&rig, now + 1000, 0, 0);
	assert_expire(&q, false, 998, 1000);
	q.type = RR_AXFR;
	assert_expire(&q, true, 998, 1000);
	q.type = RR_IXFR;
	q.ixfr_serial = 1;
	assert_expire(&q, true, 998, 1000);
	q.ixfr_serial = 2026112401;
	assert_expire(&q, false, 998, 1000);
	q.type = RR_SOA;
	rig_set_ends(&rig, now - 1, 0, 0); /* too late to say anything (R11) */
	assert_expire(&q, false, 0, -1);
	/* The source's version ends for us when policy says so, and then for others. */
	rig_set_ends(&rig, now + 1000, now - 3000, 0);
	assert_expire(&q, false, 998, 1000);
	rig.conf.ends_with_source = true;
	outbound_configure(rig.out, &rig.conf, 1);
	assert_expire(&q, false, 600, 602);
	rig_set_ends(&rig, now + 1000, now - 3000, now + 500);
	assert_expire(&q, false, 498, 500);
}

static void tkey(void **state)
{
	static const uint8_t body[] = "\10gss-tsig\0\1\2\3\4\1\2\3\5\0\3\0\0\0\4tokn\0";
	struct packet_builder b = {0};
	uint8_t name[NAME_MAX_LEN];
	struct packet_rr rr;

	(void)state;
	name_parse("some-key.example.", name);
	packet_begin(&b, 512, 77, 0, name, RR_TKEY);
	packet_add(&b, 3, name, RR_TKEY, 0, body, sizeof(body));
	packet_end(&b);
	assert_true(rig_udp_raw(&rig, RIG_STRANGER, b.buf.data, b.buf.len, &answer));
	assert_int_equal(packet_rcode(&answer.packet), RCODE_NOERROR);
	assert_int_equal(packet_next(&answer.packet, &rr), OK);
	assert_int_equal(rr.section, 1);
	assert_int_equal(rr.type, RR_TKEY);
	assert_int_equal(rr.class, 255);
	assert_int_equal(rr.rdlen, 10 + 16);
	assert_memory_equal(answer.msg + rr.rdata, body, 10 + 10);
	assert_int_equal(load_u16(answer.msg + rr.rdata + 20), RCODE_BADMODE);

	packet_begin(&b, 512, 77, 0, name, RR_TKEY); /* without the record */
	packet_end(&b);
	assert_true(rig_udp_raw(&rig, RIG_STRANGER, b.buf.data, b.buf.len, &answer));
	assert_int_equal(packet_rcode(&answer.packet), RCODE_FORMERR);
	packet_builder_free(&b);
}

static void junk(void **state)
{
	static const uint8_t header[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
	static const uint8_t reply[] = {0x12, 0x34, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	uint8_t loop[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 6, 0, 1};
	struct rig_query q = {.zone = "example.", .type = RR_SOA, .from = RIG_PLAIN};

	(void)state;
	assert_true(rig_udp_raw(&rig, RIG_STRANGER, header, sizeof(header), &answer));
	assert_int_equal(answer.len, 12);
	assert_int_equal(packet_rcode(&answer.packet), RCODE_FORMERR);
	assert_int_equal(answer.packet.id, 0x1234);
	assert_true(rig_udp_raw(&rig, RIG_STRANGER, loop, sizeof(loop), &answer));
	assert_int_equal(packet_rcode(&answer.packet), RCODE_FORMERR);
	assert_false(rig_udp_raw(&rig, RIG_STRANGER, header, 11, &answer));
	assert_false(rig_udp_raw(&rig, RIG_STRANGER, reply, sizeof(reply), &answer));
	assert_false(rig_udp_raw(&rig, RIG_STRANGER, "", 0, &answer));
	assert_true(ask(&q, false)); /* and all is well */
	assert_soa(2026112401);
}

static void held_and_suspended(void **state)
{
	struct rig_query q = {.zone = "example.", .type = RR_SOA, .from = RIG_PLAIN};
	struct rig_query stranger = {.zone = "example.", .type = RR_SOA, .from = RIG_STRANGER};

	(void)state;
	outbound_suspend(rig.out, rig.apex, true);
	assert_true(ask(&q, false));
	assert_int_equal(packet_rcode(&answer.packet), RCODE_SERVFAIL);
	assert_true(ask(&stranger, false));
	assert_int_equal(packet_rcode(&answer.packet), RCODE_REFUSED);
	outbound_suspend(rig.out, rig.apex, false);
	assert_true(ask(&q, false));
	assert_int_equal(packet_rcode(&answer.packet), RCODE_NOERROR);
	rig_write_zone(&rig, "example.", 7, 1, 20, false);
	for (int type = RR_IXFR; type <= RR_AXFR; type++) {
		q.type = stranger.type = (uint16_t)type;
		q.ixfr_serial = stranger.ixfr_serial = 1;
		assert_true(ask(&q, true));
		assert_int_equal(packet_rcode(&answer.packet), RCODE_SERVFAIL);
		assert_true(ask(&stranger, true));
		assert_int_equal(packet_rcode(&answer.packet), RCODE_REFUSED);
	}
}

static void notify_comes_in(void **state)
{
	struct tsig_key wrong = rig.other;
	struct secret secret = {0};
	struct rig_query q = {.zone = "unheard.of.",
	    .type = RR_SOA,
	    .from = RIG_STRANGER,
	    .key = &rig.other,
	    .flags = OPCODE_NOTIFY << 11 | PACKET_FLAG_AA};
	struct tsig_state t;
	struct err e = {0};

	(void)state;
	rig.notify_rcode = RCODE_NOTAUTH;
	assert_true(rig_ask(&rig, &q, false, &answer, &t));
	assert_int_equal(packet_opcode(&answer.packet), OPCODE_NOTIFY);
	assert_int_equal(packet_rcode(&answer.packet), RCODE_NOTAUTH);
	assert_int_equal(tsig_verify_answer(&t, &answer.packet, true, clock_real(), &e), OK);
	tsig_state_free(&t);
	assert_int_equal(rig.notify_calls, 1);
	assert_ptr_equal(rig.notify_key, &rig.other);

	rig.notify_rcode = RCODE_NOERROR;
	q.key = NULL;
	assert_true(ask(&q, false));
	assert_int_equal(packet_rcode(&answer.packet), RCODE_NOERROR);
	assert_int_equal(rig.notify_calls, 2);
	assert_null(rig.notify_key);

	secret_set(&secret, "guessed", 7);
	wrong.secret = secret;
	q.key = &wrong;
	assert_true(ask(&q, false));
	assert_int_equal(packet_rcode(&answer.packet), RCODE_NOTAUTH);
	assert_int_equal(rig_tsig_error(&answer), RCODE_BADSIG);
	q.key = NULL;
	q.type = RR_A;
	assert_true(ask(&q, false));
	assert_int_equal(packet_rcode(&answer.packet), RCODE_FORMERR);
	assert_int_equal(rig.notify_calls, 2);
	secret_free(&secret);
}

#define TEST(name, fn)                                                                             \
	{                                                                                          \
		name, fn, setup, teardown, NULL                                                    \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST("R5 SOA queries of a destination are answered, over UDP and TCP",
		soa_to_destination),
	    TEST("R6 who gets a zone: address and TSIG key, else REFUSED or NOTAUTH", access_rules),
	    TEST("what is not served: other types, names, opcodes, AXFR over UDP", not_served),
	    TEST("the question comes back in its own case", name_in_its_own_case),
	    TEST("EDNS: OPT answers OPT, DO brings signatures, BADVERS", edns),
	    TEST("R11 EXPIRE: a secondary is told to stop before a signature expires (RFC 7314)",
		expire),
	    TEST("R6 TKEY is answered with BADMODE", tkey),
	    TEST("junk with a header gets FORMERR, other junk silence", junk),
	    TEST("held and suspended zones: SERVFAIL to destinations, REFUSED to others",
		held_and_suspended),
	    TEST("R6 NOTIFY is passed on with the key it was signed with, a bad TSIG is not",
		notify_comes_in),
	};

	return cmocka_run_group_tests_name("outbound_answer", tests, NULL, NULL);
}
