/* period: ISO 8601 durations and calendar arithmetic in UTC, and ISO 8601 times as text. */
#ifndef BASE_PERIOD_H
#define BASE_PERIOD_H

#include <stddef.h>
#include <stdint.h>

struct period {
	int32_t months;  /* years count as 12 */
	int64_t seconds; /* weeks and days count as 7 and 1 times 86400 */
};

/* "P2Y", "P1M", "P1W", "P1DT12H", "PT30S"; OK or ERR_FORMAT. */
int period_parse(const char *text, struct period *out);
/* t + p.  Months first, the day clamped to the month's end; then the seconds. */
int64_t period_add(int64_t t, struct period p);
int64_t period_sub(int64_t t, struct period p);
/* Seconds, a month counted as 31 days: for sizes, never for schedules. */
int64_t period_seconds(struct period p);
void period_text(struct period p, char out[40]);

#define TIME_TEXT_SIZE 24
void time_text(int64_t t, char out[TIME_TEXT_SIZE]); /* 2026-11-24T13:00:00Z; 0 gives "-" */
int time_parse(const char *text, int64_t *out);

#endif
