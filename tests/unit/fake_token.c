#include "tests/unit/fake_token.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define KEYS_MAX 96

struct pending {
	struct pending *next;
	token_reply_fn *fn;
	void *arg;
	struct token_reply reply;
	uint8_t signatures[TOKEN_BATCH_MAX][TOKEN_SIG_MAX];
};

struct token {
	char name[64];
	struct loop_timer *timer;
	bool silent;
	unsigned fail_after, lie_after, requests;
	struct pending *first, **last;
	unsigned key_count;
	struct {
		uint8_t id[TOKEN_ID_LEN];
		uint8_t algorithm;
		EVP_PKEY *key;
	} keys[KEYS_MAX];
};

static void answer(void *arg)
{
	struct token *t = arg;
	struct pending *p = t->first;

	if (t->silent || p == NULL)
		return;
	t->first = p->next;
	if (t->first == NULL)
		t->last = &t->first;
	else
		loop_timer_set(t->timer, 0);
	t->requests--;
	p->fn(p->arg, &p->reply);
	free(p);
}

struct token *fake_token_new(struct loop *l, const char *name)
{
	struct token *t = mem_alloc(sizeof(*t));

	snprintf(t->name, sizeof(t->name), "%s", name);
	t->timer = loop_timer_new(l, answer, t);
	t->fail_after = t->lie_after = UINT_MAX;
	t->last = &t->first;
	return t;
}

void fake_token_free(struct token *t)
{
	while (t->first != NULL) {
		struct pending *p = t->first;

		t->first = p->next;
		p->reply.code = err_set(&p->reply.err, ERR_CLOSED, "the token was closed");
		p->fn(p->arg, &p->reply);
		free(p);
	}
	for (unsigned i = 0; i < t->key_count; i++)
		EVP_PKEY_free(t->keys[i].key);
	loop_timer_free(t->timer);
	free(t);
}

void fake_token_fail_after(struct token *t, unsigned signatures)
{
	t->fail_after = signatures;
}

void fake_token_lie_after(struct token *t, unsigned signatures)
{
	t->lie_after = signatures;
}

void fake_token_silence(struct token *t, bool silent)
{
	t->silent = silent;
	if (!silent)
		loop_timer_set(t->timer, 0);
}

unsigned fake_token_requests(const struct token *t)
{
	return t->requests;
}

static EVP_PKEY *make_key(uint8_t algorithm)
{
	switch (algorithm) {
	case ALG_RSASHA256:
	case ALG_RSASHA512:
		return EVP_RSA_gen(2048);
	case ALG_ECDSAP256SHA256:
		return EVP_EC_gen("P-256");
	case ALG_ECDSAP384SHA384:
		return EVP_EC_gen("P-384");
	case ALG_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	default:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	}
}

static size_t public_rsa(EVP_PKEY *key, uint8_t *out)
{
	BIGNUM *n = NULL, *e = NULL;
	size_t len;

	EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n);
	EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e);
	out[0] = (uint8_t)BN_num_bytes(e);
	len = 1 + (size_t)BN_bn2bin(e, out + 1);
	len += (size_t)BN_bn2bin(n, out + len);
	BN_free(n);
	BN_free(e);
	return len;
}

/* As it stands in the DNSKEY. */
static size_t public_key(EVP_PKEY *key, uint8_t algorithm, uint8_t *out, size_t size)
{
	size_t len = size;

	if (algorithm == ALG_RSASHA256 || algorithm == ALG_RSASHA512)
		return public_rsa(key, out);
	if (!dnskey_is_hashed(algorithm)) {
		EVP_PKEY_get_raw_public_key(key, out, &len);
		return len;
	}
	EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, out, size, &len);
	memmove(out, out + 1, --len);
	return len;
}

