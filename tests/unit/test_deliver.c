/* signer: notices on their way out of the signing side: how many at a time, and what becomes of
 * them when the network side dies, or the daemon stops. */
#include "daemon/signer/deliver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "daemon/proto.h"
#include "daemon/signer/signer.h"

#define ASKED 30

static struct signer *s;
static struct channel *network; /* the other end */
static struct message {
	uint32_t id;
	unsigned channel;
	char to[DELIVER_TO_MAX];
	char body[100];
} got[ASKED];
static unsigned got_count;
static struct outcome {
	unsigned times;
	int code;
	bool is_permanent;
	char why[DELIVER_WHY_MAX];
} outcomes[ASKED];
static struct request {
	request_done_fn *done;
	void *arg;
	uint8_t body[200];
	size_t len;
} requests[ASKED];
static unsigned request_count;

/* In place of the one of signer/requests.c. */
void signer_request(struct signer *signer, uint16_t type, struct buf *body, const struct buf *text,
    request_done_fn *done, void *arg)
{
	struct request *r = &requests[request_count++];

	assert_ptr_equal(signer, s);
	assert_int_equal(type, PROTO_NOTICE);
	assert_null(text);
	assert_true(body->len <= sizeof(r->body));
	memcpy(r->body, body->data, body->len);
	r->len = body->len;
	r->done = done;
	r->arg = arg;
}

static void take(void *arg, uint16_t type, struct reader *body, int fd)
{
	struct message *m = &got[got_count];
	const uint8_t *text;
	size_t len;

	(void)arg;
	assert_int_equal(fd, -1);
	if (type == 0)
		return;
	assert_int_equal(type, PROTO_DELIVER);
	assert_true(got_count < ASKED);
	m->id = reader_u32(body);
	m->channel = reader_u8(body);
	reader_str(body, m->to, sizeof(m->to));
	text = reader_lv32(body, &len);
	assert_false(body->failed);
	snprintf(m->body, sizeof(m->body), "%.*s", (int)len, (const char *)text);
	got_count++;
}

static void nothing(void *arg, uint16_t type, struct reader *body, int fd)
{
	(void)arg;
	(void)type;
	(void)body;
	(void)fd;
}

static void connect_sides(void)
{
	int pair[2];

	assert_int_equal(msg_pair(pair), OK);
	s->network = channel_new(s->loop, pair[0], nothing, NULL);
	network = channel_new(s->loop, pair[1], take, NULL);
}

static void disconnect_sides(void)
{
	channel_free(s->network);
	channel_free(network);
	s->network = network = NULL;
}

static int setup(void **state)
{
	(void)state;
	s = mem_alloc(sizeof(*s));
	s->loop = loop_new();
	connect_sides();
	got_count = request_count = 0;
	memset(got, 0, sizeof(got));
	memset(outcomes, 0, sizeof(outcomes));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	signer_deliveries_stop(s);
	signer_deliveries_free(s);
	disconnect_sides();
	loop_free(s->loop);
	free(s);
	return 0;
}

static void settle(void)
{
	for (unsigned i = 0; i < 50; i++)
		loop_once(s->loop, false);
}

static void done(void *arg, int code, bool is_permanent, const char *why)
{
	struct outcome *o = arg;

	o->times++;
	o->code = code;
	o->is_permanent = is_permanent;
	snprintf(o->why, sizeof(o->why), "%s", why);
}

static void ask(unsigned i, enum deliver_channel c)
{
	struct buf body = {0};

	buf_printf(&body, "body %u", i);
	if (c == DELIVER_COMMAND)
		signer_deliver_command(
		    s, "test", i % 2 == 0 ? NULL : "example.gov.", &body, done, &outcomes[i]);
	else
		signer_deliver(s, c, c == DELIVER_MAIL ? "a@b" : NULL, &body, done, &outcomes[i]);
	buf_free(&body);
}

static void answer(uint32_t id, int code, bool is_permanent, const char *why)
{
	struct buf body = {0};
	struct reader r;

	buf_u32(&body, id);
	buf_u8(&body, (uint8_t)-code);
	buf_u8(&body, is_permanent);
	buf_str(&body, why);
	r = reader_of(body.data, body.len);
	signer_delivered(s, &r);
	buf_free(&body);
}

static unsigned count_done(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ASKED; i++) {
		assert_true(outcomes[i].times <= 1);
		n += outcomes[i].times;
	}
	return n;
}

