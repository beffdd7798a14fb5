/* amend_follow: the journal, as a secondary sees it, and the expiry index, as a refresh does: see
 * amend_rig.h and amend_version.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/dnskey.h"
#include "dns/rrset.h"
#include "dns/rrtype.h"
#include "dns/soa.h"
#include "tests/unit/amend_rig.h"
#include "zone/journal.h"

enum part { PART_END, PART_REMOVED, PART_ADDED };

struct way { /* of one journal_open */
	struct amend_version *v;
	struct buf *why;
	enum part part;
	uint32_t serial;
	uint64_t records;
};

static bool take_soa(struct way *w, bool is_added, const uint8_t *rdata, uint16_t len)
{
	struct soa soa;

	assert_int_equal(soa_parse(rdata, len, &soa), OK);
	if (!is_added && w->part != PART_REMOVED && soa.serial == w->serial) {
		w->part = PART_REMOVED;
		return true;
	}
	if (is_added && w->part == PART_REMOVED && serial_gt(soa.serial, w->serial)) {
		w->part = PART_ADDED;
		w->serial = soa.serial;
		return true;
	}
	buf_printf(w->why, "a SOA of serial %u (%s) at the wrong place behind %u", soa.serial,
	    is_added ? "added" : "removed", w->serial);
	return false;
}

static bool take_record(struct way *w, bool is_added, const struct rrset *set, uint16_t type,
    const uint8_t *rdata, uint16_t len)
{
	w->records++;
	if (type == RR_SOA && !take_soa(w, is_added, rdata, len))
		return false;
	if (w->part != (is_added ? PART_ADDED : PART_REMOVED)) {
		buf_printf(w->why, "a record stands outside its part");
		return false;
	}
	if (is_added ? amend_version_add(w->v, set, type, rdata, len)
		     : amend_version_remove(w->v, set, type, rdata, len))
		return true;
	buf_printf(w->why, "on the way to %u, %s: ", w->serial,
	    is_added ? "it is there already" : "it is not there to be removed");
	rrset_text(set, w->why);
	return false;
}

static bool take_item(struct way *w, const struct journal_item *item)
{
	struct rrset set;
	const uint8_t *p;

	assert_int_equal(rrset_unpack(item->packed, item->len, &set), OK);
	p = set.rdata;
	for (unsigned i = 0; i < set.count + (unsigned)set.sigs; i++) {
		const uint8_t *rdata;
		uint16_t len;

		if (i == set.count)
			p = set.sigdata;
		rdata = rrset_next(&p, &len);
		if (!take_record(
			w, item->is_added, &set, i < set.count ? set.type : RR_RRSIG, rdata, len))
			return false;
	}
	return true;
}

bool amend_version_follow(struct amend_version *v, struct store *s, struct buf *why)
{
	struct way w = {.v = v, .why = why, .serial = v->head.serial_out};
	struct journal_item item;
	struct snapshot *sn;
	struct journal *j = NULL;
	struct zone_head h;
	struct err e = {0};
	bool is_well = true;
	int rc;

	assert_int_equal(snapshot_open(s, &sn, &e), OK);
	assert_int_equal(snapshot_head(sn, v->head.apex, &h), OK);
	rc = journal_open(sn, &h, v->head.serial_out, &j);
	while (rc == OK && is_well) {
		rc = journal_next(j, &item);
		is_well = rc != OK || take_item(&w, &item);
	}
	if (is_well && rc != ERR_MISSING)
		buf_printf(why, "reading the journal: %s", err_name(rc));
	else if (is_well && j == NULL)
		buf_printf(why, "it does not reach back");
	else if (is_well && w.serial != h.serial_out)
		buf_printf(why, "it ends at %u", w.serial);
	else if (is_well && w.records != journal_records(j))
		buf_printf(why, "it has %llu records and says %llu", (unsigned long long)w.records,
		    (unsigned long long)journal_records(j));
	journal_close(j);
	snapshot_close(sn);
	return why->len == 0;
}

