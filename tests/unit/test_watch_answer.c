/* What is read from answers that nobody can trust, and what is kept of it. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "tests/unit/watch_rig.h"
#include "tests/unit/watch_rig_keys.h"
#include "watch/proof.h"

#define AA (PACKET_FLAG_QR | PACKET_FLAG_AA)
#define KSK 257

/* An answer in the making. */
static void begin(struct packet_builder *b, uint16_t flags, uint16_t type)
{
	packet_begin(b, 65535, 7, flags, rig_apex, type);
}

static enum watch_word read_end(struct packet_builder *b, uint16_t type, struct watch_set *out)
{
	packet_end(b);
	watch_set_free(out);
	watch_set_read(out, rig_apex, type, true, b->buf.data, b->buf.len);
	packet_builder_free(b);
	memset(b, 0, sizeof(*b));
	assert_true((out->word == WATCH_ANSWERED) == (out->reason[0] == '\0'));
	return out->word;
}

static void put_key(struct packet_builder *b, const uint8_t *owner, uint16_t class, uint8_t fill)
{
	uint8_t rdata[36] = {1, 1, 3, ALG_ED25519, fill};

	assert_int_equal(
	    packet_add_class(b, 1, owner, RR_DNSKEY, class, 3600, rdata, sizeof(rdata)), OK);
}

static void answers(void **state)
{
	struct packet_builder b = {0};
	struct watch_set set = {0};
	struct rrset rrset;

	(void)state;
	begin(&b, AA, RR_DNSKEY);
	assert_int_equal(read_end(&b, RR_DNSKEY, &set), WATCH_ANSWERED);
	assert_false(watch_set_open(&set, &rrset));
	begin(&b, AA, RR_DNSKEY);
	put_key(&b, rig_apex, 1, 2);
	put_key(&b, rig_apex, 1, 1);
	put_key(&b, rig_apex, 1, 2);
	put_key(&b, rig_apex, 3, 4);                       /* of another class */
	put_key(&b, (const uint8_t *)"\7example", 1, 5);   /* of another name */
	assert_int_equal(read_end(&b, RR_DNSKEY, &set), WATCH_ANSWERED);
	assert_true(watch_set_open(&set, &rrset));
	assert_int_equal(rrset.count, 2);
	assert_int_equal(rrset.rdata[2 + 4], 1);
	assert_int_equal(rrset.ttl, 3600);
	watch_set_free(&set);
}

static void answers_that_are_none(void **state)
{
	static const struct {
		uint16_t flags;
		enum watch_word word;
	} cases[] = {{PACKET_FLAG_QR, WATCH_LAME}, {AA | RCODE_NXDOMAIN, WATCH_LAME},
	    {AA | RCODE_REFUSED, WATCH_REFUSED}, {AA | RCODE_NOTAUTH, WATCH_REFUSED},
	    {AA | RCODE_SERVFAIL, WATCH_SERVFAIL}, {AA | RCODE_NOTIMP, WATCH_SERVFAIL},
	    {AA | PACKET_FLAG_TC, WATCH_BROKEN}, {PACKET_FLAG_AA, WATCH_BROKEN}};
	struct packet_builder b = {0};
	struct watch_set set = {0};
	struct watch_reply reply = {0};
	uint8_t short_key[] = {1, 1, 3};

	(void)state;
	for (unsigned i = 0; i < MEM_COUNT(cases); i++) {
		begin(&b, cases[i].flags, RR_DNSKEY);
		put_key(&b, rig_apex, 1, 1);
		assert_int_equal(read_end(&b, RR_DNSKEY, &set), cases[i].word);
		assert_int_equal(set.packed.len, 0);
	}
	begin(&b, AA, RR_CDS); /* an answer to another question */
	assert_int_equal(read_end(&b, RR_DNSKEY, &set), WATCH_BROKEN);
	begin(&b, AA, RR_DNSKEY);
	assert_int_equal(
	    packet_add(&b, 1, rig_apex, RR_DNSKEY, 1, short_key, sizeof(short_key)), OK);
	assert_int_equal(read_end(&b, RR_DNSKEY, &set), WATCH_BROKEN);
	watch_set_free(&set);
	watch_reply_put(&reply, WATCH_SOA, rig_apex, ERR_TIMEOUT, "no\x1b[2Jthing", NULL, 0);
	assert_int_equal(reply.sets[WATCH_SOA].word, WATCH_SILENT);
	assert_string_equal(reply.sets[WATCH_SOA].reason, "no\\027[2Jthing");
	watch_reply_free(&reply);
}

