/* The checks that span several settings: see config.h.  Runs in the master and in
 * `intagliod --check-config`. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "daemon/config/internal.h"
#include "dns/anchors.h"
#include "dns/name.h"
#include "dns/peer.h"

static void tell(struct config_check *c, conf_report_fn *fn, const struct conf_origin *at,
    const char *fmt, va_list ap)
{
	char text[1000];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (fn != NULL)
		fn(c->arg, at, text);
}

void config_wrong(struct config_check *c, const struct conf_origin *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(c, c->report, at, fmt, ap);
	va_end(ap);
	c->mistakes++;
}

void config_doubt(struct config_check *c, const struct conf_origin *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(c, c->warn, at, fmt, ap);
	va_end(ap);
}

struct check_twice {
	struct config_check *check;
	const char *what;
};

static void is_twice(void *arg, const struct config_named *a, const struct config_named *b)
{
	const struct check_twice *t = arg;

	config_wrong(t->check, &b->origin, "%s \"%s\" is there twice: also in %s line %d", t->what,
	    b->name, a->origin.file, a->origin.line);
}

static void check_unique(struct config_check *c, const struct conf_groups *g, size_t size,
    const char *what, bool is_domain)
{
	struct config_index *x = config_index_new(g, size, is_domain);
	struct check_twice twice = {c, what};

	for (unsigned i = 0; is_domain && i < g->count; i++) {
		const struct config_named *one = (void *)((char *)g->items + i * size);
		uint8_t wire[NAME_MAX_LEN];

		if (one->name != NULL && name_parse(one->name, wire) != OK)
			config_wrong(
			    c, &one->origin, "%s \"%s\" is not a domain name", what, one->name);
	}
	config_index_twice(x, is_twice, &twice);
	config_index_free(x);
}

static void check_address(
    struct config_check *c, const struct conf_origin *at, const char *what, const char *address)
{
	struct sockaddr_storage sa;

	if (address != NULL && peer_address_parse(address, 53, &sa) != OK)
		config_wrong(
		    c, at, "%s = \"%s\": it must be a numeric IPv4 or IPv6 address", what, address);
}

void config_check_reference(struct config_check *c, const struct conf_origin *at, const char *what,
    const char *name, bool is_there)
{
	if (name != NULL && !is_there)
		config_wrong(c, at, "%s \"%s\" is not defined anywhere", what, name);
}

void config_check_names(struct config_check *c, const struct conf_origin *at, const char *what,
    const struct conf_names *names)
{
	for (unsigned i = 0; i < names->count; i++) {
		char text[80];

		snprintf(text, sizeof(text), "%s: server", what);
		config_check_reference(
		    c, at, text, names->list[i], config_server(c->config, names->list[i]) != NULL);
	}
}

static void check_servers(struct config_check *c)
{
	CONFIG_EACH(config_listen, l, c->config->listen)
	check_address(c, &l->origin, "address", l->address);
	check_address(
	    c, &c->config->resolver.origin, "resolver: address", c->config->resolver.address);
	CONFIG_EACH(config_server, s, c->config->servers)
	{
		check_address(c, &s->origin, "address", s->address);
		check_address(c, &s->origin, "local", s->local);
		if (s->name != NULL &&
		    (strchr(s->name, '@') != NULL || strcmp(s->name, "nameservers") == 0))
			config_wrong(c, &s->origin,
			    "server \"%s\": the name may have no \"@\" in it, nor be \"nameservers\": so servers are called that were looked up",
			    s->name);
		config_check_reference(c, &s->origin, "TSIG key", s->tsig,
		    config_tsig_key(c->config, s->tsig) != NULL);
		config_check_reference(c, &s->origin, "TSIG key", s->notify_tsig,
		    config_tsig_key(c->config, s->notify_tsig) != NULL);
	}
}

static void check_anchors(struct config_check *c)
{
	const struct config_resolver *r = &c->config->resolver;
	struct anchors anchors = {.count = 0};
	struct err e;

	if (r->trust_anchor_file != NULL && anchors_read(r->trust_anchor_file, &anchors, &e) != OK)
		config_wrong(c, &r->origin, "resolver: trust_anchor_file: %s", e.text);
	anchors_free(&anchors);
}

static void check_tsig_keys(struct config_check *c)
{
	CONFIG_EACH(config_tsig_key, k, c->config->tsig_keys)
	{
		struct secret secret = {0};
		struct err e;

		if ((k->secret == NULL) == (k->secret_file == NULL))
			config_wrong(c, &k->origin,
			    "TSIG key \"%s\" needs one of secret and secret_file", k->name);
		else if (k->secret_file != NULL && access(k->secret_file, R_OK) != 0)
			config_wrong(c, &k->origin,
			    "TSIG key \"%s\": secret_file %s cannot be read", k->name,
			    k->secret_file);
		else if (k->secret != NULL && secret_from_base64(&secret, k->secret, &e) != OK)
			config_wrong(
			    c, &k->origin, "TSIG key \"%s\": secret must be base64", k->name);
		secret_free(&secret);
	}
}

static void take_policy(struct config_check *c, struct config_zone_policy *p, struct config_zone *z)
{
	if (z == NULL) {
		config_doubt(c, &p->origin,
		    "zone_policies: there is no zone %s; the entry has no effect", p->name);
		return;
	}
	if (strcmp(z->policy, p->policy) != 0)
		config_doubt(c, &z->origin,
		    "zone %s stands here with policy \"%s\", but has policy \"%s\" by \"zone "
		    "set-policy\" (%s line %d)",
		    z->name, z->policy, p->policy, p->origin.file, p->origin.line);
	z->policy = p->policy;
}

/* What "zone set-policy" said has the last word. */
static void take_zone_policies(struct config_check *c)
{
	struct config_index *zones;

	if (c->config->zone_policies.count == 0)
		return;
	zones = config_index_new(&c->config->zones, sizeof(struct config_zone), true);
	CONFIG_EACH(config_zone_policy, p, c->config->zone_policies)
	{
		if (p->name != NULL && p->policy != NULL)
			take_policy(c, p, (void *)(uintptr_t)config_index_find(zones, p->name));
	}
	config_index_free(zones);
}

