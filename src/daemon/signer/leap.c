/* Leaps of the virtual clock, for tests: `time leap`.
 *
 * The clock goes from event to event, so that each is carried out at its own time, and goes on only
 * when everything that followed from it is over:
 *
 *   SETTLING  both sides were told to look; nothing is under way here, and the network side has
 *             answered, and was told nothing since  ->  MOVING
 *   MOVING    the master is asked to show the time of the next event of either side, or the
 * target's
 *             ->  SETTLING, or the end
 *
 * Runs in the signing side.  Real time passes meanwhile: TSIG and logs know nothing of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/proto.h"
#include "daemon/verbs/internal.h"

#define WAIT_MOST_MS 20
#define SETTLE_MOST_MS 600000

struct leap {
	struct signer *signer;
	struct ops_call *call;
	int64_t from, target; /* target 0: the next event, not known yet */
	bool is_single;	      /* to the next event, which is printed */
	char what[NAME_TEXT_SIZE + 80];
	unsigned moves;
	uint32_t look; /* the number of the last one asked for */
	bool is_asked, is_answered;
	uint64_t told; /* when it was asked for */
	int64_t network_due;
	uint64_t since_ms; /* of SETTLING */
	uint64_t wait_ms;
	struct loop_timer *timer;
};

static void move_done(void *arg, bool ok, const char *why);

static struct ops_call *leap_end(struct leap *l)
{
	struct ops_call *c = l->call;

	l->signer->leap = NULL;
	loop_timer_free(l->timer);
	free(l);
	return c;
}

static void leap_finish(struct leap *l)
{
	char now[TIME_TEXT_SIZE];

	time_text(clock_calendar(), now);
	if (l->is_single)
		ops_text(l->call, "%s %s\n", now, l->what);
	else
		ops_text(
		    l->call, "it is %s; %u times something was due on the way\n", now, l->moves);
	ops_done(leap_end(l));
}

/* MOVING */

