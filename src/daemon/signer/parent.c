/* What the parent's servers have for a zone: when they are asked (R25, R70).  Only for zones whose
 * policy names parent.servers, or whose parent's servers are to be found (signer/find.c); as long
 * as they are not, a server stands for them that does not answer.  Runs in the signing side; the
 * network side asks (signer/probe.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/parent.h"
#include "dns/rrtype.h"

#define LOOK_MOST 21600	       /* seconds between two looks */
#define LOOK_MOST_AWAITED 3600 /* ... while something is to change */
#define LOOK_AFTER_FAILURE 300
#define NOT_FOUND "(not found)" /* stands for servers that are to be found */
#define PATIENCE_MORE 600	/* over two pauses, for servers that answer late */

int64_t parent_ttl(const struct zone_parent *p)
{
	uint32_t seen = parent_ttl_max(&p->view);

	return seen > 0 ? (int64_t)seen : p->ds_ttl;
}

static int64_t pause_of(const struct zone_parent *p)
{
	int64_t half = p->ds_ttl / 2 > 0 ? p->ds_ttl / 2 : 1;

	return half < LOOK_MOST ? half : LOOK_MOST;
}

int64_t parent_patience(const struct zone_parent *p)
{
	return 2 * pause_of(p) + PATIENCE_MORE;
}

int64_t signer_parent_fresh(const struct signer_zone *z, int64_t now)
{
	return z->parent == NULL ? now : now - parent_patience(z->parent);
}

/* What follows */

bool signer_parent_is_awaited(const struct signer_zone *z)
{
	const struct zone_parent *p = z->parent;

	if (p == NULL || z->head.published)
		return false;
	if (p->is_unknown)
		return signer_find_is_new(z, FIND_PARENT);
	if (p->asking == 0)
		return false;
	for (unsigned i = 0; i < p->view.count; i++) {
		if (p->view.servers[i].asked == 0)
			return true;
	}
	return false;
}

static bool is_held(const struct signer_zone *z)
{
	return z->has_head && z->head.generation != 0 && !z->head.published;
}

/* Is what held it over?  A zone that came signed waits for the TTL in any case. */
static bool is_free_now(const struct signer_zone *z)
{
	char why[STORE_REASON_MAX];

	return z->head.foreign_dnssec ? signer_parent_frees(z) : !signer_parent_bars(z, why);
}

/* Is the parent to change something, as far as the record of the keys goes? */
static void find_awaited(void *arg, const struct key_info *i)
{
	bool *is_awaited = arg;

	*is_awaited = *is_awaited || i->ds == DS_SUBMITTED || i->ds == DS_RETRACTED ||
		      (i->ds == DS_UNSUBMITTED && i->state == KEY_ACTIVE);
}

static bool is_change_awaited(const struct zone_parent *p)
{
	const struct signer_zone *z = p->zone;
	bool is_awaited = !z->has_head || !z->head.published;

	keys_each(
	    z->signer->keys, z->owner, NULL, NULL, clock_calendar(), find_awaited, &is_awaited);
	return is_awaited;
}

static void look_later(struct zone_parent *p, int64_t now)
{
	int64_t next = now + pause_of(p), soon = now + LOOK_AFTER_FAILURE;
	struct parent_fact fact = parent_foreign(p, now);
	bool is_silent = false;

	for (unsigned i = 0; i < p->view.count; i++)
		is_silent = is_silent || !p->view.servers[i].has_answered;
	p->silent = is_silent ? p->silent + 1 : 0;
	if (next > now + LOOK_MOST_AWAITED && is_change_awaited(p))
		next = now + LOOK_MOST_AWAITED;
	if (is_silent && p->silent < 8)
		soon = now + ((int64_t)LOOK_AFTER_FAILURE << (p->silent - 1));
	if (is_silent && p->silent < 8 && soon < next)
		next = soon;
	if (is_held(p->zone) && fact.word == PARENT_GONE && fact.since + parent_ttl(p) > now &&
	    fact.since + parent_ttl(p) < next)
		next = fact.since + parent_ttl(p);
	loop_event_set(p->look, next);
}

