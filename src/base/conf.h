/* conf: configuration files (libconfig behind it), driven by tables.
 *
 * A table says which settings a group has; from it come the parser, its error messages, the writer and
 * the manual page.  Parsing fills plain structs: each group's struct begins with a struct
 * conf_origin.  All mistakes are reported, each with file, line, what is wrong and what would be
 * right; an unknown setting is a mistake. */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/period.h"

struct conf_origin { /* where a group stands; line 0: it was not given */
	const char *file;
	int line;
};

enum conf_type {        /* the struct member at `offset` */
	CONF_STRING,    /* const char * */
	CONF_INT,       /* int64_t, min and max checked */
	CONF_BOOL,      /* bool */
	CONF_PERIOD,    /* struct period: months count as months */
	CONF_DURATION,  /* int64_t seconds, from an ISO 8601 duration without months or years */
	CONF_CHOICE,    /* int, one of choices */
	CONF_NAMES,     /* struct conf_names: list of strings */
	CONF_GROUP,     /* the sub table's struct, inline */
	CONF_GROUPS     /* struct conf_groups: list of the sub table's structs */
};

struct conf_names {
	const char **list;
	unsigned count;
};
struct conf_groups {
	void *items; /* array of the sub table's structs */
	unsigned count, room;
};
struct conf_choice {
	const char *name; /* NULL ends the list */
	int value;
};
struct conf_table;
enum conf_flag {
	CONF_REQUIRED = 1,
	CONF_SECRET = 2,    /* never shown, only written where secrets may go */
	CONF_IF_GIVEN = 4,  /* a group that CONF_WHOLE leaves out when it was not given */
	CONF_NETWORK = 8,  /* who is handed this setting, see conf_write */
	CONF_SIGNER = 16,
	CONF_FILE = 32,
	CONF_WHOLE = 64 /* conf_write: also what is the same as its fallback, for people to read */
};
struct conf_item {
	const char *name;
	enum conf_type type;
	size_t offset;
	unsigned flags;
	const char *fallback; /* the value when it is not given, as text; NULL: none */
	int64_t min, max;     /* CONF_INT; both 0: not checked */
	const struct conf_choice *choices;
	const struct conf_table *sub;
	const char *doc; /* for the manual page */
};
struct conf_table {
	const char *what; /* "policy": for messages */
	size_t size;      /* of the struct */
	const struct conf_item *items; /* a NULL name ends it */
};

typedef void conf_report_fn(void *arg, const struct conf_origin *where, const char *text);

/* Parse a file into `out` (already prepared by conf_defaults); lists are appended to, so that several
 * files make one configuration.  Strings live in a.  Returns the number of mistakes. */
void conf_defaults(const struct conf_table *t, struct arena *a, void *out);
unsigned conf_read_file(const struct conf_table *t, const char *path, struct arena *a, void *out,
    conf_report_fn *report, void *arg);
/* The same from text; `name` stands for the file in messages. */
unsigned conf_read_text(const struct conf_table *t, const char *text, const char *name,
    struct arena *a, void *out, conf_report_fn *report, void *arg);
/* Names of a directory's *.conf files in order; *count 0 if there is no such directory. */
const char **conf_list_dir(const char *dir, struct arena *a, unsigned *count);

/* Write the settings that differ from their fallback in libconfig syntax.  audience: CONF_NETWORK,
 * CONF_SIGNER or CONF_FILE; items without any of the three go to all of them. */
void conf_write(const struct conf_table *t, const void *in, unsigned audience, struct buf *out);
/* One list of groups by its name, for a file or for people. */
void conf_write_list(const char *name, const struct conf_table *sub, const struct conf_groups *g,
    unsigned audience, struct buf *out);
/* Append a group to a list; the new item, prepared by conf_defaults. */
void *conf_groups_add(const struct conf_table *sub, struct arena *a, struct conf_groups *g);
/* Replace a file: temporary name, fsync, rename, fsync of the directory.  mode as in open(2). */
int conf_replace_file(const char *path, unsigned mode, const void *data, size_t len,
    struct err *e);
/* One string setting of the top level, without a table; ERR_MISSING when it is not there. */
int conf_lookup_string(const char *path, const char *setting, char *out, size_t size,
    struct err *e);
/* mdoc list of a table's settings, sub tables included. */
void conf_manual(const struct conf_table *t, struct buf *out);

#endif
