/* Plans, shown: rollover list and every --dry-run.  The plan itself is made by keys/plan.h, on a
 * copy of the record, by the function that acts. */
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "daemon/verbs/internal.h"
#include "keys/plan.h"

#define PLAN_YEARS 30
#define PLAN_ROWS 400 /* of a zone */

void verbs_facts(const struct signer_zone *z, struct facts *f)
{
	memset(f, 0, sizeof(*f));
	signer_life_facts(z, f);
	keys_fill_tokens(z->signer->keys, z->owner, f);
}

/* Rows */

struct plan_rows {
	const char *zone;
	json_t *list;
};

static json_t *tags_json(const uint16_t *tags, unsigned count)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(list, json_integer(tags[i]));
	return list;
}

static void add_row(void *arg, const struct plan_row *row)
{
	struct plan_rows *rows = arg;

	json_array_append_new(rows->list,
	    json_pack("{s:o,s:s,s:s,s:i,s:s,s:s,s:o,s:o}", "at", verbs_time(row->at), "zone",
		rows->zone, "step", roll_step_name(row->step), "key_tag", (int)row->tag, "role",
		key_role_name(row->role), "algorithm", dnskey_algorithm_name(row->algorithm),
		"dnskeys", tags_json(row->dnskeys, row->dnskey_count), "ds",
		tags_json(row->ds, row->ds_count)));
}

static void add_held(json_t *held, const char *zone, enum roll_step step, enum key_role role,
    uint16_t tag, const char *rule, const char *why, int64_t until)
{
	json_array_append_new(
	    held, json_pack("{s:s,s:s,s:i,s:s,s:s,s:s,s:o}", "zone", zone, "step",
		      roll_step_name(step), "key_tag", (int)tag, "role", key_role_name(role),
		      "rule", rule, "why", why, "until", verbs_time(until)));
}

/* As the last look found it, with the servers that are waited for by name. */
static void add_held_now(const struct signer_zone *z, const char *zone, json_t *held)
{
	unsigned count;
	const struct signer_hold *h = signer_life_holds(z, &count);

	for (unsigned i = 0; i < count; i++)
		add_held(
		    held, zone, h[i].step, h[i].role, h[i].tag, h[i].rule, h[i].why, h[i].until);
}

/* As a look would find it. */
static void add_held_then(const char *zone, const struct plan_input *in, json_t *held)
{
	struct roll_input step = {in->record, in->policy, in->facts, in->now, NULL};
	struct roll_result res;

	roll_step(&step, &res);
	for (unsigned i = 0; i < res.held_count; i++) {
		const struct roll_held *h = &res.held[i];
		const struct record_key *k = &in->record->keys[h->key];

		add_held(held, zone, h->step, k->role, k->tag, h->rule, h->why, h->until);
	}
}

void verbs_plan_add(const struct signer_zone *z, const struct record *r, const struct key_policy *p,
    const struct facts *f, bool with_next, json_t *rows, json_t *held)
{
	int64_t now = clock_calendar();
	struct plan_input in = {.record = r,
	    .policy = p,
	    .facts = f,
	    .now = now,
	    .until = period_add(now, (struct period){12 * PLAN_YEARS, 0}),
	    .rows_max = PLAN_ROWS};
	char name[NAME_TEXT_SIZE];
	struct plan_rows out = {verbs_zone_text(z, name), rows};

	plan_ahead(&in, with_next, add_row, &out);
	if (r == keys_record(z->signer->keys, z->owner) && p == &z->key_policy)
		add_held_now(z, name, held);
	else
		add_held_then(name, &in, held);
}

/* Shown */

static void put_tags(json_t *row, const char *from, const char *to)
{
	char text[8 * KEYSET_MAX + 1] = "";
	size_t i, at = 0;
	json_t *tag;

	json_array_foreach(json_object_get(row, from), i, tag)
	{
		const char *comma = i == 0 ? "" : ",";

		if (json_integer_value(tag) == 0)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%snew", comma);
		else
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%d", comma,
			    (int)json_integer_value(tag));
	}
	json_object_set_new(row, to, json_string(text));
}

/* For people a key that is still to be made is "new", not 0. */
static void add_text(json_t *rows)
{
	char key[32];
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *role = json_string_value(json_object_get(row, "role"));
		int tag = (int)json_integer_value(json_object_get(row, "key_tag"));

		if (tag == 0)
			snprintf(key, sizeof(key), "%s (new)", role);
		else
			snprintf(key, sizeof(key), "%s %d", role, tag);
		json_object_set_new(row, "key", json_string(key));
		put_tags(row, "dnskeys", "dnskey_set");
		put_tags(row, "ds", "ds_set");
	}
}

void verbs_plan_show(struct ops_call *c, json_t *rows, json_t *held)
{
	if (!ops_flag(c, "json")) {
		add_text(rows);
		add_text(held);
	}
	ops_list(c, json_pack("{s:O,s:O}", "plan", rows, "held", held), "plan",
	    "at:At,zone:Zone,step:Step,key:Key,dnskey_set:DNSKEY set,ds_set:DS set");
	if (!ops_flag(c, "json") && json_array_size(held) > 0) {
		ops_text(c, "\nHeld back now:\n");
		ops_list(c, json_pack("{s:O}", "held", held), "held",
		    "zone:Zone,step:Step,key:Key,rule:Rule,until:Until,why:Why");
	}
	json_decref(rows);
	json_decref(held);
}

/* rollover list */

static void list_zone(struct verbs_each *e, struct signer_zone *z)
{
	struct facts f;
	const struct record *r = verbs_each_record(e, z, &f);

	if (r == NULL)
		return;
	verbs_plan_add(z, r, &z->key_policy, &f, true, e->zone_rows, e->zone_held);
	verbs_each_next(e);
}

static void show_list(struct verbs_each *e)
{
	verbs_plan_show(e->call, json_incref(e->rows), json_incref(e->held));
}

static void verb_rollover_list(void *arg, struct ops_call *c)
{
	verbs_each_start(arg, c, NULL, list_zone, show_list);
}

void verbs_plan_register(struct signer *s)
{
	ops_register(s->ops, "rollover list", verb_rollover_list, s);
}
