/* intaglio: the operator's command.  Finds out what is asked for, by the table of verbs, and has
 * the daemon do it.  Exit status: 0 done, 1 refused or failed, 2 usage. */
#include <config.h>
#include "cli/cli.h"

#include <string.h>

static int fail_usage(const struct verb_call *c, const struct err *e)
{
	fprintf(stderr, "intaglio: %s\n", e->text);
	if (c->verb != NULL)
		usage_line(stderr, c->verb);
	return EXIT_USAGE;
}

static int run_verb(int count, char *const words[], const char *config)
{
	struct verb_call c;
	const char *own;
	struct err e;
	int status;

	if (verb_call_parse(&c, count, words, &e) != OK) {
		status = fail_usage(&c, &e);
	} else if (verb_is_given(&c, "help")) {
		usage_verb(stdout, c.verb);
		status = EXIT_DONE;
	} else {
		own = verb_value(&c, "config");
		status = client_run(&c, own != NULL ? own : config);
	}
	verb_call_free(&c);
	return status;
}

static int put_completion(const char *shell)
{
	if (shell == NULL || strcmp(shell, "bash") != 0) {
		fputs("intaglio: --completion takes \"bash\"\n", stderr);
		return EXIT_USAGE;
	}
	completion_bash(stdout);
	return EXIT_DONE;
}

/* Options that stand alone; -1: word is none of them. */
static int run_alone(const char *word, const char *next)
{
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		printf("intaglio %s\n", PACKAGE_VERSION);
	else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		usage_verbs(stdout);
	else if (strcmp(word, "--man") == 0)
		manual_verbs(stdout);
	else if (strcmp(word, "--completion") == 0)
		return put_completion(next);
	else
		return -1;
	return EXIT_DONE;
}

/* -c FILE, -cFILE, --config FILE, --config=FILE before the verb: words used, 0 if it is not one. */
static int take_config(char *const words[], int count, const char **config)
{
	const char *word = words[0];

	if ((strcmp(word, "-c") == 0 || strcmp(word, "--config") == 0) && count > 1) {
		*config = words[1];
		return 2;
	}
	if (strncmp(word, "--config=", 9) == 0)
		*config = word + 9;
	else if (strncmp(word, "-c", 2) == 0 && word[2] != '\0')
		*config = word + 2;
	else
		return 0;
	return 1;
}

int main(int argc, char *argv[])
{
	const char *config = CLI_CONFIG;
	int at = 1, used, status;

	while (at < argc && (used = take_config(argv + at, argc - at, &config)) > 0)
		at += used;
	if (at == argc) {
		usage_verbs(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[at], "help") == 0)
		return usage_help(argc - at - 1, argv + at + 1);
	if (argv[at][0] != '-')
		return run_verb(argc - at, argv + at, config);
	status = run_alone(argv[at], argv[at + 1]);
	if (status < 0) {
		fprintf(stderr, "intaglio: there is no option %s; `intaglio --help` lists them\n",
		    argv[at]);
		return EXIT_USAGE;
	}
	return status;
}
