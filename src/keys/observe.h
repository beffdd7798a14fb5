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
#define OBSERVE_SERVERS_MAX 32

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
struct observe { /* zeros: nothing known */
	struct observe_version versions[OBSERVE_VERSIONS_MAX]; /* the newest last */
	unsigned version_count;
	struct {
		bool is_known;
		uint32_t serial;
	} servers[OBSERVE_SERVERS_MAX];
	unsigned server_count;
};

/* The zone has n servers; those added count as having nothing.  Fewer: the last ones are left out.
 * 0 servers: what is published is everywhere at once. */
void observe_servers(struct observe *o, unsigned n, int64_t now);
/* A version was published (everywhere is ignored). */
void observe_publish(struct observe *o, const struct observe_version *v, int64_t now);
/* The server answered with this serial. */
void observe_seen(struct observe *o, unsigned server, uint32_t serial, int64_t now);
/* Fills signed_since and of each key what the zone's own servers say; leaves the rest. */
void observe_facts(const struct observe *o, const struct record *r, struct facts *f);

#endif
