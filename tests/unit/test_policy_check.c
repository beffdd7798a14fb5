/* Policies judged against TTLs: what is fine passes, each sum that does not come out is named, and
 * the judgement is the one that the plan itself comes to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "base/mem.h"
#include "keys/check.h"
#include "keys/plan.h"

#define DAY 86400
#define HOUR 3600
#define MINUTE 60

static struct policy_finding findings[POLICY_FINDINGS_MAX];
static unsigned count;

/* R21 and the other defaults of the configuration. */
static struct key_policy default_policy(void)
{
	struct period week = {.seconds = 7 * DAY}, two_months = {.months = 2};
	struct key_policy p = {.name = "default", .algorithm = 13};

	p.ksk = (struct key_role_policy){.wanted = true,
	    .prepublish = two_months,
	    .active = {.months = 24},
	    .postpublish = two_months};
	p.zsk = (struct key_role_policy){
	    .wanted = true, .prepublish = week, .active = {.months = 3}, .postpublish = week};
	p.csk = p.ksk;
	p.csk.wanted = false;
	p.ttl_dnskey = p.ttl_cds = p.propagation = p.ds_propagation = HOUR;
	p.ds_ttl = p.ds_deadline = DAY;
	p.max_ttl = 2 * DAY;
	p.emergency_validity = 3 * DAY;
	return p;
}

static struct policy_question question_of(const struct key_policy *p)
{
	return (struct policy_question){.policy = p, .validity = 14 * DAY, .refresh = 7 * DAY};
}

static void judge(const struct policy_question *q)
{
	count = policy_check(q, findings);
}

static const struct policy_finding *find(enum policy_severity severity, const char *setting)
{
	for (unsigned i = 0; i < count; i++)
		if (findings[i].severity == severity && strcmp(findings[i].setting, setting) == 0)
			return &findings[i];
	for (unsigned i = 0; i < count; i++)
		print_error("%s %s: %s\n", policy_severity_name(findings[i].severity),
		    findings[i].setting, findings[i].text);
	print_error("no %s about %s\n", policy_severity_name(severity), setting);
	return NULL;
}

static void the_default_passes_R21_R25(void **state)
{
	struct key_policy p = default_policy();
	struct policy_question q = question_of(&p);

	(void)state;
	judge(&q);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(findings[i].severity, POLICY_NOTE);
	assert_false(policy_has_error(findings, count));
	q.knows_zone = true;
	q.ttl_zone = DAY;
	judge(&q);
	assert_int_equal(count, 0);
	p.ksk.wanted = p.zsk.wanted = false;
	p.csk.wanted = true;
	judge(&q);
	assert_int_equal(count, 0);
}

static void the_sum_is_shown_R25(void **state)
{
	struct key_policy p = default_policy();
	struct policy_question q = question_of(&p);
	const struct policy_finding *f;

	(void)state;
	p.zsk.prepublish = (struct period){.seconds = DAY};
	p.ttl_dnskey = 2 * DAY;
	judge(&q);
	f = find(POLICY_ERROR, "zsk.prepublish");
	assert_non_null(f);
	assert_string_equal(f->text,
	    "zsk.prepublish is P1D, but a new ZSK may sign only after its DNSKEY has been "
	    "everywhere for its TTL: propagation PT1H + ttl.dnskey P2D = P2DT1H (RFC 7583 3.2.1, "
	    "Ipub)");
	assert_string_equal(f->sum, "propagation PT1H + ttl.dnskey P2D = P2DT1H");
	assert_string_equal(f->advice, "zsk.prepublish = \"P2DT1H\" or longer");
	assert_true(policy_has_error(findings, count));
}

/* One change to the default (or to what a zone has), and what is said of it. */
struct twist {
	void (*change)(struct key_policy *p, struct policy_question *q);
	enum policy_severity severity;
	const char *setting, *sum, *advice;
};

#define CHANGE(name, ...)                                                                          \
	static void name(struct key_policy *p, struct policy_question *q)                          \
	{                                                                                          \
		(void)p;                                                                           \
		(void)q;                                                                           \
		__VA_ARGS__;                                                                       \
	}
CHANGE(ksk_prepublish_a_day, p->ksk.prepublish = (struct period){.seconds = DAY})
CHANGE(ksk_prepublish_two_days, p->ksk.prepublish = (struct period){.seconds = 2 * DAY})
CHANGE(ksk_prepublish_a_february, p->ksk.prepublish = (struct period){.months = 1};
       p->ds_ttl = 28 * DAY)
CHANGE(ksk_postpublish_a_day, p->ksk.postpublish = (struct period){.seconds = DAY})
CHANGE(ksk_postpublish_two_days, p->ksk.postpublish = (struct period){.seconds = 2 * DAY})
CHANGE(csk_both, p->ksk.wanted = p->zsk.wanted = false; p->csk.wanted = true;
       p->csk.postpublish = p->csk.prepublish = (struct period){.seconds = HOUR})
