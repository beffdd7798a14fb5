/* trouble: when people are told that something goes wrong, reminded of it, and told that it is
 * over. Pure: what was seen, and one instant.
 *
 *   bad   told when it is seen to be bad again after TROUBLE_GRACE, or when it was not seen to be
 * good for `grace`: a server that is started again at three in the morning wakes nobody told  once
 * for each kind of badness; reminders every day for a week, then every week good  over, and told to
 * be, when it stays good for TROUBLE_STEADY.  What is good for less was not over: the lapse is
 * counted.  One that comes within a day of the last one is over only when all was good for a day
 *
 * So whatever comes and goes is told twice, and then counts as bad until it has been good for a
 * day. */
#ifndef NOTICES_TROUBLE_H
#define NOTICES_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

#define TROUBLE_GRACE 600   /* seconds */
#define TROUBLE_STEADY 600  /* seconds */
#define TROUBLE_KINDS_MAX 8 /* kinds are 1 to 7; 0: good */

struct trouble {	    /* times are calendar */
	int64_t since;	    /* it is bad; 0: all is well */
	int64_t good;	    /* ... and is good again since then; 0: it is bad now */
	uint8_t kind;	    /* in which way it is, or was last, bad ... */
	int64_t kind_since; /* ... and since when in this way */
	int64_t told;	    /* the first notice; 0: none yet */
	uint8_t kinds_told; /* a bit for each */
	uint32_t reminders; /* given since */
	uint32_t lapses;    /* how often it was good for a while */
	bool is_confirmed;  /* it was seen to be bad again after TROUBLE_GRACE */
	int64_t over;	    /* when the last one was told to be over; 0: none was */
};

enum trouble_step { TROUBLE_NOTHING, TROUBLE_TELL, TROUBLE_REMIND, TROUBLE_OVER };

/* It was looked at: kind 0 is good. */
void trouble_note(struct trouble *t, unsigned kind, int64_t now);
/* What there is to be said.  grace: seconds, at least TROUBLE_GRACE; see above. */
enum trouble_step trouble_step(const struct trouble *t, int64_t grace, int64_t now);
/* When to ask again though nothing new is seen; 0: then there is no need. */
int64_t trouble_next(const struct trouble *t, int64_t grace);
/* The step was said. */
void trouble_said(struct trouble *t, enum trouble_step step, int64_t now);

void trouble_write(const struct trouble *t, struct buf *out);
void trouble_read(struct reader *r, struct trouble *out); /* zeros when r has failed */

/* "2 days 3 hours": the two largest units of a time in seconds. */
#define TROUBLE_TIME_SIZE 64
void trouble_time_words(int64_t seconds, char out[TROUBLE_TIME_SIZE]);

#endif
