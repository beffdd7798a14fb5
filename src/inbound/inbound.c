/* The room itself: which zones there are, their spool files, and the calls from outside: see
 * inbound.h.  Network side. */
#include "inbound/inbound.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "inbound/file.h"
#include "inbound/internal.h"

/* Many servers give all their secondaries together about ten transfers at once and refuse more. */
#define TRANSFERS_MAX 64
#define TRANSFERS_PER_SOURCE 8
#define QUERIES_MAX 256
#define QUERIES_PER_SOURCE 64

#define PART_SUFFIX ".part"

const char *source_status_name(enum source_status s)
{
	switch (s) {
	case SOURCE_PENDING_XFER:
		return "SOURCE_PENDING_XFER";
	case SOURCE_OK:
		return "SOURCE_OK";
	case SOURCE_FAILED_XFER:
		return "SOURCE_FAILED_XFER";
	case SOURCE_SOA_QUERY_FAILED:
		return "SOURCE_SOA_QUERY_FAILED";
	}
	return "SOURCE_PENDING_XFER";
}

/* Zones, sorted by apex */

static int apex_compare(const uint8_t *a, const uint8_t *b)
{
	size_t alen = name_len(a), blen = name_len(b);

	return memcmp(a, b, alen < blen ? alen : blen);
}

static int zone_compare(const void *a, const void *b)
{
	const struct zone *const *za = a, *const *zb = b;

	return apex_compare((*za)->apex, (*zb)->apex);
}

static void apex_copy(uint8_t out[NAME_MAX_LEN], const uint8_t *name)
{
	memcpy(out, name, name_len(name));
	name_lower(out);
}

struct zone *inbound_find(const struct inbound *in, const uint8_t *apex)
{
	struct zone key, *pkey = &key, **found;

	if (in->zone_count == 0)
		return NULL;
	apex_copy(key.apex, apex);
	found = bsearch(&pkey, in->zones, in->zone_count, sizeof(in->zones[0]), zone_compare);
	return found == NULL ? NULL : *found;
}

static void zone_free(struct zone *z)
{
	zone_stop(z);
	file_free(z->file);
	loop_event_free(z->event);
	loop_timer_free(z->hint);
	free(z->sources);
	free(z);
}

/* Spool files */

/* What a process left unfinished.  What was handed over is the receiver's, who may still read it.
 */
