/* roll, keys that go: retire, DS taken back, remove, destroy.  Pure; see roll.c. */
#include "keys/roll_internal.h"

/* The one that takes over; if none is ready, the step is held. */
static unsigned find_successor(struct roll *r, enum key_role role, unsigned i, enum roll_step step)
{
	unsigned next = roll_find_ready(r, role, i);
	struct verdict v = {.why = "there is none yet"};

	if (next != ROLL_NONE)
		return next;
	for (unsigned j = 0; j < r->record.key_count; j++)
		if (j != i && r->keys[j].role == role && roll_is_good(r, j) && roll_is_in_set(r, j))
			v = roll_judge(r, RULE_Z1, j);
	roll_hold(
	    r, step, i, r->rules[RULE_Z1].name, v.until, "its successor is not ready: %s", v.why);
	return ROLL_NONE;
}

/* The zone's data. */
static bool is_signing(const struct roll *r, unsigned i)
{
	return roll_is_set(r, i, TIME_SIGN_FROM) && !roll_is_set(r, i, TIME_SIGN_UNTIL);
}

static void stop_signing(struct roll *r, unsigned i, enum roll_step step)
{
	if (is_signing(r, i))
		roll_set(r, step, i, TIME_SIGN_UNTIL);
}

/* R24: a compromised CSK signs the zone for two days, and the DNSKEY set for a week. */
static void hand_over_zone(struct roll *r, unsigned i, enum key_role zone_role)
{
	int64_t at = policy_zone_handover_at(&r->keys[i]);
	unsigned next;

	if (roll_is_set(r, i, TIME_SIGN_UNTIL))
		return;
	roll_look_at(r, at);
	if (at > r->now)
		return;
	next = find_successor(r, zone_role, i, ROLL_HAND_OVER);
	if (next == ROLL_NONE)
		return;
	roll_activate(r, next);
	stop_signing(r, i, ROLL_HAND_OVER);
}

/* The roll-over date (R22): the ready one becomes active, the old one retires. */
static void retire(struct roll *r, unsigned i)
{
	int64_t at = policy_retire_at(r->policy, &r->keys[i], roll_fits(r, i));
	bool has_ds = role_has_ds(r->keys[i].role), has_zone = role_has_zone(r->keys[i].role);
	unsigned vouches = ROLL_NONE, signs = ROLL_NONE;
	enum key_role roles[2];
	unsigned count = policy_roles(r->policy, roles);

	hand_over_zone(r, i, roles[count - 1]);
	roll_look_at(r, at);
	if (at > r->now)
		return;
	if (has_ds) {
		vouches = find_successor(r, roles[0], i, ROLL_RETIRE);
		if (vouches == ROLL_NONE || !roll_ask(r, RULE_K1, i, ROLL_RETIRE))
			return;
	}
	if (has_zone) {
		signs = find_successor(r, roles[count - 1], i, ROLL_RETIRE);
		if (signs == ROLL_NONE)
			return;
		roll_activate(r, signs);
	}
	if (has_ds)
		roll_activate(r, vouches);
	roll_set(r, ROLL_RETIRE, i, TIME_RETIRED);
	stop_signing(r, i, ROLL_STOP_SIGNING);
}

/* Never active, and never to be: compromised, or policy wants others now. */
static void give_up(struct roll *r, unsigned i)
{
	if (!roll_is_in_set(r, i)) {
		stop_signing(r, i, ROLL_STOP_SIGNING);
		roll_set(r, ROLL_REMOVE, i, TIME_REMOVED);
	} else if (!role_has_ds(r->keys[i].role) || roll_ask(r, RULE_K1, i, ROLL_RETIRE)) {
		roll_set(r, ROLL_RETIRE, i, TIME_RETIRED);
		stop_signing(r, i, ROLL_STOP_SIGNING);
	}
}

static void retire_all(struct roll *r)
{
	for (unsigned i = 0; i < r->record.key_count; i++) {
		enum key_state s = roll_state(r, i);

		if (s >= KEY_RETIRED || (roll_is_leaving(r, i) && roll_is_in_set(r, i)))
			continue;
		if (s == KEY_ACTIVE ||
		    (roll_is_in_set(r, i) && !roll_is_good(r, i) && is_signing(r, i)))
			retire(r, i);
		else if (!roll_is_good(r, i))
			give_up(r, i);
	}
}

static bool is_ds_unwanted(const struct roll *r, unsigned i)
{
	return r->record.unsign != 0 || roll_is_set(r, i, TIME_RETIRED) ||
	       roll_is_set(r, i, TIME_COMPROMISED) || roll_is_leaving(r, i) ||
	       (roll_state(r, i) < KEY_ACTIVE && !roll_is_good(r, i));
}

