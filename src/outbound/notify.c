/* notify: bringing each destination to the newest version, and knowing whether it got there (R5,
 * R60).
 *
 *   NOTIFYING  NOTIFY, repeated at growing intervals, until it is acknowledged or given up
 *   LOOKING    its SOA is asked for, at growing intervals, until it shows the serial
 *   IDLE       it does, or did not in time; in an hour it all begins anew
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
#include "dns/rdata.h"

#define LOOK_WAIT_MAX 30000

static const struct out_limits *limits_of(const struct out_destination *d)
{
	return &d->zone->out->limits;
}

/* What is known now.  Logged when the status changes; handed on when anything does. */
static void tell(struct out_destination *d, enum destination_status status, const char *fmt, ...)
{
	const struct outbound_hooks *hooks = &d->zone->out->hooks;
	bool changed = status != d->status;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->reason, sizeof(d->reason), fmt, ap);
	va_end(ap);
	d->status = status;
	if (changed && status == DESTINATION_FAILED_XFER)
		log_warning("zone %s: destination %s: %s", d->zone->text, d->name, d->reason);
	else if (changed && status == DESTINATION_OK)
		log_notice(
		    "zone %s: destination %s serves serial %u", d->zone->text, d->name, d->serial);
	hooks->status(
	    hooks->arg, d->zone->apex, d->name, status, d->has_serial, d->serial, d->reason);
}

static void notify_done(void *arg, int code, const struct packet *p, const char *why);
static void soa_done(void *arg, int code, const struct packet *p, const char *why);

static void ask(struct out_destination *d)
{
	struct out_asker *a = d->zone->out->asker;

	if (d->phase == OUT_NOTIFYING)
		out_ask_start(a, &d->ask, OPCODE_NOTIFY, d->zone, d->peer, notify_done, d);
	else
		out_ask_start(a, &d->ask, OPCODE_QUERY, d->zone, d->peer, soa_done, d);
}

static void enter(struct out_destination *d, enum out_phase phase, uint64_t wait)
{
	out_ask_cancel(d->zone->out->asker, &d->ask);
	d->phase = phase;
	d->since = clock_mono_ms();
	d->tries = 0;
	loop_timer_set(d->timer, wait);
}

static void due(void *arg)
{
	struct out_destination *d = arg;

	if (d->phase == OUT_IDLE)
		enter(d, d->status == DESTINATION_OK ? OUT_LOOKING : OUT_NOTIFYING, 0);
	else
		ask(d);
}

/* NOTIFY */

static void notify_failed(struct out_destination *d, const char *why)
{
	const struct out_limits *limits = limits_of(d);

	d->tries++;
	if (d->tries < limits->notify_tries) {
		/* The time-out itself is part of the interval: 1, 2, 4, 8... time-outs. */
		loop_timer_set(d->timer, limits->ask * ((1ULL << (d->tries - 1)) - 1));
		return;
	}
	if (d->fetched) { /* it needs no NOTIFY, it seems */
		enter(d, OUT_LOOKING, 0);
		return;
	}
	d->has_serial = false; /* nobody knows what it has now */
	tell(d, DESTINATION_FAILED_XFER, "%s; given up after %u tries", why, d->tries);
	enter(d, OUT_IDLE, limits->again);
}

static void notify_done(void *arg, int code, const struct packet *p, const char *why)
{
	struct out_destination *d = arg;

	if (code != OK) {
		notify_failed(d, why);
		return;
	}
	d->notify_rcode = packet_rcode(p);
	if (d->notify_rcode == RCODE_NOERROR)
		tell(d, d->status, "acknowledged NOTIFY of serial %u", d->zone->serial);
	else
		tell(d, DESTINATION_FAILED_XFER, "answered NOTIFY with %s",
		    packet_rcode_name(d->notify_rcode));
	/* Even one that refuses NOTIFY may fetch by its SOA timers. */
	enter(d, OUT_LOOKING, d->fetched ? limits_of(d)->seen_wait / 4 : limits_of(d)->seen_wait);
}

/* SOA */

static bool find_serial(
    const struct out_destination *d, const struct packet *answer, uint32_t *serial)
{
	struct packet p = *answer;
	struct packet_rr rr;
	struct buf rdata = {0};
	struct soa soa;
	bool found = false;

	while (!found && packet_next(&p, &rr) == OK) {
		if (rr.section != 1 || rr.type != RR_SOA || !name_equal(rr.owner, d->zone->apex))
			continue;
		buf_reset(&rdata);
		found = rdata_from_message(
			    RR_SOA, p.msg, p.len, rr.rdata, rr.rdlen, &rdata, NULL) == OK &&
			soa_parse(rdata.data, rdata.len, &soa) == OK;
	}
	buf_free(&rdata);
	if (found)
		*serial = soa.serial;
	return found;
}

