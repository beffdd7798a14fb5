/* life: questions about how a zone's keys go on, and the CDS and CDNSKEY sets.  Runs in the signing
 * side. */
#include <string.h>
#include "dns/rrtype.h"
#include "keys/keys_internal.h"

/* It is good, or frozen and signed on with what was known last. */
static const struct zone_keys *find_usable(const struct keys *k, const uint8_t *apex)
{
	uint8_t hash[RECORD_HASH_LEN];
	const struct zone_keys *z;

	keys_zone_hash(apex, hash);
	z = keys_find(k, hash);
	return z != NULL && keys_can_sign(z) ? z : NULL;
}

const struct record *keys_record(const struct keys *k, const uint8_t *apex)
{
	const struct zone_keys *z = find_usable(k, apex);

	return z == NULL ? NULL : &z->record;
}

void keys_fill_tokens(const struct keys *k, const uint8_t *apex, struct facts *f)
{
	const struct zone_keys *z = find_usable(k, apex);

	for (unsigned i = 0; z != NULL && i < z->record.key_count; i++)
		f->keys[i].token = token_name(k->tokens[z->key_tokens[i]].token);
}

int64_t keys_next_look(const struct keys *k, const uint8_t *apex)
{
	const struct zone_keys *z = find_usable(k, apex);

	return z == NULL ? POLICY_NEVER : z->next_look;
}

const struct roll_held *keys_held(const struct keys *k, const uint8_t *apex, unsigned *count)
{
	const struct zone_keys *z = find_usable(k, apex);

	*count = z == NULL ? 0 : z->held_count;
	return z == NULL ? NULL : z->held;
}

/* Sorted items to a fixed array; false: too many. */
static bool store_set(const struct buf *items, uint16_t type, uint16_t count, uint8_t *out,
    size_t size, uint16_t *out_len, uint16_t *out_count)
{
	struct buf sorted = {0};
	uint16_t n = rrset_sort(type, items->data, items->len, count, &sorted);
	bool fits = sorted.len <= size;

	if (fits && n > 0)
		memcpy(out, sorted.data, sorted.len);
	*out_len = (uint16_t)(fits ? sorted.len : 0);
	*out_count = fits ? n : 0;
	buf_free(&sorted);
	return fits;
}

struct cds_sets {
	struct buf cds, cdnskey;
	uint16_t cds_count, cdnskey_count;
};

static void add_key(struct cds_sets *c, const struct record *r, const struct record_key *k,
    const struct key_policy *p)
{
	static const uint8_t sha256[POLICY_DIGESTS_MAX] = {2};
	const uint8_t *digests = p->digests[0] != 0 ? p->digests : sha256;
	uint8_t rdata[DNSKEY_RDATA_MAX];
	uint16_t len = proof_dnskey(k, rdata);

	buf_lv16(&c->cdnskey, rdata, len);
	c->cdnskey_count++;
	for (unsigned i = 0; i < POLICY_DIGESTS_MAX && digests[i] != 0; i++) {
		struct buf ds = {0};

		if (dnskey_ds(r->zone, rdata, len, digests[i], &ds) == OK) {
			buf_lv16(&c->cds, ds.data, ds.len);
			c->cds_count++;
		}
		buf_free(&ds);
	}
}

/* RFC 8078 4: the parent is asked to have no DS. */
static void add_delete(struct cds_sets *c)
{
	static const uint8_t cds[] = {0, 0, 0, 0, 0}, cdnskey[] = {0, 0, 3, 0, 0};

	buf_lv16(&c->cds, cds, sizeof(cds));
	buf_lv16(&c->cdnskey, cdnskey, sizeof(cdnskey));
	c->cds_count = c->cdnskey_count = 1;
}

void keys_fill_cds_of(const struct record *r, const struct key_policy *p, bool speaks, int64_t now,
    struct keyset *set)
{
	struct cds_sets c = {0};
	bool any = false;

	for (unsigned i = 0; i < r->key_count; i++) {
		const struct record_key *key = &r->keys[i];
		enum ds_state ds = timeline_ds(&key->times, role_has_ds(key->role), now);
		bool in_set = timeline_state(&key->times, now) < KEY_REMOVED;

		any |= in_set;
		if (in_set && key->times.at[TIME_COMPROMISED] != 0)
			set->emergency_validity = p->emergency_validity;
		if (in_set && (ds == DS_SUBMITTED || ds == DS_SEEN))
			add_key(&c, r, key, p);
	}
	if (any && r->unsign != 0)
		add_delete(&c);
	if (p->publish_cds && speaks) {
		store_set(&c.cds, RR_CDS, c.cds_count, set->cds, sizeof(set->cds), &set->cds_len,
		    &set->cds_count);
		store_set(&c.cdnskey, RR_CDNSKEY, c.cdnskey_count, set->cdnskey,
		    sizeof(set->cdnskey), &set->cdnskey_len, &set->cdnskey_count);
	}
	buf_free(&c.cds);
	buf_free(&c.cdnskey);
}

void keys_fill_cds(const struct keys *k, const uint8_t *apex, const struct key_policy *p,
    int64_t now, struct keyset *set)
{
	const struct zone_keys *z = find_usable(k, apex);

	if (z != NULL)
		keys_fill_cds_of(&z->record, p, true, now, set);
}
