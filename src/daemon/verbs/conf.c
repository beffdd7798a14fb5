/* The verbs that change the configuration, all but those about zones: tsig, server, update conf. */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/secret.h"
#include "daemon/proto.h"
#include "daemon/verbs/internal.h"
#include "dns/tsig.h"
#include "ops/stanza.h"

#define SECRET_TEXT 400 /* characters of a secret in base64 */

struct changing {
	struct ops_call *call;
	char *done; /* what is said when it worked */
};

static void changed(void *arg, bool ok, const char *why)
{
	struct changing *ch = arg;

	if (ok) {
		ops_text(ch->call, "%s", ch->done);
		ops_done(ch->call);
	} else {
		ops_fail(ch->call, "nothing was changed: %s", why);
	}
	secret_wipe(ch->done, strlen(ch->done));
	free(ch->done);
	free(ch);
}

/* Add the one group of a list, then say `done` (taken). */
static void add_entry(struct signer *s, struct ops_call *c, const char *list,
    const struct conf_table *t, const struct conf_groups *one, char *done)
{
	struct changing *ch = mem_alloc(sizeof(*ch));
	struct buf text = {0};

	ch->call = c;
	ch->done = done;
	conf_write_list(list, t, one, CONF_FILE, &text);
	signer_request(s, PROTO_CONF_ADD, NULL, &text, changed, ch);
	secret_wipe(text.data, text.len);
	buf_free(&text);
}

static void remove_entry(struct signer *s, struct ops_call *c, const char *list, const char *name)
{
	struct changing *ch = mem_alloc(sizeof(*ch));
	struct buf body = {0};

	ch->call = c;
	ch->done = mem_printf("%s deleted\n", name);
	buf_str(&body, list);
	buf_str(&body, name);
	signer_request(s, PROTO_CONF_REMOVE, &body, NULL, changed, ch);
	buf_free(&body);
}

/* tsig */

static int random_secret(enum tsig_algorithm a, char out[SECRET_TEXT])
{
	unsigned char raw[TSIG_MAC_MAX];
	size_t len = tsig_mac_len(a);

	if (RAND_priv_bytes(raw, (int)len) != 1)
		return ERR_CRYPTO;
	EVP_EncodeBlock((unsigned char *)out, raw, (int)len);
	secret_wipe(raw, sizeof(raw));
	return OK;
}

/* The operator's secret (the text of a file), or one of our own. */
static int take_secret(const char *given, enum tsig_algorithm a, char out[SECRET_TEXT])
{
	struct secret check = {0};
	int code;

	if (given == NULL)
		return random_secret(a, out);
	snprintf(out, SECRET_TEXT, "%.*s", (int)strcspn(given, "\r\n"), given);
	code = secret_from_base64(&check, out, NULL);
	secret_free(&check);
	return code;
}

/* What peers need, with the first address that we listen on. */
static char *stanzas(const struct signer *s, const struct config_tsig_key *k, const char *zone)
{
	const struct config_listen *l = s->config->listen.items;
	bool listens = s->config->listen.count > 0;
	const char *example = zone == NULL ? "example.org" : zone;
	struct stanza stanza = {.key = k->name,
	    .algorithm = tsig_algorithm_name((enum tsig_algorithm)k->algorithm),
	    .secret = k->secret,
	    .address = listens ? l->address : "192.0.2.1",
	    .port = listens ? (unsigned)l->port : 53,
	    .zones = &example,
	    .zone_count = 1};
	struct buf text = {0};
	char *out;

	buf_printf(&text, "TSIG key %s (%s) is there. What the other side needs:\n\n", k->name,
	    stanza.algorithm);
	stanza_put_all(&text, &stanza);
	out = mem_printf("%.*s", (int)text.len, (const char *)text.data);
	secret_wipe(text.data, text.len);
	buf_free(&text);
	return out;
}

static void verb_tsig_generate(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	const char *name = ops_option(c, "name"), *algorithm = ops_option(c, "algorithm");
	enum tsig_algorithm a;
	struct arena *arena;
	struct conf_groups one = {0};
	struct config_tsig_key *k;
	char secret[SECRET_TEXT];

	algorithm = algorithm == NULL ? "hmac-sha256" : algorithm;
	a = (enum tsig_algorithm)tsig_algorithm_parse(algorithm);
	if (name == NULL || a == 0) {
		ops_fail(c, name == NULL
				? "say how the key is to be called: --name NAME"
				: "the algorithm must be hmac-sha1, hmac-sha224, hmac-sha256, "
				  "hmac-sha384 or hmac-sha512");
		return;
	}
	if (take_secret(ops_option(c, "secret-file"), a, secret) != OK) {
		ops_fail(c, "the secret must be base64, on the first line of the file");
		return;
	}
	arena = arena_new();
	k = conf_groups_add(&config_tsig_table, arena, &one);
	k->name = name;
	k->algorithm = (int)a;
	k->secret = secret;
	add_entry(
	    s, c, "tsig_keys", &config_tsig_table, &one, stanzas(s, k, ops_option(c, "zone")));
	secret_wipe(secret, sizeof(secret));
	arena_free(arena);
}

