/* Messages between the signing side and token workers: round trips, bounds, and garbage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "pkcs11/wire.h"

static struct wire_room room;
static struct token_reply reply;

static void fill_request(struct token_request *r, struct token_sign_item items[3])
{
	static const uint8_t digest[] = "a digest of thirty-two octets ok";

	memset(r, 0, sizeof *r);
	for (unsigned i = 0; i < 3; i++)
		items[i] = (struct token_sign_item){{(uint8_t)i}, 13, 32 - i, digest};
	r->class = TOKEN_REFRESH;
	r->id[3] = 7;
	strcpy(r->label, "itg1/0123456789abcdef/k/13/abc");
	r->algorithm = 8;
	r->bits = 2048;
	r->extractable = true;
	r->length = 99;
	r->value = (const uint8_t *)"value";
	r->value_len = 5;
	r->items = items;
	r->item_count = 3;
}

static void test_requests(void **state)
{
	struct token_sign_item items[3];
	struct token_request r, got;
	uint32_t id;

	(void)state;
	for (unsigned op = TOKEN_SIGN; op <= TOKEN_NEWS; op++) {
		struct buf out = {0};
		fill_request(&r, items);
		r.op = op;
		assert_int_equal(wire_put_request(&out, 77, &r, NULL), OK);
		struct reader in = reader_of(out.data, out.len);
		assert_int_equal(wire_get_request(&in, &id, &got, &room), OK);
		assert_int_equal(id, 77);
		assert_int_equal(got.op, op);
		assert_int_equal(got.class, TOKEN_REFRESH);
		if (op == TOKEN_SIGN) {
			assert_int_equal(got.item_count, 3);
			assert_int_equal(got.items[2].len, 30);
			assert_memory_equal(got.items[2].data, items[2].data, 30);
		}
		if (op == TOKEN_GENERATE) {
			assert_string_equal(got.label, r.label);
			assert_int_equal(got.bits, 2048);
			assert_true(got.extractable);
		}
		if (op == TOKEN_PUT_RECORD)
			assert_memory_equal(got.value, "value", 5);
		/* every shorter message is malformed, and so is a longer one */
		for (size_t len = 0; len < out.len; len++) {
			in = reader_of(out.data, len);
			assert_int_equal(wire_get_request(&in, &id, &got, &room), ERR_FORMAT);
		}
		buf_u8(&out, 0);
		in = reader_of(out.data, out.len);
		assert_int_equal(wire_get_request(&in, &id, &got, &room), ERR_FORMAT);
		buf_free(&out);
	}
}

static void test_request_bounds(void **state)
{
	static uint8_t long_message[MSG_MAX];
	struct token_sign_item items[TOKEN_BATCH_MAX + 1];
	struct token_request r = {.op = TOKEN_SIGN, .items = items};
	struct err e;

	(void)state;
	for (unsigned i = 0; i <= TOKEN_BATCH_MAX; i++)
		items[i] = (struct token_sign_item){
		    {0}, 15, TOKEN_BATCH_OCTETS / TOKEN_BATCH_MAX, long_message};
	static const struct {
		unsigned count;
		int code;
	} counts[] = {
	    {0, ERR_ARGUMENT}, {1, OK}, {TOKEN_BATCH_MAX, OK}, {TOKEN_BATCH_MAX + 1, ERR_ARGUMENT}};
	for (unsigned i = 0; i < MEM_COUNT(counts); i++) {
		struct buf out = {.limit = MSG_MAX};
		r.item_count = counts[i].count;
		assert_int_equal(wire_put_request(&out, 1, &r, &e), counts[i].code);
		buf_free(&out);
	}
	struct buf out = {.limit = MSG_MAX};
	r.item_count = 1;
	items[0].len = MSG_MAX;
	assert_int_equal(wire_put_request(&out, 1, &r, &e), ERR_LIMIT);
	buf_free(&out);
	r = (struct token_request){
	    .op = TOKEN_PUT_RECORD, .value = long_message, .value_len = MSG_MAX};
	assert_int_equal(wire_put_request(&out, 1, &r, &e), ERR_LIMIT);
	buf_free(&out);
}

static const uint8_t octets[] = "public key, value or signature";
static struct token_key keys[3];
static struct token_record records[2];

static void fill_reply(struct token_reply *r, unsigned op)
{
	memset(r, 0, sizeof *r);
	r->op = op;
	r->signature_count = op == TOKEN_SIGN ? 2 : 0;
	r->signatures[0].data = octets;
	r->signatures[0].len = sizeof octets;
	r->signatures[1].code = ERR_TOKEN;
	for (unsigned i = 0; i < 3; i++) {
		keys[i] =
		    (struct token_key){{(uint8_t)i}, "label", 13, true, octets, sizeof octets};
		records[i % 2] = (struct token_record){"record", octets, i};
	}
	r->key = keys[1];
	r->keys = keys;
	r->key_count = 3;
	r->records = records;
	r->record_count = 2;
	r->value = octets;
	r->value_len = sizeof octets;
	strcpy(r->caps.model, "model");
	r->caps.algorithms = 0x2000;
}

