/* The judge of changes made in place, judged: it must find the change good that leads from one
 * version to another; then one row of it is spoilt, with the sums of the head made to fit, and it
 * must say what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "sign/digest.h"
#include "tests/unit/change_rig.h"

/* Zones */

#define APEX(serial)                                                                               \
	"$ORIGIN example.\n$TTL 3600\n@ IN SOA ns1 host " serial                                   \
	" 3600 900 1209600 1800\n@ IN NS ns1\n"
#define HOST "ns1 IN A 192.0.2.1\n"
#define MX "mx IN MX 10 ns1\n"
#define DEEP "a.empty IN TXT \"x\"\n"
#define SUB "sub IN NS ns.sub\n"
#define GLUE "ns.sub IN A 192.0.2.4\na.ns.sub IN A 192.0.2.5\n"
#define SAFE                                                                                       \
	"safe IN NS ns1\nsafe IN DS 1 13 2 "                                                       \
	"00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n"
#define UNSAFE "safe IN NS ns1\n"
#define DNAME "d IN DNAME elsewhere.\n"
#define HIDDEN "x.d IN TXT \"hidden\"\n"
#define REST HOST MX DEEP SUB GLUE SAFE DNAME HIDDEN

static const char base[] = APEX("100") REST;

static const enum denial_kind kinds[] = {DENIAL_NSEC, DENIAL_NSEC3, DENIAL_NSEC3_OPT_OUT};

/* Each and its contrary, with each kind of denial. */
static const char *const changes[] = {
    APEX("101") REST, /* nothing but the serial */
    APEX("101") REST "n IN TXT \"new\"\n",
    APEX("101") REST "zz IN TXT \"the last one\"\n",
    APEX("101") REST "a IN TXT \"the first one\"\n",
    APEX("101") REST "b.empty IN TXT \"y\"\nempty IN TXT \"not empty\"\n",
    APEX("101") REST "b.c.d.e IN TXT \"deep\"\nc.d.e IN TXT \"less\"\n",
    APEX("101") HOST MX SUB GLUE SAFE DNAME HIDDEN,
    APEX("101") HOST MX DEEP SUB GLUE UNSAFE DNAME HIDDEN,
    APEX("101") HOST MX DEEP GLUE SAFE DNAME HIDDEN,
    APEX("101") HOST MX DEEP SUB SAFE DNAME HIDDEN,
    APEX("101") HOST MX DEEP SAFE DNAME HIDDEN,
    APEX("101") HOST MX DEEP SUB GLUE SAFE HIDDEN,
    APEX("101") HOST MX DEEP SUB GLUE SAFE DNAME HIDDEN "empty IN NS ns1\n",
    APEX("101") HOST MX DEEP SUB GLUE SAFE DNAME HIDDEN "b.empty IN NS ns1\n",
    APEX("101") HOST MX DEEP SUB GLUE SAFE DNAME HIDDEN "ns.sub IN NS ns1\n",
    APEX("101") HOST MX "mx IN TXT \"more\"\n" DEEP SUB GLUE SAFE DNAME HIDDEN,
    APEX("101") HOST,
    APEX("101") HOST "@ IN DNAME elsewhere.\n",
    APEX("101") "p.q.sub IN NS ns1\n" REST,
};

static void test_good_changes(void **state)
{
	struct rig *r = *state;

	for (size_t k = 0; k < MEM_COUNT(kinds); k++) {
		rig_begin(r, kinds[k], base);
		for (size_t i = 0; i < MEM_COUNT(changes); i++) {
			rig_change(r, changes[i]);
			rig_keep(r);
			rig_change(r, base);
			rig_keep(r);
		}
	}
}

/* Faults */

static void make_change(struct rig *r, enum denial_kind denial, const char *was, const char *is)
{
	rig_begin(r, denial, was);
	rig_change(r, is);
}

static void strip(struct row *r)
{
	struct rrset bare = r->set;

	bare.sigs = 0;
	bare.sigdata_len = 0;
	rig_put_row(r, &bare);
}

/* It is left as it was before. */
static void leave(struct rig *r, struct row *row)
{
	const struct row *was = rig_same(&r->was, row);

	assert_non_null(was);
	rig_put_row(row, &was->set);
}

