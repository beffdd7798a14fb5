/* transfer: SOA, AXFR and IXFR queries by a peer that may have the zone.
 *
 * Runs in the network side.  The query is not trusted, though its sender is a destination. */
#include "outbound/parts.h"

#include "base/clock.h"
#include "base/log.h"
#include "dns/rdata.h"

#define RECORD_MIN 16 /* octets of a small record in a message: owner as pointer, four of RDATA */

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

/* One SOA, with its signatures if they are asked for and fit; never as the answer to IXFR, where
 * they would look like the beginning of a whole zone.  Too small a message gets TC. */
static void answer_soa(struct out_query *q, const struct out_version *v, struct out_reply *reply)
{
	struct packet_builder *message = &reply->message;
	bool with_sigs = q->edns.dnssec_ok && q->packet.qtype == RR_SOA;
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
	for (unsigned i = 0; with_sigs && i < v->soa.sigs; i++) {
		rdata = rrset_next(&next, &len);
		if (packet_add(message, 1, v->head.apex, RR_RRSIG, v->soa.ttl, rdata, len) != OK)
			break;
	}
}

static unsigned open_source(struct out_zone *z, const struct out_query *q, struct out_source *s)
{
	struct err e = {0};
	char from[PEER_TEXT_SIZE];

	if (!z->suspended && out_source_open(s, z, &e) == OK)
		return RCODE_NOERROR;
	peer_address_text(&q->from, from);
	out_noise(z->out, "zone %s: SERVFAIL to %s: %s", z->text, from,
	    z->suspended ? "the zone's source is past the SOA's EXPIRE" : e.text);
	return RCODE_SERVFAIL;
}

/* RFC 7314: whoever asks for it is told for how long he may serve what he gets. */
static void tell_expire(const struct out_zone *z, const struct out_query *q,
    const struct out_version *v, struct out_reply *reply)
{
	const uint8_t *next = v->soa.rdata;
	struct out_life life;
	struct soa soa;
	uint16_t len;
	const uint8_t *rdata = rrset_next(&next, &len);

	if (!q->edns.wants_expire || soa_parse(rdata, len, &soa) != OK)
		return;
	life = out_life_of(z, &v->head, soa.expire);
	reply->has_expire = out_expire(&life, clock_calendar(), &reply->expire);
}

static int begin_stream(
    struct outbound *out, struct out_query *q, struct out_source *s, struct out_reply *reply)
{
	if (!out_tcp_has_place(out, &q->from))
		return ERR_AGAIN;
	reply->stream = out_stream_new(s, q, reply);
	return OK;
}

void out_distrust_journal(struct out_zone *z, uint32_t serial)
{
	log_warning("zone %s: versions before serial %u are not sent as differences any more",
	    z->text, serial);
	z->has_distrust = true;
	z->distrust_before = serial;
}

/* Choose the difference, if there is one worth sending and of use to that client.  How far the
 * journal is looked through is bounded: over UDP anybody can ask in a destination's name. */
static int take_difference(
    const struct out_query *q, const struct out_zone *z, struct out_source *s, uint32_t serial)
{
	if (!z->has_distrust || !serial_gt(z->distrust_before, serial))
		return out_source_since(
		    s, serial, q->is_tcp ? UINT64_MAX : OUT_EDNS_SIZE / RECORD_MIN);
	out_source_whole(s, serial, "cannot be read from the journal");
	return ERR_MISSING;
}

/* The difference in one message: ERR_LIMIT when it does not fit.  Such an answer needs none of the
 * places for transfers, so that slow readers of whole zones are in nobody's way who is up to date.
 */
static int answer_at_once(
    struct out_query *q, struct out_zone *z, struct out_source *s, struct out_reply *reply)
{
	char what[OUT_SOURCE_TEXT_SIZE], from[PEER_TEXT_SIZE];
	struct err e = {0};
	int rc;

	out_reply_begin(reply, q, RCODE_NOERROR, true);
	if (journal_records(s->journal) > reply->message.limit / RECORD_MIN)
		return ERR_LIMIT;
	rc = out_source_write(s, &reply->message, &e);
	out_source_text(s, what);
	peer_address_text(&q->from, from);
	if (rc == OK) {
		log_notice("zone %s: %s sent to %s: %llu records in one message over %s", z->text,
		    what, from, (unsigned long long)s->records, q->is_tcp ? "TCP" : "UDP");
		out_destination_seen(z, &q->from, q->key, true);
	} else if (rc != ERR_LIMIT) {
		log_warning("zone %s: %s not sent to %s: %s", z->text, what, from, e.text);
		out_distrust_journal(z, s->version.head.serial_out);
	}
	return rc;
}

/* RFC 1995 2: who has our version gets one SOA, and so does a client over UDP whose answer does not
 * fit: it comes again over TCP. */
static int answer_ixfr(struct outbound *out, struct out_query *q, struct out_zone *z,
    struct out_source *s, struct out_reply *reply, unsigned *rcode)
{
	uint32_t serial;
	int rc;

	if (!ixfr_serial(q, &serial)) {
		*rcode = RCODE_FORMERR;
		return OK;
	}
	if (!serial_gt(s->version.head.serial_out, serial)) {
		answer_soa(q, &s->version, reply);
		return OK;
	}
	rc = take_difference(q, z, s, serial);
	if (rc == OK && answer_at_once(q, z, s, reply) == OK)
		return OK;
	if (!q->is_tcp) {
		answer_soa(q, &s->version, reply);
		return OK;
	}
	if (s->records > 0) /* from its beginning again */
		take_difference(q, z, s, serial);
	return begin_stream(out, q, s, reply);
}

int out_answer_zone(struct outbound *out, struct out_query *q, struct out_zone *z,
    struct out_reply *reply, unsigned *rcode)
{
	struct out_source s = {0};
	int rc = OK;

	if (q->packet.qtype == RR_AXFR && !q->is_tcp) { /* not defined, RFC 5936 4.2 */
		*rcode = RCODE_FORMERR;
		return OK;
	}
	*rcode = open_source(z, q, &s);
	if (*rcode != RCODE_NOERROR)
		return OK;
	out_destination_seen(z, &q->from, q->key, false);
	tell_expire(z, q, &s.version, reply);
	if (q->packet.qtype == RR_AXFR)
		rc = begin_stream(out, q, &s, reply);
	else if (q->packet.qtype == RR_IXFR)
		rc = answer_ixfr(out, q, z, &s, reply, rcode);
	else
		answer_soa(q, &s.version, reply);
	out_source_close(&s);
	return rc;
}
