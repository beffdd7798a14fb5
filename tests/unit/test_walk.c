/* Walks that begin in the middle and go backwards: in shared trees between other generations, in
 * trees of a generation's own, and over a build in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "journal_rig.h"

#define ROWS_MAX (RIG_CELLS + 1)

struct row {
	uint8_t key[NAME_KEY_MAX];
	size_t key_len;
	uint16_t type;
};

struct rows { /* one kind, in order */
	struct row list[ROWS_MAX];
	unsigned count;
};

static int compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int c = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

/* All rows forwards; both kinds. */
static void list_rows(struct walk *w, struct rows kinds[2])
{
	memset(kinds, 0, 2 * sizeof(*kinds));
	while (walk_next(w) == OK) {
		struct rows *r = &kinds[w->is_nsec3];
		struct row *row = &r->list[r->count++];

		memcpy(row->key, w->key, w->key_len);
		row->key_len = w->key_len;
		row->type = w->type;
	}
}

static void expect(const struct walk *w, const struct row *row, bool nsec3)
{
	assert_int_equal(w->is_nsec3, nsec3);
	assert_int_equal(w->type, row->type);
	assert_int_equal(w->key_len, row->key_len);
	assert_memory_equal(w->key, row->key, row->key_len);
}

/* From the place that rc tells of, which is row at - 1, back to the first. */
static void check_backwards(struct walk *w, int rc, const struct rows *r, unsigned at, bool nsec3)
{
	for (; at > 0; at--, rc = walk_prev(w)) {
		assert_int_equal(rc, OK);
		expect(w, &r->list[at - 1], nsec3);
	}
	assert_int_equal(rc, ERR_MISSING);
}

static int seek_before(struct walk *w, bool nsec3, const uint8_t *key, size_t key_len)
{
	return nsec3 ? walk_seek_nsec3_before(w, key) : walk_seek_before(w, key, key_len);
}

static void check_probe(
    struct walk *w, const struct rows *r, bool nsec3, const uint8_t *key, size_t key_len)
{
	unsigned at = 0;

	while (at < r->count && compare(r->list[at].key, r->list[at].key_len, key, key_len) < 0)
		at++;
	check_backwards(w, seek_before(w, nsec3, key, key_len), r, at, nsec3);
	if (at == 0)
		return;
	/* And forwards from there, and back over it. */
	assert_int_equal(seek_before(w, nsec3, key, key_len), OK);
	if (at < r->count) {
		assert_int_equal(walk_next(w), OK);
		expect(w, &r->list[at], nsec3);
		check_backwards(w, walk_prev(w), r, at, nsec3);
	}
}

static void check_kind(struct walk *w, const struct rows *r, bool nsec3)
{
	static const uint8_t lowest[NSEC3_HASH_LEN];
	uint8_t key[NAME_KEY_MAX];

	check_backwards(w, seek_before(w, nsec3, NULL, 0), r, r->count, nsec3);
	check_probe(w, r, nsec3, lowest, nsec3 ? sizeof(lowest) : 0);
	for (unsigned i = 0; i < r->count; i++) {
		size_t len = r->list[i].key_len;

		memcpy(key, r->list[i].key, len);
		check_probe(w, r, nsec3, key, len);
		if (!nsec3) { /* names that are not there: below this one, and beside it */
			memcpy(key + len, "\1\1\0", 3);
			check_probe(w, r, nsec3, key, len + 3);
		}
		for (unsigned up = 0; len > 1 && up < 2; up++) {
			key[len - 2] += up == 0 ? 1 : -2;
			check_probe(w, r, nsec3, key, len);
		}
	}
}

static void check_walk(struct walk *w)
{
	struct rows *kinds = mem_array(2, sizeof(*kinds));

	list_rows(w, kinds);
	assert_true(kinds[0].count > 0);
	check_kind(w, &kinds[0], false);
	check_kind(w, &kinds[1], true);
	walk_close(w);
	free(kinds);
}

static void check_zone(struct store *s, const struct zone_head *h)
{
	struct snapshot *sn;
	struct walk w;
	struct err e = {0};

	assert_int_equal(snapshot_open(s, &sn, &e), OK);
	assert_int_equal(walk_open(sn, h, &w, &e), OK);
	assert_int_equal(walk_prev(&w), ERR_MISSING); /* it stands nowhere yet */
	check_walk(&w);
	snapshot_close(sn);
}

static void test_backwards(void **state)
{
	static const char *const names[] = {".", "a.", "test.", "z."};
	struct rig_zone zones[MEM_COUNT(names)];
	char dir[64];
	struct store *s;

	(void)state;
	rig_random_begin();
	rig_dir_make(dir);
	s = rig_open(dir);
	for (unsigned i = 0; i < MEM_COUNT(names); i++)
		rig_zone_make(&zones[i], s, names[i], 1, i == 3);
	for (unsigned i = 0; i < MEM_COUNT(names); i++) {
		check_zone(s, &zones[i].head);
		rig_zone_free(&zones[i]);
	}
	store_close(s);
	rig_dir_remove(dir);
}

static void test_in_memory(void **state)
{
	struct rig_zone z;
	struct snapshot *sn;
	struct build *b;
	struct walk w;
	struct err e = {0};
	char dir[64];
	struct store *s;

	(void)state;
	rig_random_begin();
	rig_dir_make(dir);
	s = rig_open(dir);
	rig_zone_random(&z, "test.", 1);
	b = rig_zone_build(&z, s, false);
	assert_int_equal(build_walk(b, &sn, &w, &e), OK);
	check_walk(&w);
	build_abandon(b);
	rig_zone_free(&z);
	store_close(s);
	rig_dir_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_backwards),
	    cmocka_unit_test(test_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
