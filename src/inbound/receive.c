/* The messages of an incoming transfer: see receive.h.  Network side; every octet comes from the
 * network and is not trusted.
 *
 * Records go into the spool as they come; nobody reads the spool unless the end was reached, so a
 * stream that turns out to be broken or forged has changed nothing. */
#include "inbound/receive.h"

#include "dns/rdata.h"
#include "dns/rrtype.h"

void receive_init(struct receive *r, struct exchange *x, struct accept *out, uint64_t octets_max)
{
	*r = (struct receive){
	    .x = x,
	    .out = out,
	    .octets_max = octets_max == 0 ? RECEIVE_SIZE_MAX : octets_max,
	    .kind = x->qtype == RR_AXFR ? RECEIVE_WHOLE : RECEIVE_UNKNOWN,
	};
}

void receive_free(struct receive *r)
{
	buf_free(&r->rdata);
	buf_free(&r->ixfr.first_rdata);
}

static int take_record(
    struct receive *r, const struct packet *p, const struct packet_rr *rr, struct err *e)
{
	struct err why = {0};

	if (r->is_closed)
		return accept_broken(e, rr->owner, rr->type, "a record after the closing SOA");
	buf_reset(&r->rdata);
	if (rdata_from_message(rr->type, p->msg, p->len, rr->rdata, rr->rdlen, &r->rdata, &why) !=
	    OK)
		return accept_broken(e, rr->owner, rr->type, why.text);
	if (r->rdata.failed)
		return err_set(e, ERR_LIMIT, "no memory for a record");
	if (!r->has_begun && !exchange_is_apex_soa(r->x, rr))
		return accept_broken(e, rr->owner, rr->type,
		    "the first record of a transfer must be the zone's SOA");
	r->has_begun = true;
	return r->x->qtype == RR_IXFR ? ixfr_record(r, rr, e) : axfr_record(r, rr, e);
}

/* RFC 5936 2.2: nothing in the authority section; of the additional section only OPT means
 * something, and it does not concern the zone. */
static int take_records(struct receive *r, struct packet *p, struct err *e)
{
	struct packet_rr rr;
	int rc = OK;

	while (rc == OK && packet_next(p, &rr) == OK) {
		if (rr.section == 1)
			rc = take_record(r, p, &rr, e);
		else if (rr.section == 2)
			rc = accept_broken(e, rr.owner, rr.type,
			    "a record in the authority section of a transfer");
	}
	return rc;
}

/* RFC 8945 5.3.1: the last message must be signed.  That it is the last is known now. */
static int check_end(const struct receive *r, const struct packet *p, bool more, struct err *e)
{
	if (!r->is_closed)
		return OK;
	if (r->x->peer.tsig != NULL && p->tsig_offset == 0)
		return err_set(
		    e, ERR_BADSIG, "BADSIG: the last message of the transfer is not signed");
	if (more)
		return err_set(e, ERR_FORMAT, "more data after the closing SOA");
	return OK;
}

int receive_message(struct receive *r, const uint8_t *msg, size_t len, bool more, struct err *e)
{
	struct packet p;
	struct err why = {0};
	int rc;

	r->octets += len;
	if (r->octets > r->octets_max)
		return err_set(e, ERR_LIMIT, "longer than the limit of %llu octets (size_max)",
		    (unsigned long long)r->octets_max);
	if (packet_parse(msg, len, &p, &why) != OK)
		return err_set(e, ERR_FORMAT, "message %llu of the transfer is malformed: %s",
		    (unsigned long long)r->messages + 1, why.text);
	rc = exchange_check_header(r->x, &p, r->messages == 0, e);
	if (rc != OK)
		return rc;
	r->rcode = packet_rcode(&p);
	rc = exchange_check_answer(r->x, &p, false, e);
	if (rc == OK)
		rc = take_records(r, &p, e);
	if (rc == OK)
		rc = check_end(r, &p, more, e);
	if (rc != OK)
		return rc;
	r->messages++;
	r->is_complete = r->is_closed;
	return OK;
}
