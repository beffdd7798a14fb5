/* Signing, with keys in OpenSSL: what is signed and what is not, what is kept, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "dns/rrtype.h"
#include "tests/unit/fake_token.h"
#include "tests/unit/signing.h"

#define HEAD                                                                                       \
	"$ORIGIN example.\n$TTL 3600\n"                                                            \
	"@ IN SOA ns1 host 100 3600 900 1209600 1800\n@ IN NS ns1\nns1 IN A 192.0.2.1\n"

static const char odd_zone[] =
    HEAD "Mixed.Case IN TXT \"one\"\n"
	 "a.b.c.d IN A 192.0.2.2\n"
	 "* IN MX 10 ns1\n"
	 "*.wild IN TXT \"w\"\n"
	 "sub IN NS ns.sub\nsub IN A 192.0.2.3\nns.sub IN A 192.0.2.4\n"
	 "deep.ns.sub IN AAAA 2001:db8::1\n"
	 "safe IN NS ns.safe\nns.safe IN A 192.0.2.5\n"
	 "safe IN DS 1 13 2 "
	 "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n"
	 "far.away.cut IN NS ns.elsewhere.\n"
	 "d IN DNAME elsewhere.\nx.d IN TXT \"hidden\"\n"
	 "alias IN CNAME ns1\n"
	 "esc\\000aped IN TXT \"zero\"\n"
	 "u IN TYPE731 \\# 3 abcdef\n"
	 "caa IN CAA 0 issue \"ca.example\"\n";

static void sign_ok(struct signing *f)
{
	struct err e = {0};

	if (signing_sign(f) != OK)
		fail_msg("%s", f->result.err.text);
	if (signing_check(f, true, &e) != OK)
		fail_msg("%s", e.text);
}

static void count_sigs(void *arg, const struct walk *w, const struct rrset *set)
{
	(void)w;
	*(unsigned *)arg += set->sigs;
}

static void test_R7_all_denials(void **state)
{
	struct signing *f = *state;
	unsigned sigs = 0;

	for (int d = DENIAL_NSEC; d <= DENIAL_NSEC3_OPT_OUT; d++) {
		f->job.policy.denial = d;
		signing_text(f, odd_zone);
		sign_ok(f);
		sigs = 0;
		signing_each(f, count_sigs, &sigs);
		assert_int_equal(sigs, f->result.head.signatures);
		assert_int_equal(f->result.head.denial, d);
	}
}

static void test_R13_all_algorithms(void **state)
{
	static const uint8_t algorithms[] = {8, 10, 13, 14, 15, 16};
	struct signing *f = *state;

	for (size_t i = 0; i < sizeof(algorithms); i++) {
		f->job.keys.count = 1;
		fake_token_key(f->token, algorithms[i], KEY_CSK, &f->job.keys.keys[0]);
		signing_text(f, odd_zone);
		sign_ok(f);
		assert_int_equal(f->result.kept, 0);
	}
}

static void test_two_algorithms(void **state)
{
	struct signing *f = *state;

	f->job.keys.count = 4;
	fake_token_key(f->token, ALG_ED25519, KEY_KSK, &f->job.keys.keys[2]);
	fake_token_key(f->token, ALG_ED25519, KEY_ZSK, &f->job.keys.keys[3]);
	signing_text(f, odd_zone);
	sign_ok(f);
	assert_int_equal(f->result.head.keys[1].signatures, f->result.head.keys[3].signatures);
}

static void test_nothing_to_do_makes_no_version(void **state)
{
	struct signing *f = *state;
	uint32_t serial;

	signing_text(f, odd_zone);
	sign_ok(f);
	serial = f->result.head.serial_out;
	signing_text(f, odd_zone);
	sign_ok(f);
	assert_int_equal(f->result.signed_now, 0);
	assert_int_equal(f->result.head.serial_out, serial);
	f->job.spool = NULL;
	sign_ok(f);
	assert_int_equal(f->result.signed_now, 0);
	f->job.force = true;
	sign_ok(f);
	assert_int_equal(f->result.kept, 0);
	assert_int_equal(f->result.head.serial_out, serial + 1);
}

static void test_one_change_costs_its_neighbours(void **state)
{
	struct signing *f = *state;
	char zone[4096];

	for (int d = DENIAL_NSEC; d <= DENIAL_NSEC3; d++) {
		f->job.policy.denial = d;
		signing_text(f, odd_zone);
		sign_ok(f);
		/* Another value: the record and the SOA. */
		snprintf(zone, sizeof(zone), "%s", odd_zone);
		memcpy(strstr(zone, "\"one\""), "\"two\"", 5);
		signing_text(f, zone);
		sign_ok(f);
		assert_int_equal(f->result.signed_now, 2);
		/* A new name: its record, its link, the link before it, the SOA. */
		strcat(zone, "new IN A 192.0.2.77\n");
		signing_text(f, zone);
		sign_ok(f);
		assert_int_equal(f->result.signed_now, 4);
		/* It goes away again. */
		zone[strlen(zone) - strlen("new IN A 192.0.2.77\n")] = '\0';
		signing_text(f, zone);
		sign_ok(f);
		assert_int_equal(f->result.signed_now, 2);
	}
}

