/* policy: what the schedule asks for, and when (R21 to R24).  Pure: calendar arithmetic from recorded
 * times.  Whether it is safe is another question: safety.h. */
#ifndef KEYS_POLICY_H
#define KEYS_POLICY_H

#include <stdbool.h>
#include <stdint.h>
#include "base/period.h"
#include "keys/record.h"

#define POLICY_NEVER INT64_MAX
#define POLICY_DIGESTS_MAX 4

struct key_role_policy {
	bool wanted;
	uint16_t bits;
	char token[64];
	struct period prepublish, active, postpublish; /* active P0D: no roll-over is scheduled */
};
struct key_policy { /* what of a policy concerns keys */
	char name[STORE_POLICY_MAX];
	uint8_t algorithm;
	struct key_role_policy ksk, zsk, csk; /* csk.wanted excludes the other two */
	uint32_t ttl_dnskey, ttl_cds, max_ttl, propagation, ds_ttl; /* seconds */
	bool extractable; /* keys may be wrapped for back-up */
	bool no_ds;       /* the parent is never asked for a DS (an island of security) */
	bool publish_cds;
	bool require_backup; /* a key that is not backed up is never published */
	uint8_t digests[POLICY_DIGESTS_MAX]; /* of DS and CDS; 0 ends; none: SHA-256 */
	uint32_t ds_propagation, ds_deadline; /* seconds: a request to the parent is done by then */
	uint32_t emergency_validity; /* of signatures over the DNSKEY set while a compromised key is in it */
	struct period purge_after;   /* from removal to the key's destruction in the token */
};

static inline bool role_has_ds(enum key_role r) { return r != KEY_ZSK; }
static inline bool role_has_zone(enum key_role r) { return r != KEY_KSK; }

/* The role's settings. */
const struct key_role_policy *policy_role(const struct key_policy *p, enum key_role r);
/* The roles that the policy wants: their number, 1 or 2. */
unsigned policy_roles(const struct key_policy *p, enum key_role out[2]);
uint16_t policy_bits(const struct key_policy *p, enum key_role r); /* 0: the algorithm says it */
/* Does policy still ask for such a key?  token: where it is, NULL: not known. */
bool policy_fits(const struct key_policy *p, const struct record_key *k, const char *token);

/* When policy asks for a step of a key that is (or was) active; POLICY_NEVER. */
int64_t policy_successor_at(const struct key_policy *p, const struct record_key *k, bool fits);
int64_t policy_retire_at(const struct key_policy *p, const struct record_key *k, bool fits);
/* Only of a compromised CSK: when others sign the zone's data, before it retires. */
int64_t policy_zone_handover_at(const struct record_key *k);
int64_t policy_remove_at(const struct key_policy *p, const struct record_key *k);
int64_t policy_destroy_at(const struct key_policy *p, const struct record_key *k);

#endif
