/* Signing with keys in SoftHSM, judged by programs that nobody here wrote.  A judge that is not
 * installed is passed over with a line. */
#include "tests/token/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "dns/rrtype.h"
#include "tests/unit/signing.h"

#define PLAIN                                                                                      \
	"$ORIGIN Example.\n$TTL 3600\n"                                                            \
	"@ IN SOA ns1 hostmaster 100 3600 900 1209600 1800\n@ IN NS ns1\n@ IN NS ns.elsewhere.\n"  \
	"@ IN MX 10 mail\n@ IN TXT \"v=spf1 -all\" \"second string\"\n"                            \
	"ns1 IN A 192.0.2.1\nns1 300 IN AAAA 2001:db8::1\n"                                        \
	"MixedCase IN TXT \"one\"\nmail IN A 192.0.2.9\n"                                          \
	"a.b.c.e IN A 192.0.2.2\nb.c.e IN TXT \"between two empty ones\"\n"                        \
	"* IN MX 10 ns1\n*.wild IN TXT \"w\"\nunder.wild IN TXT \"not by the wildcard\"\n"         \
	"sub IN NS ns.sub\nsub IN NS ns1\nns.sub IN A 192.0.2.4\n"                                 \
	"deep.ns.sub IN AAAA 2001:db8::1\n"                                                        \
	"far.away.cut IN NS ns.elsewhere.\nfar.away.cut IN NS ns1\n"                               \
	"safe IN NS ns.safe\nsafe IN NS ns1\nns.safe IN A 192.0.2.5\n"                             \
	"safe IN DS 1 13 2 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n"     \
	"alias IN CNAME Alias.Target.\n"                                                           \
	"_sip._udp IN SRV 1 2 5060 MixedCase\n"

static const char plain[] = PLAIN;
static const char odd[] = PLAIN "@ IN CAA 0 issue \"ca.example\"\n"
				"d IN DNAME elsewhere.\n"
				"esc\\000aped IN TXT \"zero\"\ndot\\.ted IN TXT \"dot\"\n"
				"dot\\.ted IN RP host\\.master.Example. Info.Example.\n"
				"1/29 IN PTR Host.Example.\n"
				"u IN TYPE731 \\# 3 abcdef\n";

struct judge {
	const char *name, *command; /* %s: the zone file */
	bool is_simple;		    /* knows few types, and RSA only */
};
static const struct judge judges[] = {
    {"dnssec-verify", "dnssec-verify -q -o example. %s", false},
    {"ldns-verify-zone", "ldns-verify-zone %s", false},
    {"kzonecheck", "kzonecheck -d on -o example. %s", false},
    {"validns", "timeout 60 validns -p all -z example. %s", true},
};

struct state {
	struct fixture token;
	struct signing s;
};

static int set_up(void **state)
{
	struct state *st = mem_alloc(sizeof(*st));
	struct err e = {0};

	fixture_open(&st->token);
	signing_open(&st->s, "example.");
	st->s.job.now = clock_real();
	st->s.token = token_open_local(&st->token.settings, &st->token.pin, &e);
	if (st->s.token == NULL)
		fail_msg("%s", e.text);
	*state = st;
	return 0;
}

static int tear_down(void **state)
{
	struct state *st = *state;

	sign_free(st->s.sign);
	st->s.sign = NULL;
	token_close(st->s.token);
	signing_close(&st->s);
	fixture_close(&st->token);
	free(st);
	return 0;
}

static void make_key(struct signing *s, uint8_t algorithm, enum key_role role, unsigned number)
{
	struct keyset_key *k = &s->job.keys.keys[s->job.keys.count++];
	struct buf rdata = {0};
	struct seen key = {0};

	if (generate(s->token, number, algorithm, &key) != OK)
		fail_msg("algorithm %u: %s", algorithm, key.err.text);
	memset(k, 0, sizeof(*k));
	memcpy(k->id, key.id, TOKEN_ID_LEN);
	dnskey_rdata(role == KEY_ZSK ? 256 : 257, algorithm, key.pub, key.pub_len, &rdata);
	k->role = role;
	k->algorithm = algorithm;
	k->tag = dnskey_tag(rdata.data, rdata.len);
	k->dnskey_len = (uint16_t)rdata.len;
	memcpy(k->dnskey, rdata.data, rdata.len);
	k->in_set = true;
	k->signs_set = role != KEY_ZSK;
	k->signs_zone = role != KEY_KSK;
	buf_free(&rdata);
}

