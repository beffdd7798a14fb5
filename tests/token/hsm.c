/* hsm: see hsm.h. */
#include "tests/token/hsm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

int hsm_run_status(struct hsm *h, const char *arguments)
{
	char command[1000] = HSM_PATH " ";
	size_t len = strlen(command);
	FILE *f;

	for (const char *p = arguments; *p != '\0'; p++)
		len += (size_t)snprintf(command + len, sizeof command - len, "%.*s",
		    *p == '@' ? (int)strlen(h->f.dir) : 1, *p == '@' ? h->f.dir : p);
	snprintf(command + len, sizeof command - len, " 2>&1 </dev/null");
	f = popen(command, "r");
	assert_non_null(f);
	h->out[fread(h->out, 1, sizeof h->out - 1, f)] = '\0';
	return pclose(f);
}

int hsm_run(struct hsm *h, const char *arguments)
{
	int status = hsm_run_status(h, arguments);

	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void hsm_expect(struct hsm *h, const char *arguments, int status, const char *words)
{
	int got = hsm_run(h, arguments);

	if (got != status || strstr(h->out, words) == NULL)
		fail_msg("intaglio-hsm %s: exit %d, not %d with \"%s\":\n%s", arguments, got,
		    status, words, h->out);
}
