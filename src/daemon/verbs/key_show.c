/* key list: what keys are, what comes next and why.  "Next" is the step that will really be taken,
 * as the plan of the zone has it, or the one that is held back; where there is no plan, what the
 * schedule says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/clock.h"
#include "daemon/verbs/internal.h"
#include "keys/plan.h"

#define PLAN_YEARS 30
#define PLAN_ROWS 400

struct next_step {
	bool has;
	enum key_state state;
	int64_t at; /* 0: not known */
	char why[ROLL_WHY_SIZE + 260];
};

struct listing {
	struct signer *signer;
	struct ops_call *call;
	json_t *keys;
	/* of the zone in hand */
	const uint8_t *apex;
	const struct signer_zone *zone; /* NULL: not configured */
	const struct record *record;	/* NULL: none that can be used */
	struct facts facts;
	struct next_step next[KEYSET_MAX]; /* in the order of the record */
	const struct signer_hold *holds;
	unsigned hold_count;
};

void verbs_id_text(const uint8_t *id, char out[2 * TOKEN_ID_LEN + 1])
{
	for (unsigned i = 0; i < TOKEN_ID_LEN; i++)
		sprintf(out + 2 * i, "%02x", id[i]);
}

bool verbs_means_key(const struct ops_call *c, const struct keyset_key *k)
{
	const char *type = ops_option(c, "key-type"), *tag = ops_option(c, "key-tag"),
		   *id = ops_option(c, "cka-id");
	char hex[2 * TOKEN_ID_LEN + 1];

	verbs_id_text(k->id, hex);
	return (type == NULL || strcasecmp(type, "ALL") == 0 ||
		   strcasecmp(type, key_role_name(k->role)) == 0) &&
	       (tag == NULL || strtoul(tag, NULL, 10) == k->tag) &&
	       (id == NULL || strcasecmp(id, hex) == 0);
}

bool verbs_means_policy(const struct ops_call *c, const struct signer_zone *z)
{
	const char *policy = ops_option(c, "policy");

	return policy == NULL || (z != NULL && strcmp(policy, z->sign_policy.name) == 0);
}

/* What comes next */

static bool state_of_step(enum roll_step step, enum key_state *out)
{
	switch (step) {
	case ROLL_PUBLISH:
		*out = KEY_PUBLISHED;
		return true;
	case ROLL_READY:
		*out = KEY_READY;
		return true;
	case ROLL_ACTIVATE:
		*out = KEY_ACTIVE;
		return true;
	case ROLL_RETIRE:
		*out = KEY_RETIRED;
		return true;
	case ROLL_REMOVE:
		*out = KEY_REMOVED;
		return true;
	default:
		return false;
	}
}

/* Is a key replaced for this reason, of those that this one may stand in for? */
static bool is_any(const struct record *r, unsigned i, enum key_time reason)
{
	for (unsigned j = 0; j < r->key_count; j++) {
		const struct record_key *k = &r->keys[j];

		if (k->times.at[reason] != 0 && k->times.at[TIME_RETIRED] == 0 &&
		    ((role_has_ds(k->role) && role_has_ds(r->keys[i].role)) ||
			(role_has_zone(k->role) && role_has_zone(r->keys[i].role))))
			return true;
	}
	return false;
}

static const char *why_next(const struct record *r, unsigned i, enum key_state to)
{
	if (r->unsign != 0)
		return "the zone is being unsigned";
	if (r->keys[i].times.at[TIME_COMPROMISED] != 0)
		return "it is compromised";
	if (to == KEY_READY)
		return "no cache lacks it then";
	if (to == KEY_REMOVED)
		return "end of post-publication";
	if (to != KEY_RETIRED && is_any(r, i, TIME_COMPROMISED))
		return "another key is compromised";
	return is_any(r, i, TIME_ROLL) ? "roll-over by hand" : "scheduled roll-over";
}

static void take_row(void *arg, const struct plan_row *row)
{
	struct listing *l = arg;
	struct next_step *n;
	enum key_state to;

	if (row->key >= KEYSET_MAX || !state_of_step(row->step, &to) || l->next[row->key].has)
		return;
	n = &l->next[row->key];
	n->has = true;
	n->state = to;
	n->at = row->at;
	snprintf(n->why, sizeof(n->why), "%s", why_next(l->record, row->key, to));
}

static bool is_about(const struct signer_hold *h, const struct record_key *k)
{
	return h->role == k->role && h->tag == k->tag;
}

/* Asked for already, and not safe: that comes next, whenever it may. */
static void take_hold(struct listing *l, const struct signer_hold *h)
{
	enum key_state to;

	for (unsigned i = 0; i < l->record->key_count; i++) {
		struct next_step *n = &l->next[i];

		if (!is_about(h, &l->record->keys[i]) || !state_of_step(h->step, &to))
			continue;
		n->has = true;
		n->state = to;
		n->at = h->until;
		snprintf(n->why, sizeof(n->why), "held back%s%s%s: %s",
		    h->rule[0] == '\0' ? "" : " (", h->rule, h->rule[0] == '\0' ? "" : ")", h->why);
	}
}

