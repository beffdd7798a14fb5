/* signer/submit: the DS set that a zone's parent should have is handed over (signer/handover.h).  Included by
 * signer.h. */
#ifndef DAEMON_SIGNER_SUBMIT_H
#define DAEMON_SIGNER_SUBMIT_H

#include <stdbool.h>
#include <stdint.h>
#include "keys/keyset.h"
#include "zone/store.h"

#define SUBMIT_TASK_MAX 400

struct signer_zone;

void signer_submit_look(struct signer_zone *z); /* it may have changed */
/* The operator asks for it: what was handed over counts no more, and no pause is kept.  false: it is
 * not handed over by us, or there is nothing to hand over. */
bool signer_submit_again(struct signer_zone *z);
void signer_submit_free(struct signer_zone *z);
/* With the zone: should it come again, its DS is handed over again. */
int signer_submit_remove(const struct signer_zone *z, struct store_write *w, struct err *e);
struct submit_view { /* for zone status */
	const char *how; /* as in the policy */
	unsigned wanted_count;
	uint16_t wanted[KEYSET_MAX]; /* tags of the keys whose DS the parent should have */
	int64_t handed_over;	     /* last; 0: never, or not by us */
	bool is_running;	     /* it is being handed over */
	int64_t next_try;    /* after a failure */
	const char *problem; /* what failed; "" */
	char task[SUBMIT_TASK_MAX]; /* what is waited for, or what the operator is to do; "" */
};
void signer_submit_view(struct signer_zone *z, struct submit_view *out);

#endif
