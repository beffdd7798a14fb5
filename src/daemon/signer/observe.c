/* Which versions of a zone its servers have, as they were seen to answer (R25), and which of them
 * the operator does not wait for.  Runs in the signing side; the network side asks.
 *
 * What was seen is lost with the process: then each server counts as having nothing until it
 * answers again, which delays steps and endangers none.  Releases are kept in the store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/destinations.h"
#include "daemon/signer/signer.h"
#include "dns/soa.h"
#include "keys/observe.h"
#include "outbound/outbound.h"

struct watched {
	char name[PEER_NAME_MAX];
	bool is_released; /* and so not among those of struct observe */
	struct observe_server seen;
};

/* Stands for the name servers that are not found yet: a server that has nothing. */
#define NOT_FOUND "nameservers"

struct zone_observe {
	struct observe observe;
	struct watched *servers; /* the zone's destinations, then its name servers */
	unsigned count;
	struct signer_release *releases;
	unsigned release_count;
};

static struct watched *find(const struct zone_observe *o, const char *server)
{
	for (unsigned i = 0; i < o->count; i++) {
		if (strcmp(o->servers[i].name, server) == 0)
			return &o->servers[i];
	}
	return NULL;
}

/* Its place among those that are waited for. */
static unsigned index_of(const struct zone_observe *o, const struct watched *w)
{
	unsigned n = 0;

	for (const struct watched *i = o->servers; i < w; i++)
		n += !i->is_released;
	return n;
}

static void arrange(struct zone_observe *o)
{
	struct observe_server *seen = mem_array(o->count + 1, sizeof(*seen));
	unsigned n = 0;

	for (unsigned i = 0; i < o->count; i++) {
		if (!o->servers[i].is_released)
			seen[n++] = o->servers[i].seen;
	}
	observe_servers(&o->observe, seen, n, clock_calendar());
	free(seen);
}

/* Releases */

static struct signer_release *find_release(const struct zone_observe *o, const char *server)
{
	for (unsigned i = 0; i < o->release_count; i++) {
		if (strcmp(o->releases[i].server, server) == 0)
			return &o->releases[i];
	}
	return NULL;
}

static void load_releases(const struct signer_zone *z, struct zone_observe *o)
{
	struct snapshot *sn = NULL;
	const uint8_t *value;
	size_t len;

	if (snapshot_open(z->signer->store, &sn, NULL) != OK)
		return;
	if (snapshot_meta(sn, META_RELEASES, z->key, z->key_len, &value, &len) == OK) {
		struct reader r = reader_of(value, len);

		while (reader_left(&r) > 0 && !r.failed) {
			struct signer_release *x;

			o->releases =
			    mem_grow(o->releases, o->release_count + 1, sizeof(*o->releases));
			x = &o->releases[o->release_count];
			reader_str(&r, x->server, sizeof(x->server));
			reader_str(&r, x->reason, sizeof(x->reason));
			reader_str(&r, x->requester, sizeof(x->requester));
			x->at = (int64_t)reader_u64(&r);
			o->release_count += !r.failed;
		}
	}
	snapshot_close(sn);
}

static int save_releases(const struct signer_zone *z, const struct zone_observe *o, struct err *e)
{
	struct store_write *w = NULL;
	struct buf value = {0};
	int code = store_write_begin(z->signer->store, &w, e);

	for (unsigned i = 0; i < o->release_count; i++) {
		const struct signer_release *x = &o->releases[i];

		buf_str(&value, x->server);
		buf_str(&value, x->reason);
		buf_str(&value, x->requester);
		buf_u64(&value, (uint64_t)x->at);
	}
	if (code == OK)
		code = store_write_meta(w, META_RELEASES, z->key, z->key_len,
		    o->release_count == 0 ? NULL : value.data, value.len, e);
	if (code == OK)
		code = store_write_commit(w, e);
	else
		store_write_abort(w);
	buf_free(&value);
	return code;
}

/* It is waited for again. */
static void forget_release(struct signer_zone *z, struct signer_release *x, const char *why)
{
	struct zone_observe *o = z->observe;
	unsigned i = (unsigned)(x - o->releases);
	struct watched *w = find(o, x->server);
	struct err e = {0};

	log_notice("zone %s: server %s is waited for again: %s", z->name, x->server, why);
	if (w != NULL)
		w->is_released = false;
	o->releases[i] = o->releases[--o->release_count];
	if (save_releases(z, o, &e) != OK)
		log_error(
		    "zone %s: that it is waited for again cannot be saved: %s", z->name, e.text);
}

