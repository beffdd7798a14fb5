/* Chains of trust, with what NSD and BIND answered about a tree of zones that ldns-signzone and
 * dnssec-signzone signed (tests/data/dns/chain). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/packet.h"
#include "dns/rrtype.h"
#include "dns_fixture.h"
#include "parent/trust.h"

#define NOW 1800000000 /* 2027 */
#define VECTORS_MAX 80
#define assert_says(text, words)                                                                   \
	do {                                                                                       \
		if (strstr(text, words) == NULL)                                                   \
			fail_msg("\"%s\" does not say \"%s\"", text, words);                       \
	} while (0)

struct vector {
	uint8_t name[NAME_MAX_LEN];
	uint16_t type;
	uint8_t *msg;
	size_t len;
};
struct tree { /* a resolver that knows what one server answered */
	const char *server;
	struct vector list[VECTORS_MAX];
	unsigned count;
	struct anchors anchors;
	/* what it does wrong */
	const struct vector *forged; /* NULL: nothing */
	struct buf instead;
};

static void load(struct tree *t, const char *server)
{
	static char line[200000];
	char name[256], type[16], path[64];
	static char hex[199000];
	FILE *f;

	snprintf(path, sizeof(path), "dns/chain/%s.txt", server);
	f = fopen(fixture_path(path), "r");
	assert_non_null(f);
	t->server = server;
	while (fgets(line, sizeof(line), f) != NULL) {
		struct vector *v = &t->list[t->count++];

		assert_true(t->count < VECTORS_MAX);
		assert_int_equal(sscanf(line, "%255s %15s %198999s", name, type, hex), 3);
		assert_int_equal(name_parse(name, v->name), OK);
		assert_true(rrtype_parse(type, &v->type));
		v->msg = mem_alloc(strlen(hex) / 2);
		v->len = fixture_hex(hex, v->msg);
	}
	fclose(f);
	assert_int_equal(anchors_read(fixture_path("dns/chain/anchor"), &t->anchors, NULL), OK);
}

static int setup(void **state)
{
	struct tree *trees = mem_array(2, sizeof(*trees));

	load(&trees[0], "nsd");
	load(&trees[1], "bind");
	*state = trees;
	return 0;
}

static int teardown(void **state)
{
	struct tree *trees = *state;

	for (unsigned i = 0; i < 2; i++) {
		for (unsigned k = 0; k < trees[i].count; k++)
			free(trees[i].list[k].msg);
		anchors_free(&trees[i].anchors);
		buf_free(&trees[i].instead);
	}
	free(trees);
	return 0;
}

static const struct vector *vector_of(const struct tree *t, const uint8_t *name, uint16_t type)
{
	char text[NAME_TEXT_SIZE];

	for (unsigned i = 0; i < t->count; i++) {
		if (t->list[i].type == type && name_equal(t->list[i].name, name))
			return &t->list[i];
	}
	name_text(name, text);
	fail_msg("no vector for %s %u", text, type);
	return NULL;
}

/* The whole chain; questions: how many were asked. */
static struct trust walk(const struct tree *t, struct trust_memory *m, const char *name,
    uint16_t type, int64_t now, unsigned *questions)
{
	struct trust c;
	const uint8_t *qname;
	uint16_t qtype;

	*questions = 0;
	trust_begin(&c, &t->anchors, m, fixture_name(name), type, now);
	while (c.verdict == TRUST_OPEN) {
		const struct vector *v;

		trust_question(&c, &qname, &qtype);
		v = vector_of(t, qname, qtype);
		(*questions)++;
		if (v == t->forged)
			trust_answer(&c, t->instead.data, t->instead.len, now);
		else
			trust_answer(&c, v->msg, v->len, now);
	}
	return c;
}

