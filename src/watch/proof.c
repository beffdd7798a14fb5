/* Signatures and the keys that made them: see proof.h. */
#include "watch/proof.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define RSA_EXPONENT_MAX 5 /* octets: beyond, one check would cost as much as a thousand */

struct proof_ring {
	struct rrset keys;
	struct verifier *verifiers[WATCH_RECORDS_MAX]; /* made when one is needed first */
	bool is_bad[WATCH_RECORDS_MAX];
	struct verifier_scratch *scratch;
	unsigned checks;
};

/* RFC 3110 2: an exponent of more than 255 octets has a zero in front. */
static bool is_affordable(uint8_t algorithm, const uint8_t *pub, size_t len)
{
	if (algorithm != ALG_RSASHA256 && algorithm != ALG_RSASHA512)
		return true;
	return len > 0 && pub[0] > 0 && pub[0] <= RSA_EXPONENT_MAX;
}

bool proof_is_usable(const uint8_t *dnskey, size_t len)
{
	return len > 4 && len <= DNSKEY_RDATA_MAX && (load_u16(dnskey) & DNSKEY_FLAG_ZONE) != 0 &&
	       dnskey[2] == 3 && dnskey_algorithm_name(dnskey[3]) != NULL &&
	       is_affordable(dnskey[3], dnskey + 4, len - 4);
}

struct proof_ring *proof_ring_new(const struct rrset *dnskeys)
{
	struct proof_ring *r = mem_alloc(sizeof(*r));

	r->keys = *dnskeys;
	r->scratch = verifier_scratch_new();
	return r;
}

void proof_ring_free(struct proof_ring *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < WATCH_RECORDS_MAX; i++)
		verifier_free(r->verifiers[i]);
	verifier_scratch_free(r->scratch);
	free(r);
}

static bool may_have_made(const uint8_t *key, size_t len, const struct rrsig *sig)
{
	return proof_is_usable(key, len) && (load_u16(key) & DNSKEY_FLAG_REVOKE) == 0 &&
	       key[3] == sig->algorithm && dnskey_tag(key, len) == sig->key_tag;
}

static bool holds(struct proof_ring *r, unsigned i, const uint8_t *key, size_t len,
    const struct buf *message, const struct rrsig *sig)
{
	if (r->verifiers[i] == NULL && !r->is_bad[i])
		r->verifiers[i] = verifier_new(key, len, NULL);
	r->is_bad[i] = r->verifiers[i] == NULL;
	return !r->is_bad[i] && verifier_check(r->verifiers[i], r->scratch, message->data,
				    message->len, sig->signature, sig->signature_len) == OK;
}

/* The instant nearest to now that these 32 bits can mean (RFC 1982, RFC 4034 3.1.5). */
static int64_t instant(uint32_t t, int64_t now)
{
	return now + (int32_t)(t - (uint32_t)now);
}

static void keep(struct proof *out, unsigned key, const struct rrsig *sig, int64_t now)
{
	if (out->count == PROOF_SIGS_MAX)
		return;
	out->sigs[out->count++] = (struct proof_sig){.key = (uint16_t)key,
	    .inception = instant(sig->inception, now),
	    .expiration = instant(sig->expiration, now)};
}

/* One signature, by whichever key of its tag made it. */
static void prove_one(struct proof_ring *r, const struct rrset *set, const uint8_t *rdata,
    const struct rrsig *sig, int64_t now, struct proof *out)
{
	uint8_t prefix[RRSIG_SIGNER_AT + NAME_MAX_LEN];
	struct buf message = {0};
	const uint8_t *p = r->keys.rdata;

	/* In the canonical form the signer's name has no capitals (RFC 4034 6.2). */
	memcpy(prefix, rdata, sig->prefix_len);
	name_lower(prefix + RRSIG_SIGNER_AT);
	rrsig_message(set, prefix, sig->prefix_len, &message);
	for (unsigned i = 0; i < r->keys.count && i < WATCH_RECORDS_MAX && !message.failed; i++) {
		uint16_t len;
		const uint8_t *key = rrset_next(&p, &len);

		if (!may_have_made(key, len, sig))
			continue;
		if (r->checks == PROOF_CHECKS_MAX) {
			out->is_capped = true;
			break;
		}
		r->checks++;
		if (holds(r, i, key, len, &message, sig)) {
			keep(out, i, sig, now);
			break;
		}
	}
	buf_free(&message);
}

void proof_of(struct proof_ring *r, const struct rrset *set, const uint8_t *apex, int64_t now,
    struct proof *out)
{
	const uint8_t *p = set->sigdata;

	memset(out, 0, sizeof(*out));
	out->rrsigs = set->sigs;
	for (unsigned i = 0; i < set->sigs; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);
		struct rrsig sig;

		if (rrsig_parse(rdata, len, &sig) == OK && sig.covered == set->type &&
		    sig.labels == name_labels(set->owner) && name_equal(sig.signer, apex))
			prove_one(r, set, rdata, &sig, now, out);
	}
}
