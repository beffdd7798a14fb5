/* What a child's CDS and CDNSKEY may do to its DS set (RFC 7344, 8078, 9615, 9975), and what an attacker's may
 * not. */
#include <string.h>
#include "dns/packet.h"
#include "dns/rrtype.h"
#include "tests/unit/watch_rig.h"

#define KSK 257
#define ZSK 256

struct bench {
	struct rig rig;
	struct rig_key *old, *new, *zsk;
};

static int setup(void **state)
{
	struct bench *b = test_calloc(1, sizeof(*b));

	rig_init(&b->rig, WATCH_BY_CDS);
	b->old = rig_key(ALG_ED25519, KSK);
	b->new = rig_key(ALG_ED25519, KSK);
	b->zsk = rig_key(ALG_ED25519, ZSK);
	rig_serve(&b->rig, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old, b->new));
	rig_parent(&b->rig, RIG_KEYS_OF(b->old));
	rig_look(&b->rig);
	rig_look_for(&b->rig, RIG_DAY);
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

/* All servers publish CDS and CDNSKEY of these keys, signed anew. */
static void wish(struct rig *r, struct rig_keys keys, struct rig_keys signers)
{
	for (unsigned i = 0; i < RIG_SERVERS; i++) {
		r->servers[i].cds = r->servers[i].cdnskey = keys;
		r->servers[i].wish_signers = signers;
		r->servers[i].wish_inception = r->now - RIG_HOUR;
	}
}

static void assert_parent(const struct rig *r, struct rig_keys keys)
{
	struct watch_ds wanted = {.count = 0};

	for (unsigned i = 0; i < keys.count; i++) {
		struct parent_ds ds = rig_ds(keys.list[i], 2);

		watch_ds_add(&wanted, &ds);
	}
	assert_true(watch_ds_equal(&wanted, &r->ds[0]));
}

/* First the new DS, then, when that is seen, the old one away. */
static void a_roll_over(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_SETTLED);
	wish(r, RIG_KEYS_OF(b->new), RIG_KEYS_OF(b->old));
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_HOLD_DOWN);
	assert_int_equal(r->decision.until, r->now + RIG_HOLD);
	rig_restart(r);
	rig_look_for(r, RIG_HOLD);
	rig_assert(r, WATCH_ADD, WATCH_CAUSE_WISH);
	rig_assert_ds(r, RIG_KEYS_OF(b->new));
	rig_obey(r);
	rig_restart(r);
	rig_look_for(r, RIG_HOUR);
	assert_int_equal(r->event, WATCH_EVENT_SEEN);
	/* Its signature is by a key whose DS is still there; the new key would do as well. */
	rig_assert(r, WATCH_REMOVE, WATCH_CAUSE_WISH);
	rig_assert_ds(r, RIG_KEYS_OF(b->old));
	rig_obey(r);
	rig_look_for(r, RIG_HOUR);
	assert_int_equal(r->event, WATCH_EVENT_ROLLED);
	/* Now it must be signed by the new key. */
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_NOT_PROVED);
	wish(r, RIG_KEYS_OF(b->new), RIG_KEYS_OF(b->new));
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_SETTLED);
	assert_int_equal(r->event, WATCH_EVENT_NONE);
}

static void one_form_is_enough(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	wish(r, RIG_KEYS_OF(b->old, b->new), RIG_KEYS_OF(b->old));
	for (unsigned i = 0; i < 2; i++)
		r->servers[i].cds.count = 0;
	rig_look_for(r, RIG_HOLD + RIG_HOUR);
	rig_assert(r, WATCH_ADD, WATCH_CAUSE_WISH);
	rig_assert_ds(r, RIG_KEYS_OF(b->new));
	for (unsigned i = 0; i < 2; i++) {
		r->servers[i].cds = r->servers[i].cdnskey;
		r->servers[i].cdnskey.count = 0;
	}
	rig_look_for(r, RIG_HOLD + RIG_HOUR);
	/* Not signed anew: what was seen before was as new as this. */
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_REPLAY);
	wish(r, RIG_KEYS_OF(b->old, b->new), RIG_KEYS_OF(b->old));
	for (unsigned i = 0; i < 2; i++)
		r->servers[i].cdnskey.count = 0;
	rig_look_for(r, RIG_HOLD + RIG_HOUR);
	rig_assert(r, WATCH_ADD, WATCH_CAUSE_WISH);
}

