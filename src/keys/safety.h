/* safety: is a step safe now?  One small function per rule; pure, judging by facts alone.
 *
 * The invariants behind them, for every DS set, DNSKEY set and RRset that some cache may hold:
 *   - of the DS set's keys one has signed the DNSKEY set; each DS matches a key in it;
 *   - of the RRset's signatures one is by a key in the DNSKEY set;
 *   - both hold for each algorithm in the DS set and in the DNSKEY set (RFC 4035 2.2, RFC 6840 5.11).
 */
#ifndef KEYS_SAFETY_H
#define KEYS_SAFETY_H

#include "keys/facts.h"

enum safety_rule {
	RULE_K0, /* a DS goes up */
	RULE_K1, /* a key stops signing the DNSKEY set */
	RULE_K2, /* a DS is taken back */
	RULE_K3, /* the DNSKEY of a key with a DS goes */
	RULE_Z1, /* a published key is relied upon */
	RULE_Z2, /* the DNSKEY of a key that signed the zone goes */
	RULE_A_PUBLISH, /* the first DNSKEYs of an algorithm come */
	RULE_A_REMOVE,  /* the last DNSKEYs of an algorithm go */
	RULE_A_STOP,    /* ... and then its signatures */
	RULE_U,  /* the zone becomes unsigned */
	RULES
};

struct safety {
	const struct record *record; /* with what is decided already at this instant */
	const struct facts *facts;
	int64_t now;
};
struct verdict {
	bool is_safe;
	int64_t until; /* unsafe until then at least; 0: as long as something is not observed */
	const char *why;
};
/* key: index in the record. */
typedef struct verdict safety_fn(const struct safety *s, unsigned key);

struct safety_entry {
	const char *name;
	safety_fn *fn;
};
extern const struct safety_entry safety_rules[RULES];

#endif
