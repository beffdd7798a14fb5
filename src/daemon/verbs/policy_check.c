/* The verbs that ask whether a policy can be kept: policy check, zone set-policy; and the refusals
 * of zone add and zone import (R25). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/proto.h"
#include "daemon/verbs/internal.h"

/* Findings */

static void add_findings(json_t *list, const char *policy, const struct policy_finding *f,
    unsigned count, enum policy_severity least)
{
	for (unsigned i = 0; i < count; i++)
		if (f[i].severity <= least)
			json_array_append_new(list,
			    json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "policy", policy, "severity",
				policy_severity_name(f[i].severity), "setting", f[i].setting, "sum",
				f[i].sum, "text", f[i].text, "advice", f[i].advice));
}

static void add_alert(json_t *list, const struct signer_zone *z, enum alert_kind kind)
{
	static const char *const names[] = {"ds-late", "ds-wrong"};
	static const char *const advice[] = {
	    "find out why the parent has not taken it; \"intaglio key export --ds\" prints what it should have",
	    "find out who put it there, and have the parent take it out; \"intaglio key export --ds\" prints what it should have"};
	int64_t since;
	const struct alert_finding *f = signer_alert_found(z, kind, &since);

	if (f != NULL)
		json_array_append_new(
		    list, json_pack("{s:s,s:s,s:s,s:o,s:s,s:s}", "kind", names[kind], "severity",
			      f->is_emergency ? "emergency" : "error", "ds", f->tags, "since",
			      verbs_time(since), "text", f->reason, "advice", advice[kind]));
}

json_t *verbs_findings(const struct signer_zone *z)
{
	const struct config_policy *p = config_policy(z->signer->config, z->sign_policy.name);
	struct policy_finding findings[POLICY_FINDINGS_MAX];
	json_t *list = json_array();

	if (p != NULL)
		add_findings(
		    list, p->name, findings, signer_policy_check(z, p, findings), POLICY_WARNING);
	add_alert(list, z, ALERT_LATE);
	add_alert(list, z, ALERT_WRONG);
	return list;
}

void verbs_findings_show(struct ops_call *c, const json_t *list)
{
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
	{
		const char *policy, *severity, *text, *advice, *kind, *ds, *since;

		if (json_unpack(one, "{s:s,s:s,s:s,s:s,s:s,s:s}", "kind", &kind, "severity",
			&severity, "ds", &ds, "since", &since, "text", &text, "advice",
			&advice) == 0)
			ops_text(c, "  %s, %s, DS %s since %s: %s\n    to do: %s\n", kind, severity,
			    ds, since, text, advice);
		if (json_unpack(one, "{s:s,s:s,s:s,s:s}", "policy", &policy, "severity", &severity,
			"text", &text, "advice", &advice) == 0)
			ops_text(c, "  policy %s, %s: %s\n    right would be: %s\n", policy,
			    severity, text, advice);
	}
}

/* The first error ends the call; true then.  Warnings are told. */
static bool refuses(struct ops_call *c, const char *what, const char *policy,
    const struct policy_finding *f, unsigned count)
{
	for (unsigned i = 1; i < count; i++)
		if (f[i].severity != POLICY_NOTE)
			ops_warn(c, "policy %s, %s: %s; right would be: %s", policy,
			    policy_severity_name(f[i].severity), f[i].text, f[i].advice);
	if (policy_has_error(f, count))
		ops_fail(c, "%s: policy %s cannot be kept: %s; right would be: %s", what, policy,
		    f[0].text, f[0].advice);
	else if (count > 0 && f[0].severity == POLICY_WARNING)
		ops_warn(c, "policy %s: %s; right would be: %s", policy, f[0].text, f[0].advice);
	return policy_has_error(f, count);
}

bool verbs_policy_refuses(
    const struct signer *s, struct ops_call *c, const char *what, const char *policy)
{
	const struct config_policy *p = config_policy(s->config, policy);
	struct policy_finding findings[POLICY_FINDINGS_MAX];
	struct policy_question q;
	struct key_policy keys;

	if (p == NULL)
		return false; /* the master says which there are */
	q = config_policy_question(p, &keys);
	return refuses(c, what, policy, findings, policy_check(&q, findings));
}