static void cds_and_cdnskey_that_contradict_each_other(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	wish(r, RIG_KEYS_OF(b->old, b->new), RIG_KEYS_OF(b->old));
	for (unsigned i = 0; i < 2; i++)
		r->servers[i].cdnskey = RIG_KEYS_OF(b->new);
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_MALFORMED);
	for (unsigned i = 0; i < 2; i++) {
		r->servers[i].cdnskey = RIG_KEYS_OF(b->old, b->new);
		r->servers[i].cds = RIG_KEYS_OF(b->new);
	}
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_MALFORMED);
	assert_parent(r, RIG_KEYS_OF(b->old));
}

/* RFC 9975. */
static void servers_that_disagree(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	wish(r, RIG_KEYS_OF(b->new), RIG_KEYS_OF(b->old));
	r->servers[1].cds.count = r->servers[1].cdnskey.count = 0;
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_DISAGREE);
	assert_non_null(rig_finding(r, WATCH_CDS_DIFFERS));
	r->servers[1].refuses_cds = true;
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_UNASKED);
	r->servers[1].refuses_cds = false;
	r->servers[1].word = WATCH_LAME;
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_UNASKED);
	assert_parent(r, RIG_KEYS_OF(b->old));
}

static void forged_cds(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct rig_key *stranger = rig_key(ALG_ED25519, KSK);

	/* Not signed; by a ZSK; by a KSK without DS; by a key that is not in the DNSKEY set. */
	const struct rig_keys signers[] = {{.count = 0}, RIG_KEYS_OF(b->zsk), RIG_KEYS_OF(b->new),
	    RIG_KEYS_OF(stranger)};

	for (unsigned i = 0; i < 4; i++) {
		wish(r, RIG_KEYS_OF(b->new), signers[i]);
		rig_live_for(r, 3 * RIG_DAY);
		rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_NOT_PROVED);
	}
	/* At one server only. */
	wish(r, RIG_KEYS_OF(b->new), RIG_KEYS_OF(b->old));
	r->servers[1].wish_signers = RIG_KEYS_OF(b->zsk);
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_NOT_PROVED);
	assert_non_null(strstr(r->decision.reason, "192.0.2.2"));
	assert_parent(r, RIG_KEYS_OF(b->old));
	/* That it stood there for long does not count before it was signed. */
	r->servers[1].wish_signers = RIG_KEYS_OF(b->old);
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_HOLD_DOWN);
	assert_int_equal(r->decision.until, r->now + RIG_HOLD);
}

/* Old records whose signatures did not expire yet. */
static void replayed_cds(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct rig_sets first, back;

	wish(r, RIG_KEYS_OF(b->old, b->new), RIG_KEYS_OF(b->old));
	first = r->servers[0];
	rig_live_for(r, 3 * RIG_DAY);
	assert_parent(r, RIG_KEYS_OF(b->old, b->new));
	wish(r, RIG_KEYS_OF(b->old), RIG_KEYS_OF(b->old));
	back = r->servers[0];
	rig_live_for(r, 3 * RIG_DAY);
	assert_parent(r, RIG_KEYS_OF(b->old));
	/* Overtaken. */
	r->servers[0] = r->servers[1] = first;
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_REPLAY);
	assert_parent(r, RIG_KEYS_OF(b->old));
	/* Acted on before, and the DS set was changed by hand since. */
	rig_parent(r, RIG_KEYS_OF(b->old, b->new));
	r->servers[0] = r->servers[1] = back;
	rig_restart(r);
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_REPLAY);
	assert_parent(r, RIG_KEYS_OF(b->old, b->new));
	/* The same records signed anew are a new wish. */
	wish(r, RIG_KEYS_OF(b->old), RIG_KEYS_OF(b->old));
	rig_live_for(r, 3 * RIG_DAY);
	assert_parent(r, RIG_KEYS_OF(b->old));
}

static void overtaken_during_the_hold_down(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct rig_sets before;

	wish(r, RIG_KEYS_OF(b->new), RIG_KEYS_OF(b->old));
	before = r->servers[0];
	rig_look_for(r, RIG_HOUR);
	wish(r, RIG_KEYS_OF(b->old), RIG_KEYS_OF(b->old));
	rig_look_for(r, RIG_HOUR);
	r->servers[0] = r->servers[1] = before;
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_REPLAY);
	assert_parent(r, RIG_KEYS_OF(b->old));
}

static void weak_digests(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	wish(r, RIG_KEYS_OF(b->old), RIG_KEYS_OF(b->old));
	for (unsigned i = 0; i < 2; i++) {
		r->servers[i].digest_type = 1;
		r->servers[i].cdnskey.count = 0;
	}
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_WEAK);
	assert_parent(r, RIG_KEYS_OF(b->old));
}