/* Its verdict; rdatas: of the answer, as many as there are, -1 where it does not matter. */
static void expect(struct tree *t, const char *name, uint16_t type, enum trust_verdict verdict,
    int rdatas, const char *zone)
{
	unsigned questions;
	struct trust c = walk(t, NULL, name, type, NOW, &questions);
	struct rrset set = {.count = 0};

	if (c.verdict != verdict)
		fail_msg(
		    "%s: %s %u is %s (%s)", t->server, name, type, trust_word(c.verdict), c.why);
	if (c.answer.len > 0)
		assert_int_equal(rrset_unpack(c.answer.data, c.answer.len, &set), OK);
	if (rdatas >= 0)
		assert_int_equal(set.count, rdatas);
	if (zone != NULL)
		assert_true(name_equal(c.zone, fixture_name(zone)));
	assert_true(verdict == TRUST_SECURE || c.why[0] != '\0');
	trust_free(&c);
}

static void test_secure(void **state)
{
	for (struct tree *t = *state; t < (struct tree *)*state + 2; t++) {
		expect(t, "example.", RR_DNSKEY, TRUST_SECURE, 2, "example.");
		expect(t, "www.example.", RR_A, TRUST_SECURE, 1, "example.");
		expect(t, "a.ent.example.", RR_TXT, TRUST_SECURE, 1, "example.");
		expect(t, "secure.example.", RR_DS, TRUST_SECURE, 1, "example.");
		expect(t, "secure.example.", RR_DNSKEY, TRUST_SECURE, 2, "secure.example.");
		expect(t, "secure.example.", TRUST_ZONE, TRUST_SECURE, 0, "example.");
		expect(t, "host.secure.example.", TRUST_ZONE, TRUST_SECURE, 0, "secure.example.");
		expect(t, "host.secure.example.", RR_TXT, TRUST_SECURE, 1, "secure.example.");
		expect(t, "a.ent.secure.example.", RR_TXT, TRUST_SECURE, 1, "secure.example.");
		expect(t, "host.out.example.", RR_TXT, TRUST_SECURE, 1, "out.example.");
		expect(t, "host.sha1.example.", RR_TXT, TRUST_SECURE, 1, "sha1.example.");
	}
}

static void test_wildcard(void **state)
{
	for (struct tree *t = *state; t < (struct tree *)*state + 2; t++) {
		expect(t, "q.wild.example.", RR_TXT, TRUST_SECURE, 1, "example.");
		expect(t, "q.wild.secure.example.", RR_TXT, TRUST_SECURE, 1, "secure.example.");
		expect(t, "q.wild.example.", RR_CDS, TRUST_SECURE, 0, "example.");
		expect(t, "q.wild.secure.example.", RR_CDS, TRUST_SECURE, 0, "secure.example.");
	}
}

static void test_absent(void **state)
{
	for (struct tree *t = *state; t < (struct tree *)*state + 2; t++) {
		expect(t, "plain.example.", RR_DS, TRUST_SECURE, 0, "example.");
		expect(t, "nothing.example.", RR_TXT, TRUST_SECURE, 0, "example.");
		expect(t, "nothing.example.", RR_DS, TRUST_SECURE, 0, "example.");
		expect(t, "below.nothing.example.", RR_DS, TRUST_SECURE, 0, "example.");
		expect(t, "ent.example.", RR_DS, TRUST_SECURE, 0, "example.");
		expect(t, "ent.secure.example.", RR_DS, TRUST_SECURE, 0, "secure.example.");
		expect(t, "sub.secure.example.", RR_DS, TRUST_SECURE, 0, "secure.example.");
		expect(t, "nothing.secure.example.", RR_TXT, TRUST_SECURE, 0, "secure.example.");
		expect(t, "www.example.", RR_CDS, TRUST_SECURE, 0, "example.");
		expect(t, "secure.example.", RR_CDS, TRUST_SECURE, 0, "secure.example.");
		expect(t, "alias.example.", RR_DS, TRUST_SECURE, 0, "example.");
		expect(t, "alias.example.", RR_TXT, TRUST_SECURE, 0, "example.");
	}
}

