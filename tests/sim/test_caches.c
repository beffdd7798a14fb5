/* No resolver ever fails: thousands of worlds drawn from seeds, and each safety rule switched off
 * to see that the model notices.
 *
 *   ITG_SIM_SEED=n    run the world of this seed alone, and tell its story
 *   ITG_SIM_WORLDS=n  how many (default 2000) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/sim/world.h"

#define WORLDS 2000
#define MUTANT_WORLDS 2000

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void add(struct world_outcome *sum, const struct world_outcome *o)
{
	sum->events += o->events;
	sum->combinations += o->combinations;
	sum->rolls += o->rolls;
	sum->emergencies += o->emergencies;
	sum->changes_of_policy += o->changes_of_policy;
	sum->crashes += o->crashes;
	sum->keys += o->keys;
}

static void test_R25_no_resolver_ever_fails(void **state)
{
	uint64_t seed = number_of("ITG_SIM_SEED", 0), worlds = number_of("ITG_SIM_WORLDS", WORLDS);
	struct world_outcome o, sum = {0};

	(void)state;
	if (seed != 0) {
		world_run(seed, NULL, true, &o);
		assert_string_equal(o.why, "");
		return;
	}
	for (seed = 1; seed <= worlds; seed++) {
		world_run(seed, NULL, false, &o);
		if (!o.is_good)
			fail_msg("%s", o.why);
		add(&sum, &o);
	}
	printf(
	    "# %llu worlds: %u roll-overs, %u emergencies, %u policies changed, %u crashes, %u keys;"
	    " %lu events, %lu combinations judged\n",
	    (unsigned long long)worlds, sum.rolls, sum.emergencies, sum.changes_of_policy,
	    sum.crashes, sum.keys, sum.events, sum.combinations);
}

static struct verdict always_safe(const struct safety *s, unsigned key)
{
	(void)s;
	(void)key;
	return (struct verdict){.is_safe = true};
}

/* The first world that breaks without the rule; 0: none does. */
static uint64_t find_break(enum safety_rule rule, struct world_outcome *o)
{
	struct safety_entry rules[RULES];

	memcpy(rules, safety_rules, sizeof(rules));
	rules[rule].fn = always_safe;
	for (uint64_t seed = 1; seed <= MUTANT_WORLDS; seed++) {
		world_run(seed, rules, false, o);
		if (!o->is_good && !o->is_stuck)
			return seed;
	}
	return 0;
}

static void test_R25_each_rule_is_needed(void **state)
{
	unsigned missed = 0;

	(void)state;
	if (getenv("ITG_SIM_SEED") != NULL)
		skip();
	printf("# switched off  first broken world  how\n");
	for (enum safety_rule i = 0; i < RULES; i++) {
		struct world_outcome o;
		uint64_t seed = find_break(i, &o);

		printf("# %-13s %6llu              %s\n", safety_rules[i].name,
		    (unsigned long long)seed, seed == 0 ? "NOT NOTICED" : o.why);
		missed += seed == 0;
	}
	assert_int_equal(missed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_R25_no_resolver_ever_fails),
	    cmocka_unit_test(test_R25_each_rule_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
