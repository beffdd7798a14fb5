/* make_begin: what keys a new zone is to have: as its policy says, or as an intent that an earlier
 * try left in the store.  Runs in the signing side.
 *
 * What the token lists is not trusted, but for records that name the intent's own CKA_IDs. */
#include <string.h>
#include "keys/make.h"
#include "base/mem.h"

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
	if (make_find_token(m, 0, &token))
		make_submit(m, token, &r, on_random);
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
	if (!make_find_token(m, m->at, &token))
		return;
	memcpy(r.id, m->intent.keys[m->at].id, sizeof(r.id));
	make_submit(m, token, &r, on_discarded);
}

/* Is this the record that the intent was to lead to? */
static bool is_ours(const struct make *m, const struct record *r)
{
	if (memcmp(r->zone_hash, m->zone->hash, RECORD_HASH_LEN) != 0 ||
	    r->key_count != m->base_count + m->intent.key_count ||
	    r->sequence != (m->is_addition ? m->zone->record.sequence : 0) + 1)
		return false;
	for (unsigned i = m->base_count; i < r->key_count; i++)
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
	record_free(&m->record);
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
	keys_hold(z);
	if (z->status != KEYS_GOOD)
		keys_set_status(z, KEYS_MAKING, "its keys are being made");
	return m;
}

/* An earlier try may have ended in a lost reply: look before doing anything. */
static void make_continue(struct make *m)
{
	struct token_request r = {.op = TOKEN_LIST};
	unsigned token;

	m->is_noted = true;
	if (make_find_token(m, 0, &token))
		make_submit(m, token, &r, on_looked);
}

void make_resume(struct keys *k, struct zone_keys *z, const struct intent *i)
{
	struct make *m = make_new(k, z);

	m->intent = *i;
	make_continue(m);
}

static void wish_for(struct intent *w, const struct key_policy *p, enum key_role role)
{
	struct intent_key *k = &w->keys[w->key_count];

	if (!policy_role(p, role)->wanted)
		return;
	k->role = role;
	k->algorithm = p->algorithm;
	k->bits = policy_bits(p, role);
	k->extractable = p->extractable;
	memcpy(k->token, policy_role(p, role)->token, sizeof(k->token));
	w->key_count++;
}

static void make_wish(struct make *m, const struct key_policy *p, const enum key_role *roles,
    unsigned role_count, int64_t now)
{
	struct intent *w = &m->wish;

	memcpy(w->zone, m->zone->apex, sizeof(w->zone));
	memcpy(w->policy, p->name, sizeof(w->policy));
	w->ttls =
	    (struct record_ttls){p->ttl_dnskey, p->ttl_cds, p->max_ttl, p->propagation, p->ds_ttl};
	w->time = now;
	for (unsigned i = 0; i < role_count; i++)
		wish_for(w, p, roles[i]);
	m->has_wish = true;
}

/* Are the intent's keys in the record already?  Then it was forgotten to be forgotten. */
static bool is_stale(const struct make *m)
{
	for (unsigned i = 0; i < m->base_count; i++)
		if (intent_has_id(&m->intent, m->record.keys[i].id))
			return true;
	return false;
}

static void make_start(struct make *m, const struct key_policy *p)
{
	struct err e = {0};
	int rc = intent_load(m->keys->store, m->zone->hash, &m->intent, &e);

	if (rc == OK && is_stale(m))
		rc = ERR_MISSING;
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
	enum key_role roles[2];
	struct zone_keys *z;
	struct make *m;

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
	m = make_new(k, z);
	make_wish(m, p, roles, policy_roles(p, roles), now);
	make_start(m, p);
}

void make_more(struct keys *k, struct zone_keys *z, const struct key_policy *p,
    const enum key_role *roles, unsigned role_count, int64_t now, keys_done_fn *done, void *arg)
{
	struct make *m = make_new(k, z);

	keys_add_waiter(&z->waiters, &z->waiter_count, done, arg);
	m->is_addition = true;
	m->base_count = z->record.key_count;
	record_copy(&z->record, &m->record);
	make_wish(m, p, roles, role_count, now);
	make_start(m, p);
}
