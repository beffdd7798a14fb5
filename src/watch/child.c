/* What is known of a monitored domain as a whole: see child.h. */
#include "watch/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/soa.h"
#include "watch/child_internal.h"
#include "watch/trust.h"

/* The hash that ECDSA with P-256 signs is SHA-256. */
void child_digest(const void *data, size_t len, uint8_t out[WATCH_DIGEST_LEN])
{
	uint8_t hash[64] = {0};

	rrsig_digest(ALG_ECDSAP256SHA256, data, len, hash);
	memcpy(out, hash, WATCH_DIGEST_LEN);
}

/* DS sets */

bool watch_ds_has(const struct watch_ds *set, const struct parent_ds *ds)
{
	for (unsigned i = 0; i < set->count; i++) {
		if (parent_ds_equal(&set->list[i], ds))
			return true;
	}
	return false;
}

static bool has_all(const struct watch_ds *set, const struct watch_ds *of)
{
	for (unsigned i = 0; i < of->count; i++) {
		if (!watch_ds_has(set, &of->list[i]))
			return false;
	}
	return true;
}

static bool has_any(const struct watch_ds *set, const struct watch_ds *of)
{
	for (unsigned i = 0; i < of->count; i++) {
		if (watch_ds_has(set, &of->list[i]))
			return true;
	}
	return false;
}

bool watch_ds_equal(const struct watch_ds *a, const struct watch_ds *b)
{
	return has_all(a, b) && has_all(b, a);
}

bool watch_ds_add(struct watch_ds *set, const struct parent_ds *ds)
{
	if (watch_ds_has(set, ds))
		return true;
	if (set->count == PARENT_DS_MAX)
		return false;
	set->list[set->count++] = *ds;
	return true;
}

/* A child and its servers */

void watch_child_init(struct watch_child *c, const uint8_t *apex, int64_t now)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->apex, apex, name_len(apex));
	name_lower(c->apex);
	c->enrolled = now;
}

void child_wish_free(struct watch_wish *w)
{
	free(w->ds);
	free(w->keys);
	memset(w, 0, sizeof(*w));
}

void child_server_free(struct watch_server *s)
{
	for (unsigned t = 0; t < WATCH_TYPES; t++)
		free(s->parts[t].sigs);
	free(s->seen);
	child_wish_free(&s->wish);
	memset(s, 0, sizeof(*s));
}

void watch_child_free(struct watch_child *c)
{
	for (unsigned i = 0; i < c->server_count; i++)
		child_server_free(&c->servers[i]);
	free(c->servers);
	free(c->keys);
	free(c->past);
	memset(c, 0, sizeof(*c));
}

struct watch_server *watch_child_server(const struct watch_child *c, const char *name)
{
	for (unsigned i = 0; i < c->server_count; i++) {
		if (strcmp(c->servers[i].name, name) == 0)
			return &c->servers[i];
	}
	return NULL;
}

int watch_child_servers(
    struct watch_child *c, const char *const *names, unsigned count, struct err *e)
{
	struct watch_server *new, *old;

	if (count > WATCH_SERVERS_MAX)
		return err_set(
		    e, ERR_LIMIT, "more than %d addresses of name servers", WATCH_SERVERS_MAX);
	new = mem_array(count + 1, sizeof(*new));
	for (unsigned i = 0; i < count; i++) {
		old = watch_child_server(c, names[i]);
		if (old != NULL) {
			new[i] = *old;
			memset(old, 0, sizeof(*old));
		}
		snprintf(new[i].name, sizeof(new[i].name), "%s", names[i]);
	}
	for (unsigned i = 0; i < c->server_count; i++)
		child_server_free(&c->servers[i]);
	free(c->servers);
	c->servers = new;
	c->server_count = count;
	return OK;
}

/* Keys */

int child_intern(struct watch_child *c, const uint8_t *rdata, size_t len)
{
	for (unsigned i = 0; i < c->key_count; i++) {
		if (c->keys[i].len == len && memcmp(c->keys[i].rdata, rdata, len) == 0)
			return (int)i;
	}
	if (c->key_count == WATCH_KEYS_MAX || len > DNSKEY_RDATA_MAX)
		return -1;
	c->keys = mem_grow(c->keys, c->key_count + 1, sizeof(*c->keys));
	memset(&c->keys[c->key_count], 0, sizeof(*c->keys));
	memcpy(c->keys[c->key_count].rdata, rdata, len);
	c->keys[c->key_count].len = (uint16_t)len;
	c->keys[c->key_count].tag = dnskey_tag(rdata, len);
	return (int)c->key_count++;
}