/* As many keys as a message can hold, and then many signatures. */
static void floods(void **state)
{
	struct packet_builder b = {0};
	struct watch_set set = {0};
	uint8_t rdata[] = {1, 1, 3, ALG_ED25519, 0, 0};
	uint8_t sig[19 + 64] = {0, RR_DNSKEY, ALG_ED25519, 2};
	unsigned count = 0;

	(void)state;
	begin(&b, AA, RR_DNSKEY);
	do {
		store_u16(rdata + 4, (uint16_t)++count);
	} while (packet_add(&b, 1, rig_apex, RR_DNSKEY, 1, rdata, sizeof(rdata)) == OK);
	assert_true(count > 3000);
	assert_int_equal(read_end(&b, RR_DNSKEY, &set), WATCH_BROKEN);
	assert_non_null(strstr(set.reason, "more than 32 records"));
	begin(&b, AA, RR_DNSKEY);
	put_key(&b, rig_apex, 1, 1);
	while (packet_add(&b, 1, rig_apex, RR_RRSIG, 1, sig, sizeof(sig)) == OK)
		count++;
	assert_int_equal(read_end(&b, RR_DNSKEY, &set), WATCH_BROKEN);
	assert_non_null(strstr(set.reason, "more than 16 signatures"));
	watch_set_free(&set);
}

