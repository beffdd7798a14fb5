/* Changes made in place: the store holds what the model says, whatever becomes of the others that
 * share its commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "journal_rig.h"

#define ZONES 3

static const struct journal_limits ample = {.octets = 1 << 24, .age = 1000, .now = RIG_NOW};

struct fixture {
	char dir[64];
	struct store *store;
	struct rig_zone zones[ZONES]; /* the second has trees of its own */
};

static int setup(void **state)
{
	static const char *const names[ZONES] = {"a.test.", "b.test.", "n00.a.test."};
	struct fixture *f = mem_alloc(sizeof(*f));

	rig_random_begin();
	rig_dir_make(f->dir);
	f->store = rig_open(f->dir);
	for (unsigned i = 0; i < ZONES; i++)
		rig_zone_make(&f->zones[i], f->store, names[i], 100 + i, i == 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < ZONES; i++)
		rig_zone_free(&f->zones[i]);
	store_close(f->store);
	rig_dir_remove(f->dir);
	free(f);
	return 0;
}

static void reopen(struct fixture *f)
{
	store_close(f->store);
	f->store = rig_open(f->dir);
}

/* Now and then a version without a serial of its own: nothing that is served differs. */
static uint32_t next_serial(const struct rig_zone *z)
{
	return z->now.serial + (rig_random(8) > 0) * (1 + rig_random(3));
}

static void test_one_at_a_time(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 60; i++) {
		struct rig_zone *z = &f->zones[rig_random(ZONES)];
		struct rig_plan p;

		if (i % 20 == 19)
			reopen(f);
		rig_plan_random(&p, f->store, z, z->now.serial + 1 + rig_random(3), 12);
		rig_apply(&p, f->store, z, &ample);
		for (unsigned j = 0; j < ZONES; j++)
			rig_check(f->store, &f->zones[j]);
	}
}

/* One plan per zone, in parts of one commit; some are taken back, and sometimes all is. */
static void step_together(struct fixture *f)
{
	struct zone_head h[ZONES];
	struct rig_plan p[ZONES];
	bool kept[ZONES], commits = rig_random(4) > 0;
	struct store_write *w;
	struct err e = {0};

	assert_int_equal(store_write_begin(f->store, &w, &e), OK);
	for (unsigned i = 0; i < ZONES; i++) {
		struct rig_zone *z = &f->zones[i];
		uint32_t serial = next_serial(z);

		rig_plan_random(&p[i], f->store, z, serial, serial == z->now.serial ? 0 : 12);
		h[i] = p[i].after.head;
		kept[i] = rig_random(3) > 0;
		assert_int_equal(store_part_begin(w, &e), OK);
		assert_int_equal(store_part_begin(w, &e), ERR_STORE);
		assert_int_equal(change_apply(p[i].change, w, &z->head, &h[i], &ample, &e), OK);
		p[i].after.head = h[i];
		p[i].after.old_count = 1; /* expiry_first is known */
		rig_check_zone(store_write_view(w), &p[i].after);
		p[i].after.old_count = 0;
		assert_int_equal(store_part_end(w, kept[i], &e), OK);
		assert_int_equal(store_part_end(w, kept[i], &e), ERR_ARGUMENT);
		rig_check_zone(store_write_view(w), kept[i] ? &p[i].after : z);
	}
	if (commits)
		assert_int_equal(store_write_commit(w, &e), OK);
	else
		store_write_abort(w);
	for (unsigned i = 0; i < ZONES; i++) {
		if (commits && kept[i])
			rig_plan_took(&p[i], &f->zones[i], &h[i]);
		else
			rig_plan_free(&p[i]);
	}
}

static void test_together(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 40; i++) {
		if (i % 10 == 9)
			reopen(f);
		step_together(f);
		for (unsigned j = 0; j < ZONES; j++)
			rig_check(f->store, &f->zones[j]);
	}
}

/* A change is not used up by a write that was aborted. */
static void test_applied_again(void **state)
{
	struct fixture *f = *state;
	struct rig_zone *z = &f->zones[1];
	struct zone_head h;
	struct store_write *w;
	struct rig_plan p;
	struct err e = {0};

	rig_plan_random(&p, f->store, z, 200, 30);
	h = p.after.head;
	assert_int_equal(store_write_begin(f->store, &w, &e), OK);
	assert_int_equal(change_apply(p.change, w, &z->head, &h, &ample, &e), OK);
	store_write_abort(w);
	rig_check(f->store, z);
	rig_apply(&p, f->store, z, &ample);
	rig_check(f->store, z);
	assert_int_equal(z->head.journal_rows, 1);
}