static void test_insecure(void **state)
{
	for (struct tree *t = *state; t < (struct tree *)*state + 2; t++) {
		expect(t, "a.plain.example.", RR_A, TRUST_INSECURE, 0, NULL);
		expect(t, "a.plain.example.", RR_DS, TRUST_INSECURE, 0, NULL);
		expect(t, "a.b.sub.secure.example.", RR_CDS, TRUST_INSECURE, 0, NULL);
		expect(t, "old.example.", RR_A, TRUST_INSECURE, 0, NULL);      /* algorithm 253 */
		expect(t, "free.out.example.", RR_A, TRUST_INSECURE, 0, NULL); /* opt-out */
		expect(t, "free.out.example.", RR_DS, TRUST_INSECURE, 0, NULL);
		expect(
		    t, "nothing.slow.example.", RR_TXT, TRUST_INSECURE, 0, NULL); /* iterations */
		expect(t, "other.", RR_A, TRUST_UNCHECKED, 0, NULL);
		expect(t, "example.", RR_DS, TRUST_UNCHECKED, 0, NULL);
	}
}

static void test_time(void **state)
{
	struct tree *t = *state;
	unsigned questions;
	struct trust c = walk(t, NULL, "host.secure.example.", RR_TXT, 2090000000, &questions);

	assert_int_equal(c.verdict, TRUST_BOGUS);
	assert_says(c.why, "expired at 2036-01-01T00:00:00Z");
	trust_free(&c);
	c = walk(t, NULL, "host.secure.example.", RR_TXT, 1700000000, &questions);
	assert_int_equal(c.verdict, TRUST_BOGUS);
	assert_says(c.why, "begins only at 2026-01-01T00:00:00Z");
	trust_free(&c);
}

static void test_anchor(void **state)
{
	struct tree *t = *state;
	struct trust c;
	unsigned questions;

	t->anchors.sets[0].data[t->anchors.sets[0].len - 2] ^= 1;
	c = walk(t, NULL, "host.secure.example.", RR_TXT, NOW, &questions);
	t->anchors.sets[0].data[t->anchors.sets[0].len - 2] ^= 1;
	assert_int_equal(c.verdict, TRUST_BOGUS);
	assert_says(c.why, "example. DNSKEY: no DNSKEY is the one of a DS");
	trust_free(&c);
}

/* The answer to one question is replaced by another one's, its question put right. */
static void forge(struct tree *t, const char *name, uint16_t type, const char *by, uint16_t by_type)
{
	const struct vector *v = vector_of(t, fixture_name(by), by_type);

	t->forged = vector_of(t, fixture_name(name), type);
	buf_reset(&t->instead);
	buf_put(&t->instead, v->msg, v->len);
}

static void test_replayed(void **state)
{
	for (struct tree *t = *state; t < (struct tree *)*state + 2; t++) {
		/* "No DS" of another name; the NSEC above the cut for a name below it. */
		forge(t, "secure.example.", RR_DS, "plain.example.", RR_DS);
		expect(t, "host.secure.example.", RR_TXT, TRUST_BOGUS, 0, NULL);
		forge(t, "secure.example.", RR_DS, "nothing.example.", RR_DS);
		expect(t, "host.secure.example.", RR_TXT, TRUST_BOGUS, 0, NULL);
		forge(t, "secure.example.", RR_DS, "secure.example.", RR_CDS);
		expect(t, "host.secure.example.", RR_TXT, TRUST_BOGUS, 0, NULL);
		forge(t, "secure.example.", RR_DNSKEY, "example.", RR_DNSKEY);
		expect(t, "host.secure.example.", RR_TXT, TRUST_BOGUS, 0, NULL);
		forge(t, "host.secure.example.", RR_TXT, "nothing.secure.example.", RR_TXT);
		expect(t, "host.secure.example.", RR_TXT, TRUST_BOGUS, 0, NULL);
		forge(t, "a.ent.example.", RR_TXT, "q.wild.example.", RR_TXT);
		expect(t, "a.ent.example.", RR_TXT, TRUST_BOGUS, 0, NULL);
		t->forged = NULL;
	}
}

