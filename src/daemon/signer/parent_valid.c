/* Is what the parent's servers have for a zone what the parent's owner signed?  Before they are
 * asked the chain of trust to the parent is walked, where an anchor is configured.  Runs in the
 * signing side.
 *
 *   secure       each server's answer, a DS set or that there is none, must hold by the parent's
 * keys insecure     the parent is proven not to be signed: its servers are believed not checked  no
 * anchor is above it: likewise bogus, unknown   nothing that they say would count */
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "daemon/signer/parent.h"
#include "dns/rrtype.h"

static void forget(struct zone_parent *p)
{
	p->chain = NULL;
	trust_free(&p->above);
	p->above = (struct trust){.verdict = TRUST_UNCHECKED};
}

void parent_walk_end(struct zone_parent *p)
{
	signer_chain_cancel(p->chain);
	forget(p);
}

static void walked(void *arg, const struct trust *c)
{
	struct zone_parent *p = arg;

	forget(p);
	p->above.verdict = c->verdict;
	snprintf(p->above.why, sizeof(p->above.why), "%s", c->why);
	if (c->verdict == TRUST_SECURE) {
		memcpy(p->above.zone, c->zone, name_len(c->zone));
		buf_put(&p->above.keys, c->keys.data, c->keys.len);
	}
	p->walked(p);
}

void parent_walk(struct zone_parent *p, void (*done)(struct zone_parent *p))
{
	p->walked = done;
	if (signer_chain_is_on(p->zone->signer)) {
		p->chain =
		    signer_chain_start(p->zone->signer, p->zone->apex, TRUST_ZONE, walked, p);
	} else {
		forget(p);
		done(p);
	}
}

bool parent_can_ask(const struct zone_parent *p, char why[PARENT_REASON_MAX])
{
	if (p->above.verdict == TRUST_BOGUS)
		snprintf(why, PARENT_REASON_MAX,
		    "the chain of trust to the parent is bogus: %.150s", p->above.why);
	else if (p->above.verdict == TRUST_UNKNOWN)
		snprintf(why, PARENT_REASON_MAX,
		    "the chain of trust to the parent cannot be followed: %.140s", p->above.why);
	else
		return true;
	return false;
}

bool parent_is_valid(struct zone_parent *p, struct parent_server *s, const uint8_t *msg, size_t len,
    char why[PARENT_REASON_MAX])
{
	struct err e = {0};

	s->validated = (uint8_t)p->above.verdict;
	if (p->above.verdict == TRUST_SECURE)
		s->validated = (uint8_t)trust_judge(
		    &p->above, msg, len, p->zone->apex, RR_DS, clock_calendar(), &e);
	if (s->validated != TRUST_BOGUS)
		return true;
	snprintf(why, PARENT_REASON_MAX, "its answer is bogus and does not count: %.150s", e.text);
	return false;
}

unsigned parent_probe_flags(const struct zone_parent *p)
{
	return p->above.verdict == TRUST_SECURE ? PROBE_DNSSEC : 0;
}

const char *signer_parent_validated(
    const struct signer_zone *z, const struct parent_server *s, const char **why)
{
	const struct zone_parent *p = z->parent;
	bool is_told = s->has_answered || s->validated == TRUST_BOGUS;

	*why = "";
	if (p == NULL || !is_told || s->validated == TRUST_OPEN || s->validated == TRUST_UNKNOWN)
		return trust_word(TRUST_UNCHECKED);
	if (s->validated == TRUST_INSECURE && p->above.verdict == TRUST_INSECURE)
		*why = p->above.why;
	else if (s->validated == TRUST_INSECURE)
		*why =
		    "the parent does not say that there is no DS: NSEC3 with opt-out, or with too many iterations";
	return trust_word((enum trust_verdict)s->validated);
}
