/* check: the schedule against the sums of RFC 7583.  Pure; runs in the master (--check-config) and
 * in the signing side.
 *
 *   Ipub  = Dprp + TTLkey            3.2.1  a ZSK's DNSKEY is in every cache
 *   Iret  = Dsgn + Dprp + TTLsig     3.2.1  no cache has a signature of the old ZSK
 *   IpubC = DprpC + TTLkey           3.3.1  a KSK's DNSKEY is in every cache
 *   Dreg                             3.3.1  until the parent has the DS
 *   IpubP = DprpP + TTLds            3.3.3  the new DS is in every cache
 *   Iret  = DprpP + TTLds            3.3.1  no cache has the DS of the old KSK
 *
 * Dprp is policy `propagation`, DprpP is parent.propagation, Dreg at most parent.deadline.  Periods
 * with months are taken at their shortest where they must last, and at their longest where they
 * must not. */
#include <stdio.h>
#include <string.h>
#include "keys/check_internal.h"

#define MONTH_SHORTEST (28 * DAY)
#define MONTH_LONGEST (31 * DAY)

const char *policy_severity_name(enum policy_severity s)
{
	return s == POLICY_ERROR ? "error" : s == POLICY_WARNING ? "warning" : "note";
}

static int64_t shortest(struct period p)
{
	return p.months * MONTH_SHORTEST + p.seconds;
}

const char *check_seconds_text(int64_t seconds, char out[40])
{
	period_text((struct period){0, seconds}, out);
	return out;
}

struct policy_finding *check_add(
    struct judge *j, enum policy_severity severity, const char *setting)
{
	struct policy_finding *f = &j->findings[j->count];

	memset(f, 0, sizeof(*f));
	f->severity = severity;
	f->setting = setting;
	if (j->count < POLICY_FINDINGS_MAX - 1)
		j->count++;
	return f;
}

static int64_t add_up(const struct term *terms)
{
	int64_t sum = 0;

	for (; terms->what != NULL; terms++)
		sum += terms->seconds;
	return sum;
}

/* "propagation PT1H + ttl.dnskey P2D = P2DT1H" */
static void write_sum(const struct term *terms, char *out, size_t size)
{
	char text[40];
	size_t n = 0;

	for (const struct term *t = terms; t->what != NULL && n < size; t++)
		n += (size_t)snprintf(out + n, size - n, "%s%s %s", t == terms ? "" : " + ",
		    t->what, check_seconds_text(t->seconds, text));
	if (n < size)
		snprintf(out + n, size - n, " = %s", check_seconds_text(add_up(terms), text));
}

static const struct term *find_longest(const struct term *terms)
{
	const struct term *longest = terms;

	for (; terms->what != NULL; terms++)
		if (terms->seconds > longest->seconds)
			longest = terms;
	return longest;
}

/* No setting gives more time: the longest of the terms must be shorter. */
static void advise_shorter(struct policy_finding *f, const struct rule *r, const struct term *terms)
{
	const struct term *longest = find_longest(terms);
	int64_t room = r->seconds - (add_up(terms) - longest->seconds);
	char text[40];

	f->setting = longest->setting != NULL ? longest->setting : longest->what;
	if (room > 0)
		snprintf(f->advice, sizeof(f->advice), "%s = \"%s\" or shorter", f->setting,
		    check_seconds_text(room, text));
	else
		snprintf(f->advice, sizeof(f->advice), "shorter TTLs and a shorter propagation");
}

bool check_holds(
    struct judge *j, enum policy_severity severity, const struct rule *r, const struct term *terms)
{
	int64_t sum = add_up(terms);
	struct policy_finding *f;
	char text[40];

	if (r->seconds > sum || (r->seconds == sum && !r->is_strict))
		return true;
	f = check_add(j, severity, r->setting);
	write_sum(terms, f->sum, sizeof(f->sum));
	snprintf(
	    f->text, sizeof(f->text), "%s, but %s: %s (%s)", r->given, r->but, f->sum, r->source);
	if (r->setting == NULL)
		advise_shorter(f, r, terms);
	else
		snprintf(f->advice, sizeof(f->advice),
		    r->is_strict ? "%s longer than \"%s\"" : "%s = \"%s\" or longer", r->setting,
		    check_seconds_text(sum, text));
	return false;
}

/* The names of a role's settings. */
struct role_words {
	const char *prepublish, *active, *postpublish;
};

static const struct role_words *words_of(enum key_role role)
{
	static const struct role_words words[] = {
	    [KEY_KSK] = {"ksk.prepublish", "ksk.active", "ksk.postpublish"},
	    [KEY_ZSK] = {"zsk.prepublish", "zsk.active", "zsk.postpublish"},
	    [KEY_CSK] = {"csk.prepublish", "csk.active", "csk.postpublish"},
	};

	return &words[role];
}

static struct rule rule_of_setting(const char *setting, struct period p, char given[80])
{
	char text[40];

	period_text(p, text);
	snprintf(given, 80, "%s is %s", setting, text);
	return (struct rule){.setting = setting, .given = given, .seconds = shortest(p)};
}