static const char with_n[] = APEX("101") REST "n IN TXT \"new\"\n";

static void test_nsec_is_linked(void **state)
{
	struct rig *r = *state;

	make_change(r, DENIAL_NSEC, base, with_n);
	leave(r, rig_find(&r->is, "mx.example.", RR_NSEC));
	rig_sum(&r->is);
	rig_refused(r, "mx.example. NSEC: it does not lead to the next name");

	make_change(r, DENIAL_NSEC, base, with_n);
	rig_find(&r->is, "n.example.", RR_NSEC)->is_gone = true;
	rig_sum(&r->is);
	rig_refused(r, "n.example. NSEC: it is missing");

	/* a name that is gone, and one at the end: the way leads round to the apex */
	make_change(r, DENIAL_NSEC, with_n, APEX("102") REST);
	leave(r, rig_find(&r->is, "mx.example.", RR_NSEC));
	rig_refused(r, "mx.example. NSEC: it does not lead to the next name");
	make_change(r, DENIAL_NSEC, base, APEX("101") REST "zz IN TXT \"last\"\n");
	leave(r, rig_find(&r->is, "sub.example.", RR_NSEC));
	rig_refused(r, "sub.example. NSEC: it does not lead to the next name");
}

static void test_nsec_says_what_is_there(void **state)
{
	struct rig *r = *state;
	struct row *row;

	make_change(r, DENIAL_NSEC, base, APEX("101") REST "mx IN TXT \"more\"\n");
	leave(r, rig_find(&r->is, "mx.example.", RR_NSEC));
	rig_refused(r, "mx.example. NSEC: its type bitmap");

	make_change(r, DENIAL_NSEC, base, with_n);
	row = rig_find(&r->is, "n.example.", RR_NSEC);
	row->set.ttl++;
	rig_put_row(row, &row->set);
	rig_refused(r, "n.example. NSEC: ");
}

static void test_nsec3_is_linked(void **state)
{
	struct rig *r = *state;
	struct row *row;

	for (unsigned i = 1; i < MEM_COUNT(kinds); i++) {
		make_change(r, kinds[i], base, with_n);
		leave(r, rig_nsec3_before(&r->is, "n.example."));
		rig_refused(r, "NSEC3: it does not lead to the next hash");

		make_change(r, kinds[i], base, with_n);
		rig_find(&r->is, "n.example.", RR_NSEC3)->is_gone = true;
		leave(r, rig_nsec3_before(&r->is, "n.example."));
		rig_sum(&r->is);
		rig_refused(r, "n.example. NSEC3: it is missing");

		make_change(r, kinds[i], with_n, APEX("102") REST);
		leave(r, rig_nsec3_before(&r->is, "n.example."));
		rig_refused(r, "NSEC3: it does not lead to the next hash");

		make_change(r, kinds[i], base, APEX("101") REST "mx IN TXT \"more\"\n");
		leave(r, rig_find(&r->is, "mx.example.", RR_NSEC3));
		rig_refused(r, "NSEC3: its type bitmap");

		make_change(r, kinds[i], base, with_n);
		row = rig_find(&r->is, "n.example.", RR_NSEC3);
		row->packed.data[row->set.rdata - row->packed.data + 2 + 1] ^= 1;
		rig_refused(r, "NSEC3: its opt-out flag");

		make_change(r, kinds[i], base, with_n);
		strip(rig_find(&r->is, "n.example.", RR_NSEC3));
		rig_sum(&r->is);
		rig_refused(r, "NSEC3: it is not signed");
	}
}

/* Where an NSEC3 without salt says which is next. */
static uint8_t *next_hash(struct row *r)
{
	return r->packed.data + (r->set.rdata - r->packed.data) + 2 + 6;
}

