/* keys: the table of zones and the answers to questions about their keys.
 *
 * Runs in the signing side's main thread.  What changes the table: resolve.c, make.c, change.c,
 * destroy.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "keys/keys_internal.h"

struct keys *keys_new(struct loop *l, struct store *store)
{
	struct keys *k = mem_alloc(sizeof(*k));

	k->loop = l;
	k->store = store;
	return k;
}

static void zone_free(struct zone_keys *z)
{
	record_free(&z->record);
	free(z->labels);
	free(z->held);
	free(z->waiters);
	free(z->deletions);
	free(z);
}

void keys_free(struct keys *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->zone_count; i++)
		zone_free(k->zones[i]);
	for (unsigned i = 0; i < k->token_count; i++) {
		inventory_free(&k->tokens[i]);
		free(k->tokens[i].look_waiters);
	}
	free(k->zones);
	free(k->tokens);
	free(k->load_waiters);
	free(k);
}

void keys_add_token(struct keys *k, struct token *t)
{
	k->tokens = mem_grow(k->tokens, k->token_count + 1, sizeof(*k->tokens));
	memset(&k->tokens[k->token_count], 0, sizeof(*k->tokens));
	k->tokens[k->token_count++].token = t;
}

int keys_token_by_name(const struct keys *k, const char *name, unsigned *out, struct err *e)
{
	for (unsigned i = 0; i < k->token_count; i++) {
		if (strcmp(token_name(k->tokens[i].token), name) != 0)
			continue;
		*out = i;
		return OK;
	}
	return err_set(e, ERR_MISSING, "there is no token \"%s\": name one of `tokens`", name);
}

void keys_zone_hash(const uint8_t *apex, uint8_t out[RECORD_HASH_LEN])
{
	uint8_t lower[NAME_MAX_LEN];
	size_t len = name_len(apex);

	memcpy(lower, apex, len);
	name_lower(lower);
	labels_zone_hash(lower, len, out);
}

/* Where the zone stands in the table, or would. */
static size_t zone_index(const struct keys *k, const uint8_t hash[RECORD_HASH_LEN])
{
	size_t low = 0, high = k->zone_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(k->zones[middle]->hash, hash, RECORD_HASH_LEN) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct zone_keys *keys_find(const struct keys *k, const uint8_t hash[RECORD_HASH_LEN])
{
	size_t i = zone_index(k, hash);

	if (i == k->zone_count || memcmp(k->zones[i]->hash, hash, RECORD_HASH_LEN) != 0)
		return NULL;
	return k->zones[i];
}

struct zone_keys *keys_find_or_add(struct keys *k, const uint8_t hash[RECORD_HASH_LEN])
{
	struct zone_keys *z = keys_find(k, hash);
	size_t at = zone_index(k, hash);

	if (z != NULL)
		return z;
	z = mem_alloc(sizeof(*z));
	memcpy(z->hash, hash, RECORD_HASH_LEN);
	k->zones = mem_grow(k->zones, k->zone_count + 1, sizeof(struct zone_keys *));
	memmove(
	    k->zones + at + 1, k->zones + at, (k->zone_count - at) * sizeof(struct zone_keys *));
	k->zones[at] = z;
	k->zone_count++;
	return z;
}

void keys_remove(struct keys *k, struct zone_keys *z)
{
	size_t at = zone_index(k, z->hash);

	memmove(k->zones + at, k->zones + at + 1,
	    (k->zone_count - at - 1) * sizeof(struct zone_keys *));
	k->zone_count--;
	zone_free(z);
}

void keys_hold(struct zone_keys *z)
{
	z->is_busy = z->was_busy = true;
}

void keys_task_end(struct keys *k, struct zone_keys *z, int code, const char *why)
{
	uint8_t hash[RECORD_HASH_LEN];

	memcpy(hash, z->hash, sizeof(hash));
	z->is_busy = false;
	keys_call_waiters(&z->waiters, &z->waiter_count, code, why);
	z = keys_find(k, hash);
	if (z != NULL)
		destroy_waiting(k, z);
}

bool keys_can_sign(const struct zone_keys *z)
{
	return z->has_record &&
	       (z->status == KEYS_GOOD || (z->status == KEYS_FROZEN && z->can_sign));
}

void keys_set_status(struct zone_keys *z, enum keys_status status, const char *fmt, ...)
{
	va_list ap;

	z->status = status;
	va_start(ap, fmt);
	vsnprintf(z->why, sizeof(z->why), fmt, ap);
	va_end(ap);
}

void keys_zone_text(const struct zone_keys *z, char out[NAME_TEXT_SIZE])
{
	if (z->has_apex) {
		name_text(z->apex, out);
		return;
	}
	strcpy(out, "zone ");
	for (unsigned i = 0; i < RECORD_HASH_LEN; i++)
		sprintf(out + strlen(out), "%02x", z->hash[i]);
}

void keys_add_waiter(struct waiter **list, unsigned *count, keys_done_fn *fn, void *arg)
{
	if (fn == NULL)
		return;
	*list = mem_grow(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = (struct waiter){fn, arg};
}

void keys_call_waiters(struct waiter **list, unsigned *count, int code, const char *why)
{
	struct waiter *all = *list;
	unsigned n = *count;
	char words[KEYS_WHY_SIZE]; /* why may lie in what the first waiter frees */

	snprintf(words, sizeof(words), "%s", why);
	*list = NULL;
	*count = 0;
	for (unsigned i = 0; i < n; i++)
		all[i].fn(all[i].arg, code, words);
	free(all);
}

void keys_add_label(struct zone_keys *z, const char *text, unsigned token)
{
	struct zone_label *l;

	z->labels = mem_grow(z->labels, z->label_count + 1, sizeof(*z->labels));
	l = &z->labels[z->label_count++];
	snprintf(l->text, sizeof(l->text), "%s", text);
	l->token = token;
}

static struct zone_keys *find_apex(const struct keys *k, const uint8_t *apex)
{
	uint8_t hash[RECORD_HASH_LEN];

	keys_zone_hash(apex, hash);
	return keys_find(k, hash);
}

enum keys_status keys_zone_status(const struct keys *k, const uint8_t *apex, char why[256])
{
	const struct zone_keys *z = find_apex(k, apex);
	uint8_t hash[RECORD_HASH_LEN];

	why[0] = '\0';
	if (z != NULL) {
		memcpy(why, z->why, sizeof(z->why));
		return z->status;
	}
	if (!k->is_loaded || !inventory_is_whole(k)) {
		strcpy(why, "its token was not read yet");
		return KEYS_UNKNOWN;
	}
	keys_zone_hash(apex, hash);
	return keys_check_new(k, hash, why) == OK ? KEYS_NONE : KEYS_RECOVERY;
}

int keys_check_new(
    const struct keys *k, const uint8_t hash[RECORD_HASH_LEN], char why[KEYS_WHY_SIZE])
{
	uint64_t used = 0;
	struct err e = {0};
	int rc = intent_sequence(k->store, hash, &used, &e);

	why[0] = '\0';
	if (rc != OK)
		snprintf(why, KEYS_WHY_SIZE, "%.250s", e.text);
	if (rc != OK || used == 0)
		return rc;
	snprintf(why, KEYS_WHY_SIZE,
	    "it was signed with keys before (record %llu), and no token has them: is this the "
	    "right "
	    "token?",
	    (unsigned long long)used);
	return ERR_REFUSED;
}

void keys_fill(const struct keys *k, const struct zone_keys *z, unsigned i, int64_t now,
    struct keyset_key *out)
{
	const struct record_key *r = &z->record.keys[i];
	struct timeline_duty duty =
	    timeline_duty(&r->times, role_has_ds(r->role), role_has_zone(r->role), now);

	memset(out, 0, sizeof(*out));
	memcpy(out->id, r->id, sizeof(out->id));
	out->role = r->role;
	out->algorithm = r->algorithm;
	out->tag = r->tag;
	out->dnskey_len = proof_dnskey(r, out->dnskey);
	out->in_set = duty.in_set;
	out->signs_set = duty.signs_set;
	out->signs_zone = duty.signs_zone;
	snprintf(
	    out->token, sizeof(out->token), "%s", token_name(k->tokens[z->key_tokens[i]].token));
}

static int not_usable(const struct zone_keys *z, struct err *e)
{
	char zone[NAME_TEXT_SIZE];
	int code = ERR_AGAIN;

	keys_zone_text(z, zone);
	if (z->status == KEYS_NONE)
		code = ERR_MISSING;
	else if (z->status == KEYS_RECOVERY || z->status == KEYS_FROZEN)
		code = ERR_REFUSED;
	return err_set(e, code, "%.200s: its keys cannot be used: %s", zone, z->why);
}

int keys_keyset(struct keys *k, const uint8_t *apex, int64_t now, struct keyset *out, struct err *e)
{
	const struct zone_keys *z = find_apex(k, apex);
	char text[NAME_TEXT_SIZE], why[KEYS_WHY_SIZE];

	if (z == NULL) {
		enum keys_status status = keys_zone_status(k, apex, why);

		name_text(apex, text);
		if (status == KEYS_NONE)
			return err_set(e, ERR_MISSING, "%.200s has no keys yet", text);
		return err_set(e, status == KEYS_UNKNOWN ? ERR_AGAIN : ERR_REFUSED,
		    "%.200s: its keys cannot be used: %s", text, why);
	}
	if (!keys_can_sign(z))
		return not_usable(z, e);
	/* A clock that went back takes no key out of the set. */
	now = now < z->record.time ? z->record.time : now;
	memset(out, 0, sizeof(*out));
	out->unsign = z->record.unsign != 0;
	for (unsigned i = 0; i < z->record.key_count; i++) {
		struct keyset_key *key = &out->keys[out->count];

		keys_fill(k, z, i, now, key);
		if (key->in_set || key->signs_set || key->signs_zone)
			out->count++;
	}
	return OK;
}

static const struct timeline_periods *periods_of(
    const struct key_policy *p, enum key_role role, struct timeline_periods *out)
{
	const struct key_role_policy *r;

	if (p == NULL)
		return NULL;
	r = policy_role(p, role);
	*out = (struct timeline_periods){r->prepublish, r->active, r->postpublish};
	return r->wanted ? out : NULL;
}

static void each_of_zone(const struct keys *k, const struct zone_keys *z,
    const struct key_policy *policy, int64_t now, keys_each_fn *fn, void *arg)
{
	for (unsigned i = 0; z->has_record && i < z->record.key_count; i++) {
		const struct record_key *r = &z->record.keys[i];
		struct timeline_periods periods;
		struct timeline_next next = {0};
		struct keyset_key key;
		struct key_info info = {.apex = z->apex, .key = &key};

		keys_fill(k, z, i, now, &key);
		info.state = timeline_state(&r->times, now);
		info.ds = timeline_ds(&r->times, r->role != KEY_ZSK, now);
		info.since = timeline_since(&r->times, now);
		info.has_next =
		    timeline_next(&r->times, periods_of(policy, r->role, &periods), now, &next);
		info.next_state = next.state;
		info.next_at = next.at;
		info.next_why = next.why;
		fn(arg, &info);
	}
}

void keys_each(struct keys *k, const uint8_t *apex, keys_policy_fn *policy, void *policy_arg,
    int64_t now, keys_each_fn *fn, void *arg)
{
	const struct zone_keys *one = apex != NULL ? find_apex(k, apex) : NULL;

	for (size_t i = 0; i < k->zone_count; i++) {
		const struct zone_keys *z = k->zones[i];

		if (!z->is_forgotten && (apex == NULL || z == one))
			each_of_zone(k, z, policy != NULL ? policy(policy_arg, z->apex) : NULL, now,
			    fn, arg);
	}
}

bool keys_ds_may_exist(const struct keys *k, const uint8_t *apex, char why[256])
{
	const struct zone_keys *z = find_apex(k, apex);
	enum keys_status status = keys_zone_status(k, apex, why);

	if (status == KEYS_NONE || status == KEYS_MAKING)
		return false;
	if (z == NULL || !z->has_record) {
		snprintf(
		    why, 256, "its keys are not known: whether a DS exists is not known either");
		return true;
	}
	for (unsigned i = 0; i < z->record.key_count; i++) {
		const struct record_key *r = &z->record.keys[i];
		enum ds_state ds = timeline_ds(&r->times, r->role != KEY_ZSK, INT64_MAX);

		if (ds == DS_NONE || ds == DS_UNSUBMITTED || ds == DS_GONE)
			continue;
		snprintf(why, 256, "the DS of %s %u is %s", key_role_name(r->role), r->tag,
		    ds_state_name(ds));
		return true;
	}
	why[0] = '\0';
	return false;
}

int keys_is_adopted(const struct keys *k, const uint8_t *apex, struct err *e)
{
	uint8_t hash[RECORD_HASH_LEN];

	keys_zone_hash(apex, hash);
	return intent_is_adopted(k->store, hash, e);
}

int keys_end_adoption(struct keys *k, const uint8_t *apex, struct err *e)
{
	uint8_t hash[RECORD_HASH_LEN];

	keys_zone_hash(apex, hash);
	return intent_end_adoption(k->store, hash, e);
}
