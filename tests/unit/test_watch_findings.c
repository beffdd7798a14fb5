/* What is found wrong with a child, where, since when (R42). */
#include <stdio.h>
#include <string.h>
#include "dns/rrtype.h"
#include "tests/unit/watch_rig.h"

#define KSK 257
#define ZSK 256

struct bench {
	struct rig rig;
	struct rig_key *ksk, *other, *zsk;
};

static int setup(void **state)
{
	struct bench *b = test_calloc(1, sizeof(*b));

	rig_init(&b->rig, WATCH_BY_DNSKEY);
	b->ksk = rig_key(ALG_ED25519, KSK);
	b->other = rig_key(ALG_ED25519, KSK);
	b->zsk = rig_key(ALG_ED25519, ZSK);
	rig_serve(&b->rig, RIG_KEYS_OF(b->ksk, b->zsk), RIG_KEYS_OF(b->ksk));
	rig_parent(&b->rig, RIG_KEYS_OF(b->ksk));
	rig_look_for(&b->rig, RIG_DAY);
	assert_int_equal(b->rig.findings.count, 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	rig_free(&b->rig);
	test_free(b);
	return 0;
}

/* One of this kind and no other, at this server (NULL: of the whole domain), since then. */
static const struct watch_finding *expect(
    const struct rig *r, enum watch_kind kind, const char *server, int64_t since)
{
	const struct watch_finding *x = rig_finding(r, kind);

	if (x == NULL)
		fail_msg("no %s among %u", watch_kind_name(kind), r->findings.count);
	for (unsigned i = 0; i < r->findings.count; i++) {
		if (r->findings.list[i].kind != kind)
			fail_msg("and %s", watch_kind_name(r->findings.list[i].kind));
	}
	assert_string_equal(x->server, server != NULL ? server : "");
	assert_int_equal(x->since, since);
	return x;
}

static void the_chain(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	int64_t at;

	r->servers[1].signers = RIG_KEYS_OF(b->zsk);
	rig_look_for(r, RIG_HOUR);
	at = r->now;
	rig_look_for(r, RIG_DAY);
	expect(r, WATCH_KEYS_NOT_SIGNED, "192.0.2.2", at);
	r->servers[1].signers = RIG_KEYS_OF(b->ksk);
	rig_look_for(r, RIG_HOUR);
	assert_int_equal(r->findings.count, 0);
	rig_parent(r, RIG_KEYS_OF(b->other));
	rig_look_for(r, RIG_HOUR);
	assert_non_null(rig_finding(r, WATCH_NO_KEY_FOR_DS));
	assert_non_null(rig_finding(r, WATCH_DS_WITHOUT_KEY));
	assert_int_equal(watch_findings_count(&r->findings, WATCH_ERROR), 2);
	assert_int_equal(watch_findings_count(&r->findings, WATCH_REMARK), 1);
	rig_parent(r, RIG_KEYS_OF(b->other, b->ksk));
	rig_look_for(r, RIG_HOUR);
	expect(r, WATCH_DS_WITHOUT_KEY, NULL, r->now - RIG_HOUR);
}

static void an_algorithm_that_does_not_sign(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct rig_key *second = rig_key(ALG_ECDSAP256SHA256, KSK);

	rig_serve(r, RIG_KEYS_OF(b->ksk, second, b->zsk), RIG_KEYS_OF(b->ksk));
	rig_parent(r, RIG_KEYS_OF(b->ksk, second));
	rig_look_for(r, RIG_HOUR);
	expect(r, WATCH_ALGORITHM_SILENT, "192.0.2.1", r->now);
	assert_int_equal(r->findings.count, 2);
}

static void servers(void **state)
{
	static const struct {
		enum watch_word word;
		enum watch_kind kind;
	} cases[] = {{WATCH_SILENT, WATCH_SERVER_SILENT}, {WATCH_LAME, WATCH_SERVER_LAME},
	    {WATCH_REFUSED, WATCH_SERVER_LAME}, {WATCH_SERVFAIL, WATCH_SERVER_LAME},
	    {WATCH_BROKEN, WATCH_SERVER_BROKEN}};
	struct bench *b = *state;
	struct rig *r = &b->rig;
	int64_t at;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		r->servers[1].word = cases[i].word;
		rig_look_for(r, RIG_HOUR);
		assert_int_equal(r->findings.count, 0); /* one lost answer is no error */
		at = r->now;
		rig_look_for(r, RIG_DAY);
		expect(r, cases[i].kind, "192.0.2.2", at);
		r->servers[1].word = WATCH_ANSWERED;
		rig_look_for(r, RIG_HOUR);
		assert_int_equal(r->findings.count, 0);
	}
}

