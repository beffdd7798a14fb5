/* timeline: states from times.  Pure functions; runs in the signing side. */
#include "keys/timeline.h"

const char *key_state_name(enum key_state s)
{
	static const char *const names[] = {
	    "generated", "published", "ready", "active", "retired", "removed"};

	return names[s];
}

const char *ds_state_name(enum ds_state s)
{
	static const char *const names[] = {
	    "none", "unsubmitted", "submitted", "seen", "retracted", "gone"};

	return names[s];
}

static bool has_come(const struct key_times *t, enum key_time which, int64_t now)
{
	return t->at[which] != 0 && t->at[which] <= now;
}

enum key_state timeline_state(const struct key_times *t, int64_t now)
{
	enum key_time i = TIME_REMOVED;

	while (i > TIME_GENERATED && !has_come(t, i, now))
		i--;
	return (enum key_state)i;
}

int64_t timeline_since(const struct key_times *t, int64_t now)
{
	return t->at[timeline_state(t, now)];
}

enum ds_state timeline_ds(const struct key_times *t, bool has_ds, int64_t now)
{
	if (!has_ds)
		return DS_NONE;
	if (has_come(t, TIME_DS_GONE, now))
		return DS_GONE;
	if (has_come(t, TIME_DS_RETRACTED, now))
		return DS_RETRACTED;
	if (has_come(t, TIME_DS_SEEN, now))
		return DS_SEEN;
	return has_come(t, TIME_DS_SUBMITTED, now) ? DS_SUBMITTED : DS_UNSUBMITTED;
}

/* A key-signing key vouches for the set from its first day in it (RFC 7583 2.2, Double-KSK); once
 * retired it is published still, and signs nothing. */
struct timeline_duty timeline_duty(
    const struct key_times *t, bool has_ds, bool has_zone, int64_t now)
{
	enum key_state state = timeline_state(t, now);
	struct timeline_duty d = {0};

	d.in_set = state >= KEY_PUBLISHED && state < KEY_REMOVED;
	d.signs_set = has_ds && d.in_set && state < KEY_RETIRED;
	d.signs_zone =
	    has_zone && has_come(t, TIME_SIGN_FROM, now) && !has_come(t, TIME_SIGN_UNTIL, now);
	return d;
}

bool timeline_needs_key(const struct key_times *t)
{
	return t->at[TIME_REMOVED] == 0 ||
	       (t->at[TIME_SIGN_FROM] != 0 && t->at[TIME_SIGN_UNTIL] == 0);
}

/* A change that somebody has fixed already. */
static bool next_recorded(
    const struct key_times *t, enum key_state state, int64_t now, struct timeline_next *out)
{
	for (enum key_state s = state + 1; s <= KEY_REMOVED; s++) {
		if (t->at[s] <= now)
			continue;
		*out = (struct timeline_next){.state = s, .at = t->at[s], .why = "scheduled"};
		return true;
	}
	return false;
}

bool timeline_next(const struct key_times *t, const struct timeline_periods *p, int64_t now,
    struct timeline_next *out)
{
	enum key_state state = timeline_state(t, now);
	int64_t since = t->at[state];

	if (next_recorded(t, state, now, out))
		return true;
	if (p == NULL)
		return false;
	switch (state) {
	case KEY_PUBLISHED:
		*out = (struct timeline_next){
		    KEY_READY, period_add(since, p->prepublish), "publication"};
		return true;
	case KEY_ACTIVE:
		*out = (struct timeline_next){
		    KEY_RETIRED, period_add(since, p->active), "scheduled roll-over"};
		return true;
	case KEY_RETIRED:
		*out = (struct timeline_next){
		    KEY_REMOVED, period_add(since, p->postpublish), "end of post-publication"};
		return true;
	case KEY_GENERATED: /* waits for a roll-over to need it */
	case KEY_READY:	    /* waits for the key before it to retire */
	case KEY_REMOVED:
		break;
	}
	return false;
}
