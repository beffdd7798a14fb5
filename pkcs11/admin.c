/* Initialises tokens, through libp11.  Runs in intaglio-hsm only. */
#include "pkcs11/admin.h"

#include <string.h>
#include "pkcs11/module.h"

#define LABEL_LEN 32 /* CK_TOKEN_INFO.label: padded with blanks, no zero */

/* The token of this label, else the first that is not initialised. */
static PKCS11_SLOT *choose_slot(struct module *m, const char *label)
{
	PKCS11_SLOT *free_slot = NULL;

	for (unsigned i = 0; i < m->slot_count; i++) {
		PKCS11_SLOT *slot = &m->slots[i];
		if (slot->token == NULL)
			continue;
		if (slot->token->initialized && strcmp(slot->token->label, label) == 0)
			return slot;
		if (!slot->token->initialized && free_slot == NULL)
			free_slot = slot;
	}
	return free_slot;
}

/* libp11 0.4.12 hands the string to C_InitToken as it is, which reads 32 octets. */
static void pad_label(const char *label, char out[LABEL_LEN + 1])
{
	memset(out, ' ', LABEL_LEN);
	memcpy(out, label, strlen(label));
	out[LABEL_LEN] = '\0';
}

static int initialise_slot(
    struct module *m, PKCS11_SLOT *slot, const struct token_init *i, struct err *e)
{
	char padded[LABEL_LEN + 1];

	pad_label(i->label, padded);
	if (PKCS11_init_token(slot->token, (const char *)i->so_pin->data, padded) != 0)
		return module_error(e, "C_InitToken", m->path);
	if (PKCS11_open_session(slot, 1) != 0)
		return module_error(e, "C_OpenSession", m->path);
	if (PKCS11_login(slot, 1, (const char *)i->so_pin->data) != 0)
		return module_error(e, "C_Login (security officer)", m->path);
	if (PKCS11_init_pin(slot->token, (const char *)i->pin->data) != 0)
		return module_error(e, "C_InitPIN", m->path);
	PKCS11_logout(slot);
	return OK;
}

static int refuse(const struct token_init *i, PKCS11_SLOT *slot, struct err *e)
{
	if (slot == NULL)
		return err_set(e, ERR_MISSING,
		    "no slot of %s has a token that can be initialised as \"%s\"", i->module,
		    i->label);
	if (slot->token->initialized && !i->force)
		return err_set(e, ERR_EXISTS,
		    "there is a token \"%s\" (serial %s) in %s already; initialising it again "
		    "would DESTROY ALL ITS KEYS: choose another label, or say --force-reinit if "
		    "that is what you want",
		    i->label, slot->token->serialnr, i->module);
	return OK;
}

int token_initialise(const struct token_init *i, struct err *e)
{
	struct module m = {0};
	PKCS11_SLOT *slot;
	int rc;

	if (i->label[0] == '\0' || strlen(i->label) > LABEL_LEN)
		return err_set(e, ERR_ARGUMENT,
		    "the label \"%s\" cannot be given: 1 to %d octets can", i->label, LABEL_LEN);
	rc = module_load(&m, i->module, e);
	if (rc != OK)
		return rc;
	if (PKCS11_enumerate_slots(m.context, &m.slots, &m.slot_count) != 0) {
		rc = module_error(e, "C_GetSlotList", m.path);
	} else {
		slot = choose_slot(&m, i->label);
		rc = refuse(i, slot, e);
		if (rc == OK)
			rc = initialise_slot(&m, slot, i, e);
	}
	module_unload(&m);
	return rc;
}
