/* People are told what is wrong with a zone's DS at its parent: see alert.h.  What was told is
 * written down with the notice itself, for all zones that have something to tell in one commit.
 * Runs in the signing side. */
#include "daemon/signer/alert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"
#include "notices/trouble.h"
#include "parent/submit.h"

#define FORMAT 1
#define SAVE_AGAIN_MS 2000

static const uint8_t digests[ALERT_DIGESTS] = {2, 4, 1};

struct zone_alert {
	struct signer_zone *zone;
	struct zone_alert *next; /* to be written down */
	bool is_queued;
	struct alert_state states[ALERT_KINDS];
	struct alert_finding found[ALERT_KINDS];
	enum alert_step step[ALERT_KINDS]; /* not written down yet */
	int64_t at[ALERT_KINDS];	   /* ... of then */
	struct loop_event *again;
};

/* What the store keeps */

static void load(struct zone_alert *a)
{
	const struct signer_zone *z = a->zone;
	struct snapshot *sn = NULL;
	const uint8_t *value;
	struct reader r;
	size_t len;

	if (snapshot_open(z->signer->store, &sn, NULL) != OK)
		return;
	if (snapshot_meta(sn, META_ALERT, z->key, z->key_len, &value, &len) == OK) {
		r = reader_of(value, len);
		for (unsigned k = reader_u8(&r) == FORMAT ? 0 : ALERT_KINDS; k < ALERT_KINDS; k++)
			alert_read(&r, &a->states[k]);
	}
	snapshot_close(sn);
}

int signer_alert_remove(const struct signer_zone *z, struct store_write *w, struct err *e)
{
	return store_write_meta(w, META_ALERT, z->key, z->key_len, NULL, 0, e);
}

/* Notices */

/* The DS set that the parent should have. */
static void add_wanted(const struct signer_zone *z, struct buf *out)
{
	struct zone_record v;
	const struct record *r = signer_zone_record(z, &v);
	struct submit_list wanted;

	if (r == NULL)
		return;
	submit_wanted(r, &z->key_policy, clock_calendar(), &wanted);
	submit_ds_text(&wanted, r, z->apex, z->key_policy.ds_ttl, out);
	for (size_t i = 0; i < out->len; i++) {
		if (out->data[i] == '\t')
			out->data[i] = ' ';
	}
	if (out->len > 0)
		out->data[out->len - 1] = '\0'; /* the last line's end */
}

/* One that is wrong: a nuisance, or the end of the zone for many. */
static void add_wrong(struct notice *n, bool is_emergency)
{
	static const char *const words[][5] = {
	    {"the parent has a DS that is none of ours",
		"The zone is still validated by the DS that fits. Whoever put the other one there "
		"made a mistake, or means to take the zone over.",
		"Find out who put it there, and have the parent take it out.", "each day",
		"as soon as you can"},
	    {"EMERGENCY: no DS at the parent fits a key that signs the zone",
		"Resolvers that validate cannot resolve the zone: for their users it is gone, as "
		"soon as their caches have this DS set.",
		"Have the parent change the DS set, at once.", "every four hours", "now"}};
	static const char *const names[] = {"headline", "meaning", "todo", "again", "deadline"};

	for (size_t i = 0; i < MEM_COUNT(names); i++)
		notice_add(n, names[i], words[is_emergency][i]);
}

static void add_finding(
    struct notice *n, enum alert_kind kind, const struct alert_finding *f, const struct buf *set)
{
	notice_add(n, "severity", f->is_emergency ? "emergency" : "error");
	notice_add(n, "key_tag", f->tags);
	notice_add(n, "server", f->servers[0] == '\0' ? NULL : f->servers);
	notice_add(n, "reason", f->reason);
	notice_add(n, "records", set->len == 0 ? "(none)" : (const char *)set->data);
	if (kind == ALERT_WRONG)
		add_wrong(n, f->is_emergency);
}

static void add_end(struct notice *n)
{
	notice_add(n, "role", "DS set");
	notice_add(n, "server", "at the parent");
	notice_add(n, "status", "as it should be");
}

