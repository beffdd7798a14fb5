/* What one change costs, and what is easily forgotten on the way: each case in each denial, by a
 * whole input and by a difference.  The version must be what signing from nothing gives
 * (amend_rig.h), and no more signatures may be made for it than the case says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "tests/unit/amend_rig.h"
#include "tests/unit/fake_token.h"
#include "zone/spool.h"

#define DAY 86400
#define DS "DS 1 13 2 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"

/* Beside it each zone has a SOA and an NS set at the apex. */
#define LINES_MAX 12
struct scenario {
	const char *title;
	const char *before[LINES_MAX];
	const char *changes[LINES_MAX]; /* "+record" or "-record" */
	unsigned most[3];		/* signatures: NSEC, NSEC3, NSEC3 with opt-out */
};

static const struct scenario scenarios[] = {
    {"the SOA only", {"a 60 TXT x"}, {0}, {1, 1, 1}},
    {"one record's data", {"a 60 TXT x", "b 60 TXT x"}, {"-a TXT x", "+a 60 TXT y"}, {2, 2, 2}},
    {"one more record", {"a 60 TXT x"}, {"+a 60 TXT y"}, {2, 2, 2}},
    {"another TTL", {"a 60 TXT x"}, {"-a TXT x", "+a 61 TXT x"}, {2, 2, 2}},
    {"one more type", {"a 60 TXT x"}, {"+a 60 A 192.0.2.1"}, {3, 3, 3}},
    {"one type less", {"a 60 TXT x", "a 60 A 192.0.2.1"}, {"-a TXT x"}, {2, 2, 2}},
    {"a type above NSEC comes", {"a 60 TXT x"}, {"+a 60 CAA 0 issue \"x\""}, {3, 3, 3}},
    {"a new name", {"a 60 TXT x", "c 60 TXT x"}, {"+b 60 TXT x"}, {4, 4, 4}},
    {"a name goes", {"a 60 TXT x", "b 60 TXT x", "c 60 TXT x"}, {"-b TXT x"}, {2, 2, 2}},
    {"a name goes and comes", {"b 60 TXT x"}, {"-b TXT x", "+b 60 TXT x"}, {1, 1, 1}},
    {"the last name goes", {"a 60 TXT x"}, {"-a TXT x"}, {2, 2, 2}},
    {"the first name comes", {0}, {"+a 60 TXT x"}, {4, 4, 4}},
    {"a name below empty ones", {0}, {"+a.b.c.d 60 TXT x"}, {4, 10, 10}},
    {"a name below empty ones goes", {"a.b.c.d 60 TXT x"}, {"-a.b.c.d TXT x"}, {2, 5, 5}},
    {"one of two below an empty one goes", {"a.b 60 TXT x", "c.b 60 TXT x"}, {"-a.b TXT x"},
	{2, 2, 2}},
    {"an empty one gets data", {"a.b.c 60 TXT x"}, {"+b.c 60 TXT x"}, {4, 3, 3}},
    {"an empty one loses its data", {"a.b.c 60 TXT x", "b.c 60 TXT x"}, {"-b.c TXT x"}, {2, 2, 2}},
    {"a name with one below goes", {"a.b 60 TXT x", "b 60 A 192.0.2.1"},
	{"-b A 192.0.2.1", "-a.b TXT x"}, {2, 3, 3}},
    {"a wildcard", {"a 60 TXT x"}, {"+*.a 60 TXT x"}, {4, 4, 4}},
    {"an insecure delegation", {"a 60 TXT x"}, {"+b 60 NS ns.b", "+ns.b 60 A 192.0.2.1"},
	{3, 3, 1}},
    {"an insecure delegation goes", {"b 60 NS ns.b", "ns.b 60 A 192.0.2.1"},
	{"-b NS ns.b", "-ns.b A 192.0.2.1"}, {2, 2, 1}},
    {"a delegation's glue", {"b 60 NS ns.b", "ns.b 60 A 192.0.2.1"}, {"+ns.b 60 A 192.0.2.2"},
	{1, 1, 1}},
    {"a delegation's name servers", {"b 60 NS ns.b"}, {"+b 60 NS ns.c"}, {1, 1, 1}},
    {"a delegation becomes secure", {"b 60 NS ns.b"}, {"+b 60 " DS}, {3, 3, 4}},
    {"a delegation becomes insecure", {"b 60 NS ns.b", "b 60 " DS}, {"-b " DS}, {2, 2, 2}},
    {"a deep delegation becomes secure", {"b.c.d 60 NS ns.b"}, {"+b.c.d 60 " DS}, {3, 3, 8}},
    {"a deep delegation becomes insecure", {"b.c.d 60 NS ns.b", "b.c.d 60 " DS}, {"-b.c.d " DS},
	{2, 2, 4}},
    {"a secure and an insecure one below an empty one",
	{"a.c 60 NS ns.b", "a.c 60 " DS, "b.c 60 NS ns.b"}, {"-a.c " DS}, {2, 2, 3}},
    {"a name becomes a delegation", {"b 60 TXT x", "a.b 60 TXT x", "c.b 60 A 192.0.2.1"},
	{"+b 60 NS ns.b"}, {2, 4, 4}},
    {"a delegation becomes a name",
	{"b 60 NS ns.b", "b 60 TXT x", "a.b 60 TXT x", "c.b 60 A 192.0.2.1"}, {"-b NS ns.b"},
	{7, 7, 8}},
    {"a DNAME hides", {"b 60 TXT x", "a.b 60 TXT x", "c.d.b 60 A 192.0.2.1", "e.b 60 NS ns.b"},
	{"+b 60 DNAME elsewhere."}, {3, 8, 8}},
    {"a DNAME goes",
	{"b 60 DNAME elsewhere.", "a.b 60 TXT x", "c.d.b 60 A 192.0.2.1", "e.b 60 NS ns.b"},
	{"-b DNAME elsewhere."}, {10, 14, 12}},
    {"a DNAME at the apex", {"a 60 TXT x", "b.c 60 TXT x", "d 60 NS ns.d"},
	{"+@ 60 DNAME elsewhere."}, {3, 3, 3}},
    {"a DNAME at the apex goes",
	{"@ 60 DNAME elsewhere.", "a 60 TXT x", "b.c 60 TXT x", "d 60 NS ns.d"},
	{"-@ DNAME elsewhere."}, {8, 10, 9}},
    {"a DNAME below a delegation", {"b 60 NS ns.b", "c.b 60 TXT x"}, {"+b 60 DNAME elsewhere."},
	{1, 1, 1}},
    {"a delegation goes that a DNAME is at",
	{"b 60 NS ns.b", "b 60 DNAME elsewhere.", "c.b 60 TXT x"}, {"-b NS ns.b"}, {3, 3, 4}},
    {"a delegation above a delegation", {"a.b 60 NS ns.a", "a.b 60 " DS, "c.b 60 TXT x"},
	{"+b 60 NS ns.b"}, {3, 4, 4}},
    {"the delegation above goes", {"a.b 60 NS ns.a", "a.b 60 " DS, "c.b 60 TXT x", "b 60 NS ns.b"},
	{"-b NS ns.b"}, {7, 7, 8}},
    {"hidden names change", {"b 60 NS ns.b", "c.b 60 TXT x", "d.b 60 TXT x"},
	{"-c.b TXT x", "+e.f.b 60 TXT x", "+d.b 60 A 192.0.2.1"}, {1, 1, 1}},
    {"a CNAME takes over", {"a 60 TXT x", "a 60 A 192.0.2.1"},
	{"-a TXT x", "-a A 192.0.2.1", "+a 60 CNAME b"}, {3, 3, 3}},
    {"the apex gets a type", {"a 60 TXT x"}, {"+@ 60 MX 1 a"}, {3, 3, 3}},
    {"the apex's name servers", {"a 60 TXT x"}, {"+@ 3600 NS ns2"}, {2, 2, 2}},
    {"odd octets", {"a 60 TXT x"}, {"+\\000.a 60 TXT x", "+\\255.a 60 TXT x", "+\\001.a 60 TXT x"},
	{8, 8, 8}},
    {"between a name and what is below it", {"a 60 TXT x", "b.a 60 TXT x"}, {"+a\\000 60 TXT x"},
	{4, 4, 4}},
};

