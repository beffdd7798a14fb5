/* driver: what lies behind struct token.  Private to this room: `local` works in this process, `client`
 * sends messages to workers; token.c calls whichever it is. */
#ifndef PKCS11_DRIVER_H
#define PKCS11_DRIVER_H

#include "pkcs11/token.h"

struct token_driver {
	void (*submit)(struct token *t, const struct token_request *r, token_reply_fn *fn, void *arg);
	unsigned (*sign_pending)(const struct token *t);
	unsigned (*sign_window)(const struct token *t);
	double (*sign_rate)(const struct token *t);
	uint64_t (*sign_count)(const struct token *t);
	bool (*is_up)(const struct token *t, char why[256]);
	void (*close)(struct token *t);
};

struct token { /* the first member of both kinds */
	const struct token_driver *driver;
	char *name;
};

const char *token_op_name(enum token_op op); /* "sign", for messages */
/* What an operator should do about a return value; NULL when there is nothing to add. */
const char *token_ckr_advice(unsigned long rv);

/* Signatures per second while there was something to sign: idle time does not count, so that the
 * number says what the token can do, not what was asked of it. */
struct rate {
	uint64_t busy_since; /* us; 0: idle */
	uint64_t busy_us;
	uint64_t signatures;
	double per_second;
};
void rate_begin(struct rate *r, uint64_t now_us);
void rate_add(struct rate *r, uint64_t now_us, unsigned signatures, bool more_to_come);

#endif
