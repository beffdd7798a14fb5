/* safety: the rules.  Pure; runs in the signing side.  Names of intervals are those of RFC 7583 3.2
 * (ZSK) and 3.3 (KSK); Dprp, the delay of propagation, is replaced by what was observed and a
 * margin. */
#include "keys/safety.h"

static const struct verdict safe = {.is_safe = true};

/* Safe when it has been so for the wait. */
static struct verdict lasting(
    const struct safety *s, int64_t since, int64_t wait, const char *not_yet, const char *waiting)
{
	if (since == 0)
		return (struct verdict){.why = not_yet};
	if (since + wait > s->now)
		return (struct verdict){.until = since + wait, .why = waiting};
	return safe;
}

/* Both must hold: the one that takes longer speaks. */
static struct verdict both(struct verdict a, struct verdict b)
{
	if (a.is_safe)
		return b;
	if (b.is_safe || a.until == 0)
		return a;
	return b.until == 0 || b.until > a.until ? b : a;
}

static int64_t zone_wait(const struct facts *f)
{
	return (int64_t)f->ttl_zone + f->propagation;
}

static int64_t dnskey_wait(const struct facts *f)
{
	return (int64_t)f->ttl_dnskey + f->propagation;
}

static int64_t ds_wait(const struct facts *f)
{
	return (int64_t)f->ttl_ds + f->ds_propagation;
}

static const struct record_key *key_at(const struct safety *s, unsigned i)
{
	return &s->record->keys[i];
}

static struct timeline_duty duty_at(const struct safety *s, unsigned i)
{
	const struct record_key *k = key_at(s, i);

	return timeline_duty(&k->times, role_has_ds(k->role), role_has_zone(k->role), s->now);
}

/* Since when its DS is at all of the parent's servers: seen by us, or the operator says so. */
static int64_t ds_since(const struct safety *s, unsigned i)
{
	const struct facts_key *f = &s->facts->keys[i];

	if (f->ds_in != 0)
		return f->ds_in;
	return f->ds_out != 0 || f->ds_some ? 0 : key_at(s, i)->times.at[TIME_DS_SEEN];
}

static bool may_have_ds(const struct safety *s, unsigned i)
{
	const struct facts_key *f = &s->facts->keys[i];

	return key_at(s, i)->times.at[TIME_DS_SUBMITTED] != 0 || f->ds_some || f->ds_in != 0;
}

/* No cache has its DS any more (RFC 7583 3.3.1: Iret = DprpP + TTLds).  A DS that was asked for and
 * taken back before it was seen may still come, until the parent's deadline. */
static struct verdict ds_is_gone(const struct safety *s, unsigned i)
{
	const struct facts_key *f = &s->facts->keys[i];
	const int64_t *at = key_at(s, i)->times.at;
	int64_t since = f->ds_out, earliest = at[TIME_DS_RETRACTED];

	if (!may_have_ds(s, i))
		return safe;
	if (earliest == 0)
		return (struct verdict){.why = "its DS is not taken back yet"};
	if (since == 0 && f->ds_in == 0 && !f->ds_some)
		since = at[TIME_DS_GONE];
	if (at[TIME_DS_SEEN] == 0)
		earliest += s->facts->ds_deadline;
	if (since != 0 && since < earliest)
		since = earliest;
	return lasting(
	    s, since, ds_wait(s->facts), "a parent server has its DS", "its DS may be cached");
}

/* A key whose DS was asked for, is not taken back, and that goes on signing the DNSKEY set. */
static bool is_anchor(const struct safety *s, unsigned i)
{
	const int64_t *at = key_at(s, i)->times.at;

	return duty_at(s, i).signs_set && at[TIME_DS_RETRACTED] == 0 && may_have_ds(s, i);
}

/* RFC 7583 3.3: a DS makes the zone secure for whoever fetches it, and the unsigned data that a
 * cache may hold then fails; so does a cached answer that there is no DNSKEY. */
static struct verdict rule_k0(const struct safety *s, unsigned key)
{
	int64_t wait = (int64_t)s->facts->ttl_unsigned + s->facts->propagation;
	struct verdict v = lasting(s, s->facts->signed_since, wait,
	    "the signed zone is not everywhere", "the unsigned zone may be cached");

	if (s->facts->is_joined)
		return safe;
	return both(v, lasting(s, s->facts->keys[key].signs_set, dnskey_wait(s->facts),
			   "its signature over the DNSKEY set is not everywhere",
			   "a DNSKEY set without its signature may be cached"));
}

/* Does another key of its algorithm sign the DNSKEY set?  (RFC 4035 2.2) */
static bool has_company(const struct safety *s, unsigned key)
{
	for (unsigned i = 0; i < s->record->key_count; i++)
		if (i != key && duty_at(s, i).signs_set &&
		    key_at(s, i)->algorithm == key_at(s, key)->algorithm)
			return true;
	return false;
}

/* RFC 7583 3.3.3: IpubP = DprpP + TTLds of the new DS; then no cache has a DS set of the old key
 * alone. */
static struct verdict rule_k1(const struct safety *s, unsigned key)
{
	struct verdict best = {.why = "no other key's DS is at all servers of the parent"};

