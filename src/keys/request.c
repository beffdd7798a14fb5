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

void keys_request(struct keys *k, const uint8_t *apex, const struct edit *e, int64_t now,
    keys_done_fn *done, void *arg)
{
	char why[KEYS_WHY_SIZE];
	struct record next;
	struct request *q;
	int code = OK;
	struct zone_keys *z = change_begin(k, apex, now, &code, why);

	if (z == NULL) {
		done(arg, code, why);
		return;
	}
	record_copy(&z->record, &next);
	code = edit_apply(e, &next, now, why);
	if (code != OK) {
		record_free(&next);
		keys_add_waiter(&z->waiters, &z->waiter_count, done, arg);
		keys_task_end(k, z, code, why);
		return;
	}
	q = mem_alloc(sizeof(*q));
	*q = (struct request){k, z, done, arg};
	change_commit(k, z, &next, NULL, now, on_committed, q);
}

void keys_request_generate(struct keys *k, const uint8_t *apex, const struct key_policy *policy,
    enum key_role role, int64_t now, keys_done_fn *done, void *arg)
{
	char why[KEYS_WHY_SIZE];
	int code = OK;
	struct zone_keys *z = change_begin(k, apex, now, &code, why);

	if (z == NULL) {
		done(arg, code, why);
		return;
	}
	keys_add_waiter(&z->waiters, &z->waiter_count, done, arg);
	if (!policy_role(policy, role)->wanted) {
		snprintf(
		    why, sizeof(why), "policy %s wants no %s", policy->name, key_role_name(role));
		keys_task_end(k, z, ERR_REFUSED, why);
	} else if (z->record.key_count + ROLL_SPARE >= KEYSET_MAX) {
		/* What is kept in hand must not stand in the way of a roll-over. */
		snprintf(why, sizeof(why),
		    "it has %u keys; more than %u are not made ahead of time", z->record.key_count,
		    KEYSET_MAX - ROLL_SPARE);
		keys_task_end(k, z, ERR_LIMIT, why);
	} else {
		make_more(k, z, policy, &role, 1, now, NULL, NULL);
	}
}
