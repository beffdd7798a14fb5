/* destroy: the keys of a zone that is deleted.  Runs in the signing side.
 *
 *   commit   a record without keys: from here on the zone is doomed, whatever happens
 *   keys     every key that the record or a label gives to the zone
 *   forget   intent and sequence in the store (before the last record goes, or an empty token would
 *            look like the wrong one)
 *   records  the older ones first, the one without keys last
 *
 * A crash or an error on the way: the next start, or the next keys_zone_delete, goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "keys/keys_internal.h"

struct doomed_key {
	uint8_t id[TOKEN_ID_LEN];
	unsigned token;
};
struct destroy {
	struct keys *keys;
	struct zone_keys *zone;
	struct doomed_key *doomed;
	unsigned doomed_count, at;
	struct record record; /* the one without keys */
};

static void destroy_next(struct destroy *d);

static void destroy_free(struct destroy *d)
{
	record_free(&d->record);
	free(d->doomed);
	free(d);
}

static void destroy_fail(struct destroy *d, int code, const char *what, const char *why)
{
	struct zone_keys *z = d->zone;
	char zone[NAME_TEXT_SIZE], words[KEYS_WHY_SIZE];

	snprintf(words, sizeof(words), "%s: %.200s", what, why);
	keys_zone_text(z, zone);
	log_error("%.200s: destroying its keys: %s", zone, words);
	if (z->is_doomed)
		keys_set_status(z, KEYS_UNKNOWN, "it is being destroyed: %.200s", words);
	keys_task_end(d->keys, z, code, words);
	destroy_free(d);
}

static void destroy_end(struct destroy *d)
{
	struct zone_keys *z = d->zone;
	struct waiter *waiters;
	unsigned count;

	for (unsigned i = 0; i < z->deletion_count; i++)
		keys_add_waiter(&z->waiters, &z->waiter_count, z->deletions[i].waiter.fn,
		    z->deletions[i].waiter.arg);
	waiters = z->waiters;
	count = z->waiter_count;
	inventory_forget(d->keys, z->hash);
	z->waiters = NULL;
	keys_remove(d->keys, z);
	destroy_free(d);
	keys_call_waiters(&waiters, &count, OK, "");
}

static void on_dropped(void *arg, const struct token_reply *reply)
{
	struct destroy *d = arg;

	if (reply->code != OK && reply->code != ERR_MISSING) {
		destroy_fail(d, reply->code,
		    d->at < d->doomed_count ? "a key stays" : "a state record stays",
		    reply->err.text);
		return;
	}
	d->at++;
	destroy_next(d);
}

static void destroy_next(struct destroy *d)
{
	struct token_request r = {.class = TOKEN_REFRESH};
	unsigned record = d->at - d->doomed_count;
	struct err e = {0};
	unsigned token;

	if (record == 0 && intent_finish(d->keys->store, d->zone->hash, 0, &e) != OK) {
		destroy_fail(d, e.code, "the store does not forget them", e.text);
		return;
	}
	if (d->at < d->doomed_count) {
		r.op = TOKEN_DROP_KEY;
		memcpy(r.id, d->doomed[d->at].id, sizeof(r.id));
		token = d->doomed[d->at].token;
	} else if (record < d->zone->label_count) {
		r.op = TOKEN_DROP_RECORD;
		memcpy(r.label, d->zone->labels[record].text, sizeof(r.label));
		token = d->zone->labels[record].token;
	} else {
		destroy_end(d);
		return;
	}
	token_submit(d->keys->tokens[token].token, &r, on_dropped, d);
}

static void doom(struct destroy *d, unsigned token, const uint8_t id[TOKEN_ID_LEN])
{
	for (unsigned i = 0; i < d->doomed_count; i++)
		if (memcmp(d->doomed[i].id, id, TOKEN_ID_LEN) == 0)
			return;
	d->doomed = mem_grow(d->doomed, d->doomed_count + 1, sizeof(*d->doomed));
	memcpy(d->doomed[d->doomed_count].id, id, TOKEN_ID_LEN);
	d->doomed[d->doomed_count++].token = token;
}

static void doom_found(void *arg, unsigned token, const struct found_key *key)
{
	doom(arg, token, key->id);
}

static struct destroy *destroy_new(struct keys *k, struct zone_keys *z)
{
	struct destroy *d = mem_alloc(sizeof(*d));

	d->keys = k;
	d->zone = z;
	keys_hold(z);
	for (unsigned i = 0; z->has_record && i < z->record.key_count; i++)
		doom(d, z->key_tokens[i], z->record.keys[i].id);
	inventory_each_key(k, z->hash, doom_found, d);
	return d;
}

void destroy_resume(struct keys *k, struct zone_keys *z)
{
	destroy_next(destroy_new(k, z));
}

