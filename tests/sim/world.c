/* world: see world.h.  What the daemon does around the step function is done here in a few lines:
 * versions are published, servers fetch them when they like, the parent takes its time, and what
 * was observed may be forgotten at any instant (a crash). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "tests/sim/world.h"

#define DAY 86400
#define START 1800000000
#define SERVERS_MAX 4
#define VERSIONS_MAX 8192
#define NEVER INT64_MAX

struct version {
	uint64_t set, signers, data[CACHES_RRSETS];
	uint32_t ttl_dnskey, ttl_zone;
};
struct server {
	int64_t fetch_at, seen_at, dead_until;
	uint32_t version; /* is its serial */
};
struct request { /* to the parent */
	int64_t at;
	uint64_t ds;
};
struct parent_server {
	uint64_t ds;
	struct request queue[64];
	unsigned head, tail;
};

struct world {
	uint64_t random, seed;
	int64_t now, disturb_at, quiet_from, end;
	int64_t roll_at, walk_at, poll_at;
	bool log;
	const struct safety_entry *rules;
	struct key_policy policy;
	struct record record;
	struct facts facts;
	struct observe observe;
	struct caches caches;
	struct version *versions;
	uint32_t version_count;
	struct server servers[SERVERS_MAX];
	struct parent_server parents[SERVERS_MAX];
	unsigned server_count, parent_count;
	uint32_t ttl_dnskey, ttl_zone, ttl_ds, server_delay, parent_delay, walk_delay;
	uint64_t wanted_ds;
	unsigned key_count; /* ever */
	struct world_outcome *out;
};

static uint64_t draw(struct world *w) /* splitmix64 */
{
	uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static int64_t draw_below(struct world *w, int64_t n)
{
	return (int64_t)(draw(w) % (uint64_t)n);
}

/* From low to high, all magnitudes alike. */
static int64_t draw_between(struct world *w, int64_t low, int64_t high)
{
	int64_t top = low;
	unsigned doublings = 0;

	while (high >> doublings > low)
		doublings++;
	top <<= draw_below(w, doublings + 1);
	top = top < high ? top : high;
	return low + draw_below(w, top - low + 1);
}

static void note(const struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(const struct world *w, const char *fmt, ...)
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

static unsigned key_number(const struct record_key *k)
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

static void draw_ttls(struct world *w)
{
	w->ttl_dnskey = (uint32_t)draw_between(w, 60, 2 * DAY);
	w->ttl_zone = (uint32_t)draw_between(w, 60, 3 * DAY);
}

/* --- serving */

static uint64_t mask_of(const struct world *w, unsigned which)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < w->record.key_count; i++) {
		const struct record_key *k = &w->record.keys[i];
		struct timeline_duty d =
		    timeline_duty(&k->times, role_has_ds(k->role), role_has_zone(k->role), w->now);
		bool has[] = {d.in_set, d.signs_set, d.signs_zone,
		    k->times.at[TIME_DS_SUBMITTED] != 0 && k->times.at[TIME_DS_RETRACTED] == 0};

		if (has[which])
			mask |= UINT64_C(1) << key_number(k);
	}
	return mask;
}

static struct observe_version report_of(const struct world *w, const struct version *v)
{
	struct observe_version o = {.is_signed = v->set != 0};

	for (unsigned i = 0; i < w->record.key_count; i++) {
		struct observe_key *k = &o.keys[o.key_count++];
		uint64_t bit = UINT64_C(1) << key_number(&w->record.keys[i]);

		memcpy(k->id, w->record.keys[i].id, sizeof(k->id));
		k->in_set = (v->set & bit) != 0;
		k->signs_set = (v->signers & bit) != 0;
		k->signs_all = true;
		for (unsigned j = 0; j < CACHES_RRSETS; j++) {
			k->signs_all &= (v->data[j] & bit) != 0;
			k->signs_some |= (v->data[j] & bit) != 0;
		}
	}
	return o;
}

static void publish(struct world *w, const struct version *v)
{
	struct observe_version o = report_of(w, v);

	if (w->version_count == VERSIONS_MAX)
		return;
	o.serial = w->version_count;
	w->versions[w->version_count++] = *v;
	observe_publish(&w->observe, &o, w->now);
	if (v->ttl_dnskey > w->facts.ttl_dnskey)
		w->facts.ttl_dnskey = v->ttl_dnskey;
	if (v->ttl_zone > w->facts.ttl_zone)
		w->facts.ttl_zone = v->ttl_zone;
	for (unsigned i = 0; i < w->server_count; i++) {
		struct server *s = &w->servers[i];
		int64_t at = w->now + draw_below(w, w->server_delay + 1);

		at = at > s->dead_until ? at : s->dead_until;
		if (s->fetch_at == NEVER)
			s->fetch_at = at;
	}
}

