/* A token worker: the one kind of process that loads a PKCS#11 module and sees a PIN.  It knows
 * nothing of zones.
 *
 * It is not ended by signals: SoftHSM rewrites a token's file in place at each log-in, and a worker
 * that died there would take all keys along.  It ends when its channel to the signing side closes.
 */
#include <signal.h>
#include <unistd.h>
#include "base/log.h"
#include "base/sandbox.h"
#include "daemon/process.h"
#include "daemon/role.h"
#include "pkcs11/token.h"

#define PIN_FILE_LOOK_S 15

/* Only a process that is started again has the rights to read the file: it may be there by then. */
static void look_again(int signo)
{
	(void)signo;
	_exit(0);
}

int worker_main(const struct worker_options *o)
{
	struct token_settings settings = {.name = o->name,
	    .module = o->module,
	    .label = o->label,
	    .serial = o->serial,
	    .sessions = o->sessions,
	    .session_copies = o->session_copies};
	struct secret pin = {0};
	struct err e = {0}, no_pin = {0};
	int code;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* The PIN file may be root's alone: it is read before the privileges go. */
	if (secret_read_file(&pin, o->pin_file, &no_pin) != OK) {
		err_wrap(&no_pin, "token %s", o->name);
		signal(SIGALRM, look_again);
		alarm(PIN_FILE_LOOK_S);
	}
	code = sandbox_drop(o->user, &e);
	if (code == OK)
		code = sandbox_enter(0, &e);
	e = code == OK ? no_pin : e;
	if (code == OK)
		code = token_worker_run(&settings, &pin, PROCESS_CHANNEL_FD, &e);
	secret_free(&pin);
	if (code != OK)
		log_error("token %s: %s", o->name, e.text);
	return code == OK ? 0 : 1;
}
