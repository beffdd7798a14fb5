/* A zone's keys go on: what is known of it is gathered, what has to be done is done, and the zone is
 * signed again with what follows.  Runs in the signing side. */
#include "daemon/signer.h"

void signer_life_configure(struct signer_zone *z)
{
	(void)z;
}

void signer_life_free(struct signer_zone *z)
{
	(void)z;
}

void signer_life_look(struct signer_zone *z)
{
	(void)z;
}

bool signer_life_is_busy(const struct signer_zone *z)
{
	(void)z;
	return false;
}

void signer_life_facts(const struct signer_zone *z, struct facts *f)
{
	(void)z;
	(void)f;
}