static void ask(const struct judge *j, const char *path, const char *what)
{
	char command[400], full[700];

	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", j->name);
	if (system(command) != 0) {
		print_message("%s is not installed\n", j->name);
		return;
	}
	snprintf(command, sizeof(command), j->command, path);
	snprintf(full, sizeof(full), "%s >%s.words 2>&1 || { cat %s.words >&2; exit 1; }", command,
	    path, path);
	if (system(full) != 0)
		fail_msg("%s does not pass the zone signed with %s", j->name, what);
}

static void ask_all(struct signing *s, const char *zone, const char *what)
{
	struct buf text = {0};
	char path[100];
	struct err e = {0};
	FILE *f;

	if (signing_check(s, true, &e) != OK)
		fail_msg("%s: %s", what, e.text);
	signing_export(s, &text);
	snprintf(path, sizeof(path), "%s/signed", s->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fwrite(text.data, 1, text.len, f);
	assert_int_equal(fclose(f), 0);
	buf_free(&text);
	for (size_t i = 0; i < MEM_COUNT(judges); i++) {
		bool is_rsa = s->job.keys.keys[0].algorithm <= ALG_RSASHA512;

		if ((zone == plain && is_rsa) || !judges[i].is_simple)
			ask(&judges[i], path, what);
	}
	unlink(path);
	strcat(path, ".words");
	unlink(path);
}

static void sign_and_ask(struct signing *s, const char *zone, const char *what)
{
	signing_text(s, zone);
	if (signing_sign(s) != OK)
		fail_msg("%s: %s", what, s->result.err.text);
	ask_all(s, zone, what);
}

static void test_matrix(void **state)
{
	static const uint8_t algorithms[] = {8, 10, 13, 14, 15, 16};
	static const char *const denials[] = {"", "NSEC", "NSEC3", "NSEC3 opt-out"};
	struct signing *s = &((struct state *)*state)->s;
	char what[64];

	forgive_leaks(true); /* SoftHSM's, of EdDSA signatures */
	for (size_t i = 0; i < MEM_COUNT(algorithms); i++) {
		s->job.keys.count = 0;
		make_key(s, algorithms[i], KEY_KSK, (unsigned)(2 * i));
		make_key(s, algorithms[i], KEY_ZSK, (unsigned)(2 * i + 1));
		for (int d = DENIAL_NSEC; d <= DENIAL_NSEC3_OPT_OUT; d++) {
			s->job.policy.denial = d;
			snprintf(what, sizeof(what), "%s, %s", dnskey_algorithm_name(algorithms[i]),
			    denials[d]);
			sign_and_ask(s, odd, what);
			sign_and_ask(s, plain, what);
		}
	}
	forgive_leaks(false);
}

static void test_salted(void **state)
{
	struct signing *s = &((struct state *)*state)->s;

	make_key(s, 13, KEY_KSK, 1);
	make_key(s, 13, KEY_ZSK, 2);
	s->job.policy.denial = DENIAL_NSEC3;
	s->job.policy.nsec3 = (struct nsec3_params){5, 2, {0xab, 0xcd}};
	sign_and_ask(s, plain, "NSEC3 with salt");
}

static void test_signing_again(void **state)
{
	struct signing *s = &((struct state *)*state)->s;

	make_key(s, 13, KEY_KSK, 1);
	make_key(s, 13, KEY_ZSK, 2);
	s->job.policy.denial = DENIAL_NSEC3;
	s->job.policy.validity = 600;
	s->job.policy.refresh = 300;
	s->job.policy.jitter = 0;
	s->job.now -= 400; /* as if signed a while ago */
	sign_and_ask(s, plain, "short validity");
	s->job.spool = NULL;
	s->job.now += 400;
	if (signing_sign(s) != OK)
		fail_msg("%s", s->result.err.text);
	assert_true(s->result.signed_now > 20);
	ask_all(s, plain, "renewed signatures");
}

static void test_token_goes_away(void **state)
{
	struct state *st = *state;
	struct signing *s = &st->s;

	make_key(s, 13, KEY_KSK, 1);
	make_key(s, 13, KEY_ZSK, 2);
	sign_and_ask(s, plain, "the token as it should be");
	fixture_rules(&st->token, "C_Sign 30 1000 0\n");
	s->job.force = true;
	assert_int_equal(signing_sign(s), ERR_TOKEN);
	print_message("%s\n", s->result.err.text);
	assert_non_null(strstr(s->result.err.text, "zone example."));
	assert_int_equal(s->result.err.ckr, 0x30);
	fixture_rules(&st->token, "");
	ask_all(s, plain, "the version before the fault");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_matrix, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_salted, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_signing_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_token_goes_away, set_up, tear_down),
	};

	maybe_worker(argc, argv);
	return cmocka_run_group_tests_name("sign with SoftHSM", tests, NULL, NULL);
}
