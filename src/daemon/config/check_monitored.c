/* The checks of monitored domains, and what of them hangs on other settings: see config/internal.h.
 * Runs in the master and in `intagliod --check-config`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "daemon/config/internal.h"
#include "dns/peer.h"

#define INTERVAL_SOUND 60
#define THRESHOLDS_MAX 4

static const char *const thresholds[] = {"P7D", "P3D", "P1D"};

/* "192.0.2.1" or "192.0.2.1@5300". */
static bool is_address(const char *text)
{
	struct sockaddr_storage sa;
	char address[PEER_NAME_MAX];
	const char *at = strchr(text, '@');
	size_t len = at == NULL ? strlen(text) : (size_t)(at - text);
	unsigned port = 53;
	char rest;

	if (len >= sizeof(address) || (at != NULL && (sscanf(at + 1, "%5u%c", &port, &rest) != 1 ||
							 port == 0 || port > 65535)))
		return false;
	snprintf(address, sizeof(address), "%.*s", (int)len, text);
	return peer_address_parse(address, (uint16_t)port, &sa) == OK;
}

static void check_servers(struct config_check *c, const struct config_monitored *m)
{
	for (unsigned i = 0; i < m->servers.count; i++) {
		const char *server = m->servers.list[i];

		if (config_server(c->config, server) == NULL && !is_address(server))
			config_wrong(c, &m->origin,
			    "monitored domain \"%s\": \"%s\" is neither a server that is defined nor a numeric address",
			    m->name, server);
	}
}

static void check_interval(struct config_check *c, const struct config_monitored *m)
{
	if (m->interval < 1)
		config_wrong(c, &m->origin,
		    "monitored domain \"%s\": interval must be a second or longer", m->name);
	else if (m->interval < INTERVAL_SOUND)
		config_doubt(c, &m->origin,
		    "monitored domain \"%s\": its servers are asked more often than each minute",
		    m->name);
}

static void check_lists(struct config_check *c, const struct config_monitored *m)
{
	struct period p;

	for (unsigned i = 0; i < m->digests.count; i++) {
		if (strcmp(m->digests.list[i], "SHA256") != 0 &&
		    strcmp(m->digests.list[i], "SHA384") != 0)
			config_wrong(c, &m->origin,
			    "monitored domain \"%s\": digests: \"%s\" must be \"SHA256\" or \"SHA384\"",
			    m->name, m->digests.list[i]);
	}
	if (m->thresholds.count > THRESHOLDS_MAX)
		config_wrong(c, &m->origin, "monitored domain \"%s\": at most %d thresholds",
		    m->name, THRESHOLDS_MAX);
	for (unsigned i = 0; i < m->thresholds.count; i++) {
		if (period_parse(m->thresholds.list[i], &p) != OK || p.months != 0)
			config_wrong(c, &m->origin,
			    "monitored domain \"%s\": threshold \"%s\" must be a duration such as \"P3D\"",
			    m->name, m->thresholds.list[i]);
	}
}

static void check_parent(struct config_check *c, const struct config_monitored *m)
{
	const struct config_parent *p = &m->parent;

	config_check_names(c, &m->origin, "parent", &p->servers);
	config_check_update(c, &m->origin, "monitored domain", m->name, p);
	if (p->submit == SUBMIT_CDS)
		config_wrong(c, &m->origin,
		    "monitored domain \"%s\": submit = \"cds\" is for zones that are signed here; it must be update, command or manual",
		    m->name);
	else if (p->submit == SUBMIT_COMMAND && (p->command == NULL || p->command[0] != '/'))
		config_wrong(c, &m->origin,
		    "monitored domain \"%s\": submit = \"command\" needs a command, with its whole path",
		    m->name);
	else if (p->submit == SUBMIT_COMMAND && access(p->command, X_OK) != 0)
		config_doubt(c, &m->origin, "monitored domain \"%s\": command %s: %s", m->name,
		    p->command, strerror(errno));
}

/* Whom to ask, and about what. */
static void check_ways(struct config_check *c, const struct config_monitored *m)
{
	bool has_resolver = c->config->resolver.origin.line > 0;

	if (!has_resolver && (m->servers.count == 0 || m->parent.servers.count == 0) &&
	    config_zone(c->config, m->name) == NULL)
		config_wrong(c, &m->origin,
		    "monitored domain \"%s\" needs servers and parent.servers, or a resolver, which finds them: resolver = { address = \"...\"; }",
		    m->name);
	if (m->bootstrap && (m->mode != MONITOR_CDS || !has_resolver))
		config_wrong(c, &m->origin,
		    "monitored domain \"%s\": bootstrap needs mode = \"cds\" and a resolver",
		    m->name);
	if (m->allow_delete && m->mode != MONITOR_CDS)
		config_doubt(c, &m->origin,
		    "monitored domain \"%s\": allow_delete has no effect without mode = \"cds\"",
		    m->name);
}

void config_check_monitored(struct config_check *c)
{
	CONFIG_EACH(config_monitored, m, c->config->monitored)
	{
		if (m->name == NULL)
			continue;
		if (m->thresholds.count == 0)
			m->thresholds = (struct conf_names){
			    (const char **)(uintptr_t)thresholds, MEM_COUNT(thresholds)};
		check_interval(c, m);
		check_servers(c, m);
		check_lists(c, m);
		if (m->enrolled) {
			check_parent(c, m);
			check_ways(c, m);
		}
	}
}
