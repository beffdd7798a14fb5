/* What a request means for a zone, in words: which key, what comes next and when.  Made from the
 * plan of the record with the request in it.  Runs in the signing side. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "daemon/verbs/internal.h"
#include "keys/plan.h"

#define PLAN_YEARS 30
#define PLAN_ROWS 400

struct words {
	const struct signer_zone *zone;
	const struct edit *edit;
	const struct record *after;
	const struct facts *facts;
	char name[NAME_TEXT_SIZE];
	int64_t now;
	char *out;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3))) say(struct words *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (w->len + 1 >= w->size)
		return;
	va_start(ap, fmt);
	n = vsnprintf(w->out + w->len, w->size - w->len, fmt, ap);
	va_end(ap);
	w->len += n < 0 ? 0 : (size_t)n;
	if (w->len >= w->size)
		w->len = w->size - 1;
}

static void say_when(struct words *w, const char *what, int64_t at)
{
	char text[TIME_TEXT_SIZE];

	time_text(at, text);
	if (at != 0)
		say(w, "%s %s", what, at <= w->now ? "now" : text);
}

/* When what happens to one key and to those that come for it */
struct dates {
	unsigned key;
	enum key_role role;
	int64_t publish, submit, hand_over, retire, retract, remove; /* 0: not in the plan */
};

static void first(int64_t *at, int64_t t)
{
	if (*at == 0)
		*at = t;
}

static void note_date(void *arg, const struct plan_row *row)
{
	struct dates *d = arg;

	if (row->key != d->key) {
		if (row->step == ROLL_PUBLISH && row->role == d->role)
			first(&d->publish, row->at);
		if (row->step == ROLL_SUBMIT_DS)
			first(&d->submit, row->at);
		return;
	}
	switch (row->step) {
	case ROLL_HAND_OVER:
		first(&d->hand_over, row->at);
		break;
	case ROLL_RETIRE:
		first(&d->retire, row->at);
		break;
	case ROLL_RETRACT_DS:
		first(&d->retract, row->at);
		break;
	case ROLL_REMOVE:
		first(&d->remove, row->at);
		break;
	default:
		break;
	}
}

static void find_dates(struct words *w, unsigned key, struct dates *d)
{
	struct plan_input in = {.record = w->after,
	    .policy = &w->zone->key_policy,
	    .facts = w->facts,
	    .now = w->now,
	    .until = period_add(w->now, (struct period){12 * PLAN_YEARS, 0}),
	    .rows_max = PLAN_ROWS};

	*d = (struct dates){.key = key, .role = w->after->keys[key].role};
	plan_ahead(&in, false, note_date, d);
}

/* A timetable that caches cannot follow is not followed (R25). */
static void say_late(struct words *w, unsigned key, const struct dates *d)
{
	const struct record_key *k = &w->after->keys[key];
	int64_t wanted = policy_retire_at(&w->zone->key_policy, k, true);

	if (k->times.at[TIME_COMPROMISED] == 0 || k->times.at[TIME_ACTIVE] == 0 || d->retire == 0 ||
	    d->retire <= wanted)
		return;
	say_when(w, "  The timetable would have it stop signing", wanted);
	say(w, "; caches make that unsafe, so it is held back: see \"intaglio rollover list\"\n");
}

static void say_replaced(struct words *w, unsigned key)
{
	const struct record_key *k = &w->after->keys[key];
	struct dates d;

	find_dates(w, key, &d);
	say(w, "%s: %s %u is %s", w->name, key_role_name(k->role), k->tag,
	    w->edit->kind == EDIT_EMERGENCY ? "compromised" : "replaced");
	say_when(w, ": a new key is published", d.publish);
	say(w, "%s", d.publish == 0 ? ": " : "; ");
	if (role_has_ds(k->role)) {
		say_when(w, "the new DS may go up", d.submit);
		say(w, "%s", d.submit == 0 ? "" : ", ");
		say_when(w, "the old DS be withdrawn", d.retract);
		say(w, "%s", d.retract == 0 ? "" : "; ");
	}
	say_when(w, "others sign the zone's data", d.hand_over);
	say(w, "%s", d.hand_over == 0 ? "" : "; ");
	say_when(w, "the old key retires", d.retire);
	say(w, "%s", d.retire == 0 ? "" : ", ");
	say_when(w, "it is removed", d.remove);
	say(w, "\n");
	say_late(w, key, &d);
}

static void say_ds(struct words *w, unsigned key)
{
	const struct record_key *k = &w->after->keys[key];
	const char *what = "";

	switch (w->edit->ds) {
	case TIME_DS_SUBMITTED:
		what = "is to go to the parent; when it is there: \"intaglio key ds-seen\", "
		       "unless the parent's servers are watched";
		break;
	case TIME_DS_SEEN:
		what = "is at the parent, you say; it is relied upon when caches can have it";
		break;
	case TIME_DS_RETRACTED:
		what = "is to be taken out at the parent; when it is out: \"intaglio key "
		       "ds-gone\", unless the parent's servers are watched";
		break;
	default:
		what = "is gone from the parent, you say; its key may go when no cache has it";
		break;
	}
	say(w, "%s: the DS of %s %u %s\n", w->name, key_role_name(k->role), k->tag, what);
}

static void say_backup(struct words *w, unsigned key)
{
	static const char *const words[] = {
	    [KEYS_BACKUP_PREPARE] = "is part of the back-up that begins",
	    [KEYS_BACKUP_COMMIT] = "is backed up",
	    [KEYS_BACKUP_ROLLBACK] = "is not backed up",
	};
	const struct record_key *k = &w->after->keys[key];

	say(w, "%s: %s %u %s\n", w->name, key_role_name(k->role), k->tag, words[w->edit->backup]);
}

static void say_unsign(struct words *w)
{
	struct dates d = {0};

	if (!w->edit->is_wanted) {
		say(w, "%s: stays signed; keys whose DS was taken back are replaced\n", w->name);
		return;
	}
	for (unsigned i = 0; i < w->after->key_count && d.remove == 0; i++)
		if (role_has_ds(w->after->keys[i].role) &&
		    w->after->keys[i].times.at[TIME_REMOVED] == 0)
			find_dates(w, i, &d);
	say(w, "%s: is led back to being unsigned", w->name);
	say_when(w, "; its DS is withdrawn", d.retract);
	say_when(w, "; signatures go", d.remove);
	say(w, "\n  \"intaglio zone unsign -z %s --cancel\" takes it back\n", w->name);
}

void verbs_tell_edit(const struct signer_zone *z, const struct edit *edit,
    const struct record *before, const struct record *after, const struct facts *f, char *out,
    size_t size)
{
	struct words w = {.zone = z,
	    .edit = edit,
	    .after = after,
	    .facts = f,
	    .now = clock_calendar(),
	    .out = out,
	    .size = size};

	verbs_zone_text(z, w.name);
	out[0] = '\0';
	if (edit->kind == EDIT_UNSIGN)
		say_unsign(&w);
	for (unsigned i = 0; i < after->key_count; i++) {
		if (memcmp(&before->keys[i].times, &after->keys[i].times,
			sizeof(before->keys[i].times)) == 0)
			continue;
		if (edit->kind == EDIT_DS)
			say_ds(&w, i);
		else if (edit->kind == EDIT_BACKUP)
			say_backup(&w, i);
		else
			say_replaced(&w, i);
	}
}
