/* run: one signing run and what its parts share.  Internal to the room.
 *
 * A run makes a version in one of two ways: in place of the last one (amend.h), or as a build: a whole new
 * generation beside the old one.  A build:
 *
 *   open -> read -> plan -> sort -> denial -> drain -> check -> publish -> end       (run.c)
 *
 *   read    accept.c   is the input a zone?  Its digest; is there anything to do?
 *   plan    plan.c     names in order: what is signed, what is kept (reuse.c), NSEC (denial.c)
 *   denial  denial.c   the NSEC3 records in hash order
 *   check   judge.c    the judge (check.h): knows nothing of what the planner thought; the names while the token is
 *                      busy with the NSEC3 records, if that can be
 *   publish publish.c  the head flips, in a commit that runs share
 *
 * Between plan and store, RRsets travel in slabs: about SLAB_SIGNATURES signatures' worth of
 * neighbours, which share an expiration, a request to the token, a turn of a verifying thread and an
 * entry in the expiry index.  A bounded number of slabs is under way, so that token, verification and
 * writing overlap and memory stays small whatever the zone's size. */
#ifndef SIGN_RUN_H
#define SIGN_RUN_H

#include "sign/check.h"
#include "sign/pool.h"
#include "sign/sign.h"
#include "sign/source.h"

#ifndef SLAB_SIGNATURES
#define SLAB_SIGNATURES 128
#endif
#define SLAB_OCTETS (128 * 1024)
#define SLAB_ENTRIES 1024
#define SLABS_AHEAD 8 /* planned beyond what tokens and verifiers hold */
#define EMERGENCY_PAUSE 86400 /* seconds between two signings of the key sets in an emergency */

/* Offsets into the slab's data. */
struct slab_entry {
	uint32_t key_at;
	uint16_t key_len;
	uint16_t type;
	uint32_t packed_at, packed_len;
	uint32_t kept_at, kept_len; /* signatures taken over: kept x (u16 length, RRSIG RDATA) */
	uint8_t kept, jobs;
	bool is_same; /* amend: it is what the store has */
	uint32_t first_job;
	uint32_t was_len;
	uint16_t records;
	const uint8_t *was; /* amend: the row in the store, borrowed from the run's snapshot; NULL: none */
};

struct slab_job { /* a signature to be made */
	uint8_t key; /* index in the key set */
	bool verify;
	uint16_t prefix_len, sig_len;
	uint32_t prefix_at; /* the RRSIG's RDATA up to the signature */
	uint32_t data_at, data_len; /* digest, or the message where the algorithm hashes itself */
	uint32_t sig_at;
};

enum slab_state { SLAB_OPEN, SLAB_READY, SLAB_AT_TOKEN, SLAB_VERIFYING, SLAB_DONE };

struct slab {
	struct work work; /* first: the pool's view of it */
	struct sign_run *run;
	struct slab *next;
	enum slab_state state;
	bool is_nsec3, is_sealed;
	bool is_held;	 /* takes more, however full it is */
	bool is_stretch; /* amend: of neighbours, with one entry in the expiry index */
	bool comes_late;	  /* its RRsets have a place among those that are written */
	bool waits_for_next_name; /* holds the NSEC whose next name is not known yet */
	uint32_t expiration;      /* of the signatures made here */
	bool has_expiry;
	int64_t expiry_first; /* of all in here, the kept ones too */
	unsigned expiry_entry, expiry_last; /* the first and last entry that is signed */
	unsigned requests; /* at the token, not answered */
	unsigned weight;   /* signatures, kept ones too */
	struct buf data;
	struct slab_entry *entries;
	unsigned entry_count, entry_cap;
	struct slab_job *jobs;
	unsigned job_count, job_cap;
	int verify_code; /* the thread's verdict */
	unsigned verify_job;
};

/* An NSEC3 record to be. */
struct chain_item {
	uint8_t hash[NSEC3_HASH_LEN];
	uint32_t bitmap; /* offset in the chain's bitmaps */
};
struct chain {
	struct chain_item *items;
	size_t count, cap, done;
	struct buf bitmaps;     /* u16 length, bitmap: each different one once */
	uint32_t *index;        /* hash table of offsets + 1 into bitmaps */
	size_t index_size, index_used;
	uint8_t last_key[NAME_KEY_MAX]; /* of the last name that has an NSEC3 */
	size_t last_key_len;
};

/* The current generation, read beside the new data for signatures that can be kept. */
struct old_set {
	uint16_t type;
	const uint8_t *packed; /* borrowed from the snapshot */
	size_t len;
};
struct old {
	struct walk walk;
	bool is_open, at_end;
	struct old_set *sets; /* of the name asked for last */
	unsigned count, cap;
};

