/* A resolver's answers about the servers of a zone: made up here, no network. */
#include "parent/find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "dns/packet.h"
#include "dns/rrtype.h"

#include <cmocka.h>

static uint8_t child[NAME_MAX_LEN], parent[NAME_MAX_LEN], ns[NAME_MAX_LEN], other[NAME_MAX_LEN];

static int setup(void **state)
{
	(void)state;
	return name_parse("a.b.example.", child) != OK || name_parse("example.", parent) != OK ||
	       name_parse("ns.example.net.", ns) != OK || name_parse("elsewhere.", other) != OK;
}

static struct packet_builder answer_begin(const uint8_t *qname, uint16_t qtype, uint16_t rcode)
{
	struct packet_builder b = {0};

	packet_begin(&b, 4096, 1, PACKET_FLAG_QR | rcode, qname, qtype);
	return b;
}

static void put(struct packet_builder *b, unsigned section, const uint8_t *owner, uint16_t type,
    uint32_t ttl, const void *rdata, size_t len)
{
	assert_int_equal(packet_add(b, section, owner, type, ttl, rdata, (uint16_t)len), OK);
}

/* The zone that is read from an answer with the SOA of `soa` (NULL: none) in this section. */
static int zone_of(
    unsigned section, const uint8_t *soa, uint16_t rcode, uint8_t *zone, uint32_t *ttl)
{
	static const uint8_t rdata[22];
	struct packet_builder b = answer_begin(name_parent(child), RR_SOA, rcode);
	int code;

	if (soa != NULL)
		put(&b, section, soa, RR_SOA, 300, rdata, sizeof(rdata));
	packet_end(&b);
	code = find_read_zone(b.buf.data, b.buf.len, name_parent(child), zone, ttl, NULL);
	packet_builder_free(&b);
	return code;
}

static void test_zone(void **state)
{
	uint8_t zone[NAME_MAX_LEN];
	uint32_t ttl = 1000;

	(void)state;
	assert_int_equal(zone_of(2, parent, RCODE_NOERROR, zone, &ttl), OK);
	assert_true(name_equal(zone, parent));
	assert_int_equal(ttl, 300);
	assert_int_equal(zone_of(2, parent, RCODE_NXDOMAIN, zone, &ttl), OK);
	assert_int_equal(zone_of(1, name_parent(child), RCODE_NOERROR, zone, &ttl), OK);
	assert_true(name_equal(zone, name_parent(child)));
	/* No SOA, or one that has nothing to do with it: it may be asked further up. */
	assert_int_equal(zone_of(2, NULL, RCODE_NOERROR, zone, &ttl), ERR_MISSING);
	assert_int_equal(zone_of(2, other, RCODE_NOERROR, zone, &ttl), ERR_MISSING);
	assert_int_equal(zone_of(2, child, RCODE_NOERROR, zone, &ttl), ERR_MISSING);
	assert_int_equal(zone_of(2, parent, RCODE_SERVFAIL, zone, &ttl), ERR_REFUSED);
}

static void test_names(void **state)
{
	struct packet_builder b = answer_begin(parent, RR_NS, RCODE_NOERROR);
	struct find_names names = {.count = 0};
	uint32_t ttl = 1000;
	uint8_t upper[NAME_MAX_LEN];

	(void)state;
	assert_int_equal(name_parse("NS.Example.net.", upper), OK);
	put(&b, 1, parent, RR_NS, 600, ns, name_len(ns));
	put(&b, 1, parent, RR_NS, 600, upper, name_len(upper));
	put(&b, 1, other, RR_NS, 5, other, name_len(other));
	put(&b, 2, parent, RR_NS, 5, other, name_len(other));
	packet_end(&b);
	assert_int_equal(find_read_names(b.buf.data, b.buf.len, parent, &names, &ttl, NULL), OK);
	assert_int_equal(names.count, 1);
	assert_true(name_equal(names.names[0], ns));
	assert_int_equal(ttl, 600);
	packet_builder_free(&b);

	b = answer_begin(parent, RR_NS, RCODE_NOERROR);
	packet_end(&b);
	names.count = 0;
	assert_int_equal(
	    find_read_names(b.buf.data, b.buf.len, parent, &names, &ttl, NULL), ERR_REFUSED);
	packet_builder_free(&b);
}

/* As a parent's server gives it: with this flag, the NS set in this section. */
static int referral(uint16_t flags, unsigned section, struct find_names *names)
{
	struct packet_builder b = answer_begin(child, RR_NS, flags);
	int code;

	put(&b, section, child, RR_NS, 600, ns, name_len(ns));
	put(&b, 2, parent, RR_NS, 600, other, name_len(other));
	packet_end(&b);
	code = find_read_referral(b.buf.data, b.buf.len, child, names, NULL);
	packet_builder_free(&b);
	return code;
}