static void on_committed(void *arg, int code, const char *why, const char *label)
{
	struct destroy *d = arg;
	struct zone_keys *z = d->zone;

	if (code != OK) {
		destroy_fail(d, code, "nothing was destroyed", why);
		return;
	}
	keys_add_label(z, label, z->labels[z->label_count - 1].token);
	record_free(&z->record);
	z->record = d->record;
	memset(&d->record, 0, sizeof(d->record));
	z->is_doomed = true;
	keys_set_status(z, KEYS_UNKNOWN, "it is being destroyed");
	destroy_next(d);
}

/* The last record: the same without keys. */
static void destroy_good(struct keys *k, struct zone_keys *z)
{
	struct destroy *d = destroy_new(k, z);
	struct record *r = &d->record;

	*r = z->record;
	r->keys = NULL;
	r->key_count = 0;
	r->unsign = 0; /* with it, a record without keys is that of a zone left unsigned */
	r->extra = (struct buf){0};
	r->sequence = z->record.sequence + 1;
	memcpy(r->previous, z->record.digest, sizeof(r->previous));
	commit_record(k, z->labels[z->label_count - 1].token, r, on_committed, d);
}

/* No record yet: what an intent names was never used. */
static void destroy_begun(struct keys *k, struct zone_keys *z)
{
	struct destroy *d = destroy_new(k, z);
	struct intent intent;
	struct err e = {0};
	unsigned token;
	int rc = intent_load(k->store, z->hash, &intent, &e);

	if (rc != OK && rc != ERR_MISSING) {
		destroy_fail(d, rc, "nothing was destroyed", e.text);
		return;
	}
	for (unsigned i = 0; rc == OK && i < intent.key_count; i++) {
		if (keys_token_by_name(k, intent.keys[i].token, &token, &e) != OK) {
			destroy_fail(d, e.code, "nothing was destroyed", e.text);
			return;
		}
		doom(d, token, intent.keys[i].id);
	}
	destroy_next(d);
}

static void destroy_start(struct keys *k, struct zone_keys *z, keys_done_fn *done, void *arg)
{
	keys_add_waiter(&z->waiters, &z->waiter_count, done, arg);
	if (z->is_doomed)
		destroy_resume(k, z);
	else if (z->status == KEYS_GOOD)
		destroy_good(k, z);
	else
		destroy_begun(k, z);
}

/* A task of the zone is under way, or its keys are just being looked for in the tokens. */
static bool has_to_wait(const struct keys *k, const struct zone_keys *z, enum keys_status status)
{
	if (z != NULL && (z->is_busy || z->is_doomed))
		return z->is_busy;
	return k->loading != NULL && status == KEYS_UNKNOWN;
}

static void destroy_later(
    struct zone_keys *z, const uint8_t *apex, bool destroy, keys_done_fn *done, void *arg)
{
	if (!z->has_apex) {
		memcpy(z->apex, apex, name_len(apex));
		name_lower(z->apex);
		z->has_apex = true;
	}
	z->deletions = mem_grow(z->deletions, z->deletion_count + 1, sizeof(*z->deletions));
	z->deletions[z->deletion_count++] = (struct deletion){{done, arg}, destroy};
}

void destroy_waiting(struct keys *k, struct zone_keys *z)
{
	struct deletion *all = z->deletions;
	unsigned count = z->deletion_count;
	uint8_t apex[NAME_MAX_LEN];

	if (count == 0 || has_to_wait(k, z, z->status))
		return;
	memcpy(apex, z->apex, sizeof(apex));
	z->deletions = NULL;
	z->deletion_count = 0;
	for (unsigned i = 0; i < count; i++)
		keys_zone_delete(k, apex, all[i].destroy, all[i].waiter.fn, all[i].waiter.arg);
	free(all);
}

/* Keys and record stay in the token.  Should the zone come again, its serials are not known. */
static int leave(struct keys *k, struct zone_keys *z, struct err *e)
{
	if (z == NULL)
		return OK;
	z->is_forgotten = true;
	return z->has_record ? intent_adopt(k->store, z->hash, z->record.sequence, e) : OK;
}

void keys_zone_delete(
    struct keys *k, const uint8_t *apex, bool destroy, keys_done_fn *done, void *arg)
{
	char why[KEYS_WHY_SIZE];
	enum keys_status status = keys_zone_status(k, apex, why);
	uint8_t hash[RECORD_HASH_LEN];
	struct zone_keys *z;
	struct err e = {0};

	keys_zone_hash(apex, hash);
	z = keys_find(k, hash);
	if (has_to_wait(k, z, status)) {
		destroy_later(keys_find_or_add(k, hash), apex, destroy, done, arg);
	} else if (!destroy) {
		int rc = leave(k, z, &e);

		done(arg, rc, rc == OK ? "" : e.text);
	} else if (z == NULL && status == KEYS_NONE) {
		done(arg, OK, "");
	} else if (z != NULL && (z->is_doomed || status == KEYS_GOOD || status == KEYS_NONE ||
				    status == KEYS_MAKING)) {
		destroy_start(k, z, done, arg);
	} else {
		done(arg, status == KEYS_UNKNOWN ? ERR_AGAIN : ERR_REFUSED, why);
	}
}
