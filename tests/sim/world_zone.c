/* world, one zone: its versions, its servers, its parent.  See world.c. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "tests/sim/world_internal.h"

enum which { IN_SET, SIGNS_SET, SIGNS_ZONE, WANTS_DS };

static uint64_t mask_of_record(const struct record *r, enum which which, int64_t now)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < r->key_count; i++) {
		const struct record_key *k = &r->keys[i];
		struct timeline_duty d =
		    timeline_duty(&k->times, role_has_ds(k->role), role_has_zone(k->role), now);
		bool has[] = {d.in_set, d.signs_set, d.signs_zone,
		    k->times.at[TIME_DS_SUBMITTED] != 0 && k->times.at[TIME_DS_RETRACTED] == 0};

		if (has[which])
			mask |= UINT64_C(1) << key_number(k);
	}
	return mask;
}

static uint64_t mask_of(const struct zone *z, enum which which)
{
	const struct world *w = z->world;
	struct record_key keys[KEYSET_MAX];
	struct record view;

	if (!w->is_shared)
		return mask_of_record(&w->record, which, w->now);
	if (z->share.left != 0)
		return 0;
	share_view(&w->record, &z->share, keys, &view);
	return mask_of_record(&view, which, w->now);
}

static struct observe_version report_of(const struct zone *z, const struct version *v)
{
	const struct record *r = &z->world->record;
	struct observe_version o = {.is_signed = v->set != 0};

	for (unsigned i = 0; i < r->key_count; i++) {
		struct observe_key *k = &o.keys[o.key_count++];
		uint64_t bit = UINT64_C(1) << key_number(&r->keys[i]);

		memcpy(k->id, r->keys[i].id, sizeof(k->id));
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

static void publish(struct zone *z, const struct version *v)
{
	struct observe_version o = report_of(z, v);
	struct world *w = z->world;

	if (z->version_count == VERSIONS_MAX)
		return;
	o.serial = z->version_count;
	z->versions[z->version_count++] = *v;
	observe_publish(&z->observe, &o, w->now);
	if (v->ttl_dnskey > z->facts.ttl_dnskey)
		z->facts.ttl_dnskey = v->ttl_dnskey;
	if (v->ttl_zone > z->facts.ttl_zone)
		z->facts.ttl_zone = v->ttl_zone;
	if (v->set == 0 && v->ttl_zone > z->facts.ttl_unsigned)
		z->facts.ttl_unsigned = v->ttl_zone;
	for (unsigned i = 0; i < z->server_count; i++) {
		struct server *s = &z->servers[i];
		int64_t at = w->now + draw_below(w, z->server_delay + 1);

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

void zone_sign(struct zone *z, bool walk)
{
	struct version v = z->versions[z->version_count - 1], before = v;
	struct world *w = z->world;
	uint64_t zone = mask_of(z, SIGNS_ZONE);
	bool all = is_emergency(w) || before.set == 0;

	z->sign_at = NEVER;
	v.set = mask_of(z, IN_SET);
	v.signers = mask_of(z, SIGNS_SET);
	v.ttl_dnskey = z->ttl_dnskey;
	v.ttl_zone = z->ttl_zone;
	z->walk_at = NEVER;
	for (unsigned i = 0; i < CACHES_RRSETS; i++) {
		if (v.data[i] == zone)
			continue;
		if (all || walk || v.set == 0)
			v.data[i] = zone;
		else
			z->walk_at = w->now + 1 + draw_below(w, z->walk_delay);
		walk = false;
	}
	if (memcmp(&v, &before, sizeof(v)) != 0)
		publish(z, &v);
}

static void fetch(struct zone *z, unsigned i)
{
	struct server *s = &z->servers[i];
	const struct version *v = &z->versions[z->version_count - 1];
	int64_t now = z->world->now;

	s->version = z->version_count - 1;
	s->fetch_at = NEVER;
	s->seen_at = now + draw_below(z->world, 600);
	caches_serve(&z->caches, CACHES_DNSKEY, i, v->set, v->signers, v->ttl_dnskey, now);
	for (unsigned j = 0; j < CACHES_RRSETS; j++)
		caches_serve(&z->caches, CACHES_DATA + j, i, v->data[j], 0, v->ttl_zone, now);
}

/* --- the parent */

void zone_ask_parent(struct zone *z)
{
	struct world *w = z->world;
	uint64_t ds = mask_of(z, WANTS_DS);

	if (ds == z->wanted_ds || (w->is_shared && !share_speaks(&z->share)))
		return;
	note(w, "zone %u: the parent is asked for DS %llx", z->number, (unsigned long long)ds);
	z->wanted_ds = ds;
	for (unsigned i = 0; i < z->parent_count; i++) {
		struct parent_server *p = &z->parents[i];
		int64_t at = w->now + draw_below(w, z->parent_delay);

		if (p->tail > p->head && p->queue[(p->tail - 1) % 64].at > at)
			at = p->queue[(p->tail - 1) % 64].at;
		if (p->tail - p->head == 64)
			abort();
		p->queue[p->tail++ % 64] = (struct request){at, ds};
	}
}

static void parent_acts(struct zone *z, unsigned i)
{
	struct parent_server *p = &z->parents[i];
	struct world *w = z->world;
	bool is_asked_for = w->record.unsign != 0 || z->was_unsigned;

	if (p->ds != 0 && p->queue[p->head % 64].ds == 0 && !is_asked_for)
		w->out->has_downgrade = true;
	p->ds = p->queue[p->head++ % 64].ds;
	caches_serve(&z->caches, CACHES_DS, i, p->ds, 0, z->ttl_ds, w->now);
}

