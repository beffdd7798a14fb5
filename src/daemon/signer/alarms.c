/* Notices about servers that fail (R50): when, in which words, and that it is over.  What there is
 * to be said is decided by notices/trouble.h, and written with the status itself.  Signing side.
 *
 * A server that is PENDING is being asked this very moment: what comes of it is waited for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"
#include "inbound/inbound.h"
#include "outbound/outbound.h"

static const struct config_policy *policy_of(const struct signer_zone *z)
{
	return config_policy(z->signer->config, z->sign_policy.name);
}

/* A source is asked again after source_retry, a destination about as soon: one of these tries may
 * fail. */
static int64_t grace_of(const struct signer_zone *z)
{
	const struct config_policy *p = policy_of(z);

	return (p == NULL ? 0 : p->source_retry) + TROUBLE_GRACE;
}

/* What it was before a restart says little. */
static int64_t patience(const struct signer_zone *z, const struct server_status *st)
{
	return st->was_seen ? 0 : z->signer->started + TROUBLE_GRACE;
}

static enum trouble_step step_of(
    const struct signer_zone *z, const struct server_status *st, int64_t now)
{
	bool is_pending = st->since == 0 || st->status == 0;

	if (st->trouble.since == 0 || is_pending || now < patience(z, st))
		return TROUBLE_NOTHING;
	return trouble_step(&st->trouble, grace_of(z), now);
}

static void alarm_due(void *arg, int64_t due)
{
	(void)due;
	signer_alarms_arm(arg);
}

void signer_alarms_arm(struct signer_zone *z)
{
	int64_t now = clock_calendar(), first = 0;

	for (unsigned i = 0; i < z->server_count; i++) {
		const struct server_status *st = &z->servers[i];
		int64_t next;

		if (step_of(z, st, now) != TROUBLE_NOTHING) {
			signer_status_urgent(z); /* it ends up here again */
			return;
		}
		next = trouble_next(&st->trouble, grace_of(z));
		if (next == 0 || st->status == 0)
			continue;
		next = next > patience(z, st) ? next : patience(z, st);
		first = first == 0 || next < first ? next : first;
	}
	if (first == 0) {
		loop_event_free(z->alarm);
		z->alarm = NULL;
		return;
	}
	if (z->alarm == NULL)
		z->alarm = loop_event_new(z->signer->loop, alarm_due, z);
	loop_event_set(z->alarm, first > now ? first : now + 1);
}

void signer_alarm_note(struct signer_zone *z, struct server_status *st)
{
	struct trouble before = st->trouble;

	st->was_seen = true;
	if (st->status != 0)
		trouble_note(
		    &st->trouble, signer_status_is_failure(st) ? st->status : 0, clock_calendar());
	if (before.since != 0 || st->trouble.since != 0)
		signer_alarms_arm(z);
}

/* Words */

struct alarm_words {
	char server[PEER_NAME_MAX], address[PEER_TEXT_SIZE + 200], serial[16];
	char since[TIME_TEXT_SIZE], lasted[TROUBLE_TIME_SIZE];
	char occasion[PEER_NAME_MAX + 80];
	char more[200];	     /* a sentence; "" */
	char meanwhile[200]; /* what becomes of the zone */
};

static void say_address(
    const struct signer_zone *z, const struct server_status *st, struct alarm_words *w)
{
	const struct config *c = z->signer->config;
	const struct config_server *server = config_server(c, st->server);
	const struct config_zone *zone;

	snprintf(w->server, sizeof(w->server), "%s", st->server[0] == '\0' ? "(file)" : st->server);
	if (st->server[0] == '\0') {
		zone = config_zone(c, z->name);
		snprintf(w->address, sizeof(w->address), "%.250s",
		    zone != NULL && zone->input_file != NULL ? zone->input_file : "its input file");
	} else if (server != NULL) {
		snprintf(w->address, sizeof(w->address), "%.100s port %lld", server->address,
		    (long long)server->port);
	}
}

static void say_more(const struct server_status *st, enum trouble_step step, struct alarm_words *w)
{
	const struct trouble *t = &st->trouble;
	int n = 0;

	if (step == TROUBLE_REMIND)
		n = snprintf(w->more, sizeof(w->more), "This is a reminder: it has lasted for %s.",
		    w->lasted);
	if (t->lapses > 0)
		snprintf(w->more + n, sizeof(w->more) - (size_t)n,
		    "%sIt came and went: %u times it was good for a short while.",
		    n > 0 ? "  " : "", t->lapses);
}

