/* failing_token: see failing_token.h. */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/dnskey.h"
#include "tests/unit/failing_token.h"

#define KEYS_MAX 64
#define RECORDS_MAX 64
#define PUB_LEN 32
#define SIG_LEN 64

struct fake_key {
	uint8_t id[TOKEN_ID_LEN];
	char label[TOKEN_LABEL_MAX];
	EVP_PKEY *pkey;
	uint8_t pub[PUB_LEN];
	bool is_broken;
};
struct fake_record {
	char label[TOKEN_LABEL_MAX];
	bool is_listed;
	struct buf value;
};
struct held { /* a request that waits for its turn; what it borrowed is copied */
	struct held *next;
	struct token_request request;
	token_reply_fn *fn;
	void *arg;
	struct token_sign_item *items;
	struct buf data;
};
struct token {
	char name[64];
	struct fake_key keys[KEYS_MAX];
	unsigned key_count, generated, clashes, breaks;
	struct fake_record records[RECORDS_MAX];
	unsigned record_count;
	unsigned until_fault; /* 0: none to come */
	enum fake_fault fault;
	bool goes_on, has_failed, signs_wrong, is_away, holds;
	struct held *held[FAILING_LANES];
};

struct token *failing_token_new(const char *name)
{
	struct token *t = mem_alloc(sizeof(*t));

	snprintf(t->name, sizeof(t->name), "%s", name);
	return t;
}

void failing_token_drop_record(struct token *t, unsigned i)
{
	buf_free(&t->records[i].value);
	t->records[i] = t->records[--t->record_count];
}

void failing_token_drop_records(struct token *t)
{
	for (unsigned i = 0; i < t->record_count; i++)
		buf_free(&t->records[i].value);
	t->record_count = 0;
}

void failing_token_drop_keys(struct token *t)
{
	for (unsigned i = 0; i < t->key_count; i++)
		EVP_PKEY_free(t->keys[i].pkey);
	t->key_count = 0;
}

static void forget_first(struct token *t, enum failing_lane lane)
{
	struct held *h = t->held[lane];

	t->held[lane] = h->next;
	buf_free(&h->data);
	free(h->items);
	free(h);
}

void failing_token_free(struct token *t)
{
	failing_token_drop_records(t);
	failing_token_drop_keys(t);
	for (unsigned lane = 0; lane < FAILING_LANES; lane++)
		while (t->held[lane] != NULL)
			forget_first(t, lane);
	free(t);
}

void failing_token_fail(struct token *t, unsigned n, enum fake_fault fault, bool on)
{
	t->until_fault = n;
	t->fault = fault;
	t->goes_on = on;
	t->has_failed = false;
}

bool failing_token_has_failed(const struct token *t)
{
	return t->has_failed;
}

void failing_token_cure(struct token *t)
{
	t->until_fault = 0;
}

unsigned failing_token_keys(const struct token *t)
{
	return t->key_count;
}

unsigned failing_token_records(const struct token *t)
{
	return t->record_count;
}

unsigned failing_token_generated(const struct token *t)
{
	return t->generated;
}

void failing_token_clash(struct token *t, unsigned n)
{
	t->clashes = n;
}

void failing_token_break(struct token *t, unsigned n)
{
	t->breaks = n;
}

void failing_token_sign_wrong(struct token *t, bool wrong)
{
	t->signs_wrong = wrong;
}

void failing_token_put_record(struct token *t, const char *label, const void *value, size_t len)
{
	struct fake_record *r = &t->records[t->record_count++];

	memset(r, 0, sizeof(*r));
	snprintf(r->label, sizeof(r->label), "%s", label);
	buf_put(&r->value, value, len);
}

bool failing_token_get_record(const struct token *t, unsigned i, struct token_record *out)
{
	if (i >= t->record_count)
		return false;
	memcpy(out->label, t->records[i].label, sizeof(out->label));
	out->value = t->records[i].value.data;
	out->value_len = t->records[i].value.len;
	return true;
}

static struct fake_key *find_key(struct token *t, const uint8_t *id)
{
	for (unsigned i = 0; i < t->key_count; i++)
		if (memcmp(t->keys[i].id, id, TOKEN_ID_LEN) == 0)
			return &t->keys[i];
	return NULL;
}

