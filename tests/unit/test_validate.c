/* Signatures of others, their keys by DS, trust anchors: by what NSD answered about zones that
 * other programs signed (tests/data/dns/chain; more of it in test_trust). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "dns/absence.h"
#include "dns/anchors.h"
#include "dns/answer.h"
#include "dns/dnskey.h"
#include "dns/rrtype.h"
#include "dns/validate.h"
#include "dns_fixture.h"

#define NOW 1800000000 /* 2027 */
#define assert_says(text, words)                                                                   \
	do {                                                                                       \
		if (strstr(text, words) == NULL)                                                   \
			fail_msg("\"%s\" does not say \"%s\"", text, words);                       \
	} while (0)

struct held { /* an RRset of an answer, its memory */
	uint8_t *msg;
	size_t len;
	struct packet p;
	struct buf packed;
	struct rrset set;
};

/* The answer to a question; its RRset, where there is one. */
static struct held load(const char *name, const char *type)
{
	static char line[200000], hex[199000];
	char qname[256], qtype[16];
	FILE *f = fopen(fixture_path("dns/chain/nsd.txt"), "r");
	struct held h = {0};
	uint16_t number;

	assert_non_null(f);
	while (h.msg == NULL && fgets(line, sizeof(line), f) != NULL) {
		assert_int_equal(sscanf(line, "%255s %15s %198999s", qname, qtype, hex), 3);
		if (strcmp(qname, name) != 0 || strcmp(qtype, type) != 0)
			continue;
		h.msg = mem_alloc(strlen(hex) / 2);
		h.len = fixture_hex(hex, h.msg);
	}
	fclose(f);
	assert_non_null(h.msg);
	assert_true(rrtype_parse(type, &number));
	assert_int_equal(packet_parse(h.msg, h.len, &h.p, NULL), OK);
	if (answer_rrset(&h.p, 1, fixture_name(name), number, &h.packed, NULL) == OK)
		assert_int_equal(rrset_unpack(h.packed.data, h.packed.len, &h.set), OK);
	return h;
}

static void drop(struct held *h)
{
	free(h->msg);
	buf_free(&h->packed);
}

static void test_rrset(void **state)
{
	struct held keys = load("example.", "DNSKEY"), a = load("www.example.", "A"),
		    other = load("secure.example.", "DNSKEY");
	struct validated v;
	struct err e;
	uint8_t *octet = (uint8_t *)(uintptr_t)(a.set.rdata + 2);

	(void)state;
	assert_int_equal(
	    validate_rrset(&a.set, fixture_name("example."), &keys.set, NOW, &v, &e), OK);
	assert_int_equal(v.until, 2082758400); /* 2036 */
	assert_false(v.is_expanded);
	/* By another zone, or in it. */
	assert_int_equal(
	    validate_rrset(&a.set, fixture_name("secure.example."), &other.set, NOW, &v, &e),
	    ERR_VERIFY);
	assert_says(e.text, "not in the zone");
	assert_int_equal(
	    validate_rrset(&a.set, fixture_name("www.example."), &keys.set, NOW, &v, &e),
	    ERR_VERIFY);
	assert_says(e.text, "signed by the zone example. and not by www.example.");
	assert_int_equal(
	    validate_rrset(&a.set, fixture_name("example."), &other.set, NOW, &v, &e), ERR_VERIFY);
	assert_says(e.text, "not among those that count");
	*octet ^= 1;
	assert_int_equal(
	    validate_rrset(&a.set, fixture_name("example."), &keys.set, NOW, &v, &e), ERR_VERIFY);
	assert_says(e.text, "does not hold");
	drop(&keys);
	drop(&a);
	drop(&other);
}