/* Does fn for every place that holds the index of a key. */
typedef void index_fn(void *arg, uint8_t *key);

static void each_index(struct watch_child *c, index_fn *fn, void *arg)
{
	for (unsigned i = 0; i < c->server_count; i++) {
		struct watch_server *s = &c->servers[i];

		for (unsigned k = 0; k < s->seen_count; k++)
			fn(arg, &s->seen[k].key);
		for (unsigned k = 0; k < s->wish.key_count; k++)
			fn(arg, &s->wish.keys[k]);
		for (unsigned t = 0; t < WATCH_TYPES; t++) {
			for (unsigned k = 0; k < s->parts[t].sig_count; k++)
				fn(arg, &s->parts[t].sigs[k].key);
		}
	}
}

static void mark_used(void *arg, uint8_t *key)
{
	bool *used = arg;

	used[*key] = true;
}

static void move_index(void *arg, uint8_t *key)
{
	const uint8_t *to = arg;

	*key = to[*key];
}

/* Keys that no address has any more go; what is remembered of them is elsewhere. */
static void drop_unused_keys(struct watch_child *c)
{
	bool used[WATCH_KEYS_MAX] = {false};
	uint8_t to[WATCH_KEYS_MAX] = {0};
	unsigned kept = 0;

	each_index(c, mark_used, used);
	for (unsigned i = 0; i < c->key_count; i++) {
		if (!used[i])
			continue;
		to[i] = (uint8_t)kept;
		c->keys[kept++] = c->keys[i];
	}
	each_index(c, move_index, to);
	c->key_count = kept;
}

/* A look is over */

static bool is_answering(const struct watch_server *s)
{
	return s->word == WATCH_ANSWERED;
}

static bool has_wish(const struct watch_server *s)
{
	return is_answering(s) && s->parts[WATCH_CDS].word == WATCH_ANSWERED &&
	       s->parts[WATCH_CDNSKEY].word == WATCH_ANSWERED;
}

static void note_since(int64_t *since, bool is_so, int64_t now)
{
	if (!is_so)
		*since = 0;
	else if (*since == 0)
		*since = now;
}

/* Who is silent has not come to agree. */
static void note_difference(int64_t *since, bool do_differ, bool all_told, int64_t now)
{
	if (do_differ || all_told)
		note_since(since, do_differ, now);
}

static void compare_servers(struct watch_child *c, int64_t now)
{
	const struct watch_server *keys = NULL, *wish = NULL;
	bool keys_differ = false, wishes_differ = false;
	unsigned answers = 0, wishes = 0;

	for (unsigned i = 0; i < c->server_count; i++) {
		const struct watch_server *s = &c->servers[i];

		if (is_answering(s)) {
			answers++;
			keys = keys == NULL ? s : keys;
			keys_differ |= memcmp(keys->parts[WATCH_DNSKEY].digest,
					   s->parts[WATCH_DNSKEY].digest, WATCH_DIGEST_LEN) != 0;
		}
		if (has_wish(s)) {
			wishes++;
			wish = wish == NULL ? s : wish;
			wishes_differ |=
			    memcmp(wish->wish.digest, s->wish.digest, WATCH_DIGEST_LEN) != 0;
		}
	}
	note_difference(&c->dnskey_differs, keys_differ, answers == c->server_count, now);
	note_difference(&c->wish_differs, wishes_differ, wishes == c->server_count, now);
}

/* A server may be some seconds behind another at each look, and no harm is done; it is behind when
 * it still lacks a version that another one had in the look before. */
