/* lag: see lag.h.  Runs in the signing side. */
#include "watch/lag.h"

#include <stdio.h>
#include <string.h>
#include "base/err.h"
#include "base/period.h"
#include "dns/soa.h"

bool lag_publish(struct lag_versions *v, uint32_t serial, int64_t at, int64_t expires)
{
	if (v->count > 0 && v->list[v->count - 1].serial == serial)
		return false;
	if (v->count == LAG_VERSIONS) {
		memmove(&v->list[0], &v->list[1], sizeof(v->list) - sizeof(v->list[0]));
		v->count--;
	}
	v->list[v->count++] = (struct lag_version){serial, at, expires};
	return true;
}

void lag_write(const struct lag_versions *v, struct buf *out)
{
	for (unsigned i = 0; i < v->count; i++) {
		buf_u32(out, v->list[i].serial);
		buf_u64(out, (uint64_t)v->list[i].at);
		buf_u64(out, (uint64_t)v->list[i].expires);
	}
}

int lag_read(const void *data, size_t len, struct lag_versions *out)
{
	struct reader r = reader_of(data, len);
	struct lag_versions v = {.count = 0};

	while (reader_left(&r) > 0 && v.count < LAG_VERSIONS) {
		struct lag_version *x = &v.list[v.count++];

		x->serial = reader_u32(&r);
		x->at = (int64_t)reader_u64(&r);
		x->expires = (int64_t)reader_u64(&r);
	}
	if (r.failed || reader_left(&r) > 0)
		return ERR_FORMAT;
	*out = v;
	return OK;
}

struct lag lag_of(const struct lag_versions *v, uint32_t serial)
{
	const struct lag_version *last = v->count > 0 ? &v->list[v->count - 1] : NULL;
	struct lag l = {.is_behind = last != NULL && serial_gt(last->serial, serial)};

	if (!l.is_behind)
		return (struct lag){.is_behind = false};
	l.serials = last->serial - serial;
	for (unsigned i = 0; i + 1 < v->count; i++) {
		if (v->list[i].serial != serial)
			continue;
		l.versions = v->count - 1 - i;
		l.since = v->list[i + 1].at;
		l.expires = v->list[i].expires;
	}
	return l;
}

void lag_text(const struct lag *l, char out[LAG_TEXT_SIZE])
{
	char since[TIME_TEXT_SIZE];

	out[0] = '\0';
	time_text(l->since, since);
	if (l->is_behind && l->versions > 0)
		snprintf(out, LAG_TEXT_SIZE, "%u version%s behind since %s", l->versions,
		    l->versions == 1 ? "" : "s", since);
	else if (l->is_behind)
		snprintf(out, LAG_TEXT_SIZE, "%u serials behind", l->serials);
}

void lag_finding(
    const struct lag *l, bool is_stuck, int64_t expires, int64_t now, char out[LAG_TEXT_SIZE])
{
	char at[TIME_TEXT_SIZE];

	out[0] = '\0';
	if (l->expires != 0 && (expires == 0 || l->expires < expires))
		expires = l->expires;
	if (expires == 0)
		return;
	time_text(expires, at);
	if (expires <= now)
		snprintf(out, LAG_TEXT_SIZE,
		    "signatures that it serves have expired since %s: validators fail there", at);
	else if (l->is_behind && is_stuck)
		snprintf(out, LAG_TEXT_SIZE,
		    "signatures that it serves expire from %s on: then validators fail there", at);
}