static void retract_ds(struct roll *r)
{
	for (unsigned i = 0; i < r->record.key_count; i++) {
		if (!roll_is_set(r, i, TIME_DS_SUBMITTED) || roll_is_set(r, i, TIME_DS_RETRACTED) ||
		    !is_ds_unwanted(r, i))
			continue;
		if (roll_ask(r, RULE_K2, i, ROLL_RETRACT_DS))
			roll_set(r, ROLL_RETRACT_DS, i, TIME_DS_RETRACTED);
	}
}

/* All keys of algorithms that leave go from the set together; their signatures over the zone stay
 * (RFC 6781 4.1.4). */
static void remove_algorithms(struct roll *r)
{
	enum key_role roles[2];
	unsigned count = policy_roles(r->policy, roles), next[2];
	unsigned one = ROLL_NONE;

	for (unsigned i = 0; i < r->record.key_count; i++)
		if (roll_is_leaving(r, i) && roll_is_in_set(r, i))
			one = i;
	if (one == ROLL_NONE)
		return;
	for (unsigned i = 0; i < count; i++) {
		next[i] = find_successor(r, roles[i], one, ROLL_REMOVE);
		if (next[i] == ROLL_NONE)
			return;
	}
	for (unsigned i = 0; i < r->record.key_count; i++)
		if (roll_is_leaving(r, i) && roll_is_in_set(r, i) &&
		    !roll_ask(r, RULE_A_REMOVE, i, ROLL_REMOVE))
			return;
	for (unsigned i = 0; i < count; i++)
		roll_activate(r, next[i]);
	for (unsigned i = 0; i < r->record.key_count; i++) {
		if (!roll_is_leaving(r, i) || !roll_is_in_set(r, i))
			continue;
		if (!roll_is_set(r, i, TIME_RETIRED))
			roll_set(r, ROLL_RETIRE, i, TIME_RETIRED);
		roll_set(r, ROLL_REMOVE, i, TIME_REMOVED);
	}
}

static void remove_retired(struct roll *r)
{
	for (unsigned i = 0; i < r->record.key_count; i++) {
		int64_t at;

		if (roll_state(r, i) != KEY_RETIRED || roll_is_leaving(r, i))
			continue;
		at = policy_remove_at(r->policy, &r->keys[i]);
		roll_look_at(r, at);
		if (at > r->now)
			continue;
		if (role_has_ds(r->keys[i].role) && !roll_ask(r, RULE_K3, i, ROLL_REMOVE))
			continue;
		if (role_has_zone(r->keys[i].role) && !roll_ask(r, RULE_Z2, i, ROLL_REMOVE))
			continue;
		roll_set(r, ROLL_REMOVE, i, TIME_REMOVED);
	}
}

/* Last of all the signatures of an algorithm that has left, and the keys themselves. */
static void finish_removed(struct roll *r)
{
	for (unsigned i = 0; i < r->record.key_count; i++) {
		int64_t at;

		if (roll_state(r, i) != KEY_REMOVED)
			continue;
		if (is_signing(r, i)) {
			if (!roll_ask(r, RULE_A_STOP, i, ROLL_STOP_SIGNING))
				continue;
			stop_signing(r, i, ROLL_STOP_SIGNING);
		}
		at = policy_destroy_at(r->policy, &r->keys[i]);
		roll_look_at(r, at);
		if (at <= r->now || r->record.key_count > KEYSET_MAX - ROLL_SPARE)
			roll_destroy(r, i);
	}
}

static void unsign(struct roll *r)
{
	for (unsigned i = 0; i < r->record.key_count; i++)
		if (role_has_ds(r->keys[i].role) && roll_state(r, i) < KEY_REMOVED &&
		    !roll_ask(r, RULE_U, i, ROLL_REMOVE))
			return;
	for (unsigned i = 0; i < r->record.key_count; i++) {
		if (roll_state(r, i) == KEY_REMOVED)
			continue;
		if (roll_state(r, i) == KEY_ACTIVE)
			roll_set(r, ROLL_RETIRE, i, TIME_RETIRED);
		stop_signing(r, i, ROLL_STOP_SIGNING);
		roll_set(r, ROLL_REMOVE, i, TIME_REMOVED);
	}
}

void roll_leave(struct roll *r)
{
	if (r->record.unsign != 0) {
		retract_ds(r);
		unsign(r);
	} else {
		retire_all(r);
		retract_ds(r);
		remove_algorithms(r);
		remove_retired(r);
	}
	finish_removed(r);
}
