/* keys: which keys a zone has and what each does now.  State lives in the token: one immutable
 * record per zone (record.h); the store holds only intents.  Runs in the signing side. */
#ifndef KEYS_KEYS_H
#define KEYS_KEYS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/loop.h"
#include "base/period.h"
#include "keys/edit.h"
#include "keys/keyset.h"
#include "keys/policy.h"
#include "keys/roll.h"
#include "keys/timeline.h"
#include "pkcs11/token.h"
#include "zone/store.h"

struct keys;

struct key_info { /* one line of `key list` */
	const uint8_t *apex;
	const struct keyset_key *key;
	enum key_state state;
	enum ds_state ds;
	int64_t since;
	bool has_next;
	enum key_state next_state;
	int64_t next_at;
	const char *next_why;
};

/* How a zone's keys stand. */
enum keys_status {
	KEYS_UNKNOWN,  /* the token was not read yet, or is away */
	KEYS_NONE,     /* no key and no record: a new zone */
	KEYS_MAKING,   /* an intent is being carried out */
	KEYS_GOOD,
	KEYS_RECOVERY, /* keys without a record: never new; the operator must look */
	KEYS_FROZEN    /* two writers */
};

struct keys *keys_new(struct loop *l, struct store *store);
/* Requests that are under way are not answered any more: close the tokens right behind it. */
void keys_free(struct keys *k);
/* A token to look in; borrowed.  Call before keys_load. */
void keys_add_token(struct keys *k, struct token *t);
/* (Re)read every token: once at start, and when a token came back.  done is called with OK, or the
 * first token's error; zones whose token answered are usable either way.  Intents left by a crash
 * are finished or adopted. */
typedef void keys_done_fn(void *arg, int code, const char *why);
void keys_load(struct keys *k, keys_done_fn *done, void *arg);
/* Would another reading tell more?  A token answers that could not be read, or a zone is still
 * KEYS_UNKNOWN though its tokens answer. */
bool keys_wants_load(const struct keys *k);
/* Look whether another signer writes to the tokens: now and then, since nothing else shows it. */
void keys_look_for_rivals(struct keys *k);

enum keys_status keys_zone_status(const struct keys *k, const uint8_t *apex, char why[256]);
/* Make the keys of a new zone (intent, keys, one record, proof by a challenge each); a zone that has
 * them is OK at once.  now: calendar. */
void keys_zone_make(struct keys *k, const uint8_t *apex, const struct key_policy *p, int64_t now,
    keys_done_fn *done, void *arg);
/* The set to sign with.  OK, or ERR_AGAIN / ERR_MISSING / ERR_REFUSED with words in e. */
int keys_keyset(struct keys *k, const uint8_t *apex, int64_t now, struct keyset *out,
    struct err *e);
typedef void keys_each_fn(void *arg, const struct key_info *i);
/* The policy of a zone (for `next`); NULL: none. */
typedef const struct key_policy *keys_policy_fn(void *arg, const uint8_t *apex);
/* apex NULL: all zones. */
void keys_each(struct keys *k, const uint8_t *apex, keys_policy_fn *policy, void *policy_arg,
    int64_t now, keys_each_fn *fn, void *arg);
/* --- life: see roll.h.  Each of these ends in done, with OK or words; while one is under way for a
 * zone, others of that zone end in ERR_AGAIN. */

/* The zone's record, borrowed until the next change; NULL: none that can be used (a frozen zone may have
 * one: it is signed on with that, and does not change).  Facts are in the
 * order of its keys; its sequence grows with each change. */
const struct record *keys_record(const struct keys *k, const uint8_t *apex);
/* Do what has to be done now.  policy and facts are copied; facts.keys[].token is filled in here. */
void keys_step(struct keys *k, const uint8_t *apex, const struct key_policy *policy,
    const struct facts *facts, int64_t now, keys_done_fn *done, void *arg);
/* Fills facts.keys[].token, in the order of the zone's record. */
void keys_fill_tokens(const struct keys *k, const uint8_t *apex, struct facts *f);
/* After the last step: when to look again though nothing new is observed (POLICY_NEVER), and what was
 * held back; borrowed until the next step. */
int64_t keys_next_look(const struct keys *k, const uint8_t *apex);
const struct roll_held *keys_held(const struct keys *k, const uint8_t *apex, unsigned *count);
/* Add the CDS and CDNSKEY sets to a set from keys_keyset (RFC 7344; RFC 8078 4 when the DS set is to
 * be empty). */
void keys_fill_cds(const struct keys *k, const uint8_t *apex, const struct key_policy *p,
    int64_t now, struct keyset *set);
/* The same of a record that may be a view (share.h).  speaks false: the parent is told nothing. */
void keys_fill_cds_of(const struct record *r, const struct key_policy *p, bool speaks, int64_t now,
    struct keyset *set);

/* What the operator asks for becomes the zone's next record; what follows from it is the next step's
 * business.  ERR_REFUSED and words: nothing has changed. */
void keys_request(struct keys *k, const uint8_t *apex, const struct edit *e, int64_t now,
    keys_done_fn *done, void *arg);
/* Ahead of time. */
void keys_request_generate(struct keys *k, const uint8_t *apex, const struct key_policy *policy,
    enum key_role role, int64_t now, keys_done_fn *done, void *arg);
/* Destroy the removed keys that keys_step would destroy now, and do nothing else. */
void keys_request_purge(struct keys *k, const uint8_t *apex, const struct key_policy *policy,
    const struct facts *facts, int64_t now, keys_done_fn *done, void *arg);
/* A record from a restored back-up is the truth: the operator says so. */
void keys_accept_record(struct keys *k, const uint8_t *apex, uint64_t sequence, keys_done_fn *done,
    void *arg);

/* Is a DS seen, or unknown, at the parent?  (zone delete, R71)  words in why. */
bool keys_ds_may_exist(const struct keys *k, const uint8_t *apex, char why[256]);
/* Had the zone's keys a life before this store (which was lost, or had let the zone go)?  What went out
 * with them is then not known here: OK.  ERR_MISSING: no, or that was ended; else words. */
int keys_is_adopted(const struct keys *k, const uint8_t *apex, struct err *e);
int keys_end_adoption(struct keys *k, const uint8_t *apex, struct err *e);
/* Forget the zone.  destroy: its keys and record are destroyed in the token (a record without keys
 * first, then the keys); else they stay there. */
void keys_zone_delete(struct keys *k, const uint8_t *apex, bool destroy, keys_done_fn *done,
    void *arg);

#endif
