/* sign_fixture: a store, a signer and a job for tests of signing; the token is the test's. */
#ifndef TESTS_SIGN_FIXTURE_H
#define TESTS_SIGN_FIXTURE_H

#include "sign/sign.h"

#define FIXTURE_NOW 1700000000

struct sign_fixture {
	char dir[64];
	struct loop *loop;
	struct store *store;
	struct token *token; /* handed out for every name */
	struct sign *sign;
	struct sign_job job;
	struct sign_run *run;
	struct sign_result result;
	unsigned done;
	unsigned spools;
	char spool[128];
};

void fixture_open(struct sign_fixture *f, const char *apex);
void fixture_close(struct sign_fixture *f); /* not the token */
/* Puts a zone (text of a master file, or the path of one) into a spool and into the job. */
void fixture_text(struct sign_fixture *f, const char *zone);
void fixture_file(struct sign_fixture *f, const char *path);
void fixture_start(struct sign_fixture *f);
int fixture_wait(struct sign_fixture *f); /* the result's code */
int fixture_sign(struct sign_fixture *f); /* start and wait */
int fixture_check(struct sign_fixture *f, bool crypto, struct err *e);
/* Each RRset of what is in the store. */
typedef void fixture_rrset_fn(void *arg, const struct walk *w, const struct rrset *set);
void fixture_each(struct sign_fixture *f, fixture_rrset_fn *fn, void *arg);
/* The signed zone as text. */
void fixture_export(struct sign_fixture *f, struct buf *out);

#endif
