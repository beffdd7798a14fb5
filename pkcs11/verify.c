/* Verifies signatures with OpenSSL.  Runs in intaglio-hsm and in tests. */
#include "pkcs11/verify.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>
#include "base/err.h"

static EVP_PKEY *from_params(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (context == NULL || params == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	return key;
}

/* RFC 3110 */
static EVP_PKEY *rsa_key(const uint8_t *pub, size_t len)
{
	size_t at = 1, e_len = len > 0 ? pub[0] : 0;
	OSSL_PARAM_BLD *build;
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	BIGNUM *e, *n;

	if (e_len == 0 && len > 3) {
		e_len = (size_t)pub[1] << 8 | pub[2];
		at = 3;
	}
	if (e_len == 0 || at + e_len >= len)
		return NULL;
	build = OSSL_PARAM_BLD_new();
	e = BN_bin2bn(pub + at, (int)e_len, NULL);
	n = BN_bin2bn(pub + at + e_len, (int)(len - at - e_len), NULL);
	if (build != NULL && e != NULL && n != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (params != NULL)
		key = from_params("RSA", params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(e);
	BN_free(n);
	return key;
}

/* RFC 6605 */
static EVP_PKEY *ec_key(const char *group, const uint8_t *pub, size_t len, size_t want)
{
	uint8_t point[1 + 96] = {4};
	OSSL_PARAM params[] = {
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)group, 0),
	    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, want + 1),
	    OSSL_PARAM_END,
	};

	if (len != want)
		return NULL;
	params[0].data_size = strlen(group);
	memcpy(point + 1, pub, len);
	return from_params("EC", params);
}

static EVP_PKEY *key_of(uint8_t algorithm, const uint8_t *pub, size_t len)
{
	switch (algorithm) {
	case 8:
	case 10:
		return rsa_key(pub, len);
	case 13:
		return ec_key("P-256", pub, len, 64);
	case 14:
		return ec_key("P-384", pub, len, 96);
	case 15:
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, len);
	case 16:
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED448, NULL, pub, len);
	default:
		return NULL;
	}
}

/* r and s side by side, as OpenSSL wants them; the length or 0. */
static size_t der_signature(const uint8_t *raw, size_t len, uint8_t out[128])
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)(len / 2), NULL);
	BIGNUM *s = BN_bin2bn(raw + len / 2, (int)(len / 2), NULL);
	uint8_t *p = out;
	int der = 0;

	if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = s = NULL; /* the pair has them */
		der = i2d_ECDSA_SIG(pair, &p);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return der > 0 ? (size_t)der : 0;
}

static int verify_digest(EVP_PKEY *key, uint8_t algorithm, const uint8_t *digest, size_t len,
    const uint8_t *signature, size_t signature_len)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	const EVP_MD *md = algorithm == 10 ? EVP_sha512() : EVP_sha256();
	int rc = ERR_CRYPTO;

	if (context == NULL || EVP_PKEY_verify_init(context) != 1)
		goto out;
	if (algorithm <= 10 && (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) != 1 ||
				   EVP_PKEY_CTX_set_signature_md(context, md) != 1))
		goto out;
	rc = EVP_PKEY_verify(context, signature, signature_len, digest, len) == 1 ? OK : ERR_VERIFY;
out:
	EVP_PKEY_CTX_free(context);
	return rc;
}

static int verify_message(
    EVP_PKEY *key, const uint8_t *data, size_t len, const uint8_t *signature, size_t signature_len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int rc = ERR_CRYPTO;

	if (context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1)
		rc = EVP_DigestVerify(context, signature, signature_len, data, len) == 1
			 ? OK
			 : ERR_VERIFY;
	EVP_MD_CTX_free(context);
	return rc;
}

int token_verify(uint8_t algorithm, const uint8_t *pub, size_t pub_len, const uint8_t *data,
    size_t data_len, const uint8_t *signature, size_t signature_len)
{
	EVP_PKEY *key = key_of(algorithm, pub, pub_len);
	uint8_t der[128];
	int rc;

	if (key == NULL)
		return ERR_CRYPTO;
	if (algorithm == 13 || algorithm == 14) {
		if (signature_len != pub_len)
			signature_len = 0;
		else
			signature_len = der_signature(signature, signature_len, der);
		signature = der;
	}
	if (signature_len == 0)
		rc = ERR_VERIFY;
	else if (algorithm >= 15)
		rc = verify_message(key, data, data_len, signature, signature_len);
	else
		rc = verify_digest(key, algorithm, data, data_len, signature, signature_len);
	EVP_PKEY_free(key);
	return rc;
}
