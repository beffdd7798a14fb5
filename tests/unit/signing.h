/* signing: a store, a signer and a job for tests of signing; the token is the test's. */
#ifndef TESTS_SIGNING_H
#define TESTS_SIGNING_H

#include "sign/sign.h"

#define SIGNING_NOW 1700000000

struct signing {
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

void signing_open(struct signing *f, const char *apex);
void signing_open_in(struct signing *f, const char *folder, const char *apex); /* else /tmp */
void signing_close(struct signing *f); /* not the token */
/* One on the heap for "example.", with a fake token of its own and a KSK and a ZSK; cmocka's setup and teardown:
 * signing_fake.c. */
int signing_setup(void **state);
int signing_teardown(void **state);
/* Store and signer as after the end of the process; runs under way are lost. */
void signing_reopen(struct signing *f);
/* Puts a zone (text of a master file, or the path of one) into a spool and into the job. */
void signing_text(struct signing *f, const char *zone);
void signing_file(struct signing *f, const char *path);
void signing_start(struct signing *f);
int signing_wait(struct signing *f); /* the result's code */
int signing_sign(struct signing *f); /* start and wait */
int signing_check(struct signing *f, bool crypto, struct err *e);
/* Each RRset of what is in the store. */
typedef void signing_rrset_fn(void *arg, const struct walk *w, const struct rrset *set);
void signing_each(struct signing *f, signing_rrset_fn *fn, void *arg);
/* The signed zone as text. */
void signing_export(struct signing *f, struct buf *out);

#endif