static void fill_key(const struct fake_key *k, struct token_key *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->id, k->id, sizeof(out->id));
	memcpy(out->label, k->label, sizeof(out->label));
	out->algorithm = 15;
	out->has_private = true;
	out->pub = k->pub;
	out->pub_len = PUB_LEN;
}

static uint16_t tag_of(const struct fake_key *k, uint16_t flags)
{
	struct buf b = {0};
	uint16_t tag;

	dnskey_rdata(flags, 15, k->pub, PUB_LEN, &b);
	tag = dnskey_tag(b.data, b.len);
	buf_free(&b);
	return tag;
}

/* The tag is a sum: two octets are enough to give it any value.  (The pair does not fit any more.)
 */
static void clash(const struct token *t, struct fake_key *k)
{
	uint16_t wanted = tag_of(&t->keys[0], 257);

	for (unsigned v = 0; v <= UINT16_MAX && tag_of(k, 256) != wanted; v++)
		store_u16(k->pub + PUB_LEN - 2, (uint16_t)v);
}

static int generate(struct token *t, const struct token_request *r, struct token_reply *reply)
{
	struct fake_key *k = find_key(t, r->id);
	size_t len = PUB_LEN;

	if (k == NULL) {
		k = &t->keys[t->key_count++];
		memcpy(k->id, r->id, sizeof(k->id));
		memcpy(k->label, r->label, sizeof(k->label));
		k->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		EVP_PKEY_get_raw_public_key(k->pkey, k->pub, &len);
		t->generated++;
		k->is_broken = t->breaks > 0;
		t->breaks -= k->is_broken;
		if (t->key_count > 1 && t->clashes > 0) {
			t->clashes--;
			clash(t, k);
		}
	}
	fill_key(k, &reply->key);
	return OK;
}

static int drop_key(struct token *t, const struct token_request *r)
{
	struct fake_key *k = find_key(t, r->id);

	if (k == NULL)
		return ERR_MISSING;
	EVP_PKEY_free(k->pkey);
	*k = t->keys[--t->key_count];
	return OK;
}

static int drop_record(struct token *t, const struct token_request *r)
{
	int code = ERR_MISSING;

	for (unsigned i = t->record_count; i-- > 0;) {
		if (strcmp(t->records[i].label, r->label) != 0)
			continue;
		failing_token_drop_record(t, i);
		code = OK;
	}
	return code;
}

static int sign(struct token *t, const struct token_request *r, uint8_t sigs[][SIG_LEN],
    struct token_reply *reply)
{
	reply->signature_count = r->item_count;
	for (unsigned i = 0; i < r->item_count; i++) {
		const struct fake_key *k = find_key(t, r->items[i].id);
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		size_t len = SIG_LEN;

		reply->signatures[i].code = ERR_TOKEN;
		if (k != NULL && k->is_broken) {
			EVP_MD_CTX_free(ctx);
			err_set(&reply->err, ERR_TOKEN, "C_Sign: CKR_GENERAL_ERROR");
			reply->err.ckr = 5;
			return ERR_TOKEN;
		}
		if (k != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
		    EVP_DigestSign(ctx, sigs[i], &len, r->items[i].data, r->items[i].len) == 1)
			reply->signatures[i].code = OK;
		sigs[i][0] ^= t->signs_wrong;
		reply->signatures[i].len = SIG_LEN;
		reply->signatures[i].data = sigs[i];
		EVP_MD_CTX_free(ctx);
	}
	return OK;
}

struct scratch { /* what a reply borrows */
	struct token_key keys[KEYS_MAX];
	struct token_record records[RECORDS_MAX];
	uint8_t random[512];
	uint8_t sigs[TOKEN_BATCH_MAX][SIG_LEN];
};

static void list(const struct token *t, struct scratch *s, struct token_reply *reply)
{
	for (unsigned i = 0; i < t->key_count; i++)
		fill_key(&t->keys[i], &s->keys[i]);
	for (unsigned i = 0; i < t->record_count; i++)
		failing_token_get_record(t, i, &s->records[i]);
	reply->keys = s->keys;
	reply->key_count = t->key_count;
	reply->records = s->records;
	reply->record_count = t->record_count;
}

