/* The phases of a run: see run.h.  Each step works until its time is up, waits, or is done; none of
 * them blocks. */
#include "sign/amend.h"

#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "sign/zonemd.h"

#define PROGRESS_MS 200

/* A whole zone that carries a digest of itself is looked at with that. */
static void verify_zonemd(struct sign_run *r)
{
	if (!r->job.policy.zonemd_verify || r->source.spool == NULL)
		return;
	r->work_code = zonemd_verify_spool(r->source.spool, r->job.apex, &r->work_err);
	r->input_bad = r->work_code == ERR_VERIFY;
	if (r->work_code == OK)
		r->work_code = source_rewind(&r->source, &r->work_err);
}

static void open_spool_in_thread(struct work *w, struct verifier_scratch *scratch)
{
	struct sign_run *r = (struct sign_run *)((char *)w - offsetof(struct sign_run, work));
	struct spool *spool = spool_open(r->spool, &r->work_err);

	(void)scratch;
	if (spool == NULL) {
		r->work_code = r->work_err.code;
	} else if (spool_kind(spool) == SPOOL_FULL) {
		r->work_code = source_open_spool(
		    &r->source, spool, r->job.apex, r->job.policy.max_ttl, &r->work_err);
		if (r->work_code == OK)
			verify_zonemd(r);
	} else if (r->amend != NULL && name_equal(spool_apex(spool), r->job.apex)) {
		r->amend->spool = spool;
	} else {
		r->input_bad = true;
		r->work_code = err_set(&r->work_err, ERR_CONFLICT,
		    "a difference came in, and there is no version that it could be applied to");
		spool_close(spool);
	}
}

static bool used_before(const struct zone_head *h, const struct keyset_key *k)
{
	for (unsigned i = 0; i < h->key_count; i++) {
		if (memcmp(h->keys[i].id, k->id, sizeof(k->id)) == 0)
			return h->keys[i].tag == k->tag && h->keys[i].algorithm == k->algorithm;
	}
	return false;
}

static int open_key(struct sign_run *r, unsigned k)
{
	const struct keyset_key *key = &r->job.keys.keys[k];

	r->keys[k].is_new = !used_before(&r->old_head, key);
	r->keys[k].verifier = verifier_new(key->dnskey, key->dnskey_len, &r->err);
	if (r->keys[k].verifier == NULL)
		return run_fail_in(r, ERR_CRYPTO, "reading the DNSKEY of a key that signs");
	r->keys[k].token = r->sign->lookup(r->sign->arg, key->token);
	if (r->keys[k].token == NULL)
		return run_fail(r, ERR_MISSING,
		    "key %u is in token \"%s\", and no such token is configured", key->tag,
		    key->token);
	return OK;
}

static int open_keys(struct sign_run *r)
{
	const struct keyset *ks = &r->job.keys;
	bool is_published = false;
	int rc = OK;

	for (unsigned k = 0; rc == OK && k < ks->count; k++) {
		is_published = is_published || ks->keys[k].in_set;
		r->set_mask |= ks->keys[k].signs_set ? 1U << k : 0;
		r->zone_mask |= ks->keys[k].signs_zone ? 1U << k : 0;
		if (ks->keys[k].signs_set || ks->keys[k].signs_zone)
			rc = open_key(r, k);
	}
	r->denial = ks->count > 0 ? r->job.policy.denial : DENIAL_NONE;
	if (rc == OK && ks->count == 0 && !ks->unsign)
		rc = run_fail(r, ERR_AGAIN,
		    "none of its keys may be published yet, and nobody asked for it to be unsigned");
	if (rc == OK && ks->count > 0 && (!is_published || r->set_mask == 0 || r->zone_mask == 0))
		rc = run_fail(r, ERR_ARGUMENT,
		    "its key set cannot sign it: there must be a DNSKEY to publish, a key that "
		    "signs the DNSKEY set and one that signs the zone");
	return rc;
}

static struct lifetime lifetime_of(int64_t validity, int64_t refresh)
{
	return (struct lifetime){validity, refresh, refresh + (validity - refresh) / 32};
}

/* While a compromised key is published, whoever has it can put a DNSKEY set of old days before a
 * resolver: the signatures over it must die soon, so they are short and made anew each day. */
