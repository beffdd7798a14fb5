/* Names at which a parent says where it wants to be told of CDS, and answers: made up here, no
 * network. */
#include "parent/dsync.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "dns/rrtype.h"

#include <cmocka.h>

static const uint8_t *wire(const char *text)
{
	static uint8_t names[4][NAME_MAX_LEN];
	static unsigned next;
	uint8_t *name = names[next++ % 4];

	assert_int_equal(name_parse(text, name), OK);
	return name;
}

static void expect(const struct dsync_name *n, const char *text)
{
	char name[NAME_TEXT_SIZE];

	name_text(n->name, name);
	assert_string_equal(name, text);
}

/* RFC 9859 4.1, with its example. */
static void test_names(void **state)
{
	struct dsync_name n;

	(void)state;
	assert_int_equal(dsync_first(wire("child.example."), &n), OK);
	expect(&n, "child._dsync.example.");
	/* The parent has the zone right behind _dsync: its own record. */
	assert_int_equal(dsync_next(wire("child.example."), wire("example."), &n), OK);
	expect(&n, "_dsync.example.");
	assert_int_equal(dsync_next(wire("child.example."), wire("example."), &n), ERR_MISSING);

	assert_int_equal(dsync_first(wire("city.ise.mie.jp."), &n), OK);
	expect(&n, "city._dsync.ise.mie.jp.");
	assert_int_equal(dsync_next(wire("city.ise.mie.jp."), wire("JP."), &n), OK);
	expect(&n, "city.ise.mie._dsync.jp.");
	assert_int_equal(dsync_next(wire("city.ise.mie.jp."), wire("jp."), &n), OK);
	expect(&n, "_dsync.jp.");
	assert_int_equal(dsync_next(wire("city.ise.mie.jp."), wire("jp."), &n), ERR_MISSING);
	/* A zone that keeps moving up ends, too. */
	assert_int_equal(dsync_first(wire("a.b.c."), &n), OK);
	assert_int_equal(dsync_next(wire("a.b.c."), wire("c."), &n), OK);
	assert_int_equal(dsync_next(wire("a.b.c."), wire("."), &n), OK);
	expect(&n, "a.b.c._dsync.");
	assert_int_equal(dsync_next(wire("a.b.c."), wire("."), &n), OK);
	expect(&n, "_dsync.");
	assert_int_equal(dsync_next(wire("a.b.c."), wire("."), &n), ERR_MISSING);
	/* No SOA, or one of another branch, says nothing. */
	assert_int_equal(dsync_first(wire("a.b.c."), &n), OK);
	assert_int_equal(dsync_next(wire("a.b.c."), NULL, &n), OK);
	expect(&n, "_dsync.b.c.");
	assert_int_equal(dsync_first(wire("a.b.c."), &n), OK);
	assert_int_equal(dsync_next(wire("a.b.c."), wire("x.b.c."), &n), OK);
	expect(&n, "_dsync.b.c.");
}

static void test_bounds(void **state)
{
	struct dsync_name n;
	uint8_t longest[NAME_MAX_LEN] = {0};

	(void)state;
	assert_int_equal(dsync_first(wire("."), &n), ERR_MISSING);
	assert_int_equal(dsync_first(wire("org."), &n), OK);
	expect(&n, "org._dsync.");
	for (unsigned i = 0; i < 127; i++) {
		longest[2 * i] = 1;
		longest[2 * i + 1] = 'x';
	}
	assert_int_equal(dsync_first(longest, &n), ERR_LIMIT);
	assert_int_equal(dsync_first(longest + 8, &n), OK);
	assert_int_equal(name_len(n.name), 254);
}

static struct packet_builder answer(uint16_t rcode)
{
	struct packet_builder b = {0};

	packet_begin(&b, 4096, 1, (uint16_t)(PACKET_FLAG_QR | rcode), wire("child._dsync.example."),
	    RR_DSYNC);
	return b;
}

