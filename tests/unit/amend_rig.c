/* amend_rig: see amend_rig.h. */
#include "tests/unit/amend_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "tests/unit/fake_token.h"

static struct token *lookup(void *arg, const char *name)
{
	struct amend_rig *g = arg;

	(void)name;
	return g->f.token;
}

static void open_fresh(struct amend_rig *g)
{
	struct err e = {0};

	snprintf(g->fresh_dir, sizeof(g->fresh_dir), "%s/fresh", g->f.dir);
	assert_int_equal(mkdir(g->fresh_dir, 0700), 0);
	g->fresh = store_open(g->fresh_dir, true, (uint64_t)1 << 30, &e);
	if (g->fresh == NULL)
		fail_msg("%s", e.text);
	g->fresh_sign = sign_new(g->f.loop, g->fresh, lookup, g, 1);
	assert_non_null(g->fresh_sign);
}

void amend_rig_open(struct amend_rig *g)
{
	/* Hundreds of commits: in memory, where that is to be had. */
	const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	memset(g, 0, sizeof(*g));
	signing_open_in(&g->f, folder, "example.");
	g->f.token = fake_token_new(g->f.loop, "soft");
	open_fresh(g);
}

static void forget_spool(struct amend_one *o)
{
	if (o->spool[0] != '\0')
		unlink(o->spool);
	o->spool[0] = '\0';
}

static void close_one(struct amend_one *o)
{
	forget_spool(o);
	amend_zone_free(&o->source);
	amend_zone_free(&o->taken);
	for (unsigned i = 0; i < o->between_count; i++)
		amend_zone_free(&o->between[i]);
	amend_version_free(&o->last);
	for (unsigned i = 0; i < o->remembered_count; i++)
		amend_version_free(&o->remembered[i]);
	memset(o, 0, sizeof(*o));
}

void amend_rig_reset(struct amend_rig *g)
{
	struct store_write *w;
	struct err e = {0};

	assert_int_equal(store_write_begin(g->f.store, &w, &e), OK);
	for (unsigned i = 0; i < g->count; i++) {
		assert_int_equal(store_write_remove(w, g->one[i].job.apex, &e), OK);
		close_one(&g->one[i]);
	}
	assert_int_equal(store_write_commit(w, &e), OK);
	g->count = 0;
	buf_reset(&g->log);
	fake_token_free(g->f.token);
	g->f.token = fake_token_new(g->f.loop, "soft");
}

void amend_rig_close(struct amend_rig *g)
{
	char command[128];

	sign_free(g->fresh_sign);
	sign_free(g->f.sign);
	g->f.sign = NULL;
	store_close(g->fresh);
	snprintf(command, sizeof(command), "rm -rf %s", g->fresh_dir);
	assert_int_equal(system(command), 0);
	fake_token_free(g->f.token);
	signing_close(&g->f);
	for (unsigned i = 0; i < g->count; i++)
		close_one(&g->one[i]);
	buf_free(&g->log);
}

struct amend_one *amend_rig_add(struct amend_rig *g)
{
	struct amend_one *o = &g->one[g->count++];

	assert_true(g->count <= MEM_COUNT(g->one));
	o->job = g->f.job;
	o->is_exact = true;
	amend_keys_first(g, o);
	return o;
}

void amend_say(struct amend_rig *g, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_put(&g->log, text, strlen(text));
}

void amend_fail(struct amend_rig *g, const char *fmt, ...)
{
	char text[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fwrite(g->log.data, 1, g->log.len, stderr); /* cmocka cuts what is long */
	fprintf(stderr, "\n%s\n", text);
	fail();
	abort();
}

void amend_next(struct amend_one *o, uint32_t step)
{
	if (o->between_count < MEM_COUNT(o->between))
		amend_zone_copy(&o->between[o->between_count++], &o->source);
	amend_zone_set_serial(&o->source, amend_zone_serial(&o->source) + step);
}

/* The source's version as a spool; the way in which it could be. */
static enum amend_way write_spool(
    struct amend_rig *g, struct amend_one *o, enum amend_way way, const char *path)
{
	const struct amend_zone *versions[MEM_COUNT(o->between) + 2];
	struct amend_random *r = &g->random;
	unsigned count = 0, flags = amend_draw(r, 8);

	/* A source that did not count on has no differences. */
	if (!o->has_last || o->needs_whole || o->taken.count == 0 ||
	    amend_zone_serial(&o->taken) == amend_zone_serial(&o->source))
		way = AMEND_WHOLE;
	if (way == AMEND_WHOLE) {
		amend_zone_spool(&o->source, path, flags, r);
		return way;
	}
	versions[count++] = &o->taken;
	for (unsigned i = 1; way == AMEND_STEPS && i < o->between_count; i++)
		versions[count++] = &o->between[i];
	versions[count++] = &o->source;
	amend_zone_delta(versions, count, path, flags, r);
	return way;
}

static void on_done(void *arg, const struct sign_result *result)
{
	struct amend_one *o = arg;

	o->result = *result;
	o->is_done = true;
	o->run = NULL;
}

void amend_start_spool(
    struct amend_rig *g, struct amend_one *o, enum amend_way way, const char *path)
{
	static const char *const names[] = {"again", "whole", "delta", "steps"};

	forget_spool(o);
	snprintf(o->spool, sizeof(o->spool), "%s", path == NULL ? "" : path);
	o->job.spool = path;
	o->way = way;
	o->job.now = g->f.job.now;
	o->is_done = false;
	o->job.class = way == AMEND_NOTHING ? TOKEN_REFRESH : TOKEN_CHANGE;
	amend_say(g, "run (%s%s%s): ", names[way], o->job.again ? ", again" : "",
	    o->job.force ? ", force" : "");
	o->run = sign_start(g->f.sign, &o->job, NULL, on_done, o);
	o->job.spool = NULL;
	g->runs++;
}

void amend_start(struct amend_rig *g, struct amend_one *o, enum amend_way way)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/spool-%u", g->f.dir, g->f.spools++);
	if (way != AMEND_NOTHING)
		way = write_spool(g, o, way, path);
	amend_start_spool(g, o, way, way == AMEND_NOTHING ? NULL : path);
}

