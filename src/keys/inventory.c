/* inventory: what the tokens hold, and what that means for each zone.
 *
 * Runs in the signing side.  A token's content is not trusted: other programs write there, back-ups
 * are restored, writes are cut.  The rules:
 *   - the valid record with the highest sequence counts;
 *   - two records of that sequence with different digests: two writers, the zone is frozen;
 *   - a newer record that cannot be read, or one older than what was acted upon before: recovery;
 *   - keys without a record are never a new zone: recovery, unless the store's intent names them;
 *   - a record without keys: the zone is being destroyed, go on. */
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

struct choice {			   /* among a zone's records */
	struct found_record *best; /* valid, highest sequence */
	uint64_t highest;	   /* by label, readable or not */
	const char *unreadable;	   /* why the record of the highest sequence cannot be read */
	bool newer_program;
	bool conflict;
};

static void consider(struct choice *c, struct found_record *f)
{
	if (f->code != OK) {
		if (f->label.sequence > c->highest) {
			c->highest = f->label.sequence;
			c->unreadable = f->why;
			c->newer_program = f->code == ERR_REFUSED;
		}
		return;
	}
	if (c->best == NULL || f->record.sequence > c->best->record.sequence) {
		c->best = f;
		c->conflict = false;
	} else if (f->record.sequence == c->best->record.sequence &&
		   memcmp(f->record.digest, c->best->record.digest, RECORD_DIGEST_LEN) != 0) {
		c->conflict = true;
	}
}

static int by_sequence(const void *pa, const void *pb)
{
	struct record_label a = {0}, b = {0};

	labels_parse_record(((const struct zone_label *)pa)->text, &a);
	labels_parse_record(((const struct zone_label *)pb)->text, &b);
	return (a.sequence > b.sequence) - (a.sequence < b.sequence);
}

static struct choice choose(struct keys *k, struct zone_keys *z)
{
	struct choice c = {0};

	z->label_count = 0;
	for (unsigned i = 0; i < k->token_count; i++) {
		struct keys_token *t = &k->tokens[i];

		for (size_t j = first_record(t, z->hash);
		     j < t->record_count && by_hash(&t->records[j], z->hash) == 0; j++) {
			keys_add_label(z, t->records[j].text, i);
			consider(&c, &t->records[j]);
		}
	}
	if (z->label_count > 1)
		qsort(z->labels, z->label_count, sizeof(*z->labels), by_sequence);
	return c;
}

/* Is each of the record's keys in a token, and the same as in the record? */
static bool check_keys(struct keys *k, struct zone_keys *z)
{
	for (unsigned i = 0; i < z->record.key_count; i++) {
		const struct record_key *r = &z->record.keys[i];
		const struct found_key *f;

		if (!timeline_needs_key(&r->times))
			continue;
		if (!inventory_find_key(k, z->hash, r->id, &z->key_tokens[i], &f)) {
			if (inventory_is_whole(k))
				keys_set_status(z, KEYS_RECOVERY,
				    "its record names %s %u, which no token has: restore the token "
				    "from its back-up",
				    key_role_name(r->role), r->tag);
			else
				keys_set_status(z, KEYS_UNKNOWN,
				    "%s %u is in none of the tokens that answer",
				    key_role_name(r->role), r->tag);
			return false;
		}
		if (!f->has_private ||
		    (f->pub_len != 0 &&
			(f->pub_len != r->pub_len || memcmp(f->pub, r->pub, r->pub_len) != 0))) {
			keys_set_status(z, KEYS_RECOVERY, "%s %u in the token %s",
			    key_role_name(r->role), r->tag,
			    f->has_private ? "is not the key that the record describes"
					   : "has no private half");
			return false;
		}
	}
	return true;
}

static void take_over(struct zone_keys *z, const struct record *r)
{
	record_free(&z->record);
	record_copy(r, &z->record);
	z->has_record = true;
	memcpy(z->apex, r->zone, sizeof(z->apex));
	z->has_apex = true;
}

/* Was a later record acted upon before?  Then this one comes from a back-up. */
static bool is_older_than_used(struct keys *k, struct zone_keys *z)
{
	uint64_t used = 0, here = z->record.sequence;
	struct err e = {0};

	if (intent_sequence(k->store, z->hash, &used, &e) != OK) {
		keys_set_status(z, KEYS_UNKNOWN, "%.250s", e.text);
		return true;
	}
	if (here < used) {
		keys_set_status(z, KEYS_RECOVERY,
		    "record %llu is older than %llu, which was used before (a restored back-up?): "
		    "see `key accept-record`",
		    (unsigned long long)here, (unsigned long long)used);
		return true;
	}
	if (here > used && intent_found(k->store, z->hash, used, here, &e) != OK) {
		keys_set_status(
		    z, KEYS_UNKNOWN, "the sequence of its record cannot be noted: %.200s", e.text);
		return true;
	}
	return false;
}

