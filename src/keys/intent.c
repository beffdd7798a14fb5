/* intent: rows of keys/ in the store.  Runs in the signing side's main thread. */
#include <string.h>
#include <openssl/rand.h>
#include "keys/intent.h"

#define INTENT_VERSION 1

static bool same_key(const struct intent_key *a, const struct intent_key *b)
{
	return a->role == b->role && a->algorithm == b->algorithm && a->bits == b->bits &&
	       a->extractable == b->extractable && strcmp(a->token, b->token) == 0;
}

bool intent_same(const struct intent *a, const struct intent *b)
{
	if (a->key_count != b->key_count || strcmp(a->policy, b->policy) != 0)
		return false;
	for (unsigned i = 0; i < a->key_count; i++)
		if (!same_key(&a->keys[i], &b->keys[i]))
			return false;
	return true;
}

bool intent_has_id(const struct intent *i, const uint8_t id[TOKEN_ID_LEN])
{
	for (unsigned j = 0; j < i->key_count; j++)
		if (memcmp(i->keys[j].id, id, TOKEN_ID_LEN) == 0)
			return true;
	return false;
}

static void encode(const struct intent *i, struct buf *b)
{
	buf_u8(b, INTENT_VERSION);
	buf_lv16(b, i->zone, name_len(i->zone));
	buf_str(b, i->policy);
	buf_u32(b, i->ttls.dnskey);
	buf_u32(b, i->ttls.cds);
	buf_u32(b, i->ttls.max_ttl);
	buf_u32(b, i->ttls.propagation);
	buf_u32(b, i->ttls.ds);
	buf_u64(b, (uint64_t)i->time);
	buf_u8(b, (uint8_t)i->key_count);
	for (unsigned j = 0; j < i->key_count; j++) {
		buf_u8(b, (uint8_t)i->keys[j].role);
		buf_u8(b, i->keys[j].algorithm);
		buf_u16(b, i->keys[j].bits);
		buf_u8(b, i->keys[j].extractable);
		buf_str(b, i->keys[j].token);
		buf_put(b, i->keys[j].id, TOKEN_ID_LEN);
	}
}

static void decode_key(struct reader *r, struct intent_key *k)
{
	const uint8_t *id;

	k->role = (enum key_role)reader_u8(r);
	k->algorithm = reader_u8(r);
	k->bits = reader_u16(r);
	k->extractable = reader_u8(r) != 0;
	reader_str(r, k->token, sizeof(k->token));
	id = reader_bytes(r, TOKEN_ID_LEN);
	if (id != NULL)
		memcpy(k->id, id, TOKEN_ID_LEN);
}

static bool decode(const uint8_t *data, size_t len, struct intent *out)
{
	struct reader r = reader_of(data, len);
	struct intent i = {0};
	uint8_t version = reader_u8(&r);
	size_t zone_len;
	const uint8_t *zone = reader_lv16(&r, &zone_len);

	if (r.failed || version != INTENT_VERSION || zone_len == 0 ||
	    name_check(zone, zone_len) != zone_len)
		return false;
	memcpy(i.zone, zone, zone_len);
	reader_str(&r, i.policy, sizeof(i.policy));
	i.ttls.dnskey = reader_u32(&r);
	i.ttls.cds = reader_u32(&r);
	i.ttls.max_ttl = reader_u32(&r);
	i.ttls.propagation = reader_u32(&r);
	i.ttls.ds = reader_u32(&r);
	i.time = (int64_t)reader_u64(&r);
	i.key_count = reader_u8(&r);
	if (i.key_count > INTENT_KEYS_MAX)
		return false;
	for (unsigned j = 0; j < i.key_count; j++)
		decode_key(&r, &i.keys[j]);
	if (r.failed)
		return false;
	*out = i;
	return true;
}

int intent_save(
    struct store *s, const uint8_t hash[RECORD_HASH_LEN], const struct intent *i, struct err *e)
{
	struct store_write *w;
	struct buf b = {0};
	int rc = store_write_begin(s, &w, e);

	if (rc != OK)
		return rc;
	encode(i, &b);
	rc = store_write_meta(w, META_KEYS_INTENT, hash, RECORD_HASH_LEN, b.data, b.len, e);
	buf_free(&b);
	if (rc == OK)
		return store_write_commit(w, e);
	store_write_abort(w);
	return rc;
}

/* One row, copied; ERR_MISSING if there is none. */
static int read_row(struct store *s, uint8_t class, const uint8_t *key, size_t key_len,
    struct buf *out, struct err *e)
{
	struct snapshot *sn;
	const uint8_t *value;
	size_t len;
	int rc = snapshot_open(s, &sn, e);

	if (rc != OK)
		return rc;
	rc = snapshot_meta(sn, class, key, key_len, &value, &len);
	if (rc == OK)
		buf_put(out, value, len);
	else if (rc != ERR_MISSING)
		err_set(e, rc, "a row of class %u cannot be read from the store", class);
	snapshot_close(sn);
	return rc;
}

int intent_load(
    struct store *s, const uint8_t hash[RECORD_HASH_LEN], struct intent *out, struct err *e)
{
	struct buf b = {0};
	int rc = read_row(s, META_KEYS_INTENT, hash, RECORD_HASH_LEN, &b, e);

