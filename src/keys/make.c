/* make: the keys of a new zone.  Runs in the signing side.
 *
 *   intent     CKA_IDs from the token, and what is wanted, committed in the store
 *   generate   each key; an id that is there already is adopted; two of one tag: another one
 *   prove      each key signs a challenge
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
#include "keys/keys_internal.h"

#define TAG_TRIES 16
#define RSA_BITS_DEFAULT 2048

struct make {
	struct keys *keys;
	struct zone_keys *zone;
	bool has_wish; /* asked for by keys_zone_make, not found at start */
	struct intent wish;
	bool is_noted; /* the intent is in the store */
	struct intent intent;
	unsigned at, tries; /* the key in hand */
	struct record record;
	struct proof proof;
};

static void make_generate(struct make *m);

static void make_end(struct make *m, int code, const char *why)
{
	struct zone_keys *z = m->zone;
	char zone[NAME_TEXT_SIZE], words[KEYS_WHY_SIZE];

	snprintf(words, sizeof(words), "%.250s", why);
	z->is_busy = false;
	if (code == OK) {
		keys_set_status(z, KEYS_GOOD, "%s", "");
	} else {
		keys_set_status(z, m->is_noted ? KEYS_MAKING : KEYS_NONE, "%s", words);
		keys_zone_text(z, zone);
		log_error("%.200s: making its keys: %s", zone, words);
	}
	record_free(&m->record);
	free(m);
	keys_call_waiters(&z->waiters, &z->waiter_count, code, words);
}