/* A key that is no zone key, or was revoked, counts for nothing. */
static void test_key_flags(void **state)
{
	static const uint16_t flags[] = {0x0000, 0x0001, 0x0180};
	struct held keys = load("example.", "DNSKEY"), a = load("www.example.", "A");
	struct validated v;
	struct err e;
	const uint8_t *p;
	uint16_t len;

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(flags); i++) {
		p = keys.set.rdata;
		for (unsigned k = 0; k < keys.set.count; k++)
			store_u16((uint8_t *)(uintptr_t)rrset_next(&p, &len), flags[i]);
		assert_int_equal(
		    validate_rrset(&a.set, fixture_name("example."), &keys.set, NOW, &v, &e),
		    ERR_VERIFY);
	}
	drop(&keys);
	drop(&a);
}

/* An owner that a wildcard was signed for, and what of it is signed. */
static void test_wildcard(void **state)
{
	struct held keys = load("example.", "DNSKEY"), txt = load("q.wild.example.", "TXT");
	struct absence_question q = {.zone = fixture_name("example."),
	    .keys = &keys.set,
	    .name = fixture_name("q.wild.example."),
	    .type = RR_TXT,
	    .now = NOW};
	struct validated v;
	int64_t until;
	struct err e;

	(void)state;
	assert_int_equal(validate_rrset(&txt.set, q.zone, &keys.set, NOW, &v, &e), OK);
	assert_true(v.is_expanded);
	assert_int_equal(v.labels, 2);
	assert_int_equal(absence_of_closer(&txt.p, &q, v.labels, &until, &e), ABSENCE_OF_NAME);
	/* The same records do not prove it for a name that is there. */
	q.name = fixture_name("a.ent.example.");
	assert_int_equal(absence_of_closer(&txt.p, &q, 1, &until, &e), ABSENCE_UNPROVEN);
	drop(&keys);
	drop(&txt);
}

static struct rrset ds_set(
    const struct rrset *keys, const uint8_t *digests, size_t count, struct buf *items)
{
	struct rrset ds = {.owner = keys->owner, .type = RR_DS};
	const uint8_t *p = keys->rdata, *key;
	uint16_t len;
	struct buf one = {0};

	buf_reset(items);
	for (unsigned i = 0; i < keys->count; i++) {
		key = rrset_next(&p, &len);
		for (size_t d = 0; d < count && (load_u16(key) & DNSKEY_FLAG_SEP); d++) {
			buf_reset(&one);
			assert_int_equal(
			    dnskey_ds(keys->owner, key, len, digests[d] & 0x0f, &one), OK);
			one.data[one.len - 1] ^= digests[d] >> 4; /* 0x10 and more: a wrong one */
			buf_lv16(items, one.data, one.len);
			ds.count++;
		}
	}
	buf_free(&one);
	ds.rdata = items->data;
	ds.rdata_len = items->len;
	return ds;
}

static void test_digests(void **state)
{
	static const struct {
		uint8_t digests[2];
		size_t count;
		enum validity validity;
	} cases[] = {
	    {{1}, 1, VALIDITY_SECURE},
	    {{2}, 1, VALIDITY_SECURE},
	    {{4}, 1, VALIDITY_SECURE},
	    {{0x12}, 1, VALIDITY_BOGUS},
	    {{0x12, 4}, 2, VALIDITY_SECURE},
	    {{1, 0x12}, 2, VALIDITY_BOGUS}, /* RFC 4509 3: SHA-1 does not count */
	    {{1, 0x14}, 2, VALIDITY_BOGUS},
	    {{0x11, 2}, 2, VALIDITY_SECURE},
	};
	struct held keys = load("secure.example.", "DNSKEY");
	struct buf items = {0};
	struct validated v;
	struct rrset ds;
	struct err e;

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(cases); i++) {
		ds = ds_set(&keys.set, cases[i].digests, cases[i].count, &items);
		if (validate_keys(&keys.set, &ds, NOW, &v, &e) != cases[i].validity)
			fail_msg("case %zu", i);
	}
	/* Another digest, or another algorithm, that nobody knows. */
	ds = ds_set(&keys.set, cases[1].digests, 1, &items);
	items.data[2 + 3] = 3;
	assert_false(validate_knows_ds(&ds));
	assert_int_equal(validate_keys(&keys.set, &ds, NOW, &v, &e), VALIDITY_INSECURE);
	items.data[2 + 3] = 2;
	items.data[2 + 2] = 5; /* RSASHA1 */
	assert_int_equal(validate_keys(&keys.set, &ds, NOW, &v, &e), VALIDITY_INSECURE);
	buf_free(&items);
	drop(&keys);
}