static void compare_serials(struct watch_child *c, int64_t now)
{
	const struct watch_server *ahead = NULL;

	for (unsigned i = 0; i < c->server_count; i++) {
		struct watch_server *s = &c->servers[i];

		if (!is_answering(s) || !s->has_serial)
			continue;
		note_since(&s->behind_since,
		    c->newest_serial_at != 0 && serial_gt(c->newest_serial, s->serial),
		    c->newest_serial_at);
		if (ahead == NULL || serial_gt(s->serial, ahead->serial))
			ahead = s;
	}
	if (ahead == NULL)
		return;
	c->newest_serial = ahead->serial;
	c->newest_serial_at = now;
}

/* The keys of enrolment are known once an address showed them in a set that validates, or that of
 * an unsigned domain. */
static bool is_baseline(const struct watch_child *c, int64_t now)
{
	for (unsigned i = 0; i < c->server_count; i++) {
		const struct watch_server *s = &c->servers[i];

		if (c->has_today && is_answering(s) &&
		    (c->today.count == 0 || trust_validates(c, s, &c->today, now)))
			return true;
	}
	return false;
}

void watch_child_round(struct watch_child *c, int64_t now)
{
	drop_unused_keys(c);
	compare_servers(c, now);
	compare_serials(c, now);
	c->has_baseline = c->has_baseline || is_baseline(c, now);
}

/* The parent */

static bool is_there_at_all(const struct parent_view *v, const struct parent_ds *ds, int64_t fresh)
{
	return parent_fact_of(v, ds, fresh).word == PARENT_THERE;
}

int watch_parent_set(
    const struct parent_view *v, int64_t fresh, struct watch_ds *out, struct err *e)
{
	struct watch_ds set = {.count = 0};

	if (v->count == 0)
		return err_set(e, ERR_AGAIN, "the parent's servers are not known");
	for (unsigned i = 0; i < v->count; i++) {
		const struct parent_server *s = &v->servers[i];

		if (!s->has_answered || s->asked < fresh)
			return err_set(e, ERR_AGAIN, "the parent's server %s did not answer: %s",
			    s->name, s->reason[0] != '\0' ? s->reason : "not asked since");
		for (unsigned k = 0; k < s->count; k++) {
			if (!s->ds[k].is_there)
				continue;
			if (!is_there_at_all(v, &s->ds[k].ds, fresh) ||
			    !watch_ds_add(&set, &s->ds[k].ds))
				return err_set(
				    e, ERR_AGAIN, "the parent's servers have different DS sets");
		}
	}
	*out = set;
	return OK;
}

/* Is the order carried out? */
static bool is_done(const struct watch_order *o, const struct watch_ds *today)
{
	return o->is_removal ? !has_any(today, &o->ds) : has_all(today, &o->ds);
}

static enum watch_event end_wish(struct watch_child *c, unsigned before)
{
	c->acted_is_open = false;
	if (before == 0 && c->today.count > 0)
		return WATCH_EVENT_SECURED;
	if (c->today.count == 0)
		return WATCH_EVENT_UNSECURED;
	return c->order.is_removal ? WATCH_EVENT_ROLLED : WATCH_EVENT_SEEN;
}

/* The first DS and the last one are events even where they come in two steps. */
static enum watch_event what_is_over(struct watch_child *c, unsigned before)
{
	enum watch_event event = WATCH_EVENT_NONE;

	if (c->order.is_on && is_done(&c->order, &c->today)) {
		c->order.is_on = false;
		event = WATCH_EVENT_SEEN;
	}
	if (c->acted_is_open && watch_ds_equal(&c->today, &c->goal))
		event = end_wish(c, before);
	if (c->roll.is_on && !has_any(&c->today, &c->roll.old)) {
		c->roll.is_on = false;
		if (has_any(&c->today, &c->roll.added))
			event = WATCH_EVENT_ROLLED;
	}
	/* Somebody took our DS out again. */
	if (c->roll.is_on && !c->order.is_on && !has_any(&c->today, &c->roll.added))
		c->roll.is_on = false;
	return event;
}

enum watch_event watch_child_parent(
    struct watch_child *c, const struct parent_view *v, int64_t fresh, int64_t now)
{
	struct watch_ds today;
	unsigned before = c->today.count;

	if (watch_parent_set(v, fresh, &today, NULL) != OK)
		return WATCH_EVENT_NONE;
	c->today = today;
	c->has_today = true;
	child_past_trust(c, now);
	return what_is_over(c, before);
}