CHANGE(zsk_postpublish_an_hour, p->zsk.postpublish = (struct period){.seconds = HOUR})
CHANGE(zsk_postpublish_a_day, p->zsk.postpublish = (struct period){.seconds = DAY})
CHANGE(zone_ttl_a_week, q->knows_zone = true; q->ttl_zone = 7 * DAY)
CHANGE(zone_ttl_six_days, q->knows_zone = true; q->ttl_zone = 6 * DAY)
CHANGE(zone_ttl_two_days, q->knows_zone = true; q->ttl_zone = 2 * DAY)
CHANGE(active_shorter, p->zsk.active = (struct period){.seconds = 6 * DAY})
CHANGE(active_a_month, p->zsk.active = p->zsk.prepublish = (struct period){.months = 1})
CHANGE(active_february, p->zsk.active.months = 1; p->zsk.prepublish.seconds = 28 * DAY)
CHANGE(many_keys, p->zsk.active.months = 0; p->zsk.active.seconds = 8 * DAY;
       p->zsk.postpublish.seconds = 80 * DAY)
CHANGE(refresh_an_hour, q->refresh = HOUR)
CHANGE(refresh_equal, q->refresh = 2 * HOUR)
CHANGE(refresh_a_day, q->refresh = DAY)
CHANGE(emergency_short, p->emergency_validity = 3 * HOUR)
CHANGE(emergency_long, p->emergency_validity = 8 * DAY)
CHANGE(slow_parent, p->ds_deadline = 7 * DAY)
CHANGE(parent_ttl_seen, q->ttl_ds = 7 * DAY)
CHANGE(dnskey_two_days, p->ttl_dnskey = 2 * DAY)

static const struct twist twists[] = {
    {ksk_prepublish_a_day, POLICY_ERROR, "ksk.prepublish",
	"propagation PT1H + ttl.dnskey PT1H + parent.propagation PT1H + parent.ds_ttl P1D = P1DT3H",
	"ksk.prepublish = \"P1DT3H\" or longer"},
    {ksk_prepublish_two_days, POLICY_WARNING, "ksk.prepublish",
	"propagation PT1H + ttl.dnskey PT1H + parent.deadline P1D + parent.propagation PT1H + "
	"parent.ds_ttl P1D = P2DT3H",
	"ksk.prepublish = \"P2DT3H\" or longer"},
    {ksk_prepublish_a_february, POLICY_ERROR, "ksk.prepublish",
	"propagation PT1H + ttl.dnskey PT1H + parent.propagation PT1H + parent.ds_ttl P4W = "
	"P28DT3H",
	"ksk.prepublish = \"P28DT3H\" or longer"},
    {ksk_postpublish_a_day, POLICY_ERROR, "ksk.postpublish",
	"parent.propagation PT1H + parent.ds_ttl P1D = P1DT1H",
	"ksk.postpublish = \"P1DT1H\" or longer"},
    {ksk_postpublish_two_days, POLICY_WARNING, "ksk.postpublish",
	"parent.deadline P1D + parent.propagation PT1H + parent.ds_ttl P1D = P2DT1H",
	"ksk.postpublish = \"P2DT1H\" or longer"},
    {csk_both, POLICY_ERROR, "csk.prepublish", "propagation PT1H + ttl.dnskey PT1H = PT2H",
	"csk.prepublish = \"PT2H\" or longer"},
    {csk_both, POLICY_ERROR, "csk.postpublish", "propagation PT1H + ttl.cds PT1H = PT2H",
	"csk.postpublish = \"PT2H\" or longer"},
    {zsk_postpublish_an_hour, POLICY_ERROR, "zsk.postpublish",
	"propagation PT1H + ttl.cds PT1H = PT2H", "zsk.postpublish = \"PT2H\" or longer"},
    {zsk_postpublish_a_day, POLICY_WARNING, "zsk.postpublish",
	"a day to sign all anew P1D + propagation PT1H + max_ttl P2D = P3DT1H",
	"zsk.postpublish = \"P3DT1H\" or longer"},
    {zone_ttl_a_week, POLICY_ERROR, "zsk.postpublish",
	"propagation PT1H + the zone's longest TTL P1W = P7DT1H",
	"zsk.postpublish = \"P7DT1H\" or longer"},
    {zone_ttl_a_week, POLICY_ERROR, "signatures.refresh",
	"propagation PT1H + the zone's longest TTL P1W = P7DT1H",
	"signatures.refresh longer than \"P7DT1H\""},
    {zone_ttl_six_days, POLICY_WARNING, "zsk.postpublish",
	"a day to sign all anew P1D + propagation PT1H + the zone's longest TTL P6D = P7DT1H",
	"zsk.postpublish = \"P7DT1H\" or longer"},
    {zone_ttl_two_days, POLICY_WARNING, "max_ttl",
	"propagation PT1H + the zone's longest TTL P2D = P2DT1H",
	"max_ttl = \"P1DT23H\" or shorter"},
    {active_shorter, POLICY_ERROR, "zsk.active", "", "zsk.active longer than zsk.prepublish"},
    {active_a_month, POLICY_ERROR, "zsk.active", "", "zsk.active longer than zsk.prepublish"},
    {active_february, POLICY_WARNING, "zsk.active", "", "zsk.active longer than zsk.prepublish"},
    {many_keys, POLICY_WARNING, "zsk.postpublish", "",
	"zsk.postpublish shorter than the active period"},
    {refresh_an_hour, POLICY_ERROR, "signatures.refresh",
	"propagation PT1H + ttl.dnskey PT1H = PT2H", "signatures.refresh longer than \"PT2H\""},
    {refresh_equal, POLICY_ERROR, "signatures.refresh", "propagation PT1H + ttl.dnskey PT1H = PT2H",
	"signatures.refresh longer than \"PT2H\""},
    {refresh_a_day, POLICY_WARNING, "signatures.refresh", "propagation PT1H + max_ttl P2D = P2DT1H",
	"signatures.refresh longer than \"P2DT1H\""},
    {emergency_short, POLICY_ERROR, "emergency_validity",
	"propagation PT1H + ttl.dnskey PT1H = PT2H", "emergency_validity longer than \"PT3H\""},
    {emergency_long, POLICY_WARNING, "emergency_validity", "", "emergency_validity = \"P3D\""},
    {slow_parent, POLICY_WARNING, "parent.deadline",
	"propagation PT1H + ttl.dnskey PT1H + parent.deadline P1W + parent.propagation PT1H + "
	"parent.ds_ttl P1D = P8DT3H",
	"parent.deadline = \"P5DT21H\" or shorter"},
    {parent_ttl_seen, POLICY_WARNING, "parent.ds_ttl",
	"propagation PT1H + ttl.dnskey PT1H + parent.deadline P1D + parent.propagation PT1H + "
	"the parent's TTL of DS P1W = P8DT3H",
	"parent.ds_ttl = \"P5DT21H\" or shorter"},
    {dnskey_two_days, POLICY_WARNING, "ttl.dnskey", "propagation PT1H + ttl.dnskey P2D = P2DT1H",
	"ttl.dnskey = \"P1DT23H\" or shorter"},
};

