/* TSIG (R6): vectors of another implementation, whole exchanges of ours, and everything that RFC
 * 8945 wants refused. */
#include "dns_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "dns/tsig.h"

#define NOW 1700000000

static struct tsig_key make_key(enum tsig_algorithm algorithm)
{
	struct tsig_key key = {.algorithm = algorithm};
	uint8_t secret[32];

	for (unsigned i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)(i + 1);
	name_parse("transfer-key.example.", key.name);
	secret_set(&key.secret, secret, sizeof(secret));
	return key;
}

static const struct tsig_key *lookup(void *arg, const uint8_t *name, enum tsig_algorithm a)
{
	const struct tsig_key *key = arg;

	return key != NULL && key->algorithm == a && name_equal(key->name, name) ? key : NULL;
}

static struct packet parsed(const struct buf *msg)
{
	struct packet p;

	assert_int_equal(packet_parse(msg->data, msg->len, &p, NULL), OK);
	return p;
}

/* The message `what` of an algorithm in tests/data/dns/tsig-vectors. */
static void vector(const char *algorithm, const char *what, struct buf *out)
{
	FILE *f = fopen(fixture_path("dns/tsig-vectors"), "r");
	char line[2048], a[32], w[32], hex[2000];
	uint8_t msg[1000];

	assert_non_null(f);
	buf_reset(out);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%31s %31s %1999s", a, w, hex) == 3 && strcmp(a, algorithm) == 0 &&
		    strcmp(w, what) == 0)
			buf_put(out, msg, fixture_hex(hex, msg));
	fclose(f);
	assert_true(out->len > 12);
}

/* The server's side of another implementation's query, the client's side of its answers. */
static void check_vectors(enum tsig_algorithm algorithm)
{
	const char *name = tsig_algorithm_name(algorithm);
	struct tsig_key key = make_key(algorithm);
	struct tsig_state server, client;
	struct buf msg = {0};
	struct packet p;
	struct err e = {0};

	vector(name, "query", &msg);
	p = parsed(&msg);
	assert_int_equal(tsig_verify_query(&server, &p, lookup, &key, NOW + 300, &e), OK);
	tsig_state_init(&client, &key);
	memcpy(client.mac, server.mac, server.mac_len);
	client.mac_len = server.mac_len;
	for (unsigned i = 0; i < 3; i++) {
		static const char *const answers[] = {"answer0", "answer1", "answer2"};

		vector(name, answers[i], &msg);
		p = parsed(&msg);
		if (tsig_verify_answer(&client, &p, i == 2, NOW - 300, &e) != OK)
			fail_msg("%s %s: %s", name, answers[i], e.text);
	}
	tsig_state_free(&client);
	tsig_state_free(&server);
	buf_free(&msg);
	secret_free(&key.secret);
}

static void test_vectors_R6(void **state)
{
	(void)state;
	for (enum tsig_algorithm a = TSIG_SHA1; a <= TSIG_SHA512; a++)
		check_vectors(a);
}

/* Our query must be the other implementation's, octet for octet. */
static void test_query_octets_R6(void **state)
{
	(void)state;
	for (enum tsig_algorithm a = TSIG_SHA1; a <= TSIG_SHA512; a++) {
		struct tsig_key key = make_key(a);
		struct tsig_state client;
		struct packet_builder b = {0};
		struct buf want = {0};

		name_parse("Transfer-Key.Example.", key.name);
		vector(tsig_algorithm_name(a), "query", &want);
		packet_begin(
		    &b, 512, 0x1234, PACKET_FLAG_RD, fixture_name("example.org."), RR_AXFR);
		tsig_state_init(&client, &key);
		assert_int_equal(tsig_sign_query(&client, &b, NOW), OK);
		assert_int_equal(b.buf.len, want.len);
		assert_memory_equal(b.buf.data, want.data, want.len);
		packet_builder_free(&b);
		tsig_state_free(&client);
		buf_free(&want);
		secret_free(&key.secret);
	}
}

/* A client and a server that talk to each other. */
struct rig {
	struct tsig_key key;
	struct tsig_state client, server;
	struct packet_builder query, answer;
	struct err e;
};

static void rig_start(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->key = make_key(TSIG_SHA256);
	tsig_state_init(&r->client, &r->key);
	tsig_state_init(&r->server, NULL);
	packet_begin(&r->query, 512, 9, 0, fixture_name("example.org."), RR_AXFR);
	assert_int_equal(packet_add_edns(&r->query, 1232, false), OK);
	assert_int_equal(tsig_sign_query(&r->client, &r->query, NOW), OK);
}