static bool is_emergency(const struct world *w)
{
	for (unsigned i = 0; i < w->record.key_count; i++)
		if (w->record.keys[i].times.at[TIME_COMPROMISED] != 0 &&
		    w->record.keys[i].times.at[TIME_REMOVED] == 0)
			return true;
	return false;
}

/* A new version where the keys ask for one; a walk re-signs the data one RRset after the other. */
static void sign(struct world *w, bool walk)
{
	struct version v = w->versions[w->version_count - 1], before = v;
	uint64_t zone = mask_of(w, 2);
	bool all = is_emergency(w) || before.set == 0;

	v.set = mask_of(w, 0);
	v.signers = mask_of(w, 1);
	v.ttl_dnskey = w->ttl_dnskey;
	v.ttl_zone = w->ttl_zone;
	w->walk_at = NEVER;
	for (unsigned i = 0; i < CACHES_RRSETS; i++) {
		if (v.data[i] == zone)
			continue;
		if (all || walk || v.set == 0)
			v.data[i] = zone;
		else
			w->walk_at = w->now + 1 + draw_below(w, w->walk_delay);
		walk = false;
	}
	if (memcmp(&v, &before, sizeof(v)) != 0)
		publish(w, &v);
}

static void fetch(struct world *w, unsigned i)
{
	struct server *s = &w->servers[i];
	const struct version *v = &w->versions[w->version_count - 1];

	s->version = w->version_count - 1;
	s->fetch_at = NEVER;
	s->seen_at = w->now + draw_below(w, 600);
	caches_serve(&w->caches, CACHES_DNSKEY, i, v->set, v->signers, v->ttl_dnskey, w->now);
	for (unsigned j = 0; j < CACHES_RRSETS; j++)
		caches_serve(&w->caches, CACHES_DATA + j, i, v->data[j], 0, v->ttl_zone, w->now);
}

/* --- the parent */

static void ask_parent(struct world *w)
{
	uint64_t ds = mask_of(w, 3);

	if (ds == w->wanted_ds)
		return;
	note(w, "the parent is asked for DS %llx", (unsigned long long)ds);
	w->wanted_ds = ds;
	for (unsigned i = 0; i < w->parent_count; i++) {
		struct parent_server *p = &w->parents[i];
		int64_t at = w->now + draw_below(w, w->parent_delay);

		if (p->tail > p->head && p->queue[(p->tail - 1) % 64].at > at)
			at = p->queue[(p->tail - 1) % 64].at;
		if (p->tail - p->head == 64)
			abort();
		p->queue[p->tail++ % 64] = (struct request){at, ds};
	}
}

static void parent_acts(struct world *w, unsigned i)
{
	struct parent_server *p = &w->parents[i];

	if (p->ds != 0 && p->queue[p->head % 64].ds == 0 && w->record.unsign == 0)
		w->out->has_downgrade = true;
	p->ds = p->queue[p->head++ % 64].ds;
	caches_serve(&w->caches, CACHES_DS, i, p->ds, 0, w->ttl_ds, w->now);
}

static void poll_parent(struct world *w)
{
	uint64_t all = UINT64_MAX, some = 0;

	for (unsigned i = 0; i < w->parent_count; i++) {
		all &= w->parents[i].ds;
		some |= w->parents[i].ds;
	}
	for (unsigned i = 0; i < w->record.key_count; i++) {
		struct facts_key *f = &w->facts.keys[i];
		uint64_t bit = UINT64_C(1) << key_number(&w->record.keys[i]);

		f->ds_some = (some & bit) != 0;
		f->ds_in = (all & bit) == 0 ? 0 : f->ds_in != 0 ? f->ds_in : w->now;
		f->ds_out = f->ds_some ? 0 : f->ds_out != 0 ? f->ds_out : w->now;
	}
	w->poll_at = w->now + 300 + draw_below(w, 6 * 3600);
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
	w->caches.algorithms[k->algorithm - 13] |= UINT64_C(1) << w->key_count++;
	memset(&w->facts.keys[w->record.key_count - 1], 0, sizeof(struct facts_key));
}

