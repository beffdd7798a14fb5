/* Zones that change at random, and a signer that follows: whatever comes in, in whatever way, and
 * whatever happens to keys, policy, clock and process, the version in the store must be what
 * signing the same input from nothing gives, and every judge must agree.
 *
 *   AMEND_SEED=n    the first sequence (printed); a step follows from the seed and its own number
 *   AMEND_ROUNDS=n  sequences, each with the next seed
 *   AMEND_STEPS=n   steps of each
 *   AMEND_ONLY=...  only these steps of a sequence ("3,7,8"): to find the few that are needed for a
 * failure */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "tests/unit/amend_rig.h"

#define DAY 86400

/* Slices of a few signatures make many versions. */
#ifdef AMEND_IN_SLICES
#define IN_SLICES true
#else
#define IN_SLICES false
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(AMEND_IN_SLICES)
enum { ROUNDS = 4 };
#else
enum { ROUNDS = 8 };
#endif

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

static bool is_wanted(unsigned step)
{
	const char *only = getenv("AMEND_ONLY");
	char *end;

	for (; only != NULL && *only != '\0'; only = *end == ',' ? end + 1 : end) {
		if (strtoul(only, &end, 10) == step)
			return true;
		if (end == only)
			return false;
	}
	return only == NULL;
}

/* The policy. */

static void random_denial(struct amend_rig *g, struct sign_policy *p)
{
	struct amend_random *r = &g->random;

	p->denial = (enum denial_kind)(DENIAL_NSEC + amend_draw(r, 3));
	memset(&p->nsec3, 0, sizeof(p->nsec3));
	if (amend_chance(r, 30)) {
		p->nsec3.iterations = (uint16_t)amend_draw(r, 4);
		p->nsec3.salt_len = (uint8_t)amend_draw(r, 9);
		for (unsigned i = 0; i < p->nsec3.salt_len; i++)
			p->nsec3.salt[i] = (uint8_t)amend_draw(r, 256);
	}
}

static void random_times(struct amend_rig *g, struct sign_policy *p)
{
	struct amend_random *r = &g->random;

	p->validity = (1 + amend_draw(r, 40)) * (int64_t)DAY;
	p->refresh = amend_draw(r, (uint32_t)p->validity);
	p->jitter = amend_draw(r, 3) * (int64_t)DAY / 4;
}

static void random_policy(struct amend_rig *g, struct amend_one *o)
{
	struct sign_policy *p = &o->job.policy;

	switch (amend_draw(&g->random, 6)) {
	case 0:
	case 1:
		random_denial(g, p);
		amend_say(g, "denial %d, %u iterations, %u octets of salt; ", p->denial,
		    p->nsec3.iterations, p->nsec3.salt_len);
		break;
	case 2:
		random_times(g, p);
		amend_say(g, "validity %lld, refresh %lld, jitter %lld; ", (long long)p->validity,
		    (long long)p->refresh, (long long)p->jitter);
		break;
	case 3:
		p->ttl_dnskey = 600 * (1 + amend_draw(&g->random, 4));
		p->ttl_cds = 600 * (1 + amend_draw(&g->random, 4));
		amend_say(g, "TTLs of the apex sets; ");
		break;
	case 4:
		p->serial = (enum serial_policy)amend_draw(&g->random, 4);
		amend_say(g, "serial policy %d; ", p->serial);
		break;
	default:
		p->max_ttl = 3600 * (1 + amend_draw(&g->random, 48));
		o->needs_whole = true;
		amend_say(g, "max_ttl %u; ", p->max_ttl);
	}
}

/* What may happen before a run. */

