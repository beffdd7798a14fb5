/* caches: everything that any resolver may hold of a zone, and whether all of it can be validated.
 *
 * A key is a bit (keys are numbered as they are made).  What a server serves from one instant to
 * another may be in some cache until its TTL has run out after the last instant; at each change every
 * combination of a DS set, a DNSKEY set and a data RRset that can be held at once is validated:
 *   lenient   one chain holds (RFC 4035 5)
 *   strict    ... for each algorithm in the DS set and in the DNSKEY set (RFC 6840 5.11)
 *   tidy      each DS has its DNSKEY */
#ifndef TESTS_SIM_CACHES_H
#define TESTS_SIM_CACHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHES_RRSETS 3 /* of data */
#define CACHES_KINDS (2 + CACHES_RRSETS)
#define CACHES_VALUES_MAX 512
#define CACHES_ALGORITHMS 3

enum { CACHES_DS, CACHES_DNSKEY, CACHES_DATA }; /* the RRsets of data follow */

struct caches_value {
	unsigned server;
	uint64_t keys;    /* DS, DNSKEY: in the set; data: that signed it */
	uint64_t signers; /* DNSKEY: that signed it */
	uint32_t ttl;
	int64_t until; /* last served; INT64_MAX: it is */
};
struct caches {
	struct caches_value values[CACHES_KINDS][CACHES_VALUES_MAX];
	unsigned count[CACHES_KINDS];
	uint64_t algorithms[CACHES_ALGORITHMS]; /* the keys of each */
	bool is_changed; /* since it was judged */
	unsigned long combinations; /* judged so far */
};

/* From now on the server serves this. */
void caches_serve(struct caches *c, unsigned kind, unsigned server, uint64_t keys, uint64_t signers,
    uint32_t ttl, int64_t now);
/* false, and words: some resolver fails. */
bool caches_check(struct caches *c, int64_t now, char why[200]);

#endif
