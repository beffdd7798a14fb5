/* The receiving end of an AXFR: see axfr.h.  Network side; every octet comes from the network and
 *is not trusted.
 *
 *	first record: SOA -> records -> the same SOA again -> nothing more
 *
 * Records go into the spool as they come; nobody reads the spool unless the end was reached, so a
 * stream that turns out to be broken or forged has changed nothing.  An IXFR is the same stream
 *with more SOAs in it: it would be told apart at the second record, here in axfr_record. */
#include "inbound/axfr.h"

#include "dns/rdata.h"
#include "dns/rrtype.h"

void axfr_init(struct axfr *a, struct exchange *x, struct accept *out, uint64_t octets_max)
{
	*a = (struct axfr){
	    .x = x, .out = out, .octets_max = octets_max == 0 ? AXFR_SIZE_MAX : octets_max};
}

void axfr_free(struct axfr *a)
{
	buf_free(&a->rdata);
}

static int take_first(struct axfr *a, const struct packet_rr *rr, struct err *e)
{
	if (!exchange_is_apex_soa(a->x, rr))
		return accept_broken(e, rr->owner, rr->type,
		    "the first record of a transfer must be the zone's SOA");
	return accept_record(a->out, rr->owner, rr->type, rr->class, rr->ttl, a->rdata.data,
	    (uint16_t)a->rdata.len, e);
}

static int take_last(struct axfr *a, const struct packet_rr *rr, struct err *e)
{
	if (!accept_is_same_soa(a->out, a->rdata.data, a->rdata.len))
		return accept_broken(e, rr->owner, rr->type,
		    "the last SOA differs from the first: the zone changed in the middle of the "
		    "transfer");
	a->is_closed = true;
	return OK;
}

static int take_record(
    struct axfr *a, const struct packet *p, const struct packet_rr *rr, struct err *e)
{
	struct err why = {0};

	if (a->is_closed)
		return accept_broken(e, rr->owner, rr->type, "a record after the closing SOA");
	buf_reset(&a->rdata);
	if (rdata_from_message(rr->type, p->msg, p->len, rr->rdata, rr->rdlen, &a->rdata, &why) !=
	    OK)
		return accept_broken(e, rr->owner, rr->type, why.text);
	if (a->rdata.failed)
		return err_set(e, ERR_LIMIT, "no memory for a record");
	if (!a->out->has_soa)
		return take_first(a, rr, e);
	if (exchange_is_apex_soa(a->x, rr))
		return take_last(a, rr, e);
	return accept_record(a->out, rr->owner, rr->type, rr->class, rr->ttl, a->rdata.data,
	    (uint16_t)a->rdata.len, e);
}

/* RFC 5936 2.2: nothing in the authority section; of the additional section only OPT means
 * something, and it does not concern the zone. */
static int take_records(struct axfr *a, struct packet *p, struct err *e)
{
	struct packet_rr rr;
	int rc = OK;

	while (rc == OK && packet_next(p, &rr) == OK) {
		if (rr.section == 1)
			rc = take_record(a, p, &rr, e);
		else if (rr.section == 2)
			rc = accept_broken(e, rr.owner, rr.type,
			    "a record in the authority section of a transfer");
	}
	return rc;
}

/* Only a message without signature needs this: may it be the last? */
static bool ends_stream(const struct axfr *a, const struct packet *p)
{
	struct packet copy = *p;
	struct packet_rr rr;
	bool first = !a->out->has_soa, closes = false;

	while (packet_next(&copy, &rr) == OK) {
		if (rr.section == 1) {
			closes = !first && exchange_is_apex_soa(a->x, &rr);
			first = false;
		}
	}
	return closes;
}

int axfr_message(struct axfr *a, const uint8_t *msg, size_t len, bool more, struct err *e)
{
	struct packet p;
	struct err why = {0};
	bool last;
	int rc;

	a->octets += len;
	if (a->octets > a->octets_max)
		return err_set(e, ERR_LIMIT, "longer than the limit of %llu octets (size_max)",
		    (unsigned long long)a->octets_max);
	if (packet_parse(msg, len, &p, &why) != OK)
		return err_set(e, ERR_FORMAT, "message %llu of the transfer is malformed: %s",
		    (unsigned long long)a->messages + 1, why.text);
	rc = exchange_check_header(a->x, &p, a->messages == 0, e);
	if (rc != OK)
		return rc;
	last = a->x->peer.tsig != NULL && p.tsig_offset == 0 && ends_stream(a, &p);
	rc = exchange_check_answer(a->x, &p, last, e);
	if (rc == OK)
		rc = take_records(a, &p, e);
	if (rc != OK)
		return rc;
	a->messages++;
	if (a->is_closed && more)
		return err_set(e, ERR_FORMAT, "more data after the closing SOA");
	a->is_complete = a->is_closed;
	return OK;
}