static bool is_forever(const struct key_role_policy *r)
{
	return r->active.months == 0 && r->active.seconds == 0;
}

/* The successor can take over on the roll-over date. */
static void check_prepublish(struct judge *j, enum key_role role)
{
	const struct key_role_policy *p = policy_role(j->policy, role);
	char given[80];
	struct rule r = rule_of_setting(words_of(role)->prepublish, p->prepublish, given);

	if (is_forever(p))
		return; /* the operator begins each roll-over, and it takes the time it takes */
	r.but = role == KEY_ZSK
		    ? "a new ZSK may sign only after its DNSKEY has been everywhere for its TTL"
		    : "a new key may vouch for the zone only after its DNSKEY has been everywhere "
		      "for its TTL";
	r.source = role == KEY_ZSK ? "RFC 7583 3.2.1, Ipub" : "RFC 7583 3.3.1, IpubC";
	if (!check_holds(j, POLICY_ERROR, &r, SUM(j->propagation, j->dnskey)))
		return;
	if (!role_has_ds(role) || j->policy->no_ds)
		return;
	r.but = "a new key takes over only after its DNSKEY has been everywhere for its TTL, and "
		"then its DS at the parent for its own";
	r.source = "RFC 7583 3.3.1 and 3.3.3, IpubC + IpubP";
	if (!check_holds(
		j, POLICY_ERROR, &r, SUM(j->propagation, j->dnskey, j->ds_propagation, j->ds)))
		return;
	r.source = "RFC 7583 3.3.1 and 3.3.3, IpubC + Dreg + IpubP";
	check_holds(j, POLICY_WARNING, &r,
	    SUM(j->propagation, j->dnskey, j->deadline, j->ds_propagation, j->ds));
}

/* The old key can go when its time is over. */
static void check_postpublish(struct judge *j, enum key_role role)
{
	static const struct term signing = {"a day to sign all anew", NULL, DAY};
	const struct key_role_policy *p = policy_role(j->policy, role);
	char given[80];
	struct rule r = rule_of_setting(words_of(role)->postpublish, p->postpublish, given);

	if (role_has_zone(role)) {
		r.but = "the DNSKEY of an old key may go only after its last signature has left "
			"every cache";
		r.source = "RFC 7583 3.2.1, Iret";
		if (check_holds(j, POLICY_ERROR, &r, SUM(j->propagation, j->certain)))
			check_holds(
			    j, POLICY_WARNING, &r, SUM(signing, j->propagation, j->longest));
	}
	if (role_has_ds(role) && !j->policy->no_ds) {
		r.but = "the DNSKEY of an old key may go only after its DS has left every cache";
		r.source = "RFC 7583 3.3.1, Iret";
		if (check_holds(j, POLICY_ERROR, &r, SUM(j->ds_propagation, j->ds)))
			check_holds(
			    j, POLICY_WARNING, &r, SUM(j->deadline, j->ds_propagation, j->ds));
	}
}

/* A successor is needed only once there is what it succeeds. */
static void check_active(struct judge *j, enum key_role role)
{
	const struct key_role_policy *p = policy_role(j->policy, role);
	int32_t months = p->active.months - p->prepublish.months;
	int64_t seconds = p->active.seconds - p->prepublish.seconds;
	int64_t least = seconds + months * (months > 0 ? MONTH_SHORTEST : MONTH_LONGEST);
	int64_t most = seconds + months * (months > 0 ? MONTH_LONGEST : MONTH_SHORTEST);
	char active[40], prepublish[40];
	struct policy_finding *f;

	if (is_forever(p) || least > 0)
		return;
	period_text(p->active, active);
	period_text(p->prepublish, prepublish);
	f = check_add(j, most <= 0 ? POLICY_ERROR : POLICY_WARNING, words_of(role)->active);
	snprintf(f->text, sizeof(f->text),
	    "%s is %s, but the successor is published %s %s before that ends: it would be due %s "
	    "the key itself is active",
	    f->setting, active, words_of(role)->prepublish, prepublish,
	    most <= 0 ? "before" : "in short months before");
	snprintf(f->advice, sizeof(f->advice), "%s longer than %s", f->setting,
	    words_of(role)->prepublish);
}

static int64_t times_in(struct period p, struct period active)
{
	int64_t unit = shortest(active);

	return unit == 0 ? 1 : (p.months * MONTH_LONGEST + p.seconds + unit - 1) / unit;
}

/* A zone has room for so many keys, and an emergency or another algorithm needs as many again. */
static void check_count(struct judge *j)
{
	enum key_role roles[2];
	unsigned n = policy_roles(j->policy, roles);
	const char *worst = "";
	int64_t count = 0, most = 0;
	struct policy_finding *f;

	for (unsigned i = 0; i < n; i++) {
		const struct key_role_policy *p = policy_role(j->policy, roles[i]);
		int64_t of_role =
		    1 + times_in(p->prepublish, p->active) + times_in(p->postpublish, p->active);

		count += of_role;
		if (of_role > most)
			worst = words_of(roles[i])->postpublish;
		most = of_role > most ? of_role : most;
	}
	if (2 * count <= KEYSET_MAX)
		return;
	f = check_add(j, count > KEYSET_MAX ? POLICY_ERROR : POLICY_WARNING, worst);
	snprintf(f->text, sizeof(f->text),
	    "with these periods a zone has %lld keys at a time, in an emergency or a change of "
	    "algorithm twice as many, but %d are the most it can have",
	    (long long)count, KEYSET_MAX);
	snprintf(f->advice, sizeof(f->advice), "%s shorter than the active period", worst);
}

