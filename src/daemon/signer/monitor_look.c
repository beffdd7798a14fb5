/* A look at a watched domain: see signer/monitor.h.  Runs in the signing side; the network side
 * asks.
 *
 *   who serves it, and its parent, where that is to be found
 *     -> the chain of trust to the parent, where an anchor is configured (monitor_trust.c)
 *     -> DS at every server of the parent, and the delegation
 *     -> SOA, DNSKEY, CDS, CDNSKEY and NSEC3PARAM at every address of its own servers, by TCP
 *     -> signals of its name servers, where it is to get its first DS (monitor_trust.c)
 *     -> monitor_judge
 *
 * A few servers are asked at a time, and each is asked one thing after the other; one that does not
 * answer the first question is not asked the rest.  Of a zone that we sign the parent is being
 * asked anyway (signer/parent.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/monitor_look.h"
#include "dns/rrtype.h"

#define AGAIN 10 /* seconds: the network side is only starting */

static void look_free(struct monitor_look *l)
{
	for (unsigned i = 0; i < MONITOR_ASKED_AT_ONCE; i++) {
		signer_probe_cancel(l->askers[i].probe);
		watch_reply_free(&l->askers[i].reply);
	}
	for (unsigned kind = 0; kind < FIND_KINDS; kind++)
		finder_free(l->find[kind]);
	monitor_trust_end(l);
	monitor_state_free(&l->state);
	free(l->servers);
	free(l);
}

/* What the parent's servers have; of a zone of ours, as long as it is one. */
static const struct parent_view *view_of(const struct monitor_look *l)
{
	static const struct parent_view nobody;
	const struct signer_zone *z = monitor_zone(l->monitor);
	const struct parent_view *v = z == NULL ? &l->state.parent : signer_parent_view(z);

	return v == NULL ? &nobody : v;
}

static void look_end(void *arg)
{
	struct monitor_look *l = arg;
	struct monitor *m = l->monitor;
	int64_t next = clock_calendar() + AGAIN;

	l->said.parent = view_of(l); /* the zone may have gone since it was asked */
	if (!l->is_broken_off)
		next = monitor_judge(m, &l->state, &l->said);
	m->look = NULL;
	look_free(l);
	monitor_look_ended(m, next);
}

void monitor_look_problem(struct monitor_look *l, const char *what, const char *why)
{
	char *out = l->state.problem;
	size_t len = strlen(out), size = sizeof(l->state.problem);

	snprintf(out + len, size - len, "%s%s: %.150s", len == 0 ? "" : "; ", what, why);
	l->said.is_whole = false;
}

/* Askers: each takes the next server until there is none left; the last one to end goes on. */

typedef bool take_fn(struct asker *a); /* false: no server is left */

static void ask(struct asker *a, const char *server, uint16_t rrtype, probe_done_fn *done)
{
	struct monitor *m = a->look->monitor;

	a->probe = signer_probe_start(
	    m->signer, server, m->apex, rrtype, PROBE_TCP | PROBE_DNSSEC, done, a);
}

static void askers_start(struct monitor_look *l, take_fn *take, loop_fn *then)
{
	bool is_busy = false;

	l->next = 0;
	for (unsigned i = 0; i < MONITOR_ASKED_AT_ONCE; i++) {
		l->askers[i].look = l;
		l->askers[i].is_busy = take(&l->askers[i]);
		is_busy = is_busy || l->askers[i].is_busy;
	}
	if (!is_busy)
		then(l);
}

static void asker_next(struct asker *a, take_fn *take, loop_fn *then)
{
	struct monitor_look *l = a->look;

	a->is_busy = !l->is_broken_off && take(a);
	for (unsigned i = 0; i < MONITOR_ASKED_AT_ONCE; i++) {
		if (l->askers[i].is_busy)
			return;
	}
	then(l);
}

/* The network side could not ask: that says nothing about the server. */
static bool is_our_fault(struct monitor_look *l, int code, const char *why)
{
	if (code != ERR_AGAIN && code != ERR_LIMIT)
		return false;
	log_warning("%s: it cannot be looked at now: %s", l->monitor->label, why);
	l->is_broken_off = true;
	return true;
}

/* The domain's own servers */

static void on_child(void *arg, int code, const char *why, const uint8_t *msg, size_t len);

static bool take_child(struct asker *a)
{
	struct monitor_look *l = a->look;

	if (l->next == l->count)
		return false;
	a->server = l->next++;
	a->type = 0;
	ask(a, l->servers[a->server], watch_rrtype(a->type), on_child);
	return true;
}

static void child_done(void *arg)
{
	struct monitor_look *l = arg;

	watch_child_round(&l->state.child, clock_calendar());
	if (l->is_broken_off)
		look_end(l);
	else
		monitor_trust_signals(l, look_end);
}