static int tell(
    const struct zone_alert *a, enum alert_kind kind, struct store_write *w, struct err *e)
{
	static const enum notice_kind kinds[] = {
	    [ALERT_LATE] = NOTICE_DS_LATE, [ALERT_WRONG] = NOTICE_DS_WRONG};
	bool is_over = a->step[kind] == ALERT_OVER;
	char since[TIME_TEXT_SIZE], at[TIME_TEXT_SIZE], lasted[TROUBLE_TIME_SIZE], occasion[120];
	struct notice n = {.kind = is_over ? NOTICE_RECOVERED : kinds[kind],
	    .apex = a->zone->apex,
	    .occasion = occasion,
	    .at = a->at[kind]};
	struct buf set = {0};
	int code;

	time_text(a->states[kind].since, since);
	time_text(a->at[kind], at);
	snprintf(occasion, sizeof(occasion), "%s since %s, told %s", notice_kind_name(kinds[kind]),
	    since, at);
	notice_add(&n, "since", since);
	if (is_over) {
		trouble_time_words(a->at[kind] - a->states[kind].since, lasted);
		notice_add(&n, "lasted", lasted);
		add_end(&n);
	} else {
		add_wanted(a->zone, &set);
		add_finding(&n, kind, &a->found[kind], &set);
	}
	code = signer_notice_in(a->zone->signer, w, &n, e);
	buf_free(&set);
	return code;
}

/* Written down */

static int save_one(const struct zone_alert *a, struct store_write *w, struct err *e)
{
	const struct signer_zone *z = a->zone;
	struct buf value = {0};
	int code = OK;

	buf_u8(&value, FORMAT);
	for (unsigned k = 0; k < ALERT_KINDS; k++) {
		alert_write(&a->states[k], &value);
		if (code == OK && a->step[k] != ALERT_NOTHING)
			code = tell(a, k, w, e);
	}
	if (code == OK)
		code =
		    store_write_meta(w, META_ALERT, z->key, z->key_len, value.data, value.len, e);
	buf_free(&value);
	return code;
}

static void saved(struct signer *s)
{
	while (s->alerts != NULL) {
		struct zone_alert *a = s->alerts;

		s->alerts = a->next;
		a->is_queued = false;
		memset(a->step, 0, sizeof(a->step));
	}
}

void signer_alerts_save(void *arg)
{
	struct signer *s = arg;
	struct store_write *w = NULL;
	struct err e = {0};
	int code;

	if (s->alerts == NULL)
		return;
	code = store_write_begin(s->store, &w, &e);
	for (const struct zone_alert *a = s->alerts; a != NULL && code == OK; a = a->next)
		code = save_one(a, w, &e);
	if (code == OK)
		code = store_write_commit(w, &e);
	else
		store_write_abort(w);
	s->alerts_failed = code != OK;
	if (code == OK) {
		saved(s);
		return;
	}
	log_error("alerts about DS at parents cannot be written down: %s", e.text);
	loop_timer_set(s->save_alerts, SAVE_AGAIN_MS);
}

static void enqueue(struct zone_alert *a)
{
	struct signer *s = a->zone->signer;

	if (a->is_queued)
		return;
	a->is_queued = true;
	a->next = s->alerts;
	s->alerts = a;
	if (s->save_alerts == NULL)
		s->save_alerts = loop_timer_new(s->loop, signer_alerts_save, s);
	if (!loop_timer_is_set(s->save_alerts))
		loop_timer_set(s->save_alerts, 0);
}

static void dequeue(struct zone_alert *a)
{
	struct zone_alert **p = &a->zone->signer->alerts;

	while (*p != NULL && *p != a)
		p = &(*p)->next;
	if (*p != NULL)
		*p = a->next;
	a->is_queued = false;
}

bool signer_alert_is_busy(const struct signer *s)
{
	return s->alerts != NULL && !s->alerts_failed; /* the disk waits for the operator */
}

/* Found */

static bool signs_set(const struct keyset *ks, const struct record_key *k)
{
	for (unsigned i = 0; i < ks->count; i++) {
		if (memcmp(ks->keys[i].id, k->id, sizeof(k->id)) == 0)
			return ks->keys[i].signs_set;
	}
	return false;
}

