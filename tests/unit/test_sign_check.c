/* The judge of signed versions, judged: each kind of fault, put into a good version, must be found.
 * The sums in the head are made to fit, so that it is not they that give the fault away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "tests/unit/fake_token.h"
#include "tests/unit/signing.h"

static const char zone[] = "$ORIGIN example.\n$TTL 3600\n"
			   "@ IN SOA ns1 host 100 3600 900 1209600 1800\n@ IN NS ns1\n"
			   "ns1 IN A 192.0.2.1\n"
			   "mx IN MX 10 ns1\nmx IN MX 20 ns1\n"
			   "a.empty IN TXT \"x\"\n"
			   "sub IN NS ns.sub\nns.sub IN A 192.0.2.4\n"
			   "safe IN NS ns.safe\nsafe IN DS 1 13 2 "
			   "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n"
			   "d IN DNAME elsewhere.\nx.d IN TXT \"hidden\"\n";

struct fault {
	const char *owner; /* NULL: the NSEC3 of `hashed` */
	const char *hashed;
	uint16_t type;
	/* The RRset as it is; leaves the new one in out, nothing: it is lost. */
	void (*edit)(const struct rrset *set, struct buf *out);
};

/* Faults */

static void lose(const struct rrset *set, struct buf *out)
{
	(void)set;
	(void)out;
}

/* The sums are left as they were. */
static void lose_untold(const struct rrset *set, struct buf *out)
{
	(void)set;
	(void)out;
}

static void lose_signatures(const struct rrset *set, struct buf *out)
{
	struct rrset bare = *set;

	bare.sigs = 0;
	bare.sigdata_len = 0;
	rrset_pack(&bare, out);
}

static void lose_record(const struct rrset *set, struct buf *out)
{
	const uint8_t *p = set->rdata;
	struct rrset less = *set;
	uint16_t len;

	rrset_next(&p, &len);
	less.count--;
	less.rdata = p;
	less.rdata_len -= 2U + len;
	rrset_pack(&less, out);
}

static void add_signature(const struct rrset *set, struct buf *out)
{
	uint8_t sigs[256] = {0};
	struct rrset more = *set;
	struct buf sig = {0};
	struct rrsig_params p = {.algorithm = ALG_ECDSAP256SHA256,
	    .key_tag = *(const uint16_t *)out->data,
	    .inception = SIGNING_NOW - 10,
	    .expiration = SIGNING_NOW + 10 * 86400,
	    .signer = (const uint8_t *)"\7example"};

	buf_reset(out);
	rrsig_prefix(set, &p, &sig);
	buf_put(&sig, sigs, 64);
	store_u16(sigs, (uint16_t)sig.len);
	memcpy(sigs + 2, sig.data, sig.len);
	more.sigs = 1;
	more.sigdata = sigs;
	more.sigdata_len = sig.len + 2;
	rrset_pack(&more, out);
	buf_free(&sig);
}

static void change_octet(const struct rrset *set, struct buf *out, size_t from_end, bool in_sig)
{
	size_t at;

	rrset_pack(set, out);
	at = in_sig ? out->len : out->len - 1 - set->sigdata_len;
	out->data[at - 1 - from_end] ^= 1;
}

static void flip_signature_bit(const struct rrset *set, struct buf *out)
{
	change_octet(set, out, 20, true);
}

static void change_bitmap(const struct rrset *set, struct buf *out)
{
	change_octet(set, out, 0, false); /* RRSIG and NSEC stand in the last octets */
}

static void change_next_hash(const struct rrset *set, struct buf *out)
{
	rrset_pack(set, out);
	out->data[(size_t)(set->rdata - (set->owner - 1)) + 2 + 6 + 10] ^= 1;
}

static void change_next_name(const struct rrset *set, struct buf *out)
{
	rrset_pack(set, out);
	out->data[(size_t)(set->rdata - (set->owner - 1)) + 2 + 1] ^= 1;
}

