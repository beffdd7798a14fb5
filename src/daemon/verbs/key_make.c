/* The verbs that make and destroy keys ahead of, and behind, the schedule, and the one that accepts
 * an older record: key generate, key purge, key accept-record. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/verbs/internal.h"
#include "keys/roll.h"

/* key generate: one role after the other */

static unsigned wanted_roles(
    const struct verbs_each *e, const struct signer_zone *z, enum key_role out[2])
{
	if (e->edit.which.role == 0)
		return policy_roles(&z->key_policy, out);
	out[0] = e->edit.which.role;
	return 1;
}

static void generate(struct verbs_each *e, struct signer_zone *z);

/* The newest key is the last of the record. */
static void say_generated(struct verbs_each *e, const struct signer_zone *z)
{
	const struct record *r = keys_record(e->signer->keys, z->owner);
	size_t len = strlen(e->said);
	char name[NAME_TEXT_SIZE];

	if (r == NULL || r->key_count == 0)
		return;
	snprintf(e->said + len, sizeof(e->said) - len,
	    "%s: %s %u is made; it is used when the schedule or a roll-over needs it%s\n",
	    verbs_zone_text(z, name), key_role_name(r->keys[r->key_count - 1].role),
	    r->keys[r->key_count - 1].tag,
	    z->key_policy.require_backup ? ", not before it is backed up" : "");
}

static void generated(void *arg, int code, const char *why)
{
	struct verbs_each *e = arg;
	struct signer_zone *z = signer_zone_by_apex(e->signer, e->zones[e->at]);

	if (code != OK || z == NULL) {
		verbs_each_fail(
		    e, code != OK ? code : ERR_MISSING, code != OK ? why : "it is gone");
		return;
	}
	say_generated(e, z);
	e->role_at++;
	generate(e, z);
}

static void generate(struct verbs_each *e, struct signer_zone *z)
{
	enum key_role roles[2];
	unsigned count = wanted_roles(e, z, roles);

	if (verbs_each_repeats(e, z)) {
		verbs_each_skip(e);
		return;
	}
	if (e->role_at < count) {
		keys_request_generate(e->signer->keys, z->owner, &z->key_policy, roles[e->role_at],
		    clock_calendar(), generated, e);
		return;
	}
	signer_life_look(z);
	verbs_each_next(e);
}

static void verb_key_generate(void *arg, struct ops_call *c)
{
	verbs_each_start(arg, c, NULL, generate, NULL);
}

/* key purge */

static void add_purged(
    struct verbs_each *e, const struct signer_zone *z, const struct record_key *k)
{
	char id[2 * TOKEN_ID_LEN + 1], name[NAME_TEXT_SIZE];

	verbs_id_text(k->id, id);
	json_array_append_new(
	    e->zone_rows, json_pack("{s:s,s:s,s:i,s:s,s:o}", "zone", verbs_zone_text(z, name),
			      "role", key_role_name(k->role), "key_tag", (int)k->tag, "id", id,
			      "removed", verbs_time(k->times.at[TIME_REMOVED])));
}

/* Of the zone's plan what would be destroyed now. */
static void add_plan(struct verbs_each *e, const struct signer_zone *z, const struct roll_input *in)
{
	json_t *rows = json_array(), *held = json_array(), *row;
	char now[TIME_TEXT_SIZE];
	size_t i;

	time_text(in->now, now);
	verbs_plan_add(z, in->record, in->policy, in->facts, false, rows, held);
	json_array_foreach(rows, i, row)
	{
		const char *step = json_string_value(json_object_get(row, "step"));
		const char *at = json_string_value(json_object_get(row, "at"));

		if (strcmp(step, roll_step_name(ROLL_DESTROY)) == 0 && strcmp(at, now) == 0)
			json_array_append(e->zone_rows, row);
	}
	json_decref(rows);
	json_decref(held);
}

static void purge(struct verbs_each *e, struct signer_zone *z)
{
	struct roll_result res;
	struct facts f;
	const struct record *r = verbs_each_record(e, z, &f);
	struct roll_input in = {r, &z->key_policy, &f, clock_calendar(), NULL};

	if (r == NULL)
		return;
	if (verbs_each_repeats(e, z)) {
		verbs_each_skip(e);
		return;
	}
	if (e->is_dry) {
		add_plan(e, z, &in);
		verbs_each_next(e);
		return;
	}
	roll_step(&in, &res);
	for (unsigned i = 0; i < res.change_count; i++)
		if (res.changes[i].step == ROLL_DESTROY)
			add_purged(e, z, &r->keys[res.changes[i].key]);
	if (json_array_size(e->zone_rows) == 0)
		verbs_each_skip(e);
	else
		keys_request_purge(
		    e->signer->keys, z->owner, &z->key_policy, &f, in.now, verbs_requested, e);
}

static void show_purged(struct verbs_each *e)
{
	bool is_json = ops_flag(e->call, "json");

	if (!is_json && json_array_size(e->rows) == 0) {
		ops_text(e->call, "no key was removed long enough ago\n");
		return;
	}
	if (e->is_dry) {
		verbs_plan_show(e->call, json_incref(e->rows), json_incref(e->held));
		return;
	}
	if (!is_json)
		ops_text(e->call, "Destroyed:\n");
	ops_list(e->call, json_pack("{s:O}", "keys", e->rows), "keys",
	    "zone:Zone,role:Role,key_tag:Tag,removed:Removed,id:CKA_ID");
}

static void verb_key_purge(void *arg, struct ops_call *c)
{
	verbs_each_start(arg, c, NULL, purge, show_purged);
}

/* key accept-record */

struct accepting {
	struct signer *signer;
	struct ops_call *call;
	uint64_t sequence;
	uint8_t apex[NAME_MAX_LEN];
};

static void accepted(void *arg, int code, const char *why)
{
	struct accepting *a = arg;
	struct signer_zone *z = signer_zone_by_apex(a->signer, a->apex);
	char name[NAME_TEXT_SIZE];

	name_text(a->apex, name);
	if (z != NULL)
		verbs_zone_text(z, name);
	if (code != OK) {
		ops_fail(a->call, "%s: %s", name, why);
	} else {
		log_notice("zone %s: its record %llu is accepted by %s", name,
		    (unsigned long long)a->sequence, ops_requester(a->call));
		ops_text(a->call, "%s goes on with record %llu\n", name,
		    (unsigned long long)a->sequence);
		if (z != NULL) {
			signer_zone_step(z);
			signer_life_look(z);
		}
		ops_done(a->call);
	}
	free(a);
}

static void verb_accept_record(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	struct signer_zone *z = verbs_zone(s, c);
	const char *text = ops_option(c, "sequence");
	struct accepting *a;
	char *end;

	if (z == NULL)
		return;
	a = mem_alloc(sizeof(*a));
	*a = (struct accepting){.signer = s, .call = c, .sequence = strtoull(text, &end, 10)};
	memcpy(a->apex, z->apex, sizeof(a->apex));
	if (!isdigit((unsigned char)text[0]) || *end != '\0') {
		ops_fail(c, "--sequence %.60s is not a number", text);
		free(a);
		return;
	}
	keys_accept_record(s->keys, z->owner, a->sequence, accepted, a);
}

void verbs_key_make_register(struct signer *s)
{
	ops_register(s->ops, "key generate", verb_key_generate, s);
	ops_register(s->ops, "key purge", verb_key_purge, s);
	ops_register(s->ops, "key accept-record", verb_accept_record, s);
}
