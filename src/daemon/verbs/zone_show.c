/* The verbs that show zones: list, status. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/verbs/internal.h"
#include "parent/observe.h"

json_t *verbs_time(int64_t t)
{
	char text[TIME_TEXT_SIZE];

	if (t == 0)
		return json_null();
	time_text(t, text);
	return json_string(text);
}

static bool has_version(const struct signer_zone *z)
{
	return z->has_head && z->head.generation != 0;
}

static bool is_unsigned(const struct signer_zone *z)
{
	return has_version(z) && z->head.denial == DENIAL_NONE;
}

/* One word for the list, and the words behind it for the status. */
static const char *zone_state(const struct signer_zone *z)
{
	if (z->run != NULL || z->beside != NULL)
		return "signing";
	if (z->problem[0] != '\0')
		return "problem";
	if (!has_version(z))
		return "waiting";
	return z->head.published ? "published" : "held";
}

static json_t *serial_or_null(bool has, uint32_t serial)
{
	return has ? json_integer(serial) : json_null();
}

/* The operator does not wait for it (R25). */
static json_t *release_json(const struct signer_zone *z, const struct server_status *st)
{
	const struct signer_release *x =
	    st->is_source ? NULL : signer_observe_released(z, st->server);

	if (x == NULL)
		return json_null();
	return json_pack("{s:s,s:s,s:o}", "reason", x->reason, "requester", x->requester, "at",
	    verbs_time(x->at));
}

static json_t *servers_json(const struct signer_zone *z, bool sources)
{
	json_t *list = json_array(), *row;

	for (unsigned i = 0; i < z->server_count; i++) {
		const struct server_status *st = &z->servers[i];

		if (st->is_source != sources)
			continue;
		row = json_pack("{s:s,s:s,s:o,s:s,s:o,s:o}", "server", st->server, "status",
		    signer_status_name(st), "since", verbs_time(st->since), "reason", st->reason,
		    "serial", serial_or_null(st->has_serial, st->serial), "released",
		    release_json(z, st));
		if (!sources)
			verbs_destination_add(row, z, st);
		json_array_append_new(list, row);
	}
	return list;
}

static const char *parent_reason(const struct parent_server *s)
{
	return s->asked == 0 && s->reason[0] == '\0' ? "not asked yet" : s->reason;
}

static json_t *parent_json(const struct signer_zone *z)
{
	const struct parent_view *v = signer_parent_view(z);
	json_t *list = json_array();

	for (unsigned i = 0; v != NULL && i < v->count; i++) {
		const struct parent_server *s = &v->servers[i];
		const char *validated, *why;
		json_t *tags = json_array();

		for (unsigned k = 0; k < s->count; k++) {
			if (s->ds[k].is_there && s->has_answered)
				json_array_append_new(tags, json_integer(s->ds[k].ds.tag));
		}
		validated = signer_parent_validated(z, s, &why);
		json_array_append_new(
		    list, json_pack("{s:s,s:o,s:o,s:s,s:s,s:s}", "server", s->name, "ds", tags,
			      "since", verbs_time(s->changed), "reason", parent_reason(s),
			      "validated", validated, "validation", why));
	}
	return list;
}

static json_t *submit_json(struct signer_zone *z)
{
	struct submit_view v;
	json_t *wanted = json_array();

	signer_submit_view(z, &v);
	for (unsigned i = 0; i < v.wanted_count; i++)
		json_array_append_new(wanted, json_integer(v.wanted[i]));
	return json_pack("{s:s,s:o,s:o,s:b,s:o,s:s,s:s}", "how", v.how, "wanted", wanted,
	    "handed_over", verbs_time(v.handed_over), "running", v.is_running, "next_try",
	    verbs_time(v.next_try), "problem", v.problem, "task", v.task);
}

/* Steps of its keys that are held back (R25). */
static json_t *held_json(const struct signer_zone *z)
{
	json_t *list = json_array();
	unsigned count;
	const struct signer_hold *h = signer_life_holds(z, &count);

	for (unsigned i = 0; i < count; i++, h++)
		json_array_append_new(
		    list, json_pack("{s:s,s:s,s:i,s:s,s:o,s:o,s:b,s:s}", "step",
			      roll_step_name(h->step), "role", key_role_name(h->role), "key_tag",
			      (int)h->tag, "rule", h->rule, "since", verbs_time(h->since), "until",
			      verbs_time(h->until), "late", h->is_late, "why", h->why));
	return list;
}

