/* What the files of child share. */
#ifndef WATCH_CHILD_INTERNAL_H
#define WATCH_CHILD_INTERNAL_H

#include "watch/child.h"
#include "watch/proof.h"

void child_digest(const void *data, size_t len, uint8_t out[WATCH_DIGEST_LEN]);
/* Place of a DNSKEY in the child's keys, which may move; -1: there are too many. */
int child_intern(struct watch_child *c, const uint8_t *rdata, size_t len);
void child_server_free(struct watch_server *s);

/* Of a CDS or CDNSKEY set that was read, or of none: its records; zeros: none. */
void child_set_digest(const struct watch_set *set, uint8_t out[WATCH_DIGEST_LEN]);
void child_wish_digest(const struct watch_set *cds, const struct watch_set *cdnskey,
    uint8_t out[WATCH_DIGEST_LEN]);
/* Reads both sets into an empty wish; times are left at 0.  false: the child's keys are too many. */
bool child_wish_read(struct watch_child *c, const struct watch_set *cds,
    const struct watch_set *cdnskey, struct watch_wish *out);
void child_wish_free(struct watch_wish *w);

/* A key of the child's list was seen in a set that validated or not. */
void child_past_note(struct watch_child *c, unsigned key, bool is_validated, int64_t now);
/* The DS set of now gives keys their trust, and takes it. */
void child_past_trust(struct watch_child *c, int64_t now);

/* The largest TTL that counts. */
static inline uint32_t child_ttl(uint32_t ttl)
{
	return ttl > WATCH_TTL_MAX ? WATCH_TTL_MAX : ttl;
}

#endif