/* A row that was there before stays in the chain. */
static void keep_nsec3(struct rig *r, const char *owner)
{
	struct row *was = rig_find(&r->was, owner, RR_NSEC3);
	struct row *before = rig_nsec3_before(&r->is, owner), *kept;
	unsigned i = r->is.count++;

	for (; i > 0 && r->is.rows[i - 1].is_nsec3 &&
	       memcmp(r->is.rows[i - 1].key, was->key, NSEC3_HASH_LEN) > 0;
	     i--)
		r->is.rows[i] = r->is.rows[i - 1];
	if (before >= &r->is.rows[i])
		before++;
	kept = &r->is.rows[i];
	memset(kept, 0, sizeof(*kept));
	kept->is_nsec3 = true;
	memcpy(kept->key, was->key, NSEC3_HASH_LEN);
	kept->key_len = NSEC3_HASH_LEN;
	rig_put_row(kept, &was->set);
	memcpy(next_hash(kept), next_hash(before), NSEC3_HASH_LEN);
	memcpy(next_hash(before), kept->key, NSEC3_HASH_LEN);
	rig_sum(&r->is);
}

static void test_empty_non_terminals(void **state)
{
	static const char without[] = APEX("101") HOST MX SUB GLUE SAFE DNAME HIDDEN;
	struct rig *r = *state;

	for (unsigned i = 1; i < MEM_COUNT(kinds); i++) {
		make_change(r, kinds[i], without, APEX("102") REST);
		rig_find(&r->is, "empty.example.", RR_NSEC3)->is_gone = true;
		leave(r, rig_nsec3_before(&r->is, "empty.example."));
		rig_sum(&r->is);
		rig_refused(r, "empty.example. NSEC3: it is missing");

		make_change(r, kinds[i], base, without);
		keep_nsec3(r, "empty.example.");
		rig_refused(r, "empty.example. NSEC3: it stands at a name that has nothing");

		make_change(r, kinds[i], with_n, APEX("102") REST);
		keep_nsec3(r, "n.example.");
		rig_refused(r, "n.example. NSEC3: it stands at a name that has nothing");
	}
}

static void test_opt_out(void **state)
{
	static const char many[] =
	    APEX("100") HOST SAFE "a.x IN NS ns1\nb.x IN NS ns1\nb.x IN DS 1 13 1 "
				  "0011223344556677889900112233445566778899\nc.x IN NS ns1\n";
	static const char none[] =
	    APEX("101") HOST SAFE "a.x IN NS ns1\nb.x IN NS ns1\nc.x IN NS ns1\n";
	struct rig *r = *state;

	make_change(
	    r, DENIAL_NSEC3_OPT_OUT, base, APEX("101") HOST MX DEEP SUB GLUE UNSAFE DNAME HIDDEN);
	keep_nsec3(r, "safe.example.");
	rig_refused(r, "safe.example. NSEC3: it stands at an insecure delegation");

	/* the last one that counts below an empty non-terminal */
	make_change(r, DENIAL_NSEC3_OPT_OUT, none, many);
	make_change(r, DENIAL_NSEC3_OPT_OUT, many, none);
	keep_nsec3(r, "x.example.");
	rig_refused(r, "x.example. NSEC3: it stands at a name that has nothing");
}

static void test_signatures(void **state)
{
	struct rig *r = *state;
	struct row *row;

	make_change(r, DENIAL_NSEC, base, with_n);
	strip(rig_find(&r->is, "n.example.", RR_TXT));
	rig_sum(&r->is);
	rig_refused(r, "n.example. TXT: it is not signed");

	/* by the key that signs the DNSKEY set */
	make_change(r, DENIAL_NSEC, base, with_n);
	row = rig_find(&r->is, "n.example.", RR_TXT);
	store_u16(row->packed.data + (row->set.sigdata - row->packed.data) + 2 + 16,
	    r->s.job.keys.keys[0].tag);
	rig_sum(&r->is);
	rig_refused(r, "n.example. TXT: it is signed by key");

	/* by one that is only there still, while the zone is being signed anew */
	r->is.head.has_walk = true;
	rig_refused(r, "n.example. TXT: it is signed by key");

	make_change(r, DENIAL_NSEC, base, with_n);
	row = rig_find(&r->is, "n.example.", RR_TXT);
	store_u32(
	    row->packed.data + (row->set.sigdata - row->packed.data) + 2 + 8, SIGNING_NOW + 86400);
	rig_refused(r, "n.example. TXT: a signature has 86400 s left");

	/* a name that came below a delegation keeps its signatures */
	make_change(r, DENIAL_NSEC, base, APEX("101") REST "empty IN NS ns1\n");
	leave(r, rig_find(&r->is, "a.empty.example.", RR_TXT));
	rig_sum(&r->is);
	rig_refused(r, "a.empty.example. TXT: it is signed, and is not this zone's to sign");
}