static void test_R10_refresh(void **state)
{
	struct signing *f = *state;

	signing_text(f, odd_zone);
	sign_ok(f);
	assert_int_equal(
	    f->result.head.resign_at, f->result.head.expiry_first - f->job.policy.refresh);
	f->job.spool = NULL;
	f->job.now = f->result.head.resign_at - 1;
	sign_ok(f);
	assert_int_equal(f->result.signed_now, 0);
	f->job.now++;
	sign_ok(f);
	assert_true(f->result.signed_now > 0);
	assert_true(f->result.head.resign_at > f->job.now);
}

static void look_at_times(void *arg, const struct walk *w, const struct rrset *set)
{
	const struct signing *f = arg;
	const struct sign_policy *p = &f->job.policy;
	const uint8_t *at = set->sigdata;

	(void)w;
	for (unsigned i = 0; i < set->sigs; i++) {
		struct rrsig sig;
		uint16_t len;
		const uint8_t *rdata = rrset_next(&at, &len);

		assert_int_equal(rrsig_parse(rdata, len, &sig), OK);
		assert_int_equal(sig.inception, f->job.now - p->inception_offset);
		assert_in_range(
		    sig.expiration, f->job.now + p->validity - p->jitter, f->job.now + p->validity);
	}
}

static void test_R11_times(void **state)
{
	struct signing *f = *state;

	signing_text(f, odd_zone);
	sign_ok(f);
	signing_each(f, look_at_times, f);
	f->job.policy.refresh = f->job.policy.validity;
	assert_int_equal(signing_sign(f), ERR_ARGUMENT);
}

static void test_serial_floor(void **state)
{
	struct signing *f = *state;

	f->job.has_floor = true;
	f->job.serial_floor = 5000;
	signing_text(f, odd_zone);
	sign_ok(f);
	assert_int_equal(f->result.head.serial_out, 5001);
	assert_int_equal(f->result.head.serial_in, 100);
}

static void count_done(void *arg, const struct sign_result *r)
{
	assert_int_equal(r->code, OK);
	++*(unsigned *)arg;
}

static void test_two_zones_at_once(void **state)
{
	struct signing *f = *state;
	struct sign_job other = f->job;
	char spool[128];
	unsigned done = 0;

	signing_text(f, odd_zone);
	memcpy(spool, f->spool, sizeof(spool));
	f->spool[0] = '\0'; /* the next one must not take its place */
	other.spool = spool;
	assert_int_equal(name_parse("other.", f->job.apex), OK);
	signing_text(f, "$ORIGIN other.\n$TTL 60\n@ IN SOA a b 1 1 1 1 1\n@ IN NS ns.example.\n");
	sign_start(f->sign, &other, NULL, count_done, &done);
	sign_start(f->sign, &f->job, NULL, count_done, &done);
	while (done < 2)
		loop_once(f->loop, true);
	assert_int_equal(signing_check(f, true, NULL), OK);
	memcpy(f->job.apex, other.apex, sizeof(other.apex));
	assert_int_equal(signing_check(f, true, NULL), OK);
	remove(spool);
}

static void test_new_key_takes_over(void **state)
{
	struct signing *f = *state;
	uint64_t all;

	signing_text(f, odd_zone);
	sign_ok(f);
	all = f->result.head.keys[1].signatures;
	f->job.spool = NULL;
	/* Published first: only the DNSKEY set and the SOA change. */
	f->job.keys.count = 3;
	fake_token_key(f->token, ALG_ECDSAP256SHA256, KEY_ZSK, &f->job.keys.keys[2]);
	f->job.keys.keys[2].signs_zone = false;
	sign_ok(f);
	assert_int_equal(f->result.signed_now, 2);
	f->job.keys.keys[2].signs_zone = true;
	f->job.keys.keys[1].signs_zone = false;
	sign_ok(f);
	assert_int_equal(f->result.signed_now, all);
	assert_int_equal(f->result.head.key_count, 2);
}

