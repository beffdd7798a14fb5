/* change: the next version of a zone, made in place of the one before.  Signing side's main thread.
 *
 * What is to change gathers in memory, in any order; change_apply sorts it, and for each RRset
 * reads what was there, takes the difference for the journal, and writes: the cost is that of the
 * change, whatever the zone's size. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrset.h"
#include "dns/rrtype.h"
#include "dns/soa.h"
#include "zone/change.h"
#include "zone/store_internal.h"

struct change {
	struct store *store;
	struct batch rows[2];	/* by DATA_RR, DATA_NSEC3; an empty value: it is gone */
	struct batch add, drop; /* of the expiry index */
	uint64_t count;
};

struct change *change_new(struct store *s)
{
	struct change *c = mem_alloc(sizeof(*c));

	c->store = s;
	return c;
}

void change_free(struct change *c)
{
	if (c == NULL)
		return;
	batch_free(&c->rows[DATA_RR]);
	batch_free(&c->rows[DATA_NSEC3]);
	batch_free(&c->add);
	batch_free(&c->drop);
	free(c);
}

static int gather(struct change *c, struct batch *b, const uint8_t *key, size_t key_len,
    const void *value, size_t len, struct err *e)
{
	if (batch_add(b, key, key_len, value, len) != OK)
		return err_set(e, ERR_LIMIT, "store %s: no memory for a change", c->store->dir);
	return OK;
}

static int gather_rrset(struct change *c, unsigned data, const uint8_t *key, size_t key_len,
    const uint8_t *packed, size_t len, struct err *e)
{
	int rc;

	if (packed != NULL && len == 0)
		return err_set(e, ERR_ARGUMENT, "a change with an RRset of no octets");
	rc = gather(c, &c->rows[data], key, key_len, packed, packed != NULL ? len : 0, e);
	c->count += rc == OK;
	return rc;
}

int change_rrset(struct change *c, const uint8_t *key, size_t key_len, uint16_t type,
    const uint8_t *packed, size_t len, struct err *e)
{
	uint8_t k[STORE_KEY_MAX];

	if (key_len > NAME_KEY_LONGEST)
		return err_set(e, ERR_ARGUMENT, "a sort key of %zu octets: at most %d", key_len,
		    NAME_KEY_LONGEST);
	return gather_rrset(
	    c, DATA_RR, k + 4, store_key_rr(k, 0, key, key_len, type) - 4, packed, len, e);
}

int change_nsec3(struct change *c, const uint8_t hash[NSEC3_HASH_LEN], const uint8_t *packed,
    size_t len, struct err *e)
{
	return gather_rrset(c, DATA_NSEC3, hash, NSEC3_HASH_LEN, packed, len, e);
}

static int gather_expiry(
    struct change *c, struct batch *b, const struct expiry_entry *x, struct err *e)
{
	uint8_t k[STORE_KEY_MAX], value[STORE_EXPIRY_MAX];
	size_t k_len, len;
	int rc = store_expiry_row(k, &k_len, value, &len, x, e);

	return rc == OK ? gather(c, b, k + 4, k_len - 4, value, len, e) : rc;
}

int change_expiry_add(struct change *c, const struct expiry_entry *x, struct err *e)
{
	return gather_expiry(c, &c->add, x, e);
}

int change_expiry_drop(struct change *c, const struct expiry_entry *x, struct err *e)
{
	return gather_expiry(c, &c->drop, x, e);
}

const struct batch *change_rows(const struct change *c, unsigned data)
{
	return &c->rows[data];
}

uint64_t change_count(const struct change *c)
{
	return c->count;
}

static uint64_t octets_of(const struct batch *b)
{
	return b->data.cap + b->cap * sizeof(*b->at);
}

uint64_t change_octets(const struct change *c)
{
	return octets_of(&c->rows[DATA_RR]) + octets_of(&c->rows[DATA_NSEC3]) + octets_of(&c->add) +
	       octets_of(&c->drop);
}

/* One change_apply. */
struct apply {
	struct store_write *w;
	const struct zone_head *from;
	struct zone_head *h;
	MDB_dbi trees[DATA_COUNT];
	bool is_replacement; /* the zone's present head names another generation */
	bool has_draft;	     /* a row of the journal is made */
	struct draft draft;
	struct err *e;
};

static int failed(struct apply *a, int rc, const char *what)
{
	return store_error(a->w->view.store, rc, a->e, "%s", what);
}

