/* What the signer itself adds at the apex, and whether a version must be made although the source
 * has nothing new: signatures to be refreshed, other keys, another chain. */
#include "sign/run.h"

#include <string.h>
#include "dns/rrtype.h"

static int dnskey_set(struct sign_run *r, struct rrset *out)
{
	const struct keyset *ks = &r->job.keys;
	uint16_t count = 0;

	buf_reset(&r->value);
	for (unsigned k = 0; k < ks->count; k++) {
		if (!ks->keys[k].in_set)
			continue;
		buf_lv16(&r->value, ks->keys[k].dnskey, ks->keys[k].dnskey_len);
		count++;
	}
	out->ttl = r->job.policy.ttl_dnskey;
	out->count = rrset_sort(RR_DNSKEY, r->value.data, r->value.len, count, &r->rdata);
	return OK;
}

static void packed_set(struct sign_run *r, struct rrset *out, uint16_t type, const uint8_t *items,
    size_t len, uint16_t count)
{
	out->ttl = r->job.policy.ttl_cds;
	out->count = count == 0 ? 0 : rrset_sort(type, items, len, count, &r->rdata);
}

static void nsec3param_set(struct sign_run *r, struct rrset *out)
{
	if (r->job.policy.denial == DENIAL_NSEC)
		return;
	buf_reset(&r->value);
	nsec3param_rdata(&r->job.policy.nsec3, &r->value);
	buf_lv16(&r->rdata, r->value.data, r->value.len);
	out->count = 1;
}

int apex_set(struct sign_run *r, uint16_t type, struct rrset *out)
{
	const struct keyset *ks = &r->job.keys;

	*out = (struct rrset){.owner = r->job.apex, .type = type};
	buf_reset(&r->rdata);
	if (type == RR_DNSKEY)
		dnskey_set(r, out);
	else if (type == RR_NSEC3PARAM)
		nsec3param_set(r, out);
	else if (type == RR_CDS)
		packed_set(r, out, type, ks->cds, ks->cds_len, ks->cds_count);
	else if (type == RR_CDNSKEY)
		packed_set(r, out, type, ks->cdnskey, ks->cdnskey_len, ks->cdnskey_count);
	if (r->rdata.failed || r->value.failed)
		return ERR_LIMIT;
	out->rdata = r->rdata.data;
	out->rdata_len = r->rdata.len;
	return OK;
}

/* Is the stored set the one that the key set wants? */
static bool is_as_stored(struct sign_run *r, uint16_t type)
{
	const uint8_t *packed;
	struct rrset want, have;
	size_t len;

	if (apex_set(r, type, &want) != OK)
		return false;
	if (snapshot_rrset(r->sn, &r->old_head, r->job.apex, type, &packed, &len) != OK)
		return want.count == 0;
	return rrset_unpack(packed, len, &have) == OK && have.ttl == want.ttl &&
	       have.rdata_len == want.rdata_len &&
	       memcmp(have.rdata, want.rdata, want.rdata_len) == 0;
}

static bool signed_before(const struct zone_head *h, const uint8_t id[TOKEN_ID_LEN])
{
	for (unsigned i = 0; i < h->key_count; i++) {
		if (memcmp(h->keys[i].id, id, TOKEN_ID_LEN) == 0)
			return h->keys[i].signatures > 0;
	}
	return false;
}

static bool has_same_signers(const struct sign_run *r)
{
	uint32_t mask = r->set_mask | r->zone_mask;
	unsigned now = 0, before = 0;

	for (unsigned k = 0; k < r->job.keys.count; k++) {
		if (!(mask >> k & 1))
			continue;
		if (!signed_before(&r->old_head, r->job.keys.keys[k].id))
			return false;
		now++;
	}
	for (unsigned i = 0; i < r->old_head.key_count; i++)
		before += r->old_head.keys[i].signatures > 0;
	return now == before;
}

bool due_now(struct sign_run *r)
{
	static const uint16_t types[] = {RR_DNSKEY, RR_NSEC3PARAM, RR_CDS, RR_CDNSKEY};
	const struct zone_head *h = &r->old_head;

	if (r->job.again || r->job.force || r->job.now >= h->resign_at ||
	    h->denial != r->job.policy.denial)
		return true;
	if (r->job.has_floor && !serial_gt(h->serial_out, r->job.serial_floor))
		return true;
	if (!h->published &&
	    (r->job.replace_dnssec || (!h->foreign_dnssec && r->job.hold[0] == '\0')))
		return true;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!is_as_stored(r, types[i]))
			return true;
	}
	return !has_same_signers(r);
}
