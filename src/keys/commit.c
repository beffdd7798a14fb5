/* commit: one state record into a token.  Runs in the signing side.
 *
 * Creating an object is the one atomic write that PKCS#11 has.  When the token answers with an
 * error (or the reply was lost) the record may be there all the same, so it is looked for before
 * anybody is told that it is not. */
#include <stdlib.h>
#include <string.h>
#include <openssl/rand.h>
#include "base/mem.h"
#include "keys/keys_internal.h"

struct commit {
	struct token *token;
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

static void on_listed(void *arg, const struct token_reply *reply)
{
	struct commit *c = arg;

	for (size_t i = 0; reply->code == OK && i < reply->record_count; i++) {
		const struct token_record *r = &reply->records[i];

		if (strcmp(r->label, c->label) == 0 && r->value_len == c->value.len &&
		    memcmp(r->value, c->value.data, c->value.len) == 0) {
			commit_end(c, OK, "");
			return;
		}
	}
	commit_end(c, c->code, c->why);
}

static void on_put(void *arg, const struct token_reply *reply)
{
	struct token_request r = {.op = TOKEN_LIST, .class = TOKEN_KEYSET};
	struct commit *c = arg;

	if (reply->code == OK) {
		commit_end(c, OK, "");
		return;
	}
	c->code = reply->code;
	snprintf(
	    c->why, sizeof(c->why), "the state record cannot be written: %.200s", reply->err.text);
	token_submit(c->token, &r, on_listed, c);
}

void commit_record(
    struct keys *k, unsigned token, struct record *r, commit_done_fn *done, void *arg)
{
	struct token_request request = {.op = TOKEN_PUT_RECORD, .class = TOKEN_KEYSET};
	struct record_label label = {.sequence = r->sequence};
	struct commit *c = mem_alloc(sizeof(*c));

	/* The nonce tells two records of one sequence apart; were it not random, nothing breaks. */
	(void)RAND_bytes((uint8_t *)&label.nonce, sizeof(label.nonce));
	memcpy(label.zone_hash, r->zone_hash, sizeof(label.zone_hash));
	labels_format_record(&label, c->label);
	record_encode(r, &c->value);
	c->token = k->tokens[token].token;
	c->done = done;
	c->arg = arg;
	memcpy(request.label, c->label, sizeof(request.label));
	request.value = c->value.data;
	request.value_len = c->value.len;
	token_submit(c->token, &request, on_put, c);
}
