/* tell: what people are to be told of the life of a zone's keys (R50).  Pure: one record, one policy, one
 * instant, and what was in use when it was told last.
 *
 * What is due follows from the record alone, and has an occasion that stays the same however often it is
 * found: so it is looked for at each look at the keys, and a crash loses nothing.  What lies longer back
 * than TELL_DAYS is history: nobody is told it when a store was lost, or by a newer version. */
#ifndef KEYS_TELL_H
#define KEYS_TELL_H

#include "base/buf.h"
#include "keys/policy.h"

#define TELL_DAYS 7
#define TELL_MAX 64
#define TELL_OCCASION_SIZE 80

enum tell_kind {
	TELL_SCHEDULED,	    /* a KSK or CSK is replaced at `until`: two months, one, two weeks ahead */
	TELL_SUCCESSFUL,    /* it was replaced: next_tag does its work */
	TELL_POSTPUBLISHED, /* ... and it left the zone */
	TELL_EMERGENCY_KSK, /* a KSK or CSK was reported to be compromised */
	TELL_EMERGENCY_ZSK
};

struct tell {
	enum tell_kind kind;
	int64_t at;    /* it happened, or the reminder fell due */
	int64_t until; /* TELL_SCHEDULED: the roll-over; 0 else */
	enum key_role role;
	uint8_t algorithm;
	uint16_t tag, next_tag; /* the key; the one that takes over, 0: not made yet */
	char occasion[TELL_OCCASION_SIZE];
	/* Of an emergency.  0: it does not do that; when caches make it unsafe, later. */
	bool was_active;
	int64_t hand_over, stop, remove; /* others sign the zone's data; it signs nothing; it is gone */
	char note[RECORD_NOTE_SIZE];	 /* why, and who says so */
};

/* The KSKs and CSKs that were in use, or post-published: their record may forget them before anybody was
 * told that they are gone. */
struct tell_memory {
	struct tell_known {
		uint8_t id[TOKEN_ID_LEN];
		enum key_role role;
		uint8_t algorithm;
		uint16_t tag;
		int64_t active, retired; /* retired 0: not yet */
	} known[KEYSET_MAX];
	unsigned count;
};

struct tell_input {
	const struct record *record;
	const struct key_policy *policy;
	const struct tell_memory *memory;
	int64_t now;
};

/* What is due.  is_before: a step of the keys follows at once: only emergencies of keys that it may remove
 * and destroy; of the others it makes the successor, which people should be told. */
unsigned tell_due(const struct tell_input *in, bool is_before, struct tell out[TELL_MAX]);
/* When the next reminder falls due; POLICY_NEVER. */
int64_t tell_next(const struct tell_input *in);
/* What is to be remembered when all that is due was told. */
void tell_remember(const struct record *r, struct tell_memory *out);
bool tell_memory_same(const struct tell_memory *a, const struct tell_memory *b);

void tell_memory_write(const struct tell_memory *m, struct buf *out);
void tell_memory_read(struct reader *r, struct tell_memory *out); /* empty when r has failed */

#endif
