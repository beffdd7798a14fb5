/* Which DS a child gets when its keys are watched (R41): servers, keys and times made up here. */
#include <stdlib.h>
#include <string.h>
#include "dns/rrtype.h"
#include "tests/unit/watch_rig.h"

#define KSK 257
#define ZSK 256

struct bench {
	struct rig rig;
	struct rig_key *old, *new, *zsk;
};

/* A child that was watched for two days: one KSK with DS, one ZSK. */
static int setup(void **state)
{
	struct bench *b = test_calloc(1, sizeof(*b));

	rig_init(&b->rig, WATCH_BY_DNSKEY);
	b->old = rig_key(ALG_ED25519, KSK);
	b->new = rig_key(ALG_ED25519, KSK);
	b->zsk = rig_key(ALG_ED25519, ZSK);
	rig_serve(&b->rig, RIG_KEYS_OF(b->old, b->zsk), RIG_KEYS_OF(b->old));
	rig_parent(&b->rig, RIG_KEYS_OF(b->old));
	rig_look(&b->rig);
	rig_look_for(&b->rig, 2 * RIG_DAY);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	rig_free(&b->rig);
	test_free(b);
	return 0;
}

static void nothing_to_do(void **state)
{
	struct bench *b = *state;

	rig_assert(&b->rig, WATCH_NOTHING, WATCH_CAUSE_SETTLED);
	assert_int_equal(b->rig.findings.count, 0);
}

/* The new key is published and signs; after the hold-down its DS comes, after the caches' time the old one
 * goes. */
static void a_roll_over(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	int64_t began = r->now + RIG_HOUR;

	rig_serve(
	    r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old, b->new));
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_HOLD_DOWN);
	assert_int_equal(r->decision.until, began + RIG_HOLD);
	rig_look_for(r, RIG_HOLD - RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_HOLD_DOWN);
	rig_restart(r);
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_ADD, WATCH_CAUSE_NEW_KEY);
	rig_assert_ds(r, RIG_KEYS_OF(b->new));
	assert_int_equal(r->decision.wanted.count, 2);
	watch_child_order(&r->child, &r->decision, r->now);
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_HANDED_OVER);
	/* At one server of the parent only. */
	watch_ds_add(&r->ds[0], &r->child.order.ds.list[0]);
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_PARENT);
	rig_parent(r, RIG_KEYS_OF(b->old, b->new));
	rig_look_for(r, RIG_HOUR);
	assert_int_equal(r->event, WATCH_EVENT_SEEN);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_CACHES);
	rig_restart(r);
	/* DS seen now + its TTL; signature for the DNSKEY TTL + hold-down. */
	assert_int_equal(r->decision.until, r->now + RIG_DS_TTL > began + RIG_KEY_TTL + RIG_HOLD
						? r->now + RIG_DS_TTL
						: began + RIG_KEY_TTL + RIG_HOLD);
	rig_look_for(r, r->decision.until - r->now - RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_CACHES);
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_REMOVE, WATCH_CAUSE_ROLLED);
	rig_assert_ds(r, RIG_KEYS_OF(b->old));
	rig_obey(r);
	rig_look_for(r, RIG_HOUR);
	assert_int_equal(r->event, WATCH_EVENT_ROLLED);
	/* The old key stays published for a while, and gets no DS any more. */
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_NOT_NEW);
	assert_int_equal(r->event, WATCH_EVENT_NONE);
}

/* The DS comes while the new key does not sign yet; the old one stays until it does. */
static void a_key_that_signs_later(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old));
	rig_live_for(r, 10 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_NOT_SIGNING);
	assert_int_equal(r->ds[0].count, 2);
	/* One server is behind. */
	r->servers[0].signers = RIG_KEYS_OF(b->new);
	rig_live_for(r, 5 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_NOT_SIGNING);
	r->servers[1].signers = RIG_KEYS_OF(b->new);
	rig_live_for(r, RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_CACHES);
	rig_live_for(r, RIG_KEY_TTL + RIG_HOLD + 2 * RIG_HOUR);
	assert_int_equal(r->ds[0].count, 1);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_NOT_NEW);
}

