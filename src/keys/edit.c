/* edit: requests of operators, applied to a record.  Pure; runs in the signing side.
 *
 * Of the keys that are meant each may be changed or not; when none may, the most telling reason is
 * the answer: that of a key in use goes before that of one that was only looked at. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "keys/edit.h"
#include "keys/safety.h"

struct editing {
	const struct edit *edit;
	struct record *record;
	int64_t now;
	char *why;
	bool is_telling; /* why is of a key that the request was about */
};

struct edit_rule {
	bool (*may)(struct editing *x, unsigned i);
	void (*set)(struct editing *x, unsigned i);
	bool is_single; /* one key at a time */
	const char *none;
};

static struct record_key *key_at(const struct editing *x, unsigned i)
{
	return &x->record->keys[i];
}

static enum key_state state_of(const struct editing *x, unsigned i)
{
	return timeline_state(&key_at(x, i)->times, x->now);
}

static bool is_named(const struct edit *e)
{
	return e->which.tag != 0 || e->which.id != NULL;
}

static bool __attribute__((format(printf, 3, 4)))
refuse(struct editing *x, unsigned i, const char *fmt, ...)
{
	const struct record_key *k = key_at(x, i);
	enum key_state s = state_of(x, i);
	bool is_telling = is_named(x->edit) || (s >= KEY_PUBLISHED && s <= KEY_ACTIVE);
	va_list ap;
	int n;

	if (x->is_telling || (x->why[0] != '\0' && !is_telling))
		return false;
	x->is_telling = is_telling;
	n = snprintf(x->why, EDIT_WHY_SIZE, "%s %u: ", key_role_name(k->role), k->tag);
	va_start(ap, fmt);
	vsnprintf(x->why + n, EDIT_WHY_SIZE - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

/* Roll-over */

static bool may_roll(struct editing *x, unsigned i)
{
	const int64_t *at = key_at(x, i)->times.at;

	if (state_of(x, i) != KEY_ACTIVE)
		return refuse(x, i, "it is %s; only an active key rolls over",
		    key_state_name(state_of(x, i)));
	if (x->record->unsign != 0)
		return refuse(x, i, "the zone is being unsigned");
	if (at[TIME_COMPROMISED] != 0)
		return refuse(x, i, "it is compromised, and being replaced already");
	if (at[TIME_ROLL] != 0)
		return refuse(x, i, "its roll-over is under way already");
	return true;
}

/* A long reason may be cut off, the requester never is. */
static void note(struct editing *x, unsigned i)
{
	const struct edit *e = x->edit;

	snprintf(key_at(x, i)->note, sizeof(key_at(x, i)->note), "%.100s (%.50s)",
	    e->reason == NULL ? "no reason given" : e->reason,
	    e->requester == NULL ? "operator" : e->requester);
}

static void set_roll(struct editing *x, unsigned i)
{
	key_at(x, i)->times.at[TIME_ROLL] = x->now;
	note(x, i);
}

/* Emergency.  Without a name what is in use is meant: a key that waits ahead of time is good until
 * it is named. */

static bool may_be_compromised(struct editing *x, unsigned i)
{
	const int64_t *at = key_at(x, i)->times.at;
	enum key_state s = state_of(x, i);

	if (at[TIME_REMOVED] != 0)
		return refuse(x, i, "it is removed");
	if (!is_named(x->edit) && s != KEY_ACTIVE && s != KEY_RETIRED)
		return refuse(
		    x, i, "it is %s, not in use: name it if it is meant", key_state_name(s));
	if (at[TIME_COMPROMISED] != 0)
		return refuse(x, i, "it is reported already");
	return true;
}

static void set_compromised(struct editing *x, unsigned i)
{
	key_at(x, i)->times.at[TIME_COMPROMISED] = x->now;
	note(x, i);
}

/* DS.  What we were told is recorded; what would have the parent do something must be safe. */

static bool is_safe(struct editing *x, unsigned i, enum safety_rule rule)
{
	struct safety s = {.record = x->record, .now = x->now};
	char until[TIME_TEXT_SIZE];
	struct facts facts;
	struct verdict v;

	if (x->edit->facts == NULL)
		return true;
	facts = *x->edit->facts;
	facts_apply_policy(&facts, x->edit->policy);
	s.facts = &facts;
	v = safety_rules[rule].fn(&s, i);
	time_text(v.until, until);
	if (v.is_safe)
		return true;
	if (v.until == 0)
		return refuse(x, i, "not safe now (%s): %s", safety_rules[rule].name, v.why);
	return refuse(x, i, "not safe before %s (%s): %s", until, safety_rules[rule].name, v.why);
}

static bool may_submit(struct editing *x, unsigned i)
{
	const int64_t *at = key_at(x, i)->times.at;
	enum key_state s = state_of(x, i);

	if (s < KEY_PUBLISHED || s > KEY_ACTIVE)
		return refuse(x, i, "it is %s: nobody could follow its DS", key_state_name(s));
	if (at[TIME_COMPROMISED] != 0)
		return refuse(x, i, "it is compromised");
	if (at[TIME_DS_RETRACTED] != 0)
		return refuse(x, i, "its DS was taken back: another key will have one");
	if (at[TIME_DS_SUBMITTED] != 0)
		return refuse(x, i, "its DS is submitted already");
	if (x->record->unsign != 0)
		return refuse(x, i, "the zone is being unsigned");
	return is_safe(x, i, RULE_K0);
}

static bool may_retract(struct editing *x, unsigned i)
{
	const int64_t *at = key_at(x, i)->times.at;

	if (at[TIME_DS_SUBMITTED] == 0)
		return refuse(x, i, "its DS was never submitted");
	if (at[TIME_DS_RETRACTED] != 0)
		return refuse(x, i, "its DS is taken back already");
	return is_safe(x, i, RULE_K2);
}

static bool may_see_ds(struct editing *x, unsigned i)
{
	const int64_t *at = key_at(x, i)->times.at;

	if (at[TIME_DS_SUBMITTED] == 0)
		return refuse(x, i, "its DS was not submitted yet: see `key ds-submit`");
	if (at[TIME_DS_RETRACTED] != 0)
		return refuse(x, i, "its DS is taken back already");
	if (at[TIME_DS_SEEN] != 0)
		return refuse(x, i, "its DS was seen already");
	return true;
}

static bool may_miss_ds(struct editing *x, unsigned i)
{
	const int64_t *at = key_at(x, i)->times.at;

	if (at[TIME_DS_RETRACTED] == 0)
		return refuse(x, i, "its DS is not taken back yet: see `key ds-retract`");
	if (at[TIME_DS_GONE] != 0)
		return refuse(x, i, "its DS is gone already");
	return true;
}

static bool may_ds(struct editing *x, unsigned i)
{
	if (!role_has_ds(key_at(x, i)->role))
		return (is_named(x->edit) || x->edit->which.role != 0) &&
		       refuse(x, i, "a ZSK has no DS");
	switch (x->edit->ds) {
	case TIME_DS_SUBMITTED:
		return may_submit(x, i);
	case TIME_DS_SEEN:
		return may_see_ds(x, i);
	case TIME_DS_RETRACTED:
		return may_retract(x, i);
	default:
		return may_miss_ds(x, i);
	}
}

static void set_ds(struct editing *x, unsigned i)
{
	key_at(x, i)->times.at[x->edit->ds] = x->now;
}

/* Back-up */

static bool may_back_up(struct editing *x, unsigned i)
{
	const int64_t *at = key_at(x, i)->times.at;
	bool prepare = x->edit->backup == KEYS_BACKUP_PREPARE;

	return at[TIME_REMOVED] == 0 && at[TIME_BACKED_UP] == 0 &&
	       (at[TIME_PREPARED] != 0) != prepare;
}

static void set_backup(struct editing *x, unsigned i)
{
	int64_t *at = key_at(x, i)->times.at;

	if (x->edit->backup == KEYS_BACKUP_COMMIT)
		at[TIME_BACKED_UP] = x->now;
	at[TIME_PREPARED] = x->edit->backup == KEYS_BACKUP_PREPARE ? x->now : 0;
}

static const char *no_backup(const struct edit *e)
{
	return e->backup == KEYS_BACKUP_PREPARE ? "every key is backed up, or being backed up"
						: "no back-up has begun: see `backup prepare`";
}

/* All of them */

static const struct edit_rule rules[] = {
    [EDIT_ROLLOVER] = {may_roll, set_roll, false, "it has no such key"},
    [EDIT_EMERGENCY] = {may_be_compromised, set_compromised, false, "it has no such key"},
    [EDIT_DS] = {may_ds, set_ds, true, "it has no such key"},
    [EDIT_BACKUP] = {may_back_up, set_backup, false, NULL},
};

static bool is_meant(const struct editing *x, unsigned i)
{
	const struct keys_which *w = &x->edit->which;
	const struct record_key *k = key_at(x, i);
	const char *token = x->edit->facts == NULL ? NULL : x->edit->facts->keys[i].token;

	return (w->role == 0 || k->role == w->role || k->role == KEY_CSK) &&
	       (w->tag == 0 || k->tag == w->tag) &&
	       (w->id == NULL || memcmp(k->id, w->id, TOKEN_ID_LEN) == 0) &&
	       (w->token == NULL || (token != NULL && strcmp(token, w->token) == 0));
}

static int edit_keys(struct editing *x, const struct edit_rule *rule)
{
	bool is_changed[KEYSET_MAX] = {false};
	unsigned count = 0;

	for (unsigned i = 0; i < x->record->key_count; i++) {
		is_changed[i] = is_meant(x, i) && rule->may(x, i);
		count += is_changed[i];
	}
	if (count == 0) {
		if (x->why[0] == '\0')
			snprintf(x->why, EDIT_WHY_SIZE, "%s",
			    rule->none != NULL ? rule->none : no_backup(x->edit));
		return ERR_REFUSED;
	}
	if (count > 1 && rule->is_single) {
		snprintf(x->why, EDIT_WHY_SIZE,
		    "%u of its keys may be meant: say which, with its key tag or CKA_ID", count);
		return ERR_REFUSED;
	}
	for (unsigned i = 0; i < x->record->key_count; i++)
		if (is_changed[i])
			rule->set(x, i);
	return OK;
}

static int edit_unsign(struct editing *x)
{
	bool is_wanted = x->edit->is_wanted;

	if ((x->record->unsign != 0) == is_wanted) {
		snprintf(x->why, EDIT_WHY_SIZE, "%s",
		    is_wanted ? "it is on its way to being unsigned already"
			      : "it is not being unsigned");
		return ERR_REFUSED;
	}
	x->record->unsign = is_wanted ? x->now : 0;
	return OK;
}

int edit_apply(const struct edit *e, struct record *r, int64_t now, char why[EDIT_WHY_SIZE])
{
	struct editing x = {.edit = e, .record = r, .now = now, .why = why};
	int code;

	why[0] = '\0';
	code = e->kind == EDIT_UNSIGN ? edit_unsign(&x) : edit_keys(&x, &rules[e->kind]);
	if (code == OK)
		why[0] = '\0';
	return code;
}
