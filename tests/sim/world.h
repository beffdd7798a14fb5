/* world: a zone, its servers, its parent and its operator, drawn from a seed.  Time is made of events:
 * nothing sleeps. */
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
};
/* Runs the world of this seed to its end.  rules: see roll_input.  log: every change is printed. */
void world_run(uint64_t seed, const struct safety_entry *rules, bool log, struct world_outcome *out);

#endif
