/* The head of the version being made: serial and publication before planning, and at the end its
 * part of the transaction that makes it the zone's version (publish.c). */
#include "sign/amend.h"
#include "sign/check_part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"

static void plan_publication(struct sign_run *r)
{
	struct zone_head *h = &r->head;
	bool was_published = r->live_head.has_out && r->live_head.published;
	bool is_whole = r->spool != NULL && (r->amend == NULL || r->amend->spool == NULL);

	h->foreign_dnssec = is_whole ? r->source.foreign_dnssec : r->live_head.foreign_dnssec;
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
	bool has_last = r->live_head.has_out, jumped = false;
	uint32_t last = r->live_head.serial_out;

	if (r->job.has_floor && (!has_last || serial_gt(r->job.serial_floor, last))) {
		has_last = true;
		last = r->job.serial_floor;
	}
	h->serial_out =
	    serial_next(r->job.policy.serial, has_last, last, h->serial_in, r->job.now, &jumped);
	/* Later than the floor may be no longer later than what went out before (RFC 1982). */
	if (r->live_head.has_out && !serial_gt(h->serial_out, r->live_head.serial_out))
		h->serial_out = last + 1;
	if (jumped && !r->live_head.serial_jump_warned)
		log_warning(
		    "zone %s: serial = \"keep\" cannot keep the source's serial %u, because %u "
		    "went out before; going on from there",
		    r->zone, h->serial_in, last);
	h->serial_jump_warned = r->live_head.serial_jump_warned || jumped;
}

static void add_key(struct zone_head *h, const struct keyset_key *key)
{
	memcpy(h->keys[h->key_count].id, key->id, sizeof(key->id));
	h->keys[h->key_count].tag = key->tag;
	h->keys[h->key_count].algorithm = key->algorithm;
	h->keys[h->key_count++].signatures = 0;
}

static bool has_key(const struct zone_head *h, const struct keyset_key *key)
{
	for (unsigned i = 0; i < h->key_count; i++) {
		if (memcmp(h->keys[i].id, key->id, sizeof(key->id)) == 0)
			return true;
	}
	return false;
}

/* The keys that sign are counted, and in place those, too, that have signatures left. */
static int plan_keys(struct sign_run *r)
{
	struct zone_head *h = &r->head;

	for (unsigned k = 0; k < r->job.keys.count; k++) {
		const struct keyset_key *key = &r->job.keys.keys[k];

		if (!((r->set_mask | r->zone_mask) >> k & 1) || has_key(h, key))
			continue;
		if (h->key_count == STORE_HEAD_KEYS)
			return run_fail(r, ERR_LIMIT, "it has signatures of more than %d keys",
			    STORE_HEAD_KEYS);
		add_key(h, key);
	}
	return OK;
}

static bool signs(const struct sign_run *r, const uint8_t id[TOKEN_ID_LEN])
{
	for (unsigned k = 0; k < r->job.keys.count; k++) {
		if (((r->set_mask | r->zone_mask) >> k & 1) &&
		    memcmp(r->job.keys.keys[k].id, id, TOKEN_ID_LEN) == 0)
			return true;
	}
	return false;
}

