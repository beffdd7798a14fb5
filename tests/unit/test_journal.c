/* The journal: what it keeps, what it forgets, and that it is never believed when it is damaged. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "journal_rig.h"
#include "zone/store_internal.h"

struct fixture {
	char dir[64];
	struct store *store;
	struct rig_zone zone;
	struct journal_limits limits;
};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	rig_random_begin();
	rig_dir_make(f->dir);
	f->store = rig_open(f->dir);
	rig_zone_make(&f->zone, f->store, "test.", UINT32_MAX - 5, false); /* serials wrap */
	f->limits = (struct journal_limits){.octets = 1 << 24, .age = 1000, .now = RIG_NOW};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rig_zone_free(&f->zone);
	store_close(f->store);
	rig_dir_remove(f->dir);
	free(f);
	return 0;
}

static void step(struct fixture *f, unsigned most)
{
	struct rig_plan p;

	rig_plan_random(&p, f->store, &f->zone, f->zone.now.serial + 1, most);
	rig_apply(&p, f->store, &f->zone, &f->limits);
}

static unsigned ways(struct fixture *f)
{
	struct snapshot *sn;
	struct err e = {0};
	unsigned n;

	rig_check(f->store, &f->zone);
	assert_int_equal(snapshot_open(f->store, &sn, &e), OK);
	n = rig_check_journal(sn, &f->zone);
	snapshot_close(sn);
	return n;
}

static void test_limit_octets(void **state)
{
	struct fixture *f = *state;
	uint64_t before;

	f->limits.octets = 20000;
	for (unsigned i = 0; i < 40; i++) {
		step(f, 20);
		assert_true(f->zone.head.journal_octets <= f->limits.octets);
		ways(f);
	}
	assert_in_range(ways(f), 1, 39);
	before = f->zone.head.journal_octets;
	f->limits.octets = before; /* just enough for what there is: the next one makes room */
	step(f, 1);
	assert_true(f->zone.head.journal_octets <= before);
	f->limits.octets = 100; /* less than one row */
	step(f, 1);
	assert_false(f->zone.head.has_journal);
	assert_int_equal(ways(f), 0);
	f->limits.octets = 20000;
	step(f, 1);
	assert_int_equal(ways(f), 1);
}

static void test_limit_age(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 30; i++) {
		f->limits.now += 100;
		step(f, 8);
		assert_int_equal(ways(f), i < 11 ? i + 1 : 11); /* as old as may be is kept */
	}
	f->limits.now += 100000;
	step(f, 8);
	assert_int_equal(ways(f), 1);
}

static size_t rows_in_tree(struct fixture *f)
{
	MDB_stat stat;
	MDB_txn *txn;

	assert_int_equal(store_begin(f->store, &txn), 0);
	assert_int_equal(mdb_stat(txn, f->store->trees[TREE_JOURNAL], &stat), 0);
	mdb_txn_abort(txn);
	return stat.ms_entries;
}

/* One version of many chunks, and one with an RRset larger than a chunk. */
static void test_many_chunks(void **state)
{
	struct fixture *f = *state;
	struct buf b = {0};
	struct rig_plan p;

	for (unsigned round = 0; round < 3; round++) {
		rig_plan_begin(&p, f->store, &f->zone, f->zone.now.serial + 1);
		for (unsigned i = 1; i < RIG_CELLS; i++) {
			buf_reset(&b);
			rig_pack(&f->zone, i, 300 + round, 63, round == 2 ? 1023 : 15, &b);
			rig_plan_cell(&p, i, b.data, b.len);
		}
		rig_apply(&p, f->store, &f->zone, &f->limits);
		assert_int_equal(ways(f), round + 1);
	}
	assert_true(rows_in_tree(f) >= f->zone.head.journal_octets / 16384);
	assert_true(rows_in_tree(f) > 6);
	for (unsigned i = 0; i < 3; i++)
		step(f, 8);
	assert_int_equal(ways(f), 6);
	f->limits.octets = f->zone.head.journal_octets / 2;
	step(f, 8);
	assert_in_range(ways(f), 4, 6);
	buf_free(&b);
}

