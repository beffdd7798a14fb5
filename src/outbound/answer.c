/* answer: from a message that came in to the answer it gets.
 *
 * Runs in the network side.  Nothing in the message is trusted; what a stranger can learn here is
 * REFUSED, or that his message was no query. */
#include "outbound/parts.h"

#include <string.h>
#include "base/clock.h"
#include "base/log.h"

#define HEADER_LEN 12
#define CLASS_IN 1
#define UDP_PLAIN 512
#define TCP_MAX 65535
#define RCODE_BADVERS 16

/* RFC 8945 4.2: the record's fixed part, its two names, the MAC, and
 * six octets of other data in a BADTIME answer. */
size_t out_tsig_room(const struct tsig_key *key)
{
	return name_len(key->name) + strlen(tsig_algorithm_name(key->algorithm)) + 2 + 10 + 16 + 6 +
	       tsig_mac_len(key->algorithm);
}

size_t out_opt_room(const struct packet *query, const uint32_t *expire)
{
	if (!query->has_edns)
		return 0;
	return OUT_OPT_LEN + (expire != NULL ? EDNS_EXPIRE_LEN : 0);
}

int out_opt_add(struct packet_builder *message, bool dnssec_ok, const uint32_t *expire)
{
	if (expire == NULL)
		return packet_add_edns(message, OUT_EDNS_SIZE, dnssec_ok);
	return edns_add_expire(message, OUT_EDNS_SIZE, dnssec_ok, expire);
}

static size_t reply_limit(const struct out_reply *reply, const struct out_query *q)
{
	size_t limit = TCP_MAX;

	if (!q->is_tcp) {
		limit = q->packet.has_edns ? q->packet.edns_size : UDP_PLAIN;
		limit = limit > OUT_EDNS_SIZE ? OUT_EDNS_SIZE
			: limit < UDP_PLAIN   ? UDP_PLAIN
					      : limit;
	}
	limit -= out_opt_room(&q->packet, reply->has_expire ? &reply->expire : NULL);
	if (reply->is_signed && reply->tsig.key != NULL)
		limit -= out_tsig_room(reply->tsig.key);
	return limit;
}

void out_reply_begin(struct out_reply *reply, const struct out_query *q, unsigned rcode, bool aa)
{
	const struct packet *p = &q->packet;
	struct packet_builder *message = &reply->message;
	unsigned flags = PACKET_FLAG_QR | packet_opcode(p) << 11 | (p->flags & PACKET_FLAG_RD) |
			 (aa ? PACKET_FLAG_AA : 0) | (rcode & 15);

	packet_begin(message, reply_limit(reply, q), p->id, (uint16_t)flags,
	    p->has_question ? p->qname : NULL, p->qtype);
	if (p->has_question) /* the class is echoed, too */
		store_u16(message->buf.data + message->buf.len - 2, p->qclass);
}

void out_reply_clear(struct out_reply *reply)
{
	if (reply->is_signed)
		tsig_state_free(&reply->tsig);
	reply->is_signed = reply->has_expire = false;
	reply->stream = NULL;
}

void out_reply_free(struct out_reply *reply)
{
	out_reply_clear(reply);
	packet_builder_free(&reply->message);
}

/* Header only: for what cannot be read any further. */
static int answer_formerr(const struct out_query *q, struct out_reply *reply)
{
	uint16_t flags = load_u16(q->msg + 2);

	packet_begin(&reply->message, UDP_PLAIN, load_u16(q->msg),
	    (uint16_t)(PACKET_FLAG_QR | (flags & (0x7800 | PACKET_FLAG_RD)) | RCODE_FORMERR), NULL,
	    0);
	packet_end(&reply->message);
	return OK;
}

static unsigned answer_notify(struct outbound *out, struct out_query *q)
{
	const struct packet *p = &q->packet;

	if (!p->has_question || p->qtype != RR_SOA || p->qclass != CLASS_IN)
		return RCODE_FORMERR;
	return out->hooks.notify(out->hooks.arg, p, &q->from, q->key);
}

static void log_refused(struct outbound *out, const struct out_query *q, const char *why)
{
	char from[PEER_TEXT_SIZE], zone[NAME_TEXT_SIZE], type[RRTYPE_TEXT_SIZE];

	peer_address_text(&q->from, from);
	name_text(q->packet.qname, zone);
	rrtype_text(q->packet.qtype, type);
	out_noise(out, "zone %s: %s query from %s REFUSED: %s", zone, type, from, why);
}

static int answer_query(
    struct outbound *out, struct out_query *q, struct out_reply *reply, unsigned *rcode)
{
	const struct packet *p = &q->packet;
	const char *why = "not a zone of this server";
	struct out_zone *z;

