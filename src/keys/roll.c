/* roll: the step function.  Pure; runs in the signing side.
 *
 *                 publish      ready     roll-over date      remove
 *   generated ----> published ----> ready ----> active ----> retired ----> removed ---->
 * (destroyed)
 *
 *   DS: unsubmitted ----> submitted ----> seen ---------> retracted ----> gone
 *                   K0, when ready                 K2               K3 lets the key go
 *
 * A KSK signs the DNSKEY set from published to retired, a ZSK the zone from active to retired; a
 * key of a new algorithm signs the zone before it is published, one of a leaving algorithm after it
 * was removed (rule A). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "keys/roll_internal.h"

const char *roll_step_name(enum roll_step s)
{
	static const char *const names[ROLL_STEPS] = {
	    [ROLL_GENERATE] = "generate",
	    [ROLL_SIGN] = "sign",
	    [ROLL_PUBLISH] = "publish",
	    [ROLL_READY] = "ready",
	    [ROLL_SUBMIT_DS] = "submit-ds",
	    [ROLL_DS_SEEN] = "ds-seen",
	    [ROLL_ACTIVATE] = "activate",
	    [ROLL_HAND_OVER] = "hand-over",
	    [ROLL_RETIRE] = "retire",
	    [ROLL_RETRACT_DS] = "retract-ds",
	    [ROLL_DS_GONE] = "ds-gone",
	    [ROLL_REMOVE] = "remove",
	    [ROLL_STOP_SIGNING] = "stop-signing",
	    [ROLL_DESTROY] = "destroy",
	};

	return names[s];
}

enum key_state roll_state(const struct roll *r, unsigned i)
{
	return timeline_state(&r->keys[i].times, r->now);
}

bool roll_is_set(const struct roll *r, unsigned i, enum key_time t)
{
	return r->keys[i].times.at[t] != 0;
}

bool roll_is_in_set(const struct roll *r, unsigned i)
{
	enum key_state s = roll_state(r, i);

	return s >= KEY_PUBLISHED && s < KEY_REMOVED;
}

bool roll_fits(const struct roll *r, unsigned i)
{
	return policy_fits(r->policy, &r->keys[i], r->facts.keys[i].token);
}

bool roll_is_leaving(const struct roll *r, unsigned i)
{
	return r->keys[i].algorithm != r->policy->algorithm;
}

bool roll_is_good(const struct roll *r, unsigned i)
{
	return roll_fits(r, i) && roll_state(r, i) < KEY_RETIRED &&
	       !roll_is_set(r, i, TIME_COMPROMISED) && !roll_is_set(r, i, TIME_ROLL) &&
	       !roll_is_set(r, i, TIME_DS_RETRACTED);
}

unsigned roll_find_ready(const struct roll *r, enum key_role role, unsigned except)
{
	for (unsigned i = 0; i < r->record.key_count; i++)
		if (i != except && r->keys[i].role == role && roll_is_good(r, i) &&
		    roll_is_set(r, i, TIME_READY))
			return i;
	return ROLL_NONE;
}

static struct roll_change *add_change(struct roll *r, enum roll_step step)
{
	struct roll_change *c = &r->out->changes[r->out->change_count];

	memset(c, 0, sizeof(*c));
	c->step = step;
	/* Room for all that KEYSET_MAX keys can do at once. */
	if (r->out->change_count < ROLL_CHANGES_MAX - 1)
		r->out->change_count++;
	return c;
}

void roll_set_at(struct roll *r, enum roll_step step, unsigned i, enum key_time t, int64_t at)
{
	struct roll_change *c = add_change(r, step);

	c->key = i;
	c->time = t;
	c->at = at;
	r->keys[i].times.at[t] = at;
}

void roll_set(struct roll *r, enum roll_step step, unsigned i, enum key_time t)
{
	roll_set_at(r, step, i, t, r->now);
}

void roll_generate(struct roll *r, enum key_role role)
{
	if (r->record.key_count == KEYSET_MAX)
		roll_hold(r, ROLL_GENERATE, 0, "", 0, "%u keys are the most that a zone can have",
		    KEYSET_MAX);
	else
		add_change(r, ROLL_GENERATE)->role = role;
}

void roll_destroy(struct roll *r, unsigned i)
{
	add_change(r, ROLL_DESTROY)->key = i;
	r->destroyed[i] = true;
}

void roll_look_at(struct roll *r, int64_t at)
{
	if (at > r->now && at < r->out->next)
		r->out->next = at;
}

void roll_hold(struct roll *r, enum roll_step step, unsigned i, const char *rule, int64_t until,
    const char *fmt, ...)
{
	struct roll_held *h = &r->out->held[r->out->held_count];
	va_list ap;

	roll_look_at(r, until);
	if (r->out->held_count == ROLL_HELD_MAX)
		return;
	r->out->held_count++;
	h->step = step;
	h->key = i;
	h->rule = rule;
	h->until = until;
	va_start(ap, fmt);
	vsnprintf(h->why, sizeof(h->why), fmt, ap);
	va_end(ap);
}

struct verdict roll_judge(struct roll *r, enum safety_rule rule, unsigned i)
{
	struct safety s = {.record = &r->record, .facts = &r->facts, .now = r->now};

	return r->rules[rule].fn(&s, i);
}

bool roll_ask(struct roll *r, enum safety_rule rule, unsigned i, enum roll_step step)
{
	struct verdict v = roll_judge(r, rule, i);

	if (!v.is_safe)
		roll_hold(r, step, i, r->rules[rule].name, v.until, "%s", v.why);
	return v.is_safe;
}

void roll_activate(struct roll *r, unsigned i)
{
	if (!roll_is_set(r, i, TIME_ACTIVE))
		roll_set(r, ROLL_ACTIVATE, i, TIME_ACTIVE);
	if (role_has_zone(r->keys[i].role) && !roll_is_set(r, i, TIME_SIGN_FROM))
		roll_set(r, ROLL_SIGN, i, TIME_SIGN_FROM);
}

void roll_step(const struct roll_input *in, struct roll_result *out)
{
	struct roll r = {
	    .policy = in->policy,
	    .rules = in->rules != NULL ? in->rules : safety_rules,
	    .facts = *in->facts,
	    .record = *in->record,
	    .now = in->now,
	    .out = out,
	};

	memcpy(r.keys, in->record->keys, in->record->key_count * sizeof(*r.keys));
	r.record.keys = r.keys;
	facts_apply_policy(&r.facts, in->policy);
	memset(out, 0, sizeof(*out));
	out->next = POLICY_NEVER;
	roll_note_ds(&r);
	roll_come(&r);
	roll_leave(&r);
}

void roll_apply(const struct roll_result *res, struct record *r)
{
	bool destroyed[KEYSET_MAX] = {false};
	unsigned kept = 0;

	for (unsigned i = 0; i < res->change_count; i++) {
		const struct roll_change *c = &res->changes[i];

		if (c->step == ROLL_DESTROY)
			destroyed[c->key] = true;
		else if (c->step != ROLL_GENERATE)
			r->keys[c->key].times.at[c->time] = c->at;
	}
	for (unsigned i = 0; i < r->key_count; i++) {
		if (destroyed[i])
			buf_free(&r->keys[i].extra);
		else
			r->keys[kept++] = r->keys[i];
	}
	r->key_count = kept;
}
