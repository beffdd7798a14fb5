/* Signing while keys change: emergencies, changes of algorithm, of denial, and back to unsigned.
 * What comes out is judged with the key set of the run, by all signers it names and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "tests/unit/fake_token.h"
#include "tests/unit/signing.h"

#define DAY 86400

static const char zone[] = "$ORIGIN example.\n$TTL 3600\n"
			   "@ IN SOA ns1 host 100 3600 900 1209600 1800\n@ IN NS ns1\n"
			   "ns1 IN A 192.0.2.1\na.empty IN TXT \"x\"\n* IN MX 10 ns1\n"
			   "sub IN NS ns.sub\nns.sub IN A 192.0.2.4\n"
			   "safe IN NS ns.safe\nsafe IN DS 1 13 2 "
			   "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n"
			   "d IN DNAME elsewhere.\nx.d IN TXT \"hidden\"\n";

static int setup(void **state)
{
	signing_setup(state);
	signing_text(*state, zone);
	return 0;
}

/* A run, judged with its keys; what was signed. */
static uint64_t sign_ok(struct signing *f)
{
	struct err e = {0};

	if (signing_sign(f) != OK)
		fail_msg("%s", f->result.err.text);
	if (sign_check_keys(f->store, f->job.apex, f->job.now, 1, &f->job.keys, &e) != OK)
		fail_msg("%s", e.text);
	f->job.spool = NULL;
	return f->result.signed_now;
}

static struct keyset_key *add_key(struct signing *f, uint8_t algorithm, enum key_role role)
{
	struct keyset_key *k = &f->job.keys.keys[f->job.keys.count++];

	fake_token_key(f->token, algorithm, role, k);
	return k;
}

static void set_cds(struct keyset *ks, const struct keyset_key *k)
{
	struct buf ds = {0}, items = {0};

	assert_int_equal(
	    dnskey_ds((const uint8_t *)"\7example", k->dnskey, k->dnskey_len, 2, &ds), OK);
	buf_lv16(&items, ds.data, ds.len);
	memcpy(ks->cds, items.data, items.len);
	ks->cds_len = (uint16_t)items.len;
	buf_reset(&items);
	buf_lv16(&items, k->dnskey, k->dnskey_len);
	memcpy(ks->cdnskey, items.data, items.len);
	ks->cdnskey_len = (uint16_t)items.len;
	ks->cds_count = ks->cdnskey_count = 1;
	buf_free(&ds);
	buf_free(&items);
}

struct lives { /* seconds, of signatures */
	int64_t now, set_most, rest_least;
	unsigned sets, of_dnssec;
};

static bool is_key_set_type(uint16_t type)
{
	return type == RR_DNSKEY || type == RR_CDS || type == RR_CDNSKEY;
}

static void look_at_lives(void *arg, const struct walk *w, const struct rrset *set)
{
	struct lives *l = arg;
	const uint8_t *p = set->sigdata;

	(void)w;
	l->sets += is_key_set_type(set->type);
	l->of_dnssec += set->sigs > 0 || rrtype_is_stripped(set->type, true);
	for (unsigned i = 0; i < set->sigs; i++) {
		struct rrsig sig;
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);
		int64_t life;

		assert_int_equal(rrsig_parse(rdata, len, &sig), OK);
		life = sig.expiration - l->now;
		if (is_key_set_type(set->type) && life > l->set_most)
			l->set_most = life;
		if (!is_key_set_type(set->type) && (l->rest_least == 0 || life < l->rest_least))
			l->rest_least = life;
	}
}

static struct lives lives_of(struct signing *f)
{
	struct lives l = {.now = f->job.now};

	signing_each(f, look_at_lives, &l);
	return l;
}

static void test_R23_short_lives(void **state)
{
	struct signing *f = *state;
	struct lives l;

	set_cds(&f->job.keys, &f->job.keys.keys[0]);
	sign_ok(f);
	assert_int_equal(lives_of(f).sets, 3);
	assert_in_range(lives_of(f).set_most, 13 * DAY, 14 * DAY);
	/* The emergency alone, though no key changes: the three sets and the SOA. */
	f->job.keys.emergency_validity = 3 * DAY;
	assert_int_equal(sign_ok(f), 4);
	l = lives_of(f);
	assert_int_equal(l.set_most, 3 * DAY);
	assert_in_range(l.rest_least, 13 * DAY, 14 * DAY);
	assert_int_equal(f->result.head.expiry_first, f->job.now + 3 * DAY);
	assert_int_equal(f->result.head.resign_at, f->job.now + DAY);
	/* A day later they are made anew, and only they. */
	f->job.now += DAY - 1;
	assert_int_equal(sign_ok(f), 0);
	f->job.now++;
	assert_int_equal(sign_ok(f), 4);
	assert_int_equal(lives_of(f).set_most, 3 * DAY);
	assert_int_equal(f->result.head.resign_at, f->job.now + DAY);
	/* It is over: at the next refresh they live long again. */
	f->job.keys.emergency_validity = 0;
	f->job.now += DAY;
	sign_ok(f);
	assert_in_range(lives_of(f).set_most, 13 * DAY, 14 * DAY);
}

