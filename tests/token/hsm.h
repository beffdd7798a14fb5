/* hsm: intaglio-hsm, run as an operator runs it. */
#ifndef TESTS_TOKEN_HSM_H
#define TESTS_TOKEN_HSM_H

#include "tests/token/support.h"

struct hsm { /* zeros */
	struct fixture f;
	char out[65536]; /* of the last run, standard error too */
};

/* @ in the arguments is the fixture's directory.  A status as of waitpid; the exit status. */
int hsm_run_status(struct hsm *h, const char *arguments);
int hsm_run(struct hsm *h, const char *arguments);
/* Fails unless it ends so, and says these words. */
void hsm_expect(struct hsm *h, const char *arguments, int status, const char *words);

#endif