struct state {
	struct amend_rig rig;
	struct amend_one *one;
};

static int open_rig(void **state)
{
	struct state *s = mem_alloc(sizeof(*s));

	amend_rig_open(&s->rig);
	*state = s;
	return 0;
}

static int close_rig(void **state)
{
	struct state *s = *state;

	amend_rig_close(&s->rig);
	free(s);
	return 0;
}

/* A new zone; what was there before is forgotten. */
static struct amend_one *begin(struct state *s, enum denial_kind denial)
{
	struct amend_one *o;

	amend_rig_reset(&s->rig);
	amend_seed(&s->rig.random, 1, 1);
	s->one = o = amend_rig_add(&s->rig);
	o->job.policy.denial = denial;
	assert_int_equal(name_parse("example.", o->source.apex), OK);
	memcpy(o->job.apex, o->source.apex, sizeof(o->job.apex));
	assert_true(amend_zone_text(&o->source, "@ 3600 SOA ns1 host 100 3600 900 1209600 1800"));
	assert_true(amend_zone_text(&o->source, "@ 3600 NS ns1"));
	return o;
}

static void apply(struct amend_one *o, const char *const *lines)
{
	for (; *lines != NULL; lines++) {
		if (**lines == '-')
			amend_zone_drop_text(&o->source, *lines + 1);
		else
			assert_true(amend_zone_text(&o->source, *lines + (**lines == '+')));
	}
}

