/* inventory: what the tokens were found to hold.  Runs in the signing side.
 *
 * A token's content is not trusted: other programs write there, back-ups are restored, writes are
 * cut. What it means for each zone: resolve.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "keys/keys_internal.h"

void inventory_free(struct keys_token *t)
{
	for (size_t i = 0; i < t->key_count; i++)
		free(t->keys[i].pub);
	for (size_t i = 0; i < t->record_count; i++)
		record_free(&t->records[i].record);
	free(t->keys);
	free(t->records);
	t->keys = NULL;
	t->records = NULL;
	t->key_count = t->record_count = 0;
}

/* Both kinds begin with their zone's hash. */
static int by_hash(const void *a, const void *b)
{
	return memcmp(a, b, RECORD_HASH_LEN);
}

static void take_key(struct keys_token *t, const struct token_key *key)
{
	struct found_key *f = &t->keys[t->key_count];
	struct birth_label label;

	if (!labels_parse_key(key->label, &label))
		return;
	memset(f, 0, sizeof(*f));
	memcpy(f->hash, label.zone_hash, sizeof(f->hash));
	memcpy(f->id, key->id, sizeof(f->id));
	f->has_private = key->has_private;
	if (key->pub_len <= RECORD_PUB_MAX && key->pub_len > 0) {
		f->pub_len = (uint16_t)key->pub_len;
		f->pub = mem_alloc(key->pub_len);
		memcpy(f->pub, key->pub, key->pub_len);
	}
	t->key_count++;
}

static bool take_record(struct keys_token *t, const struct token_record *r)
{
	struct found_record *f = &t->records[t->record_count];
	struct err e = {0};

	memset(f, 0, sizeof(*f));
	if (!labels_parse_record(r->label, &f->label))
		return true;
	t->record_count++;
	memcpy(f->text, r->label, sizeof(f->text));
	f->code = record_decode(r->value, r->value_len, &f->record, &e);
	if (f->code == OK &&
	    (memcmp(f->record.zone_hash, f->label.zone_hash, RECORD_HASH_LEN) != 0 ||
		f->record.sequence != f->label.sequence)) {
		record_free(&f->record);
		f->code = err_set(&e, ERR_FORMAT, "a state record under another one's label");
	}
	snprintf(f->why, sizeof(f->why), "%.200s", e.text);
	return f->code != ERR_FORMAT;
}

bool inventory_take(struct keys *k, unsigned token, const struct token_reply *reply)
{
	struct keys_token *t = &k->tokens[token];
	bool sound = true;

	inventory_free(t);
	t->keys = mem_array(reply->key_count + 1, sizeof(*t->keys));
	t->records = mem_array(reply->record_count + 1, sizeof(*t->records));
	for (size_t i = 0; i < reply->key_count; i++)
		take_key(t, &reply->keys[i]);
	for (size_t i = 0; i < reply->record_count; i++)
		sound &= take_record(t, &reply->records[i]);
	qsort(t->keys, t->key_count, sizeof(*t->keys), by_hash);
	qsort(t->records, t->record_count, sizeof(*t->records), by_hash);
	t->is_listed = t->is_fresh = true;
	return sound;
}

bool inventory_is_whole(const struct keys *k)
{
	for (unsigned i = 0; i < k->token_count; i++)
		if (!k->tokens[i].is_listed)
			return false;
	return true;
}

/* The first of those with this hash in a sorted array, count if there is none. */
static size_t first_of(
    const void *array, size_t count, size_t size, const uint8_t hash[RECORD_HASH_LEN])
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_hash((const uint8_t *)array + middle * size, hash) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && by_hash((const uint8_t *)array + low * size, hash) == 0 ? low : count;
}

static size_t first_key(const struct keys_token *t, const uint8_t *hash)
{
	return first_of(t->keys, t->key_count, sizeof(*t->keys), hash);
}

static size_t first_record(const struct keys_token *t, const uint8_t *hash)
{
	return first_of(t->records, t->record_count, sizeof(*t->records), hash);
}