/* The next key comes while the last roll-over still waits for caches. */
static void two_roll_overs(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct rig_key *next = rig_key(ALG_ED25519, KSK);
	struct parent_ds ds = rig_ds(next, 2);

	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old));
	rig_live_for(r, RIG_HOLD + 2 * RIG_HOUR);
	assert_int_equal(r->ds[0].count, 2);
	rig_serve(r, RIG_KEYS_OF(b->old, b->new, next, b->zsk), RIG_KEYS_OF(b->new, next));
	rig_live_for(r, RIG_HOLD + 2 * RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_CACHES);
	assert_int_equal(r->ds[0].count, 2);
	rig_live_for(r, 2 * RIG_HOUR);
	assert_int_equal(r->ds[0].count, 1);
	rig_live_for(r, 5 * RIG_DAY);
	assert_int_equal(r->ds[0].count, 1);
	assert_true(watch_ds_has(&r->ds[0], &ds));
}

static void a_spare_key_keeps_its_ds(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct rig_key *spare = rig_key(ALG_ED25519, KSK);

	rig_serve(r, RIG_KEYS_OF(b->old, spare, b->zsk), RIG_KEYS_OF(b->old));
	rig_parent(r, RIG_KEYS_OF(b->old, spare));
	rig_live_for(r, RIG_DAY);
	rig_serve(r, RIG_KEYS_OF(b->old, spare, b->new, b->zsk), RIG_KEYS_OF(b->old, b->new));
	rig_live_for(r, 5 * RIG_DAY);
	assert_int_equal(r->ds[0].count, 2);
	assert_false(watch_ds_has(&r->ds[0], &(struct parent_ds[]){rig_ds(b->old, 2)}[0]));
}

static void an_interruption_begins_the_wait_anew(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old));
	rig_look_for(r, RIG_HOLD - RIG_HOUR);
	/* A server without the key, for one look. */
	r->servers[1].keys = RIG_KEYS_OF(b->old, b->zsk);
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_DISAGREE);
	r->servers[1].keys = r->servers[0].keys;
	rig_look_for(r, RIG_HOLD);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_HOLD_DOWN);
	/* A server that is silent for longer than patience. */
	r->servers[0].word = WATCH_SILENT;
	rig_look_for(r, 4 * RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_UNASKED);
	r->servers[0].word = WATCH_ANSWERED;
	rig_look_for(r, RIG_HOLD);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_HOLD_DOWN);
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_ADD, WATCH_CAUSE_NEW_KEY);
}

static void a_short_silence_only_delays(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old));
	rig_look_for(r, RIG_HOLD);
	r->servers[0].word = WATCH_SERVFAIL;
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_UNASKED);
	r->servers[0].word = WATCH_ANSWERED;
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_ADD, WATCH_CAUSE_NEW_KEY);
}

/* A key is new only if it was never seen before. */
static void keys_that_are_not_new(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct rig_key *spare = rig_key(ALG_ED25519, KSK);
	struct rig_key *revoked = rig_key_as(b->new, KSK | DNSKEY_FLAG_REVOKE);

	/* There at enrolment. */
	watch_child_free(&r->child);
	watch_child_init(&r->child, rig_apex, r->now);
	rig_serve(r, RIG_KEYS_OF(b->old, spare, b->zsk), RIG_KEYS_OF(b->old));
	rig_look_for(r, 10 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_NOT_NEW);
	/* Revoked, and then published as if it was not. */
	rig_serve(r, RIG_KEYS_OF(b->old, revoked, b->zsk), RIG_KEYS_OF(b->old));
	rig_look_for(r, RIG_DAY);
	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old));
	rig_look_for(r, 5 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_NOT_NEW);
	/* A ZSK is none of our business. */
	rig_serve(r, RIG_KEYS_OF(b->old, rig_key(ALG_ED25519, ZSK), b->zsk), RIG_KEYS_OF(b->old));
	rig_look_for(r, 5 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_SETTLED);
}

