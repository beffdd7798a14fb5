/* Children that roll rightly and wrongly, at random, with servers and parents that fail (R41).  A model of its
 * own, which knows who signed what without looking at a signature, judges every change of the DS set:
 *
 *   - with the set that results the strictest validator accepts what every server serves at that moment;
 *   - a DS is added only for a key that stood for the hold-down at all servers in sets that validated and was
 *     never there before, or that the newest CDS asks for, signed at all servers by a key with DS;
 *   - a DS is removed only if such a CDS asks for it, or if it is the old one of a roll-over that began here and
 *     no cache can need it any more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/dns_fixture.h"
#include "tests/unit/watch_rig.h"

#define KSKS 5
#define POOL 7 /* and a ZSK of each algorithm */
#define HOLD (6 * RIG_HOUR)
#define STEPS 260
#define RUNS 10

struct fact { /* of one key, as the model saw it in the looks so far */
	int64_t stands[RIG_SERVERS], signs[RIG_SERVERS]; /* since; 0: not */
	int64_t has_ds; /* at both servers of the parent, since; 0: not */
	bool was_there, had_ds, was_revoked;
};
struct world {
	struct rig rig;
	struct rig_key *pool[POOL], *revoked[KSKS];
	struct fact facts[POOL];
	struct watch_ds today, old; /* old: of the roll-over that we began */
	bool knows_today;
	int64_t answered[RIG_SERVERS];
	struct rig_sets saved; /* to be played again */
	int64_t newest; /* inception of the newest wish that was proved */
	unsigned newest_mark;
	unsigned looks, adds, removes;
};

static bool chance(unsigned one_in)
{
	return fixture_random(one_in) == 0;
}

static bool has_key(const struct rig_keys *keys, const struct rig_key *k)
{
	for (unsigned i = 0; i < keys->count; i++) {
		if (keys->list[i] == k)
			return true;
	}
	return false;
}

static bool has_ds_of(const struct watch_ds *set, const struct rig_key *k)
{
	for (uint8_t digest = 2; digest <= 4; digest += 2) {
		struct parent_ds ds = rig_ds(k, digest);

		if (watch_ds_has(set, &ds))
			return true;
	}
	return false;
}

static bool is_time_of(const struct rig_sets *s, int64_t inception, int64_t now)
{
	return inception <= now && now <= s->expiration;
}

/* The model's validators */

static bool key_signs(const struct rig_sets *s, const struct rig_key *k, int64_t now)
{
	return has_key(&s->keys, k) && has_key(&s->signers, k) &&
	       (load_u16(k->rdata) & DNSKEY_FLAG_REVOKE) == 0 && is_time_of(s, s->inception, now);
}

static bool validates(const struct rig_sets *s, const struct watch_ds *ds, int64_t now)
{
	for (unsigned i = 0; i < s->keys.count; i++) {
		if (key_signs(s, s->keys.list[i], now) && has_ds_of(ds, s->keys.list[i]))
			return true;
	}
	return false;
}

/* Each DS has, for its algorithm and type of digest, a way to the DNSKEY set and on to the zone. */
static bool follows(const struct rig_sets *s, const struct watch_ds *set, const struct parent_ds *ds,
    int64_t now)
{
	bool is_way = false, is_zone = false;

	for (unsigned i = 0; i < s->keys.count; i++) {
		const struct rig_key *k = s->keys.list[i];
		struct parent_ds mine = rig_ds(k, ds->digest_type);

		if (k->rdata[3] != ds->algorithm)
			continue;
		is_way = is_way || (key_signs(s, k, now) && watch_ds_has(set, &mine));
		is_zone = is_zone || (has_key(&s->zone_signers, k) &&
					 (load_u16(k->rdata) & DNSKEY_FLAG_REVOKE) == 0 &&
					 is_time_of(s, s->inception, now));
	}
	return is_way && is_zone;
}

