/* The outbox's queues: whom to try next, and when those that fail are tried again: see outbox.h.
 *
 * Three things may make a notice wait: its own last failure, that of its target (a mailbox that is
 * full), and that of the whole channel (a mail server that is down).  So a server that is down is
 * asked by one notice at a time, however many wait, and one that nobody takes does not hold up
 * those behind it. */
#include "notices/outbox_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define TRIED_AT_ONCE 4 /* on one channel */
#define PAUSE_FIRST 60
#define PAUSE_MOST 14400
#define REFUSED_FIRST 3600
#define REFUSED_MOST 43200

/* Targets and items */

static unsigned hash_of(enum notice_channel c, const char *to)
{
	unsigned h = 2166136261u ^ (unsigned)c;

	for (; *to != '\0'; to++)
		h = (h ^ (uint8_t)*to) * 16777619u;
	return h % TARGETS_HASH;
}

struct target *outbox_target(struct outbox *o, enum notice_channel c, const char *to)
{
	struct target **chain = &o->hash[hash_of(c, to)], *t = *chain;

	while (t != NULL && (t->channel != c || strcmp(t->to, to) != 0))
		t = t->next;
	if (t != NULL)
		return t;
	t = mem_alloc(sizeof(*t));
	t->channel = c;
	snprintf(t->to, sizeof(t->to), "%s", to);
	TAILQ_INIT(&t->items);
	t->next = *chain;
	*chain = t;
	o->targets = mem_grow(o->targets, o->target_count + 1, sizeof(*o->targets));
	o->targets[o->target_count++] = t;
	return t;
}

static void note_error(struct outbox *o, enum notice_channel c, const char *why, int64_t at)
{
	snprintf(o->channels[c].error, sizeof(o->channels[c].error), "%s", why);
	o->channels[c].error_at = at;
}

/* What was tried already, and what was asked for once more, has been gathered before. */
static bool is_fresh(const struct notice_row *r, const struct notice_delivery *d)
{
	return d->channel == NOTICE_MAIL && d->tries == 0 && d->next_try == 0 &&
	       notice_kind_is_gathered(r->notice.kind);
}

static void add_item(struct outbox *o, const struct notice_row *r, unsigned at)
{
	const struct notice_delivery *d = &r->deliveries[at];
	struct target *t = outbox_target(o, d->channel, d->to);
	struct outbox_item *i = mem_alloc(sizeof(*i));

	i->target = t;
	i->id = r->id;
	i->at = at;
	i->kind = r->notice.kind;
	i->tries = d->tries;
	i->since = d->since;
	i->due = d->next_try;
	i->is_fresh = is_fresh(r, d);
	t->fresh += i->is_fresh;
	o->is_fresh = o->is_fresh || i->is_fresh;
	if (d->error[0] != '\0')
		note_error(o, d->channel, d->error, d->changed);
	TAILQ_INSERT_TAIL(&t->items, i, link);
	o->item_count++;
}

void outbox_add_items(struct outbox *o, const struct notice_row *r)
{
	for (unsigned i = 0; i < r->delivery_count; i++) {
		if (r->deliveries[i].state == DELIVERY_WAITING)
			add_item(o, r, i);
	}
}

void outbox_drop_item(struct outbox *o, struct outbox_item *i)
{
	TAILQ_REMOVE(&i->target->items, i, link);
	i->target->fresh -= i->is_fresh;
	o->item_count--;
	free(i);
}

typedef bool item_fn(struct outbox_item *i, uint64_t id);

static bool is_tried(struct outbox_item *i, uint64_t id)
{
	return i->id == id && i->is_tried;
}

static struct outbox_item *find_item(struct outbox *o, uint64_t id, item_fn *fn)
{
	struct outbox_item *i;

	for (unsigned k = 0; k < o->target_count; k++) {
		TAILQ_FOREACH(i, &o->targets[k]->items, link)
		{
			if (fn(i, id))
				return i;
		}
	}
	return NULL;
}