static json_t *next_event_json(const struct signer_zone *z)
{
	char what[160] = "";
	int64_t at = signer_life_next(z, what, sizeof(what));

	if (has_version(z) && z->head.resign_at != 0 && (at == 0 || z->head.resign_at < at)) {
		at = z->head.resign_at;
		snprintf(what, sizeof(what), "signatures are refreshed");
	}
	if (at == 0)
		snprintf(what, sizeof(what), "%s",
		    is_unsigned(z) ? "none: the zone is unsigned" : "the first version is awaited");
	return json_pack("{s:s,s:o}", "what", what, "at", verbs_time(at));
}

static json_t *zone_json(struct signer_zone *z)
{
	char name[NAME_TEXT_SIZE], why[256] = "";
	int64_t now = clock_calendar();
	const struct zone_head *h = &z->head;
	bool has = has_version(z);
	char barred[STORE_REASON_MAX];
	const char *hold = has && !h->published ? h->hold : "";

	/* What the version was held for may have changed since. */
	if (has && !h->published && !h->foreign_dnssec && signer_parent_bars(z, barred))
		hold = barred;
	keys_zone_status(z->signer->keys, z->owner, why);
	if (why[0] == '\0')
		snprintf(why, sizeof(why), "%s", signer_life_trouble(z));
	return json_pack(
	    "{s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:b,s:s,s:s,s:b,s:b,s:b,s:I,s:I,s:o,s:o,s:o,s:o,s:o}",
	    "zone", verbs_zone_text(z, name), "policy", z->sign_policy.name, "state", zone_state(z),
	    "serial_in", serial_or_null(z->has_head && h->has_in, h->serial_in), "serial_out",
	    serial_or_null(z->has_head && h->has_out, h->serial_out), "runway_seconds",
	    has && !is_unsigned(z) ? json_integer(h->expiry_first - now) : json_null(),
	    "next_event", next_event_json(z), "sources", servers_json(z, true), "destinations",
	    servers_json(z, false), "published", has && h->published, "unsigned", is_unsigned(z),
	    "hold", hold, "problem", z->problem[0] != '\0' ? z->problem : why, "unverified",
	    has && h->unverified, "expired", z->expired, "orphan", z->orphan, "records",
	    (json_int_t)(has ? h->records : 0), "signatures", (json_int_t)(has ? h->signatures : 0),
	    "signed_at", verbs_time(has ? h->signed_at : 0), "parent", parent_json(z), "submit",
	    submit_json(z), "held", held_json(z), "findings", verbs_findings(z));
}

/* One zone after the other, so that ten thousand do not stop everything else meanwhile. */
static void take_zone(struct verbs_each *e, struct signer_zone *z)
{
	json_t *row = zone_json(z);

	verbs_runway_add(row, z);
	if (ops_flag(e->call, "verbose"))
		json_object_set_new(row, "history", verbs_history(z));
	json_array_append_new(e->zone_rows, row);
	verbs_each_next(e);
}

static void show_list(struct verbs_each *e)
{
	ops_list(e->call, json_pack("{s:O}", "zones", e->rows), "zones",
	    "zone:Zone,policy:Policy,state:State,serial_in:In,serial_out:Out,signed_at:Signed");
}

void verb_zone_list(void *arg, struct ops_call *c)
{
	verbs_each_list(arg, c, take_zone, show_list);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s == NULL ? "-" : s;
}

static void show_servers(struct ops_call *c, const json_t *list, const char *what)
{
	size_t i;
	json_t *one, *serial;

	json_array_foreach(list, i, one)
	{
		const char *server = text_of(one, "server"), *reason = text_of(one, "reason");
		const json_t *released = json_object_get(one, "released");

		serial = json_object_get(one, "serial");
		ops_text(c, "  %-12s %s %s since %s", what, server[0] == '\0' ? "(file)" : server,
		    text_of(one, "status"), text_of(one, "since"));
		if (json_is_integer(serial))
			ops_text(c, ", serial %" JSON_INTEGER_FORMAT, json_integer_value(serial));
		if (json_is_object(released))
			ops_text(c, ", not waited for since %s (%s: %s)", text_of(released, "at"),
			    text_of(released, "requester"), text_of(released, "reason"));
		ops_text(c, "%s%s\n", reason[0] == '\0' ? "" : ": ", reason);
		verbs_destination_show(c, one);
	}
}

