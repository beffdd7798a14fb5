/* DNSKEY, DS, RRSIG: the zones that others have signed are the oracle of canonical form. */
#include "dns_fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "dns/dnskey.h"
#include "dns/rrtype.h"

#define KEYS_MAX 16

struct check {
	struct verifier *keys[KEYS_MAX];
	size_t key_count;
	struct verifier_scratch *scratch;
	size_t good, unsigned_sets;
};

static void take_keys(void *arg, const struct rrset *set)
{
	struct check *c = arg;
	const uint8_t *p = set->rdata;

	if (set->type != RR_DNSKEY)
		return;
	for (unsigned i = 0; i < set->count; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);
		struct err e = {0};

		assert_true(c->key_count < KEYS_MAX);
		c->keys[c->key_count] = verifier_new(rdata, len, &e);
		assert_non_null(c->keys[c->key_count]);
		assert_int_equal(verifier_tag(c->keys[c->key_count]), dnskey_tag(rdata, len));
		c->key_count++;
	}
}

static const struct verifier *find_key(const struct check *c, uint16_t tag)
{
	for (size_t i = 0; i < c->key_count; i++)
		if (verifier_tag(c->keys[i]) == tag)
			return c->keys[i];
	return NULL;
}

/* The prefix that we would make must be the one that is there, and the signature must hold. */
static void check_signature(
    struct check *c, const struct rrset *set, const uint8_t *rdata, uint16_t len)
{
	struct buf prefix = {0}, message = {0};
	struct rrsig sig;
	const struct verifier *key;
	struct rrsig_params params;

	assert_int_equal(rrsig_parse(rdata, len, &sig), OK);
	assert_int_equal(sig.covered, set->type);
	assert_int_equal(sig.original_ttl, set->ttl);
	params = (struct rrsig_params){.algorithm = sig.algorithm,
	    .key_tag = sig.key_tag,
	    .inception = sig.inception,
	    .expiration = sig.expiration,
	    .signer = sig.signer};
	rrsig_prefix(set, &params, &prefix);
	assert_int_equal(prefix.len, sig.prefix_len);
	assert_memory_equal(prefix.data, rdata, prefix.len);
	rrsig_message(set, prefix.data, prefix.len, &message);
	key = find_key(c, sig.key_tag);
	assert_non_null(key);
	assert_int_equal(verifier_check(key, c->scratch, message.data, message.len, sig.signature,
			     sig.signature_len),
	    OK);
	message.data[message.len - 1] ^= 1;
	assert_int_equal(verifier_check(key, c->scratch, message.data, message.len, sig.signature,
			     sig.signature_len),
	    ERR_VERIFY);
	c->good++;
	buf_free(&message);
	buf_free(&prefix);
}

static void check_rrset(void *arg, const struct rrset *set)
{
	struct check *c = arg;
	const uint8_t *p = set->sigdata;

	if (set->sigs == 0)
		c->unsigned_sets++;
	for (unsigned i = 0; i < set->sigs; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		check_signature(c, set, rdata, len);
	}
}

static struct check check_zone(const char *path, const char *origin)
{
	struct check c = {.scratch = verifier_scratch_new()};
	struct fixture_zone z;
	struct err e = {0};

	if (fixture_load(&z, path, origin, &e) != OK)
		fail_msg("%s", e.text);
	fixture_rrsets(&z, take_keys, &c);
	fixture_rrsets(&z, check_rrset, &c);
	for (size_t i = 0; i < c.key_count; i++)
		verifier_free(c.keys[i]);
	verifier_scratch_free(c.scratch);
	fixture_free(&z);
	return c;
}

static void test_algorithms_R13(void **state)
{
	static const char *const zones[] = {
	    "rsasha256", "rsasha512", "ecdsap256sha256", "ecdsap384sha384", "ed25519", "ed448"};
	char name[64];

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(zones); i++) {
		struct check c;

		snprintf(name, sizeof(name), "dns/%s.zone", zones[i]);
		c = check_zone(fixture_path(name), "example.");
		assert_int_equal(c.key_count, 2);
		/* 12 RRsets, the DNSKEYs with both keys, 13 NSECs; NS and glue of sub are not signed. */
		assert_int_equal(c.good, 27);
		assert_int_equal(c.unsigned_sets, 2);
	}
}

