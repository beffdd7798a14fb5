/* Reading the configuration and finding things in it: see config.h.  Runs in the master and in
 * `intagliod --check-config`. */
#include <string.h>
#include "daemon/config/internal.h"
#include "dns/name.h"

static bool same_name(const char *a, const char *b, bool is_domain)
{
	uint8_t x[NAME_MAX_LEN], y[NAME_MAX_LEN];

	if (is_domain && name_parse(a, x) == OK && name_parse(b, y) == OK)
		return name_equal(x, y);
	return strcmp(a, b) == 0;
}

bool config_same_name(const char *a, const char *b)
{
	return same_name(a, b, true);
}

const char *config_name(const struct conf_groups *g, size_t size, unsigned i)
{
	return ((const struct config_named *)(const void *)((const char *)g->items + i * size))
	    ->name;
}

static void *find(const struct conf_groups *g, size_t size, const char *name, bool is_domain)
{
	for (unsigned i = 0; name != NULL && i < g->count; i++) {
		struct config_named *n = (void *)((char *)g->items + i * size);

		if (n->name != NULL && same_name(n->name, name, is_domain))
			return n;
	}
	return NULL;
}

struct config_policy *config_policy(const struct config *c, const char *name)
{
	return find(&c->policies, sizeof(struct config_policy), name, false);
}

struct config_server *config_server(const struct config *c, const char *name)
{
	return find(&c->servers, sizeof(struct config_server), name, false);
}

struct config_monitored *config_monitored(const struct config *c, const char *name)
{
	return find(&c->monitored, sizeof(struct config_monitored), name, true);
}

struct config_token *config_token(const struct config *c, const char *name)
{
	return find(&c->tokens, sizeof(struct config_token), name, false);
}

struct config_tsig_key *config_tsig_key(const struct config *c, const char *name)
{
	return find(&c->tsig_keys, sizeof(struct config_tsig_key), name, true);
}

struct config_zone *config_zone(const struct config *c, const char *name)
{
	return find(&c->zones, sizeof(struct config_zone), name, true);
}

struct config *config_new(const char *path)
{
	struct arena *a = arena_new();
	struct config *c = arena_alloc(a, sizeof(*c));

	conf_defaults(&config_table, a, c);
	c->arena = a;
	c->path = arena_strdup(a, path);
	return c;
}

const char *config_conf_d(const char *path, struct arena *a)
{
	const char *slash = strrchr(path, '/');
	size_t dir = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	char *out = arena_alloc(a, dir + sizeof("conf.d"));

	memcpy(out, path, dir);
	strcpy(out + dir, "conf.d");
	return out;
}

struct config *config_load_with(const char *path, const char *skip, const char *instead,
    conf_report_fn *report, conf_report_fn *warn, void *arg)
{
	struct config *c = config_new(path);
	unsigned count, mistakes = conf_read_file(&config_table, path, c->arena, c, report, arg);
	const char **files = conf_list_dir(config_conf_d(path, c->arena), c->arena, &count);

	for (unsigned i = 0; i < count && mistakes == 0; i++) {
		if (skip == NULL || strcmp(files[i], skip) != 0)
			mistakes +=
			    conf_read_file(&config_table, files[i], c->arena, c, report, arg);
	}
	if (instead != NULL && mistakes == 0)
		mistakes += conf_read_text(&config_table, instead, skip, c->arena, c, report, arg);
	if (mistakes == 0)
		mistakes += config_check(c, report, warn, arg);
	if (mistakes == 0)
		return c;
	config_free(c);
	return NULL;
}

struct config *config_load(
    const char *path, conf_report_fn *report, conf_report_fn *warn, void *arg)
{
	return config_load_with(path, NULL, NULL, report, warn, arg);
}

void config_free(struct config *c)
{
	if (c == NULL)
		return;
	config_free(c->known);
	arena_free(c->arena);
}