static void forget_between(struct amend_one *o)
{
	for (unsigned i = 0; i < o->between_count; i++)
		amend_zone_free(&o->between[i]);
	o->between_count = 0;
}

/* A name may have got other letters in any of the steps, and may have come in one of them. */
static bool is_recased(const struct amend_one *o)
{
	bool is = amend_zone_is_recased(&o->taken, &o->source);

	for (unsigned i = 0; i < o->between_count; i++)
		is = is || amend_zone_is_recased(&o->between[i], &o->source);
	return is;
}

/* What was given to the run is in the store now. */
static void note_taken(struct amend_one *o)
{
	if (o->way == AMEND_WHOLE) {
		o->is_exact = true;
		o->needs_whole = false;
	} else if (is_recased(o)) {
		o->is_exact = false;
	}
	amend_zone_free(&o->taken);
	amend_zone_copy(&o->taken, &o->source);
	forget_between(o);
}

void amend_wait(struct amend_rig *g, struct amend_one *o)
{
	while (!o->is_done)
		loop_once(g->f.loop, true);
	forget_spool(o);
	if (o->result.code == OK && o->way != AMEND_NOTHING)
		note_taken(o);
	amend_say(g, "%s, %llu signed, serial %u\n", err_name(o->result.code),
	    (unsigned long long)o->result.signed_now, o->result.head.serial_out);
}

/* A run was lost: did it get to its end?  Nobody was told. */
static void learn(struct amend_rig *g, struct amend_one *o)
{
	struct sign_result r = {.code = ERR_CLOSED};
	struct snapshot *sn;
	struct err e = {0};

	assert_int_equal(snapshot_open(g->f.store, &sn, &e), OK);
	if (snapshot_head(sn, o->job.apex, &r.head) == OK && r.head.generation != 0 &&
	    (!o->has_last || r.head.serial_out != o->last.head.serial_out))
		r.code = OK;
	snapshot_close(sn);
	r.signed_now = UINT64_MAX; /* not known */
	o->result = r;
	o->is_done = true;
	if (r.code == OK && o->way != AMEND_NOTHING)
		note_taken(o);
}

void amend_rig_reopen(struct amend_rig *g)
{
	signing_reopen(&g->f);
	for (unsigned i = 0; i < g->count; i++) {
		if (g->one[i].run != NULL)
			learn(g, &g->one[i]);
		g->one[i].run = NULL;
	}
}

static uint32_t denial_ttl(const struct amend_zone *z)
{
	const struct amend_set *s = amend_zone_find(z, z->apex, RR_SOA);
	uint32_t minimum = load_u32(s->items.data + s->items.len - 4);

	return s->ttl < minimum ? s->ttl : minimum;
}

/* What only a whole input can be signed for: all of the chain is another one. */
static bool needs_all(const struct amend_one *o)
{
	const struct zone_head *h = &o->last.head;
	const struct sign_policy *p = &o->job.policy;
	enum denial_kind denial = o->job.keys.count == 0 ? DENIAL_NONE : p->denial;

	return h->denial != denial || denial == DENIAL_NONE ||
	       (denial_is_nsec3(denial) &&
		   (h->nsec3.iterations != p->nsec3.iterations ||
		       h->nsec3.salt_len != p->nsec3.salt_len ||
		       memcmp(h->nsec3.salt, p->nsec3.salt, p->nsec3.salt_len) != 0)) ||
	       denial_ttl(&o->taken) != denial_ttl(&o->source);
}

void amend_run(struct amend_rig *g, struct amend_one *o, enum amend_way way)
{
	amend_start(g, o, way);
	amend_wait(g, o);
	if (o->result.code == ERR_CONFLICT && o->way >= AMEND_DELTA && needs_all(o)) {
		amend_judge_untouched(g, o);
		amend_start(g, o, AMEND_WHOLE);
		amend_wait(g, o);
	}
	if (o->result.code != OK)
		amend_fail(g, "%s", o->result.err.text);
	amend_judge(g, o);
	o->job.again = o->job.force = false;
}

bool amend_is_settled(const struct amend_rig *g, const struct amend_one *o)
{
	const struct zone_head *h = &o->last.head;

	/* What was asked of its keys since is not done before a run. */
	return !o->has_last || (!h->has_walk && h->keyset == sign_keyset_mark(&o->job.keys) &&
				   (h->resign_at == 0 || h->resign_at > g->f.job.now));
}

void amend_settle(struct amend_rig *g, struct amend_one *o)
{
	for (unsigned i = 0; !amend_is_settled(g, o); i++) {
		uint32_t serial = o->last.head.serial_out;

		/* Each makes one signature at least, and walks and what is due come after each
		 * other. */
		if (i > 3 * o->last.head.signatures + 20)
			amend_fail(g, "it never has an end");
		amend_run(g, o, o->needs_whole ? AMEND_WHOLE : AMEND_NOTHING);
		if (o->last.head.serial_out == serial)
			amend_fail(g, "there is more to be done, and a run does nothing");
	}
}