static void rig_stop(struct rig *r)
{
	packet_builder_free(&r->query);
	packet_builder_free(&r->answer);
	tsig_state_free(&r->client);
	tsig_state_free(&r->server);
	secret_free(&r->key.secret);
}

static int serve(struct rig *r, const struct tsig_key *known, int64_t now)
{
	struct packet p = parsed(&r->query.buf);

	return tsig_verify_query(&r->server, &p, lookup, (void *)(uintptr_t)known, now, &r->e);
}

static void answer(struct rig *r, unsigned number, bool sign, int64_t now)
{
	packet_begin(&r->answer, 512, 9, PACKET_FLAG_QR, fixture_name("example.org."), RR_AXFR);
	packet_add(
	    &r->answer, 1, fixture_name("example.org."), RR_TXT, number, (const uint8_t *)"", 1);
	if (sign)
		assert_int_equal(tsig_sign_answer(&r->server, &r->answer, now), OK);
	packet_end(&r->answer);
}

static int receive(struct rig *r, bool last, int64_t now)
{
	struct packet p = parsed(&r->answer.buf);

	return tsig_verify_answer(&r->client, &p, last, now, &r->e);
}

static void test_stream_R6(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	assert_int_equal(serve(&r, &r.key, NOW + 5), OK);
	for (unsigned i = 0; i < 5; i++) {
		answer(&r, i, true, NOW + 5);
		assert_int_equal(receive(&r, i == 4, NOW), OK);
	}
	rig_stop(&r);
}

/* RFC 8945 5.3.1: at most 99 between, first and last signed, and all covered. */
static void test_unsigned_between_R6(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	assert_int_equal(serve(&r, &r.key, NOW), OK);
	answer(&r, 0, false, NOW);
	assert_int_equal(receive(&r, false, NOW), ERR_BADSIG);
	answer(&r, 0, true, NOW);
	assert_int_equal(receive(&r, false, NOW), OK);
	for (unsigned i = 0; i < 99; i++) {
		answer(&r, i, false, NOW);
		buf_put(&r.server.pending, r.answer.buf.data, r.answer.buf.len);
		assert_int_equal(receive(&r, false, NOW), OK);
	}
	answer(&r, 100, true, NOW);
	assert_int_equal(receive(&r, false, NOW), OK);
	answer(&r, 101, false, NOW);
	assert_int_equal(receive(&r, true, NOW), ERR_BADSIG);
	rig_stop(&r);
}

static void test_too_many_unsigned_R6(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	assert_int_equal(serve(&r, &r.key, NOW), OK);
	answer(&r, 0, true, NOW);
	assert_int_equal(receive(&r, false, NOW), OK);
	for (unsigned i = 0; i < 99; i++) {
		answer(&r, i, false, NOW);
		assert_int_equal(receive(&r, false, NOW), OK);
	}
	assert_int_equal(receive(&r, false, NOW), ERR_BADSIG);
	rig_stop(&r);
}

static void test_changed_in_between(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	assert_int_equal(serve(&r, &r.key, NOW), OK);
	answer(&r, 0, true, NOW);
	assert_int_equal(receive(&r, false, NOW), OK);
	answer(&r, 1, false, NOW);
	buf_put(&r.server.pending, r.answer.buf.data, r.answer.buf.len);
	r.answer.buf.data[r.answer.buf.len - 4] ^= 1; /* the TTL */
	assert_int_equal(receive(&r, false, NOW), OK);
	answer(&r, 2, true, NOW);
	assert_int_equal(receive(&r, true, NOW), ERR_BADSIG);
	rig_stop(&r);
}

/* Each octet of a signed answer changed in turn: none may pass. */
static void test_every_octet_counts(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	assert_int_equal(serve(&r, &r.key, NOW), OK);
	answer(&r, 0, true, NOW);
	for (size_t i = 0; i < r.answer.buf.len; i++) {
		struct tsig_state before = r.client;
		struct packet p;

		if (i < 2)
			continue; /* the ID itself: RFC 8945 4.3.2 puts the original one in its
				     place */
		r.answer.buf.data[i] ^= 0x01;
		if (packet_parse(r.answer.buf.data, r.answer.buf.len, &p, NULL) == OK &&
		    tsig_verify_answer(&r.client, &p, true, NOW, NULL) == OK)
			fail_msg("octet %zu", i);
		r.answer.buf.data[i] ^= 0x01;
		r.client = before;
	}
	assert_int_equal(receive(&r, true, NOW), OK);
	rig_stop(&r);
}

static void expect_error(struct rig *r, int server, int client, uint16_t error)
{
	assert_int_equal(r->e.code, server);
	assert_int_equal(r->server.error, error);
	answer(r, 0, true, NOW + 1000);
	assert_int_equal(receive(r, true, NOW), client);
	assert_int_equal(r->client.error, error);
}

