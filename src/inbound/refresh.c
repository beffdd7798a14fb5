/* A zone's times: SOA refresh, our retry, SOA expire (RFC 1035 4.3.5).  Network side.
 *
 * All three are calendar times and share one entry in the event queue, which is all that an idle
 * zone costs. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "inbound/internal.h"

/* Whatever a source's SOA says, it is not asked more often than that, and not less. */
#define REFRESH_MIN 5
#define REFRESH_MAX (28 * 86400)

void zone_status(const struct zone *z, const char *source, enum source_status status,
    bool has_serial, uint32_t serial, const char *reason)
{
	const struct inbound_hooks *h = &z->in->hooks;

	h->status(h->arg, z->apex, source, status, has_serial, serial, reason);
}

static void zone_set_expired(struct zone *z, bool expired)
{
	const struct inbound_hooks *h = &z->in->hooks;

	if (z->is_expired == expired)
		return;
	z->is_expired = expired;
	h->expired(h->arg, z->apex, expired);
}

void zone_arm(struct zone *z)
{
	const int64_t times[] = {z->refresh_at, z->retry_at, z->expire_at};
	int64_t first = 0;

	for (size_t i = 0; i < MEM_COUNT(times); i++) {
		if (times[i] != 0 && (first == 0 || times[i] < first))
			first = times[i];
	}
	if (first == 0)
		loop_event_stop(z->event);
	else
		loop_event_set(z->event, first);
}

static bool is_due(int64_t *at, int64_t now)
{
	if (*at == 0 || *at > now)
		return false;
	*at = 0;
	return true;
}

static int64_t refresh_interval(const struct soa *soa)
{
	if (soa->refresh < REFRESH_MIN)
		return REFRESH_MIN;
	return soa->refresh > REFRESH_MAX ? REFRESH_MAX : (int64_t)soa->refresh;
}

static int64_t expire_interval(const struct soa *soa)
{
	int64_t refresh = refresh_interval(soa);

	/* Nobody may be told that a zone expired before its sources were asked again. */
	return soa->expire > refresh ? (int64_t)soa->expire : refresh + 1;
}

static void log_expired(const struct zone *z)
{
	char name[NAME_TEXT_SIZE];

	name_text(z->apex, name);
	if (z->is_given)
		log_warning("zone %s: no source has confirmed it, and the version has run out that "
			    "its source gave %lld s (EDNS EXPIRE)",
		    name, (long long)z->given);
	else
		log_warning("zone %s: no source has confirmed it for %lld s (its SOA EXPIRE)", name,
		    (long long)expire_interval(&z->soa));
}

static void zone_event(void *arg, int64_t due)
{
	struct zone *z = arg;

	if (is_due(&z->expire_at, due)) {
		log_expired(z);
		zone_set_expired(z, true);
	}
	if (is_due(&z->refresh_at, due))
		z->want_round = true;
	if (is_due(&z->retry_at, due)) {
		z->want_round = z->want_round || z->has_failed;
		z->want_file = z->want_file || z->has_file_failed;
		for (unsigned i = 0; i < z->source_count; i++) {
			if (z->sources[i].is_owed)
				z->sources[i].is_notified = true;
		}
	}
	zone_arm(z);
	zone_pump(z);
}

/* A source that is a secondary itself says how long its version lasts still.  That holds for a new
 * one; of the one that we have it can only make the time longer, and never longer than the SOA says
 * (RFC 7314 4).  It is asked again before that time is over. */
static void take_given(struct zone *z, int64_t before)
{
	int64_t given = z->given > 2 * REFRESH_MIN ? (int64_t)z->given : 2 * REFRESH_MIN;
	int64_t at = z->refreshed + given;

	if (at < before)
		at = before;
	if (at < z->expire_at)
		z->expire_at = at;
	if (z->refreshed + given / 2 < z->refresh_at)
		z->refresh_at = z->refreshed + given / 2;
}

void zone_set_fresh(struct zone *z, bool is_new)
{
	const struct inbound_hooks *h = &z->in->hooks;
	int64_t before = is_new ? 0 : z->expire_at;

	z->refreshed = clock_calendar();
	z->has_failed = false;
	z->refresh_at = z->refreshed + refresh_interval(&z->soa);
	z->expire_at = z->refreshed + expire_interval(&z->soa);
	if (z->is_given)
		take_given(z, before);
	zone_set_expired(z, false);
	if (z->is_given || !is_new) /* whoever signs a new one knows its SOA */
		h->refreshed(h->arg, z->apex, z->refreshed, z->is_given ? z->expire_at : 0);
}

bool zone_owes(const struct zone *z)
{
	for (unsigned i = 0; i < z->source_count; i++) {
		if (z->sources[i].is_owed)
			return true;
	}
	return z->has_failed || z->has_file_failed;
}

void zone_start(struct zone *z, const struct zone_head *head)
{
	z->event = loop_event_new(z->in->loop, zone_event, z);
	if (head != NULL && head->has_in) {
		z->has_version = true;
		z->input_mark = head->input_mark;
		z->serial = head->serial_in;
		z->soa = head->soa_in;
		z->refreshed = head->refreshed != 0 ? head->refreshed : clock_calendar();
		if (z->source_count > 0)
			z->expire_at = head->source_expires != 0
					   ? head->source_expires
					   : z->refreshed + expire_interval(&z->soa);
	}
	z->want_round = true;
	z->want_file = true;
	zone_arm(z);
}