static void server_done(struct asker *a)
{
	struct monitor_look *l = a->look;
	struct watch_policy policy;

	monitor_policy(l->monitor, &policy);
	watch_child_note(
	    &l->state.child, l->servers[a->server], &a->reply, &policy, clock_calendar());
	watch_reply_free(&a->reply);
	memset(&a->reply, 0, sizeof(a->reply));
	asker_next(a, take_child, child_done);
}

static void on_child(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct asker *a = arg;
	struct monitor_look *l = a->look;
	bool is_silent = code != OK;

	a->probe = NULL;
	if (is_our_fault(l, code, why)) {
		asker_next(a, take_child, child_done);
		return;
	}
	do {
		watch_reply_put(&a->reply, a->type, l->monitor->apex, code, why, msg, len);
		a->type++;
	} while (is_silent && a->type < WATCH_TYPES);
	if (a->type < WATCH_TYPES)
		ask(a, l->servers[a->server], watch_rrtype(a->type), on_child);
	else
		server_done(a);
}

static void ask_child(void *arg)
{
	struct monitor_look *l = arg;
	const char **names = mem_array(l->count + 1, sizeof(*names));
	struct err e = {0};

	for (unsigned i = 0; i < l->count; i++)
		names[i] = l->servers[i];
	if (watch_child_servers(&l->state.child, names, l->count, &e) != OK) {
		monitor_look_problem(l, "its name servers", e.text);
		l->count = 0;
	}
	free(names);
	askers_start(l, take_child, child_done);
}

/* The parent's servers */

static void parent_done(void *arg)
{
	struct monitor_look *l = arg;
	struct signer_zone *z = monitor_zone(l->monitor);

	if (l->is_broken_off) {
		look_end(l);
		return;
	}
	l->said.fresh = z == NULL ? l->began : signer_parent_fresh(z, clock_calendar());
	l->said.parent = view_of(l);
	monitor_trust_delegation(l);
	l->said.event =
	    watch_child_parent(&l->state.child, l->said.parent, l->said.fresh, clock_calendar());
	ask_child(l);
}

static void on_parent(void *arg, int code, const char *why, const uint8_t *msg, size_t len);

static bool take_parent(struct asker *a)
{
	struct monitor_look *l = a->look;

	if (l->next == l->state.parent.count)
		return false;
	a->server = l->next++;
	ask(a, l->state.parent.servers[a->server].name, RR_DS, on_parent);
	return true;
}

static void on_referral(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct asker *a = arg;
	struct monitor_look *l = a->look;
	struct err e = {0};

	a->probe = NULL;
	if (!is_our_fault(l, code, why) && code == OK) {
		code = find_read_referral(msg, len, l->monitor->apex, &l->delegation, &e);
		if (code != OK && code != ERR_MISSING)
			monitor_look_problem(l, "its delegation cannot be read", e.text);
	}
	asker_next(a, take_parent, parent_done);
}

static void on_parent(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct asker *a = arg;
	struct monitor_look *l = a->look;
	struct parent_server *s = &l->state.parent.servers[a->server];
	struct watch_policy policy;
	struct parent_set set;
	char bogus[PARENT_REASON_MAX];
	struct err e = {0};

	a->probe = NULL;
	if (!is_our_fault(l, code, why)) {
		monitor_policy(l->monitor, &policy);
		if (code == OK)
			code = parent_read_answer(msg, len, l->monitor->apex, &set, &e);
		if (code == OK && !monitor_trust_is_valid(l, msg, len, bogus))
			code = err_set(&e, ERR_VERIFY, "%s", bogus);
		if (code == OK)
			parent_note(s, &set, clock_calendar(), policy.patience);
		else
			parent_note_failure(s, e.code == OK ? why : e.text, clock_calendar());
	}
	if (code == OK && l->find[FIND_NAMESERVERS] != NULL && !l->is_broken_off) {
		l->asked_delegation = true;
		ask(a, s->name, RR_NS, on_referral);
	} else {
		asker_next(a, take_parent, parent_done);
	}
}

/* These servers and no others; what is known of those that stay is kept. */
static void set_parent(struct monitor_look *l, const char *const *names, unsigned count)
{
	struct parent_view *v = &l->state.parent, old = *v;

	v->servers = mem_array(count + 1, sizeof(*v->servers));
	v->count = count;
	for (unsigned i = 0; i < count; i++) {
		struct parent_server *s = &v->servers[i];

		for (unsigned k = 0; k < old.count; k++) {
			if (strcmp(old.servers[k].name, names[i]) == 0)
				*s = old.servers[k];
		}
		snprintf(s->name, sizeof(s->name), "%s", names[i]);
	}
	free(old.servers);
}

