/* notify: bringing each destination to the newest version, and knowing whether it got there (R5,
 * R60).
 *
 *   NOTIFYING  NOTIFY, repeated at growing intervals, until it is acknowledged or given up
 *   LOOKING    its SOA is asked for, at growing intervals, until it shows our version
 *   IDLE       it does, or did not in time
 *   CHECKING   now and then one question without a reason: what has lost the version is found, and
 *              told of it again
 *
 * A destination that failed is failed until it is good, whatever is tried meanwhile.
 *
 * Runs in the network side.  What a destination says about itself is believed, if signed with its
 * key where it has one. */
#include "outbound/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define LOOK_WAIT_MAX 30000
#define CHECK_TRIES 2

static const struct out_limits *limits_of(const struct out_destination *d)
{
	return &d->zone->out->limits;
}

/* What is known now.  Logged when the status changes; handed on when anything does. */
static void tell(struct out_destination *d, enum destination_status status, const char *fmt, ...)
{
	const struct outbound_hooks *hooks = &d->zone->out->hooks;
	bool changed = status != d->status;
	struct destination_news news = {.status = status,
	    .has_serial = d->seen.has_serial,
	    .serial = d->seen.serial,
	    .signatures = out_look_signatures(d->zone, &d->seen),
	    .expires = out_look_expires(&d->seen, clock_calendar()),
	    .reason = d->reason};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->reason, sizeof(d->reason), fmt, ap);
	va_end(ap);
	d->status = status;
	if (changed && status == DESTINATION_FAILED_XFER)
		log_warning("zone %s: destination %s: %s", d->zone->text, d->name, d->reason);
	else if (changed && status == DESTINATION_OK)
		log_notice("zone %s: destination %s serves serial %u", d->zone->text, d->name,
		    d->seen.serial);
	hooks->status(hooks->arg, d->zone->apex, d->name, &news);
}

static void notify_done(void *arg, int code, const struct packet *p, const char *why);
static void soa_done(void *arg, int code, const struct packet *p, const char *why);

static void ask(struct out_destination *d)
{
	struct out_asker *a = d->zone->out->asker;
	bool is_notify = d->phase == OUT_NOTIFYING;

	d->ask.is_plain = is_notify || d->asks_plainly;
	d->ask.patience = d->failures > 0 ? limits_of(d)->ask_again : limits_of(d)->ask;
	out_ask_start(a, &d->ask, is_notify ? OPCODE_NOTIFY : OPCODE_QUERY, d->zone, d->peer,
	    is_notify ? notify_done : soa_done, d);
}

static void enter(struct out_destination *d, enum out_phase phase, uint64_t wait)
{
	out_ask_cancel(d->zone->out->asker, &d->ask);
	loop_event_stop(d->again);
	d->phase = phase;
	d->since = clock_mono_ms();
	d->tries = 0;
	loop_timer_set(d->timer, wait);
}

static void due(void *arg)
{
	ask(arg);
}

/* Up to a quarter of the time, by the names: zones that were all served at once when the daemon
 * started must not be looked at all at once ever after. */
