/* request: what an operator does to keys: each is one record with other times in it; what follows
 * is the next step's business.  Runs in the signing side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "keys/change.h"
#include "keys/make.h"

struct request {
	struct keys *keys;
	struct zone_keys *zone;
	keys_done_fn *done;
	void *arg;
};

static void on_committed(void *arg, int code, const char *why)
{
	struct request *q = arg;

	keys_add_waiter(&q->zone->waiters, &q->zone->waiter_count, q->done, q->arg);
	keys_task_end(q->keys, q->zone, code, why);
	free(q);
}

static bool is_meant(const struct record_key *k, const struct keys_which *w)
{
	return (w->role == 0 || k->role == w->role || k->role == KEY_CSK) &&
	       (w->tag == 0 || k->tag == w->tag) &&
	       (w->id == NULL || memcmp(k->id, w->id, TOKEN_ID_LEN) == 0);
}

/* Changes the key if the request is about it; why not otherwise (NULL: not about it). */
typedef bool edit_fn(struct record_key *k, int64_t now, const void *arg, const char **why_not);

static void edit(struct keys *k, const uint8_t *apex, const struct keys_which *which, edit_fn *fn,
    const void *fn_arg, int64_t now, keys_done_fn *done, void *arg)
{
	const char *why_not = "it has no such key";
	char why[KEYS_WHY_SIZE];
	unsigned changed = 0;
	struct record next;
	struct request *q;
	int code = OK;
	struct zone_keys *z = change_begin(k, apex, &code, why);

	if (z == NULL) {
		done(arg, code, why);
		return;
	}
	record_copy(&z->record, &next);
	for (unsigned i = 0; i < next.key_count; i++)
		if (is_meant(&next.keys[i], which))
			changed += fn(&next.keys[i], now, fn_arg, &why_not);
	if (changed == 0) {
		record_free(&next);
		keys_add_waiter(&z->waiters, &z->waiter_count, done, arg);
		keys_task_end(k, z, ERR_REFUSED, why_not);
		return;
	}
	q = mem_alloc(sizeof(*q));
	*q = (struct request){k, z, done, arg};
	change_commit(k, z, &next, NULL, now, on_committed, q);
}

static bool edit_roll(struct record_key *k, int64_t now, const void *arg, const char **why_not)
{
	(void)arg;
	if (timeline_state(&k->times, now) != KEY_ACTIVE || k->times.at[TIME_ROLL] != 0) {
		*why_not = k->times.at[TIME_ROLL] != 0 ? "its roll-over is under way already"
						       : "only an active key rolls over";
		return false;
	}
	k->times.at[TIME_ROLL] = now;
	return true;
}

void keys_request_rollover(struct keys *k, const uint8_t *apex, const struct keys_which *which,
    int64_t now, keys_done_fn *done, void *arg)
{
	edit(k, apex, which, edit_roll, NULL, now, done, arg);
}

static bool edit_compromised(
    struct record_key *k, int64_t now, const void *note, const char **why_not)
{
	if (k->times.at[TIME_REMOVED] != 0 || k->times.at[TIME_COMPROMISED] != 0) {
		*why_not = "it is removed, or reported already";
		return false;
	}
	k->times.at[TIME_COMPROMISED] = now;
	snprintf(k->note, sizeof(k->note), "%s", (const char *)note);
	return true;
}

/* Without a name: what is in use.  A key that waits ahead of time is good until it is named. */
static bool edit_compromised_in_use(
    struct record_key *k, int64_t now, const void *note, const char **why_not)
{
	enum key_state s = timeline_state(&k->times, now);

	if (s != KEY_ACTIVE && s != KEY_RETIRED) {
		*why_not = "no such key is in use";
		return false;
	}
	return edit_compromised(k, now, note, why_not);
}

void keys_request_emergency(struct keys *k, const uint8_t *apex, const struct keys_which *which,
    const char *reason, const char *requester, int64_t now, keys_done_fn *done, void *arg)
{
	bool is_named = which->tag != 0 || which->id != NULL;
	char note[RECORD_NOTE_SIZE];

	snprintf(note, sizeof(note), "%.100s (%.50s)", reason, requester);
	edit(k, apex, which, is_named ? edit_compromised : edit_compromised_in_use, note, now, done,
	    arg);
}

