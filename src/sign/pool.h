/* pool: a few threads for work that would hold up the loop: verification, sorting, the first look
 * at a spool.  Results come back in the loop.  Internal to the room. */
#ifndef SIGN_POOL_H
#define SIGN_POOL_H

#include <stdbool.h>
#include "base/loop.h"
#include "dns/dnskey.h"
#include "pkcs11/token.h"

struct work {
	void (*run)(struct work *w, struct verifier_scratch *scratch); /* in a thread */
	void (*finished)(struct work *w);                              /* in the loop */
	enum token_class class;
	struct work *next;
};

struct pool;
struct pool *pool_new(struct loop *l, unsigned threads); /* NULL: no threads or descriptors left */
/* Waits for what is being run now; the rest is dropped, `finished` is not called any more. */
void pool_free(struct pool *p);
/* w must live until it is finished.  Lower classes go first. */
void pool_push(struct pool *p, struct work *w);
unsigned pool_threads(const struct pool *p);

#endif
