/* To the token and back: a slab's signatures go out in requests as large as the token client takes.
 * A request may outlive its run: the ticket then knows nobody. */
#include "sign/run.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/dnskey.h"

struct ticket {		   /* one request at the token */
	struct slab *slab; /* NULL: its run has ended */
	struct ticket *next, **place;
	unsigned count;
	uint32_t jobs[TOKEN_BATCH_MAX];
};

static struct ticket *ticket_new(struct slab *s)
{
	struct ticket *t = mem_alloc(sizeof(*t));
	struct sign_run *r = s->run;

	t->slab = s;
	t->next = r->tickets;
	t->place = &r->tickets;
	if (t->next != NULL)
		t->next->place = &t->next;
	r->tickets = t;
	return t;
}

static void ticket_unlink(struct ticket *t)
{
	*t->place = t->next;
	if (t->next != NULL)
		t->next->place = t->place;
}

void submit_detach(struct sign_run *r)
{
	for (struct ticket *t = r->tickets; t != NULL; t = t->next)
		t->slab = NULL;
	r->tickets = NULL;
	r->at_tokens = 0;
}

static bool has_right_length(uint8_t algorithm, size_t len)
{
	switch (algorithm) {
	case ALG_ECDSAP256SHA256:
	case ALG_ED25519:
		return len == 64;
	case ALG_ECDSAP384SHA384:
		return len == 96;
	case ALG_ED448:
		return len == 114;
	default:
		return len >= 64 && len <= DNSKEY_SIG_MAX;
	}
}

static void take_signatures(struct ticket *t, const struct token_reply *reply)
{
	struct slab *s = t->slab;
	struct sign_run *r = s->run;

	for (unsigned i = 0; i < t->count; i++) {
		struct slab_job *j = &s->jobs[t->jobs[i]];
		const struct keyset_key *k = &r->job.keys.keys[j->key];
		bool is_there = reply->code == OK && i < reply->signature_count &&
				reply->signatures[i].code == OK;

		if (!is_there) {
			r->err.ckr = reply->err.ckr;
			run_fail(r, reply->code == OK ? ERR_TOKEN : reply->code,
			    "signing with key %u in token \"%s\": %s", k->tag, k->token,
			    reply->err.text[0] != '\0' ? reply->err.text
						       : "no signature came back");
			return;
		}
		if (!has_right_length(k->algorithm, reply->signatures[i].len)) {
			run_fail(r, ERR_TOKEN,
			    "signing with key %u in token \"%s\": %u octets are no %s signature",
			    k->tag, k->token, reply->signatures[i].len,
			    dnskey_algorithm_name(k->algorithm));
			return;
		}
		j->sig_at = (uint32_t)s->data.len;
		j->sig_len = reply->signatures[i].len;
		buf_put(&s->data, reply->signatures[i].data, j->sig_len);
	}
	if (s->data.failed)
		run_fail(r, ERR_LIMIT, "out of memory");
}

static void on_reply(void *arg, const struct token_reply *reply)
{
	struct ticket *t = arg;
	struct slab *s = t->slab;

	if (s != NULL) {
		ticket_unlink(t);
		s->run->at_tokens -= t->count;
		take_signatures(t, reply);
		run_wake(s->run);
		if (--s->requests == 0)
			queue_signed(s);
	}
	free(t);
}

struct batch {
	struct ticket *ticket;
	size_t octets;
	struct token_sign_item items[TOKEN_BATCH_MAX];
};

static void batch_send(struct slab *s, struct token *token, struct batch *b)
{
	struct ticket *t = b->ticket;
	struct token_request request = {
	    .op = TOKEN_SIGN, .class = s->run->job.class, .items = b->items};

	if (t == NULL)
		return;
	request.item_count = t->count;
	b->ticket = NULL;
	b->octets = 0;
	s->requests++;
	s->run->at_tokens += t->count;
	token_submit(token, &request, on_reply, t);
}

static int batch_add(struct slab *s, struct token *token, struct batch *b, unsigned job)
{
	const struct slab_job *j = &s->jobs[job];
	const struct keyset_key *k = &s->run->job.keys.keys[j->key];
	struct token_sign_item *item;

	if (j->data_len > TOKEN_BATCH_OCTETS)
		return run_fail(s->run, ERR_LIMIT,
		    "an RRset of %u octets is too large to be signed with %s, which takes at most "
		    "%u",
		    (unsigned)j->data_len, dnskey_algorithm_name(k->algorithm),
		    (unsigned)TOKEN_BATCH_OCTETS);
	if (b->ticket != NULL &&
	    (b->ticket->count == TOKEN_BATCH_MAX || b->octets + j->data_len > TOKEN_BATCH_OCTETS))
		batch_send(s, token, b);
	if (b->ticket == NULL)
		b->ticket = ticket_new(s);
	item = &b->items[b->ticket->count];
	memcpy(item->id, k->id, TOKEN_ID_LEN);
	item->algorithm = k->algorithm;
	item->len = j->data_len;
	item->data = s->data.data + j->data_at;
	b->octets += j->data_len;
	b->ticket->jobs[b->ticket->count++] = job;
	return OK;
}

/* All jobs of the slab whose keys are in the token of key k. */
static int submit_to(struct slab *s, struct token *token)
{
	struct sign_run *r = s->run;
	struct batch b = {.ticket = NULL};
	int rc = OK;

	for (unsigned i = 0; rc == OK && i < s->job_count; i++) {
		if (r->keys[s->jobs[i].key].token == token)
			rc = batch_add(s, token, &b, i);
	}
	if (rc == OK)
		batch_send(s, token, &b);
	if (b.ticket != NULL)
		ticket_unlink(b.ticket);
	free(b.ticket);
	return rc;
}

int submit_slab(struct slab *s)
{
	struct sign_run *r = s->run;
	int rc = OK;

	s->state = SLAB_AT_TOKEN;
	s->requests = 1; /* replies may come at once */
	for (unsigned k = 0; rc == OK && k < r->job.keys.count; k++) {
		bool is_first = r->keys[k].token != NULL;

		for (unsigned i = 0; i < k; i++)
			is_first = is_first && r->keys[i].token != r->keys[k].token;
		if (is_first)
			rc = submit_to(s, r->keys[k].token);
	}
	if (--s->requests == 0)
		queue_signed(s);
	return rc;
}