static bool shows_version(struct out_destination *d, const struct packet *p, char *why, size_t size)
{
	uint32_t ours = d->zone->serial;

	d->has_serial = false;
	if (packet_rcode(p) != RCODE_NOERROR) {
		snprintf(
		    why, size, "answered SOA query with %s", packet_rcode_name(packet_rcode(p)));
		return false;
	}
	if (!find_serial(d, p, &d->serial)) {
		snprintf(why, size, "answered SOA query without the zone's SOA");
		return false;
	}
	d->has_serial = true;
	if (serial_gt(d->serial, ours))
		snprintf(why, size,
		    "serves serial %u, which is newer than ours (%u), so that it will not fetch "
		    "ours",
		    d->serial, ours);
	else
		snprintf(why, size, "still serves serial %u, not %u", d->serial, ours);
	return d->serial == ours;
}

/* Growing, but with a last look when the time is up. */
static uint64_t look_wait(struct out_destination *d, uint64_t left)
{
	uint64_t wait = limits_of(d)->seen_wait << (d->tries < 16 ? d->tries : 16);

	d->tries++;
	wait = wait < LOOK_WAIT_MAX ? wait : LOOK_WAIT_MAX;
	return wait < left ? wait : left;
}

static void soa_done(void *arg, int code, const struct packet *p, const char *why)
{
	struct out_destination *d = arg;
	const struct out_limits *limits = limits_of(d);
	char text[STORE_REASON_MAX], about_notify[64] = "";
	uint64_t past;

	if (code != OK)
		d->has_serial = false;
	if (code == OK && shows_version(d, p, text, sizeof(text))) {
		tell(d, DESTINATION_OK, "%s", "");
		enter(d, OUT_IDLE, limits->again);
		return;
	}
	if (d->notify_rcode != RCODE_NOERROR)
		snprintf(about_notify, sizeof(about_notify), "answered NOTIFY with %s; ",
		    packet_rcode_name(d->notify_rcode));
	past = clock_mono_ms() - d->since;
	if (past >= limits->seen) {
		tell(d, DESTINATION_FAILED_XFER, "%s%.180s", about_notify, code == OK ? text : why);
		enter(d, OUT_IDLE, limits->again);
		return;
	}
	if (d->status == DESTINATION_PENDING_XFER)
		tell(d, d->status, "%s%.180s", about_notify, code == OK ? text : why);
	loop_timer_set(d->timer, look_wait(d, limits->seen - past));
}

struct out_destination *out_destination_new(struct out_zone *z, const struct peer *peer)
{
	struct out_destination *d = mem_alloc(sizeof(*d));

	d->zone = z;
	d->peer = peer;
	memcpy(d->name, peer->name, sizeof(d->name));
	d->address = peer->address;
	d->timer = loop_timer_new(z->out->loop, due, d);
	return d;
}

void out_destination_free(struct out_destination *d)
{
	if (d == NULL)
		return;
	out_ask_cancel(d->zone->out->asker, &d->ask);
	loop_timer_free(d->timer);
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
	d->fetched = false;
	d->notify_rcode = RCODE_NOERROR;
	tell(d, DESTINATION_PENDING_XFER, "serial %u is to be fetched", d->zone->serial);
	enter(d, OUT_NOTIFYING, 0);
}

void out_destination_seen(struct out_zone *z, const struct sockaddr_storage *from, bool fetched)
{
	for (unsigned i = 0; i < z->destination_count; i++) {
		struct out_destination *d = z->destinations[i];
		uint64_t wait = limits_of(d)->seen_wait;

		if (!peer_same_host(&d->address, from))
			continue;
		d->fetched = d->fetched || fetched;
		/* A NOTIFY under way goes on: several destinations may share an address. */
		if (d->phase == OUT_LOOKING && fetched && d->ask.host == NULL)
			enter(d, OUT_LOOKING, wait / 4);
		else if (d->phase == OUT_IDLE && d->status == DESTINATION_FAILED_XFER)
			enter(d, OUT_LOOKING, fetched ? wait / 4 : wait * 4);
	}
}
