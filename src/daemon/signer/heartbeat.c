/* The heartbeat: a notice that all is well, or how well it is, sent every so often
 * (notices.heartbeat), so that silence is an alarm.  It comes at multiples of its period since
 * 1970: once a day is at midnight UTC.  One that was missed because the signer was down is made up
 * for when the one before was told.  Runs in the signing side. */
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "daemon/signer/notices_internal.h"

#define LINES_MAX 20 /* of a list */
#define NEXT_MAX 5
#define DAY 86400

struct pulse { /* how the zones are */
	unsigned zones, published, problems;
	const struct signer_zone *first; /* whose signatures expire first */
	struct buf problem_zones, pending;
	const struct signer_zone *next[NEXT_MAX]; /* where the next steps come, the soonest first */
};

static void add_next(struct pulse *p, const struct signer_zone *z)
{
	int64_t due = signer_life_due(z);
	unsigned at = NEXT_MAX;

	while (due != 0 && at > 0 &&
	       (p->next[at - 1] == NULL || signer_life_due(p->next[at - 1]) > due))
		at--;
	if (due == 0 || at == NEXT_MAX)
		return;
	memmove(&p->next[at + 1], &p->next[at], (NEXT_MAX - 1 - at) * sizeof(p->next[0]));
	p->next[at] = z;
}

static void add_problem(struct pulse *p, const struct signer_zone *z)
{
	if (++p->problems <= LINES_MAX)
		buf_printf(&p->problem_zones, "%s %.200s\n", z->name, z->problem);
}

static void feel_zone(struct pulse *p, const struct signer_zone *z)
{
	bool has_version = z->has_head && z->head.generation != 0;
	int64_t expiry = has_version ? z->head.expiry_first : 0;

	p->zones++;
	p->published += has_version && z->head.published;
	if (z->problem[0] != '\0')
		add_problem(p, z);
	if (expiry != 0 && (p->first == NULL || expiry < p->first->head.expiry_first))
		p->first = z;
	add_next(p, z);
}

static void feel(const struct signer *s, struct pulse *p)
{
	for (unsigned i = 0; i < s->zone_count; i++)
		feel_zone(p, s->zones[i]);
	if (p->problems > LINES_MAX)
		buf_printf(&p->problem_zones, "and %u more: see \"intaglio zone list\"\n",
		    p->problems - LINES_MAX);
	for (unsigned i = 0; i < NEXT_MAX && p->next[i] != NULL; i++) {
		char what[160] = "", at[TIME_TEXT_SIZE];
		int64_t t = signer_life_next(p->next[i], what, sizeof(what));

		time_text(t, at);
		if (t != 0)
			buf_printf(&p->pending, "%s %s: %s\n", at, p->next[i]->name, what);
	}
	if (p->pending.len == 0)
		buf_printf(&p->pending, "nothing is planned\n");
	buf_u8(&p->problem_zones, 0);
	buf_u8(&p->pending, 0);
}

static const char *text_or_null(const struct buf *b)
{
	return b->failed || b->len <= 1 ? NULL : (const char *)b->data;
}

static void describe_runway(const struct pulse *p, int64_t now, char *out, size_t size)
{
	char at[TIME_TEXT_SIZE];
	int64_t left;

	snprintf(out, size, "never: none is there");
	if (p->first == NULL)
		return;
	left = p->first->head.expiry_first - now;
	time_text(p->first->head.expiry_first, at);
	if (left < 0)
		snprintf(out, size, "- it HAS expired on %s, in the zone %s", at, p->first->name);
	else
		snprintf(out, size, "on %s, in %lld %s, in the zone %s", at,
		    (long long)(left >= 3 * DAY ? left / DAY : left / 3600),
		    left >= 3 * DAY ? "days" : "hours", p->first->name);
}

static void describe_period(int64_t period, char out[40])
{
	char text[40];

	period_text((struct period){0, period}, text);
	if (period == DAY)
		snprintf(out, 40, "every day");
	else
		snprintf(out, 40, "every %.30s", text);
}

