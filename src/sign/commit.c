/* The head of the version being made: serial and publication before planning, and at the end its
 * part of the transaction that makes it the zone's version (publish.c). */
#include "sign/run.h"

#include <stdio.h>
#include <string.h>
#include "base/log.h"

static void plan_publication(struct sign_run *r)
{
	struct zone_head *h = &r->head;
	bool was_published = r->old_head.has_out && r->old_head.published;

	h->foreign_dnssec =
	    r->spool != NULL ? r->source.foreign_dnssec : r->old_head.foreign_dnssec;
	h->published = was_published || r->job.replace_dnssec ||
		       (!h->foreign_dnssec && r->job.hold[0] == '\0');
	if (h->published) {
		h->hold[0] = '\0';
	} else if (h->foreign_dnssec) {
		snprintf(h->hold, sizeof(h->hold),
		    "the source's zone is signed already (DNSKEY at its apex): publishing ours "
		    "would break it while the parent has the old DS; sign it with --replace-dnssec "
		    "when that is sorted out");
	} else {
		memcpy(h->hold, r->job.hold, sizeof(h->hold));
	}
}

static void plan_serial(struct sign_run *r)
{
	struct zone_head *h = &r->head;
	bool has_last = r->old_head.has_out, jumped = false;
	uint32_t last = r->old_head.serial_out;

	if (r->job.has_floor && (!has_last || serial_gt(r->job.serial_floor, last))) {
		has_last = true;
		last = r->job.serial_floor;
	}
	h->serial_out =
	    serial_next(r->job.policy.serial, has_last, last, h->serial_in, r->job.now, &jumped);
	/* Later than the floor may be no longer later than what went out before (RFC 1982). */
	if (r->old_head.has_out && !serial_gt(h->serial_out, r->old_head.serial_out))
		h->serial_out = last + 1;
	if (jumped && !r->old_head.serial_jump_warned)
		log_warning(
		    "zone %s: serial = \"keep\" cannot keep the source's serial %u, because %u "
		    "went out before; going on from there",
		    r->zone, h->serial_in, last);
	h->serial_jump_warned = r->old_head.serial_jump_warned || jumped;
}

static void plan_keys(struct sign_run *r)
{
	struct zone_head *h = &r->head;

	h->key_count = 0;
	for (unsigned k = 0; k < r->job.keys.count; k++) {
		const struct keyset_key *key = &r->job.keys.keys[k];

		if (!((r->set_mask | r->zone_mask) >> k & 1))
			continue;
		memcpy(h->keys[h->key_count].id, key->id, sizeof(key->id));
		h->keys[h->key_count].tag = key->tag;
		h->keys[h->key_count].algorithm = key->algorithm;
		h->keys[h->key_count++].signatures = 0;
	}
}

int commit_plan(struct sign_run *r)
{
	struct zone_head *h = &r->head;
	const struct sign_policy *p = &r->job.policy;
	int64_t spread = (p->validity - p->refresh) / 2;
	int rc;

	memcpy(h->apex, r->job.apex, sizeof(h->apex));
	memcpy(h->policy, p->name, sizeof(h->policy));
	h->has_in = h->has_out = true;
	h->refreshed = r->spool != NULL ? r->job.now : r->old_head.refreshed;
	h->denial = r->denial;
	if (denial_is_nsec3(r->denial))
		h->nsec3 = p->nsec3;
	h->unverified = !p->verify && r->denial != DENIAL_NONE;
	h->ttl_in = r->spool != NULL ? r->source.ttl_max : r->old_head.ttl_in;
	h->keyset = sign_keyset_mark(&r->job.keys);
	h->signed_at = r->job.now;
	plan_publication(r);
	plan_serial(r);
	plan_keys(r);
	/* After a full signing the first refresh is spread over the second half of its time, so
	 * that the load stays even; a small zone is signed again in one go anyway. */
	r->jitter = p->jitter < spread ? p->jitter : spread;
	if ((!r->has_old || r->job.force) && r->rrsets_expected > STORE_SMALL)
		r->jitter = spread;
	rc = source_rewind(&r->source, &r->err);
	if (rc != OK)
		return run_fail_in(r, rc, "planning");
	rc = old_open(r);
	if (rc != OK)
		return rc;
	r->publish = &publish_build;
	r->build = build_begin(r->sign->store, r->rrsets_expected, &r->err);
	return r->build == NULL ? run_fail_in(r, r->err.code, "writing the new version")
				: STEP_DONE;
}

static int put_build(struct sign_run *r, struct store_write *w)
{
	return build_flip_in(r->build, w, &r->head, &r->err);
}

static void build_is_out(struct sign_run *r)
{
	build_done(r->build);
	r->build = NULL;
}

const struct publish publish_build = {put_build, build_is_out};
