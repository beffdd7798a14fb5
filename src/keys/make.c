/* make: the keys of a new zone.  Runs in the signing side.
 *
 *   intent     CKA_IDs from the token, and what is wanted, committed in the store
 *   generate   each key; an id that is there already is adopted; two of one tag: another one
 *   prove      each key signs a challenge; one that cannot sign: another one
 *   commit     one state record
 *   forget     the intent
 *
 * A crash or an error anywhere leaves the intent; the next start or the next keys_zone_make goes on
 * from it.  The record follows from intent and keys alone, so that writing it twice gives the same
 * octets, not two truths. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "keys/make.h"

#define TRIES_MAX 16

static void make_end(struct make *m, int code, const char *why)
{
	struct zone_keys *z = m->zone;
	char zone[NAME_TEXT_SIZE], words[KEYS_WHY_SIZE];

	snprintf(words, sizeof(words), "%.250s", why);
	if (code == OK) {
		keys_set_status(z, KEYS_GOOD, "%s", "");
	} else {
		if (!m->is_addition && z->status != KEYS_FROZEN)
			keys_set_status(z, m->is_noted ? KEYS_MAKING : KEYS_NONE, "%s", words);
		keys_zone_text(z, zone);
		log_error("%.200s: making its keys: %s", zone, words);
	}
	record_free(&m->record);
	keys_task_end(m->keys, z, code, words);
	free(m);
}

void make_fail(struct make *m, int code, const char *fmt, ...)
{
	char why[KEYS_WHY_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	make_end(m, code, why);
}

/* Where the key in hand is. */
static unsigned *key_token(const struct make *m)
{
	return &m->zone->key_tokens[m->base_count + m->at];
}

static const char *role_text(const struct make *m)
{
	return key_role_name(m->intent.keys[m->at].role);
}

void make_submit(struct make *m, unsigned token, struct token_request *r, token_reply_fn *fn)
{
	r->class = TOKEN_KEYSET;
	token_submit(m->keys->tokens[token].token, r, fn, m);
}

bool make_find_token(struct make *m, unsigned i, unsigned *token)
{
	struct err e = {0};

	if (keys_token_by_name(m->keys, m->intent.keys[i].token, token, &e) == OK)
		return true;
	make_fail(m, e.code, "%.250s", e.text);
	return false;
}

/* Records stay where the first one was written. */
static unsigned record_token(const struct make *m)
{
	const struct zone_keys *z = m->zone;

	return m->is_addition ? z->labels[z->label_count - 1].token : z->key_tokens[0];
}

void make_finish(struct make *m, const char *label)
{
	struct zone_keys *z = m->zone;
	struct err e = {0};

	record_free(&z->record);
	z->record = m->record;
	memset(&m->record, 0, sizeof(m->record));
	z->has_record = true;
	keys_add_label(z, label, record_token(m));
	for (unsigned i = m->base_count; i < z->record.key_count; i++)
		inventory_add_key(m->keys, z->key_tokens[i], z->hash, &z->record.keys[i]);
	if (intent_finish(m->keys->store, z->hash, z->record.sequence, &e) != OK)
		log_warning("the note of keys being made stays in the store: %s", e.text);
	make_end(m, OK, "");
}

static void on_committed(void *arg, int code, const char *why, const char *label)
{
	struct make *m = arg;

	if (code == OK)
		make_finish(m, label);
	else
		make_fail(m, code, "%s", why);
}

static void make_commit(struct make *m)
{
	struct record *r = &m->record;
	struct err e = {0};

	memcpy(r->zone_hash, m->zone->hash, sizeof(r->zone_hash));
	memcpy(r->zone, m->intent.zone, sizeof(r->zone));
	memcpy(r->policy, m->intent.policy, sizeof(r->policy));
	r->ttls = m->intent.ttls;
	r->time = m->intent.time;
	r->sequence++;
	if (m->is_addition)
		memcpy(r->previous, m->zone->record.digest, sizeof(r->previous));
	if (intent_writer(m->keys->store, &r->writer, &e) != OK)
		make_fail(m, e.code, "%.250s", e.text);
	else
		commit_record(m->keys, record_token(m), r, on_committed, m);
}

static void on_dropped(void *arg, const struct token_reply *reply)
{
	struct make *m = arg;

	if (reply->code != OK && reply->code != ERR_MISSING)
		make_fail(m, reply->code, "a new %s that cannot be used stays in the token: %.150s",
		    role_text(m), reply->err.text);
	else
		make_generate(m);
}

/* The key in hand is no good, and was never used: it goes, and another gets its id. */
static void make_again(struct make *m, const char *why)
{
	struct token_request r = {.op = TOKEN_DROP_KEY};

	memcpy(r.id, m->intent.keys[m->at].id, sizeof(r.id));
	if (++m->tries == TRIES_MAX)
		make_fail(m, ERR_LIMIT, "%u new keys in a row were no good, the last: %.180s",
		    TRIES_MAX, why);
	else
		make_submit(m, *key_token(m), &r, on_dropped);
}

/* A crash in the middle of generating may leave a key that is listed and cannot sign.  Only what
 * the token says of the key itself counts: a token that is ill says other things. */
