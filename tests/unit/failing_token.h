/* failing_token: a token in memory (Ed25519 only) that fails when it is told to: it takes the place of
 * pkcs11/ behind token.h.  Replies come at once, or when the test says so. */
#ifndef TESTS_FAILING_TOKEN_H
#define TESTS_FAILING_TOKEN_H

#include "pkcs11/token.h"

enum fake_fault {
	FAKE_NONE,
	FAKE_REFUSE, /* not done, an error comes back */
	FAKE_LOSE    /* done, and an error comes back all the same */
};

struct token *failing_token_new(const char *name);
void failing_token_free(struct token *t);
/* The n-th request from now (1: the next) meets the fault, and all after it if `on`. */
void failing_token_fail(struct token *t, unsigned n, enum fake_fault fault, bool on);
bool failing_token_has_failed(const struct token *t); /* did that request come? */
void failing_token_cure(struct token *t);
/* From now on requests wait until it is their turn, as with a worker: signatures in their lane, all else
 * in the other one, by class. */
void failing_token_hold(struct token *t, bool hold);
enum failing_lane { FAILING_OBJECTS, FAILING_SIGNATURES, FAILING_LANES };
bool failing_token_turn(struct token *t, enum failing_lane lane); /* false: none waits there */
unsigned failing_token_keys(const struct token *t);
unsigned failing_token_records(const struct token *t);
unsigned failing_token_generated(const struct token *t); /* ever */
/* The next n ZSKs made have the key tag of the first key, as a KSK. */
void failing_token_clash(struct token *t, unsigned n);
/* The next n keys made cannot sign (CKR_GENERAL_ERROR), as after a crash in the middle of making them. */
void failing_token_break(struct token *t, unsigned n);
void failing_token_sign_wrong(struct token *t, bool wrong);
/* Objects by hand: what a restored back-up, another program or a broken write leaves. */
void failing_token_put_record(struct token *t, const char *label, const void *value, size_t len);
bool failing_token_get_record(const struct token *t, unsigned i, struct token_record *out);
void failing_token_drop_record(struct token *t, unsigned i);
void failing_token_drop_records(struct token *t);
void failing_token_drop_keys(struct token *t);

#endif
