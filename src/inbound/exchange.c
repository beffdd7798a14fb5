/* Questions to a source and what every answer must pass: see exchange.h.  Network side; answers
 * come straight from the network and nothing in them is trusted. */
#include "inbound/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "base/period.h"
#include "dns/edns.h"
#include "dns/rrtype.h"

#define QUESTION_MAX 512 /* the longest name and an SOA fit; the TSIG record comes on top */
#define EDNS_SIZE 1232	 /* an answer that no network breaks into pieces */

void exchange_init(struct exchange *x, const struct peer *peer, const uint8_t *apex, uint16_t qtype)
{
	*x = (struct exchange){.apex = apex, .qtype = qtype, .peer = *peer};
}

void exchange_free(struct exchange *x)
{
	tsig_state_free(&x->tsig);
	if (x->own_key != NULL) {
		secret_free(&x->own_key->secret);
		free(x->own_key);
	}
	*x = (struct exchange){0};
}

void exchange_keep_key(struct exchange *x)
{
	const struct tsig_key *key = x->peer.tsig;

	if (key == NULL || x->own_key != NULL)
		return;
	x->own_key = mem_alloc(sizeof(*x->own_key));
	x->own_key->algorithm = key->algorithm;
	memcpy(x->own_key->name, key->name, sizeof(key->name));
	secret_set(&x->own_key->secret, key->secret.data, key->secret.len);
	x->peer.tsig = x->own_key;
	x->tsig.key = x->own_key;
}

/* RFC 1995 3.  Of the SOA only the serial says something to the source; the names in it are the
 * root. */
static void add_known(const struct exchange *x, struct packet_builder *out)
{
	const struct soa *s = &x->known;
	struct buf rdata = {0};

	buf_u16(&rdata, 0);
	buf_u32(&rdata, s->serial);
	buf_u32(&rdata, s->refresh);
	buf_u32(&rdata, s->retry);
	buf_u32(&rdata, s->expire);
	buf_u32(&rdata, s->minimum);
	packet_add(out, 2, x->apex, RR_SOA, 0, rdata.data, (uint16_t)rdata.len);
	buf_free(&rdata);
}

static void put_message(const struct exchange *x, struct packet_builder *out)
{
	const struct buf *m = x->message;

	packet_begin(out, UINT16_MAX, 0, 0, NULL, 0);
	buf_reset(&out->buf);
	buf_put(&out->buf, m->data, m->len);
	buf_patch_u16(&out->buf, 0, x->id);
	for (unsigned i = 0; i < 4; i++)
		out->counts[i] = load_u16(m->data + 4 + 2 * i);
}

static void put_question(const struct exchange *x, struct packet_builder *out)
{
	packet_begin(out, QUESTION_MAX, x->id, x->flags, x->apex, x->qtype);
	if (x->qtype == RR_IXFR)
		add_known(x, out);
	if (x->wants_dnssec)
		packet_add_edns(out, EDNS_SIZE, true);
	else if (x->wants_expire)
		edns_add_expire(out, EDNS_SIZE, false, NULL);
	packet_end(out);
}

int exchange_ask(struct exchange *x, struct packet_builder *out, struct err *e)
{
	int rc = OK;

	if (getrandom(&x->id, sizeof(x->id), 0) != (ssize_t)sizeof(x->id))
		return err_sys(e, "no random number for a query");
	if (x->message != NULL)
		put_message(x, out);
	else
		put_question(x, out);
	if (x->peer.tsig != NULL) {
		tsig_state_free(&x->tsig);
		tsig_state_init(&x->tsig, x->peer.tsig);
		rc = tsig_sign_query(&x->tsig, out, clock_real());
	}
	if (rc != OK || out->buf.failed)
		return err_set(e, rc == OK ? ERR_LIMIT : rc, "cannot sign a query to %s: %s",
		    x->peer.name, err_name(rc == OK ? ERR_LIMIT : rc));
	return OK;
}

