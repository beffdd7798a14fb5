/* trust: the chain of trust from a trust anchor down to a name (RFC 4035 5), one question after the
 * other.  Pure: it says what it wants to know, and is fed the answers, which are not trusted.  A
 * resolver that is asked to leave the judging to us (CD) can answer all of them.
 *
 *   DNSKEY of the anchor's zone -> DS of each name on the way down -> where there is one, DNSKEY of that
 *   zone -> ... -> the question itself
 */
#ifndef PARENT_TRUST_H
#define PARENT_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "dns/anchors.h"
#include "dns/name.h"

#define TRUST_WHY_MAX 300

enum trust_verdict {
	TRUST_OPEN,      /* more is to be asked */
	TRUST_UNCHECKED, /* no trust anchor is above the name */
	TRUST_SECURE,
	TRUST_INSECURE,  /* proven: something above the name is not signed */
	TRUST_BOGUS,     /* signed, and what came is not what was signed */
	TRUST_UNKNOWN    /* what is needed cannot be had now */
};
const char *trust_word(enum trust_verdict v); /* "secure", "not checked" */

/* What earlier chains found out about zones; bounded, each entry forgotten in time. */
struct trust_memory;
struct trust_memory *trust_memory_new(void);
void trust_memory_free(struct trust_memory *m); /* NULL is fine */
void trust_memory_clear(struct trust_memory *m); /* the anchors are others now */

struct trust { /* one at work; all but verdict and below is its own */
	const struct anchors *anchors;
	struct trust_memory *memory;
	uint8_t name[NAME_MAX_LEN];
	uint16_t type;
	uint8_t cut[NAME_MAX_LEN]; /* the question under way is its DS or DNSKEY */
	uint16_t asked;            /* its type; 0: the very question */
	struct buf ds;             /* of cut, valid */
	unsigned questions;
	int64_t until;
	enum trust_verdict verdict;
	char why[TRUST_WHY_MAX];    /* unless it is SECURE */
	uint8_t zone[NAME_MAX_LEN]; /* SECURE: that the name is in */
	struct buf keys;            /* SECURE: of that zone, packed */
	struct buf answer;          /* SECURE: the RRset, packed; empty: it is proven not to be there */
};

#define TRUST_ZONE 0 /* as a type: no question, only the zone that has the DS of the name, or would */

/* Begin.  anchors and memory are borrowed (memory: NULL is fine).  The verdict may be there at once. */
void trust_begin(struct trust *c, const struct anchors *anchors, struct trust_memory *memory,
    const uint8_t *name, uint16_t type, int64_t now);
void trust_free(struct trust *c);
/* While the verdict is TRUST_OPEN: what is to be asked. */
void trust_question(const struct trust *c, const uint8_t **qname, uint16_t *qtype);
void trust_answer(struct trust *c, const uint8_t *msg, size_t len, int64_t now);
void trust_failed(struct trust *c, const char *why, int64_t now); /* no answer can be had */

/* An answer of a server of the zone whose chain is SECURE, about a name in it: SECURE, INSECURE (what
 * is not there would not be signed) or BOGUS, with words unless it is SECURE. */
enum trust_verdict trust_judge(const struct trust *zone, const uint8_t *msg, size_t len,
    const uint8_t *name, uint16_t type, int64_t now, struct err *e);

#endif