static void test_R23_shorter_than_three_days(void **state)
{
	struct signing *f = *state;

	f->job.keys.emergency_validity = 30000;
	sign_ok(f);
	assert_int_equal(lives_of(f).set_most, 30000);
	assert_int_equal(f->result.head.resign_at, f->job.now + 10000);
}

/* Which key signed so many, by its head. */
static uint64_t count_of(const struct signing *f, const struct keyset_key *k)
{
	const struct zone_head *h = &f->result.head;

	for (unsigned i = 0; i < h->key_count; i++) {
		if (memcmp(h->keys[i].id, k->id, sizeof(k->id)) == 0)
			return h->keys[i].signatures;
	}
	return 0;
}

static void test_R24_all_signatures_go_at_once(void **state)
{
	struct signing *f = *state;
	struct keyset_key *old = &f->job.keys.keys[1], *new;
	uint64_t all;

	sign_ok(f);
	all = count_of(f, old);
	new = add_key(f, ALG_ECDSAP256SHA256, KEY_ZSK);
	new->signs_zone = false;
	sign_ok(f);
	/* Whether the compromised one stays in the set or not: nothing by it is left. */
	new->signs_zone = true;
	old->signs_zone = false;
	assert_int_equal(sign_ok(f), all);
	assert_int_equal(f->result.kept, 1); /* the DNSKEY set's */
	assert_int_equal(count_of(f, old), 0);
	assert_int_equal(count_of(f, new), all);
	old->in_set = false;
	assert_int_equal(sign_ok(f), 2); /* the DNSKEY set and the SOA */
	assert_int_equal(f->result.kept, all - 1);
}

static void test_R24_csk_signs_the_set_only(void **state)
{
	struct signing *f = *state;
	struct keyset_key *old = &f->job.keys.keys[0], *new = &f->job.keys.keys[1];

	fake_token_key(f->token, ALG_ECDSAP256SHA256, KEY_CSK, old);
	fake_token_key(f->token, ALG_ECDSAP256SHA256, KEY_CSK, new);
	new->signs_zone = false;
	sign_ok(f);
	assert_true(count_of(f, old) > 1);
	assert_int_equal(count_of(f, new), 1);
	/* The same keys sign, and other things. */
	new->signs_zone = true;
	old->signs_zone = false;
	assert_true(sign_ok(f) > 5);
	assert_int_equal(count_of(f, old), 1);
}

static void test_R26_algorithm(void **state)
{
	struct signing *f = *state;
	struct keyset_key *ksk, *zsk;
	struct err e = {0};
	uint64_t all;

	sign_ok(f);
	all = count_of(f, &f->job.keys.keys[1]);
	/* RFC 6781 4.1.4: first the signatures over all but the DNSKEY set ... */
	ksk = add_key(f, ALG_ED25519, KEY_KSK);
	zsk = add_key(f, ALG_ED25519, KEY_ZSK);
	ksk->in_set = ksk->signs_set = zsk->in_set = false;
	sign_ok(f);
	assert_int_equal(count_of(f, zsk), all);
	assert_int_equal(count_of(f, ksk), 0);
	assert_int_equal(signing_check(f, true, &e), OK);
	/* ... then the DNSKEYs; that without the KSK's signature is not let out. */
	ksk->in_set = zsk->in_set = true;
	assert_int_equal(signing_sign(f), ERR_VERIFY);
	assert_non_null(strstr(f->result.err.text, "each algorithm"));
	ksk->signs_set = true;
	sign_ok(f);
	assert_int_equal(count_of(f, ksk), 1);
	/* The old ones' DNSKEYs go, then their signatures. */
	f->job.keys.keys[0].in_set = f->job.keys.keys[0].signs_set = false;
	f->job.keys.keys[1].in_set = false;
	sign_ok(f);
	assert_int_equal(count_of(f, &f->job.keys.keys[1]), all);
	f->job.keys.keys[1].signs_zone = false;
	assert_int_equal(sign_ok(f), 1); /* the SOA */
	assert_int_equal(f->result.head.key_count, 2);
}