static void change_source(struct amend_rig *g, struct amend_one *o)
{
	struct amend_random *r = &g->random;
	unsigned versions = amend_chance(r, 70) ? 1 : 1 + amend_draw(r, 4);

	while (versions-- > 0) {
		struct buf what = {0};
		uint32_t step = amend_chance(r, 90) ? 1 : 1 + amend_draw(r, 0x7ffffffe);
		unsigned changes = amend_chance(r, 60) ? amend_draw(r, 3) : amend_draw(r, 20);

		amend_next(o, step);
		while (changes-- > 0)
			amend_zone_change(&o->source, r, &what);
		buf_u8(&what, 0);
		amend_say(g, "source %u: %s\n    ", amend_zone_serial(&o->source), what.data);
		buf_free(&what);
	}
}

static void pass_time(struct amend_rig *g, struct amend_one *o)
{
	int64_t due = o->last.head.resign_at, step = 1 + amend_draw(&g->random, 3600);

	switch (amend_draw(&g->random, 4)) {
	case 0:
		step += o->has_last && due > g->f.job.now ? due - g->f.job.now : 0;
		break;
	case 1:
		step *= 24 * (1 + amend_draw(&g->random, 60)); /* everything may have expired */
		break;
	case 2:
		step = o->job.policy.validity / 2;
		break;
	default:
		break;
	}
	g->f.job.now += step;
	amend_say(g, "%lld s later; ", (long long)step);
}

static enum amend_way random_way(struct amend_rig *g)
{
	static const enum amend_way ways[] = {AMEND_WHOLE, AMEND_DELTA, AMEND_DELTA, AMEND_STEPS};

	return ways[amend_draw(&g->random, MEM_COUNT(ways))];
}

/* A run that does not get to its end, as far as it can be helped. */
static void run_in_vain(struct amend_rig *g, struct amend_one *o, enum amend_way way)
{
	unsigned turns = amend_draw(&g->random, 30);
	bool is_killed = amend_chance(&g->random, 50);

	amend_start(g, o, way);
	while (turns-- > 0 && !o->is_done)
		loop_once(g->f.loop, true);
	if (o->is_done) {
		amend_wait(g, o);
		if (o->result.code == OK)
			amend_judge(g, o);
		else
			amend_run(g, o, way == AMEND_NOTHING ? way : AMEND_WHOLE);
		return;
	}
	if (is_killed) {
		amend_say(g, "killed\n");
		amend_rig_reopen(g);
	} else {
		amend_say(g, "called off, ");
		sign_cancel(o->run);
		amend_wait(g, o);
		if (o->result.code != ERR_CLOSED && o->result.code != OK)
			amend_fail(g, "called off, it ends in: %s", o->result.err.text);
	}
	if (o->result.code == OK)
		amend_judge(g, o);
	else
		amend_judge_untouched(g, o);
}

static void one_step(struct amend_rig *g, struct amend_one *o)
{
	struct amend_random *r = &g->random;
	enum amend_way way = AMEND_NOTHING;

	if (amend_chance(r, 65)) {
		change_source(g, o);
		way = random_way(g);
	}
	if (amend_chance(r, 30))
		pass_time(g, o);
	if (amend_chance(r, 20))
		amend_keys_step(g, o);
	if (amend_chance(r, 5))
		amend_keys_cds(o);
	if (amend_chance(r, 12))
		random_policy(g, o);
	if (o->needs_whole)
		way = AMEND_WHOLE;
	o->job.again = amend_chance(r, 5);
	o->job.force = amend_chance(r, 3);
	if (amend_chance(r, 10))
		run_in_vain(g, o, way);
	else
		amend_run(g, o, way);
	if (amend_chance(r, 50))
		amend_settle(g, o);
}

static void begin(struct amend_rig *g)
{
	struct amend_one *o = amend_rig_add(g);

	amend_zone_make(&o->source, &g->random);
	amend_zone_set_serial(&o->source, amend_draw(&g->random, UINT32_MAX));
	memcpy(o->job.apex, o->source.apex, sizeof(o->job.apex));
	random_denial(g, &o->job.policy);
	if (amend_chance(&g->random, 50))
		random_times(g, &o->job.policy);
	amend_run(g, o, AMEND_WHOLE);
}

