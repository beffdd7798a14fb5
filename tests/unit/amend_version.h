/* amend_version: a signed version as it lies in the store, copied out of it, record by record: to be compared
 * with another one, and to be brought from one to the next as a secondary does with what IXFR gives it. */
#ifndef TESTS_AMEND_VERSION_H
#define TESTS_AMEND_VERSION_H

#include <stdbool.h>
#include <stdint.h>
#include "dns/rrset.h"
#include "sign/sign.h"

struct amend_record {
	uint16_t key_len, type; /* of an RRSIG: RR_RRSIG */
	uint16_t covered;	/* of an RRSIG, else 0 */
	uint32_t ttl;
	uint16_t rdlen;
	uint8_t *data; /* sort key of the owner, RDATA in canonical form and as it is, owner as it is */
};

struct amend_version {
	struct zone_head head;
	struct amend_record *records; /* in order of owner, type, RDATA */
	size_t count, cap;
};

/* false: there is none. */
bool amend_version_read(struct amend_version *v, struct store *s, const uint8_t *apex);
void amend_version_free(struct amend_version *v);
void amend_version_copy(struct amend_version *to, const struct amend_version *from);
/* One record; false: it was there already, or was not there (letters and all). */
bool amend_version_add(struct amend_version *v, const struct rrset *set, uint16_t type,
    const uint8_t *rdata, uint16_t rdlen);
bool amend_version_remove(struct amend_version *v, const struct rrset *set, uint16_t type,
    const uint8_t *rdata, uint16_t rdlen);

enum amend_level { AMEND_ALL, AMEND_NO_SIGNATURES };
/* Is it the same, letters of names and all (`exact`), or but for those?  The first difference goes to `why`. */
bool amend_version_same(const struct amend_version *a, const struct amend_version *b,
    enum amend_level level, bool exact, struct buf *why);
/* Records of `b` that `a` has not, letters and all; fn is called for each. */
typedef void amend_new_fn(void *arg, const struct amend_record *r);
void amend_version_new(
    const struct amend_version *a, const struct amend_version *b, amend_new_fn *fn, void *arg);
/* All records that belong to the RRset of the RRSIG r, without signatures: are they the same in both? */
bool amend_version_same_set(
    const struct amend_version *a, const struct amend_version *b, const struct amend_record *r);
/* The RRSIG in v that r takes the place of: same owner, type covered, key tag and algorithm; NULL: none. */
const struct amend_record *amend_version_before(
    const struct amend_version *v, const struct amend_record *r);
const uint8_t *amend_record_rdata(const struct amend_record *r);
void amend_record_text(const struct amend_record *r, struct buf *out);

/* Takes v to the store's present version by its journal; false: why says what did not fit. */
bool amend_version_follow(struct amend_version *v, struct store *s, struct buf *why);

#endif