	*rcode = RCODE_REFUSED;
	if (!p->has_question) {
		*rcode = RCODE_FORMERR;
		return OK;
	}
	if (p->qtype == RR_TKEY) {
		*rcode = out_answer_tkey(q, reply) == OK ? RCODE_NOERROR : RCODE_FORMERR;
		return OK;
	}
	if (p->qclass == CLASS_IN &&
	    (p->qtype == RR_SOA || p->qtype == RR_AXFR || p->qtype == RR_IXFR)) {
		z = out_zone_find(out, p->qname);
		if (z != NULL)
			why = out_acl_refuses(z, &q->from, q->key);
		if (why == NULL)
			return out_answer_zone(out, q, z, reply, rcode);
		if (z != NULL)
			out_destination_refused(z, &q->from, why);
	} else {
		why = "only SOA, AXFR and IXFR are answered here";
	}
	log_refused(out, q, why);
	return OK;
}

/* OPT and TSIG records, then the message is whole. */
static int finish(struct out_query *q, struct out_reply *reply, unsigned rcode)
{
	struct packet_builder *message = &reply->message;
	const uint32_t *expire = reply->has_expire ? &reply->expire : NULL;
	size_t opt = message->buf.len;
	int rc = OK;

	if (q->packet.has_edns) {
		message->limit += out_opt_room(&q->packet, expire);
		rc = out_opt_add(message, q->edns.dnssec_ok, expire);
		if (rc == OK) /* upper bits of the RCODE: behind root, type and class */
			message->buf.data[opt + 5] = (uint8_t)(rcode >> 4);
	}
	packet_end(message);
	if (rc == OK && reply->is_signed)
		rc = tsig_sign_answer(&reply->tsig, message, clock_real());
	if (rc == OK && message->buf.failed)
		rc = ERR_LIMIT;
	if (rc != OK)
		log_error("an answer could not be finished (%s)", err_name(rc));
	return rc == OK ? OK : ERR_MISSING;
}

/* Whoever configured a destination with another key wants to know it from its status, too. */
static void note_refused(const struct outbound *out, const struct out_query *q, const char *why)
{
	struct out_zone *z = q->packet.has_question ? out_zone_find(out, q->packet.qname) : NULL;

	if (z != NULL && packet_opcode(&q->packet) == OPCODE_QUERY)
		out_destination_refused(z, &q->from, why);
}

static int verify(
    struct outbound *out, struct out_query *q, struct out_reply *reply, unsigned *rcode)
{
	char from[PEER_TEXT_SIZE];
	struct err e = {0};
	int rc;

	if (q->packet.tsig_offset == 0)
		return OK;
	rc = tsig_verify_query(
	    &reply->tsig, &q->packet, out->hooks.tsig_lookup, out->hooks.arg, clock_real(), &e);
	reply->is_signed = true;
	if (rc == OK) {
		q->key = reply->tsig.key;
		return OK;
	}
	if (rc == ERR_FORMAT)
		out_reply_clear(reply);
	*rcode = rc == ERR_FORMAT ? RCODE_FORMERR : RCODE_NOTAUTH;
	note_refused(out, q, e.text);
	peer_address_text(&q->from, from);
	out_noise(out, "%s to a message from %s: %s", packet_rcode_name(*rcode), from, e.text);
	return rc;
}

int out_answer(struct outbound *out, struct out_query *q, struct out_reply *reply)
{
	unsigned rcode = RCODE_NOERROR;
	int rc = OK;

	out_reply_clear(reply);
	buf_reset(&reply->message.buf);
	if (q->len < HEADER_LEN || (q->msg[2] & (PACKET_FLAG_QR >> 8)) != 0)
		return ERR_MISSING; /* an answer to an answer could go round for ever */
	if (packet_parse(q->msg, q->len, &q->packet, NULL) != OK)
		return answer_formerr(q, reply);
	q->edns = edns_read(&q->packet);
	if (verify(out, q, reply, &rcode) == OK) {
		if (q->packet.has_edns && q->edns.version != 0)
			rcode = RCODE_BADVERS;
		else if (packet_opcode(&q->packet) == OPCODE_NOTIFY)
			rcode = answer_notify(out, q);
		else if (packet_opcode(&q->packet) != OPCODE_QUERY)
			rcode = RCODE_NOTIMP;
		else
			rc = answer_query(out, q, reply, &rcode);
	}
	if (rc != OK || reply->stream != NULL)
		return rc;
	if (rcode != RCODE_NOERROR || reply->message.buf.len == 0)
		out_reply_begin(reply, q, rcode, packet_opcode(&q->packet) == OPCODE_NOTIFY);
	return finish(q, reply, rcode);
}
