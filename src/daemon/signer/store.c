/* signer_store: the look at the store itself, each minute: slots of readers that died are freed,
 * and the operator is told before it is full.  Runs in the signing side. */
#include "base/log.h"
#include "daemon/signer/signer.h"
#include "zone/store.h"

/* Said once when it begins, and once when it is over. */
static void look_for_room(struct signer *s)
{
	char why[STORE_SHORT_SIZE];
	bool is_short = store_is_short(s->store, why);

	if (is_short && !s->store_is_short)
		log_error("%s", why);
	else if (!is_short && s->store_is_short)
		log_notice("the store has room again");
	s->store_is_short = is_short;
}

void signer_store_look(struct signer *s)
{
	if (s->store == NULL)
		return;
	store_check_readers(s->store);
	look_for_room(s);
}