static void servers_that_differ(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	int64_t at;

	/* Always one version behind at each look is not behind. */
	for (unsigned i = 0; i < 5; i++) {
		r->servers[0].serial = i + 2;
		r->servers[1].serial = i + 1;
		rig_look_for(r, RIG_HOUR);
		assert_int_equal(r->findings.count, 0);
	}
	r->servers[1].serial = r->servers[0].serial++;
	r->servers[1].keys = RIG_KEYS_OF(b->ksk, b->zsk, rig_key(ALG_ED25519, ZSK));
	rig_look_for(r, RIG_HOUR);
	assert_int_equal(r->findings.count, 0);
	at = r->now;
	rig_look_for(r, 2 * RIG_HOUR);
	assert_int_equal(r->findings.count, 2);
	assert_string_equal(rig_finding(r, WATCH_SERIAL_BEHIND)->server, "192.0.2.2");
	assert_int_equal(rig_finding(r, WATCH_SERIAL_BEHIND)->since, at);
	assert_int_equal(rig_finding(r, WATCH_KEYS_DIFFER)->since, at);
	/* Silence is no agreement. */
	r->servers[1].word = WATCH_SILENT;
	rig_look_for(r, 2 * RIG_HOUR);
	r->servers[1].word = WATCH_ANSWERED;
	rig_look_for(r, RIG_HOUR);
	assert_int_equal(rig_finding(r, WATCH_SERIAL_BEHIND)->since, at);
	assert_int_equal(rig_finding(r, WATCH_KEYS_DIFFER)->since, at);
	r->servers[1] = r->servers[0];
	rig_look_for(r, RIG_HOUR);
	assert_int_equal(r->findings.count, 0);
}

static void what_a_silent_server_had(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	int64_t at;

	r->servers[1].signers = RIG_KEYS_OF(b->zsk);
	rig_look_for(r, RIG_HOUR);
	at = r->now;
	r->servers[1].word = WATCH_SILENT;
	rig_look_for(r, RIG_DAY);
	assert_int_equal(rig_finding(r, WATCH_KEYS_NOT_SIGNED)->since, at);
	assert_non_null(rig_finding(r, WATCH_SERVER_SILENT));
	r->servers[1].word = WATCH_ANSWERED;
	rig_look_for(r, RIG_HOUR);
	expect(r, WATCH_KEYS_NOT_SIGNED, "192.0.2.2", at);
	r->servers[1].signers = RIG_KEYS_OF(b->ksk);
	rig_look_for(r, RIG_HOUR);
	assert_int_equal(r->findings.count, 0);
}

/* Each threshold is an occasion of its own; nothing else is, however often it is looked at. */
static void signatures_that_expire(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	int64_t end = r->now + 9 * RIG_DAY, last = 0;
	char occasion[WATCH_OCCASION_MAX], before[WATCH_OCCASION_MAX] = "";
	unsigned occasions = 0;

	for (unsigned i = 0; i < 2; i++)
		r->servers[i].expiration = end;
	while (r->now < end) {
		const struct watch_finding *x;

		rig_look_for(r, RIG_HOUR);
		x = rig_finding(r, WATCH_RRSIG_EXPIRING);
		if (x == NULL) {
			assert_true(end - r->now >= 7 * RIG_DAY - RIG_HOUR);
			continue;
		}
		assert_int_equal(x->until, end);
		assert_true(x->threshold >= end - r->now);
		watch_finding_occasion(x, occasion);
		if (strcmp(occasion, before) != 0) {
			occasions++;
			assert_true(last == 0 || x->threshold < last);
			last = x->threshold;
		}
		strcpy(before, occasion);
	}
	assert_int_equal(occasions, 3);
	rig_look_for(r, RIG_HOUR);
	expect(r, WATCH_RRSIG_EXPIRED, "192.0.2.1", end);
	assert_int_equal(r->findings.count, 4); /* DNSKEY and SOA at both */
	for (unsigned i = 0; i < 2; i++) {
		r->servers[i].expiration = r->now + 100 * RIG_DAY;
		r->servers[i].inception = r->now + 2 * RIG_DAY;
	}
	rig_look_for(r, RIG_HOUR);
	expect(r, WATCH_RRSIG_EARLY, "192.0.2.1", r->now);
}

