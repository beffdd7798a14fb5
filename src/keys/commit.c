/* commit: one state record into a token.  Runs in the signing side.
 *
 * Creating an object is the one atomic write that PKCS#11 has.  When the token answers with an
 * error (or the reply was lost) the record may be there all the same, so it is looked for before
 * anybody is told that it is not.
 *
 * Before and after it is looked whether another signer wrote one, too.  Before, so that two truths
 * are not made if that can be helped (and since SoftHSM does not see what another process made
 * between its last search and a write of its own); after, so that nobody acts upon one of two. */
#include <stdlib.h>
#include <string.h>
#include <openssl/rand.h>
#include "base/mem.h"
#include "keys/keys_internal.h"

struct commit {
	struct keys *keys;
	unsigned token;
	uint8_t zone_hash[RECORD_HASH_LEN];
	char label[TOKEN_LABEL_MAX];
	struct buf value;
	char why[KEYS_WHY_SIZE];
	int code; /* of the put */
	commit_done_fn *done;
	void *arg;
};

static void commit_end(struct commit *c, int code, const char *why)
{
	c->done(c->arg, code, why, c->label);
	buf_free(&c->value);
	free(c);
}

/* True: another signer was seen, and the commit has ended. */
static bool commit_end_frozen(struct commit *c)
{
	const struct zone_keys *z = keys_find(c->keys, c->zone_hash);

	if (z == NULL || z->status != KEYS_FROZEN)
		return false;
	commit_end(c, ERR_CONFLICT, z->why);
	return true;
}

static void on_looked(void *arg, int code, const char *why)
{
	(void)code;
	(void)why;
	if (!commit_end_frozen(arg))
		commit_end(arg, OK, "");
}

/* It may be there or not: only another reading tells. */
static void commit_lose_sight(struct commit *c)
{
	struct zone_keys *z = keys_find(c->keys, c->zone_hash);

	if (z != NULL && z->status == KEYS_GOOD)
		keys_set_status(z, KEYS_UNKNOWN, "whether its new record was written is not known");
}

static void on_listed(void *arg, const struct token_reply *reply)
{
	struct commit *c = arg;

	for (size_t i = 0; reply->code == OK && i < reply->record_count; i++) {
		const struct token_record *r = &reply->records[i];

		if (strcmp(r->label, c->label) == 0 && r->value_len == c->value.len &&
		    memcmp(r->value, c->value.data, c->value.len) == 0) {
			rival_look(c->keys, c->token, on_looked, c);
			return;
		}
	}
	if (reply->code != OK)
		commit_lose_sight(c);
	commit_end(c, c->code, c->why);
}

static void on_put(void *arg, const struct token_reply *reply)
{
	struct token_request r = {.op = TOKEN_LIST, .class = TOKEN_KEYSET};
	struct commit *c = arg;

	if (reply->code == OK) {
		rival_look(c->keys, c->token, on_looked, c);
		return;
	}
	c->code = reply->code;
	snprintf(
	    c->why, sizeof(c->why), "the state record cannot be written: %.200s", reply->err.text);
	token_submit(c->keys->tokens[c->token].token, &r, on_listed, c);
}

static void commit_put(void *arg, int code, const char *why)
{
	struct token_request r = {.op = TOKEN_PUT_RECORD, .class = TOKEN_KEYSET};
	struct commit *c = arg;

	(void)code;
	(void)why;
	if (commit_end_frozen(c))
		return;
	memcpy(r.label, c->label, sizeof(r.label));
	r.value = c->value.data;
	r.value_len = c->value.len;
	token_submit(c->keys->tokens[c->token].token, &r, on_put, c);
}

void commit_record(
    struct keys *k, unsigned token, struct record *r, commit_done_fn *done, void *arg)
{
	struct record_label label = {.sequence = r->sequence};
	struct commit *c = mem_alloc(sizeof(*c));

	/* The nonce tells two records of one sequence apart; were it not random, nothing breaks. */
	(void)RAND_bytes((uint8_t *)&label.nonce, sizeof(label.nonce));
	memcpy(label.zone_hash, r->zone_hash, sizeof(label.zone_hash));
	labels_format_record(&label, c->label);
	record_encode(r, &c->value);
	c->keys = k;
	c->token = token;
	memcpy(c->zone_hash, r->zone_hash, sizeof(c->zone_hash));
	c->done = done;
	c->arg = arg;
	rival_look(k, token, commit_put, c);
}