/* RFC 7344 4.1, Continuity. */
static void a_set_that_would_break_the_child(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct rig_key *elsewhere = rig_key(ALG_ED25519, KSK);

	wish(r, RIG_KEYS_OF(elsewhere), RIG_KEYS_OF(b->old));
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_WOULD_BREAK);
	/* It does not sign at one of the servers. */
	wish(r, RIG_KEYS_OF(b->new), RIG_KEYS_OF(b->old));
	r->servers[1].signers = RIG_KEYS_OF(b->old);
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_WOULD_BREAK);
	assert_parent(r, RIG_KEYS_OF(b->old));
	/* A DS ahead of its key is fine beside one that works. */
	wish(r, RIG_KEYS_OF(b->old, elsewhere), RIG_KEYS_OF(b->old));
	rig_live_for(r, 3 * RIG_DAY);
	assert_parent(r, RIG_KEYS_OF(b->old, elsewhere));
}

static void a_revoked_key(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct rig_key *revoked = rig_key_as(b->new, KSK | DNSKEY_FLAG_REVOKE);

	rig_serve(r, RIG_KEYS_OF(b->old, revoked, b->zsk), RIG_KEYS_OF(b->old));
	rig_look_for(r, RIG_HOUR);
	rig_serve(r, RIG_KEYS_OF(b->old, b->new, b->zsk), RIG_KEYS_OF(b->old, b->new));
	wish(r, RIG_KEYS_OF(b->old, b->new), RIG_KEYS_OF(b->old));
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_NOT_NEW);
	assert_parent(r, RIG_KEYS_OF(b->old));
	/* Nor after it had a DS for a while that somebody made by hand. */
	rig_parent(r, RIG_KEYS_OF(b->old, b->new));
	rig_look_for(r, RIG_DAY);
	rig_parent(r, RIG_KEYS_OF(b->old));
	wish(r, RIG_KEYS_OF(b->old, b->new), RIG_KEYS_OF(b->old));
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_NOT_NEW);
	/* Nor when only the revoked form stands in the zone, and the CDS names the other. */
	rig_serve(r, RIG_KEYS_OF(b->old, revoked, b->zsk), RIG_KEYS_OF(b->old));
	wish(r, RIG_KEYS_OF(b->old, b->new), RIG_KEYS_OF(b->old));
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_NOT_NEW);
	assert_parent(r, RIG_KEYS_OF(b->old));
}

/* RFC 8078 4. */
static void delete_requests(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;

	wish(r, RIG_KEYS_OF(b->old), RIG_KEYS_OF(b->zsk));
	for (unsigned i = 0; i < 2; i++)
		r->servers[i].wants_delete = true;
	r->policy.allow_delete = true;
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_NOT_PROVED);
	r->policy.allow_delete = false;
	wish(r, RIG_KEYS_OF(b->old), RIG_KEYS_OF(b->old));
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_DELETE);
	assert_parent(r, RIG_KEYS_OF(b->old));
	r->policy.allow_delete = true;
	rig_look_for(r, RIG_HOUR);
	rig_assert(r, WATCH_REMOVE, WATCH_CAUSE_WISH);
	rig_obey(r);
	rig_look_for(r, RIG_HOUR);
	assert_int_equal(r->event, WATCH_EVENT_UNSECURED);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_UNSIGNED);
	assert_int_equal(r->ds[0].count, 0);
}

/* Bootstrapping (RFC 9615) */

static void put_signal(struct watch_set *set, const struct rig *r, enum watch_type t)
{
	struct buf msg = {0};

	rig_answer(r, 0, t, &msg);
	watch_set_read(set, rig_apex, watch_rrtype(t), false, msg.data, msg.len);
	buf_free(&msg);
}

/* What is at the names of a name server now is the child's wish of now. */
static void signal_of(struct watch_signal *s, const struct rig *r, const char *ns)
{
	watch_set_free(&s->cds);
	watch_set_free(&s->cdnskey);
	assert_int_equal(name_parse(ns, s->ns), OK);
	s->security = WATCH_SECURE;
	put_signal(&s->cds, r, WATCH_CDS);
	put_signal(&s->cdnskey, r, WATCH_CDNSKEY);
}

