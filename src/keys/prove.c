/* prove: a key is used only after its token has signed a challenge that verifies with the DNSKEY
 * which will be published.  Runs in the signing side; what the token answers is not trusted. */
#include <string.h>
#include <openssl/rand.h>
#include "keys/keys_internal.h"

uint16_t proof_dnskey(const struct record_key *k, uint8_t out[DNSKEY_RDATA_MAX])
{
	struct buf b = {0};
	uint16_t len;

	dnskey_rdata(k->flags, k->algorithm, k->pub, k->pub_len, &b);
	len = (uint16_t)(b.len <= DNSKEY_RDATA_MAX ? b.len : 0);
	if (len > 0)
		memcpy(out, b.data, len);
	buf_free(&b);
	return len;
}

int proof_prepare(struct proof *p, const struct record_key *k, struct err *e)
{
	memcpy(p->id, k->id, sizeof(p->id));
	p->algorithm = k->algorithm;
	p->dnskey_len = proof_dnskey(k, p->dnskey);
	if (RAND_bytes(p->message, sizeof(p->message)) != 1)
		return err_set(e, ERR_CRYPTO, "no random numbers for a challenge");
	p->digest_len = 0;
	if (dnskey_is_hashed(k->algorithm))
		p->digest_len =
		    rrsig_digest(k->algorithm, p->message, sizeof(p->message), p->digest);
	return OK;
}

void proof_item(const struct proof *p, struct token_sign_item *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->id, p->id, sizeof(out->id));
	out->algorithm = p->algorithm;
	out->data = p->digest_len > 0 ? p->digest : p->message;
	out->len = (uint32_t)(p->digest_len > 0 ? p->digest_len : sizeof(p->message));
}

int proof_check(const struct proof *p, const uint8_t *sig, size_t len, struct err *e)
{
	struct verifier *v = verifier_new(p->dnskey, p->dnskey_len, e);
	struct verifier_scratch *scratch;
	int rc;

	if (v == NULL)
		return ERR_CRYPTO;
	scratch = verifier_scratch_new();
	rc = verifier_check(v, scratch, p->message, sizeof(p->message), sig, len);
	if (rc != OK)
		err_set(e, rc,
		    "key %u did not prove itself: what its token signed does not verify with the "
		    "DNSKEY",
		    verifier_tag(v));
	verifier_scratch_free(scratch);
	verifier_free(v);
	return rc;
}
