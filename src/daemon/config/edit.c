/* The configuration on its way to other places: the cuts that processes are handed, and the conf.d
 * files that commands change.  See config.h.  Runs in the master; config_parse_cut in the others.
 */
#include "daemon/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/config/internal.h"
#include "zone/store.h"

/* The mistakes of a text that a command brought, in one error record. */
static void collect(void *arg, const struct conf_origin *where, const char *text)
{
	struct err *e = arg;

	if (e != NULL && e->code == OK)
		err_set(e, ERR_FORMAT, "%s line %d: %s", where->file, where->line, text);
}

struct config *config_parse_cut(const char *text, struct err *e)
{
	struct config *c = config_new("(cut)");

	err_set(e, OK, "%s", "");
	if (conf_read_text(&config_table, text, "(cut)", c->arena, c, collect, e) == 0)
		return c;
	config_free(c);
	return NULL;
}

/* A notice that cannot be delivered is no reason to do without the rest. */
static const char *secret_of_notices(
    struct config *c, const char *what, const char *given, const char *file)
{
	struct secret s = {0};
	struct err e = {0};

	if (given != NULL || file == NULL)
		return given;
	if (secret_read_file(&s, file, &e) != OK)
		log_error("notices: %s: %s", what, e.text);
	else
		given = arena_strdup(c->arena, (const char *)s.data);
	secret_free(&s);
	return given;
}

/* The network side cannot read secret files, so it is handed what is in them. */
static int resolve_secrets(struct config *c, struct err *e)
{
	struct config_smtp *smtp = &c->notices.smtp;
	struct config_webhook *webhook = &c->notices.webhook;
	struct config_tsig_key *k = c->tsig_keys.items;

	smtp->password =
	    secret_of_notices(c, "smtp.password_file", smtp->password, smtp->password_file);
	webhook->secret =
	    secret_of_notices(c, "webhook.secret_file", webhook->secret, webhook->secret_file);
	for (unsigned i = 0; i < c->tsig_keys.count; i++) {
		struct secret s = {0};

		if (k[i].secret_file == NULL || k[i].secret != NULL)
			continue;
		if (secret_read_file(&s, k[i].secret_file, e) != OK)
			return err_wrap(e, "TSIG key %s", k[i].name);
		k[i].secret = arena_strdup(c->arena, (const char *)s.data);
		secret_free(&s);
	}
	return OK;
}

int config_cut(struct config *c, unsigned audience, struct buf *out, struct err *e)
{
	if (audience == CONF_NETWORK && resolve_secrets(c, e) != OK)
		return e == NULL ? ERR_SYSTEM : e->code;
	conf_write(&config_table, c, audience | CONF_WHOLE, out);
	buf_u8(out, 0);
	out->len--;
	return out->failed ? err_set(e, ERR_LIMIT, "the configuration is too large") : OK;
}

/* The lists that commands may grow, and the file each is kept in. */
enum { EDIT_SERVERS, EDIT_TSIG_KEYS, EDIT_ZONES, EDIT_MONITORED };
static const struct editable {
	const char *list;
	size_t offset;
	const struct conf_table *table;
} editables[] = {
    [EDIT_SERVERS] = {"servers", offsetof(struct config, servers), &config_server_table},
    [EDIT_TSIG_KEYS] = {"tsig_keys", offsetof(struct config, tsig_keys), &config_tsig_table},
    [EDIT_ZONES] = {"zones", offsetof(struct config, zones), &config_zone_table},
    [EDIT_MONITORED] = {"monitored", offsetof(struct config, monitored), &config_monitored_table},
    {NULL, 0, NULL},
};
/* Only config_set_policy changes this one. */
static const struct editable zone_policies = {
    "zone_policies", offsetof(struct config, zone_policies), &config_zone_policy_table};

static struct conf_groups *groups_of(struct config *c, const struct editable *ed)
{
	return (struct conf_groups *)((char *)c + ed->offset);
}

static const char *file_of(const char *path, const struct editable *ed, struct arena *a)
{
	const char *dir = config_conf_d(path, a);
	size_t size = strlen(dir) + strlen(ed->list) + sizeof("/.conf");
	char *out = arena_alloc(a, size);

	snprintf(out, size, "%s/%s.conf", dir, ed->list);
	return out;
}

static void ignore(void *arg, const struct conf_origin *where, const char *text)
{
	(void)arg;
	(void)where;
	(void)text;
}

/* What the file of a list holds now; a file that is not there holds nothing. */
static struct config *current(const char *file)
{
	struct config *c = config_new(file);
	struct stat st;

	if (stat(file, &st) == 0)
		conf_read_file(&config_table, file, c->arena, c, ignore, NULL);
	return c;
}

static void append_all(struct conf_groups *to, const struct conf_groups *from, size_t size,
    const struct conf_table *t, struct arena *a)
{
	for (unsigned i = 0; i < from->count; i++)
		memcpy(conf_groups_add(t, a, to), (char *)from->items + i * size, size);
}

