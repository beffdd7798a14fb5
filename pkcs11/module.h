/* module: a PKCS#11 module, loaded, and one of its tokens, found.  Module loading, slots and tokens are
 * libp11's; what happens in sessions is ours and goes through `list`, the same module's function list.
 * (libp11's own sessions, log-in and key enumeration are not used: they close our sessions, hang
 * after a failed C_OpenSession, and give up at one Ed25519 key.) */
#ifndef PKCS11_MODULE_H
#define PKCS11_MODULE_H

#include <libp11.h>
#include "pkcs11/call.h"

struct module {
	char *path;
	PKCS11_CTX *context; /* NULL: not loaded */
	PKCS11_SLOT *slots;
	unsigned slot_count;
	CK_FUNCTION_LIST *list;
	CK_SLOT_ID slot; /* of the token found */
};

/* C_Initialize through libp11; ERR_MISSING if there is no such file, ERR_REFUSED if it is no module. */
int module_load(struct module *m, const char *path, struct err *e);
/* Find the one token of this label (and serial, if not NULL).  ERR_MISSING tells what is there. */
int module_find(struct module *m, const char *label, const char *serial, struct err *e);
/* C_Finalize.  All sessions and handles are gone then.  The code stays mapped: modules have threads
 * and exit handlers of their own. */
void module_unload(struct module *m);
/* After a call of libp11 that failed: what is the function of PKCS#11 behind it. */
int module_error(struct err *e, const char *what, const char *path);

#endif