static void play(
    struct state *s, const struct scenario *c, enum denial_kind denial, enum amend_way way)
{
	unsigned most = c->most[denial - DENIAL_NSEC];
	struct amend_one *o = begin(s, denial);

	amend_say(&s->rig, "%s, denial %d, way %d: ", c->title, denial, way);
	apply(o, c->before);
	amend_run(&s->rig, o, AMEND_WHOLE);
	amend_next(o, 1);
	apply(o, c->changes);
	amend_run(&s->rig, o, way);
	if (o->result.signed_now > most)
		amend_fail(&s->rig, "%llu signatures were made; %u are enough",
		    (unsigned long long)o->result.signed_now, most);
}

static void test_R1_a_change_costs_a_change(void **state)
{
	for (size_t i = 0; i < MEM_COUNT(scenarios); i++) {
		for (unsigned d = DENIAL_NSEC; d <= DENIAL_NSEC3_OPT_OUT; d++) {
			play(*state, &scenarios[i], d, AMEND_WHOLE);
			play(*state, &scenarios[i], d, AMEND_DELTA);
		}
	}
}

static void test_nothing_new_is_no_version(void **state)
{
	struct state *s = *state;
	struct amend_one *o = begin(s, DENIAL_NSEC3);
	uint32_t serial;

	assert_true(amend_zone_text(&o->source, "a 60 TXT x"));
	amend_run(&s->rig, o, AMEND_WHOLE);
	serial = o->last.head.serial_out;
	amend_run(&s->rig, o, AMEND_WHOLE);
	amend_run(&s->rig, o, AMEND_NOTHING);
	assert_int_equal(o->last.head.serial_out, serial);
	assert_int_equal(o->result.signed_now, 0);
}

/* Within one difference of several versions, at an empty non-terminal and elsewhere. */
static void test_R1_what_comes_and_goes(void **state)
{
	struct state *s = *state;

	for (unsigned d = DENIAL_NSEC; d <= DENIAL_NSEC3_OPT_OUT; d++) {
		struct amend_one *o = begin(s, d);

		apply(o, (const char *const[]){"a.b 60 TXT x", NULL});
		amend_run(&s->rig, o, AMEND_WHOLE);
		amend_next(o, 1);
		apply(o, (const char *const[]){"+b 60 TXT x", "+c 60 NS ns.c", NULL});
		amend_next(o, 1);
		apply(o,
		    (const char *const[]){"-b 60 TXT x", "-c 60 NS ns.c", "+d.b 60 TXT x", NULL});
		amend_run(&s->rig, o, AMEND_STEPS);
		assert_true(o->way == AMEND_STEPS && o->result.signed_now <= 4);
	}
}

/* A cap that comes with a whole input is no reason to refuse the differences that follow. */
static void test_R1_lower_cap(void **state)
{
	struct state *s = *state;
	struct amend_one *o = begin(s, DENIAL_NSEC3);

	apply(o, (const char *const[]){"a 60 TXT x", "b 60 TXT x", NULL});
	amend_run(&s->rig, o, AMEND_WHOLE);
	o->job.policy.max_ttl = 7200;
	amend_next(o, 1);
	apply(o, (const char *const[]){"+c 9000 TXT x", NULL});
	amend_run(&s->rig, o, AMEND_WHOLE);
	amend_next(o, 1);
	apply(o, (const char *const[]){"+d 9000 TXT x", NULL});
	amend_run(&s->rig, o, AMEND_DELTA);
	assert_int_equal(o->way, AMEND_DELTA);
}

/* Input that is no zone changes nothing, and the next that is one goes through. */

static void bad_input(
    struct state *s, const char *const *forced, bool without_ns, enum amend_way way)
{
	struct amend_one *o = s->one;
	struct amend_zone was;

	amend_zone_copy(&was, &o->source);
	amend_next(o, 1);
	for (; *forced != NULL; forced++)
		amend_zone_force(&o->source, *forced);
	if (without_ns)
		amend_zone_drop(&o->source, o->source.apex, RR_NS);
	amend_start(&s->rig, o, way);
	amend_wait(&s->rig, o);
	if (o->result.code == OK || !o->result.input_bad)
		amend_fail(&s->rig, "it was taken over, or the input is not to blame");
	/* After a difference the whole zone is asked for: the fault may be in the difference only.
	 */
	if (o->way != AMEND_WHOLE)
		assert_int_equal(o->result.code, ERR_CONFLICT);
	amend_judge_untouched(&s->rig, o);
	amend_zone_free(&o->source);
	o->source = was;
	amend_next(o, 2);
	amend_run(&s->rig, o, way);
}

