/* intent: what keys/ writes in the store: the wish to make a zone's keys, before the first is made,
 * with their CKA_IDs, so that a crash is followed by finishing or adopting, never by making twice.
 *
 *   META_KEYS_INTENT    zone hash -> struct intent
 *   META_KEYS_SEQUENCE  zone hash -> u64: highest sequence ever acted upon (an older record in the
 *                       token is a restored back-up)
 *   META_KEYS_WRITER    ""        -> u32: who we are in records
 *   META_KEYS_ADOPTED   zone hash -> "": its keys have a past that this store knows nothing of (the
 *                       store before it was lost): which serials went out is not known either
 */
#ifndef KEYS_INTENT_H
#define KEYS_INTENT_H

#include "keys/record.h"

#define INTENT_KEYS_MAX 4

struct intent_key {
	enum key_role role;
	uint8_t algorithm;
	uint16_t bits;
	bool extractable;
	char token[64];
	uint8_t id[TOKEN_ID_LEN];
};
struct intent {
	uint8_t zone[NAME_MAX_LEN];
	char policy[STORE_POLICY_MAX];
	struct record_ttls ttls;
	int64_t time; /* of all the keys' births */
	unsigned key_count;
	struct intent_key keys[INTENT_KEYS_MAX];
};

/* Same keys wanted (ids and time aside)? */
bool intent_same(const struct intent *a, const struct intent *b);
bool intent_has_id(const struct intent *i, const uint8_t id[TOKEN_ID_LEN]);
int intent_save(struct store *s, const uint8_t hash[RECORD_HASH_LEN], const struct intent *i,
    struct err *e);
int intent_load(struct store *s, const uint8_t hash[RECORD_HASH_LEN], struct intent *out,
    struct err *e); /* ERR_MISSING */
/* In one transaction: no intent any more, and this sequence (0: forget it). */
int intent_finish(struct store *s, const uint8_t hash[RECORD_HASH_LEN], uint64_t sequence,
    struct err *e);
/* This sequence; an intent stays. */
int intent_note_sequence(struct store *s, const uint8_t hash[RECORD_HASH_LEN], uint64_t sequence,
    struct err *e);
/* The same, and the mark that its keys were adopted. */
int intent_adopt(struct store *s, const uint8_t hash[RECORD_HASH_LEN], uint64_t sequence,
    struct err *e);
/* A record of this sequence was found in the token, and the store has a lower one (0: none).  If the
 * store never heard of the zone, neither of keys in the making, it is not the store that these keys
 * were used with: they are adopted. */
int intent_found(struct store *s, const uint8_t hash[RECORD_HASH_LEN], uint64_t used,
    uint64_t sequence, struct err *e);
/* OK; ERR_MISSING: it was not, or that is over. */
int intent_is_adopted(struct store *s, const uint8_t hash[RECORD_HASH_LEN], struct err *e);
int intent_end_adoption(struct store *s, const uint8_t hash[RECORD_HASH_LEN], struct err *e);
int intent_sequence(struct store *s, const uint8_t hash[RECORD_HASH_LEN], uint64_t *out,
    struct err *e); /* 0: none known */
int intent_writer(struct store *s, uint32_t *out, struct err *e); /* chosen once, at random */

#endif