/* Every server was asked. */
static void look_done(struct zone_parent *p)
{
	struct signer_zone *z = p->zone;

	signer_status_dirty(z);
	if (is_held(z) && is_free_now(z)) {
		log_notice("zone %s: no DS of anybody else is in its way any more: it is published",
		    z->name);
		z->due = true;
	}
	signer_zone_step(z);
	signer_alert_look(z);
	if (p->is_news)
		signer_life_look(z);
	p->is_news = false;
	if (p->is_wanted)
		signer_parent_look(z);
	else
		look_later(p, clock_calendar());
}

/* Asking */

static void note_failure(struct zone_parent *p, struct parent_server *s, const char *why)
{
	if (s->has_answered || strcmp(s->reason, why) != 0)
		log_warning("zone %s: what its parent's server %s has as DS is not known: %s",
		    p->zone->name, s->name, why);
	p->is_news = p->is_news || s->has_answered;
	parent_note_failure(s, why, clock_calendar());
}

static void note_answer(
    struct zone_parent *p, struct parent_server *s, const uint8_t *msg, size_t len)
{
	int64_t now = clock_calendar(), changed = s->changed;
	struct parent_set set;
	char why[PARENT_REASON_MAX];
	struct err e = {0};

	if (parent_read_answer(msg, len, p->zone->apex, &set, &e) != OK) {
		note_failure(p, s, e.text);
		return;
	}
	if (!parent_is_valid(p, s, msg, len, why)) {
		note_failure(p, s, why);
		return;
	}
	/* After a silence, or a long time, all that is known of it begins anew. */
	p->is_news = p->is_news || !s->has_answered || now - s->asked > parent_patience(p);
	parent_note(s, &set, now, parent_patience(p));
	p->is_news = p->is_news || s->changed != changed;
	if (s->changed != changed)
		log_notice(
		    "zone %s: its parent's server %s has %u DS", p->zone->name, s->name, set.count);
}

static void answered(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct parent_question *q = arg;
	struct zone_parent *p = q->parent;
	struct parent_server *s = &p->view.servers[q->server];

	q->probe = NULL;
	s->validated = TRUST_UNCHECKED;
	p->asking--;
	if (code == OK)
		note_answer(p, s, msg, len);
	else
		note_failure(p, s, why);
	if (p->asking == 0)
		look_done(p);
}

static void ask_servers(struct zone_parent *p)
{
	struct signer_zone *z = p->zone;
	char why[PARENT_REASON_MAX];
	bool can_ask = parent_can_ask(p, why);

	for (unsigned i = 0; i < p->view.count; i++) {
		struct parent_question *q = &p->questions[i];

		if (!can_ask) {
			p->view.servers[i].validated = (uint8_t)p->above.verdict;
			note_failure(p, &p->view.servers[i], why);
			continue;
		}
		p->asking++;
		q->probe = signer_probe_start(z->signer, p->view.servers[i].name, z->apex, RR_DS,
		    parent_probe_flags(p), answered, q);
	}
	p->asking--;
	if (p->asking == 0)
		look_done(p);
}

void signer_parent_look(struct signer_zone *z)
{
	struct zone_parent *p = z->parent;

	if (p == NULL || p->is_unknown)
		return;
	p->is_wanted = p->asking > 0;
	if (p->asking > 0)
		return;
	loop_event_stop(p->look);
	p->asking = 1; /* for the walk, until the servers are asked */
	parent_walk(p, ask_servers);
}

void signer_parents_look(struct signer *s)
{
	for (unsigned i = 0; i < s->zone_count; i++)
		signer_parent_look(s->zones[i]);
}

static void look_due(void *arg, int64_t due)
{
	struct zone_parent *p = arg;

	(void)due;
	signer_parent_look(p->zone);
}

/* Configuration */

static bool is_same(const struct zone_parent *p, const struct conf_names *servers)
{
	if (p == NULL || p->view.count != servers->count)
		return false;
	for (unsigned i = 0; i < servers->count; i++) {
		if (strcmp(p->view.servers[i].name, servers->list[i]) != 0)
			return false;
	}
	return true;
}