static void ask_parent(void *arg)
{
	struct monitor_look *l = arg;
	const struct conf_names *given = &monitor_settings(l->monitor)->parent.servers;
	const struct found *f =
	    l->find[FIND_PARENT] == NULL ? NULL : finder_found(l->find[FIND_PARENT]);
	const char **names;

	if (monitor_zone(l->monitor) != NULL) {
		set_parent(l, NULL, 0);
	} else if (given->count > 0) {
		set_parent(l, given->list, given->count);
	} else if (f != NULL && f->is_complete) {
		names = mem_array(f->count, sizeof(*names));
		for (unsigned i = 0; i < f->count; i++)
			names[i] = f->servers[i];
		set_parent(l, names, f->count);
		free(names);
	} else {
		monitor_look_problem(l, "its parent's servers cannot be found",
		    f == NULL ? "no resolver is configured" : f->why);
	}
	askers_start(l, take_parent, parent_done);
}

/* Who is to be asked */

static void add_server(struct monitor_look *l, const char *name)
{
	bool needs_port =
	    config_server(l->monitor->signer->config, name) == NULL && strchr(name, '@') == NULL;

	l->servers = mem_grow(l->servers, l->count + 1, sizeof(*l->servers));
	snprintf(
	    l->servers[l->count++], sizeof(*l->servers), "%s%s", name, needs_port ? "@53" : "");
}

/* Where a zone of ours is to be seen. */
static void take_observed(struct monitor_look *l, const struct signer_zone *z)
{
	const struct found *f = signer_find_found(z, FIND_NAMESERVERS);

	for (unsigned i = 0; i < z->server_count; i++) {
		if (!z->servers[i].is_source)
			add_server(l, z->servers[i].server);
	}
	for (unsigned i = 0; f != NULL && i < f->count; i++)
		add_server(l, f->servers[i]);
	if (l->count == 0)
		monitor_look_problem(l, "its name servers are not known",
		    "it has no destinations, and its policy does not observe name servers");
}

/* Those that were there last are asked while they cannot be found. */
static void take_found(struct monitor_look *l)
{
	const struct finder *finder = l->find[FIND_NAMESERVERS];
	const struct found *f = finder == NULL ? NULL : finder_found(finder);
	const struct watch_child *c = &l->state.child;

	if (f != NULL && f->is_complete) {
		for (unsigned i = 0; i < f->count; i++)
			add_server(l, f->servers[i]);
		return;
	}
	monitor_look_problem(l, "its name servers cannot be found",
	    f == NULL ? "no resolver is configured" : f->why);
	for (unsigned i = 0; i < c->server_count; i++)
		add_server(l, c->servers[i].name);
}

static void take_servers(struct monitor_look *l)
{
	const struct conf_names *given = &monitor_settings(l->monitor)->servers;
	const struct signer_zone *z = monitor_zone(l->monitor);

	if (z != NULL && (!z->has_head || !z->head.published))
		monitor_look_problem(l, "nothing is asked", "no version of it was published yet");
	else if (given->count > 0)
		for (unsigned i = 0; i < given->count; i++)
			add_server(l, given->list[i]);
	else if (z != NULL)
		take_observed(l, z);
	else
		take_found(l);
}

static void servers_found(void *arg)
{
	struct monitor_look *l = arg;

	if (l->finding > 0 && --l->finding > 0)
		return;
	if (l->is_broken_off) {
		look_end(l);
		return;
	}
	l->state.problem[0] = '\0';
	l->said.is_whole = true;
	take_servers(l);
	monitor_trust_walk(l, ask_parent);
}

static void find_new(struct monitor_look *l, enum find_kind kind)
{
	struct monitor *m = l->monitor;
	struct finder_owner owner = {
	    .label = m->label, .domain = m->apex, .kind = kind, .tell = servers_found, .arg = l};

	l->find[kind] = finder_new(m->signer, &owner);
	l->finding++;
}

void monitor_look_start(struct monitor *m)
{
	const struct config_monitored *c = monitor_settings(m);
	struct monitor_look *l = m->look = mem_alloc(sizeof(*l));
	bool is_ours = monitor_zone(m) != NULL;

	l->monitor = m;
	l->began = clock_calendar();
	l->is_broken_off = monitor_state_load(m, &l->state) != OK;
	if (!l->is_broken_off && m->signer->config->resolver.origin.line > 0 && !is_ours) {
		if (c->servers.count == 0 || c->bootstrap)
			find_new(l, FIND_NAMESERVERS);
		if (c->parent.servers.count == 0)
			find_new(l, FIND_PARENT);
	}
	if (l->finding == 0) {
		servers_found(l);
		return;
	}
	for (unsigned kind = 0; kind < FIND_KINDS; kind++) {
		if (l->find[kind] != NULL)
			finder_start(l->find[kind]);
	}
}

void monitor_look_cancel(struct monitor *m)
{
	if (m->look != NULL)
		look_free(m->look);
	m->look = NULL;
}
