/* Loads a vendor's module and finds a token in it.  Runs in token workers and in intaglio-hsm; the
 * one caller of dlopen and, with admin.c, of libp11.  A module is code we cannot look into: it may
 * hang or crash here. */
#include "pkcs11/module.h"

#include <dlfcn.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/mem.h"

static int get_list(struct module *m, struct err *e)
{
	struct call c = {0};
	CK_C_GetFunctionList get;
	void *symbol, *handle = dlopen(m->path, RTLD_NOW | RTLD_NOLOAD);

	if (handle == NULL)
		return err_set(e, ERR_REFUSED, "PKCS#11 module %s: %s", m->path, dlerror());
	symbol = dlsym(handle, "C_GetFunctionList");
	if (symbol == NULL)
		return err_set(e, ERR_REFUSED,
		    "%s is not a PKCS#11 module: it has no C_GetFunctionList", m->path);
	memcpy(&get, &symbol, sizeof get);
	if (call_note(&c, "C_GetFunctionList", get(&m->list)) != CKR_OK)
		return call_error(e, &c, "PKCS#11 module %s", m->path);
	return OK;
}

/* libp11 keeps a module's return value in OpenSSL's error queue. */
int module_error(struct err *e, const char *what, const char *path)
{
	unsigned long code = ERR_peek_last_error();
	struct call c = {what, (CK_RV)ERR_GET_REASON(code)};

	if (code == 0)
		return err_set(
		    e, ERR_TOKEN, "PKCS#11 module %s: %s failed and did not say why", path, what);
	call_error(e, &c, "PKCS#11 module %s", path);
	ERR_clear_error();
	return ERR_TOKEN;
}

int module_load(struct module *m, const char *path, struct err *e)
{
	int rc;

	if (access(path, R_OK) != 0)
		return err_set(e, ERR_MISSING,
		    "PKCS#11 module %s cannot be read: %m; `module` must be the vendor's shared "
		    "object",
		    path);
	signal(SIGPIPE, SIG_IGN); /* modules write to sockets */
	if (dlopen(path, RTLD_NOW | RTLD_LOCAL) == NULL)
		return err_set(
		    e, ERR_REFUSED, "PKCS#11 module %s cannot be loaded: %s", path, dlerror());
	m->path = mem_strdup(path);
	rc = get_list(m, e);
	if (rc != OK)
		goto failed;
	m->context = PKCS11_CTX_new();
	if (PKCS11_CTX_load(m->context, path) == 0)
		return OK;
	rc = module_error(e, "C_Initialize", path);
	PKCS11_CTX_free(m->context);
	m->context = NULL;
failed:
	module_unload(m);
	return rc;
}

static void tell_slots(const struct module *m, struct buf *out)
{
	unsigned count = 0;

	for (unsigned i = 0; i < m->slot_count; i++) {
		const PKCS11_TOKEN *token = m->slots[i].token;
		if (token == NULL || !token->initialized)
			continue;
		buf_printf(out, "%s\"%s\" (serial %s)", count++ > 0 ? ", " : "", token->label,
		    token->serialnr);
	}
	if (count == 0)
		buf_printf(out, "none");
	buf_u8(out, 0);
}

static int not_found(const struct module *m, const char *label, const char *serial, struct err *e)
{
	struct buf there = {.limit = 300};

	tell_slots(m, &there);
	if (there.len > 0)
		there.data[there.len - 1] = '\0';
	err_set(e, ERR_MISSING,
	    "no token with label \"%s\"%s%s in %s; initialised tokens there: %s", label,
	    serial != NULL ? " and serial " : "", serial != NULL ? serial : "", m->path,
	    there.failed ? "many others" : (const char *)there.data);
	buf_free(&there);
	return ERR_MISSING;
}

int module_find(struct module *m, const char *label, const char *serial, struct err *e)
{
	const PKCS11_SLOT *found = NULL;

	if (m->slots == NULL && PKCS11_enumerate_slots(m->context, &m->slots, &m->slot_count) != 0)
		return module_error(e, "C_GetSlotList", m->path);
	for (unsigned i = 0; i < m->slot_count; i++) {
		const PKCS11_TOKEN *token = m->slots[i].token;
		if (token == NULL || !token->initialized || strcmp(token->label, label) != 0)
			continue;
		if (serial != NULL && strcmp(token->serialnr, serial) != 0)
			continue;
		if (found != NULL)
			return err_set(e, ERR_CONFLICT,
			    "two tokens in %s have the label \"%s\": say which one is meant with "
			    "`serial`, %s or %s",
			    m->path, label, found->token->serialnr, token->serialnr);
		found = &m->slots[i];
	}
	if (found == NULL)
		return not_found(m, label, serial, e);
	m->slot = PKCS11_get_slotid_from_slot((PKCS11_SLOT *)found);
	return OK;
}

void module_unload(struct module *m)
{
	if (m->context != NULL) {
		if (m->slots != NULL)
			PKCS11_release_all_slots(m->context, m->slots, m->slot_count);
		PKCS11_CTX_unload(m->context);
		PKCS11_CTX_free(m->context);
	}
	free(m->path);
	memset(m, 0, sizeof *m);
}
