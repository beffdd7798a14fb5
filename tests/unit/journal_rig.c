/* journal_rig: zones of a few RRsets at random, and changes to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "journal_rig.h"
#include "dns/rrset.h"
#include "dns/rrtype.h"

unsigned rig_seed;

unsigned rig_random(unsigned below)
{
	return (unsigned)rand_r(&rig_seed) % below;
}

void rig_random_begin(void)
{
	const char *given = getenv("RIG_SEED");

	rig_seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)getpid();
	print_message("# RIG_SEED=%u\n", rig_seed);
}

void rig_dir_make(char dir[64])
{
	strcpy(dir, "/tmp/itg-change-XXXXXX");
	assert_non_null(mkdtemp(dir));
}

void rig_dir_remove(const char *dir)
{
	static const char *const files[] = {"data.mdb", "lock.mdb", "writer.lock"};
	char path[128];

	for (size_t i = 0; i < MEM_COUNT(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
}

struct store *rig_open(const char *dir)
{
	struct err e = {0};
	struct store *s = store_open(dir, true, RIG_SIZE, &e);

	if (s == NULL)
		fail_msg("%s", e.text);
	return s;
}

static void cell_set(struct rig_cell *c, const uint8_t *data, size_t len)
{
	uint8_t *copy = NULL;

	if (data != NULL) {
		copy = mem_alloc(len);
		memcpy(copy, data, len);
	}
	free(c->data);
	c->data = copy;
	c->len = data != NULL ? len : 0;
}

static void version_copy(const struct rig_version *from, struct rig_version *to)
{
	memset(to, 0, sizeof(*to));
	to->serial = from->serial;
	for (unsigned i = 0; i < RIG_CELLS; i++)
		cell_set(&to->cells[i], from->cells[i].data, from->cells[i].len);
}

static void version_free(struct rig_version *v)
{
	for (unsigned i = 0; i < RIG_CELLS; i++)
		free(v->cells[i].data);
}

void rig_zone_random(struct rig_zone *z, const char *apex, uint32_t serial)
{
	struct buf b = {0};

	memset(z, 0, sizeof(*z));
	assert_int_equal(name_parse(apex, z->head.apex), OK);
	z->head.has_out = true;
	z->head.serial_out = z->now.serial = serial;
	for (unsigned i = 0; i < RIG_CELLS; i++) {
		buf_reset(&b);
		if (i == RIG_SOA)
			rig_pack_soa(z, serial, &b);
		else if (rig_random(2) == 0)
			continue;
		else
			rig_pack_random(z, i, &b);
		cell_set(&z->now.cells[i], b.data, b.len);
	}
	for (unsigned i = 0; i < RIG_ENTRIES; i++)
		z->entries[i] = rig_random(2) == 0;
	buf_free(&b);
}

/* The cells in the order of the store: by owner's key, then type. */
static const struct rig_zone *order_zone;

static int compare_cells(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
	uint8_t kx[NAME_KEY_MAX], ky[NAME_KEY_MAX];
	size_t nx = rig_cell_key(order_zone, x, kx), ny = rig_cell_key(order_zone, y, ky);
	int c = memcmp(kx, ky, nx < ny ? nx : ny);

	if (rig_cell_is_nsec3(x) != rig_cell_is_nsec3(y))
		return rig_cell_is_nsec3(x) ? 1 : -1;
	if (c == 0)
		c = nx != ny ? (nx > ny) - (nx < ny)
			     : (int)rig_cell_type(x) - (int)rig_cell_type(y);
	return c;
}

static void cells_in_order(const struct rig_zone *z, unsigned out[RIG_CELLS])
{
	for (unsigned i = 0; i < RIG_CELLS; i++)
		out[i] = i;
	order_zone = z;
	qsort(out, RIG_CELLS, sizeof(*out), compare_cells);
}

struct build *rig_zone_build(const struct rig_zone *z, struct store *s, bool own)
{
	uint8_t key[NAME_KEY_MAX], last[NAME_KEY_MAX];
	unsigned order[RIG_CELLS];
	struct expiry_entry x;
	struct err e = {0};
	struct build *b = build_begin(s, own ? STORE_SMALL + 1 : RIG_CELLS, &e);
	int rc = OK;

	cells_in_order(z, order);
	for (unsigned i = 0; rc == OK && i < RIG_CELLS; i++) {
		const struct rig_cell *c = &z->now.cells[order[i]];
		size_t len = rig_cell_key(z, order[i], key);

		if (c->data != NULL && rig_cell_is_nsec3(order[i]))
			rc = build_nsec3(b, key, c->data, c->len, &e);
		else if (c->data != NULL)
			rc = build_rrset(b, key, len, rig_cell_type(order[i]), c->data, c->len, &e);
	}
	for (unsigned i = 0; rc == OK && i < RIG_ENTRIES; i++) {
		rig_entry_make(z, i, key, last, &x);
		if (z->entries[i])
			rc = build_expiry(b, &x, &e);
	}
	if (rc != OK)
		fail_msg("%s", e.text);
	return b;
}