struct run_key {
	struct verifier *verifier;
	struct token *token;
	bool is_new;       /* nothing in the current generation is signed with it */
	bool was_verified; /* its first signature goes to verification in any case */
	uint64_t signatures;
};

enum run_phase {
	RUN_OPEN, RUN_READ, RUN_PLAN, RUN_SORT, RUN_DENIAL, RUN_ZONEMD, RUN_DRAIN, RUN_CHECK,
	RUN_CHECK_SORT, RUN_CHECK_DENIAL, RUN_CATCHUP, RUN_COMPARE, RUN_CHOOSE, RUN_CHAIN, RUN_AMEND,
	RUN_AMEND_NSEC3, RUN_AMEND_ZONEMD, RUN_SETTLE, RUN_PUBLISH, RUN_END
};
/* Where a name stands. */
enum place { PLACE_INSIDE, PLACE_APEX, PLACE_DELEGATION, PLACE_HIDDEN };
/* What a step says: its time is up, it waits for something, it is done. */
enum step { STEP_AGAIN = 1, STEP_WAIT, STEP_DONE, STEP_FINISHED };

/* Seconds: how long a signature is made to live, with how much life left it is due to be replaced, and
 * with how much it is kept by a run that comes before that. */
struct lifetime {
	int64_t validity, refresh, keep;
};

/* How a run's version goes into a commit that it shares with others: publish.c. */
struct publish {
	/* Writes it, with its head, into w, inside a part of its own; r->old_head was found to be the zone's
	 * present one still.  Not OK, and words in r->err: the part is taken back and the run fails.  It may be
	 * called once and the commit fail all the same: nothing is given up that run_free needs. */
	int (*put)(struct sign_run *r, struct store_write *w);
	void (*done)(struct sign_run *r); /* the commit was well */
};
enum publishing { PUBLISH_NONE, PUBLISH_LISTED, PUBLISH_COMMITTED };

struct owner { /* a name (sort key) or an NSEC3's hash */
	size_t key_at;
	const uint8_t *key; /* set by owners_sort */
	uint16_t key_len;
	uint32_t stretch; /* 0: none */
	bool is_single;	  /* it may have changed, whether in a stretch or not */
	bool is_changed;  /* one of its rows is put or removed */
};
struct owners {
	struct owner *items;
	size_t count, cap, done;
	struct buf keys;
};

struct ticket;
struct sign_run {
	struct sign *sign;
	struct sign_run *next;
	struct sign_job job;
	char *spool;
	char zone[NAME_TEXT_SIZE];
	uint8_t apex_key[NAME_KEY_MAX];
	size_t apex_key_len;
	sign_progress_fn *progress;
	sign_done_fn *done;
	void *arg;
	uint64_t started_ms, cpu_start, progress_ms;

	enum run_phase phase;
	bool is_waiting, cancelled, input_bad, place_bad, store_bad, unchanged;
	int code;
	struct err err;
	struct work work; /* open and sort */
	int work_code;
	struct err work_err;
	unsigned works_out; /* in the pool: the run cannot be freed before they are back */
	bool work_started, work_done;

	struct snapshot *sn;
	bool has_old; /* there is a generation */
	struct zone_head old_head;  /* of the version that this one is made from */
	struct zone_head live_head; /* of the zone's, until this one is: the same, but see catchup.c */
	struct owners missed;	    /* a build: what changed in the zone's version meanwhile */
	struct source source;
	struct node node;
	struct zone_head head; /* of the version being made */
	uint64_t rrsets_in, rrsets_done, rrsets_expected;
	enum denial_kind denial; /* NONE: this version is unsigned */
	uint32_t denial_ttl;
	struct build *build;
	const struct publish *publish;
	enum publishing publishing;
	struct sign_run *next_ready; /* to be published with it */
	struct amend *amend; /* NULL: this is a build */

	struct run_key keys[KEYSET_MAX];
	uint32_t set_mask, zone_mask; /* bits: which keys sign the DNSKEY set, and the rest */
	uint32_t inception;
	int64_t jitter; /* of this run */
	struct lifetime life_set, life_rest; /* of signatures over the key sets, and all others */
	uint64_t random[4]; /* drawn ahead */
	unsigned random_left;

	/* plan */
	bool is_planned; /* plan has read the last name */
	bool has_cut; /* the delegation or DNAME last seen, which hides what is below it */
	uint8_t cut_key[NAME_KEY_MAX];
	size_t cut_key_len;
	struct old old;
	struct buf prefix, message; /* of slab.c */
	struct buf rdata, value;    /* of whoever makes an RRset */
	struct buf bitmap;          /* of the name in hand, when NSEC3 */