/* Of several values for one RRset the last counts. */
static void test_last_one_wins(void **state)
{
	struct fixture *f = *state;
	struct rig_zone *z = &f->zones[0];
	struct buf one = {0}, other = {0};
	struct rig_plan p;

	rig_pack(z, 5, 300, 3, 1, &one);
	rig_pack(z, 5, 300, 5, 2, &other);
	rig_plan_begin(&p, f->store, z, 200);
	rig_plan_cell(&p, 5, one.data, one.len);
	rig_plan_cell(&p, 6, one.data, one.len);
	rig_plan_cell(&p, 5, NULL, 0);
	rig_plan_cell(&p, 6, NULL, 0);
	rig_plan_cell(&p, 5, other.data, other.len);
	assert_int_equal(change_count(p.change), 6);
	assert_true(change_octets(p.change) > one.len);
	rig_apply(&p, f->store, z, &ample);
	assert_non_null(z->now.cells[5].data);
	assert_null(z->now.cells[6].data);
	rig_check(f->store, z);
	buf_free(&one);
	buf_free(&other);
}

static int try_change(struct fixture *f, struct rig_plan *p, const struct zone_head *from,
    struct zone_head *h, struct err *e)
{
	struct store_write *w;
	int rc;

	*h = p->after.head;
	assert_int_equal(store_write_begin(f->store, &w, e), OK);
	rc = change_apply(p->change, w, from, h, &ample, e);
	if (rc == OK)
		assert_int_equal(store_write_commit(w, e), OK);
	else
		store_write_abort(w);
	return rc;
}

/* A change of a version that is not the last one any more, or of a zone that is gone. */
static void test_stale(void **state)
{
	struct fixture *f = *state;
	struct zone_head h;
	struct err e = {0};

	for (unsigned i = 0; i < 2; i++) { /* shared trees, own trees */
		struct rig_zone *z = &f->zones[i], newer;
		struct store_write *w;
		struct zone_head from = z->head;
		struct rig_plan p, q;
		struct snapshot *sn;

		rig_plan_random(&p, f->store, z, 200, 5);
		rig_plan_random(&q, f->store, z, 201, 5);
		rig_apply(&q, f->store, z, &ample);
		assert_int_equal(try_change(f, &p, &from, &h, &e), ERR_CONFLICT);
		assert_non_null(strstr(e.text, "test. from serial"));
		rig_check(f->store, z);

		/* Its generation was replaced: it must not come back as a few rows. */
		from = z->head;
		assert_int_equal(snapshot_open(f->store, &sn, &e), OK); /* it sees it still */
		rig_zone_make(&newer, f->store, i == 0 ? "a.test." : "b.test.", 300, i == 1);
		assert_int_equal(try_change(f, &p, &from, &h, &e), ERR_CONFLICT);
		from.serial_out = 200;
		assert_int_equal(try_change(f, &p, &from, &h, &e), ERR_CONFLICT);
		rig_check_zone(sn, z);
		snapshot_close(sn);
		rig_check(f->store, &newer);
		assert_int_equal(newer.head.journal_rows, 0);

		assert_int_equal(store_write_begin(f->store, &w, &e), OK);
		assert_int_equal(store_write_remove(w, newer.head.apex, &e), OK);
		assert_int_equal(store_write_commit(w, &e), OK);
		assert_int_equal(try_change(f, &p, &newer.head, &h, &e), ERR_CONFLICT);
		rig_plan_free(&p);
		rig_zone_free(&newer);
	}
	rig_check(f->store, &f->zones[2]);
}

static void test_arguments(void **state)
{
	struct fixture *f = *state;
	struct rig_zone *z = &f->zones[0];
	struct zone_head h;
	struct buf b = {0};
	struct rig_plan p;
	struct err e = {0};

	rig_plan_begin(&p, f->store, z, 99); /* back */
	assert_int_equal(try_change(f, &p, &z->head, &h, &e), ERR_ARGUMENT);
	rig_plan_free(&p);
	rig_plan_begin(&p, f->store, z, 200);
	rig_plan_cell(&p, RIG_SOA, NULL, 0);
	assert_int_equal(try_change(f, &p, &z->head, &h, &e), ERR_ARGUMENT);
	rig_pack_soa(z, 201, &b);
	rig_plan_cell(&p, RIG_SOA, b.data, b.len);
	assert_int_equal(try_change(f, &p, &z->head, &h, &e), ERR_ARGUMENT);
	assert_int_equal(change_rrset(p.change, b.data, 1, 1, b.data, 0, &e), ERR_ARGUMENT);
	assert_int_equal(
	    change_rrset(p.change, b.data, NAME_KEY_MAX, 1, b.data, 1, &e), ERR_ARGUMENT);
	rig_check(f->store, z);
	rig_plan_free(&p);
	buf_free(&b);
}

