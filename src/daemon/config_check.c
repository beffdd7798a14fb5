/* The checks that span several settings: see config.h.  Runs in the master and in
 * `intagliod --check-config`. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "daemon/config_internal.h"
#include "dns/name.h"
#include "dns/peer.h"
#include "zone/store.h"

struct check {
	struct config *config;
	conf_report_fn *report, *warn;
	void *arg;
	unsigned mistakes;
};

static void tell(
    struct check *c, conf_report_fn *fn, const struct conf_origin *at, const char *fmt, va_list ap)
{
	char text[1000];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (fn != NULL)
		fn(c->arg, at, text);
}

static void wrong(struct check *c, const struct conf_origin *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void doubt(struct check *c, const struct conf_origin *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void wrong(struct check *c, const struct conf_origin *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(c, c->report, at, fmt, ap);
	va_end(ap);
	c->mistakes++;
}

static void doubt(struct check *c, const struct conf_origin *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(c, c->warn, at, fmt, ap);
	va_end(ap);
}

#define EACH(type, var, groups)                                                                    \
	for (struct type *var = (groups).items;                                                    \
	     var != NULL && var < (struct type *)(groups).items + (groups).count; var++)

/* Names that occur twice.  Sorting keeps ten thousand zones cheap. */
struct sorted_name {
	uint8_t key[NAME_KEY_MAX];
	size_t len;
	const struct config_named *named;
};