static void check_role(struct judge *j, enum key_role role)
{
	check_prepublish(j, role);
	check_active(j, role);
	check_postpublish(j, role);
	if (role_has_zone(role))
		check_emergency_zone(j, role);
	if (role_has_ds(role))
		check_emergency_ds(j, role);
}

/* R11: what a cache took at the last moment before a signature is replaced must not outlive it. */
static void check_refresh(struct judge *j)
{
	struct term certain = j->certain.seconds > j->dnskey.seconds ? j->certain : j->dnskey;
	char given[80];
	struct rule r =
	    rule_of_setting("signatures.refresh", (struct period){0, j->question->refresh}, given);

	r.is_strict = true;
	r.but = "what a cache keeps for its TTL must not outlive its signature";
	r.source = "RFC 6781 4.4.2";
	if (check_holds(j, POLICY_ERROR, &r, SUM(j->propagation, certain)))
		check_holds(j, POLICY_WARNING, &r, SUM(j->propagation, j->longest));
}

/* A destination that hears nothing more of us serves on for the SOA's EXPIRE, and a signature that
 * it has may be one that was about to be replaced. */
static void check_expire(struct judge *j)
{
	const struct policy_question *q = j->question;
	char expire[40], refresh[40], past[40];
	struct policy_finding *f;

	if (!q->knows_zone || (int64_t)q->soa_expire <= q->refresh)
		return;
	check_seconds_text((int64_t)q->soa_expire, expire);
	check_seconds_text(q->refresh, refresh);
	check_seconds_text((int64_t)q->soa_expire - q->refresh, past);
	f = check_add(j, POLICY_WARNING, "signatures.refresh");
	snprintf(f->sum, sizeof(f->sum), "the zone's SOA EXPIRE %s - signatures.refresh %s = %s",
	    expire, refresh, past);
	snprintf(f->text, sizeof(f->text),
	    "signatures.refresh is %s, but a destination that hears nothing more of us serves what "
	    "it has for the zone's SOA EXPIRE, and so may serve expired signatures for %s: %s (RFC "
	    "6781 4.4.2.1); those that know EDNS EXPIRE (RFC 7314) are told to stop before",
	    refresh, past, f->sum);
	snprintf(f->advice, sizeof(f->advice),
	    "an SOA EXPIRE of %lld at the source, or signatures.refresh = \"%s\" or longer",
	    (long long)q->refresh, expire);
}

/* Errors first; else in the order in which they were found. */
static void sort_findings(struct policy_finding *f, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		for (unsigned k = i; k > 0 && f[k - 1].severity > f[k].severity; k--) {
			struct policy_finding swap = f[k];

			f[k] = f[k - 1];
			f[k - 1] = swap;
		}
	}
}

static uint32_t longer(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static void take_terms(struct judge *j)
{
	const struct policy_question *q = j->question;
	const struct key_policy *p = j->policy;

	j->propagation = (struct term){"propagation", NULL, p->propagation};
	j->dnskey = (struct term){"ttl.dnskey", NULL, longer(p->ttl_dnskey, q->ttl_dnskey)};
	j->ds = (struct term){q->ttl_ds > p->ds_ttl ? "the parent's TTL of DS" : "parent.ds_ttl",
	    "parent.ds_ttl", longer(p->ds_ttl, q->ttl_ds)};
	j->ds_propagation = (struct term){"parent.propagation", NULL, p->ds_propagation};
	j->deadline = (struct term){"parent.deadline", NULL, p->ds_deadline};
	j->certain = (struct term){"ttl.cds", NULL, p->ttl_cds};
	j->longest = j->certain;
	if (q->knows_zone && q->ttl_zone > p->ttl_cds)
		j->certain = j->longest =
		    (struct term){"the zone's longest TTL", "max_ttl", q->ttl_zone};
	else if (!q->knows_zone && p->max_ttl > p->ttl_cds)
		j->longest = (struct term){"max_ttl", NULL, p->max_ttl};
}

unsigned policy_check(
    const struct policy_question *q, struct policy_finding out[POLICY_FINDINGS_MAX])
{
	struct judge j = {.policy = q->policy, .question = q, .findings = out};
	enum key_role roles[2];
	unsigned n = policy_roles(q->policy, roles);

	take_terms(&j);
	for (unsigned i = 0; i < n; i++)
		check_role(&j, roles[i]);
	check_count(&j);
	if (q->refresh > 0) {
		check_refresh(&j);
		check_emergency_validity(&j);
		check_expire(&j);
	}
	sort_findings(out, j.count);
	return j.count;
}

bool policy_has_error(const struct policy_finding *findings, unsigned count)
{
	return count > 0 && findings[0].severity == POLICY_ERROR;
}