static void test_judge_knows_the_keys(void **state)
{
	struct signing *f = *state;
	struct keyset other;
	struct err e = {0};

	set_cds(&f->job.keys, &f->job.keys.keys[0]);
	sign_ok(f);
	other = f->job.keys;
	other.keys[0].signs_zone = true; /* somebody does not sign who should */
	assert_int_equal(
	    sign_check_keys(f->store, f->job.apex, f->job.now, 1, &other, &e), ERR_VERIFY);
	assert_non_null(strstr(e.text, "not signed by key"));
	other = f->job.keys;
	other.keys[0].signs_zone = true;
	other.keys[1].signs_zone = false; /* somebody does who should not */
	assert_int_equal(
	    sign_check_keys(f->store, f->job.apex, f->job.now, 1, &other, &e), ERR_VERIFY);
	other = f->job.keys;
	other.keys[1].in_set = false;
	assert_int_equal(
	    sign_check_keys(f->store, f->job.apex, f->job.now, 1, &other, &e), ERR_VERIFY);
	assert_non_null(strstr(e.text, "DNSKEY"));
	other = f->job.keys;
	other.cds_count = other.cds_len = 0;
	assert_int_equal(
	    sign_check_keys(f->store, f->job.apex, f->job.now, 1, &other, &e), ERR_VERIFY);
	assert_non_null(strstr(e.text, "CDS"));
	other = f->job.keys;
	other.emergency_validity = 3 * DAY;
	assert_int_equal(
	    sign_check_keys(f->store, f->job.apex, f->job.now, 1, &other, &e), ERR_VERIFY);
	assert_non_null(strstr(e.text, "compromised"));
}

static void test_R71_unsigned(void **state)
{
	struct signing *f = *state;
	struct keyset keys = f->job.keys;
	uint32_t serial;

	/* Keys that may not be published yet are no wish for an unsigned zone. */
	f->job.keys.count = 0;
	assert_int_equal(signing_sign(f), ERR_AGAIN);
	f->job.keys = keys;
	for (int d = DENIAL_NSEC; d <= DENIAL_NSEC3_OPT_OUT; d++) {
		f->job.policy.denial = d;
		f->job.keys = keys;
		assert_true(sign_ok(f) > 5);
		serial = f->result.head.serial_out;
		f->job.keys = (struct keyset){.unsign = true};
		assert_int_equal(sign_ok(f), 0);
		assert_int_equal(f->result.head.serial_out, serial + 1);
		assert_int_equal(f->result.head.signatures, 0);
		assert_int_equal(f->result.head.resign_at, 0);
		assert_int_equal(f->result.head.expiry_first, 0);
		assert_int_equal(f->result.head.denial, DENIAL_NONE);
		assert_int_equal(f->result.head.key_count, 0);
		assert_int_equal(f->result.head.records, f->result.head.input_records);
		assert_int_equal(lives_of(f).of_dnssec, 0);
		/* There is nothing to refresh, ever; new input goes through. */
		f->job.now += 365 * DAY;
		sign_ok(f);
		assert_int_equal(f->result.head.serial_out, serial + 1);
	}
}

/* All that can be asked for, each from each. */
static void test_R7_denial_changes(void **state)
{
	static const struct {
		enum denial_kind denial;
		struct nsec3_params params;
	} kinds[] = {{DENIAL_NSEC, {0}}, {DENIAL_NSEC3, {0}}, {DENIAL_NSEC3_OPT_OUT, {0}},
	    {DENIAL_NSEC3, {5, 2, {0xab, 0xcd}}}, {DENIAL_NSEC3, {5, 2, {0xab, 0xce}}}};
	struct signing *f = *state;

	for (size_t i = 0; i < MEM_COUNT(kinds); i++) {
		for (size_t k = 0; k < MEM_COUNT(kinds); k++) {
			uint32_t serial;

			f->job.policy.denial = kinds[i].denial;
			f->job.policy.nsec3 = kinds[i].params;
			sign_ok(f);
			serial = f->result.head.serial_out;
			f->job.policy.denial = kinds[k].denial;
			f->job.policy.nsec3 = kinds[k].params;
			sign_ok(f);
			assert_int_equal(f->result.head.serial_out, serial + (i != k));
			assert_int_equal(f->result.head.denial, kinds[k].denial);
			assert_true(i == k || f->result.kept > 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_R23_short_lives, setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_R23_shorter_than_three_days, setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_R24_all_signatures_go_at_once, setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_R24_csk_signs_the_set_only, setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_R26_algorithm, setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_judge_knows_the_keys, setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_R71_unsigned, setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_R7_denial_changes, setup, signing_teardown),
	};

	return cmocka_run_group_tests_name("signing while keys change", tests, NULL, NULL);
}