static void change_flag(const struct rrset *set, struct buf *out)
{
	rrset_pack(set, out);
	out->data[(size_t)(set->rdata - (set->owner - 1)) + 2 + 1] ^= 1;
}

static void change_value(const struct rrset *set, struct buf *out)
{
	change_octet(set, out, 0, false);
}

static void change_serial(const struct rrset *set, struct buf *out)
{
	change_octet(set, out, 16, false);
}

static void change_digests_serial(const struct rrset *set, struct buf *out)
{
	change_octet(set, out, 48 + 2, false);
}

static void change_ttl(const struct rrset *set, struct buf *out)
{
	struct rrset other = *set;

	other.ttl--;
	rrset_pack(&other, out);
}

/* The signature's fields, by their offset in the RRSIG. */
static void put_in_signature(
    const struct rrset *set, struct buf *out, size_t offset, size_t len, uint32_t value)
{
	size_t at;

	rrset_pack(set, out);
	at = out->len - set->sigdata_len + 2 + offset;
	for (size_t i = 0; i < len; i++)
		out->data[at + i] = (uint8_t)(value >> (8 * (len - 1 - i)));
}

static void expire(const struct rrset *set, struct buf *out)
{
	put_in_signature(set, out, 8, 4, SIGNING_NOW - 1);
}

static void begin_later(const struct rrset *set, struct buf *out)
{
	put_in_signature(set, out, 12, 4, SIGNING_NOW + 60);
}

static void cover_another_type(const struct rrset *set, struct buf *out)
{
	put_in_signature(set, out, 0, 2, RR_AAAA);
}

static void count_labels_wrong(const struct rrset *set, struct buf *out)
{
	put_in_signature(set, out, 3, 1, 1);
}

static void sign_by_stranger(const struct rrset *set, struct buf *out)
{
	put_in_signature(set, out, 16, 2, 1);
}

/* Copies the version with one fault in it. */

struct copy {
	const struct fault *fault;
	const struct signing *signing;
	struct build *build;
	struct zone_head head;
	bool hit;
};

static bool is_hit(const struct copy *c, const struct walk *w, const struct rrset *set)
{
	uint8_t name[NAME_MAX_LEN], hash[NSEC3_HASH_LEN];

	if (c->fault->owner != NULL) {
		assert_int_equal(name_parse(c->fault->owner, name), OK);
		return !w->is_nsec3 && set->type == c->fault->type && name_equal(name, set->owner);
	}
	assert_int_equal(name_parse(c->fault->hashed, name), OK);
	nsec3_hash(&c->head.nsec3, name, hash);
	return w->is_nsec3 && memcmp(hash, w->key, sizeof(hash)) == 0;
}

static void sum(struct copy *c, const struct rrset *set)
{
	const uint8_t *p = set->sigdata;

	if (c->fault->edit == lose_untold)
		return;
	c->head.rrsets++;
	c->head.records += set->count;
	c->head.signatures += set->sigs;
	for (unsigned i = 0; i < set->sigs; i++) {
		struct rrsig sig;
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		assert_int_equal(rrsig_parse(rdata, len, &sig), OK);
		for (unsigned k = 0; k < c->head.key_count; k++)
			c->head.keys[k].signatures += c->head.keys[k].tag == sig.key_tag;
	}
}

static void copy_one(void *arg, const struct walk *w, const struct rrset *set)
{
	struct copy *c = arg;
	struct buf out = {0};
	struct rrset now;
	struct err e = {0};

	if (is_hit(c, w, set)) {
		c->hit = true;
		if (c->fault->edit == add_signature)
			buf_put(&out, &c->signing->job.keys.keys[1].tag, 2);
		c->fault->edit(set, &out);
	} else {
		rrset_pack(set, &out);
	}
	if (out.len > 0) {
		assert_int_equal(rrset_unpack(out.data, out.len, &now), OK);
		sum(c, &now);
		if (w->is_nsec3)
			assert_int_equal(build_nsec3(c->build, w->key, out.data, out.len, &e), OK);
		else
			assert_int_equal(build_rrset(c->build, w->key, w->key_len, w->type,
					     out.data, out.len, &e),
			    OK);
	}
	buf_free(&out);
}