static void bootstrapping(void **state)
{
	struct bench *b = *state;
	struct rig *r = &b->rig;
	struct watch_signal signals[3] = {0};

	r->ds[0].count = r->ds[1].count = 0;
	watch_child_free(&r->child);
	watch_child_init(&r->child, rig_apex, r->now); /* it never had a DS */
	wish(r, RIG_KEYS_OF(b->old), RIG_KEYS_OF(b->old));
	r->signals = signals;
	r->signal_count = 3;
	signal_of(&signals[0], r, "ns1.operator.example.");
	signal_of(&signals[1], r, "ns2.operator.test.");
	signal_of(&signals[2], r, "ns.child.example.");
	signals[2].security = WATCH_NOT_KNOWN; /* it cannot vouch for itself */
	rig_live_for(r, 3 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_UNSIGNED);
	r->policy.allow_bootstrap = true;
	for (enum watch_security s = WATCH_NOT_KNOWN; s <= WATCH_BOGUS; s++) {
		if (s == WATCH_SECURE)
			continue;
		signals[1].security = s;
		rig_live_for(r, 2 * RIG_DAY);
		rig_assert(r, WATCH_WAIT, WATCH_CAUSE_SIGNAL);
	}
	signals[1].security = WATCH_SECURE;
	/* The signal of one operator is of another key. */
	wish(r, RIG_KEYS_OF(b->new), RIG_KEYS_OF(b->old));
	signal_of(&signals[1], r, "ns2.operator.test.");
	wish(r, RIG_KEYS_OF(b->old), RIG_KEYS_OF(b->old));
	rig_live_for(r, 2 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_SIGNAL);
	signal_of(&signals[1], r, "ns2.operator.test.");
	/* Nobody but the child itself. */
	r->signals = &signals[2];
	r->signal_count = 1;
	rig_live_for(r, 2 * RIG_DAY);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_SIGNAL);
	r->signals = signals;
	r->signal_count = 3;
	/* A server that serves no such keys. */
	r->servers[1].keys = r->servers[1].signers = RIG_KEYS_OF(b->new);
	rig_live_for(r, 2 * RIG_DAY);
	rig_assert(r, WATCH_WAIT, WATCH_CAUSE_WOULD_BREAK);
	assert_int_equal(r->ds[0].count, 0);
	r->servers[1] = r->servers[0];
	rig_live_for(r, 2 * RIG_HOUR);
	assert_int_equal(r->event, WATCH_EVENT_SECURED);
	assert_parent(r, RIG_KEYS_OF(b->old));
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_SETTLED);
	/* Somebody takes the DS out at the parent: it does not come back by itself. */
	r->ds[0].count = r->ds[1].count = 0;
	rig_live_for(r, 3 * RIG_DAY);
	assert_int_equal(r->ds[0].count, 0);
	rig_assert(r, WATCH_NOTHING, WATCH_CAUSE_NOT_NEW);
	for (unsigned i = 0; i < 3; i++) {
		watch_set_free(&signals[i].cds);
		watch_set_free(&signals[i].cdnskey);
	}
}

/* RFC 9615 4.1: example.co.uk at ns1.example.net. */
static void signal_names(void **state)
{
	uint8_t child[NAME_MAX_LEN], ns[NAME_MAX_LEN], name[NAME_MAX_LEN], in[NAME_MAX_LEN];
	char text[NAME_TEXT_SIZE];

	(void)state;
	assert_int_equal(name_parse("example.co.uk.", child), OK);
	assert_int_equal(name_parse("ns1.example.net.", ns), OK);
	assert_int_equal(name_parse("ns2.example.co.uk.", in), OK);
	assert_true(watch_signal_name(child, ns, name));
	name_text(name, text);
	assert_string_equal(text, "_dsboot.example.co.uk._signal.ns1.example.net.");
	assert_true(watch_signal_is_wanted(child, ns));
	assert_false(watch_signal_is_wanted(child, in));
	memset(text, 'a', sizeof(text));
	for (unsigned i = 1; i < 4; i++)
		text[i * 60] = '.';
	text[239] = '.';
	text[240] = '\0';
	assert_int_equal(name_parse(text, ns), OK);
	assert_false(watch_signal_name(child, ns, name));
}

int main(void)
{
#define TEST(title, function) {title, function, setup, teardown, NULL}
	const struct CMUnitTest tests[] = {
	    TEST("R41 a roll-over by CDS", a_roll_over),
	    TEST("R41 CDS or CDNSKEY alone is enough", one_form_is_enough),
	    TEST("R41 CDS and CDNSKEY that contradict each other",
		cds_and_cdnskey_that_contradict_each_other),
	    TEST("R41 servers that disagree or do not tell", servers_that_disagree),
	    TEST("R41 attack: forged CDS", forged_cds),
	    TEST("R41 attack: replayed CDS", replayed_cds),
	    TEST("R41 attack: CDS overtaken during the hold-down", overtaken_during_the_hold_down),
	    TEST("R41 attack: downgrade to a weak digest", weak_digests),
	    TEST("R41 attack: a DS set that would break the child", a_set_that_would_break_the_child),
	    TEST("R41 a revoked key", a_revoked_key),
	    TEST("R41 delete requests (RFC 8078)", delete_requests),
	    TEST("R41 bootstrapping (RFC 9615)", bootstrapping),
	    TEST("R41 names of signals (RFC 9615)", signal_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
