/* Which version the zone's name servers have that were found (signer/find.c): each is asked for its
 * SOA until it has what was published, at first soon, then more and more seldom.  What it answers
 * goes to signer/observe.c.  Runs in the signing side; the network side asks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"
#include "dns/packet.h"
#include "dns/rrtype.h"

#define PAUSE_FIRST 5 /* seconds: transfers take their time */
#define PAUSE_MOST 300

struct watch {
	struct zone_watch *all;
	char server[PEER_NAME_MAX];
	struct signer_probe *probe; /* NULL: none under way */
	bool by_tcp;
	int64_t pause; /* before the next question */
	struct loop_event *ask;
	char reason[200]; /* why it is not known to have the version; "" */
};

struct zone_watch {
	struct signer_zone *zone;
	struct watch *list;
	unsigned count;
	bool has_serial; /* that they are asked about */
	uint32_t serial;
};

static bool is_published(const struct signer_zone *z)
{
	return z->has_head && z->head.published;
}

static void ask(struct watch *w);

static void ask_later(struct watch *w)
{
	loop_event_set(w->ask, clock_calendar() + w->pause);
	w->pause = 2 * w->pause < PAUSE_MOST ? 2 * w->pause : PAUSE_MOST;
}

static void failed(struct watch *w, const char *why)
{
	const struct signer_zone *z = w->all->zone;

	if (strncmp(w->reason, why, sizeof(w->reason) - 1) != 0)
		log_warning("zone %s: name server %s cannot be asked which version it has: %s",
		    z->name, w->server, why);
	snprintf(w->reason, sizeof(w->reason), "%s", why);
	ask_later(w);
	signer_observe_lost(w->all->zone, w->server);
}

static void note(struct watch *w, uint32_t serial)
{
	struct signer_zone *z = w->all->zone;

	if (serial == z->head.serial_out) {
		w->reason[0] = '\0';
		w->pause = PAUSE_FIRST;
	} else {
		snprintf(w->reason, sizeof(w->reason), "serial %u", serial);
		ask_later(w);
	}
	signer_observe_seen(z, w->server, serial);
}

static void judge(struct watch *w, const uint8_t *msg, size_t len)
{
	const struct signer_zone *z = w->all->zone;
	struct packet p;
	struct err e = {0};
	uint32_t serial;

	if (packet_parse(msg, len, &p, &e) != OK)
		failed(w, e.text);
	else if (packet_rcode(&p) != RCODE_NOERROR)
		failed(w, packet_rcode_name(packet_rcode(&p)));
	else if (!(p.flags & PACKET_FLAG_AA))
		failed(w, "its answer is not authoritative");
	else if (!signer_probe_serial(&p, z->apex, &serial))
		failed(w, "no SOA of the zone in its answer");
	else
		note(w, serial);
}

static void answered(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct watch *w = arg;

	w->probe = NULL;
	if (code != OK && !w->by_tcp) {
		w->by_tcp = true;
		ask(w);
	} else if (code == OK) {
		judge(w, msg, len);
	} else {
		failed(w, why);
	}
}

static void ask(struct watch *w)
{
	struct signer_zone *z = w->all->zone;

	w->probe = signer_probe_start(
	    z->signer, w->server, z->apex, RR_SOA, w->by_tcp ? PROBE_TCP : 0, answered, w);
}

static void ask_due(void *arg, int64_t due)
{
	struct watch *w = arg;

	(void)due;
	if (w->probe != NULL || !is_published(w->all->zone))
		return;
	w->by_tcp = false;
	ask(w);
}

void signer_watch_version(struct signer_zone *z)
{
	struct zone_watch *all = z->watch;
	int64_t soon = clock_calendar() + PAUSE_FIRST;

	if (all == NULL || (all->has_serial && all->serial == z->head.serial_out))
		return;
	all->has_serial = true;
	all->serial = z->head.serial_out;
	for (unsigned i = 0; i < all->count; i++) {
		struct watch *w = &all->list[i];
		int64_t due = loop_event_due(w->ask);

		w->pause = PAUSE_FIRST;
		if (due == 0 || due > soon)
			loop_event_set(w->ask, soon);
	}
}

/* Configuration */

static bool is_same(const struct zone_watch *all, const struct found *f)
{
	if (all->count != f->count)
		return false;
	for (unsigned i = 0; i < f->count; i++) {
		if (strcmp(all->list[i].server, f->servers[i]) != 0)
			return false;
	}
	return true;
}

void signer_watch_free(struct signer_zone *z)
{
	struct zone_watch *all = z->watch;

	z->watch = NULL;
	if (all == NULL)
		return;
	for (unsigned i = 0; i < all->count; i++) {
		signer_probe_cancel(all->list[i].probe);
		loop_event_free(all->list[i].ask);
	}
	free(all->list);
	free(all);
}

void signer_watch_configure(struct signer_zone *z, const struct found *f)
{
	struct zone_watch *all;

	if (f == NULL) {
		signer_watch_free(z);
		return;
	}
	if (z->watch != NULL && is_same(z->watch, f))
		return;
	signer_watch_free(z);
	all = z->watch = mem_alloc(sizeof(*all));
	all->zone = z;
	all->count = f->count;
	all->list = mem_array(f->count + 1, sizeof(*all->list));
	all->has_serial = is_published(z);
	all->serial = z->head.serial_out;
	for (unsigned i = 0; i < f->count; i++) {
		struct watch *w = &all->list[i];

		w->all = all;
		snprintf(w->server, sizeof(w->server), "%s", f->servers[i]);
		w->pause = PAUSE_FIRST;
		w->ask = loop_event_new(z->signer->loop, ask_due, w);
		loop_event_set(w->ask, clock_calendar());
	}
}

const char *signer_watch_reason(const struct signer_zone *z, const char *server)
{
	for (unsigned i = 0; z->watch != NULL && i < z->watch->count; i++) {
		if (strcmp(z->watch->list[i].server, server) == 0)
			return z->watch->list[i].reason;
	}
	return "";
}
