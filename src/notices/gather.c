/* How fresh notices go out: each by itself, or many of one kind for one recipient as a digest, so
 * that a thousand zones failing at once are one mail.
 *
 * Up to FLOW_MOST of a kind go to an address in FLOW_TIME; what is more than that waits until that
 * time is over and goes out as one digest, or at once when nothing went out before.  A digest is a
 * notice of its own, written in the transaction that marks its members: after a crash it is the
 * same one, or there is none. */
#include "notices/outbox_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define FLOW_MOST 20
#define FLOW_TIME 300
#define DIGEST_MOST 1500 /* members: the letter must fit into a message */

/* The members: the first fresh ones of that kind. */
static struct notice_row *digest_row(const struct target *t, enum notice_kind kind, int64_t now)
{
	struct notice_row *row = mem_alloc(sizeof(*row));
	const struct outbox_item *i;
	char *occasion;

	row->arena = arena_new();
	row->of = kind;
	row->members = arena_alloc(row->arena, DIGEST_MOST * sizeof(*row->members));
	TAILQ_FOREACH(i, &t->items, link)
	{
		if (i->is_fresh && i->kind == kind && row->member_count < DIGEST_MOST)
			row->members[row->member_count++] = i->id;
	}
	occasion = arena_alloc(row->arena, NOTICE_OCCASION_MAX);
	snprintf(occasion, NOTICE_OCCASION_MAX, "%s %s %llu", notice_kind_name(kind), t->to,
	    (unsigned long long)row->members[0]);
	row->notice = (struct notice){.kind = NOTICE_DIGEST, .occasion = occasion, .at = now};
	outbox_told_key(&row->notice, row->told);
	outbox_add_delivery(row, t->channel, t->to, now);
	return row;
}

static int mark_member(struct store_write *w, uint64_t id, const struct target *t, uint64_t digest,
    int64_t now, struct err *e)
{
	struct notice_row *row;
	int code = outbox_row_get(store_write_view(w), id, &row);

	if (code != OK)
		return code == ERR_STORE ? err_set(e, code, "a notice cannot be read") : OK;
	for (unsigned k = 0; k < row->delivery_count; k++) {
		struct notice_delivery *d = &row->deliveries[k];

		if (d->channel != t->channel || strcmp(d->to, t->to) != 0)
			continue;
		d->state = DELIVERY_GATHERED;
		d->digest = digest;
		d->changed = now;
	}
	code = outbox_row_put(w, row, e);
	notice_row_free(row);
	return code;
}

static int write_digest(
    struct outbox *o, struct notice_row *row, const struct target *t, int64_t now, struct err *e)
{
	struct store_write *w;
	int code = store_write_begin(o->store, &w, e);

	if (code != OK)
		return code;
	code = outbox_row_new(o, w, row, e);
	for (unsigned i = 0; i < row->member_count && code == OK; i++)
		code = mark_member(w, row->members[i], t, row->id, now, e);
	if (code == OK)
		return store_write_commit(w, e);
	store_write_abort(w);
	return code;
}

static void drop_members(struct outbox *o, struct target *t, const struct notice_row *row)
{
	struct outbox_item *i = TAILQ_FIRST(&t->items), *next;

	for (unsigned m = 0; i != NULL && m < row->member_count; i = next) {
		next = TAILQ_NEXT(i, link);
		if (!i->is_fresh || i->kind != row->of || i->id != row->members[m])
			continue;
		outbox_drop_item(o, i);
		m++;
	}
}

static int make_digest(
    struct outbox *o, struct target *t, enum notice_kind kind, int64_t now, struct err *e)
{
	struct notice_row *row = digest_row(t, kind, now);
	int code = write_digest(o, row, t, now, e);

	if (code == OK) {
		drop_members(o, t, row);
		outbox_take(o);
	}
	notice_row_free(row);
	return code;
}

static void release(struct target *t, enum notice_kind kind)
{
	struct outbox_item *i;

	TAILQ_FOREACH(i, &t->items, link)
	{
		if (!i->is_fresh || i->kind != kind)
			continue;
		i->is_fresh = false;
		t->fresh--;
	}
}

/* All that is fresh of one kind for one target. */
static int gather_kind(struct outbox *o, struct target *t, enum notice_kind kind, unsigned count,
    int64_t now, struct err *e)
{
	struct flow *f = &t->flows[kind];
	int code = OK;

	if (f->start + FLOW_TIME <= now || f->start > now)
		*f = (struct flow){now, 0};
	if (f->count + count <= FLOW_MOST) {
		f->count += count;
		release(t, kind);
	} else if (f->count == 0) {
		f->count = FLOW_MOST;
		for (; count > 0 && code == OK; count -= count < DIGEST_MOST ? count : DIGEST_MOST)
			code = make_digest(o, t, kind, now, e);
	} else if (t->held_until == 0 || f->start + FLOW_TIME < t->held_until) {
		t->held_until = f->start + FLOW_TIME;
	}
	return code;
}

static int gather_target(struct outbox *o, struct target *t, int64_t now, struct err *e)
{
	unsigned counts[NOTICE_KINDS] = {0};
	const struct outbox_item *i;
	int code = OK;

	TAILQ_FOREACH(i, &t->items, link)
	counts[i->kind] += i->is_fresh;
	t->held_until = 0;
	for (unsigned k = 0; k < NOTICE_KINDS && code == OK; k++) {
		if (counts[k] > 0)
			code = gather_kind(o, t, (enum notice_kind)k, counts[k], now, e);
	}
	return code;
}

int outbox_gather(struct outbox *o, int64_t now, struct err *e)
{
	int code = OK;

	o->is_fresh = false;
	for (unsigned k = 0; k < o->target_count && code == OK; k++) {
		if (o->targets[k]->fresh > 0)
			code = gather_target(o, o->targets[k], now, e);
	}
	o->is_fresh = o->is_fresh || code != OK;
	return code;
}
