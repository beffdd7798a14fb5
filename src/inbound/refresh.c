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

static void zone_event(void *arg, int64_t due)
{
	struct zone *z = arg;

	if (is_due(&z->expire_at, due)) {
		char name[NAME_TEXT_SIZE];

		name_text(z->apex, name);
		log_warning("zone %s: no source has confirmed it for %lld s (its SOA EXPIRE)", name,
		    (long long)expire_interval(&z->soa));
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

void zone_set_fresh(struct zone *z)
{
	z->refreshed = clock_calendar();
	z->has_failed = false;
	z->refresh_at = z->refreshed + refresh_interval(&z->soa);
	z->expire_at = z->refreshed + expire_interval(&z->soa);
	zone_set_expired(z, false);
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
			z->expire_at = z->refreshed + expire_interval(&z->soa);
	}
	z->want_round = true;
	z->want_file = true;
	zone_arm(z);
}
