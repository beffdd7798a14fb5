/* The verbs that change how keys go on: roll-overs, emergencies, the DS by hand, unsigning.  Each
 * is an edit of the zone's record (keys/edit.h): a dry run applies it to a copy and shows the plan.
 */
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "daemon/verbs/internal.h"

void verbs_requested(void *arg, int code, const char *why)
{
	struct verbs_each *e = arg;
	struct signer_zone *z = signer_zone_by_apex(e->signer, e->zones[e->at]);

	if (code != OK) {
		verbs_each_fail(e, code, why);
		return;
	}
	if (z != NULL)
		signer_life_look(z);
	verbs_each_next(e);
}

/* The DS is recorded as submitted: it can still be handed over once more. */
static bool submit_again(struct verbs_each *e, struct signer_zone *z)
{
	char name[NAME_TEXT_SIZE];

	if (e->edit.kind != EDIT_DS || e->edit.ds != TIME_DS_SUBMITTED || !signer_submit_again(z))
		return false;
	snprintf(e->said, sizeof(e->said), "%s: its DS set is handed to the parent again\n",
	    verbs_zone_text(z, name));
	verbs_each_next(e);
	return true;
}

/* With --json the plan is the answer. */
static bool wants_plan(const struct verbs_each *e)
{
	return e->edit.kind != EDIT_BACKUP && (e->is_dry || ops_flag(e->call, "json"));
}

/* One zone of those that share keys becomes unsigned; the keys go on. */
static void unsign_one(struct verbs_each *e, struct signer_zone *z)
{
	bool is_wanted = e->edit.is_wanted;
	char name[NAME_TEXT_SIZE];
	struct err err = {0};

	if (!e->is_dry && signer_share_unsign(z, is_wanted, &err) != OK) {
		verbs_each_fail(e, err.code, err.text);
		return;
	}
	snprintf(e->said, sizeof(e->said),
	    is_wanted ? "%s: its parent is asked to take out its DS; when none has been there for "
			"its TTL, it is published unsigned; the keys of its policy go on\n"
		      : "%s: it stays signed\n",
	    verbs_zone_text(z, name));
	verbs_each_next(e);
}

/* What an operator says of one zone when several share the keys that he means. */
static void request_of_one(struct verbs_each *e, struct signer_zone *z)
{
	struct err err = {0};
	char why[300];

	if (e->edit.kind == EDIT_DS && e->edit.ds == TIME_DS_GONE && z->share->unsign != 0) {
		if (signer_share_gone(z, &err) == OK)
			verbs_each_next(e);
		else
			verbs_each_fail(e, err.code, err.text);
		return;
	}
	if (e->edit.kind == EDIT_DS && submit_again(e, z))
		return;
	snprintf(why, sizeof(why),
	    "it shares its keys with %u other zone%s of policy %.60s: say -p %.60s, and all of them "
	    "are meant",
	    signer_share_count(z) - 1, signer_share_count(z) == 2 ? "" : "s", z->sign_policy.name,
	    z->sign_policy.name);
	verbs_each_fail(e, ERR_REFUSED, why);
}

/* True: it was dealt with. */
static bool request_shared(struct verbs_each *e, struct signer_zone *z)
{
	if (z->share == NULL)
		return false;
	if (e->edit.kind == EDIT_UNSIGN)
		unsign_one(e, z);
	else if (verbs_each_repeats(e, z))
		verbs_each_skip(e);
	else if (ops_option(e->call, "zone") != NULL && signer_share_count(z) > 1 &&
		 e->edit.kind != EDIT_BACKUP)
		request_of_one(e, z);
	else
		return false;
	return true;
}