static int64_t earlier(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

/* What is about to happen, in words. */
static void describe(struct leap *l, int64_t due)
{
	const struct signer *s = l->signer;

	snprintf(l->what, sizeof(l->what), "%s",
	    due == l->network_due ? "a source is asked, or given up" : "a step that was planned");
	for (unsigned i = 0; i < s->zone_count; i++) {
		if (loop_event_due(s->zones[i]->refresh) == due) {
			snprintf(l->what, sizeof(l->what), "zone %s: signatures are refreshed",
			    s->zones[i]->name);
			return;
		}
		if (signer_life_due(s->zones[i]) == due)
			snprintf(l->what, sizeof(l->what),
			    "zone %s: it is looked whether a step of its keys is due",
			    s->zones[i]->name);
		else if (signer_parent_due(s->zones[i]) == due)
			snprintf(l->what, sizeof(l->what),
			    "zone %s: its parent is asked for the DS", s->zones[i]->name);
	}
}

static void move(struct leap *l, int64_t to)
{
	struct buf body = {0};

	buf_u64(&body, (uint64_t)to);
	signer_request(l->signer, PROTO_CLOCK, &body, NULL, move_done, l);
	buf_free(&body);
}

static void look(struct leap *l);

/* Nothing is left to do at this time. */
static void settled(struct leap *l)
{
	int64_t now = clock_calendar();
	int64_t due = earlier(loop_next_due(l->signer->loop), l->network_due);

	if (due != 0 && due <= now) {
		look(l);
		return;
	}
	if (l->target == 0) {
		if (due == 0) {
			ops_fail(leap_end(l), "nothing is due, at no time: no event lies ahead");
			return;
		}
		l->target = due;
		describe(l, due);
	}
	if (now >= l->target) {
		leap_finish(l);
		return;
	}
	l->moves += due != 0 && due <= l->target;
	move(l, due != 0 && due < l->target ? due : l->target);
}

static void move_done(void *arg, bool ok, const char *why)
{
	struct leap *l = arg;
	char now[TIME_TEXT_SIZE], what[TIME_TEXT_SIZE + 20];

	if (!ok) {
		ops_fail(leap_end(l), "the clock was not moved: %s", why);
		return;
	}
	time_text(clock_calendar(), now);
	snprintf(what, sizeof(what), "leaping, at %s", now);
	ops_progress(
	    l->call, what, (uint64_t)(clock_calendar() - l->from), (uint64_t)(l->target - l->from));
	look(l);
}

/* SETTLING */

static void ask_network(struct leap *l)
{
	struct signer *s = l->signer;
	struct buf body = {0};

	l->look++;
	l->is_answered = false;
	l->is_asked = s->network != NULL;
	l->told = s->told;
	buf_u32(&body, l->look);
	if (s->network != NULL)
		channel_send(s->network, PROTO_LOOK, &body, -1);
	buf_free(&body);
}

static void fail_unsettled(struct leap *l)
{
	char now[TIME_TEXT_SIZE];

	time_text(clock_calendar(), now);
	ops_fail(leap_end(l),
	    "the clock stands at %s, since what was due then is not over after %d s; "
	    "\"intaglio status\" and the log say more",
	    now, SETTLE_MOST_MS / 1000);
}

static void check_settled(void *arg)
{
	struct leap *l = arg;
	struct signer *s = l->signer;
	bool is_busy = signer_is_busy(s);

	if (ops_is_gone(l->call)) {
		ops_done(leap_end(l));
		return;
	}
	if (!is_busy && l->is_answered && l->told == s->told) {
		settled(l);
		return;
	}
	if (clock_mono_ms() - l->since_ms > SETTLE_MOST_MS) {
		fail_unsettled(l);
		return;
	}
	if (!l->is_asked || (!is_busy && l->told != s->told))
		ask_network(l);
	loop_timer_set(l->timer, l->wait_ms);
	if (l->wait_ms < WAIT_MOST_MS)
		l->wait_ms++;
}

static void look(struct leap *l)
{
	l->since_ms = clock_mono_ms();
	l->wait_ms = 1;
	loop_look(l->signer->loop);
	ask_network(l);
	loop_timer_set(l->timer, l->wait_ms);
}

void signer_leap_settled(struct signer *s, struct reader *body)
{
	struct leap *l = s->leap;
	uint32_t id = reader_u32(body);
	int64_t due = (int64_t)reader_u64(body);

	if (l == NULL || body->failed || id != l->look || !l->is_asked)
		return;
	l->is_answered = true;
	l->network_due = due;
	loop_timer_set(l->timer, 0);
}

void signer_leap_forget(struct signer *s)
{
	if (s->leap != NULL)
		s->leap->is_asked = s->leap->is_answered = false;
}

void signer_leap_free(struct signer *s)
{
	if (s->leap != NULL)
		leap_end(s->leap);
}

/* The verb */

static int read_target(struct ops_call *c, int64_t now, int64_t *target, struct err *e)
{
	const char *until = ops_option(c, "until"), *by = ops_option(c, "by");
	struct period period;
	char text[TIME_TEXT_SIZE];

	*target = 0;
	if (until != NULL && by != NULL)
		return err_set(e, ERR_ARGUMENT, "give --until or --by, not both");
	if (by != NULL && period_parse(by, &period) != OK)
		return err_set(
		    e, ERR_ARGUMENT, "--by %s is not a duration; write one as P10D or PT12H", by);
	if (until != NULL && time_parse(until, target) != OK)
		return err_set(e, ERR_ARGUMENT,
		    "--until %s is not a time; write one as 2027-01-31T00:00:00Z", until);
	if (by != NULL)
		*target = period_add(now, period);
	if ((until != NULL || by != NULL) && *target < now) {
		time_text(now, text);
		return err_set(e, ERR_REFUSED,
		    "that lies in the past: it is %s, and time does not go back", text);
	}
	return OK;
}

static void verb_time_leap(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	int64_t now = clock_calendar(), target;
	struct err e = {0};
	struct leap *l;

	if (!clock_is_virtual()) {
		ops_fail(c, "the daemon was started without --virtual-clock: time is real here, "
			    "and passes by itself");
		return;
	}
	if (s->leap != NULL) {
		ops_fail(c, "another leap is under way");
		return;
	}
	if (read_target(c, now, &target, &e) != OK) {
		ops_fail_err(c, &e);
		return;
	}
	signer_notices_leap(s);
	l = s->leap = mem_alloc(sizeof(*l));
	l->signer = s;
	l->call = c;
	l->from = now;
	l->target = target;
	l->is_single = target == 0;
	l->timer = loop_timer_new(s->loop, check_settled, l);
	look(l);
}

void verbs_time_register(struct signer *s)
{
	ops_register(s->ops, "time leap", verb_time_leap, s);
}
