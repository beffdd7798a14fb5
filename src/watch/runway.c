/* runway: see runway.h.  Runs in the signing side. */
#include "watch/runway.h"

#include <stdio.h>

#define HOUR 3600
#define DAY 86400

const char *runway_level_name(enum runway_level l)
{
	static const char *const names[] = {"none", "normal", "low", "critical", "over"};

	return names[l];
}

struct thresholds {
	struct threshold {
		int64_t seconds;
		bool is_critical;
	} list[RUNWAY_THRESHOLDS_MAX]; /* falling */
	unsigned count;
};

/* Twice the same is one; it is critical if one of the two is. */
static void add(struct thresholds *t, int64_t seconds, bool is_critical)
{
	unsigned at = 0;

	while (at < t->count && t->list[at].seconds > seconds)
		at++;
	if (at < t->count && t->list[at].seconds == seconds) {
		t->list[at].is_critical = t->list[at].is_critical || is_critical;
		return;
	}
	for (unsigned i = t->count++; i > at; i--)
		t->list[i] = t->list[i - 1];
	t->list[at] = (struct threshold){seconds, is_critical};
}

/* What is left of a signature at the time when it is to be replaced. */
static int64_t normal_low(const struct runway_question *q)
{
	int64_t left = q->due != 0 ? q->expires - q->due : q->refresh;

	return left > 0 && left < q->refresh ? left : q->refresh;
}

static struct thresholds thresholds_of(const struct runway_question *q)
{
	static const int64_t hours[] = {12 * HOUR, 6 * HOUR, 3 * HOUR, HOUR};
	int64_t most = normal_low(q) / 4 * 3;
	struct thresholds t = {.count = 0};

	for (unsigned i = 0; i < q->wanted_count && i < RUNWAY_WANTED_MAX; i++) {
		if (q->wanted[i] > 0 && q->wanted[i] <= most)
			add(&t, q->wanted[i], q->wanted[i] <= 12 * HOUR);
	}
	for (unsigned i = 0; i < sizeof(hours) / sizeof(hours[0]); i++) {
		if (hours[i] <= most)
			add(&t, hours[i], true);
	}
	if (t.count == 0)
		add(&t, normal_low(q) / 2, true);
	return t;
}

static struct runway look_over(const struct runway_question *q)
{
	int64_t days = (q->now - q->expires) / RUNWAY_REMINDER;

	return (struct runway){.level = RUNWAY_OVER,
	    .left = q->expires - q->now,
	    .reminder = (unsigned)days,
	    .next_at = q->expires + (days + 1) * RUNWAY_REMINDER};
}

struct runway runway_look(const struct runway_question *q)
{
	struct runway r = {.level = RUNWAY_NORMAL, .left = q->expires - q->now};
	struct thresholds t;
	unsigned passed = 0;

	if (q->expires == 0)
		return (struct runway){.level = RUNWAY_NONE};
	if (r.left <= 0)
		return look_over(q);
	t = thresholds_of(q);
	while (passed < t.count && r.left <= t.list[passed].seconds)
		passed++;
	if (passed > 0) {
		r.threshold = t.list[passed - 1].seconds;
		r.level = t.list[passed - 1].is_critical ? RUNWAY_CRITICAL : RUNWAY_LOW;
	}
	r.next = passed < t.count ? t.list[passed].seconds : 0;
	r.next_at = q->expires - r.next;
	return r;
}

void runway_text(int64_t seconds, char out[RUNWAY_TEXT_SIZE])
{
	long long s = seconds < 0 ? -seconds : seconds;

	if (s >= DAY)
		snprintf(out, RUNWAY_TEXT_SIZE, "%lld day%s %lld h", s / DAY,
		    s / DAY == 1 ? "" : "s", s % DAY / HOUR);
	else if (s >= HOUR)
		snprintf(out, RUNWAY_TEXT_SIZE, "%lld h %lld min", s / HOUR, s % HOUR / 60);
	else if (s >= 60)
		snprintf(out, RUNWAY_TEXT_SIZE, "%lld min %lld s", s / 60, s % 60);
	else
		snprintf(out, RUNWAY_TEXT_SIZE, "%lld s", s);
}
