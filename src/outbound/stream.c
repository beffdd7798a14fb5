/* stream: what a source has (source.c), as a stream of messages (RFC 5936 2.2), each of them signed
 * where the query was.
 *
 * Runs in the network side. */
#include "outbound/parts.h"

#include <stdlib.h>
#include "base/clock.h"
#include "base/mem.h"

#define MESSAGE_MAX 65535
/* As far as pointers reach: behind that no new name can be pointed to, and each record would have
 * its own in full.  A record that is larger gets a larger message. */
#define MESSAGE_USUAL 16384

struct out_stream {
	struct out_source source;
	bool is_done;
	char zone[NAME_TEXT_SIZE];
	char what[OUT_SOURCE_TEXT_SIZE];
	struct packet query; /* msg is not valid any more */
	bool is_first;	     /* the first message is still to come: it has the question */
	bool dnssec_ok;
	bool has_expire;
	uint32_t expire;
	bool is_signed;
	struct tsig_key key; /* our own: a new configuration must not pull it away */
	struct tsig_state tsig;
	uint64_t octets;
};

struct out_stream *out_stream_new(
    struct out_source *source, const struct out_query *q, struct out_reply *reply)
{
	struct out_stream *s = mem_alloc(sizeof(*s));

	s->source = *source;
	*source = (struct out_source){0};
	name_text(s->source.version.head.apex, s->zone);
	out_source_text(&s->source, s->what);
	s->query = q->packet;
	s->query.msg = NULL;
	s->is_first = true;
	s->dnssec_ok = q->edns.dnssec_ok;
	s->has_expire = reply->has_expire;
	s->expire = reply->expire;
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
	out_source_close(&s->source);
	if (s->is_signed) {
		tsig_state_free(&s->tsig);
		secret_free(&s->key.secret);
	}
	free(s);
}

bool out_stream_has_more(const struct out_stream *s)
{
	return !s->is_done;
}

struct out_stream_facts out_stream_facts(const struct out_stream *s)
{
	return (struct out_stream_facts){.zone = s->zone,
	    .apex = s->source.version.head.apex,
	    .what = s->what,
	    .key = s->is_signed ? &s->key : NULL,
	    .serial = s->source.version.head.serial_out,
	    .is_difference = s->source.journal != NULL,
	    .records = s->source.records,
	    .octets = s->octets};
}

static const uint32_t *expire_of(const struct out_stream *s)
{
	return s->has_expire ? &s->expire : NULL;
}

static void begin_message(struct out_stream *s, struct packet_builder *message, size_t limit)
{
	if (s->is_signed)
		limit -= out_tsig_room(&s->key);
	if (s->is_first)
		limit -= out_opt_room(&s->query, expire_of(s));
	packet_begin(message, limit, s->query.id,
	    PACKET_FLAG_QR | PACKET_FLAG_AA | (s->query.flags & PACKET_FLAG_RD),
	    s->is_first ? s->query.qname : NULL, s->query.qtype);
}

static int end_message(struct out_stream *s, struct packet_builder *message, struct err *e)
{
	int rc = OK;

	if (s->is_first && s->query.has_edns) {
		message->limit += out_opt_room(&s->query, expire_of(s));
		rc = out_opt_add(message, s->dnssec_ok, expire_of(s));
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

/* A message of at most `limit` octets, as full as it gets. */
static int make_message(
    struct out_stream *s, struct packet_builder *message, size_t limit, struct err *e)
{
	int rc;

	begin_message(s, message, limit);
	rc = out_source_write(&s->source, message, e);
	s->is_done = rc == OK;
	return rc;
}

int out_stream_next(struct out_stream *s, struct packet_builder *message, struct err *e)
{
	uint64_t before = s->source.records;
	char text[OUT_RECORD_TEXT_SIZE];
	int rc;

	if (s->is_done)
		return ERR_MISSING;
	rc = make_message(s, message, MESSAGE_USUAL, e);
	if (rc == ERR_LIMIT && s->source.records == before)
		rc = make_message(s, message, MESSAGE_MAX, e);
	if (rc == ERR_LIMIT && s->source.records == before) {
		out_source_record_text(&s->source, text);
		return err_set(e, ERR_LIMIT,
		    "a record of %s does not fit into a message of 65535 octets%s", text,
		    s->is_signed ? " beside its TSIG record" : "");
	}
	if (rc != OK && rc != ERR_LIMIT)
		return rc;
	return end_message(s, message, e);
}
