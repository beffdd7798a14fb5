/* What does the new input change?  A whole one is read beside the store, name by name; a difference
 * (IXFR) is applied to the RRsets that it speaks of.  Either way the result is a delta.
 *
 * A difference is believed only as far as it fits: it starts from the version that the store has,
 * what it deletes is there and what it adds is not.  Else it is refused as a conflict, and the
 * source asked for the whole zone. */
#include "sign/amend.h"

#include <string.h>
#include "dns/rrtype.h"
#include "dns/soa.h"

static int differ(struct sign_run *r, const uint8_t *key, size_t len, uint16_t type,
    const uint8_t *packed, size_t packed_len)
{
	struct delta *d = &r->amend->delta;

	if (delta_add(d, key, len, type, packed, packed_len) != OK)
		return run_fail(r, ERR_LIMIT, "out of memory");
	return OK;
}

static int differ_all(struct sign_run *r, const struct node *n, bool is_there)
{
	int rc = OK;

	for (unsigned i = 0; rc == OK && i < n->count; i++)
		rc = differ(r, n->key, n->key_len, n->sets[i].type,
		    is_there ? node_packed(n, &n->sets[i]) : NULL, n->sets[i].len);
	return rc;
}

/* The same name in both: their types are in order. */
int compare_names(struct sign_run *r, const struct node *now, const struct node *was)
{
	unsigned i = 0, j = 0;
	int rc = OK;

	while (rc == OK && (i < now->count || j < was->count)) {
		const struct node_set *n = i < now->count ? &now->sets[i] : NULL;
		const struct node_set *w = j < was->count ? &was->sets[j] : NULL;

		if (w == NULL || (n != NULL && n->type < w->type)) {
			rc =
			    differ(r, now->key, now->key_len, n->type, node_packed(now, n), n->len);
			i++;
		} else if (n == NULL || w->type < n->type) {
			rc = differ(r, now->key, now->key_len, w->type, NULL, 0);
			j++;
		} else {
			if (n->len != w->len ||
			    memcmp(node_packed(now, n), node_packed(was, w), n->len) != 0)
				rc = differ(r, now->key, now->key_len, n->type, node_packed(now, n),
				    n->len);
			i++;
			j++;
		}
	}
	return rc;
}

/* The next name of one side, unless it is at hand already. */
static int fetch(struct sign_run *r, struct source *s, struct node *n, bool *has, bool is_input)
{
	int rc;

	if (*has)
		return OK;
	rc = source_next(s, n, &r->err);
	*has = rc == OK;
	if (rc == ERR_MISSING) {
		n->count = 0;
		return OK;
	}
	if (rc != OK)
		return run_fail_in(r, rc, is_input ? "reading" : "reading the current version");
	return is_input ? accept_node(r, n) : OK;
}

static int compare_next(struct sign_run *r, bool *at_end)
{
	struct amend *a = r->amend;
	struct node *now = &r->node, *was = &a->have_node;
	int rc = fetch(r, &r->source, now, &a->has_new, true), c;

	if (rc == OK)
		rc = fetch(r, &a->have, was, &a->has_have, false);
	if (rc != OK)
		return rc;
	*at_end = !a->has_new && !a->has_have;
	if (*at_end)
		return OK;
	c = !a->has_new	   ? 1
	    : !a->has_have ? -1
			   : key_compare(now->key, now->key_len, was->key, was->key_len);
	if (c == 0)
		rc = compare_names(r, now, was);
	else
		rc = c < 0 ? differ_all(r, now, true) : differ_all(r, was, false);
	a->has_new = a->has_new && c > 0;
	a->has_have = a->has_have && c < 0;
	return rc;
}

static int compare_whole(struct sign_run *r, uint64_t until)
{
	struct amend *a = r->amend;
	bool at_end = false;
	int rc = OK;

	if (!a->have_is_open) {
		rc = source_open_store(&a->have, r->sn, &r->old_head, 0, &r->err);
		a->have_is_open = rc == OK;
		if (rc != OK)
			return run_fail_in(r, rc, "reading the current version");
	}
	while (rc == OK && !at_end) {
		rc = compare_next(r, &at_end);
		if (rc == OK && a->delta.count > AMEND_SETS_MAX)
			return amend_give_up(r, "much of it is new");
		if (rc == OK && !at_end && run_time_is_up(until))
			return STEP_AGAIN;
	}
	if (rc == OK)
		rc = accept_is_zone(r);
	return rc != OK ? rc : STEP_DONE;
}

/* A difference */

static int doubt(struct sign_run *r, const uint8_t *owner, uint16_t type, const char *why)
{
	char name[NAME_TEXT_SIZE], text[RRTYPE_TEXT_SIZE];

	name_text(owner, name);
	rrtype_text(type, text);
	r->input_bad = true;
	return run_fail(r, ERR_CONFLICT, "the difference that came in does not fit: %.200s %s %s",
	    name, text, why);
}

/* The records of an RRset while steps are applied to them. */
struct growing {
	struct rrset set;
	bool was_there; /* in the store */
	uint8_t owner[NAME_MAX_LEN];
	struct buf *items; /* u16 length, RDATA */
	size_t at;	   /* of the item that was found */
};

static bool find_item(struct growing *g, const struct spool_record *rec)
{
	const struct buf *b = g->items;

	for (g->at = 0; g->at < b->len; g->at += 2U + load_u16(b->data + g->at)) {
		if (load_u16(b->data + g->at) == rec->rdlen &&
		    memcmp(b->data + g->at + 2, rec->rdata, rec->rdlen) == 0)
			return true;
	}
	return false;
}

static void remove_item(struct growing *g)
{
	struct buf *b = g->items;
	size_t len = 2U + load_u16(b->data + g->at);

	memmove(b->data + g->at, b->data + g->at + len, b->len - g->at - len);
	b->len -= len;
	g->set.count--;
}

