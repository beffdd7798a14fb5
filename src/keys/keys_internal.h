/* keys_internal: what the files of keys/ share.  Nobody outside src/keys includes it.
 *
 *   keys.c       the table of zones, and the answers to questions
 *   inventory.c  what the tokens were found to hold
 *   resolve.c    what it means for each zone
 *   load.c       reading the tokens: lists, then intents finished and keys proved
 *   make_begin.c what keys a new zone is to have; make.c: making them
 *   destroy.c    destroying them
 *   commit.c     one record into a token, also when the reply is lost
 *   accept.c     which record is right, when that is in question
 *   rival.c      another signer that writes to the same token
 *   change.c     one record that supersedes another
 *   step.c       what roll.h finds has to be done
 *   request.c    what the operator asks for
 *   prove.c      a key's proof: a challenge that its token signs
 */
#ifndef KEYS_INTERNAL_H
#define KEYS_INTERNAL_H

#include "keys/intent.h"
#include "keys/keys.h"
#include "keys/record.h"
#include "keys/roll.h"
#include "pkcs11/labels.h"

#define KEYS_WHY_SIZE 256

struct found_key { /* sorted by hash */
	uint8_t hash[RECORD_HASH_LEN];
	uint8_t id[TOKEN_ID_LEN];
	bool has_private;
	uint16_t pub_len;
	uint8_t *pub; /* owned */
};
struct found_record { /* sorted by hash */
	struct record_label label;
	char text[TOKEN_LABEL_MAX];
	int code; /* OK, ERR_FORMAT, ERR_REFUSED */
	char why[KEYS_WHY_SIZE];
	struct record record; /* when OK */
};

struct waiter {
	keys_done_fn *fn; /* NULL: nobody waits */
	void *arg;
};

struct keys_token {
	struct token *token; /* borrowed */
	bool is_listed;      /* at least once */
	bool is_fresh;       /* ... in the reading that is under way */
	struct found_key *keys;
	size_t key_count;
	struct found_record *records;
	size_t record_count;
	bool is_looking; /* for the records of another signer; others wait for the next look */
	struct waiter *look_waiters;
	unsigned look_waiter_count;
};

struct zone_label { /* a record of the zone in a token */
	char text[TOKEN_LABEL_MAX];
	unsigned token;
};

struct deletion { /* asked for while the zone was busy */
	struct waiter waiter;
	bool destroy;
};

struct zone_keys {
	uint8_t hash[RECORD_HASH_LEN];
	uint8_t apex[NAME_MAX_LEN];
	bool has_apex; /* false: only the hash in a label is known */
	enum keys_status status;
	char why[KEYS_WHY_SIZE];
	bool has_record;
	struct record record;            /* when it has one */
	unsigned key_tokens[KEYSET_MAX]; /* where each of its keys is */
	struct zone_label *labels;       /* the newest last */
	unsigned label_count;
	/* after the last step */
	struct roll_held *held; /* owned */
	unsigned held_count;
	int64_t next_look;
	bool is_forgotten; /* deleted here, left in the token */
	bool can_sign;	   /* though it is frozen: record's keys were proved, and nothing is known against them */
	bool is_busy;      /* being made, changed or destroyed: one task at a time */
	bool was_busy;     /* ... at any time since the reading of the tokens began */
	struct waiter *waiters;
	unsigned waiter_count;
	struct deletion *deletions;
	unsigned deletion_count;
	bool is_doomed; /* its newest record has no keys, and no wish to be unsigned: destroying goes on */
	/* proving, while loading */
	bool awaits_proof, has_failed;
	unsigned unproved; /* challenges not answered yet */
};

struct keys {
	struct loop *loop;
	struct store *store;
	struct keys_token *tokens;
	unsigned token_count;
	struct zone_keys **zones; /* sorted by hash */
	size_t zone_count;
	bool is_loaded; /* once */
	struct load *loading;
	struct waiter *load_waiters;
	unsigned load_waiter_count;
	bool load_again; /* asked for while one was under way */
};