static void spool_clean(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	if (d == NULL) {
		log_error("spool directory %s: %s", dir, strerror(errno));
		return;
	}
	while ((entry = readdir(d)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (len > strlen(PART_SUFFIX) &&
		    strcmp(entry->d_name + len - strlen(PART_SUFFIX), PART_SUFFIX) == 0)
			unlinkat(dirfd(d), entry->d_name, 0);
	}
	closedir(d);
}

char *inbound_spool_path(struct inbound *in)
{
	return mem_printf("%s/%lld-%d-%llu" PART_SUFFIX, in->spool_dir, (long long)in->spool_start,
	    (int)getpid(), (unsigned long long)++in->spool_count);
}

static struct snapshot *store_snapshot(struct inbound *in)
{
	struct snapshot *sn = NULL;
	struct err e;

	if (in->store != NULL && snapshot_open(in->store, &sn, &e) != OK)
		log_error("which versions we have cannot be read, whole zones will be transferred: "
			  "%s",
		    e.text);
	return sn;
}

bool inbound_read_version(struct zone *z)
{
	struct snapshot *sn = store_snapshot(z->in);
	struct zone_head *head = mem_alloc(sizeof(*head));
	bool is_other = sn != NULL && snapshot_head(sn, z->apex, head) == OK && head->has_in &&
			head->serial_in != z->serial;

	snapshot_close(sn);
	if (is_other) {
		z->serial = head->serial_in;
		z->soa = head->soa_in;
	}
	free(head);
	return is_other;
}

void inbound_hand_over(struct zone *z, const char *source, uint32_t serial, const char *path)
{
	const struct inbound_hooks *h = &z->in->hooks;
	int stem = (int)(strlen(path) - strlen(PART_SUFFIX));
	char *final = mem_printf("%.*s.spool", stem, path);

	z->state = ZONE_PROCESSING;
	if (rename(path, final) != 0) {
		struct err e;

		err_sys(&e, "cannot name spool file %s", final);
		unlink(path);
		zone_verdict(z, source, ERR_SYSTEM, e.text, serial, NULL);
	} else {
		h->received(h->arg, z->apex, source, serial, final);
	}
	free(final);
}

/* Configuration */

static void zone_set_file(struct zone *z, const char *path)
{
	const char *old = z->file == NULL ? NULL : z->file->path;

	if (old == path || (old != NULL && path != NULL && strcmp(old, path) == 0))
		return;
	file_free(z->file);
	z->file = path == NULL ? NULL : file_new(z, path);
	z->want_file =
	    path != NULL && (z->input_mark == 0 || !file_watch_resume(z->file, z->input_mark));
	if (z->state == ZONE_READING)
		z->state = ZONE_IDLE;
}

static struct zone *zone_new(
    struct inbound *in, const struct inbound_zone *conf, struct snapshot *sn)
{
	struct zone *z = mem_alloc(sizeof(*z));
	struct zone_head *head = mem_alloc(sizeof(*head));
	bool known;

	z->in = in;
	apex_copy(z->apex, conf->apex);
	zone_set_sources(z, conf->sources, conf->source_count);
	known = sn != NULL && snapshot_head(sn, z->apex, head) == OK;
	zone_start(z, known ? head : NULL);
	free(head);
	return z;
}

static struct zone *zone_apply(
    struct inbound *in, const struct inbound_zone *conf, struct snapshot *sn)
{
	struct zone *z = inbound_find(in, conf->apex);

	if (z == NULL)
		z = zone_new(in, conf, sn);
	else
		zone_set_sources(z, conf->sources, conf->source_count);
	zone_set_file(z, conf->input_file);
	z->retry = conf->retry;
	z->size_max = conf->size_max;
	z->is_configured = true;
	return z;
}

void inbound_configure(struct inbound *in, const struct inbound_zone *zones, unsigned count)
{
	struct zone **list = mem_array(count + 1, sizeof(*list));
	struct snapshot *sn = store_snapshot(in);

	for (unsigned i = 0; i < in->zone_count; i++)
		in->zones[i]->is_configured = false;
	for (unsigned i = 0; i < count; i++)
		list[i] = zone_apply(in, &zones[i], sn);
	snapshot_close(sn);
	for (unsigned i = 0; i < in->zone_count; i++) {
		if (!in->zones[i]->is_configured)
			zone_free(in->zones[i]);
	}
	free(in->zones);
	in->zones = list;
	in->zone_count = count;
	qsort(list, count, sizeof(*list), zone_compare);
	for (unsigned i = 0; i < count; i++) {
		zone_arm(list[i]);
		zone_pump(list[i]);
	}
}

/* Calls from outside */

void inbound_verdict(struct inbound *in, const uint8_t *apex, const char *source, int code,
    const char *why, uint32_t serial, const struct soa *soa)
{
	struct zone *z = inbound_find(in, apex);

	if (z != NULL)
		zone_verdict(z, source, code, why == NULL ? "" : why, serial, soa);
}

int inbound_retransfer(struct inbound *in, const uint8_t *apex)
{
	struct zone *z = inbound_find(in, apex);

	if (z == NULL)
		return ERR_MISSING;
	z->want_round = z->want_force = z->source_count > 0;
	z->want_file = z->file != NULL;
	if (z->file != NULL)
		z->file->must = true;
	zone_pump(z);
	return OK;
}

uint64_t inbound_file_mark(const struct inbound *in, const uint8_t *apex)
{
	const struct zone *z = inbound_find(in, apex);

	return z == NULL || z->file == NULL ? 0 : file_mark(z->file);
}

unsigned inbound_busy(const struct inbound *in)
{
	unsigned busy = 0;

	for (unsigned i = 0; i < in->zone_count; i++)
		busy += in->zones[i]->state != ZONE_IDLE && in->zones[i]->state != ZONE_PROCESSING;
	return busy;
}

static const struct inbound_limits limits_real = {
    .query_ms = {2000, 3000, 5000},
    .query_tcp = {.connect = 10000, .idle = 10000, .total = 20000},
    .transfer = {.connect = 10000, .idle = 30000, .total = (uint64_t)6 * 3600 * 1000},
    .ixfr_pause_ms = (uint64_t)3600 * 1000,
    .hint_ms = 2000,
};
/* A leap of the virtual clock waits for us: a dead server is given up quickly. */
static const struct inbound_limits limits_virtual = {
    .query_ms = {1000, 1000, 0},
    .query_tcp = {.connect = 2000, .idle = 2000, .total = 4000},
    .transfer = {.connect = 2000, .idle = 30000, .total = (uint64_t)6 * 3600 * 1000},
    .ixfr_pause_ms = (uint64_t)3600 * 1000,
    .hint_ms = 2000,
};

struct inbound *inbound_new(
    struct loop *l, struct store *store, const char *spool_dir, const struct inbound_hooks *hooks)
{
	struct inbound *in = mem_alloc(sizeof(*in));

	in->loop = l;
	in->store = store;
	in->hooks = *hooks;
	in->limits = clock_is_virtual() ? limits_virtual : limits_real;
	in->queries = gate_new(l, QUERIES_MAX, QUERIES_PER_SOURCE);
	in->transfers = gate_new(l, TRANSFERS_MAX, TRANSFERS_PER_SOURCE);
	in->files = gate_new(l, 1, 1);
	in->spool_dir = mem_strdup(spool_dir);
	in->spool_start = clock_real();
	spool_clean(spool_dir);
	return in;
}

void inbound_free(struct inbound *in)
{
	if (in == NULL)
		return;
	for (unsigned i = 0; i < in->zone_count; i++)
		zone_free(in->zones[i]);
	free(in->zones);
	file_watch_free(in->watch);
	gate_free(in->queries);
	gate_free(in->transfers);
	gate_free(in->files);
	free(in->spool_dir);
	free(in);
}
