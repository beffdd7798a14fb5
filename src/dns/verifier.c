/* verifier: public keys that check signatures.  Runs on the signing side, in many threads: a
 * verifier is read only once it is made, what changes is in each thread's scratch.  DNSKEYs and
 * signatures may come from anywhere. */
#include "dns/dnskey.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/digest.h"

#define SCRATCH_SLOTS 8
#define RSA_OCTETS_MAX 512 /* RFC 3110 2, RFC 5702 2: 4096 bits; more would only cost us time */
#define ECDSA_DER_MAX (2 + 2 * (2 + 1 + 48))

struct verifier {
	uint64_t id; /* never used again, unlike an address */
	EVP_PKEY *key;
	uint16_t tag;
	uint8_t algorithm;
};

struct verifier_scratch {
	struct {
		uint64_t verifier; /* 0: free */
		EVP_PKEY_CTX *ctx;
	} slots[SCRATCH_SLOTS];
	unsigned next; /* slot to be reused */
	EVP_MD_CTX *eddsa;
};

static EVP_PKEY *key_from_params(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY *key = NULL;

	if (ctx != NULL && params != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* RFC 3110 2: length of the exponent in one octet or in three, exponent, modulus. */
static EVP_PKEY *rsa_key(const uint8_t *p, size_t len)
{
	OSSL_PARAM_BLD *build = NULL;
	BIGNUM *e = NULL, *n = NULL;
	EVP_PKEY *key = NULL;
	size_t head = 1, exponent = len > 0 ? p[0] : 0;

	if (exponent == 0 && len >= 3) {
		head = 3;
		exponent = load_u16(p + 1);
	}
	if (exponent == 0 || exponent > RSA_OCTETS_MAX || len <= head + exponent ||
	    len - head - exponent > RSA_OCTETS_MAX)
		return NULL;
	e = BN_bin2bn(p + head, (int)exponent, NULL);
	n = BN_bin2bn(p + head + exponent, (int)(len - head - exponent), NULL);
	build = OSSL_PARAM_BLD_new();
	if (build != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1)
		key = key_from_params("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	return key;
}

/* RFC 6605 4: the point without the octet that says it is uncompressed. */
static EVP_PKEY *ec_key(const char *group, size_t coordinate, const uint8_t *p, size_t len)
{
	uint8_t point[1 + 2 * 48] = {4};
	OSSL_PARAM_BLD *build;
	EVP_PKEY *key = NULL;

	if (len != 2 * coordinate)
		return NULL;
	memcpy(point + 1, p, len);
	build = OSSL_PARAM_BLD_new();
	if (build != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, len + 1) == 1)
		key = key_from_params("EC", build);
	OSSL_PARAM_BLD_free(build);
	return key;
}

static EVP_PKEY *make_key(uint8_t algorithm, const uint8_t *pub, size_t len)
{
	switch (algorithm) {
	case ALG_RSASHA256:
	case ALG_RSASHA512:
		return rsa_key(pub, len);
	case ALG_ECDSAP256SHA256:
		return ec_key("P-256", 32, pub, len);
	case ALG_ECDSAP384SHA384:
		return ec_key("P-384", 48, pub, len);
	case ALG_ED25519:
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, len);
	case ALG_ED448:
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED448, NULL, pub, len);
	default:
		return NULL;
	}
}

struct verifier *verifier_new(const uint8_t *dnskey_rdata, size_t len, struct err *e)
{
	static atomic_uint_fast64_t ids;
	struct verifier *v;
	EVP_PKEY *key;

	if (len <= 4 || dnskey_algorithm_name(dnskey_rdata[3]) == NULL) {
		err_set(e, ERR_FORMAT,
		    "DNSKEY with algorithm %d, which is not one of 8, 10, 13 to 16",
		    len > 3 ? dnskey_rdata[3] : 0);
		return NULL;
	}
	key = make_key(dnskey_rdata[3], dnskey_rdata + 4, len - 4);
	if (key == NULL) {
		ERR_clear_error();
		err_set(e, ERR_CRYPTO, "DNSKEY %u: not a public key of algorithm %s",
		    dnskey_tag(dnskey_rdata, len), dnskey_algorithm_name(dnskey_rdata[3]));
		return NULL;
	}
	v = mem_alloc(sizeof(*v));
	v->id = atomic_fetch_add(&ids, 1) + 1;
	v->key = key;
	v->tag = dnskey_tag(dnskey_rdata, len);
	v->algorithm = dnskey_rdata[3];
	return v;
}

void verifier_free(struct verifier *v)
{
	if (v == NULL)
		return;
	EVP_PKEY_free(v->key);
	free(v);
}

uint16_t verifier_tag(const struct verifier *v)
{
	return v->tag;
}

uint8_t verifier_algorithm(const struct verifier *v)
{
	return v->algorithm;
}

