/* amend_judge: what must hold of each version that a run made: see amend_rig.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "tests/unit/amend_rig.h"

/* The same input, policy and keys, with nothing there before. */

static void on_fresh(void *arg, const struct sign_result *r)
{
	struct sign_result *out = arg;

	*out = *r;
	out->elapsed_ms = UINT64_MAX; /* done */
}

static void sign_fresh(struct amend_rig *g, struct amend_one *o, struct amend_version *out)
{
	struct sign_job job = o->job;
	struct sign_result result = {0};
	struct store_write *w;
	struct err e = {0};
	char path[128];

	snprintf(path, sizeof(path), "%s/spool", g->fresh_dir);
	amend_zone_spool(&o->taken, path, 0, &g->random);
	job.spool = path;
	job.again = job.force = false;
	job.policy.serial = SERIAL_COUNTER;
	job.has_floor = true;
	job.serial_floor = o->last.head.serial_out - 1;
	(void)sign_start(g->fresh_sign, &job, NULL, on_fresh, &result);
	while (result.elapsed_ms != UINT64_MAX)
		loop_once(g->f.loop, true);
	remove(path);
	if (result.code != OK)
		amend_fail(g, "from nothing: %s", result.err.text);
	assert_true(amend_version_read(out, g->fresh, job.apex));
	assert_int_equal(store_write_begin(g->fresh, &w, &e), OK);
	assert_int_equal(store_write_remove(w, job.apex, &e), OK);
	assert_int_equal(store_write_commit(w, &e), OK);
}

#define SAME_SUM(field)                                                                            \
	do {                                                                                       \
		if (is->field != fresh->field)                                                     \
			amend_fail(g, "its head has " #field " %llu, signed from nothing %llu",    \
			    (unsigned long long)is->field, (unsigned long long)fresh->field);      \
	} while (0)

static uint64_t count_of(const struct zone_head *h, const uint8_t *id)
{
	for (unsigned i = 0; i < h->key_count; i++) {
		if (memcmp(h->keys[i].id, id, sizeof(h->keys[i].id)) == 0)
			return h->keys[i].signatures;
	}
	return 0;
}

static void judge_head(struct amend_rig *g, const struct amend_one *o, const struct zone_head *is,
    const struct zone_head *fresh)
{
	SAME_SUM(serial_in);
	SAME_SUM(serial_out);
	SAME_SUM(soa_in.serial);
	SAME_SUM(soa_in.refresh);
	SAME_SUM(soa_in.minimum);
	SAME_SUM(input_records);
	SAME_SUM(denial);
	SAME_SUM(rrsets);
	SAME_SUM(records);
	SAME_SUM(published);
	SAME_SUM(unverified);
	SAME_SUM(keyset);
	SAME_SUM(nsec3.iterations);
	SAME_SUM(nsec3.salt_len);
	if (is->ttl_max < fresh->ttl_max)
		amend_fail(g, "its head has ttl_max %u, signed from nothing %u", is->ttl_max,
		    fresh->ttl_max);
	if (is->ttl_in < fresh->ttl_in)
		amend_fail(
		    g, "its head has ttl_in %u, signed from nothing %u", is->ttl_in, fresh->ttl_in);
	if (o->is_exact && memcmp(is->input_digest, fresh->input_digest, 32) != 0)
		amend_fail(g, "its input has another digest than from nothing");
	if (strcmp(is->policy, fresh->policy) != 0)
		amend_fail(g, "its policy is %s", is->policy);
	if (is->has_walk)
		return;
	SAME_SUM(signatures);
	SAME_SUM(key_count);
	for (unsigned i = 0; i < is->key_count; i++) {
		if (is->keys[i].signatures != count_of(fresh, is->keys[i].id))
			amend_fail(g, "key %u has %llu signatures, signed from nothing %llu",
			    is->keys[i].tag, (unsigned long long)is->keys[i].signatures,
			    (unsigned long long)count_of(fresh, is->keys[i].id));
	}
}