static void take_key(const struct signer_zone *z, const struct record_key *k,
    const struct keyset *ks, int64_t now, struct alert_key *out)
{
	enum ds_state ds = timeline_ds(&k->times, true, now);
	struct buf dnskey = {0};

	out->tag = k->tag;
	out->signs = signs_set(ks, k);
	out->was_seen = ds == DS_SEEN;
	out->wanted = submit_is_wanted(k, now) ? k->times.at[TIME_DS_SUBMITTED] : 0;
	dnskey_rdata(k->flags, k->algorithm, k->pub, k->pub_len, &dnskey);
	for (unsigned d = 0; d < ALERT_DIGESTS; d++) {
		if (parent_ds_of_key(z->apex, dnskey.data, dnskey.len, digests[d],
			&out->ds[out->ds_count]) == OK)
			out->ds_count++;
	}
	buf_free(&dnskey);
}

static void find_all(struct zone_alert *a, const struct record *r, int64_t now)
{
	const struct signer_zone *z = a->zone;
	struct alert_key keys[KEYSET_MAX] = {0};
	struct alert_input in = {.keys = keys,
	    .view = signer_parent_view(z),
	    .now = now,
	    .deadline = z->key_policy.ds_deadline};
	struct keyset ks;
	struct err e = {0};

	if (signer_zone_keyset(z, now, &ks, &e) != OK)
		return; /* what was found stays */
	for (unsigned i = 0; i < r->key_count; i++) {
		if (role_has_ds(r->keys[i].role))
			take_key(z, &r->keys[i], &ks, now, &keys[in.count++]);
	}
	for (unsigned k = 0; k < ALERT_KINDS; k++)
		alert_find(k, &in, &a->found[k]);
}

static void log_step(const struct zone_alert *a, enum alert_kind kind)
{
	const struct alert_finding *f = &a->found[kind];
	const char *name = a->zone->name;

	if (a->step[kind] == ALERT_OVER)
		log_notice("zone %s: the DS set at its parent is as it should be again", name);
	else if (kind == ALERT_LATE)
		log_error("zone %s: the DS of key %s is late: %s", name, f->tags, f->reason);
	else
		log_error("zone %s: its parent has a wrong DS, %s%s: %s", name, f->tags,
		    f->is_emergency ? ", and the zone cannot be validated" : "", f->reason);
}

static void step_all(struct zone_alert *a, int64_t now)
{
	int64_t next = 0, at;

	for (unsigned k = 0; k < ALERT_KINDS; k++) {
		enum alert_step step = alert_step(&a->states[k], &a->found[k], now);

		if (step != ALERT_NOTHING) {
			a->step[k] = step;
			a->at[k] = now;
			log_step(a, k);
			enqueue(a);
		}
		at = alert_next(&a->states[k], &a->found[k]);
		next = at != 0 && (next == 0 || at < next) ? at : next;
	}
	if (next != 0)
		loop_event_set(a->again, next > now ? next : now + 1);
	else
		loop_event_stop(a->again);
}

static void again_due(void *arg, int64_t due)
{
	struct zone_alert *a = arg;

	(void)due;
	signer_alert_look(a->zone);
}

static struct zone_alert *alert_of(struct signer_zone *z)
{
	if (z->alert == NULL) {
		z->alert = mem_alloc(sizeof(*z->alert));
		z->alert->zone = z;
		z->alert->again = loop_event_new(z->signer->loop, again_due, z->alert);
		load(z->alert);
	}
	return z->alert;
}

void signer_alert_look(struct signer_zone *z)
{
	struct zone_record v;
	const struct record *r = signer_zone_record(z, &v);
	int64_t now = clock_calendar();
	struct zone_alert *a;

	if (r == NULL || z->deleting || !z->has_head || !z->head.published)
		return;
	a = alert_of(z);
	find_all(a, r, now);
	step_all(a, now);
}

void signer_alert_free(struct signer_zone *z)
{
	struct zone_alert *a = z->alert;

	if (a == NULL)
		return;
	z->alert = NULL;
	if (a->is_queued)
		dequeue(a);
	loop_event_free(a->again);
	free(a);
}

const struct alert_finding *signer_alert_found(
    const struct signer_zone *z, enum alert_kind kind, int64_t *since)
{
	if (z->alert == NULL || !z->alert->found[kind].is_there)
		return NULL;
	*since = z->alert->states[kind].since;
	return &z->alert->found[kind];
}