static void resolve_record(struct keys *k, struct zone_keys *z, const struct choice *c)
{
	uint8_t hash[RECORD_HASH_LEN];
	bool was_good = z->status == KEYS_GOOD && memcmp(z->record.digest, c->best->record.digest,
						      sizeof(z->record.digest)) == 0;

	take_over(z, &c->best->record);
	keys_zone_hash(z->apex, hash);
	if (c->conflict)
		keys_set_status(z, KEYS_FROZEN,
		    "two records of sequence %llu that differ: two signers write to this token",
		    (unsigned long long)z->record.sequence);
	else if (memcmp(hash, z->hash, sizeof(hash)) != 0)
		keys_set_status(z, KEYS_RECOVERY, "its record names another zone");
	else if (c->unreadable != NULL && c->highest > z->record.sequence)
		keys_set_status(z, KEYS_RECOVERY, "record %llu: %.200s",
		    (unsigned long long)c->highest, c->unreadable);
	else if (is_older_than_used(k, z))
		return;
	else if (z->record.key_count == 0 && z->record.unsign == 0) {
		z->is_doomed = true;
		keys_set_status(z, KEYS_UNKNOWN, "it is being destroyed");
	} else if (check_keys(k, z)) {
		z->awaits_proof = true;
		if (!was_good)
			keys_set_status(z, KEYS_UNKNOWN, "its keys have not proved themselves yet");
	}
}

struct orphans {
	struct intent intent; /* no keys: there is none */
	unsigned all, known;  /* keys in the tokens; those of them that the intent names */
};

static void count_orphan(void *arg, unsigned token, const struct found_key *key)
{
	struct orphans *o = arg;

	(void)token;
	o->all++;
	o->known += intent_has_id(&o->intent, key->id);
}

/* Keys and no record. */
static void resolve_orphans(struct keys *k, struct zone_keys *z, const struct choice *c)
{
	struct orphans o = {0};
	struct err e = {0};

	if (intent_load(k->store, z->hash, &o.intent, &e) == OK) {
		memcpy(z->apex, o.intent.zone, sizeof(z->apex));
		z->has_apex = true;
	}
	inventory_each_key(k, z->hash, count_orphan, &o);
	if (c->unreadable != NULL)
		keys_set_status(z, KEYS_RECOVERY, "record %llu: %.200s",
		    (unsigned long long)c->highest, c->unreadable);
	else if (!inventory_is_whole(k))
		keys_set_status(
		    z, KEYS_UNKNOWN, "a token does not answer: its record may be there");
	else if (o.all == 0 && o.intent.key_count == 0)
		keys_set_status(z, KEYS_NONE, "it has no keys");
	else if (o.known == o.all && o.intent.key_count > 0)
		keys_set_status(z, KEYS_MAKING, "its keys are being made");
	else
		keys_set_status(z, KEYS_RECOVERY,
		    "the token has %u key%s of it and no state record: nothing is made anew; "
		    "restore "
		    "the token, or destroy them",
		    o.all, o.all == 1 ? "" : "s");
}

/* Does a token that it lives in not answer this time?  Then what was known of the zone holds. */
static bool is_out_of_sight(const struct keys *k, const struct zone_keys *z)
{
	bool away = false;

	for (unsigned i = 0; i < z->label_count; i++)
		away |= !k->tokens[z->labels[i].token].is_fresh;
	for (unsigned i = 0; i < z->record.key_count; i++)
		away |= !k->tokens[z->key_tokens[i]].is_fresh;
	return z->has_record && away;
}

static void resolve_zone(struct keys *k, struct zone_keys *z)
{
	struct choice c;

	if (z->is_busy || z->was_busy || is_out_of_sight(k, z))
		return;
	z->awaits_proof = z->is_doomed = false;
	c = choose(k, z);
	if (c.best != NULL)
		resolve_record(k, z, &c);
	else if (z->has_record)
		keys_set_status(z, KEYS_UNKNOWN, "its record was not found again");
	else
		resolve_orphans(k, z, &c);
	if (z->status == KEYS_RECOVERY || z->status == KEYS_FROZEN) {
		char zone[NAME_TEXT_SIZE];

		keys_zone_text(z, zone);
		log_error("%.200s: %s", zone, z->why);
	}
}

void inventory_resolve(struct keys *k)
{
	for (unsigned i = 0; i < k->token_count; i++) {
		for (size_t j = 0; j < k->tokens[i].key_count; j++)
			keys_find_or_add(k, k->tokens[i].keys[j].hash);
		for (size_t j = 0; j < k->tokens[i].record_count; j++)
			keys_find_or_add(k, k->tokens[i].records[j].label.zone_hash);
	}
	for (size_t i = 0; i < k->zone_count; i++)
		resolve_zone(k, k->zones[i]);
}