/* A generation built beside the live one is brought up to date and becomes the zone's version. */
static void test_replacement(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	for (unsigned i = 0; i < 2; i++) {
		struct rig_zone *z = &f->zones[i], beside;
		struct rig_plan p;
		struct build *b;

		rig_plan_random(&p, f->store, z, 200, 20);
		rig_apply(&p, f->store, z, &ample);
		rig_zone_random(&beside, i == 0 ? "a.test." : "b.test.", 150);
		b = rig_zone_build(&beside, f->store, true);
		assert_int_equal(build_head(b, &beside.head, &e), OK);
		rig_plan_random(&p, f->store, z, 201, 20); /* the live one goes on meanwhile */
		rig_apply(&p, f->store, z, &ample);
		rig_check(f->store, z);

		rig_plan_random(&p, f->store, &beside, 202, 20);
		rig_apply(&p, f->store, &beside, &ample);
		build_done(b);
		assert_false(beside.head.has_journal);
		rig_check(f->store, &beside);
		reopen(f);
		rig_check(f->store, &beside);
		rig_plan_random(&p, f->store, &beside, 203, 20);
		rig_apply(&p, f->store, &beside, &ample);
		assert_int_equal(beside.head.journal_rows, 1);
		rig_check(f->store, &beside);
		rig_zone_free(&beside);
	}
	rig_check(f->store, &f->zones[2]);
}

/* A small one flips and is changed in the same part; a part with a flip that is taken back leaves
 * the old generation and its journal. */
static void test_flip_in_parts(void **state)
{
	struct fixture *f = *state;
	struct rig_zone fresh[2];
	struct rig_plan p;
	struct zone_head h;
	struct store_write *w;
	struct build *b[2];
	struct err e = {0};

	for (unsigned i = 0; i < 2; i++) {
		rig_plan_random(&p, f->store, &f->zones[i], 200, 20);
		rig_apply(&p, f->store, &f->zones[i], &ample);
		rig_zone_random(&fresh[i], i == 0 ? "a.test." : "b.test.", 300);
		b[i] = rig_zone_build(&fresh[i], f->store, i == 0);
		assert_int_equal(build_flush(b[i], &e), OK);
	}
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(store_write_begin(f->store, &w, &e), OK);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(store_part_begin(w, &e), OK);
			assert_int_equal(build_flip_in(b[i], w, &fresh[i].head, &e), OK);
			rig_check_zone(store_write_view(w), &fresh[i]);
			assert_int_equal(store_part_end(w, round == 1 && i == 1, &e), OK);
		}
		if (round == 0) { /* and a commit that keeps none of them */
			assert_int_equal(store_write_commit(w, &e), OK);
			rig_check(f->store, &f->zones[0]);
			rig_check(f->store, &f->zones[1]);
		}
	}
	/* Behind a flip, in a part of its own: the change of what was flipped. */
	rig_plan_random(&p, f->store, &fresh[1], 301, 20);
	h = p.after.head;
	assert_int_equal(store_part_begin(w, &e), OK);
	assert_int_equal(change_apply(p.change, w, &fresh[1].head, &h, &ample, &e), OK);
	assert_int_equal(store_write_commit(w, &e), OK); /* with the part that is open */
	rig_plan_took(&p, &fresh[1], &h);
	build_done(b[1]);
	build_abandon(b[0]);
	for (unsigned round = 0; round < 2; round++) {
		rig_check(f->store, &f->zones[0]);
		rig_check(f->store, &fresh[1]);
		reopen(f);
	}
	assert_int_equal(f->zones[0].head.journal_rows, 1);
	assert_int_equal(fresh[1].head.journal_rows, 1);
	rig_zone_free(&fresh[0]);
	rig_zone_free(&fresh[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_one_at_a_time, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_together, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_applied_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_last_one_wins, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_arguments, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_replacement, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_flip_in_parts, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
