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

/* How long a session takes for a signature.  What is older fades away. */
struct pace {
	double us, signatures;
};
void pace_add(struct pace *p, uint32_t us, unsigned signatures);
double pace_us(const struct pace *p); /* of one signature; 0: not known */

#endif
