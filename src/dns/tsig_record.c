/* tsig_record: the TSIG record and its MAC (RFC 8945 4).  Runs on the network side; the records
 * that are parsed come from anybody. */
#include "dns/tsig_record.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "dns/digest.h"
#include "dns/rrtype.h"

#define CLASS_ANY 255
#define HEADER_LEN 12

static const struct {
	const char *text;
	uint8_t wire[16];
	enum digest digest;
} algorithms[] = {
    [TSIG_SHA1] = {"hmac-sha1", "\011hmac-sha1", DIGEST_SHA1},
    [TSIG_SHA224] = {"hmac-sha224", "\013hmac-sha224", DIGEST_SHA224},
    [TSIG_SHA256] = {"hmac-sha256", "\013hmac-sha256", DIGEST_SHA256},
    [TSIG_SHA384] = {"hmac-sha384", "\013hmac-sha384", DIGEST_SHA384},
    [TSIG_SHA512] = {"hmac-sha512", "\013hmac-sha512", DIGEST_SHA512},
};

int tsig_algorithm_parse(const char *text)
{
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '.')
		len--;
	for (size_t i = TSIG_SHA1; i < MEM_COUNT(algorithms); i++)
		if (strlen(algorithms[i].text) == len &&
		    strncasecmp(algorithms[i].text, text, len) == 0)
			return (int)i;
	return 0;
}

const char *tsig_algorithm_name(enum tsig_algorithm a)
{
	return algorithms[a].text;
}

size_t tsig_mac_len(enum tsig_algorithm a)
{
	return digest_len(algorithms[a].digest);
}

const uint8_t *tsig_algorithm_wire(enum tsig_algorithm a)
{
	return algorithms[a].wire;
}

enum tsig_algorithm tsig_algorithm_from_wire(const uint8_t *name)
{
	for (size_t i = TSIG_SHA1; i < MEM_COUNT(algorithms); i++)
		if (name_equal(algorithms[i].wire, name))
			return (enum tsig_algorithm)i;
	return 0;
}

static uint64_t read_u48(struct reader *r)
{
	uint64_t high = reader_u16(r);

	return high << 32 | reader_u32(r);
}

static void put_u48(struct buf *b, uint64_t v)
{
	buf_u16(b, (uint16_t)(v >> 32));
	buf_u32(b, (uint32_t)v);
}

int tsig_record_parse(const struct packet *p, struct tsig_record *out)
{
	const uint8_t *at, *end = p->msg + p->full_len;
	struct tsig_record t = {0};
	struct reader r;
	size_t n = name_expand(p->msg, p->full_len, p->tsig_offset, t.key);
	size_t other_len, mac_len;

	at = p->msg + p->tsig_offset + n;
	/* Type, class ANY, TTL 0; packet_parse has seen that the record is whole and the last. */
	if (n == 0 || end - at < 10 || load_u16(at + 2) != CLASS_ANY || load_u32(at + 4) != 0)
		return ERR_FORMAT;
	at += 10;
	n = name_check(at, (size_t)(end - at));
	if (n == 0)
		return ERR_FORMAT;
	memcpy(t.algorithm, at, n);
	r = reader_of(at + n, (size_t)(end - at) - n);
	t.time = read_u48(&r);
	t.fudge = reader_u16(&r);
	t.mac = reader_lv16(&r, &mac_len);
	t.original_id = reader_u16(&r);
	t.error = reader_u16(&r);
	t.other = reader_lv16(&r, &other_len);
	if (r.failed || reader_left(&r) != 0)
		return ERR_FORMAT;
	t.mac_len = (uint16_t)mac_len;
	t.other_len = (uint16_t)other_len;
	*out = t;
	return OK;
}

void tsig_record_append(struct packet_builder *b, const struct tsig_record *t)
{
	size_t rdlength_at;

	buf_put(&b->buf, t->key, name_len(t->key));
	buf_u16(&b->buf, RR_TSIG);
	buf_u16(&b->buf, CLASS_ANY);
	buf_u32(&b->buf, 0);
	rdlength_at = b->buf.len;
	buf_u16(&b->buf, 0);
	buf_put(&b->buf, t->algorithm, name_len(t->algorithm));
	put_u48(&b->buf, t->time);
	buf_u16(&b->buf, t->fudge);
	buf_lv16(&b->buf, t->mac, t->mac_len);
	buf_u16(&b->buf, t->original_id);
	buf_u16(&b->buf, t->error);
	buf_lv16(&b->buf, t->other, t->other_len);
	buf_patch_u16(&b->buf, rdlength_at, (uint16_t)(b->buf.len - rdlength_at - 2));
	b->counts[3]++;
	packet_end(b);
}

static void put_lower_name(struct buf *b, const uint8_t *name)
{
	uint8_t lower[NAME_MAX_LEN];
	size_t len = name_len(name);

	memcpy(lower, name, len);
	name_lower(lower);
	buf_put(b, lower, len);
}

static void put_variables(const struct tsig_record *t, bool times_only, struct buf *out)
{
	if (!times_only) {
		put_lower_name(out, t->key);
		buf_u16(out, CLASS_ANY);
		buf_u32(out, 0);
		put_lower_name(out, t->algorithm);
	}
	put_u48(out, t->time);
	buf_u16(out, t->fudge);
	if (!times_only) {
		buf_u16(out, t->error);
		buf_lv16(out, t->other, t->other_len);
	}
}

static EVP_MAC_CTX *hmac_start(const struct tsig_key *key)
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);
	char *name = (char *)(uintptr_t)digest_name(algorithms[key->algorithm].digest);
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_END};

	EVP_MAC_free(hmac);
	if (ctx != NULL && EVP_MAC_init(ctx, key->secret.data, key->secret.len, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

int tsig_mac(const struct tsig_state *s, const uint8_t *message, size_t len, uint16_t id,
    uint16_t arcount, const struct tsig_record *t, bool times_only, uint8_t out[TSIG_MAC_MAX])
{
	EVP_MAC_CTX *ctx = hmac_start(s->key);
	struct buf head = {0}, tail = {0};
	size_t mac_len;
	int rc = ERR_CRYPTO;

	if (s->mac_len > 0)
		buf_lv16(&head, s->mac, s->mac_len);
	buf_put(&head, s->pending.data, s->pending.len);
	buf_u16(&head, id);
	buf_put(&head, message + 2, HEADER_LEN - 4);
	buf_u16(&head, arcount);
	put_variables(t, times_only, &tail);
	if (ctx != NULL && !head.failed && !tail.failed &&
	    EVP_MAC_update(ctx, head.data, head.len) == 1 &&
	    EVP_MAC_update(ctx, message + HEADER_LEN, len - HEADER_LEN) == 1 &&
	    EVP_MAC_update(ctx, tail.data, tail.len) == 1 &&
	    EVP_MAC_final(ctx, out, &mac_len, TSIG_MAC_MAX) == 1)
		rc = OK;
	buf_free(&tail);
	buf_free(&head);
	EVP_MAC_CTX_free(ctx);
	return rc;
}
