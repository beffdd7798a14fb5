/* load: reading the tokens, at start and whenever one came back.
 *
 *   list      each token, once more if a record in it was damaged (it may have been half written)
 *   resolve   resolve.c
 *   finish    zones that were being made or destroyed
 *   prove     every key of a sound record signs a challenge; only then is its zone KEYS_GOOD (one
 *             that was, with the same record, stays so meanwhile)
 *   clean     superseded records go, but for one
 *
 * Runs in the signing side; every step waits for a token and survives its error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "keys/change.h"

struct load {
	struct keys *keys;
	unsigned token; /* being listed */
	bool is_second_look;
	unsigned pending; /* parts that are under way, and one for the loop that starts them */
	int code;	  /* the first token's error */
	char why[KEYS_WHY_SIZE];
};

struct proof_item {
	struct proof proof;
	uint8_t zone_hash[RECORD_HASH_LEN];
	enum key_role role;
	uint16_t tag;
};
struct proof_batch {
	struct load *load;
	unsigned token, count;
	struct proof_item items[TOKEN_BATCH_MAX];
};

static void load_start(struct keys *k);
static void clean_all(struct keys *k);

static void load_release(struct load *l)
{
	struct keys *k = l->keys;

	if (--l->pending > 0)
		return;
	k->loading = NULL;
	if (k->load_again) {
		free(l);
		k->load_again = false;
		load_start(k);
		return;
	}
	k->is_loaded = true;
	clean_all(k);
	keys_call_waiters(&k->load_waiters, &k->load_waiter_count, l->code, l->why);
	free(l);
	for (size_t i = k->zone_count; i-- > 0;)
		if (i < k->zone_count)
			destroy_waiting(k, k->zones[i]);
}

static void prove_end(struct zone_keys *z)
{
	if (--z->unproved > 0)
		return;
	z->awaits_proof = false;
	if (z->status == KEYS_FROZEN)
		z->can_sign = !z->has_failed;
	else if (!z->has_failed && !z->was_busy)
		keys_set_status(z, KEYS_GOOD, "%s", "");
}

static void prove_fail(struct zone_keys *z, enum keys_status status, const char *why)
{
	char zone[NAME_TEXT_SIZE];

	if (z->was_busy)
		return; /* it is being destroyed, or it changed: it was good before */
	z->has_failed = true;
	if (z->status != KEYS_FROZEN)
		keys_set_status(z, status, "%.250s", why);
	keys_zone_text(z, zone);
	log_warning("%.200s: %s", zone, why);
}

static void prove_one(
    struct keys *k, const struct proof_item *item, const struct token_reply *reply, unsigned i)
{
	struct zone_keys *z = keys_find(k, item->zone_hash);
	struct err e = {0};

	if (z == NULL || !z->awaits_proof)
		return; /* destroyed meanwhile */
	if (reply->code != OK || i >= reply->signature_count || reply->signatures[i].code != OK) {
		err_set(&e, ERR_TOKEN, "%s %u signed no challenge: %.200s",
		    key_role_name(item->role), item->tag, reply->err.text);
		prove_fail(z, KEYS_UNKNOWN, e.text);
	} else if (proof_check(&item->proof, reply->signatures[i].data, reply->signatures[i].len,
		       &e) != OK) {
		prove_fail(z, KEYS_RECOVERY, e.text);
	}
	prove_end(z);
}

static void on_signed(void *arg, const struct token_reply *reply)
{
	struct proof_batch *b = arg;
	struct load *l = b->load;

	for (unsigned i = 0; i < b->count; i++)
		prove_one(l->keys, &b->items[i], reply, i);
	free(b);
	load_release(l);
}

static void submit_batch(struct proof_batch *b)
{
	struct token_request r = {.op = TOKEN_SIGN, .class = TOKEN_KEYSET};
	struct token_sign_item items[TOKEN_BATCH_MAX];

	for (unsigned i = 0; i < b->count; i++)
		proof_item(&b->items[i].proof, &items[i]);
	r.items = items;
	r.item_count = b->count;
	b->load->pending++;
	token_submit(b->load->keys->tokens[b->token].token, &r, on_signed, b);
}

static void add_proof(
    struct load *l, struct proof_batch **batch, unsigned token, struct zone_keys *z, unsigned key)
{
	struct proof_item *item;
	struct err e = {0};

	if (*batch == NULL) {
		*batch = mem_alloc(sizeof(**batch));
		(*batch)->load = l;
		(*batch)->token = token;
	}
	item = &(*batch)->items[(*batch)->count];
	if (proof_prepare(&item->proof, &z->record.keys[key], &e) != OK) {
		prove_fail(z, KEYS_UNKNOWN, e.text);
		prove_end(z);
		return;
	}
	memcpy(item->zone_hash, z->hash, sizeof(item->zone_hash));
	item->role = z->record.keys[key].role;
	item->tag = z->record.keys[key].tag;
	if (++(*batch)->count == TOKEN_BATCH_MAX) {
		submit_batch(*batch);
		*batch = NULL;
	}
}

