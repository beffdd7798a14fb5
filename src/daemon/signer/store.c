/* signer_store: the store is opened, and looked at each minute: slots of readers that died are
 * freed, and the operator is told before it is full.  Runs in the signing side. */
#include <stdlib.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"
#include "zone/store.h"

#define GIB (UINT64_C(1) << 30)
#define STORE_TRIES                                                                                \
	50 /* of 100 ms: a signer that was killed may still hold the lock for a moment */

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

void signer_store_open(struct signer *s)
{
	char *dir = mem_printf("%s/store", s->config->state_dir);
	struct err e = {0};

	for (unsigned i = 0; i < STORE_TRIES && s->store == NULL; i++) {
		s->store = store_open(dir, true, (uint64_t)s->config->store_max * GIB, &e);
		if (s->store == NULL && e.code != ERR_CONFLICT)
			break;
		if (s->store == NULL)
			usleep(100000);
	}
	free(dir);
	if (s->store == NULL) {
		log_error("%s", e.text);
		exit(1);
	}
}
