/* observe: facts from versions and from the serials that servers answer with.  Pure.
 *
 * The signing side reports each version whose set of keys or signatures differs in kind from the one
 * before, and the serial that each server was seen with.  What holds in a version and in all that
 * followed it is everywhere when every server has come at least so far. */
#ifndef KEYS_OBSERVE_H
#define KEYS_OBSERVE_H

#include <stddef.h>
#include "keys/facts.h"

#define OBSERVE_VERSIONS_MAX 32
#define OBSERVE_MEMORY (40 * 86400) /* seconds: no rule waits longer, but for odd TTLs */

struct observe_key {
	uint8_t id[TOKEN_ID_LEN];
	bool in_set, signs_set;
	bool signs_all, signs_some; /* of the zone's RRsets */
};
struct observe_version {
	uint32_t serial;
	bool is_signed;
	unsigned key_count;
	struct observe_key keys[KEYSET_MAX];
	int64_t everywhere; /* since when each server has it, or a later one; 0: not */
};
struct observe_server {
	bool is_known;
	uint32_t serial; /* it answered with this one last */
};
struct observe { /* zeros: nothing known */
	struct observe_version *versions; /* owned; the newest last */
	unsigned version_count;
	struct observe_server *servers; /* owned */
	unsigned server_count;
};

void observe_free(struct observe *o);
/* The zone has these n servers, each with what is known of it; one that is not known counts as having
 * nothing.  0 servers: what is published is everywhere at once. */
void observe_servers(struct observe *o, const struct observe_server *servers, unsigned n,
    int64_t now);
/* A version was published (everywhere is ignored). */
void observe_publish(struct observe *o, const struct observe_version *v, int64_t now);
/* Does it differ from the newest one in what its keys do? */
bool observe_is_news(const struct observe *o, const struct observe_version *v);
/* The server answered with this serial; it cannot be asked, or answers with what is not ours.  True:
 * something is everywhere now that was not, or the other way round. */
bool observe_seen(struct observe *o, unsigned server, uint32_t serial, int64_t now);
bool observe_lost(struct observe *o, unsigned server, int64_t now);
/* Does the server have the newest version that was reported, or one after it? */
bool observe_is_current(const struct observe *o, unsigned server);
/* Fills signed_since and of each key what the zone's own servers say; leaves the rest. */
void observe_facts(const struct observe *o, const struct record *r, struct facts *f);

#endif
