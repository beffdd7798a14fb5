/* Requests that have no reply yet, in parts.  A sign request is served by as many sessions as it
 * keeps busy: a part is what one of them gets at once, and the reply is put together when all parts
 * are back.  Runs in the signing side. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "pkcs11/client.h"

static void copy_items(struct request *q, const struct token_request *r)
{
	size_t octets = 0, at = 0;
	uint8_t *data;

	for (unsigned i = 0; i < r->item_count; i++)
		octets += r->items[i].len;
	data = octets > 0 ? buf_extend(&q->data, octets) : NULL;
	q->items = mem_array(r->item_count, sizeof q->items[0]);
	for (unsigned i = 0; data != NULL && i < r->item_count; i++) {
		q->items[i] = r->items[i];
		q->items[i].data = data + at;
		memcpy(data + at, r->items[i].data, r->items[i].len);
		at += r->items[i].len;
	}
}

struct pending *request_new(
    const struct token_request *r, uint32_t id, token_reply_fn *fn, void *arg)
{
	struct request *q = mem_alloc(sizeof *q);
	struct pending *p = mem_alloc(sizeof *p);

	q->op = r->op;
	q->class = r->class < TOKEN_CLASSES ? r->class : TOKEN_REFRESH;
	q->fn = fn;
	q->arg = arg;
	q->count = q->left = 1;
	p->request = q;
	p->count = 1;
	p->id = id;
	return p;
}

int request_fill(struct pending *p, const struct token_request *r, struct err *e)
{
	struct request *q = p->request;
	int rc;

	q->data.limit = MSG_MAX;
	if (r->op != TOKEN_SIGN)
		return wire_put_request(&q->data, p->id, r, e);
	rc = wire_check_items(r, e);
	if (rc != OK)
		return rc;
	copy_items(q, r);
	q->count = q->left = p->count = r->item_count;
	return q->data.failed ? err_set(e, ERR_LIMIT, "out of memory") : OK;
}

void pending_encode(const struct pending *p, struct buf *out)
{
	const struct request *q = p->request;
	struct token_request r = {.op = q->op, .class = q->class};

	r.items = q->items + p->first;
	r.item_count = p->count;
	if (q->op == TOKEN_SIGN)
		wire_put_request(out, p->id, &r, NULL); /* within the bounds: the whole was */
	else
		buf_put(out, q->data.data, q->data.len);
}

struct pending *pending_split(struct pending *p, unsigned count)
{
	struct pending *part = mem_alloc(sizeof *part);

	part->request = p->request;
	part->attempts = p->attempts;
	part->first = p->first;
	part->count = count;
	p->first += count;
	p->count -= count;
	return part;
}

static void request_free(struct request *q)
{
	buf_free(&q->data);
	buf_free(&q->octets);
	free(q->items);
	free(q->signatures);
	free(q);
}

void pending_free(struct pending *p)
{
	p->request->left -= p->count;
	if (p->request->left == 0)
		request_free(p->request);
	buf_free(&p->reply);
	free(p->failure);
	free(p);
}

static void collect(struct pending *p, const struct token_reply *reply)
{
	struct request *q = p->request;

	if (q->signatures == NULL)
		q->signatures = mem_array(q->count, sizeof q->signatures[0]);
	for (unsigned i = 0; i < p->count; i++) {
		struct signature *s = &q->signatures[p->first + i];

		s->code = reply->code != OK ? reply->code : ERR_TOKEN;
		if (i >= reply->signature_count)
			continue;
		s->code = reply->signatures[i].code;
		s->len = reply->signatures[i].len;
		s->at = q->octets.len;
		buf_put(&q->octets, reply->signatures[i].data, s->len);
	}
	if (reply->code != OK && q->err.code == OK)
		q->err = reply->err;
	if (q->octets.failed)
		err_set(&q->err, ERR_LIMIT, "out of memory");
}

static void put_together(const struct request *q, struct token_reply *reply)
{
	memset(reply, 0, sizeof *reply);
	reply->op = q->op;
	reply->code = q->err.code;
	reply->err = q->err;
	reply->signature_count = q->octets.failed ? 0 : q->count;
	for (unsigned i = 0; i < reply->signature_count; i++) {
		reply->signatures[i].code = q->signatures[i].code;
		reply->signatures[i].len = q->signatures[i].len;
		reply->signatures[i].data = q->octets.data + q->signatures[i].at;
	}
}

void pending_answer(struct pending *p, struct token_reply *reply)
{
	struct request *q = p->request;
	bool is_part = p->count < q->count; /* else nothing is copied */

	if (is_part)
		collect(p, reply);
	if (q->left > p->count) {
		pending_free(p);
		return;
	}
	if (is_part)
		put_together(q, reply);
	if (q->fn != NULL)
		q->fn(q->arg, reply);
	pending_free(p);
}
