/* What is signed: the names of the zone go by in canonical order, and each RRset goes into a slab
 * with the keys that sign it (RFC 4035 section 2.2).  What lies below a delegation or a DNAME stays
 * in the zone as it came: unsigned, and no link of the chain. */
#include "sign/run.h"

#include <string.h>
#include "dns/rrtype.h"
#include "dns/soa.h"

static enum place place_of(struct sign_run *r, const struct node *n)
{
	bool is_apex = n->key_len == r->apex_key_len;

	if (r->has_cut && n->key_len > r->cut_key_len &&
	    memcmp(n->key, r->cut_key, r->cut_key_len) == 0)
		return PLACE_HIDDEN;
	r->has_cut = (!is_apex && node_find(n, RR_NS) != NULL) || node_find(n, RR_DNAME) != NULL;
	if (r->has_cut) {
		memcpy(r->cut_key, n->key, n->key_len);
		r->cut_key_len = n->key_len;
	}
	if (is_apex)
		return PLACE_APEX;
	return node_find(n, RR_NS) != NULL ? PLACE_DELEGATION : PLACE_INSIDE;
}

uint32_t plan_signers(
    const struct sign_run *r, const struct node *n, enum place place, uint16_t type)
{
	if (place == PLACE_HIDDEN || (place == PLACE_DELEGATION && type != RR_DS))
		return 0;
	return is_key_set(r, n->owner, type) ? r->set_mask : r->zone_mask;
}

int plan_apex_sets(struct sign_run *r, struct node *n)
{
	static const uint16_t types[] = {RR_DNSKEY, RR_NSEC3PARAM, RR_CDS, RR_CDNSKEY, RR_ZONEMD};
	struct rrset set;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (apex_set(r, types[i], &set) != OK || (set.count > 0 && node_add(n, &set) != OK))
			return run_fail(r, ERR_LIMIT, "out of memory");
	}
	return OK;
}

int plan_apex(struct sign_run *r, struct node *n)
{
	const struct node_set *s = node_find(n, RR_SOA);
	struct rrset set;

	if (s == NULL || rrset_unpack(node_packed(n, s), s->len, &set) != OK)
		return run_fail(r, ERR_FORMAT, "its SOA is missing or damaged");
	soa_set_serial(
	    n->data.data + (set.rdata - n->data.data) + 2, set.rdata_len - 2, r->head.serial_out);
	r->denial_ttl = set.ttl < r->head.soa_in.minimum ? set.ttl : r->head.soa_in.minimum;
	return plan_apex_sets(r, n);
}

static int add_set(
    struct sign_run *r, const struct node *n, const struct node_set *set, uint32_t mask)
{
	struct slab *s = slab_current(r, false);
	struct old_set old = {0};

	if (mask != 0)
		old = old_find(&r->old, set->type);
	return slab_fill(s, slab_add(s, n->key, n->key_len, set->type), node_packed(n, set),
	    set->len, mask, &old);
}

static void add_nsec(struct sign_run *r, const struct node *n, bool is_delegation)
{
	struct slab *s = slab_current(r, false);

	denial_wait(r, n, is_delegation, s, slab_add(s, n->key, n->key_len, RR_NSEC));
}

/* The digest of the zone is made when all else is there. */
bool plan_comes_late(enum place place, uint16_t type)
{
	return place == PLACE_APEX && type == RR_ZONEMD;
}

static int add_node(struct sign_run *r, const struct node *n, enum place place)
{
	bool nsec = r->denial == DENIAL_NSEC && place != PLACE_HIDDEN;
	int rc = OK;

	for (unsigned i = 0; rc == OK && i < n->count; i++) {
		if (nsec && n->sets[i].type > RR_NSEC) {
			add_nsec(r, n, place == PLACE_DELEGATION);
			nsec = false;
		}
		if (!plan_comes_late(place, n->sets[i].type))
			rc = add_set(r, n, &n->sets[i], plan_signers(r, n, place, n->sets[i].type));
	}
	if (rc == OK && nsec)
		add_nsec(r, n, place == PLACE_DELEGATION);
	return rc;
}

static int plan_end(struct sign_run *r)
{
	int rc = denial_next(r, r->apex_key, r->apex_key_len);

	if (r->spool != NULL)
		r->head.ttl_in = r->source.ttl_max;
	slab_seal(r);
	return rc != OK ? rc : STEP_DONE;
}

static int read_name(struct sign_run *r)
{
	int rc = OK;

	if (accept_is_on_the_way(r))
		return accept_next(r);
	rc = source_next(&r->source, &r->node, &r->err);
	if (rc == ERR_MISSING)
		return STEP_DONE;
	return rc == OK ? OK : run_fail_in(r, rc, "planning");
}

static int plan_name(struct sign_run *r)
{
	struct node *n = &r->node;
	int rc = read_name(r);
	enum place place;

	if (rc == STEP_DONE)
		return plan_end(r);
	if (rc != OK)
		return rc;
	place = place_of(r, n);
	if (place == PLACE_HIDDEN)
		return add_node(r, n, place);
	rc = denial_next(r, n->key, n->key_len);
	if (rc == OK && place == PLACE_APEX)
		rc = plan_apex(r, n);
	if (rc == OK)
		rc = old_seek(r, n->key, n->key_len);
	if (rc == OK && denial_is_nsec3(r->denial))
		rc = chain_name(r, n, place == PLACE_DELEGATION);
	return rc != OK ? rc : add_node(r, n, place);
}

int plan_step(struct sign_run *r, uint64_t until)
{
	return queue_feed(r, until, plan_name);
}
