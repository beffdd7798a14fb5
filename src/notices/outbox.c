/* The outbox's rows in the store: see outbox.h.  Runs in the signing side.
 *
 *   META_NOTICE          id (u64, growing) -> the notice and how far it has come (row.h)
 *   META_NOTICE_WAITING  id -> nothing: something of it is still to be sent
 *   META_NOTICE_TOLD     8 octets for the zone, 16 for kind and occasion -> id, time: it was told
 *
 * Each new notice takes one or two of those away that are past their time, so that nothing walks
 * over all. */
#include "notices/outbox_internal.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "base/log.h"
#include "base/mem.h"

#define APEX_PART 8
#define PURGE_AT_ONCE 2
#define FORGET_AT_ONCE 256

struct outbox *outbox_new(struct store *s, struct err *e)
{
	struct outbox *o = mem_alloc(sizeof(*o));
	struct snapshot *sn;
	const uint8_t *key;
	size_t len;

	o->store = s;
	if (snapshot_open(s, &sn, e) != OK) {
		free(o);
		return NULL;
	}
	if (snapshot_last_meta(sn, META_NOTICE, &key, &len) == OK && len == 8)
		o->last_id = (uint64_t)load_u32(key) << 32 | load_u32(key + 4);
	snapshot_close(sn);
	outbox_take(o);
	return o;
}

void outbox_free(struct outbox *o)
{
	if (o == NULL)
		return;
	outbox_free_targets(o);
	free(o->updates);
	free(o);
}

/* Rows */

static void id_key(uint64_t id, uint8_t key[8])
{
	store_u64(key, id);
}

int outbox_row_get(struct snapshot *sn, uint64_t id, struct notice_row **out)
{
	uint8_t key[8];
	const uint8_t *value;
	size_t len;
	int code;

	id_key(id, key);
	code = snapshot_meta(sn, META_NOTICE, key, sizeof(key), &value, &len);
	if (code == OK)
		code = notice_row_read(id, value, len, out);
	if (code == ERR_FORMAT)
		log_error("the store's row of notice %llu is damaged", (unsigned long long)id);
	return code;
}

int outbox_row_put(struct store_write *w, const struct notice_row *r, struct err *e)
{
	struct buf value = {0};
	uint8_t key[8];
	int code;

	id_key(r->id, key);
	notice_row_write(r, &value);
	code = value.failed
		   ? err_set(e, ERR_LIMIT, "a notice is too long to be kept")
		   : store_write_meta(w, META_NOTICE, key, sizeof(key), value.data, value.len, e);
	if (code == OK)
		code = store_write_meta(w, META_NOTICE_WAITING, key, sizeof(key),
		    notice_row_waits(r) ? "" : NULL, 0, e);
	buf_free(&value);
	return code;
}

int outbox_row_new(struct outbox *o, struct store_write *w, struct notice_row *r, struct err *e)
{
	uint8_t value[16];
	int code;

	if (getrandom(r->random, sizeof(r->random), 0) != sizeof(r->random))
		return err_sys(e, "no random octets for a notice");
	r->id = ++o->last_id;
	store_u64(value, r->id);
	store_u64(value + 8, (uint64_t)r->notice.at);
	code = store_write_meta(
	    w, META_NOTICE_TOLD, r->told, sizeof(r->told), value, sizeof(value), e);
	return code == OK ? outbox_row_put(w, r, e) : code;
}

/* What was told */

static void apex_part(const uint8_t *apex, uint8_t out[APEX_PART])
{
	uint8_t lower[NAME_MAX_LEN] = {0}, digest[SHA256_DIGEST_LENGTH];
	size_t len = apex == NULL ? 0 : name_len(apex);

	if (len > 0) {
		memcpy(lower, apex, len);
		name_lower(lower);
	}
	SHA256(lower, len, digest);
	memcpy(out, digest, APEX_PART);
}

void outbox_told_key(const struct notice *n, uint8_t out[NOTICE_TOLD_LEN])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct buf text = {0};

	apex_part(n->apex, out);
	buf_str(&text, notice_kind_name(n->kind));
	buf_str(&text, n->occasion);
	SHA256(text.data, text.len, digest);
	memcpy(out + APEX_PART, digest, NOTICE_TOLD_LEN - APEX_PART);
	buf_free(&text);
}

static bool was_told(struct snapshot *sn, const uint8_t told[NOTICE_TOLD_LEN], int64_t after)
{
	const uint8_t *value;
	struct reader r;
	size_t len;

	if (snapshot_meta(sn, META_NOTICE_TOLD, told, NOTICE_TOLD_LEN, &value, &len) != OK)
		return false;
	r = reader_of(value, len);
	reader_u64(&r);
	return (int64_t)reader_u64(&r) > after && !r.failed;
}