static void drop_idle_keys(struct sign_run *r)
{
	struct zone_head *h = &r->head;
	unsigned kept = 0;

	for (unsigned i = 0; i < h->key_count; i++) {
		if (h->keys[i].signatures > 0 || signs(r, h->keys[i].id))
			h->keys[kept++] = h->keys[i];
	}
	h->key_count = kept;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* When the walk goes on.  What was asked for, and what an emergency asks for, does not wait; and a
 * change that came between two slices does not put the next one off. */
static int64_t next_slice(const struct sign_run *r)
{
	const struct zone_head *h = &r->head;
	int64_t slices = (int64_t)(h->signatures / SLICE_SIGNATURES + 1);

	if (h->walk_anew || r->job.class == TOKEN_EMERGENCY)
		return r->job.now;
	if (r->old_head.has_walk && !r->amend->renews)
		return r->old_head.resign_at;
	return r->job.now + r->job.policy.walk_time / slices;
}

/* expiry_first is what the index says: the apex, which is not in it, has a say in both times. */
static void plan_next_time(struct sign_run *r)
{
	struct zone_head *h = &r->head;

	h->resign_at = h->expiry_first == 0 ? 0 : h->expiry_first - r->life_rest.refresh;
	h->resign_at = earlier(h->resign_at, h->apex_due);
	h->expiry_first = earlier(h->expiry_first, h->apex_expiry);
	if (h->has_walk)
		h->resign_at = earlier(h->resign_at, next_slice(r));
}

void commit_sums(struct sign_run *r)
{
	for (unsigned k = 0, i = 0; r->amend == NULL && k < r->job.keys.count; k++) {
		if ((r->set_mask | r->zone_mask) >> k & 1)
			r->head.keys[i++].signatures = r->keys[k].signatures;
	}
	if (r->amend == NULL)
		plan_next_time(r);
	else
		drop_idle_keys(r);
}

static int plan_head(struct sign_run *r)
{
	struct zone_head *h = &r->head;
	const struct sign_policy *p = &r->job.policy;

	memcpy(h->apex, r->job.apex, sizeof(h->apex));
	memcpy(h->policy, p->name, sizeof(h->policy));
	h->has_in = h->has_out = true;
	h->refreshed = r->spool != NULL ? r->job.now : r->old_head.refreshed;
	h->source_expires = r->spool != NULL ? 0 : r->old_head.source_expires;
	h->denial = r->denial;
	if (denial_is_nsec3(r->denial))
		h->nsec3 = p->nsec3;
	h->unverified = !p->verify && r->denial != DENIAL_NONE;
	h->keyset = sign_keyset_mark(&r->job.keys);
	h->signed_at = r->job.now;
	h->apex_expiry = h->apex_due = 0;
	plan_publication(r);
	plan_serial(r);
	return plan_keys(r);
}

int commit_plan(struct sign_run *r)
{
	struct zone_head *h = &r->head;
	const struct sign_policy *p = &r->job.policy;
	int64_t spread = (p->validity - p->refresh) / 2;
	int rc = plan_head(r);

	if (rc != OK)
		return rc;
	h->ttl_in = r->old_head.ttl_in; /* of a new input: plan_end */
	h->ttl_cap = p->max_ttl;
	resign_end(r); /* all of it is signed by the keys of now */
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

static void plan_ttls(struct sign_run *r)
{
	struct zone_head *h = &r->head;
	bool is_whole = r->spool != NULL && r->amend->spool == NULL;

	h->ttl_cap =
	    r->job.policy.max_ttl; /* none is above that: has_lower_cap asks for a build first */
	if (is_whole || r->amend->ttl_max > h->ttl_in)
		h->ttl_in = is_whole ? r->source.ttl_max : r->amend->ttl_max;
}

int commit_plan_amend(struct sign_run *r)
{
	struct zone_head *h = &r->head;
	const struct sign_policy *p = &r->job.policy;
	int64_t spread = (p->validity - p->refresh) / 2;
	int rc = plan_head(r);

	h->unverified = h->unverified || r->old_head.unverified;
	if (p->validity > h->validity)
		h->validity = p->validity;
	plan_ttls(r);
	r->jitter = p->jitter < spread ? p->jitter : spread;
	if (resign_is_wanted(r) && h->rrsets > AMEND_SMALL)
		r->jitter = spread;
	r->amend->change = change_new(r->sign->store);
	r->publish = &publish_amend;
	return rc;
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

/* The lists of what was touched, for the judge. */
static int judge(struct sign_run *r, struct store_write *w)
{
	struct amend *a = r->amend;
	struct check_owner *owners = mem_array(a->owners.count + 1, sizeof(*owners));
	uint8_t(*hashes)[NSEC3_HASH_LEN] = mem_array(a->links.count + 1, sizeof(*hashes));
	struct check_part p = {.before = r->sn,
	    .view = store_write_view(w),
	    .was = &r->old_head,
	    .is = &r->head,
	    .keys = &r->job.keys,
	    .now = r->job.now,
	    .min_life = r->job.policy.refresh,
	    .owners = owners,
	    .hashes = (const uint8_t(*)[NSEC3_HASH_LEN])hashes};
	int rc;

	for (size_t i = 0; i < a->owners.count; i++) {
		const struct owner *o = &a->owners.items[i];

		if (o->is_single || o->is_changed)
			owners[p.owner_count++] = (struct check_owner){o->key, o->key_len};
	}
	for (size_t i = 0; denial_is_nsec3(r->denial) && i < a->links.count; i++) {
		if (a->links.items[i].is_changed)
			memcpy(hashes[p.hash_count++], a->links.items[i].key, NSEC3_HASH_LEN);
	}
	rc = check_part(&p, &r->err);
	r->place_bad = rc == ERR_VERIFY;
	free(owners);
	free(hashes);
	return rc;
}

static int drop_entries(struct amend *a, struct err *e)
{
	struct reader d = reader_of(a->dropped.data, a->dropped.len);
	int rc = OK;

	while (rc == OK && reader_left(&d) > 0) {
		struct expiry_entry x = {.expiry = (int64_t)reader_u64(&d)};

		x.is_nsec3 = reader_u8(&d) != 0;
		x.first = reader_lv16(&d, &x.first_len);
		x.last = reader_lv16(&d, &x.last_len);
		rc = change_expiry_drop(a->change, &x, e);
	}
	return rc;
}

static int put_amend(struct sign_run *r, struct store_write *w)
{
	struct journal_limits limits = {.octets = r->job.policy.journal_octets,
	    .age = r->job.policy.journal_age,
	    .now = r->job.now};
	int rc = drop_entries(r->amend, &r->err);

	if (rc == OK)
		rc = change_apply(r->amend->change, w, &r->old_head, &r->head, &limits, &r->err);
	if (rc != OK)
		return rc;
	plan_next_time(r);
	rc = store_write_head(w, &r->head, &r->err);
	return rc == OK ? judge(r, w) : rc;
}

static void amend_is_out(struct sign_run *r)
{
	catchup_note(r);
	if (r->build != NULL)
		build_done(r->build);
	r->build = NULL;
}

const struct publish publish_amend = {put_amend, amend_is_out};
