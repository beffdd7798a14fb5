/* The judge of changes: which names it looks at, and in which order.  See check_part.h.  Runs in
 * the signing side's main thread, inside the transaction that makes the change. */
#include "sign/check_part_state.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "dns/soa.h"
#include "sign/mark.h"

int part_fault(const struct part *t, struct err *e, const uint8_t *key, size_t len, uint16_t type,
    const char *why)
{
	uint8_t name[NAME_MAX_LEN];

	if (name_from_key(key, len, name) == 0)
		return check_fault(t->c, e, t->c->head.apex, type, "a malformed key: %s", why);
	return check_fault(t->c, e, name, type, "%s", why);
}

int part_found(int rc, bool *found, struct err *e)
{
	*found = rc == OK;
	return rc == OK || rc == ERR_MISSING
		   ? OK
		   : err_set(e, rc, "reading the signed zone: %s", err_name(rc));
}

/* What cannot be a change of one version into the next in the same generation. */
static int check_heads(const struct part *t, struct err *e)
{
	const struct zone_head *was = t->p->was, *is = t->p->is;
	const char *wrong = NULL;

	if (!name_equal(was->apex, is->apex) || was->generation != is->generation)
		wrong = "the version that was changed is another one";
	else if (was->denial != is->denial || was->nsec3.iterations != is->nsec3.iterations ||
		 was->nsec3.salt_len != is->nsec3.salt_len ||
		 memcmp(was->nsec3.salt, is->nsec3.salt, is->nsec3.salt_len) != 0)
		wrong = "its kind of denial changes: it must be built anew";
	else if (!serial_gt(is->serial_out, was->serial_out))
		wrong = "its serial is not greater than that of the version before";
	return wrong == NULL ? OK : check_fault(t->c, e, is->apex, 0, "%s", wrong);
}

static bool is_before(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int c = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return c != 0 ? c < 0 : a_len < b_len;
}

static int check_owners(const struct part *t, struct err *e)
{
	const struct check_part *p = t->p;
	const struct check *c = t->c;

	if (p->owner_count == 0 || p->owners[0].key_len != c->apex_key_len)
		return check_fault(
		    c, e, c->head.apex, 0, "the apex is not among what is to be checked");
	for (size_t i = 0; i < p->owner_count; i++) {
		const struct check_owner *o = &p->owners[i];

		if (o->key_len < c->apex_key_len || o->key_len > NAME_KEY_MAX ||
		    memcmp(o->key, c->apex_key, c->apex_key_len) != 0 ||
		    (i > 0 && !is_before(o[-1].key, o[-1].key_len, o->key, o->key_len)))
			return part_fault(t, e, o->key, o->key_len, 0,
			    "it stands in the wrong place among what is to be checked");
	}
	return OK;
}

static int subtract_owner(struct part *t, const struct part_level *l, struct err *e)
{
	int rc = walk_seek(&t->before, t->key, l->len);

	while (rc == OK && part_is_at(&t->before, t->key, l->len)) {
		rc = part_subtract(t, &t->before, l->len == t->c->apex_key_len, e);
		if (rc != OK)
			return rc;
		rc = walk_next(&t->before);
	}
	return part_found(rc, &(bool){false}, e);
}

/* The RRsets of the name as they are now. */
static int check_sets(
    struct part *t, const struct part_level *l, struct check_denial *denial, struct err *e)
{
	struct check *c = t->c;
	int rc = walk_seek(&t->view, t->key, l->len);

	check_begin(c, t->key, l->len);
	while (rc == OK && part_is_at(&t->view, t->key, l->len)) {
		rc = check_rrset(c, &t->view, e);
		if (rc != OK)
			return rc;
		rc = walk_next(&t->view);
	}
	rc = part_found(rc, &(bool){false}, e);
	return rc != OK || c->set_count == 0 ? rc : check_name_at(c, l->is.is_hidden, denial, e);
}

/* The whole chain says how long it may be kept (RFC 9077), and an algorithm that is in the DNSKEY
 * set signs the whole zone (RFC 4035 section 2.2): neither is seen in a part of the zone. */
static int check_apex_change(const struct part *t, struct err *e)
{
	const struct check *c = t->c;

	if (c->denial_ttl != t->denial_ttl)
		return check_fault(c, e, c->head.apex, RR_SOA,
		    "the TTL of its NSEC or NSEC3 records changes from %u to %u: it must be built anew",
		    t->denial_ttl, c->denial_ttl);
	/* A walk may be under way for another reason: shorter lives, or the operator's wish. */
	if ((c->algorithms & ~t->algorithms) != 0 && t->p->is->has_walk &&
	    t->p->is->zone_keys != mark_of_signers(t->p->keys))
		return check_fault(c, e, c->head.apex, RR_DNSKEY,
		    "it gains an algorithm while not all of the zone is signed anew");
	return OK;
}

static int check_owner(struct part *t, struct err *e)
{
	const struct part_level *l = &t->levels[t->depth - 1];
	struct check_denial denial = {0};
	int rc = subtract_owner(t, l, e);

	if (rc == OK)
		rc = check_sets(t, l, &denial, e);
	if (rc != OK || t->c->is_unsigned)
		return rc;
	rc = t->depth == 1 ? check_apex_change(t, e) : OK;
	if (rc != OK)
		return rc;
	/* What is below it is hidden now, or is no more. */
	if (l->was.hides != l->is.hides && !t->sweeps) {
		t->sweeps = true;
		t->sweep_len = l->len;
	}
	if (t->c->head.denial == DENIAL_NSEC)
		return part_check_nsec(t, l, e);
	/* Without data it may be an empty non-terminal: that is seen when it is left. */
	return l->is.has_data ? part_check_nsec3(t, l, denial.has_nsec3, denial.bitmap, e) : OK;
}