static void plan_lifetimes(struct sign_run *r)
{
	const struct sign_policy *p = &r->job.policy;
	int64_t most = r->job.keys.emergency_validity;
	int64_t pause = most / 3 < EMERGENCY_PAUSE ? most / 3 : EMERGENCY_PAUSE;

	r->life_set = r->life_rest = lifetime_of(p->validity, p->refresh);
	if (most > 0 && most < p->validity)
		r->life_set = lifetime_of(most, most - pause);
}

static int check_policy(struct sign_run *r)
{
	const struct sign_policy *p = &r->job.policy;

	if (p->refresh < 0 || p->validity <= p->refresh || p->validity > INT32_MAX)
		return run_fail(r, ERR_ARGUMENT,
		    "policy \"%s\": signatures live %lld s and are replaced with %lld s left; "
		    "refresh must be shorter than validity, and validity below 68 years",
		    p->name, (long long)p->validity, (long long)p->refresh);
	plan_lifetimes(r);
	r->inception = (uint32_t)(r->job.now - p->inception_offset);
	return OK;
}

static int open_store(struct sign_run *r)
{
	int rc = snapshot_open(r->sign->store, &r->sn, &r->err);

	if (rc != OK)
		return run_fail_in(r, rc, "reading the store");
	rc = snapshot_head(r->sn, r->job.apex, &r->old_head);
	if (rc == ERR_MISSING)
		memset(&r->old_head, 0, sizeof(r->old_head));
	else if (rc != OK)
		return run_fail(r, rc, "reading its head in the store: %s", err_name(rc));
	r->has_old = r->old_head.generation != 0;
	r->live_head = r->old_head;
	if (r->job.as_is && r->has_old) {
		r->job.policy.denial = r->old_head.denial;
		r->job.policy.nsec3 = r->old_head.nsec3;
	}
	if (r->spool == NULL && !r->has_old)
		return run_fail(r, ERR_MISSING,
		    "no version of it has come in yet, so there is nothing to sign");
	return OK;
}

int run_begin_build(struct sign_run *r)
{
	int rc = OK;

	if (r->spool == NULL)
		rc = source_open_store(
		    &r->source, r->sn, &r->old_head, r->job.policy.max_ttl, &r->err);
	else if (r->phase != RUN_OPEN)
		rc = source_rewind(&r->source, &r->err);
	if (rc != OK)
		return run_fail_in(r, rc, "reading the current version");
	r->phase = RUN_READ;
	return STEP_AGAIN;
}

/* In place, or as a build? */
static int open_way(struct sign_run *r)
{
	if (r->amend == NULL && r->job.as_is)
		return run_fail(r, ERR_AGAIN, "it waits until its new chain is made");
	if (r->amend == NULL)
		return run_begin_build(r);
	r->head = r->old_head;
	r->phase = RUN_COMPARE;
	return STEP_AGAIN;
}

static int open_step(struct sign_run *r, uint64_t until)
{
	int rc = OK;

	(void)until;
	if (!r->work_started) {
		rc = check_policy(r);
		if (rc == OK)
			rc = open_store(r);
		if (rc == OK)
			rc = open_keys(r);
		if (rc == OK && amend_may(r))
			r->amend = mem_alloc(sizeof(*r->amend));
	}
	if (rc != OK)
		return rc;
	if (r->spool != NULL)
		rc = run_in_pool(r, open_spool_in_thread);
	return rc != STEP_DONE && r->spool != NULL ? rc : open_way(r);
}

static int sort_step(struct sign_run *r, uint64_t until)
{
	int rc = queue_pump(r);

	(void)until;
	return rc != OK ? rc : chain_sort_step(r);
}

static int drain_step(struct sign_run *r, uint64_t until)
{
	int rc;

	(void)until;
	slab_seal(r);
	rc = queue_pump(r);
	if (rc != OK || r->first != NULL)
		return rc != OK ? rc : STEP_WAIT;
	chain_free(&r->chain);
	old_close(&r->old);
	source_close(&r->source);
	/* A snapshot held on to keeps the store's old pages. */
	snapshot_close(r->sn);
	r->sn = NULL;
	commit_sums(r);
	return STEP_DONE;
}

