/* stanza: ready-made configuration for the name servers on both sides of us: BIND, NSD, Knot.
 *
 * As a source they give us the unsigned zone and tell us of changes (NOTIFY); as a destination they take
 * the signed zone from us and accept our NOTIFY.  All of it is signed with one TSIG key. */
#ifndef OPS_STANZA_H
#define OPS_STANZA_H

#include "base/buf.h"

enum stanza_server { STANZA_BIND, STANZA_NSD, STANZA_KNOT, STANZA_SERVERS };
enum stanza_side { STANZA_SOURCE, STANZA_DESTINATION, STANZA_SIDES };

struct stanza { /* all borrowed */
	const char *key, *algorithm, *secret; /* "source-key.", "hmac-sha256", base64 */
	const char *address; /* ours, to which NOTIFY and queries go, and from which we ask */
	unsigned port;
	const char *const *zones; /* presentation form */
	unsigned zone_count;
};

/* "BIND: named.conf", "NSD: nsd.conf", "Knot DNS: knot.conf" */
const char *stanza_title(enum stanza_server server);
/* The text holds the secret: wipe it when it has been shown. */
void stanza_put(struct buf *out, enum stanza_server server, enum stanza_side side,
    const struct stanza *s);
/* All six, each under a comment that says whose it is. */
void stanza_put_all(struct buf *out, const struct stanza *s);

#endif
