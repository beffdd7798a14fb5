/* tkey: the answer to TKEY queries (RFC 2930).  No mode is supported yet, and the answer says so.
 *
 * Runs in the network side; anybody may ask. */
#include "outbound/parts.h"

#include "dns/rdata.h"

#define CLASS_ANY 255

/* The TKEY record that a query carries in its additional section, as uncompressed RDATA. */
static int find_tkey(const struct out_query *q, struct packet_rr *rr, struct buf *rdata)
{
	struct packet p = q->packet;

	while (packet_next(&p, rr) == OK) {
		if (rr->section == 3 && rr->type == RR_TKEY && name_equal(rr->owner, p.qname))
			return rdata_from_message(
			    RR_TKEY, p.msg, p.len, rr->rdata, rr->rdlen, rdata, NULL);
	}
	return ERR_MISSING;
}

int out_answer_tkey(struct out_query *q, struct out_reply *reply)
{
	struct buf in = {0}, answer = {0};
	struct packet_rr rr;
	size_t algorithm_len;
	int rc = find_tkey(q, &rr, &in);

	if (rc != OK)
		goto out;
	/* algorithm, inception, expiration, mode, error, key size, other size */
	algorithm_len = name_check(in.data, in.len);
	if (algorithm_len == 0 || in.len < algorithm_len + 16) {
		rc = ERR_FORMAT;
		goto out;
	}
	buf_put(&answer, in.data, algorithm_len + 10);
	buf_u16(&answer, RCODE_BADMODE);
	buf_u32(&answer, 0);
	/* The header's RCODE is NOERROR when the record has an error (RFC 2930 2.6). */
	out_reply_begin(reply, q, RCODE_NOERROR, false);
	rc = packet_add_class(
	    &reply->message, 1, rr.owner, RR_TKEY, CLASS_ANY, 0, answer.data, (uint16_t)answer.len);
out:
	buf_free(&in);
	buf_free(&answer);
	return rc == OK ? OK : ERR_FORMAT;
}
