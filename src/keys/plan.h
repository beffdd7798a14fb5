/* plan: the dated future of a zone's keys, made by the function that acts (roll.h), on a copy, as if
 * everything were seen after the time for propagation.  Pure. */
#ifndef KEYS_PLAN_H
#define KEYS_PLAN_H

#include "keys/roll.h"

struct plan_row {
	int64_t at;
	enum roll_step step;
	unsigned key; /* index in the record of today; KEYSET_MAX: of a key that is still to be made */
	enum key_role role;
	uint8_t algorithm;
	uint16_t tag; /* 0: of a key that is still to be made */
	/* The tags after the step (0 as above). */
	unsigned dnskey_count, ds_count;
	uint16_t dnskeys[KEYSET_MAX], ds[KEYSET_MAX];
};
struct plan_input {
	const struct record *record;
	const struct key_policy *policy;
	const struct facts *facts; /* what is known today */
	int64_t now, until;
	unsigned rows_max;
};
typedef void plan_row_fn(void *arg, const struct plan_row *row);
/* The number of rows. */
unsigned plan_make(const struct plan_input *in, plan_row_fn *fn, void *arg);
/* Only the steps of keys that are on their way (roll-overs asked for or under way), with those that
 * come in their stead, until all of them have come to rest or are gone.  with_next: and the next
 * roll-over of each key that is at rest. */
unsigned plan_ahead(const struct plan_input *in, bool with_next, plan_row_fn *fn, void *arg);

#endif
