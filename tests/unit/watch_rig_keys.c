#include "tests/unit/watch_rig_keys.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

static struct made {
	struct made *next;
	struct rig_key key;
} *all;

static struct rig_key *key_new(void)
{
	struct made *m = mem_alloc(sizeof(*m));

	m->next = all;
	all = m;
	return &m->key;
}

static void fill(struct rig_key *k, uint8_t algorithm, uint16_t flags, const uint8_t *pub, size_t len)
{
	store_u16(k->rdata, flags);
	k->rdata[2] = 3;
	k->rdata[3] = algorithm;
	memcpy(k->rdata + 4, pub, len);
	k->len = (uint16_t)(4 + len);
	k->tag = dnskey_tag(k->rdata, k->len);
}

struct rig_key *rig_key(uint8_t algorithm, uint16_t flags)
{
	struct rig_key *k = key_new();
	uint8_t pub[80];
	size_t len = sizeof(pub);

	if (algorithm == ALG_ED25519) {
		k->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		assert_int_equal(EVP_PKEY_get_raw_public_key(k->pkey, pub, &len), 1);
		fill(k, algorithm, flags, pub, len);
	} else {
		assert_int_equal(algorithm, ALG_ECDSAP256SHA256);
		k->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
		assert_int_equal(EVP_PKEY_get_octet_string_param(
				     k->pkey, OSSL_PKEY_PARAM_PUB_KEY, pub, sizeof(pub), &len),
		    1);
		fill(k, algorithm, flags, pub + 1, len - 1);
	}
	return k;
}

struct rig_key *rig_key_as(const struct rig_key *k, uint16_t flags)
{
	struct rig_key *other = key_new();

	*other = *k;
	EVP_PKEY_up_ref(k->pkey);
	store_u16(other->rdata, flags);
	other->tag = dnskey_tag(other->rdata, other->len);
	return other;
}

void rig_keys_free(void)
{
	while (all != NULL) {
		struct made *m = all;

		all = m->next;
		EVP_PKEY_free(m->key.pkey);
		free(m);
	}
}

/* r and s in 32 octets each (RFC 6605 4). */
static size_t raw_ecdsa(const uint8_t *der, size_t len, uint8_t out[64])
{
	const uint8_t *p = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);

	assert_non_null(sig);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32), 32);
	ECDSA_SIG_free(sig);
	return 64;
}

void rig_sign(const struct rrset *set, const struct rig_key *k, const uint8_t *signer,
    int64_t inception, int64_t expiration, struct buf *out)
{
	struct rrsig_params params = {.algorithm = k->rdata[3],
	    .key_tag = k->tag,
	    .inception = (uint32_t)inception,
	    .expiration = (uint32_t)expiration,
	    .signer = signer};
	struct buf message = {0};
	uint8_t sig[128], raw[64];
	size_t len = sizeof(sig), prefix;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool is_eddsa = k->rdata[3] == ALG_ED25519;

	rrsig_prefix(set, &params, out);
	prefix = out->len;
	rrsig_message(set, out->data, prefix, &message);
	assert_int_equal(EVP_DigestSignInit_ex(
			     ctx, NULL, is_eddsa ? NULL : "SHA256", NULL, NULL, k->pkey, NULL),
	    1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &len, message.data, message.len), 1);
	if (is_eddsa)
		buf_put(out, sig, len);
	else
		buf_put(out, raw, raw_ecdsa(sig, len, raw));
	EVP_MD_CTX_free(ctx);
	buf_free(&message);
}