static void show_parent(struct ops_call *c, const json_t *list)
{
	size_t i, k;
	json_t *one, *tag, *ds;

	json_array_foreach(list, i, one)
	{
		const char *why = text_of(one, "validation");

		ds = json_object_get(one, "ds");
		ops_text(c, "  %-12s %s ", "parent", text_of(one, "server"));
		if (text_of(one, "reason")[0] != '\0') {
			ops_text(c, "what it has is not known: %s\n", text_of(one, "reason"));
			continue;
		}
		ops_text(c, json_array_size(ds) == 0 ? "has no DS" : "has DS");
		json_array_foreach(ds, k, tag)
		    ops_text(c, " %" JSON_INTEGER_FORMAT, json_integer_value(tag));
		ops_text(c, " since %s, %s%s%s\n", text_of(one, "since"), text_of(one, "validated"),
		    why[0] == '\0' ? "" : ": ", why);
	}
}

static void show_submit(struct ops_call *c, const json_t *submit)
{
	const char *problem = text_of(submit, "problem"), *task = text_of(submit, "task");

	if (problem[0] != '\0')
		ops_text(c, "  %-12s %s; tried again at %s\n", "DS", problem,
		    text_of(submit, "next_try"));
	if (json_is_true(json_object_get(submit, "running")))
		ops_text(c, "  %-12s it is being handed over\n", "DS");
	if (task[0] != '\0')
		ops_text(c, "  %-12s %s\n", "DS", task);
}

static void show_held(struct ops_call *c, const json_t *list)
{
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
	{
		const char *rule = text_of(one, "rule"), *until = text_of(one, "until");

		ops_text(c, "  %-12s %s of %s %" JSON_INTEGER_FORMAT "%s%s", "held",
		    text_of(one, "step"), text_of(one, "role"),
		    json_integer_value(json_object_get(one, "key_tag")),
		    rule[0] == '\0' ? "" : ", rule ", rule);
		if (until[0] != '-')
			ops_text(c, ", until %s", until);
		ops_text(c, ": %s%s\n", text_of(one, "why"),
		    json_is_true(json_object_get(one, "late")) ? " (longer than it should)" : "");
	}
}

static void show_serial(struct ops_call *c, const json_t *z, const char *what, const char *key)
{
	json_t *serial = json_object_get(z, key);

	if (json_is_integer(serial))
		ops_text(c, "  %-12s %" JSON_INTEGER_FORMAT "\n", what, json_integer_value(serial));
	else
		ops_text(c, "  %-12s none yet\n", what);
}

static void show_zone(struct ops_call *c, const json_t *z)
{
	json_t *next = json_object_get(z, "next_event");
	const char *hold = text_of(z, "hold"), *problem = text_of(z, "problem");

	ops_text(c, "%s (policy %s): %s%s\n", text_of(z, "zone"), text_of(z, "policy"),
	    text_of(z, "state"),
	    json_is_true(json_object_get(z, "unsigned"))     ? ", UNSIGNED"
	    : json_is_true(json_object_get(z, "unverified")) ? ", UNVERIFIED"
							     : "");
	if (hold[0] != '\0')
		ops_text(c, "  not published: %s\n", hold);
	if (problem[0] != '\0')
		ops_text(c, "  problem:      %s\n", problem);
	if (json_is_true(json_object_get(z, "expired")))
		ops_text(c, "  no source confirmed it within its SOA EXPIRE\n");
	if (json_is_true(json_object_get(z, "orphan")))
		ops_text(c, "  it is gone from the configuration and still served\n");
	show_serial(c, z, "serial in", "serial_in");
	show_serial(c, z, "serial out", "serial_out");
	verbs_runway_show(c, z);
	ops_text(c, "  %-12s %s at %s\n", "next", text_of(next, "what"), text_of(next, "at"));
	show_servers(c, json_object_get(z, "sources"), "source");
	show_servers(c, json_object_get(z, "destinations"), "destination");
	show_parent(c, json_object_get(z, "parent"));
	verbs_findings_show(c, json_object_get(z, "findings"));
	show_submit(c, json_object_get(z, "submit"));
	show_held(c, json_object_get(z, "held"));
	verbs_history_show(c, json_object_get(z, "history"));
}

static void show_status(struct verbs_each *e)
{
	json_t *one;
	size_t i;

	if (ops_flag(e->call, "json")) {
		ops_list(e->call, json_pack("{s:O}", "zones", e->rows), "zones", "zone:Zone");
		return;
	}
	json_array_foreach(e->rows, i, one) show_zone(e->call, one);
	if (json_array_size(e->rows) == 0)
		ops_text(e->call, "no zones\n");
}

void verb_zone_status(void *arg, struct ops_call *c)
{
	verbs_each_list(arg, c, take_zone, show_status);
}