static void put_fault(struct signing *f, const struct fault *fault)
{
	struct copy c = {.fault = fault, .signing = f, .head = f->result.head};
	struct err e = {0};

	c.build = build_begin(f->store, 100, &e);
	if (fault->edit != lose_untold) {
		c.head.rrsets = c.head.records = c.head.signatures = 0;
		for (unsigned k = 0; k < c.head.key_count; k++)
			c.head.keys[k].signatures = 0;
	}
	signing_each(f, copy_one, &c);
	assert_true(c.hit);
	assert_int_equal(build_flip(c.build, &c.head, NULL, NULL, &e), OK);
}

static void sign_good(struct signing *f, enum denial_kind denial)
{
	struct err e = {0};

	f->job.policy.denial = denial;
	f->job.whole = f->job.force = true;
	signing_text(f, zone);
	if (signing_sign(f) != OK)
		fail_msg("%s", f->result.err.text);
	if (signing_check(f, true, &e) != OK)
		fail_msg("%s", e.text);
}

/* The fault is found without looking into signatures (or, with crypto, by that only). */
static void found(struct signing *f, enum denial_kind denial, const struct fault *fault,
    bool crypto, const char *words)
{
	struct err e = {0};

	sign_good(f, denial);
	put_fault(f, fault);
	if (crypto && signing_check(f, false, &e) != OK)
		fail_msg("found without crypto: %s", e.text);
	if (signing_check(f, crypto, &e) != ERR_VERIFY)
		fail_msg("not found: %s", words);
	if (strstr(e.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, words);
}

#define FOUND(denial, words, ...) found(*state, denial, &(struct fault){__VA_ARGS__}, false, words)

static void test_signatures(void **state)
{
	FOUND(DENIAL_NSEC, "mx.example. MX: it is not signed", "mx.example.", NULL, RR_MX,
	    lose_signatures);
	FOUND(DENIAL_NSEC, "safe.example. DS: it is not signed", "safe.example.", NULL, RR_DS,
	    lose_signatures);
	FOUND(DENIAL_NSEC, "example. DNSKEY: it is not signed", "example.", NULL, RR_DNSKEY,
	    lose_signatures);
	FOUND(DENIAL_NSEC, "left to live", "mx.example.", NULL, RR_MX, expire);
	FOUND(DENIAL_NSEC, "begins to hold", "mx.example.", NULL, RR_MX, begin_later);
	FOUND(DENIAL_NSEC, "another type", "mx.example.", NULL, RR_MX, cover_another_type);
	FOUND(DENIAL_NSEC, "number of labels", "mx.example.", NULL, RR_MX, count_labels_wrong);
	FOUND(DENIAL_NSEC, "does not sign this zone", "mx.example.", NULL, RR_MX, sign_by_stranger);
	FOUND(DENIAL_NSEC, "original TTL", "mx.example.", NULL, RR_MX, change_ttl);
	found(*state, DENIAL_NSEC, &(struct fault){"mx.example.", NULL, RR_MX, flip_signature_bit},
	    true, "does not verify");
	found(*state, DENIAL_NSEC3,
	    &(struct fault){NULL, "mx.example.", RR_NSEC3, flip_signature_bit}, true,
	    "does not verify");
}

static void test_signed_and_must_not(void **state)
{
	FOUND(DENIAL_NSEC, "ns.sub.example. A: it is signed", "ns.sub.example.", NULL, RR_A,
	    add_signature);
	FOUND(DENIAL_NSEC, "sub.example. NS: it is signed", "sub.example.", NULL, RR_NS,
	    add_signature);
	FOUND(DENIAL_NSEC, "x.d.example. TXT: it is signed", "x.d.example.", NULL, RR_TXT,
	    add_signature);
}

static void test_nsec(void **state)
{
	FOUND(DENIAL_NSEC, "bitmap", "mx.example.", NULL, RR_NSEC, change_bitmap);
	FOUND(DENIAL_NSEC, "bitmap", "sub.example.", NULL, RR_NSEC, change_bitmap);
	FOUND(DENIAL_NSEC, "leads elsewhere", "mx.example.", NULL, RR_NSEC, change_next_name);
	FOUND(DENIAL_NSEC, "back to the apex", "sub.example.", NULL, RR_NSEC, change_next_name);
	FOUND(DENIAL_NSEC, "NSEC: it is missing", "mx.example.", NULL, RR_NSEC, lose);
	FOUND(DENIAL_NSEC, "NSEC: it is not signed", "mx.example.", NULL, RR_NSEC, lose_signatures);
	FOUND(DENIAL_NSEC, "TTL", "mx.example.", NULL, RR_NSEC, change_ttl);
}

static void test_nsec3(void **state)
{
	FOUND(DENIAL_NSEC3, "bitmap", NULL, "mx.example.", RR_NSEC3, change_bitmap);
	FOUND(DENIAL_NSEC3, "next hash", NULL, "mx.example.", RR_NSEC3, change_next_hash);
	FOUND(DENIAL_NSEC3, "", NULL, "empty.example.", RR_NSEC3, lose);
	FOUND(DENIAL_NSEC3, "", NULL, "sub.example.", RR_NSEC3, lose);
	FOUND(DENIAL_NSEC3, "it is not signed", NULL, "mx.example.", RR_NSEC3, lose_signatures);
	FOUND(DENIAL_NSEC3, "opt-out flag", NULL, "mx.example.", RR_NSEC3, change_flag);
	FOUND(DENIAL_NSEC3_OPT_OUT, "opt-out flag", NULL, "mx.example.", RR_NSEC3, change_flag);
	FOUND(DENIAL_NSEC3, "TTL", NULL, "mx.example.", RR_NSEC3, change_ttl);
	FOUND(DENIAL_NSEC3, "NSEC3PARAM: it is missing", "example.", NULL, RR_NSEC3PARAM, lose);
}

static void test_digest_of_the_zone(void **state)
{
	struct signing *f = *state;

	f->job.policy.zonemd_generate = true;
	FOUND(DENIAL_NSEC3, "example. ZONEMD: it is not one of this version's serial", "example.",
	    NULL, RR_ZONEMD, change_digests_serial);
	FOUND(DENIAL_NSEC3, "example. ZONEMD: it is not signed", "example.", NULL, RR_ZONEMD,
	    lose_signatures);
	FOUND(DENIAL_NSEC3, "bitmap", "example.", NULL, RR_ZONEMD, lose);
}

static void test_data(void **state)
{
	FOUND(DENIAL_NSEC, "records of the source", "ns.sub.example.", NULL, RR_A, lose);
	FOUND(DENIAL_NSEC, "not what the source sent", "ns.sub.example.", NULL, RR_A, change_value);
	FOUND(DENIAL_NSEC, "not what the source sent", "ns.sub.example.", NULL, RR_A, change_ttl);
	FOUND(DENIAL_NSEC, "records of the source", "mx.example.", NULL, RR_MX, lose_record);
	FOUND(DENIAL_NSEC, "its serial", "example.", NULL, RR_SOA, change_serial);
	FOUND(DENIAL_NSEC, "RRsets where", "ns.sub.example.", NULL, RR_A, lose_untold);
	FOUND(DENIAL_NSEC, "DNSKEY: it is missing", "example.", NULL, RR_DNSKEY, lose);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_signatures, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_signed_and_must_not, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_nsec, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_nsec3, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(
		test_digest_of_the_zone, signing_setup, signing_teardown),
	    cmocka_unit_test_setup_teardown(test_data, signing_setup, signing_teardown),
	};

	return cmocka_run_group_tests_name("sign check", tests, NULL, NULL);
}
