/* What is kept of a child over a restart: see child.h.  It comes back from our own store, and is
 * checked all the same: a damaged row is an error, not a crash. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "watch/child_internal.h"

#define FORMAT 1

static void put_time(struct buf *b, int64_t t)
{
	buf_u64(b, (uint64_t)t);
}

static int64_t get_time(struct reader *r)
{
	return (int64_t)reader_u64(r);
}

static void get_octets(struct reader *r, uint8_t *out, size_t len)
{
	const uint8_t *p = reader_bytes(r, len);

	if (p != NULL)
		memcpy(out, p, len);
}

/* A count, or a value of an enumeration, below its limit. */
static unsigned get_below(struct reader *r, unsigned limit)
{
	unsigned value = reader_u16(r);

	if (value >= limit)
		r->failed = true;
	return r->failed ? 0 : value;
}

/* DS sets */

static void put_ds(struct buf *b, const struct parent_ds *list, unsigned count)
{
	buf_u16(b, (uint16_t)count);
	for (unsigned i = 0; i < count; i++) {
		buf_u16(b, list[i].tag);
		buf_u8(b, list[i].algorithm);
		buf_u8(b, list[i].digest_type);
		buf_lv16(b, list[i].digest, list[i].digest_len);
	}
}

static void get_one_ds(struct reader *r, struct parent_ds *ds)
{
	size_t len;
	const uint8_t *digest;

	ds->tag = reader_u16(r);
	ds->algorithm = reader_u8(r);
	ds->digest_type = reader_u8(r);
	digest = reader_lv16(r, &len);
	if (digest == NULL || len > PARENT_DIGEST_MAX) {
		r->failed = true;
		return;
	}
	ds->digest_len = (uint8_t)len;
	memcpy(ds->digest, digest, len);
}

static void get_set(struct reader *r, struct watch_ds *set)
{
	set->count = get_below(r, PARENT_DS_MAX + 1);
	for (unsigned i = 0; i < set->count && !r->failed; i++)
		get_one_ds(r, &set->list[i]);
}

/* Servers */

static void put_part(struct buf *b, const struct watch_part *p)
{
	buf_u16(b, (uint16_t)p->word);
	buf_u8(b, p->is_there);
	buf_u8(b, p->has_rrsigs);
	buf_u8(b, p->is_capped);
	buf_u32(b, p->ttl);
	buf_put(b, p->digest, sizeof(p->digest));
	buf_u16(b, (uint16_t)p->sig_count);
	for (unsigned i = 0; i < p->sig_count; i++) {
		buf_u16(b, p->sigs[i].key);
		put_time(b, p->sigs[i].inception);
		put_time(b, p->sigs[i].expiration);
	}
}

static void get_part(struct reader *r, unsigned key_count, struct watch_part *p)
{
	unsigned count;

	p->word = get_below(r, WATCH_WORDS);
	p->is_there = reader_u8(r) != 0;
	p->has_rrsigs = reader_u8(r) != 0;
	p->is_capped = reader_u8(r) != 0;
	p->ttl = reader_u32(r);
	get_octets(r, p->digest, sizeof(p->digest));
	count = get_below(r, PROOF_SIGS_MAX + 1);
	if (r->failed || count == 0)
		return;
	p->sigs = mem_array(count, sizeof(*p->sigs));
	for (; p->sig_count < count && !r->failed; p->sig_count++) {
		struct watch_sig *sig = &p->sigs[p->sig_count];

		sig->key = (uint8_t)get_below(r, key_count);
		sig->inception = get_time(r);
		sig->expiration = get_time(r);
	}
}

static void put_seen(struct buf *b, const struct watch_server *s)
{
	buf_u16(b, (uint16_t)s->seen_count);
	for (unsigned i = 0; i < s->seen_count; i++) {
		buf_u16(b, s->seen[i].key);
		put_time(b, s->seen[i].since);
		put_time(b, s->seen[i].signs_since);
	}
}

static void get_seen(struct reader *r, unsigned key_count, struct watch_server *s)
{
	unsigned count = get_below(r, WATCH_RECORDS_MAX + 1);

	if (r->failed || count == 0)
		return;
	s->seen = mem_array(count, sizeof(*s->seen));
	for (; s->seen_count < count && !r->failed; s->seen_count++) {
		struct watch_seen *seen = &s->seen[s->seen_count];

		seen->key = (uint8_t)get_below(r, key_count);
		seen->since = get_time(r);
		seen->signs_since = get_time(r);
	}
}

