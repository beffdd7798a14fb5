/* cli: what the files of the `intaglio` command share. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdint.h>
#include <stdio.h>
#include "base/err.h"
#include "ops/verbs.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define CLI_CONFIG ITG_SYSCONFDIR "/intaglio/intaglio.conf"

/* client.c: have the daemon carry out a call; the exit status. */
int client_run(const struct verb_call *c, const char *config);

/* progress.c: one line on stderr that is written over; nothing unless stderr is a terminal. */
bool progress_is_shown(void);
void progress_show(const char *what, uint64_t done, uint64_t total);
void progress_clear(void);

/* usage.c: help from the table. */
void usage_verbs(FILE *to);
void usage_verb(FILE *to, const struct verb *v); /* all about one */
void usage_line(FILE *to, const struct verb *v);
int usage_help(int count, char *const words[]); /* `intaglio help [verb]`; the exit status */

/* manual.c, completion.c: the manual page's list of verbs (mdoc), and the shell's completion. */
void manual_verbs(FILE *to);
void completion_bash(FILE *to);

#endif