bool outbox_was_told(struct outbox *o, const struct notice *n)
{
	uint8_t told[NOTICE_TOLD_LEN];
	struct snapshot *sn;
	bool was;

	outbox_told_key(n, told);
	if (snapshot_open(o->store, &sn, NULL) != OK)
		return false;
	was = was_told(sn, told, 0);
	snapshot_close(sn);
	return was;
}

/* Was it by this notice? */
static bool is_told_by(struct snapshot *sn, const struct notice_row *row)
{
	const uint8_t *value;
	struct reader r;
	size_t len;

	if (snapshot_meta(sn, META_NOTICE_TOLD, row->told, NOTICE_TOLD_LEN, &value, &len) != OK)
		return false;
	r = reader_of(value, len);
	return reader_u64(&r) == row->id;
}

/* Raising */

static int take_first(
    void *arg, const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	struct notice_row **out = arg;

	if (key_len == 8)
		notice_row_read((uint64_t)load_u32(key) << 32 | load_u32(key + 4), value, len, out);
	return ERR_EXISTS;
}

/* The oldest, when its time is over. */
static int purge_one(struct store_write *w, int64_t now, struct err *e)
{
	struct snapshot *view = store_write_view(w);
	struct notice_row *old = NULL;
	uint8_t key[8];
	int code = OK;

	snapshot_each_meta(view, META_NOTICE, "", 0, take_first, &old);
	if (old != NULL && old->notice.at < now - KEEP_TIME && !notice_row_waits(old)) {
		id_key(old->id, key);
		code = store_write_meta(w, META_NOTICE, key, sizeof(key), NULL, 0, e);
		if (code == OK && is_told_by(view, old))
			code = store_write_meta(
			    w, META_NOTICE_TOLD, old->told, NOTICE_TOLD_LEN, NULL, 0, e);
	}
	notice_row_free(old);
	return code;
}

void outbox_add_delivery(struct notice_row *r, enum notice_channel c, const char *to, int64_t now)
{
	struct notice_delivery *d;

	for (unsigned i = 0; i < r->delivery_count; i++) {
		if (r->deliveries[i].channel == c && strcmp(r->deliveries[i].to, to) == 0)
			return; /* whoever is named twice is told once */
	}
	if (r->delivery_count == NOTICE_DELIVERIES_MAX || strlen(to) > NOTICE_TO_MAX) {
		log_error("a notice is not sent to %.300s: %s", to,
		    strlen(to) > NOTICE_TO_MAX ? "the address is too long"
					       : "it has too many recipients");
		return;
	}
	d = &r->deliveries[r->delivery_count++];
	*d = (struct notice_delivery){.channel = c, .since = now, .changed = now};
	strcpy(d->to, to);
}

int outbox_put(struct outbox *o, struct store_write *w, const struct notice *n,
    const struct notice_recipient *to, unsigned count, int64_t now, uint64_t *id, struct err *e)
{
	struct notice_row *row = mem_alloc(sizeof(*row));
	int code = OK;

	row->notice = *n;
	row->of = n->kind;
	for (unsigned i = 0; i < count; i++)
		outbox_add_delivery(row, to[i].channel, to[i].to, now);
	outbox_told_key(n, row->told);
	if (!was_told(store_write_view(w), row->told, now - KEEP_TIME)) {
		for (unsigned i = 0; i < PURGE_AT_ONCE && code == OK; i++)
			code = purge_one(w, now, e);
		if (code == OK)
			code = outbox_row_new(o, w, row, e);
	}
	if (code == OK && id != NULL)
		*id = row->id;
	free(row); /* it has no arena */
	return code;
}

struct told_keys {
	uint8_t apex[APEX_PART];
	uint8_t keys[FORGET_AT_ONCE][NOTICE_TOLD_LEN];
	unsigned count;
};

static int take_told(
    void *arg, const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	struct told_keys *k = arg;

	(void)value;
	(void)len;
	if (key_len != NOTICE_TOLD_LEN || memcmp(key, k->apex, APEX_PART) != 0 ||
	    k->count == FORGET_AT_ONCE)
		return ERR_EXISTS;
	memcpy(k->keys[k->count++], key, NOTICE_TOLD_LEN);
	return OK;
}

