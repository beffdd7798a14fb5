/* step: what roll.h finds has to be done, carried out.  Runs in the signing side.
 *
 *   look      the step function, with the facts of this instant
 *   generate  keys that are wanted: a record with them, and look again
 *   commit    all new times as one record, and look again
 *   destroy   keys that a committed record calls removed: in the token, then a record without them
 *
 * Nothing is remembered between these but records, so that a crash anywhere is followed by looking
 * again.  A key is destroyed while the record still has it as removed: a record never names a key
 * that is needed and not there, and no key is left behind that no record names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "keys/change.h"
#include "keys/make.h"
#include "keys/roll.h"

#define LOOKS_MAX 8

struct step {
	struct keys *keys;
	struct zone_keys *zone;
	struct key_policy policy;
	struct facts facts;
	int64_t now;
	struct roll_result result;
	unsigned looks, at; /* at: the change in hand, while destroying */
	bool only_purge;    /* asked for by the operator: nothing else is done */
	bool cannot_generate;
	char trouble[KEYS_WHY_SIZE]; /* of generating: the rest goes on */
	keys_done_fn *done;
	void *arg;
};

static void step_look(struct step *s);

static void step_end(struct step *s, int code, const char *why)
{
	struct zone_keys *z = s->zone;
	char words[KEYS_WHY_SIZE];

	if (!s->only_purge) {
		z->held_count = s->result.held_count;
		z->held = mem_grow(z->held, z->held_count + 1, sizeof(*z->held));
		memcpy(z->held, s->result.held, z->held_count * sizeof(*z->held));
		z->next_look = s->result.next;
	}
	if (code == OK && s->cannot_generate) {
		code = ERR_TOKEN;
		why = s->trouble;
	}
	snprintf(words, sizeof(words), "%.250s", why);
	keys_add_waiter(&z->waiters, &z->waiter_count, s->done, s->arg);
	keys_task_end(s->keys, z, code, words);
	free(s);
}

static void on_generated(void *arg, int code, const char *why)
{
	struct step *s = arg;

	keys_hold(s->zone);
	if (code != OK) {
		s->cannot_generate = true;
		snprintf(s->trouble, sizeof(s->trouble), "%.250s", why);
	}
	step_look(s);
}

static void on_committed(void *arg, int code, const char *why)
{
	struct step *s = arg;

	if (code != OK)
		step_end(s, code, why);
	else
		step_look(s);
}

static bool step_generate(struct step *s)
{
	enum key_role roles[2];
	unsigned count = 0;

	for (unsigned i = 0; i < s->result.change_count; i++)
		if (s->result.changes[i].step == ROLL_GENERATE && count < 2)
			roles[count++] = s->result.changes[i].role;
	if (count == 0 || s->cannot_generate)
		return false;
	s->zone->is_busy = false; /* the making has it */
	make_more(s->keys, s->zone, &s->policy, roles, count, s->now, on_generated, s);
	return true;
}

static void log_changes(const struct step *s)
{
	char zone[NAME_TEXT_SIZE];

	keys_zone_text(s->zone, zone);
	for (unsigned i = 0; i < s->result.change_count; i++) {
		const struct roll_change *c = &s->result.changes[i];
		const struct record_key *k = &s->zone->record.keys[c->key];

		if (c->step != ROLL_GENERATE && c->step != ROLL_DESTROY)
			log_notice("%.200s: %s %u: %s", zone, key_role_name(k->role), k->tag,
			    roll_step_name(c->step));
	}
}

static void fill_ttls(const struct key_policy *p, struct record *r)
{
	memcpy(r->policy, p->name, sizeof(r->policy));
	r->ttls =
	    (struct record_ttls){p->ttl_dnskey, p->ttl_cds, p->max_ttl, p->propagation, p->ds_ttl};
}

/* All but what is to be made or destroyed. */
static bool step_commit(struct step *s)
{
	struct roll_result times = s->result;
	struct record next;
	unsigned kept = 0;

	for (unsigned i = 0; i < times.change_count; i++)
		if (times.changes[i].step != ROLL_GENERATE && times.changes[i].step != ROLL_DESTROY)
			times.changes[kept++] = times.changes[i];
	times.change_count = kept;
	if (kept == 0)
		return false;
	log_changes(s);
	record_copy(&s->zone->record, &next);
	roll_apply(&times, &next);
	fill_ttls(&s->policy, &next);
	change_commit(s->keys, s->zone, &next, NULL, s->now, on_committed, s);
	return true;
}

