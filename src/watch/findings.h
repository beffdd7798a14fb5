/* findings: what is wrong with a child, where, since when, and what to do about it (R42).  Pure. */
#ifndef WATCH_FINDINGS_H
#define WATCH_FINDINGS_H

#include "watch/decide.h"

#define WATCH_FINDINGS_MAX 96 /* of one domain; more are counted only */
#define WATCH_DETAIL_MAX 200
#define WATCH_OCCASION_MAX 160

enum watch_kind {
	WATCH_NO_KEY_FOR_DS, WATCH_KEYS_NOT_SIGNED, WATCH_ALGORITHM_SILENT, WATCH_SIGNATURE_BAD,
	WATCH_KEYS_DIFFER, WATCH_CDS_DIFFERS, WATCH_SERIAL_BEHIND,
	WATCH_SERVER_SILENT, WATCH_SERVER_LAME, WATCH_SERVER_BROKEN,
	WATCH_RRSIG_EXPIRED, WATCH_RRSIG_EARLY, WATCH_RRSIG_EXPIRING,
	/* remarks */
	WATCH_DS_WITHOUT_KEY, WATCH_DS_WEAK_DIGEST, WATCH_WEAK_ALGORITHM, WATCH_NSEC3_ITERATIONS,
	WATCH_KINDS
};
enum watch_severity {
	WATCH_REMARK, /* listed */
	WATCH_EXPIRY, /* told as child-rrsig-expiry */
	WATCH_ERROR   /* told as child-key-error */
};
const char *watch_kind_name(enum watch_kind k); /* "server-lame" */
enum watch_severity watch_kind_severity(enum watch_kind k);
const char *watch_kind_advice(enum watch_kind k); /* one sentence */

struct watch_finding {
	enum watch_kind kind;
	char server[WATCH_NAME_MAX]; /* "": of the domain as a whole */
	char what[24];   /* what of its kind: an RR type, a DS's or an algorithm's number; "" */
	int64_t since;
	int64_t until;     /* of WATCH_RRSIG_EXPIRING: when; else 0 */
	int64_t threshold; /* of WATCH_RRSIG_EXPIRING: seconds */
	char detail[WATCH_DETAIL_MAX]; /* in words */
};
struct watch_findings { /* zeros at first */
	struct watch_finding *list;
	unsigned count, left_out;
};

/* What there is now.  before: the last list, from which `since` is taken over; may be NULL. */
void watch_findings_of(const struct watch_child *c, const struct watch_policy *p,
    const struct watch_outside *o, const struct watch_findings *before, int64_t now,
    struct watch_findings *out);
void watch_findings_free(struct watch_findings *f);

/* Is the same found in the list?  So: new is what is in the new list and not in the old one; over is what is
 * in the old one and not in the new one. */
const struct watch_finding *watch_findings_find(const struct watch_findings *f,
    const struct watch_finding *x);
/* Of those told as errors, and of those told as expiring. */
unsigned watch_findings_count(const struct watch_findings *f, enum watch_severity s);
/* What makes a finding this one and no other, for notices: the same as long as it lasts. */
void watch_finding_occasion(const struct watch_finding *x, char out[WATCH_OCCASION_MAX]);
/* "192.0.2.1: its DNSKEY set is not signed by a key that has a DS" */
void watch_finding_text(const struct watch_finding *x, char *out, size_t size);

void watch_findings_write(const struct watch_findings *f, struct buf *out);
int watch_findings_read(struct reader *r, struct watch_findings *f); /* OK or ERR_FORMAT */

#endif
