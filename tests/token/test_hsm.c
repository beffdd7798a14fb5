/* intaglio-hsm as an operator runs it, against SoftHSM. */
#include "tests/token/hsm.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int set_up(void **state)
{
	struct hsm *s = calloc(1, sizeof *s);
	char path[128];
	FILE *f;

	fixture_open(&s->f);
	snprintf(path, sizeof path, "%s/pin", s->f.dir);
	f = fopen(path, "w");
	fprintf(f, "%s\n", PIN);
	fclose(f);
	snprintf(path, sizeof path, "%s/so", s->f.dir);
	f = fopen(path, "w");
	fprintf(f, "%s\n", SO_PIN);
	fclose(f);
	/* SoftHSM leaks with each EdDSA signature */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct hsm *s = *state;

	fixture_close(&s->f);
	free(s);
	return 0;
}

#define TOKEN " --module " SOFTHSM " --pin-file @/pin --label "

/* Files that SoftHSM keeps, one of which is the token's own. */
static size_t count_objects(struct hsm *s)
{
	char pattern[128];
	glob_t found;
	size_t count;

	snprintf(pattern, sizeof pattern, "%s/tokens/*/*.object", s->f.dir);
	if (glob(pattern, 0, NULL, &found) != 0)
		return 0;
	count = found.gl_pathc;
	globfree(&found);
	return count;
}

static void test_init(void **state)
{
	struct hsm *s = *state;

	hsm_expect(s, "init --so-pin-file @/so" TOKEN "second", 0, "is initialised");
	hsm_expect(s, "list" TOKEN "second", 0, "0 keys, 0 records");
	hsm_expect(s, "init --so-pin-file @/so" TOKEN "second", 1, "DESTROY ALL ITS KEYS");
	hsm_expect(s, "init --force-reinit --so-pin-file @/so" TOKEN "second", 0, "is initialised");
	hsm_expect(s, "init --so-pin-file @/so" TOKEN "a-label-that-is-longer-than-32-octets", 2,
	    "1 to 32 octets");
	hsm_expect(s, "list" TOKEN "third", 1, "\"second\""); /* what is there */
}

static void test_check(void **state)
{
	struct hsm *s = *state;

	hsm_expect(s, "check" TOKEN "intaglio", 0, "data objects           yes");
	hsm_expect(s, "check --json" TOKEN "intaglio", 0, "\"usable\": true");
	assert_int_equal(count_objects(s), 1);
}

static void test_bench_leaves_nothing(void **state)
{
	struct hsm *s = *state;

	hsm_expect(s, "bench --seconds 1 --sessions 2 --algorithm ed25519" TOKEN "intaglio", 0,
	    "session copy");
	assert_int_equal(count_objects(s), 1);
	hsm_expect(s, "bench --json --seconds 1 --sessions 1 --algorithm ED25519" TOKEN "intaglio",
	    0, "\"signatures_per_second\"");
	assert_int_equal(count_objects(s), 1);
}

static void test_test(void **state)
{
	struct hsm *s = *state;

	hsm_expect(s, "test --bits 1024" TOKEN "intaglio", 0, "ED448            good");
	assert_null(strstr(s->out, "BAD"));
	assert_int_equal(count_objects(s), 1);
}

static void test_bad_signature(void **state)
{
	struct hsm *s = *state;

	fixture_rules(&s->f, "C_Sign:flip 0 1 0\n");
	hsm_expect(s,
	    "test --algorithm ECDSAP256SHA256 --module " FAULTMOD_PATH
	    " --pin-file @/pin --label intaglio",
	    1, "does not verify");
}

static void test_list(void **state)
{
	struct hsm *s = *state;
	struct token *t;
	struct seen out = {0};
	char name[TOKEN_LABEL_MAX];

	s->f.settings.module = SOFTHSM;
	t = token_open_local(&s->f.settings, &s->f.pin, NULL);
	assert_non_null(t);
	record_name(1, 7, name);
	assert_int_equal(generate(t, 1, 13, &out), OK);
	assert_int_equal(put_record(t, name, "value", 5, &out), OK);
	token_close(t);
	hsm_expect(s, "list" TOKEN "intaglio", 0, "1 keys, 1 records");
	hsm_expect(s, "list --json" TOKEN "intaglio", 0, "\"sequence\": 7");
	assert_non_null(strstr(s->out, "\"role\": \"ZSK\""));
	assert_non_null(strstr(s->out, name));
}

static void test_refusals(void **state)
{
	struct hsm *s = *state;

	hsm_expect(s, "--help", 0, "--force-reinit");
	hsm_expect(s, "", 2, "no command");
	hsm_expect(s, "frobnicate" TOKEN "intaglio", 2, "frobnicate");
	hsm_expect(s, "list --module x", 2, "--label");
	hsm_expect(s, "list --bits 5" TOKEN "intaglio", 2, "means nothing");
	hsm_expect(s, "bench --sessions 0" TOKEN "intaglio", 2, "1 to 256");
	hsm_expect(s, "test --algorithm RSASHA1" TOKEN "intaglio", 2, "are known");
	hsm_expect(s, "backup" TOKEN "intaglio", 2, "--to FILE");
	hsm_expect(s, "restore" TOKEN "intaglio", 2, "--from FILE");
	hsm_expect(s, "list --module " SOFTHSM " --label intaglio --pin-file @/so", 1,
	    "CKR_PIN_INCORRECT");
	hsm_expect(s, "list --module /nowhere --label intaglio --pin-file @/pin", 1, "/nowhere");
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
#define TEST(title, fn) {title, fn, set_up, tear_down, NULL}
	    TEST("init gives a label and PINs, and destroys no keys unasked", test_init),
	    TEST("check tells what the token can do", test_check),
	    TEST("bench leaves nothing behind", test_bench_leaves_nothing),
	    TEST("R13 test finds all algorithms good", test_test),
	    TEST("test finds a bad signature", test_bad_signature),
	    TEST("list shows keys and records", test_list),
	    TEST("refusals say why", test_refusals),
	};

	maybe_worker(argc, argv);
	if (getenv("ONLY") != NULL)
		cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("hsm", tests, NULL, NULL);
}
