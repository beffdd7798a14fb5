/* What the parent's servers were seen to have: answers and times made up here, no network. */
#include "parent/observe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "dns/dnskey.h"
#include "dns/packet.h"
#include "dns/rrtype.h"

#include <cmocka.h>

#define T0 ((int64_t)1800000000)
#define HOUR 3600
#define PATIENCE (2 * HOUR)
#define TTL 86400

static uint8_t child[NAME_MAX_LEN], parent[NAME_MAX_LEN];

static int setup(void **state)
{
	(void)state;
	return name_parse("child.example.", child) != OK || name_parse("example.", parent) != OK;
}

static struct parent_ds ds(unsigned tag)
{
	struct parent_ds d = {
	    .tag = (uint16_t)tag, .algorithm = 13, .digest_type = 2, .digest_len = 32};

	memset(d.digest, (int)tag, 32);
	return d;
}

/* Answers */

static void put_ds(struct packet_builder *b, const uint8_t *owner, unsigned tag)
{
	struct parent_ds d = ds(tag);
	uint8_t rdata[36];

	store_u16(rdata, d.tag);
	rdata[2] = d.algorithm;
	rdata[3] = d.digest_type;
	memcpy(rdata + 4, d.digest, 32);
	assert_int_equal(packet_add(b, 1, owner, RR_DS, TTL, rdata, sizeof(rdata)), OK);
}

static void put_soa(struct packet_builder *b, const uint8_t *owner)
{
	uint8_t rdata[22] = {0};

	assert_int_equal(packet_add(b, 2, owner, RR_SOA, 300, rdata, sizeof(rdata)), OK);
}

/* What is read from an answer with these flags, DS of `owner`, and the SOA of `soa` (NULL: none).
 */
static int read_one(uint16_t flags, const uint8_t *owner, unsigned count, const uint8_t *soa,
    struct parent_set *out)
{
	struct packet_builder b = {0};
	struct err e = {0};
	int code;

	packet_begin(&b, 4096, 7, (uint16_t)(PACKET_FLAG_QR | flags), child, RR_DS);
	for (unsigned i = 0; i < count; i++)
		put_ds(&b, owner, i + 1);
	if (soa != NULL)
		put_soa(&b, soa);
	packet_end(&b);
	code = parent_read_answer(b.buf.data, b.buf.len, child, out, &e);
	packet_builder_free(&b);
	assert_true((code == OK) == (e.text[0] == '\0'));
	return code;
}

static void answers(void **state)
{
	struct parent_set set;
	const uint16_t aa = PACKET_FLAG_AA;

	(void)state;
	assert_int_equal(read_one(aa, child, 2, NULL, &set), OK);
	assert_int_equal(set.count, 2);
	assert_int_equal(set.ttl, TTL);
	assert_true(parent_ds_equal(&set.ds[1], &(struct parent_ds[]){ds(2)}[0]));
	assert_int_equal(read_one(aa, child, 0, parent, &set), OK);
	assert_int_equal(set.count, 0);
	assert_int_equal(read_one(aa | RCODE_NXDOMAIN, child, 0, parent, &set), OK);
	assert_int_equal(set.count, 0);
}

static void answers_that_say_nothing(void **state)
{
	struct parent_set set = {.count = 77};
	const uint16_t aa = PACKET_FLAG_AA;

	(void)state;
	assert_int_equal(read_one(0, child, 1, NULL, &set), ERR_REFUSED);
	assert_int_equal(read_one(aa | RCODE_SERVFAIL, child, 0, parent, &set), ERR_REFUSED);
	assert_int_equal(read_one(aa | RCODE_REFUSED, child, 0, NULL, &set), ERR_REFUSED);
	assert_int_equal(read_one(aa, child, 0, NULL, &set), ERR_REFUSED);
	/* The child's own server. */
	assert_int_equal(read_one(aa, child, 0, child, &set), ERR_REFUSED);
	/* Somebody else's DS. */
	assert_int_equal(read_one(aa, parent, 1, NULL, &set), ERR_REFUSED);
	assert_int_equal(read_one(aa, child, PARENT_DS_MAX + 1, NULL, &set), ERR_LIMIT);
	assert_int_equal(set.count, 77);
}

/* Facts */

struct bench {
	struct parent_server servers[3];
	struct parent_view view;
};

static void bench_init(struct bench *b, unsigned count)
{
	memset(b, 0, sizeof(*b));
	for (unsigned i = 0; i < 3; i++)
		snprintf(b->servers[i].name, sizeof(b->servers[i].name), "par%u", i);
	b->view = (struct parent_view){b->servers, count};
}

