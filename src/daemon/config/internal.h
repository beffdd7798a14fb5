/* What the files of the configuration share. */
#ifndef DAEMON_CONFIG_INTERNAL_H
#define DAEMON_CONFIG_INTERNAL_H

#include "daemon/config/config.h"

/* Every named struct begins with its origin and its name, so one look-up serves all lists. */
struct config_named {
	struct conf_origin origin;
	const char *name;
};

/* config/check.c: what spans several settings.  Defaults that hang on others are filled in; the number
 * of mistakes. */
unsigned config_check(struct config *config, conf_report_fn *report, conf_report_fn *warn, void *arg);

struct config_check { /* under way */
	struct config *config;
	conf_report_fn *report, *warn;
	void *arg;
	unsigned mistakes;
};
void config_wrong(struct config_check *c, const struct conf_origin *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void config_doubt(struct config_check *c, const struct conf_origin *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The servers of a list, or whatever else, must be defined. */
void config_check_names(struct config_check *c, const struct conf_origin *at, const char *what,
    const struct conf_names *names);
void config_check_reference(struct config_check *c, const struct conf_origin *at, const char *what,
    const char *name, bool is_there);
/* config/check_policy.c */
void config_check_policies(struct config_check *c);
/* What parent.submit = "update" needs; what: "policy", ... */
void config_check_update(struct config_check *c, const struct conf_origin *at, const char *what,
    const char *name, const struct config_parent *p);
/* config/check_monitored.c */
void config_check_monitored(struct config_check *c);
/* config/check_notices.c: notices, and who gets them */
void config_check_notices(struct config_check *c);
#define CONFIG_EACH(type, var, groups)                                                             \
	for (struct type *var = (groups).items;                                                    \
	     var != NULL && var < (struct type *)(groups).items + (groups).count; var++)

/* config/index.c */
/* Names that occur twice, in their order. */
typedef void config_twice_fn(void *arg, const struct config_named *a, const struct config_named *b);
void config_index_twice(const struct config_index *x, config_twice_fn *fn, void *arg);

/* A configuration with nothing but defaults. */
struct config *config_new(const char *path);
/* The conf.d directory that belongs to a main file. */
const char *config_conf_d(const char *path, struct arena *a);
/* config_load, but with `instead` as the content of the conf.d file `skip` (both NULL: as it is). */
struct config *config_load_with(const char *path, const char *skip, const char *instead,
    conf_report_fn *report, conf_report_fn *warn, void *arg);
/* Two names, as domain names where both are. */
bool config_same_name(const char *a, const char *b);
/* The name of a list's i-th struct. */
const char *config_name(const struct conf_groups *g, size_t size, unsigned i);

#endif
