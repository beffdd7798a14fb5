/* The line that says how far the daemon is: see cli.h. */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_on_screen;

bool progress_is_shown(void)
{
	const char *terminal = getenv("TERM");

	return isatty(STDERR_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

void progress_show(const char *what, uint64_t done, uint64_t total)
{
	if (!progress_is_shown())
		return;
	if (total > 0)
		fprintf(stderr, "\r\033[K%.60s: %" PRIu64 " of %" PRIu64 " (%u %%)", what, done,
		    total, (unsigned)((double)done * 100 / (double)total));
	else
		fprintf(stderr, "\r\033[K%.60s: %" PRIu64, what, done);
	is_on_screen = true;
}

void progress_clear(void)
{
	if (is_on_screen)
		fputs("\r\033[K", stderr);
	is_on_screen = false;
}
