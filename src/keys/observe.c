/* observe: facts from versions and serials.  Pure; runs in the signing side.
 *
 * Serials come from servers that anybody may run: a wrong one can only delay a step or claim what
 * the server itself answers for. */
#include <string.h>
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
static void settle(struct observe *o, int64_t now)
{
	int least = slowest(o);

	for (unsigned i = 0; i < o->version_count; i++) {
		struct observe_version *v = &o->versions[i];

		if ((int)i > least)
			v->everywhere = 0;
		else if (v->everywhere == 0)
			v->everywhere = now;
	}
}

void observe_servers(struct observe *o, unsigned n, int64_t now)
{
	if (n > OBSERVE_SERVERS_MAX)
		n = OBSERVE_SERVERS_MAX;
	for (unsigned i = o->server_count; i < n; i++)
		o->servers[i].is_known = false;
	o->server_count = n;
	settle(o, now);
}

void observe_publish(struct observe *o, const struct observe_version *v, int64_t now)
{
	if (o->version_count == OBSERVE_VERSIONS_MAX) {
		/* What began with the oldest one then counts from the next: later, so safe. */
		o->version_count--;
		memmove(o->versions, o->versions + 1, o->version_count * sizeof(*o->versions));
	}
	o->versions[o->version_count] = *v;
	o->versions[o->version_count++].everywhere = 0;
	settle(o, now);
}

void observe_seen(struct observe *o, unsigned server, uint32_t serial, int64_t now)
{
	if (server >= o->server_count)
		return;
	o->servers[server].is_known = true;
	o->servers[server].serial = serial;
	settle(o, now);
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

void observe_facts(const struct observe *o, const struct record *r, struct facts *f)
{
	f->signed_since = since(o, NULL, IS_SIGNED);
	for (unsigned i = 0; i < r->key_count; i++) {
		const uint8_t *id = r->keys[i].id;

		f->keys[i].in_set = since(o, id, IN_SET);
		f->keys[i].out_of_set = since(o, id, OUT_OF_SET);
		f->keys[i].signs_set = since(o, id, SIGNS_SET);
		f->keys[i].signs_all = since(o, id, SIGNS_ALL);
		f->keys[i].signs_none = since(o, id, SIGNS_NONE);
	}
}