static void judge_fresh(struct amend_rig *g, struct amend_one *o)
{
	struct amend_version fresh;
	struct buf why = {0};

	sign_fresh(g, o, &fresh);
	if (!amend_version_same(&o->last, &fresh, AMEND_NO_SIGNATURES, o->is_exact, &why)) {
		buf_u8(&why, 0);
		amend_fail(g, "signed from nothing it is another zone (there):\n%s", why.data);
	}
	judge_head(g, o, &o->last.head, &fresh.head);
	amend_version_free(&fresh);
}

/* The judges of the signer itself. */
static void judge_whole(struct amend_rig *g, struct amend_one *o)
{
	const uint8_t *apex = o->job.apex;
	int64_t now = g->f.job.now;
	struct err e = {0};

	if (amend_is_settled(g, o)) {
		if (sign_check_keys(g->f.store, apex, now, 1, &o->job.keys, &e) != OK)
			amend_fail(g, "%s", e.text);
		return;
	}
	/* On the way it is signed by old keys and new ones, and never by none that a resolver may
	 * use; after a long sleep signatures may have expired. */
	if (o->last.head.expiry_first > now + 1 &&
	    sign_check(g->f.store, apex, now, 1, true, &e) != OK)
		amend_fail(g, "on the way: %s", e.text);
}

static void judge_serial(struct amend_rig *g, struct amend_one *o, const struct amend_version *was)
{
	const struct zone_head *h = &o->last.head;
	bool jumped = false;
	uint32_t want = serial_next(o->job.policy.serial, was->head.has_out, was->head.serial_out,
	    h->serial_in, o->job.now, &jumped);

	if (h->serial_out != want)
		amend_fail(g, "its serial went from %u to %u, and should be %u",
		    was->head.serial_out, h->serial_out, want);
}

static void remember(struct amend_one *o, struct amend_version *v)
{
	if (o->remembered_count == AMEND_REMEMBERED) {
		amend_version_free(&o->remembered[0]);
		memmove(&o->remembered[0], &o->remembered[1],
		    (AMEND_REMEMBERED - 1) * sizeof(o->remembered[0]));
		o->remembered_count--;
	}
	o->remembered[o->remembered_count++] = *v;
}

static void judge_same(struct amend_rig *g, struct amend_one *o, const struct amend_version *is)
{
	struct buf why = {0};

	if (!amend_version_same(&o->last, is, AMEND_ALL, true, &why)) {
		buf_u8(&why, 0);
		amend_fail(g, "no version was made, and it is another one:\n%s", why.data);
	}
}

void amend_judge_untouched(struct amend_rig *g, struct amend_one *o)
{
	struct amend_version is;

	if (amend_version_read(&is, g->f.store, o->job.apex) != o->has_last)
		amend_fail(g, "there is a version now, or none any more");
	if (o->has_last) {
		if (is.head.serial_out != o->last.head.serial_out)
			amend_fail(g, "its serial moved from %u to %u", o->last.head.serial_out,
			    is.head.serial_out);
		judge_same(g, o, &is);
	}
	amend_version_free(&is);
}

void amend_judge(struct amend_rig *g, struct amend_one *o)
{
	struct amend_version was = o->last;
	bool had = o->has_last;

	o->has_last = amend_version_read(&o->last, g->f.store, o->job.apex);
	if (!o->has_last)
		amend_fail(g, "there is no version");
	g->judged++;
	if (o->last.head.serial_out != o->result.head.serial_out)
		amend_fail(g, "the run said serial %u, and it is %u", o->result.head.serial_out,
		    o->last.head.serial_out);
	judge_whole(g, o);
	judge_fresh(g, o);
	if (had && o->last.head.serial_out == was.head.serial_out) {
		judge_same(g, o, &was);
		amend_version_free(&was);
		return;
	}
	g->versions++;
	judge_serial(g, o, &was);
	amend_judge_signatures(g, o, &was, &o->last);
	amend_judge_expiry(g, o, &o->last);
	amend_judge_index(g, o);
	if (had)
		remember(o, &was);
	amend_judge_journal(g, o);
}
