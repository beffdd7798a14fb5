/* What is known of a zone when its keys are to go on: which versions its servers have, which DS its
 * parent's, and the TTLs that caches go by.  Runs in the signing side. */
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/signer/life.h"
#include "parent/observe.h"

#define TTLS_FORMAT 1

/* TTLs.  A cache holds data with a larger TTL than today's no longer than that TTL after it was
 * served last: until then the larger one counts.  Where it is not known when that was, it counts
 * longer. */

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* This is the TTL from now on; is_new: it was another one until now. */
static void served_change(struct served *s, uint32_t ttl, bool is_new, int64_t now)
{
	s->is_going = s->is_going || (is_new && ttl < s->ttl);
	if (ttl >= s->ttl)
		*s = (struct served){ttl, false, now};
}

static void served_age(struct served *s, uint32_t ttl, bool is_everywhere, int64_t now)
{
	if (s->ttl <= ttl)
		return;
	if (s->is_going && is_everywhere) {
		s->is_going = false;
		s->until = now;
	}
	if (!s->is_going && s->until + (int64_t)s->ttl <= now)
		*s = (struct served){ttl, false, now};
}

static void ttls_age(struct zone_life *l, int64_t now)
{
	struct served_ttls *t = &l->ttls;
	bool is_everywhere = signer_observe_all_have(l->zone, t->serial);

	served_age(&t->dnskey, t->dnskey_now, is_everywhere, now);
	served_age(&t->zone, t->zone_now, is_everywhere, now);
	served_age(&t->negative, t->negative_now, is_everywhere, now);
}

/* Without a word about what was served before, it may have been as much as the policy lets in. */
static void ttls_begin(struct zone_life *l, int64_t now)
{
	const struct signer_zone *z = l->zone;
	const struct record *r = keys_record(z->signer->keys, z->owner);
	struct served_ttls *t = &l->ttls;

	if (t->serial != 0 || t->zone.ttl != 0 || l->is_news)
		return;
	t->zone = (struct served){z->key_policy.max_ttl, true, now};
	t->negative = t->zone;
	t->dnskey = (struct served){r == NULL ? 0 : r->ttls.dnskey, true, now};
}

void life_ttls_version(struct zone_life *l, int64_t now)
{
	const struct signer_zone *z = l->zone;
	const struct zone_head *h = &z->head;
	uint32_t dnskey = z->sign_policy.ttl_dnskey,
		 negative = smaller(h->soa_in.minimum, h->ttl_max);
	struct served_ttls *t = &l->ttls;
	bool is_new =
	    t->dnskey_now != dnskey || t->zone_now != h->ttl_max || t->negative_now != negative;
	/* What max_ttl lowered for us was served unsigned as it was. */
	uint32_t plain = h->ttl_in != 0 ? h->ttl_in : z->key_policy.max_ttl;

	ttls_begin(l, now);
	if (!is_new && plain <= t->unsigned_max)
		return;
	served_change(&t->dnskey, dnskey, is_new, now);
	served_change(&t->zone, h->ttl_max, is_new, now);
	served_change(&t->negative, negative, is_new, now);
	t->dnskey_now = dnskey;
	t->zone_now = h->ttl_max;
	t->negative_now = negative;
	t->serial = h->serial_out;
	t->unsigned_max = plain > t->unsigned_max ? plain : t->unsigned_max;
	signer_status_dirty(l->zone);
}

static void write_served(const struct served *s, uint32_t now, struct buf *out)
{
	buf_u32(out, s->ttl);
	buf_u8(out, s->is_going);
	buf_u64(out, (uint64_t)s->until);
	buf_u32(out, now);
}

void life_ttls_write(const struct zone_life *l, struct buf *out)
{
	const struct served_ttls *t = &l->ttls;

	buf_u8(out, TTLS_FORMAT);
	buf_u32(out, t->serial);
	buf_u32(out, t->unsigned_max);
	write_served(&t->dnskey, t->dnskey_now, out);
	write_served(&t->zone, t->zone_now, out);
	write_served(&t->negative, t->negative_now, out);
}

static void read_served(struct reader *r, struct served *s, uint32_t *now)
{
	s->ttl = reader_u32(r);
	s->is_going = reader_u8(r) != 0;
	s->until = (int64_t)reader_u64(r);
	*now = reader_u32(r);
}

void life_ttls_load(struct zone_life *l, struct snapshot *sn)
{
	const struct signer_zone *z = l->zone;
	struct served_ttls t = {0};
	const uint8_t *value;
	struct reader r;
	size_t len;

	if (snapshot_meta(sn, META_TTLS, z->key, z->key_len, &value, &len) != OK)
		return;
	r = reader_of(value, len);
	if (reader_u8(&r) != TTLS_FORMAT)
		return;
	t.serial = reader_u32(&r);
	t.unsigned_max = reader_u32(&r);
	read_served(&r, &t.dnskey, &t.dnskey_now);
	read_served(&r, &t.zone, &t.zone_now);
	read_served(&r, &t.negative, &t.negative_now);
	if (!r.failed)
		l->ttls = t;
}

