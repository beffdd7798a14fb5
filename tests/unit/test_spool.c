/* Spool files: what was written is read, sorted; what is damaged is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "dns/rrset.h"
#include "dns/rrtype.h"
#include "zone/spool.h"
#include "zone/spool_file.h"

struct fixture {
	char dir[64], path[96];
	uint8_t apex[NAME_MAX_LEN];
};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	strcpy(f->dir, "/tmp/itg-spool-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/spool", f->dir);
	assert_int_equal(name_parse("gov.", f->apex), OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static struct spool_writer *create(const struct fixture *f, uint64_t limit)
{
	struct err e = {0};
	struct spool_writer *w = spool_create(f->path, f->apex, limit, &e);

	if (w == NULL)
		fail_msg("%s", e.text);
	return w;
}

static void step_a(
    struct spool_writer *w, enum spool_step step, const char *name, uint32_t ttl, uint8_t last)
{
	uint8_t owner[NAME_MAX_LEN], address[4] = {192, 0, 2, last};
	struct err e = {0};

	assert_int_equal(name_parse(name, owner), OK);
	if (spool_write(w, step, owner, RR_A, ttl, address, 4, &e) != OK)
		fail_msg("%s", e.text);
}

static void add_a(struct spool_writer *w, const char *name, uint32_t ttl, uint8_t last)
{
	step_a(w, SPOOL_ADD, name, ttl, last);
}

static void finish(struct spool_writer *w, enum spool_kind kind)
{
	struct err e = {0};

	if (spool_finish(w, kind, 42, &e) != OK)
		fail_msg("%s", e.text);
}

static struct spool *open_good(const struct fixture *f)
{
	struct err e = {0};
	struct spool *s = spool_open(f->path, &e);

	if (s == NULL)
		fail_msg("%s", e.text);
	return s;
}

static void expect(struct spool *s, const char *name, uint16_t type, uint16_t count, uint32_t ttl)
{
	char text[NAME_TEXT_SIZE];
	struct spool_rrset set;
	struct err e = {0};

	if (spool_next(s, &set, &e) != OK)
		fail_msg("%s expected: %s", name, e.text);
	name_text(set.owner, text);
	assert_string_equal(text, name);
	assert_int_equal(set.type, type);
	assert_int_equal(set.count, count);
	assert_int_equal(set.ttl, ttl);
}

static void test_sorts_and_groups(void **state)
{
	struct fixture *f = *state;
	struct spool_writer *w = create(f, 0);
	struct spool *s;
	struct spool_rrset set;
	struct err e = {0};

	add_a(w, "b.gov.", 60, 1);
	add_a(w, "outside.com.", 60, 1);
	add_a(w, "\\255\\255\\255\\255.gov.", 60, 1);
	add_a(w, "A.b.gov.", 60, 1);
	add_a(w, "gov.", 60, 1);
	add_a(w, "zz.", 60, 1);
	add_a(w, "ab.gov.", 300, 9);
	add_a(w, "AB.gov.", 200, 3);
	add_a(w, "ab.gov.", 300, 9);
	add_a(w, "abcdf.gov.", 60, 1);
	add_a(w, "abcde.gov.", 60, 1);
	assert_int_equal(spool_count(w), 11);
	finish(w, SPOOL_FULL);

	s = open_good(f);
	assert_int_equal(spool_kind(s), SPOOL_FULL);
	assert_int_equal(spool_serial(s), 42);
	assert_int_equal(spool_records(s), 11);
	assert_true(name_equal(spool_apex(s), f->apex));
	for (unsigned i = 0; i < 2; i++, spool_rewind(s)) {
		expect(s, "outside.com.", RR_A, 1, 60);
		expect(s, "gov.", RR_A, 1, 60);
		assert_int_equal(spool_next(s, &set, &e), OK);
		assert_int_equal(set.count, 2); /* the third was the same as the first */
		assert_int_equal(set.ttl, 200);
		assert_true(set.ttl_mixed);
		assert_int_equal(set.owner[1], 'a');
		assert_int_equal(set.rdata_len, 12);
		assert_int_equal(set.rdata[5], 3);
		assert_int_equal(set.rdata[11], 9);
		expect(s, "abcde.gov.", RR_A, 1, 60);
		expect(s, "abcdf.gov.", RR_A, 1, 60);
		expect(s, "b.gov.", RR_A, 1, 60);
		expect(s, "A.b.gov.", RR_A, 1, 60);
		expect(s, "\\255\\255\\255\\255.gov.", RR_A, 1, 60);
		expect(s, "zz.", RR_A, 1, 60);
		assert_int_equal(spool_next(s, &set, &e), ERR_MISSING);
	}
	spool_close(s);
}