static void see(struct bench *b, unsigned server, int64_t now, unsigned tag, unsigned tag2)
{
	struct parent_set set = {.count = 0};

	if (tag != 0)
		set.ds[set.count++] = ds(tag);
	if (tag2 != 0)
		set.ds[set.count++] = ds(tag2);
	set.ttl = set.count > 0 ? TTL : 0;
	parent_note(&b->servers[server], &set, now, PATIENCE);
}

static void assert_fact(struct parent_fact fact, enum parent_word word, int64_t since)
{
	assert_int_equal(fact.word, word);
	if (word == PARENT_THERE || word == PARENT_GONE)
		assert_int_equal(fact.since, since);
}

#define FACT(b, tag, now)                                                                          \
	parent_fact_of(&(b).view, &(struct parent_ds[]){ds(tag)}[0], (now)-PATIENCE)

static void appears_everywhere(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 2);
	assert_fact(FACT(b, 1, T0), PARENT_UNKNOWN, 0);
	see(&b, 0, T0, 0, 0);
	assert_fact(FACT(b, 1, T0), PARENT_UNKNOWN, 0);
	see(&b, 1, T0 + 1, 0, 0);
	assert_fact(FACT(b, 1, T0 + 1), PARENT_GONE, T0 + 1);
	see(&b, 0, T0 + HOUR, 1, 0);
	assert_fact(FACT(b, 1, T0 + HOUR), PARENT_MIXED, 0);
	see(&b, 1, T0 + 2 * HOUR, 1, 0);
	assert_fact(FACT(b, 1, T0 + 2 * HOUR), PARENT_THERE, T0 + 2 * HOUR);
	/* It stays: the time does not move. */
	see(&b, 0, T0 + 3 * HOUR, 1, 2);
	see(&b, 1, T0 + 3 * HOUR, 2, 1);
	assert_fact(FACT(b, 1, T0 + 3 * HOUR), PARENT_THERE, T0 + 2 * HOUR);
	assert_fact(FACT(b, 2, T0 + 3 * HOUR), PARENT_THERE, T0 + 3 * HOUR);
	assert_int_equal(parent_ttl_max(&b.view), TTL);
	/* A TTL is not signed: a slip must not hold a step up for years. */
	b.view.servers[0].ttl_max = UINT32_MAX;
	assert_int_equal(parent_ttl_max(&b.view), 7 * 86400);
}

static void disappears_everywhere(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 2);
	see(&b, 0, T0, 1, 0);
	see(&b, 1, T0, 1, 0);
	see(&b, 0, T0 + HOUR, 0, 0);
	see(&b, 1, T0 + HOUR, 1, 0);
	assert_fact(FACT(b, 1, T0 + HOUR), PARENT_MIXED, 0);
	see(&b, 0, T0 + 2 * HOUR, 0, 0);
	see(&b, 1, T0 + 2 * HOUR, 0, 0);
	assert_fact(FACT(b, 1, T0 + 2 * HOUR), PARENT_GONE, T0 + 2 * HOUR);
	/* And comes back. */
	see(&b, 1, T0 + 3 * HOUR, 1, 0);
	assert_fact(FACT(b, 1, T0 + 3 * HOUR), PARENT_MIXED, 0);
	see(&b, 1, T0 + 4 * HOUR, 0, 0);
	see(&b, 0, T0 + 4 * HOUR, 0, 0);
	assert_fact(FACT(b, 1, T0 + 4 * HOUR), PARENT_GONE, T0 + 4 * HOUR);
}

static void silence(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 2);
	see(&b, 0, T0, 1, 0);
	see(&b, 1, T0, 1, 0);
	parent_note_failure(&b.servers[1], "timeout", T0 + HOUR);
	see(&b, 0, T0 + HOUR, 1, 0);
	assert_fact(FACT(b, 1, T0 + HOUR), PARENT_UNKNOWN, 0);
	assert_fact(FACT(b, 2, T0 + HOUR), PARENT_UNKNOWN, 0);
	assert_string_equal(b.servers[1].reason, "timeout");
	/* What it has counts from when it answered again; both there and not there. */
	see(&b, 1, T0 + HOUR + 60, 1, 0);
	assert_fact(FACT(b, 1, T0 + HOUR + 60), PARENT_THERE, T0 + HOUR + 60);
	assert_fact(FACT(b, 2, T0 + HOUR + 60), PARENT_GONE, T0 + HOUR + 60);
	assert_string_equal(b.servers[1].reason, "");
}

static void long_pauses(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 1);
	see(&b, 0, T0, 1, 0);
	see(&b, 0, T0 + PATIENCE, 1, 0);
	assert_fact(FACT(b, 1, T0 + PATIENCE), PARENT_THERE, T0);
	/* Not asked lately: not known. */
	assert_fact(FACT(b, 1, T0 + 3 * PATIENCE), PARENT_UNKNOWN, 0);
	see(&b, 0, T0 + 3 * PATIENCE, 1, 0);
	assert_fact(FACT(b, 1, T0 + 3 * PATIENCE), PARENT_THERE, T0 + 3 * PATIENCE);
}