/* keys.c */
void keys_zone_hash(const uint8_t *apex, uint8_t out[RECORD_HASH_LEN]);
struct zone_keys *keys_find(const struct keys *k, const uint8_t hash[RECORD_HASH_LEN]);
struct zone_keys *keys_find_or_add(struct keys *k, const uint8_t hash[RECORD_HASH_LEN]);
void keys_remove(struct keys *k, struct zone_keys *z);
void keys_set_status(struct zone_keys *z, enum keys_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void keys_zone_text(const struct zone_keys *z, char out[NAME_TEXT_SIZE]);
int keys_token_by_name(const struct keys *k, const char *name, unsigned *out, struct err *e);
void keys_add_waiter(struct waiter **list, unsigned *count, keys_done_fn *fn, void *arg);
bool keys_can_sign(const struct zone_keys *z);
/* A task begins: nobody else changes the zone until it ends. */
void keys_hold(struct zone_keys *z);
/* It ends: the zone's waiters are called, then deletions that were asked for meanwhile begin.  The zone
 * may be gone then. */
void keys_task_end(struct keys *k, struct zone_keys *z, int code, const char *why);
/* Call and forget all; the list may be added to meanwhile. */
void keys_call_waiters(struct waiter **list, unsigned *count, int code, const char *why);
void keys_add_label(struct zone_keys *z, const char *text, unsigned token);
/* What the set of DNSKEYs has of one of the record's keys. */
void keys_fill(const struct keys *k, const struct zone_keys *z, unsigned i, int64_t now,
    struct keyset_key *out);

/* Why a zone without record is no new one (its keys were used before): ERR_REFUSED, else OK. */
int keys_check_new(const struct keys *k, const uint8_t hash[RECORD_HASH_LEN], char why[KEYS_WHY_SIZE]);

/* inventory.c */
bool inventory_take(struct keys *k, unsigned token, const struct token_reply *reply); /* all sound? */
void inventory_free(struct keys_token *t);
/* Is key id in a token that was listed? */
bool inventory_find_key(
    const struct keys *k, const uint8_t hash[RECORD_HASH_LEN], const uint8_t *id, unsigned *token,
    const struct found_key **out);
bool inventory_is_whole(const struct keys *k); /* every token was listed */
typedef void inventory_record_fn(void *arg, unsigned token, const struct found_record *record);
void inventory_each_record(
    const struct keys *k, const uint8_t hash[RECORD_HASH_LEN], inventory_record_fn *fn, void *arg);
/* A record of the zone with this sequence, ours if two have it; NULL.  newest: the highest sequence of all;
 * highest: also of those that cannot be read. */
const struct record *inventory_record(const struct keys *k, const uint8_t hash[RECORD_HASH_LEN],
    uint64_t sequence, uint64_t *newest, uint64_t *highest);
/* Its keys were made, since the tokens were read. */
void inventory_add_key(struct keys *k, unsigned token, const uint8_t hash[RECORD_HASH_LEN],
    const struct record_key *key);
/* Its objects were destroyed. */
void inventory_forget(struct keys *k, const uint8_t hash[RECORD_HASH_LEN]);
typedef void inventory_key_fn(void *arg, unsigned token, const struct found_key *key);
void inventory_each_key(
    const struct keys *k, const uint8_t hash[RECORD_HASH_LEN], inventory_key_fn *fn, void *arg);

/* resolve.c */
/* What each zone is now.  What was busy since the reading began is left alone: one token may have been
 * listed before a change and the next one after it. */
void resolve_zones(struct keys *k);
/* This record is the zone's, and where its keys are is looked up. */
void resolve_take_over(struct keys *k, struct zone_keys *z, const struct record *r);

/* make.c: go on with what the store's intent says. */
void make_resume(struct keys *k, struct zone_keys *z, const struct intent *i);
/* destroy.c: the record without keys is there: destroy the rest. */
void destroy_resume(struct keys *k, struct zone_keys *z);
/* Deletions that waited begin, unless they have to wait on. */
void destroy_waiting(struct keys *k, struct zone_keys *z);

/* commit.c: encode r (label, digest), put it into the token; on an error look whether it is there.
 * done gets the label. */
typedef void commit_done_fn(void *arg, int code, const char *why, const char *label);
void commit_record(struct keys *k, unsigned token, struct record *r, commit_done_fn *done, void *arg);

/* rival.c */
/* When done is called, zones with a record that another signer wrote since are frozen. */
void rival_look(struct keys *k, unsigned token, keys_done_fn *done, void *arg);
void rival_consider(struct keys *k, const struct token_record *found);
void rival_freeze(struct keys *k, struct zone_keys *z, const struct record *theirs);

/* prove.c */
struct proof {
	uint8_t id[TOKEN_ID_LEN];
	uint8_t algorithm;
	uint16_t dnskey_len;
	uint8_t dnskey[DNSKEY_RDATA_MAX];
	uint8_t message[64], digest[64];
	size_t digest_len; /* 0: the message itself is signed */
};
int proof_prepare(struct proof *p, const struct record_key *k, struct err *e);
void proof_item(const struct proof *p, struct token_sign_item *out);
int proof_check(const struct proof *p, const uint8_t *sig, size_t len, struct err *e);
/* The DNSKEY RDATA of a record's key; its length. */
uint16_t proof_dnskey(const struct record_key *k, uint8_t out[DNSKEY_RDATA_MAX]);

#endif
