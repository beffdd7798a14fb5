/* The verbs that show watched domains: monitor list, status, history; and look, which has one
 * looked at now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/signer/monitor.h"
#include "daemon/verbs/internal.h"

#define PER_TURN 64 /* domains, before others have their turn */

/* One domain after the other, so that ten thousand do not stop everything else meanwhile. */

typedef json_t *row_fn(struct monitor *m);
struct showing {
	struct signer *signer;
	struct ops_call *call;
	row_fn *row;
	void (*end)(struct showing *sh);
	json_t *rows;
	uint8_t (*domains)[NAME_MAX_LEN];
	unsigned count, at;
};

static struct monitor *domain_of(struct signer *s, const uint8_t *apex)
{
	char name[NAME_TEXT_SIZE];

	name_text(apex, name);
	return signer_monitor_by_name(s, name);
}

static void show_some(void *arg)
{
	struct showing *sh = arg;

	for (unsigned n = 0; n < PER_TURN && sh->at < sh->count; n++) {
		struct monitor *m = domain_of(sh->signer, sh->domains[sh->at++]);

		if (m != NULL)
			json_array_append_new(sh->rows, sh->row(m));
	}
	if (sh->at < sh->count) {
		loop_soon(sh->signer->loop, show_some, sh);
		return;
	}
	sh->end(sh);
	ops_done(sh->call);
	json_decref(sh->rows);
	free(sh->domains);
	free(sh);
}

static struct monitor *named(struct signer *s, struct ops_call *c)
{
	const char *name = ops_option(c, "zone");
	struct monitor *m = name == NULL ? NULL : signer_monitor_by_name(s, name);

	if (m == NULL)
		ops_fail(c, "%s is not watched; \"intaglio monitor list\" shows what is",
		    name == NULL ? "nothing" : name);
	return m;
}

static void show(struct signer *s, struct ops_call *c, row_fn *row, void (*end)(struct showing *sh))
{
	struct monitor *const *list;
	struct monitor *one = NULL;
	unsigned count = signer_monitors_list(s, &list);
	struct showing *sh;

	if (ops_option(c, "zone") != NULL && (one = named(s, c)) == NULL)
		return;
	sh = mem_alloc(sizeof(*sh));
	sh->signer = s;
	sh->call = c;
	sh->row = row;
	sh->end = end;
	sh->rows = json_array();
	sh->domains = mem_array(count + 1, sizeof(*sh->domains));
	for (unsigned i = 0; i < count; i++) {
		if (one == NULL || one == list[i])
			memcpy(sh->domains[sh->count++], list[i]->apex, NAME_MAX_LEN);
	}
	show_some(sh);
}

/* Rows */

static const char *text_name(const struct monitor *m, char out[NAME_TEXT_SIZE])
{
	size_t len = strlen(m->name);

	memcpy(out, m->name, len + 1);
	if (len > 1)
		out[len - 1] = '\0';
	return out;
}

static const char *mode_name(const struct monitor *m)
{
	static const char *const names[] = {"dnskey", "cds", "report"};

	return monitor_zone(m) != NULL ? "report" : names[monitor_settings(m)->mode];
}

static json_t *list_row(struct monitor *m)
{
	const struct config_monitored *c = monitor_settings(m);
	struct monitor_state st;
	char name[NAME_TEXT_SIZE];
	json_t *row;

	monitor_state_load(m, &st);
	row = json_pack("{s:s,s:s,s:b,s:s,s:I,s:o,s:o,s:s}", "name", text_name(m, name), "mode",
	    mode_name(m), "signed_here", monitor_zone(m) != NULL, "status",
	    monitor_status_name(st.status), "interval", (json_int_t)c->interval, "looked",
	    verbs_time(st.looked), "next_look", verbs_time(loop_event_due(m->due)), "contact",
	    c->contact == NULL ? "" : c->contact);
	monitor_state_free(&st);
	return row;
}

static const char *severity_name(enum watch_kind k)
{
	static const char *const names[] = {
	    [WATCH_REMARK] = "remark", [WATCH_EXPIRY] = "warning", [WATCH_ERROR] = "error"};

	return names[watch_kind_severity(k)];
}