/* Answers cut off anywhere, and with any octet wrong. */
static void damaged_answers(void **state)
{
	struct rig rig;
	struct buf msg = {0};
	struct watch_set set = {0};
	struct rig_key *k = rig_key(ALG_ED25519, KSK);

	(void)state;
	rig_init(&rig, WATCH_BY_DNSKEY);
	rig_serve(&rig, RIG_KEYS_OF(k), RIG_KEYS_OF(k));
	rig_answer(&rig, 0, WATCH_DNSKEY, &msg);
	for (size_t cut = 0; cut < msg.len; cut++) {
		uint8_t *copy = malloc(cut + 1); /* so that sanitizers see each octet too much */

		memcpy(copy, msg.data, cut);
		watch_set_read(&set, rig_apex, RR_DNSKEY, true, copy, cut);
		assert_int_equal(set.word, WATCH_BROKEN);
		free(copy);
	}
	for (size_t i = 0; i < msg.len * 8; i++) {
		msg.data[i / 8] ^= (uint8_t)(1 << i % 8);
		watch_set_free(&set);
		watch_set_read(&set, rig_apex, RR_DNSKEY, true, msg.data, msg.len);
		msg.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	watch_set_free(&set);
	buf_free(&msg);
	rig_free(&rig);
}

/* Signatures */

static void read_part(struct rig *r, enum watch_type t, struct watch_set *set)
{
	struct buf msg = {0};

	rig_answer(r, 0, t, &msg);
	watch_set_read(set, rig_apex, watch_rrtype(t), true, msg.data, msg.len);
	assert_int_equal(set->word, WATCH_ANSWERED);
	buf_free(&msg);
}

static void prove(struct rig *r, enum watch_type t, struct proof *out)
{
	struct watch_set keys = {0}, set = {0};
	struct rrset keys_rrset, rrset;
	struct proof_ring *ring;

	read_part(r, WATCH_DNSKEY, &keys);
	read_part(r, t, &set);
	assert_true(watch_set_open(&keys, &keys_rrset) && watch_set_open(&set, &rrset));
	ring = proof_ring_new(&keys_rrset);
	proof_of(ring, &rrset, rig_apex, r->now, out);
	proof_ring_free(ring);
	watch_set_free(&keys);
	watch_set_free(&set);
}

static void signatures(void **state)
{
	struct rig rig;
	struct rig_key *a = rig_key(ALG_ED25519, KSK), *b = rig_key(ALG_ECDSAP256SHA256, KSK);
	struct rig_key *stranger = rig_key(ALG_ED25519, KSK);
	struct rig_key *revoked = rig_key_as(a, KSK | DNSKEY_FLAG_REVOKE);
	struct proof proof;

	(void)state;
	rig_init(&rig, WATCH_BY_DNSKEY);
	rig_serve(&rig, RIG_KEYS_OF(a, b), RIG_KEYS_OF(a, b, stranger));
	prove(&rig, WATCH_DNSKEY, &proof);
	assert_int_equal(proof.count, 2);
	assert_int_equal(proof.rrsigs, 3);
	assert_int_equal(proof.sigs[0].inception, rig.servers[0].inception);
	assert_int_equal(proof.sigs[0].expiration, rig.servers[0].expiration);
	prove(&rig, WATCH_SOA, &proof);
	assert_int_equal(proof.count, 1);
	/* A revoked key proves nothing (RFC 5011 2.1). */
	rig_serve(&rig, RIG_KEYS_OF(revoked, b), RIG_KEYS_OF(revoked));
	prove(&rig, WATCH_DNSKEY, &proof);
	assert_int_equal(proof.count, 0);
	rig_free(&rig);
}

static void usable_keys(void **state)
{
	uint8_t rsa[4 + 1 + 9 + 256] = {1, 1, 3, ALG_RSASHA256, 3, 1, 0, 1};

	(void)state;
	assert_true(proof_is_usable(rsa, 4 + 1 + 3 + 256));
	rsa[4] = 9; /* an exponent of 72 bits costs too much */
	assert_false(proof_is_usable(rsa, sizeof(rsa)));
	rsa[4] = 3;
	rsa[2] = 4; /* protocol */
	assert_false(proof_is_usable(rsa, sizeof(rsa)));
	rsa[2] = 3;
	rsa[0] = 0; /* no zone key */
	assert_false(proof_is_usable(rsa, sizeof(rsa)));
	rsa[0] = 1;
	rsa[3] = 7; /* RSASHA1-NSEC3-SHA1 */
	assert_false(proof_is_usable(rsa, sizeof(rsa)));
	assert_false(proof_is_usable(rsa, 4));
	assert_false(proof_is_usable(rsa, 0));
}

/* Keys of one tag, so that each signature could be by any of them (CVE-2023-50387). */
static void put_colliding_keys(struct packet_builder *b, unsigned count, uint16_t tag)
{
	for (unsigned i = 0; i < count; i++) {
		uint8_t rdata[36] = {1, 1, 3, ALG_ED25519, (uint8_t)(i + 1)};

		store_u16(rdata + 34, (uint16_t)(tag - dnskey_tag(rdata, 34)));
		if (dnskey_tag(rdata, 36) != tag)
			store_u16(rdata + 34, (uint16_t)(load_u16(rdata + 34) - 1));
		assert_int_equal(dnskey_tag(rdata, 36), tag);
		assert_int_equal(packet_add(b, 1, rig_apex, RR_DNSKEY, 1, rdata, 36), OK);
	}
}

static void keys_of_one_tag(void **state)
{
	struct packet_builder b = {0};
	struct watch_set set = {0};
	struct rrset rrset;
	struct proof_ring *ring;
	struct proof proof;

	(void)state;
	begin(&b, AA, RR_DNSKEY);
	put_colliding_keys(&b, WATCH_RECORDS_MAX, 4711);
	for (unsigned i = 0; i < WATCH_RRSIGS_MAX; i++) {
		uint8_t sig[18 + 15 + 64] = {0, RR_DNSKEY, ALG_ED25519, 2};

		store_u16(sig + 16, 4711);
		memcpy(sig + 18, rig_apex, 15);
		sig[40] = (uint8_t)i;
		assert_int_equal(packet_add(&b, 1, rig_apex, RR_RRSIG, 1, sig, sizeof(sig)), OK);
	}
	assert_int_equal(read_end(&b, RR_DNSKEY, &set), WATCH_ANSWERED);
	assert_true(watch_set_open(&set, &rrset));
	assert_int_equal(rrset.count, WATCH_RECORDS_MAX);
	assert_int_equal(rrset.sigs, WATCH_RRSIGS_MAX);
	ring = proof_ring_new(&rrset);
	proof_of(ring, &rrset, rig_apex, RIG_T0, &proof);
	assert_true(proof.is_capped);
	assert_int_equal(proof.count, 0);
	proof_ring_free(ring);
	watch_set_free(&set);
}

/* What is kept */

static void damaged_rows(void **state)
{
	struct rig r;
	struct rig_key *k = rig_key(ALG_ED25519, KSK), *n = rig_key(ALG_ED25519, KSK);
	struct buf kept = {0};
	struct reader reader;
	struct watch_child child;

	(void)state;
	rig_init(&r, WATCH_BY_CDS);
	rig_serve(&r, RIG_KEYS_OF(k, n), RIG_KEYS_OF(k));
	rig_parent(&r, RIG_KEYS_OF(k));
	r.servers[0].cds = r.servers[0].cdnskey = RIG_KEYS_OF(k, n);
	r.servers[0].wish_signers = RIG_KEYS_OF(k);
	rig_look_for(&r, RIG_HOUR);
	rig_restart(&r);
	watch_child_write(&r.child, &kept);
	watch_child_init(&child, rig_apex, 0);
	for (size_t cut = 0; cut < kept.len; cut++) {
		reader = reader_of(kept.data, cut);
		assert_int_equal(watch_child_read(&reader, &child), ERR_FORMAT);
		assert_int_equal(child.server_count, 0);
	}
	for (size_t i = 0; i < kept.len * 8; i++) {
		kept.data[i / 8] ^= (uint8_t)(1 << i % 8);
		reader = reader_of(kept.data, kept.len);
		watch_child_read(&reader, &child);
		kept.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	watch_child_free(&child);
	buf_free(&kept);
	rig_free(&r);
}

static void servers_that_come_and_go(void **state)
{
	struct watch_child c;
	const char *names[WATCH_SERVERS_MAX + 1];
	struct err e = {0};

	(void)state;
	watch_child_init(&c, rig_apex, RIG_T0);
	for (unsigned i = 0; i <= WATCH_SERVERS_MAX; i++)
		names[i] = rig_server_name(i % 3);
	assert_int_equal(watch_child_servers(&c, names, 3, &e), OK);
	watch_child_server(&c, names[1])->serial = 7;
	assert_int_equal(watch_child_servers(&c, names + 1, 2, &e), OK);
	assert_int_equal(watch_child_server(&c, names[1])->serial, 7);
	assert_null(watch_child_server(&c, names[0]));
	assert_int_equal(watch_child_servers(&c, names, WATCH_SERVERS_MAX + 1, &e), ERR_LIMIT);
	assert_int_equal(c.server_count, 2);
	watch_child_free(&c);
}

/* Servers that make up new keys for ever are not followed for ever. */
static void too_many_keys(void **state)
{
	struct rig r;
	struct rig_key *k = rig_key(ALG_ED25519, KSK);

	(void)state;
	rig_init(&r, WATCH_BY_DNSKEY);
	rig_parent(&r, RIG_KEYS_OF(k));
	rig_serve(&r, RIG_KEYS_OF(k), RIG_KEYS_OF(k));
	rig_look_for(&r, RIG_HOUR);
	for (unsigned i = 0; i < WATCH_PAST_MAX + 20; i++) {
		struct rig_key *other = rig_key(ALG_ED25519, KSK);

		rig_serve(&r, RIG_KEYS_OF(k, other), RIG_KEYS_OF(k));
		r.now += RIG_HOUR;
		rig_look(&r);
		rig_assert(&r, WATCH_WAIT, WATCH_CAUSE_HOLD_DOWN);
		assert_true(r.child.key_count <= 3);
	}
	assert_int_equal(r.child.past_count, WATCH_PAST_MAX);
	assert_false(r.child.is_full);
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers),
	    cmocka_unit_test(answers_that_are_none),
	    cmocka_unit_test(floods),
	    cmocka_unit_test(damaged_answers),
	    cmocka_unit_test(signatures),
	    cmocka_unit_test(usable_keys),
	    cmocka_unit_test(keys_of_one_tag),
	    cmocka_unit_test(damaged_rows),
	    cmocka_unit_test(servers_that_come_and_go),
	    cmocka_unit_test(too_many_keys),
	};

	return cmocka_run_group_tests_name("R41 answers of a child", tests, NULL, NULL);
}
