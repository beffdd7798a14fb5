/* share: see share.h.  Pure; runs in the signing side. */
#include "keys/share.h"

#include <string.h>

#define OWNER_LABEL "shared keys" /* no host, no zone: a label with a space */

static const struct safety_entry *rules_of(const struct share_input *in)
{
	return in->rules != NULL ? in->rules : safety_rules;
}

/* A policy's name is at most one octet longer than a label. */
void share_owner(const char *policy, uint8_t out[NAME_MAX_LEN])
{
	size_t len = strlen(policy), first = len / 2, at = 0;

	memset(out, 0, NAME_MAX_LEN);
	if (len <= 63)
		first = len;
	out[at++] = (uint8_t)first;
	memcpy(out + at, policy, first);
	at += first;
	if (len > first) {
		out[at++] = (uint8_t)(len - first);
		memcpy(out + at, policy + first, len - first);
		at += len - first;
	}
	out[at++] = sizeof(OWNER_LABEL) - 1;
	memcpy(out + at, OWNER_LABEL, sizeof(OWNER_LABEL) - 1);
}

bool share_is_owner(const uint8_t *name)
{
	uint8_t top[sizeof(OWNER_LABEL) + 1] = {sizeof(OWNER_LABEL) - 1};

	memcpy(top + 1, OWNER_LABEL, sizeof(OWNER_LABEL) - 1);
	return name_is_at_or_below(name, top);
}

static bool may_have_ds(const struct facts *f, unsigned key_count)
{
	for (unsigned i = 0; i < key_count; i++)
		if (f->keys[i].ds_some || f->keys[i].ds_in != 0)
			return true;
	return false;
}

bool share_counts(const struct share_zone *s, const struct facts *f, unsigned key_count)
{
	if (s->left != 0)
		return false;
	return s->admitted != 0 || s->cleared == 0 || may_have_ds(f, key_count);
}

bool share_speaks(const struct share_zone *s)
{
	return s->admitted != 0 || s->unsign != 0;
}

/* The facts with the policy's margins, and what the rules need besides. */
struct judge {
	const struct safety_entry *rules;
	struct facts facts;
	struct safety safety;
};

static void judge_begin(struct judge *j, const struct share_input *in, const struct record *r)
{
	j->rules = rules_of(in);
	j->facts = *in->facts;
	facts_apply_policy(&j->facts, in->policy);
	j->safety = (struct safety){r, &j->facts, in->now};
}

static struct verdict ask(const struct judge *j, enum safety_rule rule, unsigned key)
{
	return j->rules[rule].fn(&j->safety, key);
}

/* The one that takes longer speaks. */
static struct verdict worse(struct verdict a, struct verdict b)
{
	if (a.is_safe || b.is_safe)
		return a.is_safe ? b : a;
	return a.until == 0 || (b.until != 0 && b.until < a.until) ? a : b;
}

/* All data signed by one of the keys of the algorithm: by whichever is nearest to it. */
static struct verdict judge_data(const struct judge *j, uint8_t algorithm)
{
	const struct record *r = j->safety.record;
	struct verdict best = {.why = "no key signs the zone's data"};

	for (unsigned i = 0; i < r->key_count; i++) {
		const struct record_key *k = &r->keys[i];
		struct verdict v;

		if (k->algorithm != algorithm || !timeline_duty(&k->times, role_has_ds(k->role),
						     role_has_zone(k->role), j->safety.now)
						      .signs_zone)
			continue;
		v = ask(j, RULE_A_PUBLISH, i);
		if (v.is_safe)
			return v;
		if (best.until == 0)
			best = v;
	}
	return best;
}

static struct verdict judge_key(const struct judge *j, unsigned i)
{
	const struct record_key *k = &j->safety.record->keys[i];
	bool has_ds = role_has_ds(k->role);
	struct timeline_duty d =
	    timeline_duty(&k->times, has_ds, role_has_zone(k->role), j->safety.now);
	struct verdict v = {.is_safe = true};

	if (!d.in_set)
		return v;
	if (!has_ds || d.signs_set)
		v = worse(v, ask(j, RULE_Z1, i));
	if (d.signs_set)
		v = worse(v, ask(j, RULE_K0, i));
	return worse(v, judge_data(j, k->algorithm));
}

/* A cached DNSKEY set with a key that has left asks for signatures of its algorithm (RFC
 * 6840 5.11). */