static void put_wish(struct buf *b, const struct watch_wish *w)
{
	buf_u16(b, (uint16_t)w->cds);
	buf_u16(b, (uint16_t)w->cdnskey);
	put_ds(b, w->ds, w->ds_count);
	buf_u16(b, (uint16_t)w->key_count);
	for (unsigned i = 0; i < w->key_count; i++)
		buf_u16(b, w->keys[i]);
	buf_put(b, w->digest, sizeof(w->digest));
	put_time(b, w->since);
	put_time(b, w->inception);
}

static void get_wish(struct reader *r, unsigned key_count, struct watch_wish *w)
{
	unsigned count;

	w->cds = get_below(r, WATCH_WISH_BROKEN + 1);
	w->cdnskey = get_below(r, WATCH_WISH_BROKEN + 1);
	count = get_below(r, WATCH_DS_MAX + 1);
	if (count > 0)
		w->ds = mem_array(count, sizeof(*w->ds));
	for (; w->ds_count < count && !r->failed; w->ds_count++)
		get_one_ds(r, &w->ds[w->ds_count]);
	count = get_below(r, WATCH_DS_MAX + 1);
	if (count > 0)
		w->keys = mem_array(count, sizeof(*w->keys));
	for (; w->key_count < count && !r->failed; w->key_count++)
		w->keys[w->key_count] = (uint8_t)get_below(r, key_count);
	get_octets(r, w->digest, sizeof(w->digest));
	w->since = get_time(r);
	w->inception = get_time(r);
}

static void put_server(struct buf *b, const struct watch_server *s)
{
	buf_str(b, s->name);
	buf_u16(b, (uint16_t)s->word);
	buf_str(b, s->reason);
	put_time(b, s->since);
	put_time(b, s->asked);
	put_time(b, s->answered);
	for (unsigned t = 0; t < WATCH_TYPES; t++)
		put_part(b, &s->parts[t]);
	buf_u32(b, s->serial);
	buf_u32(b, s->soa_expire);
	buf_u8(b, s->has_serial);
	put_time(b, s->behind_since);
	buf_u16(b, s->nsec3_iterations);
	buf_u32(b, s->ttl_max);
	put_seen(b, s);
	put_wish(b, &s->wish);
}

static void get_server(struct reader *r, unsigned key_count, struct watch_server *s)
{
	reader_str(r, s->name, sizeof(s->name));
	s->word = get_below(r, WATCH_WORDS);
	reader_str(r, s->reason, sizeof(s->reason));
	s->since = get_time(r);
	s->asked = get_time(r);
	s->answered = get_time(r);
	for (unsigned t = 0; t < WATCH_TYPES; t++)
		get_part(r, key_count, &s->parts[t]);
	s->serial = reader_u32(r);
	s->soa_expire = reader_u32(r);
	s->has_serial = reader_u8(r) != 0;
	s->behind_since = get_time(r);
	s->nsec3_iterations = reader_u16(r);
	s->ttl_max = reader_u32(r);
	get_seen(r, key_count, s);
	get_wish(r, key_count, &s->wish);
}

/* Keys */

static void put_keys(struct buf *b, const struct watch_child *c)
{
	buf_u16(b, (uint16_t)c->key_count);
	for (unsigned i = 0; i < c->key_count; i++)
		buf_lv16(b, c->keys[i].rdata, c->keys[i].len);
	buf_u16(b, (uint16_t)c->past_count);
	for (unsigned i = 0; i < c->past_count; i++) {
		const struct watch_past *p = &c->past[i];

		buf_put(b, p->id, sizeof(p->id));
		buf_u16(b, (uint16_t)p->state);
		put_time(b, p->since);
		buf_u16(b, p->tag);
		buf_u8(b, p->algorithm);
	}
}

static void get_keys(struct reader *r, struct watch_child *c)
{
	unsigned count = get_below(r, WATCH_KEYS_MAX + 1);

	for (unsigned i = 0; i < count && !r->failed; i++) {
		size_t len;
		const uint8_t *rdata = reader_lv16(r, &len);

		if (rdata == NULL || !proof_is_usable(rdata, len) ||
		    child_intern(c, rdata, len) != (int)i)
			r->failed = true;
	}
	count = get_below(r, WATCH_PAST_MAX + 1);
	if (r->failed || count == 0)
		return;
	c->past = mem_array(count, sizeof(*c->past));
	for (; c->past_count < count && !r->failed; c->past_count++) {
		struct watch_past *p = &c->past[c->past_count];

		get_octets(r, p->id, sizeof(p->id));
		p->state = get_below(r, WATCH_PAST_STATES);
		p->since = get_time(r);
		p->tag = reader_u16(r);
		p->algorithm = reader_u8(r);
	}
}

