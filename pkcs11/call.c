/* Notes and words for calls into a vendor's module.  Runs where a module is loaded. */
#include "pkcs11/call.h"

#include <stdarg.h>
#include <stdio.h>
#include "base/clock.h"
#include "base/log.h"
#include "pkcs11/driver.h"

static _Thread_local struct {
	void (*fn)(void *arg);
	void *arg;
	uint64_t interval_ms, next;
} watch;

void call_watch(void (*fn)(void *arg), void *arg, uint64_t interval_ms)
{
	watch.fn = fn;
	watch.arg = arg;
	watch.interval_ms = interval_ms;
	watch.next = fn != NULL ? clock_mono_ms() + interval_ms : 0;
}

CK_RV call_note(struct call *c, const char *function, CK_RV rv)
{
	c->function = function;
	c->rv = rv;
	log_debug("%s: %s", function, rv == CKR_OK ? "OK" : token_ckr_name(rv));
	if (watch.fn != NULL && clock_mono_ms() >= watch.next) {
		watch.next = clock_mono_ms() + watch.interval_ms;
		watch.fn(watch.arg);
	}
	return rv;
}

int call_error(struct err *e, const struct call *c, const char *what, ...)
{
	const char *advice = token_ckr_advice(c->rv);
	char words[300];
	va_list ap;

	va_start(ap, what);
	vsnprintf(words, sizeof words, what, ap);
	va_end(ap);
	err_set(e, ERR_TOKEN, "%s: %s: %s%s%s%s", words, c->function, token_ckr_name(c->rv),
	    advice != NULL ? " (" : "", advice != NULL ? advice : "", advice != NULL ? ")" : "");
	if (e != NULL)
		e->ckr = c->rv;
	return ERR_TOKEN;
}