/* The serial of the SOA in the generation that is changed. */
static int serial_of(const uint8_t *packed, size_t len, uint32_t *out)
{
	struct rrset set;
	struct soa soa;
	const uint8_t *p;
	uint16_t rdlen;
	int rc = rrset_unpack(packed, len, &set);

	if (rc != OK || set.count != 1)
		return ERR_FORMAT;
	p = set.rdata;
	p = rrset_next(&p, &rdlen);
	rc = soa_parse(p, rdlen, &soa);
	if (rc == OK)
		*out = soa.serial;
	return rc;
}

static int conflict(struct apply *a, const char *why)
{
	char apex[NAME_TEXT_SIZE];

	name_text(a->from->apex, apex);
	return err_set(a->e, ERR_CONFLICT,
	    "changing %s from serial %u to %u: %s; this change is dropped, sign again", apex,
	    a->from->serial_out, a->h->serial_out, why);
}

static bool is_dropped(const struct apply *a)
{
	const struct zone_head *from = a->from;

	for (size_t i = 0; i < a->w->dropped_count; i++)
		if (from->own_trees && a->w->dropped[i] == from->generation)
			return true;
	return from->own_trees && trees_is_garbage(a->w->view.store, from->generation);
}

/* A generation that went away must not come back as the few rows of a change. */
static int check_generation(struct apply *a)
{
	const uint8_t *packed;
	uint32_t serial;
	size_t len;
	int rc = is_dropped(a)
		     ? ERR_MISSING
		     : snapshot_rrset(&a->w->view, a->from, a->from->apex, RR_SOA, &packed, &len);

	if (rc == ERR_MISSING)
		return conflict(a, "the version that it begins with is gone");
	if (rc == OK)
		rc = serial_of(packed, len, &serial);
	if (rc != OK)
		return err_set(a->e, rc, "store %s: the SOA of generation %u cannot be read",
		    a->w->view.store->dir, a->from->generation);
	return serial == a->from->serial_out ? OK
					     : conflict(a, "another version was made meanwhile");
}

static int check_head(struct apply *a)
{
	struct zone_head live;
	int rc = snapshot_head(&a->w->view, a->from->apex, &live);

	if (rc == ERR_MISSING)
		return conflict(a, "the zone was removed");
	if (rc != OK)
		return err_set(
		    a->e, rc, "store %s: the zone's head cannot be read", a->w->view.store->dir);
	a->is_replacement = live.generation != a->from->generation;
	if (!a->is_replacement) {
		a->h->has_journal = live.has_journal;
		a->h->journal_first = live.journal_first;
		a->h->journal_octets = live.journal_octets;
		a->h->journal_rows = live.journal_rows;
	}
	if (a->is_replacement)
		rc = write_drop_generation(a->w, &live, a->e);
	return rc == OK && a->is_replacement ? journal_empty(a->w, a->h, a->e) : rc;
}

static int apply_row(struct apply *a, unsigned data, const struct batch_row *row)
{
	MDB_txn *txn = a->w->view.txn;
	uint8_t k[STORE_KEY_MAX];
	MDB_val key = {4 + row->key_len, k}, was = {0, NULL};
	MDB_val is = {row->value_len, row->value_len > 0 ? (void *)(uintptr_t)row->value : NULL};
	int rc;

	store_u32(k, a->from->generation);
	memcpy(k + 4, row->key, row->key_len);
	rc = mdb_get(txn, a->trees[data], &key, &was);
	if (rc == MDB_NOTFOUND)
		was.mv_data = NULL;
	else if (rc != 0)
		return failed(a, rc, "reading what is changed");
	if (was.mv_data == NULL && is.mv_data == NULL)
		return OK;
	if (was.mv_data != NULL && is.mv_data != NULL && was.mv_size == is.mv_size &&
	    memcmp(was.mv_data, is.mv_data, is.mv_size) == 0)
		return OK;
	if (a->has_draft &&
	    draft_rrset(&a->draft, was.mv_data, was.mv_size, is.mv_data, is.mv_size) != OK)
		return err_set(a->e, ERR_FORMAT,
		    "store %s: an RRset of generation %u that is changed cannot be read",
		    a->w->view.store->dir, a->from->generation);
	rc = is.mv_data != NULL ? mdb_put(txn, a->trees[data], &key, &is, 0)
				: mdb_del(txn, a->trees[data], &key, NULL);
	return rc == 0 ? OK : failed(a, rc, "changing a version");
}

