/* journal: the way from an older version of a zone to the snapshot's.  Runs in the signing side and
 * the network side.  What is read was written by the signing side; it is checked all the same. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "dns/soa.h"
#include "zone/store_internal.h"

struct journal {
	struct snapshot *sn;
	uint8_t apex[NAME_MAX_LEN];
	uint32_t at, to; /* the version whose row is being read, and the last one */
	uint64_t records;
	struct journal_row row;
	unsigned chunk;	     /* of row, that is being read */
	struct reader items; /* what is left of it */
};

static int chunk_get(
    struct snapshot *sn, const uint8_t *apex, uint32_t serial, uint16_t chunk, struct reader *out)
{
	uint8_t k[STORE_KEY_MAX];
	const uint8_t *value;
	size_t len;
	int rc = snapshot_get(sn, sn->store->trees[TREE_JOURNAL], k,
	    store_key_journal(k, apex, serial, chunk), &value, &len);

	if (rc == OK)
		*out = reader_of(value, len);
	return rc;
}

static int row_open(struct snapshot *sn, const uint8_t *apex, uint32_t serial,
    struct journal_row *row, struct reader *items)
{
	struct reader r;
	int rc = chunk_get(sn, apex, serial, 0, &r);

	return rc == OK ? journal_row_parse(r.p, reader_left(&r), row, items) : rc;
}

int journal_row_get(
    struct snapshot *sn, const uint8_t *apex, uint32_t serial, struct journal_row *out)
{
	struct reader items;

	return row_open(sn, apex, serial, out, &items);
}

/* Follow the chain from serial to the head's; the sum of its records.  ERR_LIMIT: that is more than
 * most, wherever it leads. */
static int follow(struct snapshot *sn, const struct zone_head *h, uint32_t serial, uint64_t most,
    uint64_t *records)
{
	struct journal_row row;
	uint64_t sum = 0;

	for (uint64_t left = h->journal_rows; serial != h->serial_out; left--) {
		int rc = left > 0 ? journal_row_get(sn, h->apex, serial, &row) : ERR_FORMAT;

		if (rc == OK && !serial_gt(row.to, serial))
			rc = ERR_FORMAT;
		if (rc != OK)
			return rc;
		sum += row.records;
		if (sum > most)
			return ERR_LIMIT;
		serial = row.to;
	}
	*records = sum;
	return OK;
}

static int say_broken(const struct snapshot *sn, const uint8_t *apex, uint32_t serial)
{
	char text[NAME_TEXT_SIZE];

	name_text(apex, text);
	log_error("store %s: the journal of %s is damaged behind serial %u: that version gets the "
		  "whole zone",
	    sn->store->dir, text, serial);
	return ERR_MISSING;
}

int journal_open_within(struct snapshot *sn, const struct zone_head *h, uint32_t serial,
    uint64_t most, struct journal **out)
{
	struct journal_row first;
	struct journal *j;
	uint64_t records = 0;
	int rc;

	if (!h->has_out || (serial != h->serial_out && !h->has_journal))
		return ERR_MISSING;
	/* A version that it does not reach back to is no damage: the row is just not there. */
	if (serial != h->serial_out && journal_row_get(sn, h->apex, serial, &first) == ERR_MISSING)
		return ERR_MISSING;
	rc = follow(sn, h, serial, most, &records);
	if (rc == ERR_LIMIT)
		return rc;
	if (rc != OK)
		return say_broken(sn, h->apex, serial);
	j = mem_alloc(sizeof(*j));
	j->sn = sn;
	memcpy(j->apex, h->apex, sizeof(j->apex));
	j->at = serial;
	j->to = h->serial_out;
	j->records = records;
	*out = j;
	return OK;
}

int journal_open(
    struct snapshot *sn, const struct zone_head *h, uint32_t serial, struct journal **out)
{
	return journal_open_within(sn, h, serial, UINT64_MAX, out);
}

void journal_close(struct journal *j)
{
	free(j);
}

uint64_t journal_records(const struct journal *j)
{
	return j->records;
}

/* The next chunk of this row, or the first one of the next. */
static int next_chunk(struct journal *j)
{
	int rc;

	if (j->chunk > 0 && j->chunk < j->row.chunks) {
		rc = chunk_get(j->sn, j->apex, j->at, (uint16_t)j->chunk, &j->items);
	} else {
		if (j->chunk > 0)
			j->at = j->row.to;
		if (j->at == j->to)
			return ERR_MISSING;
		j->chunk = 0;
		rc = row_open(j->sn, j->apex, j->at, &j->row, &j->items);
	}
	j->chunk++;
	return rc == OK && reader_left(&j->items) > 0 ? OK : ERR_FORMAT;
}

int journal_next(struct journal *j, struct journal_item *out)
{
	struct journal_item item;
	int rc = reader_left(&j->items) > 0 ? OK : next_chunk(j);

	if (rc != OK)
		return rc;
	item.is_added = reader_u8(&j->items) != 0;
	item.packed = reader_lv32(&j->items, &item.len);
	if (j->items.failed)
		return ERR_FORMAT;
	*out = item;
	return OK;
}