static void make_fail(struct make *m, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void make_fail(struct make *m, int code, const char *fmt, ...)
{
	char why[KEYS_WHY_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	make_end(m, code, why);
}

static const char *role_text(const struct make *m)
{
	return key_role_name(m->intent.keys[m->at].role);
}

static void submit(struct make *m, unsigned token, struct token_request *r, token_reply_fn *fn)
{
	r->class = TOKEN_KEYSET;
	token_submit(m->keys->tokens[token].token, r, fn, m);
}

/* The token of key i; false: the task has ended. */
static bool find_token(struct make *m, unsigned i, unsigned *token)
{
	struct err e = {0};

	if (keys_token_by_name(m->keys, m->intent.keys[i].token, token, &e) == OK)
		return true;
	make_fail(m, e.code, "%.250s", e.text);
	return false;
}

/* The record is in the token: from here on the zone has its keys. */
static void make_finish(struct make *m, const char *label)
{
	struct zone_keys *z = m->zone;
	struct err e = {0};

	record_free(&z->record);
	z->record = m->record;
	memset(&m->record, 0, sizeof(m->record));
	z->has_record = true;
	keys_add_label(z, label, z->key_tokens[0]);
	for (unsigned i = 0; i < z->record.key_count; i++)
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
	r->sequence = 1;
	if (intent_writer(m->keys->store, &r->writer, &e) != OK)
		make_fail(m, e.code, "%.250s", e.text);
	else
		commit_record(m->keys, m->zone->key_tokens[0], r, on_committed, m);
}

static void on_challenge(void *arg, const struct token_reply *reply)
{
	struct make *m = arg;
	struct err e = {0};

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

	if (proof_prepare(&m->proof, &m->record.keys[m->at], &e) != OK) {
		make_fail(m, e.code, "%.250s", e.text);
		return;
	}
	proof_item(&m->proof, &item);
	r.items = &item;
	submit(m, m->zone->key_tokens[m->at], &r, on_challenge);
}

static void on_clash_dropped(void *arg, const struct token_reply *reply)
{
	struct make *m = arg;

	if (reply->code != OK && reply->code != ERR_MISSING)
		make_fail(m, reply->code,
		    "a new %s has the key tag of another key, and stays: %.150s", role_text(m),
		    reply->err.text);
	else
		make_generate(m);
}

/* Validators tell keys apart by tag and algorithm: two alike would make them try both (RFC 4034
 * appendix B).  The key was never used, so that another may have its id. */
static void make_drop_clash(struct make *m)
{
	struct token_request r = {.op = TOKEN_DROP_KEY};

	m->record.key_count--;
	memcpy(r.id, m->intent.keys[m->at].id, sizeof(r.id));
	if (++m->tries == TAG_TRIES)
		make_fail(m, ERR_LIMIT, "%u new keys in a row have the key tag of another key",
		    TAG_TRIES);
	else
		submit(m, m->zone->key_tokens[m->at], &r, on_clash_dropped);
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
	/* The zone is not signed yet: nobody has a DNSKEY set that this key is missing from. */
	for (enum key_time t = TIME_GENERATED; t <= TIME_ACTIVE; t++)
		out->times.at[t] = m->intent.time;
}

static void on_generated(void *arg, const struct token_reply *reply)
{
	struct make *m = arg;
	struct record_key *key;

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
	fill_key(m, &reply->key, key);
	for (unsigned i = 0; i < m->at; i++) {
		if (m->record.keys[i].tag == key->tag) {
			make_drop_clash(m);
			return;
		}
	}
	make_prove(m);
}

static void make_generate(struct make *m)
{
	static const char roles[] = {[KEY_KSK] = 'k', [KEY_ZSK] = 'z', [KEY_CSK] = 'c'};
	struct token_request r = {.op = TOKEN_GENERATE};
	const struct intent_key *wanted = &m->intent.keys[m->at];
	struct birth_label label = {.birth = m->intent.time};

	if (m->at == m->intent.key_count) {
		make_commit(m);
		return;
	}
	if (!find_token(m, m->at, &m->zone->key_tokens[m->at]))
		return;
	memcpy(label.zone_hash, m->zone->hash, sizeof(label.zone_hash));
	label.role = roles[wanted->role];
	label.algorithm = wanted->algorithm;
	labels_format_key(&label, r.label);
	memcpy(r.id, wanted->id, sizeof(r.id));
	r.algorithm = wanted->algorithm;
	r.bits = wanted->bits;
	r.extractable = wanted->extractable;
	submit(m, m->zone->key_tokens[m->at], &r, on_generated);
}

static void on_random(void *arg, const struct token_reply *reply)
{
	struct make *m = arg;
	struct err e = {0};

	if (reply->code != OK || reply->value_len < (size_t)m->intent.key_count * TOKEN_ID_LEN) {
		make_fail(m, reply->code != OK ? reply->code : ERR_TOKEN,
		    "no random numbers from the token: %.200s", reply->err.text);
		return;
	}
	for (unsigned i = 0; i < m->intent.key_count; i++)
		memcpy(m->intent.keys[i].id, reply->value + i * TOKEN_ID_LEN, TOKEN_ID_LEN);
	if (intent_save(m->keys->store, m->zone->hash, &m->intent, &e) != OK) {
		make_fail(m, e.code, "%.250s", e.text);
		return;
	}
	m->is_noted = true;
	make_generate(m);
}

static void make_choose_ids(struct make *m)
{
	struct token_request r = {.op = TOKEN_RANDOM};
	unsigned token;

	m->intent = m->wish;
	r.length = m->intent.key_count * TOKEN_ID_LEN;
	if (find_token(m, 0, &token))
		submit(m, token, &r, on_random);
}

static void make_discard(struct make *m);

static void on_discarded(void *arg, const struct token_reply *reply)
{
	struct make *m = arg;

	if (reply->code != OK && reply->code != ERR_MISSING) {
		make_fail(m, reply->code,
		    "keys begun under another policy cannot be destroyed: %.180s", reply->err.text);
		return;
	}
	m->at++;
	make_discard(m);
}

/* The policy was changed since the intent was written: its keys were never used. */
static void make_discard(struct make *m)
{
	struct token_request r = {.op = TOKEN_DROP_KEY};
	unsigned token;

	if (m->at == m->intent.key_count) {
		m->at = 0;
		make_choose_ids(m);
		return;
	}
	if (!find_token(m, m->at, &token))
		return;
	memcpy(r.id, m->intent.keys[m->at].id, sizeof(r.id));
	submit(m, token, &r, on_discarded);
}

/* Is this the record that the intent was to lead to? */
static bool is_ours(const struct make *m, const struct record *r)
{
	if (memcmp(r->zone_hash, m->zone->hash, RECORD_HASH_LEN) != 0 ||
	    r->key_count != m->intent.key_count)
		return false;
	for (unsigned i = 0; i < r->key_count; i++)
		if (!intent_has_id(&m->intent, r->keys[i].id))
			return false;
	return true;
}

static bool adopt(struct make *m, const struct token_record *found)
{
	struct record_label label;
	struct record r;

	if (!labels_parse_record(found->label, &label) ||
	    record_decode(found->value, found->value_len, &r, NULL) != OK)
		return false;
	if (!is_ours(m, &r)) {
		record_free(&r);
		return false;
	}
	for (unsigned i = 0; i < r.key_count; i++)
		for (unsigned j = 0; j < m->intent.key_count; j++)
			if (memcmp(r.keys[i].id, m->intent.keys[j].id, TOKEN_ID_LEN) == 0)
				(void)keys_token_by_name(m->keys, m->intent.keys[j].token,
				    &m->zone->key_tokens[i], NULL);
	m->record = r;
	make_finish(m, found->label);
	return true;
}

static void on_looked(void *arg, const struct token_reply *reply)
{
	struct make *m = arg;

	if (reply->code != OK) {
		make_fail(m, reply->code, "the token cannot be read: %.200s", reply->err.text);
		return;
	}
	for (size_t i = 0; i < reply->record_count; i++)
		if (adopt(m, &reply->records[i]))
			return;
	if (m->has_wish && !intent_same(&m->wish, &m->intent))
		make_discard(m);
	else
		make_generate(m);
}

static struct make *make_new(struct keys *k, struct zone_keys *z)
{
	struct make *m = mem_alloc(sizeof(*m));

	m->keys = k;
	m->zone = z;
	z->is_busy = true;
	keys_set_status(z, KEYS_MAKING, "its keys are being made");
	return m;
}

/* An earlier try may have ended in a lost reply: look before doing anything. */
static void make_continue(struct make *m)
{
	struct token_request r = {.op = TOKEN_LIST};
	unsigned token;

	m->is_noted = true;
	if (find_token(m, 0, &token))
		submit(m, token, &r, on_looked);
}

void make_resume(struct keys *k, struct zone_keys *z, const struct intent *i)
{
	struct make *m = make_new(k, z);

	m->intent = *i;
	make_continue(m);
}

static bool is_rsa(uint8_t algorithm)
{
	return algorithm == ALG_RSASHA256 || algorithm == ALG_RSASHA512;
}

static void wish_for(struct intent *w, enum key_role role, uint8_t algorithm,
    const struct key_role_policy *p, bool extractable)
{
	struct intent_key *k = &w->keys[w->key_count];

	if (!p->wanted)
		return;
	k->role = role;
	k->algorithm = algorithm;
	k->bits = is_rsa(algorithm) ? (p->bits != 0 ? p->bits : RSA_BITS_DEFAULT) : 0;
	k->extractable = extractable;
	memcpy(k->token, p->token, sizeof(k->token));
	w->key_count++;
}

static void make_wish(struct make *m, const struct key_policy *p, int64_t now)
{
	struct intent *w = &m->wish;

	memcpy(w->zone, m->zone->apex, sizeof(w->zone));
	memcpy(w->policy, p->name, sizeof(w->policy));
	w->ttls =
	    (struct record_ttls){p->ttl_dnskey, p->ttl_cds, p->max_ttl, p->propagation, p->ds_ttl};
	w->time = now;
	if (p->csk.wanted) {
		wish_for(w, KEY_CSK, p->algorithm, &p->csk, p->extractable);
	} else {
		wish_for(w, KEY_KSK, p->algorithm, &p->ksk, p->extractable);
		wish_for(w, KEY_ZSK, p->algorithm, &p->zsk, p->extractable);
	}
	m->has_wish = true;
}

static void make_start(struct keys *k, struct zone_keys *z, const struct key_policy *p, int64_t now)
{
	struct make *m = make_new(k, z);
	struct err e = {0};
	int rc;

	make_wish(m, p, now);
	rc = intent_load(k->store, z->hash, &m->intent, &e);
	if (m->wish.key_count == 0)
		make_fail(m, ERR_ARGUMENT, "policy %s wants no keys", p->name);
	else if (rc == OK)
		make_continue(m);
	else if (rc == ERR_MISSING)
		make_choose_ids(m);
	else
		make_fail(m, rc, "%.250s", e.text);
}

void keys_zone_make(struct keys *k, const uint8_t *apex, const struct key_policy *p, int64_t now,
    keys_done_fn *done, void *arg)
{
	char why[KEYS_WHY_SIZE];
	enum keys_status status = keys_zone_status(k, apex, why);
	uint8_t hash[RECORD_HASH_LEN];
	struct zone_keys *z;

	if (status == KEYS_UNKNOWN || status == KEYS_RECOVERY || status == KEYS_FROZEN) {
		done(arg, status == KEYS_UNKNOWN ? ERR_AGAIN : ERR_REFUSED, why);
		return;
	}
	keys_zone_hash(apex, hash);
	z = keys_find_or_add(k, hash);
	z->is_forgotten = false;
	if (status == KEYS_GOOD) {
		done(arg, OK, "");
		return;
	}
	keys_add_waiter(&z->waiters, &z->waiter_count, done, arg);
	if (z->is_busy)
		return;
	memset(z->apex, 0, sizeof(z->apex));
	memcpy(z->apex, apex, name_len(apex));
	name_lower(z->apex);
	z->has_apex = true;
	make_start(k, z, p, now);
}
