/* answer: what one address of a child's name servers answered to the questions of a look: DNSKEY, CDS,
 * CDNSKEY, SOA and NSEC3PARAM, asked with DO and without recursion.  Pure.  Runs in the signing side; the
 * answers come from anybody, and nothing in them is trusted: lengths are checked, lists are bounded. */
#ifndef WATCH_ANSWER_H
#define WATCH_ANSWER_H

#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "dns/rrset.h"

#define WATCH_RECORDS_MAX 32 /* in a set; nobody has so many keys for good reasons */
#define WATCH_RRSIGS_MAX 16  /* over a set */
#define WATCH_REASON_MAX 160

enum watch_type { WATCH_SOA, WATCH_DNSKEY, WATCH_CDS, WATCH_CDNSKEY, WATCH_NSEC3PARAM, WATCH_TYPES };
uint16_t watch_rrtype(enum watch_type t); /* RR_SOA ... */

enum watch_word { /* what came of a question */
	WATCH_UNASKED,
	WATCH_ANSWERED, /* with the set, or by saying that there is none */
	WATCH_SILENT,   /* cannot be reached, or in time */
	WATCH_LAME,     /* answers, but is no server of the domain */
	WATCH_REFUSED,
	WATCH_SERVFAIL, /* or another error */
	WATCH_BROKEN,   /* the answer is malformed, or too much */
	WATCH_WORDS
};
const char *watch_word_text(enum watch_word w); /* "does not answer"; never NULL */

struct watch_set {
	enum watch_word word;
	char reason[WATCH_REASON_MAX]; /* unless WATCH_ANSWERED */
	struct buf packed;             /* the set as rrset.h has it, in canonical order; empty: there is none */
};
struct watch_reply { /* of one address in one look; zeros at first */
	struct watch_set sets[WATCH_TYPES];
};

/* What came of one question, as the probe gave it back: msg NULL: no answer, code and why say more. */
void watch_reply_put(struct watch_reply *r, enum watch_type t, const uint8_t *apex, int code,
    const char *why, const uint8_t *msg, size_t len);
void watch_reply_free(struct watch_reply *r);

/* The set of owner and RR type in an authoritative answer (which need not be one of a reply: signals of
 * RFC 9615 are read like this, too, with need_aa false). */
void watch_set_read(struct watch_set *set, const uint8_t *owner, uint16_t rrtype, bool need_aa,
    const uint8_t *msg, size_t len);
void watch_set_free(struct watch_set *set);
/* false: there is none. */
bool watch_set_open(const struct watch_set *set, struct rrset *out);

#endif
