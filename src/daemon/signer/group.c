/* The groups of zones that share keys: who belongs together, who leads, and what is known of all of
 * them as one.  Runs in the signing side.
 *
 * A look goes through all zones of a group, and there may be ten thousand: then looks must not
 * follow one another at every answer of every server.  So a group rests after a look for REST times
 * as long as the look took; what became known meanwhile is seen by the next. */
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/life.h"

#define REST 20

struct share_group {
	struct share_group *next;
	uint8_t owner[NAME_MAX_LEN];
	struct signer_zone **members; /* in canonical order */
	unsigned count, room;
	/* As the last look found it. */
	bool is_known;
	struct facts facts;
	int64_t due;		     /* POLICY_NEVER */
	int64_t looked_at;	     /* calendar */
	uint64_t looked_us, cost_us; /* monotonic: when it ended, and how long it took */
	uint64_t news, news_seen;
};

/* Members */

static bool is_before(const struct signer_zone *a, const struct signer_zone *b)
{
	int order = memcmp(a->key, b->key, a->key_len < b->key_len ? a->key_len : b->key_len);

	return order < 0 || (order == 0 && a->key_len < b->key_len);
}

/* Where the zone stands, or would. */
static unsigned place_of(const struct share_group *g, const struct signer_zone *z)
{
	unsigned low = 0, high = g->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (is_before(g->members[middle], z))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct share_group *find(const struct signer *s, const uint8_t *owner)
{
	struct share_group *g = s->groups;

	while (g != NULL && !name_equal(g->owner, owner))
		g = g->next;
	return g;
}

void signer_group_join(struct signer_zone *z)
{
	struct signer *s = z->signer;
	struct share_group *g = find(s, z->owner);
	unsigned at;

	if (g == NULL) {
		g = mem_alloc(sizeof(*g));
		memcpy(g->owner, z->owner, sizeof(g->owner));
		g->next = s->groups;
		s->groups = g;
	}
	if (g->count == g->room) {
		g->room = g->room == 0 ? 8 : g->room * 2;
		g->members = mem_grow(g->members, g->room, sizeof(struct signer_zone *));
	}
	at = place_of(g, z);
	memmove(
	    &g->members[at + 1], &g->members[at], (g->count - at) * sizeof(struct signer_zone *));
	g->members[at] = z;
	g->count++;
	g->news++;
	z->group = g;
}

static void group_free(struct signer *s, struct share_group *g)
{
	struct share_group **p = &s->groups;

	while (*p != g)
		p = &(*p)->next;
	*p = g->next;
	free(g->members);
	free(g);
}

void signer_group_leave(struct signer_zone *z)
{
	struct share_group *g = z->group;
	unsigned at;

	if (g == NULL)
		return;
	at = place_of(g, z);
	g->count--;
	memmove(
	    &g->members[at], &g->members[at + 1], (g->count - at) * sizeof(struct signer_zone *));
	g->news++;
	z->group = NULL;
	if (g->count == 0)
		group_free(z->signer, g);
}

struct signer_zone *signer_group_any(const struct signer *s, const uint8_t *owner)
{
	const struct share_group *g = find(s, owner);

	return g == NULL ? NULL : g->members[0];
}

struct signer_zone *signer_share_leader(const struct signer_zone *z)
{
	struct share_group *g = z->group;

	for (unsigned i = 0; g != NULL && i < g->count; i++) {
		if (!g->members[i]->deleting && g->members[i]->life != NULL)
			return g->members[i];
	}
	return (struct signer_zone *)(uintptr_t)z;
}

unsigned signer_share_count(const struct signer_zone *z)
{
	unsigned n = 0;

	for (unsigned i = 0; z->group != NULL && i < z->group->count; i++)
		n += !z->group->members[i]->deleting;
	return n;
}

void signer_share_each(struct signer_zone *z, signer_share_fn *fn)
{
	struct share_group *g = z->group;

	if (g == NULL) {
		fn(z);
		return;
	}
	for (unsigned i = 0; i < g->count; i++) {
		if (!g->members[i]->deleting)
			fn(g->members[i]);
	}
}

struct signer_zone *const *signer_share_members(const struct signer_zone *z, unsigned *count)
{
	struct share_group *g = z->group;

	*count = g == NULL ? 0 : g->count;
	return g == NULL ? NULL : g->members;
}

bool signer_share_is_out(const struct signer_zone *z)
{
	const struct share_group *g = z->group;

	for (unsigned i = 0; g != NULL && i < g->count; i++) {
		const struct signer_zone *m = g->members[i];

		if (!m->deleting && !(m->has_head && m->head.has_out))
			return false;
	}
	return true;
}

/* Looks */

/* A zone that became something else, and what it was before. */
struct advance {
	struct signer_zone *zone;
	struct share_zone before;
};
struct advances {
	struct advance *list;
	unsigned count;
};

/* One time through all: the facts of all joined, and when to look again.  advances NULL: the zones
 * stay what they are. */
static void look_through(struct share_group *g, struct advances *advances)
{
	const struct signer_zone *first = g->members[0];
	struct share_input in = {
	    .record = keys_record(first->signer->keys, g->owner), .now = clock_calendar()};
	struct facts f;

	memset(&g->facts, 0, sizeof(g->facts));
	g->due = POLICY_NEVER;
	for (unsigned i = 0; i < g->count; i++) {
		struct signer_zone *m = g->members[i];
		struct share_zone before = *m->share;
		int64_t due;

		if (m->deleting)
			continue;
		life_facts_of(m, in.record, &f);
		if (in.record != NULL) {
			in.policy = &m->key_policy;
			in.facts = &f;
			if (advances != NULL && share_advance(m->share, &in)) {
				advances->list = mem_grow(
				    advances->list, advances->count + 1, sizeof(*advances->list));
				advances->list[advances->count++] = (struct advance){m, before};
			}
			due = share_next(m->share, &in);
			g->due = due < g->due ? due : g->due;
		}
		share_add(&g->facts, &(struct share_member){m->share, &f},
		    in.record == NULL ? 0 : in.record->key_count);
	}
	g->facts.is_joined = true;
	g->looked_at = in.now;
	g->is_known = true;
}

static const char *word_of(const struct share_zone *before, const struct share_zone *s)
{
	if (s->left != before->left)
		return "its DS are gone: it is published unsigned";
	if (s->admitted != before->admitted)
		return "it has caught up with the shared keys, and counts with them";
	if (s->cleared != before->cleared)
		return "no resolver trusts it yet: the shared keys do not wait for it";
	return "all its DS are at the parent";
}

/* What a zone became is in the store before it is acted upon: one commit for all. */
static int save_all(struct signer *s, const struct advances *a, struct err *e)
{
	struct store_write *w;
	int code = a->count == 0 ? ERR_MISSING : store_write_begin(s->store, &w, e);

	if (code != OK)
		return code == ERR_MISSING ? OK : code;
	for (unsigned i = 0; i < a->count && code == OK; i++)
		code = signer_share_save(a->list[i].zone, w, e);
	if (code == OK)
		return store_write_commit(w, e);
	store_write_abort(w);
	return code;
}

static void act_upon(const struct advances *a)
{
	for (unsigned i = 0; i < a->count; i++) {
		struct signer_zone *z = a->list[i].zone;

		log_notice("zone %s: %s", z->name, word_of(&a->list[i].before, z->share));
		life_look_at_set(z);
		signer_submit_look(z);
		signer_parent_look(z);
	}
}

static void take_back(struct share_group *g, const struct advances *a, const char *why)
{
	for (unsigned i = 0; i < a->count; i++)
		*a->list[i].zone->share = a->list[i].before;
	log_error("zone %s and %u others: how they stand to the shared keys cannot be saved: %s",
	    a->list[0].zone->name, a->count - 1, why);
	look_through(g, NULL);
}

void signer_share_look(struct signer_zone *leader, struct facts *out)
{
	struct share_group *g = leader->group;
	uint64_t began = clock_mono_us();
	struct advances a = {0};
	struct err e = {0};

	g->news_seen = g->news;
	look_through(g, &a);
	if (save_all(leader->signer, &a, &e) == OK)
		act_upon(&a);
	else
		take_back(g, &a, e.text);
	free(a.list);
	g->looked_us = clock_mono_us();
	g->cost_us = g->looked_us - began;
	*out = g->facts;
	facts_apply_policy(out, &leader->key_policy);
}

uint64_t signer_share_news(struct signer_zone *z)
{
	struct share_group *g = z->group;
	uint64_t now = clock_mono_us(), rest;

	if (g == NULL)
		return 0;
	g->news++;
	rest = g->looked_us + REST * g->cost_us;
	return rest > now ? (rest - now) / 1000 : 0;
}

int64_t signer_share_due(const struct signer_zone *leader)
{
	return leader->group == NULL ? POLICY_NEVER : leader->group->due;
}

/* While the group rests, what is shown may be as old as what is acted upon. */
static bool is_fresh(const struct share_group *g)
{
	return g->is_known && g->looked_at == clock_calendar() &&
	       (g->news == g->news_seen || clock_mono_us() < g->looked_us + REST * g->cost_us);
}

void signer_share_facts(const struct signer_zone *z, struct facts *out)
{
	struct share_group *g = z->group;
	uint64_t began = clock_mono_us();

	if (!is_fresh(g)) {
		g->news_seen = g->news;
		look_through(g, NULL);
		g->looked_us = clock_mono_us();
		g->cost_us = g->looked_us - began;
	}
	*out = g->facts;
	facts_apply_policy(out, &z->key_policy);
}