/* The answer without the records of one type, in all sections. */
static void strip(struct tree *t, const char *name, uint16_t type, uint16_t without)
{
	struct packet_builder b = {0};
	struct packet p;
	struct packet_rr rr;

	t->forged = vector_of(t, fixture_name(name), type);
	assert_int_equal(packet_parse(t->forged->msg, t->forged->len, &p, NULL), OK);
	packet_begin(&b, 65535, p.id, p.flags, p.qname, p.qtype);
	while (packet_next(&p, &rr) == OK) {
		if (rr.type != without && rr.type != RR_OPT)
			packet_add(
			    &b, rr.section, rr.owner, rr.type, rr.ttl, p.msg + rr.rdata, rr.rdlen);
	}
	packet_end(&b);
	buf_reset(&t->instead);
	buf_put(&t->instead, b.buf.data, b.buf.len);
	packet_builder_free(&b);
}

static void test_stripped(void **state)
{
	struct trust c;
	unsigned questions;

	for (struct tree *t = *state; t < (struct tree *)*state + 2; t++) {
		strip(t, "secure.example.", RR_DS, RR_RRSIG);
		c = walk(t, NULL, "host.secure.example.", RR_TXT, NOW, &questions);
		assert_int_equal(c.verdict, TRUST_BOGUS);
		assert_says(c.why, "secure.example. DS: it is not signed");
		trust_free(&c);
		strip(t, "secure.example.", RR_DS, RR_DS);
		c = walk(t, NULL, "host.secure.example.", RR_TXT, NOW, &questions);
		assert_int_equal(c.verdict, TRUST_BOGUS);
		assert_says(c.why, "there is neither NSEC nor NSEC3 in the answer");
		trust_free(&c);
		/* A wildcard's answer for a name that is there. */
		strip(t, "q.wild.example.", RR_TXT, RR_NSEC);
		expect(t, "q.wild.example.", RR_TXT, TRUST_BOGUS, 0, NULL);
		strip(t, "q.wild.secure.example.", RR_TXT, RR_NSEC3);
		expect(t, "q.wild.secure.example.", RR_TXT, TRUST_BOGUS, 0, NULL);
		strip(t, "plain.example.", RR_DS, RR_NSEC);
		expect(t, "a.plain.example.", RR_A, TRUST_BOGUS, 0, NULL);
		t->forged = NULL;
	}
}

/* Whatever is changed in an answer, nothing is believed that was not signed, and nothing that is
 * signed becomes insecure. */
static void test_flips(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
	} at[] = {{"example.", RR_DNSKEY}, {"secure.example.", RR_DS},
	    {"secure.example.", RR_DNSKEY}, {"host.secure.example.", RR_TXT}};
	struct tree *t = *state;
	unsigned questions, bogus = 0;
	struct trust whole = walk(t, NULL, "host.secure.example.", RR_TXT, NOW, &questions), c;
	struct rrset right, other;

	assert_int_equal(rrset_unpack(whole.answer.data, whole.answer.len, &right), OK);
	fixture_seed();
	for (unsigned i = 0; i < 4000; i++) {
		const struct vector *v;

		t = (struct tree *)*state + i % 2;
		v = vector_of(t, fixture_name(at[i / 2 % 4].name), at[i / 2 % 4].type);
		forge(t, at[i / 2 % 4].name, v->type, at[i / 2 % 4].name, v->type);
		t->instead.data[fixture_random((uint32_t)v->len)] ^=
		    (uint8_t)(1 << fixture_random(8));
		if (fixture_random(10) == 0)
			t->instead.len = fixture_random((uint32_t)v->len);
		c = walk(t, NULL, "host.secure.example.", RR_TXT, NOW, &questions);
		t->forged = NULL;
		assert_int_not_equal(c.verdict, TRUST_INSECURE);
		bogus += c.verdict == TRUST_BOGUS;
		if (c.verdict == TRUST_SECURE) {
			assert_int_equal(rrset_unpack(c.answer.data, c.answer.len, &other), OK);
			assert_int_equal(other.rdata_len, right.rdata_len);
			assert_memory_equal(other.rdata, right.rdata, right.rdata_len);
		}
		trust_free(&c);
	}
	assert_true(bogus > 1000);
	trust_free(&whole);
}