static bool is_to_prove(const struct record_key *k)
{
	return timeline_needs_key(&k->times);
}

/* Which zones wait for a proof, and of how many keys: counted before the first reply comes. */
static void count_proofs(struct keys *k)
{
	for (size_t i = 0; i < k->zone_count; i++) {
		struct zone_keys *z = k->zones[i];

		if (!z->awaits_proof)
			continue;
		z->has_failed = false;
		z->unproved = 1; /* for the counting itself */
		for (unsigned j = 0; j < z->record.key_count; j++)
			z->unproved += is_to_prove(&z->record.keys[j]);
		prove_end(z);
	}
}

static void prove_all(struct load *l)
{
	struct keys *k = l->keys;

	count_proofs(k);
	for (unsigned t = 0; t < k->token_count; t++) {
		struct proof_batch *batch = NULL;

		for (size_t i = 0; i < k->zone_count; i++) {
			struct zone_keys *z = k->zones[i];

			for (unsigned j = 0; z->awaits_proof && j < z->record.key_count; j++)
				if (z->key_tokens[j] == t && is_to_prove(&z->record.keys[j]))
					add_proof(l, &batch, t, z, j);
		}
		if (batch != NULL)
			submit_batch(batch);
	}
}

static void on_finished(void *arg, int code, const char *why)
{
	(void)code; /* the zone's status says it */
	(void)why;
	load_release(arg);
}

/* What a crash, or an error, left half done.  Zones may leave the table here. */
static void finish_all(struct load *l)
{
	struct keys *k = l->keys;

	for (size_t i = k->zone_count; i-- > 0;) {
		struct zone_keys *z = k->zones[i];
		struct intent intent;
		struct err e = {0};
		bool make =
		    z->status == KEYS_MAKING && intent_load(k->store, z->hash, &intent, &e) == OK;

		if (z->is_busy || (!make && !(z->is_doomed && inventory_is_whole(k))))
			continue;
		l->pending++;
		keys_add_waiter(&z->waiters, &z->waiter_count, on_finished, l);
		if (make)
			make_resume(k, z, &intent);
		else
			destroy_resume(k, z);
	}
}

static void clean_all(struct keys *k)
{
	for (size_t i = 0; i < k->zone_count; i++)
		if (k->zones[i]->status == KEYS_GOOD)
			change_clean(k, k->zones[i]);
}

static void load_listed(struct load *l)
{
	resolve_zones(l->keys);
	finish_all(l);
	prove_all(l);
	load_release(l);
}

static void list_next(struct load *l);

static void on_listed(void *arg, const struct token_reply *reply)
{
	struct load *l = arg;
	struct keys *k = l->keys;
	bool again = false;

	if (reply->code == OK) {
		again = !inventory_take(k, l->token, reply) && !l->is_second_look;
	} else if (l->code == OK) {
		l->code = reply->code;
		snprintf(l->why, sizeof(l->why), "token %s cannot be read: %.180s",
		    token_name(k->tokens[l->token].token), reply->err.text);
	}
	l->is_second_look = again;
	l->token += !again;
	list_next(l);
}

static void list_next(struct load *l)
{
	struct token_request r = {.op = TOKEN_LIST, .class = TOKEN_KEYSET};

	if (l->token == l->keys->token_count)
		load_listed(l);
	else
		token_submit(l->keys->tokens[l->token].token, &r, on_listed, l);
}

static void load_start(struct keys *k)
{
	struct load *l = mem_alloc(sizeof(*l));

	l->keys = k;
	l->pending = 1;
	k->loading = l;
	for (unsigned i = 0; i < k->token_count; i++)
		k->tokens[i].is_fresh = false;
	for (size_t i = 0; i < k->zone_count; i++)
		k->zones[i]->was_busy = k->zones[i]->is_busy;
	list_next(l);
}

void keys_load(struct keys *k, keys_done_fn *done, void *arg)
{
	keys_add_waiter(&k->load_waiters, &k->load_waiter_count, done, arg);
	if (k->loading != NULL)
		k->load_again = true;
	else
		load_start(k);
}

static bool is_unsettled(const struct keys *k, const struct zone_keys *z)
{
	if (z->status != KEYS_UNKNOWN || z->is_busy || z->is_forgotten)
		return false;
	for (unsigned i = 0; i < z->label_count; i++)
		if (!token_is_up(k->tokens[z->labels[i].token].token, NULL))
			return false;
	for (unsigned i = 0; i < z->record.key_count; i++)
		if (!token_is_up(k->tokens[z->key_tokens[i]].token, NULL))
			return false;
	return true;
}

bool keys_wants_load(const struct keys *k)
{
	if (k->loading != NULL)
		return false;
	for (unsigned i = 0; i < k->token_count; i++)
		if (!k->tokens[i].is_fresh && token_is_up(k->tokens[i].token, NULL))
			return true;
	for (size_t i = 0; i < k->zone_count; i++)
		if (is_unsettled(k, k->zones[i]))
			return true;
	return false;
}
