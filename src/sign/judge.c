/* A build is read back and judged before it is published (check.h), the names already while the
 * token is still busy with the NSEC3 records, if that can be. */
#include "sign/run.h"

#include "sign/zonemd.h"

static int open_walk(struct sign_run *r)
{
	int rc = build_walk(r->build, &r->check_sn, &r->check_walk, &r->err);

	r->check_is_open = rc == OK;
	return rc == OK ? OK : run_fail_in(r, rc, "checking the new version");
}

static int open_judge(struct sign_run *r)
{
	int rc = open_walk(r);

	if (rc != OK)
		return rc;
	r->check = check_new(&r->head, r->job.now, r->job.policy.refresh);
	r->rrsets_done = 0;
	rc = check_use_keys(r->check, &r->job.keys, &r->err);
	return rc == OK ? OK : run_fail_in(r, rc, NULL);
}

static void close_walk(struct sign_run *r)
{
	if (r->check_is_open)
		walk_close(&r->check_walk);
	r->check_is_open = false;
	snapshot_close(r->check_sn);
	r->check_sn = NULL;
}

void judge_free(struct sign_run *r)
{
	close_walk(r);
	check_free(r->check);
	r->check = NULL;
}

static int judge_names(struct sign_run *r, uint64_t until)
{
	struct walk *w = &r->check_walk;
	int rc = r->check == NULL ? open_judge(r) : OK;

	while (rc == OK) {
		rc = walk_next(w);
		if (rc == ERR_MISSING || (rc == OK && w->is_nsec3)) {
			r->check_at_end = rc == ERR_MISSING;
			rc = check_names_end(r->check, &r->err);
			return rc == OK ? STEP_DONE : run_fail_in(r, rc, NULL);
		}
		if (rc == OK)
			rc = check_item(r->check, w, &r->err);
		if (rc == OK && ++r->rrsets_done % 16 == 0 && run_time_is_up(until))
			return STEP_AGAIN;
	}
	return run_fail_in(r, rc, NULL);
}

/* The names are all written, and nothing of them changes any more. */
static bool may_begin(const struct sign_run *r)
{
	return r->rrsets_expected > STORE_SMALL && !zonemd_is_made(r) && !r->check_has_names &&
	       (r->first == NULL || r->first->is_nsec3);
}

/* The chain; and while it waits for the token the names are checked. */
int judge_early_step(struct sign_run *r, uint64_t until)
{
	int rc = chain_step(r, until);
	uint64_t done = r->rrsets_done;

	if (rc != STEP_WAIT || !may_begin(r))
		return rc;
	r->check_is_early = true;
	rc = judge_names(r, until);
	r->rrsets_done = done;
	if (rc != STEP_DONE)
		return rc;
	r->check_has_names = true;
	close_walk(r); /* a snapshot held on to keeps the store's old pages */
	return STEP_AGAIN;
}

/* What was begun early saw no more than a part of the chain, and sums that were not complete. */
static int go_on(struct sign_run *r)
{
	static const uint8_t first[NSEC3_HASH_LEN];
	int rc;

	close_walk(r);
	rc = open_walk(r);
	if (rc != OK)
		return rc;
	check_use_head(r->check, &r->head);
	rc = walk_seek_nsec3(&r->check_walk, first);
	r->check_at_end = rc == ERR_MISSING;
	return rc == OK || rc == ERR_MISSING ? STEP_DONE : run_fail_in(r, rc, NULL);
}

int judge_names_step(struct sign_run *r, uint64_t until)
{
	int rc = r->check_has_names ? STEP_DONE : judge_names(r, until);

	return rc == STEP_DONE && r->check_is_early ? go_on(r) : rc;
}

static void sort_check_in_thread(struct work *w, struct verifier_scratch *scratch)
{
	struct sign_run *r = (struct sign_run *)((char *)w - offsetof(struct sign_run, work));

	(void)scratch;
	check_sort(r->check);
}

int judge_sort_step(struct sign_run *r, uint64_t until)
{
	(void)until;
	return r->check_at_end ? STEP_DONE : run_in_pool(r, sort_check_in_thread);
}

int judge_denial_step(struct sign_run *r, uint64_t until)
{
	struct walk *w = &r->check_walk;
	int rc = OK;

	/* The walk stands on an NSEC3, or at its end. */
	while (rc == OK && !r->check_at_end) {
		rc = check_item(r->check, w, &r->err);
		if (rc != OK)
			break;
		rc = walk_next(w);
		r->check_at_end = rc == ERR_MISSING;
		if (rc == OK && ++r->rrsets_done % 16 == 0 && run_time_is_up(until))
			return STEP_AGAIN;
	}
	if (r->check_at_end)
		rc = check_end(r->check, &r->err);
	if (rc != OK)
		return run_fail_in(r, rc, NULL);
	judge_free(r);
	return STEP_DONE;
}