static void foreign_ds_R70(void **state)
{
	struct bench b;
	struct parent_ds ours[] = {ds(1), ds(2)};

	(void)state;
	bench_init(&b, 2);
	see(&b, 0, T0, 1, 0);
	see(&b, 1, T0, 9, 1);
	assert_fact(parent_fact_foreign(&b.view, ours, 2, T0), PARENT_MIXED, 0);
	see(&b, 0, T0 + HOUR, 2, 0);
	see(&b, 1, T0 + HOUR, 1, 0);
	assert_fact(parent_fact_foreign(&b.view, ours, 2, T0), PARENT_GONE, T0 + HOUR);
	see(&b, 0, T0 + 2 * HOUR, 0, 0);
	see(&b, 1, T0 + 2 * HOUR, 2, 1);
	assert_fact(parent_fact_foreign(&b.view, ours, 2, T0), PARENT_GONE, T0 + HOUR);
	parent_note_failure(&b.servers[0], "refused", T0 + 3 * HOUR);
	assert_fact(parent_fact_foreign(&b.view, ours, 2, T0), PARENT_UNKNOWN, 0);
	/* No server at all: nothing is known. */
	b.view.count = 0;
	assert_fact(parent_fact_foreign(&b.view, ours, 2, T0), PARENT_UNKNOWN, 0);
	assert_fact(FACT(b, 1, T0), PARENT_UNKNOWN, 0);
}

static void any_ds_R71(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 2);
	see(&b, 0, T0, 1, 0);
	see(&b, 1, T0, 0, 0);
	assert_fact(parent_fact_foreign(&b.view, NULL, 0, T0), PARENT_MIXED, 0);
	/* Seen there where one looked last, and silent since: still there. */
	parent_note_failure(&b.servers[0], "timeout", T0 + HOUR);
	assert_fact(parent_fact_foreign(&b.view, NULL, 0, T0), PARENT_MIXED, 0);
	see(&b, 0, T0 + 2 * HOUR, 0, 0);
	see(&b, 1, T0 + 2 * HOUR, 0, 0);
	assert_fact(parent_fact_foreign(&b.view, NULL, 0, T0), PARENT_GONE, T0 + 2 * HOUR);
}

/* More DS come and go than are remembered: nothing counts as gone earlier than it was. */
static void forgets_safely(void **state)
{
	struct bench b;
	unsigned many = PARENT_DS_MAX + 10;

	(void)state;
	bench_init(&b, 1);
	for (unsigned i = 0; i <= many; i++)
		see(&b, 0, T0 + i, i < many ? i + 1 : 0, 0);
	for (unsigned i = 0; i < many; i++) {
		struct parent_fact fact = FACT(b, i + 1, T0 + many);

		assert_int_equal(fact.word, PARENT_GONE);
		assert_true(fact.since >= T0 + i + 1);
	}
}

static void is_kept(void **state)
{
	struct bench b;
	struct parent_server copy = {.name = "par0"};
	struct buf out = {0};
	struct reader r;

	(void)state;
	bench_init(&b, 1);
	see(&b, 0, T0, 1, 2);
	see(&b, 0, T0 + HOUR, 2, 0);
	parent_note_failure(&b.servers[0], "timeout", T0 + 2 * HOUR);
	parent_write(&b.servers[0], &out);
	for (size_t cut = 0; cut < out.len; cut++) {
		r = reader_of(out.data, cut);
		parent_read(&r, &copy);
		assert_int_equal(copy.asked, 0);
	}
	r = reader_of(out.data, out.len);
	parent_read(&r, &copy);
	assert_memory_equal(&copy, &b.servers[0], sizeof(copy));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    {"the DS set, or none, is read from an answer", answers, NULL, NULL, NULL},
	    {"answers that say nothing about the DS are no answers", answers_that_say_nothing, NULL,
		NULL, NULL},
	    {"R25 a DS is there once all servers have it, since the last got it",
		appears_everywhere, NULL, NULL, NULL},
	    {"R25 a DS is gone once no server has it, since the last dropped it",
		disappears_everywhere, NULL, NULL, NULL},
	    {"R25 a server that cannot be asked neither has a DS nor has dropped it", silence, NULL,
		NULL, NULL},
	    {"R25 what was seen long ago counts no more", long_pauses, NULL, NULL, NULL},
	    {"R70 foreign DS", foreign_ds_R70, NULL, NULL, NULL},
	    {"R71 any DS", any_ds_R71, NULL, NULL, NULL},
	    {"many DS are forgotten safely", forgets_safely, NULL, NULL, NULL},
	    {"what was seen is kept over a restart, or not at all", is_kept, NULL, NULL, NULL},
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
