/* Gets a PIN from a file or a terminal, never from the command line, where everybody can see it.
 * Runs in intaglio-hsm. */
#include "hsm-setup/hsm.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PIN_MAX 256

static int read_hidden(FILE *tty, const char *prompt, char out[PIN_MAX], struct err *e)
{
	struct termios shown, hidden;
	bool good;

	fprintf(tty, "%s: ", prompt);
	fflush(tty);
	if (tcgetattr(fileno(tty), &shown) != 0)
		return err_sys(e, "the terminal");
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fileno(tty), TCSAFLUSH, &hidden);
	good = fgets(out, PIN_MAX, tty) != NULL;
	tcsetattr(fileno(tty), TCSAFLUSH, &shown);
	fprintf(tty, "\n");
	if (!good)
		return err_set(e, ERR_REFUSED, "nothing was given");
	out[strcspn(out, "\r\n")] = '\0';
	return OK;
}

int pin_get(const char *file, const char *what, bool confirm, struct secret *out, struct err *e)
{
	char first[PIN_MAX] = "", second[PIN_MAX] = "", prompt[100];
	FILE *tty;
	int rc;

	if (file != NULL)
		return secret_read_file(out, file, e);
	tty = fopen("/dev/tty", "r+");
	if (tty == NULL)
		return err_set(
		    e, ERR_REFUSED, "there is no terminal to ask on (%s): give it in a file", what);
	setvbuf(tty, NULL, _IONBF, 0);
	rc = read_hidden(tty, what, first, e);
	if (rc == OK && confirm) {
		snprintf(prompt, sizeof prompt, "%s again", what);
		rc = read_hidden(tty, prompt, second, e);
		if (rc == OK && strcmp(first, second) != 0)
			rc = err_set(e, ERR_REFUSED, "the two are not the same");
	}
	fclose(tty);
	if (rc == OK)
		secret_set(out, first, strlen(first));
	secret_wipe(first, sizeof first);
	secret_wipe(second, sizeof second);
	return rc;
}
