/* roll_internal: what the files of roll share.
 *
 *   roll.c        the order of the questions, and the lists of what follows from them
 *   roll_come.c   keys come: generate, publish, ready, DS
 *   roll_leave.c  keys go: retire, DS taken back, remove, destroy
 */
#ifndef KEYS_ROLL_INTERNAL_H
#define KEYS_ROLL_INTERNAL_H

#include "keys/roll.h"

#define ROLL_NONE KEYSET_MAX /* no key */

struct roll {
	const struct key_policy *policy;
	const struct safety_entry *rules;
	struct facts facts;
	struct record record; /* with what is decided already; shares what its keys own */
	struct record_key keys[KEYSET_MAX];
	bool destroyed[KEYSET_MAX];
	int64_t now;
	struct roll_result *out;
};

/* roll.c */
enum key_state roll_state(const struct roll *r, unsigned i);
bool roll_is_set(const struct roll *r, unsigned i, enum key_time t);
bool roll_is_in_set(const struct roll *r, unsigned i);
bool roll_fits(const struct roll *r, unsigned i);
/* Of an algorithm that the policy does not want any more: such keys leave together. */
bool roll_is_leaving(const struct roll *r, unsigned i);
/* Wanted by policy, and nothing speaks against relying on it for the next years. */
bool roll_is_good(const struct roll *r, unsigned i);
/* A good key of the role that is ready, but for one; ROLL_NONE. */
unsigned roll_find_ready(const struct roll *r, enum key_role role, unsigned except);
void roll_set(struct roll *r, enum roll_step step, unsigned i, enum key_time t);
void roll_set_at(struct roll *r, enum roll_step step, unsigned i, enum key_time t, int64_t at);
void roll_generate(struct roll *r, enum key_role role);
void roll_destroy(struct roll *r, unsigned i);
void roll_look_at(struct roll *r, int64_t at);
void roll_hold(struct roll *r, enum roll_step step, unsigned i, const char *rule, int64_t until,
    const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* Is it safe?  If not: held back, and said so. */
bool roll_ask(struct roll *r, enum safety_rule rule, unsigned i, enum roll_step step);
/* The same without a word. */
struct verdict roll_judge(struct roll *r, enum safety_rule rule, unsigned i);
/* It takes over what its role does. */
void roll_activate(struct roll *r, unsigned i);

/* roll_come.c, roll_leave.c: in this order */
void roll_note_ds(struct roll *r);
void roll_come(struct roll *r);
void roll_leave(struct roll *r);

#endif
