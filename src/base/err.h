/* err: error codes and error records.
 *
 * A function returns OK or a negative enum err_code.  At a room's border it also fills the
 * caller's struct err (may be NULL) with words that say what was being done, to which zone, key
 * or peer, what was wrong and what would be right.  Outputs are written only on OK. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_code {
	OK = 0,
	ERR_SYSTEM = -1,   /* a system call failed; the text ends in strerror() */
	ERR_LIMIT = -2,    /* a size, count or memory bound was reached */
	ERR_ARGUMENT = -3, /* the caller asked for something that makes no sense */
	ERR_FORMAT = -4,   /* malformed input */
	ERR_MISSING = -5,  /* no such thing */
	ERR_EXISTS = -6,   /* already there */
	ERR_REFUSED = -7,  /* understood, and not done: policy, safety, permission */
	ERR_TIMEOUT = -8,
	ERR_CLOSED = -9,   /* the other end went away */
	ERR_AGAIN = -10,   /* not now; the same call may succeed later */
	ERR_TOKEN = -11,   /* the PKCS#11 token said no; see struct err.ckr */
	ERR_STORE = -12,   /* LMDB */
	ERR_CRYPTO = -13,  /* OpenSSL */
	ERR_VERIFY = -14,  /* a signature or a check of a zone did not hold */
	ERR_CONFLICT = -15, /* two writers, two truths */
	ERR_BADKEY = -16,  /* TSIG, RFC 8945 section 5.2 */
	ERR_BADSIG = -17,
	ERR_BADTIME = -18,
	ERR_CODE_COUNT = 19
};

struct err {
	int code;
	unsigned long ckr; /* CKR_... when code is ERR_TOKEN, else 0 */
	char text[500];
};

/* Short words for a code ("timed out"); never NULL. */
const char *err_name(int code);

/* Fill e (if not NULL) and return code. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same with code ERR_SYSTEM and ": strerror(errno)" appended. */
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put "what: " before the text that e has already; returns e's code (ERR_SYSTEM if e is NULL). */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
