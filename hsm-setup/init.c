/* `intaglio-hsm init`: initialises a token.  Refuses to touch one that holds keys. */
#include "hsm-setup/hsm.h"

#include "pkcs11/admin.h"

int cmd_init(const struct options *o)
{
	struct secret pin = {0}, so_pin = {0};
	struct token_init init = {o->module, o->label, &so_pin, &pin, o->force_reinit};
	struct err e = {0};
	int rc = pin_get(o->so_pin_file, "PIN of the security officer", true, &so_pin, &e);

	if (rc == OK)
		rc = pin_get(o->pin_file, "PIN of the user", true, &pin, &e);
	if (rc == OK && so_pin.len == 0)
		rc = err_set(&e, ERR_REFUSED, "the PIN of the security officer is empty");
	if (rc == OK && pin.len == 0)
		rc = err_set(&e, ERR_REFUSED, "the PIN of the user is empty");
	if (rc == OK)
		rc = token_initialise(&init, &e);
	secret_free(&pin);
	secret_free(&so_pin);
	if (rc != OK)
		return fail(&e);
	printf("token \"%s\" is initialised\n", o->label);
	return EXIT_DONE;
}
