/* timeline: a key's times, and the states that follow from them.  Pure: base only.
 *
 * Times are stored (record.h), states are computed: here, and nowhere else (RFC 7583 2.3 for the
 * states' names and order). */
#ifndef KEYS_TIMELINE_H
#define KEYS_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/period.h"

enum key_state { KEY_GENERATED, KEY_PUBLISHED, KEY_READY, KEY_ACTIVE, KEY_RETIRED, KEY_REMOVED };
enum ds_state { DS_NONE, DS_UNSUBMITTED, DS_SUBMITTED, DS_SEEN, DS_RETRACTED, DS_GONE };
const char *key_state_name(enum key_state s); /* "active" */
const char *ds_state_name(enum ds_state s);   /* "unsubmitted" */

/* The first six are indexed by enum key_state. */
enum key_time {
	TIME_GENERATED, TIME_PUBLISHED, TIME_READY, TIME_ACTIVE, TIME_RETIRED, TIME_REMOVED,
	TIME_DS_SUBMITTED, TIME_DS_SEEN, TIME_DS_RETRACTED, TIME_DS_GONE,
	TIME_BACKED_UP, TIME_COMPROMISED,
	TIME_ROLL,       /* the operator wants it replaced from then on */
	TIME_SIGN_FROM,  /* it signs the zone's data: before it is published when its algorithm is new, */
	TIME_SIGN_UNTIL, /* ... and until after it was removed when its algorithm leaves */
	TIME_PREPARED,   /* a back-up that has begun includes it */
	KEY_TIMES
};
struct key_times { /* calendar; 0: not yet, and not known when */
	int64_t at[KEY_TIMES];
};

/* The furthest state whose time has come. */
enum key_state timeline_state(const struct key_times *t, int64_t now);
/* When it came to that state. */
int64_t timeline_since(const struct key_times *t, int64_t now);
/* has_ds: keys of this role have a DS (KSK, CSK). */
enum ds_state timeline_ds(const struct key_times *t, bool has_ds, int64_t now);

/* What a key does.  has_ds: it vouches for the DNSKEY set; has_zone: it signs all the rest (a CSK
 * both). */
struct timeline_duty {
	bool in_set, signs_set, signs_zone;
};
struct timeline_duty timeline_duty(const struct key_times *t, bool has_ds, bool has_zone,
    int64_t now);

/* Must its private half be there?  Not of a removed key that signs nothing. */
bool timeline_needs_key(const struct key_times *t);

struct timeline_periods { /* of the key's role in its policy */
	struct period prepublish, active, postpublish;
};
struct timeline_next {
	enum key_state state;
	int64_t at;
	const char *why;
};
/* The next change: a recorded time that is still to come, or what policy asks for (p may be NULL).
 * false: none is known.  `at` may lie in the past: then the change is due. */
bool timeline_next(const struct key_times *t, const struct timeline_periods *p, int64_t now,
    struct timeline_next *out);

#endif
