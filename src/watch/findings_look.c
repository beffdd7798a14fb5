/* Looks for what is wrong with a child: see findings.h.
 *
 * Servers that differ or are silent are given a while (policy `settle`): versions of a zone take
 * their time, and one lost answer is no error.  What a server last said is judged only while it
 * answers. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "watch/decide_internal.h"
#include "watch/findings.h"
#include "watch/trust.h"

struct look {
	const struct watch_child *child;
	const struct watch_policy *policy;
	int64_t fresh; /* asked before: not asked */
	const struct watch_findings *before;
	int64_t now;
	struct watch_findings *out;
};

static void found(struct look *l, const struct watch_finding *what, int64_t since, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));

static void found(
    struct look *l, const struct watch_finding *what, int64_t since, const char *fmt, ...)
{
	struct watch_finding x = *what;
	const struct watch_finding *before;
	va_list args;

	va_start(args, fmt);
	vsnprintf(x.detail, sizeof(x.detail), fmt, args);
	va_end(args);
	before = watch_findings_find(l->before, &x);
	x.since = before != NULL ? before->since : since;
	if (watch_findings_find(l->out, &x) != NULL)
		return;
	if (l->out->count == WATCH_FINDINGS_MAX) {
		l->out->left_out++;
		return;
	}
	l->out->list[l->out->count++] = x;
}

static struct watch_finding at(enum watch_kind kind, const struct watch_server *s)
{
	struct watch_finding x = {.kind = kind};

	if (s != NULL)
		memcpy(x.server, s->name, sizeof(x.server));
	return x;
}

static bool has_lasted(const struct look *l, int64_t since)
{
	return since != 0 && l->now - since >= l->policy->settle;
}

/* Servers */

static void look_at_word(struct look *l, const struct watch_server *s)
{
	struct watch_finding x = at(WATCH_SERVER_LAME, s);

	if (s->word == WATCH_SILENT)
		x.kind = WATCH_SERVER_SILENT;
	else if (s->word == WATCH_BROKEN)
		x.kind = WATCH_SERVER_BROKEN;
	if (s->word == WATCH_UNASKED || s->word == WATCH_ANSWERED || !has_lasted(l, s->since))
		return;
	found(l, &x, s->since, "it %s%s%s", watch_word_text(s->word),
	    s->reason[0] != '\0' ? ": " : "", s->reason);
}

static void look_at_serials(struct look *l)
{
	for (unsigned i = 0; i < l->child->server_count; i++) {
		const struct watch_server *s = &l->child->servers[i];
		struct watch_finding x = at(WATCH_SERIAL_BEHIND, s);

		if (has_lasted(l, s->behind_since))
			found(l, &x, s->behind_since,
			    "it serves serial %u, which is older than that of others",
			    (unsigned)s->serial);
	}
}

static void look_at_differences(struct look *l)
{
	const struct watch_child *c = l->child;
	struct watch_finding keys = at(WATCH_KEYS_DIFFER, NULL), cds = at(WATCH_CDS_DIFFERS, NULL);

	if (has_lasted(l, c->dnskey_differs))
		found(l, &keys, c->dnskey_differs, "its servers have different DNSKEY sets");
	if (has_lasted(l, c->wish_differs))
		found(
		    l, &cds, c->wish_differs, "its servers have different CDS or CDNSKEY records");
}

/* The chain from the DS to the DNSKEY set */

static bool has_key(const struct look *l, const struct watch_server *s, const struct parent_ds *ds)
{
	for (unsigned i = 0; i < s->seen_count; i++) {
		if (trust_ds_is_of(l->child, ds, &l->child->keys[s->seen[i].key]))
			return true;
	}
	return false;
}

static bool has_any_key(const struct look *l, const struct watch_server *s)
{
	for (unsigned i = 0; i < l->child->today.count; i++) {
		if (has_key(l, s, &l->child->today.list[i]))
			return true;
	}
	return false;
}

/* A signature by a key with DS, whether or not it is its time. */
static bool has_signature(const struct look *l, const struct watch_server *s)
{
	const struct watch_part *p = &s->parts[WATCH_DNSKEY];

	for (unsigned i = 0; i < p->sig_count; i++) {
		if (trust_has_ds(l->child, &l->child->today, &l->child->keys[p->sigs[i].key]))
			return true;
	}
	return false;
}

