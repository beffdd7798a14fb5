/* call: every call into the vendor's module goes through CALL(), which remembers the function and its
 * return value for the error text, and logs it at debug level. */
#ifndef PKCS11_CALL_H
#define PKCS11_CALL_H

#include <p11-kit/pkcs11.h>
#include <stdint.h>
#include "base/err.h"

struct call { /* the last call made on behalf of somebody */
	const char *function;
	CK_RV rv;
};

#define CALL(list, call, function, ...) \
	call_note((call), #function, (list)->function(__VA_ARGS__))

CK_RV call_note(struct call *c, const char *function, CK_RV rv);
/* ERR_TOKEN with e->ckr: "what: C_Sign: CKR_... (advice)". */
int call_error(struct err *e, const struct call *c, const char *what, ...)
    __attribute__((format(printf, 3, 4)));

/* fn is called by this thread after vendor calls, at most every interval_ms: a sign of life, so that
 * only a call that hangs looks like one.  NULL ends it. */
void call_watch(void (*fn)(void *arg), void *arg, uint64_t interval_ms);

#endif
