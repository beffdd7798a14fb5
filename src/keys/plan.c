/* plan: the future, projected.  Pure; runs in the signing side. */
#include <stdlib.h>
#include <string.h>
#include "keys/plan.h"

#define ROUNDS_MAX 100000

struct plan {
	const struct plan_input *in;
	struct record record;
	struct facts facts;	     /* of the instant */
	unsigned origin[KEYSET_MAX]; /* index in what is known today; KEYSET_MAX: made since */
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
	    p->origin[i] < KEYSET_MAX ? &p->in->facts->keys[p->origin[i]] : &nothing;
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
			p->origin[kept++] = p->origin[i];
}

static void make_key(struct plan *p, enum key_role role)
{
	struct record_key *k = record_add_key(&p->record);

	if (k == NULL)
		return;
	k->role = role;
	k->algorithm = p->in->policy->algorithm;
	k->times.at[TIME_GENERATED] = p->now;
	k->times.at[TIME_BACKED_UP] = p->now; /* the operator's part is not ours to foresee */
	p->origin[p->record.key_count - 1] = KEYSET_MAX;
}

static void carry_out(struct plan *p, const struct roll_result *res)
{
	struct plan_row row[ROLL_CHANGES_MAX];

	memset(row, 0, sizeof(row));
	for (unsigned i = 0; i < res->change_count; i++) {
		const struct roll_change *c = &res->changes[i];
		const struct record_key *k = &p->record.keys[c->key];
		bool is_made = c->step != ROLL_GENERATE;

		row[i].at = p->now;
		row[i].step = c->step;
		row[i].role = is_made ? k->role : c->role;
		row[i].algorithm = is_made ? k->algorithm : p->in->policy->algorithm;
		row[i].tag = is_made ? k->tag : 0;
	}
	forget_destroyed(p, res);
	roll_apply(res, &p->record);
	for (unsigned i = 0; i < res->change_count; i++)
		if (res->changes[i].step == ROLL_GENERATE)
			make_key(p, res->changes[i].role);
	for (unsigned i = 0; i < res->change_count && p->rows < p->in->rows_max; i++) {
		fill_sets(p, &row[i]);
		p->fn(p->arg, &row[i]);
		p->rows++;
	}
}

unsigned plan_make(const struct plan_input *in, plan_row_fn *fn, void *arg)
{
	struct plan p = {.in = in, .now = in->now, .fn = fn, .arg = arg};

	record_copy(in->record, &p.record);
	for (unsigned i = 0; i < KEYSET_MAX; i++)
		p.origin[i] = i;
	for (unsigned n = 0; n < ROUNDS_MAX && p.rows < in->rows_max && p.now <= in->until; n++) {
		struct roll_result res;
		struct roll_input step = {&p.record, in->policy, &p.facts, p.now, NULL};

		p.next = POLICY_NEVER;
		assume(&p);
		roll_step(&step, &res);
		if (res.change_count > 0) {
			carry_out(&p, &res);
			continue; /* one step may make room for another */
		}
		p.now = res.next < p.next ? res.next : p.next;
	}
	record_free(&p.record);
	return p.rows;
}