void rig_zone_make(struct rig_zone *z, struct store *s, const char *apex, uint32_t serial, bool own)
{
	struct err e = {0};

	rig_zone_random(z, apex, serial);
	if (build_flip(rig_zone_build(z, s, own), &z->head, NULL, NULL, &e) != OK)
		fail_msg("%s", e.text);
	assert_int_equal(z->head.own_trees, own);
}

static void forget_oldest(struct rig_zone *z)
{
	version_free(z->old[0]);
	free(z->old[0]);
	memmove(z->old, z->old + 1, --z->old_count * sizeof(*z->old));
}

void rig_zone_free(struct rig_zone *z)
{
	version_free(&z->now);
	while (z->old_count > 0)
		forget_oldest(z);
}

void rig_plan_begin(struct rig_plan *p, struct store *s, const struct rig_zone *z, uint32_t serial)
{
	struct buf b = {0};

	memset(p, 0, sizeof(*p));
	p->change = change_new(s);
	p->after.head = z->head;
	p->after.head.serial_out = serial;
	memcpy(p->after.entries, z->entries, sizeof(z->entries));
	version_copy(&z->now, &p->after.now);
	p->after.now.serial = serial;
	if (serial != z->now.serial) {
		rig_pack_soa(z, serial, &b);
		rig_plan_cell(p, RIG_SOA, b.data, b.len);
	}
	buf_free(&b);
}

void rig_plan_cell(struct rig_plan *p, unsigned cell, const uint8_t *packed, size_t len)
{
	uint8_t key[NAME_KEY_MAX];
	size_t key_len = rig_cell_key(&p->after, cell, key);
	struct err e = {0};
	int rc = rig_cell_is_nsec3(cell)
		     ? change_nsec3(p->change, key, packed, len, &e)
		     : change_rrset(p->change, key, key_len, rig_cell_type(cell), packed, len, &e);

	if (rc != OK)
		fail_msg("%s", e.text);
	cell_set(&p->after.now.cells[cell], packed, len);
}

static void plan_entry(struct rig_plan *p, unsigned i, bool is_added)
{
	uint8_t first[NAME_KEY_MAX], last[NAME_KEY_MAX];
	struct expiry_entry x;
	struct err e = {0};

	rig_entry_make(&p->after, i, first, last, &x);
	/* Now and then both, in either order: it is there. */
	if (is_added && rig_random(4) == 0)
		assert_int_equal(change_expiry_drop(p->change, &x, &e), OK);
	if (is_added)
		assert_int_equal(change_expiry_add(p->change, &x, &e), OK);
	if (!is_added || rig_random(4) == 0)
		assert_int_equal(change_expiry_drop(p->change, &x, &e), OK);
	p->after.entries[i] = is_added;
}

void rig_plan_random(
    struct rig_plan *p, struct store *s, const struct rig_zone *z, uint32_t serial, unsigned most)
{
	bool touched[RIG_ENTRIES] = {false};
	struct buf b = {0};

	rig_plan_begin(p, s, z, serial);
	for (unsigned n = rig_random(most + 1); n > 0; n--) {
		unsigned cell = 1 + rig_random(RIG_CELLS - 1), i = rig_random(RIG_ENTRIES);

		buf_reset(&b);
		rig_pack_random(z, cell, &b);
		rig_plan_cell(p, cell, rig_random(3) > 0 ? b.data : NULL, b.len);
		if (!touched[i])
			plan_entry(p, i, rig_random(2) == 0);
		touched[i] = true;
	}
	buf_free(&b);
}

void rig_plan_free(struct rig_plan *p)
{
	change_free(p->change);
	version_free(&p->after.now);
	memset(p, 0, sizeof(*p));
}

void rig_plan_took(struct rig_plan *p, struct rig_zone *z, const struct zone_head *h)
{
	if (z->old_count == RIG_KEPT)
		forget_oldest(z);
	if (z->now.serial == p->after.now.serial) {
		version_free(&z->now);
	} else {
		z->old[z->old_count] = mem_alloc(sizeof(z->now));
		*z->old[z->old_count++] = z->now;
	}
	version_copy(&p->after.now, &z->now);
	memcpy(z->entries, p->after.entries, sizeof(z->entries));
	z->head = *h;
	rig_plan_free(p);
}

void rig_apply(
    struct rig_plan *p, struct store *s, struct rig_zone *z, const struct journal_limits *limits)
{
	struct zone_head h = p->after.head;
	struct store_write *w;
	struct err e = {0};
	int rc = store_write_begin(s, &w, &e);

	if (rc == OK)
		rc = change_apply(p->change, w, &z->head, &h, limits, &e);
	if (rc == OK)
		rc = store_write_commit(w, &e);
	if (rc != OK)
		fail_msg("%s", e.text);
	rig_plan_took(p, z, &h);
}