struct words {
	char zones[16], published[16], problems[16], waiting[16], period[40];
	char runway[NAME_TEXT_SIZE + 100], summary[200];
};

static void put_words(const struct signer_notices *o, const struct pulse *p,
    const struct outbox_counts *c, struct words *w)
{
	snprintf(w->zones, sizeof(w->zones), "%u", p->zones);
	snprintf(w->published, sizeof(w->published), "%u", p->published);
	snprintf(w->problems, sizeof(w->problems), "%u", p->problems);
	snprintf(w->waiting, sizeof(w->waiting), "%u", c->waiting);
	describe_period(o->heartbeat_period, w->period);
	describe_runway(p, clock_calendar(), w->runway, sizeof(w->runway));
	snprintf(w->summary, sizeof(w->summary),
	    p->problems == 0 ? "%u zones, no problem" : "%u zones, %u with a problem", p->zones,
	    p->problems);
}

static void occasion_of(int64_t at, char out[40])
{
	char text[TIME_TEXT_SIZE];

	time_text(at, text);
	snprintf(out, 40, "heartbeat %s", text);
}

static void beat(struct signer_notices *o, int64_t at)
{
	struct pulse p = {0};
	struct outbox_counts c;
	struct words w;
	char occasion[40];
	struct notice n = {.kind = NOTICE_HEARTBEAT, .at = clock_calendar(), .occasion = occasion};

	feel(o->signer, &p);
	outbox_count(o->outbox, &c);
	put_words(o, &p, &c, &w);
	occasion_of(at, occasion);
	notice_add(&n, "summary", w.summary);
	notice_add(&n, "period", w.period);
	notice_add(&n, "zones", w.zones);
	notice_add(&n, "published", w.published);
	notice_add(&n, "problems", w.problems);
	notice_add(&n, "problem_zones", text_or_null(&p.problem_zones));
	notice_add(&n, "runway", w.runway);
	notice_add(&n, "pending", text_or_null(&p.pending));
	notice_add(&n, "waiting", w.waiting);
	notice_add(&n, "undelivered", c.error[0] == '\0' ? NULL : c.error);
	notice_add(
	    &n, "todo", p.problems == 0 ? "" : "See also what is wrong with the zones above.");
	signer_notice(o->signer, &n);
	buf_free(&p.problem_zones);
	buf_free(&p.pending);
}

static void is_due(void *arg, int64_t due)
{
	struct signer_notices *o = arg;

	loop_event_set(o->heartbeat, due + o->heartbeat_period);
	beat(o, due);
}

static bool was_told(const struct signer_notices *o, int64_t at)
{
	char occasion[40];
	struct notice n = {.kind = NOTICE_HEARTBEAT, .occasion = occasion};

	occasion_of(at, occasion);
	return outbox_was_told(o->outbox, &n);
}

void notices_heartbeat_configure(struct signer_notices *o)
{
	const struct config_notices *c = &o->signer->config->notices;
	const char *mail_to = c->smtp.server == NULL ? NULL : c->operator;
	bool is_wanted = mail_to != NULL || c->webhook.url != NULL || c->command != NULL;
	int64_t period = is_wanted ? c->heartbeat : 0, last;
	bool is_first = o->heartbeat == NULL;

	if (is_first)
		o->heartbeat = loop_event_new(o->signer->loop, is_due, o);
	if (period == o->heartbeat_period)
		return;
	o->heartbeat_period = period;
	if (period == 0) {
		loop_event_stop(o->heartbeat);
		return;
	}
	last = clock_calendar() / period * period;
	if (is_first && was_told(o, last - period) && !was_told(o, last))
		loop_event_set(o->heartbeat, last);
	else
		loop_event_set(o->heartbeat, last + period);
}

void notices_heartbeat_end(struct signer_notices *o)
{
	loop_event_free(o->heartbeat);
}