static bool is_of(struct outbox_item *i, uint64_t id)
{
	return i->id == id;
}

bool outbox_drop_items(struct outbox *o, uint64_t id)
{
	struct outbox_item *i;

	if (find_item(o, id, is_tried) != NULL)
		return false;
	while ((i = find_item(o, id, is_of)) != NULL)
		outbox_drop_item(o, i);
	return true;
}

void outbox_free_targets(struct outbox *o)
{
	for (unsigned k = 0; k < o->target_count; k++) {
		while (!TAILQ_EMPTY(&o->targets[k]->items))
			outbox_drop_item(o, TAILQ_FIRST(&o->targets[k]->items));
		free(o->targets[k]);
	}
	free(o->targets);
}

/* Whom to try */

static bool may_try(const struct outbox *o, const struct target *t, int64_t now)
{
	const struct pause *p = &o->channels[t->channel].pause;
	unsigned most = p->failures > 0 ? 1 : TRIED_AT_ONCE;

	return !t->is_tried && !TAILQ_EMPTY(&t->items) && t->pause.until <= now &&
	       p->until <= now && o->channels[t->channel].tried < most;
}

static struct outbox_item *first_due(const struct target *t, int64_t now)
{
	struct outbox_item *i;

	TAILQ_FOREACH(i, &t->items, link)
	{
		if (!i->is_fresh && i->due <= now)
			return i;
	}
	return NULL;
}