/* Only what differs stands in it; a TTL is every record's own. */
static void test_granularity(void **state)
{
	static const struct {
		uint32_t ttl;
		unsigned records, sigs, expected;
	} steps[] = {{300, 7, 1, 4 + 4}, {300, 7, 2, 4 + 2}, {300, 14, 2, 4 + 2},
	    {60, 14, 2, 4 + 8}, {60, 14, 2, 4}, {60, 15, 7, 4 + 3}, {60, 0, 0, 4 + 7}};
	struct fixture *f = *state;
	struct journal *j;
	struct snapshot *sn;
	struct buf b = {0};
	struct rig_plan p;
	struct err e = {0};

	rig_plan_begin(&p, f->store, &f->zone, f->zone.now.serial + 1);
	rig_plan_cell(&p, 7, NULL, 0);
	rig_apply(&p, f->store, &f->zone, &f->limits);
	for (unsigned i = 0; i < MEM_COUNT(steps); i++) {
		uint32_t before = f->zone.now.serial;

		buf_reset(&b);
		rig_plan_begin(&p, f->store, &f->zone, before + 1);
		rig_pack(&f->zone, 7, steps[i].ttl, steps[i].records, steps[i].sigs, &b);
		rig_plan_cell(&p, 7, steps[i].records > 0 ? b.data : NULL, b.len);
		rig_apply(&p, f->store, &f->zone, &f->limits);
		assert_int_equal(snapshot_open(f->store, &sn, &e), OK);
		assert_int_equal(journal_open(sn, &f->zone.head, before, &j), OK);
		/* The two SOAs and their signatures are four. */
		assert_int_equal(journal_records(j), i == 0 ? 4 + 4 : steps[i].expected);
		journal_close(j);
		snapshot_close(sn);
	}
	ways(f);
	buf_free(&b);
}

/* The key of the row, or of one of its chunks. */
static MDB_val row_key(struct fixture *f, uint32_t serial, uint16_t chunk, uint8_t *k)
{
	MDB_val key = {store_key_journal(k, f->zone.head.apex, serial, chunk), k};

	return key;
}

