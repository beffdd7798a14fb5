/* accept: the operator says which of a zone's records is the truth: an older one, since the token
 * was restored from a back-up; the one before a newer one that cannot be read; or one of those that
 * two signers wrote.  Runs in the signing side.
 *
 *   read      the tokens, so that this is about what is there now
 *   restored  its sequence becomes what the store expects
 *   else      the record is written once more, as ours and above all others: then nobody can read
 *             anything else
 *   read      and prove, as at any start */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "keys/change.h"
#include "keys/intent.h"

struct accept {
	struct keys *keys;
	uint8_t apex[NAME_MAX_LEN];
	struct zone_keys *zone;
	uint64_t sequence;
	keys_done_fn *done;
	void *arg;
};

static void accept_end(struct accept *a, int code, const char *why)
{
	a->done(a->arg, code, why);
	free(a);
}

static void on_read_again(void *arg, int code, const char *reason)
{
	struct accept *a = arg;
	char why[KEYS_WHY_SIZE];
	bool is_good = keys_zone_status(a->keys, a->apex, why) == KEYS_GOOD;

	(void)code;
	(void)reason;
	accept_end(a, is_good ? OK : ERR_REFUSED, why);
}

static void accept_read_again(struct accept *a)
{
	keys_load(a->keys, on_read_again, a);
}

static void on_task_end(void *arg, int code, const char *why)
{
	if (code != OK)
		accept_end(arg, code, why);
	else
		accept_read_again(arg);
}

static void on_committed(void *arg, int code, const char *why)
{
	struct accept *a = arg;
	struct zone_keys *z = a->zone;

	keys_add_waiter(&z->waiters, &z->waiter_count, on_task_end, a);
	keys_task_end(a->keys, z, code, why);
}

static void accept_above(struct accept *a, const struct record *chosen, uint64_t highest)
{
	struct zone_keys *z = a->zone;
	struct record next;

	keys_hold(z);
	keys_set_status(
	    z, KEYS_UNKNOWN, "record %llu is being accepted", (unsigned long long)chosen->sequence);
	resolve_take_over(a->keys, z, chosen);
	z->record.sequence = highest; /* the one that follows is above all others */
	z->can_sign = false;
	record_copy(&z->record, &next);
	change_commit(a->keys, z, &next, NULL, chosen->time, on_committed, a);
}

static void accept_restored(struct accept *a)
{
	struct err e = {0};

	if (intent_finish(a->keys->store, a->zone->hash, a->sequence, &e) != OK)
		accept_end(a, e.code, e.text);
	else
		accept_read_again(a);
}

static void on_read(void *arg, int code, const char *reason)
{
	struct accept *a = arg;
	char why[KEYS_WHY_SIZE];
	uint8_t hash[RECORD_HASH_LEN];
	enum keys_status status = keys_zone_status(a->keys, a->apex, why);
	const struct record *chosen;
	uint64_t newest = 0, highest = 0;

	(void)code; /* what this zone needs was read, or its status says so */
	(void)reason;
	keys_zone_hash(a->apex, hash);
	a->zone = keys_find(a->keys, hash);
	if (a->zone == NULL || a->zone->is_busy ||
	    (status != KEYS_RECOVERY && status != KEYS_FROZEN)) {
		accept_end(a, ERR_REFUSED,
		    "it is not in recovery, nor frozen: which record is right is no question");
		return;
	}
	chosen = inventory_record(a->keys, hash, a->sequence, &newest, &highest);
	if (chosen == NULL || (status == KEYS_RECOVERY && a->sequence != newest)) {
		snprintf(why, sizeof(why),
		    "the newest record of it that can be read is %llu, not %llu",
		    (unsigned long long)newest, (unsigned long long)a->sequence);
		accept_end(a, ERR_REFUSED, why);
	} else if (status == KEYS_FROZEN || highest > newest) {
		accept_above(a, chosen, highest);
	} else {
		accept_restored(a);
	}
}

void keys_accept_record(
    struct keys *k, const uint8_t *apex, uint64_t sequence, keys_done_fn *done, void *arg)
{
	struct accept *a = mem_alloc(sizeof(*a));

	a->keys = k;
	memcpy(a->apex, apex, name_len(apex));
	a->sequence = sequence;
	a->done = done;
	a->arg = arg;
	keys_load(k, on_read, a);
}
