/* One SOA query: see query.h.  Network side; answers are not trusted. */
#include "inbound/query.h"

#include <stdlib.h>
#include "base/mem.h"
#include "dns/edns.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "inbound/probe.h"

struct query {
	struct inbound *in;
	struct probe *probe;
	struct peer peer;
	const uint8_t *apex;
	bool is_plain; /* asked without EDNS */
	bool is_last;  /* the peer's key may be gone: nothing more is asked */
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

static void ask(struct query *q);

/* Not every server knows EDNS (RFC 6891 7). */
static bool asks_plainly(struct query *q, const struct packet *p)
{
	unsigned rcode = p == NULL ? RCODE_NOERROR : packet_rcode(p);

	if (q->is_plain || q->is_last || (rcode != RCODE_FORMERR && rcode != RCODE_NOTIMP) ||
	    p->has_edns)
		return false;
	q->is_plain = true;
	ask(q);
	return true;
}

static void answered(void *arg, const struct err *e, struct packet *p)
{
	struct query *asked = arg, q = *asked;
	struct err why = *e;
	struct query_answer answer = {.has_expire = false};
	struct edns edns;

	if (asks_plainly(asked, p))
		return;
	free(asked);
	if (why.code == OK) {
		edns = edns_read(p);
		answer.has_expire = edns.has_expire;
		answer.expire = edns.expire;
		read_soa(&q, p, &answer.soa, &why);
	}
	q.done(q.arg, &why, &answer);
}

static void ask(struct query *q)
{
	q->probe = probe_start(
	    q->in, &q->peer, q->apex, RR_SOA, q->is_plain ? 0 : PROBE_EXPIRE, answered, q);
}

struct query *query_start(
    struct inbound *in, const struct peer *peer, const uint8_t *apex, query_fn *done, void *arg)
{
	struct query *q = mem_alloc(sizeof(*q));

	q->in = in;
	q->peer = *peer;
	q->apex = apex;
	q->done = done;
	q->arg = arg;
	ask(q);
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
	if (q == NULL)
		return;
	probe_keep_key(q->probe);
	q->is_last = true;
}