/* A version's difference begins with the SOA. */
static int apply_soa(
    struct apply *a, const struct batch_row *rows, size_t count, const struct batch_row **out)
{
	uint8_t sort[NAME_KEY_MAX], k[STORE_KEY_MAX];
	size_t len = store_key_rr(k, 0, sort, name_key(a->h->apex, sort), RR_SOA) - 4;
	uint32_t serial;

	for (size_t i = 0; i < count; i++) {
		if (batch_compare(rows[i].key, rows[i].key_len, k + 4, len) != 0)
			continue;
		if (serial_of(rows[i].value, rows[i].value_len, &serial) != OK ||
		    serial != a->h->serial_out)
			break;
		*out = &rows[i];
		return apply_row(a, DATA_RR, &rows[i]);
	}
	return err_set(
	    a->e, ERR_ARGUMENT, "a change to serial %u without its SOA", a->h->serial_out);
}

static int apply_rows(struct apply *a, unsigned data, const struct batch *b)
{
	const struct batch_row *soa = NULL;
	struct batch_row *rows;
	size_t count = batch_sorted(b, &rows);
	int rc = OK;

	if (data == DATA_RR && a->from->serial_out != a->h->serial_out)
		rc = apply_soa(a, rows, count, &soa);
	for (size_t i = 0; rc == OK && i < count; i++)
		if (&rows[i] != soa)
			rc = apply_row(a, data, &rows[i]);
	free(rows);
	return rc;
}

/* Dropped first: what is both dropped and added is there in the end. */
static int apply_expiry(struct apply *a, const struct batch *b, bool is_added)
{
	MDB_txn *txn = a->w->view.txn;
	uint8_t k[STORE_KEY_MAX];
	struct batch_row *rows;
	size_t count = batch_sorted(b, &rows);
	int rc = 0;

	store_u32(k, a->from->generation);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		MDB_val key = {4 + rows[i].key_len, k};
		MDB_val value = {rows[i].value_len, (void *)(uintptr_t)rows[i].value};

		memcpy(k + 4, rows[i].key, rows[i].key_len);
		rc = is_added ? mdb_put(txn, a->trees[DATA_EXPIRY], &key, &value, 0)
			      : mdb_del(txn, a->trees[DATA_EXPIRY], &key, NULL);
		if (!is_added && rc == MDB_NOTFOUND)
			rc = 0;
	}
	free(rows);
	return rc == 0 ? OK : failed(a, rc, "changing the expiry index");
}

static int apply_all(struct apply *a, struct change *c, const struct journal_limits *limits)
{
	int rc = check_generation(a);

	if (rc == OK)
		rc = check_head(a);
	if (rc != OK)
		return rc;
	trees_of(c->store, a->from->generation, a->from->own_trees, a->trees);
	a->has_draft =
	    !a->is_replacement && a->from->has_out && a->from->serial_out != a->h->serial_out;
	if (a->has_draft && !serial_gt(a->h->serial_out, a->from->serial_out))
		return err_set(a->e, ERR_ARGUMENT, "a change from serial %u back to %u",
		    a->from->serial_out, a->h->serial_out);
	rc = apply_rows(a, DATA_RR, &c->rows[DATA_RR]);
	if (rc == OK)
		rc = apply_rows(a, DATA_NSEC3, &c->rows[DATA_NSEC3]);
	if (rc == OK)
		rc = apply_expiry(a, &c->drop, false);
	if (rc == OK)
		rc = apply_expiry(a, &c->add, true);
	if (rc == OK && a->has_draft)
		rc = journal_add(a->w, a->h, a->from->serial_out, &a->draft, limits, a->e);
	return rc;
}

int change_apply(struct change *c, struct store_write *w, const struct zone_head *from,
    struct zone_head *h, const struct journal_limits *limits, struct err *e)
{
	struct zone_head head = *h;
	struct apply a = {.w = w, .from = from, .h = &head, .e = e};
	int rc;

	head.generation = from->generation;
	head.own_trees = from->own_trees;
	draft_begin(&a.draft);
	rc = apply_all(&a, c, limits);
	draft_free(&a.draft);
	if (rc == OK && snapshot_first_expiry(&w->view, &head, &head.expiry_first) != OK)
		rc = err_set(
		    e, ERR_STORE, "store %s: the expiry index cannot be read", c->store->dir);
	if (rc == OK)
		rc = store_write_head(w, &head, e);
	if (rc == OK)
		*h = head;
	return rc;
}
