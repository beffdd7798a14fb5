/* No resolver ever fails: thousands of worlds drawn from seeds, and each safety rule switched off
 * to see that the model notices.
 *
 *   ITG_SIM_SEED=n    run the world of this seed alone, and tell its story
 *   ITG_SIM_SHARED=1  ... that one in which zones share keys
 *   ITG_SIM_WORLDS=n  how many (default 2000) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/sim/world.h"

#define WORLDS 2000
#define SHARED_WORLDS 1000
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
	sum->joins += o->joins;
	sum->admissions += o->admissions;
	sum->departures += o->departures;
}

static void run_worlds(bool is_shared, uint64_t worlds, struct world_outcome *sum)
{
	uint64_t seed = number_of("ITG_SIM_SEED", 0);
	struct world_input in = {.seed = seed, .is_shared = is_shared, .log = seed != 0};
	struct world_outcome o;

	memset(sum, 0, sizeof(*sum));
	if (seed != 0) {
		if (is_shared == (getenv("ITG_SIM_SHARED") != NULL)) {
			world_run(&in, &o);
			assert_string_equal(o.why, "");
		}
		return;
	}
	for (in.seed = 1; in.seed <= worlds; in.seed++) {
		world_run(&in, &o);
		if (!o.is_good)
			fail_msg("%s", o.why);
		add(sum, &o);
	}
	printf(
	    "# %llu worlds: %u roll-overs, %u emergencies, %u policies changed, %u crashes, %u keys;"
	    " %lu events, %lu combinations judged\n",
	    (unsigned long long)worlds, sum->rolls, sum->emergencies, sum->changes_of_policy,
	    sum->crashes, sum->keys, sum->events, sum->combinations);
}

static void test_R25_no_resolver_ever_fails(void **state)
{
	struct world_outcome sum;

	(void)state;
	run_worlds(false, number_of("ITG_SIM_WORLDS", WORLDS), &sum);
}

static void test_R26_no_resolver_of_zones_that_share_keys_ever_fails(void **state)
{
	struct world_outcome sum;

	(void)state;
	run_worlds(true, number_of("ITG_SIM_WORLDS", SHARED_WORLDS), &sum);
	printf("# zones joined %u, were admitted %u, left %u times\n", sum.joins, sum.admissions,
	    sum.departures);
}

static struct verdict always_safe(const struct safety *s, unsigned key)
{
	(void)s;
	(void)key;
	return (struct verdict){.is_safe = true};
}

/* The first world that breaks; 0: none does. */
static uint64_t find_break(struct world_input in, struct world_outcome *o)
{
	for (in.seed = 1; in.seed <= MUTANT_WORLDS; in.seed++) {
		world_run(&in, o);
		if (!o->is_good && !o->is_stuck)
			return in.seed;
	}
	return 0;
}

static bool is_missed(const char *name, const struct world_input *in)
{
	struct world_outcome o;
	uint64_t seed = find_break(*in, &o);

	printf("# %-21s %6llu              %s\n", name, (unsigned long long)seed,
	    seed == 0 ? "NOT NOTICED" : o.why);
	return seed == 0;
}

static unsigned count_missed_rules(bool is_shared)
{
	struct safety_entry rules[RULES];
	struct world_input in = {.is_shared = is_shared, .rules = rules};
	unsigned missed = 0;

	printf("# switched off          first broken world  how\n");
	/* What K0 asks for in a zone that joins follows from the rest of its admission. */
	for (enum safety_rule i = is_shared ? RULE_K1 : RULE_K0; i < RULES; i++) {
		memcpy(rules, safety_rules, sizeof(rules));
		rules[i].fn = always_safe;
		missed += is_missed(safety_rules[i].name, &in);
	}
	return missed;
}

static void test_R25_each_rule_is_needed(void **state)
{
	(void)state;
	if (getenv("ITG_SIM_SEED") != NULL)
		skip();
	assert_int_equal(count_missed_rules(false), 0);
}

static void test_R26_each_rule_is_needed_where_keys_are_shared(void **state)
{
	static const char *const names[WORLD_MUTANTS] = {
	    [WORLD_ADMITS_AT_ONCE] = "(admits at once)",
	    [WORLD_ASKS_ONE] = "(asks one zone)",
	    [WORLD_FORGETS] = "(forgets with disk)",
	};
	struct world_input in = {.is_shared = true};
	unsigned missed;

	(void)state;
	if (getenv("ITG_SIM_SEED") != NULL)
		skip();
	missed = count_missed_rules(true);
	for (in.mutant = WORLD_ADMITS_AT_ONCE; in.mutant < WORLD_MUTANTS; in.mutant++)
		missed += is_missed(names[in.mutant], &in);
	assert_int_equal(missed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_R25_no_resolver_ever_fails),
	    cmocka_unit_test(test_R25_each_rule_is_needed),
	    cmocka_unit_test(test_R26_no_resolver_of_zones_that_share_keys_ever_fails),
	    cmocka_unit_test(test_R26_each_rule_is_needed_where_keys_are_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
