/* outbound: the zones that go out, and what is set in motion when one has a new version.
 *
 * Runs in the network side.  Reads the store and never writes it; trusts the configuration it is
 * handed, and nothing that comes from a socket. */
#include "outbound/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define NOISE_MS 10000
#define NOISE_LINES 20

static const struct out_limits default_limits = {
    .connections = 1000,
    .connections_host = 200,
    .transfers = 80,
    .transfers_host = 40,
    .idle = 30 * 1000,
    .pace = 60 * 1000,
    .pace_octets = 64 * 1024,
    .transfer = 2 * 3600 * 1000,
    .notify_tries = 6,
    .ask = 2000,
    .seen_wait = 1000,
    .seen = 300 * 1000,
    .ask_again = 2000,
    .seen_again = 60 * 1000,
    .again = 3600,
    .again_most = 86400,
    .file_again = 60 * 1000,
    .sweep = 2000,
};

const char *destination_status_name(enum destination_status s)
{
	static const char *const names[] = {
	    [DESTINATION_PENDING_XFER] = "DESTINATION_PENDING_XFER",
	    [DESTINATION_OK] = "DESTINATION_OK",
	    [DESTINATION_FAILED_XFER] = "DESTINATION_FAILED_XFER",
	};

	return s <= DESTINATION_FAILED_XFER ? names[s] : "DESTINATION_UNKNOWN";
}

void out_noise(struct outbound *out, const char *fmt, ...)
{
	uint64_t now = clock_mono_ms();
	char line[1500];
	va_list ap;

	if (now - out->noise.since >= NOISE_MS) {
		if (out->noise.dropped > 0)
			log_notice("%u more lines about refused queries were left out",
			    out->noise.dropped);
		out->noise.since = now;
		out->noise.lines = out->noise.dropped = 0;
	}
	if (out->noise.lines == NOISE_LINES) {
		out->noise.dropped++;
		return;
	}
	out->noise.lines++;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_notice("%s", line);
}

/* The order of the table of zones.  No wire name is a prefix of another, so that the shorter length
 * is enough. */
static int apex_compare(const uint8_t *a, const uint8_t *b)
{
	size_t alen = name_len(a), blen = name_len(b);

	return memcmp(a, b, alen < blen ? alen : blen);
}

static int zone_compare(const void *a, const void *b)
{
	const struct out_zone *const *x = a, *const *y = b;

	return apex_compare((*x)->apex, (*y)->apex);
}

static int zone_search(const void *apex, const void *z)
{
	const struct out_zone *const *zone = z;

	return apex_compare(apex, (*zone)->apex);
}

struct out_zone *out_zone_find(const struct outbound *out, const uint8_t *name)
{
	uint8_t apex[NAME_MAX_LEN];
	struct out_zone **found;

	if (out->zone_count == 0)
		return NULL;
	memcpy(apex, name, name_len(name));
	name_lower(apex);
	found = bsearch(apex, out->zones, out->zone_count, sizeof(out->zones[0]), zone_search);
	return found != NULL ? *found : NULL;
}

static void zone_free(struct out_zone *z)
{
	out_files_forget(z->out->files, z);
	for (unsigned i = 0; i < z->destination_count; i++)
		out_destination_free(z->destinations[i]);
	free(z->destinations);
	free(z->output_file);
	free(z->text);
	buf_free(&z->soa);
	free(z);
}

/* What NOTIFY says of the newest version; OK or why it cannot be known. */
static int read_version(struct out_zone *z, struct err *e)
{
	struct out_version v;
	const uint8_t *rdata, *next;
	struct soa soa = {0};
	uint16_t len;
	int rc = out_version_open(z, &v, e);

	if (rc != OK)
		return rc;
	next = v.soa.rdata;
	rdata = rrset_next(&next, &len);
	buf_reset(&z->soa);
	buf_put(&z->soa, rdata, len);
	soa_parse(rdata, len, &soa);
	z->soa_refresh = soa.refresh;
	z->soa_ttl = v.soa.ttl;
	z->stamp_count = out_look_stamps(&v.soa, z->stamps);
	z->serial = v.head.serial_out;
	z->has_version = true;
	out_version_close(&v);
	return OK;
}

static void announce(struct out_zone *z)
{
	struct err e = {0};
	int rc = read_version(z, &e);

	z->announce_wanted = rc != OK && rc != ERR_MISSING;
	if (rc == ERR_MISSING)
		log_notice("zone %s: nothing to announce: %s", z->text, e.text);
	else if (rc != OK)
		log_error("zone %s: new version not announced, tried again in %llu s: %s", z->text,
		    (unsigned long long)z->out->limits.sweep / 1000, e.text);
	if (rc != OK)
		return;
	out_files_want(z->out->files, z);
	for (unsigned i = 0; i < z->destination_count; i++)
		out_destination_version(z->destinations[i]);
	out_files_wake(z->out->files);
}

static void sweep(void *arg)
{
	struct outbound *out = arg;

	out_tcp_sweep(out, clock_mono_ms());
	out_files_wake(out->files);
	for (unsigned i = 0; i < out->zone_count; i++) {
		if (out->zones[i]->announce_wanted)
			announce(out->zones[i]);
	}
	loop_timer_set(out->sweep, out->limits.sweep);
}

struct outbound *outbound_new(
    struct loop *l, struct store *store, const struct outbound_hooks *hooks)
{
	struct outbound *out = mem_alloc(sizeof(*out));