static const struct {
	const char *name; /* for sign_progress_fn */
	int (*step)(struct sign_run *r, uint64_t until);
	enum run_phase next;
} phases[] = {
    /* the first says itself which way it goes on */
    [RUN_OPEN] = {"reading", open_step, RUN_END},
    /* a build */
    [RUN_READ] = {"reading", accept_step, RUN_PLAN},
    [RUN_PLAN] = {"signing", plan_step, RUN_SORT},
    [RUN_SORT] = {"denial", sort_step, RUN_DENIAL},
    [RUN_DENIAL] = {"denial", judge_early_step, RUN_ZONEMD},
    [RUN_ZONEMD] = {"digest", zonemd_step, RUN_DRAIN},
    [RUN_DRAIN] = {"signing", drain_step, RUN_CHECK},
    [RUN_CHECK] = {"checking", judge_names_step, RUN_CHECK_SORT},
    [RUN_CHECK_SORT] = {"checking", judge_sort_step, RUN_CHECK_DENIAL},
    [RUN_CHECK_DENIAL] = {"checking", judge_denial_step, RUN_CATCHUP},
    [RUN_CATCHUP] = {"checking", catchup_step, RUN_CHOOSE},
    /* an amend */
    [RUN_COMPARE] = {"reading", compare_step, RUN_CHOOSE},
    [RUN_CHOOSE] = {"reading", choose_step, RUN_CHAIN},
    [RUN_CHAIN] = {"denial", links_step, RUN_AMEND},
    [RUN_AMEND] = {"signing", amend_step, RUN_AMEND_NSEC3},
    [RUN_AMEND_NSEC3] = {"denial", amend_nsec3_step, RUN_AMEND_ZONEMD},
    [RUN_AMEND_ZONEMD] = {"digest", zonemd_step, RUN_SETTLE},
    [RUN_SETTLE] = {"signing", amend_settle_step, RUN_PUBLISH},
    [RUN_PUBLISH] = {"writing", publish_step, RUN_END},
};

static void report_progress(struct sign_run *r)
{
	uint64_t now = clock_mono_ms();
	bool reads = r->phase <= RUN_READ || r->phase == RUN_COMPARE;
	uint64_t done = reads ? r->rrsets_in : r->rrsets_done;
	uint64_t total = reads ? 0 : r->rrsets_expected;

	if (r->progress == NULL || now - r->progress_ms < PROGRESS_MS)
		return;
	r->progress_ms = now;
	if (r->phase > RUN_DRAIN && r->amend == NULL)
		total = r->head.rrsets;
	r->progress(r->arg, phases[r->phase].name, done, total > done ? total : done);
}

int run_slice(struct sign_run *r, uint64_t until)
{
	int rc = STEP_DONE;

	while (rc == STEP_DONE && r->phase != RUN_END) {
		rc = r->code != OK ? r->code : phases[r->phase].step(r, until);
		if (rc < 0)
			run_fail(r, rc, "%s", err_name(rc)); /* for steps that said nothing */
		if (rc < 0 || (rc == STEP_DONE && r->unchanged))
			r->phase = RUN_END;
		else if (rc == STEP_DONE)
			r->phase = phases[r->phase].next;
		if (rc == STEP_DONE && r->phase != RUN_END && run_time_is_up(until))
			rc = STEP_AGAIN;
	}
	if (r->phase == RUN_END)
		return r->works_out > 0 ? STEP_WAIT : STEP_FINISHED;
	report_progress(r);
	return rc;
}

void run_free(struct sign_run *r)
{
	publish_leave(r);
	submit_detach(r);
	while (r->first != NULL) {
		struct slab *s = r->first;

		r->first = s->next;
		slab_free(s);
	}
	judge_free(r);
	zonemd_free(r);
	amend_free(r);
	free(r->missed.items);
	buf_free(&r->missed.keys);
	build_abandon(r->build);
	old_close(&r->old);
	source_close(&r->source);
	snapshot_close(r->sn);
	chain_free(&r->chain);
	node_free(&r->node);
	for (unsigned k = 0; k < r->job.keys.count; k++)
		verifier_free(r->keys[k].verifier);
	buf_free(&r->prefix);
	buf_free(&r->message);
	buf_free(&r->rdata);
	buf_free(&r->value);
	buf_free(&r->bitmap);
	buf_free(&r->nsec_bitmap);
	free(r->spool);
	free(r);
}
