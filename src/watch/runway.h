/* runway: for how long what is published stays valid if nothing is signed any more, and when that
 * is worth an alert.  Pure.
 *
 * A runway grows short in normal operation, too: a signature is replaced when no more than refresh
 * is left of it.  So a threshold counts only when the runway does not get there unless something is
 * wrong: when it is at most three quarters of what is left of the signatures at the time when they
 * are to be replaced. With refresh P7D that are 5 days and 6 hours.  Below the policy's thresholds
 * each of 12, 6, 3 and 1 hours is one, by the same rule; and where refresh is so short that none
 * counts, half of it. */
#ifndef WATCH_RUNWAY_H
#define WATCH_RUNWAY_H

#include <stdbool.h>
#include <stdint.h>

#define RUNWAY_WANTED_MAX 8 /* thresholds of a policy */
#define RUNWAY_THRESHOLDS_MAX (RUNWAY_WANTED_MAX + 4)
#define RUNWAY_REMINDER 86400 /* seconds between alerts when it is over */

enum runway_level {
	RUNWAY_NONE, /* nothing is signed */
	RUNWAY_NORMAL,
	RUNWAY_LOW,	 /* below one of the policy's thresholds */
	RUNWAY_CRITICAL, /* hours are left */
	RUNWAY_OVER	 /* validators fail */
};
const char *runway_level_name(enum runway_level l); /* "normal" */

struct runway_question {
	const int64_t *wanted; /* thresholds of the policy in seconds, in any order */
	unsigned wanted_count; /* at most RUNWAY_WANTED_MAX */
	int64_t refresh;       /* of the policy */
	int64_t expires;       /* calendar: the first signature; 0: nothing is signed */
	int64_t due;	       /* ... when that is to be replaced; 0: not known */
	int64_t now;
};
struct runway {
	enum runway_level level;
	int64_t left;	   /* seconds, negative when it is over */
	int64_t threshold; /* the lowest that was passed; 0 when it is over; with NORMAL: none */
	unsigned reminder; /* RUNWAY_OVER: how many days ago */
	int64_t next_at;   /* calendar: when the next threshold is passed, or the next reminder is
			      due; 0: never */
	int64_t next;	   /* ... that threshold */
};
struct runway runway_look(const struct runway_question *q);

/* "3 days 4 h", "2 h 10 min", "40 s": the two greatest units. */
#define RUNWAY_TEXT_SIZE 48
void runway_text(int64_t seconds, char out[RUNWAY_TEXT_SIZE]);

#endif