/* Can we judge by any DS at all?  A set of unknown algorithms and digests makes a domain insecure.
 */
static bool is_judgeable(const struct look *l)
{
	for (unsigned i = 0; i < l->child->today.count; i++) {
		const struct parent_ds *ds = &l->child->today.list[i];

		if (dnskey_algorithm_name(ds->algorithm) != NULL &&
		    (ds->digest_type == 1 || trust_is_digest(ds->digest_type)))
			return true;
	}
	return false;
}

static void look_at_chain(struct look *l, const struct watch_server *s)
{
	char tags[TAGS_SIZE], why[WATCH_REASON_MAX] = "";
	struct watch_finding x;

	if (!l->child->has_today || !is_judgeable(l))
		return;
	decide_tags(&l->child->today, tags);
	if (!has_any_key(l, s)) {
		x = at(WATCH_NO_KEY_FOR_DS, s);
		found(l, &x, l->now, "no DNSKEY there belongs to a DS at the parent (%s)", tags);
	} else if (!has_signature(l, s)) {
		x = at(WATCH_KEYS_NOT_SIGNED, s);
		found(l, &x, l->now,
		    "its DNSKEY set is not signed by a key that has a DS at the parent (%s)%s",
		    tags,
		    s->parts[WATCH_DNSKEY].is_capped
			? "; it has more signatures and keys of one tag than are checked"
			: "");
	} else if (trust_validates(l->child, s, &l->child->today, l->now) &&
		   !trust_validates_strictly(l->child, s, &l->child->today, l->now, why)) {
		x = at(WATCH_ALGORITHM_SILENT, s);
		found(l, &x, l->now, "%.150s", why);
	}
}

/* Signatures */

/* The one over a set that lasts longest; of the DNSKEY set only those count that a DS leads to. */
static const struct watch_sig *best_sig(
    const struct look *l, const struct watch_server *s, enum watch_type t)
{
	const struct watch_part *p = &s->parts[t];
	bool needs_ds = t == WATCH_DNSKEY && l->child->has_today && has_signature(l, s);
	const struct watch_sig *best = NULL;

	for (unsigned i = 0; i < p->sig_count; i++) {
		const struct watch_sig *sig = &p->sigs[i];

		if (needs_ds &&
		    !trust_has_ds(l->child, &l->child->today, &l->child->keys[sig->key]))
			continue;
		/* One of now is better than one to come. */
		if (best == NULL ||
		    (best->inception > l->now && sig->inception < best->inception) ||
		    (sig->inception <= l->now && sig->expiration > best->expiration))
			best = sig;
	}
	return best;
}

/* The smallest threshold that was passed; 0: none.  Signatures that are renewed when they reach the
 * first one are not to raise an alarm each time: that is what `settle` is for. */
static int64_t threshold_of(const struct look *l, int64_t left)
{
	int64_t passed = 0;

	for (unsigned i = 0; i < WATCH_THRESHOLDS_MAX && l->policy->thresholds[i] != 0; i++) {
		if (left + l->policy->settle <= l->policy->thresholds[i])
			passed = l->policy->thresholds[i];
	}
	return passed;
}

static void look_at_sig(struct look *l, const struct watch_server *s, enum watch_type t)
{
	const struct watch_part *p = &s->parts[t];
	const struct watch_sig *sig = best_sig(l, s, t);
	struct watch_finding x = at(WATCH_SIGNATURE_BAD, s);
	char type[RRTYPE_TEXT_SIZE], when[32];

	rrtype_text(watch_rrtype(t), type);
	snprintf(x.what, sizeof(x.what), "%s", type);
	if (sig == NULL) {
		if (p->is_there && p->has_rrsigs && s->seen_count > 0)
			found(l, &x, l->now, "no signature over its %s set holds", type);
		else if (p->is_there && !p->has_rrsigs && l->child->has_today && is_judgeable(l))
			found(l, &x, l->now, "its %s set is not signed", type);
		return;
	}
	decide_time(sig->inception > l->now ? sig->inception : sig->expiration, when);
	if (sig->inception > l->now) {
		x.kind = WATCH_RRSIG_EARLY;
		found(l, &x, l->now, "the signature over its %s set is not valid before %s", type,
		    when);
	} else if (sig->expiration < l->now) {
		x.kind = WATCH_RRSIG_EXPIRED;
		found(l, &x, sig->expiration, "the signature over its %s set expired at %s", type,
		    when);
	} else if ((x.threshold = threshold_of(l, sig->expiration - l->now)) != 0) {
		x.kind = WATCH_RRSIG_EXPIRING;
		x.until = sig->expiration;
		found(l, &x, l->now, "the signature over its %s set expires at %s", type, when);
	}
}