static void poll_parent(struct zone *z)
{
	struct world *w = z->world;
	uint64_t all = UINT64_MAX, some = 0;

	for (unsigned i = 0; i < z->parent_count; i++) {
		all &= z->parents[i].ds;
		some |= z->parents[i].ds;
	}
	for (unsigned i = 0; i < w->record.key_count; i++) {
		struct facts_key *f = &z->facts.keys[i];
		uint64_t bit = UINT64_C(1) << key_number(&w->record.keys[i]);

		f->ds_some = (some & bit) != 0;
		f->ds_in = (all & bit) == 0 ? 0 : f->ds_in != 0 ? f->ds_in : w->now;
		f->ds_out = f->ds_some ? 0 : f->ds_out != 0 ? f->ds_out : w->now;
	}
	z->poll_at = w->now + 300 + draw_below(w, 6 * 3600);
}

/* --- its life */

static const struct observe_server nobody_asked[SERVERS_MAX];

void zone_forget(struct zone *z)
{
	struct observe_version o = report_of(z, &z->versions[z->version_count - 1]);
	struct world *w = z->world;

	observe_free(&z->observe);
	observe_servers(&z->observe, nobody_asked, z->server_count, w->now);
	o.serial = z->version_count - 1;
	observe_publish(&z->observe, &o, w->now);
	for (unsigned i = 0; i < z->server_count; i++)
		z->servers[i].seen_at = w->now + draw_below(w, 600);
	for (unsigned i = 0; i < KEYSET_MAX; i++) {
		z->facts.keys[i].ds_in = z->facts.keys[i].ds_out = 0;
		z->facts.keys[i].ds_some = false;
	}
	z->poll_at = w->now + 1 + draw_below(w, 3 * 3600);
}

void zone_draw_ttls(struct zone *z)
{
	z->ttl_dnskey = (uint32_t)draw_between(z->world, 60, 2 * DAY);
	z->ttl_zone = (uint32_t)draw_between(z->world, 60, 3 * DAY);
}

void zone_begin(struct zone *z)
{
	struct world *w = z->world;
	struct version plain = {.ttl_zone = (uint32_t)draw_between(w, 60, 3 * DAY)};

	z->is_there = true;
	z->versions = mem_array(VERSIONS_MAX, sizeof(*z->versions));
	z->walk_at = NEVER;
	z->poll_at = z->sign_at = w->now;
	zone_draw_ttls(z);
	z->ttl_ds = (uint32_t)draw_between(w, 60, 2 * DAY);
	z->server_delay = (uint32_t)draw_between(w, 1, DAY);
	z->parent_delay = (uint32_t)draw_between(w, 60, 10 * DAY);
	z->walk_delay = (uint32_t)draw_between(w, 60, 5 * DAY);
	z->server_count = 1 + (unsigned)draw_below(w, SERVERS_MAX);
	z->parent_count = 1 + (unsigned)draw_below(w, SERVERS_MAX);
	z->facts.ttl_ds = z->ttl_ds;
	z->facts.ds_deadline = z->parent_delay;
	plain.ttl_dnskey = plain.ttl_zone;
	for (unsigned i = 0; i < w->record.key_count; i++)
		for (unsigned a = 0; a < CACHES_ALGORITHMS; a++)
			if (w->record.keys[i].algorithm == 13 + a)
				z->caches.algorithms[a] |= UINT64_C(1)
							   << key_number(&w->record.keys[i]);
	observe_servers(&z->observe, nobody_asked, z->server_count, w->now);
	publish(z, &plain);
	for (unsigned i = 0; i < z->parent_count; i++)
		caches_serve(&z->caches, CACHES_DS, i, 0, 0, z->ttl_ds, w->now);
	for (unsigned i = 0; i < z->server_count; i++) {
		fetch(z, i);
		z->servers[i].fetch_at = NEVER;
	}
}

void zone_end(struct zone *z)
{
	struct world *w = z->world;
	unsigned number = z->number;

	w->out->combinations += z->caches.combinations;
	observe_free(&z->observe);
	free(z->versions);
	memset(z, 0, sizeof(*z));
	z->world = w;
	z->number = number;
}

bool zone_act(struct zone *z)
{
	struct world *w = z->world;
	bool is_news = false;

	for (unsigned i = 0; i < z->server_count; i++) {
		struct server *s = &z->servers[i];

		if (s->fetch_at <= w->now)
			fetch(z, i);
		if (s->seen_at > w->now)
			continue;
		s->seen_at = NEVER;
		observe_seen(&z->observe, i, s->version, w->now);
		is_news = true;
	}
	for (unsigned i = 0; i < z->parent_count; i++) {
		struct parent_server *p = &z->parents[i];

		while (p->head < p->tail && p->queue[p->head % 64].at <= w->now)
			parent_acts(z, i);
	}
	if (z->poll_at <= w->now) {
		poll_parent(z);
		is_news = true;
	}
	if (z->walk_at <= w->now || z->sign_at <= w->now)
		zone_sign(z, z->walk_at <= w->now);
	return is_news;
}

int64_t zone_next(const struct zone *z)
{
	int64_t at = z->walk_at < z->poll_at ? z->walk_at : z->poll_at;

	at = z->sign_at < at ? z->sign_at : at;
	for (unsigned i = 0; i < z->server_count; i++) {
		at = z->servers[i].fetch_at < at ? z->servers[i].fetch_at : at;
		at = z->servers[i].seen_at < at ? z->servers[i].seen_at : at;
	}
	for (unsigned i = 0; i < z->parent_count; i++) {
		const struct parent_server *p = &z->parents[i];

		if (p->head < p->tail && p->queue[p->head % 64].at < at)
			at = p->queue[p->head % 64].at;
	}
	return at;
}
