/* What the files of decide share. */
#ifndef WATCH_DECIDE_INTERNAL_H
#define WATCH_DECIDE_INTERNAL_H

#include "watch/decide.h"

#define TAGS_SIZE 128

struct deciding {
	const struct watch_child *child;
	const struct watch_policy *policy;
	const struct watch_outside *outside;
	struct watch_ds today; /* at all of the parent's servers */
	int64_t now;
	struct watch_decision *out;
};

/* The verdict, and why. */
void decide_say(struct deciding *d, enum watch_verdict verdict, enum watch_cause cause, int64_t until,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The key tags of a set, each once: "4711, 12345"; "none". */
void decide_tags(const struct watch_ds *set, char out[TAGS_SIZE]);
void decide_time(int64_t t, char out[32]); /* "2027-01-01T00:00:00Z" */
/* Every address would be accepted by a strict validator with this set; else why not, and where. */
bool decide_is_valid(const struct deciding *d, const struct watch_ds *set, char why[WATCH_REASON_MAX]);
struct watch_ds decide_without(const struct watch_ds *set, const struct watch_ds *less);
/* Adds the DS that the policy wants of a key. */
bool decide_add_key(const struct deciding *d, const struct watch_key *k, const uint8_t *digests,
    struct watch_ds *set);
const uint8_t *decide_digests(const struct deciding *d); /* of a new DS; 0 ends */

void decide_by_dnskey(struct deciding *d);
void decide_by_wish(struct deciding *d);
void decide_bootstrap(struct deciding *d);

#endif
