/* The judge looks at the keys: are the sets that the signer adds at the apex those of the key set
 * that the version was made with, and who must have signed what? */
#include "sign/check_state.h"

#include <string.h>
#include "base/buf.h"
#include "dns/rrtype.h"

bool check_is_key_set(const struct check *c, const uint8_t *owner, uint16_t type)
{
	return (type == RR_DNSKEY || type == RR_CDS || type == RR_CDNSKEY) &&
	       name_equal(owner, c->head.apex);
}

/* Which key of the head it is, as a bit; 0: the head does not have it. */
static uint32_t head_bit(const struct check *c, const struct keyset_key *k)
{
	for (unsigned i = 0; i < c->head.key_count; i++) {
		if (memcmp(c->head.keys[i].id, k->id, sizeof(k->id)) == 0)
			return 1U << i;
	}
	return 0;
}

int check_use_keys(struct check *c, const struct keyset *keys, struct err *e)
{
	c->keyset = keys;
	if (c->is_unsigned != (keys->count == 0))
		return check_fault(c, e, c->head.apex, 0, "it is %s, and has %u keys",
		    c->is_unsigned ? "unsigned" : "signed", keys->count);
	for (unsigned i = 0; i < keys->count; i++) {
		const struct keyset_key *k = &keys->keys[i];
		uint32_t bit = head_bit(c, k);

		if (bit == 0 && (k->signs_set || k->signs_zone))
			return check_fault(
			    c, e, c->head.apex, 0, "key %u signs it and is not counted", k->tag);
		c->set_signers |= k->signs_set ? bit : 0;
		c->zone_signers |= k->signs_zone ? bit : 0;
	}
	return OK;
}

/* The items that the key set has of this type; their number. */
static uint16_t wanted_items(const struct check *c, uint16_t type, struct buf *out)
{
	const struct keyset *ks = c->keyset;
	uint16_t count = 0;

	if (type == RR_CDS) {
		buf_put(out, ks->cds, ks->cds_len);
		return ks->cds_count;
	}
	if (type == RR_CDNSKEY) {
		buf_put(out, ks->cdnskey, ks->cdnskey_len);
		return ks->cdnskey_count;
	}
	for (unsigned i = 0; i < ks->count; i++) {
		if (!ks->keys[i].in_set)
			continue;
		buf_lv16(out, ks->keys[i].dnskey, ks->keys[i].dnskey_len);
		count++;
	}
	return count;
}

int check_key_set(const struct check *c, const struct rrset *set, struct err *e)
{
	struct buf items = {0}, sorted = {0};
	uint16_t count;
	bool is_same;

	if (c->keyset == NULL)
		return OK;
	count = wanted_items(c, set->type, &items);
	count = count == 0 ? 0 : rrset_sort(set->type, items.data, items.len, count, &sorted);
	is_same = count == set->count && sorted.len == set->rdata_len &&
		  memcmp(sorted.data, set->rdata, sorted.len) == 0;
	buf_free(&items);
	buf_free(&sorted);
	return is_same ? OK
		       : check_fault(
			     c, e, set->owner, set->type, "it is not what the zone's keys ask for");
}

int check_key_sets_end(const struct check *c, struct err *e)
{
	bool has_cds = false, has_cdnskey = false;

	if (c->keyset == NULL)
		return OK;
	for (unsigned i = 0; i < c->set_count; i++) {
		has_cds = has_cds || c->sets[i].type == RR_CDS;
		has_cdnskey = has_cdnskey || c->sets[i].type == RR_CDNSKEY;
	}
	if (!has_cds && c->keyset->cds_count > 0)
		return check_fault(c, e, c->owner, RR_CDS, "it is missing at the apex");
	if (!has_cdnskey && c->keyset->cdnskey_count > 0)
		return check_fault(c, e, c->owner, RR_CDNSKEY, "it is missing at the apex");
	return OK;
}