static struct verdict judge_set(const struct judge *j)
{
	int64_t since = j->facts.tidy_since;
	int64_t until = since + j->facts.ttl_dnskey + j->facts.propagation;

	if (since == 0)
		return (struct verdict){.why = "a key that has left is in its DNSKEY set"};
	if (until > j->safety.now)
		return (struct verdict){
		    .until = until, .why = "a DNSKEY set with a key that has left may be cached"};
	return (struct verdict){.is_safe = true};
}

struct verdict share_admission(const struct share_input *in)
{
	bool has_any = false;
	struct verdict v;
	struct judge j;

	judge_begin(&j, in, in->record);
	v = judge_set(&j);
	for (unsigned i = 0; i < in->record->key_count; i++) {
		const int64_t *at = in->record->keys[i].times.at;

		has_any = has_any || (at[TIME_PUBLISHED] != 0 && at[TIME_REMOVED] == 0);
		v = worse(v, judge_key(&j, i));
	}
	return has_any ? v : (struct verdict){.why = "no key is published yet"};
}

/* Since when, if its parent was ever asked. */
static int64_t asked(const struct share_zone *s)
{
	if (s->admitted != 0)
		return s->admitted;
	return s->cleared == 0 ? s->known : 0;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void view_ds(int64_t *at, const struct share_zone *s)
{
	int64_t since = asked(s), seen = at[TIME_DS_SEEN];

	if (since == 0 || at[TIME_DS_SUBMITTED] == 0) {
		for (enum key_time t = TIME_DS_SUBMITTED; t <= TIME_DS_GONE; t++)
			at[t] = 0;
		return;
	}
	/* What all had was there in a zone that counted then. */
	if (seen < since)
		at[TIME_DS_SEEN] = s->seen >= at[TIME_DS_SUBMITTED] ? s->seen : 0;
	at[TIME_DS_SUBMITTED] = later(at[TIME_DS_SUBMITTED], since);
	if (s->unsign != 0 && at[TIME_DS_RETRACTED] == 0)
		at[TIME_DS_RETRACTED] = s->unsign;
	if (s->unsign != 0 && at[TIME_DS_GONE] == 0)
		at[TIME_DS_GONE] = s->gone;
}

void share_view(const struct record *r, const struct share_zone *s,
    struct record_key keys[KEYSET_MAX], struct record *out)
{
	*out = *r;
	out->keys = keys;
	out->unsign = s->unsign;
	for (unsigned i = 0; i < r->key_count; i++) {
		keys[i] = r->keys[i];
		if (role_has_ds(keys[i].role))
			view_ds(keys[i].times.at, s);
	}
}

/* When no DS of the group is there, none can still be on its way, and none is in a cache.  At once,
 * if the group's keys were made after the zone was known: it was never signed by them unnoticed. */
static int64_t clear_at(const struct share_zone *s, const struct share_input *in)
{
	struct facts f = *in->facts;
	int64_t since, born = INT64_MAX;

	facts_apply_policy(&f, in->policy);
	since = s->known + f.ds_deadline;
	for (unsigned i = 0; i < in->record->key_count; i++) {
		const struct record_key *k = &in->record->keys[i];

		if (k->times.at[TIME_GENERATED] < born)
			born = k->times.at[TIME_GENERATED];
		if (!role_has_ds(k->role) || k->times.at[TIME_DS_SUBMITTED] == 0)
			continue;
		if (f.keys[i].ds_out == 0)
			return s->known <= born ? in->now : POLICY_NEVER;
		since = later(since, f.keys[i].ds_out);
	}
	return s->known <= born ? in->now : since + f.ttl_ds + f.ds_propagation;
}

static bool has_all_ds(const struct share_input *in)
{
	bool any = false;

	for (unsigned i = 0; i < in->record->key_count; i++) {
		const struct record_key *k = &in->record->keys[i];

		if (k->times.at[TIME_DS_SUBMITTED] == 0 || k->times.at[TIME_DS_RETRACTED] != 0)
			continue;
		if (in->facts->keys[i].ds_in == 0)
			return false;
		any = true;
	}
	return any;
}

static struct verdict judge_leaving(const struct share_zone *s, const struct share_input *in)
{
	struct record_key keys[KEYSET_MAX];
	struct record view;
	struct judge j;

	share_view(in->record, s, keys, &view);
	judge_begin(&j, in, &view);
	return ask(&j, RULE_U, 0);
}

bool share_advance(struct share_zone *s, const struct share_input *in)
{
	const struct share_zone before = *s;

	if (s->known == 0)
		s->known = in->now;
	if (s->left != 0)
		return false;
	if (s->unsign != 0)
		s->left = judge_leaving(s, in).is_safe ? in->now : 0;
	else if (s->admitted == 0 && share_admission(in).is_safe)
		s->admitted = in->now;
	else if (s->admitted == 0 && s->cleared == 0 && clear_at(s, in) <= in->now)
		s->cleared = in->now;
	else if (s->seen == 0 && asked(s) != 0 && has_all_ds(in))
		s->seen = in->now;
	return memcmp(&before, s, sizeof(before)) != 0;
}

int64_t share_next(const struct share_zone *s, const struct share_input *in)
{
	struct verdict v = {.is_safe = true};
	int64_t next = POLICY_NEVER;

	if (s->left != 0)
		return next;
	if (s->unsign != 0)
		v = judge_leaving(s, in);
	else if (s->admitted == 0)
		v = share_admission(in);
	if (!v.is_safe && v.until > in->now)
		next = v.until;
	if (s->admitted == 0 && s->cleared == 0 && clear_at(s, in) < next)
		next = clear_at(s, in);
	return next;
}

void share_resume(struct share_zone *s, int64_t now)
{
	if (s->left != 0)
		*s = (struct share_zone){.known = s->known, .cleared = now};
	s->unsign = s->gone = 0;
}

static void join_time(int64_t *all, int64_t one)
{
	*all = *all == 0 || one == 0 ? 0 : later(*all, one);
}

static void join_key(struct facts_key *all, const struct facts_key *one)
{
	join_time(&all->in_set, one->in_set);
	join_time(&all->out_of_set, one->out_of_set);
	join_time(&all->signs_set, one->signs_set);
	join_time(&all->signs_all, one->signs_all);
	join_time(&all->signs_none, one->signs_none);
	join_time(&all->ds_in, one->ds_in);
	join_time(&all->ds_out, one->ds_out);
	all->ds_some |= one->ds_some;
}

static void join_ttls(struct facts *all, const struct facts *one)
{
#define RAISE(field) all->field = all->field > one->field ? all->field : one->field
	RAISE(ttl_dnskey);
	RAISE(ttl_zone);
	RAISE(ttl_negative);
	RAISE(ttl_ds);
	RAISE(ttl_unsigned);
	RAISE(propagation);
	RAISE(ds_propagation);
	RAISE(ds_deadline);
#undef RAISE
}

void share_add(struct facts *all, const struct share_member *m, unsigned key_count)
{
	if (!share_counts(m->zone, m->facts, key_count))
		return;
	if (!all->is_joined)
		*all = *m->facts;
	all->is_joined = true;
	join_time(&all->signed_since, m->facts->signed_since);
	join_ttls(all, m->facts);
	for (unsigned k = 0; k < key_count; k++)
		join_key(&all->keys[k], &m->facts->keys[k]);
}

void share_join(
    const struct share_member *members, unsigned n, unsigned key_count, struct facts *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < n; i++)
		share_add(out, &members[i], key_count);
	out->is_joined = true;
}

/* The rule by its name; RULES: it is no matter of caches. */
static enum safety_rule rule_of(const struct roll_held *h)
{
	enum safety_rule rule = 0;

	while (rule < RULES && strcmp(safety_rules[rule].name, h->rule) != 0)
		rule++;
	return rule;
}

bool share_lags(const struct share_zone *s, const struct share_input *in, const struct roll_held *h)
{
	enum safety_rule rule = rule_of(h);
	struct judge j;

	if (rule == RULES || !share_counts(s, in->facts, in->record->key_count))
		return false;
	judge_begin(&j, in, in->record);
	if (rule != RULE_Z1)
		return !ask(&j, rule, h->key).is_safe;
	/* What is not ready then is a successor. */
	for (unsigned i = 0; i < in->record->key_count; i++) {
		const int64_t *at = in->record->keys[i].times.at;

		if (at[TIME_PUBLISHED] != 0 && at[TIME_READY] == 0 && !ask(&j, RULE_Z1, i).is_safe)
			return true;
	}
	return false;
}
