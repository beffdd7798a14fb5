/* The order of the records in an AXFR (RFC 5936 2.2).  Network side; nothing here is trusted.
 *
 *	SOA -> records -> the same SOA again
 */
#include "inbound/receive.h"

static int take_last(struct receive *r, const struct packet_rr *rr, struct err *e)
{
	if (!accept_is_same_soa(r->out, r->rdata.data, r->rdata.len))
		return accept_broken(e, rr->owner, rr->type,
		    "the last SOA differs from the first: the zone changed in the middle of the "
		    "transfer");
	r->is_closed = true;
	return OK;
}

int axfr_record(struct receive *r, const struct packet_rr *rr, struct err *e)
{
	if (r->out->has_soa && exchange_is_apex_soa(r->x, rr))
		return take_last(r, rr, e);
	return accept_record(r->out, rr->owner, rr->type, rr->class, rr->ttl, r->rdata.data,
	    (uint16_t)r->rdata.len, e);
}
