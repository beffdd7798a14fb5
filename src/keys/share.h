/* share: zones of one policy that share their keys.  Pure.
 *
 * There is one record for all; its times say what the keys do in every zone.  A step of it must be
 * safe for each zone that counts, so what the rules judge by is joined: a thing is so since it is so
 * for the last zone.  What differs from zone to zone is kept for each (struct share_zone):
 *
 *   known     ---- is no resolver's business ----> cleared
 *     |                                              |
 *     +---------- has caught up with the keys -------+---> admitted ---- unsign, rule U ----> left
 *
 *   known     it may have been signed before this store: it counts, and its DS is left alone
 *   cleared   no cache trusts it: it does not count, and holds nobody back
 *   admitted  it counts, and its parent is asked for the DS of the record
 *   left      it is published without signatures, and does not count
 *
 * A zone is admitted when the record's present state is safe for it, that is K0 for its DS, Z1 for
 * each key that is published, and all its data signed: so a zone may join at any moment of a
 * roll-over.  From then on no step is taken without it. */
#ifndef KEYS_SHARE_H
#define KEYS_SHARE_H

#include "keys/roll.h"

struct share_zone { /* calendar; 0: not so.  Zeros: the zone was never heard of */
	int64_t known, cleared, admitted;
	int64_t seen;   /* all the DS that it should have were at its parent */
	int64_t unsign; /* the operator wants it unsigned */
	int64_t gone;   /* its DS are gone, says the operator (of a parent that cannot be asked) */
	int64_t left;
};
struct share_input {
	const struct record *record; /* of the group */
	const struct key_policy *policy;
	const struct facts *facts; /* of the zone */
	int64_t now;
	const struct safety_entry *rules; /* as in roll_input */
};
struct share_member {
	const struct share_zone *zone;
	const struct facts *facts;
};

/* The name that stands for the policy's keys where a zone's name would: no zone can have it. */
void share_owner(const char *policy, uint8_t out[NAME_MAX_LEN]);
bool share_is_owner(const uint8_t *name);

/* Do steps of the keys wait for the zone? */
bool share_counts(const struct share_zone *s, const struct facts *f, unsigned key_count);
/* May the zone be admitted? */
struct verdict share_admission(const struct share_input *in);
/* What follows from what is known now.  True: s has changed; keep it before anything is done about
 * it.  Not while a step of the group is under way. */
bool share_advance(struct share_zone *s, const struct share_input *in);
/* When share_advance may find something though nothing new is observed; POLICY_NEVER. */
int64_t share_next(const struct share_zone *s, const struct share_input *in);
/* The operator wants it signed again, or never unsigned. */
void share_resume(struct share_zone *s, int64_t now);
/* The group's facts, one zone after the other; all begins as zeros, and has is_joined in the end. */
void share_add(struct facts *all, const struct share_member *m, unsigned key_count);
/* The same of all at once. */
void share_join(const struct share_member *members, unsigned n, unsigned key_count,
    struct facts *out);
/* The record as if it were the zone's own: the times of its DS, and unsign.  keys: room for the view,
 * which owns nothing. */
void share_view(const struct record *r, const struct share_zone *s,
    struct record_key keys[KEYSET_MAX], struct record *out);
/* Is the parent to be told the DS set of the view?  Else it is left alone. */
bool share_speaks(const struct share_zone *s);
/* Is it (also) this zone that the step waits for? */
bool share_lags(const struct share_zone *s, const struct share_input *in, const struct roll_held *h);

#endif
