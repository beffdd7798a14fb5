/* ISO 8601 durations and times, calendar arithmetic in UTC: see period.h.  Pure. */
#include "base/period.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/err.h"

#define DAY INT64_C(86400)

/* Units in the order in which ISO 8601 lets them stand. */
static const struct unit {
	char letter;
	bool in_time; /* behind the T */
	int32_t months;
	int64_t seconds;
} units[] = {
    {'Y', false, 12, 0},
    {'M', false, 1, 0},
    {'W', false, 0, 7 * DAY},
    {'D', false, 0, DAY},
    {'H', true, 0, 3600},
    {'M', true, 0, 60},
    {'S', true, 0, 1},
};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

static const struct unit *unit_find(const struct unit *from, char letter, bool in_time)
{
	for (; from < units + UNIT_COUNT; from++) {
		if (from->letter == letter && from->in_time == in_time)
			return from;
	}
	return NULL;
}

int period_parse(const char *text, struct period *out)
{
	const struct unit *next = units;
	struct period p = {0, 0};
	bool in_time = false, any = false;

	if (*text++ != 'P')
		return ERR_FORMAT;
	while (*text != '\0') {
		char *end;
		unsigned long n;

		if (*text == 'T' && !in_time) {
			in_time = true;
			any = false;
			text++;
			continue;
		}
		if (*text < '0' || *text > '9')
			return ERR_FORMAT;
		n = strtoul(text, &end, 10);
		next = unit_find(next, *end, in_time);
		if (next == NULL || n > 1000000000 || (next->months > 0 && n > 12000))
			return ERR_FORMAT;
		p.months += (int32_t)n * next->months;
		p.seconds += (int64_t)n * next->seconds;
		next++;
		text = end + 1;
		any = true;
	}
	if (!any)
		return ERR_FORMAT;
	*out = p;
	return OK;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 1 && leap ? 29 : days[month];
}

static int64_t add_months(int64_t t, int32_t months)
{
	time_t in = (time_t)t;
	struct tm tm;
	int total, last;

	gmtime_r(&in, &tm);
	total = (tm.tm_year + 1900) * 12 + tm.tm_mon + months;
	tm.tm_year = total / 12 - 1900;
	tm.tm_mon = total % 12;
	last = days_in_month(total / 12, tm.tm_mon);
	if (tm.tm_mday > last)
		tm.tm_mday = last;
	return (int64_t)timegm(&tm);
}

int64_t period_add(int64_t t, struct period p)
{
	return add_months(t, p.months) + p.seconds;
}

int64_t period_sub(int64_t t, struct period p)
{
	return add_months(t, -p.months) - p.seconds;
}

int64_t period_seconds(struct period p)
{
	return p.months * 31 * DAY + p.seconds;
}

void period_text(struct period p, char out[40])
{
	int64_t s = p.seconds;
	size_t n = 1;

	strcpy(out, "P");
	if (p.months >= 12)
		n += (size_t)sprintf(out + n, "%dY", p.months / 12);
	if (p.months % 12 != 0)
		n += (size_t)sprintf(out + n, "%dM", p.months % 12);
	if (s > 0 && s % (7 * DAY) == 0 && n == 1) {
		sprintf(out + n, "%lldW", (long long)(s / (7 * DAY)));
		return;
	}
	if (s >= DAY)
		n += (size_t)sprintf(out + n, "%lldD", (long long)(s / DAY));
	s %= DAY;
	if (s > 0 || n == 1)
		n += (size_t)sprintf(out + n, "T");
	if (s >= 3600)
		n += (size_t)sprintf(out + n, "%dH", (int)(s / 3600));
	if (s % 3600 >= 60)
		n += (size_t)sprintf(out + n, "%dM", (int)(s % 3600 / 60));
	if (s % 60 > 0 || out[n - 1] == 'T')
		sprintf(out + n, "%dS", (int)(s % 60));
}

void time_text(int64_t t, char out[TIME_TEXT_SIZE])
{
	time_t in = (time_t)t;
	struct tm tm;

	if (t == 0 || gmtime_r(&in, &tm) == NULL) {
		strcpy(out, "-");
		return;
	}
	strftime(out, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

int time_parse(const char *text, int64_t *out)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (end == NULL) {
		memset(&tm, 0, sizeof(tm));
		end = strptime(text, "%Y-%m-%d", &tm);
	}
	if (end == NULL || *end != '\0')
		return ERR_FORMAT;
	*out = (int64_t)timegm(&tm);
	return OK;
}