	if (!has_company(s, key))
		return (struct verdict){
		    .why = "no other key of its algorithm signs the DNSKEY set"};
	if (!may_have_ds(s, key) || ds_is_gone(s, key).is_safe)
		return safe;
	for (unsigned i = 0; i < s->record->key_count; i++) {
		struct verdict v;

		if (i == key || !is_anchor(s, i) ||
		    key_at(s, i)->algorithm != key_at(s, key)->algorithm)
			continue;
		v = lasting(s, ds_since(s, i), ds_wait(s->facts),
		    "the new DS is not at all servers of the parent",
		    "a DS set without the new DS may be cached");
		if (v.is_safe)
			return v;
		if (best.until == 0 || (v.until != 0 && v.until < best.until))
			best = v;
	}
	return best;
}

/* RFC 7583 3.3.1: IpubC = DprpC + TTLkey of the new key's signature. */
static struct verdict rule_k2(const struct safety *s, unsigned key)
{
	struct verdict best = {.why = "there is no other key with a DS"};

	if (s->record->unsign != 0)
		return safe; /* without any DS nothing can fail */
	for (unsigned i = 0; i < s->record->key_count; i++) {
		struct verdict v;

		if (i == key || !is_anchor(s, i))
			continue;
		v = both(lasting(s, ds_since(s, i), 0,
			     "the new DS is not at all servers of the parent", ""),
		    lasting(s, s->facts->keys[i].signs_set, dnskey_wait(s->facts),
			"the new key's signature over the DNSKEY set is not everywhere",
			"a DNSKEY set without the new key's signature may be cached"));
		if (v.is_safe)
			return v;
		if (best.until == 0 || (v.until != 0 && v.until < best.until))
			best = v;
	}
	return best;
}

/* RFC 7583 3.3.1: Iret = DprpP + TTLds: each DS in a cache has its DNSKEY. */
static struct verdict rule_k3(const struct safety *s, unsigned key)
{
	return ds_is_gone(s, key);
}

/* RFC 7583 3.2.1: Ipub = Dprp + TTLkey; for a key with a DS: 3.3.1, IpubC. */
static struct verdict rule_z1(const struct safety *s, unsigned key)
{
	const struct facts_key *f = &s->facts->keys[key];
	int64_t since = f->in_set;

	if (role_has_ds(key_at(s, key)->role) && (f->signs_set == 0 || f->signs_set > since))
		since = f->signs_set;
	return lasting(s, since, dnskey_wait(s->facts), "its DNSKEY is not everywhere",
	    "a DNSKEY set without it may be cached");
}

/* RFC 7583 3.2.1: Iret = Dsgn + Dprp + TTLsig. */
static struct verdict rule_z2(const struct safety *s, unsigned key)
{
	if (key_at(s, key)->times.at[TIME_SIGN_FROM] == 0)
		return safe;
	return lasting(s, s->facts->keys[key].signs_none, zone_wait(s->facts),
	    "signatures by it are still served", "signatures by it may be cached");
}

/* RFC 6781 4.1.4, "new RRSIGs": whoever sees the algorithm in the DNSKEY set finds it signing
 * everything. */
static struct verdict rule_a_publish(const struct safety *s, unsigned key)
{
	return lasting(s, s->facts->keys[key].signs_all, zone_wait(s->facts),
	    "not everything is signed with the new algorithm everywhere",
	    "data without the new algorithm's signatures may be cached");
}

/* RFC 6781 4.1.4, "DS removal" before "DNSKEY removal": a cached DS of the algorithm asks for its
 * DNSKEY and its signatures. */
static struct verdict rule_a_remove(const struct safety *s, unsigned key)
{
	struct verdict v = safe;

	for (unsigned i = 0; i < s->record->key_count; i++)
		if (key_at(s, i)->algorithm == key_at(s, key)->algorithm &&
		    role_has_ds(key_at(s, i)->role))
			v = both(v, ds_is_gone(s, i));
	return v;
}

/* RFC 6781 4.1.4, "RRSIGs removal" last: no cache has a DNSKEY set that names the algorithm. */
static struct verdict rule_a_stop(const struct safety *s, unsigned key)
{
	return lasting(s, s->facts->keys[key].out_of_set, dnskey_wait(s->facts),
	    "its DNSKEY is still served", "its DNSKEY may be cached");
}

/* RFC 6781 4.4: unsigned data are good where no DS says otherwise. */
static struct verdict rule_u(const struct safety *s, unsigned key)
{
	struct verdict v = safe;

	(void)key;
	for (unsigned i = 0; i < s->record->key_count; i++)
		if (role_has_ds(key_at(s, i)->role))
			v = both(v, ds_is_gone(s, i));
	return v;
}

const struct safety_entry safety_rules[RULES] = {
    [RULE_K0] = {"K0", rule_k0},
    [RULE_K1] = {"K1", rule_k1},
    [RULE_K2] = {"K2", rule_k2},
    [RULE_K3] = {"K3", rule_k3},
    [RULE_Z1] = {"Z1", rule_z1},
    [RULE_Z2] = {"Z2", rule_z2},
    [RULE_A_PUBLISH] = {"A (publish)", rule_a_publish},
    [RULE_A_REMOVE] = {"A (remove)", rule_a_remove},
    [RULE_A_STOP] = {"A (stop)", rule_a_stop},
    [RULE_U] = {"U", rule_u},
};