static void add_item(struct sign_run *r, struct growing *g, const struct spool_record *rec)
{
	uint32_t ttl = rec->ttl;

	r->amend->ttl_max = ttl > r->amend->ttl_max ? ttl : r->amend->ttl_max;
	if (r->job.policy.max_ttl != 0 && ttl > r->job.policy.max_ttl)
		ttl = r->job.policy.max_ttl;
	/* RFC 2181 section 5.2: one TTL for all of an RRset, here the lowest. */
	if (g->set.count == 0 || ttl < g->set.ttl)
		g->set.ttl = ttl;
	if (g->set.count == 0)
		memcpy(g->owner, rec->owner, name_len(rec->owner));
	g->set.count++;
	buf_lv16(g->items, rec->rdata, rec->rdlen);
}

/* What the store has, as its source sent it. */
static int begin_group(struct sign_run *r, const struct spool_group *g, struct growing *out)
{
	const uint8_t *packed;
	size_t len;
	int rc = snapshot_rrset(r->sn, &r->old_head, g->owner, g->type, &packed, &len);

	buf_reset(out->items);
	out->set = (struct rrset){.type = g->type};
	memcpy(out->owner, g->owner, name_len(g->owner));
	if (rc == ERR_MISSING)
		return OK;
	if (rc != OK || rrset_unpack(packed, len, &out->set) != OK)
		return run_fail(r, rc == OK ? ERR_FORMAT : rc, "reading the current version: %s",
		    err_name(rc == OK ? ERR_FORMAT : rc));
	out->was_there = true;
	memcpy(out->owner, out->set.owner, name_len(out->set.owner));
	buf_put(out->items, out->set.rdata, out->set.rdata_len);
	if (g->type == RR_SOA && out->set.rdata_len > 2)
		soa_set_serial(out->items->data + 2, out->items->len - 2, r->old_head.serial_in);
	return OK;
}

static int end_group(struct sign_run *r, const struct spool_group *g, struct growing *x)
{
	const uint8_t *packed;
	size_t len;

	/* What came and went within the difference was never there. */
	if (x->set.count == 0)
		return x->was_there ? differ(r, g->key, g->key_len, g->type, NULL, 0) : OK;
	buf_reset(&r->rdata);
	x->set.count = rrset_sort(g->type, x->items->data, x->items->len, x->set.count, &r->rdata);
	x->set.owner = x->owner;
	x->set.rdata = r->rdata.data;
	x->set.rdata_len = r->rdata.len;
	x->set.sigs = 0;
	x->set.sigdata_len = 0;
	buf_reset(&r->message);
	rrset_pack(&x->set, &r->message);
	if (r->rdata.failed || r->message.failed)
		return run_fail(r, ERR_LIMIT, "out of memory");
	/* What was taken out and put back is as it was; the SOA never is, for its serial. */
	if (snapshot_rrset(r->sn, &r->old_head, g->owner, g->type, &packed, &len) == OK &&
	    len >= r->message.len && memcmp(packed, r->message.data, r->message.len - 1) == 0 &&
	    g->type != RR_SOA)
		return OK;
	return differ(r, g->key, g->key_len, g->type, r->message.data, r->message.len);
}

static int apply_group(struct sign_run *r, const struct spool_group *g)
{
	bool is_apex = g->key_len == r->apex_key_len;
	bool is_stripped = rrtype_is_stripped(g->type, is_apex);
	struct growing x = {.items = &r->value};
	struct spool_record rec;
	int rc = begin_group(r, g, &x), more = OK;

	if (rc == OK &&
	    (g->key_len < r->apex_key_len || memcmp(g->key, r->apex_key, r->apex_key_len) != 0))
		return doubt(r, g->owner, g->type, "is outside the zone");
	while (rc == OK && (more = spool_next_record(r->amend->spool, &rec, &r->err)) == OK) {
		bool is_there;

		if (is_stripped)
			continue;
		is_there = find_item(&x, &rec);
		if (rec.step == SPOOL_DELETE && !is_there)
			return doubt(r, g->owner, g->type, "is to be deleted and is not there");
		if (rec.step == SPOOL_ADD && is_there)
			return doubt(r, g->owner, g->type, "is to be added and is there already");
		if (rec.step == SPOOL_DELETE)
			remove_item(&x);
		else
			add_item(r, &x, &rec);
	}
	if (rc != OK)
		return rc;
	if (more != ERR_MISSING)
		return run_fail_in(r, more, "reading the difference");
	return is_stripped ? OK : end_group(r, g, &x);
}

static int compare_difference(struct sign_run *r, uint64_t until)
{
	struct amend *a = r->amend;
	struct spool_group g;
	int rc;

	if (spool_serial_from(a->spool) != r->old_head.serial_in) {
		r->input_bad = true;
		return run_fail(r, ERR_CONFLICT,
		    "the difference that came in starts from serial %u, and what is here is %u",
		    spool_serial_from(a->spool), r->old_head.serial_in);
	}
	for (;;) {
		rc = spool_next_group(a->spool, &g, &r->err);
		if (rc == ERR_MISSING)
			return STEP_DONE;
		rc = rc == OK ? apply_group(r, &g) : run_fail_in(r, rc, "reading the difference");
		if (rc != OK)
			return rc;
		if (a->delta.count > AMEND_SETS_MAX)
			return amend_give_up(r, "much of it is new");
		if (run_time_is_up(until))
			return STEP_AGAIN;
	}
}

int compare_step(struct sign_run *r, uint64_t until)
{
	struct amend *a = r->amend;

	if (r->spool == NULL)
		return STEP_DONE;
	return a->spool != NULL ? compare_difference(r, until) : compare_whole(r, until);
}