/* Put other octets where a row was, or NULL: none. */
static void damage(struct fixture *f, uint32_t serial, const void *octets, size_t len)
{
	uint8_t k[STORE_KEY_MAX];
	MDB_val key = row_key(f, serial, 0, k), value = {len, (void *)(uintptr_t)octets};
	MDB_txn *txn;

	assert_int_equal(store_begin(f->store, &txn), 0);
	if (octets == NULL)
		assert_int_equal(mdb_del(txn, f->store->trees[TREE_JOURNAL], &key, NULL), 0);
	else
		assert_int_equal(mdb_put(txn, f->store->trees[TREE_JOURNAL], &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
}

static int try_open(struct fixture *f, uint32_t serial)
{
	struct journal *j = NULL;
	struct snapshot *sn;
	struct err e = {0};
	int rc;

	assert_int_equal(snapshot_open(f->store, &sn, &e), OK);
	rc = journal_open(sn, &f->zone.head, serial, &j);
	if (rc == OK)
		while ((rc = journal_next(j, &(struct journal_item){0})) == OK)
			;
	rc = rc == ERR_MISSING && j != NULL ? OK : rc;
	journal_close(j);
	snapshot_close(sn);
	return rc;
}

static void test_broken(void **state)
{
	struct fixture *f = *state;
	uint8_t header[JOURNAL_HEADER];
	uint32_t first = f->zone.now.serial;
	struct journal_row row = {.octets = 10, .chunks = 1, .made = RIG_NOW};

	for (unsigned kind = 0; kind < 5; kind++) {
		first = f->zone.now.serial;
		f->limits.octets = 1 << 24;
		for (unsigned i = 0; i < 5; i++)
			step(f, 8);
		row.to = kind == 2 ? first + 2 : kind == 3 ? first + 4 : first + 3;
		row.octets = kind == 4 ? 1 << 30 : 10;
		journal_row_header(&row, header);
		if (kind == 0)
			damage(f, first + 2, NULL, 0);
		else
			damage(f, first + 2, header, kind == 1 ? 20 : sizeof(header));
		/* Behind the damage all is well; before it nothing is believed. */
		assert_int_equal(try_open(f, first + 3), OK);
		assert_int_not_equal(try_open(f, first + 2), OK);
		assert_int_not_equal(try_open(f, first), OK);
		/* When old rows must go the break is found, and a new journal begins. */
		f->limits.octets = 3000;
		while (f->zone.head.journal_first != f->zone.now.serial - 1)
			step(f, 8);
		assert_int_equal(f->zone.head.journal_rows, 1);
		assert_int_equal(ways(f), 1);
		f->limits.octets = 1;
		step(f, 1);
	}
}

/* A head that promises what no row holds, and rows that lead round in a circle. */
static void test_bounds(void **state)
{
	struct fixture *f = *state;
	uint32_t first = f->zone.now.serial;

	for (unsigned i = 0; i < 3; i++)
		step(f, 8);
	assert_int_equal(try_open(f, first - 1), ERR_MISSING);
	assert_int_equal(try_open(f, first + 4), ERR_MISSING);
	assert_int_equal(try_open(f, first + 3), OK); /* no way at all is a way, too */
	f->zone.head.journal_rows = 2;
	assert_int_equal(try_open(f, first), ERR_MISSING);
	assert_int_equal(try_open(f, first + 1), OK);
	f->zone.head.has_journal = false;
	assert_int_equal(try_open(f, first + 1), ERR_MISSING);
}

static void test_dropped_with_version(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++)
		step(f, 8);
	assert_int_equal(rows_in_tree(f), 3);
	rig_zone_free(&f->zone);
	rig_zone_make(&f->zone, f->store, "test.", 50, true);
	assert_int_equal(rows_in_tree(f), 0);
	step(f, 8);
	assert_int_equal(ways(f), 1);
}

static void test_dropped_with_zone(void **state)
{
	struct fixture *f = *state;
	struct rig_zone other;
	struct store_write *w;
	struct err e = {0};
	MDB_stat stat;

	for (unsigned i = 0; i < 3; i++)
		step(f, 8);
	rig_zone_make(&other, f->store, "a.test.", 1, false); /* its keys begin with ours */
	assert_int_equal(store_write_begin(f->store, &w, &e), OK);
	assert_int_equal(store_write_remove(w, f->zone.head.apex, &e), OK);
	assert_int_equal(mdb_stat(w->view.txn, f->store->trees[TREE_JOURNAL], &stat), 0);
	assert_int_equal(stat.ms_entries, 0);
	assert_int_equal(mdb_stat(w->view.txn, f->store->trees[TREE_EXPIRY], &stat), 0);
	assert_in_range(stat.ms_entries, 1, RIG_ENTRIES);
	assert_int_equal(store_write_commit(w, &e), OK);
	rig_check(f->store, &other);
	rig_zone_free(&other);
}

/* R12: killed anywhere, head, rows, index and journal are those of one version. */
static void test_killed(void **state)
{
	struct fixture *f = *state;

	f->limits.octets = 30000;
	for (unsigned round = 0; round < 12; round++) {
		unsigned naps = rig_random(20000);
		unsigned seed = rig_seed;
		struct snapshot *sn;
		struct zone_head h;
		struct rig_plan p;
		struct err e = {0};
		uint8_t one;
		int fd[2];
		pid_t child;

		store_close(f->store);
		assert_int_equal(pipe(fd), 0);
		child = fork();
		if (child == 0) {
			f->store = rig_open(f->dir);
			for (;; (void)!write(fd[1], "", 1))
				step(f, 12);
		}
		close(fd[1]);
		assert_int_equal(read(fd[0], &one, 1), 1);
		usleep(naps);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		close(fd[0]);
		f->store = rig_open(f->dir);
		assert_int_equal(snapshot_open(f->store, &sn, &e), OK);
		assert_int_equal(snapshot_head(sn, f->zone.head.apex, &h), OK);
		snapshot_close(sn);
		assert_int_not_equal(h.serial_out, f->zone.now.serial);
		/* What the child did, done again in the model. */
		rig_seed = seed;
		while (f->zone.now.serial != h.serial_out) {
			rig_plan_random(&p, f->store, &f->zone, f->zone.now.serial + 1, 12);
			rig_plan_took(&p, &f->zone, &h);
		}
		assert_in_range(ways(f), 1, RIG_KEPT);
	}
}

static int try_step(struct fixture *f, struct err *e)
{
	struct rig_plan p;
	struct store_write *w;
	struct zone_head h;
	int rc;

	rig_plan_random(&p, f->store, &f->zone, f->zone.now.serial + 1, 30);
	h = p.after.head;
	assert_int_equal(store_write_begin(f->store, &w, e), OK);
	rc = change_apply(p.change, w, &f->zone.head, &h, &f->limits, e);
	if (rc == OK)
		rc = store_write_commit(w, e);
	else
		store_write_abort(w);
	if (rc == OK)
		rig_plan_took(&p, &f->zone, &h);
	else
		rig_plan_free(&p);
	return rc;
}

static void step_until_refused(struct fixture *f, const char *words)
{
	struct err e = {0};

	for (unsigned i = 0; i < 3; i++) { /* again and again */
		while (try_step(f, &e) == OK)
			;
		assert_int_equal(e.code, ERR_STORE);
		if (strstr(e.text, words) == NULL)
			fail_msg("%s", e.text);
		ways(f);
	}
}

/* A disk that is full, and has room again: the process lives through it. */
static void test_no_room(void **state)
{
	struct fixture *f = *state;
	struct rlimit all, little;
	struct store_space n;

	signal(SIGXFSZ, SIG_IGN);
	store_space(f->store, &n);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
	little = all;
	little.rlim_cur = (rlim_t)n.file + 50000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	step_until_refused(f, "the last good version stays");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	for (unsigned i = 0; i < 5; i++)
		step(f, 30);
	assert_in_range(ways(f), 5, RIG_KEPT);
}

/* All of store_max is used: what there is stays, and more room is all that it takes. */
static void test_map_full(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	store_close(f->store);
	f->store = store_open(f->dir, true, 400000, &e);
	assert_non_null(f->store);
	step_until_refused(f, "store_max");
	f->limits.octets = 2000; /* now old rows are to go: that takes room, too */
	for (unsigned i = 0; i < 5; i++)
		if (try_step(f, &e) != OK && strstr(e.text, "store_max") == NULL)
			fail_msg("%s", e.text);
	ways(f);
	store_close(f->store);
	f->store = rig_open(f->dir);
	for (unsigned i = 0; i < 5; i++)
		step(f, 30);
	assert_in_range(ways(f), 0, 5);
}

/* What is too much for the room left is taken back alone: the others of its commit are kept. */
static void test_part_too_large(void **state)
{
	static const uint8_t much[60000];
	struct fixture *f = *state;
	struct store_write *w;
	struct snapshot *sn;
	const uint8_t *value;
	struct err e = {0};
	size_t len;

	store_close(f->store);
	f->store = store_open(f->dir, true, 400000, &e);
	assert_non_null(f->store);
	assert_int_equal(store_write_begin(f->store, &w, &e), OK);
	for (uint8_t i = 0; i < 5; i++) {
		int rc = OK;

		assert_int_equal(store_part_begin(w, &e), OK);
		for (uint8_t n = 0; rc == OK && i % 2 == 1; n++)
			rc = store_write_meta(
			    w, META_SIGN, (uint8_t[]){i, n}, 2, much, sizeof(much), &e);
		assert_int_equal(rc, i % 2 == 1 ? ERR_STORE : OK);
		if (rc == OK)
			rc = store_write_meta(w, META_SIGN, &i, 1, &i, 1, &e);
		assert_int_equal(store_part_end(w, rc == OK, &e), OK);
	}
	assert_int_equal(store_write_commit(w, &e), OK);
	assert_int_equal(snapshot_open(f->store, &sn, &e), OK);
	for (uint8_t i = 0; i < 5; i++)
		assert_int_equal(snapshot_meta(sn, META_SIGN, &i, 1, &value, &len),
		    i % 2 == 1 ? ERR_MISSING : OK);
	assert_int_equal(
	    snapshot_meta(sn, META_SIGN, (uint8_t[]){1, 0}, 2, &value, &len), ERR_MISSING);
	snapshot_close(sn);
	step(f, 8);
	ways(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_limit_octets, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_limit_age, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_many_chunks, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_granularity, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_dropped_with_version, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_dropped_with_zone, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_map_full, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_part_too_large, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