static void signatures_that_do_not_hold(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct rig_key *stranger = rig_key(ALG_ED25519, ZSK);

	for (unsigned i = 0; i < 2; i++)
		r->servers[i].zone_signers = RIG_KEYS_OF(stranger);
	rig_look_for(r, RIG_HOUR);
	assert_string_equal(rig_finding(r, WATCH_SIGNATURE_BAD)->what, "SOA");
	for (unsigned i = 0; i < 2; i++)
		r->servers[i].zone_signers.count = 0;
	rig_look_for(r, RIG_HOUR);
	assert_non_null(strstr(rig_finding(r, WATCH_SIGNATURE_BAD)->detail, "is not signed"));
}

static void remarks(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct parent_ds weak = rig_ds(b->ksk, 1);

	watch_ds_add(&r->ds[0], &weak);
	weak.algorithm = 7;
	watch_ds_add(&r->ds[0], &weak);
	r->ds[1] = r->ds[0];
	r->servers[0].iterations = 10;
	rig_look_for(r, RIG_HOUR);
	assert_non_null(rig_finding(r, WATCH_DS_WEAK_DIGEST));
	assert_non_null(rig_finding(r, WATCH_WEAK_ALGORITHM));
	assert_string_equal(rig_finding(r, WATCH_NSEC3_ITERATIONS)->server, "192.0.2.1");
	assert_int_equal(watch_findings_count(&r->findings, WATCH_ERROR), 0);
	assert_int_equal(watch_findings_count(&r->findings, WATCH_EXPIRY), 0);
}

static void an_unsigned_domain_is_fine(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	r->ds[0].count = r->ds[1].count = 0;
	for (unsigned i = 0; i < 2; i++)
		r->servers[i].expiration = r->now;
	rig_look_for(r, RIG_DAY);
	assert_int_equal(r->findings.count, 0);
	for (unsigned i = 0; i < 2; i++)
		r->servers[i].keys.count = r->servers[i].zone_signers.count = 0;
	rig_look_for(r, RIG_DAY);
	assert_int_equal(r->findings.count, 0);
}

static void kept(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct watch_findings again = {.count = 0};
	struct buf row = {0};
	struct reader reader;
	char text[300];

	rig_parent(r, RIG_KEYS_OF(b->other));
	rig_look_for(r, RIG_HOUR);
	watch_findings_write(&r->findings, &row);
	reader = reader_of(row.data, row.len);
	assert_int_equal(watch_findings_read(&reader, &again), OK);
	assert_int_equal(again.count, r->findings.count);
	for (unsigned i = 0; i < again.count; i++) {
		assert_ptr_equal(watch_findings_find(&again, &r->findings.list[i]), &again.list[i]);
		assert_string_equal(again.list[i].detail, r->findings.list[i].detail);
	}
	watch_finding_text(&again.list[0], text, sizeof(text));
	assert_int_equal(strncmp(text, "192.0.2.1: no DNSKEY there belongs to a DS", 42), 0);
	for (size_t cut = 0; cut < row.len; cut++) {
		reader = reader_of(row.data, cut);
		assert_int_equal(watch_findings_read(&reader, &again), ERR_FORMAT);
	}
	watch_findings_free(&again);
	buf_free(&row);
}

static void every_kind_has_words(void **state)
{
	(void)state;
	for (unsigned k = 0; k < WATCH_KINDS; k++) {
		assert_non_null(watch_kind_name(k));
		assert_true(strlen(watch_kind_name(k)) < 32);
		assert_int_equal(
		    watch_kind_advice(k)[strlen(watch_kind_advice(k)) - 1], '.');
	}
}

int main(void)
{
#define TEST(title, function) {title, function, setup, teardown, NULL}
	const struct CMUnitTest tests[] = {
	    TEST("R42 from the DS to the DNSKEY set", the_chain),
	    TEST("R42 an algorithm that does not sign", an_algorithm_that_does_not_sign),
	    TEST("R42 servers that fail", servers),
	    TEST("R42 servers that differ", servers_that_differ),
	    TEST("R42 what was found at a silent server is not over", what_a_silent_server_had),
	    TEST("R42 signatures that expire", signatures_that_expire),
	    TEST("R42 signatures that do not hold", signatures_that_do_not_hold),
	    TEST("R42 remarks", remarks),
	    TEST("R42 an unsigned domain", an_unsigned_domain_is_fine),
	    TEST("R42 what is kept", kept),
	    TEST("R42 words", every_kind_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