static void refused(struct signing *f, const char *zone, const char *words)
{
	struct err e = {0};

	signing_text(f, zone);
	assert_int_equal(signing_sign(f), ERR_FORMAT);
	assert_true(f->result.input_bad);
	if (strstr(f->result.err.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", f->result.err.text, words);
	/* The last good version stays. */
	assert_int_equal(signing_check(f, true, &e), OK);
}

static void test_bad_input_is_refused(void **state)
{
	struct signing *f = *state;

	signing_text(f, odd_zone);
	sign_ok(f);
	refused(f, HEAD "x IN CNAME ns1\nx IN A 192.0.2.9\n", "x.example. CNAME stands beside");
	refused(f, HEAD "x IN CNAME ns1\nx IN CNAME ns2\n", "x.example. CNAME is there more");
	refused(f, HEAD "x IN DNAME a.\nx IN DNAME b.\n", "x.example. DNAME is there more");
	refused(f, HEAD "x IN SOA ns1 host 1 1 1 1 1\n", "x.example. SOA stands below");
	refused(f, "$ORIGIN example.\n$TTL 1\n@ IN SOA ns1 host 1 1 1 1 1\n",
	    "example. NS is missing at the apex");
	refused(f, "$ORIGIN example.\n$TTL 1\n@ IN NS ns1\n", "example. SOA is missing");
	refused(f, "$ORIGIN example.\n$TTL 1\nx IN A 192.0.2.1\n", "nothing at the apex");
}

static void test_R70_foreign_dnssec_is_held(void **state)
{
	struct signing *f = *state;
	static const char zone[] = HEAD "@ IN DNSKEY 257 3 13 "
					"mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+"
					"KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==\n";

	signing_text(f, zone);
	sign_ok(f);
	assert_true(f->result.head.foreign_dnssec);
	assert_false(f->result.head.published);
	assert_string_not_equal(f->result.head.hold, "");
	f->job.spool = NULL;
	f->job.replace_dnssec = true;
	sign_ok(f);
	assert_true(f->result.head.published);
	assert_string_equal(f->result.head.hold, "");
}

static void test_token_fails(void **state)
{
	struct signing *f = *state;

	fake_token_fail_after(f->token, 5);
	signing_text(f, odd_zone);
	assert_int_equal(signing_sign(f), ERR_TOKEN);
	assert_int_equal(f->result.err.ckr, 0x30);
	assert_non_null(strstr(f->result.err.text, "example."));
	assert_non_null(strstr(f->result.err.text, "CKR_DEVICE_ERROR"));
	assert_false(f->result.input_bad);
}

static void test_wrong_signature_is_not_published(void **state)
{
	struct signing *f = *state;

	signing_text(f, odd_zone);
	sign_ok(f);
	fake_token_lie_after(f->token, 3);
	f->job.force = true;
	assert_int_equal(signing_sign(f), ERR_VERIFY);
	fake_token_lie_after(f->token, 1 << 30);
	f->job.force = false;
	sign_ok(f);
}

static void test_verify_off(void **state)
{
	struct signing *f = *state;
	struct err e = {0};

	f->job.policy.verify = false;
	signing_text(f, odd_zone);
	sign_ok(f);
	assert_true(f->result.head.unverified);
	/* The first signature of each key is verified all the same. */
	fake_token_lie_after(f->token, 0);
	f->job.force = true;
	assert_int_equal(signing_sign(f), ERR_VERIFY);
	fake_token_lie_after(f->token, 12);
	assert_int_equal(signing_sign(f), OK);
	assert_int_equal(signing_check(f, false, &e), OK);
	assert_int_equal(signing_check(f, true, &e), ERR_VERIFY);
}

static void silent_run(struct signing *f)
{
	fake_token_silence(f->token, true);
	signing_text(f, odd_zone);
	signing_start(f);
	while (fake_token_requests(f->token) == 0)
		loop_once(f->loop, true);
	assert_int_equal(f->done, 0);
}

static void answer_late(struct signing *f)
{
	fake_token_silence(f->token, false);
	while (fake_token_requests(f->token) > 0)
		loop_once(f->loop, true);
}

static void test_cancel(void **state)
{
	struct signing *f = *state;

	silent_run(f);
	sign_cancel(f->run);
	assert_int_equal(f->done, 0);
	assert_int_equal(signing_wait(f), ERR_CLOSED);
	answer_late(f);
	assert_int_equal(f->done, 1);
	sign_ok(f);
}

static void test_free_with_a_run_under_way(void **state)
{
	struct signing *f = *state;

	silent_run(f);
	sign_free(f->sign);
	f->sign = NULL;
	answer_late(f);
	assert_int_equal(f->done, 0);
}

static void test_many_names(void **state)
{
	struct signing *f = *state;
	struct buf zone = {0};

	buf_printf(&zone, "%s", HEAD);
	for (int i = 0; i < 3000; i++)
		buf_printf(&zone,
		    "n%d.e%d IN A 192.0.2.1\nd%d IN NS ns.d%d\nns.d%d IN A 192.0.2.1\n", i, i % 50,
		    i, i, i);
	buf_u8(&zone, 0);
	for (int d = DENIAL_NSEC; d <= DENIAL_NSEC3_OPT_OUT; d++) {
		f->job.policy.denial = d;
		signing_text(f, (const char *)zone.data);
		sign_ok(f);
	}
	buf_free(&zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_R7_all_denials, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_R13_all_algorithms, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_two_algorithms, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_nothing_to_do_makes_no_version, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_one_change_costs_its_neighbours, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_R10_refresh, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_R11_times, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_serial_floor, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_two_zones_at_once, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_new_key_takes_over, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_bad_input_is_refused, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_R70_foreign_dnssec_is_held, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_token_fails, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_wrong_signature_is_not_published, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_verify_off, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_cancel, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_free_with_a_run_under_way, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_many_names, signing_setup, signing_teardown),
	};

	return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
