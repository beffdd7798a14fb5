/* roll: what has to be done to a zone's keys now.  Pure: one record, one policy, facts, one instant;
 * the manager carries it out, plan.h projects it.
 *
 * Every step passes three questions: does policy ask for it (policy.h)?  is it safe (safety.h)? and if
 * not, when next? */
#ifndef KEYS_ROLL_H
#define KEYS_ROLL_H

#include "keys/safety.h"

#define ROLL_CHANGES_MAX 128
#define ROLL_HELD_MAX 48
#define ROLL_WHY_SIZE 128
#define ROLL_SPARE 6 /* so much room a record should have for keys to come: removed ones go early */

enum roll_step { /* the words of `rollover list` */
	ROLL_GENERATE, ROLL_SIGN, ROLL_PUBLISH, ROLL_READY, ROLL_SUBMIT_DS, ROLL_DS_SEEN, ROLL_ACTIVATE,
	ROLL_HAND_OVER, ROLL_RETIRE, ROLL_RETRACT_DS, ROLL_DS_GONE, ROLL_REMOVE, ROLL_STOP_SIGNING,
	ROLL_DESTROY,
	ROLL_STEPS
};
const char *roll_step_name(enum roll_step s); /* "submit-ds" */

struct roll_change {
	enum roll_step step;
	unsigned key;       /* index in the record; not of ROLL_GENERATE */
	enum key_time time; /* set to `at`; not of ROLL_GENERATE, ROLL_DESTROY */
	int64_t at;
	/* ROLL_GENERATE: the key that is wanted (token: the policy's) */
	enum key_role role;
};
struct roll_held {
	enum roll_step step;
	unsigned key;
	int64_t until; /* 0: not known */
	const char *rule; /* "K1"; "" when it is no matter of caches */
	char why[ROLL_WHY_SIZE];
};
struct roll_result {
	struct roll_change changes[ROLL_CHANGES_MAX]; /* together: one record */
	unsigned change_count;
	struct roll_held held[ROLL_HELD_MAX]; /* asked for, and not safe */
	unsigned held_count;
	int64_t next; /* look again then, or when something is observed; POLICY_NEVER */
};
struct roll_input {
	const struct record *record;
	const struct key_policy *policy;
	const struct facts *facts;
	int64_t now;
	const struct safety_entry *rules; /* NULL: safety_rules.  Tests switch some off */
};

void roll_step(const struct roll_input *in, struct roll_result *out);
/* Carry the changes over to r (the record they were made for), but for the keys to be generated. */
void roll_apply(const struct roll_result *res, struct record *r);

#endif