static void test_genuine_root_R13(void **state)
{
	const char *path =
	    fixture_public_path("zones/root-2017/root-2017082100-signed-genuine.zone.gz");
	char file[64];
	struct check c;

	(void)state;
	if (path == NULL || !fixture_gunzip(path, file))
		skip();
	c = check_zone(file, ".");
	unlink(file);
	assert_int_equal(c.good, 2950);
}

static void test_algorithm_names(void **state)
{
	(void)state;
	assert_int_equal(dnskey_algorithm_parse("ecdsap256sha256"), 13);
	assert_int_equal(dnskey_algorithm_parse("ED448"), 16);
	assert_int_equal(dnskey_algorithm_parse("8"), 8);
	assert_int_equal(dnskey_algorithm_parse("5"), 0);
	assert_int_equal(dnskey_algorithm_parse("RSASHA1"), 0);
	assert_int_equal(dnskey_algorithm_parse("269"), 0);
	assert_int_equal(dnskey_algorithm_parse(""), 0);
	assert_string_equal(dnskey_algorithm_name(15), "ED25519");
	assert_null(dnskey_algorithm_name(7));
	assert_false(dnskey_is_hashed(15));
	assert_int_equal(dnskey_digest_len(14), 48);
	assert_int_equal(dnskey_digest_len(16), 0);
}

/* The root's key 20326 and its DS, as IANA publishes them (root-anchors.xml, 2017). */
static void test_ds_of_the_root(void **state)
{
	struct fixture_zone z;
	struct buf ds = {0};
	uint8_t want[64];
	struct err e = {0};
	size_t n =
	    fixture_hex("4f66 08 02 e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8"
			"ec8d",
		want);

	(void)state;
	assert_int_equal(fixture_load(&z, fixture_path("dns/root-ksk-2017.zone"), ".", &e), OK);
	assert_int_equal(dnskey_tag(z.records[0].rdata, z.records[0].len), 20326);
	assert_int_equal(
	    dnskey_ds(fixture_name("."), z.records[0].rdata, z.records[0].len, 2, &ds), OK);
	assert_int_equal(ds.len, n);
	assert_memory_equal(ds.data, want, n);
	assert_int_equal(dnskey_ds(fixture_name("."), z.records[0].rdata, z.records[0].len, 3, &ds),
	    ERR_ARGUMENT);
	buf_free(&ds);
	fixture_free(&z);
}

static void test_bad_keys(void **state)
{
	uint8_t key[5 + 64] = {1, 0, 3, 13};
	struct err e = {0};

	(void)state;
	assert_null(verifier_new(key, 4, &e));
	assert_null(verifier_new(key, 4 + 63, &e));
	assert_null(verifier_new(key, 4 + 64, &e)); /* 0, 0 is not on the curve */
	assert_int_equal(e.code, ERR_CRYPTO);
	key[3] = 8;
	assert_null(verifier_new(key, 6, &e)); /* no modulus */
	key[3] = 5;
	assert_null(verifier_new(key, 4 + 64, &e));
	assert_int_equal(e.code, ERR_FORMAT);
}

static void test_rrsig_cut_off(void **state)
{
	uint8_t rdata[18 + 1 + 1] = {0};
	struct rrsig sig;

	(void)state;
	assert_int_equal(rrsig_parse(rdata, sizeof(rdata), &sig), OK);
	assert_int_equal(sig.signature_len, 1);
	for (size_t len = 0; len < sizeof(rdata); len++)
		assert_int_equal(rrsig_parse(rdata, len, &sig), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_algorithms_R13),
	    cmocka_unit_test(test_genuine_root_R13),
	    cmocka_unit_test(test_algorithm_names),
	    cmocka_unit_test(test_ds_of_the_root),
	    cmocka_unit_test(test_bad_keys),
	    cmocka_unit_test(test_rrsig_cut_off),
	};

	return cmocka_run_group_tests_name("dnskey", tests, NULL, NULL);
}