int outbox_forget(struct outbox *o, struct store_write *w, const uint8_t *apex, struct err *e)
{
	struct told_keys *k = mem_alloc(sizeof(*k));
	int code = OK;

	(void)o;
	apex_part(apex, k->apex);
	do {
		k->count = 0;
		snapshot_each_meta(
		    store_write_view(w), META_NOTICE_TOLD, k->apex, APEX_PART, take_told, k);
		for (unsigned i = 0; i < k->count && code == OK; i++)
			code = store_write_meta(
			    w, META_NOTICE_TOLD, k->keys[i], NOTICE_TOLD_LEN, NULL, 0, e);
	} while (code == OK && k->count == FORGET_AT_ONCE);
	free(k);
	return code;
}

/* Taking over what was committed */

struct taking {
	struct outbox *o;
	struct snapshot *sn;
};

static int take_row(void *arg, const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	struct taking *t = arg;
	struct notice_row *row;
	uint64_t id;

	(void)value;
	(void)len;
	if (key_len != 8)
		return OK;
	id = (uint64_t)load_u32(key) << 32 | load_u32(key + 4);
	if (outbox_row_get(t->sn, id, &row) == OK) {
		outbox_add_items(t->o, row);
		notice_row_free(row);
	}
	t->o->taken_id = id;
	return OK;
}

bool outbox_take(struct outbox *o)
{
	struct taking t = {.o = o};
	uint8_t key[8];

	if (snapshot_open(o->store, &t.sn, NULL) != OK)
		return false;
	id_key(o->taken_id + 1, key);
	snapshot_each_meta(t.sn, META_NOTICE_WAITING, key, sizeof(key), take_row, &t);
	snapshot_close(t.sn);
	return o->is_fresh;
}

/* Keeping how tries ended */

static int apply(struct store_write *w, const struct update *u, struct err *e)
{
	struct notice_row *row;
	struct notice_delivery *d;
	int code = outbox_row_get(store_write_view(w), u->id, &row);

	if (code != OK)
		return code == ERR_STORE ? err_set(e, code, "a notice cannot be read") : OK;
	if (u->at < row->delivery_count) {
		d = &row->deliveries[u->at];
		d->state = u->state;
		d->tries = u->tries;
		d->next_try = u->next_try;
		d->changed = u->changed;
		strcpy(d->error, u->error);
		code = outbox_row_put(w, row, e);
	}
	notice_row_free(row);
	return code;
}

int outbox_save(struct outbox *o, struct err *e)
{
	struct store_write *w;
	int code;

	if (o->update_count == 0)
		return OK;
	code = store_write_begin(o->store, &w, e);
	if (code != OK)
		return code;
	for (unsigned i = 0; i < o->update_count && code == OK; i++)
		code = apply(w, &o->updates[i], e);
	if (code == OK)
		code = store_write_commit(w, e);
	else
		store_write_abort(w);
	if (code == OK)
		o->update_count = 0;
	return code;
}

static int reset_row(struct outbox *o, struct notice_row *row, const struct notice_recipient *to,
    unsigned count, int64_t now, struct err *e)
{
	struct store_write *w;
	int code = store_write_begin(o->store, &w, e);

	if (code != OK)
		return code;
	if (row->notice.kind == NOTICE_DIGEST && row->delivery_count > 0) {
		struct notice_delivery d = row->deliveries[0];

		row->delivery_count = 0;
		outbox_add_delivery(row, d.channel, d.to, now);
	} else {
		row->delivery_count = 0;
		for (unsigned i = 0; i < count; i++)
			outbox_add_delivery(row, to[i].channel, to[i].to, now);
	}
	for (unsigned i = 0; i < row->delivery_count; i++)
		row->deliveries[i].next_try = now; /* at once, and by itself */
	code = outbox_row_put(w, row, e);
	if (code == OK)
		return store_write_commit(w, e);
	store_write_abort(w);
	return code;
}

int outbox_resend(struct outbox *o, uint64_t id, const struct notice_recipient *to, unsigned count,
    int64_t now, struct err *e)
{
	struct notice_row *row = NULL;
	int code = outbox_get(o, id, &row);

	if (code != OK)
		return err_set(e, code, "there is no notice %llu", (unsigned long long)id);
	code = outbox_save(o, e);
	if (code == OK && !outbox_drop_items(o, id))
		code =
		    err_set(e, ERR_AGAIN, "notice %llu is being sent now", (unsigned long long)id);
	if (code == OK) {
		code = reset_row(o, row, to, count, now, e);
		if (code != OK) { /* it stays as it was */
			notice_row_free(row);
			row = NULL;
			outbox_get(o, id, &row);
		}
		if (row != NULL)
			outbox_add_items(o, row);
	}
	notice_row_free(row);
	return code;
}
