/* The verbs that change which domains are watched: monitor add, monitor delete.
 *
 * What they say is configuration: conf.d/monitored.conf.  A zone that we sign is watched without an
 * entry; that the operator wants it watched no more is an entry, too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "daemon/proto.h"
#include "daemon/signer/monitor.h"
#include "daemon/signer/monitors.h"
#include "daemon/verbs/internal.h"

struct changing {
	struct signer *signer;
	struct ops_call *call;
	char *name;
	struct buf entry; /* to be added; empty: none */
	bool is_add;
};

static void changing_end(struct changing *ch, const char *why)
{
	if (why != NULL)
		ops_fail(ch->call, "nothing was changed: %s", why);
	else if (ch->is_add)
		ops_text(ch->call, "%s is watched\n", ch->name);
	else
		ops_text(ch->call, "%s is watched no more\n", ch->name);
	if (why == NULL)
		ops_done(ch->call);
	buf_free(&ch->entry);
	free(ch->name);
	free(ch);
}

static void added(void *arg, bool ok, const char *why)
{
	changing_end(arg, ok ? NULL : why);
}

static void removed(void *arg, bool ok, const char *why)
{
	struct changing *ch = arg;

	if (!ok || ch->entry.len == 0)
		changing_end(ch, ok ? NULL : why);
	else
		signer_request(ch->signer, PROTO_CONF_ADD, NULL, &ch->entry, added, ch);
}

/* An entry that there is goes first. */
static void change(struct changing *ch, bool has_entry)
{
	struct buf body = {0};

	if (!has_entry) {
		removed(ch, true, "");
		return;
	}
	buf_str(&body, "monitored");
	buf_str(&body, ch->name);
	signer_request(ch->signer, PROTO_CONF_REMOVE, &body, NULL, removed, ch);
	buf_free(&body);
}

static struct changing *changing_new(struct signer *s, struct ops_call *c, bool is_add)
{
	struct changing *ch = mem_alloc(sizeof(*ch));

	ch->signer = s;
	ch->call = c;
	ch->name = mem_strdup(ops_option(c, "zone"));
	ch->is_add = is_add;
	return ch;
}

static void take_names(
    struct arena *a, const struct ops_call *c, const char *option, struct conf_names *out)
{
	unsigned n = ops_option_count(c, option);
	const char **list = arena_alloc(a, (n + 1) * sizeof(*list));

	for (unsigned i = 0; i < n; i++)
		list[i] = ops_option_at(c, option, i);
	out->list = list;
	out->count = n;
}

static int take_duration(const struct ops_call *c, const char *option, int64_t *out, struct err *e)
{
	const char *text = ops_option(c, option);
	struct period p;

	if (text == NULL)
		return OK;
	if (period_parse(text, &p) != OK || p.months != 0)
		return err_set(e, ERR_ARGUMENT,
		    "--%s %s is not a duration without years and months; write one as PT1H or P1D",
		    option, text);
	*out = p.seconds;
	return OK;
}

static int choice_of(const char *text, const char *const *names, unsigned count, int fallback)
{
	for (unsigned i = 0; text != NULL && i < count; i++) {
		if (strcmp(text, names[i]) == 0)
			return (int)i;
	}
	return fallback;
}

/* The entry as it will stand in conf.d. */
static int monitored_entry(const struct ops_call *c, struct buf *out, struct err *e)
{
	static const char *const modes[] = {"dnskey", "cds", "report"};
	static const char *const ways[] = {"manual", "update", "command"};
	struct arena *a = arena_new();
	struct conf_groups one = {0};
	struct config_monitored *m = conf_groups_add(&config_monitored_table, a, &one);
	int code;

	m->name = ops_option(c, "zone");
	m->contact = ops_option(c, "contact");
	m->mode = choice_of(ops_option(c, "mode"), modes, MEM_COUNT(modes), m->mode);
	m->allow_delete = ops_flag(c, "allow-delete");
	m->bootstrap = ops_flag(c, "bootstrap");
	take_names(a, c, "server", &m->servers);
	take_names(a, c, "parent-server", &m->parent.servers);
	m->parent.submit =
	    choice_of(ops_option(c, "submit"), ways, MEM_COUNT(ways), m->parent.submit);
	m->parent.primary = ops_option(c, "primary");
	m->parent.command = ops_option(c, "command");
	m->parent.origin.line = 1; /* given */
	code = take_duration(c, "interval", &m->interval, e);
	if (code == OK)
		code = take_duration(c, "hold-down", &m->hold_down, e);
	if (code == OK)
		conf_write_list("monitored", &config_monitored_table, &one, CONF_FILE, out);
	arena_free(a);
	return code;
}