static int64_t spread(const struct out_destination *d, int64_t time)
{
	uint32_t hash = 2166136261;

	for (const char *c = d->zone->text; *c != '\0'; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619;
	for (const char *c = d->name; *c != '\0'; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619;
	return time / 4 * (int64_t)(hash % 1024) / 1024;
}

/* One that is good is looked at as often as it looks itself; one that failed more and more seldom.
 */
static int64_t rest_time(const struct out_destination *d)
{
	const struct out_limits *limits = limits_of(d);
	int64_t time = limits->again;

	if (d->failures == 0 && d->zone->soa_refresh > time)
		time = (int64_t)d->zone->soa_refresh;
	for (unsigned i = 1; i < d->failures && time < limits->again_most; i++)
		time *= 2;
	if (time > limits->again_most)
		time = limits->again_most;
	return time - spread(d, time);
}

static void rest(struct out_destination *d)
{
	enter(d, OUT_IDLE, 0);
	loop_timer_stop(d->timer);
	loop_event_set(d->again, clock_calendar() + rest_time(d));
}

static void again_due(void *arg, int64_t at)
{
	struct out_destination *d = arg;

	(void)at;
	enter(d, OUT_CHECKING, 0);
}

static void give_up(struct out_destination *d, const char *why)
{
	d->failures++;
	tell(d, DESTINATION_FAILED_XFER, "%s", why);
	rest(d);
}

static void succeed(struct out_destination *d)
{
	d->failures = 0;
	tell(d, DESTINATION_OK, "%s", "");
	rest(d);
}

/* While it is failed, nothing but the reason for which it was given up is of interest. */
static void tell_pending(struct out_destination *d, const char *why)
{
	if (d->status != DESTINATION_FAILED_XFER)
		tell(d, DESTINATION_PENDING_XFER, "%s", why);
}

/* NOTIFY */

static void notify_failed(struct out_destination *d, const char *why)
{
	const struct out_limits *limits = limits_of(d);
	char text[DESTINATION_REASON_MAX];

	d->tries++;
	if (d->tries < (d->failures > 0 ? CHECK_TRIES : limits->notify_tries)) {
		/* The time-out itself is part of the interval: 1, 2, 4, 8... time-outs. */
		loop_timer_set(d->timer, limits->ask * ((1ULL << (d->tries - 1)) - 1));
		return;
	}
	if (d->fetched) { /* it needs no NOTIFY, it seems */
		enter(d, OUT_LOOKING, 0);
		return;
	}
	d->seen = (struct out_seen){0}; /* nobody knows what it has now */
	snprintf(text, sizeof(text), "%.200s; given up after %u tries", why, d->tries);
	give_up(d, text);
}

static void notify_done(void *arg, int code, const struct packet *p, const char *why)
{
	struct out_destination *d = arg;
	uint64_t wait = limits_of(d)->seen_wait;
	char text[DESTINATION_REASON_MAX];

	if (code != OK) {
		notify_failed(d, why);
		return;
	}
	d->is_acknowledged = true;
	d->notify_rcode = packet_rcode(p);
	if (d->notify_rcode == RCODE_NOERROR) {
		snprintf(text, sizeof(text), "acknowledged NOTIFY of serial %u", d->zone->serial);
		tell_pending(d, text);
	} else if (d->failures == 0) {
		tell(d, DESTINATION_FAILED_XFER, "answered NOTIFY with %s",
		    packet_rcode_name(d->notify_rcode));
	}
	/* Even one that refuses NOTIFY may fetch by its SOA timers. */
	enter(d, OUT_LOOKING, d->fetched ? wait / 4 : wait);
}

/* SOA */

/* What we saw of its own tries to get the version, for whoever has to mend it; "": nothing. */
static void say_fetching(const struct out_destination *d, char out[200])
{
	bool is_older = d->seen.has_serial && serial_gt(d->zone->serial, d->seen.serial);

	out[0] = '\0';
	if (d->refused[0] != '\0')
		snprintf(out, 200, "its own query was refused here: %.150s", d->refused);
	else if (d->fetched && is_older)
		snprintf(out, 200, "it has fetched the version, and does not serve it");
	else if (!d->fetched && d->is_acknowledged && d->notify_rcode == RCODE_NOERROR)
		snprintf(out, 200, "it acknowledged NOTIFY, and no transfer came");
}

/* why: of the last question.  What kind of failure it is stands before the first colon. */
static void look_failed(struct out_destination *d, const char *why)
{
	char text[DESTINATION_REASON_MAX], fetching[200], notify[64] = "";

	if (d->is_acknowledged && d->notify_rcode != RCODE_NOERROR)
		snprintf(notify, sizeof(notify), "answered NOTIFY with %s; ",
		    packet_rcode_name(d->notify_rcode));
	say_fetching(d, fetching);
	snprintf(text, sizeof(text), "%s%.130s%s%s", notify, why,
	    fetching[0] == '\0'	       ? ""
	    : strchr(why, ':') != NULL ? "; "
				       : ": ",
	    fetching);
	give_up(d, text);
}

/* Growing, but with a last look when the time is up. */
static uint64_t look_wait(struct out_destination *d, uint64_t left)
{
	uint64_t wait = limits_of(d)->seen_wait << (d->tries < 16 ? d->tries : 16);

	d->tries++;
	wait = wait < LOOK_WAIT_MAX ? wait : LOOK_WAIT_MAX;
	return wait < left ? wait : left;
}

static void not_seen_yet(struct out_destination *d, const char *why)
{
	const struct out_limits *limits = limits_of(d);
	uint64_t time = d->failures > 0 ? limits->seen_again : limits->seen;
	uint64_t past = clock_mono_ms() - d->since;

	if (past >= time) {
		look_failed(d, why);
		return;
	}
	tell_pending(d, why);
	loop_timer_set(d->timer, look_wait(d, time - past));
}

/* What had the version has lost it, or what failed fails still: it is told of the version again. */
static void check_failed(struct out_destination *d, int code, const char *why)
{
	if (code == OK) {
		tell_pending(d, why);
		d->fetched = d->is_acknowledged = false;
		enter(d, OUT_NOTIFYING, 0);
	} else if (d->failures > 0) {
		give_up(d, why);
	} else if (++d->tries < CHECK_TRIES) {
		ask(d);
	} else {
		enter(d, OUT_NOTIFYING, 0);
	}
}

/* Not every server knows EDNS, and not every answer with signatures fits into a datagram: then at
 * least the serial is asked for. */
static bool asks_otherwise(struct out_destination *d, const struct packet *p)
{
	unsigned rcode = packet_rcode(p);
	bool knows_no_edns = (rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP) && !p->has_edns;

	if (d->asks_plainly)
		return false;
	d->was_cut = (p->flags & PACKET_FLAG_TC) != 0 && !d->seen.has_serial;
	d->asks_plainly = d->was_cut || knows_no_edns;
	if (d->asks_plainly)
		ask(d);
	return d->asks_plainly;
}

static void soa_done(void *arg, int code, const struct packet *p, const char *why)
{
	struct out_destination *d = arg;
	char text[DESTINATION_REASON_MAX];

	d->seen = (struct out_seen){0};
	if (code == OK) {
		out_look_read(p, d->zone->apex, d->was_cut, &d->seen);
		if (asks_otherwise(d, p))
			return;
	}
	if (code == OK && packet_rcode(p) != RCODE_NOERROR) {
		d->seen = (struct out_seen){0};
		snprintf(text, sizeof(text), "answered SOA query with %s",
		    packet_rcode_name(packet_rcode(p)));
	} else if (code != OK) {
		snprintf(text, sizeof(text), "%.300s", why);
	} else if (out_look_is_current(d->zone, &d->seen, text)) {
		succeed(d);
		return;
	}
	if (d->phase == OUT_CHECKING)
		check_failed(d, code, text);
	else
		not_seen_yet(d, text);
}

struct out_destination *out_destination_new(struct out_zone *z, const struct peer *peer)
{
	struct out_destination *d = mem_alloc(sizeof(*d));

	d->zone = z;
	d->peer = peer;
	memcpy(d->name, peer->name, sizeof(d->name));
	d->address = peer->address;
	d->timer = loop_timer_new(z->out->loop, due, d);
	d->again = loop_event_new(z->out->loop, again_due, d);
	return d;
}

void out_destination_free(struct out_destination *d)
{
	if (d == NULL)
		return;
	out_ask_cancel(d->zone->out->asker, &d->ask);
	loop_timer_free(d->timer);
	loop_event_free(d->again);
	free(d);
}

void out_destination_pause(struct out_destination *d)
{
	if (d->ask.host == NULL)
		return;
	out_ask_cancel(d->zone->out->asker, &d->ask);
	loop_timer_set(d->timer, 0);
}

void out_destination_version(struct out_destination *d)
{
	char text[80];

	d->fetched = d->is_acknowledged = false;
	d->failures = 0;
	d->notify_rcode = RCODE_NOERROR;
	d->asks_plainly = d->was_cut = false;
	snprintf(text, sizeof(text), "serial %u is to be fetched", d->zone->serial);
	tell_pending(d, text);
	enter(d, OUT_NOTIFYING, 0);
}

void out_destination_seen(struct out_zone *z, const struct sockaddr_storage *from,
    const struct tsig_key *key, bool fetched)
{
	for (unsigned i = 0; i < z->destination_count; i++) {
		struct out_destination *d = z->destinations[i];
		uint64_t wait = limits_of(d)->seen_wait;

		if (!out_acl_is(d, from, key))
			continue;
		d->fetched = d->fetched || fetched;
		d->refused[0] = '\0';
		/* A NOTIFY under way goes on: several destinations may share an address. */
		if (d->phase == OUT_LOOKING && fetched && d->ask.host == NULL)
			enter(d, OUT_LOOKING, wait / 4);
		else if (d->phase == OUT_IDLE && d->status == DESTINATION_FAILED_XFER)
			enter(d, OUT_LOOKING, fetched ? wait / 4 : wait * 4);
	}
}

void out_destination_refused(
    struct out_zone *z, const struct sockaddr_storage *from, const char *why)
{
	for (unsigned i = 0; i < z->destination_count; i++) {
		struct out_destination *d = z->destinations[i];

		if (peer_same_host(&d->peer->address, from))
			snprintf(d->refused, sizeof(d->refused), "%s", why);
	}
}
