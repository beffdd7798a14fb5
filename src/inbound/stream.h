/* stream: DNS over TCP as a client (RFC 7766): one question, any number of answers. */
#ifndef INBOUND_STREAM_H
#define INBOUND_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "dns/peer.h"

struct stream;

#define STREAM_COMPLETE 1
struct stream_hooks {
	/* One whole message.  more: octets have come behind it already.  OK: go on; STREAM_COMPLETE:
	 * that was all; negative: failed, e says why. */
	int (*message)(void *arg, const uint8_t *msg, size_t len, bool more, struct err *e);
	/* Called once, with e->code OK after STREAM_COMPLETE.  The stream may be freed from here. */
	void (*end)(void *arg, const struct err *e);
	void *arg;
};

/* Milliseconds, on the monotonic clock.  idle: from one whole message to the next. */
struct stream_times {
	uint64_t connect, idle, total;
};

/* query: the message, without its length; borrowed.  NULL: failed at once, e says why. */
struct stream *stream_open(struct loop *l, const struct peer *peer, const struct buf *query,
    const struct stream_times *times, const struct stream_hooks *hooks, struct err *e);
bool stream_has_asked(const struct stream *s); /* connected, and the query is on its way */
void stream_free(struct stream *s); /* NULL is fine */

#endif