static void a_key_whose_ds_was_removed(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old, b->new));
	rig_parent(r, RIG_KEYS_OF(b->old, b->new));
	rig_look_for(r, RIG_DAY);
	/* By hand: the roll-over is not ours, and nothing is removed. */
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_SETTLED);
	rig_look_for(r, 10 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_SETTLED);
	rig_parent(r, RIG_KEYS_OF(b->old));
	rig_look_for(r, 10 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_NOT_NEW);
	assert_non_null(strstr(r->decision.reason, "had a DS that was removed"));
	/* Not even when it was away. */
	rig_serve(r, RIG_KEYS_OF(b->old, b->zsk), RIG_KEYS_OF(b->old));
	rig_look_for(r, RIG_DAY);
	rig_restart(r);
	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old, b->new));
	rig_look_for(r, 10 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_NOT_NEW);
}

/* In real time the answers of a look do not all come in the second in which it ends. */
static void a_look_that_takes_its_time(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	r->delay = 5;
	watch_child_free(&r->child);
	watch_child_init(&r->child, rig_apex, r->now);
	rig_look_for(r, RIG_HOUR);
	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old));
	rig_look_for(r, RIG_HOLD + RIG_HOUR);
	rig_assert(r, WATCH_ADD, WATCH_CAUSE_NEW_KEY);
}

/* Who cannot remember cannot tell what is new. */
static void a_full_memory(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct watch_child *c = &r->child;

	c->past = realloc(c->past, WATCH_PAST_MAX * sizeof(*c->past));
	for (; c->past_count < WATCH_PAST_MAX; c->past_count++) {
		c->past[c->past_count] = c->past[0];
		c->past[c->past_count].state = WATCH_DROPPED;
		store_u32(c->past[c->past_count].id, c->past_count);
	}
	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old));
	rig_look_for(r, 3 * RIG_DAY);
	assert_true(c->is_full);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_LIMIT);
}

/* A new algorithm gets its DS when it signs everything; until then strict resolvers would refuse. */
static void a_new_algorithm(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct rig_key *ksk = rig_key(ALG_ECDSAP256SHA256, KSK);
	struct rig_key *zsk = rig_key(ALG_ECDSAP256SHA256, ZSK);

	rig_serve(r, RIG_KEYS_OF(b->old, ksk, zsk, b->zsk), RIG_KEYS_OF(b->old));
	rig_look_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_WOULD_BREAK);
	for (unsigned i = 0; i < 2; i++)
		r->servers[i].signers = RIG_KEYS_OF(b->old, ksk);
	rig_look_for(r, RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_WOULD_BREAK);
	for (unsigned i = 0; i < 2; i++)
		r->servers[i].zone_signers = RIG_KEYS_OF(b->zsk, zsk);
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_ADD, WATCH_CAUSE_NEW_KEY);
	rig_obey(r);
	rig_live_for(r, 3 * RIG_DAY);
	assert_int_equal(r->ds[0].count, 1);
	assert_int_equal(r->ds[0].list[0].algorithm, ALG_ECDSAP256SHA256);
}

/* A resolver that looks at the strongest digest only must find a key that signs. */
static void digests(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	r->policy.digests[0] = 1; /* never */
	r->policy.digests[1] = 4;
	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old));
	rig_look_for(r, 2 * RIG_DAY);
	rig_assert(r, WATCH_ADD, WATCH_CAUSE_NEW_KEY);
	assert_int_equal(r->decision.ds.count, 1);
	assert_int_equal(r->decision.ds.list[0].digest_type, 2);
	for (unsigned i = 0; i < 2; i++)
		r->servers[i].signers = RIG_KEYS_OF(b->old, b->new);
	rig_look_for(r, RIG_HOUR);
	assert_int_equal(r->decision.ds.count, 1);
	assert_int_equal(r->decision.ds.list[0].digest_type, 4);
}

