/* The verbs that change how keys go on: roll-overs, emergencies, the DS by hand, back-ups, unsigning. */
#include "daemon/verbs_internal.h"

void verbs_life_register(struct signer *s)
{
	(void)s;
}
