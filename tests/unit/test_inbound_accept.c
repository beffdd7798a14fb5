/* What a record must pass before it goes into a spool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "inbound/accept.h"

struct fixture {
	char dir[64], path[80];
	uint8_t apex[NAME_MAX_LEN];
	struct accept a;
};

static const uint8_t soa[22] = {0, 0, 0, 0, 0, 7, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 1, 0, 0, 0, 0, 9};
static const uint8_t ns[] = {2, 'n', 's', 0};
static const uint8_t a4[] = {192, 0, 2, 1};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	struct err e;

	snprintf(f->dir, sizeof(f->dir), "/tmp/intaglio-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/1.part", f->dir);
	assert_int_equal(name_parse("example.", f->apex), OK);
	assert_int_equal(accept_begin(&f->a, f->apex, f->path, 1000, &e), OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	accept_abandon(&f->a);
	assert_int_not_equal(access(f->path, F_OK), 0); /* nothing unfinished is left */
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static int add(struct fixture *f, const char *owner, uint16_t type, uint16_t class,
    const uint8_t *rdata, size_t len, struct err *e)
{
	uint8_t name[NAME_MAX_LEN];

	assert_int_equal(name_parse(owner, name), OK);
	return accept_record(&f->a, name, type, class, 300, rdata, (uint16_t)len, e);
}

static void refuses(struct fixture *f, const char *owner, uint16_t type, uint16_t class,
    const uint8_t *rdata, size_t len, const char *words)
{
	struct err e = {0};

	assert_int_equal(add(f, owner, type, class, rdata, len, &e), ERR_FORMAT);
	assert_non_null(strstr(e.text, "zone broken"));
	if (strstr(e.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, words);
}

static void test_whole_zone(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	struct spool *s;

	assert_int_equal(add(f, "example.", RR_SOA, 1, soa, sizeof(soa), &e), OK);
	assert_int_equal(add(f, "EXAMPLE.", RR_NS, 1, ns, sizeof(ns), &e), OK);
	assert_int_equal(add(f, "a.b.example.", RR_A, 1, a4, sizeof(a4), &e), OK);
	assert_int_equal(accept_finish(&f->a, &e), OK);
	s = spool_open(f->path, &e);
	assert_non_null(s);
	assert_int_equal(spool_serial(s), 7);
	assert_int_equal(spool_records(s), 3);
	assert_int_equal(spool_kind(s), SPOOL_FULL);
	spool_close(s);
	unlink(f->path);
}

static void test_flaws(void **state)
{
	struct fixture *f = *state;

	refuses(f, "example.com.", RR_A, 1, a4, 4, "not in the zone");
	refuses(f, "xexample.", RR_A, 1, a4, 4, "not in the zone");
	refuses(f, ".", RR_NS, 1, ns, 4, "not in the zone");
	refuses(f, "a.example.", RR_A, 3, a4, 4, "class");
	refuses(f, "a.example.", RR_ANY, 1, a4, 4, "cannot be zone data");
	refuses(f, "a.example.", RR_TSIG, 1, a4, 4, "cannot be zone data");
	refuses(f, "a.example.", RR_OPT, 1, a4, 4, "cannot be zone data");
	refuses(f, "a.example.", RR_SOA, 1, soa, sizeof(soa), "below the apex");
	refuses(f, "example.", RR_SOA, 1, soa, 4, "SOA");
}

static void test_second_soa(void **state)
{
	struct fixture *f = *state;

	uint8_t other[sizeof(soa)];

	assert_int_equal(add(f, "example.", RR_SOA, 1, soa, sizeof(soa), NULL), OK);
	assert_int_equal(add(f, "example.", RR_SOA, 1, soa, sizeof(soa), NULL), OK);
	assert_int_equal(spool_count(f->a.spool), 1);
	memcpy(other, soa, sizeof(soa));
	other[5]++;
	refuses(f, "example.", RR_SOA, 1, other, sizeof(soa), "second SOA");
}

static void test_no_ns(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	assert_int_equal(add(f, "example.", RR_SOA, 1, soa, sizeof(soa), NULL), OK);
	assert_int_equal(add(f, "sub.example.", RR_NS, 1, ns, sizeof(ns), NULL), OK);
	assert_int_equal(accept_finish(&f->a, &e), ERR_FORMAT);
	assert_non_null(strstr(e.text, "example. NS"));
}

static void test_no_soa(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	assert_int_equal(add(f, "example.", RR_NS, 1, ns, sizeof(ns), NULL), OK);
	assert_int_equal(accept_finish(&f->a, &e), ERR_FORMAT);
	assert_non_null(strstr(e.text, "example. SOA"));
}

static void test_limit(void **state)
{
	struct fixture *f = *state;
	int rc = OK;

	for (int i = 0; i < 1000 && rc == OK; i++)
		rc = add(f, "a.example.", RR_A, 1, a4, 4, NULL);
	assert_int_equal(rc, ERR_LIMIT);
}

#define TEST(title, fn)                                                                            \
	{                                                                                          \
		title, fn, setup, teardown, NULL                                                   \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST("a whole zone becomes a spool that reads back", test_whole_zone),
	    TEST("out-of-zone, class, meta types, SOA below the apex are refused in words",
		test_flaws),
	    TEST("a second SOA is refused, the same again is not", test_second_soa),
	    TEST("a zone without NS at its apex is refused", test_no_ns),
	    TEST("a zone without SOA is refused", test_no_soa),
	    TEST("the size limit holds", test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
