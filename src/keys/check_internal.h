/* check_internal: what the files of check share.  Nobody else includes it.
 *
 *   check.c            the schedule of each role, and signatures
 *   check_emergency.c  the timetables of emergencies
 */
#ifndef KEYS_CHECK_INTERNAL_H
#define KEYS_CHECK_INTERNAL_H

#include "keys/check.h"

#define DAY INT64_C(86400)

struct term {
	const char *what;    /* NULL ends a sum */
	const char *setting; /* by which it can be lowered; NULL: what */
	int64_t seconds;
};
/* clang-format off */
#define SUM(...) ((const struct term[]){ __VA_ARGS__, { NULL, NULL, 0 } })
/* clang-format on */

struct judge {
	const struct key_policy *policy;
	const struct policy_question *question;
	struct term propagation, dnskey, ds, ds_propagation, deadline;
	/* TTLs of what is signed: those there are for certain, and the longest there may be. */
	struct term certain, longest;
	struct policy_finding *findings;
	unsigned count;
};

/* What must be at least as long as a sum. */
struct rule {
	const char *setting; /* NULL: no setting, but the longest term may be lowered */
	const char *given;   /* "zsk.prepublish is P1D" */
	int64_t seconds;
	bool is_strict; /* must be longer */
	const char *but;
	const char *source;
};

/* true: the rule holds; else there is a finding more. */
bool check_holds(struct judge *j, enum policy_severity severity, const struct rule *r,
    const struct term *terms);
struct policy_finding *check_add(struct judge *j, enum policy_severity severity, const char *setting);
const char *check_seconds_text(int64_t seconds, char out[40]);

/* check_emergency.c */
void check_emergency_zone(struct judge *j, enum key_role role);
void check_emergency_ds(struct judge *j, enum key_role role);
void check_emergency_validity(struct judge *j);

#endif
