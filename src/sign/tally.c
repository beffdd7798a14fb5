/* The head's sums while a version is made in place: see amend.h. */
#include "sign/amend.h"

#include <string.h>
#include "dns/dnskey.h"
#include "dns/rrtype.h"
#include "dns/soa.h"
#include "sign/digest.h"

static uint64_t moved(uint64_t sum, uint64_t by, int sign)
{
	return sign > 0 ? sum + by : sum - by;
}

static void tally_signatures(struct zone_head *h, const struct rrset *set, int sign)
{
	const uint8_t *p = set->sigdata;

	h->signatures = moved(h->signatures, set->sigs, sign);
	for (unsigned i = 0; i < set->sigs; i++) {
		struct rrsig sig;
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		if (rrsig_parse(rdata, len, &sig) != OK)
			continue;
		for (unsigned k = 0; k < h->key_count; k++) {
			if (h->keys[k].tag == sig.key_tag && h->keys[k].algorithm == sig.algorithm)
				h->keys[k].signatures = moved(h->keys[k].signatures, 1, sign);
		}
	}
}

/* As its source sent it: the SOA with that serial. */
static int tally_input(struct sign_run *r, const uint8_t *packed, const struct rrset *set, int sign)
{
	size_t len = (size_t)(set->rdata + set->rdata_len - packed);
	uint32_t serial = sign > 0 ? r->head.serial_in : r->old_head.serial_in;

	buf_reset(&r->message);
	buf_put(&r->message, packed, len);
	if (r->message.failed)
		return run_fail(r, ERR_LIMIT, "out of memory");
	if (set->type == RR_SOA && set->rdata_len > 2)
		soa_set_serial(
		    r->message.data + (len - set->rdata_len) + 2, set->rdata_len - 2, serial);
	if (sign > 0)
		digest_add(r->head.input_digest, r->message.data, len);
	else
		digest_subtract(r->head.input_digest, r->message.data, len);
	r->head.input_records = moved(r->head.input_records, set->count, sign);
	return OK;
}

int tally(struct sign_run *r, const uint8_t *packed, size_t len, bool is_nsec3, int sign)
{
	struct zone_head *h = &r->head;
	struct rrset set;

	if (rrset_unpack(packed, len, &set) != OK)
		return run_fail(r, ERR_FORMAT, "reading the current version: a damaged value");
	h->rrsets = moved(h->rrsets, 1, sign);
	h->records = moved(h->records, set.count, sign);
	tally_signatures(h, &set, sign);
	if (is_nsec3 || rrtype_is_stripped(set.type, name_equal(set.owner, r->job.apex)))
		return OK;
	return tally_input(r, packed, &set, sign);
}