static void carry_out(struct world *w, const struct roll_result *res)
{
	struct facts_key kept[KEYSET_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < w->record.key_count; i++) {
		bool destroyed = false;

		for (unsigned j = 0; j < res->change_count; j++)
			destroyed |=
			    res->changes[j].step == ROLL_DESTROY && res->changes[j].key == i;
		if (!destroyed)
			kept[n++] = w->facts.keys[i];
	}
	for (unsigned j = 0; j < res->change_count; j++) {
		const struct roll_change *c = &res->changes[j];

		note(w, "%s key %u", roll_step_name(c->step),
		    c->step == ROLL_GENERATE ? w->key_count : key_number(&w->record.keys[c->key]));
		w->out->rolls += c->step == ROLL_RETIRE;
	}
	memcpy(w->facts.keys, kept, n * sizeof(*kept));
	roll_apply(res, &w->record);
	for (unsigned j = 0; j < res->change_count; j++)
		if (res->changes[j].step == ROLL_GENERATE && w->key_count < 64)
			add_key(w, res->changes[j].role);
}

static void step(struct world *w)
{
	struct roll_input in = {.record = &w->record,
	    .policy = &w->policy,
	    .facts = &w->facts,
	    .now = w->now,
	    .rules = w->rules};
	struct roll_result res;

	observe_facts(&w->observe, &w->record, &w->facts);
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
	sign(w, false);
	ask_parent(w);
}

static const struct observe_server nobody_asked[SERVERS_MAX];

static void crash(struct world *w)
{
	struct observe_version o = report_of(w, &w->versions[w->version_count - 1]);

	note(w, "crash");
	w->out->crashes++;
	observe_free(&w->observe);
	observe_servers(&w->observe, nobody_asked, w->server_count, w->now);
	o.serial = w->version_count - 1;
	observe_publish(&w->observe, &o, w->now);
	for (unsigned i = 0; i < w->server_count; i++)
		w->servers[i].seen_at = w->now + draw_below(w, 600);
	for (unsigned i = 0; i < KEYSET_MAX; i++) {
		w->facts.keys[i].ds_in = w->facts.keys[i].ds_out = 0;
		w->facts.keys[i].ds_some = false;
	}
	w->poll_at = w->now + 1 + draw_below(w, 3 * 3600);
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

static void disturb(struct world *w)
{
	unsigned what = (unsigned)draw_below(w, 16), roles = 1 + (unsigned)draw_below(w, 3);

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
	} else if (what < 12) {
		struct server *s = &w->servers[draw_below(w, w->server_count)];

		s->dead_until = w->now + draw_between(w, 60, 20 * DAY);
		if (s->fetch_at != NEVER && s->fetch_at < s->dead_until)
			s->fetch_at = s->dead_until;
	} else if (what < 14) {
		crash(w);
	} else if (what == 14) {
		draw_ttls(w);
		sign(w, false);
	} else if (w->quiet_from - w->now < 100 * DAY) {
		note(w, "unsign");
		w->record.unsign = w->now;
	}
}

static void begin(struct world *w)
{
	struct version plain = {.ttl_zone = (uint32_t)draw_between(w, 60, 3 * DAY)};
	enum key_role roles[2];
	unsigned role_count;

	w->now = START + draw_below(w, 1000 * DAY);
	w->quiet_from = w->now + draw_between(w, 30 * DAY, 600 * DAY);
	w->end = w->quiet_from + 400 * DAY;
	draw_policy(w);
	draw_ttls(w);
	w->ttl_ds = (uint32_t)draw_between(w, 60, 2 * DAY);
	w->server_delay = (uint32_t)draw_between(w, 1, DAY);
	w->parent_delay = (uint32_t)draw_between(w, 60, 10 * DAY);
	w->walk_delay = (uint32_t)draw_between(w, 60, 5 * DAY);
	w->server_count = 1 + (unsigned)draw_below(w, SERVERS_MAX);
	w->parent_count = 1 + (unsigned)draw_below(w, SERVERS_MAX);
	w->facts.ttl_ds = w->ttl_ds;
	w->facts.ds_deadline = w->parent_delay;
	w->facts.ttl_unsigned = plain.ttl_dnskey = plain.ttl_zone;
	observe_servers(&w->observe, nobody_asked, w->server_count, w->now);
	publish(w, &plain);
	for (unsigned i = 0; i < w->parent_count; i++)
		caches_serve(&w->caches, CACHES_DS, i, 0, 0, w->ttl_ds, w->now);
	for (unsigned i = 0; i < w->server_count; i++) {
		fetch(w, i);
		w->servers[i].fetch_at = NEVER;
	}
	role_count = policy_roles(&w->policy, roles);
	for (unsigned i = 0; i < role_count; i++) {
		struct record_key *k;

		add_key(w, roles[i]);
		k = &w->record.keys[i];
		for (enum key_time t = TIME_GENERATED; t <= TIME_ACTIVE; t++)
			k->times.at[t] = w->now;
		if (role_has_zone(k->role))
			k->times.at[TIME_SIGN_FROM] = w->now;
	}
	sign(w, false);
	w->roll_at = w->poll_at = w->now;
	w->disturb_at = w->now + draw_between(w, 600, 60 * DAY);
}