/* The DS set itself */

static bool any_has_key(const struct look *l, const struct parent_ds *ds)
{
	bool is_any = false;

	for (unsigned i = 0; i < l->child->server_count; i++) {
		const struct watch_server *s = &l->child->servers[i];

		if (s->word != WATCH_ANSWERED)
			return true; /* who knows */
		is_any = is_any || has_key(l, s, ds);
	}
	return is_any || l->child->server_count == 0;
}

static void look_at_ds(struct look *l, const struct parent_ds *ds)
{
	struct watch_finding x = at(WATCH_DS_WITHOUT_KEY, NULL);

	snprintf(x.what, sizeof(x.what), "%u/%u/%u", ds->tag, ds->algorithm, ds->digest_type);
	if (!any_has_key(l, ds))
		found(l, &x, l->now, "DS %s at the parent belongs to no DNSKEY of the domain",
		    x.what);
	x.kind = WATCH_DS_WEAK_DIGEST;
	if (!trust_is_digest(ds->digest_type))
		found(l, &x, l->now, "DS %s has a deprecated or unknown digest type", x.what);
	x.kind = WATCH_WEAK_ALGORITHM;
	snprintf(x.what, sizeof(x.what), "%u", ds->algorithm);
	if (!trust_is_algorithm(ds->algorithm))
		found(l, &x, l->now,
		    "algorithm %s of the DS set is deprecated or unknown: it cannot be judged "
		    "here",
		    x.what);
}

static void look_at_nsec3(struct look *l, const struct watch_server *s)
{
	struct watch_finding x = at(WATCH_NSEC3_ITERATIONS, s);

	if (s->nsec3_iterations > 0)
		found(l, &x, l->now, "it uses NSEC3 with %u iterations", s->nsec3_iterations);
}

static bool is_of_word(enum watch_kind k)
{
	return k == WATCH_SERVER_SILENT || k == WATCH_SERVER_LAME || k == WATCH_SERVER_BROKEN;
}

/* What was found at a server that says nothing now, or was not asked, is not over. */
static void keep(struct look *l, const struct watch_server *s, bool with_word)
{
	for (unsigned i = 0; l->before != NULL && i < l->before->count; i++) {
		const struct watch_finding *x = &l->before->list[i];

		if (strcmp(x->server, s->name) == 0 && (with_word || !is_of_word(x->kind)))
			found(l, x, x->since, "%s", x->detail);
	}
}

static void look_at_server(struct look *l, const struct watch_server *s)
{
	if (s->asked < l->fresh) {
		keep(l, s, true);
		return;
	}
	look_at_word(l, s);
	if (s->word != WATCH_ANSWERED) {
		keep(l, s, false);
		return;
	}
	look_at_nsec3(l, s);
	look_at_chain(l, s);
	if (l->child->has_today && !is_judgeable(l))
		return; /* nobody looks at its signatures */
	look_at_sig(l, s, WATCH_DNSKEY);
	look_at_sig(l, s, WATCH_SOA);
	look_at_sig(l, s, WATCH_CDS);
	look_at_sig(l, s, WATCH_CDNSKEY);
}

void watch_findings_of(const struct watch_child *c, const struct watch_policy *p,
    const struct watch_outside *o, const struct watch_findings *before, int64_t now,
    struct watch_findings *out)
{
	struct watch_findings list = {.list = mem_array(WATCH_FINDINGS_MAX, sizeof(*list.list))};
	struct look l = {
	    .child = c, .policy = p, .fresh = o->fresh, .before = before, .now = now, .out = &list};

	for (unsigned i = 0; i < c->server_count; i++)
		look_at_server(&l, &c->servers[i]);
	look_at_differences(&l);
	look_at_serials(&l);
	for (unsigned i = 0; c->has_today && i < c->today.count; i++)
		look_at_ds(&l, &c->today.list[i]);
	list.list = mem_grow(list.list, list.count + 1, sizeof(*list.list));
	*out = list;
}