void fake_token_key(struct token *t, uint8_t algorithm, enum key_role role, struct keyset_key *out)
{
	unsigned k = t->key_count++;
	uint8_t pub[DNSKEY_RDATA_MAX];
	struct buf rdata = {0};
	size_t len;

	t->keys[k].algorithm = algorithm;
	t->keys[k].key = make_key(algorithm);
	memset(t->keys[k].id, (int)k + 1, TOKEN_ID_LEN);
	len = public_key(t->keys[k].key, algorithm, pub, sizeof(pub));
	dnskey_rdata(role == KEY_ZSK ? 256 : 257, algorithm, pub, len, &rdata);
	memset(out, 0, sizeof(*out));
	memcpy(out->id, t->keys[k].id, TOKEN_ID_LEN);
	out->role = role;
	out->algorithm = algorithm;
	out->in_set = true;
	out->signs_set = role != KEY_ZSK;
	out->signs_zone = role != KEY_KSK;
	out->dnskey_len = (uint16_t)rdata.len;
	memcpy(out->dnskey, rdata.data, rdata.len);
	out->tag = dnskey_tag(rdata.data, rdata.len);
	snprintf(out->token, sizeof(out->token), "%s", t->name);
	buf_free(&rdata);
}

static size_t raw_ecdsa(const uint8_t *der, size_t len, size_t half, uint8_t *out)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);

	BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)half);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, (int)half);
	ECDSA_SIG_free(sig);
	return 2 * half;
}

static size_t sign_digest(EVP_PKEY *key, const struct token_sign_item *item, uint8_t *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool is_rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
	uint8_t der[TOKEN_SIG_MAX];
	size_t len = sizeof(der);

	EVP_PKEY_sign_init(ctx);
	if (is_rsa) {
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
		EVP_PKEY_CTX_set_signature_md(
		    ctx, item->algorithm == ALG_RSASHA512 ? EVP_sha512() : EVP_sha256());
	}
	if (EVP_PKEY_sign(ctx, der, &len, item->data, item->len) != 1)
		len = 0;
	EVP_PKEY_CTX_free(ctx);
	if (!is_rsa)
		return raw_ecdsa(der, len, item->algorithm == ALG_ECDSAP256SHA256 ? 32 : 48, out);
	memcpy(out, der, len);
	return len;
}

static size_t sign_message(EVP_PKEY *key, const struct token_sign_item *item, uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = TOKEN_SIG_MAX;

	if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, out, &len, item->data, item->len) != 1)
		len = 0;
	EVP_MD_CTX_free(ctx);
	return len;
}

static void sign_item(struct token *t, const struct token_sign_item *item, struct pending *p)
{
	unsigned i = p->reply.signature_count++;
	size_t len = 0;

	for (unsigned k = 0; k < t->key_count; k++) {
		if (memcmp(t->keys[k].id, item->id, TOKEN_ID_LEN) != 0)
			continue;
		if (dnskey_is_hashed(item->algorithm))
			len = sign_digest(t->keys[k].key, item, p->signatures[i]);
		else
			len = sign_message(t->keys[k].key, item, p->signatures[i]);
	}
	p->reply.signatures[i].code = len == 0 ? ERR_TOKEN : OK;
	p->reply.signatures[i].len = (uint16_t)len;
	p->reply.signatures[i].data = p->signatures[i];
	if (t->lie_after == 0)
		p->signatures[i][len / 2] ^= 4;
	else
		t->lie_after--;
	if (t->fail_after-- > 0)
		return;
	t->fail_after = 0;
	p->reply.signatures[i].code = ERR_TOKEN;
	err_set(&p->reply.err, ERR_TOKEN, "C_Sign: CKR_DEVICE_ERROR");
	p->reply.err.ckr = 0x30;
}

void token_submit(struct token *t, const struct token_request *r, token_reply_fn *fn, void *arg)
{
	struct pending *p = mem_alloc(sizeof(*p));

	p->fn = fn;
	p->arg = arg;
	p->reply.op = r->op;
	for (unsigned i = 0; i < r->item_count; i++)
		sign_item(t, &r->items[i], p);
	*t->last = p;
	t->last = &p->next;
	t->requests++;
	loop_timer_set(t->timer, 0);
}

unsigned token_sign_window(const struct token *t)
{
	(void)t;
	return 400;
}