int exchange_check_header(
    const struct exchange *x, const struct packet *p, bool need_question, struct err *e)
{
	if (!(p->flags & PACKET_FLAG_QR))
		return err_set(e, ERR_FORMAT, "the answer is not marked as an answer (QR)");
	if (p->id != x->id)
		return err_set(e, ERR_FORMAT, "the answer has ID %u instead of %u", p->id, x->id);
	if (packet_opcode(p) != x->opcode)
		return err_set(e, ERR_FORMAT, "the answer has opcode %u instead of %u (%s)",
		    packet_opcode(p), x->opcode, packet_opcode_name(x->opcode));
	/* Errors may come without the question (RFC 1035 4.1.1), any answer to an UPDATE without
	 * the zone (RFC 2136 3.8). */
	if (!p->has_question && need_question && packet_rcode(p) == RCODE_NOERROR &&
	    x->opcode == OPCODE_QUERY)
		return err_set(e, ERR_FORMAT, "the answer does not repeat the question");
	if (p->has_question && (p->qtype != x->qtype || !name_equal(p->qname, x->apex)))
		return err_set(e, ERR_FORMAT, "the answer is to another question");
	return OK;
}

/* The reason names the error, whichever side found it. */
static int tsig_reason(struct err *e, int rc, const char *name, const char *why)
{
	if (strstr(why, name) != NULL)
		return err_set(e, rc, "%s", why);
	return err_set(e, rc, "%s: %s", name, why);
}

static int check_tsig(struct exchange *x, const struct packet *p, bool last, struct err *e)
{
	int64_t now = clock_real();
	char ours[TIME_TEXT_SIZE], theirs[TIME_TEXT_SIZE];
	struct err why = {0};
	int rc = tsig_verify_answer(&x->tsig, p, last, now, &why);

	switch (rc) {
	case OK:
		return OK;
	case ERR_BADTIME:
		time_text(now, ours);
		time_text((int64_t)x->tsig.peer_time, theirs);
		return err_set(e, rc, "BADTIME: our clock says %s, the peer's %s", ours, theirs);
	case ERR_BADKEY:
		return tsig_reason(e, rc, "BADKEY", why.text);
	case ERR_BADSIG:
		return tsig_reason(e, rc, "BADSIG", why.text);
	default:
		return tsig_reason(e, rc, "TSIG", why.text);
	}
}

int exchange_check_answer(struct exchange *x, const struct packet *p, bool last, struct err *e)
{
	unsigned rcode = packet_rcode(p);
	int rc = OK;

	/* A server that does not know or like the key says so in an unsigned TSIG.  One that
	 * answers an error without any (it refuses us before it looks at the key) is best believed:
	 * the words of its RCODE help, and nothing but a failure follows from them. */
	if (x->peer.tsig != NULL && (rcode == RCODE_NOERROR || p->tsig_offset != 0))
		rc = check_tsig(x, p, last || rcode != RCODE_NOERROR, e);
	if (rc == OK && rcode != RCODE_NOERROR)
		rc = err_set(e, ERR_REFUSED, "%s", packet_rcode_name(rcode));
	return rc;
}

bool exchange_is_apex_soa(const struct exchange *x, const struct packet_rr *rr)
{
	return rr->section == 1 && rr->type == RR_SOA && name_equal(rr->owner, x->apex);
}

int exchange_errno(struct err *e, int error)
{
	switch (error) {
	case ECONNREFUSED:
		return err_set(e, ERR_CLOSED, "connection refused");
	case ETIMEDOUT:
		return err_set(e, ERR_TIMEOUT, "timeout");
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
		return err_set(e, ERR_CLOSED, "unreachable: %s", strerror(error));
	default:
		return err_set(e, ERR_SYSTEM, "%s", strerror(error));
	}
}

int exchange_socket(const struct peer *peer, int type, struct err *e)
{
	const struct sockaddr_storage *to = &peer->address, *from = &peer->local;
	char text[PEER_TEXT_SIZE];
	int fd = socket(to->ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc = OK;

	if (fd < 0)
		return err_sys(e, "no socket");
	if (from->ss_family != AF_UNSPEC &&
	    bind(fd, (const struct sockaddr *)from, peer_addrlen(from)) != 0) {
		peer_address_text(from, text);
		rc = err_sys(e, "cannot ask from local address %s", text);
		goto out;
	}
	if (connect(fd, (const struct sockaddr *)to, peer_addrlen(to)) != 0 && errno != EINPROGRESS)
		rc = exchange_errno(e, errno);
out:
	if (rc != OK)
		close(fd);
	return rc == OK ? fd : rc;
}
