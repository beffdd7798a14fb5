/* journal_rig_check: is in the store what the model says? */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "journal_rig.h"
#include "dns/rrset.h"
#include "dns/rrtype.h"

struct entries {
	const struct rig_zone *zone;
	unsigned seen;
	int64_t last, first;
};

static int check_entry(void *arg, const struct expiry_entry *x)
{
	struct entries *n = arg;
	unsigned i = rig_entry_of(n->zone, x);

	assert_in_range(i, 0, RIG_ENTRIES - 1);
	assert_true(n->zone->entries[i]);
	assert_true(x->expiry >= n->last);
	n->first = n->seen++ == 0 ? x->expiry : n->first;
	n->last = x->expiry;
	return OK;
}

static void check_expiry(struct snapshot *sn, const struct rig_zone *z)
{
	struct entries n = {.zone = z};
	unsigned expected = 0;

	assert_int_equal(snapshot_each_expiry(sn, &z->head, check_entry, &n), OK);
	for (unsigned i = 0; i < RIG_ENTRIES; i++)
		expected += z->entries[i];
	assert_int_equal(n.seen, expected);
	if (z->old_count > 0) /* a build leaves it to its caller */
		assert_true(z->head.expiry_first == n.first);
}

void rig_check_zone(struct snapshot *sn, const struct rig_zone *z)
{
	unsigned seen = 0, expected = 0;
	struct zone_head h;
	struct err e = {0};
	struct walk w;
	int rc;

	assert_int_equal(snapshot_head(sn, z->head.apex, &h), OK);
	assert_int_equal(h.serial_out, z->now.serial);
	assert_int_equal(h.generation, z->head.generation);
	assert_int_equal(h.journal_rows, z->head.journal_rows);
	assert_int_equal(h.expiry_first, z->head.expiry_first);
	assert_int_equal(walk_open(sn, &h, &w, &e), OK);
	for (; (rc = walk_next(&w)) == OK; seen++) {
		const struct rig_cell *c = rig_cell_of(z, &w);

		assert_non_null(c->data);
		assert_int_equal(c->len, w.packed_len);
		assert_memory_equal(c->data, w.packed, w.packed_len);
	}
	assert_int_equal(rc, ERR_MISSING);
	walk_close(&w);
	for (unsigned i = 0; i < RIG_CELLS; i++)
		expected += z->now.cells[i].data != NULL;
	assert_int_equal(seen, expected);
	check_expiry(sn, z);
}

/* A zone as records: each a buf of its own. */
struct records {
	struct buf *items;
	size_t count;
	unsigned soas; /* seen by records_put */
};

static void record_of(
    const struct rrset *set, bool is_sig, const uint8_t *rdata, uint16_t len, struct buf *out)
{
	buf_u8(out, is_sig);
	buf_put(out, set->owner, name_len(set->owner));
	buf_u16(out, set->type);
	buf_u32(out, set->ttl);
	buf_lv16(out, rdata, len);
}

static size_t find(const struct records *r, const struct buf *record)
{
	size_t i;

	for (i = 0; i < r->count; i++)
		if (r->items[i].len == record->len &&
		    memcmp(r->items[i].data, record->data, record->len) == 0)
			break;
	return i;
}

/* What is added was not there, what is removed was. */
static void put_record(struct records *r, struct buf *record, bool is_added)
{
	size_t i = find(r, record);

	assert_int_equal(i == r->count, is_added);
	if (is_added) {
		r->items = mem_grow(r->items, r->count + 1, sizeof(*r->items));
		r->items[r->count++] = *record;
		return;
	}
	buf_free(&r->items[i]);
	r->items[i] = r->items[--r->count];
	buf_free(record);
}

static void put_list(
    struct records *r, const struct rrset *set, bool is_sig, const uint8_t *p, bool is_added)
{
	uint16_t len;

	for (unsigned n = is_sig ? set->sigs : set->count; n > 0; n--) {
		const uint8_t *rdata = rrset_next(&p, &len);
		struct buf record = {0};

		record_of(set, is_sig, rdata, len, &record);
		put_record(r, &record, is_added);
	}
}

static unsigned records_put(struct records *r, const uint8_t *packed, size_t len, bool is_added)
{
	struct rrset set;

	assert_int_equal(rrset_unpack(packed, len, &set), OK);
	assert_true(set.count + set.sigs > 0);
	put_list(r, &set, false, set.rdata, is_added);
	put_list(r, &set, true, set.sigdata, is_added);
	r->soas += set.type == RR_SOA;
	return set.count + (unsigned)set.sigs;
}

static void records_of(const struct rig_version *v, struct records *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < RIG_CELLS; i++)
		if (v->cells[i].data != NULL)
			records_put(out, v->cells[i].data, v->cells[i].len, true);
	out->soas = 0;
}

static void records_free(struct records *r)
{
	for (size_t i = 0; i < r->count; i++)
		buf_free(&r->items[i]);
	free(r->items);
}

/* The order of an IXFR: SOA, removed; SOA, added; and again. */
static uint64_t replay(struct journal *j, struct records *r)
{
	struct journal_item item;
	struct rrset set;
	bool was_added = true;
	uint64_t count = 0;
	int rc;

	while ((rc = journal_next(j, &item)) == OK) {
		assert_int_equal(rrset_unpack(item.packed, item.len, &set), OK);
		assert_int_equal(set.type == RR_SOA, item.is_added != was_added);
		was_added = item.is_added;
		count += records_put(r, item.packed, item.len, item.is_added);
	}
	assert_int_equal(rc, ERR_MISSING);
	assert_true(was_added);
	return count;
}

bool rig_check_way(struct snapshot *sn, const struct rig_zone *z, const struct rig_version *from)
{
	struct records r, end;
	struct journal *j;
	int rc = journal_open(sn, &z->head, from->serial, &j);

	if (rc == ERR_MISSING)
		return false;
	assert_int_equal(rc, OK);
	records_of(from, &r);
	records_of(&z->now, &end);
	assert_int_equal(journal_records(j), replay(j, &r));
	assert_int_equal(r.count, end.count);
	for (size_t i = 0; i < end.count; i++)
		assert_int_not_equal(find(&r, &end.items[i]), r.count);
	journal_close(j);
	records_free(&r);
	records_free(&end);
	return true;
}

unsigned rig_check_journal(struct snapshot *sn, const struct rig_zone *z)
{
	unsigned ways = 0;

	for (unsigned i = z->old_count; i-- > 0; ways++)
		if (!rig_check_way(sn, z, z->old[i]))
			break;
	for (unsigned i = z->old_count - ways; i-- > 0;)
		assert_false(rig_check_way(sn, z, z->old[i]));
	return ways;
}

void rig_check(struct store *s, const struct rig_zone *z)
{
	struct snapshot *sn;
	struct err e = {0};

	assert_int_equal(snapshot_open(s, &sn, &e), OK);
	rig_check_zone(sn, z);
	assert_true(rig_check_way(sn, z, &z->now));
	assert_int_equal(rig_check_journal(sn, z), z->head.journal_rows);
	snapshot_close(sn);
}