/* The DNSKEY set must be signed by a key of the DS, not by just any of the zone. */
static void test_signed_by_ds(void **state)
{
	struct held keys = load("example.", "DNSKEY");
	static const uint8_t sha256[] = {2};
	struct buf items = {0};
	struct rrset ds, none;
	struct validated v;
	struct err e;

	(void)state;
	ds = ds_set(&keys.set, sha256, 1, &items);
	none = keys.set;
	none.sigs = 0;
	assert_int_equal(validate_keys(&none, &ds, NOW, &v, &e), VALIDITY_BOGUS);
	assert_says(e.text, "not signed");
	assert_int_equal(validate_keys(&keys.set, &ds, NOW, &v, &e), VALIDITY_SECURE);
	items.data[2] ^= 1; /* the tag */
	assert_int_equal(validate_keys(&keys.set, &ds, NOW, &v, &e), VALIDITY_BOGUS);
	assert_says(e.text, "no DNSKEY is the one of a DS");
	buf_free(&items);
	drop(&keys);
}

/* Many keys with one tag, many signatures by it: CVE-2023-50387. */
static void test_keytrap(void **state)
{
	struct held keys = load("example.", "DNSKEY"), a = load("www.example.", "A");
	struct buf more = {0}, sigs = {0};
	const uint8_t *p = keys.set.rdata, *sig;
	uint16_t len;
	struct rrset many = keys.set, set = a.set;
	struct validated v;
	struct err e;

	(void)state;
	many.count = 0;
	for (unsigned i = 0; i < keys.set.count; i++) {
		uint8_t key[200];
		const uint8_t *from = rrset_next(&p, &len);

		memcpy(key, from, len);
		for (unsigned k = 0; k < 15; k++) {
			uint16_t word = load_u16(key + 4 + 2 * k);

			store_u16(key + 4 + 2 * k, load_u16(key + 6 + 2 * k));
			store_u16(key + 6 + 2 * k, word);
			assert_int_equal(dnskey_tag(key, len), dnskey_tag(from, len));
			buf_lv16(&more, key, len);
			many.count++;
		}
	}
	buf_put(&more, keys.set.rdata, keys.set.rdata_len);
	many.count = (uint16_t)(many.count + keys.set.count);
	many.rdata = more.data;
	many.rdata_len = more.len;
	p = a.set.sigdata;
	sig = rrset_next(&p, &len);
	for (set.sigs = 0; set.sigs < ANSWER_SIGS_MAX; set.sigs++)
		buf_lv16(&sigs, sig, len);
	set.sigdata = sigs.data;
	set.sigdata_len = sigs.len;
	assert_int_equal(
	    validate_rrset(&set, fixture_name("example."), &many, NOW, &v, &e), ERR_VERIFY);
	assert_says(e.text, "none of 8 of its signatures holds, and more are not tried");
	buf_free(&more);
	buf_free(&sigs);
	drop(&keys);
	drop(&a);
}

