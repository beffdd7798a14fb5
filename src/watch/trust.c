/* What validators would accept: see trust.h. */
#include "watch/trust.h"

#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "watch/child_internal.h"

void trust_key_id(const uint8_t *dnskey, size_t len, uint8_t out[WATCH_DIGEST_LEN])
{
	child_digest(dnskey + 3, len - 3, out);
}

const struct watch_past *trust_past(const struct watch_child *c, const struct watch_key *k)
{
	uint8_t id[WATCH_DIGEST_LEN];

	trust_key_id(k->rdata, k->len, id);
	for (unsigned i = 0; i < c->past_count; i++) {
		if (memcmp(c->past[i].id, id, sizeof(id)) == 0)
			return &c->past[i];
	}
	return NULL;
}

/* What RFC 8624 wants nobody to sign with any more is not among the algorithms that we know. */
bool trust_is_algorithm(uint8_t algorithm)
{
	return dnskey_algorithm_name(algorithm) != NULL;
}

bool trust_is_digest(uint8_t digest_type)
{
	return digest_type == 2 || digest_type == 4;
}

bool trust_ds_is_of(
    const struct watch_child *c, const struct parent_ds *ds, const struct watch_key *k)
{
	struct parent_ds mine;

	return ds->tag == k->tag && ds->algorithm == watch_key_algorithm(k) &&
	       parent_ds_of_key(c->apex, k->rdata, k->len, ds->digest_type, &mine) == OK &&
	       parent_ds_equal(ds, &mine);
}

bool trust_has_ds(
    const struct watch_child *c, const struct watch_ds *set, const struct watch_key *k)
{
	for (unsigned i = 0; i < set->count; i++) {
		if (trust_ds_is_of(c, &set->list[i], k))
			return true;
	}
	return false;
}

const struct watch_seen *trust_seen(const struct watch_server *s, unsigned key)
{
	for (unsigned i = 0; i < s->seen_count; i++) {
		if (s->seen[i].key == key)
			return &s->seen[i];
	}
	return NULL;
}

static bool is_timely(const struct watch_sig *sig, int64_t now)
{
	return sig->inception <= now && now <= sig->expiration;
}

bool trust_signs(const struct watch_part *p, unsigned key, int64_t now)
{
	for (unsigned i = 0; i < p->sig_count; i++) {
		if (p->sigs[i].key == key && is_timely(&p->sigs[i], now))
			return true;
	}
	return false;
}

const struct watch_sig *trust_proof(const struct watch_child *c, const struct watch_server *s,
    const struct watch_part *p, const struct watch_ds *ds, int64_t now)
{
	const struct watch_sig *best = NULL;

	for (unsigned i = 0; i < p->sig_count; i++) {
		const struct watch_sig *sig = &p->sigs[i];

		if (is_timely(sig, now) && trust_seen(s, sig->key) != NULL &&
		    trust_has_ds(c, ds, &c->keys[sig->key]) &&
		    (best == NULL || sig->inception > best->inception))
			best = sig;
	}
	return best;
}

bool trust_validates(const struct watch_child *c, const struct watch_server *s,
    const struct watch_ds *ds, int64_t now)
{
	return trust_proof(c, s, &s->parts[WATCH_DNSKEY], ds, now) != NULL;
}

/* Nobody can follow a DS of an algorithm or digest that he does not know (RFC 4035 5.2), and SHA-1
 * is left aside where there is something better (RFC 4509 3). */
static bool is_followed(const struct watch_ds *set, const struct parent_ds *ds)
{
	if (dnskey_algorithm_name(ds->algorithm) == NULL)
		return false;
	if (trust_is_digest(ds->digest_type))
		return true;
	for (unsigned i = 0; i < set->count; i++) {
		if (set->list[i].algorithm == ds->algorithm &&
		    trust_is_digest(set->list[i].digest_type))
			return false;
	}
	return ds->digest_type == 1;
}

/* Does the part of the set with this algorithm and type of digest lead to the DNSKEY set? */
static bool leads_on(const struct watch_child *c, const struct watch_server *s,
    const struct watch_ds *set, uint8_t algorithm, uint8_t digest_type, int64_t now)
{
	struct watch_ds part = {.count = 0};

	for (unsigned i = 0; i < set->count; i++) {
		if (set->list[i].algorithm == algorithm && set->list[i].digest_type == digest_type)
			part.list[part.count++] = set->list[i];
	}
	return trust_validates(c, s, &part, now);
}

static bool signs_zone(
    const struct watch_child *c, const struct watch_server *s, uint8_t algorithm, int64_t now)
{
	const struct watch_part *soa = &s->parts[WATCH_SOA];

	for (unsigned i = 0; i < soa->sig_count; i++) {
		if (watch_key_algorithm(&c->keys[soa->sigs[i].key]) == algorithm &&
		    is_timely(&soa->sigs[i], now))
			return true;
	}
	return false;
}

bool trust_validates_strictly(const struct watch_child *c, const struct watch_server *s,
    const struct watch_ds *ds, int64_t now, char why[WATCH_REASON_MAX])
{
	bool is_any = false;
	char words[WATCH_REASON_MAX] = "no DS of the set can be followed";

	for (unsigned i = 0; i < ds->count; i++) {
		const struct parent_ds *one = &ds->list[i];

		if (!is_followed(ds, one))
			continue;
		is_any = true;
		if (!leads_on(c, s, ds, one->algorithm, one->digest_type, now)) {
			snprintf(words, sizeof(words),
			    "no key of algorithm %u whose DS has digest type %u signs its DNSKEY "
			    "set",
			    one->algorithm, one->digest_type);
			is_any = false;
			break;
		}
		if (!signs_zone(c, s, one->algorithm, now)) {
			snprintf(words, sizeof(words), "its SOA is not signed with algorithm %u",
			    one->algorithm);
			is_any = false;
			break;
		}
	}
	if (!is_any && why != NULL)
		memcpy(why, words, sizeof(words));
	return is_any;
}
