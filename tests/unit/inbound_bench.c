/* The bench of inbound_fake.h: one room, its hooks recorded, and time that passes by command. */
#include "inbound_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "dns/rrtype.h"

static void note_step(struct bench *b, const struct spool_group *g, const struct spool_record *r)
{
	size_t len = strlen(b->received_steps);
	char *out = b->received_steps + len, word[16];

	if (g->type == RR_SOA)
		snprintf(word, sizeof(word), "s%u", load_u32(r->rdata + r->rdlen - 20));
	else if (g->type == RR_A)
		snprintf(word, sizeof(word), "h%u", r->rdata[3]);
	else
		rrtype_text(g->type, word);
	snprintf(out, sizeof(b->received_steps) - len, "%s%c%s", len == 0 ? "" : " ",
	    r->step == SPOOL_ADD ? '+' : '-', word);
}

/* What is in a difference; of a whole zone nothing is noted. */
static void note_steps(struct bench *b)
{
	struct spool *s = spool_open(b->path, NULL);
	struct spool_group g;
	struct spool_record r;

	assert_non_null(s);
	assert_int_equal(spool_serial(s), b->received_serial);
	b->received_kind = spool_kind(s);
	b->received_since = spool_serial_from(s);
	b->received_steps[0] = '\0';
	while (b->received_kind == SPOOL_DELTA && spool_next_group(s, &g, NULL) == OK) {
		while (spool_next_record(s, &r, NULL) == OK)
			note_step(b, &g, &r);
	}
	spool_close(s);
}

static void hook_received(
    void *arg, const uint8_t *apex, const char *source, uint32_t serial, const char *path)
{
	struct bench *b = arg;

	(void)apex;
	b->received++;
	b->received_serial = serial;
	snprintf(b->received_from, sizeof(b->received_from), "%s", source);
	snprintf(b->path, sizeof(b->path), "%s", path);
	note_steps(b);
	if (!b->hold_verdict)
		bench_verdict(b);
}

void bench_verdict(struct bench *b)
{
	unlink(b->path);
	inbound_verdict(b->in, b->apex, b->received_from, b->verdict, "no glue for ns",
	    b->received_serial, &b->soa);
}

static void hook_status(void *arg, const uint8_t *apex, const char *source,
    enum source_status status, bool has_serial, uint32_t serial, const char *reason)
{
	struct bench *b = arg;
	unsigned i = *source == '\0' ? BENCH_SOURCES : source[3] == '2';
	struct seen *s = &b->seen[i];

	(void)apex;
	s->status = status;
	s->has_serial = has_serial;
	s->serial = serial;
	s->count++;
	s->oks += status == SOURCE_OK;
	snprintf(s->source, sizeof(s->source), "%s", source);
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
}

static void hook_refreshed(void *arg, const uint8_t *apex, int64_t now, int64_t expires)
{
	struct bench *b = arg;

	(void)apex;
	(void)now;
	b->expires = expires;
	b->refreshed++;
}

static void hook_expired(void *arg, const uint8_t *apex, bool expired)
{
	struct bench *b = arg;

	(void)apex;
	b->expired++;
	b->is_expired = expired;
}

static void bench_ticked(void *arg)
{
	struct bench *b = arg;

	b->ticked = true;
	loop_timer_set(b->tick, 20);
}

static void key_make(struct tsig_key *k, const char *name)
{
	assert_int_equal(name_parse(name, k->name), OK);
	k->algorithm = TSIG_SHA256;
	secret_set(&k->secret, name, strlen(name));
}

