/* plan: the future, projected.  Pure; runs in the signing side. */
#include <stdlib.h>
#include <string.h>
#include "keys/plan.h"

#define ROUNDS_MAX 100000

struct plan_key {	  /* in the order of the record's keys */
	unsigned origin;  /* index in what is known today; KEYSET_MAX: made since */
	bool is_followed; /* its steps are rows */
	bool to_the_end;  /* ... until it is destroyed, though it is at rest now */
};

struct plan {
	const struct plan_input *in;
	struct record record;
	struct facts facts; /* of the instant */
	struct plan_key keys[KEYSET_MAX];
	bool only_followed; /* and none is: the end */
	int64_t now, next;
	unsigned rows;
	plan_row_fn *fn;
	void *arg;
};

/* Since when a change made at that time is seen: as observed, or after a delay, counted from today
 * if it should have been seen before. */
static int64_t seen(struct plan *p, int64_t changed, int64_t observed, uint32_t delay)
{
	int64_t at;

	if (changed == 0 || observed != 0)
		return observed;
	at = (changed > p->in->now ? changed : p->in->now) + delay;
	if (at <= p->now)
		return at;
	p->next = at < p->next ? at : p->next;
	return 0;
}

static void assume_key(struct plan *p, unsigned i)
{
	static const struct facts_key nothing;
	const struct facts_key *today =
	    p->keys[i].origin < KEYSET_MAX ? &p->in->facts->keys[p->keys[i].origin] : &nothing;
	const int64_t *at = p->record.keys[i].times.at;
	uint32_t delay = p->facts.propagation, ds_delay = p->facts.ds_propagation;
	struct facts_key *f = &p->facts.keys[i];

	memset(f, 0, sizeof(*f));
	f->token = today->token;
	if (at[TIME_REMOVED] == 0)
		f->in_set = seen(p, at[TIME_PUBLISHED], today->in_set, delay);
	else
		f->out_of_set = seen(p, at[TIME_REMOVED], today->out_of_set, delay);
	if (role_has_ds(p->record.keys[i].role) && at[TIME_RETIRED] == 0)
		f->signs_set = seen(p, at[TIME_PUBLISHED], today->signs_set, delay);
	if (at[TIME_SIGN_UNTIL] == 0)
		f->signs_all = seen(p, at[TIME_SIGN_FROM], today->signs_all, delay);
	else
		f->signs_none = seen(p, at[TIME_SIGN_UNTIL], today->signs_none, delay);
	if (at[TIME_DS_RETRACTED] == 0)
		f->ds_in = seen(p, at[TIME_DS_SUBMITTED], today->ds_in, ds_delay);
	else
		f->ds_out = seen(p, at[TIME_DS_RETRACTED], today->ds_out, ds_delay);
	f->ds_some = f->ds_in != 0;
}

static void assume(struct plan *p)
{
	p->facts = *p->in->facts;
	facts_apply_policy(&p->facts, p->in->policy);
	p->facts.signed_since =
	    seen(p, p->in->now, p->in->facts->signed_since, p->facts.propagation);
	for (unsigned i = 0; i < p->record.key_count; i++)
		assume_key(p, i);
}

/* The sets after all that is done at this instant. */
static void fill_sets(const struct plan *p, struct plan_row *row)
{
	for (unsigned i = 0; i < p->record.key_count; i++) {
		const struct record_key *k = &p->record.keys[i];
		struct timeline_duty d =
		    timeline_duty(&k->times, role_has_ds(k->role), role_has_zone(k->role), p->now);

		if (d.in_set)
			row->dnskeys[row->dnskey_count++] = k->tag;
		if (k->times.at[TIME_DS_SUBMITTED] != 0 && k->times.at[TIME_DS_RETRACTED] == 0)
			row->ds[row->ds_count++] = k->tag;
	}
}

static void forget_destroyed(struct plan *p, const struct roll_result *res)
{
	bool destroyed[KEYSET_MAX] = {false};
	unsigned kept = 0;

	for (unsigned i = 0; i < res->change_count; i++)
		if (res->changes[i].step == ROLL_DESTROY)
			destroyed[res->changes[i].key] = true;
	for (unsigned i = 0; i < p->record.key_count; i++)
		if (!destroyed[i])
			p->keys[kept++] = p->keys[i];
}

/* Which keys are followed */

static bool overlaps(enum key_role a, enum key_role b)
{
	return (role_has_ds(a) && role_has_ds(b)) || (role_has_zone(a) && role_has_zone(b));
}

/* Nothing happens to it before its next roll-over. */
static bool is_at_rest(const struct plan *p, unsigned i)
{
	const struct key_policy *policy = p->in->policy;
	const struct record_key *k = &p->record.keys[i];
	const int64_t *at = k->times.at;
	bool is_good = at[TIME_COMPROMISED] == 0 && at[TIME_ROLL] == 0 &&
		       at[TIME_DS_RETRACTED] == 0 && p->record.unsign == 0 &&
		       policy_fits(policy, k, p->facts.keys[i].token);
	bool needs_ds = role_has_ds(k->role) && !policy->no_ds;

	switch (timeline_state(&k->times, p->now)) {
	case KEY_GENERATED:
		return is_good && p->keys[i].origin < KEYSET_MAX;
	case KEY_ACTIVE:
		return is_good && (!needs_ds || at[TIME_DS_SEEN] != 0);
	default:
		return false;
	}
}