static json_t *finding_json(const struct watch_finding *f)
{
	return json_pack("{s:s,s:s,s:o,s:s,s:s,s:s,s:s,s:o}", "kind", watch_kind_name(f->kind),
	    "server", f->server, "since", verbs_time(f->since), "advice",
	    watch_kind_advice(f->kind), "severity", severity_name(f->kind), "what", f->what,
	    "detail", f->detail, "until", verbs_time(f->until));
}

static json_t *ds_json(const struct watch_ds *set)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < set->count; i++)
		json_array_append_new(list,
		    json_pack("{s:i,s:i,s:i}", "key_tag", (int)set->list[i].tag, "algorithm",
			(int)set->list[i].algorithm, "digest_type", (int)set->list[i].digest_type));
	return list;
}

static json_t *server_json(const struct watch_server *s)
{
	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:s}", "server", s->name, "answer",
	    s->word == WATCH_ANSWERED ? "answers" : watch_word_text(s->word), "since",
	    verbs_time(s->since), "asked", verbs_time(s->asked), "serial",
	    s->has_serial ? json_integer(s->serial) : json_null(), "reason", s->reason);
}

static json_t *status_row(struct monitor *m)
{
	struct monitor_state st;
	json_t *findings = json_array(), *servers = json_array(), *row;
	char name[NAME_TEXT_SIZE], task[REASON_MAX];

	monitor_state_load(m, &st);
	for (unsigned i = 0; i < st.findings.count; i++)
		json_array_append_new(findings, finding_json(&st.findings.list[i]));
	for (unsigned i = 0; i < st.child.server_count; i++)
		json_array_append_new(servers, server_json(&st.child.servers[i]));
	monitor_task(m, &st, task, sizeof(task));
	row = json_pack("{s:s,s:s,s:o,s:o,s:s,s:b,s:o,s:o,s:s,s:o,s:o,s:{s:s,s:s,s:o,s:s},s:s}",
	    "name", text_name(m, name), "status", monitor_status_name(st.status), "since",
	    verbs_time(st.since), "findings", findings, "mode", mode_name(m), "signed_here",
	    monitor_zone(m) != NULL, "looked", verbs_time(st.looked), "next_look",
	    verbs_time(loop_event_due(m->due)), "problem", st.problem, "servers", servers, "ds",
	    ds_json(&st.child.today), "decision", "verdict", watch_verdict_name(st.verdict),
	    "cause", watch_cause_name(st.cause), "until", verbs_time(st.until), "reason", st.reason,
	    "task", task);
	monitor_state_free(&st);
	return row;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s == NULL ? "-" : s;
}

static void show_domain(struct ops_call *c, const json_t *d)
{
	const json_t *decision = json_object_get(d, "decision"), *f;
	size_t i;

	ops_text(c, "%s (%s): %s since %s\n", text_of(d, "name"), text_of(d, "mode"),
	    text_of(d, "status"), text_of(d, "since"));
	ops_text(
	    c, "  %-9s %s, next %s\n", "looked at", text_of(d, "looked"), text_of(d, "next_look"));
	if (text_of(d, "problem")[0] != '\0')
		ops_text(c, "  %-9s %s\n", "problem", text_of(d, "problem"));
	if (text_of(decision, "reason")[0] != '\0')
		ops_text(c, "  %-9s %s: %s\n", "DS", text_of(decision, "verdict"),
		    text_of(decision, "reason"));
	if (text_of(d, "task")[0] != '\0')
		ops_text(c, "  %-9s %s\n", "to do", text_of(d, "task"));
	json_array_foreach(json_object_get(d, "findings"), i, f)
	{
		const char *server = text_of(f, "server"), *detail = text_of(f, "detail");

		ops_text(c, "  %-9s %s%s%s since %s%s%s\n            %s\n", text_of(f, "severity"),
		    text_of(f, "kind"), server[0] == '\0' ? "" : " at ", server,
		    text_of(f, "since"), detail[0] == '\0' ? "" : ": ", detail,
		    text_of(f, "advice"));
	}
}

