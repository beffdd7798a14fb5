/* world: see world.h.  What the daemon does around the step function is done here in a few lines:
 * versions are published, servers fetch them when they like, the parent takes its time, and what
 * was observed may be forgotten at any instant (a crash). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "tests/sim/world_internal.h"

#define START 1800000000

static uint64_t draw(struct world *w) /* splitmix64 */
{
	uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

int64_t draw_below(struct world *w, int64_t n)
{
	return (int64_t)(draw(w) % (uint64_t)n);
}

/* From low to high, all magnitudes alike. */
int64_t draw_between(struct world *w, int64_t low, int64_t high)
{
	int64_t top = low;
	unsigned doublings = 0;

	while (high >> doublings > low)
		doublings++;
	top <<= draw_below(w, doublings + 1);
	top = top < high ? top : high;
	return low + draw_below(w, top - low + 1);
}

void note(const struct world *w, const char *fmt, ...)
{
	char when[TIME_TEXT_SIZE];
	va_list ap;

	if (!w->log)
		return;
	time_text(w->now, when);
	printf("# %s ", when);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

unsigned key_number(const struct record_key *k)
{
	return k->id[0];
}

/* --- policies */

static struct period draw_period(struct world *w, int64_t low, int64_t high)
{
	if (high > 62 * DAY && draw_below(w, 3) == 0)
		return (struct period){.months = 1 + (int32_t)draw_below(w, high / (31 * DAY))};
	return (struct period){.seconds = draw_between(w, low, high)};
}

/* Sane as to each other (no key is kept longer than its successor is active), not as to TTLs. */
static void draw_role(struct world *w, struct key_role_policy *r, int64_t longest)
{
	int64_t active;

	r->wanted = true;
	r->active = draw_period(w, DAY, longest);
	active = period_seconds(r->active);
	r->prepublish = draw_period(w, 600, active / 2);
	r->postpublish = draw_period(w, 600, active / 2);
}

static void draw_policy(struct world *w)
{
	static const uint8_t algorithms[] = {13, 13, 13, 14, 15};
	struct key_policy *p = &w->policy;

	memset(p, 0, sizeof(*p));
	strcpy(p->name, "sim");
	p->algorithm = algorithms[draw_below(w, sizeof(algorithms))];
	draw_role(w, &p->ksk, 400 * DAY);
	draw_role(w, &p->zsk, 100 * DAY);
	draw_role(w, &p->csk, 200 * DAY);
	p->csk.wanted = draw_below(w, 4) == 0;
	p->propagation = (uint32_t)draw_below(w, 3600);
	p->ds_propagation = (uint32_t)draw_below(w, 3600);
	p->purge_after = draw_period(w, 60, 20 * DAY);
}

/* --- keys */

static void add_key(struct world *w, enum key_role role)
{
	struct record_key *k = record_add_key(&w->record);

	if (k == NULL)
		return;
	k->id[0] = (uint8_t)w->key_count;
	k->tag = (uint16_t)w->key_count;
	k->role = role;
	k->algorithm = w->policy.algorithm;
	k->pub_len = 1;
	k->times.at[TIME_GENERATED] = w->now;
	for (unsigned i = 0; i < ZONES_MAX; i++) {
		struct zone *z = &w->zones[i];

		z->caches.algorithms[k->algorithm - 13] |= UINT64_C(1) << w->key_count;
		memset(&z->facts.keys[w->record.key_count - 1], 0, sizeof(struct facts_key));
	}
	w->key_count++;
}

/* What was known of the keys that stay. */
static void keep_facts(const struct world *w, struct facts *f, const struct roll_result *res)
{
	struct facts_key kept[KEYSET_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < w->record.key_count; i++) {
		bool destroyed = false;

		for (unsigned j = 0; j < res->change_count; j++)
			destroyed |=
			    res->changes[j].step == ROLL_DESTROY && res->changes[j].key == i;
		if (!destroyed)
			kept[n++] = f->keys[i];
	}
	memcpy(f->keys, kept, n * sizeof(*kept));
}

static void carry_out(struct world *w, const struct roll_result *res)
{
	for (unsigned j = 0; j < res->change_count; j++) {
		const struct roll_change *c = &res->changes[j];

		note(w, "%s key %u", roll_step_name(c->step),
		    c->step == ROLL_GENERATE ? w->key_count : key_number(&w->record.keys[c->key]));
		w->out->rolls += c->step == ROLL_RETIRE;
	}
	for (unsigned i = 0; i < ZONES_MAX; i++)
		keep_facts(w, &w->zones[i].facts, res);
	roll_apply(res, &w->record);
	for (unsigned j = 0; j < res->change_count; j++)
		if (res->changes[j].step == ROLL_GENERATE && w->key_count < 64)
			add_key(w, res->changes[j].role);
}

static void follow(struct zone *z)
{
	if (!z->is_there || z->version_count == 0 || z->sign_at != NEVER)
		return;
	zone_sign(z, false);
	zone_ask_parent(z);
}

/* What is kept of a zone in the group. */
static void advance(struct zone *z)
{
	struct world *w = z->world;
	struct share_input in = {&w->record, &w->policy, &z->facts, w->now, w->rules};
	struct share_zone before = z->share;

	if (w->mutant == WORLD_ADMITS_AT_ONCE && z->share.admitted == 0 && z->share.left == 0)
		z->share.admitted = w->now;
	if (w->mutant == WORLD_FORGETS && z->share.known == 0)
		z->share.cleared = w->now;
	if (!share_advance(&z->share, &in))
		return;
	note(w, "zone %u: %s%s%s%s", z->number, z->share.known != before.known ? "known " : "",
	    z->share.cleared != before.cleared ? "cleared " : "",
	    z->share.admitted != before.admitted ? "admitted " : "",
	    z->share.left != before.left ? "left" : "");
	w->out->admissions += z->share.admitted != before.admitted;
	w->out->departures += z->share.left != before.left;
	follow(z);
}

static void gather(struct world *w, struct facts *out)
{
	struct share_member members[ZONES_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < ZONES_MAX; i++) {
		struct zone *z = &w->zones[i];

		if (!z->is_there)
			continue;
		observe_facts(&z->observe, &w->record, &z->facts);
		if (w->is_shared)
			advance(z);
		if (n == 0 || w->mutant != WORLD_ASKS_ONE)
			members[n++] = (struct share_member){&z->share, &z->facts};
	}
	if (w->is_shared)
		share_join(members, n, w->record.key_count, out);
	else
		*out = w->zones[0].facts;
}

static void step(struct world *w)
{
	struct facts facts;
	struct roll_input in = {.record = &w->record,
	    .policy = &w->policy,
	    .facts = &facts,
	    .now = w->now,
	    .rules = w->rules};
	struct roll_result res;

	gather(w, &facts);
	roll_step(&in, &res);
	w->roll_at = res.next;
	if (res.change_count == 0)
		return;
	if (draw_below(w, 20) == 0) { /* died before the record was written: all or nothing */
		w->roll_at = w->now + 1 + draw_below(w, 300);
		return;
	}
	carry_out(w, &res);
	w->roll_at = w->now; /* perhaps one step makes room for another */
	for (unsigned i = 0; i < ZONES_MAX; i++)
		follow(&w->zones[i]);
}

/* What was observed is lost; with the disk also what was kept of zones in the group. */
static void crash(struct world *w, bool with_disk)
{
	note(w, with_disk ? "the disk is lost" : "crash");
	w->out->crashes++;
	for (unsigned i = 0; i < ZONES_MAX; i++) {
		struct zone *z = &w->zones[i];
		int64_t unsign = z->share.unsign, left = z->share.left;

		if (!z->is_there)
			continue;
		zone_forget(z);
		if (!with_disk)
			continue;
		memset(&z->share, 0, sizeof(z->share));
		if (left == 0)
			z->share.unsign = unsign; /* the operator will say it again */
		else
			zone_end(z);
	}
	w->roll_at = w->now;
}

/* --- the operator, and bad luck */

static void report_keys(struct world *w, bool ksk, bool zsk, enum key_time t)
{
	for (unsigned i = 0; i < w->record.key_count; i++) {
		struct record_key *k = &w->record.keys[i];
		enum key_state s = timeline_state(&k->times, w->now);
		bool asked = k->role == KEY_ZSK ? zsk : k->role == KEY_KSK ? ksk : ksk || zsk;

		/* A report is about what is in use, at times about all that there is. */
		if (!asked || s == KEY_REMOVED || k->times.at[t] != 0 ||
		    (s != KEY_ACTIVE && (t == TIME_ROLL || draw_below(w, 3) != 0)))
			continue;
		note(w, "%s key %u",
		    t == TIME_ROLL ? "roll-over by hand of" : "EMERGENCY:", key_number(k));
		k->times.at[t] = w->now;
	}
}

static struct zone *draw_zone(struct world *w)
{
	struct zone *z = &w->zones[w->is_shared ? draw_below(w, ZONES_MAX) : 0];

	return z->is_there ? z : NULL;
}

/* A zone joins, leaves, comes back. */
static void change_group(struct world *w)
{
	struct zone *z = &w->zones[draw_below(w, ZONES_MAX)];

	if (!z->is_there) {
		note(w, "zone %u joins", z->number);
		w->out->joins++;
		zone_begin(z);
		z->sign_at = w->now + draw_below(w, 20 * DAY);
	} else if (z->share.left != 0 && draw_below(w, 2) == 0) {
		note(w, "zone %u is deleted", z->number);
		zone_end(z);
	} else if (z->share.unsign != 0) {
		note(w, "zone %u is to be signed after all", z->number);
		share_resume(&z->share, w->now);
		follow(z);
	} else if (draw_below(w, 2) == 0) {
		note(w, "zone %u is to be unsigned", z->number);
		z->share.unsign = w->now;
		z->was_unsigned = true;
		follow(z);
	}
}

static void kill_server(struct zone *z)
{
	struct world *w = z->world;
	struct server *s = &z->servers[draw_below(w, z->server_count)];

	s->dead_until = w->now + draw_between(w, 60, 20 * DAY);
	if (s->fetch_at != NEVER && s->fetch_at < s->dead_until)
		s->fetch_at = s->dead_until;
}

static void disturb(struct world *w)
{
	unsigned what = (unsigned)draw_below(w, w->is_shared ? 24 : 16);
	unsigned roles = 1 + (unsigned)draw_below(w, 3);
	struct zone *z = draw_zone(w);

	w->disturb_at = w->now + draw_between(w, 600, 60 * DAY);
	w->roll_at = w->now;
	if (what < 4 && w->key_count < 40) {
		report_keys(w, roles & 1, roles & 2, TIME_COMPROMISED);
		w->out->emergencies++;
	} else if (what < 7) {
		report_keys(w, roles & 1, roles & 2, TIME_ROLL);
	} else if (what < 10) {
		draw_policy(w);
		w->out->changes_of_policy++;
		note(w, "policy: algorithm %u, %s", w->policy.algorithm,
		    w->policy.csk.wanted ? "CSK" : "KSK and ZSK");
	} else if (what < 12 && z != NULL) {
		kill_server(z);
	} else if (what >= 12 && what < 14) {
		crash(w, w->is_shared && draw_below(w, 3) == 0);
	} else if (what == 14 && z != NULL) {
		zone_draw_ttls(z);
		follow(z);
	} else if (what == 15 && !w->is_shared && w->quiet_from - w->now < 100 * DAY) {
		note(w, "unsign");
		w->record.unsign = w->now;
	} else if (what > 15) {
		change_group(w);
	}
}

static void make_keys(struct world *w)
{
	enum key_role roles[2];
	unsigned role_count = policy_roles(&w->policy, roles);

	for (unsigned i = 0; i < role_count; i++) {
		struct record_key *k;

		add_key(w, roles[i]);
		k = &w->record.keys[i];
		for (enum key_time t = TIME_GENERATED; t <= TIME_ACTIVE; t++)
			k->times.at[t] = w->now;
		if (role_has_zone(k->role))
			k->times.at[TIME_SIGN_FROM] = w->now;
	}
}

static void begin(struct world *w)
{
	w->now = START + draw_below(w, 1000 * DAY);
	w->quiet_from = w->now + draw_between(w, 30 * DAY, 600 * DAY);
	w->end = w->quiet_from + 400 * DAY;
	draw_policy(w);
	for (unsigned i = 0; i < ZONES_MAX; i++) {
		w->zones[i].world = w;
		w->zones[i].number = i;
		if (i == 0 || (w->is_shared && draw_below(w, 2) == 0))
			zone_begin(&w->zones[i]);
	}
	make_keys(w);
	w->roll_at = w->now;
	w->disturb_at = w->now + draw_between(w, 600, 60 * DAY);
}

/* --- time */

static int64_t next_event(const struct world *w)
{
	int64_t at = w->end;

	at = w->roll_at < at ? w->roll_at : at;
	if (w->disturb_at < w->quiet_from && w->disturb_at < at)
		at = w->disturb_at;
	for (unsigned i = 0; i < ZONES_MAX; i++) {
		const struct zone *z = &w->zones[i];

		if (z->is_there && zone_next(z) < at)
			at = zone_next(z);
	}
	return at;
}

static void act(struct world *w)
{
	for (unsigned i = 0; i < ZONES_MAX; i++) {
		struct zone *z = &w->zones[i];

		if (z->is_there && zone_act(z))
			w->roll_at = w->now;
	}
	if (w->disturb_at <= w->now && w->now < w->quiet_from)
		disturb(w);
	if (w->roll_at <= w->now) {
		w->roll_at = NEVER;
		step(w);
	}
}

static bool is_served(const struct world *w, char why[200])
{
	bool any = !w->is_shared;

	for (unsigned i = 0; i < ZONES_MAX; i++) {
		const struct zone *z = &w->zones[i];

		if (!z->is_there || z->share.left != 0)
			continue;
		any = true;
		if (z->share.unsign != 0) {
			snprintf(why, 200, "zone %u is still signed after a long quiet time", i);
			return false;
		}
	}
	return any;
}

/* After a long quiet time everything asked for is done: safety is no excuse for standing still. */
static bool has_arrived(const struct world *w, char why[200])
{
	if (!is_served(w, why))
		return why[0] == '\0';
	for (unsigned i = 0; i < w->record.key_count; i++) {
		const struct record_key *k = &w->record.keys[i];
		enum key_state s = timeline_state(&k->times, w->now);
		bool in_set = s >= KEY_PUBLISHED && s < KEY_REMOVED;

		if (in_set && (k->times.at[TIME_COMPROMISED] != 0 ||
				  !policy_fits(&w->policy, k, NULL) || w->record.unsign != 0)) {
			snprintf(why, 200, "key %u is still there (%s) after a long quiet time",
			    key_number(k), key_state_name(s));
			return false;
		}
	}
	return true;
}

static bool is_full(const struct world *w)
{
	for (unsigned i = 0; i < ZONES_MAX; i++)
		if (w->zones[i].version_count == VERSIONS_MAX)
			return true;
	return w->key_count >= 60;
}

static bool is_sound(struct world *w, char why[200])
{
	for (unsigned i = 0; i < ZONES_MAX; i++)
		if (w->zones[i].is_there && !caches_check(&w->zones[i].caches, w->now, why))
			return false;
	if (!w->out->has_downgrade)
		return true;
	snprintf(why, 200, "downgrade: no DS is left");
	return false;
}

void world_run(const struct world_input *in, struct world_outcome *out)
{
	struct world *w = mem_alloc(sizeof(*w));
	char why[200] = "", when[TIME_TEXT_SIZE];

	memset(out, 0, sizeof(*out));
	w->seed = w->random = in->seed;
	w->rules = in->rules;
	w->log = in->log;
	w->is_shared = in->is_shared;
	w->mutant = in->mutant;
	w->out = out;
	w->roll_at = w->disturb_at = NEVER;
	begin(w);
	out->is_good = true;
	while (out->is_good && w->now < w->end && !is_full(w)) {
		act(w);
		out->events++;
		out->is_good = is_sound(w, why);
		if (next_event(w) > w->now)
			w->now = next_event(w);
	}
	if (out->is_good && w->now >= w->end)
		out->is_stuck = !has_arrived(w, why);
	out->is_good &= !out->is_stuck;
	time_text(w->now, when);
	if (!out->is_good)
		snprintf(out->why, sizeof(out->why), "seed %llu, %s: %s",
		    (unsigned long long)in->seed, when, why);
	out->keys = w->key_count;
	for (unsigned i = 0; i < ZONES_MAX; i++)
		zone_end(&w->zones[i]);
	record_free(&w->record);
	free(w);
}