static void assert_strictly_valid(const struct world *w, const struct watch_ds *set)
{
	for (unsigned i = 0; i < w->rig.server_count; i++) {
		assert_int_equal(w->rig.servers[i].word, WATCH_ANSWERED);
		for (unsigned k = 0; k < set->count; k++)
			assert_true(
			    follows(&w->rig.servers[i], set, &set->list[k], w->rig.now));
	}
}

/* The model's memory */

static bool wish_is_proved(const struct world *w, const struct rig_sets *s)
{
	bool is_there = s->wants_delete || s->cds.count + s->cdnskey.count > 0;

	for (unsigned i = 0; is_there && i < s->wish_signers.count; i++) {
		const struct rig_key *k = s->wish_signers.list[i];

		if (has_key(&s->keys, k) && has_ds_of(&w->today, k) &&
		    is_time_of(s, s->wish_inception, w->rig.now))
			return true;
	}
	return false;
}

/* The same for two servers when they ask for the same. */
static unsigned wish_mark(const struct world *w, const struct rig_sets *s)
{
	unsigned mark = s->wants_delete ? 1 : 0;

	for (unsigned i = 0; i < POOL && !s->wants_delete; i++) {
		if (has_key(&s->cds, w->pool[i]))
			mark |= 2u << i;
		if (has_key(&s->cdnskey, w->pool[i]))
			mark |= 2u << (i + POOL);
	}
	return s->wants_delete ? mark : mark | (s->digest_type == 4 ? 1u << 20 : 0);
}

static void remember_server(struct world *w, unsigned i)
{
	const struct rig_sets *s = &w->rig.servers[i];
	int64_t now = w->rig.now;
	bool is_pause =
	    w->answered[i] != 0 && now - w->answered[i] > w->rig.policy.patience, is_valid;

	for (unsigned k = 0; k < POOL && is_pause; k++)
		w->facts[k].stands[i] = w->facts[k].signs[i] = 0;
	if (s->word != WATCH_ANSWERED)
		return;
	w->answered[i] = now;
	is_valid = validates(s, &w->today, now);
	for (unsigned k = 0; k < POOL; k++) {
		struct fact *f = &w->facts[k];
		bool is_there = has_key(&s->keys, w->pool[k]);

		if (!is_there || !is_valid)
			f->stands[i] = 0;
		else if (f->stands[i] == 0)
			f->stands[i] = now;
		if (!key_signs(s, w->pool[k], now))
			f->signs[i] = 0;
		else if (f->signs[i] == 0)
			f->signs[i] = now;
		f->was_there = f->was_there || (w->looks == 0 && is_there);
		if (k < KSKS && is_valid && has_key(&s->keys, w->revoked[k]))
			f->was_revoked = true;
	}
	if (wish_is_proved(w, s) && s->wish_inception > w->newest) {
		w->newest = s->wish_inception;
		w->newest_mark = wish_mark(w, s);
	}
}

static void remember_parent(struct world *w)
{
	if (!watch_ds_equal(&w->rig.ds[0], &w->rig.ds[1]))
		return;
	w->today = w->rig.ds[0];
	for (unsigned k = 0; k < POOL; k++) {
		struct fact *f = &w->facts[k];

		if (!has_ds_of(&w->today, w->pool[k]))
			f->has_ds = 0;
		else if (f->has_ds == 0)
			f->has_ds = w->rig.now;
		f->had_ds = f->had_ds || f->has_ds != 0;
	}
}

/* Is every change what it has to be? */

static int key_of(const struct world *w, const struct parent_ds *ds)
{
	for (int k = 0; k < POOL; k++) {
		struct parent_ds mine = rig_ds(w->pool[k], ds->digest_type);

		if (parent_ds_equal(&mine, ds))
			return k;
	}
	return -1;
}

