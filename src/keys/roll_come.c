/* roll, keys that come: generate, publish, ready, DS.  Pure; see roll.c. */
#include "keys/roll_internal.h"

/* What the parent was observed to do goes into the record. */
static void note_ds(struct roll *r, unsigned i)
{
	const struct facts_key *f = &r->facts.keys[i];
	int64_t retracted = r->keys[i].times.at[TIME_DS_RETRACTED];

	if (roll_is_set(r, i, TIME_DS_SUBMITTED) && !roll_is_set(r, i, TIME_DS_SEEN) &&
	    f->ds_in != 0)
		roll_set_at(r, ROLL_DS_SEEN, i, TIME_DS_SEEN, f->ds_in);
	if (retracted == 0 || roll_is_set(r, i, TIME_DS_GONE) || f->ds_out == 0)
		return;
	/* Before it was ever seen the request may still be on its way. */
	if (!roll_is_set(r, i, TIME_DS_SEEN))
		retracted += r->facts.ds_deadline;
	if (retracted <= r->now)
		roll_set_at(r, ROLL_DS_GONE, i, TIME_DS_GONE,
		    f->ds_out > retracted ? f->ds_out : retracted);
}

void roll_note_ds(struct roll *r)
{
	for (unsigned i = 0; i < r->record.key_count; i++)
		note_ds(r, i);
}

static unsigned find_good(
    const struct roll *r, enum key_role role, enum key_state from, enum key_state to)
{
	for (unsigned i = 0; i < r->record.key_count; i++) {
		enum key_state s = roll_state(r, i);

		if (r->keys[i].role == role && roll_is_good(r, i) && s >= from && s <= to)
			return i;
	}
	return ROLL_NONE;
}

/* When the next key of the role must be in the set: now, unless a good one has time left. */
static int64_t needed_at(const struct roll *r, enum key_role role)
{
	int64_t latest = 0;

	for (unsigned i = 0; i < r->record.key_count; i++) {
		int64_t at;

		if (r->keys[i].role != role || !roll_is_good(r, i) ||
		    roll_state(r, i) != KEY_ACTIVE)
			continue;
		at = policy_successor_at(r->policy, &r->keys[i], true);
		latest = at > latest ? at : latest;
	}
	return latest;
}

/* The key to be published now for the role; ROLL_NONE: nothing to do, or it must be made first. */
static unsigned find_candidate(struct roll *r, enum key_role role)
{
	int64_t at = needed_at(r, role);
	unsigned i;

	if (at > r->now) {
		roll_look_at(r, at);
		return ROLL_NONE;
	}
	if (find_good(r, role, KEY_PUBLISHED, KEY_READY) != ROLL_NONE)
		return ROLL_NONE;
	i = find_good(r, role, KEY_GENERATED, KEY_GENERATED);
	if (i == ROLL_NONE)
		roll_generate(r, role);
	return i;
}

static bool is_backed_up(struct roll *r, unsigned i)
{
	if (!r->policy->require_backup || roll_is_set(r, i, TIME_BACKED_UP))
		return true;
	roll_hold(r, ROLL_PUBLISH, i, "", 0,
	    "it is not backed up, and policy %s demands it: see `backup prepare`", r->policy->name);
	return false;
}

/* Does the DNSKEY set have the policy's algorithm already, or nothing at all? */
static bool has_algorithm(const struct roll *r)
{
	bool any = false;

	for (unsigned i = 0; i < r->record.key_count; i++) {
		if (!roll_is_in_set(r, i))
			continue;
		if (!roll_is_leaving(r, i))
			return true;
		any = true;
	}
	return !any;
}

/* RFC 6781 4.1.4: the new algorithm signs the zone, then its keys are published together. */
static void begin_algorithm(struct roll *r, const unsigned *candidates, unsigned count)
{
	unsigned signer = candidates[count - 1]; /* a ZSK or CSK */

	for (unsigned i = 0; i < count; i++)
		if (candidates[i] == ROLL_NONE || !is_backed_up(r, candidates[i]))
			return;
	if (!roll_is_set(r, signer, TIME_SIGN_FROM))
		roll_set(r, ROLL_SIGN, signer, TIME_SIGN_FROM);
	if (!roll_ask(r, RULE_A_PUBLISH, signer, ROLL_PUBLISH))
		return;
	for (unsigned i = 0; i < count; i++)
		roll_set(r, ROLL_PUBLISH, candidates[i], TIME_PUBLISHED);
}