	out->loop = l;
	out->store = store;
	out->hooks = *hooks;
	out->limits = default_limits;
	if (clock_is_virtual()) { /* a leap through years waits for no dead destination */
		out->limits.notify_tries = 2;
		out->limits.ask = 1000;
		out->limits.seen_wait = 40;
		out->limits.seen = 10 * 1000;
		out->limits.ask_again = 200;
		out->limits.seen_again = 1000;
		out->limits.again = 86400;
		out->limits.again_most = 7 * 86400;
	}
	out->asker = out_asker_new(out);
	out->files = out_files_new(out);
	out->sweep = loop_timer_new(l, sweep, out);
	loop_timer_set(out->sweep, out->limits.sweep);
	return out;
}

void outbound_free(struct outbound *out)
{
	if (out == NULL)
		return;
	out_listeners_free(out);
	out_tcp_free(out);
	out_udp_free(out);
	for (unsigned i = 0; i < out->zone_count; i++)
		zone_free(out->zones[i]);
	free(out->zones);
	out_files_free(out->files);
	out_asker_free(out->asker);
	loop_timer_free(out->sweep);
	free(out);
}

void outbound_listen(struct outbound *out, int udp_fd, int tcp_fd)
{
	if (udp_fd >= 0)
		out_udp_listen(out, udp_fd);
	if (tcp_fd >= 0)
		out_tcp_listen(out, tcp_fd);
}

/* The destination as it was configured before, taken out of the old list: NULL if it is new or has
 * moved. */
static struct out_destination *take_destination(
    struct out_destination **list, unsigned count, const struct peer *peer)
{
	for (unsigned i = 0; i < count; i++) {
		struct out_destination *d = list[i];

		if (d != NULL && strcmp(d->name, peer->name) == 0 &&
		    memcmp(&d->address, &peer->address, sizeof(d->address)) == 0) {
			list[i] = NULL;
			return d;
		}
	}
	return NULL;
}

/* A destination that is new is told of the version that the others know already. */
static void configure_destinations(struct out_zone *z, const struct outbound_zone *conf)
{
	struct out_destination **before = z->destinations;
	unsigned before_count = z->destination_count;

	z->destinations = mem_array(conf->destination_count, sizeof(z->destinations[0]));
	z->destination_count = conf->destination_count;
	for (unsigned i = 0; i < conf->destination_count; i++) {
		const struct peer *peer = conf->destinations[i];
		struct out_destination *d = take_destination(before, before_count, peer);

		if (d != NULL) {
			d->peer = peer;
		} else {
			d = out_destination_new(z, peer);
			if (z->has_version)
				out_destination_version(d);
		}
		z->destinations[i] = d;
	}
	for (unsigned i = 0; i < before_count; i++)
		out_destination_free(before[i]);
	free(before);
}

static struct out_zone *zone_configure(
    struct outbound *out, struct out_zone *z, const struct outbound_zone *conf)
{
	char text[NAME_TEXT_SIZE];

	if (z == NULL) {
		z = mem_alloc(sizeof(*z));
		z->out = out;
		memcpy(z->apex, conf->apex, name_len(conf->apex));
		name_lower(z->apex);
		name_text(z->apex, text);
		z->text = mem_strdup(text);
	}
	if (conf->output_file == NULL || z->output_file == NULL ||
	    strcmp(conf->output_file, z->output_file) != 0) {
		out_files_forget(out->files, z);
		free(z->output_file);
		z->output_file = mem_strdup(conf->output_file);
		if (z->has_version)
			out_files_want(out->files, z);
	}
	z->ends_with_source = conf->ends_with_source;
	configure_destinations(z, conf);
	return z;
}

/* Peers and keys of the last configuration may go away with this call, so no question of ours may
 * be under way any more. */
static void pause_all(struct outbound *out)
{
	for (unsigned i = 0; i < out->zone_count; i++) {
		struct out_zone *z = out->zones[i];

		for (unsigned k = 0; k < z->destination_count; k++)
			out_destination_pause(z->destinations[k]);
	}
	out_asker_reset(out->asker);
}

void outbound_configure(struct outbound *out, const struct outbound_zone *zones, unsigned count)
{
	struct out_zone **next = mem_array(count, sizeof(next[0]));

	pause_all(out);
	for (unsigned i = 0; i < count; i++)
		next[i] = zone_configure(out, out_zone_find(out, zones[i].apex), &zones[i]);
	if (count > 0)
		qsort(next, count, sizeof(next[0]), zone_compare);
	for (unsigned i = 0; i < out->zone_count; i++) {
		struct out_zone *z = out->zones[i];

		if (count == 0 || bsearch(&z, next, count, sizeof(next[0]), zone_compare) == NULL)
			zone_free(z);
	}
	free(out->zones);
	out->zones = next;
	out->zone_count = count;
	out_files_wake(out->files);
}

void outbound_version(struct outbound *out, const uint8_t *apex)
{
	struct out_zone *z = out_zone_find(out, apex);

	if (z != NULL)
		announce(z);
}

unsigned outbound_busy(const struct outbound *out)
{
	unsigned busy = out_files_busy(out->files);

	for (unsigned i = 0; i < out->zone_count; i++) {
		const struct out_zone *z = out->zones[i];

		busy += z->announce_wanted;
		for (unsigned k = 0; k < z->destination_count; k++)
			busy += z->destinations[k]->phase != OUT_IDLE;
	}
	return busy;
}

void outbound_suspend(struct outbound *out, const uint8_t *apex, bool suspended)
{
	struct out_zone *z = out_zone_find(out, apex);

	if (z == NULL || z->suspended == suspended)
		return;
	z->suspended = suspended;
	log_notice("zone %s: %s", z->text,
	    suspended ? "no longer answered: its source is past the SOA's EXPIRE"
		      : "answered again");
}