/* Too many signatures over a set are of no use, and no work. */
static void test_answer_limits(void **state)
{
	struct held a = load("www.example.", "A");
	struct packet_builder b = {0};
	const uint8_t *p = a.set.sigdata, *owner = fixture_name("www.example."), *sig;
	uint16_t len;
	struct buf out = {0};
	struct packet packet;
	struct err e;

	(void)state;
	sig = rrset_next(&p, &len);
	packet_begin(&b, 65535, 1, PACKET_FLAG_QR, owner, RR_A);
	for (unsigned i = 0; i <= ANSWER_SIGS_MAX; i++)
		packet_add(&b, 1, owner, RR_RRSIG, 60, sig, len);
	packet_end(&b);
	assert_int_equal(packet_parse(b.buf.data, b.buf.len, &packet, NULL), OK);
	assert_int_equal(answer_rrset(&packet, 1, owner, RR_A, &out, &e), ERR_LIMIT);
	assert_says(e.text, "more than 32 signatures");
	packet_begin(&b, 65535, 1, PACKET_FLAG_QR, owner, RR_A);
	packet_add(&b, 1, owner, RR_A, 60, (const uint8_t *)"abcd", 4);
	packet_add(&b, 1, owner, RR_A, 30, (const uint8_t *)"aacd", 4);
	packet_add(&b, 1, fixture_name("ww.example."), RR_A, 20, (const uint8_t *)"aacd", 4);
	packet_add(&b, 2, owner, RR_A, 10, (const uint8_t *)"aacd", 4);
	packet_end(&b);
	assert_int_equal(packet_parse(b.buf.data, b.buf.len, &packet, NULL), OK);
	assert_int_equal(answer_rrset(&packet, 1, owner, RR_A, &out, &e), OK);
	assert_int_equal(rrset_unpack(out.data, out.len, &a.set), OK);
	assert_int_equal(a.set.count, 2);
	assert_int_equal(a.set.ttl, 30);
	assert_int_equal(a.set.sigs, 0);
	assert_memory_equal(a.set.rdata, "\0\4aacd\0\4abcd", 12);
	buf_reset(&out);
	assert_int_equal(answer_rrset(&packet, 1, owner, RR_AAAA, &out, &e), ERR_MISSING);
	assert_int_equal(out.len, 0);
	packet_builder_free(&b);
	buf_free(&out);
	drop(&a);
}

static int read_anchors(const char *text, struct anchors *a, struct err *e)
{
	char path[] = "/tmp/anchors.XXXXXX";
	int fd = mkstemp(path), code;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	code = anchors_read(path, a, e);
	unlink(path);
	return code;
}

static void test_anchors(void **state)
{
	static const char key[] =
	    "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4= ; an example of RFC 8080\n";
	struct anchors a = {.count = 0};
	struct rrset set;
	struct err e;
	char *text = mem_printf("example.com. IN DNSKEY 257 3 15 %sexample.com. 3600 DS 4711 15 2 "
				"%064d\n. DS 20326 8 2 %064d\n",
	    key, 1, 2);

	(void)state;
	assert_int_equal(read_anchors(text, &a, &e), OK);
	free(text);
	assert_int_equal(a.count, 2);
	assert_true(anchors_find(&a, fixture_name("example.com."), &set));
	assert_int_equal(set.count, 2);
	/* RFC 8080 6.1: the DS of that key has the tag 3613. */
	assert_int_equal(load_u16(set.rdata + 2), 3613);
	assert_true(anchors_find(&a, fixture_name("."), &set));
	assert_int_equal(set.count, 1);
	assert_false(anchors_find(&a, fixture_name("com."), &set));
	assert_int_not_equal(read_anchors("", &a, &e), OK);
	assert_says(e.text, "no trust anchor in it");
	assert_int_not_equal(read_anchors(". 60 A 127.0.0.1\n", &a, &e), OK);
	assert_says(e.text, "a trust anchor is a DS or a DNSKEY record");
	assert_int_not_equal(read_anchors(". DS 1 8 2 zz\n", &a, &e), OK);
	assert_int_equal(a.count, 2); /* as it was */
	anchors_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rrset),
	    cmocka_unit_test(test_key_flags),
	    cmocka_unit_test(test_wildcard),
	    cmocka_unit_test(test_digests),
	    cmocka_unit_test(test_signed_by_ds),
	    cmocka_unit_test(test_keytrap),
	    cmocka_unit_test(test_answer_limits),
	    cmocka_unit_test(test_anchors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