bool outbox_next(struct outbox *o, int64_t now, struct outbox_try *out)
{
	for (unsigned n = 0; n < o->target_count; n++) {
		struct target *t = o->targets[(o->cursor + n) % o->target_count];
		struct outbox_item *i = may_try(o, t, now) ? first_due(t, now) : NULL;

		if (i == NULL)
			continue;
		o->cursor = (o->cursor + n + 1) % o->target_count;
		i->is_tried = t->is_tried = true;
		o->channels[t->channel].tried++;
		o->tried++;
		*out = (struct outbox_try){i->id, t->channel, t->to, i};
		return true;
	}
	return false;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void take_sooner(int64_t *soonest, int64_t t)
{
	if (*soonest == 0 || t < *soonest)
		*soonest = t;
}

/* Whoever is being tried is looked at when that has ended. */
static int64_t target_due(const struct outbox *o, const struct target *t)
{
	const struct outbox_item *i;
	int64_t soonest = 0;

	if (t->is_tried)
		return 0;
	TAILQ_FOREACH(i, &t->items, link)
	{
		if (!i->is_fresh)
			take_sooner(&soonest, later(i->due, 1));
	}
	if (soonest != 0)
		soonest =
		    later(soonest, later(t->pause.until, o->channels[t->channel].pause.until));
	if (t->fresh > 0 && t->held_until != 0)
		take_sooner(&soonest, t->held_until);
	return soonest;
}

int64_t outbox_due(const struct outbox *o, int64_t now)
{
	int64_t soonest = 0, due;

	for (unsigned k = 0; k < o->target_count; k++) {
		due = target_due(o, o->targets[k]);
		if (due > now || (due != 0 && o->channels[o->targets[k]->channel].tried == 0))
			take_sooner(&soonest, later(due, now));
	}
	return soonest;
}

/* How it ended */

static int64_t pause_of(unsigned failures, int64_t first, int64_t most)
{
	int64_t pause = first << (failures > 16 ? 16 : failures - 1);

	return pause < most ? pause : most;
}

/* Several that were under way together fail together. */
static void take_pause(struct pause *p, int64_t now)
{
	if (p->until > now)
		return;
	p->failures++;
	p->until = now + pause_of(p->failures, PAUSE_FIRST, PAUSE_MOST);
}

static void add_update(struct outbox *o, const struct outbox_item *i, enum delivery_state state,
    int64_t now, const char *why)
{
	struct update *u;

	o->updates = mem_grow(o->updates, o->update_count + 1, sizeof(*o->updates));
	u = &o->updates[o->update_count++];
	*u = (struct update){i->id, i->at, i->tries, state, i->due, now, ""};
	snprintf(u->error, sizeof(u->error), "%s", why);
}

/* All for the target that have waited too long. */
static unsigned give_up(struct outbox *o, struct target *t, int64_t now, const char *why)
{
	struct outbox_item *i, *next;
	unsigned count = 0;

	for (i = TAILQ_FIRST(&t->items); i != NULL; i = next) {
		next = TAILQ_NEXT(i, link);
		if (i->is_tried || now - i->since < PATIENCE_TIME)
			continue;
		add_update(o, i, DELIVERY_GIVEN_UP, now, why);
		outbox_drop_item(o, i);
		count++;
	}
	o->given_up += count;
	return count;
}

static unsigned fail(
    struct outbox *o, struct outbox_item *i, const struct outbox_result *r, int64_t now)
{
	struct target *t = i->target;
	struct pause *whole = &o->channels[t->channel].pause;
	unsigned given_up = 0;

	note_error(o, t->channel, r->why, now);
	if (r->is_everybodys) {
		take_pause(whole, now);
		for (unsigned k = 0; k < o->target_count; k++) {
			if (o->targets[k]->channel == t->channel)
				given_up += give_up(o, o->targets[k], now, r->why);
		}
		return given_up;
	}
	*whole = (struct pause){0};
	take_pause(&t->pause, now);
	return give_up(o, t, now, r->why);
}

static void succeed(struct outbox *o, struct outbox_item *i, int64_t now)
{
	struct target *t = i->target;

	t->pause = o->channels[t->channel].pause = (struct pause){0};
	note_error(o, t->channel, "", 0);
	i->due = 0;
	add_update(o, i, DELIVERY_SENT, now, "");
	outbox_drop_item(o, i);
}

struct outbox_end outbox_done(
    struct outbox *o, const struct outbox_try *t, const struct outbox_result *r, int64_t now)
{
	struct outbox_item *i = t->item;
	struct outbox_end end = {OUTBOX_SENT, 0, 0};
	bool is_late = now - i->since >= PATIENCE_TIME;

	i->is_tried = i->target->is_tried = false;
	o->channels[t->channel].tried--;
	o->tried--;
	i->tries++;
	if (r->code == OK) {
		succeed(o, i, now);
		return end;
	}
	i->due = now + (r->is_permanent ? pause_of(i->tries, REFUSED_FIRST, REFUSED_MOST)
					: pause_of(i->tries, PAUSE_FIRST, PAUSE_MOST));
	end.next_try = is_late ? 0 : i->due;
	end.verdict = is_late ? OUTBOX_GIVEN_UP : OUTBOX_AGAIN;
	if (!is_late) {
		add_update(o, i, DELIVERY_WAITING, now, r->why);
		TAILQ_REMOVE(&i->target->items, i, link);
		TAILQ_INSERT_TAIL(&i->target->items, i, link);
	}
	end.given_up = fail(o, i, r, now);
	return end;
}

bool outbox_is_dirty(const struct outbox *o)
{
	return o->update_count > 0;
}

bool outbox_is_busy(const struct outbox *o)
{
	return o->tried > 0;
}

void outbox_count(const struct outbox *o, struct outbox_counts *out)
{
	memset(out, 0, sizeof(*out));
	out->waiting = o->item_count;
	out->given_up = o->given_up;
	for (unsigned c = 0; c < NOTICE_CHANNELS; c++) {
		if (o->channels[c].error[0] == '\0' || o->channels[c].error_at < out->error_at)
			continue;
		snprintf(out->error, sizeof(out->error), "%s: %s",
		    notice_channel_name((enum notice_channel)c), o->channels[c].error);
		out->error_at = o->channels[c].error_at;
	}
}
