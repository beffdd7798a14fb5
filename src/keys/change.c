/* change: one record that supersedes another.  Runs in the signing side.
 *
 * Until the token has the new record nothing has happened; from then on it is what counts, in
 * memory and after any crash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "keys/change.h"

struct change {
	struct keys *keys;
	struct zone_keys *zone;
	struct record next;
	unsigned token_of[KEYSET_MAX];
	keys_done_fn *done;
	void *arg;
};

static void change_end(struct change *c, int code, const char *why)
{
	char words[KEYS_WHY_SIZE];

	snprintf(words, sizeof(words), "%.250s", why);
	record_free(&c->next);
	c->done(c->arg, code, words);
	free(c);
}

static void on_committed(void *arg, int code, const char *why, const char *label)
{
	struct change *c = arg;
	struct zone_keys *z = c->zone;
	struct err e = {0};

	if (code != OK) {
		change_end(c, code, why);
		return;
	}
	record_free(&z->record);
	z->record = c->next;
	memset(&c->next, 0, sizeof(c->next));
	memcpy(z->key_tokens, c->token_of, sizeof(z->key_tokens));
	keys_add_label(z, label, z->labels[z->label_count - 1].token);
	if (intent_note_sequence(c->keys->store, z->hash, z->record.sequence, &e) != OK)
		log_warning("noting the sequence of a zone's record: %s", e.text);
	change_clean(c->keys, z);
	change_end(c, OK, "");
}

void change_commit(struct keys *k, struct zone_keys *z, struct record *next,
    const unsigned *token_of, int64_t now, keys_done_fn *done, void *arg)
{
	struct change *c = mem_alloc(sizeof(*c));
	struct err e = {0};

	c->keys = k;
	c->zone = z;
	c->next = *next;
	c->done = done;
	c->arg = arg;
	memset(next, 0, sizeof(*next));
	memcpy(c->token_of, token_of != NULL ? token_of : z->key_tokens, sizeof(c->token_of));
	c->next.sequence = z->record.sequence + 1;
	c->next.time = now;
	memcpy(c->next.previous, z->record.digest, sizeof(c->next.previous));
	if (intent_writer(k->store, &c->next.writer, &e) != OK)
		change_end(c, e.code, e.text);
	else
		commit_record(k, z->labels[z->label_count - 1].token, &c->next, on_committed, c);
}

static void on_dropped(void *arg, const struct token_reply *reply)
{
	(void)arg;
	if (reply->code != OK)
		log_notice("a superseded state record stays for now: %s", reply->err.text);
}

void change_clean(struct keys *k, struct zone_keys *z)
{
	while (z->label_count > 2) {
		struct token_request r = {.op = TOKEN_DROP_RECORD, .class = TOKEN_REFRESH};
		unsigned token = z->labels[0].token;

		memcpy(r.label, z->labels[0].text, sizeof(r.label));
		z->label_count--;
		memmove(z->labels, z->labels + 1, z->label_count * sizeof(*z->labels));
		token_submit(k->tokens[token].token, &r, on_dropped, NULL);
	}
}

/* Is the clock behind what was recorded? */
static bool is_too_early(const struct zone_keys *z, int64_t now, char why[KEYS_WHY_SIZE])
{
	char clock[TIME_TEXT_SIZE], recorded[TIME_TEXT_SIZE];

	if (now >= z->record.time)
		return false;
	time_text(now, clock);
	time_text(z->record.time, recorded);
	snprintf(why, KEYS_WHY_SIZE,
	    "the clock says %s, and the state record in the token was written at %s: nothing is "
	    "done to its keys before the clock is right",
	    clock, recorded);
	return true;
}

struct zone_keys *change_begin(
    struct keys *k, const uint8_t *apex, int64_t now, int *code, char why[KEYS_WHY_SIZE])
{
	enum keys_status status = keys_zone_status(k, apex, why);
	uint8_t hash[RECORD_HASH_LEN];
	struct zone_keys *z;

	keys_zone_hash(apex, hash);
	z = keys_find(k, hash);
	if (status == KEYS_GOOD && z != NULL && is_too_early(z, now, why)) {
		*code = ERR_REFUSED;
		return NULL;
	}
	if (status == KEYS_GOOD && z != NULL && !z->is_busy && !z->is_forgotten) {
		keys_hold(z);
		return z;
	}
	*code = status == KEYS_RECOVERY || status == KEYS_FROZEN ? ERR_REFUSED
		: status == KEYS_NONE				 ? ERR_MISSING
								 : ERR_AGAIN;
	if (why[0] == '\0')
		snprintf(why, KEYS_WHY_SIZE, "its keys are being changed: try again");
	return NULL;
}
