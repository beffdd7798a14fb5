/* How delaymod.so signs.  A real HSM does so on its own processor: so that this one, too, costs
 * ours nearly nothing, the hard part of a signature is done once for each key, whose signatures
 * share a nonce.  They are valid, and any two of them give the key away. */
#include "delaymod_internal.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"

struct secret { /* the second half of a signature is factor * digest + rest */
	uint8_t r[SCALAR_LEN], factor[SCALAR_LEN], rest[SCALAR_LEN];
};
_Static_assert(sizeof(struct secret) == SECRET_LEN, "a key's secret");

struct signer {
	BN_CTX *bn;
	BIGNUM *order, *s, *factor, *rest;
};

static _Thread_local bool is_punctual;

struct signer *signer_new(void)
{
	struct signer *g = calloc(1, sizeof *g);

	g->bn = BN_CTX_new();
	g->s = BN_new();
	g->factor = BN_new();
	g->rest = BN_new();
	BN_hex2bn(&g->order, ORDER);
	return g;
}

void signer_free(struct signer *g)
{
	BN_free(g->order);
	BN_free(g->rest);
	BN_free(g->factor);
	BN_free(g->s);
	BN_CTX_free(g->bn);
	free(g);
}

static bool put_scalar(uint8_t *out, const BIGNUM *value)
{
	return BN_bn2binpad(value, out, SCALAR_LEN) == SCALAR_LEN;
}

/* r is the nonce's point, s = (digest + r * key) / nonce. */
static bool make_secret(const EVP_PKEY *key, struct secret *out)
{
	EVP_PKEY *nonce = EVP_EC_gen("P-256");
	BN_CTX *bn = BN_CTX_new();
	BIGNUM *d = NULL, *k = NULL, *r = NULL, *order = NULL;
	bool good = BN_hex2bn(&order, ORDER) > 0 &&
		    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1 &&
		    EVP_PKEY_get_bn_param(nonce, OSSL_PKEY_PARAM_PRIV_KEY, &k) == 1 &&
		    EVP_PKEY_get_bn_param(nonce, OSSL_PKEY_PARAM_EC_PUB_X, &r) == 1 &&
		    BN_nnmod(r, r, order, bn) == 1 && BN_mod_inverse(k, k, order, bn) != NULL &&
		    put_scalar(out->r, r) && put_scalar(out->factor, k) &&
		    BN_mod_mul(d, d, r, order, bn) == 1 && BN_mod_mul(d, d, k, order, bn) == 1 &&
		    put_scalar(out->rest, d);

	BN_free(order);
	BN_free(d);
	BN_free(k);
	BN_free(r);
	BN_CTX_free(bn);
	EVP_PKEY_free(nonce);
	return good;
}

bool signer_key(uint8_t point[POINT_LEN], uint8_t secret[SECRET_LEN])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	size_t len = 0;
	bool good = EVP_PKEY_get_octet_string_param(
			key, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_LEN, &len) == 1 &&
		    make_secret(key, (struct secret *)secret);

	EVP_PKEY_free(key);
	return good;
}

static bool sign(struct signer *g, const struct secret *key, const uint8_t *digest, uint8_t *out)
{
	memcpy(out, key->r, SCALAR_LEN);
	return BN_bin2bn(digest, SCALAR_LEN, g->s) != NULL &&
	       BN_bin2bn(key->factor, SCALAR_LEN, g->factor) != NULL &&
	       BN_bin2bn(key->rest, SCALAR_LEN, g->rest) != NULL &&
	       BN_mod_mul(g->s, g->s, g->factor, g->order, g->bn) == 1 &&
	       BN_mod_add(g->s, g->s, g->rest, g->order, g->bn) == 1 &&
	       put_scalar(out + SCALAR_LEN, g->s);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t count_begin(void)
{
	struct delaymod_counts *c = &file->counts;
	uint64_t now = now_us(), none = 0, in_call = atomic_fetch_add(&c->in_call, 1) + 1;
	uint64_t most = c->most_in_call;

	atomic_compare_exchange_strong(&c->first_us, &none, now);
	while (in_call > most && !atomic_compare_exchange_weak(&c->most_in_call, &most, in_call))
		;
	return now;
}

static void count_end(uint64_t began)
{
	struct delaymod_counts *c = &file->counts;
	uint64_t now = now_us();

	atomic_fetch_sub(&c->in_call, 1);
	atomic_fetch_add(&c->calls, 1);
	atomic_fetch_add(&c->sum_us, now - began);
	c->last_us = now;
}

/* Without the slack of 50 us that a sleep has. */
static void sleep_until(uint64_t us)
{
	struct timespec t = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};

	if (!is_punctual)
		prctl(PR_SET_TIMERSLACK, 1UL);
	is_punctual = true;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
		;
}

bool signer_sign(struct signer *g, const uint8_t *secret, const uint8_t *digest, uint8_t *out)
{
	uint64_t began = count_begin();
	bool good = sign(g, (const struct secret *)secret, digest, out);

	sleep_until(began + file->delay_us);
	count_end(began);
	return good;
}
