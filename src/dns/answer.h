/* answer: RRsets out of a message, each with the signatures that came with it.  Input is not
 * trusted. */
#ifndef DNS_ANSWER_H
#define DNS_ANSWER_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "dns/packet.h"

#define ANSWER_RECORDS_MAX 512 /* of one RRset */
#define ANSWER_SIGS_MAX 32

/* The RRset of this owner and type in that section (1 answer, 2 authority), packed (rrset.h),
 * appended to out; its TTL is the smallest that was given. ERR_MISSING (no words): there is none.
 * ERR_FORMAT, ERR_LIMIT with words: it is of no use. */
int answer_rrset(const struct packet *p, unsigned section, const uint8_t *owner, uint16_t type,
    struct buf *out, struct err *e);

#endif