static bool is_broken_key(const struct token_reply *reply)
{
	static const unsigned long words[] = {
	    0x05, /* CKR_GENERAL_ERROR */
	    0x60, /* CKR_KEY_HANDLE_INVALID */
	    0x63, /* CKR_KEY_TYPE_INCONSISTENT */
	    0x68, /* CKR_KEY_FUNCTION_NOT_PERMITTED */
	    0x82, /* CKR_OBJECT_HANDLE_INVALID */
	};

	for (size_t i = 0; i < MEM_COUNT(words); i++) {
		if (reply->err.ckr == words[i])
			return true;
	}
	return false;
}

static void on_challenge(void *arg, const struct token_reply *reply)
{
	struct make *m = arg;
	struct err e = {0};

	if (reply->code != OK && is_broken_key(reply)) {
		m->record.key_count--;
		make_again(m, reply->err.text);
		return;
	}
	if (reply->code != OK || reply->signature_count != 1 || reply->signatures[0].code != OK) {
		make_fail(m, reply->code != OK ? reply->code : ERR_TOKEN,
		    "the new %s signed no challenge: %.200s", role_text(m), reply->err.text);
		return;
	}
	if (proof_check(&m->proof, reply->signatures[0].data, reply->signatures[0].len, &e) != OK) {
		make_fail(m, e.code, "the new %s: %.220s", role_text(m), e.text);
		return;
	}
	m->at++;
	m->tries = 0;
	make_generate(m);
}

static void make_prove(struct make *m)
{
	struct token_request r = {.op = TOKEN_SIGN, .item_count = 1};
	struct token_sign_item item;
	struct err e = {0};

	if (proof_prepare(&m->proof, &m->record.keys[m->base_count + m->at], &e) != OK) {
		make_fail(m, e.code, "%.250s", e.text);
		return;
	}
	proof_item(&m->proof, &item);
	r.items = &item;
	make_submit(m, *key_token(m), &r, on_challenge);
}

static void fill_key(const struct make *m, const struct token_key *made, struct record_key *out)
{
	const struct intent_key *wanted = &m->intent.keys[m->at];
	uint8_t rdata[DNSKEY_RDATA_MAX];

	memcpy(out->id, wanted->id, sizeof(out->id));
	out->role = wanted->role;
	out->algorithm = wanted->algorithm;
	out->flags = DNSKEY_FLAG_ZONE;
	if (wanted->role != KEY_ZSK)
		out->flags |= DNSKEY_FLAG_SEP;
	out->pub_len = (uint16_t)made->pub_len;
	memcpy(out->pub, made->pub, made->pub_len);
	out->tag = dnskey_tag(rdata, proof_dnskey(out, rdata));
	out->times.at[TIME_GENERATED] = m->intent.time;
	/* One that can be backed up is made for a policy that demands it, before it is published.
	 */
	if (m->is_addition || wanted->extractable)
		return;
	/* The zone is not signed yet: nobody has a DNSKEY set that this key is missing from. */
	for (enum key_time t = TIME_GENERATED; t <= TIME_ACTIVE; t++)
		out->times.at[t] = m->intent.time;
	if (role_has_zone(out->role))
		out->times.at[TIME_SIGN_FROM] = m->intent.time;
}

static void on_generated(void *arg, const struct token_reply *reply)
{
	struct make *m = arg;
	struct record_key *key;

	if (reply->code == ERR_CONFLICT) { /* half of a key, from before a crash */
		make_again(m, reply->err.text);
		return;
	}
	if (reply->code != OK) {
		make_fail(
		    m, reply->code, "the %s cannot be made: %.220s", role_text(m), reply->err.text);
		return;
	}
	if (reply->key.pub_len == 0 || reply->key.pub_len > RECORD_PUB_MAX ||
	    (reply->key.algorithm != 0 &&
		reply->key.algorithm != m->intent.keys[m->at].algorithm)) {
		make_fail(
		    m, ERR_TOKEN, "the token's new %s has no usable public half", role_text(m));
		return;
	}
	key = record_add_key(&m->record);
	if (key == NULL) {
		make_fail(m, ERR_LIMIT, "%u keys are the most that a zone can have", KEYSET_MAX);
		return;
	}
	fill_key(m, &reply->key, key);
	for (unsigned i = 0; i < m->base_count + m->at; i++) {
		/* Validators tell keys apart by tag and algorithm: two alike would make them try
		 * both (RFC 4034 appendix B). */
		if (m->record.keys[i].tag == key->tag) {
			m->record.key_count--;
			make_again(m, "it has the key tag of another key of the zone");
			return;
		}
	}
	make_prove(m);
}

void make_generate(struct make *m)
{
	static const char roles[] = {[KEY_KSK] = 'k', [KEY_ZSK] = 'z', [KEY_CSK] = 'c'};
	struct token_request r = {.op = TOKEN_GENERATE};
	const struct intent_key *wanted = &m->intent.keys[m->at];
	struct birth_label label = {.birth = m->intent.time};

	if (m->at == m->intent.key_count) {
		make_commit(m);
		return;
	}
	if (!make_find_token(m, m->at, key_token(m)))
		return;
	memcpy(label.zone_hash, m->zone->hash, sizeof(label.zone_hash));
	label.role = roles[wanted->role];
	label.algorithm = wanted->algorithm;
	labels_format_key(&label, r.label);
	memcpy(r.id, wanted->id, sizeof(r.id));
	r.algorithm = wanted->algorithm;
	r.bits = wanted->bits;
	r.extractable = wanted->extractable;
	make_submit(m, *key_token(m), &r, on_generated);
}