struct verifier_scratch *verifier_scratch_new(void)
{
	return mem_alloc(sizeof(struct verifier_scratch));
}

void verifier_scratch_free(struct verifier_scratch *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < SCRATCH_SLOTS; i++)
		EVP_PKEY_CTX_free(s->slots[i].ctx);
	EVP_MD_CTX_free(s->eddsa);
	free(s);
}

/* A context ready for EVP_PKEY_verify, or NULL. */
static EVP_PKEY_CTX *make_context(const struct verifier *v)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, v->key, NULL);
	const EVP_MD *md = digest_md(v->algorithm == ALG_RSASHA512 ? DIGEST_SHA512 : DIGEST_SHA256);
	bool rsa = v->algorithm == ALG_RSASHA256 || v->algorithm == ALG_RSASHA512;

	if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	    (!rsa || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
			 EVP_PKEY_CTX_set_signature_md(ctx, md) == 1)))
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

static EVP_PKEY_CTX *context_of(const struct verifier *v, struct verifier_scratch *s)
{
	unsigned i;

	for (i = 0; i < SCRATCH_SLOTS; i++)
		if (s->slots[i].verifier == v->id)
			return s->slots[i].ctx;
	i = s->next++ % SCRATCH_SLOTS;
	EVP_PKEY_CTX_free(s->slots[i].ctx);
	s->slots[i].ctx = make_context(v);
	s->slots[i].verifier = s->slots[i].ctx != NULL ? v->id : 0;
	return s->slots[i].ctx;
}

/* A DER INTEGER from an unsigned number of fixed size; where the next one goes. */
static uint8_t *put_integer(uint8_t *out, const uint8_t *p, size_t len)
{
	bool sign;

	while (len > 1 && *p == 0) {
		p++;
		len--;
	}
	sign = *p >= 0x80;
	*out++ = 0x02;
	*out++ = (uint8_t)(len + sign);
	if (sign)
		*out++ = 0;
	memcpy(out, p, len);
	return out + len;
}

/* r | s to the SEQUENCE that OpenSSL wants.  With P-384 it is 104 octets at most, so that the
 * length is always one octet. */
static size_t ecdsa_der(const uint8_t *sig, size_t half, uint8_t out[ECDSA_DER_MAX])
{
	uint8_t *end = put_integer(out + 2, sig, half);

	end = put_integer(end, sig + half, half);
	out[0] = 0x30;
	out[1] = (uint8_t)(end - out - 2);
	return (size_t)(end - out);
}

static int result_of(int openssl)
{
	if (openssl == 1)
		return OK;
	/* A signature that is no signature at all is reported as an error by some algorithms. */
	ERR_clear_error();
	return ERR_VERIFY;
}

int verifier_check_digest(const struct verifier *v, struct verifier_scratch *s,
    const uint8_t *digest, size_t len, const uint8_t *sig, size_t sig_len)
{
	uint8_t der[ECDSA_DER_MAX];
	EVP_PKEY_CTX *ctx;
	bool ecdsa = v->algorithm == ALG_ECDSAP256SHA256 || v->algorithm == ALG_ECDSAP384SHA384;

	if (!dnskey_is_hashed(v->algorithm) || len != dnskey_digest_len(v->algorithm))
		return ERR_ARGUMENT;
	if (ecdsa) {
		/* The halves are as long as the hash, for both curves. */
		if (sig_len != 2 * len)
			return ERR_VERIFY;
		sig_len = ecdsa_der(sig, len, der);
		sig = der;
	}
	ctx = context_of(v, s);
	if (ctx == NULL) {
		ERR_clear_error();
		return ERR_CRYPTO;
	}
	return result_of(EVP_PKEY_verify(ctx, sig, sig_len, digest, len));
}

static int check_eddsa(const struct verifier *v, struct verifier_scratch *s, const uint8_t *message,
    size_t len, const uint8_t *sig, size_t sig_len)
{
	if (s->eddsa == NULL)
		s->eddsa = EVP_MD_CTX_new();
	else
		EVP_MD_CTX_reset(s->eddsa);
	if (s->eddsa == NULL || EVP_DigestVerifyInit(s->eddsa, NULL, NULL, NULL, v->key) != 1) {
		ERR_clear_error();
		return ERR_CRYPTO;
	}
	return result_of(EVP_DigestVerify(s->eddsa, sig, sig_len, message, len));
}

int verifier_check(const struct verifier *v, struct verifier_scratch *s, const uint8_t *message,
    size_t len, const uint8_t *sig, size_t sig_len)
{
	uint8_t digest[DIGEST_MAX];
	size_t digest_len;

	if (!dnskey_is_hashed(v->algorithm))
		return check_eddsa(v, s, message, len, sig, sig_len);
	digest_len = rrsig_digest(v->algorithm, message, len, digest);
	return verifier_check_digest(v, s, digest, digest_len, sig, sig_len);
}