static void ttl_facts(const struct signer_zone *z, struct facts *f)
{
	const struct served_ttls *t = &z->life->ttls;
	const struct parent_view *v = signer_parent_view(z);

	f->ttl_dnskey = t->dnskey.ttl;
	f->ttl_zone = t->zone.ttl != 0 ? t->zone.ttl : z->key_policy.max_ttl;
	f->ttl_negative = t->negative.ttl;
	f->ttl_ds = v == NULL ? 0 : parent_ttl_max(v);
	f->ttl_unsigned = t->unsigned_max != 0 ? t->unsigned_max : z->key_policy.max_ttl;
}

/* DS.  A validator may look at DS of one digest type alone, the one it likes best (RFC 4509 3): so
 * a key has its DS only when it has one of each type that any of our keys has at the parent. */

static const uint8_t digests[] = {4, 2, 1};
#define DIGESTS MEM_COUNT(digests)

struct key_ds {
	bool has[DIGESTS];
	struct parent_ds ds[DIGESTS];
};

/* At any server, as it was last seen. */
static bool is_somewhere(const struct parent_view *v, const struct parent_ds *ds)
{
	for (unsigned i = 0; i < v->count; i++) {
		const struct parent_server *s = &v->servers[i];

		for (unsigned k = 0; k < s->count; k++) {
			if (s->ds[k].is_there && parent_ds_equal(&s->ds[k].ds, ds))
				return true;
		}
	}
	return false;
}

static void make_ds(const uint8_t *apex, const struct record_key *k, struct key_ds *out)
{
	struct buf dnskey = {0};

	memset(out, 0, sizeof(*out));
	if (!role_has_ds(k->role))
		return;
	dnskey_rdata(k->flags, k->algorithm, k->pub, k->pub_len, &dnskey);
	for (size_t d = 0; d < DIGESTS; d++)
		out->has[d] =
		    parent_ds_of_key(apex, dnskey.data, dnskey.len, digests[d], &out->ds[d]) == OK;
	buf_free(&dnskey);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void ds_fact(const struct parent_view *v, const struct key_ds *k, const bool *in_use,
    int64_t fresh, struct facts_key *out)
{
	bool is_in = false, is_out = true, lacks = false;
	int64_t in = 0, gone = 0;

	for (size_t d = 0; d < DIGESTS; d++) {
		struct parent_fact fact;

		if (!k->has[d])
			continue;
		fact = parent_fact_of(v, &k->ds[d], fresh);
		out->ds_some = out->ds_some || is_somewhere(v, &k->ds[d]);
		is_out = is_out && fact.word == PARENT_GONE;
		gone = later(gone, fact.since);
		if (!in_use[d])
			continue;
		is_in = is_in || fact.word == PARENT_THERE;
		lacks = lacks || fact.word != PARENT_THERE;
		in = later(in, fact.since);
	}
	out->ds_in = is_in && !lacks ? in : 0;
	out->ds_out = is_out ? gone : 0;
}

static void ds_facts(const struct signer_zone *z, const struct record *r, struct facts *f)
{
	const struct parent_view *v = signer_parent_view(z);
	int64_t fresh = v == NULL ? 0 : signer_parent_fresh(z, clock_calendar());
	struct key_ds ds[KEYSET_MAX];
	bool in_use[DIGESTS] = {false};

	if (v == NULL)
		return;
	for (unsigned i = 0; i < r->key_count; i++) {
		make_ds(z->apex, &r->keys[i], &ds[i]);
		for (size_t d = 0; d < DIGESTS; d++)
			in_use[d] = in_use[d] || (ds[i].has[d] && is_somewhere(v, &ds[i].ds[d]));
	}
	/* Nobody looks at SHA-1 where there is another (RFC 4509 3). */
	in_use[DIGESTS - 1] = in_use[DIGESTS - 1] && !in_use[0] && !in_use[1];
	for (unsigned i = 0; i < r->key_count; i++) {
		if (role_has_ds(r->keys[i].role))
			ds_fact(v, &ds[i], in_use, fresh, &f->keys[i]);
	}
}

void life_facts_of(const struct signer_zone *z, const struct record *r, struct facts *f)
{
	memset(f, 0, sizeof(*f));
	if (r == NULL || z->life == NULL)
		return;
	ttls_age(z->life, clock_calendar());
	signer_observe_facts(z, r, f);
	ds_facts(z, r, f);
	ttl_facts(z, f);
	facts_apply_policy(f, &z->key_policy);
}

void signer_zone_facts(const struct signer_zone *z, struct facts *f)
{
	life_facts_of(z, keys_record(z->signer->keys, z->owner), f);
}

void signer_life_facts(const struct signer_zone *z, struct facts *f)
{
	if (z->group != NULL)
		signer_share_facts(z, f);
	else
		signer_zone_facts(z, f);
}
