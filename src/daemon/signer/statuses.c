/* What is known of the zones' sources and destinations (R60): learnt from the network side, kept in
 * the store so that it survives a restart.  Signing side.
 *
 * A server that fails is asked again and again, and is PENDING for a moment each time: what it was
 * before goes on when it comes back to that. */
#include "daemon/signer/statuses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/destinations.h"
#include "daemon/signer/signer.h"
#include "daemon/signer/tell.h"
#include "inbound/inbound.h"
#include "outbound/outbound.h"

#define META_STATUS 'S' /* zone key, 00, 's' or 'd', server name -> status */
#define STATUS_KEY_MAX (NAME_KEY_MAX + PEER_NAME_MAX + 2)
#define STATUS_PENDING 0
#define SAVE_MS 1000
#define SAVE_URGENT_MS 20
#define SAVE_AGAIN_MS 10000 /* after a failure */
#define SAVE_MOST 500	    /* zones in one write */

_Static_assert(
    (int)SOURCE_PENDING_XFER == STATUS_PENDING && (int)DESTINATION_PENDING_XFER == STATUS_PENDING,
    "a status of zeros is pending");

/* Learnt */

const char *signer_status_name_of(bool is_source, unsigned status)
{
	return is_source ? source_status_name((enum source_status)status)
			 : destination_status_name((enum destination_status)status);
}

const char *signer_status_name(const struct server_status *st)
{
	return signer_status_name_of(st->is_source, st->status);
}

static struct server_status *find_status(struct signer_zone *z, bool is_source, const char *server)
{
	for (unsigned i = 0; i < z->server_count; i++) {
		if (z->servers[i].is_source == is_source &&
		    strcmp(z->servers[i].server, server) == 0)
			return &z->servers[i];
	}
	return NULL;
}

bool signer_status_is_failure(const struct server_status *st)
{
	return st->is_source ? st->status >= SOURCE_FAILED_XFER
			     : st->status == DESTINATION_FAILED_XFER;
}

static void status_log(const struct signer_zone *z, const struct server_status *st)
{
	const char *what = st->is_source ? "source" : "destination";
	const char *server = st->server[0] == '\0' ? "(file)" : st->server;

	if (signer_status_is_failure(st))
		log_warning("zone %s: %s %s is %s: %s", z->name, what, server,
		    signer_status_name(st), st->reason);
	else
		log_notice("zone %s: %s %s is %s", z->name, what, server, signer_status_name(st));
}

/* Is it another one than before the transfer that is over now? */
static void settle(struct signer_zone *z, struct server_status *st, int64_t now)
{
	uint64_t word = history_word(st->reason);
	unsigned from = st->settled;

	if (st->status == STATUS_PENDING)
		return;
	if (st->settled != st->status || st->settled_since == 0) {
		st->settled = st->status;
		st->settled_since = now;
		signer_history_note(z, st, from);
	} else if (signer_status_is_failure(st) && st->settled_word != 0 &&
		   st->settled_word != word) {
		signer_history_note(z, st, from);
	}
	st->settled_word = word;
	st->since = st->settled_since;
}

void signer_status_set(struct signer_zone *z, bool is_source, const char *server, unsigned status,
    bool has_serial, uint32_t serial, const char *reason)
{
	struct server_status *st = find_status(z, is_source, server);
	bool changed, reworded;

	if (st == NULL)
		return; /* taken out of the configuration meanwhile */
	changed = st->status != status || st->since == 0;
	reworded = strcmp(st->reason, reason) != 0;
	if (changed || reworded || st->has_serial != has_serial || st->serial != serial) {
		if (changed)
			st->since = clock_calendar();
		st->status = (uint8_t)status;
		if (has_serial) {
			st->has_serial = true;
			st->serial = serial;
		}
		snprintf(st->reason, sizeof(st->reason), "%s", reason);
		settle(z, st, clock_calendar());
		if (changed || (reworded && signer_status_is_failure(st)))
			status_log(z, st);
		signer_status_dirty(z);
	}
	signer_alarm_note(z, st);
}

/* Saved */