/* Of the versions that are remembered: those that the head names must lead here. */
void amend_judge_journal(struct amend_rig *g, struct amend_one *o)
{
	const struct zone_head *h = &o->last.head;

	for (unsigned i = 0; i < o->remembered_count; i++) {
		struct amend_version v;
		uint32_t serial = o->remembered[i].head.serial_out;
		struct buf why = {0};

		if (!h->has_journal || serial_gt(h->journal_first, serial))
			continue;
		amend_version_copy(&v, &o->remembered[i]);
		if (!amend_version_follow(&v, g->f.store, &why) ||
		    !amend_version_same(&v, &o->last, AMEND_ALL, true, &why)) {
			buf_u8(&why, 0);
			amend_fail(
			    g, "the journal from %u to %u: %s", serial, h->serial_out, why.data);
		}
		g->followed++;
		amend_version_free(&v);
	}
}

/* The expiry index. */

struct entries {
	struct {
		struct expiry_entry x;
		uint8_t first[NAME_KEY_MAX], last[NAME_KEY_MAX];
	} * items;
	size_t count, cap;
};

static int keep_entry(void *arg, const struct expiry_entry *x)
{
	struct entries *e = arg;

	if (e->count == e->cap) {
		e->cap = e->cap * 2 + 64;
		e->items = mem_grow(e->items, e->cap, sizeof(e->items[0]));
	}
	e->items[e->count].x = *x;
	memcpy(e->items[e->count].first, x->first, x->first_len);
	memcpy(e->items[e->count++].last, x->last, x->last_len);
	return OK;
}

static int compare(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	size_t least = alen < blen ? alen : blen;
	int c = least == 0 ? 0 : memcmp(a, b, least);

	return c != 0 ? c : (alen > blen) - (alen < blen);
}

static bool is_covered(
    const struct entries *e, bool is_nsec3, const uint8_t *key, size_t len, int64_t expires)
{
	for (size_t i = 0; i < e->count && e->items[i].x.expiry <= expires; i++) {
		const struct expiry_entry *x = &e->items[i].x;

		if (x->is_nsec3 == is_nsec3 &&
		    compare(e->items[i].first, x->first_len, key, len) <= 0 &&
		    compare(key, len, e->items[i].last, x->last_len) <= 0)
			return true;
	}
	return false;
}

static void look_at_set(
    struct amend_rig *g, const struct entries *e, const struct walk *w, int64_t now)
{
	struct rrset set;
	const uint8_t *p;

	assert_int_equal(rrset_unpack(w->packed, w->packed_len, &set), OK);
	p = set.sigdata;
	for (unsigned i = 0; i < set.sigs; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);
		struct buf text = {0};
		struct rrsig sig;

		assert_int_equal(rrsig_parse(rdata, len, &sig), OK);
		if (is_covered(e, w->is_nsec3, w->key, w->key_len,
			now + (int32_t)(sig.expiration - (uint32_t)now)))
			continue;
		rrset_text(&set, &text);
		buf_u8(&text, 0);
		amend_fail(g, "the expiry index does not have: %s", text.data);
	}
}

void amend_judge_index(struct amend_rig *g, struct amend_one *o)
{
	struct entries entries = {0};
	uint8_t apex[NAME_KEY_MAX];
	size_t apex_len;
	struct snapshot *sn;
	struct zone_head h;
	int64_t first;
	struct err e = {0};
	struct walk w;

	assert_int_equal(snapshot_open(g->f.store, &sn, &e), OK);
	assert_int_equal(snapshot_head(sn, o->job.apex, &h), OK);
	assert_int_equal(snapshot_each_expiry(sn, &h, keep_entry, &entries), OK);
	first = h.apex_expiry; /* the apex goes by the head's times, the rest by the index */
	if (entries.count > 0 && (first == 0 || entries.items[0].x.expiry < first))
		first = entries.items[0].x.expiry;
	if (first != h.expiry_first)
		amend_fail(g, "what expires first does so at %lld, and its head says %lld",
		    (long long)first, (long long)h.expiry_first);
	/* An index that only grows would be of no use; a walk leaves the entries there that were
	 * there. */
	if (entries.count > 8 * h.signatures + 64)
		amend_fail(g, "its expiry index has %llu entries for %llu signatures",
		    (unsigned long long)entries.count, (unsigned long long)h.signatures);
	assert_int_equal(walk_open(sn, &h, &w, &e), OK);
	apex_len = name_key(o->job.apex, apex);
	while (walk_next(&w) == OK) {
		if (w.is_nsec3 || w.key_len != apex_len)
			look_at_set(g, &entries, &w, o->job.now);
	}
	walk_close(&w);
	snapshot_close(sn);
	free(entries.items);
}
