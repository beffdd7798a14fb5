/* journal_write: a zone's journal grows by a version and forgets old ones.  Signing side's main
 * thread, inside the transaction that makes the version. */
#include "base/log.h"
#include "zone/store_internal.h"

/* Four pages with LMDB's header: small enough to be found a place at once. */
#define CHUNK_OCTETS (4 * 4096 - 16)

static void forget(struct zone_head *h)
{
	h->has_journal = false;
	h->journal_first = 0;
	h->journal_octets = h->journal_rows = 0;
}

int journal_empty(struct store_write *w, struct zone_head *h, struct err *e)
{
	struct store *s = w->view.store;
	uint8_t k[STORE_KEY_MAX];
	int rc =
	    write_delete_prefix(w->view.txn, s->trees[TREE_JOURNAL], k, store_key_zone(k, h->apex));

	forget(h);
	return rc == 0 ? OK : store_error(s, rc, e, "emptying a journal");
}

/* The row that leads away from serial: all its chunks. */
static int drop_row(struct store_write *w, const uint8_t *apex, uint32_t serial)
{
	uint8_t k[STORE_KEY_MAX];
	size_t len = store_key_journal(k, apex, serial, 0);

	return write_delete_prefix(w->view.txn, w->view.store->trees[TREE_JOURNAL], k, len - 2);
}

/* ERR_FORMAT: what the head says and what is there do not agree. */
static int drop_oldest(
    struct store_write *w, struct zone_head *h, const struct journal_row *row, struct err *e)
{
	int rc;

	if (row->octets > h->journal_octets)
		return ERR_FORMAT;
	rc = drop_row(w, h->apex, h->journal_first);
	if (rc != 0)
		return store_error(w->view.store, rc, e, "dropping an old version's difference");
	h->journal_octets -= row->octets;
	h->journal_rows--;
	h->journal_first = row->to;
	return OK;
}

static bool fits(const struct zone_head *h, const struct journal_row *oldest, uint64_t octets,
    const struct journal_limits *limits)
{
	return limits->now - oldest->made <= limits->age &&
	       h->journal_octets + octets <= limits->octets;
}

/* Drop what is too old, or too much with `octets` more.  Each row is read once at most.
 * ERR_MISSING, ERR_FORMAT: the chain is broken. */
static int trim(struct store_write *w, struct zone_head *h, uint64_t octets,
    const struct journal_limits *limits, struct err *e)
{
	struct journal_row row;

	while (h->journal_rows > 0) {
		int rc = journal_row_get(&w->view, h->apex, h->journal_first, &row);

		if (rc == ERR_STORE)
			return err_set(
			    e, rc, "store %s: a journal cannot be read", w->view.store->dir);
		if (rc == OK && fits(h, &row, octets, limits))
			return OK;
		if (rc == OK)
			rc = drop_oldest(w, h, &row, e);
		if (rc != OK)
			return rc;
	}
	return h->journal_octets == 0 ? OK : ERR_FORMAT;
}

/* From `at` as many items as fit in a chunk, and one at least; where the next chunk begins. */
static size_t chunk_end(const struct buf *items, size_t at)
{
	size_t end = at == 0 ? JOURNAL_HEADER : at;

	while (end < items->len) {
		size_t next = end + JOURNAL_ITEM + load_u32(items->data + end + 1);

		if (next - at > CHUNK_OCTETS && end > at && end > JOURNAL_HEADER)
			break;
		end = next;
	}
	return end;
}

static int put_chunks(
    struct store_write *w, const uint8_t *apex, uint32_t from, const struct buf *items)
{
	uint8_t k[STORE_KEY_MAX];
	uint16_t chunk = 0;
	size_t end;
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < items->len; at = end) {
		MDB_val key = {store_key_journal(k, apex, from, chunk++), k}, value;

		end = chunk_end(items, at);
		value.mv_data = items->data + at;
		value.mv_size = end - at;
		rc = mdb_put(w->view.txn, w->view.store->trees[TREE_JOURNAL], &key, &value, 0);
	}
	return rc;
}

static uint64_t count_chunks(const struct buf *items)
{
	uint64_t n = 0;

	for (size_t at = 0; at < items->len; at = chunk_end(items, at))
		n++;
	return n;
}

/* Old rows go first: then a chain that is broken takes only them with it. */
static int make_room(struct store_write *w, struct zone_head *h, uint64_t octets,
    const struct journal_limits *limits, struct err *e)
{
	char apex[NAME_TEXT_SIZE];
	int rc = h->has_journal ? trim(w, h, octets, limits, e) : OK;

	if (rc == ERR_STORE || (rc == OK && h->journal_rows > 0))
		return rc;
	if (rc != OK) {
		name_text(h->apex, apex);
		log_warning("store %s: the journal of %s is broken at serial %u: it is emptied, "
			    "older versions get the whole zone",
		    w->view.store->dir, apex, h->journal_first);
	}
	return journal_empty(w, h, e);
}

int journal_add(struct store_write *w, struct zone_head *h, uint32_t from, struct draft *d,
    const struct journal_limits *limits, struct err *e)
{
	struct buf *items = &d->removed;
	struct journal_row row = {.to = h->serial_out, .made = limits->now, .records = d->records};
	uint64_t chunks;
	int rc;

	buf_put(items, d->added.data, d->added.len);
	row.octets = items->failed || d->added.failed ? UINT64_MAX : items->len;
	if (row.octets > limits->octets)
		return journal_empty(w, h, e);
	chunks = count_chunks(items);
	if (chunks > UINT16_MAX)
		return journal_empty(w, h, e);
	row.chunks = (uint16_t)chunks;
	journal_row_header(&row, items->data);
	rc = make_room(w, h, row.octets, limits, e);
	if (rc != OK)
		return rc;
	rc = put_chunks(w, h->apex, from, items);
	if (rc != 0)
		return store_error(w->view.store, rc, e, "writing a journal");
	if (!h->has_journal)
		h->journal_first = from;
	h->has_journal = true;
	h->journal_octets += row.octets;
	h->journal_rows++;
	return OK;
}
