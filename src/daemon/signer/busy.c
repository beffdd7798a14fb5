/* Is something under way that will end by itself?  Leaps of the virtual clock wait for it
 * (signer/leap.c).  Runs in the signing side. */
#include "base/clock.h"
#include "daemon/signer/alert.h"
#include "daemon/signer/chain.h"
#include "daemon/signer/deliver.h"
#include "daemon/signer/handover.h"
#include "daemon/signer/monitors.h"
#include "daemon/signer/signer.h"

#define RETRIES_LIKELY 2

/* Will it come to rest without anybody's help?  A retry counts only while it is likely to help:
 * what has failed three times waits for the operator. */
static bool zone_is_busy(const struct signer_zone *z)
{
	return z->run != NULL || z->beside != NULL || z->making_keys || z->deleting ||
	       signer_life_is_busy(z) ||
	       (loop_timer_is_set(z->retry) && z->failures <= RETRIES_LIKELY);
}

bool signer_is_busy(const struct signer *s)
{
	uint64_t now = clock_mono_ms();

	if (s->turns_armed || s->save_is_urgent || s->keys_loading || s->probes != NULL ||
	    signer_chain_is_busy(s) || handover_is_busy(s) || signer_alert_is_busy(s) ||
	    signer_deliver_is_busy(s) || signer_notices_is_busy(s) || signer_monitors_are_busy(s))
		return true;
	for (unsigned i = 0; i < s->token_count; i++) {
		uint64_t down_since = s->tokens[i]->down_since_ms;

		if (down_since != 0 && now - down_since < SIGNER_TOKEN_PATIENCE_MS)
			return true; /* it may only be starting */
	}
	for (unsigned i = 0; i < s->zone_count; i++) {
		if (zone_is_busy(s->zones[i]))
			return true;
	}
	return false;
}
