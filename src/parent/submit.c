/* The DS set that the parent should have: see submit.h. */
#include "parent/submit.h"

#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "dns/dnskey.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"

#define FORMAT_VERSION 1

/* Lists */

static bool item_equal(const struct submit_item *a, const struct submit_item *b)
{
	return a->digest == b->digest && memcmp(a->id, b->id, sizeof(a->id)) == 0;
}

static unsigned list_find(const struct submit_list *l, const struct submit_item *item)
{
	unsigned i = 0;

	while (i < l->count && !item_equal(&l->items[i], item))
		i++;
	return i;
}

static bool list_has(const struct submit_list *l, const struct submit_item *item)
{
	return list_find(l, item) < l->count;
}

static void list_add(struct submit_list *l, const struct submit_item *item)
{
	if (!list_has(l, item) && l->count < SUBMIT_MAX)
		l->items[l->count++] = *item;
}

static void list_drop(struct submit_list *l, const struct submit_item *item)
{
	unsigned i = list_find(l, item);

	if (i < l->count)
		l->items[i] = l->items[--l->count];
}

bool submit_list_equal(const struct submit_list *a, const struct submit_list *b)
{
	for (unsigned i = 0; i < a->count; i++) {
		if (!list_has(b, &a->items[i]))
			return false;
	}
	return a->count == b->count;
}

static bool is_of_key(const struct submit_item *item, const struct record_key *k)
{
	return memcmp(item->id, k->id, sizeof(item->id)) == 0;
}

/* The DS of a key by the policy. */
static void add_key(struct submit_list *l, const struct record_key *k, const struct key_policy *p)
{
	static const uint8_t sha256[POLICY_DIGESTS_MAX] = {2};
	const uint8_t *digests = p->digests[0] != 0 ? p->digests : sha256;
	struct submit_item item;

	memcpy(item.id, k->id, sizeof(item.id));
	for (unsigned i = 0; i < POLICY_DIGESTS_MAX && digests[i] != 0; i++) {
		item.digest = digests[i];
		list_add(l, &item);
	}
}

/* What is wanted */

static enum ds_state ds_of(const struct record_key *k, int64_t now)
{
	return timeline_ds(&k->times, role_has_ds(k->role), now);
}

bool submit_is_wanted(const struct record_key *k, int64_t now)
{
	enum ds_state ds = ds_of(k, now);

	return (ds == DS_SUBMITTED || ds == DS_SEEN) &&
	       timeline_state(&k->times, now) < KEY_REMOVED;
}

void submit_wanted(
    const struct record *r, const struct key_policy *p, int64_t now, struct submit_list *out)
{
	out->count = 0;
	for (unsigned i = 0; i < r->key_count; i++) {
		if (submit_is_wanted(&r->keys[i], now))
			add_key(out, &r->keys[i], p);
	}
}

static void add_handed_over(
    struct submit_list *l, const struct record_key *k, const struct submit_done *done)
{
	for (unsigned i = 0; i < done->added.count; i++) {
		if (is_of_key(&done->added.items[i], k))
			list_add(l, &done->added.items[i]);
	}
}

/* What the parent may have of a key and should not: with a digest that policy wants no more, or of
 * a key whose DS was taken back.  What was seen to be gone needs no telling. */
static void find_surplus(const struct record_key *k, const struct key_policy *p,
    const struct submit_done *done, int64_t now, struct submit_list *out)
{
	if (submit_is_wanted(k, now))
		add_handed_over(out, k, done);
	if (ds_of(k, now) != DS_RETRACTED)
		return;
	add_handed_over(out, k, done);
	add_key(out, k, p);
}

void submit_compare(const struct record *r, const struct key_policy *p,
    const struct submit_done *done, int64_t now, struct submit_todo *out)
{
	struct submit_list wanted, surplus = {0};

	memset(out, 0, sizeof(*out));
	submit_wanted(r, p, now, &wanted);
	for (unsigned i = 0; i < wanted.count; i++) {
		if (!list_has(&done->added, &wanted.items[i]))
			list_add(&out->add, &wanted.items[i]);
	}
	for (unsigned i = 0; i < r->key_count; i++)
		find_surplus(&r->keys[i], p, done, now, &surplus);
	for (unsigned i = 0; i < surplus.count; i++) {
		if (!list_has(&wanted, &surplus.items[i]) &&
		    !list_has(&done->removed, &surplus.items[i]))
			list_add(&out->remove, &surplus.items[i]);
	}
}

/* What was done */

void submit_note_added(struct submit_done *d, const struct submit_list *l, int64_t now)
{
	d->at = now;
	for (unsigned i = 0; i < l->count; i++) {
		list_add(&d->added, &l->items[i]);
		list_drop(&d->removed, &l->items[i]);
	}
}

void submit_note_removed(struct submit_done *d, const struct submit_list *l, int64_t now)
{
	d->at = now;
	for (unsigned i = 0; i < l->count; i++) {
		list_add(&d->removed, &l->items[i]);
		list_drop(&d->added, &l->items[i]);
	}
}

