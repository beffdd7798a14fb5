/* amend_rig: a store, a signer and zones for tests of signing that follows changes.  Beside it a second store
 * in which each version is signed from nothing: what comes out there is what must have come out here.
 *
 *   change the source's zone, the keys, the policy or the clock;  amend_run;  amend_judge
 *
 * What is done is written down, and printed when a judgement fails. */
#ifndef TESTS_AMEND_RIG_H
#define TESTS_AMEND_RIG_H

#include "tests/unit/amend_version.h"
#include "tests/unit/amend_zone.h"
#include "tests/unit/signing.h"

#define AMEND_REMEMBERED 6

enum amend_way { /* how the source's version comes in */
	AMEND_NOTHING, /* not at all: the stored one is signed again */
	AMEND_WHOLE,
	AMEND_DELTA,   /* one difference */
	AMEND_STEPS    /* one for each version that the source had since */
};

struct amend_one { /* a zone under test */
	struct amend_zone source, taken; /* as the source has it now; as it was last taken over */
	struct amend_zone between[4];    /* versions of the source in between */
	unsigned between_count;
	bool is_exact; /* false: a difference left open which letters a name has */
	bool needs_whole; /* a policy that only a whole input can follow */
	struct sign_job job;
	struct amend_version last; /* as it lies in the store */
	bool has_last;
	struct amend_version remembered[AMEND_REMEMBERED]; /* older ones: the journal may lead from them */
	unsigned remembered_count;
	struct sign_run *run;
	struct sign_result result;
	bool is_done;
	enum amend_way way;
	char spool[128];
	/* keys: see amend_keys.c */
	unsigned roll, roll_step, roll_olds;
	struct keyset roll_saved;
};

struct amend_rig {
	struct signing f; /* its job is not used, but for the time */
	struct store *fresh;
	struct sign *fresh_sign;
	char fresh_dir[80];
	struct amend_random random;
	bool in_slices; /* zones are renewed in many versions */
	struct amend_one one[3];
	unsigned count;
	struct buf log;
	unsigned runs, versions, judged, followed; /* for the summary */
};

void amend_rig_open(struct amend_rig *g);
void amend_rig_close(struct amend_rig *g);
void amend_rig_reset(struct amend_rig *g);  /* no zones any more */
void amend_rig_reopen(struct amend_rig *g); /* as after a kill */
struct amend_one *amend_rig_add(struct amend_rig *g); /* with keys and no zone yet */
void amend_say(struct amend_rig *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints what was done, and fails the test. */
void amend_fail(struct amend_rig *g, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* The source has a new version: call before the change.  Its serial grows. */
void amend_next(struct amend_one *o, uint32_t step);
/* Starts a run that takes the source's version over in this way (what cannot be is made whole). */
void amend_start(struct amend_rig *g, struct amend_one *o, enum amend_way way);
void amend_start_spool(
    struct amend_rig *g, struct amend_one *o, enum amend_way way, const char *path);
void amend_wait(struct amend_rig *g, struct amend_one *o);
void amend_run(struct amend_rig *g, struct amend_one *o, enum amend_way way);
/* Runs on until nothing is left to be renewed. */
void amend_settle(struct amend_rig *g, struct amend_one *o);
bool amend_is_settled(const struct amend_rig *g, const struct amend_one *o);
/* Of the run that ended last: the version as it must be. */
void amend_judge(struct amend_rig *g, struct amend_one *o);
/* Nothing of it was changed. */
void amend_judge_untouched(struct amend_rig *g, struct amend_one *o);

/* amend_judge.c */
void amend_judge_signatures(struct amend_rig *g, struct amend_one *o,
    const struct amend_version *was, const struct amend_version *is);
void amend_judge_expiry(struct amend_rig *g, struct amend_one *o, const struct amend_version *is);
/* amend_follow.c */
void amend_judge_journal(struct amend_rig *g, struct amend_one *o);
void amend_judge_index(struct amend_rig *g, struct amend_one *o);

/* amend_keys.c: the key set at random, one legal step on; says what. */
void amend_keys_first(struct amend_rig *g, struct amend_one *o);
void amend_keys_step(struct amend_rig *g, struct amend_one *o);
void amend_keys_cds(struct amend_one *o);
struct keyset_key *amend_keys_add(
    struct amend_rig *g, struct amend_one *o, uint8_t algorithm, enum key_role role);
void amend_keys_remove(struct amend_one *o, unsigned i);

#endif