void inventory_each_key(
    const struct keys *k, const uint8_t hash[RECORD_HASH_LEN], inventory_key_fn *fn, void *arg)
{
	for (unsigned i = 0; i < k->token_count; i++) {
		const struct keys_token *t = &k->tokens[i];

		for (size_t j = first_key(t, hash);
		     j < t->key_count && by_hash(&t->keys[j], hash) == 0; j++)
			fn(arg, i, &t->keys[j]);
	}
}

struct search {
	const uint8_t *id;
	const struct found_key *found;
	unsigned token;
};

static void match_id(void *arg, unsigned token, const struct found_key *key)
{
	struct search *s = arg;

	if (memcmp(key->id, s->id, TOKEN_ID_LEN) != 0)
		return;
	s->found = key;
	s->token = token;
}

bool inventory_find_key(const struct keys *k, const uint8_t hash[RECORD_HASH_LEN],
    const uint8_t *id, unsigned *token, const struct found_key **out)
{
	struct search s = {.id = id};

	inventory_each_key(k, hash, match_id, &s);
	if (s.found == NULL)
		return false;
	*token = s.token;
	*out = s.found;
	return true;
}

void inventory_add_key(struct keys *k, unsigned token, const uint8_t hash[RECORD_HASH_LEN],
    const struct record_key *key)
{
	struct keys_token *t = &k->tokens[token];
	struct found_key f = {.has_private = true, .pub_len = key->pub_len};
	size_t at = 0;

	memcpy(f.hash, hash, sizeof(f.hash));
	memcpy(f.id, key->id, sizeof(f.id));
	f.pub = mem_alloc(key->pub_len);
	memcpy(f.pub, key->pub, key->pub_len);
	while (at < t->key_count && by_hash(&t->keys[at], hash) < 0)
		at++;
	t->keys = mem_grow(t->keys, t->key_count + 1, sizeof(*t->keys));
	memmove(t->keys + at + 1, t->keys + at, (t->key_count - at) * sizeof(*t->keys));
	t->keys[at] = f;
	t->key_count++;
}

void inventory_forget(struct keys *k, const uint8_t hash[RECORD_HASH_LEN])
{
	for (unsigned i = 0; i < k->token_count; i++) {
		struct keys_token *t = &k->tokens[i];
		size_t from = first_key(t, hash), to = from;

		for (; to < t->key_count && by_hash(&t->keys[to], hash) == 0; to++)
			free(t->keys[to].pub);
		memmove(t->keys + from, t->keys + to, (t->key_count - to) * sizeof(*t->keys));
		t->key_count -= to - from;
		from = to = first_record(t, hash);
		for (; to < t->record_count && by_hash(&t->records[to], hash) == 0; to++)
			record_free(&t->records[to].record);
		memmove(t->records + from, t->records + to,
		    (t->record_count - to) * sizeof(*t->records));
		t->record_count -= to - from;
	}
}

void inventory_each_record(
    const struct keys *k, const uint8_t hash[RECORD_HASH_LEN], inventory_record_fn *fn, void *arg)
{
	for (unsigned i = 0; i < k->token_count; i++) {
		const struct keys_token *t = &k->tokens[i];

		for (size_t j = first_record(t, hash);
		     j < t->record_count && by_hash(&t->records[j], hash) == 0; j++)
			fn(arg, i, &t->records[j]);
	}
}

struct record_search {
	uint64_t sequence, newest, highest;
	uint32_t us;
	const struct record *found;
};

static void match_sequence(void *arg, unsigned token, const struct found_record *f)
{
	struct record_search *s = arg;

	(void)token;
	if (f->label.sequence > s->highest)
		s->highest = f->label.sequence;
	if (f->code != OK)
		return;
	if (f->record.sequence > s->newest)
		s->newest = f->record.sequence;
	if (f->record.sequence == s->sequence && (s->found == NULL || f->record.writer == s->us))
		s->found = &f->record;
}

const struct record *inventory_record(const struct keys *k, const uint8_t hash[RECORD_HASH_LEN],
    uint64_t sequence, uint64_t *newest, uint64_t *highest)
{
	struct record_search s = {.sequence = sequence};

	(void)intent_writer(k->store, &s.us, NULL);
	inventory_each_record(k, hash, match_sequence, &s);
	*newest = s.newest;
	*highest = s.highest;
	return s.found;
}