void signer_status_dirty(struct signer_zone *z)
{
	z->statuses_dirty = true;
	if (!z->signer->save_armed) {
		z->signer->save_armed = true;
		loop_timer_set(z->signer->save_statuses, SAVE_MS);
	}
}

void signer_status_urgent(struct signer_zone *z)
{
	z->statuses_dirty = z->signer->save_armed = true;
	if (!z->signer->save_is_urgent) {
		z->signer->save_is_urgent = true;
		loop_timer_set(z->signer->save_statuses, SAVE_URGENT_MS);
	}
}

static size_t status_key(
    const struct signer_zone *z, const struct server_status *st, uint8_t key[STATUS_KEY_MAX])
{
	memcpy(key, z->key, z->key_len);
	key[z->key_len] = 0;
	key[z->key_len + 1] = st->is_source ? 's' : 'd';
	strcpy((char *)key + z->key_len + 2, st->server);
	return z->key_len + 2 + strlen(st->server);
}

static void write_status(const struct server_status *st, int64_t now, struct buf *out)
{
	struct trouble trouble = st->trouble;

	trouble_said(&trouble, st->saying, now);
	buf_u8(out, st->status);
	buf_u64(out, (uint64_t)st->since);
	buf_u8(out, st->has_serial);
	buf_u32(out, st->serial);
	buf_str(out, st->reason);
	buf_u8(out, st->settled);
	buf_u64(out, (uint64_t)st->settled_since);
	trouble_write(&trouble, out);
}

static void read_status(struct server_status *st, struct reader *r)
{
	st->status = reader_u8(r);
	st->since = (int64_t)reader_u64(r);
	st->has_serial = reader_u8(r) != 0;
	st->serial = reader_u32(r);
	reader_str(r, st->reason, sizeof(st->reason));
	if (r->failed) {
		memset(&st->status, 0, sizeof(*st) - offsetof(struct server_status, status));
		return;
	}
	if (reader_left(r) == 0) { /* of a version that kept no more */
		st->settled = st->status;
		st->settled_since = st->status == STATUS_PENDING ? 0 : st->since;
		return;
	}
	st->settled = reader_u8(r);
	st->settled_since = (int64_t)reader_u64(r);
	trouble_read(r, &st->trouble);
}

static int save_servers(struct signer_zone *z, struct store_write *w, struct err *e)
{
	uint8_t key[STATUS_KEY_MAX];
	struct buf value = {0};
	int64_t now = clock_calendar();
	int code = OK;

	for (unsigned i = 0; i < z->server_count && code == OK; i++) {
		const struct server_status *st = &z->servers[i];
		size_t len = status_key(z, st, key);

		if (st->since == 0)
			continue;
		buf_reset(&value);
		write_status(st, now, &value);
		code = store_write_meta(w, META_STATUS, key, len, value.data, value.len, e);
	}
	buf_free(&value);
	return code;
}

static int save_zone(struct signer_zone *z, struct store_write *w, struct err *e)
{
	int code = signer_alarms_save(z, w, e);

	if (code == OK)
		code = save_servers(z, w, e);
	if (code == OK)
		code = signer_history_save(z, w, e);
	if (code == OK)
		code = signer_parent_save(z, w, e);
	if (code == OK)
		code = signer_life_save(z, w, e);
	if (code == OK)
		code = signer_destinations_save(z, w, e);
	if (code == OK)
		code = signer_tell_save(z, w, e);
	if (code == OK && z->has_head && z->run == NULL && z->beside == NULL)
		code = store_write_head(w, &z->head, e);
	return code;
}

static void zone_saved(struct signer_zone *z)
{
	z->statuses_dirty = false;
	signer_alarms_saved(z);
	signer_history_saved(z);
	signer_tell_saved(z);
}

/* false: some are left. */
static bool save_some(struct signer *s, struct store_write *w, int *code, struct err *e)
{
	unsigned count = 0;

	for (unsigned i = 0; i < s->zone_count && *code == OK; i++) {
		struct signer_zone *z = s->zones[i];

		if (!z->statuses_dirty || z->deleting)
			continue;
		if (count++ == SAVE_MOST)
			return false;
		z->statuses_saving = true;
		*code = save_zone(z, w, e);
	}
	return true;
}

