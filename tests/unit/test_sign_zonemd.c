/* Digests of whole zones (RFC 8976) on the way through the signer: the examples of appendix A come
 * in as sources' zones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "sign/zonemd.h"
#include "tests/unit/fake_token.h"
#include "tests/unit/signing.h"

static int setup(void **state)
{
	struct signing *f;

	signing_setup(state);
	f = *state;
	f->job.policy.zonemd_verify = true;
	return 0;
}

/* An example, with `was` in it replaced. */
static int sign_example(struct signing *f, const char *file, const char *was, const char *is)
{
	char path[1024], text[16384], changed[16384];
	const char *at;
	FILE *in;
	size_t len;

	snprintf(path, sizeof(path), "%s/tests/data/zonemd/%s", ITG_TOP, file);
	in = fopen(path, "r");
	assert_non_null(in);
	len = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[len] = '\0';
	at = strstr(text, was);
	assert_non_null(at);
	snprintf(
	    changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, is, at + strlen(was));
	signing_text(f, changed);
	return signing_sign(f);
}

static void refused(struct signing *f, const char *words)
{
	assert_int_equal(f->result.code, ERR_VERIFY);
	assert_true(f->result.input_bad);
	if (strstr(f->result.err.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", f->result.err.text, words);
}

static void count_zonemd(void *arg, const struct walk *w, const struct rrset *set)
{
	(void)w;
	*(unsigned *)arg += set->type == RR_ZONEMD;
}

static void test_a_zone_that_fits_is_signed(void **state)
{
	static const char *const files[] = {"a1.zone", "a2.zone", "a3.zone"};
	struct signing *f = *state;
	unsigned count = 0;

	for (size_t i = 0; i < MEM_COUNT(files); i++) {
		if (sign_example(f, files[i], "2018031900", "2018031900") != OK)
			fail_msg("%s: %s", files[i], f->result.err.text);
	}
	/* it is not what goes out */
	signing_each(f, count_zonemd, &count);
	assert_int_equal(count, 0);
	assert_int_equal(name_parse("uri.arpa.", f->job.apex), OK);
	if (sign_example(f, "a4.zone", "2018100702", "2018100702") != OK)
		fail_msg("%s", f->result.err.text);
}

static void test_one_that_does_not_is_refused(void **state)
{
	struct signing *f = *state;

	sign_example(f, "a1.zone", "203.0.113.63", "203.0.113.64");
	refused(f, "example. is not the digest of what came in");
	sign_example(f, "a2.zone", "777 IN PTR", "778 IN PTR");
	refused(f, "is not the digest");
	sign_example(f, "a1.zone", "SOA ns1 admin 2018031900", "SOA ns1 admin 2018031901");
	refused(f, "is of another serial than its SOA");
	sign_example(f, "a2.zone", "3600 IN MX 20", "1800 IN MX 20");
	refused(f, "has records of different TTLs");
	f->job.policy.zonemd_verify = false;
	assert_int_equal(sign_example(f, "a1.zone", "203.0.113.63", "203.0.113.64"), OK);
}

/* One good digest is enough, and what nobody can check does not count. */
static void test_several_digests(void **state)
{
	struct signing *f = *state;

	if (sign_example(f, "a3.zone", "08cfa111", "08cfa112") != OK)
		fail_msg("%s", f->result.err.text);
	if (sign_example(f, "a1.zone", "2018031900 1 1 ( c68090", "2018031900 250 1 ( c68090") !=
	    OK)
		fail_msg("%s", f->result.err.text);
	sign_example(f, "a1.zone", "ns1 3600",
	    "@ 86400 IN ZONEMD 2018031900 1 1 ( c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3\n"
	    " a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044d )\nns1 3600");
	refused(f, "is there twice");
}

/* What goes out */

static void export(struct signing *f, const char *path)
{
	struct buf text = {0};
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	signing_export(f, &text);
	assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
	fclose(file);
	buf_free(&text);
}

/* The digest is right in the eyes of ldns (which never ends where delegations are opted out), and
 * in ours as if the zone came in again. */
static void check_digest(struct signing *f, bool by_ldns)
{
	char path[128], command[400];
	struct spool *spool;
	unsigned count = 0;
	struct err e = {0};

	signing_each(f, count_zonemd, &count);
	assert_int_equal(count, 1);
	if (signing_check(f, true, &e) != OK)
		fail_msg("%s", e.text);
	snprintf(path, sizeof(path), "%s/out", f->dir);
	export(f, path);
	snprintf(command, sizeof(command),
	    "! command -v ldns-verify-zone >/dev/null || "
	    "timeout 60 ldns-verify-zone -V 1 -ZZ -t 20231114221320 %s",
	    path);
	if (by_ldns && system(command) != 0)
		fail_msg("ldns-verify-zone does not like %s", path);
	signing_file(f, path);
	unlink(path);
	spool = spool_open(f->spool, &e);
	assert_non_null(spool);
	if (zonemd_verify_spool(spool, f->job.apex, &e) != OK)
		fail_msg("%s", e.text);
	spool_close(spool);
}

static const enum denial_kind denials[] = {DENIAL_NSEC, DENIAL_NSEC3, DENIAL_NSEC3_OPT_OUT};
static const char small[] = "$ORIGIN example.\n$TTL 3600\n"
			    "@ 7200 IN SOA ns1 host 100 3600 900 1209600 1800\n@ IN NS ns1\n"
			    "NS1 IN A 192.0.2.1\nsub IN NS ns.sub\nns.sub IN A 192.0.2.4\n"
			    "zz IN TXT \"behind all hashes\"\n- IN TXT \"before them\"\n";

static void test_a_digest_is_made(void **state)
{
	struct signing *f = *state;

	f->job.policy.zonemd_generate = true;
	for (size_t i = 0; i < MEM_COUNT(denials); i++) {
		f->job.policy.denial = denials[i];
		signing_text(f, small);
		if (signing_sign(f) != OK)
			fail_msg("%s", f->result.err.text);
		check_digest(f, denials[i] != DENIAL_NSEC3_OPT_OUT);
	}
}

static void test_a_digest_of_many(void **state)
{
	struct signing *f = *state;
	struct buf text = {0};

	buf_put(&text, small, strlen(small));
	for (unsigned i = 0; i < 5000; i++)
		buf_printf(&text, "n%u IN NS ns1\n", i);
	buf_u8(&text, 0);
	f->job.policy.zonemd_generate = true;
	f->job.policy.denial = DENIAL_NSEC3_OPT_OUT;
	signing_text(f, (const char *)text.data);
	buf_free(&text);
	if (signing_sign(f) != OK)
		fail_msg("%s", f->result.err.text);
	check_digest(f, false);
}

/* Versions made in place: each has a digest of its own. */
static void test_digests_of_changes(void **state)
{
	static const char *const more[] = {"", "new IN TXT \"x\"\n",
	    "new IN TXT \"y\"\nb.c IN A 192.0.2.7\n",
	    "sub IN DS 1 13 1 0011223344556677889900112233445566778899\n", "@ IN MX 10 ns1\n", ""};
	struct signing *f = *state;
	uint32_t generation = 0;
	char text[2048];

	f->job.policy.zonemd_generate = true;
	for (size_t i = 0; i < MEM_COUNT(denials) * MEM_COUNT(more); i++) {
		f->job.policy.denial = denials[i / MEM_COUNT(more)];
		snprintf(text, sizeof(text), "%s%s", small, more[i % MEM_COUNT(more)]);
		signing_text(f, text);
		if (signing_sign(f) != OK)
			fail_msg("%s", f->result.err.text);
		if (i % MEM_COUNT(more) > 0)
			assert_int_equal(f->result.head.generation, generation);
		generation = f->result.head.generation;
		check_digest(f, f->job.policy.denial != DENIAL_NSEC3_OPT_OUT);
	}
}

/* A change of the setting alone makes a version. */
static void test_it_follows_the_policy(void **state)
{
	struct signing *f = *state;
	unsigned count = 0;

	signing_text(f, small);
	assert_int_equal(signing_sign(f), OK);
	f->job.spool = NULL;
	f->job.policy.zonemd_generate = true;
	assert_int_equal(signing_sign(f), OK);
	assert_true(f->result.signed_now > 0);
	check_digest(f, true);
	f->job.spool = NULL;
	assert_int_equal(signing_sign(f), OK);
	assert_int_equal(f->result.signed_now, 0);
	f->job.policy.zonemd_generate = false;
	assert_int_equal(signing_sign(f), OK);
	assert_true(f->result.signed_now > 0);
	signing_each(f, count_zonemd, &count);
	assert_int_equal(count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_a_zone_that_fits_is_signed, setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_one_that_does_not_is_refused, setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_several_digests, setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_a_digest_is_made, setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_a_digest_of_many, setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_digests_of_changes, setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_it_follows_the_policy, setup, signing_teardown),
	};

	return cmocka_run_group_tests_name("sign zonemd", tests, NULL, NULL);
}