static void check_zones(struct config_check *c)
{
	CONFIG_EACH(config_zone, z, c->config->zones)
	{
		if (config_is_owner(z->name))
			config_wrong(c, &z->origin,
			    "zone \"%s\": such names stand for policies' keys", z->name);
		config_check_reference(c, &z->origin, "policy", z->policy,
		    config_policy(c->config, z->policy) != NULL);
		config_check_names(c, &z->origin, "sources", &z->sources);
		config_check_names(c, &z->origin, "destinations", &z->destinations);
		if (z->sources.count == 0 && z->input_file == NULL)
			config_wrong(
			    c, &z->origin, "zone \"%s\" needs sources or an input_file", z->name);
	}
}

static void check_tokens(struct config_check *c)
{
	CONFIG_EACH(config_token, t, c->config->tokens)
	{
		if (t->module != NULL && access(t->module, R_OK) != 0)
			config_doubt(c, &t->origin, "token \"%s\": module %s cannot be read",
			    t->name, t->module);
		if (t->pin_file != NULL && access(t->pin_file, R_OK) != 0)
			config_doubt(c, &t->origin, "token \"%s\": pin_file %s cannot be read",
			    t->name, t->pin_file);
		if (t->timeout < 1)
			config_wrong(c, &t->origin,
			    "token \"%s\": timeout must be a second or longer", t->name);
	}
}

static void check_uniqueness(struct config_check *c)
{
	struct config *f = c->config;

	check_unique(c, &f->tokens, sizeof(struct config_token), "token", false);
	check_unique(c, &f->servers, sizeof(struct config_server), "server", false);
	check_unique(c, &f->policies, sizeof(struct config_policy), "policy", false);
	check_unique(c, &f->tsig_keys, sizeof(struct config_tsig_key), "TSIG key", true);
	check_unique(c, &f->zones, sizeof(struct config_zone), "zone", true);
	check_unique(c, &f->monitored, sizeof(struct config_monitored), "monitored domain", true);
	check_unique(
	    c, &f->zone_policies, sizeof(struct config_zone_policy), "policy of zone", true);
}

unsigned config_check(
    struct config *config, conf_report_fn *report, conf_report_fn *warn, void *arg)
{
	struct config_check c = {config, report, warn, arg, 0};

	check_uniqueness(&c);
	check_servers(&c);
	check_anchors(&c);
	check_tsig_keys(&c);
	check_tokens(&c);
	config_check_policies(&c);
	take_zone_policies(&c);
	check_zones(&c);
	config_check_monitored(&c);
	config_check_notices(&c);
	return c.mistakes;
}