int bench_setup(void **state)
{
	static bool has_clock;
	struct bench *b = mem_alloc(sizeof(*b));
	struct inbound_hooks hooks = {hook_received, hook_status, hook_refreshed, hook_expired, b};

	if (!has_clock)
		clock_page_create(NULL);
	has_clock = true;
	clock_page_set(1800000000);
	*state = b;
	b->loop = loop_new();
	snprintf(b->dir, sizeof(b->dir), "/tmp/intaglio-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->file, sizeof(b->file), "%s/zone", b->dir);
	key_make(&b->key, "source-key.");
	key_make(&b->other_key, "other-key.");
	fake_start(&b->fakes[0], b->loop, "src1", "127.0.0.1", &b->key);
	fake_start(&b->fakes[1], b->loop, "src2", "127.0.0.2", &b->key);
	assert_int_equal(name_parse("example.", b->apex), OK);
	b->soa = (struct soa){.refresh = 600, .retry = 60, .expire = 86400, .minimum = 300};
	b->tick = loop_timer_new(b->loop, bench_ticked, b);
	loop_timer_set(b->tick, 20);
	b->in = inbound_new(b->loop, NULL, b->dir, &hooks);
	b->in->limits = (struct inbound_limits){
	    .query_ms = {100, 100, 0},
	    .query_tcp = {300, 300, 600},
	    .transfer = {300, 300, 5000},
	    .ixfr_pause_ms = 100000,
	    .hint_ms = 300,
	};
	return 0;
}

void bench_store(struct bench *b, uint32_t serial, int64_t refreshed)
{
	struct zone_head h = {.has_in = true, .serial_in = serial, .refreshed = refreshed};
	char dir[80];
	struct store_write *w;

	if (b->in->store == NULL) {
		snprintf(dir, sizeof(dir), "%s-store", b->dir);
		assert_int_equal(mkdir(dir, 0700), 0);
		b->in->store = store_open(dir, true, 1 << 24, NULL);
	}
	assert_non_null(b->in->store);
	memcpy(h.apex, b->apex, sizeof(h.apex));
	h.soa_in = b->soa;
	assert_int_equal(store_write_begin(b->in->store, &w, NULL), OK);
	assert_int_equal(store_write_head(w, &h, NULL), OK);
	assert_int_equal(store_write_commit(w, NULL), OK);
}

static void store_remove(struct bench *b)
{
	char command[120];

	if (b->in->store == NULL)
		return;
	store_close(b->in->store);
	snprintf(command, sizeof(command), "rm -r %s-store", b->dir);
	assert_int_equal(system(command), 0);
}

int bench_teardown(void **state)
{
	struct bench *b = *state;

	store_remove(b);
	inbound_free(b->in);
	for (unsigned i = 0; i < BENCH_SOURCES; i++)
		fake_stop(&b->fakes[i]);
	loop_timer_free(b->tick);
	loop_free(b->loop);
	secret_free(&b->key.secret);
	secret_free(&b->other_key.secret);
	unlink(b->path);
	unlink(b->file);
	/* Fails when a spool file was left behind. */
	assert_int_equal(rmdir(b->dir), 0);
	free(b);
	return 0;
}

void bench_configure(struct bench *b, unsigned sources, const char *input_file)
{
	struct inbound_zone z = {.sources = b->peers,
	    .source_count = sources,
	    .input_file = input_file,
	    .retry = 3600,
	    .size_max = b->size_max};

	memcpy(z.apex, b->apex, sizeof(z.apex));
	for (unsigned i = 0; i < BENCH_SOURCES; i++)
		b->peers[i] = &b->fakes[i].peer;
	inbound_configure(b->in, &z, 1);
}

void bench_turn(struct bench *b)
{
	loop_once(b->loop, true);
}

void bench_idle(struct bench *b, uint64_t ms)
{
	uint64_t end = clock_mono_ms() + ms;

	while (clock_mono_ms() < end)
		bench_turn(b);
}

static void leapt(void *arg, int64_t due)
{
	(void)due;
	*(bool *)arg = true;
}

void bench_leap(struct bench *b, int64_t calendar)
{
	bool done = false;
	struct loop_event *e = loop_event_new(b->loop, leapt, &done);

	clock_page_set(calendar);
	/* The loop looks at the calendar when an event becomes the first. */
	loop_event_set(e, 1);
	while (!done)
		bench_turn(b);
	loop_event_free(e);
}

unsigned bench_notify_from(
    struct bench *b, const char *zone, const char *host, const struct tsig_key *key)
{
	struct sockaddr_storage from;
	struct packet p = {
	    .flags = OPCODE_NOTIFY << 11, .has_question = true, .qtype = RR_SOA, .qclass = 1};

	assert_int_equal(peer_address_parse(host, 40000, &from), OK);
	assert_int_equal(name_parse(zone, p.qname), OK);
	return inbound_notify(b->in, &p, &from, key);
}

unsigned bench_notify(struct bench *b, const struct fake *from, const struct tsig_key *key)
{
	return bench_notify_from(
	    b, "example.", from == &b->fakes[0] ? "127.0.0.1" : "127.0.0.2", key);
}
