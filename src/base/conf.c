/* Reading configuration: see conf.h.  The only file that knows libconfig.  The input is the
 * operator's: mistakes are expected, each is named. */
#include "base/conf.h"

#include <dirent.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct reading {
	struct arena *arena;
	conf_report_fn *report;
	void *arg;
	const char *name; /* of the file, for settings that do not know */
	unsigned mistakes;
};

static void mistake(struct reading *r, const config_setting_t *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static struct conf_origin origin_of(const struct reading *r, const config_setting_t *s)
{
	const char *file = s == NULL ? NULL : config_setting_source_file(s);

	return (struct conf_origin){.file = arena_strdup(r->arena, file == NULL ? r->name : file),
	    .line = s == NULL ? 0 : (int)config_setting_source_line(s)};
}

static void mistake(struct reading *r, const config_setting_t *at, const char *fmt, ...)
{
	struct conf_origin where = origin_of(r, at);
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->report(r->arg, &where, text);
	r->mistakes++;
}

static void *member(void *base, const struct conf_item *item)
{
	return (char *)base + item->offset;
}

static const char *type_words(const struct conf_item *item)
{
	switch (item->type) {
	case CONF_STRING:
		return "a string in double quotes";
	case CONF_INT:
		return "a whole number";
	case CONF_BOOL:
		return "true or false";
	case CONF_PERIOD:
	case CONF_DURATION:
		return "an ISO 8601 duration such as \"P14D\" or \"PT1H\"";
	case CONF_CHOICE:
		return "one of the names listed in the manual";
	case CONF_NAMES:
		return "a list of names such as ( \"a\", \"b\" )";
	case CONF_GROUP:
		return "a group: { name = value; ... }";
	case CONF_GROUPS:
		return "a list of groups: ( { name = value; ... }, ... )";
	}
	return "something else";
}

/* A value from its text: what a file says in quotes, and what a table gives as fallback. */
static bool set_period(const struct conf_item *item, const char *text, void *out)
{
	struct period p;

	if (period_parse(text, &p) != OK || (item->type == CONF_DURATION && p.months != 0))
		return false;
	if (item->type == CONF_PERIOD)
		*(struct period *)out = p;
	else
		*(int64_t *)out = p.seconds;
	return true;
}

static bool set_choice(const struct conf_item *item, const char *text, void *out)
{
	for (const struct conf_choice *c = item->choices; c->name != NULL; c++) {
		if (strcasecmp(c->name, text) == 0) {
			*(int *)out = c->value;
			return true;
		}
	}
	return false;
}

static void names_add(struct arena *a, struct conf_names *names, const char *name)
{
	const char **list = arena_alloc(a, (names->count + 1) * sizeof(*list));

	if (names->count > 0)
		memcpy(list, names->list, names->count * sizeof(*list));
	list[names->count++] = arena_strdup(a, name);
	names->list = list;
}

static void set_fallback(const struct conf_item *item, struct arena *a, void *out)
{
	switch (item->type) {
	case CONF_STRING:
		*(const char **)out = arena_strdup(a, item->fallback);
		break;
	case CONF_INT:
		*(int64_t *)out = strtoll(item->fallback, NULL, 10);
		break;
	case CONF_BOOL:
		*(bool *)out = strcmp(item->fallback, "true") == 0;
		break;
	case CONF_PERIOD:
	case CONF_DURATION:
		set_period(item, item->fallback, out);
		break;
	case CONF_CHOICE:
		set_choice(item, item->fallback, out);
		break;
	case CONF_NAMES:
		names_add(a, out, item->fallback);
		break;
	case CONF_GROUP:
	case CONF_GROUPS:
		break;
	}
}

void conf_defaults(const struct conf_table *t, struct arena *a, void *out)
{
	memset(out, 0, t->size);
	for (const struct conf_item *item = t->items; item->name != NULL; item++) {
		if (item->type == CONF_GROUP)
			conf_defaults(item->sub, a, member(out, item));
		else if (item->fallback != NULL)
			set_fallback(item, a, member(out, item));
	}
}

void *conf_groups_add(const struct conf_table *sub, struct arena *a, struct conf_groups *g)
{
	void *item;

	if (g->count == g->room) {
		unsigned room = g->room == 0 ? 8 : g->room * 2;
		char *items = arena_alloc(a, room * sub->size);

		if (g->count > 0)
			memcpy(items, g->items, g->count * sub->size);
		g->items = items;
		g->room = room;
	}
	item = (char *)g->items + g->count++ * sub->size;
	conf_defaults(sub, a, item);
	return item;
}

static void read_group(
    struct reading *r, const struct conf_table *t, config_setting_t *s, void *out);

static bool read_int(
    struct reading *r, const struct conf_item *item, config_setting_t *s, void *out)
{
	long long v = config_setting_get_int64(s);

	if (config_setting_type(s) != CONFIG_TYPE_INT &&
	    config_setting_type(s) != CONFIG_TYPE_INT64)
		return false;
	if ((item->min != 0 || item->max != 0) && (v < item->min || v > item->max))
		mistake(r, s, "%s = %lld: it must lie between %lld and %lld", item->name, v,
		    (long long)item->min, (long long)item->max);
	else
		*(int64_t *)out = v;
	return true;
}

static void choice_mistake(
    struct reading *r, const struct conf_item *item, config_setting_t *s, const char *text)
{
	char all[300] = "";

	for (const struct conf_choice *c = item->choices; c->name != NULL; c++) {
		size_t n = strlen(all);

		snprintf(all + n, sizeof(all) - n, "%s\"%s\"", n == 0 ? "" : ", ", c->name);
	}
	mistake(r, s, "%s = \"%s\": it must be one of %s", item->name, text, all);
}

static bool read_text(
    struct reading *r, const struct conf_item *item, config_setting_t *s, void *out)
{
	const char *text = config_setting_get_string(s);
	char number[24];

	/* An algorithm may be given by its number as well. */
	if (item->type == CONF_CHOICE && config_setting_type(s) == CONFIG_TYPE_INT) {
		snprintf(number, sizeof(number), "%d", config_setting_get_int(s));
		text = number;
	}
	if (text == NULL)
		return false;
	if (item->type == CONF_STRING)
		*(const char **)out = arena_strdup(r->arena, text);
	else if (item->type == CONF_CHOICE && !set_choice(item, text, out))
		choice_mistake(r, item, s, text);
	else if (item->type != CONF_CHOICE && !set_period(item, text, out))
		mistake(r, s, "%s = \"%s\": it must be %s%s", item->name, text, type_words(item),
		    item->type == CONF_DURATION ? ", without years and months" : "");
	return true;
}

static bool read_names(struct reading *r, config_setting_t *s, struct conf_names *out)
{
	out->count = 0;
	out->list = NULL;
	if (!config_setting_is_aggregate(s) || config_setting_is_group(s))
		return false;
	for (int i = 0; i < config_setting_length(s); i++) {
		const char *text = config_setting_get_string_elem(s, i);

		if (text == NULL)
			return false;
		names_add(r->arena, out, text);
	}
	return true;
}

static bool read_groups(
    struct reading *r, const struct conf_item *item, config_setting_t *s, struct conf_groups *out)
{
	if (!config_setting_is_list(s))
		return false;
	for (int i = 0; i < config_setting_length(s); i++) {
		config_setting_t *one = config_setting_get_elem(s, (unsigned)i);

		if (!config_setting_is_group(one))
			return false;
		read_group(r, item->sub, one, conf_groups_add(item->sub, r->arena, out));
	}
	return true;
}

static bool read_value(
    struct reading *r, const struct conf_item *item, config_setting_t *s, void *out)
{
	switch (item->type) {
	case CONF_INT:
		return read_int(r, item, s, out);
	case CONF_BOOL:
		if (config_setting_type(s) != CONFIG_TYPE_BOOL)
			return false;
		*(bool *)out = config_setting_get_bool(s) != 0;
		return true;
	case CONF_NAMES:
		return read_names(r, s, out);
	case CONF_GROUPS:
		return read_groups(r, item, s, out);
	case CONF_GROUP:
		if (!config_setting_is_group(s))
			return false;
		read_group(r, item->sub, s, out);
		return true;
	default:
		return read_text(r, item, s, out);
	}
}

static const struct conf_item *find_item(const struct conf_table *t, const char *name)
{
	for (const struct conf_item *item = t->items; item->name != NULL; item++) {
		if (strcmp(item->name, name) == 0)
			return item;
	}
	return NULL;
}

/* The known setting that shares the longest beginning with an unknown one. */
static const char *closest(const struct conf_table *t, const char *name)
{
	const char *best = NULL;
	size_t most = 2;

	for (const struct conf_item *item = t->items; item->name != NULL; item++) {
		size_t n = 0;

		while (name[n] != '\0' && name[n] == item->name[n])
			n++;
		if (n > most) {
			most = n;
			best = item->name;
		}
	}
	return best;
}

static void unknown_setting(struct reading *r, const struct conf_table *t, config_setting_t *s)
{
	const char *name = config_setting_name(s), *near = closest(t, name);
	char all[400] = "";

	if (near != NULL) {
		mistake(
		    r, s, "a %s has no setting \"%s\"; did you mean \"%s\"?", t->what, name, near);
		return;
	}
	for (const struct conf_item *item = t->items; item->name != NULL; item++) {
		size_t n = strlen(all);

		snprintf(all + n, sizeof(all) - n, "%s%s", n == 0 ? "" : ", ", item->name);
	}
	mistake(r, s, "a %s has no setting \"%s\"; it may have: %s", t->what, name, all);
}

static void read_group(
    struct reading *r, const struct conf_table *t, config_setting_t *s, void *out)
{
	struct conf_origin *origin = out;

	*origin = origin_of(r, s);
	for (int i = 0; i < config_setting_length(s); i++) {
		config_setting_t *one = config_setting_get_elem(s, (unsigned)i);
		const struct conf_item *item = find_item(t, config_setting_name(one));

		if (item == NULL)
			unknown_setting(r, t, one);
		else if (!read_value(r, item, one, member(out, item)))
			mistake(r, one, "%s must be %s", item->name, type_words(item));
	}
	for (const struct conf_item *item = t->items; item->name != NULL; item++) {
		if ((item->flags & CONF_REQUIRED) != 0 &&
		    config_setting_get_member(s, item->name) == NULL)
			mistake(r, s, "this %s has no %s; it must be %s", t->what, item->name,
			    type_words(item));
	}
}

static unsigned read_config(
    struct reading *r, const struct conf_table *t, config_t *c, int good, void *out)
{
	if (good == CONFIG_TRUE) {
		struct conf_origin *origin = out, first = *origin;

		read_group(r, t, config_root_setting(c), out);
		origin->file = first.file == NULL ? arena_strdup(r->arena, r->name) : first.file;
	} else {
		struct conf_origin where = {
		    .file = config_error_file(c) != NULL ? config_error_file(c) : r->name,
		    .line = config_error_line(c)};
		const char *text = config_error_type(c) == CONFIG_ERR_FILE_IO
				       ? "the file cannot be read"
				       : config_error_text(c);

		r->report(r->arg, &where, text);
		r->mistakes++;
	}
	config_destroy(c);
	return r->mistakes;
}

unsigned conf_read_file(const struct conf_table *t, const char *path, struct arena *a, void *out,
    conf_report_fn *report, void *arg)
{
	struct reading r = {a, report, arg, path, 0};
	config_t c;

	config_init(&c);
	return read_config(&r, t, &c, config_read_file(&c, path), out);
}

unsigned conf_read_text(const struct conf_table *t, const char *text, const char *name,
    struct arena *a, void *out, conf_report_fn *report, void *arg)
{
	struct reading r = {a, report, arg, name, 0};
	config_t c;

	config_init(&c);
	return read_config(&r, t, &c, config_read_string(&c, text), out);
}

static int is_conf_file(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && len > 5 && strcmp(d->d_name + len - 5, ".conf") == 0;
}

const char **conf_list_dir(const char *dir, struct arena *a, unsigned *count)
{
	struct dirent **found;
	int n = scandir(dir, &found, is_conf_file, alphasort);
	const char **paths = arena_alloc(a, (n < 0 ? 0 : (size_t)n + 1) * sizeof(*paths));

	*count = n < 0 ? 0 : (unsigned)n;
	for (unsigned i = 0; i < *count; i++) {
		size_t size = strlen(dir) + strlen(found[i]->d_name) + 2;
		char *path = arena_alloc(a, size);

		snprintf(path, size, "%s/%s", dir, found[i]->d_name);
		paths[i] = path;
		free(found[i]);
	}
	if (n >= 0)
		free(found);
	return paths;
}

int conf_lookup_string(const char *path, const char *setting, char *out, size_t size, struct err *e)
{
	const char *text;
	config_t c;
	int code = OK;

	config_init(&c);
	if (config_read_file(&c, path) != CONFIG_TRUE)
		code = err_set(e, ERR_FORMAT, "%s line %d: %s", path, config_error_line(&c),
		    config_error_type(&c) == CONFIG_ERR_FILE_IO ? "the file cannot be read"
								: config_error_text(&c));
	else if (config_lookup_string(&c, setting, &text) != CONFIG_TRUE)
		code = err_set(e, ERR_MISSING, "%s has no setting %s", path, setting);
	else if (snprintf(out, size, "%s", text) >= (int)size)
		code = err_set(e, ERR_LIMIT, "%s: %s is too long", path, setting);
	config_destroy(&c);
	return code;
}
