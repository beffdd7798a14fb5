/* What the network side found at a zone's destinations: see destinations.h.  A server that shows
 * our serial without our signatures does not have our version: steps of keys wait for it as for one
 * that is behind (R25). */
#include "daemon/signer/destinations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"

struct destination {
	char server[PEER_NAME_MAX];
	int64_t asked;
	enum destination_signatures signatures;
	int64_t expires;
	char said[LAG_TEXT_SIZE]; /* the finding that the log has */
};

struct zone_destinations {
	struct lag_versions versions;
	struct destination *list; /* those of the configuration */
	unsigned count;
};

const char *signer_signatures_name(enum destination_signatures s)
{
	static const char *const names[] = {"unknown", "there", "none", "other"};

	return names[s];
}

static struct destination *find(const struct zone_destinations *all, const char *server)
{
	for (unsigned i = 0; all != NULL && i < all->count; i++) {
		if (strcmp(all->list[i].server, server) == 0)
			return &all->list[i];
	}
	return NULL;
}

/* What was published */

void signer_destinations_version(struct signer_zone *z)
{
	const struct zone_head *h = &z->head;

	if (z->destinations != NULL && z->has_head && h->published && h->generation != 0 &&
	    lag_publish(
		&z->destinations->versions, h->serial_out, clock_calendar(), h->expiry_first))
		signer_status_dirty(z);
}

int signer_destinations_save(const struct signer_zone *z, struct store_write *w, struct err *e)
{
	struct buf value = {0};
	int code = OK;

	if (z->destinations == NULL || z->destinations->versions.count == 0)
		return OK;
	lag_write(&z->destinations->versions, &value);
	code = store_write_meta(w, META_VERSIONS, z->key, z->key_len, value.data, value.len, e);
	buf_free(&value);
	return code;
}

int signer_destinations_forget(const struct signer_zone *z, struct store_write *w, struct err *e)
{
	return store_write_meta(w, META_VERSIONS, z->key, z->key_len, NULL, 0, e);
}

static void load(const struct signer_zone *z, struct snapshot *sn)
{
	const uint8_t *value;
	size_t len;

	if (snapshot_meta(sn, META_VERSIONS, z->key, z->key_len, &value, &len) == OK &&
	    lag_read(value, len, &z->destinations->versions) != OK)
		log_warning("zone %s: the row of its last versions cannot be read; it is made anew",
		    z->name);
}

void signer_destinations_configure(struct signer_zone *z, struct snapshot *sn)
{
	struct zone_destinations *all = z->destinations;
	struct destination *list = mem_array(z->server_count + 1, sizeof(*list)), *known;
	unsigned count = 0;

	for (unsigned i = 0; i < z->server_count; i++) {
		if (z->servers[i].is_source)
			continue;
		known = find(all, z->servers[i].server);
		if (known != NULL)
			list[count] = *known;
		snprintf(
		    list[count].server, sizeof(list[count].server), "%s", z->servers[i].server);
		count++;
	}
	if (all == NULL) {
		all = z->destinations = mem_alloc(sizeof(*all));
		load(z, sn);
	}
	free(all->list);
	all->list = list;
	all->count = count;
	signer_destinations_version(z);
}

void signer_destinations_free(struct signer_zone *z)
{
	struct zone_destinations *all = z->destinations;

	z->destinations = NULL;
	if (all == NULL)
		return;
	free(all->list);
	free(all);
}

/* What is seen */

void signer_destination_view(const struct signer_zone *z, const char *server,
    enum destination_status status, bool has_serial, uint32_t serial, struct destination_view *out)
{
	const struct zone_destinations *all = z->destinations;
	const struct destination *d = find(all, server);

	*out = (struct destination_view){.asked = 0};
	if (d == NULL)
		return;
	out->asked = d->asked;
	out->signatures = d->signatures;
	out->expires = d->expires;
	if (has_serial)
		out->lag = lag_of(&all->versions, serial);
	lag_text(&out->lag, out->behind);
	lag_finding(&out->lag, status == DESTINATION_FAILED_XFER, d->expires, clock_calendar(),
	    out->finding);
}

static void log_finding(
    const struct signer_zone *z, struct destination *d, const struct destination_view *v)
{
	if (strcmp(d->said, v->finding) != 0 && v->finding[0] != '\0')
		log_warning("zone %s: destination %s: %s", z->name, d->server, v->finding);
	memcpy(d->said, v->finding, sizeof(d->said));
}

static bool has_our_signatures(enum destination_signatures s)
{
	return s == SIGNATURES_THERE || s == SIGNATURES_UNKNOWN;
}

static void observe(struct signer_zone *z, const char *server, const struct destination_news *news)
{
	if (news->has_serial && has_our_signatures(news->signatures))
		signer_observe_seen(z, server, news->serial);
	else if (news->has_serial || news->status == DESTINATION_FAILED_XFER)
		signer_observe_lost(z, server);
}

/* The reason why it failed, and how far it is behind therefore. */
static void put_reason(
    const struct destination_news *news, const struct destination_view *v, char out[REASON_MAX])
{
	bool has_lag = news->status == DESTINATION_FAILED_XFER && v->behind[0] != '\0';

	if (has_lag)
		snprintf(out, REASON_MAX, "%.230s%s%s", news->reason,
		    strchr(news->reason, ':') != NULL ? "; " : ": ", v->behind);
	else
		snprintf(out, REASON_MAX, "%s", news->reason);
}

void signer_destination_news(struct signer_zone *z, struct reader *body)
{
	char server[PEER_NAME_MAX], reason[DESTINATION_REASON_MAX], words[REASON_MAX];
	struct destination_news news = {.reason = reason};
	struct destination_view v;
	struct destination *d;

	reader_str(body, server, sizeof(server));
	news.status = reader_u8(body);
	news.has_serial = reader_u8(body) != 0;
	news.serial = reader_u32(body);
	reader_str(body, reason, sizeof(reason));
	news.signatures = reader_u8(body);
	news.expires = (int64_t)reader_u64(body);
	d = find(z->destinations, server);
	if (body->failed || d == NULL || news.status > DESTINATION_FAILED_XFER ||
	    news.signatures > SIGNATURES_OTHER)
		return;
	d->asked = clock_calendar();
	d->signatures = news.signatures;
	d->expires = news.expires;
	signer_destination_view(z, server, news.status, news.has_serial, news.serial, &v);
	put_reason(&news, &v, words);
	signer_status_set(z, false, server, news.status, news.has_serial, news.serial, words);
	log_finding(z, d, &v);
	observe(z, server, &news);
}
