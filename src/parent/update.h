/* update: the dynamic update (RFC 2136) that brings DS records into a parent zone, or takes them out.
 * Pure: it makes messages and reads answers.  Runs in the signing side; answers come from the network,
 * their TSIG verified, and are not trusted further.
 *
 * Bringing in asks for a delegation: without NS records a DS would be dropped without a word.  Taking out
 * asks for the very DS set that was read before: whatever somebody else changed meanwhile is noticed, and
 * a child never loses its last DS because of what we believed to be there. */
#ifndef PARENT_UPDATE_H
#define PARENT_UPDATE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "dns/packet.h"
#include "parent/observe.h"

struct update_change {
	const uint8_t *owner; /* whose DS */
	const struct parent_ds *ds, *keep; /* what is to come, or to go; what must be there then */
	unsigned ds_count, keep_count;
	bool is_retract;
	uint32_t ttl;
};

/* May it be taken out of the set that is there now?  OK; ERR_REFUSED and words when one that is to stay is
 * not there; ERR_MISSING (no words): none of it is there, so nothing is to be done. */
int update_may_retract(const struct update_change *c, const struct parent_set *now, struct err *e);
/* The message, with ID 0.  now: the set as it was read, for a retract; else NULL. */
void update_compose(const struct update_change *c, const uint8_t *zone, const struct parent_set *now,
    struct packet_builder *out);
/* OK: it was done.  ERR_AGAIN: what was asked for does not hold (any more); ERR_MISSING: the zone was the
 * wrong one; ERR_REFUSED; ERR_FORMAT; each with words, to which the caller adds whose they are. */
int update_read_answer(const uint8_t *msg, size_t len, bool is_retract, struct err *e);

/* The zone that name is in, from a server's answer to the SOA question about it.  ERR_REFUSED and words:
 * the server does not have that zone. */
int update_read_zone(const uint8_t *msg, size_t len, const uint8_t *name, uint8_t zone[NAME_MAX_LEN],
    struct err *e);

#endif