static void test_limit(void **state)
{
	struct fixture *f = *state;
	struct spool_writer *w = create(f, SPOOL_HEADER_LEN + 100);
	uint8_t address[4] = {0};
	struct err e = {0};

	add_a(w, "a.gov.", 60, 1);
	add_a(w, "b.gov.", 60, 1);
	assert_int_equal(spool_write(w, SPOOL_ADD, f->apex, RR_A, 1, address, 4, &e), ERR_LIMIT);
	assert_null(spool_create(f->path, f->apex, 0, &e));
	assert_int_equal(e.code, ERR_SYSTEM);
	spool_abandon(w);
	assert_int_not_equal(access(f->path, F_OK), 0);
	spool_abandon(NULL);
}

static void test_unfinished(void **state)
{
	struct fixture *f = *state;
	struct spool_writer *w = create(f, 0);
	struct err e = {0};

	for (unsigned i = 0; i < 10000; i++)
		add_a(w, "name.gov.", 60, (uint8_t)i);
	assert_null(spool_open(f->path, &e));
	assert_int_equal(e.code, ERR_FORMAT);
	spool_abandon(w);
	assert_null(spool_open(f->path, &e));
	assert_int_equal(e.code, ERR_SYSTEM);
}

static void test_delta_is_no_zone(void **state)
{
	struct fixture *f = *state;
	struct spool_writer *w = create(f, 0);
	struct spool_rrset set;
	struct spool_group group;
	struct spool_record record;
	struct err e = {0};
	struct spool *s;

	add_a(w, "a.gov.", 60, 1);
	finish(w, SPOOL_DELTA);
	s = open_good(f);
	assert_int_equal(spool_next(s, &set, &e), ERR_ARGUMENT);
	spool_close(s);
	unlink(f->path);
	w = create(f, 0);
	add_a(w, "a.gov.", 60, 1);
	spool_set_from(w, 41); /* means nothing in a whole zone */
	finish(w, SPOOL_FULL);
	s = open_good(f);
	assert_int_equal(spool_next_group(s, &group, &e), ERR_ARGUMENT);
	assert_int_equal(spool_next_record(s, &record, &e), ERR_MISSING);
	spool_close(s);
}

/* A whole zone has nothing to delete. */
static void test_zone_is_no_delta(void **state)
{
	struct fixture *f = *state;
	struct spool_writer *w = create(f, 0);
	struct err e = {0};

	step_a(w, SPOOL_DELETE, "a.gov.", 60, 1);
	finish(w, SPOOL_FULL);
	assert_null(spool_open(f->path, &e));
	assert_int_equal(e.code, ERR_FORMAT);
}

/* steps: "-1 +2", the addresses' last octets */
static void expect_group(struct spool *s, const char *name, const char *steps)
{
	char text[NAME_TEXT_SIZE], seen[200] = "";
	struct spool_group group;
	struct spool_record r;
	struct err e = {0};
	int rc;

	if (spool_next_group(s, &group, &e) != OK)
		fail_msg("%s expected: %s", name, e.text);
	name_text(group.owner, text);
	assert_string_equal(text, name);
	assert_int_equal(group.type, RR_A);
	assert_int_equal(group.key_len, name_key(group.owner, (uint8_t[NAME_KEY_MAX]){0}));
	while ((rc = spool_next_record(s, &r, &e)) == OK) {
		assert_int_equal(r.rdlen, 4);
		assert_true(name_equal(r.owner, group.owner));
		snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s%c%u",
		    *seen == '\0' ? "" : " ", r.step == SPOOL_ADD ? '+' : '-', r.rdata[3]);
	}
	assert_int_equal(rc, ERR_MISSING);
	assert_string_equal(seen, steps);
}

