/* The way of the slabs: ready ones to the token (submit.c), signed ones to the verifying threads,
 * done ones into the store, in their order. */
#include "sign/amend.h"

#include <stddef.h>
#include "dns/dnskey.h"

/* Verification */

static struct slab *slab_of_work(struct work *w)
{
	return (struct slab *)((char *)w - offsetof(struct slab, work));
}

static void verify_run(struct work *w, struct verifier_scratch *scratch)
{
	struct slab *s = slab_of_work(w);
	const struct slab_job *j = s->jobs;

	for (unsigned i = 0; i < s->job_count && s->verify_code == OK; i++, j++) {
		const struct verifier *v = s->run->keys[j->key].verifier;
		const uint8_t *data = s->data.data + j->data_at, *sig = s->data.data + j->sig_at;

		if (!j->verify)
			continue;
		s->verify_job = i;
		if (dnskey_is_hashed(verifier_algorithm(v)))
			s->verify_code =
			    verifier_check_digest(v, scratch, data, j->data_len, sig, j->sig_len);
		else
			s->verify_code =
			    verifier_check(v, scratch, data, j->data_len, sig, j->sig_len);
	}
}

static void verify_finished(struct work *w)
{
	struct slab *s = slab_of_work(w);
	struct sign_run *r = s->run;

	r->works_out--;
	if (s->verify_code != OK) {
		const struct keyset_key *k = &r->job.keys.keys[s->jobs[s->verify_job].key];

		run_fail(r, s->verify_code,
		    "a signature made with key %u (%s) in token \"%s\" does not verify with its "
		    "DNSKEY; nothing was published; test the token and the key (intaglio-hsm test)",
		    k->tag, dnskey_algorithm_name(k->algorithm), k->token);
	}
	slab_finish(s);
}

void queue_signed(struct slab *s)
{
	struct sign_run *r = s->run;
	bool wanted = false;

	for (unsigned i = 0; i < s->job_count; i++)
		wanted = wanted || s->jobs[i].verify;
	if (!wanted || r->code != OK) {
		slab_finish(s);
		return;
	}
	s->state = SLAB_VERIFYING;
	s->work =
	    (struct work){.run = verify_run, .finished = verify_finished, .class = r->job.class};
	r->works_out++;
	pool_push(r->sign->pool, &s->work);
}

/* How many signatures this run may have at the tokens. */
static unsigned window(const struct sign_run *r)
{
	unsigned most = 1;

	for (unsigned k = 0; k < r->job.keys.count; k++) {
		if (r->keys[k].token != NULL && token_sign_window(r->keys[k].token) > most)
			most = token_sign_window(r->keys[k].token);
	}
	return most;
}

bool queue_has_room(const struct sign_run *r)
{
	unsigned most = window(r) / SLAB_SIGNATURES + 2 * pool_threads(r->sign->pool) + SLABS_AHEAD;

	/* A slab that waits for the next name lets nothing pass: go and find that name. */
	return r->slab_count < most || (r->first != NULL && r->first->waits_for_next_name);
}

static int submit_ready(struct sign_run *r)
{
	int rc = OK;

	while (rc == OK && r->to_submit != NULL && r->to_submit->state == SLAB_READY) {
		struct slab *s = r->to_submit;

		if (s->job_count > 0 && r->at_tokens >= window(r))
			break;
		r->to_submit = s->next;
		if (s->job_count == 0)
			s->state = SLAB_DONE;
		else
			rc = submit_slab(s);
	}
	return rc;
}

/* The store */

static int write_entry(struct sign_run *r, const struct slab *s, const struct slab_entry *e)
{
	const uint8_t *key = s->data.data + e->key_at;

	buf_reset(&r->value);
	slab_entry_value(s, e, &r->value);
	if (r->value.failed)
		return err_set(&r->err, ERR_LIMIT, "out of memory");
	r->head.rrsets++;
	r->head.records += e->records;
	r->head.signatures += (uint64_t)e->kept + e->jobs;
	r->signed_now += e->jobs;
	if (s->is_nsec3)
		return build_nsec3(r->build, key, r->value.data, r->value.len, &r->err);
	if (s->comes_late)
		return build_rrset_late(
		    r->build, key, e->key_len, e->type, r->value.data, r->value.len, &r->err);
	return build_rrset(
	    r->build, key, e->key_len, e->type, r->value.data, r->value.len, &r->err);
}

static int write_slab(struct sign_run *r, const struct slab *s)
{
	struct expiry_entry x;
	int rc = OK;

	for (unsigned i = 0; rc == OK && i < s->entry_count; i++)
		rc = write_entry(r, s, &s->entries[i]);
	if (rc == OK && s->has_expiry) {
		slab_expiry(s, &x);
		if (r->head.expiry_first == 0 || x.expiry < r->head.expiry_first)
			r->head.expiry_first = x.expiry;
		rc = build_expiry(r->build, &x, &r->err);
	}
	r->rrsets_done += s->entry_count;
	return rc == OK ? OK : run_fail_in(r, rc, "writing the new version");
}

int queue_pump(struct sign_run *r)
{
	int rc = submit_ready(r); /* what has nothing to be signed is done by that */

	while (rc == OK && r->first != NULL && r->first->state == SLAB_DONE) {
		struct slab *s = r->first;

		rc = r->amend != NULL ? amend_write_slab(r, s) : write_slab(r, s);
		r->first = s->next;
		if (r->first == NULL)
			r->last = NULL;
		r->slab_count--;
		slab_free(s);
	}
	return rc;
}

int queue_feed(struct sign_run *r, uint64_t until, int (*one)(struct sign_run *r))
{
	int rc = OK;

	while (rc == OK) {
		rc = queue_pump(r);
		if (rc == OK && r->code != OK)
			rc = r->code;
		if (rc == OK && !queue_has_room(r))
			return r->first->state == SLAB_DONE ? STEP_AGAIN : STEP_WAIT;
		for (unsigned i = 0; rc == OK && i < 16; i++)
			rc = one(r);
		if (rc == OK && run_time_is_up(until))
			rc = STEP_AGAIN;
	}
	return rc;
}