static void list_news(struct token *t, struct scratch *s, struct token_reply *reply)
{
	for (unsigned i = 0; i < t->record_count; i++) {
		if (!t->records[i].is_listed)
			failing_token_get_record(t, i, &s->records[reply->record_count++]);
		t->records[i].is_listed = true;
	}
	reply->records = s->records;
}

static int perform(
    struct token *t, const struct token_request *r, struct scratch *s, struct token_reply *reply)
{
	switch (r->op) {
	case TOKEN_SIGN:
		return sign(t, r, s->sigs, reply);
	case TOKEN_GENERATE:
		return generate(t, r, reply);
	case TOKEN_LIST:
		list(t, s, reply);
		return OK;
	case TOKEN_PUT_RECORD:
		failing_token_put_record(t, r->label, r->value, r->value_len);
		return OK;
	case TOKEN_DROP_RECORD:
		return drop_record(t, r);
	case TOKEN_DROP_KEY:
		return drop_key(t, r);
	case TOKEN_RANDOM:
		RAND_bytes(s->random, (int)r->length);
		reply->value = s->random;
		reply->value_len = r->length;
		return OK;
	case TOKEN_NEWS:
		list_news(t, s, reply);
		return OK;
	case TOKEN_CAPS:
		break;
	}
	return ERR_ARGUMENT;
}

static enum fake_fault fault_of_this(struct token *t)
{
	if (t->until_fault == 0 || --t->until_fault > 0)
		return FAKE_NONE;
	t->has_failed = true;
	if (t->goes_on)
		t->until_fault = 1;
	return t->fault;
}

static void serve(struct token *t, const struct token_request *r, token_reply_fn *fn, void *arg)
{
	struct token_reply *reply = mem_alloc(sizeof(*reply));
	struct scratch *s = mem_alloc(sizeof(*s));
	enum fake_fault fault = fault_of_this(t);

	reply->op = r->op;
	if (fault != FAKE_REFUSE)
		reply->code = perform(t, r, s, reply);
	if (fault != FAKE_NONE) {
		memset(reply, 0, sizeof(*reply));
		reply->op = r->op;
		reply->code = err_set(&reply->err, ERR_TOKEN, "CKR_DEVICE_ERROR (told to fail)");
	}
	fn(arg, reply);
	free(reply);
	free(s);
}

/* Offsets first, since the buffer moves while it grows. */
static void copy_borrowed(struct held *h, const struct token_request *r)
{
	size_t at = 0;

	buf_put(&h->data, r->value, r->value_len);
	for (unsigned i = 0; i < r->item_count; i++)
		buf_put(&h->data, r->items[i].data, r->items[i].len);
	h->request.value = h->data.data;
	at = r->value_len;
	h->items = mem_array(r->item_count + 1, sizeof(*h->items));
	for (unsigned i = 0; i < r->item_count; i++) {
		h->items[i] = r->items[i];
		h->items[i].data = h->data.data + at;
		at += r->items[i].len;
	}
	h->request.items = h->items;
}

void token_submit(struct token *t, const struct token_request *r, token_reply_fn *fn, void *arg)
{
	struct held *h, **p = &t->held[r->op == TOKEN_SIGN ? FAILING_SIGNATURES : FAILING_OBJECTS];

	if (!t->holds) {
		serve(t, r, fn, arg);
		return;
	}
	h = mem_alloc(sizeof(*h));
	h->request = *r;
	h->fn = fn;
	h->arg = arg;
	copy_borrowed(h, r);
	while (*p != NULL && (*p)->request.class <= r->class)
		p = &(*p)->next;
	h->next = *p;
	*p = h;
}

void failing_token_hold(struct token *t, bool hold)
{
	t->holds = hold;
}

bool failing_token_turn(struct token *t, enum failing_lane lane)
{
	struct held *h = t->held[lane];

	if (h == NULL)
		return false;
	t->held[lane] = h->next;
	h->next = NULL;
	serve(t, &h->request, h->fn, h->arg);
	buf_free(&h->data);
	free(h->items);
	free(h);
	return true;
}

bool token_is_up(const struct token *t, char why[256])
{
	(void)why;
	return !t->is_away;
}

const char *token_name(const struct token *t)
{
	return t->name;
}
