/* intaglio-hsm: an operator's tool for tokens, beside the daemon.  Loads a vendor's module in its
 * own process. */
#include "hsm-setup/hsm.h"

#include <string.h>
#include "base/log.h"

const struct command commands[] = {
    {"init", CMD_INIT, cmd_init,
	"initialise a token: give it a label, a security officer's and a user's PIN"},
    {"list", CMD_LIST, cmd_list, "list the keys and state records of Intaglio in the token"},
    {"check", CMD_CHECK, cmd_check,
	"probe what the token can do, and whether that is enough for intagliod"},
    {"bench", CMD_BENCH, cmd_bench,
	"measure signatures per second by algorithm, sessions and kind of key object"},
    {"test", CMD_TEST, cmd_test,
	"generate, sign, verify with OpenSSL and destroy, for each algorithm"},
    {"backup", CMD_BACKUP, cmd_backup,
	"write key pairs, wrapped by the token, and state records to a file"},
    {"restore", CMD_RESTORE, cmd_restore,
	"make the key pairs and state records of a back-up in a token that lacks them"},
    {0},
};

volatile sig_atomic_t interrupted;

static void on_interrupt(int signo)
{
	(void)signo;
	interrupted = 1;
}

int fail(const struct err *e)
{
	fprintf(stderr, "intaglio-hsm: %s\n", e->text);
	return e->code == ERR_ARGUMENT ? EXIT_USAGE : EXIT_FAILED;
}

struct token *open_token(const struct options *o, int *status)
{
	struct token_settings s = {.name = o->label,
	    .module = o->module,
	    .label = o->label,
	    .serial = o->serial,
	    .sessions = 1};
	struct secret pin = {0};
	struct token *t = NULL;
	struct err e = {0};

	if (pin_get(o->pin_file, "PIN", false, &pin, &e) == OK)
		t = token_open_local(&s, &pin, &e);
	secret_free(&pin);
	if (t == NULL)
		*status = fail(&e);
	return t;
}

int main(int argc, char **argv)
{
	struct sigaction act = {.sa_handler = on_interrupt};
	const struct command *c;
	struct options o;
	int status;

	c = options_parse(argc, argv, &o, &status);
	if (c == NULL)
		return status;
	/* What goes wrong is said once, by fail(). */
	log_open("intaglio-hsm", false, o.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	if (c->bit & (CMD_BENCH | CMD_TEST | CMD_BACKUP | CMD_RESTORE)) {
		sigaction(SIGINT, &act, NULL);
		sigaction(SIGTERM, &act, NULL);
	}
	return c->run(&o);
}