static void say_meanwhile(
    const struct signer_zone *z, const struct server_status *st, struct alarm_words *w)
{
	const struct config_policy *p = policy_of(z);
	const struct zone_head *h = &z->head;
	char expire[TIME_TEXT_SIZE];

	if (!st->is_source) {
		snprintf(w->meanwhile, sizeof(w->meanwhile),
		    "It serves the version that it has until its SOA EXPIRE or its signatures run out.");
	} else if (!z->has_head || !h->has_in || h->generation == 0) {
		snprintf(
		    w->meanwhile, sizeof(w->meanwhile), "No version of the zone is there yet.");
	} else if (p != NULL && p->on_source_expire == EXPIRE_STOP) {
		time_text(h->refreshed + (int64_t)h->soa_in.expire, expire);
		snprintf(w->meanwhile, sizeof(w->meanwhile),
		    "The last good version is served and kept signed; if no source confirms it, "
		    "until its SOA EXPIRE at %s only (policy on_source_expire).",
		    expire);
	} else {
		snprintf(w->meanwhile, sizeof(w->meanwhile),
		    "The last good version is served and kept signed.");
	}
}

/* A trouble has one occasion for each kind, each of its reminders has one, and so has its end. */
static void say_all(const struct signer_zone *z, const struct server_status *st,
    enum trouble_step step, int64_t now, struct alarm_words *w)
{
	const struct trouble *t = &st->trouble;
	int n;

	memset(w, 0, sizeof(*w));
	say_address(z, st, w);
	time_text(t->since, w->since);
	trouble_time_words((step == TROUBLE_OVER ? t->good : now) - t->since, w->lasted);
	if (st->has_serial)
		snprintf(w->serial, sizeof(w->serial), "%u", st->serial);
	else
		snprintf(w->serial, sizeof(w->serial), "not known");
	n = snprintf(w->occasion, sizeof(w->occasion), "%s %s %s",
	    st->is_source ? "source" : "destination", w->server, w->since);
	if (step == TROUBLE_REMIND)
		snprintf(w->occasion + n, sizeof(w->occasion) - (size_t)n, " reminder %u",
		    t->reminders + 1);
	say_more(st, step, w);
	say_meanwhile(z, st, w);
}

static enum notice_kind kind_of(const struct server_status *st, enum trouble_step step)
{
	if (step == TROUBLE_OVER)
		return NOTICE_RECOVERED;
	if (!st->is_source)
		return NOTICE_DESTINATION_FAILED;
	return st->trouble.kind == SOURCE_FAILED_XFER ? NOTICE_SOURCE_FAILED
						      : NOTICE_SOURCE_SOA_FAILED;
}

static int say(struct signer_zone *z, const struct server_status *st, enum trouble_step step,
    struct store_write *w, struct err *e)
{
	struct alarm_words words;
	int64_t now = clock_calendar();
	struct notice n = {.kind = kind_of(st, step),
	    .apex = z->apex,
	    .occasion = words.occasion,
	    .at = now,
	    .fields = {{"server", words.server}, {"address", words.address},
		{"role", st->is_source ? "source" : "destination"},
		{"status", signer_status_name(st)}, {"reason", st->reason},
		{"serial", words.serial}, {"since", words.since}, {"lasted", words.lasted},
		{"meanwhile", words.meanwhile}},
	    .field_count = 9};

	say_all(z, st, step, now, &words);
	if (words.more[0] != '\0')
		notice_add(&n, "more", words.more);
	return signer_notice_in(z->signer, w, &n, e);
}

int signer_alarms_save(struct signer_zone *z, struct store_write *w, struct err *e)
{
	int64_t now = clock_calendar();
	int code = OK;

	for (unsigned i = 0; i < z->server_count && code == OK; i++) {
		struct server_status *st = &z->servers[i];

		st->saying = step_of(z, st, now);
		if (st->saying != TROUBLE_NOTHING)
			code = say(z, st, st->saying, w, e);
	}
	return code;
}

void signer_alarms_saved(struct signer_zone *z)
{
	int64_t now = clock_calendar();
	bool has_said = false;

	for (unsigned i = 0; i < z->server_count; i++) {
		struct server_status *st = &z->servers[i];

		has_said = has_said || st->saying != TROUBLE_NOTHING;
		trouble_said(&st->trouble, st->saying, now);
		st->saying = TROUBLE_NOTHING;
	}
	if (has_said)
		signer_alarms_arm(z);
}

void signer_alarms_free(struct signer_zone *z)
{
	loop_event_free(z->alarm);
	z->alarm = NULL;
}