static int compare_names(const void *a, const void *b)
{
	const struct sorted_name *x = a, *y = b;
	int order = memcmp(x->key, y->key, x->len < y->len ? x->len : y->len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static void check_unique(
    struct check *c, const struct conf_groups *g, size_t size, const char *what, bool is_domain)
{
	struct sorted_name *names = mem_array(g->count, sizeof(*names));
	unsigned n = 0;

	for (unsigned i = 0; i < g->count; i++) {
		const struct config_named *one = (void *)((char *)g->items + i * size);
		uint8_t wire[NAME_MAX_LEN];

		if (one->name == NULL)
			continue;
		if (is_domain && name_parse(one->name, wire) != OK) {
			wrong(c, &one->origin, "%s \"%s\" is not a domain name", what, one->name);
			continue;
		}
		names[n].len = is_domain ? name_key(wire, names[n].key)
					 : (size_t)snprintf(
					       (char *)names[n].key, NAME_KEY_MAX, "%s", one->name);
		names[n++].named = one;
	}
	qsort(names, n, sizeof(*names), compare_names);
	for (unsigned i = 1; i < n; i++) {
		const struct config_named *a = names[i - 1].named, *b = names[i].named;

		if (compare_names(&names[i - 1], &names[i]) == 0)
			wrong(c, &b->origin, "%s \"%s\" is there twice: also in %s line %d", what,
			    b->name, a->origin.file, a->origin.line);
	}
	free(names);
}

static void check_address(
    struct check *c, const struct conf_origin *at, const char *what, const char *address)
{
	struct sockaddr_storage sa;

	if (address != NULL && peer_address_parse(address, 53, &sa) != OK)
		wrong(
		    c, at, "%s = \"%s\": it must be a numeric IPv4 or IPv6 address", what, address);
}

static void check_reference(struct check *c, const struct conf_origin *at, const char *what,
    const char *name, bool is_there)
{
	if (name != NULL && !is_there)
		wrong(c, at, "%s \"%s\" is not defined anywhere", what, name);
}

static void check_servers(struct check *c)
{
	EACH(config_listen, l, c->config->listen)
	check_address(c, &l->origin, "address", l->address);
	check_address(
	    c, &c->config->resolver.origin, "resolver: address", c->config->resolver.address);
	EACH(config_server, s, c->config->servers)
	{
		check_address(c, &s->origin, "address", s->address);
		check_address(c, &s->origin, "local", s->local);
		if (s->name != NULL &&
		    (strchr(s->name, '@') != NULL || strcmp(s->name, "nameservers") == 0))
			wrong(c, &s->origin,
			    "server \"%s\": the name may have no \"@\" in it, nor be \"nameservers\": so servers are called that were looked up",
			    s->name);
		check_reference(c, &s->origin, "TSIG key", s->tsig,
		    config_tsig_key(c->config, s->tsig) != NULL);
		check_reference(c, &s->origin, "TSIG key", s->notify_tsig,
		    config_tsig_key(c->config, s->notify_tsig) != NULL);
	}
}

static void check_tsig_keys(struct check *c)
{
	EACH(config_tsig_key, k, c->config->tsig_keys)
	{
		struct secret secret = {0};
		struct err e;

		if ((k->secret == NULL) == (k->secret_file == NULL))
			wrong(c, &k->origin, "TSIG key \"%s\" needs one of secret and secret_file",
			    k->name);
		else if (k->secret_file != NULL && access(k->secret_file, R_OK) != 0)
			wrong(c, &k->origin, "TSIG key \"%s\": secret_file %s cannot be read",
			    k->name, k->secret_file);
		else if (k->secret != NULL && secret_from_base64(&secret, k->secret, &e) != OK)
			wrong(c, &k->origin, "TSIG key \"%s\": secret must be base64", k->name);
		secret_free(&secret);
	}
}

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

static void check_signatures(struct check *c, struct config_policy *p)
{
	struct config_signatures *s = &p->signatures;
	const struct conf_origin *at = s->origin.line > 0 ? &s->origin : &p->origin;

	if (s->validity <= s->refresh || s->refresh <= 0)
		wrong(c, at, "policy \"%s\": validity (%llds) must be longer than refresh (%llds)",
		    p->name, (long long)s->validity, (long long)s->refresh);
	else if (s->jitter >= s->validity - s->refresh)
		wrong(c, at,
		    "policy \"%s\": jitter (%llds) must be shorter than validity less refresh "
		    "(%llds)",
		    p->name, (long long)s->jitter, (long long)(s->validity - s->refresh));
}

/* A service that runs is never refused to start because of its schedule: these are warnings. */
static void check_schedule(struct check *c, const struct config_policy *p)
{
	struct policy_finding findings[POLICY_FINDINGS_MAX];
	struct key_policy keys;
	struct policy_question q = config_policy_question(p, &keys);
	unsigned count = policy_check(&q, findings);

	for (unsigned i = 0; i < count; i++)
		if (findings[i].severity != POLICY_NOTE)
			doubt(c, &p->origin, "policy \"%s\": %s; right would be: %s", p->name,
			    findings[i].text, findings[i].advice);
}

static void check_nsec3(struct check *c, struct config_policy *p)
{
	struct config_nsec3 *n = &p->nsec3;
	size_t len = strlen(n->salt);
	const struct conf_origin *at = n->origin.line > 0 ? &n->origin : &p->origin;

	if (len % 2 != 0 || len > 510 || strspn(n->salt, "0123456789abcdefABCDEF") != len)
		wrong(
		    c, at, "policy \"%s\": salt must be hexadecimal, two digits an octet", p->name);
	if (p->denial == DENIAL_NSEC3 && (n->iterations > 0 || len > 0))
		doubt(c, at, "policy \"%s\": RFC 9276 asks for iterations = 0 and an empty salt",
		    p->name);
}

static void check_role(struct check *c, struct config_policy *p, struct config_role *r)
{
	if (r->token == NULL)
		r->token = p->token;
	check_reference(
	    c, &p->origin, "token", r->token, config_token(c->config, r->token) != NULL);
	if (r->token == NULL)
		wrong(c, &p->origin, "policy \"%s\" must name one of the tokens: token = \"...\"",
		    p->name);
}

static void check_names(
    struct check *c, const struct conf_origin *at, const char *what, const struct conf_names *names)
{
	for (unsigned i = 0; i < names->count; i++) {
		char text[80];

		snprintf(text, sizeof(text), "%s: server", what);
		check_reference(
		    c, at, text, names->list[i], config_server(c->config, names->list[i]) != NULL);
	}
}

/* How the DS gets to the parent. */
static void check_submit(struct check *c, const struct config_policy *p)
{
	const struct config_parent *d = &p->parent;
	const struct conf_origin *at = d->origin.line > 0 ? &d->origin : &p->origin;

	if (d->submit == SUBMIT_COMMAND && d->command == NULL)
		wrong(c, at, "policy \"%s\": submit = \"command\" needs a command", p->name);
	else if (d->command != NULL && d->command[0] != '/')
		wrong(c, at, "policy \"%s\": command = \"%s\" must be given with its whole path",
		    p->name, d->command);
	else if (d->submit == SUBMIT_COMMAND && access(d->command, X_OK) != 0)
		doubt(c, at, "policy \"%s\": command %s: %s", p->name, d->command, strerror(errno));
	if (d->command_timeout < 1 || d->command_timeout > 3600)
		wrong(
		    c, at, "policy \"%s\": command_timeout must be between PT1S and PT1H", p->name);
	if (d->submit == SUBMIT_UPDATE)
		doubt(c, at,
		    "policy \"%s\": submit = \"update\" is not available in this version: zone status says which DS to hand over by hand",
		    p->name);
	if (d->submit == SUBMIT_CDS && !p->publish_cds)
		wrong(c, at,
		    "policy \"%s\": submit = \"cds\" needs publish_cds = true, which tells the parent",
		    p->name);
}

/* Where versions must be seen. */
static void check_observe(struct check *c, const struct config_policy *p)
{
	if (p->observe.count == 0)
		wrong(
		    c, &p->origin, "policy \"%s\": observe must name one place at least", p->name);
	for (unsigned i = 0; i < p->observe.count; i++) {
		const char *where = p->observe.list[i];

		if (strcmp(where, "destinations") != 0 && strcmp(where, "nameservers") != 0)
			wrong(c, &p->origin,
			    "policy \"%s\": observe: \"%s\" must be \"destinations\" or \"nameservers\"",
			    p->name, where);
		else if (where[0] == 'n' && c->config->resolver.origin.line == 0)
			wrong(c, &p->origin,
			    "policy \"%s\": observe = \"nameservers\" needs a resolver, which finds them: resolver = { address = \"...\"; }",
			    p->name);
	}
}

static void check_policies(struct check *c)
{
	struct config_token *only = c->config->tokens.count == 1 ? c->config->tokens.items : NULL;

	EACH(config_policy, p, c->config->policies)
	{
		if (p->token == NULL && only != NULL)
			p->token = only->name;
		if (strlen(p->name) >= STORE_POLICY_MAX)
			wrong(c, &p->origin, "policy \"%s\": the name may have %d characters",
			    p->name, STORE_POLICY_MAX - 1);
		if (p->csk.origin.line > 0 && (p->ksk.origin.line > 0 || p->zsk.origin.line > 0))
			wrong(c, &p->csk.origin, "policy \"%s\": csk stands instead of ksk and zsk",
			    p->name);
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
		check_names(c, &p->parent.origin, "parent", &p->parent.servers);
		check_submit(c, p);
		check_observe(c, p);
		for (unsigned i = 0; i < p->digests.count; i++) {
			if (strcmp(p->digests.list[i], "SHA256") != 0 &&
			    strcmp(p->digests.list[i], "SHA384") != 0)
				wrong(c, &p->origin,
				    "digests: \"%s\" must be \"SHA256\" or \"SHA384\"",
				    p->digests.list[i]);
		}
	}
}

static const struct sorted_name *find_name(
    const struct sorted_name *names, unsigned count, const char *name)
{
	struct sorted_name key = {.len = 0};
	uint8_t wire[NAME_MAX_LEN];

	if (name_parse(name, wire) != OK)
		return NULL;
	key.len = name_key(wire, key.key);
	return bsearch(&key, names, count, sizeof(*names), compare_names);
}

static void take_policy(struct check *c, struct config_zone_policy *p, struct config_zone *z)
{
	if (z == NULL) {
		doubt(c, &p->origin, "zone_policies: there is no zone %s; the entry has no effect",
		    p->name);
		return;
	}
	if (strcmp(z->policy, p->policy) != 0)
		doubt(c, &z->origin,
		    "zone %s stands here with policy \"%s\", but has policy \"%s\" by \"zone "
		    "set-policy\" (%s line %d)",
		    z->name, z->policy, p->policy, p->origin.file, p->origin.line);
	z->policy = p->policy;
}

/* What "zone set-policy" said has the last word. */
static void take_zone_policies(struct check *c)
{
	struct sorted_name *zones;
	unsigned n = 0;

	if (c->config->zone_policies.count == 0)
		return;
	zones = mem_array(c->config->zones.count + 1, sizeof(*zones));
	EACH(config_zone, z, c->config->zones)
	{
		uint8_t wire[NAME_MAX_LEN];

		if (z->name == NULL || name_parse(z->name, wire) != OK)
			continue;
		zones[n].len = name_key(wire, zones[n].key);
		zones[n++].named = (const struct config_named *)(void *)z;
	}
	qsort(zones, n, sizeof(*zones), compare_names);
	EACH(config_zone_policy, p, c->config->zone_policies)
	{
		const struct sorted_name *found =
		    p->name == NULL ? NULL : find_name(zones, n, p->name);

		if (p->name != NULL && p->policy != NULL)
			take_policy(c, p, found == NULL ? NULL : (void *)(uintptr_t)found->named);
	}
	free(zones);
}

static void check_zones(struct check *c)
{
	EACH(config_zone, z, c->config->zones)
	{
		if (config_is_owner(z->name))
			wrong(c, &z->origin, "zone \"%s\": such names stand for policies' keys",
			    z->name);
		check_reference(c, &z->origin, "policy", z->policy,
		    config_policy(c->config, z->policy) != NULL);
		check_names(c, &z->origin, "sources", &z->sources);
		check_names(c, &z->origin, "destinations", &z->destinations);
		if (z->sources.count == 0 && z->input_file == NULL)
			wrong(c, &z->origin, "zone \"%s\" needs sources or an input_file", z->name);
	}
}

static void check_tokens(struct check *c)
{
	EACH(config_token, t, c->config->tokens)
	{
		if (t->module != NULL && access(t->module, R_OK) != 0)
			doubt(c, &t->origin, "token \"%s\": module %s cannot be read", t->name,
			    t->module);
		if (t->pin_file != NULL && access(t->pin_file, R_OK) != 0)
			doubt(c, &t->origin, "token \"%s\": pin_file %s cannot be read", t->name,
			    t->pin_file);
		if (t->timeout < 1)
			wrong(c, &t->origin, "token \"%s\": timeout must be a second or longer",
			    t->name);
	}
}

static void check_uniqueness(struct check *c)
{
	struct config *f = c->config;

	check_unique(c, &f->tokens, sizeof(struct config_token), "token", false);
	check_unique(c, &f->servers, sizeof(struct config_server), "server", false);
	check_unique(c, &f->policies, sizeof(struct config_policy), "policy", false);
	check_unique(c, &f->tsig_keys, sizeof(struct config_tsig_key), "TSIG key", true);
	check_unique(c, &f->zones, sizeof(struct config_zone), "zone", true);
	check_unique(
	    c, &f->zone_policies, sizeof(struct config_zone_policy), "policy of zone", true);
}

unsigned config_check(
    struct config *config, conf_report_fn *report, conf_report_fn *warn, void *arg)
{
	struct check c = {config, report, warn, arg, 0};

	check_uniqueness(&c);
	check_servers(&c);
	check_tsig_keys(&c);
	check_tokens(&c);
	check_policies(&c);
	take_zone_policies(&c);
	check_zones(&c);
	return c.mistakes;
}