static void test_R60_input_that_is_no_zone(void **state)
{
	static const char *const bad[][3] = {{"a 60 CNAME b"}, {"c 60 CNAME a", "c 60 CNAME b"},
	    {"@ 60 " DS}, {"a 60 SOA ns1 host 100 3600 900 1209600 1800"},
	    {"b 60 DNAME x.", "b 60 DNAME y."}, {"e 60 CNAME b"}, {NULL}};
	struct state *s = *state;

	for (unsigned d = DENIAL_NSEC; d <= DENIAL_NSEC3; d++) {
		begin(s, d);
		apply(s->one, (const char *const[]){"a 60 TXT x", "b 60 TXT x", "e 60 NS ns.e",
				  "a.e 60 TXT x", NULL});
		amend_run(&s->rig, s->one, AMEND_WHOLE);
		for (size_t i = 0; i < MEM_COUNT(bad); i++) {
			bad_input(s, bad[i], bad[i][0] == NULL, AMEND_WHOLE);
			bad_input(s, bad[i], bad[i][0] == NULL, AMEND_DELTA);
		}
	}
}

/* A difference that does not fit what is there is a conflict: the source is asked for all. */

struct misfit {
	uint32_t from;
	enum spool_step step;
	const char *owner, *rdata;
};

static void write_misfit(struct state *s, const struct misfit *m, const char *path)
{
	struct amend_zone next;
	const struct amend_set *soa[2] = {
	    amend_zone_find(&s->one->source, s->one->source.apex, RR_SOA)};
	uint8_t owner[NAME_MAX_LEN];
	struct err e = {0};
	struct spool_writer *w = spool_create(path, s->one->source.apex, 0, &e);

	assert_non_null(w);
	assert_int_equal(name_parse(m->owner, owner), OK);
	amend_zone_copy(&next, &s->one->source);
	amend_zone_set_serial(&next, 102);
	soa[1] = amend_zone_find(&next, next.apex, RR_SOA);
	for (unsigned i = 0; i < 2; i++) {
		if (m->step == (i == 0 ? SPOOL_DELETE : SPOOL_ADD))
			assert_int_equal(spool_write(w, m->step, owner, RR_TXT, 60,
					     (const uint8_t *)m->rdata, 2, &e),
			    OK);
		assert_int_equal(
		    spool_write(w, i == 0 ? SPOOL_DELETE : SPOOL_ADD, soa[i]->owner, RR_SOA,
			soa[i]->ttl, soa[i]->items.data + 2, soa[i]->items.len - 2, &e),
		    OK);
	}
	spool_set_from(w, m->from);
	assert_int_equal(spool_finish(w, SPOOL_DELTA, 102, &e), OK);
	amend_zone_free(&next);
}

static void test_R1_difference_that_does_not_fit(void **state)
{
	static const struct misfit misfits[] = {{99, SPOOL_ADD, "c.example.", "\1x"},
	    {101, SPOOL_ADD, "c.example.", "\1x"}, {100, SPOOL_ADD, "a.example.", "\1x"},
	    {100, SPOOL_DELETE, "a.example.", "\1y"}, {100, SPOOL_DELETE, "c.example.", "\1x"}};
	struct state *s = *state;
	char path[128];

	apply(begin(s, DENIAL_NSEC3), (const char *const[]){"a 60 TXT x", "b 60 TXT x", NULL});
	amend_run(&s->rig, s->one, AMEND_WHOLE);
	for (size_t i = 0; i < MEM_COUNT(misfits); i++) {
		snprintf(path, sizeof(path), "%s/spool-misfit", s->rig.f.dir);
		write_misfit(s, &misfits[i], path);
		amend_start_spool(&s->rig, s->one, AMEND_DELTA, path);
		amend_wait(&s->rig, s->one);
		amend_say(&s->rig, "misfit %zu: ", i);
		if (s->one->result.code != ERR_CONFLICT || !s->one->result.input_bad)
			amend_fail(&s->rig, "it is no conflict: %s", s->one->result.err.text);
		amend_judge_untouched(&s->rig, s->one);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_R1_a_change_costs_a_change, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(test_nothing_new_is_no_version, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(test_R1_what_comes_and_goes, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(test_R1_lower_cap, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(test_R60_input_that_is_no_zone, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(
		test_R1_difference_that_does_not_fit, open_rig, close_rig),
	};

	return cmocka_run_group_tests_name("signing that follows changes", tests, NULL, NULL);
}