static void put(struct packet_builder *b, uint16_t type, uint8_t scheme, uint16_t port,
    const char *target, size_t cut)
{
	uint8_t rdata[5 + NAME_MAX_LEN];
	const uint8_t *name = wire(target);

	store_u16(rdata, type);
	rdata[2] = scheme;
	store_u16(rdata + 3, port);
	memcpy(rdata + 5, name, name_len(name));
	packet_add(b, 1, wire("child._dsync.example."), RR_DSYNC, 300, rdata,
	    (uint16_t)(5 + name_len(name) - cut));
}

static int read_end(struct packet_builder *b, struct dsync_target *t, bool *has_zone)
{
	uint8_t zone[NAME_MAX_LEN];
	int code;

	packet_end(b);
	code = dsync_read(b->buf.data, b->buf.len, t, zone, has_zone, NULL);
	if (code == ERR_MISSING && *has_zone)
		assert_true(name_equal(zone, wire("example.")));
	packet_builder_free(b);
	return code;
}

static void test_answers(void **state)
{
	static const uint8_t soa[22];
	struct packet_builder b = answer(RCODE_NOERROR);
	struct dsync_target t = {.port = 1};
	bool has_zone;

	(void)state;
	/* For CSYNC, of another scheme; then ours, and one more. */
	put(&b, 62, 1, 53, "csync.example.", 0);
	put(&b, RR_CDS, 2, 53, "api.example.", 0);
	put(&b, RR_CDS, 1, 5300, "notify.example.", 0);
	put(&b, RR_CDS, 1, 5301, "second.example.", 0);
	assert_int_equal(read_end(&b, &t, &has_zone), OK);
	assert_int_equal(t.port, 5300);
	assert_true(name_equal(t.name, wire("notify.example.")));

	b = answer(RCODE_NOERROR);
	put(&b, 62, 1, 53, "csync.example.", 0);
	assert_int_equal(read_end(&b, &t, &has_zone), OK);
	assert_int_equal(t.port, 0);

	b = answer(RCODE_NXDOMAIN);
	packet_add(&b, 2, wire("example."), RR_SOA, 300, soa, sizeof(soa));
	assert_int_equal(read_end(&b, &t, &has_zone), ERR_MISSING);
	assert_true(has_zone);
	b = answer(RCODE_NOERROR);
	assert_int_equal(read_end(&b, &t, &has_zone), ERR_MISSING);
	assert_false(has_zone);
	b = answer(RCODE_SERVFAIL);
	assert_int_equal(read_end(&b, &t, &has_zone), ERR_REFUSED);
	for (size_t cut = 1; cut < 20; cut++) {
		b = answer(RCODE_NOERROR);
		put(&b, RR_CDS, 1, 53, "notify.example.", cut);
		assert_int_equal(read_end(&b, &t, &has_zone), ERR_FORMAT);
	}
}

/* RFC 9859 4.2, RFC 1996 3.7: an ordinary NOTIFY, with another type. */
static void test_notify(void **state)
{
	static const uint8_t expected[] = {
	    0, 0, 0x24, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 1, 'b', 0, 0, 59, 0, 1};
	struct packet_builder b = {0};
	struct err e = {0};

	(void)state;
	dsync_compose(wire("a.b."), &b);
	assert_int_equal(b.buf.len, sizeof(expected));
	assert_memory_equal(b.buf.data, expected, sizeof(expected));
	assert_int_equal(dsync_read_answer(b.buf.data, b.buf.len, &e), ERR_FORMAT);
	b.buf.data[2] = 0xa4;
	assert_int_equal(dsync_read_answer(b.buf.data, b.buf.len, &e), OK);
	b.buf.data[3] = RCODE_REFUSED;
	assert_int_equal(dsync_read_answer(b.buf.data, b.buf.len, &e), ERR_REFUSED);
	assert_string_equal(e.text, "answered REFUSED");
	packet_builder_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    {"R30 names at which a target is looked up, and their order", test_names, NULL, NULL,
		NULL},
	    {"R30 the root has no parent, and long names no place", test_bounds, NULL, NULL, NULL},
	    {"R30 the target, in answers of all sorts", test_answers, NULL, NULL, NULL},
	    {"R30 NOTIFY(CDS)", test_notify, NULL, NULL, NULL},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