static void follow_first(struct plan *p, bool with_next)
{
	for (unsigned i = 0; i < p->record.key_count; i++) {
		const struct record_key *k = &p->record.keys[i];
		struct plan_key *f = &p->keys[i];

		f->to_the_end = with_next && k->times.at[TIME_ACTIVE] != 0 &&
				policy_retire_at(p->in->policy, k, true) != POLICY_NEVER;
		f->is_followed = f->to_the_end || !is_at_rest(p, i);
	}
}

/* A key comes: in the stead of one that is followed? */
static void follow_successor(struct plan *p, unsigned i)
{
	for (unsigned j = 0; j < p->record.key_count; j++)
		if (j != i && p->keys[j].is_followed &&
		    overlaps(p->record.keys[i].role, p->record.keys[j].role))
			p->keys[i].is_followed = true;
}

static void follow_changes(struct plan *p, const struct roll_result *res)
{
	for (unsigned i = 0; i < res->change_count; i++) {
		const struct roll_change *c = &res->changes[i];

		if (c->step == ROLL_PUBLISH || c->step == ROLL_SIGN)
			follow_successor(p, c->key);
	}
}

static bool forget_rested(struct plan *p)
{
	bool any = false;

	for (unsigned i = 0; i < p->record.key_count; i++) {
		struct plan_key *f = &p->keys[i];

		f->is_followed = f->is_followed && (f->to_the_end || !is_at_rest(p, i));
		any |= f->is_followed;
	}
	return any;
}

/* What is done */

/* A public key of the size that policy asks for: with an exponent of one octet (RFC 3110 2). */
static void make_pub(const struct key_policy *p, struct record_key *k)
{
	uint16_t bits = policy_bits(p, k->role);

	if (bits == 0)
		return;
	k->pub[0] = 1;
	k->pub_len = (uint16_t)(2 + bits / 8);
}

static bool make_key(struct plan *p, enum key_role role)
{
	struct record_key *k = record_add_key(&p->record);
	unsigned i = p->record.key_count - 1;

	if (k == NULL)
		return false;
	k->role = role;
	k->algorithm = p->in->policy->algorithm;
	make_pub(p->in->policy, k);
	k->times.at[TIME_GENERATED] = p->now;
	k->times.at[TIME_BACKED_UP] = p->now; /* the operator's part is not ours to foresee */
	p->keys[i] = (struct plan_key){.origin = KEYSET_MAX};
	follow_successor(p, i);
	return p->keys[i].is_followed;
}

static struct plan_row row_of(const struct plan *p, const struct roll_change *c)
{
	const struct record_key *k = &p->record.keys[c->key];

	if (c->step == ROLL_GENERATE)
		return (struct plan_row){.at = p->now,
		    .step = c->step,
		    .key = KEYSET_MAX,
		    .role = c->role,
		    .algorithm = p->in->policy->algorithm};
	return (struct plan_row){.at = p->now,
	    .step = c->step,
	    .key = p->keys[c->key].origin,
	    .role = k->role,
	    .algorithm = k->algorithm,
	    .tag = k->tag};
}

static void carry_out(struct plan *p, const struct roll_result *res)
{
	bool is_shown[ROLL_CHANGES_MAX];
	struct plan_row row[ROLL_CHANGES_MAX];

	follow_changes(p, res);
	for (unsigned i = 0; i < res->change_count; i++) {
		row[i] = row_of(p, &res->changes[i]);
		is_shown[i] = p->keys[res->changes[i].key].is_followed;
	}
	forget_destroyed(p, res);
	roll_apply(res, &p->record);
	for (unsigned i = 0; i < res->change_count; i++)
		if (res->changes[i].step == ROLL_GENERATE)
			is_shown[i] = make_key(p, res->changes[i].role);
	for (unsigned i = 0; i < res->change_count && p->rows < p->in->rows_max; i++) {
		if (p->only_followed && !is_shown[i])
			continue;
		fill_sets(p, &row[i]);
		p->fn(p->arg, &row[i]);
		p->rows++;
	}
}

static void plan_run(struct plan *p)
{
	const struct plan_input *in = p->in;

	for (unsigned n = 0; n < ROUNDS_MAX && p->rows < in->rows_max && p->now <= in->until; n++) {
		struct roll_result res;
		struct roll_input step = {&p->record, in->policy, &p->facts, p->now, NULL};

		p->next = POLICY_NEVER;
		assume(p);
		roll_step(&step, &res);
		if (res.change_count > 0)
			carry_out(p, &res); /* one step may make room for another: look again */
		else if (p->only_followed && !forget_rested(p))
			break;
		else
			p->now = res.next < p->next ? res.next : p->next;
	}
}

static void plan_begin(struct plan *p, const struct plan_input *in, plan_row_fn *fn, void *arg)
{
	*p = (struct plan){.in = in, .now = in->now, .fn = fn, .arg = arg};
	record_copy(in->record, &p->record);
	for (unsigned i = 0; i < KEYSET_MAX; i++)
		p->keys[i].origin = i;
}

unsigned plan_make(const struct plan_input *in, plan_row_fn *fn, void *arg)
{
	struct plan p;

	plan_begin(&p, in, fn, arg);
	plan_run(&p);
	record_free(&p.record);
	return p.rows;
}

unsigned plan_ahead(const struct plan_input *in, bool with_next, plan_row_fn *fn, void *arg)
{
	struct plan p;

	plan_begin(&p, in, fn, arg);
	p.only_followed = true;
	assume(&p);
	follow_first(&p, with_next);
	plan_run(&p);
	record_free(&p.record);
	return p.rows;
}