/* The token has none of them any more. */
static void step_forget(struct step *s)
{
	unsigned token_of[KEYSET_MAX] = {0}, kept = 0;
	bool gone[KEYSET_MAX] = {false};
	struct record next;

	for (unsigned i = 0; i < s->result.change_count; i++)
		if (s->result.changes[i].step == ROLL_DESTROY)
			gone[s->result.changes[i].key] = true;
	for (unsigned i = 0; i < s->zone->record.key_count; i++) {
		if (gone[i])
			continue;
		token_of[kept] = s->zone->key_tokens[i];
		s->facts.keys[kept++] = s->facts.keys[i];
	}
	memset(&s->facts.keys[kept], 0, (KEYSET_MAX - kept) * sizeof(*s->facts.keys));
	record_copy(&s->zone->record, &next);
	roll_apply(&s->result, &next);
	change_commit(s->keys, s->zone, &next, token_of, s->now, on_committed, s);
}

static void step_destroy(struct step *s);

static void on_destroyed(void *arg, const struct token_reply *reply)
{
	struct step *s = arg;

	if (reply->code != OK && reply->code != ERR_MISSING) {
		char why[KEYS_WHY_SIZE];

		snprintf(
		    why, sizeof(why), "a removed key cannot be destroyed: %.200s", reply->err.text);
		step_end(s, reply->code, why);
		return;
	}
	s->at++;
	step_destroy(s);
}

static void step_destroy(struct step *s)
{
	struct token_request r = {.op = TOKEN_DROP_KEY, .class = TOKEN_REFRESH};
	unsigned key;

	while (s->at < s->result.change_count && s->result.changes[s->at].step != ROLL_DESTROY)
		s->at++;
	if (s->at == s->result.change_count) {
		step_forget(s);
		return;
	}
	key = s->result.changes[s->at].key;
	memcpy(r.id, s->zone->record.keys[key].id, sizeof(r.id));
	token_submit(s->keys->tokens[s->zone->key_tokens[key]].token, &r, on_destroyed, s);
}

static bool has_destroy(const struct step *s)
{
	for (unsigned i = 0; i < s->result.change_count; i++)
		if (s->result.changes[i].step == ROLL_DESTROY)
			return true;
	return false;
}

static void keep_destroys(struct roll_result *res)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < res->change_count; i++)
		if (res->changes[i].step == ROLL_DESTROY)
			res->changes[kept++] = res->changes[i];
	res->change_count = kept;
}

static void step_look(struct step *s)
{
	struct roll_input in = {&s->zone->record, &s->policy, &s->facts, s->now, NULL};

	for (unsigned i = 0; i < s->zone->record.key_count; i++)
		s->facts.keys[i].token = token_name(s->keys->tokens[s->zone->key_tokens[i]].token);
	roll_step(&in, &s->result);
	if (++s->looks > (s->only_purge ? 1 : LOOKS_MAX)) {
		step_end(s, OK, ""); /* the rest at the next look */
		return;
	}
	if (s->only_purge)
		keep_destroys(&s->result);
	if (step_generate(s) || step_commit(s))
		return;
	if (has_destroy(s)) {
		s->at = 0;
		step_destroy(s);
		return;
	}
	step_end(s, OK, "");
}

static void step_start(struct keys *k, const uint8_t *apex, const struct key_policy *policy,
    const struct facts *facts, int64_t now, bool only_purge, keys_done_fn *done, void *arg)
{
	char why[KEYS_WHY_SIZE];
	struct step *s;
	int code = OK;
	struct zone_keys *z = change_begin(k, apex, now, &code, why);

	if (z == NULL) {
		done(arg, code, why);
		return;
	}
	s = mem_alloc(sizeof(*s));
	s->keys = k;
	s->zone = z;
	s->policy = *policy;
	s->facts = *facts;
	s->now = now;
	s->only_purge = only_purge;
	s->done = done;
	s->arg = arg;
	step_look(s);
}

void keys_step(struct keys *k, const uint8_t *apex, const struct key_policy *policy,
    const struct facts *facts, int64_t now, keys_done_fn *done, void *arg)
{
	step_start(k, apex, policy, facts, now, false, done, arg);
}

void keys_request_purge(struct keys *k, const uint8_t *apex, const struct key_policy *policy,
    const struct facts *facts, int64_t now, keys_done_fn *done, void *arg)
{
	step_start(k, apex, policy, facts, now, true, done, arg);
}
