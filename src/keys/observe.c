/* observe: facts from versions and serials.  Pure; runs in the signing side.
 *
 * Serials come from servers that anybody may run: a wrong one can only delay a step or claim what
 * the server itself answers for. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "keys/observe.h"

void facts_apply_policy(struct facts *f, const struct key_policy *p)
{
#define RAISE(field, value) f->field = f->field > (value) ? f->field : (value)
	RAISE(ttl_dnskey, p->ttl_dnskey);
	RAISE(ttl_ds, p->ds_ttl);
	RAISE(propagation, p->propagation);
	RAISE(ds_propagation, p->ds_propagation);
	RAISE(ds_deadline, p->ds_deadline);
	RAISE(ttl_zone, f->ttl_negative);
	RAISE(ttl_zone, p->ttl_cds);
	RAISE(ttl_unsigned, f->ttl_negative);
#undef RAISE
}

/* The newest version that a server with this serial has; -1: older than all that is known. */
static int position(const struct observe *o, uint32_t serial)
{
	int i = (int)o->version_count - 1;

	while (i >= 0 && (int32_t)(serial - o->versions[i].serial) < 0)
		i--;
	return i;
}

static int slowest(const struct observe *o)
{
	int least = (int)o->version_count - 1;

	for (unsigned i = 0; i < o->server_count; i++) {
		int at = o->servers[i].is_known ? position(o, o->servers[i].serial) : -1;

		least = at < least ? at : least;
	}
	return least;
}

/* A server that went back to an older version takes what was everywhere with it. */
static bool settle(struct observe *o, int64_t now)
{
	int least = slowest(o);
	bool changed = false;

	for (unsigned i = 0; i < o->version_count; i++) {
		struct observe_version *v = &o->versions[i];
		bool is_everywhere = (int)i <= least;

		if (is_everywhere == (v->everywhere != 0))
			continue;
		v->everywhere = is_everywhere ? now : 0;
		changed = true;
	}
	return changed;
}

void observe_free(struct observe *o)
{
	free(o->versions);
	free(o->servers);
	memset(o, 0, sizeof(*o));
}

void observe_servers(
    struct observe *o, const struct observe_server *servers, unsigned n, int64_t now)
{
	struct observe_server *copy = mem_array(n + 1, sizeof(*copy));

	if (n > 0)
		memcpy(copy, servers, n * sizeof(*copy));
	free(o->servers);
	o->servers = copy;
	o->server_count = n;
	settle(o, now);
}

static void drop_oldest(struct observe *o)
{
	o->version_count--;
	memmove(o->versions, o->versions + 1, o->version_count * sizeof(*o->versions));
}

/* What began with the oldest version then counts from the next: later than the truth, so safe. */
static void make_room(struct observe *o, int64_t now)
{
	while (o->version_count > 1 && o->versions[1].everywhere != 0 &&
	       o->versions[1].everywhere + OBSERVE_MEMORY < now)
		drop_oldest(o);
	if (o->version_count == OBSERVE_VERSIONS_MAX)
		drop_oldest(o);
	o->versions = mem_grow(o->versions, o->version_count + 1, sizeof(*o->versions));
}

void observe_publish(struct observe *o, const struct observe_version *v, int64_t now)
{
	make_room(o, now);
	o->versions[o->version_count] = *v;
	o->versions[o->version_count++].everywhere = 0;
	settle(o, now);
}

static bool same_key(const struct observe_key *a, const struct observe_key *b)
{
	return memcmp(a->id, b->id, sizeof(a->id)) == 0 && a->in_set == b->in_set &&
	       a->signs_set == b->signs_set && a->signs_all == b->signs_all &&
	       a->signs_some == b->signs_some;
}

bool observe_is_news(const struct observe *o, const struct observe_version *v)
{
	const struct observe_version *last;

	if (o->version_count == 0)
		return true;
	last = &o->versions[o->version_count - 1];
	if (last->is_signed != v->is_signed || last->key_count != v->key_count)
		return true;
	for (unsigned i = 0; i < v->key_count; i++) {
		if (!same_key(&last->keys[i], &v->keys[i]))
			return true;
	}
	return false;
}

bool observe_seen(struct observe *o, unsigned server, uint32_t serial, int64_t now)
{
	if (server >= o->server_count)
		return false;
	o->servers[server] = (struct observe_server){true, serial};
	return settle(o, now);
}

bool observe_lost(struct observe *o, unsigned server, int64_t now)
{
	if (server >= o->server_count)
		return false;
	o->servers[server].is_known = false;
	return settle(o, now);
}

bool observe_is_current(const struct observe *o, unsigned server)
{
	return server < o->server_count && o->servers[server].is_known &&
	       position(o, o->servers[server].serial) == (int)o->version_count - 1;
}

enum trait { IN_SET, OUT_OF_SET, SIGNS_SET, SIGNS_ALL, SIGNS_NONE, IS_SIGNED };

static bool has_trait(const struct observe_version *v, const uint8_t *id, enum trait t)
{
	static const struct observe_key nothing;
	const struct observe_key *k = &nothing;

	for (unsigned i = 0; id != NULL && i < v->key_count; i++)
		if (memcmp(v->keys[i].id, id, TOKEN_ID_LEN) == 0)
			k = &v->keys[i];
	switch (t) {
	case IN_SET:
		return k->in_set;
	case OUT_OF_SET:
		return !k->in_set;
	case SIGNS_SET:
		return k->signs_set;
	case SIGNS_ALL:
		return k->signs_all;
	case SIGNS_NONE:
		return !k->signs_some;
	case IS_SIGNED:
		break;
	}
	return v->is_signed;
}

/* Since when every server has versions with the trait only. */
static int64_t since(const struct observe *o, const uint8_t *id, enum trait t)
{
	int64_t at = 0;

	for (unsigned i = o->version_count; i-- > 0 && has_trait(&o->versions[i], id, t);)
		at = o->versions[i].everywhere;
	return at;
}

static bool has_in_set(const struct record *r, const uint8_t *id)
{
	for (unsigned i = 0; i < r->key_count; i++) {
		if (memcmp(r->keys[i].id, id, TOKEN_ID_LEN) == 0)
			return r->keys[i].times.at[TIME_REMOVED] == 0;
	}
	return false;
}

static bool is_tidy(const struct observe_version *v, const struct record *r)
{
	for (unsigned i = 0; i < v->key_count; i++) {
		if (v->keys[i].in_set && !has_in_set(r, v->keys[i].id))
			return false;
	}
	return true;
}

static int64_t tidy_since(const struct observe *o, const struct record *r)
{
	int64_t at = 0;

	for (unsigned i = o->version_count; i-- > 0 && is_tidy(&o->versions[i], r);)
		at = o->versions[i].everywhere;
	return at;
}

void observe_facts(const struct observe *o, const struct record *r, struct facts *f)
{
	f->signed_since = since(o, NULL, IS_SIGNED);
	f->tidy_since = tidy_since(o, r);
	for (unsigned i = 0; i < r->key_count; i++) {
		const uint8_t *id = r->keys[i].id;

		f->keys[i].in_set = since(o, id, IN_SET);
		f->keys[i].out_of_set = since(o, id, OUT_OF_SET);
		f->keys[i].signs_set = since(o, id, SIGNS_SET);
		f->keys[i].signs_all = since(o, id, SIGNS_ALL);
		f->keys[i].signs_none = since(o, id, SIGNS_NONE);
	}
}