/* Check the whole configuration with the file's new content, then write it. */
static int put_file(const char *path, const char *file, const struct editable *ed,
    struct conf_groups *content, struct err *e)
{
	struct config *whole;
	struct buf text = {0};
	char *dir;
	int code;

	buf_printf(&text, "/* Written by intaglio; changed by its commands. */\n");
	if (content->count > 0)
		conf_write_list(ed->list, ed->table, content, CONF_FILE, &text);
	buf_u8(&text, 0);
	err_set(e, OK, "%s", "");
	whole = config_load_with(path, file, (const char *)text.data, collect, NULL, e);
	code = whole == NULL ? (e != NULL && e->code != OK ? e->code : ERR_FORMAT) : OK;
	config_free(whole);
	if (code == OK) {
		dir = mem_strdup(file);
		*strrchr(dir, '/') = '\0';
		mkdir(dir, 0750);
		free(dir);
		code = conf_replace_file(file, 0640, text.data, text.len - 1, e);
	}
	buf_free(&text);
	return code;
}

int config_add(const char *path, const char *text, struct err *e)
{
	struct config *new = config_new("(command)");
	int code = OK;

	err_set(e, OK, "%s", "");
	if (conf_read_text(&config_table, text, "the entries given", new->arena, new, collect, e) >
	    0)
		code = e == NULL ? ERR_FORMAT : e->code;
	for (const struct editable *ed = editables; ed->list != NULL && code == OK; ed++) {
		const char *file = file_of(path, ed, new->arena);
		struct config *old;

		if (groups_of(new, ed)->count == 0)
			continue;
		old = current(file);
		append_all(
		    groups_of(old, ed), groups_of(new, ed), ed->table->size, ed->table, old->arena);
		code = put_file(path, file, ed, groups_of(old, ed), e);
		config_free(old);
	}
	config_free(new);
	return code;
}

static unsigned find_named(const struct conf_groups *g, size_t size, const char *name)
{
	unsigned i = 0;

	while (i < g->count && !config_same_name(config_name(g, size, i), name))
		i++;
	return i;
}

int config_remove(const char *path, const char *list, const char *name, struct err *e)
{
	const struct editable *ed = editables;
	struct arena *a = arena_new();
	struct config *old;
	struct conf_groups *g;
	const char *file;
	unsigned i;
	int code;

	while (ed->list != NULL && strcmp(ed->list, list) != 0)
		ed++;
	file = ed->list == NULL ? "" : file_of(path, ed, a);
	old = current(file);
	if (ed->list == NULL) {
		code = err_set(e, ERR_ARGUMENT, "%s cannot be changed by a command", list);
		goto done;
	}
	g = groups_of(old, ed);
	i = find_named(g, ed->table->size, name);
	if (i == g->count) {
		code = err_set(e, ERR_MISSING,
		    "%s is not in %s: what stands in another file is taken out there, by hand",
		    name, file);
		goto done;
	}
	memmove((char *)g->items + i * ed->table->size,
	    (char *)g->items + (i + 1) * ed->table->size, (g->count - i - 1) * ed->table->size);
	g->count--;
	code = put_file(path, file, ed, g, e);
done:
	config_free(old);
	arena_free(a);
	return code;
}

/* The policy that the zone has where it stands, in a file that set-policy does not write. */
static int policy_in_place(
    const char *path, const char *zone, char out[STORE_POLICY_MAX], struct err *e)
{
	struct arena *a = arena_new();
	struct config *c =
	    config_load_with(path, file_of(path, &zone_policies, a), "", collect, NULL, e);
	const struct config_zone *z = c == NULL ? NULL : config_zone(c, zone);
	int code = OK;

	if (z != NULL)
		snprintf(out, STORE_POLICY_MAX, "%s", z->policy);
	else if (c != NULL)
		code = err_set(e, ERR_MISSING, "zone %s is not in the configuration", zone);
	else
		code = e != NULL && e->code != OK ? e->code : ERR_FORMAT;
	config_free(c);
	arena_free(a);
	return code;
}

/* policy NULL: the zone has what stands in its own place. */
static int put_override(const char *path, const char *zone, const char *policy, struct err *e)
{
	struct arena *a = arena_new();
	const char *file = file_of(path, &zone_policies, a);
	struct config *old = current(file);
	struct conf_groups *g = &old->zone_policies;
	struct config_zone_policy *list = g->items;
	unsigned i = find_named(g, sizeof(*list), zone);
	int code = OK;

	if (policy == NULL && i == g->count)
		goto done;
	if (policy == NULL) {
		memmove(&list[i], &list[i + 1], (g->count - i - 1) * sizeof(*list));
		g->count--;
	} else {
		struct config_zone_policy *one = &list[i];

		if (i == g->count)
			one = conf_groups_add(&config_zone_policy_table, old->arena, g);
		one->name = zone;
		one->policy = policy;
	}
	code = put_file(path, file, &zone_policies, g, e);
done:
	config_free(old);
	arena_free(a);
	return code;
}

