/* amend_zone: an unsigned zone in memory, as its source has it, for tests of signing that follows changes:
 * it is made at random, changed at random, and written as a spool, whole or as a difference. */
#ifndef TESTS_AMEND_ZONE_H
#define TESTS_AMEND_ZONE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "dns/name.h"

/* A generator that is the caller's: what a step does follows from its seed alone. */
struct amend_random {
	uint64_t state;
};
void amend_seed(struct amend_random *r, uint64_t a, uint64_t b);
uint32_t amend_draw(struct amend_random *r, uint32_t below);
void amend_seed_jitter(uint64_t a, uint64_t b); /* amend_chance.c: what the signer draws */
static inline bool amend_chance(struct amend_random *r, uint32_t percent)
{
	return amend_draw(r, 100) < percent;
}

struct amend_set { /* an RRset */
	uint8_t owner[NAME_MAX_LEN]; /* in the case in which it came */
	uint16_t type;
	uint32_t ttl;
	uint16_t count;
	struct buf items; /* count x (u16 length, RDATA), in the order in which they came */
};

struct amend_zone {
	uint8_t apex[NAME_MAX_LEN];
	struct amend_set *sets; /* in no order */
	unsigned count, cap;
};

void amend_zone_free(struct amend_zone *z);
void amend_zone_copy(struct amend_zone *to, const struct amend_zone *from); /* `to` is empty or freed */
uint32_t amend_zone_serial(const struct amend_zone *z);
void amend_zone_set_serial(struct amend_zone *z, uint32_t serial);
const struct amend_set *amend_zone_find(
    const struct amend_zone *z, const uint8_t *owner, uint16_t type); /* NULL: none */
/* Adds a record; false: a zone cannot have it beside what it has (or has it already). */
bool amend_zone_put(struct amend_zone *z, const uint8_t *owner, uint16_t type, uint32_t ttl,
    const uint8_t *rdata, size_t len);
/* The same from the text of a record, its name relative to the apex: "a.b 300 TXT x". */
bool amend_zone_text(struct amend_zone *z, const char *record);
void amend_zone_force(struct amend_zone *z, const char *record); /* a zone may not have it, and it does */
void amend_zone_drop(struct amend_zone *z, const uint8_t *owner, uint16_t type); /* type 0: all */
/* A record gone, by its text (the TTL does not matter). */
void amend_zone_drop_text(struct amend_zone *z, const char *record);

/* Spools.  flags: how it is written. */
enum {
	AMEND_SHUFFLED = 1, /* not in canonical order */
	AMEND_REPEATED = 2, /* a difference that deletes and adds again what stays, of what it touches */
	AMEND_OTHER_CASE = 4 /* what is deleted is named in other letters */
};
void amend_zone_spool(
    const struct amend_zone *z, const char *path, unsigned flags, struct amend_random *r);
/* From each version to the next one: count of them. */
void amend_zone_delta(const struct amend_zone *const *versions, unsigned count, const char *path,
    unsigned flags, struct amend_random *r);
/* Are there RRsets whose owner has other letters in `b` than in `a`?  A difference leaves open which of them
 * it will be. */
bool amend_zone_is_recased(const struct amend_zone *a, const struct amend_zone *b);

/* amend_change.c: at random.  The serial stays as it is. */
void amend_zone_make(struct amend_zone *z, struct amend_random *r);
void amend_zone_change(struct amend_zone *z, struct amend_random *r, struct buf *what); /* says what */

#endif