void verbs_request(struct verbs_each *e, struct signer_zone *z)
{
	char why[EDIT_WHY_SIZE];
	struct record after;
	struct facts f;
	const struct record *r = verbs_each_record(e, z, &f);
	int code;

	if (r == NULL || request_shared(e, z))
		return;
	e->edit.policy = &z->key_policy;
	e->edit.facts = &f;
	record_copy(r, &after);
	code = edit_apply(&e->edit, &after, clock_calendar(), why);
	if (code == OK && wants_plan(e))
		verbs_plan_add(z, &after, &z->key_policy, &f, false, e->zone_rows, e->zone_held);
	else if (code == OK)
		verbs_tell_edit(z, &e->edit, r, &after, &f, e->said, sizeof(e->said));
	record_free(&after);
	if (code == OK && e->is_dry)
		verbs_each_next(e);
	else if (code == OK)
		keys_request(
		    e->signer->keys, z->owner, &e->edit, clock_calendar(), verbs_requested, e);
	else if (!submit_again(e, z))
		verbs_each_fail(e, code, why);
}

static void show_plan(struct verbs_each *e)
{
	if (wants_plan(e))
		verbs_plan_show(e->call, json_incref(e->rows), json_incref(e->held));
	else if (e->zone_count == 0)
		ops_text(e->call, "no zone is meant\n");
	else if (e->edit.kind != EDIT_DS && e->failed < e->zone_count)
		ops_text(e->call, "\"intaglio rollover list\" shows every step\n");
}

static void verb_key_rollover(void *arg, struct ops_call *c)
{
	verbs_each_start(arg, c, &(struct edit){.kind = EDIT_ROLLOVER}, verbs_request, show_plan);
}

static void verb_key_emergency(void *arg, struct ops_call *c)
{
	verbs_each_start(arg, c, &(struct edit){.kind = EDIT_EMERGENCY}, verbs_request, show_plan);
}

static void verb_zone_unsign(void *arg, struct ops_call *c)
{
	struct edit edit = {.kind = EDIT_UNSIGN, .is_wanted = !ops_flag(c, "cancel")};

	verbs_each_start(arg, c, &edit, verbs_request, show_plan);
}

static void start_ds(struct signer *s, struct ops_call *c, enum key_time what)
{
	verbs_each_start(
	    s, c, &(struct edit){.kind = EDIT_DS, .ds = what}, verbs_request, show_plan);
}

static void verb_ds_submit(void *arg, struct ops_call *c)
{
	start_ds(arg, c, TIME_DS_SUBMITTED);
}

static void verb_ds_seen(void *arg, struct ops_call *c)
{
	start_ds(arg, c, TIME_DS_SEEN);
}

static void verb_ds_retract(void *arg, struct ops_call *c)
{
	start_ds(arg, c, TIME_DS_RETRACTED);
}

static void verb_ds_gone(void *arg, struct ops_call *c)
{
	start_ds(arg, c, TIME_DS_GONE);
}

/* rollover release */

static void verb_rollover_release(void *arg, struct ops_call *c)
{
	struct signer_zone *z = verbs_zone(arg, c);
	const char *server = ops_option(c, "without"), *reason = ops_option(c, "reason");
	char name[NAME_TEXT_SIZE];
	struct err e = {0};

	if (z == NULL)
		return;
	if (signer_observe_release(z, server, reason, ops_requester(c), &e) != OK) {
		ops_fail_err(c, &e);
		return;
	}
	ops_text(c,
	    "%s: %s is not waited for any more; \"intaglio rollover list -z %s\" shows what "
	    "follows\n",
	    verbs_zone_text(z, name), server, name);
	ops_done(c);
}

void verbs_life_register(struct signer *s)
{
	ops_register(s->ops, "key rollover", verb_key_rollover, s);
	ops_register(s->ops, "key emergency", verb_key_emergency, s);
	ops_register(s->ops, "key ds-submit", verb_ds_submit, s);
	ops_register(s->ops, "key ds-seen", verb_ds_seen, s);
	ops_register(s->ops, "key ds-retract", verb_ds_retract, s);
	ops_register(s->ops, "key ds-gone", verb_ds_gone, s);
	ops_register(s->ops, "zone unsign", verb_zone_unsign, s);
	ops_register(s->ops, "rollover release", verb_rollover_release, s);
	verbs_backup_register(s);
	verbs_key_make_register(s);
}
