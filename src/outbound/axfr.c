/* axfr: a zone as a stream of messages (RFC 5936): its SOA, all the rest, its SOA again.
 *
 * Runs in the network side.  A stream holds a snapshot of the store, so whoever sends it must see
 * to it that a reader who does not read cannot hold it for ever. */
#include "outbound/parts.h"

#include <stdlib.h>
#include "base/clock.h"
#include "base/mem.h"

#define MESSAGE_MAX 65535

enum stream_part { STREAM_RRSETS, STREAM_LAST_SOA, STREAM_DONE };

struct out_stream {
	struct out_version version;
	char zone[NAME_TEXT_SIZE];
	struct packet query; /* msg is not valid any more */
	bool is_first;	     /* the first message is still to come: it has the question */
	bool dnssec_ok;
	bool is_signed;
	struct tsig_key key; /* our own: a new configuration must not pull it away */
	struct tsig_state tsig;
	enum stream_part part;
	/* the records of the RRset at hand that are still to be written, and then its signatures */
	struct rrset set;
	const uint8_t *next;
	unsigned left;
	bool in_sigs;
	uint64_t records, octets;
};

struct out_stream *out_stream_new(
    struct out_version *v, const struct out_query *q, struct out_reply *reply)
{
	struct out_stream *s = mem_alloc(sizeof(*s));

	s->version = *v;
	name_text(v->head.apex, s->zone);
	s->query = q->packet;
	s->query.msg = NULL;
	s->is_first = true;
	s->dnssec_ok = q->dnssec_ok;
	s->is_signed = reply->is_signed;
	if (s->is_signed) {
		s->key = *q->key;
		s->key.secret = (struct secret){0};
		secret_set(&s->key.secret, q->key->secret.data, q->key->secret.len);
		s->tsig = reply->tsig;
		s->tsig.key = &s->key;
		reply->is_signed = false;
	}
	return s;
}

void out_stream_free(struct out_stream *s)
{
	if (s == NULL)
		return;
	out_version_close(&s->version);
	if (s->is_signed) {
		tsig_state_free(&s->tsig);
		secret_free(&s->key.secret);
	}
	free(s);
}

struct out_stream_facts out_stream_facts(const struct out_stream *s)
{
	return (struct out_stream_facts){.zone = s->zone,
	    .apex = s->version.head.apex,
	    .serial = s->version.head.serial_out,
	    .records = s->records,
	    .octets = s->octets};
}

static void begin_message(struct out_stream *s, struct packet_builder *message)
{
	size_t limit = MESSAGE_MAX;

	if (s->is_signed)
		limit -= out_tsig_room(&s->key);
	if (s->is_first && s->query.has_edns)
		limit -= OUT_OPT_LEN;
	packet_begin(message, limit, s->query.id,
	    PACKET_FLAG_QR | PACKET_FLAG_AA | (s->query.flags & PACKET_FLAG_RD),
	    s->is_first ? s->query.qname : NULL, s->query.qtype);
}

static int end_message(struct out_stream *s, struct packet_builder *message, struct err *e)
{
	int rc = OK;

	if (s->is_first && s->query.has_edns) {
		message->limit += OUT_OPT_LEN;
		rc = packet_add_edns(message, OUT_EDNS_SIZE, s->dnssec_ok);
	}
	packet_end(message);
	if (rc == OK && s->is_signed)
		rc = tsig_sign_answer(&s->tsig, message, clock_real());
	if (rc == OK && (message->buf.failed || message->buf.len > MESSAGE_MAX))
		rc = ERR_LIMIT;
	if (rc != OK)
		return err_set(e, rc, "a message could not be finished (%s)", err_name(rc));
	s->is_first = false;
	s->octets += message->buf.len + 2;
	return OK;
}

/* Write what is left of the RRset at hand: OK when all of it is written, ERR_LIMIT when the message
 * is full. */
static int add_records(struct out_stream *s, struct packet_builder *message)
{
	const struct rrset *set = &s->set;
	uint16_t len;

	for (;;) {
		if (s->left == 0) {
			if (s->in_sigs || set->sigs == 0)
				return OK;
			s->in_sigs = true;
			s->next = set->sigdata;
			s->left = set->sigs;
		}
		while (s->left > 0) {
			const uint8_t *next = s->next;
			const uint8_t *rdata = rrset_next(&next, &len);
			int rc = packet_add(message, 1, set->owner,
			    s->in_sigs ? RR_RRSIG : set->type, set->ttl, rdata, len);

			if (rc != OK)
				return rc;
			s->next = next;
			s->left--;
			s->records++;
		}
	}
}

static void take_rrset(struct out_stream *s, const struct rrset *set, bool with_sigs)
{
	s->set = *set;
	s->next = set->rdata;
	s->left = set->count;
	s->in_sigs = false;
	if (!with_sigs)
		s->set.sigs = 0;
}

static int next_rrset(struct out_stream *s, struct err *e)
{
	struct rrset set;
	int rc;

	if (s->part == STREAM_RRSETS) {
		rc = out_version_next(&s->version, &set, e);
		if (rc == OK)
			take_rrset(s, &set, true);
		if (rc != ERR_MISSING)
			return rc;
		s->part = STREAM_LAST_SOA;
		take_rrset(s, &s->version.soa, false);
		return OK;
	}
	s->part = STREAM_DONE;
	return ERR_MISSING;
}

static int record_too_large(const struct out_stream *s, struct err *e)
{
	char owner[NAME_TEXT_SIZE], type[RRTYPE_TEXT_SIZE];

	name_text(s->set.owner, owner);
	rrtype_text(s->in_sigs ? RR_RRSIG : s->set.type, type);
	return err_set(e, ERR_LIMIT,
	    "a record of %.255s type %s does not fit into a message of 65535 octets%s", owner, type,
	    s->is_signed ? " beside its TSIG record" : "");
}

int out_stream_next(struct out_stream *s, struct packet_builder *message, struct err *e)
{
	uint64_t before = s->records;
	int rc = OK;

	if (s->part == STREAM_DONE)
		return ERR_MISSING;
	begin_message(s, message);
	while (rc == OK) {
		rc = add_records(s, message);
		if (rc == OK)
			rc = next_rrset(s, e);
	}
	if (rc == ERR_LIMIT && s->records == before)
		return record_too_large(s, e);
	if (rc != ERR_LIMIT && rc != ERR_MISSING)
		return rc;
	return end_message(s, message, e);
}
