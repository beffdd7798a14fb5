/* transfer: SOA, AXFR and IXFR queries by a peer that may have the zone.
 *
 * Runs in the network side.  The query is not trusted, though its sender is a destination. */
#include "outbound/parts.h"

#include "dns/rdata.h"

/* The serial of the version that the client has: the SOA in the authority section (RFC 1995 3). */
static bool ixfr_serial(const struct out_query *q, uint32_t *serial)
{
	struct packet p = q->packet;
	struct packet_rr rr;
	struct buf rdata = {0};
	struct soa soa;
	bool has_soa = false;

	while (!has_soa && packet_next(&p, &rr) == OK) {
		if (rr.section != 2 || rr.type != RR_SOA || !name_equal(rr.owner, p.qname))
			continue;
		buf_reset(&rdata);
		has_soa = rdata_from_message(
			      RR_SOA, p.msg, p.len, rr.rdata, rr.rdlen, &rdata, NULL) == OK &&
			  soa_parse(rdata.data, rdata.len, &soa) == OK;
	}
	buf_free(&rdata);
	if (has_soa)
		*serial = soa.serial;
	return has_soa;
}

/* One SOA, with its signatures if they are asked for and fit.  Too small a message gets TC. */
static void answer_soa(struct out_query *q, const struct out_version *v, struct out_reply *reply)
{
	struct packet_builder *message = &reply->message;
	const uint8_t *next = v->soa.rdata;
	uint16_t len;
	const uint8_t *rdata = rrset_next(&next, &len);

	out_reply_begin(reply, q, RCODE_NOERROR, true);
	if (packet_add(message, 1, v->head.apex, RR_SOA, v->soa.ttl, rdata, len) != OK) {
		out_reply_begin(reply, q, RCODE_NOERROR, true);
		message->buf.data[2] |= PACKET_FLAG_TC >> 8;
		return;
	}
	next = v->soa.sigdata;
	for (unsigned i = 0; q->dnssec_ok && i < v->soa.sigs; i++) {
		rdata = rrset_next(&next, &len);
		if (packet_add(message, 1, v->head.apex, RR_RRSIG, v->soa.ttl, rdata, len) != OK)
			break;
	}
}

/* Is one SOA all that an IXFR query gets: over UDP (the client comes again over TCP, RFC 1995 2),
 * or because the client has our version? */
static bool ixfr_is_short(const struct out_query *q, const struct out_version *v, unsigned *rcode)
{
	uint32_t serial = 0;

	if (!ixfr_serial(q, &serial)) {
		*rcode = RCODE_FORMERR;
		return true;
	}
	return !q->is_tcp || !serial_gt(v->head.serial_out, serial);
}

static int begin_transfer(
    struct outbound *out, struct out_query *q, struct out_version *v, struct out_reply *reply)
{
	if (out->transfer_count >= out->limits.transfers)
		return ERR_AGAIN;
	reply->stream = out_stream_new(v, q, reply);
	v->snapshot = NULL;
	return OK;
}

static unsigned open_version(struct out_zone *z, const struct out_query *q, struct out_version *v)
{
	struct err e = {0};
	char from[PEER_TEXT_SIZE];

	if (!z->suspended && out_version_open(z, v, &e) == OK)
		return RCODE_NOERROR;
	peer_address_text(&q->from, from);
	out_noise(z->out, "zone %s: SERVFAIL to %s: %s", z->text, from,
	    z->suspended ? "the zone's source is past the SOA's EXPIRE" : e.text);
	return RCODE_SERVFAIL;
}

int out_answer_zone(struct outbound *out, struct out_query *q, struct out_zone *z,
    struct out_reply *reply, unsigned *rcode)
{
	struct out_version v = {0};
	int rc = OK;

	if (q->packet.qtype == RR_AXFR && !q->is_tcp) { /* not defined, RFC 5936 4.2 */
		*rcode = RCODE_FORMERR;
		return OK;
	}
	*rcode = open_version(z, q, &v);
	if (*rcode != RCODE_NOERROR)
		return OK;
	out_destination_seen(z, &q->from, false);
	if (q->packet.qtype == RR_SOA ||
	    (q->packet.qtype == RR_IXFR && ixfr_is_short(q, &v, rcode)))
		answer_soa(q, &v, reply);
	else
		rc = begin_transfer(out, q, &v, reply);
	if (v.snapshot != NULL)
		out_version_close(&v);
	return rc;
}
