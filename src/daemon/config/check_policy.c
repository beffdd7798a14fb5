/* The checks of policies, and what of them hangs on other settings: see config/internal.h.  Runs in
 * the master and in `intagliod --check-config`. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "daemon/config/internal.h"
#include "zone/store.h"

/* Defaults that hang on other settings. */
static void settle_signatures(struct config_signatures *s)
{
	int64_t room;

	if (s->refresh == 0)
		s->refresh = s->validity / 2;
	room = (s->validity - s->refresh) / 4;
	if (s->jitter == 0)
		s->jitter = room < 43200 ? room : 43200;
}

static void check_signatures(struct config_check *c, struct config_policy *p)
{
	struct config_signatures *s = &p->signatures;
	const struct conf_origin *at = s->origin.line > 0 ? &s->origin : &p->origin;

	if (s->validity <= s->refresh || s->refresh <= 0)
		config_wrong(c, at,
		    "policy \"%s\": validity (%llds) must be longer than refresh (%llds)", p->name,
		    (long long)s->validity, (long long)s->refresh);
	else if (s->jitter >= s->validity - s->refresh)
		config_wrong(c, at,
		    "policy \"%s\": jitter (%llds) must be shorter than validity less refresh "
		    "(%llds)",
		    p->name, (long long)s->jitter, (long long)(s->validity - s->refresh));
}

/* A service that runs is never refused to start because of its schedule: these are warnings. */
static void check_schedule(struct config_check *c, const struct config_policy *p)
{
	struct policy_finding findings[POLICY_FINDINGS_MAX];
	struct key_policy keys;
	struct policy_question q = config_policy_question(p, &keys);
	unsigned count = policy_check(&q, findings);

	for (unsigned i = 0; i < count; i++)
		if (findings[i].severity != POLICY_NOTE)
			config_doubt(c, &p->origin, "policy \"%s\": %s; right would be: %s",
			    p->name, findings[i].text, findings[i].advice);
}

static void check_nsec3(struct config_check *c, struct config_policy *p)
{
	struct config_nsec3 *n = &p->nsec3;
	size_t len = strlen(n->salt);
	const struct conf_origin *at = n->origin.line > 0 ? &n->origin : &p->origin;

	if (len % 2 != 0 || len > 510 || strspn(n->salt, "0123456789abcdefABCDEF") != len)
		config_wrong(
		    c, at, "policy \"%s\": salt must be hexadecimal, two digits an octet", p->name);
	if (p->denial == DENIAL_NSEC3 && (n->iterations > 0 || len > 0))
		config_doubt(c, at,
		    "policy \"%s\": RFC 9276 asks for iterations = 0 and an empty salt", p->name);
}

static void check_role(struct config_check *c, struct config_policy *p, struct config_role *r)
{
	if (r->token == NULL)
		r->token = p->token;
	config_check_reference(
	    c, &p->origin, "token", r->token, config_token(c->config, r->token) != NULL);
	if (r->token == NULL)
		config_wrong(c, &p->origin,
		    "policy \"%s\" must name one of the tokens: token = \"...\"", p->name);
}

void config_check_update(struct config_check *c, const struct conf_origin *at, const char *what,
    const char *name, const struct config_parent *p)
{
	const struct config_server *primary =
	    p->primary == NULL ? NULL : config_server(c->config, p->primary);
	uint8_t zone[NAME_MAX_LEN];

	config_check_reference(c, at, "primary: server", p->primary, primary != NULL);
	config_check_reference(c, at, "notify: server", p->notify,
	    p->notify != NULL && config_server(c->config, p->notify) != NULL);
	if (p->zone != NULL && name_parse(p->zone, zone) != OK)
		config_wrong(
		    c, at, "%s \"%s\": zone = \"%s\" is no domain name", what, name, p->zone);
	if (p->submit != SUBMIT_UPDATE)
		return;
	if (p->primary == NULL)
		config_wrong(c, at,
		    "%s \"%s\": submit = \"update\" needs primary, the server that takes updates of the parent zone",
		    what, name);
	else if (primary != NULL && primary->tsig == NULL)
		config_doubt(c, at,
		    "%s \"%s\": server \"%s\" has no tsig: whoever can send from our address can change the DS like us",
		    what, name, primary->name);
}

