/* Signing all of a zone anew in place: see amend.h.  The head says how far the walk has come, so
 * that it goes on after a restart. */
#include "sign/amend.h"
#include "sign/mark.h"

/* Where a walk leads: it begins anew when that changes. */
static uint64_t walk_mark(const struct sign_run *r)
{
	return mark_with(
	    mark_of_signers(&r->job.keys), &r->job.policy.validity, sizeof(r->job.policy.validity));
}

bool resign_is_wanted(const struct sign_run *r)
{
	const struct zone_head *h = &r->old_head;

	return r->job.force || h->has_walk || h->zone_keys != mark_of_signers(&r->job.keys) ||
	       h->validity > r->job.policy.validity;
}

bool resign_begin(struct sign_run *r)
{
	struct zone_head *h = &r->head;

	if (!resign_is_wanted(r))
		return false;
	if (h->has_walk && h->walk_mark == walk_mark(r) && !r->job.force)
		return true;
	h->walk_anew = r->job.force || (h->has_walk && h->walk_anew);
	h->has_walk = true;
	h->walk_mark = walk_mark(r);
	h->walk_is_nsec3 = false;
	h->walk_key_len = 0;
	/* From here on no set of keys has signed all of it, until the walk is done. */
	if (h->zone_keys != mark_of_signers(&r->job.keys))
		h->zone_keys = 0;
	r->amend->anew_apex = h->walk_anew;
	return true;
}

void resign_end(struct sign_run *r)
{
	struct zone_head *h = &r->head;

	if (h->walk_anew)
		h->unverified = !r->job.policy.verify;
	h->has_walk = h->walk_anew = h->walk_is_nsec3 = false;
	h->walk_key_len = 0;
	h->walk_mark = 0;
	h->zone_keys = mark_of_signers(&r->job.keys);
	h->validity = r->job.policy.validity;
}
