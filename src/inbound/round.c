/* Rounds: which source is asked, in which order, and what follows from the answer (RFC 1996): see
 * the states in internal.h.  Network side.
 *
 * A round asks the sources one after the other until one of them has what we need, or (a NOTIFY) it
 * asks exactly one.  It begins with a calendar event, a NOTIFY or an operator's word. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "inbound/file.h"
#include "inbound/query.h"
#include "inbound/transfer.h"

static void round_ask(struct zone *z);

static void zone_set_idle(struct zone *z)
{
	z->state = ZONE_IDLE;
	if (!zone_owes(z))
		z->retry_at = 0;
	else if (z->retry_at == 0)
		z->retry_at = clock_calendar() + z->retry;
	zone_arm(z);
	zone_pump(z);
}

static void round_fail(struct zone *z)
{
	if (z->is_only && z->at < z->source_count)
		z->sources[z->at].is_owed = true;
	if (!z->is_only)
		z->has_failed = true;
	if (z->is_forced)
		z->want_force = true;
	zone_set_idle(z);
}

/* This source did not help: the next one, unless the round is about this one only (R2, R3). */
static void round_next(struct zone *z)
{
	if (z->is_only || z->at + 1 >= z->source_count) {
		round_fail(z);
		return;
	}
	z->at++;
	round_ask(z);
}

static void round_unmoved(struct zone *z, uint32_t serial)
{
	struct source *s = &z->sources[z->at];
	char reason[100] = "";

	if (z->is_only || serial != z->serial)
		snprintf(reason, sizeof(reason), "serial did not move: source has %u, we have %u",
		    serial, z->serial);
	s->is_owed = false;
	zone_set_fresh(z, false);
	zone_status(z, s->peer->name, SOURCE_OK, true, serial, reason);
	zone_set_idle(z);
}

static bool is_wanted(const struct zone *z, uint32_t serial)
{
	return z->is_forced || !z->has_version || serial_gt(serial, z->serial);
}

static void round_transferred(void *arg, const struct err *e, const struct transfer_result *r)
{
	struct zone *z = arg;
	struct source *s = &z->sources[z->at];
	const char *source = s->peer->name;

	z->transfer = NULL;
	if (r->is_ixfr_refused)
		s->whole_until_ms = clock_mono_ms() + z->in->limits.ixfr_pause_ms;
	if (e->code != OK) {
		zone_status(z, source, SOURCE_FAILED_XFER, false, 0, e->text);
		round_next(z);
	} else if (r->path == NULL) {
		round_unmoved(z, r->serial);
	} else if (!is_wanted(z, r->serial)) {
		/* The SOA query promised more than the transfer brought. */
		unlink(r->path);
		round_unmoved(z, r->serial);
	} else {
		z->is_difference = r->is_difference;
		inbound_hand_over(z, source, r->serial, r->path);
	}
}

/* May the source be asked for the changes alone?  What an input file brought need not be what a
 * source has under the same serial. */
static bool is_ixfr_possible(const struct zone *z, const struct source *s)
{
	return z->has_version && !z->is_forced && !z->want_whole && z->file == NULL &&
	       s->peer->use_ixfr && clock_mono_ms() >= s->whole_until_ms;
}

static void round_fetch(struct zone *z)
{
	const struct source *s = &z->sources[z->at];
	struct soa known = z->soa;

	known.serial = z->serial;
	z->state = ZONE_FETCHING;
	z->transfer = transfer_start(z->in, s->peer, z->apex, z->size_max,
	    is_ixfr_possible(z, s) ? &known : NULL, round_transferred, z);
}

static void round_answered(void *arg, const struct err *e, const struct query_answer *answer)
{
	struct zone *z = arg;
	const struct peer *peer = z->sources[z->at].peer;
	const struct soa *soa = &answer->soa;

	z->query = NULL;
	z->is_given = answer->has_expire;
	z->given = answer->expire;
	if (e->code != OK) {
		zone_status(z, peer->name, SOURCE_SOA_QUERY_FAILED, false, 0, e->text);
		round_next(z);
	} else if (!is_wanted(z, soa->serial)) {
		round_unmoved(z, soa->serial);
	} else {
		zone_status(z, peer->name, SOURCE_PENDING_XFER, true, soa->serial, "");
		round_fetch(z);
	}
}

static void round_ask(struct zone *z)
{
	struct source *s = &z->sources[z->at];

	s->is_notified = false; /* whatever it told us up to now, this question is the answer to */
	s->asked_ms = clock_mono_ms();
	z->state = ZONE_ASKING;
	z->query = query_start(z->in, s->peer, z->apex, round_answered, z);
}

static void round_begin(struct zone *z, unsigned at, bool only)
{
	z->at = at;
	z->is_only = only;
	z->is_forced = !only && z->want_force;
	if (!only)
		z->want_round = z->want_force = false;
	round_ask(z);
}

void zone_pump(struct zone *z)
{
	if (z->state != ZONE_IDLE)
		return;
	if (z->want_file && z->file != NULL) {
		z->want_file = z->is_given = false;
		z->state = ZONE_READING;
		file_read(z->file);
		return;
	}
	if (z->want_round && z->source_count > 0) {
		round_begin(z, 0, false);
		return;
	}
	for (unsigned i = 0; i < z->source_count; i++) {
		if (z->sources[i].is_notified) {
			round_begin(z, i, true);
			return;
		}
	}
}