static void begin_zone(struct listing *l, struct signer_zone *z, const uint8_t *owner)
{
	int64_t now = clock_calendar();
	struct plan_input in = {.facts = &l->facts,
	    .now = now,
	    .until = period_add(now, (struct period){12 * PLAN_YEARS, 0}),
	    .rows_max = PLAN_ROWS};

	l->apex = owner;
	l->zone = z;
	l->record = z == NULL ? NULL : keys_record(l->signer->keys, owner);
	memset(l->next, 0, sizeof(l->next));
	l->hold_count = 0;
	if (l->record == NULL)
		return;
	verbs_facts(l->zone, &l->facts);
	in.record = l->record;
	in.policy = &l->zone->key_policy;
	plan_ahead(&in, true, take_row, l);
	l->holds = signer_life_holds(l->zone, &l->hold_count);
	for (unsigned i = 0; i < l->hold_count; i++)
		take_hold(l, &l->holds[i]);
}

static json_t *next_json(const struct listing *l, unsigned at, const struct key_info *i)
{
	if (at < KEYSET_MAX)
		return !l->next[at].has
			   ? json_null()
			   : json_pack("{s:s,s:o,s:s}", "state", key_state_name(l->next[at].state),
				 "at", verbs_time(l->next[at].at), "why", l->next[at].why);
	if (!i->has_next)
		return json_null();
	return json_pack("{s:s,s:o,s:s}", "state", key_state_name(i->next_state), "at",
	    verbs_time(i->next_at), "why", i->next_why);
}

/* -v: all that is recorded, and what is held back */

static json_t *times_json(const struct key_times *t)
{
	static const char *const names[KEY_TIMES] = {"generated", "published", "ready", "active",
	    "retired", "removed", "ds_submitted", "ds_seen", "ds_retracted", "ds_gone", "backed_up",
	    "compromised", "roll", "sign_from", "sign_until", "prepared"};
	json_t *times = json_object();

	for (unsigned i = 0; i < KEY_TIMES; i++)
		if (t->at[i] != 0)
			json_object_set_new(times, names[i], verbs_time(t->at[i]));
	return times;
}

static json_t *held_json(const struct listing *l, unsigned key)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < l->hold_count; i++) {
		const struct signer_hold *h = &l->holds[i];

		if (is_about(h, &l->record->keys[key]))
			json_array_append_new(list,
			    json_pack("{s:s,s:s,s:s,s:o,s:o,s:b}", "step", roll_step_name(h->step),
				"rule", h->rule, "why", h->why, "since", verbs_time(h->since),
				"until", verbs_time(h->until), "late", h->is_late));
	}
	return list;
}

static unsigned find_key(const struct listing *l, const uint8_t *id)
{
	for (unsigned i = 0; l->record != NULL && i < l->record->key_count; i++)
		if (memcmp(l->record->keys[i].id, id, TOKEN_ID_LEN) == 0)
			return i;
	return KEYSET_MAX;
}

static void list_key(void *arg, struct signer_zone *z, const struct key_info *i)
{
	struct listing *l = arg;
	char hex[2 * TOKEN_ID_LEN + 1], name[NAME_TEXT_SIZE];
	unsigned at;
	json_t *row;

	if (!verbs_means_key(l->call, i->key) ||
	    !verbs_means_policy(l->call, signer_zone_by_apex(l->signer, i->apex)))
		return;
	if (l->apex != i->apex || l->zone != z)
		begin_zone(l, z, i->apex);
	verbs_id_text(i->key->id, hex);
	name_text(i->apex, name);
	if (l->zone != NULL)
		verbs_zone_text(l->zone, name);
	at = find_key(l, i->key->id);
	row = json_pack("{s:s,s:s,s:s,s:i,s:s,s:s,s:s,s:o,s:o,s:s}", "zone", name, "role",
	    key_role_name(i->key->role), "algorithm", dnskey_algorithm_name(i->key->algorithm),
	    "key_tag", (int)i->key->tag, "id", hex, "state", key_state_name(i->state), "ds",
	    ds_state_name(i->ds), "since", verbs_time(i->since), "next", next_json(l, at, i),
	    "token", i->key->token);
	if (ops_flag(l->call, "verbose") && at < KEYSET_MAX) {
		json_object_set_new(row, "times", times_json(&l->record->keys[at].times));
		json_object_set_new(row, "note", json_string(l->record->keys[at].note));
		json_object_set_new(row, "held", held_json(l, at));
		json_object_set_new(row, "record", json_integer((json_int_t)l->record->sequence));
	}
	json_array_append_new(l->keys, row);
}

/* The next change as flat text, for the table. */
static void flatten_next(json_t *keys)
{
	size_t i;
	json_t *one;

	json_array_foreach(keys, i, one)
	{
		json_t *next = json_object_get(one, "next");

		if (!json_is_object(next))
			continue;
		json_object_set_new(one, "next_state", json_incref(json_object_get(next, "state")));
		json_object_set_new(one, "next_at", json_incref(json_object_get(next, "at")));
	}
}

void verb_key_list(void *arg, struct ops_call *c)
{
	struct listing l = {.signer = arg, .call = c};
	struct signer_zone *z = NULL;
	bool is_verbose = ops_flag(c, "verbose");

	if (ops_option(c, "zone") != NULL && (z = verbs_zone(arg, c)) == NULL)
		return;
	l.keys = json_array();
	verbs_keys_each(l.signer, z, list_key, &l);
	if (!ops_flag(c, "json") && !is_verbose)
		flatten_next(l.keys);
	ops_list(c, json_pack("{s:o}", "keys", l.keys), "keys",
	    is_verbose ? NULL
		       : "zone:Zone,role:Role,state:State,ds:DS,next_state:Next,next_at:At,"
			 "key_tag:Tag");
	ops_done(c);
}
