/* verbs: the one table of what an operator can say, and the one parser for it.
 *
 * From the table come the usage errors of `intaglio`, its help, its manual page, its shell completion,
 * and the checks of the daemon, which repeats what the command has checked already. */
#ifndef OPS_VERBS_H
#define OPS_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

enum verb_flag {
	VERB_REQUIRED = 1,
	VERB_REPEATABLE = 2,
	VERB_FILE = 4, /* names a file ("-": standard input) whose text is sent instead of its name */
	VERB_LOCAL = 8,  /* for the command alone, never sent */
	VERB_PATH = 32,  /* a path that the daemon will use: made absolute before it is sent */
	VERB_ONE_OF = 16 /* of the verb's options with this flag exactly one must be given */
};

struct verb_option {
	const char *name;  /* "zone" for --zone; NULL ends a list */
	char letter;       /* 'z' for -z; 0: none */
	const char *value; /* "ZONE"; "A|B": one of these, in any case; NULL: takes none */
	unsigned flags;
	const char *help;
};

struct verb {
	const char *name;     /* "zone add"; NULL ends the table */
	const char *argument; /* "FILE", always required; NULL: takes none */
	unsigned argument_flags;
	const struct verb_option *options;
	const char *help;   /* one line */
	const char *manual; /* a paragraph; may contain mdoc requests on lines of their own */
};

extern const struct verb verbs[];
/* Options that stand before any verb or among its own. */
extern const struct verb_option verb_common[];

#define VERB_VALUE_MAX (16u << 20) /* octets of one value: a text of zones, by value */
#define VERB_WORDS_MAX 4096        /* options and arguments of one call */

/* A verb with what was given to it.  Strings are borrowed from whoever gave them. */
struct verb_given {
	const struct verb_option *option;
	const char *value; /* NULL for an option without value */
};
struct verb_call {
	const struct verb *verb;
	struct verb_given *given;
	unsigned count;
	const char *argument; /* NULL: none */
};

const struct verb *verb_find(const char *name); /* NULL: no such verb */
const struct verb_option *verb_option(const struct verb *v, const char *name, size_t len);

void verb_call_init(struct verb_call *c, const struct verb *v);
void verb_call_free(struct verb_call *c);
/* One more option, by its long name; value NULL: none was given.  ERR_ARGUMENT with words. */
int verb_call_option(struct verb_call *c, const char *name, size_t len, const char *value,
    struct err *e);
int verb_call_argument(struct verb_call *c, const char *text, struct err *e);
/* All is given: is what is required there?  ERR_ARGUMENT with words. */
int verb_call_check(const struct verb_call *c, struct err *e);

/* Words of a command line, from the verb on ("zone", "add", "-z", ...).  The call is to be freed on
 * errors, too; its verb is NULL when there was none. */
int verb_call_parse(struct verb_call *c, int count, char *const words[], struct err *e);

/* NULL / 0 / false when it was not given. */
const char *verb_value(const struct verb_call *c, const char *name);
const char *verb_value_at(const struct verb_call *c, const char *name, unsigned i);
unsigned verb_count(const struct verb_call *c, const char *name);
bool verb_is_given(const struct verb_call *c, const char *name);

#endif
