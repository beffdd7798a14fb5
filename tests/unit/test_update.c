/* Dynamic updates of a DS set: the octets that are sent, and what is made of answers. */
#include "parent/update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "dns/rrtype.h"

#include <cmocka.h>

static uint8_t child[NAME_MAX_LEN], parent[NAME_MAX_LEN], above[NAME_MAX_LEN];
static const struct parent_ds old = {1, 13, 2, 4, {0xaa, 0xbb, 0xcc, 0xdd}},
			      new = {2, 13, 2, 4, {0x11, 0x22, 0x33, 0x44}},
			      foreign = {3, 8, 2, 4, {0xff}};

static int setup(void **state)
{
	(void)state;
	return name_parse("a.b.example.", child) != OK || name_parse("b.example.", above) != OK ||
	       name_parse("example.", parent) != OK;
}

static struct update_change change(bool is_retract, const struct parent_ds *ds, unsigned ds_count,
    const struct parent_ds *keep, unsigned keep_count)
{
	return (struct update_change){child, ds, keep, ds_count, keep_count, is_retract, 3600};
}

static void check_message(
    const struct update_change *c, const struct parent_set *now, const void *expected, size_t len)
{
	struct packet_builder b = {0};
	struct packet p;

	update_compose(c, parent, now, &b);
	assert_int_equal(b.buf.len, len);
	assert_memory_equal(b.buf.data, expected, len);
	assert_int_equal(packet_parse(b.buf.data, b.buf.len, &p, NULL), OK);
	packet_builder_free(&b);
}

/* RFC 2136 2: header, zone, prerequisites, updates. */
static void test_add(void **state)
{
	static const uint8_t expected[] = {0, 0, 0x28, 0, 0, 1, 0, 1, 0, 1, 0, 0,
	    /* zone example. SOA IN */
	    7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 6, 0, 1,
	    /* there are NS: class ANY, nothing more (2.4.1) */
	    1, 'a', 1, 'b', 0xc0, 12, 0, 2, 0, 255, 0, 0, 0, 0, 0, 0,
	    /* to come: the DS in class IN with its TTL (2.5.1) */
	    0xc0, 25, 0, 43, 0, 1, 0, 0, 14, 16, 0, 8, 0, 2, 13, 2, 0x11, 0x22, 0x33, 0x44};
	struct update_change c = change(false, &new, 1, &new, 1);

	(void)state;
	check_message(&c, NULL, expected, sizeof(expected));
}

static void test_retract(void **state)
{
	static const uint8_t expected[] = {0, 0, 0x28, 0, 0, 1, 0, 2, 0, 1, 0, 0, 7, 'e', 'x', 'a',
	    'm', 'p', 'l', 'e', 0, 0, 6, 0, 1,
	    /* the set is this one: class IN, TTL 0 (2.4.2) */
	    1, 'a', 1, 'b', 0xc0, 12, 0, 43, 0, 1, 0, 0, 0, 0, 0, 8, 0, 1, 13, 2, 0xaa, 0xbb, 0xcc,
	    0xdd, 0xc0, 25, 0, 43, 0, 1, 0, 0, 0, 0, 0, 8, 0, 2, 13, 2, 0x11, 0x22, 0x33, 0x44,
	    /* to go: class NONE, TTL 0 (2.5.4) */
	    0xc0, 25, 0, 43, 0, 254, 0, 0, 0, 0, 0, 8, 0, 1, 13, 2, 0xaa, 0xbb, 0xcc, 0xdd};
	struct update_change c = change(true, &old, 1, &new, 1);
	struct parent_set now = {{old, new}, 2, 3600};

	(void)state;
	check_message(&c, &now, expected, sizeof(expected));
}

static void test_full(void **state)
{
	struct parent_set now = {.count = PARENT_DS_MAX};
	struct update_change c = change(true, now.ds, PARENT_DS_MAX, NULL, 0);
	struct packet_builder b = {0};
	struct packet p;

	(void)state;
	for (unsigned i = 0; i < PARENT_DS_MAX; i++)
		now.ds[i] = (struct parent_ds){(uint16_t)i, 13, 4, PARENT_DIGEST_MAX, {0}};
	update_compose(&c, parent, &now, &b);
	assert_int_equal(packet_parse(b.buf.data, b.buf.len, &p, NULL), OK);
	assert_int_equal(p.counts[1], PARENT_DS_MAX);
	assert_int_equal(p.counts[2], PARENT_DS_MAX);
	packet_builder_free(&b);
}

static int may(const struct update_change *c, const struct parent_set *now, const char *why)
{
	struct err e = {0};
	int code = update_may_retract(c, now, &e);

	if (why != NULL)
		assert_non_null(strstr(e.text, why));
	return code;
}

