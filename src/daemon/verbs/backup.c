/* The verbs about back-ups: what an operator says about copies of a token's keys that he makes with
 * other tools.  With require_backup no key is published before one was committed (R26). */
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "daemon/verbs/internal.h"

static void add_key(struct verbs_each *e, const struct signer_zone *z, const struct record_key *k,
    const char *token)
{
	char id[2 * TOKEN_ID_LEN + 1], name[NAME_TEXT_SIZE];

	verbs_id_text(k->id, id);
	json_array_append_new(e->zone_rows,
	    json_pack("{s:s,s:s,s:i,s:s,s:s,s:s,s:o,s:o,s:b}", "zone", verbs_zone_text(z, name),
		"role", key_role_name(k->role), "key_tag", (int)k->tag, "id", id, "token",
		token == NULL ? "" : token, "state",
		key_state_name(timeline_state(&k->times, clock_calendar())), "backed_up",
		verbs_time(k->times.at[TIME_BACKED_UP]), "prepared",
		verbs_time(k->times.at[TIME_PREPARED]), "required", z->key_policy.require_backup));
}

/* Zones without such a key are no failure: there is nothing to do for them. */
static void back_up(struct verbs_each *e, struct signer_zone *z)
{
	char why[EDIT_WHY_SIZE];
	struct record after;
	struct facts f;
	const struct record *r = verbs_each_record(e, z, &f);
	int code;

	if (r == NULL)
		return;
	if (verbs_each_repeats(e, z)) {
		verbs_each_skip(e);
		return;
	}
	e->edit.policy = &z->key_policy;
	e->edit.facts = &f;
	record_copy(r, &after);
	code = edit_apply(&e->edit, &after, clock_calendar(), why);
	for (unsigned i = 0; code == OK && i < r->key_count; i++)
		if (memcmp(&r->keys[i].times, &after.keys[i].times, sizeof(r->keys[i].times)) != 0)
			add_key(e, z, &after.keys[i], f.keys[i].token);
	record_free(&after);
	if (code == OK)
		verbs_request(e, z);
	else
		verbs_each_skip(e);
}

static void show_list(struct verbs_each *e)
{
	ops_list(e->call, json_pack("{s:O}", "keys", e->rows), "keys",
	    "zone:Zone,role:Role,key_tag:Tag,state:State,token:Token,backed_up:Backed up,"
	    "prepared:Being backed up,required:Required");
}

static void backed_up(struct verbs_each *e)
{
	static const char *const words[] = {
	    [KEYS_BACKUP_PREPARE] = ("make the copy of the token now, then say \"intaglio backup "
				     "commit\", or \"rollback\" if it failed"),
	    [KEYS_BACKUP_COMMIT] = "these keys may be used",
	    [KEYS_BACKUP_ROLLBACK] = "these keys still lack a back-up",
	};

	if (ops_flag(e->call, "json"))
		show_list(e);
	else if (e->done > 0)
		ops_text(e->call, "%s\n", words[e->edit.backup]);
	else if (e->failed == 0)
		ops_text(e->call, "nothing is to be done: %s\n",
		    e->edit.backup == KEYS_BACKUP_PREPARE
			? "every key is backed up, or being backed up"
			: "no back-up has begun, see \"intaglio backup prepare\"");
}

static void start(struct signer *s, struct ops_call *c, enum keys_backup what)
{
	verbs_each_start(
	    s, c, &(struct edit){.kind = EDIT_BACKUP, .backup = what}, back_up, backed_up);
}

static void verb_prepare(void *arg, struct ops_call *c)
{
	start(arg, c, KEYS_BACKUP_PREPARE);
}

static void verb_commit(void *arg, struct ops_call *c)
{
	start(arg, c, KEYS_BACKUP_COMMIT);
}

static void verb_rollback(void *arg, struct ops_call *c)
{
	start(arg, c, KEYS_BACKUP_ROLLBACK);
}

/* backup list */

static void list_zone(struct verbs_each *e, struct signer_zone *z)
{
	const char *only = e->edit.which.token;
	struct facts f;
	const struct record *r = verbs_each_record(e, z, &f);

	if (r == NULL)
		return;
	for (unsigned i = 0; i < r->key_count; i++) {
		const char *token = f.keys[i].token;

		if (r->keys[i].times.at[TIME_REMOVED] == 0 &&
		    (only == NULL || (token != NULL && strcmp(only, token) == 0)))
			add_key(e, z, &r->keys[i], token);
	}
	verbs_each_next(e);
}

static void verb_list(void *arg, struct ops_call *c)
{
	verbs_each_start(arg, c, NULL, list_zone, show_list);
}

void verbs_backup_register(struct signer *s)
{
	ops_register(s->ops, "backup prepare", verb_prepare, s);
	ops_register(s->ops, "backup commit", verb_commit, s);
	ops_register(s->ops, "backup rollback", verb_rollback, s);
	ops_register(s->ops, "backup list", verb_list, s);
}