static void assert_new_key(const struct world *w, const struct parent_ds *ds)
{
	int k = key_of(w, ds);
	const struct fact *f = &w->facts[k < 0 ? 0 : k];

	assert_in_range(k, 0, KSKS - 1);
	assert_false(f->was_there || f->was_revoked || f->had_ds);
	for (unsigned i = 0; i < w->rig.server_count; i++) {
		assert_true(f->stands[i] != 0);
		assert_true(w->rig.now - f->stands[i] >= HOLD);
	}
}

static void assert_rolled(const struct world *w, const struct watch_ds *ds)
{
	bool is_any = false;

	for (unsigned i = 0; i < ds->count; i++)
		assert_true(watch_ds_has(&w->old, &ds->list[i]));
	for (unsigned k = 0; k < KSKS; k++) {
		const struct fact *f = &w->facts[k];
		bool is_good = f->has_ds != 0 && w->rig.now - f->has_ds >= RIG_DS_TTL;

		for (unsigned i = 0; i < w->rig.server_count; i++)
			is_good = is_good && f->signs[i] != 0 &&
				  w->rig.now - f->signs[i] >= RIG_KEY_TTL + HOLD;
		is_any = is_any || (is_good && !has_ds_of(ds, w->pool[k]));
	}
	assert_true(is_any);
}

static void assert_wish(const struct world *w, const struct watch_decision *d)
{
	const struct rig_sets *first = &w->rig.servers[0];

	for (unsigned i = 0; i < w->rig.server_count; i++) {
		const struct rig_sets *s = &w->rig.servers[i];

		assert_true(wish_is_proved(w, s));
		assert_int_equal(wish_mark(w, s), wish_mark(w, first));
	}
	assert_int_equal(wish_mark(w, first), w->newest_mark);
	if (d->wanted.count == 0)
		assert_true(first->wants_delete && w->rig.policy.allow_delete);
	for (unsigned i = 0; i < d->ds.count; i++) {
		int k = key_of(w, &d->ds.list[i]);
		bool is_asked_for =
		    k >= 0 && !first->wants_delete &&
		    (has_key(&first->cds, w->pool[k]) || has_key(&first->cdnskey, w->pool[k]));

		if (d->verdict == WATCH_ADD)
			assert_true(is_asked_for && !w->facts[k].was_revoked);
		else if (is_asked_for) /* another digest of a key that stays */
			assert_true(has_ds_of(&d->wanted, w->pool[k]));
	}
}

static void judge(struct world *w)
{
	const struct watch_decision *d = &w->rig.decision;

	if (d->verdict != WATCH_ADD && d->verdict != WATCH_REMOVE)
		return;
	assert_true(d->ds.count > 0);
	assert_strictly_valid(w, &d->wanted);
	if (w->rig.policy.mode == WATCH_BY_CDS)
		assert_wish(w, d);
	else if (d->verdict == WATCH_REMOVE)
		assert_rolled(w, &d->ds);
	for (unsigned i = 0; i < d->ds.count; i++) {
		if (d->verdict == WATCH_ADD && w->rig.policy.mode == WATCH_BY_DNSKEY)
			assert_new_key(w, &d->ds.list[i]);
		assert_true(watch_ds_has(&d->wanted, &d->ds.list[i]) == (d->verdict == WATCH_ADD));
	}
	if (d->verdict == WATCH_ADD)
		w->adds++;
	else
		w->removes++;
}

/* What happens in the world */

static void add_some(struct rig_keys *out, struct rig_key *const *pool, unsigned count, unsigned one_in)
{
	for (unsigned i = 0; i < count; i++) {
		if (chance(one_in) && out->count < RIG_KEYS && !has_key(out, pool[i]))
			out->list[out->count++] = pool[i];
	}
}

/* Mostly those with a DS are among them. */
static void add_trusted(const struct world *w, struct rig_keys *out)
{
	for (unsigned i = 0; i < KSKS; i++) {
		if (has_ds_of(&w->today, w->pool[i]) && !chance(12) && out->count < RIG_KEYS &&
		    !has_key(out, w->pool[i]))
			out->list[out->count++] = w->pool[i];
	}
}

