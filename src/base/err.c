/* Error records: see err.h.  Used by every process. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[ERR_CODE_COUNT] = {
    [-OK] = "done",
    [-ERR_SYSTEM] = "system error",
    [-ERR_LIMIT] = "limit reached",
    [-ERR_ARGUMENT] = "wrong argument",
    [-ERR_FORMAT] = "malformed",
    [-ERR_MISSING] = "not found",
    [-ERR_EXISTS] = "exists already",
    [-ERR_REFUSED] = "refused",
    [-ERR_TIMEOUT] = "timed out",
    [-ERR_CLOSED] = "closed by the other end",
    [-ERR_AGAIN] = "not now",
    [-ERR_TOKEN] = "token error",
    [-ERR_STORE] = "store error",
    [-ERR_CRYPTO] = "cryptography error",
    [-ERR_VERIFY] = "does not verify",
    [-ERR_CONFLICT] = "conflict",
    [-ERR_BADKEY] = "BADKEY",
    [-ERR_BADSIG] = "BADSIG",
    [-ERR_BADTIME] = "BADTIME",
};

const char *err_name(int code)
{
	if (code > 0 || code <= -ERR_CODE_COUNT)
		return "unknown error";
	return names[-code];
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return code;
	e->code = code;
	e->ckr = 0;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return code;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_SYSTEM, "%s: %s", what, strerror(saved));
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char what[300], old[sizeof(e->text)];
	va_list ap;

	if (e == NULL)
		return ERR_SYSTEM;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	memcpy(old, e->text, sizeof(old));
	if (snprintf(e->text, sizeof(e->text), "%s: %s", what, old) >= (int)sizeof(e->text))
		memcpy(e->text + sizeof(e->text) - 4, "...", 4);
	return e->code;
}