/* How the DS gets to the parent. */
static void check_submit(struct config_check *c, const struct config_policy *p)
{
	const struct config_parent *d = &p->parent;
	const struct conf_origin *at = d->origin.line > 0 ? &d->origin : &p->origin;

	if (d->submit == SUBMIT_COMMAND && d->command == NULL)
		config_wrong(c, at, "policy \"%s\": submit = \"command\" needs a command", p->name);
	else if (d->command != NULL && d->command[0] != '/')
		config_wrong(c, at,
		    "policy \"%s\": command = \"%s\" must be given with its whole path", p->name,
		    d->command);
	else if (d->submit == SUBMIT_COMMAND && access(d->command, X_OK) != 0)
		config_doubt(
		    c, at, "policy \"%s\": command %s: %s", p->name, d->command, strerror(errno));
	if (d->command_timeout < 1 || d->command_timeout > 3600)
		config_wrong(
		    c, at, "policy \"%s\": command_timeout must be between PT1S and PT1H", p->name);
	config_check_update(c, at, "policy", p->name, d);
	if (d->submit == SUBMIT_CDS && !p->publish_cds)
		config_wrong(c, at,
		    "policy \"%s\": submit = \"cds\" needs publish_cds = true, which tells the parent",
		    p->name);
}

/* Where versions must be seen. */
static void check_observe(struct config_check *c, const struct config_policy *p)
{
	if (p->observe.count == 0)
		config_wrong(
		    c, &p->origin, "policy \"%s\": observe must name one place at least", p->name);
	for (unsigned i = 0; i < p->observe.count; i++) {
		const char *where = p->observe.list[i];

		if (strcmp(where, "destinations") != 0 && strcmp(where, "nameservers") != 0)
			config_wrong(c, &p->origin,
			    "policy \"%s\": observe: \"%s\" must be \"destinations\" or \"nameservers\"",
			    p->name, where);
		else if (where[0] == 'n' && c->config->resolver.origin.line == 0)
			config_wrong(c, &p->origin,
			    "policy \"%s\": observe = \"nameservers\" needs a resolver, which finds them: resolver = { address = \"...\"; }",
			    p->name);
	}
}

static void check_runway(struct config_check *c, const struct config_policy *p)
{
	struct period period;

	if (p->runway.count > CONFIG_RUNWAY_MAX)
		config_wrong(c, &p->origin, "policy \"%s\": runway may have %d thresholds", p->name,
		    CONFIG_RUNWAY_MAX);
	for (unsigned i = 0; i < p->runway.count; i++) {
		if (period_parse(p->runway.list[i], &period) != OK || period_seconds(period) <= 0)
			config_wrong(c, &p->origin,
			    "policy \"%s\": runway: \"%s\" must be a duration, as \"P3D\" or "
			    "\"PT12H\"",
			    p->name, p->runway.list[i]);
	}
}

/* Their keys would be one another's. */
static void check_twin(struct config_check *c, const struct config_policy *p)
{
	const struct config_policy *q = config_policy_twin(c->config, p);

	if (q != NULL && q < p)
		config_wrong(c, &p->origin,
		    "policies \"%s\" and \"%s\" share keys: their names must differ in more than case",
		    q->name, p->name);
}

void config_check_policies(struct config_check *c)
{
	struct config_token *only = c->config->tokens.count == 1 ? c->config->tokens.items : NULL;

	CONFIG_EACH(config_policy, p, c->config->policies)
	{
		if (p->token == NULL && only != NULL)
			p->token = only->name;
		if (strlen(p->name) >= STORE_POLICY_MAX)
			config_wrong(c, &p->origin,
			    "policy \"%s\": the name may have %d characters", p->name,
			    STORE_POLICY_MAX - 1);
		if (p->csk.origin.line > 0 && (p->ksk.origin.line > 0 || p->zsk.origin.line > 0))
			config_wrong(c, &p->csk.origin,
			    "policy \"%s\": csk stands instead of ksk and zsk", p->name);
		check_role(c, p, &p->ksk);
		if (p->token != NULL) {
			check_role(c, p, &p->zsk);
			check_role(c, p, &p->csk);
		}
		settle_signatures(&p->signatures);
		check_signatures(c, p);
		if (p->token != NULL)
			check_schedule(c, p);
		check_nsec3(c, p);
		config_check_names(c, &p->parent.origin, "parent", &p->parent.servers);
		check_submit(c, p);
		check_observe(c, p);
		check_runway(c, p);
		check_twin(c, p);
		for (unsigned i = 0; i < p->digests.count; i++) {
			if (strcmp(p->digests.list[i], "SHA256") != 0 &&
			    strcmp(p->digests.list[i], "SHA384") != 0)
				config_wrong(c, &p->origin,
				    "digests: \"%s\" must be \"SHA256\" or \"SHA384\"",
				    p->digests.list[i]);
		}
	}
}