static void test_delta(void **state)
{
	struct fixture *f = *state;
	struct spool_writer *w = create(f, 0);
	struct spool_group group;
	struct err e = {0};
	struct spool *s;

	step_a(w, SPOOL_DELETE, "b.gov.", 60, 9);
	step_a(w, SPOOL_DELETE, "z.gov.", 60, 1);
	step_a(w, SPOOL_ADD, "B.gov.", 60, 2);
	step_a(w, SPOOL_ADD, "a.gov.", 60, 1);
	step_a(w, SPOOL_ADD, "a.b.gov.", 60, 1);
	/* the next version takes something back */
	step_a(w, SPOOL_DELETE, "b.gov.", 60, 2);
	step_a(w, SPOOL_ADD, "b.gov.", 60, 9);
	step_a(w, SPOOL_DELETE, "a.b.gov.", 60, 1);
	spool_set_from(w, 40);
	finish(w, SPOOL_DELTA);
	s = open_good(f);
	assert_int_equal(spool_kind(s), SPOOL_DELTA);
	assert_int_equal(spool_serial_from(s), 40);
	assert_int_equal(spool_serial(s), 42);
	for (unsigned i = 0; i < 2; i++, spool_rewind(s)) {
		expect_group(s, "a.gov.", "+1");
		assert_int_equal(spool_next_group(s, &group, &e), OK); /* its records are left */
		expect_group(s, "a.b.gov.", "+1 -1");
		expect_group(s, "z.gov.", "-1");
		assert_int_equal(spool_next_group(s, &group, &e), ERR_MISSING);
	}
	expect_group(s, "a.gov.", "+1");
	expect_group(s, "b.gov.", "-9 +2 -2 +9");
	spool_close(s);
}

static void rewrite(const char *path, const uint8_t *data, size_t len)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, len, out), len);
	fclose(out);
}

static void read_all(struct spool *s)
{
	struct spool_rrset set;
	struct spool_group group;
	struct spool_record record;
	struct err e = {0};

	while (spool_kind(s) == SPOOL_FULL && spool_next(s, &set, &e) == OK)
		;
	while (spool_kind(s) == SPOOL_DELTA && spool_next_group(s, &group, &e) == OK) {
		while (spool_next_record(s, &record, &e) == OK)
			;
	}
}

/* Whatever an octet is changed to, the reader stays inside the file. */
static void damage(const struct fixture *f)
{
	static uint8_t data[4096];
	unsigned refused = 0;
	struct err e = {0};
	size_t len;
	FILE *in = fopen(f->path, "r");

	assert_non_null(in);
	len = fread(data, 1, sizeof(data), in);
	fclose(in);
	for (size_t i = 0; i < len; i++) { /* cut, at every octet */
		rewrite(f->path, data, i);
		assert_null(spool_open(f->path, &e));
	}
	for (size_t i = 0; i < len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct spool *s;

			data[i] ^= (uint8_t)(1 << bit);
			rewrite(f->path, data, len);
			s = spool_open(f->path, &e);
			refused += s == NULL;
			if (s != NULL)
				read_all(s);
			spool_close(s);
			data[i] ^= (uint8_t)(1 << bit);
		}
	}
	assert_true(refused > 500); /* zeros in the header, TTLs and addresses may change */
}

static void test_damaged(void **state)
{
	struct fixture *f = *state;

	for (enum spool_kind kind = SPOOL_FULL; kind <= SPOOL_DELTA; kind++) {
		struct spool_writer *w = create(f, 0);

		step_a(w, kind == SPOOL_DELTA ? SPOOL_DELETE : SPOOL_ADD, "b.gov.", 60, 1);
		add_a(w, "a.b.gov.", 60, 2);
		add_a(w, "gov.", 60, 3);
		finish(w, kind);
		damage(f);
		unlink(f->path);
	}
}

static void test_many(void **state)
{
	struct fixture *f = *state;
	struct spool_writer *w = create(f, 0);
	unsigned n = 100000, seen = 0;
	uint8_t before[NAME_KEY_MAX] = {0};
	size_t before_len = 0;
	struct spool_rrset set;
	struct err e = {0};
	struct spool *s;
	char name[32];
	int rc;

	for (unsigned i = 0; i < n; i++) { /* 7919 is prime: every number once, far from sorted */
		snprintf(name, sizeof(name), "n%05u.gov.", (unsigned)(i * 7919ull % n));
		add_a(w, name, 60, 1);
	}
	finish(w, SPOOL_FULL);
	s = open_good(f);
	while ((rc = spool_next(s, &set, &e)) == OK) {
		size_t shorter = before_len < set.key_len ? before_len : set.key_len;

		assert_true(memcmp(before, set.key, shorter) < 0 || before_len == 0);
		memcpy(before, set.key, set.key_len);
		before_len = set.key_len;
		seen++;
	}
	assert_int_equal(rc, ERR_MISSING);
	assert_int_equal(seen, n);
	spool_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_sorts_and_groups, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_unfinished, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_delta_is_no_zone, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_zone_is_no_delta, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_delta, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
