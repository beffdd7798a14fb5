/* RRsets out of a message: see answer.h.  Runs on the signing side; messages come from the network.
 */
#include "dns/answer.h"

#include "dns/rdata.h"
#include "dns/rrtype.h"

#define CLASS_IN 1

struct gathering {
	const uint8_t *owner;
	uint16_t type;
	struct buf items, sigs; /* each u16 length, RDATA */
	uint16_t count;
	uint8_t sig_count;
	uint32_t ttl;
	struct buf rdata; /* the record at hand */
};

/* Does the record belong to the RRset, or is it one of its signatures? */
static bool is_wanted(const struct gathering *g, const struct packet *p, const struct packet_rr *rr)
{
	if (rr->class != CLASS_IN || !name_equal(rr->owner, g->owner))
		return false;
	return rr->type == g->type ||
	       (rr->type == RR_RRSIG && rr->rdlen >= 2 && load_u16(p->msg + rr->rdata) == g->type);
}

static int take(
    struct gathering *g, const struct packet *p, const struct packet_rr *rr, struct err *e)
{
	bool is_sig = rr->type != g->type;
	int code;

	if (is_sig ? g->sig_count == ANSWER_SIGS_MAX : g->count == ANSWER_RECORDS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d %s",
		    is_sig ? ANSWER_SIGS_MAX : ANSWER_RECORDS_MAX,
		    is_sig ? "signatures over one set of records" : "records in one set");
	buf_reset(&g->rdata);
	code = rdata_from_message(rr->type, p->msg, p->len, rr->rdata, rr->rdlen, &g->rdata, e);
	if (code != OK)
		return code;
	buf_lv16(is_sig ? &g->sigs : &g->items, g->rdata.data, g->rdata.len);
	g->sig_count = (uint8_t)(g->sig_count + is_sig);
	g->count = (uint16_t)(g->count + !is_sig);
	if (!is_sig && rr->ttl < g->ttl)
		g->ttl = rr->ttl;
	return OK;
}

static int pack(const struct gathering *g, struct buf *out, struct err *e)
{
	struct buf sorted = {0};
	struct rrset set = {.owner = g->owner,
	    .type = g->type,
	    .ttl = g->ttl,
	    .sigs = g->sig_count,
	    .sigdata = g->sigs.data,
	    .sigdata_len = g->sigs.len};
	int code = OK;

	set.count = rrset_sort(g->type, g->items.data, g->items.len, g->count, &sorted);
	set.rdata = sorted.data;
	set.rdata_len = sorted.len;
	rrset_pack(&set, out);
	if (g->items.failed || g->sigs.failed || sorted.failed || out->failed)
		code = err_set(e, ERR_LIMIT, "no memory for a set of %u records", g->count);
	buf_free(&sorted);
	return code;
}

int answer_rrset(const struct packet *message, unsigned section, const uint8_t *owner,
    uint16_t type, struct buf *out, struct err *e)
{
	struct gathering g = {.owner = owner, .type = type, .ttl = UINT32_MAX};
	struct packet p = *message;
	struct packet_rr rr;
	int code = OK;

	packet_rewind(&p);
	while (code == OK && packet_next(&p, &rr) == OK) {
		if (rr.section == section && is_wanted(&g, &p, &rr))
			code = take(&g, &p, &rr, e);
	}
	if (code == OK)
		code = g.count == 0 ? ERR_MISSING : pack(&g, out, e);
	buf_free(&g.items);
	buf_free(&g.sigs);
	buf_free(&g.rdata);
	return code;
}