/* A bounded number of each channel is out at a time; all come to an end, once. */
static void test_bounded_R50(void **state)
{
	unsigned mails = 0, answered = 0;

	(void)state;
	for (unsigned i = 0; i < ASKED; i++)
		ask(i, i < 20 ? DELIVER_MAIL : DELIVER_WEBHOOK);
	assert_true(signer_deliver_is_busy(s));
	settle();
	for (unsigned i = 0; i < got_count; i++)
		mails += got[i].channel == DELIVER_MAIL;
	assert_true(mails < 20 && mails > 0);
	assert_true(got_count - mails < 10 && got_count > mails);
	assert_int_equal(count_done(), 0);
	assert_string_equal(got[0].to, "a@b");
	assert_string_equal(got[0].body, "body 0");
	while (answered < got_count) {
		struct message *m = &got[answered++];

		answer(m->id, OK, false, "");
		answer(m->id, OK, false, ""); /* once more: of no effect */
		settle();
	}
	assert_int_equal(answered, ASKED);
	assert_int_equal(count_done(), ASKED);
	assert_false(signer_deliver_is_busy(s));
}

static void test_answers(void **state)
{
	struct reader r = reader_of("\0\0\0\1\7", 5);

	(void)state;
	answer(1, OK, false, "nobody asked anything");
	ask(0, DELIVER_MAIL);
	settle();
	signer_delivered(s, &r); /* cut short */
	answer(got[0].id + 1, OK, false, "");
	assert_int_equal(count_done(), 0);
	answer(got[0].id, ERR_REFUSED, true, "550 no such user");
	assert_int_equal(outcomes[0].code, ERR_REFUSED);
	assert_true(outcomes[0].is_permanent);
	assert_string_equal(outcomes[0].why, "550 no such user");
}

/* What was out fails, since nobody knows; what was not out goes to the next network side. */
static void test_network_dies_R50(void **state)
{
	unsigned before;

	(void)state;
	for (unsigned i = 0; i < ASKED; i++)
		ask(i, DELIVER_MAIL);
	settle();
	before = got_count;
	disconnect_sides();
	signer_deliveries_lost(s);
	signer_deliveries_lost(s);
	assert_int_equal(count_done(), before);
	assert_int_equal(outcomes[0].code, ERR_AGAIN);
	assert_false(outcomes[0].is_permanent);
	assert_true(signer_deliver_is_busy(s));
	connect_sides();
	signer_deliveries_again(s);
	settle();
	assert_int_equal(got_count, 2 * before);
	answer(got[0].id, OK, false, ""); /* of the one before: too late */
	assert_int_equal(count_done(), before);
}

static void test_too_long(void **state)
{
	struct buf body = {0};

	(void)state;
	memset(buf_extend(&body, DELIVER_BODY_MAX + 1), 'a', DELIVER_BODY_MAX + 1);
	signer_deliver(s, DELIVER_MAIL, "a@b", &body, done, &outcomes[0]);
	buf_free(&body);
	assert_int_equal(outcomes[0].times, 0);
	settle();
	assert_int_equal(outcomes[0].code, ERR_LIMIT);
	assert_true(outcomes[0].is_permanent);
	assert_int_equal(got_count, 0);
}

static void test_command_R50(void **state)
{
	struct reader r;
	char kind[20], zone[20];
	size_t len;
	unsigned asked;

	(void)state;
	for (unsigned i = 0; i < ASKED; i++)
		ask(i, DELIVER_COMMAND);
	asked = request_count;
	assert_true(asked > 0 && asked < ASKED);
	r = reader_of(requests[1].body, requests[1].len);
	reader_str(&r, kind, sizeof(kind));
	reader_str(&r, zone, sizeof(zone));
	assert_memory_equal(reader_lv32(&r, &len), "body 1", 6);
	assert_string_equal(kind, "test");
	assert_string_equal(zone, "example.gov.");
	signer_deliveries_lost(s); /* which is no matter of the network side's */
	assert_int_equal(count_done(), 0);
	requests[0].done(requests[0].arg, false, "exit status 1");
	assert_int_equal(outcomes[0].code, ERR_REFUSED);
	assert_false(outcomes[0].is_permanent);
	assert_int_equal(request_count, asked + 1);
	/* The daemon stops: nobody is told what became of the others. */
	signer_deliveries_stop(s);
	for (unsigned i = 1; i < request_count; i++)
		requests[i].done(requests[i].arg, false, "the daemon is stopping");
	assert_int_equal(count_done(), 1);
	assert_false(signer_deliver_is_busy(s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_bounded_R50, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_network_dies_R50, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_command_R50, setup, teardown),
	};

	return cmocka_run_group_tests_name("signer: deliveries", tests, NULL, NULL);
}