	/* the NSEC whose next name is not known yet */
	struct slab *nsec_slab;
	unsigned nsec_entry;
	uint8_t nsec_owner[NAME_MAX_LEN];
	struct buf nsec_bitmap;
	struct old_set nsec_old;
	struct chain chain;

	/* slabs under way, in the order of writing */
	struct slab *first, *last;
	struct slab *to_submit; /* the first that was not handed to the token */
	unsigned slab_count;
	unsigned at_tokens; /* signatures asked for and not there yet */
	struct ticket *tickets;
	uint64_t signed_now;

	struct zonemd_out *zonemd; /* zonemd_out.c */

	struct check *check;
	struct snapshot *check_sn;
	struct walk check_walk;
	bool check_is_open, check_at_end;
	bool check_is_early;  /* it was begun while the chain was being signed */
	bool check_has_names; /* ... and is through with the names */
};

struct sign {
	struct loop *loop;
	struct store *store;
	sign_token_fn *lookup;
	void *arg;
	struct pool *pool;
	struct loop_timer *timer;
	bool timer_is_set;
	struct sign_run *runs;
	struct sign_run *ready, **ready_end; /* to be published, in the order of joining */
	unsigned ready_count;
	uint64_t ready_since_ms; /* when the first of them joined */
};

/* sign.c */
void run_wake(struct sign_run *r);
/* r failed, and says so of its zone.  The first error counts.  Returns the code. */
int run_fail(struct sign_run *r, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same where r->err has words already; doing may be NULL. */
int run_fail_in(struct sign_run *r, int code, const char *doing);
/* Runs fn in the pool: STEP_WAIT, then STEP_DONE or the code that fn left in r->work_code. */
int run_in_pool(struct sign_run *r, void (*fn)(struct work *w, struct verifier_scratch *scratch));
bool run_time_is_up(uint64_t until);

/* run.c */
int run_slice(struct sign_run *r, uint64_t until); /* STEP_AGAIN, STEP_WAIT or STEP_FINISHED */
void run_free(struct sign_run *r);

/* The run, which may have been an amend so far, is a build from here on: what a step returns. */
int run_begin_build(struct sign_run *r);

/* accept.c */
int accept_step(struct sign_run *r, uint64_t until);
/* Names of the input go by: one of them, and then that there was a zone.  The first is the apex. */
int accept_node(struct sign_run *r, const struct node *n);
int accept_is_zone(struct sign_run *r);
/* The next name of a build's input into r->node, looked at and counted; STEP_DONE at the end. */
int accept_next(struct sign_run *r);
/* A zone's first version is planned while it is read: there is nothing that it could be the same as. */
static inline bool accept_is_on_the_way(const struct sign_run *r)
{
	return !r->has_old;
}
/* due.c: must there be a new version although the input is what it was? */
bool due_now(struct sign_run *r);
/* Is it one of the DNSKEY, CDS and CDNSKEY sets, which the key-signing keys sign? */
bool is_key_set(const struct sign_run *r, const uint8_t *owner, uint16_t type);
static inline const struct lifetime *run_lifetime(const struct sign_run *r, const struct rrset *set)
{
	return is_key_set(r, set->owner, set->type) ? &r->life_set : &r->life_rest;
}
/* The sets that the signer adds at the apex, as the key set has them; 0: no such set. */
int apex_set(struct sign_run *r, uint16_t type, struct rrset *out);

/* catchup.c */
int catchup_step(struct sign_run *r, uint64_t until);
void catchup_wake(struct sign *s, const uint8_t *apex); /* a run for that zone ended */

/* plan.c */
int plan_step(struct sign_run *r, uint64_t until);
/* The apex as it goes out: the serial of this version, the keys, the chain's parameters. */
int plan_apex(struct sign_run *r, struct node *n);
int plan_apex_sets(struct sign_run *r, struct node *n); /* but for the serial */
/* Which keys sign a set, as bits. */
uint32_t plan_signers(
    const struct sign_run *r, const struct node *n, enum place place, uint16_t type);

/* A set of the apex that is made when all else is there: zonemd_out.c. */
bool plan_comes_late(enum place place, uint16_t type);

/* reuse.c */
int old_open(struct sign_run *r);
void old_close(struct old *o);
void old_take(struct old *o, const struct walk *w); /* the set that it stands on */
void old_take_set(struct old *o, const struct old_set *s);
/* Read the sets of one name; names come in order.  OK also when there are none. */
int old_seek(struct sign_run *r, const uint8_t *key, size_t len);
struct old_set old_find(const struct old *o, uint16_t type); /* packed NULL: none */
int old_start_nsec3(struct sign_run *r);
int old_seek_nsec3(struct sign_run *r, const uint8_t hash[NSEC3_HASH_LEN], struct old_set *out);
/* Of an RRset equal to `packed` (len octets, no signatures), the signature by key k that can be
 * kept: its RDATA and length, or NULL. */
const uint8_t *old_signature(const struct sign_run *r, const struct old_set *old,
    const struct rrset *set, unsigned k, uint16_t *len, uint32_t *expiration);
bool old_is_same(const struct old_set *old, const uint8_t *packed, size_t len);

/* denial.c */
void denial_bitmap(const struct node *n, bool is_delegation, bool is_nsec, struct buf *out);
/* NSEC: n's is entry i of slab s and waits for the next name. */
void denial_wait(struct sign_run *r, const struct node *n, bool is_delegation, struct slab *s,
    unsigned i);
/* The next name is known: finish what waits for it. */
int denial_next(struct sign_run *r, const uint8_t *next_key, size_t next_len);

/* chain.c: NSEC3 */
int chain_name(struct sign_run *r, const struct node *n, bool is_delegation);
int chain_sort_step(struct sign_run *r);
int chain_step(struct sign_run *r, uint64_t until);
void chain_free(struct chain *c);

/* zonemd_out.c: the digest of the version (RFC 8976), when all else of it is there */
bool zonemd_is_made(const struct sign_run *r);
int zonemd_step(struct sign_run *r, uint64_t until);
void zonemd_free(struct sign_run *r);

/* judge.c */
int judge_early_step(struct sign_run *r, uint64_t until); /* the chain is signed meanwhile */
int judge_names_step(struct sign_run *r, uint64_t until);
int judge_sort_step(struct sign_run *r, uint64_t until);
int judge_denial_step(struct sign_run *r, uint64_t until);
void judge_free(struct sign_run *r);

/* slab.c */
/* The slab that takes the next entry, with room. */
struct slab *slab_current(struct sign_run *r, bool is_nsec3);
/* Adds an entry without its packed value; key is a sort key or a hash. */
unsigned slab_add(struct slab *s, const uint8_t *key, size_t len, uint16_t type);
/* Gives entry i its value and signatures by the keys of mask. */
int slab_fill(struct slab *s, unsigned i, const uint8_t *packed, size_t len, uint32_t mask,
    const struct old_set *old);
void slab_seal(struct sign_run *r); /* the current one takes no more */
void slab_hold(struct slab *s, bool hold); /* it has an entry that is not filled yet */
void slab_finish(struct slab *s);   /* everything signed and verified, or nothing to sign */
void slab_free(struct slab *s);
/* Entry e as it goes into the store, all its signatures being there: appended. */
void slab_entry_value(const struct slab *s, const struct slab_entry *e, struct buf *out);
/* The slab's entry in the expiry index, when it has one; borrowed from the slab. */
void slab_expiry(const struct slab *s, struct expiry_entry *out);

/* queue.c */
int queue_pump(struct sign_run *r); /* write what is done, submit what is ready */
bool queue_has_room(const struct sign_run *r);
/* A loop round queue_pump and what makes entries: one says STEP_DONE when it has no more. */
int queue_feed(struct sign_run *r, uint64_t until, int (*one)(struct sign_run *r));
void queue_signed(struct slab *s); /* all its signatures are there */

/* submit.c */
int submit_slab(struct slab *s);
void submit_detach(struct sign_run *r); /* replies that still come are thrown away */

/* commit.c */
int commit_plan(struct sign_run *r); /* serial, publication: before planning */
int commit_plan_amend(struct sign_run *r);
void commit_sums(struct sign_run *r); /* the head is complete but for what the store fills in */

/* publish.c */
/* commit.c: of a run that has built a generation, and of one that made a version in place */
extern const struct publish publish_build, publish_amend;
/* Makes the version public by r->publish: STEP_WAIT, then STEP_DONE when the commit was well.  A run may do
 * so again and again; r->live_head must be the zone's present head each time. */
int publish_step(struct sign_run *r, uint64_t until);
void publish_leave(struct sign_run *r); /* r ends; fine also if it is not listed */
/* Commit what is ready, if it should not wait for next, the run whose turn comes (NULL: none can go on). */
void publish_look(struct sign *s, const struct sign_run *next);

#endif
