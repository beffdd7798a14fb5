/* dsync: where a parent wants to be told that a child's CDS changed (RFC 9859): names to look up, and what
 * a resolver's answers say.  Pure.  The resolver is the operator's own and is believed; what it sends is
 * read as carefully as anything else from the network. */
#ifndef PARENT_DSYNC_H
#define PARENT_DSYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "dns/name.h"
#include "dns/packet.h"

struct dsync_name { /* ... of the child, _dsync, ... of the parent */
	uint8_t name[NAME_MAX_LEN];
	unsigned front; /* labels of the child */
};
struct dsync_target {
	uint8_t name[NAME_MAX_LEN];
	uint16_t port; /* 0: there are targets, and none for CDS that we could use */
};

/* The first name to look up: RFC 9859 4.1, step 1.  ERR_LIMIT: it would be too long; ERR_MISSING: the root
 * has no parent. */
int dsync_first(const uint8_t *apex, struct dsync_name *out);
/* The next one, after a negative answer from `zone` (NULL: it did not say): step 3.  ERR_MISSING: there is
 * no target. */
int dsync_next(const uint8_t *apex, const uint8_t *zone, struct dsync_name *name);
/* OK: the target.  ERR_MISSING: a negative answer; *has_zone: zone is the one that it came from.  Else
 * words. */
int dsync_read(const uint8_t *msg, size_t len, struct dsync_target *out, uint8_t zone[NAME_MAX_LEN],
    bool *has_zone, struct err *e);

/* NOTIFY(CDS) for the child: with ID 0. */
void dsync_compose(const uint8_t *apex, struct packet_builder *out);
/* OK: it was acknowledged.  ERR_REFUSED or ERR_FORMAT and words. */
int dsync_read_answer(const uint8_t *msg, size_t len, struct err *e);

#endif