static void change_keys(struct world *w, struct rig_sets *s)
{
	s->keys.count = s->signers.count = 0;
	add_trusted(w, &s->keys);
	add_some(&s->keys, w->pool, KSKS, 4);
	if (chance(12))
		add_some(&s->keys, w->revoked, KSKS, 4);
	if (s->keys.count == 0)
		s->keys.list[s->keys.count++] = w->pool[0];
	add_some(&s->signers, s->keys.list, s->keys.count, 2);
	add_trusted(w, &s->signers);
	for (unsigned i = KSKS; i < POOL && s->keys.count < RIG_KEYS; i++)
		s->keys.list[s->keys.count++] = w->pool[i];
}

static void change_wish(struct world *w, struct rig_sets *s)
{
	s->cds.count = s->cdnskey.count = s->wish_signers.count = 0;
	s->wants_delete = chance(8);
	s->digest_type = chance(8) ? 4 : 2;
	add_some(&s->cds, s->signers.list, s->signers.count, 2);
	if (chance(6))
		add_some(&s->cds, w->pool, KSKS, 3);
	s->cdnskey = s->cds;
	if (chance(6))
		s->cdnskey.count = 0;
	else if (chance(8))
		s->cds.count = 0;
	add_trusted(w, &s->wish_signers);
	if (chance(10))
		s->wish_signers.count = 0;
	s->wish_inception = w->rig.now - (int64_t)fixture_random(2);
}

static void change_times(struct world *w, struct rig_sets *s)
{
	int64_t now = w->rig.now;

	s->inception = chance(6) ? now + RIG_DAY : now - RIG_HOUR;
	s->expiration = chance(6) ? now - 1 : now + 60 * (int64_t)RIG_DAY;
}

static void change_one(struct world *w, struct rig_sets *s)
{
	switch (fixture_random(10)) {
	case 0:
	case 1:
	case 2:
		change_keys(w, s);
		break;
	case 3: /* the signers alone */
		s->signers.count = 0;
		add_some(&s->signers, s->keys.list, s->keys.count, 2);
		add_trusted(w, &s->signers);
		break;
	case 4:
	case 5:
	case 6:
		change_wish(w, s);
		break;
	case 7:
		s->zone_signers.count = 0;
		add_some(&s->zone_signers, &w->pool[KSKS], 2, chance(3) ? 2 : 1);
		break;
	case 8:
		w->saved = chance(2) ? *s : w->saved;
		*s = w->saved; /* the old state is played again, with its old signatures */
		break;
	default:
		change_times(w, s);
	}
}

static void change_parent(struct world *w)
{
	unsigned k = fixture_random(KSKS);
	struct parent_ds ds = rig_ds(w->pool[k], 2);

	if (chance(4)) {
		watch_ds_add(&w->rig.ds[0], &ds);
		w->rig.ds[1] = w->rig.ds[0];
	} else if (chance(2)) {
		w->rig.ds[fixture_random(2)].count = 0;
	} else {
		w->rig.ds[1] = w->rig.ds[0];
	}
}

static void something_happens(struct world *w)
{
	struct rig *r = &w->rig;
	unsigned one = fixture_random(r->server_count);

	if (chance(8)) {
		change_one(w, &r->servers[0]);
		for (unsigned i = 1; i < RIG_SERVERS; i++)
			r->servers[i] = r->servers[0];
	}
	if (chance(40))
		change_one(w, &r->servers[one]);
	if (chance(30))
		r->servers[one].word = (enum watch_word)(WATCH_ANSWERED + fixture_random(5));
	if (chance(3))
		r->servers[one].word = WATCH_ANSWERED;
	if (chance(10)) /* its transfers work again */
		r->servers[one] = r->servers[(one + 1) % r->server_count];
	if (chance(60))
		change_parent(w);
	if (chance(10))
		r->ds[1] = r->ds[0];
	if (chance(60))
		r->server_count = 2 + fixture_random(2);
	if (chance(10))
		rig_restart(r);
}

