/* world: a zone, its servers, its parent and its operator, drawn from a seed; or several zones that
 * share their keys.  Time is made of events: nothing sleeps. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "keys/observe.h"
#include "keys/roll.h"
#include "tests/sim/caches.h"

struct world_outcome {
	bool is_good;
	bool is_stuck;      /* not good, but no resolver fails */
	bool has_downgrade; /* the DS set became empty, and nobody asked for that */
	char why[400];
	unsigned long events, combinations;
	unsigned rolls, emergencies, changes_of_policy, crashes, keys;
	unsigned joins, admissions, departures; /* of zones that share keys */
};
enum world_mutant { /* faults of whoever uses share.h, to see that they are noticed */
	WORLD_SOUND,
	WORLD_ADMITS_AT_ONCE, /* zones count as soon as they are there */
	WORLD_ASKS_ONE,       /* the facts of one zone decide for all */
	WORLD_FORGETS,        /* with the disk, which zones had been trusted */
	WORLD_MUTANTS
};
struct world_input {
	uint64_t seed;
	bool is_shared;
	const struct safety_entry *rules; /* see roll_input */
	enum world_mutant mutant;
	bool log; /* every change is printed */
};
/* Runs the world to its end. */
void world_run(const struct world_input *in, struct world_outcome *out);

#endif