static void end_list(struct showing *sh)
{
	ops_list(sh->call, json_pack("{s:O}", "domains", sh->rows), "domains",
	    "name:Domain,mode:Mode,status:Status,looked:Looked at,next_look:Next");
}

static void end_status(struct showing *sh)
{
	const json_t *one;
	size_t i;

	if (ops_flag(sh->call, "json")) {
		ops_list(
		    sh->call, json_pack("{s:O}", "domains", sh->rows), "domains", "name:Domain");
		return;
	}
	json_array_foreach(sh->rows, i, one) show_domain(sh->call, one);
	if (json_array_size(sh->rows) == 0)
		ops_text(sh->call, "no domains\n");
}

void verb_monitor_list(void *arg, struct ops_call *c)
{
	show(arg, c, list_row, end_list);
}

void verb_monitor_status(void *arg, struct ops_call *c)
{
	show(arg, c, status_row, end_status);
}

/* History */

static void add_entry(void *arg, const struct monitor_entry *x)
{
	const struct watch_record *r = &x->record;
	json_t *servers = json_array();

	for (unsigned i = 0; x->is_record && i < r->server_count; i++)
		json_array_append_new(
		    servers, json_pack("{s:s,s:o,s:s}", "server", r->servers[i].name, "asked",
				 verbs_time(r->servers[i].asked), "saw", r->servers[i].saw));
	if (x->is_record)
		json_array_append_new(
		    arg, json_pack("{s:o,s:s,s:s,s:o,s:s,s:s,s:s,s:o,s:i}", "at", verbs_time(r->at),
			     "verdict", watch_verdict_name(r->verdict), "cause",
			     watch_cause_name(r->cause), "until", verbs_time(r->until), "reason",
			     r->reason, "ds_there", r->today, "ds", r->ds, "servers", servers,
			     "servers_left_out", (int)r->servers_left_out));
	else
		json_array_append_new(
		    arg, json_pack("{s:o,s:s,s:s,s:n,s:s,s:s,s:s,s:o,s:i}", "at", verbs_time(x->at),
			     "verdict", x->what, "cause", "", "until", "reason", x->words,
			     "ds_there", "", "ds", "", "servers", servers, "servers_left_out", 0));
}

static void show_history(struct ops_call *c, const json_t *list)
{
	const json_t *one, *s;
	size_t i, k;

	json_array_foreach(list, i, one)
	{
		const char *ds = text_of(one, "ds"), *there = text_of(one, "ds_there");

		ops_text(c, "%s %s%s%s%s%s%s\n  %s\n", text_of(one, "at"), text_of(one, "verdict"),
		    ds[0] == '\0' ? "" : " DS ", ds, there[0] == '\0' ? "" : " (there: ", there,
		    there[0] == '\0' ? "" : ")", text_of(one, "reason"));
		json_array_foreach(json_object_get(one, "servers"), k, s)
		    ops_text(c, "  %s at %s: %s\n", text_of(s, "server"), text_of(s, "asked"),
			text_of(s, "saw"));
	}
	if (json_array_size(list) == 0)
		ops_text(c, "nothing was decided yet\n");
}

void verb_monitor_history(void *arg, struct ops_call *c)
{
	struct monitor *m = named(arg, c);
	json_t *list = json_array();
	char name[NAME_TEXT_SIZE];

	if (m == NULL) {
		json_decref(list);
		return;
	}
	monitor_history_each(m, add_entry, list);
	if (ops_flag(c, "json"))
		ops_list(c, json_pack("{s:s,s:O}", "name", text_name(m, name), "history", list),
		    "history", "at:At,verdict:Verdict,reason:Reason");
	else
		show_history(c, list);
	json_decref(list);
	ops_done(c);
}

void verb_monitor_look(void *arg, struct ops_call *c)
{
	struct monitor *m = named(arg, c);

	if (m == NULL)
		return;
	monitor_look_soon(m);
	ops_text(c, "%s is being looked at\n", ops_option(c, "zone"));
	ops_done(c);
}
