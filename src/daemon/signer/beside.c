/* A zone that gets another chain of denial is built anew, which may take an hour with a slow token.
 * What comes in meanwhile, and what expires, is signed by other runs with the chain that the zone
 * has; the build makes up for it before it is published (sign/catchup.c).  Runs in the signing
 * side. */
#include <stdlib.h>
#include "base/log.h"
#include "daemon/signer/signer.h"

void signer_beside_begin(struct signer_zone *z)
{
	if (z->beside != NULL || z->run == NULL || !sign_is_beside(z->run))
		return;
	if (z->next.spool == NULL && !z->due && !z->again)
		return;
	log_notice("zone %s: changes are signed while its new chain is being made", z->name);
	z->beside = z->run;
	z->beside_keys = z->run_keys;
	z->beside_force = z->run_force;
	z->run = NULL;
	z->run_keys = NULL;
}

struct keyset *signer_beside_end(struct signer_zone *z, const struct sign_result *r)
{
	struct keyset *keys = z->beside_keys;

	if (z->beside == NULL || z->beside != r->run)
		return NULL;
	z->beside = NULL;
	z->beside_keys = NULL;
	return keys;
}

void signer_beside_cancel(struct signer_zone *z)
{
	if (z->beside != NULL)
		sign_cancel(z->beside);
}