static void drop_owner(struct rig *r, const char *owner)
{
	uint8_t name[NAME_MAX_LEN], key[NAME_KEY_MAX];
	size_t len, kept = 0;

	assert_int_equal(name_parse(owner, name), OK);
	len = name_key(name, key);
	for (size_t i = 0; i < r->owner_count; i++) {
		if (r->owners[i].key_len != len || memcmp(r->owners[i].key, key, len) != 0)
			r->owners[kept++] = r->owners[i];
	}
	assert_int_equal(kept + 1, r->owner_count);
	r->owner_count = kept;
}

/* A name is left as it was, although what is above it began, or ceased, to hide it. */
static void test_names_below_a_cut(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 0; i < MEM_COUNT(kinds); i++) {
		make_change(r, kinds[i], base, APEX("101") REST "empty IN NS ns1\n");
		drop_owner(r, "a.empty.example.");
		leave(r, rig_find(&r->is, "a.empty.example.", RR_TXT));
		rig_sum(&r->is);
		rig_refused(r, "a.empty.example. TXT: it is signed, and is not");

		make_change(r, kinds[i], base, APEX("101") HOST MX DEEP SUB GLUE SAFE HIDDEN);
		drop_owner(r, "x.d.example.");
		leave(r, rig_find(&r->is, "x.d.example.", RR_TXT));
		rig_sum(&r->is);
		rig_refused(r, "x.d.example. TXT: it is not signed");
	}
}

static void test_sums(void **state)
{
	struct rig *r = *state;

	make_change(r, DENIAL_NSEC3, base, with_n);
	r->is.head.rrsets++;
	rig_refused(r, "RRsets where");
	rig_sum(&r->is);
	r->is.head.records--;
	rig_refused(r, "records where");
	rig_sum(&r->is);
	r->is.head.keys[1].signatures++;
	rig_refused(r, "signatures of one key");
	rig_sum(&r->is);
	r->is.head.input_records++;
	rig_refused(r, "records of the source");
	r->is.head.input_records--;
	r->is.head.input_digest[DIGEST_LEN - 1] ^= 1;
	rig_refused(r, "not what the source sent");
	r->is.head.input_digest[DIGEST_LEN - 1] ^= 1;
	r->is.head.ttl_max = 1;
	rig_refused(r, "a TTL of 3600");
}

/* A key that is not among those of the new head must have no signatures left. */
static void test_keys_in_the_head(void **state)
{
	struct rig *r = *state;
	struct zone_head *h = &r->was.head;
	struct err e;

	make_change(r, DENIAL_NSEC, base, with_n);
	h->keys[h->key_count].id[0] = 1;
	h->keys[h->key_count].tag = 1;
	h->keys[h->key_count++].algorithm = ALG_ECDSAP256SHA256;
	assert_int_equal(rig_judge(r, &e), OK);
	h->keys[h->key_count - 1].signatures = 1;
	rig_refused(r, "key 1 has signatures");
	r->is.head.keys[r->is.head.key_count++] = h->keys[h->key_count - 1];
	assert_int_equal(rig_judge(r, &e), OK);
	r->is.head.keys[r->is.head.key_count - 1].signatures = 0;
	rig_refused(r, "signatures of one key");
}

static void test_what_is_no_change_in_place(void **state)
{
	struct rig *r = *state;

	make_change(r, DENIAL_NSEC3, base, with_n);
	r->is.head.nsec3.iterations = 1;
	rig_refused(r, "it must be built anew");
	r->is.head.nsec3.iterations = 0;
	r->is.head.serial_out = r->was.head.serial_out;
	rig_refused(r, "its serial is not greater");
	r->is.head.serial_out++;
	r->owner_count = 0;
	rig_refused(r, "the apex is not among");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_good_changes, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_nsec_is_linked, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_nsec_says_what_is_there, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_nsec3_is_linked, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_empty_non_terminals, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_opt_out, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_signatures, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_names_below_a_cut, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_sums, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(test_keys_in_the_head, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(
		test_what_is_no_change_in_place, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests_name("sign check part", tests, NULL, NULL);
}
