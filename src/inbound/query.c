/* One SOA query: see query.h.  Network side; answers are not trusted. */
#include "inbound/query.h"

#include <stdlib.h>
#include "base/mem.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "inbound/probe.h"

struct query {
	struct probe *probe;
	const uint8_t *apex;
	query_fn *done;
	void *arg;
};

/* What the source says, from an answer that is known to be to our question. */
static int read_soa(const struct query *q, struct packet *p, struct soa *out, struct err *e)
{
	struct packet_rr rr;
	struct buf rdata = {0};
	struct err why = {0};
	int rc;

	if (!(p->flags & PACKET_FLAG_AA))
		return err_set(e, ERR_REFUSED, "not authoritative answer");
	do {
		if (packet_next(p, &rr) != OK)
			return err_set(e, ERR_MISSING, "no SOA of the zone in the answer");
	} while (rr.section != 1 || rr.type != RR_SOA || !name_equal(rr.owner, q->apex));
	rc = rdata_from_message(RR_SOA, p->msg, p->len, rr.rdata, rr.rdlen, &rdata, &why);
	if (rc == OK)
		rc = rdata.failed ? ERR_LIMIT : soa_parse(rdata.data, rdata.len, out);
	buf_free(&rdata);
	return rc == OK ? OK : err_set(e, rc, "broken SOA in the answer: %s", why.text);
}

static void answered(void *arg, const struct err *e, struct packet *p)
{
	struct query q = *(struct query *)arg;
	struct err why = *e;
	struct soa soa = {0};

	free(arg);
	if (why.code == OK)
		read_soa(&q, p, &soa, &why);
	q.done(q.arg, &why, &soa);
}

struct query *query_start(
    struct inbound *in, const struct peer *peer, const uint8_t *apex, query_fn *done, void *arg)
{
	struct query *q = mem_alloc(sizeof(*q));

	q->apex = apex;
	q->done = done;
	q->arg = arg;
	q->probe = probe_start(in, peer, apex, RR_SOA, 0, answered, q);
	return q;
}

void query_cancel(struct query *q)
{
	if (q == NULL)
		return;
	probe_cancel(q->probe);
	free(q);
}

void query_keep_key(struct query *q)
{
	if (q != NULL)
		probe_keep_key(q->probe);
}