int signer_observe_release(struct signer_zone *z, const char *server, const char *reason,
    const char *requester, struct err *e)
{
	struct zone_observe *o = z->observe;
	struct watched *w = find(o, server);
	struct signer_release *x;
	int code;

	if (w == NULL)
		return err_set(e, ERR_MISSING,
		    "zone %s waits for no server %s; \"intaglio zone status -z %s\" shows its servers, and whom held steps wait for",
		    z->name, server, z->name);
	x = find_release(o, server);
	if (x == NULL) {
		o->releases = mem_grow(o->releases, o->release_count + 1, sizeof(*o->releases));
		x = &o->releases[o->release_count++];
	}
	memset(x, 0, sizeof(*x));
	snprintf(x->server, sizeof(x->server), "%s", server);
	snprintf(x->reason, sizeof(x->reason), "%s", reason);
	snprintf(x->requester, sizeof(x->requester), "%s", requester);
	x->at = clock_calendar();
	code = save_releases(z, o, e);
	if (code != OK) {
		if (!w->is_released)
			*x = o->releases[--o->release_count];
		return code;
	}
	log_warning("zone %s: server %s is not waited for any more, says %s: %s", z->name, server,
	    requester, reason);
	w->is_released = true;
	arrange(o);
	signer_life_look(z);
	return OK;
}

const struct signer_release *signer_observe_released(
    const struct signer_zone *z, const char *server)
{
	return find_release(z->observe, server);
}

/* The table of servers */

static bool knows_nameservers(const struct signer_zone *z)
{
	const struct found *f = signer_find_found(z, FIND_NAMESERVERS);

	return !z->observes_nameservers || (f != NULL && f->is_complete);
}

/* The names of all servers that are to be seen; the array is the caller's. */
static const char **list_names(const struct signer_zone *z, unsigned *count)
{
	const struct found *f =
	    z->observes_nameservers ? signer_find_found(z, FIND_NAMESERVERS) : NULL;
	unsigned n = 0, found = f == NULL ? 0 : f->count;
	const char **names = mem_array(z->server_count + found + 1, sizeof(*names));

	for (unsigned i = 0; i < z->server_count && z->observes_destinations; i++) {
		if (!z->servers[i].is_source)
			names[n++] = z->servers[i].server;
	}
	for (unsigned i = 0; i < found; i++)
		names[n++] = f->servers[i];
	if (!knows_nameservers(z))
		names[n++] = NOT_FOUND;
	*count = n;
	return names;
}

static bool is_same(const struct zone_observe *o, const char *const *names, unsigned count)
{
	if (count != o->count)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(o->servers[i].name, names[i]) != 0)
			return false;
	}
	return true;
}

static void list_servers(struct zone_observe *o, const char *const *names, unsigned count)
{
	struct zone_observe old = *o;

	o->servers = mem_array(count + 1, sizeof(*o->servers));
	o->count = count;
	for (unsigned i = 0; i < count; i++) {
		struct watched *w = &o->servers[i], *known = find(&old, names[i]);

		if (known != NULL)
			*w = *known;
		snprintf(w->name, sizeof(w->name), "%s", names[i]);
		w->is_released = find_release(o, w->name) != NULL;
	}
	free(old.servers);
}

/* Those of name servers are kept until it is known which there are. */
static void forget_releases(struct signer_zone *z)
{
	struct zone_observe *o = z->observe;

	for (unsigned i = o->release_count; i > 0; i--) {
		struct signer_release *x = &o->releases[i - 1];

		if (find(o, x->server) != NULL ||
		    (strchr(x->server, '@') != NULL && !knows_nameservers(z)))
			continue;
		forget_release(z, x, "it is no server of the zone any more");
	}
}

void signer_observe_configure(struct signer_zone *z)
{
	struct zone_observe *o = z->observe;
	bool is_new = o == NULL;
	unsigned count;
	const char **names = list_names(z, &count);

	if (is_new) {
		o = z->observe = mem_alloc(sizeof(*o));
		load_releases(z, o);
	}
	if (is_new || !is_same(o, names, count)) {
		list_servers(o, names, count);
		forget_releases(z);
		arrange(o);
		signer_watch_configure(
		    z, z->observes_nameservers ? signer_find_found(z, FIND_NAMESERVERS) : NULL);
		signer_life_look(z);
	}
	free(names);
}

void signer_observe_free(struct signer_zone *z)
{
	struct zone_observe *o = z->observe;

	z->observe = NULL;
	if (o == NULL)
		return;
	observe_free(&o->observe);
	free(o->servers);
	free(o->releases);
	free(o);
}

