/* admin: what only intaglio-hsm does with a token.  No PKCS#11 type appears here. */
#ifndef PKCS11_ADMIN_H
#define PKCS11_ADMIN_H

#include <stdbool.h>
#include "base/err.h"
#include "base/secret.h"

struct token_init {
	const char *module, *label;
	const struct secret *so_pin, *pin;
	bool force; /* initialise a token that has this label already: all it holds is lost */
};
/* Give a token its label, its security officer's PIN and its user's PIN.  ERR_EXISTS if there is one
 * of this label and force is false; ERR_MISSING if no slot is free. */
int token_initialise(const struct token_init *i, struct err *e);

#endif