static void test_replies(void **state)
{
	static struct token_reply r;

	(void)state;
	for (unsigned op = TOKEN_SIGN; op <= TOKEN_NEWS; op++) {
		struct buf out = {0};
		fill_reply(&r, op);
		wire_put_reply(&out, &r);
		struct reader in = reader_of(out.data, out.len);
		assert_int_equal(wire_get_reply(&in, &reply, &room), OK);
		assert_int_equal(reply.op, op);
		if (op == TOKEN_SIGN) {
			assert_int_equal(reply.signature_count, 2);
			assert_memory_equal(reply.signatures[0].data, octets, sizeof octets);
			assert_int_equal(reply.signatures[1].code, ERR_TOKEN);
		}
		if (op == TOKEN_LIST) {
			assert_int_equal(reply.key_count, 3);
			assert_memory_equal(reply.keys[2].pub, octets, sizeof octets);
			assert_int_equal(reply.record_count, 2);
			assert_string_equal(reply.records[1].label, "record");
		}
		if (op == TOKEN_CAPS)
			assert_string_equal(reply.caps.model, "model");
		for (size_t len = 0; len < out.len; len++) {
			in = reader_of(out.data, len);
			assert_int_equal(wire_get_reply(&in, &reply, &room), ERR_FORMAT);
		}
		buf_free(&out);
	}
	wire_room_free(&room);
}

static void test_errors(void **state)
{
	struct token_reply r = {.op = TOKEN_LIST, .code = ERR_TOKEN};
	struct buf out = {0};

	(void)state;
	err_set(&r.err, ERR_TOKEN, "words\nand words");
	r.err.ckr = 0xa0;
	wire_put_reply(&out, &r);
	struct reader in = reader_of(out.data, out.len);
	assert_int_equal(wire_get_reply(&in, &reply, &room), OK);
	assert_int_equal(reply.code, ERR_TOKEN);
	assert_int_equal(reply.err.ckr, 0xa0);
	assert_string_equal(reply.err.text, "words?and words"); /* one line in a log */
	buf_free(&out);
}

/* A count in a message must not make us allocate what the message cannot hold. */
static void test_lying_count(void **state)
{
	struct buf out = {0};

	(void)state;
	buf_u8(&out, TOKEN_LIST);
	buf_u32(&out, 0);
	buf_u32(&out, 0xffffffff);
	buf_u32(&out, 0xffffffff);
	struct reader in = reader_of(out.data, out.len);
	assert_int_equal(wire_get_reply(&in, &reply, &room), ERR_FORMAT);
	buf_free(&out);
}

static void test_garbage(void **state)
{
	unsigned seed = (unsigned)clock_mono_us(), good = 0;
	struct token_sign_item items[3];
	static struct token_reply r;
	struct token_request request;
	struct wire_state s;
	uint32_t id;

	(void)state;
	print_message("# seed %u\n", seed);
	for (unsigned round = 0; round < 40000; round++) {
		struct buf out = {0};
		unsigned op = TOKEN_SIGN + round % TOKEN_NEWS;
		fill_request(&request, items);
		fill_reply(&r, op);
		request.op = op;
		if (round & 16)
			wire_put_request(&out, 1, &request, NULL);
		else
			wire_put_reply(&out, &r);
		for (unsigned i = 0; i < 1 + round % 4; i++)
			out.data[(unsigned)rand_r(&seed) % out.len] = (uint8_t)rand_r(&seed);
		struct reader in = reader_of(out.data, out.len);
		good += wire_get_request(&in, &id, &request, &room) == OK;
		in = reader_of(out.data, out.len);
		good += wire_get_reply(&in, &reply, &room) == OK;
		in = reader_of(out.data, out.len);
		good += wire_get_state(&in, &s) == OK;
		buf_free(&out);
	}
	wire_room_free(&room);
	assert_true(good > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    {"requests come through, cut ones do not", test_requests, NULL, NULL, NULL},
	    {"bounds of requests", test_request_bounds, NULL, NULL, NULL},
	    {"replies come through, cut ones do not", test_replies, NULL, NULL, NULL},
	    {"errors come through as one line", test_errors, NULL, NULL, NULL},
	    {"a lying count allocates nothing", test_lying_count, NULL, NULL, NULL},
	    {"garbage is refused or harmless", test_garbage, NULL, NULL, NULL},
	};

	return cmocka_run_group_tests_name("token_wire", tests, NULL, NULL);
}
