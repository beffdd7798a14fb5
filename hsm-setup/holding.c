/* A copy of what a token holds of ours: a listing lives as long as its callback only.  Runs in
 * intaglio-hsm. */
#include "hsm-setup/backup.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

static int by_label(const void *a, const void *b)
{
	return strcmp(
	    ((const struct token_record *)a)->label, ((const struct token_record *)b)->label);
}

static int by_id(const void *a, const void *b)
{
	return memcmp(
	    ((const struct token_key *)a)->id, ((const struct token_key *)b)->id, TOKEN_ID_LEN);
}

/* The octets first, so that they do not move any more; then the pointers to them. */
static void keep(void *arg, const struct token_reply *reply)
{
	struct holding *h = arg;
	const uint8_t *p;

	if (reply->code != OK)
		return;
	h->keys = mem_array(reply->key_count + 1, sizeof h->keys[0]);
	h->records = mem_array(reply->record_count + 1, sizeof h->records[0]);
	for (size_t i = 0; i < reply->key_count; i++)
		buf_put(&h->octets, reply->keys[i].pub, reply->keys[i].pub_len);
	for (size_t i = 0; i < reply->record_count; i++)
		buf_put(&h->octets, reply->records[i].value, reply->records[i].value_len);
	if (h->octets.failed)
		return;
	p = h->octets.data;
	for (size_t i = 0; i < reply->key_count; i++) {
		h->keys[i] = reply->keys[i];
		h->keys[i].pub = p;
		p += reply->keys[i].pub_len;
	}
	for (size_t i = 0; i < reply->record_count; i++) {
		h->records[i] = reply->records[i];
		h->records[i].value = p;
		p += reply->records[i].value_len;
	}
	h->key_count = reply->key_count;
	h->record_count = reply->record_count;
	if (h->key_count > 1)
		qsort(h->keys, h->key_count, sizeof h->keys[0], by_id);
	if (h->record_count > 1)
		qsort(h->records, h->record_count, sizeof h->records[0], by_label);
}

int holding_read(struct token *t, struct holding *out, struct err *e)
{
	struct token_request r = {.op = TOKEN_LIST};
	struct holding h = {0};
	int rc = token_call(t, &r, keep, &h, e);

	if (rc == OK && h.octets.failed)
		rc = err_set(e, ERR_LIMIT, "token %s: too much to list", token_name(t));
	if (rc == OK)
		*out = h;
	else
		holding_free(&h);
	return rc;
}

void holding_free(struct holding *h)
{
	free(h->keys);
	free(h->records);
	buf_free(&h->octets);
	memset(h, 0, sizeof *h);
}

const struct token_record *holding_record(const struct holding *h, const char *label)
{
	struct token_record wanted;

	snprintf(wanted.label, sizeof wanted.label, "%s", label);
	return h->record_count == 0
		   ? NULL
		   : bsearch(&wanted, h->records, h->record_count, sizeof h->records[0], by_label);
}
