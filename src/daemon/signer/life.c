/* A zone's keys go on: what is known of it is gathered, what has to be done is done, and the zone
 * is signed again with what follows.  Runs in the signing side.
 *
 * A look is asked for by whoever learnt something (signer_life_look), taken in the zone's turn
 * (signer/schedule.c), and repeated until nothing changes any more; then the calendar holds the
 * next. A zone about which nothing is learnt and nothing is due costs nothing. */
#include "daemon/signer/life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/tell.h"
#include "keys/plan.h"

#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS 300000
#define RETRIES_LIKELY 2 /* a retry after more failures waits for the operator, most likely */
#define PLAN_YEARS 30
#define PLAN_ROWS 8 /* one of them is a step of ours */

/* The look */

static void look_now(void *arg)
{
	struct zone_life *l = arg;

	l->is_wanted = true;
	signer_zone_step(l->zone);
}

static void look_due(void *arg, int64_t due)
{
	struct zone_life *l = arg;

	(void)due;
	l->is_due = true;
	look_now(l);
}

static void look_after_rest(struct zone_life *l, uint64_t ms)
{
	if (l->rest == NULL)
		l->rest = loop_timer_new(l->zone->signer->loop, look_now, l);
	if (!loop_timer_is_set(l->rest))
		loop_timer_set(l->rest, ms);
}

void signer_life_look(struct signer_zone *any)
{
	struct zone_life *l = signer_share_leader(any)->life;
	uint64_t rest = signer_share_news(any);

	if (l == NULL)
		return;
	if (rest > 0)
		look_after_rest(l, rest);
	else
		look_now(l);
}

/* Does it change when something about a DS does? */
static int64_t sum_of_ds(const struct record *r)
{
	int64_t sum = r->unsign;

	for (unsigned i = 0; i < r->key_count; i++) {
		for (enum key_time t = TIME_DS_SUBMITTED; t <= TIME_DS_GONE; t++)
			sum += r->keys[i].times.at[t];
	}
	return sum;
}

/* The current version was made by other keys, or by keys that did something else. */
void life_look_at_set(struct signer_zone *z)
{
	int64_t now = clock_calendar();
	struct keyset ks;
	struct err e = {0};

	if (!z->has_head || z->head.generation == 0 || z->run != NULL ||
	    signer_zone_keyset(z, now, &ks, &e) != OK)
		return;
	if (sign_keyset_mark(&ks) == z->head.keyset)
		return;
	z->due = true;
	signer_zone_step(z);
}

static void plan_next_look(struct zone_life *l)
{
	const struct signer_zone *z = l->zone;
	int64_t now = clock_calendar(), next = keys_next_look(z->signer->keys, z->owner);
	int64_t late = life_holds_note(l, now), shared = signer_share_due(z);
	int64_t tell = signer_tell_next(z);

	next = tell < next ? tell : next;
	next = late < next ? late : next;
	next = shared < next ? shared : next;
	if (next == POLICY_NEVER)
		loop_event_stop(l->look);
	else
		loop_event_set(l->look, next > now ? next : now + 1);
}

static void come_to_rest(struct zone_life *l)
{
	plan_next_look(l);
	signer_share_each(l->zone, signer_tell_after);
}

static void step_failed(struct zone_life *l, int code, const char *why)
{
	uint64_t wait = RETRY_FIRST_MS << (l->failures < 9 ? l->failures : 9);

	/* Somebody else may only be changing them. */
	if (code != ERR_AGAIN && strncmp(l->trouble, why, sizeof(l->trouble) - 1) != 0) {
		log_error("zone %s: its keys do not go on: %s", l->zone->name, why);
		snprintf(l->trouble, sizeof(l->trouble), "%s", why);
	}
	l->failures++;
	if (l->retry == NULL)
		l->retry = loop_timer_new(l->zone->signer->loop, look_now, l);
	loop_timer_set(l->retry, wait < RETRY_MOST_MS ? wait : RETRY_MOST_MS);
}

static void step_went_well(struct zone_life *l)
{
	if (l->trouble[0] != '\0')
		log_notice("zone %s: its keys go on again", l->zone->name);
	l->failures = 0;
	l->trouble[0] = '\0';
	if (l->retry != NULL)
		loop_timer_stop(l->retry);
}

static void tell_idle(struct zone_life *l)
{
	loop_fn *fn = l->idle;

	l->idle = NULL;
	if (fn != NULL)
		fn(l->idle_arg);
}

static void stepped(void *arg, int code, const char *why)
{
	struct zone_life *l = arg;
	struct signer_zone *z = l->zone;
	const struct record *r;
	bool has_changed, was_due = l->is_due;

	l->is_stepping = l->is_due = false;
	if (z == NULL) {
		free(l);
		return;
	}
	if (z->deleting) {
		tell_idle(l);
		return;
	}
	r = keys_record(z->signer->keys, z->owner);
	has_changed = r != NULL && r->sequence != l->sequence;
	if (r != NULL && sum_of_ds(r) != l->ds_changes)
		signer_share_each(z, signer_parent_look);
	if (code == OK)
		step_went_well(l);
	else if (code != ERR_AGAIN || !has_changed)
		step_failed(l, code, why);
	if (has_changed) /* something may follow from it */
		signer_life_look(z);
	else
		come_to_rest(l);
	if (has_changed || was_due || z->group == NULL) {
		signer_share_each(z, life_look_at_set);
		signer_share_each(z, signer_submit_look);
		signer_share_each(z, signer_alert_look);
		signer_share_each(z, signer_cds_look);
	}
	tell_idle(l);
}

