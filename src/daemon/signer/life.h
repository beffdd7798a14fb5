/* signer_life: what the files about the life of a zone's keys share.  Nobody else includes it.
 *
 *   signer/life.c   when keys_step is called, and what follows from it
 *   signer/facts.c  what is known: versions at servers, DS at the parent, TTLs
 *   signer/holds.c  steps that are held back
 */
#ifndef DAEMON_SIGNER_LIFE_H
#define DAEMON_SIGNER_LIFE_H

#include "daemon/signer/signer.h"

/* The largest TTL of some kind that caches may still go by: served until `until`, or still served. */
struct served {
	uint32_t ttl;
	bool is_going; /* not every server was seen to have less */
	int64_t until;
};
struct served_ttls {
	struct served dnskey, zone, negative;
	uint32_t unsigned_max; /* of the versions before the zone was signed */
	/* As in the current version; from this serial on they are so small. */
	uint32_t dnskey_now, zone_now, negative_now;
	uint32_t serial;
};

struct zone_life {
	struct signer_zone *zone; /* NULL: dropped while a step was under way */
	struct loop_event *look;
	struct loop_timer *retry; /* NULL as long as no step failed */
	struct loop_timer *rest;  /* of a group; NULL as long as there was none */
	bool is_wanted, is_stepping;
	bool is_due; /* the calendar asked for the look: what the keys do may have changed by time alone */
	bool is_news; /* nothing was served with these keys before */
	uint64_t sequence;    /* of the record, when the step began */
	int64_t ds_changes;   /* a sum of it, too */
	unsigned failures;
	char trouble[128]; /* of the last step; "" */
	struct served_ttls ttls;
	struct signer_hold *holds; /* owned */
	unsigned hold_count;
	loop_fn *idle; /* NULL: nobody waits for the step's end */
	void *idle_arg;
};

/* signer/life.c: sign again if the current version was made by keys that did something else. */
void life_look_at_set(struct signer_zone *z);

/* signer/facts.c */
/* As signer_zone_facts, with the record that its keys are in (NULL: none). */
void life_facts_of(const struct signer_zone *z, const struct record *r, struct facts *f);
void life_ttls_load(struct zone_life *l, struct snapshot *sn);
void life_ttls_write(const struct zone_life *l, struct buf *out);
void life_ttls_version(struct zone_life *l, int64_t now);

/* signer/holds.c: after a step.  When to look again because a hold would be late then; POLICY_NEVER. */
int64_t life_holds_note(struct zone_life *l, int64_t now);

#endif