static void each_sum_that_does_not_come_out_is_found_R11_R23_R24_R25(void **state)
{
	(void)state;
	for (size_t i = 0; i < MEM_COUNT(twists); i++) {
		struct key_policy p = default_policy();
		struct policy_question q = question_of(&p);
		const struct policy_finding *f;

		twists[i].change(&p, &q);
		judge(&q);
		f = find(twists[i].severity, twists[i].setting);
		assert_non_null(f);
		assert_string_equal(f->sum, twists[i].sum);
		assert_string_equal(f->advice, twists[i].advice);
		assert_non_null(strstr(f->text, twists[i].sum));
		for (unsigned k = 1; k < count; k++)
			assert_true(findings[k - 1].severity <= findings[k].severity);
	}
}

static void what_is_advised_is_enough_R25(void **state)
{
	struct key_policy p = default_policy();
	struct policy_question q = question_of(&p);

	(void)state;
	p.ksk.prepublish = (struct period){.seconds = 2 * DAY + 3 * HOUR};
	p.ksk.postpublish = (struct period){.seconds = 2 * DAY + HOUR};
	p.zsk.prepublish = (struct period){.seconds = 2 * HOUR};
	p.zsk.postpublish = (struct period){.seconds = 3 * DAY + HOUR};
	p.max_ttl = 47 * HOUR;
	p.emergency_validity = 3 * HOUR + MINUTE;
	q.refresh = 2 * DAY + HOUR + 1;
	judge(&q);
	assert_int_equal(count, 0);
}

static void what_never_happens_is_not_judged(void **state)
{
	struct key_policy p = default_policy();
	struct policy_question q = question_of(&p);

	(void)state;
	q.knows_zone = true;
	q.ttl_zone = HOUR;
	p.zsk.active = p.ksk.active = (struct period){0, 0}; /* no roll-over is scheduled */
	p.zsk.prepublish = p.ksk.prepublish = (struct period){0, 0};
	judge(&q);
	assert_int_equal(count, 0);
	p.ksk.postpublish = (struct period){0, 0};
	judge(&q);
	assert_int_equal(count, 1);
	p.no_ds = true;
	judge(&q);
	assert_int_equal(count, 0);
}

/* The oracle: the plan, of a zone whose changes are seen at once, comes to the same result. */

struct dates {
	int64_t active, removed;
};

