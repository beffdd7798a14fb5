/* rival: another signer that writes to the same token.  Runs in the signing side.
 *
 * PKCS#11 has no lock that could keep it out; it can only be noticed.  Each record carries the mark
 * of the signer that wrote it (drawn at random once per store), and after each of our own records
 * the token is asked for those that we have not seen.  One search is O(all objects) to some tokens,
 * so that all records written meanwhile share the next search.
 *
 * A zone with a rival is frozen: its keys do not change until the operator says whose record is
 * right (keys_accept_record).  It is signed on with the keys as they were known last. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "keys/keys_internal.h"

struct look { /* one search, and who waits for it */
	struct keys *keys;
	unsigned token;
	struct waiter *waiters;
	unsigned waiter_count;
};

void rival_freeze(struct keys *k, struct zone_keys *z, const struct record *theirs)
{
	char zone[NAME_TEXT_SIZE];
	uint32_t us = 0;

	(void)intent_writer(k->store, &us, NULL);
	z->can_sign = z->can_sign || z->status == KEYS_GOOD;
	keys_set_status(z, KEYS_FROZEN,
	    "two signers write to this token: record %llu is by signer %08x, this is %08x; its "
	    "keys stay as they are; stop the other one, then see `key accept-record`",
	    (unsigned long long)theirs->sequence, theirs->writer, us);
	keys_zone_text(z, zone);
	log_error("ALARM: %.200s: %s", zone, z->why);
}

static bool is_known(const struct zone_keys *z, const char *label)
{
	for (unsigned i = 0; i < z->label_count; i++)
		if (strcmp(z->labels[i].text, label) == 0)
			return true;
	return false;
}

void rival_consider(struct keys *k, const struct token_record *found)
{
	struct record_label label;
	struct zone_keys *z;
	struct record r;
	uint32_t us = 0;

	if (!labels_parse_record(found->label, &label))
		return;
	z = keys_find(k, label.zone_hash);
	if (z == NULL || z->status == KEYS_FROZEN || is_known(z, found->label) ||
	    (z->has_record && label.sequence < z->record.sequence) ||
	    intent_writer(k->store, &us, NULL) != OK ||
	    record_decode(found->value, found->value_len, &r, NULL) != OK)
		return;
	if (r.writer != us && (z->status == KEYS_GOOD || z->is_busy))
		rival_freeze(k, z, &r);
	record_free(&r);
}

static void look_start(struct keys *k, unsigned token);

static void on_news(void *arg, const struct token_reply *reply)
{
	struct look *l = arg;
	struct keys *k = l->keys;
	unsigned token = l->token;

	/* An error: what is there is found by the next search. */
	for (size_t i = 0; reply->code == OK && i < reply->record_count; i++)
		rival_consider(k, &reply->records[i]);
	k->tokens[token].is_looking = false;
	if (k->tokens[token].look_waiter_count > 0)
		look_start(k, token);
	keys_call_waiters(&l->waiters, &l->waiter_count, OK, "");
	free(l);
}

static void look_start(struct keys *k, unsigned token)
{
	struct token_request r = {.op = TOKEN_NEWS, .class = TOKEN_KEYSET};
	struct keys_token *t = &k->tokens[token];
	struct look *l = mem_alloc(sizeof(*l));

	l->keys = k;
	l->token = token;
	l->waiters = t->look_waiters;
	l->waiter_count = t->look_waiter_count;
	t->look_waiters = NULL;
	t->look_waiter_count = 0;
	t->is_looking = true;
	token_submit(t->token, &r, on_news, l);
}

void rival_look(struct keys *k, unsigned token, keys_done_fn *done, void *arg)
{
	struct keys_token *t = &k->tokens[token];

	keys_add_waiter(&t->look_waiters, &t->look_waiter_count, done, arg);
	if (!t->is_looking)
		look_start(k, token);
}

void keys_look_for_rivals(struct keys *k)
{
	for (unsigned i = 0; i < k->token_count; i++)
		if (k->tokens[i].is_fresh && !k->tokens[i].is_looking)
			look_start(k, i);
}
