/* hsm: what the files of intaglio-hsm share. */
#ifndef HSM_SETUP_HSM_H
#define HSM_SETUP_HSM_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include "base/err.h"
#include "base/secret.h"
#include "pkcs11/token.h"

enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct options { /* one member per row of the table in options.c */
	const char *module, *label, *serial, *pin_file, *so_pin_file;
	const char *sessions, *seconds, *algorithm, *bits;
	const char *to, *from, *key_file, *key_file_2;
	bool make_key, keys_only, dry_run;
	bool json, force_reinit, help, version, man, verbose;
};

/* Which commands an option belongs to. */
enum command_bit {
	CMD_INIT = 1,
	CMD_LIST = 2,
	CMD_CHECK = 4,
	CMD_BENCH = 8,
	CMD_TEST = 16,
	CMD_BACKUP = 32,
	CMD_RESTORE = 64,
	CMD_ALL = 127
};

struct command {
	const char *name;
	enum command_bit bit;
	int (*run)(const struct options *o);
	const char *text; /* one sentence in mdoc-free words, for help and manual */
};
extern const struct command commands[]; /* ends with a NULL name */

/* --- options.c: everything comes from one table */
/* The command named in argv; NULL with *status set when there is nothing (more) to do. */
const struct command *options_parse(int argc, char **argv, struct options *o, int *status);
/* A number between low and high; ERR_ARGUMENT names the option and what would be right. */
int options_number(const char *name, const char *text, unsigned fallback, unsigned low,
    unsigned high, unsigned *out, struct err *e);

/* --- pin.c */
/* A PIN or another secret line, from the file, else asked for on the terminal (twice if `confirm`). */
int pin_get(const char *file, const char *what, bool confirm, struct secret *out, struct err *e);

/* --- main.c */
int fail(const struct err *e); /* says it; EXIT_FAILED, or EXIT_USAGE for ERR_ARGUMENT */
/* Log in as the options say; NULL: fail() has been called with the result in *status. */
struct token *open_token(const struct options *o, int *status);

/* Set when the operator pressed ^C: clean up and go. */
extern volatile sig_atomic_t interrupted;

int cmd_init(const struct options *o);
int cmd_list(const struct options *o);
int cmd_check(const struct options *o);
int cmd_bench(const struct options *o);
int cmd_test(const struct options *o);
int cmd_backup(const struct options *o);
int cmd_restore(const struct options *o);

#endif