static void test_may(void **state)
{
	struct update_change c = change(true, &old, 1, &new, 1),
			     last = change(true, &old, 1, NULL, 0);
	struct parent_set both = {{old, new}, 2, 1}, only_old = {{old}, 1, 1},
			  only_new = {{new}, 1, 1}, strange = {{old, foreign}, 2, 1}, none = {0};

	(void)state;
	assert_int_equal(may(&c, &both, NULL), OK);
	/* What is to stay is not there: the child would be without a DS. */
	assert_int_equal(may(&c, &only_old, "DS 2, which is to stay, is not there"), ERR_REFUSED);
	assert_int_equal(may(&c, &strange, "DS 2"), ERR_REFUSED);
	assert_int_equal(may(&c, &only_new, NULL), ERR_MISSING);
	assert_int_equal(may(&c, &none, NULL), ERR_MISSING);
	/* To be unsigned: none is to stay. */
	assert_int_equal(may(&last, &only_old, NULL), OK);
}

static int answer(uint16_t flags, bool is_retract, const char *why)
{
	struct packet_builder b = {0};
	struct err e = {0};
	int code;

	packet_begin(&b, 512, 7, flags, parent, RR_SOA);
	packet_end(&b);
	code = update_read_answer(b.buf.data, b.buf.len, is_retract, &e);
	if (code != OK)
		assert_non_null(strstr(e.text, why));
	packet_builder_free(&b);
	return code;
}

static void test_answers(void **state)
{
	const uint16_t good = PACKET_FLAG_QR | OPCODE_UPDATE << 11;
	static const uint8_t bare[12] = {0, 7, 0xa8, 0};
	static const uint8_t refused[12] = {0, 7, 0xa8, 5};
	struct err e = {0};

	(void)state;
	assert_int_equal(answer(good, false, NULL), OK);
	assert_int_equal(answer(good | RCODE_NXRRSET, true, "NXRRSET"), ERR_AGAIN);
	assert_int_equal(answer(good | RCODE_NXRRSET, false, "no NS records"), ERR_AGAIN);
	assert_int_equal(answer(good | RCODE_NOTZONE, false, "NOTZONE"), ERR_MISSING);
	assert_int_equal(answer(good | RCODE_NOTAUTH, false, "NOTAUTH"), ERR_MISSING);
	assert_int_equal(answer(good | RCODE_REFUSED, false, "REFUSED"), ERR_REFUSED);
	assert_int_equal(answer(good | RCODE_NOTIMP, false, "NOTIMP"), ERR_REFUSED);
	assert_int_equal(answer(good | RCODE_SERVFAIL, false, "SERVFAIL"), ERR_REFUSED);
	assert_int_equal(answer(good | 6, false, "YXDOMAIN"), ERR_REFUSED);
	assert_int_equal(answer(PACKET_FLAG_QR, false, "none to an update"), ERR_FORMAT);
	assert_int_equal(answer(OPCODE_UPDATE << 11, false, "none to an update"), ERR_FORMAT);
	assert_int_equal(update_read_answer(bare, sizeof(bare), false, &e), OK);
	assert_int_equal(update_read_answer(refused, sizeof(refused), false, &e), ERR_REFUSED);
	assert_int_equal(update_read_answer(bare, 11, false, &e), ERR_FORMAT);
}

static int zone_of(uint16_t flags, unsigned section, const uint8_t *soa, uint8_t *zone)
{
	static const uint8_t rdata[22];
	struct packet_builder b = {0};
	int code;

	packet_begin(&b, 512, 7, PACKET_FLAG_QR | flags, above, RR_SOA);
	if (soa != NULL)
		packet_add(&b, section, soa, RR_SOA, 300, rdata, sizeof(rdata));
	packet_end(&b);
	code = update_read_zone(b.buf.data, b.buf.len, above, zone, NULL);
	packet_builder_free(&b);
	return code;
}

static void test_zone(void **state)
{
	uint8_t zone[NAME_MAX_LEN] = {0};

	(void)state;
	assert_int_equal(zone_of(PACKET_FLAG_AA, 1, above, zone), OK);
	assert_true(name_equal(zone, above));
	assert_int_equal(zone_of(PACKET_FLAG_AA | RCODE_NXDOMAIN, 2, parent, zone), OK);
	assert_true(name_equal(zone, parent));
	/* A cache, a referral, another zone, the child itself. */
	assert_int_equal(zone_of(0, 1, above, zone), ERR_REFUSED);
	assert_int_equal(zone_of(PACKET_FLAG_AA, 1, NULL, zone), ERR_REFUSED);
	assert_int_equal(zone_of(PACKET_FLAG_AA, 2, child, zone), ERR_REFUSED);
	assert_int_equal(zone_of(PACKET_FLAG_AA | RCODE_REFUSED, 1, above, zone), ERR_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    {"R30 a DS that is to come: asked for only below a delegation", test_add, NULL, NULL,
		NULL},
	    {"R30 a DS that is to go: only from the set that was read", test_retract, NULL, NULL,
		NULL},
	    {"R30 two full sets have their place in a message", test_full, NULL, NULL, NULL},
	    {"R30 nothing goes when what is to stay is not there", test_may, NULL, NULL, NULL},
	    {"R30 answers in words", test_answers, NULL, NULL, NULL},
	    {"R30 the parent zone, as its primary says", test_zone, NULL, NULL, NULL},
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
