/* What the signer itself adds at the apex, and whether a version must be made although the source
 * has nothing new: signatures to be refreshed, other keys, another chain. */
#include "sign/amend.h"

#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"

bool is_key_set(const struct sign_run *r, const uint8_t *owner, uint16_t type)
{
	return (type == RR_DNSKEY || type == RR_CDS || type == RR_CDNSKEY) &&
	       name_equal(owner, r->job.apex);
}

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
	if (!denial_is_nsec3(r->denial))
		return;
	buf_reset(&r->value);
	nsec3param_rdata(&r->job.policy.nsec3, &r->value);
	buf_lv16(&r->rdata, r->value.data, r->value.len);
	out->count = 1;
}

/* Of the right type, and no more: zonemd_out.c makes it when the rest is there. */
static void zonemd_set(struct sign_run *r, struct rrset *out)
{
	static const uint8_t nothing[6];

	if (!zonemd_is_made(r))
		return;
	buf_lv16(&r->rdata, nothing, sizeof(nothing));
	out->count = 1;
}

int apex_set(struct sign_run *r, uint16_t type, struct rrset *out)
{
	const struct keyset *ks = &r->job.keys;

	*out = (struct rrset){.owner = r->job.apex, .type = type};
	if (r->denial == DENIAL_NONE)
		return OK;
	buf_reset(&r->rdata);
	if (type == RR_DNSKEY)
		dnskey_set(r, out);
	else if (type == RR_NSEC3PARAM)
		nsec3param_set(r, out);
	else if (type == RR_ZONEMD)
		zonemd_set(r, out);
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
	if (type == RR_ZONEMD)
		return want.count > 0;
	return rrset_unpack(packed, len, &have) == OK && have.ttl == want.ttl &&
	       have.rdata_len == want.rdata_len &&
	       memcmp(have.rdata, want.rdata, want.rdata_len) == 0;
}

static bool is_refresh_due(const struct sign_run *r)
{
	return r->old_head.resign_at != 0 && r->job.now >= r->old_head.resign_at;
}

bool due_now(struct sign_run *r)
{
	static const uint16_t types[] = {RR_DNSKEY, RR_NSEC3PARAM, RR_CDS, RR_CDNSKEY, RR_ZONEMD};
	const struct zone_head *h = &r->old_head;

	if (r->job.again || r->job.force || is_refresh_due(r) || h->denial != r->denial)
		return true;
	if (r->job.has_floor && !serial_gt(h->serial_out, r->job.serial_floor))
		return true;
	if (!h->published &&
	    (r->job.replace_dnssec || (!h->foreign_dnssec && r->job.hold[0] == '\0')))
		return true;
	for (size_t i = 0; i < MEM_COUNT(types); i++) {
		if (!is_as_stored(r, types[i]))
			return true;
	}
	return h->keyset != sign_keyset_mark(&r->job.keys) || resign_is_wanted(r);
}