/* Nothing of ours is in the zone, and no DS leads there: no resolver can fail, whatever it has. */
static bool is_unsigned(const struct roll *r)
{
	for (unsigned i = 0; i < r->record.key_count; i++) {
		bool has_ds = role_has_ds(r->keys[i].role) &&
			      roll_is_set(r, i, TIME_DS_SUBMITTED) &&
			      !roll_is_set(r, i, TIME_DS_GONE);
		bool signs =
		    roll_is_set(r, i, TIME_SIGN_FROM) && !roll_is_set(r, i, TIME_SIGN_UNTIL);

		if (roll_is_in_set(r, i) || signs || has_ds)
			return false;
	}
	return true;
}

/* The zone is signed for the first time, or again: all its keys at once, since there is none before
 * them whose signatures would do meanwhile.  K0 guards the DS. */
static void begin_signing(struct roll *r, const unsigned *candidates, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (candidates[i] == ROLL_NONE || !is_backed_up(r, candidates[i]))
			return;
	for (unsigned i = 0; i < count; i++) {
		roll_set(r, ROLL_PUBLISH, candidates[i], TIME_PUBLISHED);
		roll_set(r, ROLL_ACTIVATE, candidates[i], TIME_ACTIVE);
		if (role_has_zone(r->keys[candidates[i]].role))
			roll_set(r, ROLL_SIGN, candidates[i], TIME_SIGN_FROM);
	}
}

static void publish(struct roll *r)
{
	unsigned candidates[2];
	enum key_role roles[2];
	unsigned count = policy_roles(r->policy, roles);

	for (unsigned i = 0; i < count; i++)
		candidates[i] = find_candidate(r, roles[i]);
	if (is_unsigned(r)) {
		begin_signing(r, candidates, count);
		return;
	}
	if (!has_algorithm(r)) {
		begin_algorithm(r, candidates, count);
		return;
	}
	for (unsigned i = 0; i < count; i++)
		if (candidates[i] != ROLL_NONE && is_backed_up(r, candidates[i]))
			roll_set(r, ROLL_PUBLISH, candidates[i], TIME_PUBLISHED);
}

/* R23: the new KSK is the active one from the report on. */
static void activate_in_emergency(struct roll *r)
{
	unsigned next = find_good(r, KEY_KSK, KEY_PUBLISHED, KEY_READY);
	bool is_needed = false;

	if (next == ROLL_NONE || find_good(r, KEY_KSK, KEY_ACTIVE, KEY_ACTIVE) != ROLL_NONE)
		return;
	for (unsigned i = 0; i < r->record.key_count; i++)
		is_needed |= role_has_ds(r->keys[i].role) && roll_state(r, i) == KEY_ACTIVE &&
			     roll_is_set(r, i, TIME_COMPROMISED);
	if (is_needed)
		roll_set(r, ROLL_ACTIVATE, next, TIME_ACTIVE);
}

static void make_ready(struct roll *r)
{
	for (unsigned i = 0; i < r->record.key_count; i++) {
		struct verdict v;

		if (!roll_is_in_set(r, i) || roll_is_set(r, i, TIME_READY))
			continue;
		v = roll_judge(r, RULE_Z1, i);
		if (v.is_safe)
			roll_set(r, ROLL_READY, i, TIME_READY);
		else
			roll_look_at(r, v.until);
	}
}

static void submit_ds(struct roll *r)
{
	for (unsigned i = 0; i < r->record.key_count; i++) {
		if (!role_has_ds(r->keys[i].role) || !roll_is_good(r, i) ||
		    !roll_is_set(r, i, TIME_READY) || roll_is_set(r, i, TIME_DS_SUBMITTED))
			continue;
		if (roll_ask(r, RULE_K0, i, ROLL_SUBMIT_DS))
			roll_set(r, ROLL_SUBMIT_DS, i, TIME_DS_SUBMITTED);
	}
}

void roll_come(struct roll *r)
{
	if (r->record.unsign != 0)
		return;
	publish(r);
	activate_in_emergency(r);
	make_ready(r);
	if (!r->policy->no_ds)
		submit_ds(r);
}
