/* alert: what is wrong with the DS at a parent, and when people are told of it (R30).  Pure: our keys, what
 * the parent's servers were seen to have, one instant.
 *
 *   late    a DS that could be handed over is not at all servers, a deadline after that; one that was
 *           there is gone from a server that answers, for as long
 *   wrong   a server has a DS that belongs to none of our keys; an emergency when of all that it has none
 *           belongs to a key that signs the DNSKEY set, since then nobody can validate
 *
 * Told when it is found, again when it is about something else (not within an hour), and each day while it
 * lasts, an emergency each four hours; after thirty days each week, an emergency each day.  Its end is told
 * once.  What comes and goes is told no more often. */
#ifndef PARENT_ALERT_H
#define PARENT_ALERT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "parent/observe.h"

#define ALERT_DIGESTS 3 /* types of a DS of one key */
#define ALERT_LIST_SIZE 160
#define ALERT_REASON_SIZE 400

enum alert_kind { ALERT_LATE, ALERT_WRONG, ALERT_KINDS };

struct alert_key { /* of ours, one that can have a DS */
	uint16_t tag;
	struct parent_ds ds[ALERT_DIGESTS];
	unsigned ds_count;
	bool signs;      /* the DNSKEY set */
	int64_t wanted;  /* its DS could be at the parent since then; 0: it is not wanted there */
	bool was_seen;   /* ... at all servers */
};

struct alert_input {
	const struct alert_key *keys;
	unsigned count;
	const struct parent_view *view; /* NULL: no server is known */
	int64_t now, deadline;          /* calendar; seconds */
};

struct alert_finding {
	bool is_there;
	bool is_known; /* false: that it is not there is not known, since some server does not answer */
	bool is_emergency;
	int64_t since; /* late: since the deadline passed */
	int64_t next;  /* when it will be there, if nothing changes; 0: nothing of the kind is foreseen */
	uint64_t mark; /* of which DS it is about */
	char tags[ALERT_LIST_SIZE], servers[ALERT_LIST_SIZE]; /* "4711, 815" */
	char reason[ALERT_REASON_SIZE];
};

void alert_find(enum alert_kind kind, const struct alert_input *in, struct alert_finding *out);

struct alert_state { /* kept; zeros: all is well */
	bool is_on, is_emergency;
	bool owes_end; /* it was told, and its end was not */
	int64_t since, told;
	uint64_t mark;
};
enum alert_step { ALERT_NOTHING, ALERT_TELL, ALERT_OVER };

enum alert_step alert_step(struct alert_state *s, const struct alert_finding *f, int64_t now);
/* When to look again though nothing new was seen; 0: no need. */
int64_t alert_next(const struct alert_state *s, const struct alert_finding *f);

void alert_write(const struct alert_state *s, struct buf *out);
void alert_read(struct reader *r, struct alert_state *s); /* malformed: as if all was well */

#endif