static json_t *users_of_key(const struct signer *s, const char *name)
{
	const struct config_server *server = s->config->servers.items;
	json_t *list = json_array();

	for (unsigned i = 0; i < s->config->servers.count; i++) {
		if ((server[i].tsig != NULL && strcmp(server[i].tsig, name) == 0) ||
		    (server[i].notify_tsig != NULL && strcmp(server[i].notify_tsig, name) == 0))
			json_array_append_new(list, json_string(server[i].name));
	}
	return list;
}

static void verb_tsig_list(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	const struct config_tsig_key *k = s->config->tsig_keys.items;
	json_t *list = json_array();

	for (unsigned i = 0; i < s->config->tsig_keys.count; i++)
		json_array_append_new(
		    list, json_pack("{s:s,s:s,s:o}", "name", k[i].name, "algorithm",
			      tsig_algorithm_name((enum tsig_algorithm)k[i].algorithm), "servers",
			      users_of_key(s, k[i].name)));
	ops_list(c, json_pack("{s:o}", "tsig_keys", list), "tsig_keys",
	    "name:Name,algorithm:Algorithm,servers:Servers");
	ops_done(c);
}

static void verb_tsig_delete(void *arg, struct ops_call *c)
{
	const char *name = ops_option(c, "name");

	if (name == NULL)
		ops_fail(c, "say which key: --name NAME");
	else
		remove_entry(arg, c, "tsig_keys", name);
}

/* server */

static void verb_server_add(void *arg, struct ops_call *c)
{
	const char *port = ops_option(c, "port");
	struct arena *a = arena_new();
	struct conf_groups one = {0};
	struct config_server *server = conf_groups_add(&config_server_table, a, &one);

	server->name = ops_option(c, "name");
	server->address = ops_option(c, "address");
	server->port = port == NULL ? 53 : strtol(port, NULL, 10);
	server->local = ops_option(c, "local");
	server->tsig = ops_option(c, "tsig");
	server->notify_tsig = ops_option(c, "notify-tsig");
	server->ixfr = !ops_flag(c, "no-ixfr");
	if (server->name == NULL || server->address == NULL)
		ops_fail(c, "a server needs --name and --address");
	else
		add_entry(arg, c, "servers", &config_server_table, &one,
		    mem_printf("server %s added\n", server->name));
	arena_free(a);
}

static void verb_server_list(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	const struct config_server *v = s->config->servers.items;
	json_t *list = json_array();

	for (unsigned i = 0; i < s->config->servers.count; i++)
		json_array_append_new(list,
		    json_pack("{s:s,s:s,s:I,s:s?,s:s?,s:s?,s:b}", "name", v[i].name, "address",
			v[i].address, "port", (json_int_t)v[i].port, "tsig", v[i].tsig,
			"notify_tsig", v[i].notify_tsig, "local", v[i].local, "ixfr", v[i].ixfr));
	ops_list(c, json_pack("{s:o}", "servers", list), "servers",
	    "name:Name,address:Address,port:Port,tsig:TSIG,notify_tsig:NOTIFY TSIG,local:Local");
	ops_done(c);
}

static void verb_server_delete(void *arg, struct ops_call *c)
{
	const char *name = ops_option(c, "name");

	if (name == NULL)
		ops_fail(c, "say which server: --name NAME");
	else
		remove_entry(arg, c, "servers", name);
}

/* update conf */

static void verb_update_conf(void *arg, struct ops_call *c)
{
	struct changing *ch = mem_alloc(sizeof(*ch));

	ch->call = c;
	ch->done = mem_printf("the configuration is in effect\n");
	signer_request(arg, PROTO_CONF_RELOAD, NULL, NULL, changed, ch);
}

void verbs_conf_register(struct signer *s)
{
	ops_register(s->ops, "tsig generate", verb_tsig_generate, s);
	ops_register(s->ops, "tsig list", verb_tsig_list, s);
	ops_register(s->ops, "tsig delete", verb_tsig_delete, s);
	ops_register(s->ops, "server add", verb_server_add, s);
	ops_register(s->ops, "server list", verb_server_list, s);
	ops_register(s->ops, "server delete", verb_server_delete, s);
	ops_register(s->ops, "update conf", verb_update_conf, s);
}
