/* The verbs that show what lies ahead: rollover list, policy check, and every --dry-run. */
#include "daemon/verbs_internal.h"

void verbs_plan_register(struct signer *s)
{
	(void)s;
}
