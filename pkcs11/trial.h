/* trial: keys made to be tried and destroyed, for intaglio-hsm.  A token object made here has the CKA_ID
 * TRIAL_ID; one that a killed run left behind is destroyed by the next. */
#ifndef PKCS11_TRIAL_H
#define PKCS11_TRIAL_H

#include <signal.h>
#include "pkcs11/token.h"

#define TRIAL_ID "intaglio-trial\0" /* 16 octets with its last zero */
#define TRIAL_SESSIONS_MAX 256

struct trial_spec {
	uint8_t algorithm;
	unsigned bits; /* RSA */
	bool copy;     /* sign with session copies of the token's key */
	unsigned sessions;
	uint64_t duration_ms;
	const volatile sig_atomic_t *stop; /* becomes true: end soon */
};
struct trial_result {
	uint64_t signatures, wall_us, cpu_us;
};
/* Make a token object for trial_bench (dropping one that is there); t is a local token. */
int trial_make_key(struct token *t, uint8_t algorithm, unsigned bits, struct err *e);
int trial_bench(struct token *t, const struct trial_spec *spec, struct trial_result *out,
    struct err *e);
int trial_drop_key(struct token *t, struct err *e);

struct trial_timing {
	uint64_t generate_us, sign_us; /* one signature */
};
/* A session object: generate, sign, verify with OpenSSL, destroy. */
int trial_test(struct token *t, uint8_t algorithm, unsigned bits, struct trial_timing *out,
    struct err *e);

/* Our six algorithms, for tables: name is NULL past the end. */
const char *token_algorithm_name(unsigned index, uint8_t *algorithm, bool *is_rsa);

#endif