/* One level further down, along t->key. */
static int enter(struct part *t, size_t len, struct err *e)
{
	const struct part_level *above = t->depth == 0 ? NULL : &t->levels[t->depth - 1];
	struct part_level *l = &t->levels[t->depth];
	int rc;

	*l = (struct part_level){.len = len};
	rc = part_look(t, &t->before, t->key, len, above == NULL ? NULL : &above->was, &l->was, e);
	if (rc == OK)
		rc = part_look(
		    t, &t->view, t->key, len, above == NULL ? NULL : &above->is, &l->is, e);
	t->depth++;
	return rc;
}

static int leave(struct part *t, struct err *e)
{
	const struct part_level *l = &t->levels[--t->depth];
	struct part_level *above = t->depth == 0 ? NULL : &t->levels[t->depth - 1];

	if (above != NULL) {
		above->counts_below = above->counts_below || l->counts_below || l->is.counts;
		above->ceased_below =
		    above->ceased_below || l->ceased_below || (l->was.counts && !l->is.counts);
	}
	return denial_is_nsec3(t->c->head.denial) && !l->is.has_data ? part_check_empty(t, l, e)
								     : OK;
}

static bool is_under(const struct part *t, const struct part_name *n)
{
	size_t len = t->levels[t->depth - 1].len;

	return n->len > len && memcmp(n->key, t->key, len) == 0;
}

/* Leave what is not above the name, enter what is. */
static int go_to(struct part *t, const struct part_name *n, struct err *e)
{
	size_t from = t->c->apex_key_len;
	int rc = OK;

	while (rc == OK && t->depth > 0 && !is_under(t, n))
		rc = leave(t, e);
	if (t->depth > 0)
		from = t->levels[t->depth - 1].len + 1;
	memcpy(t->key, n->key, n->len);
	for (size_t len = from; rc == OK && len <= n->len; len++) {
		if (len == t->c->apex_key_len || n->key[len - 1] == 0)
			rc = enter(t, len, e);
	}
	return rc;
}

/* Names that nobody put or removed: below one that began or ceased to hide what is below it. */
static int next_below(struct part *t, struct part_name *out, struct err *e)
{
	int rc = part_name_behind(t, t->key, t->levels[t->depth - 1].len, false, out, e);

	t->sweeps = out->len > t->sweep_len && memcmp(out->key, t->key, t->sweep_len) == 0;
	return rc;
}

static int next_name(struct part *t, struct part_name *out, struct err *e)
{
	const struct check_owner *o = &t->p->owners[t->at];
	bool is_listed = t->at < t->p->owner_count;
	int rc = t->sweeps ? next_below(t, out, e) : OK;

	if (rc != OK)
		return rc;
	if (t->sweeps && (!is_listed || is_before(out->key, out->len, o->key, o->key_len)))
		return OK;
	if (!is_listed)
		return ERR_MISSING;
	memcpy(out->key, o->key, o->key_len);
	out->len = o->key_len;
	t->at++;
	return OK;
}

static int check_all(struct part *t, struct err *e)
{
	struct part_name name;
	int rc;

	while ((rc = next_name(t, &name, e)) == OK) {
		rc = go_to(t, &name, e);
		if (rc == OK)
			rc = check_owner(t, e);
		if (rc != OK)
			return rc;
	}
	rc = rc == ERR_MISSING ? OK : rc;
	while (rc == OK && t->depth > 0)
		rc = leave(t, e);
	if (rc == OK)
		rc = part_check_hashes(t, e);
	return rc == OK ? part_check_sums(t, e) : rc;
}

static int open_walks(struct part *t, struct err *e)
{
	int rc = walk_open(t->p->before, t->p->was, &t->before, e);

	t->has_before = rc == OK;
	if (rc == OK)
		rc = walk_open(t->p->view, t->p->is, &t->view, e);
	t->has_view = t->has_before && rc == OK;
	if (rc == OK)
		rc = walk_open(t->p->view, t->p->is, &t->scan, e);
	t->has_scan = t->has_view && rc == OK;
	return rc;
}

static void part_free(struct part *t)
{
	if (t->has_before)
		walk_close(&t->before);
	if (t->has_view)
		walk_close(&t->view);
	if (t->has_scan)
		walk_close(&t->scan);
	check_free(t->c);
	free(t->hashes);
	free(t);
}

int check_part(const struct check_part *p, struct err *e)
{
	struct part *t = mem_alloc(sizeof(*t));
	int rc;

	t->p = p;
	t->c = check_new(p->is, p->now, p->min_life);
	t->c->is_mixed = false; /* what a change touches is signed by the keys of now */
	rc = check_heads(t, e);
	if (rc == OK)
		rc = check_owners(t, e);
	if (rc == OK)
		rc = check_use_keys(t->c, p->keys, e);
	if (rc == OK)
		rc = part_begin_sums(t, e);
	if (rc == OK)
		rc = open_walks(t, e);
	if (rc == OK)
		rc = check_all(t, e);
	part_free(t);
	return rc;
}