static void note_row(void *arg, const struct plan_row *row)
{
	struct dates *d = arg;

	if (row->step == ROLL_ACTIVATE && row->role == KEY_ZSK && d->active == 0)
		d->active = row->at;
	if (row->step == ROLL_REMOVE && row->tag == 2 && d->removed == 0)
		d->removed = row->at;
}

static void add_key(struct record *r, struct facts *f, enum key_role role, uint16_t tag)
{
	struct facts_key *seen = &f->keys[r->key_count];
	struct record_key *k = record_add_key(r);

	k->role = role;
	k->algorithm = 13;
	k->tag = tag;
	k->pub_len = 1;
	for (enum key_time t = TIME_GENERATED; t <= TIME_ACTIVE; t++)
		k->times.at[t] = 1000 * DAY;
	seen->in_set = seen->signs_set = 1000 * DAY;
	if (role == KEY_ZSK) {
		k->times.at[TIME_SIGN_FROM] = seen->signs_all = 1000 * DAY;
		return;
	}
	k->times.at[TIME_DS_SUBMITTED] = k->times.at[TIME_DS_SEEN] = seen->ds_in = 1000 * DAY;
}

static struct dates dates_of(const struct key_policy *p, uint32_t ttl_zone)
{
	struct facts f = {.signed_since = 1000 * DAY, .ttl_zone = ttl_zone};
	struct plan_input in = {NULL, p, &f, 1000 * DAY, 1200 * DAY, 1000};
	struct record r = {0};
	struct dates d = {0, 0};

	add_key(&r, &f, KEY_KSK, 1);
	add_key(&r, &f, KEY_ZSK, 2);
	in.record = &r;
	plan_make(&in, note_row, &d);
	record_free(&r);
	return d;
}

static bool is_blamed(const char *setting)
{
	for (unsigned i = 0; i < count; i++)
		if (findings[i].severity == POLICY_ERROR &&
		    strcmp(findings[i].setting, setting) == 0)
			return true;
	return false;
}

static void the_plan_agrees_R25(void **state)
{
	unsigned seed = (unsigned)time(NULL), late = 0;

	(void)state;
	print_message("# seed %u\n", seed);
	srand(seed);
	for (unsigned i = 0; i < 2000; i++) {
		struct key_policy p = default_policy();
		struct policy_question q = question_of(&p);
		int64_t active = (30 + rand() % 60) * DAY;
		struct dates d;

		p.propagation = 0; /* seen at once, and without a margin */
		p.zsk.active = (struct period){0, active};
		p.zsk.prepublish = (struct period){0, 1 + rand() % (4 * DAY)};
		p.zsk.postpublish = (struct period){0, 1 + rand() % (4 * DAY)};
		p.ttl_dnskey = 1 + (uint32_t)rand() % (4 * DAY);
		q.knows_zone = true;
		q.ttl_zone = HOUR + (uint32_t)rand() % (4 * DAY);
		judge(&q);
		d = dates_of(&p, q.ttl_zone);
		assert_true(d.active >= 1000 * DAY + active);
		assert_int_equal(d.active > 1000 * DAY + active, is_blamed("zsk.prepublish"));
		assert_int_equal(
		    d.removed > d.active + p.zsk.postpublish.seconds, is_blamed("zsk.postpublish"));
		late += d.active > 1000 * DAY + active;
	}
	assert_in_range(late, 200, 1800); /* both kinds were there */
}

static void count_generated(void *arg, const struct plan_row *row)
{
	unsigned *n = arg;

	*n += row->step == ROLL_GENERATE;
}

/* Keys that are only planned have the size that policy asks for: none is made twice. */
static void a_plan_makes_each_RSA_key_once_R26(void **state)
{
	struct key_policy p = default_policy();
	struct facts f = {.signed_since = 1000 * DAY, .ttl_zone = HOUR};
	struct plan_input in = {NULL, &p, &f, 1000 * DAY, 1060 * DAY, 1000};
	struct record r = {0};
	unsigned generated = 0;

	(void)state;
	p.algorithm = 8;
	p.ksk.bits = 3072;
	add_key(&r, &f, KEY_KSK, 1);
	add_key(&r, &f, KEY_ZSK, 2);
	in.record = &r;
	plan_make(&in, count_generated, &generated);
	record_free(&r);
	assert_int_equal(generated, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_default_passes_R21_R25),
	    cmocka_unit_test(the_sum_is_shown_R25),
	    cmocka_unit_test(each_sum_that_does_not_come_out_is_found_R11_R23_R24_R25),
	    cmocka_unit_test(what_is_advised_is_enough_R25),
	    cmocka_unit_test(what_never_happens_is_not_judged),
	    cmocka_unit_test(the_plan_agrees_R25),
	    cmocka_unit_test(a_plan_makes_each_RSA_key_once_R26),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