	if (rc == OK && !decode(b.data, b.len, out))
		rc = err_set(e, ERR_FORMAT,
		    "the store's note of keys being made is damaged, or of a newer version");
	buf_free(&b);
	return rc;
}

/* What becomes of a zone's rows when its record is noted. */
struct note {
	uint64_t sequence; /* 0: all is forgotten */
	bool keeps_intent, is_adopted;
};

static int write_note(
    struct store_write *w, const uint8_t hash[RECORD_HASH_LEN], const struct note *n, struct err *e)
{
	struct buf sequence = {0};
	int rc = OK;

	buf_u64(&sequence, n->sequence);
	if (!n->keeps_intent)
		rc = store_write_meta(w, META_KEYS_INTENT, hash, RECORD_HASH_LEN, NULL, 0, e);
	if (rc == OK && (n->is_adopted || n->sequence == 0))
		rc = store_write_meta(
		    w, META_KEYS_ADOPTED, hash, RECORD_HASH_LEN, n->is_adopted ? "" : NULL, 0, e);
	if (rc == OK)
		rc = store_write_meta(w, META_KEYS_SEQUENCE, hash, RECORD_HASH_LEN,
		    n->sequence == 0 ? NULL : sequence.data, sequence.len, e);
	buf_free(&sequence);
	return rc;
}

static int note(
    struct store *s, const uint8_t hash[RECORD_HASH_LEN], const struct note *n, struct err *e)
{
	struct store_write *w;
	int rc = store_write_begin(s, &w, e);

	if (rc != OK)
		return rc;
	rc = write_note(w, hash, n, e);
	if (rc == OK)
		return store_write_commit(w, e);
	store_write_abort(w);
	return rc;
}

int intent_finish(
    struct store *s, const uint8_t hash[RECORD_HASH_LEN], uint64_t sequence, struct err *e)
{
	return note(s, hash, &(struct note){.sequence = sequence}, e);
}

int intent_note_sequence(
    struct store *s, const uint8_t hash[RECORD_HASH_LEN], uint64_t sequence, struct err *e)
{
	return note(s, hash, &(struct note){.sequence = sequence, .keeps_intent = true}, e);
}

int intent_adopt(
    struct store *s, const uint8_t hash[RECORD_HASH_LEN], uint64_t sequence, struct err *e)
{
	struct note n = {.sequence = sequence, .keeps_intent = true, .is_adopted = true};

	return note(s, hash, &n, e);
}

int intent_found(struct store *s, const uint8_t hash[RECORD_HASH_LEN], uint64_t used,
    uint64_t sequence, struct err *e)
{
	struct intent intent;
	int rc = used == 0 ? intent_load(s, hash, &intent, e) : OK;

	if (rc == ERR_MISSING)
		return intent_adopt(s, hash, sequence, e);
	return rc != OK ? rc : intent_finish(s, hash, sequence, e);
}

int intent_is_adopted(struct store *s, const uint8_t hash[RECORD_HASH_LEN], struct err *e)
{
	struct buf b = {0};
	int rc = read_row(s, META_KEYS_ADOPTED, hash, RECORD_HASH_LEN, &b, e);

	buf_free(&b);
	return rc;
}

int intent_end_adoption(struct store *s, const uint8_t hash[RECORD_HASH_LEN], struct err *e)
{
	struct store_write *w;
	int rc = store_write_begin(s, &w, e);

	if (rc != OK)
		return rc;
	rc = store_write_meta(w, META_KEYS_ADOPTED, hash, RECORD_HASH_LEN, NULL, 0, e);
	if (rc == OK)
		return store_write_commit(w, e);
	store_write_abort(w);
	return rc;
}

int intent_sequence(
    struct store *s, const uint8_t hash[RECORD_HASH_LEN], uint64_t *out, struct err *e)
{
	struct buf b = {0};
	struct reader r;
	int rc = read_row(s, META_KEYS_SEQUENCE, hash, RECORD_HASH_LEN, &b, e);

	r = reader_of(b.data, b.len);
	if (rc == OK)
		*out = reader_u64(&r);
	else if (rc == ERR_MISSING)
		*out = 0;
	buf_free(&b);
	return rc == ERR_MISSING ? OK : rc;
}

int intent_writer(struct store *s, uint32_t *out, struct err *e)
{
	struct store_write *w;
	struct buf b = {0};
	uint8_t fresh[4] = {0};
	int rc = read_row(s, META_KEYS_WRITER, fresh, 0, &b, e);

	if (rc == OK && b.len == sizeof(fresh))
		*out = load_u32(b.data);
	buf_free(&b);
	if (rc != ERR_MISSING)
		return rc;
	if (RAND_bytes(fresh, sizeof(fresh)) != 1)
		return err_set(e, ERR_CRYPTO, "no random number for this signer's own mark");
	rc = store_write_begin(s, &w, e);
	if (rc != OK)
		return rc;
	rc = store_write_meta(w, META_KEYS_WRITER, fresh, 0, fresh, sizeof(fresh), e);
	if (rc != OK) {
		store_write_abort(w);
		return rc;
	}
	rc = store_write_commit(w, e);
	if (rc == OK)
		*out = load_u32(fresh);
	return rc;
}
