/* check: can a policy's schedule be kept with a zone's TTLs (R25)?  Pure.
 *
 * Safety never hangs on the answer: safety.h holds back each step that comes too early.  But a policy
 * whose steps must always be late is a mistake, and whoever sets it shall see the sum. */
#ifndef KEYS_CHECK_H
#define KEYS_CHECK_H

#include "keys/policy.h"

enum policy_severity {
	POLICY_ERROR,   /* steps of the schedule are always late, or signatures die in caches */
	POLICY_WARNING, /* ... where a parent takes its time, TTLs are long, or in an emergency */
	POLICY_NOTE     /* only an emergency, and only with TTLs that the zone may not have */
};
const char *policy_severity_name(enum policy_severity s); /* "error" */

#define POLICY_FINDINGS_MAX 32

struct policy_finding {
	enum policy_severity severity;
	const char *setting; /* to be changed: "zsk.prepublish" */
	char sum[200];	     /* "propagation PT1H + ttl.dnskey P2D = P2DT1H"; "" */
	char text[560];	     /* what is wrong, with the sum */
	char advice[120];    /* what would be right: "zsk.prepublish = "P2DT1H" or longer" */
};

struct policy_question {
	const struct key_policy *policy;
	int64_t validity, refresh; /* seconds; refresh 0: signatures are not judged */
	/* What the zone has: the longest TTL of its data and of denial.  false: as max_ttl allows. */
	bool knows_zone;
	uint32_t ttl_zone;
	uint32_t soa_expire;
	uint32_t ttl_dnskey, ttl_ds; /* as seen; where policy has longer ones, those count */
};

/* The number of findings, errors first. */
unsigned policy_check(
    const struct policy_question *q, struct policy_finding out[POLICY_FINDINGS_MAX]);
bool policy_has_error(const struct policy_finding *findings, unsigned count);

#endif
