/* The face of a token: calls the driver behind it, and what both drivers share.  Runs in every
 * process that has a token; trusts its caller. */
#include "pkcs11/driver.h"

#include <stdlib.h>

void token_submit(struct token *t, const struct token_request *r, token_reply_fn *fn, void *arg)
{
	t->driver->submit(t, r, fn, arg);
}

unsigned token_sign_pending(const struct token *t)
{
	return t->driver->sign_pending(t);
}

unsigned token_sign_window(const struct token *t)
{
	return t->driver->sign_window(t);
}

double token_sign_rate(const struct token *t)
{
	return t->driver->sign_rate(t);
}

uint64_t token_sign_count(const struct token *t)
{
	return t->driver->sign_count(t);
}

bool token_is_up(const struct token *t, char why[256])
{
	return t->driver->is_up(t, why);
}

const char *token_name(const struct token *t)
{
	return t->name;
}

void token_close(struct token *t)
{
	if (t != NULL)
		t->driver->close(t);
}

const char *token_op_name(enum token_op op)
{
	switch (op) {
	case TOKEN_SIGN:
		return "sign";
	case TOKEN_GENERATE:
		return "generate a key";
	case TOKEN_LIST:
		return "list";
	case TOKEN_PUT_RECORD:
		return "put a record";
	case TOKEN_DROP_RECORD:
		return "drop a record";
	case TOKEN_DROP_KEY:
		return "drop a key";
	case TOKEN_RANDOM:
		return "make random octets";
	case TOKEN_CAPS:
		return "probe";
	case TOKEN_NEWS:
		return "look for new records";
	}
	return "do an unknown thing";
}

#define PACE_MEMORY_US 1000000

void pace_add(struct pace *p, uint32_t us, unsigned signatures)
{
	if (signatures == 0)
		return;
	p->us += us;
	p->signatures += signatures;
	if (p->us > PACE_MEMORY_US) {
		p->us /= 2;
		p->signatures /= 2;
	}
}

double pace_us(const struct pace *p)
{
	return p->signatures > 0 ? p->us / p->signatures : 0;
}
