/* The order of the records in the answer to an IXFR (RFC 1995 4), which is one of three things.
 * Network side; nothing here is trusted, and what is not exactly so is an error: the transfer then
 * asks for the whole zone.
 *
 *	SOA                                             nothing newer
 *	SOA -> record that is no SOA -> ...             the whole zone, as in an AXFR
 *	SOA -> (old SOA -> deleted -> new SOA -> added) once or more -> SOA
 *
 * The serials must lead from ours to the first SOA's, each difference from where the one before
 * ended, and never back. */
#include "inbound/receive.h"

#include "dns/rrtype.h"
#include "dns/soa.h"

static int read_serial(const struct receive *r, uint32_t *out, struct err *e)
{
	struct soa soa;

	if (soa_parse(r->rdata.data, r->rdata.len, &soa) != OK)
		return accept_broken(e, r->x->apex, RR_SOA, "not an SOA that can be read");
	*out = soa.serial;
	return OK;
}

static int take_step(
    struct receive *r, enum spool_step step, const struct packet_rr *rr, struct err *e)
{
	return accept_change(r->out, step, rr->owner, rr->type, rr->class, rr->ttl, r->rdata.data,
	    (uint16_t)r->rdata.len, e);
}

static int keep_target(struct receive *r, struct err *e)
{
	return accept_soa(r->out, r->ixfr.first_rdata.data, (uint16_t)r->ixfr.first_rdata.len, e);
}

/* A single SOA that is newer than ours is no answer over TCP; then more must follow. */
static int take_first(struct receive *r, const struct packet_rr *rr, struct err *e)
{
	struct ixfr *x = &r->ixfr;
	int rc = read_serial(r, &x->to, e);

	if (rc != OK)
		return rc;
	x->first = *rr;
	buf_put(&x->first_rdata, r->rdata.data, r->rdata.len);
	if (x->first_rdata.failed)
		return err_set(e, ERR_LIMIT, "no memory for a record");
	x->state = IXFR_SECOND;
	if (serial_gt(x->to, r->x->known.serial))
		return OK;
	r->kind = RECEIVE_NOTHING_NEW;
	r->is_closed = true;
	return keep_target(r, e);
}

static int begin_whole(struct receive *r, const struct packet_rr *rr, struct err *e)
{
	const struct packet_rr *first = &r->ixfr.first;
	int rc;

	r->kind = RECEIVE_WHOLE;
	r->ixfr.state = IXFR_WHOLE;
	rc = accept_record(r->out, first->owner, first->type, first->class, first->ttl,
	    r->ixfr.first_rdata.data, (uint16_t)r->ixfr.first_rdata.len, e);
	return rc == OK ? axfr_record(r, rr, e) : rc;
}

static int take_second(struct receive *r, const struct packet_rr *rr, struct err *e)
{
	uint32_t serial = 0;
	int rc;

	if (!exchange_is_apex_soa(r->x, rr))
		return begin_whole(r, rr, e);
	rc = read_serial(r, &serial, e);
	if (rc != OK)
		return rc;
	if (serial != r->x->known.serial)
		return err_set(e, ERR_FORMAT, "its differences start from serial %u, we have %u",
		    serial, r->x->known.serial);
	r->kind = RECEIVE_DIFFERENCE;
	r->ixfr.state = IXFR_DELETING;
	r->ixfr.at = serial;
	rc = keep_target(r, e);
	return rc == OK ? take_step(r, SPOOL_DELETE, rr, e) : rc;
}

/* Does the record lead to the version that the first SOA announced, it must be that SOA. */
static int check_target(const struct receive *r, uint32_t serial, struct err *e)
{
	if (serial == r->ixfr.to && !accept_is_same_soa(r->out, r->rdata.data, r->rdata.len))
		return err_set(
		    e, ERR_FORMAT, "the SOAs of serial %u that it has are not the same", serial);
	return OK;
}

/* The SOA between what is deleted and what is added. */
static int take_new_soa(struct receive *r, const struct packet_rr *rr, struct err *e)
{
	uint32_t serial = 0;
	int rc = read_serial(r, &serial, e);

	if (rc != OK)
		return rc;
	if (!serial_gt(serial, r->ixfr.at) ||
	    (serial != r->ixfr.to && !serial_gt(r->ixfr.to, serial)))
		return err_set(e, ERR_FORMAT,
		    "a difference leads from serial %u to %u, on the way to %u", r->ixfr.at, serial,
		    r->ixfr.to);
	rc = check_target(r, serial, e);
	if (rc != OK)
		return rc;
	r->ixfr.at = serial;
	r->ixfr.state = IXFR_ADDING;
	return take_step(r, SPOOL_ADD, rr, e);
}

/* The SOA behind what is added: of the end, or of the next difference. */
static int take_old_soa(struct receive *r, const struct packet_rr *rr, struct err *e)
{
	uint32_t serial = 0;
	int rc = read_serial(r, &serial, e);

	if (rc == OK && serial != r->ixfr.at)
		rc = err_set(e, ERR_FORMAT,
		    "a difference starts from serial %u, the one before led to %u", serial,
		    r->ixfr.at);
	if (rc == OK)
		rc = check_target(r, serial, e);
	if (rc != OK)
		return rc;
	if (serial == r->ixfr.to) {
		r->is_closed = true;
		return OK;
	}
	r->ixfr.state = IXFR_DELETING;
	return take_step(r, SPOOL_DELETE, rr, e);
}

int ixfr_record(struct receive *r, const struct packet_rr *rr, struct err *e)
{
	bool is_soa = exchange_is_apex_soa(r->x, rr);

	switch (r->ixfr.state) {
	case IXFR_FIRST:
		return take_first(r, rr, e);
	case IXFR_SECOND:
		return take_second(r, rr, e);
	case IXFR_WHOLE:
		return axfr_record(r, rr, e);
	case IXFR_DELETING:
		return is_soa ? take_new_soa(r, rr, e) : take_step(r, SPOOL_DELETE, rr, e);
	case IXFR_ADDING:
		return is_soa ? take_old_soa(r, rr, e) : take_step(r, SPOOL_ADD, rr, e);
	}
	return err_set(e, ERR_ARGUMENT, "no state %d of an IXFR", r->ixfr.state);
}
