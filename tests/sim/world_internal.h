/* world_internal: what the files of the world share.
 *
 *   world.c       keys, the operator, bad luck, time
 *   world_zone.c  a zone: its versions, its servers, its parent */
#ifndef TESTS_SIM_WORLD_INTERNAL_H
#define TESTS_SIM_WORLD_INTERNAL_H

#include "keys/share.h"
#include "tests/sim/world.h"

#define DAY 86400
#define SERVERS_MAX 4
#define ZONES_MAX 4
#define VERSIONS_MAX 8192
#define NEVER INT64_MAX

struct version {
	uint64_t set, signers, data[CACHES_RRSETS];
	uint32_t ttl_dnskey, ttl_zone;
};
struct server {
	int64_t fetch_at, seen_at, dead_until;
	uint32_t version; /* is its serial */
};
struct request { /* to the parent */
	int64_t at;
	uint64_t ds;
};
struct parent_server {
	uint64_t ds;
	struct request queue[64];
	unsigned head, tail;
};

struct world;
struct zone {
	struct world *world;
	unsigned number;
	bool is_there;
	bool was_unsigned; /* the operator asked for that once: the parent may be on its way */
	int64_t sign_at; /* the first time; 0: it was */
	int64_t walk_at, poll_at;
	struct facts facts;
	struct observe observe;
	struct caches caches;
	struct version *versions;
	uint32_t version_count;
	struct server servers[SERVERS_MAX];
	struct parent_server parents[SERVERS_MAX];
	unsigned server_count, parent_count;
	uint32_t ttl_dnskey, ttl_zone, ttl_ds, server_delay, parent_delay, walk_delay;
	uint64_t wanted_ds;
	struct share_zone share; /* of worlds in which zones share keys */
};

struct world {
	uint64_t random, seed;
	int64_t now, disturb_at, quiet_from, end, roll_at;
	bool log, is_shared;
	const struct safety_entry *rules;
	enum world_mutant mutant;
	struct key_policy policy;
	struct record record;
	struct zone zones[ZONES_MAX];
	unsigned key_count; /* ever */
	struct world_outcome *out;
};

/* world.c */
int64_t draw_below(struct world *w, int64_t n);
int64_t draw_between(struct world *w, int64_t low, int64_t high);
void note(const struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
unsigned key_number(const struct record_key *k);

/* world_zone.c */
void zone_begin(struct zone *z); /* unsigned, at all its servers */
void zone_end(struct zone *z);
void zone_draw_ttls(struct zone *z);
/* A new version where the keys ask for one; a walk re-signs the data one RRset after the other. */
void zone_sign(struct zone *z, bool walk);
void zone_ask_parent(struct zone *z);
void zone_forget(struct zone *z); /* a crash */
/* Servers and parent do what is due.  True: something was observed. */
bool zone_act(struct zone *z);
int64_t zone_next(const struct zone *z);

#endif