void signer_life_turn(struct signer_zone *z)
{
	struct zone_life *l = z->life;
	const struct record *r;
	struct facts facts;
	char why[256];

	if (l == NULL || !l->is_wanted || l->is_stepping)
		return;
	r = keys_record(z->signer->keys, z->owner);
	if (r == NULL || keys_zone_status(z->signer->keys, z->owner, why) != KEYS_GOOD)
		return; /* looked at again when the tokens were read */
	if (z->share != NULL && signer_share_leader(z) != z) {
		l->is_wanted = false;
		signer_life_look(z);
		return;
	}
	if (z->group != NULL)
		signer_share_look(z, &facts);
	else
		signer_zone_facts(z, &facts);
	signer_share_each(z, signer_tell_before);
	l->is_wanted = false;
	l->is_stepping = true;
	l->sequence = r->sequence;
	l->ds_changes = sum_of_ds(r);
	keys_step(z->signer->keys, z->owner, &z->key_policy, &facts, clock_calendar(), stepped, l);
}

/* What others tell and ask */

void signer_life_begin(struct signer_zone *z)
{
	if (z->life != NULL && !z->has_head)
		z->life->is_news = true;
	signer_life_look(z);
}

void signer_life_version(struct signer_zone *z, const struct keyset *ks)
{
	if (z->life == NULL)
		return;
	if (z->head.published) {
		life_ttls_version(z->life, clock_calendar());
		signer_observe_version(z, ks);
		signer_cds_look(z);
	}
	life_look_at_set(z);
}

bool signer_life_is_busy(const struct signer_zone *z)
{
	const struct zone_life *l = z->life;

	return l != NULL && (l->is_stepping || (l->rest != NULL && loop_timer_is_set(l->rest)) ||
				(l->retry != NULL && loop_timer_is_set(l->retry) &&
				    l->failures <= RETRIES_LIKELY));
}

void signer_life_when_idle(struct signer_zone *z, loop_fn *fn, void *arg)
{
	if (z->life == NULL || !z->life->is_stepping) {
		fn(arg);
		return;
	}
	z->life->idle = fn;
	z->life->idle_arg = arg;
}

const char *signer_life_trouble(const struct signer_zone *z)
{
	return z->life == NULL ? "" : z->life->trouble;
}

int64_t signer_life_due(const struct signer_zone *z)
{
	return z->life == NULL ? 0 : loop_event_due(z->life->look);
}

struct first_row {
	int64_t at;
	char *what;
	size_t size;
};

static void take_row(void *arg, const struct plan_row *row)
{
	struct first_row *f = arg;
	char tag[16] = "(new)";

	/* When the parent does its part is anybody's guess. */
	if (f->at != 0 || row->step == ROLL_DS_SEEN || row->step == ROLL_DS_GONE)
		return;
	if (row->tag != 0)
		snprintf(tag, sizeof(tag), "%u", row->tag);
	f->at = row->at;
	snprintf(f->what, f->size, "%s %s: %s", key_role_name(row->role), tag,
	    roll_step_name(row->step));
}

int64_t signer_life_next(const struct signer_zone *z, char *what, size_t size)
{
	const struct record *r = keys_record(z->signer->keys, z->owner);
	struct first_row first = {0, what, size};
	int64_t now = clock_calendar();
	struct facts facts;
	struct plan_input in = {.record = r,
	    .policy = &z->key_policy,
	    .facts = &facts,
	    .now = now,
	    .until = period_add(now, (struct period){12 * PLAN_YEARS, 0}),
	    .rows_max = PLAN_ROWS};

	if (r == NULL)
		return 0;
	signer_life_facts(z, &facts);
	plan_make(&in, take_row, &first);
	return first.at;
}

/* Kept, configured, dropped */

int signer_life_save(const struct signer_zone *z, struct store_write *w, struct err *e)
{
	struct buf value = {0};
	int code;

	if (z->life == NULL || z->life->ttls.serial == 0)
		return OK;
	life_ttls_write(z->life, &value);
	code = store_write_meta(w, META_TTLS, z->key, z->key_len, value.data, value.len, e);
	buf_free(&value);
	return code;
}

int signer_life_forget(const struct signer_zone *z, struct store_write *w, struct err *e)
{
	int code = store_write_meta(w, META_TTLS, z->key, z->key_len, NULL, 0, e);

	if (code == OK)
		code = store_write_meta(w, META_RELEASES, z->key, z->key_len, NULL, 0, e);
	return code;
}

void signer_life_configure(struct signer_zone *z, struct snapshot *sn)
{
	struct zone_life *l;

	if (z->life != NULL)
		return;
	l = z->life = mem_alloc(sizeof(*l));
	l->zone = z;
	l->look = loop_event_new(z->signer->loop, look_due, l);
	life_ttls_load(l, sn);
	l->is_wanted = true;
}

void signer_life_free(struct signer_zone *z)
{
	struct zone_life *l = z->life;

	z->life = NULL;
	if (l == NULL)
		return;
	loop_event_free(l->look);
	loop_timer_free(l->retry);
	loop_timer_free(l->rest);
	free(l->holds);
	l->zone = NULL;
	if (!l->is_stepping)
		free(l);
}