static void test_referral(void **state)
{
	struct find_names names = {.count = 0}, more = {.count = 0};

	(void)state;
	assert_int_equal(referral(PACKET_FLAG_AA, 2, &names), ERR_MISSING);
	assert_int_equal(referral(0, 1, &names), ERR_MISSING);
	assert_int_equal(referral(RCODE_REFUSED, 2, &names), ERR_MISSING);
	assert_int_equal(names.count, 0);
	assert_int_equal(referral(0, 2, &names), OK);
	assert_int_equal(names.count, 1);
	assert_true(name_equal(names.names[0], ns));
	assert_false(find_names_equal(&names, &more));
	assert_int_equal(find_add_name(&more, other, NULL), OK);
	assert_false(find_names_equal(&names, &more));
	assert_int_equal(find_add_name(&more, ns, NULL), OK);
	assert_false(find_names_equal(&names, &more));
	assert_int_equal(find_add_name(&names, other, NULL), OK);
	assert_true(find_names_equal(&names, &more));
}

static void test_names_too_many(void **state)
{
	struct find_names names = {.count = 0};
	uint8_t name[NAME_MAX_LEN];
	char text[32];

	(void)state;
	for (int i = 0; i < FIND_NAMES_MAX; i++) {
		snprintf(text, sizeof(text), "ns%d.example.", i);
		assert_int_equal(name_parse(text, name), OK);
		assert_int_equal(find_add_name(&names, name, NULL), OK);
	}
	assert_int_equal(find_add_name(&names, ns, NULL), ERR_LIMIT);
	assert_int_equal(find_add_name(&names, name, NULL), OK);
}

static void test_addresses(void **state)
{
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	struct packet_builder b = answer_begin(ns, RR_A, RCODE_NOERROR);
	struct find_addresses found = {.count = 0};
	uint32_t ttl = 1000;

	(void)state;
	put(&b, 1, ns, RR_CNAME, 900, other, name_len(other));
	put(&b, 1, other, RR_A, 60, "\xc0\x00\x02\x02", 4);
	put(&b, 1, other, RR_A, 60, "\xc0\x00\x02\x01", 4);
	put(&b, 1, other, RR_A, 60, "\xc0\x00\x02\x02", 4);
	put(&b, 1, other, RR_AAAA, 60, v6, 16);
	put(&b, 3, other, RR_A, 1, "\xc0\x00\x02\x03", 4);
	packet_end(&b);
	assert_int_equal(find_read_addresses(b.buf.data, b.buf.len, RR_A, &found, &ttl, NULL), OK);
	assert_int_equal(
	    find_read_addresses(b.buf.data, b.buf.len, RR_AAAA, &found, &ttl, NULL), OK);
	find_sort(&found);
	assert_int_equal(found.count, 3);
	assert_string_equal(found.list[0], "192.0.2.1");
	assert_string_equal(found.list[1], "192.0.2.2");
	assert_string_equal(found.list[2], "2001:db8::1");
	assert_int_equal(ttl, 60);
	packet_builder_free(&b);
}

static void test_addresses_wrong(void **state)
{
	struct packet_builder b = answer_begin(ns, RR_A, RCODE_NOERROR);
	struct find_addresses found = {.count = 0};
	uint32_t ttl = 1000;

	(void)state;
	put(&b, 1, ns, RR_A, 60, "\xc0\x00\x02", 3);
	packet_end(&b);
	assert_int_equal(
	    find_read_addresses(b.buf.data, b.buf.len, RR_A, &found, &ttl, NULL), ERR_FORMAT);
	assert_int_equal(
	    find_read_addresses(b.buf.data, b.buf.len - 1, RR_A, &found, &ttl, NULL), ERR_FORMAT);
	packet_builder_free(&b);

	/* A name without any is no failure. */
	b = answer_begin(ns, RR_A, RCODE_NXDOMAIN);
	packet_end(&b);
	assert_int_equal(find_read_addresses(b.buf.data, b.buf.len, RR_A, &found, &ttl, NULL), OK);
	packet_builder_free(&b);
	assert_int_equal(found.count, 0);
	for (unsigned i = 0; i < FIND_ADDRESSES_MAX; i++)
		assert_int_equal(
		    find_add_address(&found, RR_A, (uint8_t[]){192, 0, 2, (uint8_t)i}, 4, NULL),
		    OK);
	assert_int_equal(
	    find_add_address(&found, RR_A, (uint8_t[]){192, 0, 2, 250}, 4, NULL), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    {"R31 the parent zone is the one whose SOA stands in an answer", test_zone, NULL, NULL,
		NULL},
	    {"R31 name servers: those of the zone that was asked for, each once", test_names, NULL,
		NULL, NULL},
	    {"R41 the names of a delegation: of a referral, not of an answer", test_referral, NULL,
		NULL, NULL},
	    {"too many name servers are refused", test_names_too_many, NULL, NULL, NULL},
	    {"R25 addresses: aliases followed, each once, the smallest TTL", test_addresses, NULL,
		NULL, NULL},
	    {"broken addresses, none, and too many", test_addresses_wrong, NULL, NULL, NULL},
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