static void what_we_sign_is_only_reported(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	r->policy.report_only = true;
	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->zsk));
	rig_look_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_REPORT_ONLY);
	assert_non_null(rig_finding(r, WATCH_KEYS_NOT_SIGNED));
}

static void a_parent_that_does_not_take_it(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old));
	rig_look_for(r, RIG_HOLD + RIG_HOUR);
	rig_assert(r, WATCH_ADD, WATCH_CAUSE_NEW_KEY);
	watch_child_order(&r->child, &r->decision, r->now);
	/* Never seen: again after the deadline. */
	rig_look_for(r, RIG_DAY - RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_HANDED_OVER);
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_ADD, WATCH_CAUSE_NEW_KEY);
	/* Refused: again at once. */
	watch_child_order(&r->child, &r->decision, r->now);
	watch_child_order_failed(&r->child);
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_ADD, WATCH_CAUSE_NEW_KEY);
	/* Servers of the parent that differ: nothing until they agree. */
	r->ds[1].count = 0;
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_PARENT);
}

/* Attacks */

static void a_set_signed_by_a_stranger(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->new));
	rig_live_for(r, 5 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_NOT_VALID);
	assert_non_null(strstr(r->decision.reason, "192.0.2.1"));
	/* The time before does not count when it is signed rightly. */
	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old));
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_HOLD_DOWN);
	assert_int_equal(r->decision.until, r->now + RIG_HOLD);
}

static void one_server_is_hijacked(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	/* The whole set is the attacker's. */
	r->servers[1].keys = r->servers[1].signers = RIG_KEYS_OF(b->new);
	r->servers[1].zone_signers = RIG_KEYS_OF(b->new);
	rig_live_for(r, 5 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_NOT_VALID);
	assert_non_null(rig_finding(r, WATCH_NO_KEY_FOR_DS));
	/* He has the child's key, but one server only. */
	r->servers[1].keys = RIG_KEYS_OF(b->old, b->new, b->zsk);
	r->servers[1].signers = RIG_KEYS_OF(b->old);
	rig_live_for(r, 5 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_DISAGREE);
	assert_int_equal(r->ds[0].count, 1);
}

/* What a stranger shows is not remembered: he could fill the memory. */
static void a_flood_of_strange_keys(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	unsigned before = r->child.past_count;

	for (unsigned i = 0; i < 40; i++) {
		struct rig_key *strange = rig_key(ALG_ED25519, KSK);

		r->servers[1].keys = r->servers[1].signers = RIG_KEYS_OF(strange);
		rig_look_for(r, RIG_HOUR);
	}
	assert_int_equal(r->child.past_count, before);
	assert_int_equal(r->child.key_count, 3);
}

static void expired_signatures_prove_nothing(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old));
	for (unsigned i = 0; i < 2; i++)
		r->servers[i].expiration = r->now;
	rig_live_for(r, 5 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_NOT_VALID);
	for (unsigned i = 0; i < 2; i++) {
		r->servers[i].expiration = r->now + 100 * RIG_DAY;
		r->servers[i].inception = r->now + 50 * RIG_DAY;
	}
	rig_live_for(r, 5 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_NOT_VALID);
	assert_int_equal(r->ds[0].count, 1);
}

static void a_delete_request_is_not_looked_at(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	r->policy.allow_delete = true;
	for (unsigned i = 0; i < 2; i++) {
		r->servers[i].wants_delete = true;
		r->servers[i].wish_signers = RIG_KEYS_OF(b->old);
	}
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_DELETE);
	assert_int_equal(r->ds[0].count, 1);
}

