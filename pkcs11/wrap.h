/* wrap: key pairs on their way out of one token and into another, for intaglio-hsm; t is a local token.
 *
 * A private key leaves its token only as PKCS#8 wrapped by the token itself with AES key wrap with padding
 * (RFC 5649).  The key that wraps is imported for one call, as a session object that can do nothing else,
 * and destroyed after it. */
#ifndef PKCS11_WRAP_H
#define PKCS11_WRAP_H

#include "pkcs11/token.h"

#define WRAP_KEY_LEN 32
#define WRAP_MAX 8192 /* octets of a wrapped key: RSA of 4096 bits has 2384 */

struct wrapped_key {
	uint8_t id[TOKEN_ID_LEN];
	char label[TOKEN_LABEL_MAX];
	uint8_t algorithm;
	const uint8_t *pub; /* as in the DNSKEY; borrowed, as `wrapped` is */
	size_t pub_len;
	const uint8_t *wrapped;
	size_t wrapped_len;
};

/* Does the token take such a key, and has it the mechanism?  ERR_REFUSED, ERR_TOKEN. */
int wrap_probe(struct token *t, const struct secret *wrapping_key, struct err *e);
/* Wrap a key that a listing showed; appended to out.  What was wrapped is unwrapped again, into a session
 * object, and must sign a challenge that verifies with key->pub: a back-up that was not read back is none.
 * ERR_MISSING: it was destroyed since; ERR_TOKEN: the token does not wrap it (e->ckr says why). */
int wrap_export(struct token *t, const struct secret *wrapping_key, const struct token_key *key,
    struct buf *out, struct err *e);

enum wrap_outcome { WRAP_RESTORED, WRAP_PRESENT };
/* Make the pair in this token, extractable and sensitive as it was.  A half that is there stays, if it is
 * the same (ERR_CONFLICT otherwise); one that is missing is made: so a second run completes a first one
 * that was cut.  A private half without a public one that does not sign for it is what such a run can
 * leave: it is made anew.  The private key must prove itself, or is destroyed again (ERR_VERIFY).
 * try_only: in session objects, nothing stays. */
int wrap_import(struct token *t, const struct secret *wrapping_key, const struct wrapped_key *key,
    bool try_only, enum wrap_outcome *out, struct err *e);

#endif