static void save_again(struct signer *s, uint64_t ms)
{
	s->save_armed = true;
	loop_timer_set(s->save_statuses, ms);
}

/* One commit for zones about which something was learnt since the last.  false: some are left. */
static bool save(struct signer *s)
{
	struct store_write *w = NULL;
	struct err e = {0};
	int code = store_write_begin(s->store, &w, &e);
	bool is_all = code != OK || save_some(s, w, &code, &e);

	if (code == OK)
		code = store_write_commit(w, &e);
	else if (w != NULL)
		store_write_abort(w);
	for (unsigned i = 0; i < s->zone_count; i++) {
		if (s->zones[i]->statuses_saving && code == OK)
			zone_saved(s->zones[i]);
		s->zones[i]->statuses_saving = false;
	}
	s->save_armed = s->save_is_urgent = false;
	if (code != OK) {
		log_error("the statuses of servers cannot be saved: %s", e.text);
		save_again(s, SAVE_AGAIN_MS);
	}
	return is_all || code != OK;
}

void signer_statuses_save(void *arg)
{
	struct signer *s = arg;

	if (save(s))
		return;
	s->save_is_urgent = true; /* as they may be */
	save_again(s, 0);
}

void signer_statuses_save_all(struct signer *s)
{
	while (!save(s))
		;
}

/* What the configuration says */

static void load_status(struct signer_zone *z, struct server_status *st, struct snapshot *sn)
{
	uint8_t key[STATUS_KEY_MAX];
	const uint8_t *value;
	size_t len;
	struct reader r;

	if (snapshot_meta(sn, META_STATUS, key, status_key(z, st, key), &value, &len) != OK)
		return;
	r = reader_of(value, len);
	read_status(st, &r);
}

static void add_server(struct signer_zone *z, bool is_source, const char *name)
{
	struct server_status *st = &z->servers[z->server_count++];

	st->is_source = is_source;
	snprintf(st->server, sizeof(st->server), "%s", name);
}

static void take_over(struct server_status *st, struct server_status *old, unsigned old_count)
{
	for (unsigned j = 0; j < old_count; j++) {
		if (old[j].is_source != st->is_source || strcmp(old[j].server, st->server) != 0)
			continue;
		*st = old[j];
		old[j].recent = NULL;
	}
}

static void free_servers(struct server_status *servers, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		free(servers[i].recent);
	free(servers);
}

void signer_statuses_configure(
    struct signer_zone *z, const struct config_zone *c, struct snapshot *sn)
{
	struct server_status *old = z->servers;
	unsigned old_count = z->server_count;

	z->servers = mem_array(c->sources.count + c->destinations.count + 1, sizeof(*z->servers));
	z->server_count = 0;
	for (unsigned i = 0; i < c->sources.count; i++)
		add_server(z, true, c->sources.list[i]);
	if (c->input_file != NULL)
		add_server(z, true, "");
	for (unsigned i = 0; i < c->destinations.count; i++)
		add_server(z, false, c->destinations.list[i]);
	for (unsigned i = 0; i < z->server_count; i++) {
		struct server_status *st = &z->servers[i];

		take_over(st, old, old_count);
		if (st->since == 0)
			load_status(z, st, sn);
		if (st->since == 0)
			st->since = clock_calendar(); /* pending from now on */
	}
	free_servers(old, old_count);
	signer_alarms_arm(z);
}

int signer_statuses_forget(const struct signer_zone *z, struct store_write *w, struct err *e)
{
	uint8_t key[STATUS_KEY_MAX];
	int code = signer_history_forget(z, w, e);

	if (code == OK)
		code = signer_tell_forget(z, w, e);
	for (unsigned i = 0; i < z->server_count && code == OK; i++) {
		size_t len = status_key(z, &z->servers[i], key);

		code = store_write_meta(w, META_STATUS, key, len, NULL, 0, e);
	}
	return code;
}

void signer_statuses_free(struct signer_zone *z)
{
	signer_alarms_free(z);
	signer_history_free(z);
	free_servers(z->servers, z->server_count);
	z->servers = NULL;
	z->server_count = 0;
}