void zone_file_done(struct zone *z, bool success)
{
	z->has_file_failed = !success;
	zone_set_idle(z);
}

/* Verdicts */

static void zone_set_version(struct zone *z, uint32_t serial, const struct soa *soa)
{
	z->has_version = true;
	z->want_whole = false;
	z->serial = serial;
	if (soa != NULL)
		z->soa = *soa;
	if (z->source_count > 0)
		zone_set_fresh(z, true);
}

/* Nobody could judge it (the signing side went away): the same once more. */
static void zone_again(struct zone *z, bool from_file)
{
	if (from_file) {
		z->want_file = z->file != NULL;
		if (z->file != NULL)
			z->file->must = true;
	} else if (z->is_only && z->at < z->source_count) {
		z->sources[z->at].is_notified = true;
	} else {
		z->want_round = true;
		z->want_force = z->want_force || z->is_forced;
	}
	zone_set_idle(z);
}

/* The difference does not fit the version that the signing side has.  Either we were wrong about
 * which one that is, or only the whole zone helps. */
static void zone_conflict(struct zone *z, const char *source, const char *why)
{
	char name[NAME_TEXT_SIZE];

	name_text(z->apex, name);
	if (inbound_read_version(z)) {
		log_notice("zone %s: changes from source %s came too late: %s", name, source, why);
		zone_again(z, false);
		return;
	}
	log_notice(
	    "zone %s: changes from source %s cannot be applied, the whole zone is asked for: "
	    "%s",
	    name, source, why);
	z->want_whole = true;
	if (z->at < z->source_count)
		round_fetch(z);
	else
		zone_again(z, false);
}

void zone_verdict(struct zone *z, const char *source, int code, const char *why, uint32_t serial,
    const struct soa *soa)
{
	bool from_file = *source == '\0';
	bool awaited = z->state == ZONE_PROCESSING;
	struct err e = {0};

	if (code == ERR_AGAIN && awaited) {
		zone_again(z, from_file);
		return;
	}
	if (code == ERR_CONFLICT && awaited && !from_file && z->is_difference) {
		zone_conflict(z, source, why);
		return;
	}
	if (code == OK) {
		zone_set_version(z, serial, soa);
		zone_status(z, source, SOURCE_OK, true, serial, "");
	} else {
		bool broken = code == ERR_FORMAT || code == ERR_VERIFY;

		err_set(&e, code, "%s%s",
		    broken && strncmp(why, "zone broken", 11) != 0 ? "zone broken: " : "", why);
		zone_status(z, source, SOURCE_FAILED_XFER, true, serial, e.text);
	}
	if (!awaited) {
		zone_arm(z);
	} else if (from_file) {
		zone_file_done(z, code == OK);
	} else if (code != OK) {
		round_next(z);
	} else {
		if (z->at < z->source_count)
			z->sources[z->at].is_owed = false;
		zone_set_idle(z);
	}
}

/* Configuration */

void zone_stop(struct zone *z)
{
	query_cancel(z->query);
	transfer_cancel(z->transfer);
	z->query = NULL;
	z->transfer = NULL;
}

static struct source *source_named(struct zone *z, const char *name)
{
	for (unsigned i = 0; i < z->source_count; i++) {
		if (strcmp(z->sources[i].peer->name, name) == 0)
			return &z->sources[i];
	}
	return NULL;
}

static bool is_same_server(const struct peer *a, const struct peer *b)
{
	return memcmp(&a->address, &b->address, sizeof(a->address)) == 0;
}

/* Which of the new sources is the one that the present round is at?  count: none. */
static unsigned place_of(const char *name, const struct source *sources, unsigned count)
{
	unsigned i = 0;

	while (i < count && strcmp(sources[i].peer->name, name) != 0)
		i++;
	return i;
}

void zone_set_sources(struct zone *z, const struct peer *const *peers, unsigned count)
{
	struct source *sources = mem_array(count + 1, sizeof(*sources));
	bool same = count == z->source_count, stays = true;

	for (unsigned i = 0; i < count; i++) {
		struct source *old = source_named(z, peers[i]->name);

		if (old != NULL && is_same_server(old->peer, peers[i]))
			sources[i] = *old;
		else
			same = false;
		sources[i].peer = peers[i];
	}
	if (z->at < z->source_count) {
		const struct peer *peer = z->sources[z->at].peer;

		z->at = place_of(peer->name, sources, count);
		stays = z->at < count && is_same_server(peer, sources[z->at].peer);
	}
	query_keep_key(z->query);
	transfer_keep_key(z->transfer);
	free(z->sources);
	z->sources = sources;
	z->source_count = count;
	z->want_round = z->want_round || !same;
	if (count == 0) /* a zone without sources cannot go stale */
		z->refresh_at = z->expire_at = 0;
	if (!stays && (z->query != NULL || z->transfer != NULL)) {
		zone_stop(z);
		z->want_force = z->want_force || z->is_forced;
		z->want_round = true;
		z->state = ZONE_IDLE;
	}
}