static void test_memory(void **state)
{
	struct tree *t = *state;
	struct trust_memory *m = trust_memory_new();
	unsigned questions;
	struct trust c = walk(t, m, "host.secure.example.", RR_TXT, NOW, &questions);

	assert_int_equal(questions, 5);
	trust_free(&c);
	c = walk(t, m, "host.secure.example.", RR_TXT, NOW + 1800, &questions);
	assert_int_equal(c.verdict, TRUST_SECURE);
	assert_int_equal(questions, 2); /* is it a zone of its own?  And the question. */
	trust_free(&c);
	c = walk(t, m, "secure.example.", TRUST_ZONE, NOW, &questions);
	assert_int_equal(c.verdict, TRUST_SECURE);
	assert_int_equal(questions, 0);
	trust_free(&c);
	c = walk(t, m, "host.secure.example.", RR_TXT, NOW + 3600, &questions);
	assert_int_equal(questions, 5);
	trust_free(&c);
	c = walk(t, m, "a.plain.example.", RR_A, NOW + 3600, &questions);
	trust_free(&c);
	c = walk(t, m, "b.plain.example.", RR_A, NOW + 3600, &questions);
	assert_int_equal(c.verdict, TRUST_INSECURE);
	assert_int_equal(questions, 0);
	trust_free(&c);
	trust_memory_free(m);
}

static void test_no_answer(void **state)
{
	struct tree *t = *state;
	struct trust_memory *m = trust_memory_new();
	struct trust c;

	trust_begin(&c, &t->anchors, m, fixture_name("a.example."), RR_A, NOW);
	trust_failed(&c, "timeout", NOW);
	assert_int_equal(c.verdict, TRUST_UNKNOWN);
	assert_string_equal(c.why, "example. DNSKEY: timeout");
	trust_free(&c);
	trust_begin(&c, &t->anchors, m, fixture_name("b.example."), RR_A, NOW + 59);
	assert_int_equal(c.verdict, TRUST_UNKNOWN); /* not asked again by everybody */
	trust_free(&c);
	trust_begin(&c, &t->anchors, m, fixture_name("b.example."), RR_A, NOW + 60);
	assert_int_equal(c.verdict, TRUST_OPEN);
	trust_free(&c);
	trust_memory_free(m);
}

/* What one of the parent's servers says, by the keys of the parent. */
static void test_judge(void **state)
{
	struct tree *t = *state;
	unsigned questions;
	const uint8_t *child = fixture_name("secure.example.");
	struct trust zone = walk(t, NULL, "secure.example.", TRUST_ZONE, NOW, &questions);
	const struct vector *v = vector_of(t, child, RR_DS);
	struct err e;

	assert_int_equal(trust_judge(&zone, v->msg, v->len, child, RR_DS, NOW, &e), TRUST_SECURE);
	strip(t, "secure.example.", RR_DS, RR_RRSIG);
	assert_int_equal(trust_judge(&zone, t->instead.data, t->instead.len, child, RR_DS, NOW, &e),
	    TRUST_BOGUS);
	assert_string_equal(e.text, "it is not signed");
	t->forged = NULL;
	child = fixture_name("plain.example.");
	v = vector_of(t, child, RR_DS);
	assert_int_equal(trust_judge(&zone, v->msg, v->len, child, RR_DS, NOW, &e), TRUST_SECURE);
	trust_free(&zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_secure),
	    cmocka_unit_test(test_wildcard),
	    cmocka_unit_test(test_absent),
	    cmocka_unit_test(test_insecure),
	    cmocka_unit_test(test_time),
	    cmocka_unit_test(test_anchor),
	    cmocka_unit_test(test_replayed),
	    cmocka_unit_test(test_stripped),
	    cmocka_unit_test(test_flips),
	    cmocka_unit_test(test_memory),
	    cmocka_unit_test(test_no_answer),
	    cmocka_unit_test(test_judge),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