static void test_badkey_R6(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	assert_int_equal(serve(&r, NULL, NOW), ERR_BADKEY);
	expect_error(&r, ERR_BADKEY, ERR_BADKEY, RCODE_BADKEY);
	rig_stop(&r);
}

static void test_badsig_R6(void **state)
{
	struct tsig_key other;
	struct rig r;

	(void)state;
	rig_start(&r);
	other = make_key(TSIG_SHA256);
	other.secret.data[0] ^= 1;
	assert_int_equal(serve(&r, &other, NOW), ERR_BADSIG);
	expect_error(&r, ERR_BADSIG, ERR_BADSIG, RCODE_BADSIG);
	secret_free(&other.secret);
	rig_stop(&r);
}

static void test_badtime_R6(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	assert_int_equal(serve(&r, &r.key, NOW + 300), OK);
	assert_int_equal(serve(&r, &r.key, NOW - 301), ERR_BADTIME);
	assert_int_equal(serve(&r, &r.key, NOW + 301), ERR_BADTIME);
	/* The answer is signed, with the client's own time, or it would not be believed. */
	expect_error(&r, ERR_BADTIME, ERR_BADTIME, RCODE_BADTIME);
	rig_stop(&r);
}

static void test_answer_too_old_R6(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	assert_int_equal(serve(&r, &r.key, NOW), OK);
	answer(&r, 0, true, NOW);
	assert_int_equal(receive(&r, true, NOW + 301), ERR_BADTIME);
	rig_stop(&r);
}

/* Shorten the MAC of the query by n octets. */
static void cut_mac(struct rig *r, size_t n)
{
	struct buf *b = &r->query.buf;
	size_t tail = 6; /* original ID, error, length of other data */
	size_t end = b->len - tail, mac_len_at = end - 32 - 2, rdlength_at;

	memmove(b->data + end - n, b->data + end, tail);
	b->len -= n;
	store_u16(b->data + mac_len_at, (uint16_t)(32 - n));
	rdlength_at = mac_len_at - 2 - 6 - 13 - 2;
	store_u16(b->data + rdlength_at, (uint16_t)(load_u16(b->data + rdlength_at) - n));
}

static void test_truncated_mac_R6(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	cut_mac(&r, 16);
	assert_int_equal(serve(&r, &r.key, NOW), ERR_BADSIG);
	assert_int_equal(r.server.error, RCODE_BADTRUNC);
	rig_stop(&r);
	rig_start(&r);
	cut_mac(&r, 17);
	assert_int_equal(serve(&r, &r.key, NOW), ERR_FORMAT);
	rig_stop(&r);
	rig_start(&r);
	cut_mac(&r, 32);
	assert_int_equal(serve(&r, &r.key, NOW), ERR_FORMAT);
	rig_stop(&r);
}

static void test_no_tsig(void **state)
{
	struct rig r;
	struct packet p;

	(void)state;
	rig_start(&r);
	packet_begin(&r.query, 512, 9, 0, fixture_name("example.org."), RR_AXFR);
	packet_end(&r.query);
	p = parsed(&r.query.buf);
	assert_int_equal(tsig_verify_query(&r.server, &p, lookup, &r.key, NOW, &r.e), ERR_MISSING);
	rig_stop(&r);
}

static void test_algorithm_names_R6(void **state)
{
	(void)state;
	assert_int_equal(tsig_algorithm_parse("hmac-sha256"), TSIG_SHA256);
	assert_int_equal(tsig_algorithm_parse("HMAC-SHA512."), TSIG_SHA512);
	assert_int_equal(tsig_algorithm_parse("hmac-md5"), 0);
	assert_int_equal(tsig_algorithm_parse(""), 0);
	assert_int_equal(tsig_mac_len(TSIG_SHA224), 28);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors_R6),
	    cmocka_unit_test(test_query_octets_R6),
	    cmocka_unit_test(test_stream_R6),
	    cmocka_unit_test(test_unsigned_between_R6),
	    cmocka_unit_test(test_too_many_unsigned_R6),
	    cmocka_unit_test(test_changed_in_between),
	    cmocka_unit_test(test_every_octet_counts),
	    cmocka_unit_test(test_badkey_R6),
	    cmocka_unit_test(test_badsig_R6),
	    cmocka_unit_test(test_badtime_R6),
	    cmocka_unit_test(test_answer_too_old_R6),
	    cmocka_unit_test(test_truncated_mac_R6),
	    cmocka_unit_test(test_no_tsig),
	    cmocka_unit_test(test_algorithm_names_R6),
	};

	return cmocka_run_group_tests_name("tsig", tests, NULL, NULL);
}