static void play(uint64_t seed, unsigned steps)
{
	struct amend_rig *g = mem_alloc(sizeof(*g));

	amend_rig_open(g);
	g->in_slices = IN_SLICES;
	amend_say(g, "AMEND_SEED=%llu: ", (unsigned long long)seed);
	amend_seed(&g->random, seed, 0);
	amend_seed_jitter(seed, 0);
	begin(g);
	for (unsigned step = 1; step <= steps; step++) {
		if (!is_wanted(step))
			continue;
		amend_say(g, "%u. ", step);
		amend_seed(&g->random, seed, step);
		amend_seed_jitter(seed, step);
		one_step(g, &g->one[0]);
	}
	amend_settle(g, &g->one[0]);
	amend_rig_close(g);
	free(g);
}

static void test_R1_follows_every_change(void **state)
{
	uint64_t seed = number("AMEND_SEED", (uint64_t)getpid() * 1000);
	uint64_t rounds = number("AMEND_ROUNDS", ROUNDS), steps = number("AMEND_STEPS", 25);

	(void)state;
	print_message("AMEND_SEED=%llu AMEND_ROUNDS=%llu AMEND_STEPS=%llu\n",
	    (unsigned long long)seed, (unsigned long long)rounds, (unsigned long long)steps);
	for (uint64_t i = 0; i < rounds; i++)
		play(seed + i, (unsigned)steps);
}

/* Another key signs, and half-way the first one again: what the other one signed goes, too. */
static void change_keys_half_way(enum denial_kind denial, unsigned slices)
{
	struct amend_rig *g = mem_alloc(sizeof(*g));
	struct keyset_key *zsk;
	struct amend_one *o;

	amend_rig_open(g);
	amend_seed(&g->random, 1, 1);
	o = amend_rig_add(g);
	o->job.policy.denial = denial;
	o->job.keys.count = 0;
	amend_keys_add(g, o, ALG_ED25519, KEY_KSK);
	amend_keys_add(g, o, ALG_ED25519, KEY_ZSK);
	amend_keys_add(g, o, ALG_ED25519, KEY_ZSK)->signs_zone = false;
	zsk = &o->job.keys.keys[1];
	assert_int_equal(name_parse("example.", o->source.apex), OK);
	memcpy(o->job.apex, o->source.apex, sizeof(o->job.apex));
	assert_true(amend_zone_text(&o->source, "@ 60 SOA ns1 host 100 3600 900 1209600 1800"));
	assert_true(amend_zone_text(&o->source, "@ 60 NS ns1"));
	for (unsigned i = 0; i < 30; i++) {
		char record[32];

		snprintf(record, sizeof(record), "n%u 60 TXT x", i);
		assert_true(amend_zone_text(&o->source, record));
	}
	amend_run(g, o, AMEND_WHOLE);
	for (unsigned turn = 0; turn < 2; turn++) {
		zsk[0].signs_zone = !zsk[0].signs_zone;
		zsk[1].signs_zone = !zsk[1].signs_zone;
		for (unsigned i = 0; i < slices && !amend_is_settled(g, o); i++)
			amend_run(g, o, AMEND_NOTHING);
	}
	assert_true(g->versions > 2); /* it was half-way */
	amend_settle(g, o);
	amend_rig_close(g);
	free(g);
}

static void test_R24_keys_change_half_way(void **state)
{
	(void)state;
	for (unsigned slices = 1; slices < 9; slices += 3) {
		change_keys_half_way(DENIAL_NSEC, slices);
		change_keys_half_way(DENIAL_NSEC3, slices);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_R24_keys_change_half_way),
	    cmocka_unit_test(test_R1_follows_every_change),
	};

	return cmocka_run_group_tests_name(
	    "signing that follows changes, at random", tests, NULL, NULL);
}
