/* The judge looks at the signatures of one RRset: each must be of this RRset, by a key that signs,
 * and hold now and long enough; those who ask for it have it verified, too. */
#include "sign/check_state.h"

#include <string.h>
#include "dns/rrtype.h"

static int key_index(const struct check *c, const struct rrsig *sig)
{
	for (unsigned i = 0; i < c->head.key_count; i++) {
		if (c->head.keys[i].tag == sig->key_tag &&
		    c->head.keys[i].algorithm == sig->algorithm)
			return (int)i;
	}
	return -1;
}

static bool is_published(const struct check *c, uint8_t algorithm, uint16_t tag)
{
	for (unsigned i = 0; i < c->dnskey_count; i++) {
		if (c->dnskeys[i].tag == tag && c->dnskeys[i].algorithm == algorithm)
			return true;
	}
	return false;
}

static const char *wrong_field(
    const struct check *c, const struct rrset *set, const struct rrsig *sig)
{
	unsigned labels = name_labels(set->owner) - (name_is_wildcard(set->owner) ? 1 : 0);

	if (sig->covered != set->type)
		return "covers another type";
	if (sig->labels != labels)
		return "has the wrong number of labels";
	if (sig->original_ttl != set->ttl)
		return "has another original TTL than the RRset";
	if (!name_equal(sig->signer, c->head.apex))
		return "names another signer than the zone";
	if (sig->signature_len == 0)
		return "is empty";
	return NULL;
}

/* A signature over a key set may live only so long while a compromised key is published (R23), and
 * for the greater part of that it must. */
static int check_life_in_emergency(
    const struct check *c, const struct rrset *set, int64_t life, int64_t *needed, struct err *e)
{
	int64_t most = c->keyset == NULL ? 0 : c->keyset->emergency_validity;

	*needed = c->min_life;
	if (most == 0 || !check_is_key_set(c, set->owner, set->type))
		return OK;
	if (*needed > most / 2)
		*needed = most / 2;
	return life <= most
		   ? OK
		   : check_fault(c, e, set->owner, set->type,
			 "a signature lives %lld s, and while a compromised key is published only %lld are right",
			 (long long)life, (long long)most);
}

static int check_times(
    struct check *c, const struct rrset *set, const struct rrsig *sig, struct err *e)
{
	int64_t life = (int32_t)(sig->expiration - (uint32_t)c->now);
	int64_t age = (int32_t)((uint32_t)c->now - sig->inception), needed;

	if (check_life_in_emergency(c, set, life, &needed, e) != OK)
		return ERR_VERIFY;
	if (age < 0)
		return check_fault(c, e, set->owner, set->type,
		    "a signature begins to hold only in %lld s", (long long)-age);
	if (life < needed || life <= 0)
		return check_fault(c, e, set->owner, set->type,
		    "a signature has %lld s left to live and needs %lld", (long long)life,
		    (long long)needed);
	if (c->expiry_first == 0 || c->now + life < c->expiry_first)
		c->expiry_first = c->now + life;
	return OK;
}

/* A key may sign before its DNSKEY is published or after it was taken back (a change of algorithm):
 * such a signature cannot be verified from the zone alone. */
static int check_crypto(struct check *c, const struct rrset *set, const uint8_t *rdata,
    const struct rrsig *sig, struct err *e)
{
	bool was_tried = false;

	if (!c->has_crypto)
		return OK;
	buf_reset(&c->message);
	rrsig_message(set, rdata, sig->prefix_len, &c->message);
	for (unsigned i = 0; i < c->verifier_count; i++) {
		const struct verifier *v = c->verifiers[i];

		if (verifier_tag(v) != sig->key_tag || verifier_algorithm(v) != sig->algorithm)
			continue;
		was_tried = true;
		if (verifier_check(v, c->scratch, c->message.data, c->message.len, sig->signature,
			sig->signature_len) == OK)
			return OK;
	}
	return !was_tried ? OK
			  : check_fault(c, e, set->owner, set->type,
				"the signature by key %u does not verify", sig->key_tag);
}

static int check_one(struct check *c, const struct rrset *set, const uint8_t *rdata, uint16_t len,
    struct check_set *out, struct err *e)
{
	struct rrsig sig;
	const char *wrong;
	int rc, key;

	if (rrsig_parse(rdata, len, &sig) != OK)
		return check_fault(c, e, set->owner, set->type, "has a malformed signature");
	wrong = wrong_field(c, set, &sig);
	if (wrong != NULL)
		return check_fault(c, e, set->owner, set->type, "a signature %s", wrong);
	key = key_index(c, &sig);
	if (key < 0)
		return check_fault(c, e, set->owner, set->type,
		    "is signed by key %u (algorithm %u), which does not sign this zone",
		    sig.key_tag, sig.algorithm);
	for (unsigned i = 0; i < out->sigs; i++) {
		if (out->tags[i] == sig.key_tag && (out->algorithms >> sig.algorithm & 1))
			return check_fault(
			    c, e, set->owner, set->type, "is signed twice by key %u", sig.key_tag);
	}
	rc = check_times(c, set, &sig, e);
	if (rc == OK)
		rc = check_crypto(c, set, rdata, &sig, e);
	if (rc != OK)
		return rc;
	c->key_signatures[key]++;
	c->signatures++;
	out->tags[out->sigs++] = sig.key_tag;
	out->signers |= 1U << key;
	out->algorithms |= 1U << (sig.algorithm & 31);
	out->by_published = out->by_published || is_published(c, sig.algorithm, sig.key_tag);
	return OK;
}

int check_signatures(struct check *c, const struct rrset *set, struct check_set *out, struct err *e)
{
	const uint8_t *p = set->sigdata;
	int rc = OK;

	if (set->sigs > STORE_HEAD_KEYS)
		return check_fault(c, e, set->owner, set->type, "has %u signatures", set->sigs);
	for (unsigned i = 0; rc == OK && i < set->sigs; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		rc = check_one(c, set, rdata, len, out, e);
	}
	return rc;
}

/* Is it signed by just the keys that sign it now?  Then no key that does not, has. */
static int check_signers(
    const struct check *c, const uint8_t *owner, const struct check_set *s, struct err *e)
{
	bool is_key_set = check_is_key_set(c, owner, s->type);
	uint32_t wanted = is_key_set ? c->set_signers : c->zone_signers;
	unsigned i = 0;

	if (c->keyset == NULL || s->signers == wanted || (c->is_mixed && !is_key_set))
		return OK;
	while (((s->signers ^ wanted) >> i & 1) == 0)
		i++;
	return check_fault(c, e, owner, s->type, "it is %s key %u, and %s be",
	    s->signers >> i & 1 ? "signed by" : "not signed by", c->head.keys[i].tag,
	    s->signers >> i & 1 ? "must not" : "must");
}

int check_signed(
    const struct check *c, const uint8_t *owner, const struct check_set *s, struct err *e)
{
	if (s->sigs == 0)
		return check_fault(c, e, owner, s->type, "it is not signed and must be");
	/* RFC 4035 section 2.2: one signature of each algorithm in the DNSKEY set. */
	if ((s->algorithms & c->algorithms) != c->algorithms)
		return check_fault(
		    c, e, owner, s->type, "it is not signed with each algorithm of the DNSKEY set");
	if (s->type == RR_DNSKEY && !s->by_published)
		return check_fault(
		    c, e, owner, s->type, "it is not signed by any key that is in it");
	return check_signers(c, owner, s, e);
}
