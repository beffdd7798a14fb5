/* look: what a destination's answer to an SOA query says: which version it serves, and whether with
 * our signatures.  Pure.
 *
 * A server that has the zone and leaves its signatures out, or makes its own, does not have our
 * version: for validators the zone fails there.  Runs in the network side; answers are not trusted.
 */
#include "outbound/parts.h"

#include <stdio.h>
#include <string.h>
#include "dns/dnskey.h"
#include "dns/edns.h"
#include "dns/rdata.h"

static bool stamp_of(const uint8_t *rdata, size_t len, struct out_stamp *out)
{
	struct rrsig sig;

	if (rrsig_parse(rdata, len, &sig) != OK || sig.covered != RR_SOA)
		return false;
	*out = (struct out_stamp){sig.key_tag, sig.algorithm, sig.inception, sig.expiration};
	return true;
}

static bool stamp_equal(const struct out_stamp *a, const struct out_stamp *b)
{
	return a->tag == b->tag && a->algorithm == b->algorithm && a->inception == b->inception &&
	       a->expiration == b->expiration;
}

unsigned out_look_stamps(const struct rrset *soa, struct out_stamp out[OUT_STAMPS_MAX])
{
	const uint8_t *next = soa->sigdata;
	unsigned count = 0;
	uint16_t len;

	for (unsigned i = 0; i < soa->sigs && count < OUT_STAMPS_MAX; i++) {
		const uint8_t *rdata = rrset_next(&next, &len);

		count += stamp_of(rdata, len, &out[count]);
	}
	return count;
}

static void take_record(struct out_seen *out, uint16_t type, const struct buf *rdata)
{
	struct soa soa;

	if (type == RR_SOA && soa_parse(rdata->data, rdata->len, &soa) == OK) {
		out->has_serial = true;
		out->serial = soa.serial;
	} else if (type == RR_RRSIG && out->stamp_count < OUT_STAMPS_MAX) {
		out->stamp_count +=
		    stamp_of(rdata->data, rdata->len, &out->stamps[out->stamp_count]);
	}
}

void out_look_read(
    const struct packet *answer, const uint8_t *apex, bool was_cut, struct out_seen *out)
{
	struct packet p = *answer;
	struct packet_rr rr;
	struct buf rdata = {0};

	*out = (struct out_seen){.is_unsure = was_cut || (p.flags & PACKET_FLAG_TC) != 0};
	while (packet_next(&p, &rr) == OK) {
		if (rr.section != 1 || (rr.type != RR_SOA && rr.type != RR_RRSIG) ||
		    !name_equal(rr.owner, apex))
			continue;
		buf_reset(&rdata);
		if (rdata_from_message(rr.type, p.msg, p.len, rr.rdata, rr.rdlen, &rdata, NULL) ==
			OK &&
		    !rdata.failed)
			take_record(out, rr.type, &rdata);
	}
	buf_free(&rdata);
}

/* One of ours is enough: while algorithms change there may be more than fit. */
static bool has_stamp_of(const struct out_seen *s, const struct out_zone *z)
{
	for (unsigned i = 0; i < s->stamp_count; i++) {
		for (unsigned k = 0; k < z->stamp_count; k++) {
			if (stamp_equal(&s->stamps[i], &z->stamps[k]))
				return true;
		}
	}
	return false;
}

enum destination_signatures out_look_signatures(const struct out_zone *z, const struct out_seen *s)
{
	if (!s->has_serial || z->stamp_count == 0)
		return SIGNATURES_UNKNOWN;
	if (s->stamp_count == 0)
		return s->is_unsure ? SIGNATURES_UNKNOWN : SIGNATURES_NONE;
	if (s->serial != z->serial)
		return SIGNATURES_THERE;
	return has_stamp_of(s, z) ? SIGNATURES_THERE : SIGNATURES_OTHER;
}

/* The stamps hold 32 bits of a time: that which is nearest to now is meant (RFC 4034 3.1.5). */
int64_t out_look_expires(const struct out_seen *s, int64_t now)
{
	int64_t first = 0;

	for (unsigned i = 0; i < s->stamp_count; i++) {
		int64_t at = now + (int32_t)(s->stamps[i].expiration - (uint32_t)now);

		if (first == 0 || at < first)
			first = at;
	}
	return first;
}

bool out_look_is_current(
    const struct out_zone *z, const struct out_seen *s, char why[DESTINATION_REASON_MAX])
{
	uint32_t ours = z->serial;

	why[0] = '\0';
	if (!s->has_serial)
		snprintf(why, DESTINATION_REASON_MAX, "answered SOA query without the zone's SOA");
	else if (serial_gt(s->serial, ours))
		snprintf(why, DESTINATION_REASON_MAX,
		    "serves serial %u, which is newer than ours (%u), so that it will not fetch "
		    "ours",
		    s->serial, ours);
	else if (s->serial != ours)
		snprintf(
		    why, DESTINATION_REASON_MAX, "still serves serial %u, not %u", s->serial, ours);
	else if (out_look_signatures(z, s) == SIGNATURES_NONE)
		snprintf(why, DESTINATION_REASON_MAX,
		    "serves serial %u without its signatures, so that the zone fails for "
		    "validators there: DNSSEC must be enabled on it",
		    ours);
	else if (out_look_signatures(z, s) == SIGNATURES_OTHER)
		snprintf(why, DESTINATION_REASON_MAX,
		    "serves serial %u with a signature of its SOA that is not ours (key tag %u): "
		    "it must not sign the zone itself",
		    ours, s->stamps[0].tag);
	return why[0] == '\0';
}