static bool edit_ds(struct record_key *k, int64_t now, const void *arg, const char **why_not)
{
	enum key_time t = *(const enum key_time *)arg;
	int64_t *at = k->times.at;

	if (!role_has_ds(k->role)) {
		*why_not = "a ZSK has no DS";
		return false;
	}
	if ((t == TIME_DS_SEEN && at[TIME_DS_SUBMITTED] == 0) ||
	    (t == TIME_DS_GONE && at[TIME_DS_RETRACTED] == 0)) {
		*why_not = t == TIME_DS_SEEN ? "its DS was not submitted yet: see `key ds-submit`"
					     : "its DS is not taken back yet: see `key ds-retract`";
		return false;
	}
	if (at[t] != 0) {
		*why_not = "that is recorded already";
		return false;
	}
	at[t] = now;
	return true;
}

void keys_request_ds(struct keys *k, const uint8_t *apex, const struct keys_which *which,
    enum key_time what, int64_t now, keys_done_fn *done, void *arg)
{
	edit(k, apex, which, edit_ds, &what, now, done, arg);
}

static bool edit_backup(struct record_key *k, int64_t now, const void *arg, const char **why_not)
{
	enum keys_backup what = *(const enum keys_backup *)arg;
	int64_t *at = k->times.at;
	bool prepared = at[TIME_PREPARED] != 0;

	*why_not = what == KEYS_BACKUP_PREPARE ? "every key is backed up"
					       : "no back-up has begun: see `backup prepare`";
	if (at[TIME_REMOVED] != 0 || at[TIME_BACKED_UP] != 0 ||
	    prepared == (what == KEYS_BACKUP_PREPARE))
		return false;
	if (what == KEYS_BACKUP_COMMIT)
		at[TIME_BACKED_UP] = now;
	at[TIME_PREPARED] = what == KEYS_BACKUP_PREPARE ? now : 0;
	return true;
}

void keys_request_backup(struct keys *k, const uint8_t *apex, enum keys_backup what, int64_t now,
    keys_done_fn *done, void *arg)
{
	static const struct keys_which all;

	edit(k, apex, &all, edit_backup, &what, now, done, arg);
}

void keys_request_unsign(
    struct keys *k, const uint8_t *apex, bool is_wanted, int64_t now, keys_done_fn *done, void *arg)
{
	char why[KEYS_WHY_SIZE];
	struct record next;
	struct request *q;
	int code = OK;
	struct zone_keys *z = change_begin(k, apex, &code, why);

	if (z == NULL) {
		done(arg, code, why);
		return;
	}
	q = mem_alloc(sizeof(*q));
	*q = (struct request){k, z, done, arg};
	record_copy(&z->record, &next);
	next.unsign = is_wanted ? now : 0;
	change_commit(k, z, &next, NULL, now, on_committed, q);
}

void keys_request_generate(struct keys *k, const uint8_t *apex, const struct key_policy *policy,
    enum key_role role, int64_t now, keys_done_fn *done, void *arg)
{
	char why[KEYS_WHY_SIZE];
	int code = OK;
	struct zone_keys *z = change_begin(k, apex, &code, why);

	if (z == NULL) {
		done(arg, code, why);
		return;
	}
	keys_add_waiter(&z->waiters, &z->waiter_count, done, arg);
	if (z->record.key_count == KEYSET_MAX)
		keys_task_end(
		    k, z, ERR_LIMIT, "it has as many keys as a zone can have: see `key purge`");
	else
		make_more(k, z, policy, &role, 1, now, NULL, NULL);
}

void keys_accept_record(
    struct keys *k, const uint8_t *apex, uint64_t sequence, keys_done_fn *done, void *arg)
{
	char why[KEYS_WHY_SIZE];
	uint8_t hash[RECORD_HASH_LEN];
	const struct zone_keys *z;
	struct err e = {0};

	keys_zone_hash(apex, hash);
	z = keys_find(k, hash);
	if (keys_zone_status(k, apex, why) != KEYS_RECOVERY || z == NULL || !z->has_record) {
		done(arg, ERR_REFUSED, "it is not in recovery with a record to be accepted");
	} else if (z->record.sequence != sequence) {
		snprintf(why, sizeof(why), "the token's newest record is %llu, not %llu",
		    (unsigned long long)z->record.sequence, (unsigned long long)sequence);
		done(arg, ERR_REFUSED, why);
	} else if (intent_finish(k->store, hash, sequence, &e) != OK) {
		done(arg, e.code, e.text);
	} else {
		keys_load(k, done, arg);
	}
}