/* What the model has to know of a roll-over that begins. */
static void note_order(struct world *w)
{
	const struct watch_decision *d = &w->rig.decision;

	if (d->verdict != WATCH_ADD || d->is_wish)
		return;
	for (unsigned i = 0; i < w->today.count; i++)
		watch_ds_add(&w->old, &w->today.list[i]);
}

static void hand_over(struct world *w)
{
	struct rig *r = &w->rig;
	const struct watch_decision *d = &r->decision;

	if (d->verdict != WATCH_ADD && d->verdict != WATCH_REMOVE)
		return;
	note_order(w);
	watch_child_order(&r->child, d, r->now);
	if (chance(8)) {
		watch_child_order_failed(&r->child);
		return;
	}
	r->ds[0] = d->wanted;
	if (!chance(8))
		r->ds[1] = d->wanted;
}

static void begin(struct world *w, enum watch_mode mode)
{
	struct rig *r = &w->rig;

	memset(w, 0, sizeof(*w));
	rig_init(r, mode);
	r->policy.hold_down = HOLD;
	r->policy.deadline = 4 * RIG_HOUR;
	r->policy.allow_delete = chance(2);
	r->policy.digests[0] = chance(3) ? 4 : 2;
	for (unsigned i = 0; i < POOL; i++)
		w->pool[i] = rig_key(i == 4 || i == 6 ? ALG_ECDSAP256SHA256 : ALG_ED25519,
		    i < KSKS ? 257 : 256);
	for (unsigned i = 0; i < KSKS; i++)
		w->revoked[i] = rig_key_as(w->pool[i], 257 | DNSKEY_FLAG_REVOKE);
	rig_serve(r, RIG_KEYS_OF(w->pool[0], w->pool[5], w->pool[6]), RIG_KEYS_OF(w->pool[0]));
	for (unsigned i = 0; i < RIG_SERVERS; i++)
		r->servers[i].zone_signers = RIG_KEYS_OF(w->pool[5], w->pool[6]);
	rig_parent(r, RIG_KEYS_OF(w->pool[0]));
	w->saved = r->servers[0];
}

static void live(struct world *w)
{
	for (w->looks = 0; w->looks < STEPS; w->looks++) {
		w->rig.now += RIG_HOUR;
		if (w->looks > 0)
			something_happens(w);
		remember_parent(w);
		for (unsigned i = 0; i < RIG_SERVERS; i++) {
			if (i < w->rig.server_count)
				remember_server(w, i);
			else
				w->answered[i] = 0;
		}
		for (unsigned k = 0; k < POOL; k++) {
			for (unsigned i = w->rig.server_count; i < RIG_SERVERS; i++)
				w->facts[k].stands[i] = w->facts[k].signs[i] = 0;
		}
		rig_look(&w->rig);
		judge(w);
		hand_over(w);
		if (w->rig.ds[0].count == 0 && w->rig.ds[1].count == 0)
			rig_parent(&w->rig, RIG_KEYS_OF(w->pool[0])); /* by hand */
	}
}

static void worlds(void **state)
{
	const char *runs = getenv("ITG_RUNS");
	unsigned adds[2] = {0}, removes[2] = {0};
	struct world w;

	(void)state;
	fixture_seed();
	for (unsigned i = 0, n = runs != NULL ? (unsigned)strtoul(runs, NULL, 10) : RUNS; i < n; i++) {
		begin(&w, i % 2 == 0 ? WATCH_BY_DNSKEY : WATCH_BY_CDS);
		live(&w);
		adds[w.rig.policy.mode] += w.adds;
		removes[w.rig.policy.mode] += w.removes;
		rig_free(&w.rig);
	}
	print_message("by DNSKEY %u added, %u removed; by CDS %u added, %u removed\n", adds[0],
	    removes[0], adds[1], removes[1]);
	assert_true(adds[0] + adds[1] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(worlds),
	};

	return cmocka_run_group_tests_name("R41 random worlds", tests, NULL, NULL);
}
