/* wrap_internal: what wrap.c (out of a token) and unwrap.c (into it) share. */
#ifndef PKCS11_WRAP_INTERNAL_H
#define PKCS11_WRAP_INTERNAL_H

#include "pkcs11/local.h"
#include "pkcs11/wrap.h"

struct wrap_job {
	struct attempt attempt; /* first: the ladder hands it back */
	const struct secret *wrapping_key;
	const struct mech *mech;
	struct wrapped_key key; /* as far as it is known */
	bool try_only;
	bool is_doubtful; /* on the way in: there is a private half alone, and it does not sign */
	bool may_replace; /* ... and it may go */
	CK_MECHANISM_TYPE mechanism;
	CK_OBJECT_HANDLE wrapper; /* the wrapping key, while it is in the token */
	uint8_t wrapped[WRAP_MAX]; /* on the way out */
	enum wrap_outcome outcome;
};

/* ERR_ARGUMENT if we do not know the key's algorithm. */
int wrap_job_begin(struct wrap_job *j, struct token *t, const struct secret *wrapping_key,
    uint8_t algorithm, struct err *e);
/* The wrapping key goes into the session, and out of it again. */
int wrap_enter(struct wrap_job *j, struct err *e);
void wrap_leave(struct wrap_job *j);
/* j->key.wrapped as a private key object, of the token or of the session. */
int wrap_unwrap(struct wrap_job *j, bool in_token, CK_OBJECT_HANDLE *out, struct err *e);
/* Does this private key sign for j->key.pub?  ERR_VERIFY if not. */
int wrap_prove(struct wrap_job *j, CK_OBJECT_HANDLE private, struct err *e);
void wrap_destroy(struct wrap_job *j, CK_OBJECT_HANDLE h);

#endif