bool verbs_import_refused(const struct signer *s, struct ops_call *c, const char *entries)
{
	struct config *new = config_parse_cut(entries, NULL);
	const struct config_zone *z = new == NULL ? NULL : new->zones.items;
	bool is_refused = false;

	/* Mistakes are found, and named, by the master. */
	for (unsigned i = 0; new != NULL &&i < new->zones.count && !is_refused; i++) {
		bool is_asked = false;

		for (unsigned k = 0; k < i && !is_asked; k++)
			is_asked = strcmp(z[k].policy, z[i].policy) == 0;
		is_refused = !is_asked &&
			     verbs_policy_refuses(s, c, "none of the zones was added", z[i].policy);
	}
	config_free(new);
	return is_refused;
}

/* The plan under a policy */

struct outlook {
	json_t *findings, *rows, *held;
	bool has_error;
};

static struct outlook outlook_new(void)
{
	return (struct outlook){json_array(), json_array(), json_array(), false};
}

static void look_ahead(
    struct outlook *o, const struct signer_zone *z, const struct config_policy *p)
{
	struct policy_finding findings[POLICY_FINDINGS_MAX];
	const struct record *r = keys_record(z->signer->keys, z->owner);
	struct key_policy keys;
	struct policy_question q = signer_policy_question(z, p, &keys);
	unsigned count = policy_check(&q, findings);
	struct facts f;

	o->has_error = policy_has_error(findings, count);
	add_findings(o->findings, p->name, findings, count, POLICY_NOTE);
	if (r == NULL)
		return;
	verbs_facts(z, &f);
	verbs_plan_add(z, r, &keys, &f, true, o->rows, o->held);
}

/* Takes what o holds. */
static void show_outlook(struct ops_call *c, struct outlook *o, bool has_plan)
{
	if (ops_flag(c, "json")) {
		ops_list(c,
		    json_pack(
			"{s:o,s:o,s:o}", "findings", o->findings, "plan", o->rows, "held", o->held),
		    "plan", "");
		return;
	}
	verbs_findings_show(c, o->findings);
	if (json_array_size(o->findings) == 0)
		ops_text(c, "nothing is wrong\n");
	json_decref(o->findings);
	if (has_plan) {
		ops_text(c, "\n");
		verbs_plan_show(c, o->rows, o->held);
	} else {
		json_decref(o->rows);
		json_decref(o->held);
	}
}

static void end_check(struct ops_call *c, bool has_error)
{
	if (has_error)
		ops_fail(c, "with errors: such a schedule cannot be kept");
	else
		ops_done(c);
}

/* policy check */

static void check_zone(struct signer_zone *z, struct ops_call *c, const struct config_policy *p)
{
	struct outlook o = outlook_new();
	struct key_policy keys;
	struct policy_question q;
	char name[NAME_TEXT_SIZE], ttl[40];

	if (p == NULL)
		p = config_policy(z->signer->config, z->sign_policy.name);
	q = signer_policy_question(z, p, &keys);
	period_text((struct period){0, q.ttl_zone}, ttl);
	if (!ops_flag(c, "json"))
		ops_text(c, "policy %s with zone %s, %s%s:\n", p->name, verbs_zone_text(z, name),
		    q.knows_zone ? "whose longest TTL is " : "whose TTLs are not known yet",
		    q.knows_zone ? ttl : "");
	look_ahead(&o, z, p);
	show_outlook(c, &o, true);
	end_check(c, o.has_error);
}

static void verb_policy_check(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	const char *name = ops_option(c, "policy");
	const struct config_policy *only = name == NULL ? NULL : config_policy(s->config, name);
	const struct config_policy *list = s->config->policies.items;
	struct signer_zone *z = NULL;
	struct outlook o;

	if (name != NULL && only == NULL) {
		ops_fail(c, "there is no policy %s; \"intaglio policy list\" shows those there are",
		    name);
		return;
	}
	if (ops_option(c, "zone") != NULL && (z = verbs_zone(s, c)) == NULL)
		return;
	if (z != NULL) {
		check_zone(z, c, only);
		return;
	}
	o = outlook_new();
	for (unsigned i = 0; i < s->config->policies.count; i++) {
		struct policy_finding findings[POLICY_FINDINGS_MAX];
		struct key_policy keys;
		struct policy_question q = config_policy_question(&list[i], &keys);
		unsigned count = policy_check(&q, findings);

		if (only != NULL && only != &list[i])
			continue;
		add_findings(o.findings, list[i].name, findings, count, POLICY_NOTE);
		o.has_error = o.has_error || policy_has_error(findings, count);
	}
	show_outlook(c, &o, false);
	end_check(c, o.has_error);
}