/* --- time */

static int64_t next_event(const struct world *w)
{
	int64_t at = w->end;
	const int64_t all[] = {w->roll_at, w->walk_at, w->poll_at,
	    w->disturb_at < w->quiet_from ? w->disturb_at : NEVER};

	for (unsigned i = 0; i < MEM_COUNT(all); i++)
		at = all[i] < at ? all[i] : at;
	for (unsigned i = 0; i < w->server_count; i++) {
		at = w->servers[i].fetch_at < at ? w->servers[i].fetch_at : at;
		at = w->servers[i].seen_at < at ? w->servers[i].seen_at : at;
	}
	for (unsigned i = 0; i < w->parent_count; i++) {
		const struct parent_server *p = &w->parents[i];

		if (p->head < p->tail && p->queue[p->head % 64].at < at)
			at = p->queue[p->head % 64].at;
	}
	return at;
}

static void servers_act(struct world *w)
{
	for (unsigned i = 0; i < w->server_count; i++) {
		struct server *s = &w->servers[i];

		if (s->fetch_at <= w->now)
			fetch(w, i);
		if (s->seen_at > w->now)
			continue;
		s->seen_at = NEVER;
		observe_seen(&w->observe, i, s->version, w->now);
		w->roll_at = w->now;
	}
	for (unsigned i = 0; i < w->parent_count; i++) {
		struct parent_server *p = &w->parents[i];

		while (p->head < p->tail && p->queue[p->head % 64].at <= w->now)
			parent_acts(w, i);
	}
}

static void act(struct world *w)
{
	servers_act(w);
	if (w->poll_at <= w->now) {
		poll_parent(w);
		w->roll_at = w->now;
	}
	if (w->disturb_at <= w->now && w->now < w->quiet_from)
		disturb(w);
	if (w->walk_at <= w->now)
		sign(w, true);
	if (w->roll_at <= w->now) {
		w->roll_at = NEVER;
		step(w);
	}
}

/* After a long quiet time everything asked for is done: safety is no excuse for standing still. */
static bool has_arrived(const struct world *w, char why[200])
{
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

void world_run(uint64_t seed, const struct safety_entry *rules, bool log, struct world_outcome *out)
{
	struct world *w = mem_alloc(sizeof(*w));
	char why[200] = "", when[TIME_TEXT_SIZE];

	memset(out, 0, sizeof(*out));
	w->seed = w->random = seed;
	w->rules = rules;
	w->log = log;
	w->out = out;
	w->versions = mem_array(VERSIONS_MAX, sizeof(*w->versions));
	w->roll_at = w->walk_at = w->poll_at = w->disturb_at = NEVER;
	for (unsigned i = 0; i < SERVERS_MAX; i++)
		w->servers[i].fetch_at = w->servers[i].seen_at = NEVER;
	begin(w);
	out->is_good = true;
	while (out->is_good && w->now < w->end && w->key_count < 60 &&
	       w->version_count < VERSIONS_MAX) {
		act(w);
		out->events++;
		out->is_good = caches_check(&w->caches, w->now, why);
		if (out->is_good && out->has_downgrade) {
			out->is_good = false;
			snprintf(why, sizeof(why), "downgrade: no DS is left");
		}
		if (next_event(w) > w->now)
			w->now = next_event(w);
	}
	if (out->is_good && w->now >= w->end)
		out->is_stuck = !has_arrived(w, why);
	out->is_good &= !out->is_stuck;
	time_text(w->now, when);
	if (!out->is_good)
		snprintf(out->why, sizeof(out->why), "seed %llu, %s: %s", (unsigned long long)seed,
		    when, why);
	out->keys = w->key_count;
	out->combinations = w->caches.combinations;
	record_free(&w->record);
	observe_free(&w->observe);
	free(w->versions);
	free(w);
}
