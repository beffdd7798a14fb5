/* facts: what was observed of one zone, and what was served, as plain values at one instant.  The
 * rules of safety.h judge by it; observe.h makes most of it from what servers answer.
 *
 * "Everywhere": at every destination (and where policy says so at every address of the zone's name
 * servers).  Since-times are those of the observation, calendar; 0: it is not so, or not known.  The
 * margin for propagation is added by the rules, not here. */
#ifndef KEYS_FACTS_H
#define KEYS_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include "keys/policy.h"

struct facts_key { /* in the order of the record's keys */
	int64_t in_set;      /* its DNSKEY is everywhere */
	int64_t out_of_set;  /* ... is nowhere */
	int64_t signs_set;   /* its signature over the DNSKEY set is everywhere */
	int64_t signs_all;   /* every RRset of the zone has its signature, everywhere */
	int64_t signs_none;  /* no signature over the zone's data by it is left anywhere */
	int64_t ds_in;       /* its DS is at every server of the parent */
	int64_t ds_out;      /* ... at none of them */
	bool ds_some;        /* at least one of the parent's servers had it when last asked */
	const char *token;   /* where it is; NULL: not known.  Borrowed */
};

struct facts {
	struct facts_key keys[KEYSET_MAX];
	int64_t signed_since; /* a signed version is everywhere */
	int64_t tidy_since;   /* the DNSKEY set has, everywhere, no key that the record calls removed, or forgot */
	/* Seconds.  The largest that were served since the oldest step that is under way. */
	uint32_t ttl_dnskey, ttl_zone, ttl_negative, ttl_ds;
	uint32_t ttl_unsigned; /* of the version before the zone was signed */
	uint32_t propagation, ds_propagation, ds_deadline;
	bool is_joined; /* of several zones (share.h): K0 is judged for each */
};

/* Raise TTLs and margins to what policy has. */
void facts_apply_policy(struct facts *f, const struct key_policy *p);

#endif