/* zone set-policy */

struct setting {
	struct ops_call *call;
	char zone[NAME_TEXT_SIZE], policy[STORE_POLICY_MAX];
};

static void was_set(void *arg, bool ok, const char *why)
{
	struct setting *set = arg;

	if (ok) {
		log_notice("zone %s: policy %s was given to it by %s", set->zone, set->policy,
		    ops_requester(set->call));
		ops_text(set->call,
		    "zone %s has policy %s now; \"intaglio rollover list -z %s\" shows what "
		    "follows\n",
		    set->zone, set->policy, set->zone);
		ops_done(set->call);
	} else {
		ops_fail(set->call, "zone %s keeps its policy: %s", set->zone, why);
	}
	free(set);
}

static void set_policy(struct signer_zone *z, struct ops_call *c, const struct config_policy *p)
{
	struct setting *set = mem_alloc(sizeof(*set));
	struct buf body = {0};

	set->call = c;
	verbs_zone_text(z, set->zone);
	snprintf(set->policy, sizeof(set->policy), "%s", p->name);
	buf_str(&body, set->zone);
	buf_str(&body, p->name);
	signer_request(z->signer, PROTO_CONF_POLICY, &body, NULL, was_set, set);
	buf_free(&body);
}

/* Why the zone cannot have the policy, whatever its TTLs; true: the call was ended. */
static bool is_out_of_reach(
    const struct signer_zone *z, struct ops_call *c, const struct config_policy *p)
{
	const struct config_policy *now = config_policy(z->signer->config, z->sign_policy.name);
	char name[NAME_TEXT_SIZE];

	verbs_zone_text(z, name);
	if (z->orphan)
		ops_fail(c,
		    "zone %s is gone from the configuration, so it cannot be given a policy there; "
		    "put it back first",
		    name);
	else if (now != NULL && now != p && (now->shared_keys || p->shared_keys))
		ops_fail(c,
		    "zone %s keeps policy %s: one of the two has keys that its zones share, and a "
		    "zone cannot move to or from such keys; lead it back to being unsigned (zone "
		    "unsign), delete it, and add it with policy %s",
		    name, now->name, p->name);
	else
		return false;
	return true;
}

static void verb_zone_set_policy(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	struct signer_zone *z = verbs_zone(s, c);
	const char *name = ops_option(c, "policy");
	const struct config_policy *p = name == NULL ? NULL : config_policy(s->config, name);
	struct policy_finding findings[POLICY_FINDINGS_MAX];
	struct outlook o;
	char what[NAME_TEXT_SIZE + 40];

	if (z == NULL)
		return;
	if (p == NULL) {
		ops_fail(c, "there is no policy %s; \"intaglio policy list\" shows those there are",
		    name == NULL ? "" : name);
		return;
	}
	if (is_out_of_reach(z, c, p))
		return;
	if (ops_flag(c, "dry-run")) {
		o = outlook_new();
		look_ahead(&o, z, p);
		show_outlook(c, &o, true);
		end_check(c, o.has_error && !ops_flag(c, "force"));
		return;
	}
	snprintf(what, sizeof(what), "zone %s keeps its policy", z->name);
	if (!ops_flag(c, "force") &&
	    refuses(c, what, p->name, findings, signer_policy_check(z, p, findings)))
		return;
	set_policy(z, c, p);
}

void verbs_policy_check_register(struct signer *s)
{
	ops_register(s->ops, "policy check", verb_policy_check, s);
	ops_register(s->ops, "zone set-policy", verb_zone_set_policy, s);
}