static void take_over(struct zone_parent *p, const struct zone_parent *old, struct snapshot *sn)
{
	for (unsigned i = 0; i < p->view.count; i++) {
		struct parent_server *s = &p->view.servers[i];

		for (unsigned k = 0; old != NULL && k < old->view.count; k++) {
			if (strcmp(old->view.servers[k].name, s->name) == 0)
				*s = old->view.servers[k];
		}
		if (s->asked == 0 && sn != NULL)
			signer_parent_load(p->zone, s, sn);
	}
}

static struct zone_parent *parent_new(struct signer_zone *z, const struct conf_names *servers)
{
	struct zone_parent *p = mem_alloc(sizeof(*p));

	p->zone = z;
	p->view.count = servers->count;
	p->view.servers = mem_array(servers->count, sizeof(*p->view.servers));
	p->questions = mem_array(servers->count, sizeof(*p->questions));
	p->look = loop_event_new(z->signer->loop, look_due, p);
	for (unsigned i = 0; i < servers->count; i++) {
		snprintf(p->view.servers[i].name, sizeof(p->view.servers[i].name), "%s",
		    servers->list[i]);
		p->questions[i] = (struct parent_question){p, i, NULL};
	}
	return p;
}

static void parent_free(struct zone_parent *p)
{
	if (p == NULL)
		return;
	for (unsigned i = 0; i < p->view.count; i++)
		signer_probe_cancel(p->questions[i].probe);
	parent_walk_end(p);
	loop_event_free(p->look);
	free(p->questions);
	free(p->view.servers);
	free(p);
}

void signer_parent_free(struct signer_zone *z)
{
	parent_free(z->parent);
	z->parent = NULL;
}

static void set_servers(struct signer_zone *z, const struct conf_names *servers, bool is_unknown,
    int64_t ds_ttl, struct snapshot *sn)
{
	struct zone_parent *old = z->parent;

	if (!is_same(old, servers)) {
		z->parent = parent_new(z, servers);
		z->parent->is_unknown = is_unknown;
		take_over(z->parent, old, sn);
		parent_free(old);
	}
	z->parent->ds_ttl = ds_ttl;
	if (z->parent != old)
		signer_parent_look(z);
}

static void set_found(
    struct signer_zone *z, const struct found *f, int64_t ds_ttl, struct snapshot *sn)
{
	struct conf_names names = {.count = f->is_complete ? f->count : 1};

	names.list = mem_array(names.count, sizeof(*names.list));
	for (unsigned i = 0; i < names.count; i++)
		names.list[i] = f->is_complete ? f->servers[i] : NOT_FOUND;
	set_servers(z, &names, !f->is_complete, ds_ttl, sn);
	free(names.list);
}

void signer_parent_configure(
    struct signer_zone *z, const struct config_parent *c, struct snapshot *sn)
{
	const struct found *f = signer_find_found(z, FIND_PARENT);

	if (c->servers.count > 0)
		set_servers(z, &c->servers, false, c->ds_ttl, sn);
	else if (f != NULL)
		set_found(z, f, c->ds_ttl, sn);
	else
		signer_parent_free(z);
}

void signer_parent_found(struct signer_zone *z)
{
	const struct found *f = signer_find_found(z, FIND_PARENT);
	struct snapshot *sn = NULL;

	if (f == NULL || z->parent == NULL)
		return;
	/* Without it, what was seen before is not known: that delays steps, and endangers none. */
	(void)snapshot_open(z->signer->store, &sn, NULL);
	set_found(z, f, z->parent->ds_ttl, sn);
	snapshot_close(sn);
	if (!f->is_complete)
		snprintf(z->parent->view.servers[0].reason, PARENT_REASON_MAX, "%.180s", f->why);
	signer_zone_step(z);
	signer_life_look(z);
}

/* Shown */

int64_t signer_parent_due(const struct signer_zone *z)
{
	return z->parent == NULL ? 0 : loop_event_due(z->parent->look);
}

const struct parent_view *signer_parent_view(const struct signer_zone *z)
{
	return z->parent == NULL ? NULL : &z->parent->view;
}