/* Decisions are recorded once, and can be read. */
static void records(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct buf kept = {0};
	struct watch_record record;
	struct reader reader;

	assert_true(watch_record_is_news(&r->child, &r->decision));
	watch_record_write(&r->child, &r->decision, r->now, &kept);
	rig_look_for(r, RIG_HOUR);
	assert_false(watch_record_is_news(&r->child, &r->decision));
	r->servers[1].keys = r->servers[1].signers = RIG_KEYS_OF(b->new);
	rig_look_for(r, RIG_HOUR);
	assert_true(watch_record_is_news(&r->child, &r->decision));
	buf_reset(&kept);
	watch_record_write(&r->child, &r->decision, r->now, &kept);
	reader = reader_of(kept.data, kept.len);
	assert_int_equal(watch_record_read(&reader, &record), OK);
	assert_int_equal(record.at, r->now);
	assert_int_equal(record.verdict, WATCH_WAIT);
	assert_int_equal(record.cause, WATCH_CAUSE_NOT_VALID);
	assert_string_equal(record.reason, r->decision.reason);
	assert_int_equal(record.server_count, 2);
	assert_string_equal(record.servers[1].name, "192.0.2.2");
	assert_non_null(strstr(record.servers[0].saw, "with DS signs"));
	for (size_t cut = 0; cut < kept.len; cut++) {
		reader = reader_of(kept.data, cut);
		assert_int_equal(watch_record_read(&reader, &record), ERR_FORMAT);
	}
	buf_free(&kept);
}

static void presentation(void **state)
{
	struct bench *b = *state;
	struct buf out = {0};

	watch_ds_text(rig_apex, &b->rig.ds[0], 3600, &out);
	watch_dnskey_text(&b->rig.child, &b->rig.ds[0], 3600, &out);
	buf_put(&out, "", 1);
	assert_non_null(strstr((char *)out.data, "child.example.\t3600\tIN\tDS\t"));
	assert_non_null(strstr((char *)out.data, "child.example.\t3600\tIN\tDNSKEY\t257 3 15 "));
	buf_free(&out);
}

int main(void)
{
#define TEST(title, function) {title, function, setup, teardown, NULL}
	const struct CMUnitTest tests[] = {
	    TEST("R41 nothing to do", nothing_to_do),
	    TEST("R41 a roll-over from the first sight to its end", a_roll_over),
	    TEST("R41 the old DS stays until the new key signs everywhere", a_key_that_signs_later),
	    TEST("R41 two roll-overs, one after the other", two_roll_overs),
	    TEST("R41 a spare key keeps its DS", a_spare_key_keeps_its_ds),
	    TEST("R41 an interruption begins the wait anew", an_interruption_begins_the_wait_anew),
	    TEST("R41 a short silence only delays", a_short_silence_only_delays),
	    TEST("R41 keys that were there, revoked keys and ZSKs get no DS", keys_that_are_not_new),
	    TEST("R41 a key whose DS was removed gets none again", a_key_whose_ds_was_removed),
	    TEST("R41 a look that takes its time", a_look_that_takes_its_time),
	    TEST("R41 a memory of keys that is full", a_full_memory),
	    TEST("R41 a new algorithm gets its DS when it signs everything", a_new_algorithm),
	    TEST("R41 digests", digests),
	    TEST("R41 zones that are signed here are only reported", what_we_sign_is_only_reported),
	    TEST("R41 a parent that does not take it", a_parent_that_does_not_take_it),
	    TEST("R41 attack: DNSKEY set signed by a key without DS", a_set_signed_by_a_stranger),
	    TEST("R41 attack: one of two servers hijacked", one_server_is_hijacked),
	    TEST("R41 attack: a flood of strange keys", a_flood_of_strange_keys),
	    TEST("R41 attack: signatures of another time", expired_signatures_prove_nothing),
	    TEST("R41 attack: delete request in DNSKEY mode", a_delete_request_is_not_looked_at),
	    TEST("R41 records of decisions", records),
	    TEST("R41 presentation form", presentation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
