/* A build that takes long is made beside a version that goes on living: meanwhile other runs change
 * that one in place, and the build learns whom they looked at.  When it is complete, those owners
 * are compared, and what differs is made up for as an amend of the new generation; the commit of
 * that makes it the zone's. Until then the new one is garbage to the store.  See run.h and amend.h.
 */
#include "sign/amend.h"

#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"

/* From where it begins to read until it compares: what the others change is missing in it.  The
 * last one of them may be published while the build waits for its end already. */
static bool misses_changes(const struct sign_run *r)
{
	return r->build != NULL && r->amend == NULL && r->has_old && r->spool == NULL &&
	       r->phase <= RUN_CATCHUP && r->code == OK;
}

bool sign_is_beside(const struct sign_run *r)
{
	return misses_changes(r) && r->rrsets_expected > STORE_SMALL && r->phase < RUN_CATCHUP;
}

void catchup_note(struct sign_run *made)
{
	const struct owners *o = &made->amend->owners;

	for (struct sign_run *r = made->sign->runs; r != NULL; r = r->next) {
		if (r == made || !misses_changes(r) || !name_equal(r->job.apex, made->job.apex))
			continue;
		for (size_t i = 0; i < o->count; i++) {
			if (o->items[i].is_single &&
			    owners_add(&r->missed, o->items[i].key, o->items[i].key_len, 0) != OK)
				run_fail(r, ERR_LIMIT, "out of memory");
		}
		if (r->missed.count > AMEND_OWNERS_MAX)
			owners_sort(
			    &r->missed); /* the same ones may have changed again and again */
		if (r->missed.count > AMEND_OWNERS_MAX / 2)
			run_fail(r, ERR_CONFLICT,
			    "too much changed while its new chain was being made; it is made again");
	}
}

static bool is_alone(const struct sign_run *r)
{
	for (const struct sign_run *x = r->sign->runs; x != NULL; x = x->next) {
		if (x != r && name_equal(x->job.apex, r->job.apex))
			return false;
	}
	return true;
}

/* The unsigned sets of one name in a generation. */
static int read_node(struct walk *w, const struct zone_head *h, bool is_apex, const uint8_t *key,
    size_t len, struct node *n)
{
	int rc = walk_seek(w, key, len);

	node_reset(n);
	memcpy(n->key, key, len);
	n->key_len = len;
	for (; rc == OK && !w->is_nsec3 && w->key_len == len && memcmp(w->key, key, len) == 0;
	     rc = walk_next(w)) {
		struct rrset set;

		if (rrtype_is_stripped(w->type, is_apex))
			continue;
		if (rrset_unpack(w->packed, w->packed_len, &set) != OK)
			return ERR_FORMAT;
		set.sigs = 0;
		set.sigdata_len = 0;
		rc = node_add(n, &set);
		if (rc != OK)
			return rc;
	}
	if (is_apex)
		source_restore_serial(h, n);
	return rc == ERR_MISSING ? OK : rc;
}

static int compare_missed(struct sign_run *r, struct walk *live, struct walk *built)
{
	struct node *was = &r->amend->have_node;
	int rc = OK;

	owners_sort(&r->missed);
	for (size_t i = 0; rc == OK && i < r->missed.count; i++) {
		const struct owner *o = &r->missed.items[i];
		bool is_apex = o->key_len == r->apex_key_len;

		rc = read_node(live, &r->live_head, is_apex, o->key, o->key_len, &r->node);
		if (rc == OK)
			rc = read_node(built, &r->old_head, is_apex, o->key, o->key_len, was);
		if (rc != OK)
			return run_fail(r, rc, "reading what changed meanwhile: %s", err_name(rc));
		rc = compare_names(r, &r->node, was);
	}
	return rc;
}

static int compare_generations(struct sign_run *r)
{
	struct walk live = {0}, built = {0};
	int rc = walk_open(r->sn, &r->live_head, &live, &r->err);

	if (rc == OK)
		rc = walk_open(r->sn, &r->old_head, &built, &r->err);
	rc = rc == OK ? compare_missed(r, &live, &built)
		      : run_fail_in(r, rc, "reading what changed meanwhile");
	walk_close(&live);
	walk_close(&built);
	return rc;
}

static int read_live(struct sign_run *r)
{
	int rc = snapshot_open(r->sign->store, &r->sn, &r->err);

	if (rc != OK)
		return run_fail_in(r, rc, "reading what changed meanwhile");
	rc = snapshot_head(r->sn, r->job.apex, &r->live_head);
	if (rc != OK)
		return run_fail(r, rc, "reading its head: %s", err_name(rc));
	if (r->live_head.keyset != r->head.keyset)
		return run_fail(r, ERR_CONFLICT,
		    "its keys changed while its new chain was being made; it is made again");
	return OK;
}

/* From here on the run is an amend of what it has built. */
static int begin_amend(struct sign_run *r)
{
	const struct zone_head *live = &r->live_head;
	int rc = build_head(r->build, &r->head, &r->err);

	if (rc == OK)
		rc = read_live(r);
	else
		rc = run_fail_in(r, rc, "writing the new version");
	if (rc != OK)
		return rc;
	r->amend = mem_alloc(sizeof(*r->amend));
	r->job.force = false; /* that was done by the build */
	r->old_head = r->head;
	r->head.serial_in = live->serial_in;
	r->head.soa_in = live->soa_in;
	r->head.ttl_in = live->ttl_in > r->head.ttl_in ? live->ttl_in : r->head.ttl_in;
	r->head.refreshed = live->refreshed;
	r->head.source_expires = live->source_expires;
	return compare_generations(r);
}

int catchup_step(struct sign_run *r, uint64_t until)
{
	int rc;

	(void)until;
	if (!is_alone(r))
		return STEP_WAIT; /* the end of the other one wakes it */
	if (r->missed.count == 0) {
		r->phase = RUN_PUBLISH;
		return STEP_AGAIN;
	}
	rc = begin_amend(r);
	return rc == OK ? STEP_DONE : rc;
}

void catchup_wake(struct sign *s, const uint8_t *apex)
{
	for (struct sign_run *r = s->runs; r != NULL; r = r->next) {
		if (r->phase == RUN_CATCHUP && name_equal(r->job.apex, apex))
			run_wake(r);
	}
}
