/* Is the input a zone that can be signed?  Each record was checked alone when it came in; here it
 * is looked at as a zone.  The input is not trusted: whatever is wrong with it ends the run with
 * words that name owner and type, and the last good version stays.
 *
 * "Normalised" is: no DNSSEC records, TTLs capped; see source.h.  Its digest: digest.h. */
#include "sign/run.h"

#include <string.h>
#include "dns/rrtype.h"
#include "dns/soa.h"
#include "sign/digest.h"

static int refuse(struct sign_run *r, const struct node *n, uint16_t type, const char *why)
{
	char owner[NAME_TEXT_SIZE], text[RRTYPE_TEXT_SIZE];

	name_text(n->owner, owner);
	rrtype_text(type, text);
	r->input_bad = true;
	return run_fail(r, ERR_FORMAT, "%.250s %s %s", owner, text, why);
}

static bool is_single(uint16_t type)
{
	return type == RR_SOA || type == RR_CNAME || type == RR_DNAME;
}

static int accept_set(
    struct sign_run *r, const struct node *n, const struct node_set *s, bool is_apex)
{
	if (rrtype_is_meta(s->type))
		return refuse(r, n, s->type, "is a type that has no place in a zone");
	if (s->type == RR_SOA && !is_apex)
		return refuse(r, n, s->type, "stands below the apex, the one place for a SOA");
	if (s->type == RR_DS && is_apex)
		return refuse(r, n, s->type,
		    "stands at the apex: a DS belongs into the parent zone (RFC 4035 section 2.4)");
	if (s->type == RR_CNAME && n->count > 1)
		return refuse(
		    r, n, s->type, "stands beside other data: a CNAME is alone at its name");
	if (is_single(s->type) && s->count != 1)
		return refuse(r, n, s->type, "is there more than once");
	return OK;
}

static int accept_apex(struct sign_run *r, const struct node *n)
{
	const struct node_set *s = node_find(n, RR_SOA);
	struct rrset set;

	if (s == NULL)
		return refuse(r, n, RR_SOA, "is missing at the apex");
	if (node_find(n, RR_NS) == NULL)
		return refuse(
		    r, n, RR_NS, "is missing at the apex: a zone names its own name servers there");
	if (rrset_unpack(node_packed(n, s), s->len, &set) != OK ||
	    soa_parse(set.rdata + 2, set.rdata_len - 2, &r->head.soa_in) != OK)
		return refuse(r, n, RR_SOA, "is malformed");
	r->head.serial_in = r->head.soa_in.serial;
	return OK;
}

int accept_node(struct sign_run *r, const struct node *n)
{
	bool is_apex = n->key_len == r->apex_key_len;
	int rc = OK;

	if (n->key_len < r->apex_key_len || memcmp(n->key, r->apex_key, r->apex_key_len) != 0)
		return refuse(r, n, n->sets[0].type, "is outside the zone");
	if (r->rrsets_in == 0 && !is_apex) {
		r->input_bad = true;
		return run_fail(r, ERR_FORMAT, "there is nothing at the apex: no SOA, no NS");
	}
	for (unsigned i = 0; rc == OK && i < n->count; i++)
		rc = accept_set(r, n, &n->sets[i], is_apex);
	r->rrsets_in += n->count;
	if (rc == OK && is_apex)
		rc = accept_apex(r, n);
	return rc;
}

int accept_is_zone(struct sign_run *r)
{
	if (r->rrsets_in > 0)
		return OK;
	r->input_bad = r->spool != NULL;
	return run_fail(r, ERR_FORMAT, "the input is empty: no SOA, no NS");
}

static void digest_node(struct sign_run *r, const struct node *n)
{
	for (unsigned i = 0; i < n->count; i++) {
		r->head.input_records += n->sets[i].count;
		digest_add(r->head.input_digest, node_packed(n, &n->sets[i]), n->sets[i].len - 1);
	}
}

static int accept_end(struct sign_run *r)
{
	bool is_same = memcmp(r->head.input_digest, r->old_head.input_digest,
			   sizeof(r->head.input_digest)) == 0;

	/* A generation that is signed again must hold what its source sent, but for a cap on TTLs.
	 */
	r->store_bad = r->spool == NULL && !is_same && !r->source.has_capped;
	if (r->store_bad)
		return run_fail(r, ERR_VERIFY,
		    "what the store holds is not what the source sent: it is not signed again");
	if (is_same && !due_now(r)) {
		r->unchanged = true;
		return STEP_DONE;
	}
	r->rrsets_expected += 8;
	return commit_plan(r);
}

int accept_next(struct sign_run *r)
{
	int rc = source_next(&r->source, &r->node, &r->err);

	if (rc == ERR_MISSING)
		return accept_is_zone(r) == OK ? STEP_DONE : r->code;
	rc = rc == OK ? accept_node(r, &r->node) : run_fail_in(r, rc, "reading");
	if (rc == OK)
		digest_node(r, &r->node);
	return rc;
}

/* The serial stands at the apex, which comes first; then all begins anew. */
static int accept_apex_alone(struct sign_run *r)
{
	int rc = accept_next(r);

	if (rc != OK)
		return rc;
	r->rrsets_in = r->head.input_records = 0;
	memset(r->head.input_digest, 0, sizeof(r->head.input_digest));
	r->rrsets_expected = spool_records(r->source.spool);
	return commit_plan(r);
}

int accept_step(struct sign_run *r, uint64_t until)
{
	int rc = OK;

	if (accept_is_on_the_way(r))
		return accept_apex_alone(r);
	while (rc == OK) {
		rc = accept_next(r);
		if (rc == OK)
			r->rrsets_expected += r->node.count + 1;
		if (rc == OK && run_time_is_up(until))
			return STEP_AGAIN;
	}
	return rc == STEP_DONE ? accept_end(r) : rc;
}