/* What is published and seen */

static uint64_t signatures_of(const struct zone_head *h, const uint8_t id[TOKEN_ID_LEN])
{
	for (unsigned i = 0; i < h->key_count; i++) {
		if (memcmp(h->keys[i].id, id, TOKEN_ID_LEN) == 0)
			return h->keys[i].signatures;
	}
	return 0;
}

void signer_observe_version(struct signer_zone *z, const struct keyset *ks)
{
	struct observe_version v = {.serial = z->head.serial_out};
	uint64_t apex_sets = 1U + (ks->cds_count > 0) + (ks->cdnskey_count > 0);

	for (unsigned i = 0; i < ks->count; i++) {
		const struct keyset_key *from = &ks->keys[i];
		struct observe_key *to = &v.keys[v.key_count++];

		memcpy(to->id, from->id, sizeof(to->id));
		to->in_set = from->in_set;
		to->signs_set = from->signs_set;
		to->signs_all = from->signs_zone && !z->head.has_walk;
		to->signs_some =
		    signatures_of(&z->head, from->id) > (from->signs_set ? apex_sets : 0);
		v.is_signed = v.is_signed || from->signs_zone;
	}
	signer_find_version(z);
	signer_watch_version(z);
	signer_destinations_version(z);
	if (!observe_is_news(&z->observe->observe, &v))
		return;
	observe_publish(&z->observe->observe, &v, clock_calendar());
	signer_life_look(z);
}

/* Nothing of ours is newer than the head: a server that answers so has something else. */
void signer_observe_seen(struct signer_zone *z, const char *server, uint32_t serial)
{
	struct zone_observe *o = z->observe;
	struct watched *w = find(o, server);

	if (w == NULL)
		return;
	if (!z->has_head || !z->head.published || serial_gt(serial, z->head.serial_out)) {
		signer_observe_lost(z, server);
		return;
	}
	w->seen = (struct observe_server){true, serial};
	if (w->is_released) {
		if (serial != z->head.serial_out)
			return;
		forget_release(z, find_release(o, server), "it has the current version again");
		arrange(o);
		signer_life_look(z);
	} else if (observe_seen(&o->observe, index_of(o, w), serial, clock_calendar())) {
		signer_life_look(z);
	}
}

void signer_observe_lost(struct signer_zone *z, const char *server)
{
	struct zone_observe *o = z->observe;
	struct watched *w = find(o, server);

	if (w == NULL)
		return;
	w->seen.is_known = false;
	if (!w->is_released && observe_lost(&o->observe, index_of(o, w), clock_calendar()))
		signer_life_look(z);
}

/* Asked */

void signer_observe_facts(const struct signer_zone *z, const struct record *r, struct facts *f)
{
	observe_facts(&z->observe->observe, r, f);
}

bool signer_observe_all_have(const struct signer_zone *z, uint32_t serial)
{
	const struct zone_observe *o = z->observe;

	for (unsigned i = 0; i < o->count; i++) {
		const struct watched *w = &o->servers[i];

		if (!w->is_released && (!w->seen.is_known || serial_gt(serial, w->seen.serial)))
			return false;
	}
	return true;
}

/* Why it is not known to have the version; "": it is only not known yet. */
static const char *reason_of(const struct signer_zone *z, const char *server)
{
	const struct found *f = signer_find_found(z, FIND_NAMESERVERS);

	if (f != NULL && strcmp(server, NOT_FOUND) == 0)
		return f->why;
	for (unsigned i = 0; i < z->server_count; i++) {
		if (!z->servers[i].is_source && strcmp(z->servers[i].server, server) == 0)
			return z->servers[i].reason;
	}
	return signer_watch_reason(z, server);
}

static void add_laggard(const struct signer_zone *z, const char *server, char *out, size_t size)
{
	size_t len = strlen(out);
	const char *reason = reason_of(z, server);

	len += (size_t)snprintf(out + len, size - len, "%s%s", len == 0 ? "" : ", ", server);
	if (reason[0] != '\0' && len < size)
		snprintf(out + len, size - len, " (%s)", reason);
}

void signer_observe_laggards(const struct signer_zone *z, char *out, size_t size)
{
	const struct zone_observe *o = z->observe;

	if (size == 0)
		return;
	out[0] = '\0';
	for (unsigned i = 0; i < o->count && strlen(out) + 1 < size; i++) {
		const struct watched *w = &o->servers[i];

		if (!w->is_released && !observe_is_current(&o->observe, index_of(o, w)))
			add_laggard(z, w->name, out, size);
	}
}