static const struct record_key *key_of(const struct submit_item *item, const struct record *r)
{
	for (unsigned i = 0; i < r->key_count; i++) {
		if (is_of_key(item, &r->keys[i]))
			return &r->keys[i];
	}
	return NULL;
}

static void list_forget(struct submit_list *l, const struct record *r)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < l->count; i++) {
		if (key_of(&l->items[i], r) != NULL)
			l->items[kept++] = l->items[i];
	}
	l->count = kept;
}

void submit_forget(struct submit_done *d, const struct record *r)
{
	list_forget(&d->added, r);
	list_forget(&d->removed, r);
}

/* Text */

static bool list_has_key(const struct submit_list *l, const struct record_key *k)
{
	for (unsigned i = 0; i < l->count; i++) {
		if (is_of_key(&l->items[i], k))
			return true;
	}
	return false;
}

void submit_tags_text(const struct submit_list *l, const struct record *r, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < r->key_count && len < size; i++) {
		if (list_has_key(l, &r->keys[i]))
			len += (size_t)snprintf(
			    out + len, size - len, "%s%u", len == 0 ? "" : ", ", r->keys[i].tag);
	}
}

static void put_record(
    const uint8_t *apex, uint16_t type, uint32_t ttl, const struct buf *rdata, struct buf *out)
{
	char zone[NAME_TEXT_SIZE], name[RRTYPE_TEXT_SIZE];

	name_text(apex, zone);
	rrtype_text(type, name);
	buf_printf(out, "%s\t%u\tIN\t%s\t", zone, ttl, name);
	rdata_text(type, rdata->data, (uint16_t)rdata->len, out);
	buf_u8(out, '\n');
}

void submit_ds_text(const struct submit_list *l, const struct record *r, const uint8_t *apex,
    uint32_t ttl, struct buf *out)
{
	struct buf dnskey = {0}, ds = {0};

	for (unsigned i = 0; i < l->count; i++) {
		const struct record_key *k = key_of(&l->items[i], r);

		if (k == NULL)
			continue;
		buf_reset(&dnskey);
		buf_reset(&ds);
		dnskey_rdata(k->flags, k->algorithm, k->pub, k->pub_len, &dnskey);
		if (dnskey_ds(apex, dnskey.data, dnskey.len, l->items[i].digest, &ds) == OK)
			put_record(apex, RR_DS, ttl, &ds, out);
	}
	buf_free(&dnskey);
	buf_free(&ds);
}

unsigned submit_ds(const struct submit_list *l, const struct record *r, const uint8_t *apex,
    struct parent_ds out[PARENT_DS_MAX])
{
	struct buf dnskey = {0};
	unsigned count = 0;

	for (unsigned i = 0; i < l->count && count < PARENT_DS_MAX; i++) {
		const struct record_key *k = key_of(&l->items[i], r);

		if (k == NULL)
			continue;
		buf_reset(&dnskey);
		dnskey_rdata(k->flags, k->algorithm, k->pub, k->pub_len, &dnskey);
		if (parent_ds_of_key(
			apex, dnskey.data, dnskey.len, l->items[i].digest, &out[count]) == OK)
			count++;
	}
	buf_free(&dnskey);
	return count;
}

void submit_dnskey_text(const struct submit_list *l, const struct record *r, const uint8_t *apex,
    uint32_t ttl, struct buf *out)
{
	struct buf dnskey = {0};

	for (unsigned i = 0; i < r->key_count; i++) {
		const struct record_key *k = &r->keys[i];

		if (!list_has_key(l, k))
			continue;
		buf_reset(&dnskey);
		dnskey_rdata(k->flags, k->algorithm, k->pub, k->pub_len, &dnskey);
		put_record(apex, RR_DNSKEY, ttl, &dnskey, out);
	}
	buf_free(&dnskey);
}

/* Kept */

static void list_write(const struct submit_list *l, struct buf *out)
{
	buf_u16(out, (uint16_t)l->count);
	for (unsigned i = 0; i < l->count; i++) {
		buf_put(out, l->items[i].id, sizeof(l->items[i].id));
		buf_u8(out, l->items[i].digest);
	}
}

static void list_read(struct reader *r, struct submit_list *l)
{
	unsigned count = reader_u16(r);

	for (unsigned i = 0; i < count && !r->failed; i++) {
		const uint8_t *id = reader_bytes(r, TOKEN_ID_LEN);
		struct submit_item item = {.digest = reader_u8(r)};

		if (r->failed)
			return;
		memcpy(item.id, id, sizeof(item.id));
		list_add(l, &item);
	}
}

void submit_write(const struct submit_done *d, struct buf *out)
{
	buf_u8(out, FORMAT_VERSION);
	buf_u64(out, (uint64_t)d->at);
	list_write(&d->added, out);
	list_write(&d->removed, out);
}

void submit_read(struct reader *r, struct submit_done *d)
{
	memset(d, 0, sizeof(*d));
	if (reader_u8(r) != FORMAT_VERSION)
		return;
	d->at = (int64_t)reader_u64(r);
	list_read(r, &d->added);
	list_read(r, &d->removed);
	if (r->failed)
		memset(d, 0, sizeof(*d));
}
