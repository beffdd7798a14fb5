/* What is everywhere, from versions and from the serials that servers answer with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "keys/observe.h"

#define T0 INT64_C(1800000000)
#define DAY 86400

static const uint8_t ksk[TOKEN_ID_LEN] = {1}, zsk[TOKEN_ID_LEN] = {2}, next[TOKEN_ID_LEN] = {3};

static void add(struct observe_version *v, const uint8_t *id, bool signs_set, bool signs_zone)
{
	struct observe_key *k = &v->keys[v->key_count++];

	memcpy(k->id, id, TOKEN_ID_LEN);
	k->in_set = true;
	k->signs_set = signs_set;
	k->signs_all = k->signs_some = signs_zone;
	v->is_signed = true;
}

/* A KSK, a ZSK, and from the second on its successor. */
static struct observe_version version(uint32_t serial, bool has_next)
{
	struct observe_version v = {.serial = serial};

	add(&v, ksk, true, false);
	add(&v, zsk, false, true);
	if (has_next)
		add(&v, next, false, false);
	return v;
}

static struct facts facts_of(const struct observe *o)
{
	struct record_key keys[3] = {{.tag = 1}, {.tag = 2}, {.tag = 3}};
	struct record r = {.key_count = 3, .keys = keys};
	struct facts f = {0};

	memcpy(keys[0].id, ksk, TOKEN_ID_LEN);
	memcpy(keys[1].id, zsk, TOKEN_ID_LEN);
	memcpy(keys[2].id, next, TOKEN_ID_LEN);
	observe_facts(o, &r, &f);
	return f;
}

static const struct observe_server unknown[4];

static void published(struct observe *o, uint32_t serial, bool has_next, int64_t now)
{
	struct observe_version v = version(serial, has_next);

	observe_publish(o, &v, now);
}

static void nobody_to_ask(void **state)
{
	struct observe o = {0};

	(void)state;
	published(&o, 7, false, T0);
	assert_int_equal(facts_of(&o).signed_since, T0);
	assert_int_equal(facts_of(&o).keys[0].signs_set, T0);
	assert_int_equal(facts_of(&o).keys[2].in_set, 0);
	observe_free(&o);
}

static void all_must_have_it(void **state)
{
	struct observe o = {0};

	(void)state;
	observe_servers(&o, unknown, 2, T0);
	published(&o, 7, false, T0);
	assert_true(observe_is_news(&o, &(struct observe_version[]){version(8, true)}[0]));
	assert_false(observe_is_news(&o, &(struct observe_version[]){version(8, false)}[0]));
	assert_false(observe_seen(&o, 0, 7, T0 + 1));
	assert_int_equal(facts_of(&o).signed_since, 0);
	/* A later version of the same kind will do. */
	assert_true(observe_seen(&o, 1, 8, T0 + 2));
	assert_int_equal(facts_of(&o).signed_since, T0 + 2);

	published(&o, 9, true, T0 + 10);
	assert_int_equal(facts_of(&o).keys[2].in_set, 0);
	assert_false(observe_is_current(&o, 0));
	observe_seen(&o, 0, 9, T0 + 20);
	assert_true(observe_is_current(&o, 0));
	assert_int_equal(facts_of(&o).keys[2].in_set, 0);
	observe_seen(&o, 1, 9, T0 + 30);
	assert_int_equal(facts_of(&o).keys[2].in_set, T0 + 30);
	/* What was there before is since then. */
	assert_int_equal(facts_of(&o).keys[1].in_set, T0 + 2);
	assert_int_equal(facts_of(&o).keys[2].signs_none, T0 + 2);
	observe_free(&o);
}

static void a_server_falls_back(void **state)
{
	struct observe o = {0};

	(void)state;
	observe_servers(&o, unknown, 2, T0);
	published(&o, 7, false, T0);
	published(&o, 9, true, T0);
	observe_seen(&o, 0, 9, T0 + 1);
	observe_seen(&o, 1, 9, T0 + 1);
	assert_int_equal(facts_of(&o).keys[2].in_set, T0 + 1);
	assert_true(observe_seen(&o, 1, 8, T0 + 5));
	assert_int_equal(facts_of(&o).keys[2].in_set, 0);
	assert_int_equal(facts_of(&o).keys[1].in_set, T0 + 1);
	assert_true(observe_lost(&o, 0, T0 + 6));
	assert_int_equal(facts_of(&o).keys[1].in_set, 0);
	observe_seen(&o, 0, 9, T0 + 7);
	observe_seen(&o, 1, 9, T0 + 8);
	/* What it had meanwhile nobody knows. */
	assert_int_equal(facts_of(&o).keys[1].in_set, T0 + 7);
	assert_int_equal(facts_of(&o).keys[2].in_set, T0 + 8);
	observe_free(&o);
}

static void servers_come_and_go(void **state)
{
	const struct observe_server both[] = {{true, 9}, {false, 0}}, one[] = {{true, 9}};
	struct observe o = {0};

	(void)state;
	observe_servers(&o, one, 1, T0);
	published(&o, 9, false, T0);
	assert_int_equal(facts_of(&o).signed_since, T0);
	observe_servers(&o, both, 2, T0 + 1);
	assert_int_equal(facts_of(&o).signed_since, 0);
	/* Released: what the others have counts from now, not from before. */
	observe_servers(&o, one, 1, T0 + 2);
	assert_int_equal(facts_of(&o).signed_since, T0 + 2);
	/* Nothing changes for those that stay. */
	observe_servers(&o, one, 1, T0 + 3);
	assert_int_equal(facts_of(&o).signed_since, T0 + 2);
	observe_free(&o);
}

static void serials_wrap(void **state)
{
	struct observe o = {0};

	(void)state;
	observe_servers(&o, unknown, 1, T0);
	published(&o, 0xfffffffe, false, T0);
	published(&o, 1, true, T0);
	observe_seen(&o, 0, 0xffffffff, T0 + 1);
	assert_int_equal(facts_of(&o).keys[0].in_set, T0 + 1);
	assert_int_equal(facts_of(&o).keys[2].in_set, 0);
	observe_seen(&o, 0, 2, T0 + 2);
	assert_int_equal(facts_of(&o).keys[2].in_set, T0 + 2);
	observe_free(&o);
}

/* Years of versions take no more room than a few weeks of them, and what is old stays old. */
static void memory_is_bounded(void **state)
{
	struct observe o = {0};
	unsigned most = 0;

	(void)state;
	observe_servers(&o, unknown, 1, T0);
	for (uint32_t i = 1; i < 1000; i++) {
		int64_t now = T0 + (int64_t)i * 10 * DAY;

		published(&o, i, i % 2 == 0, now);
		observe_seen(&o, 0, i, now + 60);
		most = o.version_count > most ? o.version_count : most;
		if (i > 5)
			assert_true(facts_of(&o).keys[1].in_set < now - 30 * DAY);
	}
	assert_true(most < 10);
	for (uint32_t i = 1000; i < 1100; i++)
		published(&o, i, i % 2 == 0, T0 + 10001 * DAY);
	assert_int_equal(o.version_count, OBSERVE_VERSIONS_MAX);
	assert_int_equal(facts_of(&o).keys[1].in_set, 0);
	observe_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nobody_to_ask),
	    cmocka_unit_test(all_must_have_it),
	    cmocka_unit_test(a_server_falls_back),
	    cmocka_unit_test(servers_come_and_go),
	    cmocka_unit_test(serials_wrap),
	    cmocka_unit_test(memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