/* What is remembered of the whole */

static void put_memory(struct buf *b, const struct watch_child *c)
{
	buf_u8(b, c->has_today);
	put_ds(b, c->today.list, c->today.count);
	put_time(b, c->dnskey_differs);
	put_time(b, c->wish_differs);
	buf_u32(b, c->newest_serial);
	put_time(b, c->newest_serial_at);
	buf_put(b, c->newest, sizeof(c->newest));
	buf_put(b, c->acted, sizeof(c->acted));
	put_time(b, c->newest_inception);
	put_time(b, c->acted_inception);
	buf_u8(b, c->acted_is_open);
	put_ds(b, c->goal.list, c->goal.count);
	buf_u8(b, c->order.is_on);
	buf_u8(b, c->order.is_removal);
	buf_u8(b, c->order.is_wish);
	put_time(b, c->order.at);
	put_ds(b, c->order.ds.list, c->order.ds.count);
	buf_u8(b, c->roll.is_on);
	put_time(b, c->roll.began);
	put_ds(b, c->roll.added.list, c->roll.added.count);
	put_ds(b, c->roll.old.list, c->roll.old.count);
	buf_put(b, c->told, sizeof(c->told));
}

static void get_memory(struct reader *r, struct watch_child *c)
{
	c->has_today = reader_u8(r) != 0;
	get_set(r, &c->today);
	c->dnskey_differs = get_time(r);
	c->wish_differs = get_time(r);
	c->newest_serial = reader_u32(r);
	c->newest_serial_at = get_time(r);
	get_octets(r, c->newest, sizeof(c->newest));
	get_octets(r, c->acted, sizeof(c->acted));
	c->newest_inception = get_time(r);
	c->acted_inception = get_time(r);
	c->acted_is_open = reader_u8(r) != 0;
	get_set(r, &c->goal);
	c->order.is_on = reader_u8(r) != 0;
	c->order.is_removal = reader_u8(r) != 0;
	c->order.is_wish = reader_u8(r) != 0;
	c->order.at = get_time(r);
	get_set(r, &c->order.ds);
	c->roll.is_on = reader_u8(r) != 0;
	c->roll.began = get_time(r);
	get_set(r, &c->roll.added);
	get_set(r, &c->roll.old);
	get_octets(r, c->told, sizeof(c->told));
}

void watch_child_write(const struct watch_child *c, struct buf *out)
{
	buf_u8(out, FORMAT);
	buf_lv16(out, c->apex, name_len(c->apex));
	put_time(out, c->enrolled);
	buf_u8(out, c->has_baseline);
	buf_u8(out, c->is_full);
	put_keys(out, c);
	buf_u16(out, (uint16_t)c->server_count);
	for (unsigned i = 0; i < c->server_count; i++)
		put_server(out, &c->servers[i]);
	put_memory(out, c);
}

static void get_apex(struct reader *r, struct watch_child *c)
{
	size_t len;
	const uint8_t *apex = reader_lv16(r, &len);

	if (apex == NULL || name_check(apex, len) != len || len == 0)
		r->failed = true;
	else
		memcpy(c->apex, apex, len);
}

int watch_child_read(struct reader *r, struct watch_child *c)
{
	struct watch_child new = {.enrolled = 0};
	unsigned count;

	if (reader_left(r) > WATCH_STORED_MAX || reader_u8(r) != FORMAT)
		return ERR_FORMAT;
	get_apex(r, &new);
	new.enrolled = get_time(r);
	new.has_baseline = reader_u8(r) != 0;
	new.is_full = reader_u8(r) != 0;
	get_keys(r, &new);
	count = get_below(r, WATCH_SERVERS_MAX + 1);
	new.servers = mem_array(count + 1, sizeof(*new.servers));
	for (; new.server_count < count && !r->failed; new.server_count++)
		get_server(r, new.key_count, &new.servers[new.server_count]);
	get_memory(r, &new);
	if (r->failed) {
		watch_child_free(&new);
		return ERR_FORMAT;
	}
	watch_child_free(c);
	*c = new;
	return OK;
}
