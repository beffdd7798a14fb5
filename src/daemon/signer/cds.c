/* A parent is told of each change of a zone's CDS and CDNSKEY sets (RFC 9859), when all servers of
 * the zone have it, or after an hour.  What it was told last is kept, so that nothing is told twice
 * or forgotten over a restart.  A NOTIFY only makes a parent look sooner: after a few tries that
 * failed it is left at that.  Runs in the signing side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"

#define PATIENCE 3600 /* seconds that servers have to get the version */
#define RETRY_FIRST 60
#define TRIES 6

struct zone_cds {
	struct signer_zone *zone;
	uint64_t told;	 /* mark of the sets that the parent was told of; 0: never */
	uint64_t wanted; /* ... is to be told of */
	int64_t since;	 /* they are published */
	unsigned tries;
	struct dsync_job *job; /* NULL: none under way */
	struct loop_event *again;
};

/* What the store keeps */

static void load(struct zone_cds *c)
{
	const struct signer_zone *z = c->zone;
	struct snapshot *sn = NULL;
	const uint8_t *value;
	struct reader r;
	size_t len;

	if (snapshot_open(z->signer->store, &sn, NULL) != OK)
		return;
	if (snapshot_meta(sn, META_CDS, z->key, z->key_len, &value, &len) == OK) {
		r = reader_of(value, len);
		c->told = reader_u64(&r);
	}
	snapshot_close(sn);
}

/* What cannot be kept is told once more after a restart. */
static void save(const struct zone_cds *c)
{
	const struct signer_zone *z = c->zone;
	struct store_write *w = NULL;
	uint8_t value[8];
	struct err e = {0};
	int code = store_write_begin(z->signer->store, &w, &e);

	store_u64(value, c->told);
	if (code == OK)
		code = store_write_meta(w, META_CDS, z->key, z->key_len, value, sizeof(value), &e);
	if (code == OK)
		code = store_write_commit(w, &e);
	else
		store_write_abort(w);
	if (code != OK)
		log_error(
		    "zone %s: it cannot be written down that its parent was told of its CDS: %s",
		    z->name, e.text);
}

int signer_cds_remove(const struct signer_zone *z, struct store_write *w, struct err *e)
{
	return store_write_meta(w, META_CDS, z->key, z->key_len, NULL, 0, e);
}

/* What is published */

/* FNV-1a.  0: there are none. */
static uint64_t mark_of(const struct keyset *ks)
{
	uint64_t hash = 14695981039346656037ULL;

	if (ks->cds_count == 0 && ks->cdnskey_count == 0)
		return 0;
	for (unsigned i = 0; i < ks->cds_len; i++)
		hash = (hash ^ ks->cds[i]) * 1099511628211ULL;
	for (unsigned i = 0; i < ks->cdnskey_len; i++)
		hash = (hash ^ ks->cdnskey[i]) * 1099511628211ULL;
	return hash;
}

/* Of what the current version has; 0: none, or another one is about to be made. */
static uint64_t published_mark(const struct signer_zone *z, int64_t now)
{
	struct keyset ks;
	struct err e = {0};

	if (!z->has_head || !z->head.published || z->observe == NULL || z->deleting ||
	    signer_zone_keyset(z, now, &ks, &e) != OK || sign_keyset_mark(&ks) != z->head.keyset)
		return 0;
	return mark_of(&ks);
}

/* Telling */

static void settle(struct zone_cds *c)
{
	c->told = c->wanted;
	c->tries = 0;
	loop_event_stop(c->again);
	save(c);
}

static void failed(struct zone_cds *c, const char *why)
{
	const char *name = c->zone->name;
	int64_t wait = (int64_t)RETRY_FIRST << c->tries;

	if (++c->tries < TRIES) {
		log_notice("zone %s: its parent could not be told of its CDS: %s", name, why);
		loop_event_set(c->again, clock_calendar() + wait);
		return;
	}
	log_warning("zone %s: its parent could not be told of its CDS, which it will see when it "
		    "looks by itself: %s",
	    name, why);
	settle(c);
}

static void told(void *arg, int code, const char *where, const char *why)
{
	struct zone_cds *c = arg;

	c->job = NULL;
	if (code != OK) {
		failed(c, why);
		return;
	}
	if (where[0] != '\0')
		log_notice("zone %s: its parent was told of its CDS, at %s", c->zone->name, where);
	settle(c);
	signer_cds_look(c->zone); /* they may be other ones by now */
}

static const char *server_of(const struct signer_zone *z)
{
	const struct config_policy *p = config_policy(z->signer->config, z->sign_policy.name);

	return p == NULL ? NULL : p->parent.notify;
}

static bool can_tell(const struct signer_zone *z)
{
	return server_of(z) != NULL || z->signer->config->resolver.origin.line > 0;
}

static void tell(struct zone_cds *c)
{
	const struct signer_zone *z = c->zone;

	c->job = dsync_start(z->signer, z->apex, server_of(z), told, c);
}

static void again_due(void *arg, int64_t due)
{
	struct zone_cds *c = arg;

	(void)due;
	signer_cds_look(c->zone);
}

static struct zone_cds *cds_of(struct signer_zone *z)
{
	if (z->cds == NULL) {
		z->cds = mem_alloc(sizeof(*z->cds));
		z->cds->zone = z;
		z->cds->again = loop_event_new(z->signer->loop, again_due, z->cds);
		load(z->cds);
	}
	return z->cds;
}

void signer_cds_look(struct signer_zone *z)
{
	int64_t now = clock_calendar();
	uint64_t mark = can_tell(z) ? published_mark(z, now) : 0;
	struct zone_cds *c;

	if (mark == 0)
		return;
	c = cds_of(z);
	if (c->job != NULL || mark == c->told)
		return;
	if (mark != c->wanted) {
		c->wanted = mark;
		c->since = now;
		c->tries = 0;
		loop_event_stop(c->again);
	}
	if (c->tries > 0 && loop_event_due(c->again) > now)
		return;
	if (signer_observe_all_have(z, z->head.serial_out) || now - c->since >= PATIENCE)
		tell(c);
	else
		loop_event_set(c->again, c->since + PATIENCE);
}

void signer_cds_free(struct signer_zone *z)
{
	struct zone_cds *c = z->cds;

	if (c == NULL)
		return;
	z->cds = NULL;
	dsync_cancel(c->job);
	loop_event_free(c->again);
	free(c);
}
