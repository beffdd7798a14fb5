/* absence: what an answer without the records that were asked for proves, by NSEC (RFC 4035 5.4) or
 * by NSEC3 (RFC 5155 8, RFC 9276), each validated first.  Nothing that comes is trusted. */
#ifndef DNS_ABSENCE_H
#define DNS_ABSENCE_H

#include <stdint.h>
#include "base/err.h"
#include "dns/packet.h"
#include "dns/rrset.h"

#define ABSENCE_RECORDS_MAX 6 /* a proof has three at most; those of a second one do not harm */
#define ABSENCE_ITERATIONS_MAX 150 /* RFC 9276 3.2: who wants more to be counted proves nothing */

enum absence {
	ABSENCE_UNPROVEN, /* with words */
	ABSENCE_OF_NAME,  /* there is nothing of that name, nor below it */
	ABSENCE_OF_TYPE,  /* the name may be there, the type is not; and it is not delegated */
	ABSENCE_OF_DS,	  /* the type is DS: the name is delegated, without one */
	ABSENCE_OPEN /* the zone does not say: NSEC3 with opt-out, or with too many iterations */
};

struct absence_question {
	const uint8_t *zone;
	const struct rrset *keys; /* of the zone, and valid */
	const uint8_t *name;	  /* at or below the zone */
	uint16_t type;
	int64_t now;
};

/* p: the answer, NOERROR or NXDOMAIN.  *until: when the first signature of the proof expires. */
enum absence absence_of(
    const struct packet *p, const struct absence_question *q, int64_t *until, struct err *e);
/* An answer was made from a wildcard of so many labels (struct validated): is there no name that is
 * closer to the one that was asked for?  ABSENCE_OF_NAME, _OPEN or _UNPROVEN. */
enum absence absence_of_closer(const struct packet *p, const struct absence_question *q,
    unsigned labels, int64_t *until, struct err *e);

#endif