static bool is_name(struct ops_call *c)
{
	const char *name = ops_option(c, "zone");
	uint8_t apex[NAME_MAX_LEN];

	if (name != NULL && name_parse(name, apex) == OK)
		return true;
	ops_fail(c, "%s is not a domain name", name == NULL ? "nothing" : name);
	return false;
}

static bool has_options(const struct ops_call *c)
{
	static const char *const values[] = {"mode", "contact", "interval", "hold-down", "server",
	    "parent-server", "submit", "primary", "command"};

	for (unsigned i = 0; i < MEM_COUNT(values); i++) {
		if (ops_option_count(c, values[i]) > 0)
			return true;
	}
	return ops_flag(c, "allow-delete") || ops_flag(c, "bootstrap");
}

static void verb_monitor_add(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	const char *name = ops_option(c, "zone");
	const struct config_monitored *entry;
	bool is_ours;
	struct changing *ch;
	struct err e = {0};

	if (!is_name(c))
		return;
	entry = config_monitored(s->config, name);
	is_ours = signer_zone_by_name(s, name) != NULL;
	if (signer_monitor_by_name(s, name) != NULL && (entry != NULL || !has_options(c))) {
		ops_fail(c, "%s is watched already%s", name,
		    entry == NULL ? ", since it is signed here" : "");
		return;
	}
	ch = changing_new(s, c, true);
	/* A zone of ours needs no entry but for what is special about it. */
	if ((!is_ours || has_options(c)) && monitored_entry(c, &ch->entry, &e) != OK) {
		changing_end(ch, e.text);
		return;
	}
	change(ch, entry != NULL);
}

/* With the parent of its policy, and where nothing can be looked up with the servers that it had.
 */
int verbs_monitor_stays(const struct signer_zone *z, struct buf *entry, struct err *e)
{
	const struct config *c = z->signer->config;
	const struct config_zone *zone = config_zone(c, z->name);
	const struct config_policy *p = config_policy(c, z->sign_policy.name);
	struct arena *a = arena_new();
	struct conf_groups one = {0};
	struct config_monitored *m = conf_groups_add(&config_monitored_table, a, &one);
	bool has_resolver = c->resolver.origin.line > 0;
	int code = OK;

	m->name = z->name;
	if (zone != NULL)
		m->contact = zone->contact;
	if (zone != NULL && !has_resolver)
		m->servers = zone->destinations;
	if (p != NULL)
		m->parent = p->parent;
	if (m->parent.submit == SUBMIT_CDS)
		m->parent.submit = SUBMIT_MANUAL;
	if (config_monitored(c, z->name) != NULL)
		code = ERR_EXISTS;
	else if (!has_resolver && (m->servers.count == 0 || m->parent.servers.count == 0))
		code = err_set(e, ERR_MISSING,
		    "no resolver finds its name servers and its parent's, and they are not configured");
	else
		conf_write_list("monitored", &config_monitored_table, &one, CONF_FILE, entry);
	arena_free(a);
	return code;
}

static void put_out_entry(const char *name, struct buf *out)
{
	struct arena *a = arena_new();
	struct conf_groups one = {0};
	struct config_monitored *m = conf_groups_add(&config_monitored_table, a, &one);

	m->name = name;
	m->enrolled = false;
	conf_write_list("monitored", &config_monitored_table, &one, CONF_FILE, out);
	arena_free(a);
}

/* The operator's own choice stays: an entry says so as long as the zone is signed here. */
static void verb_monitor_delete(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	const char *name = ops_option(c, "zone");
	struct changing *ch;

	if (!is_name(c))
		return;
	if (signer_monitor_by_name(s, name) == NULL) {
		ops_fail(c, "%s is not watched; \"intaglio monitor list\" shows what is", name);
		return;
	}
	ch = changing_new(s, c, false);
	if (signer_zone_by_name(s, name) != NULL)
		put_out_entry(name, &ch->entry);
	change(ch, config_monitored(s->config, name) != NULL);
}

void verbs_monitor_register(struct signer *s)
{
	ops_register(s->ops, "monitor add", verb_monitor_add, s);
	ops_register(s->ops, "monitor delete", verb_monitor_delete, s);
	ops_register(s->ops, "monitor list", verb_monitor_list, s);
	ops_register(s->ops, "monitor status", verb_monitor_status, s);
	ops_register(s->ops, "monitor history", verb_monitor_history, s);
	ops_register(s->ops, "monitor look", verb_monitor_look, s);
}
