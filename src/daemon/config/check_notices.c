/* What must hold of the settings of notices, and of the addresses that get them.  Runs in the
 * master and in `intagliod --check-config`. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "daemon/config/internal.h"
#include "dns/peer.h"
#include "notices/deliver.h"
#include "notices/smtp.h"

static void check_mail_address(
    struct config_check *c, const struct conf_origin *at, const char *what, const char *address)
{
	if (address != NULL && !smtp_is_address(address))
		config_wrong(c, at,
		    "%s = \"%s\" is not a plain mail address, as in \"hostmaster@example.gov\"",
		    what, address);
}

static void check_readable(
    struct config_check *c, const struct conf_origin *at, const char *what, const char *file)
{
	if (file != NULL && access(file, R_OK) != 0)
		config_wrong(c, at, "%s %s: %s", what, file, strerror(errno));
}

static void check_one_of(struct config_check *c, const struct conf_origin *at, const char *what,
    const char *given, const char *file)
{
	if (given != NULL && file != NULL)
		config_wrong(c, at, "%s and %s_file are both given: one is enough", what, what);
}

/* A name or an address, "[...]" of URLs aside. */
static bool is_loopback(const char *host, size_t len)
{
	return (len == 9 && strncasecmp(host, "localhost", len) == 0) ||
	       (len == 3 && strncmp(host, "::1", len) == 0) ||
	       (len > 4 && strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= len);
}

static bool is_server(const char *name)
{
	struct sockaddr_storage sa;

	return peer_address_parse(name, 25, &sa) == OK ||
	       (name[0] != '\0' &&
		   strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"0123456789-.") == strlen(name));
}

static void check_smtp(struct config_check *c, const struct config_notices *n)
{
	const struct config_smtp *m = &n->smtp;

	if (m->origin.line == 0 || m->server == NULL)
		return;
	if (!is_server(m->server))
		config_wrong(c, &m->origin,
		    "notices: smtp: server = \"%s\" is neither a host's name nor an address",
		    m->server);
	if (n->from == NULL)
		config_wrong(
		    c, &n->origin, "notices: mail needs a sender: from = \"signer@example.gov\"");
	check_one_of(c, &m->origin, "notices: smtp: password", m->password, m->password_file);
	check_readable(c, &m->origin, "notices: smtp: password_file", m->password_file);
	check_readable(c, &m->origin, "notices: smtp: ca_file", m->ca_file);
	if ((m->username == NULL) != (m->password == NULL && m->password_file == NULL))
		config_wrong(c, &m->origin,
		    "notices: smtp: to log in both are needed, username and one of password and password_file");
	if (m->username != NULL && m->tls == DELIVER_TLS_NONE &&
	    !is_loopback(m->server, strlen(m->server)))
		config_doubt(c, &m->origin,
		    "notices: smtp: the password goes to %s in clear; tls = \"starttls\" protects it",
		    m->server);
}

/* NULL: it is no URL that we take. */
static const char *host_of(const char *url, size_t *len, bool *is_clear)
{
	const char *host;

	*is_clear = strncasecmp(url, "http://", 7) == 0;
	if (!*is_clear && strncasecmp(url, "https://", 8) != 0)
		return NULL;
	for (host = url; *host > ' ' && *host <= '~'; host++)
		;
	if (*host != '\0')
		return NULL;
	host = strstr(url, "://") + 3;
	*len = strcspn(host, host[0] == '[' ? "]" : ":/?#");
	if (host[0] == '[') {
		host++;
		(*len)--;
	}
	return *len == 0 ? NULL : host;
}

static void check_webhook(struct config_check *c, const struct config_webhook *w)
{
	bool is_clear;
	size_t len = 0;
	const char *host = w->url == NULL ? NULL : host_of(w->url, &len, &is_clear);

	if (w->origin.line == 0 || w->url == NULL)
		return;
	if (host == NULL)
		config_wrong(c, &w->origin,
		    "notices: webhook: url = \"%s\" must begin with https:// or http:// and a host",
		    w->url);
	else if (is_clear && !is_loopback(host, len))
		config_doubt(c, &w->origin,
		    "notices: webhook: what is posted to %.*s goes in clear; https:// protects it",
		    (int)len, host);
	check_one_of(c, &w->origin, "notices: webhook: secret", w->secret, w->secret_file);
	check_readable(c, &w->origin, "notices: webhook: secret_file", w->secret_file);
	check_readable(c, &w->origin, "notices: webhook: ca_file", w->ca_file);
	if (w->secret == NULL && w->secret_file == NULL)
		config_doubt(c, &w->origin,
		    "notices: webhook: without a secret nobody can tell what is posted from what somebody else posts");
}

static void check_rest(struct config_check *c, const struct config_notices *n)
{
	if (n->command != NULL && n->command[0] != '/')
		config_wrong(c, &n->origin,
		    "notices: command = \"%s\" must be given with its whole path", n->command);
	else if (n->command != NULL && access(n->command, X_OK) != 0)
		config_doubt(c, &n->origin, "notices: command %s: %s", n->command, strerror(errno));
	if (n->heartbeat != 0 && n->heartbeat < 60)
		config_wrong(c, &n->origin,
		    "notices: heartbeat must be a minute or longer, or PT0S for none");
	if (n->templates != NULL && access(n->templates, R_OK | X_OK) != 0)
		config_doubt(
		    c, &n->origin, "notices: templates %s: %s", n->templates, strerror(errno));
	if (n->command_timeout < 1 || n->command_timeout > 3600)
		config_wrong(
		    c, &n->origin, "notices: command_timeout must be between PT1S and PT1H");
}

void config_check_notices(struct config_check *c)
{
	const struct config_notices *n = &c->config->notices;

	CONFIG_EACH(config_zone, z, c->config->zones)
	check_mail_address(c, &z->origin, "contact", z->contact);
	if (n->origin.line == 0)
		return;
	check_mail_address(c, &n->origin, "notices: operator", n->operator);
	check_mail_address(c, &n->origin, "notices: from", n->from);
	check_smtp(c, n);
	check_webhook(c, &n->webhook);
	check_rest(c, n);
}
