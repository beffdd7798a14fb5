/* What of a look hangs on the chain of trust: whether the parent's servers are believed, and the
 * signals by which a domain gets its first DS (RFC 9615).  See signer/monitor_look.h.  Runs in the
 * signing side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/signer/monitor_look.h"
#include "dns/rrtype.h"

static void forget(struct monitor_look *l)
{
	trust_free(&l->above);
	l->above = (struct trust){.verdict = TRUST_UNCHECKED};
}

/* The parent */

static void walked(void *arg, const struct trust *c)
{
	struct monitor_look *l = arg;

	l->chain = NULL;
	forget(l);
	l->above.verdict = c->verdict;
	if (c->verdict == TRUST_SECURE) {
		memcpy(l->above.zone, c->zone, name_len(c->zone));
		buf_put(&l->above.keys, c->keys.data, c->keys.len);
	} else if (c->verdict == TRUST_BOGUS || c->verdict == TRUST_UNKNOWN) {
		snprintf(l->doubt, sizeof(l->doubt), "the chain of trust to the parent %s: %.200s",
		    c->verdict == TRUST_BOGUS ? "is bogus" : "cannot be followed", c->why);
		l->said.parent_doubt = l->doubt;
	}
	l->then(l);
}

void monitor_trust_walk(struct monitor_look *l, loop_fn *then)
{
	struct monitor *m = l->monitor;

	forget(l);
	l->then = then;
	if (signer_chain_is_on(m->signer) && monitor_zone(m) == NULL)
		l->chain = signer_chain_start(m->signer, m->apex, TRUST_ZONE, walked, l);
	else
		then(l);
}

bool monitor_trust_is_valid(
    const struct monitor_look *l, const uint8_t *msg, size_t len, char why[PARENT_REASON_MAX])
{
	struct err e = {0};

	if (l->above.verdict != TRUST_SECURE || trust_judge(&l->above, msg, len, l->monitor->apex,
						    RR_DS, clock_calendar(), &e) != TRUST_BOGUS)
		return true;
	snprintf(why, PARENT_REASON_MAX, "its answer is bogus and does not count: %.150s", e.text);
	return false;
}

/* Signals: CDS and CDNSKEY of each, one after the other */

static void next_signal(struct monitor_look *l);

static void take_verdict(struct watch_signal *signal, struct watch_set *set, const struct trust *c)
{
	enum watch_security security = c->verdict == TRUST_SECURE    ? WATCH_SECURE
				       : c->verdict == TRUST_BOGUS   ? WATCH_BOGUS
				       : c->verdict == TRUST_UNKNOWN ? WATCH_NOT_KNOWN
								     : WATCH_INSECURE;

	if (security == WATCH_SECURE) {
		set->word = WATCH_ANSWERED;
		buf_put(&set->packed, c->answer.data, c->answer.len);
		return;
	}
	/* One that cannot be had makes both worth nothing. */
	if (signal->security == WATCH_SECURE || security == WATCH_BOGUS)
		signal->security = security;
}

static void signalled(void *arg, const struct trust *c)
{
	struct monitor_look *l = arg;
	struct watch_signal *signal = &l->signals[l->signal];

	l->chain = NULL;
	take_verdict(signal, l->signal_type == RR_CDS ? &signal->cds : &signal->cdnskey, c);
	if (l->signal_type == RR_CDS) {
		l->signal_type = RR_CDNSKEY;
	} else {
		l->signal_type = RR_CDS;
		l->signal++;
	}
	next_signal(l);
}

static void next_signal(struct monitor_look *l)
{
	const uint8_t *apex = l->monitor->apex;
	uint8_t name[NAME_MAX_LEN];

	while (l->signal < l->signal_count &&
	       (!watch_signal_is_wanted(apex, l->signals[l->signal].ns) ||
		   !watch_signal_name(apex, l->signals[l->signal].ns, name)))
		l->signals[l->signal++].security = WATCH_NOT_KNOWN;
	if (l->signal == l->signal_count)
		l->then(l);
	else
		l->chain =
		    signer_chain_start(l->monitor->signer, name, l->signal_type, signalled, l);
}

static bool are_signals_wanted(const struct monitor_look *l, const struct found *f)
{
	struct watch_policy policy;

	monitor_policy(l->monitor, &policy);
	return policy.mode == WATCH_BY_CDS && policy.allow_bootstrap && !policy.report_only &&
	       l->state.child.has_today && l->state.child.today.count == 0 && f != NULL &&
	       f->is_complete && f->names != NULL && signer_chain_is_on(l->monitor->signer);
}

void monitor_trust_signals(struct monitor_look *l, loop_fn *then)
{
	const struct found *f =
	    l->find[FIND_NAMESERVERS] == NULL ? NULL : finder_found(l->find[FIND_NAMESERVERS]);

	l->then = then;
	if (are_signals_wanted(l, f)) {
		l->signal_count = f->names->count;
		l->signals = mem_array(l->signal_count + 1, sizeof(*l->signals));
		for (unsigned i = 0; i < l->signal_count; i++) {
			memcpy(l->signals[i].ns, f->names->names[i], NAME_MAX_LEN);
			l->signals[i].security = WATCH_SECURE;
		}
		l->said.signals = l->signals;
		l->said.signal_count = l->signal_count;
	}
	l->signal_type = RR_CDS;
	next_signal(l);
}

/* Resolvers come by the delegation.  Where its names and the domain's own NS set differ, servers
 * that some of them reach were not asked, and who made up the latter must not vouch for a first DS
 * (RFC 9615 4.2). */
void monitor_trust_delegation(struct monitor_look *l)
{
	const struct finder *finder = l->find[FIND_NAMESERVERS];
	const struct found *f = finder == NULL ? NULL : finder_found(finder);

	if (f == NULL || !f->is_complete || f->names == NULL)
		return;
	if (l->asked_delegation && l->delegation.count == 0 &&
	    monitor_settings(l->monitor)->bootstrap)
		monitor_look_problem(
		    l, "no DS is made for it", "no server of the parent gives a referral to it");
	else if (l->delegation.count > 0 && !find_names_equal(&l->delegation, f->names))
		monitor_look_problem(l, "nothing is decided",
		    "the delegation at the parent and the domain's own NS records name other servers");
}

void monitor_trust_end(struct monitor_look *l)
{
	signer_chain_cancel(l->chain);
	trust_free(&l->above);
	for (unsigned i = 0; i < l->signal_count; i++) {
		watch_set_free(&l->signals[i].cds);
		watch_set_free(&l->signals[i].cdnskey);
	}
	free(l->signals);
}