/* In zones.conf itself; ERR_MISSING: it does not stand there. */
static int put_in_place(const char *path, const char *zone, const char *policy, struct err *e)
{
	const struct editable *ed = &editables[EDIT_ZONES];
	struct arena *a = arena_new();
	const char *file = file_of(path, ed, a);
	struct config *old = current(file);
	struct config_zone *list = old->zones.items;
	unsigned i = find_named(&old->zones, sizeof(*list), zone);
	int code = ERR_MISSING;

	if (i < old->zones.count) {
		list[i].policy = policy;
		code = put_file(path, file, ed, &old->zones, e);
	}
	config_free(old);
	arena_free(a);
	return code;
}

static bool has_override(const char *path, const char *zone)
{
	struct arena *a = arena_new();
	struct config *c = current(file_of(path, &zone_policies, a));
	const struct conf_groups *g = &c->zone_policies;
	bool found = find_named(g, sizeof(struct config_zone_policy), zone) < g->count;

	config_free(c);
	arena_free(a);
	return found;
}

/* One file is written, so that a crash leaves the one policy or the other. */
int config_set_policy(const char *path, const char *zone, const char *policy, struct err *e)
{
	char before[STORE_POLICY_MAX];
	int code = ERR_MISSING;

	err_set(e, OK, "%s", "");
	if (!has_override(path, zone))
		code = put_in_place(path, zone, policy, e);
	if (code != ERR_MISSING)
		return code;
	code = policy_in_place(path, zone, before, e);
	if (code == OK)
		code = put_override(path, zone, strcmp(before, policy) == 0 ? NULL : policy, e);
	return code;
}

int config_forget_policy(const char *path, const char *zone, struct err *e)
{
	return put_override(path, zone, NULL, e);
}

/* Only servers that still exist can be asked. */
static void keep_known_names(struct config *c, struct conf_names *names)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < names->count; i++) {
		if (config_server(c, names->list[i]) != NULL)
			names->list[kept++] = names->list[i];
	}
	names->count = kept;
}

static void adopt_zone(struct config *c, const struct config *known, const struct config_zone *z)
{
	const struct config_policy *policy = config_policy(known, z->policy);
	struct config_zone *copy;

	if (config_policy(c, z->policy) == NULL && policy != NULL)
		*(struct config_policy *)conf_groups_add(
		    &config_policy_table, c->arena, &c->policies) = *policy;
	if (config_policy(c, z->policy) == NULL)
		return;
	copy = conf_groups_add(&config_zone_table, c->arena, &c->zones);
	*copy = *z;
	copy->orphan = true;
	keep_known_names(c, &copy->sources);
	keep_known_names(c, &copy->destinations);
}

void config_adopt(struct config *c, const char *known_path, conf_report_fn *warn, void *arg)
{
	struct config *known = current(known_path);
	const struct config_zone *z = known->zones.items;
	struct config_index *here = config_index_new(&c->zones, sizeof(*z), true);

	for (unsigned i = 0; i < known->zones.count; i++) {
		struct conf_origin at = {c->path, 0};
		char text[400];

		if (z[i].name == NULL || config_index_find(here, z[i].name) != NULL)
			continue;
		adopt_zone(c, known, &z[i]);
		snprintf(text, sizeof(text),
		    "zone %s is gone from the configuration; it is still served, until \"intaglio zone delete -z %s\"",
		    z[i].name, z[i].name);
		if (warn != NULL)
			warn(arg, &at, text);
	}
	config_index_free(here);
	/* What was copied borrows the strings. */
	c->known = known;
}

int config_remember(const struct config *c, const char *known_path, struct err *e)
{
	struct buf text = {0};
	int code;

	buf_printf(&text,
	    "/* The zones that were configured last, and their policies; read at start. */\n");
	if (c->policies.count > 0)
		conf_write_list(
		    "policies", &config_policy_table, &c->policies, CONF_FILE | CONF_WHOLE, &text);
	if (c->zones.count > 0)
		conf_write_list("zones", &config_zone_table, &c->zones, CONF_FILE, &text);
	code = conf_replace_file(known_path, 0600, text.data, text.len, e);
	buf_free(&text);
	return code;
}

int config_forget(const char *known_path, const char *zone, struct err *e)
{
	struct config *known = current(known_path);
	struct config_zone *z = known->zones.items;
	unsigned kept = 0;
	int code;

	for (unsigned i = 0; i < known->zones.count; i++) {
		if (!config_same_name(z[i].name, zone))
			z[kept++] = z[i];
	}
	known->zones.count = kept;
	code = config_remember(known, known_path, e);
	config_free(known);
	return code;
}
