/* journal_row: one version's difference as it is gathered, record by record, and as it is kept.
 * Written in the signing side, parsed in both.
 *
 *   row:    header, items; cut at items into chunks, the first with the header
 *   header: u8 version, u32 serial that it leads to, u64 made, u64 octets, u64 records, u16 chunks
 *   item:   u8 is added, u32 length, packed RRset (dns/rrset.h) of the records that differ;
 *           all that is removed stands before all that is added
 *
 * Chunks, because LMDB would need one run of free pages for a row of some megabytes, and looks long
 * for it. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rdata.h"
#include "dns/rrset.h"
#include "zone/store_internal.h"

#define ROW_VERSION 1

void draft_begin(struct draft *d)
{
	memset(d, 0, sizeof(*d));
	buf_extend(&d->removed, JOURNAL_HEADER);
}

void draft_free(struct draft *d)
{
	buf_free(&d->removed);
	buf_free(&d->added);
}

static void put_item(struct draft *d, const struct rrset *set, bool is_added)
{
	struct buf *out = is_added ? &d->added : &d->removed;
	size_t at;

	if (set->count == 0 && set->sigs == 0)
		return;
	buf_u8(out, is_added);
	at = out->len;
	buf_u32(out, 0);
	rrset_pack(set, out);
	if (!out->failed)
		store_u32(out->data + at, (uint32_t)(out->len - at - 4));
	d->records += (uint64_t)set->count + set->sigs;
}

struct item {
	const uint8_t *data;
	uint16_t len;
	unsigned at; /* which of its list */
};

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return rdata_compare(x->data, x->len, y->data, y->len);
}

/* Set the flags of those items that stand in both lists. */
static void mark_common(const uint8_t *was, unsigned was_count, const uint8_t *is,
    unsigned is_count, bool *was_common, bool *is_common)
{
	struct item *table = mem_array(is_count + 1, sizeof(*table)), one, *same;

	for (unsigned i = 0; i < is_count; i++) {
		table[i].data = rrset_next(&is, &table[i].len);
		table[i].at = i;
	}
	qsort(table, is_count, sizeof(*table), compare_items);
	for (unsigned i = 0; i < was_count; i++) {
		one.data = rrset_next(&was, &one.len);
		same = bsearch(&one, table, is_count, sizeof(*table), compare_items);
		if (same != NULL)
			was_common[i] = is_common[same->at] = true;
	}
	free(table);
}

/* Append those that are not common; their number. */
static unsigned pick(const uint8_t *items, unsigned count, const bool *is_common, struct buf *out)
{
	unsigned kept = 0;
	uint16_t len;

	for (unsigned i = 0; i < count; i++) {
		const uint8_t *item = rrset_next(&items, &len);

		if (is_common[i])
			continue;
		buf_lv16(out, item, len);
		kept++;
	}
	return kept;
}

/* What of set differs: rdata_common and sig_common say what does not. */
static void put_rest(struct draft *d, const struct rrset *set, const bool *rdata_common,
    const bool *sig_common, bool is_added)
{
	struct rrset rest = *set;
	struct buf rdata = {0}, sigs = {0};

	rest.count = (uint16_t)pick(set->rdata, set->count, rdata_common, &rdata);
	rest.sigs = (uint8_t)pick(set->sigdata, set->sigs, sig_common, &sigs);
	rest.rdata = rdata.data;
	rest.rdata_len = rdata.len;
	rest.sigdata = sigs.data;
	rest.sigdata_len = sigs.len;
	if (rdata.failed || sigs.failed)
		d->removed.failed = true;
	else
		put_item(d, &rest, is_added);
	buf_free(&rdata);
	buf_free(&sigs);
}

static void put_difference(struct draft *d, const struct rrset *was, const struct rrset *is)
{
	size_t records = (size_t)was->count + is->count, sigs = (size_t)was->sigs + is->sigs;
	bool *flags = mem_array(records + sigs + 1, sizeof(*flags)), *sig_flags = flags + records;

	mark_common(was->rdata, was->count, is->rdata, is->count, flags, flags + was->count);
	mark_common(
	    was->sigdata, was->sigs, is->sigdata, is->sigs, sig_flags, sig_flags + was->sigs);
	put_rest(d, was, flags, sig_flags, false);
	put_rest(d, is, flags + was->count, sig_flags + was->sigs, true);
	free(flags);
}

/* A TTL is its records' and its signatures' own, and so is the case of the owner's letters. */
static bool is_another(const struct rrset *was, const struct rrset *is)
{
	size_t len = name_len(was->owner);

	return was->ttl != is->ttl || name_len(is->owner) != len ||
	       memcmp(was->owner, is->owner, len) != 0;
}

int draft_rrset(
    struct draft *d, const uint8_t *was, size_t was_len, const uint8_t *is, size_t is_len)
{
	struct rrset old, new;

	if ((was != NULL && rrset_unpack(was, was_len, &old) != OK) ||
	    (is != NULL && rrset_unpack(is, is_len, &new) != OK))
		return ERR_FORMAT;
	if (was != NULL && is != NULL && !is_another(&old, &new)) {
		put_difference(d, &old, &new);
		return OK;
	}
	if (was != NULL)
		put_item(d, &old, false);
	if (is != NULL)
		put_item(d, &new, true);
	return OK;
}

void journal_row_header(const struct journal_row *row, uint8_t out[JOURNAL_HEADER])
{
	out[0] = ROW_VERSION;
	store_u32(out + 1, row->to);
	store_u64(out + 5, (uint64_t)row->made);
	store_u64(out + 13, row->octets);
	store_u64(out + 21, row->records);
	store_u16(out + 29, row->chunks);
}

int journal_row_parse(
    const uint8_t *value, size_t len, struct journal_row *out, struct reader *items)
{
	struct reader r = reader_of(value, len);
	uint8_t version = reader_u8(&r);
	struct journal_row row = {0};

	row.to = reader_u32(&r);
	row.made = (int64_t)reader_u64(&r);
	row.octets = reader_u64(&r);
	row.records = reader_u64(&r);
	row.chunks = reader_u16(&r);
	if (r.failed || version != ROW_VERSION || row.chunks == 0)
		return ERR_FORMAT;
	*out = row;
	*items = r;
	return OK;
}
