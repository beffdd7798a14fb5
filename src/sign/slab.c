/* Slabs: neighbouring RRsets on their way from the plan to the store.  See run.h. */
#include "sign/run.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "sign/amend.h"

static uint64_t draw(struct sign_run *r)
{
	if (r->random_left == 0) {
		/* Jitter is no secret: without good random bytes it may be anything. */
		(void)RAND_bytes((uint8_t *)r->random, sizeof(r->random));
		r->random_left = MEM_COUNT(r->random);
	}
	return r->random[--r->random_left];
}

static struct slab *slab_new(struct sign_run *r, bool is_nsec3)
{
	struct slab *s = mem_alloc(sizeof(*s));
	const struct sign_policy *p = &r->job.policy;
	int64_t jitter = r->jitter > 0 ? (int64_t)(draw(r) % (uint64_t)(r->jitter + 1)) : 0;

	s->run = r;
	s->is_nsec3 = is_nsec3;
	s->expiration = (uint32_t)(r->job.now + p->validity - jitter);
	if (r->last != NULL)
		r->last->next = s;
	else
		r->first = s;
	r->last = s;
	if (r->to_submit == NULL)
		r->to_submit = s;
	r->slab_count++;
	return s;
}

void slab_free(struct slab *s)
{
	buf_free(&s->data);
	free(s->entries);
	free(s->jobs);
	free(s);
}

/* A sealed slab whose values are all known may go to the token. */
static void make_ready(struct slab *s)
{
	if (s->is_sealed && !s->waits_for_next_name && s->state == SLAB_OPEN)
		s->state = SLAB_READY;
}

void slab_hold(struct slab *s, bool hold)
{
	s->waits_for_next_name = hold;
	make_ready(s);
}

void slab_seal(struct sign_run *r)
{
	if (r->last == NULL)
		return;
	r->last->is_sealed = true;
	make_ready(r->last);
}

void slab_finish(struct slab *s)
{
	s->state = SLAB_DONE;
	run_wake(s->run);
}

struct slab *slab_current(struct sign_run *r, bool is_nsec3)
{
	struct slab *s = r->last;

	if (s != NULL && !s->is_sealed && !s->is_held &&
	    (s->is_nsec3 != is_nsec3 || s->weight >= SLAB_SIGNATURES ||
		s->entry_count >= SLAB_ENTRIES || s->data.len >= SLAB_OCTETS))
		slab_seal(r);
	if (s == NULL || s->is_sealed)
		s = slab_new(r, is_nsec3);
	return s;
}

static uint32_t put(struct slab *s, const void *data, size_t len)
{
	size_t at = s->data.len;

	buf_put(&s->data, data, len);
	return (uint32_t)at;
}

unsigned slab_add(struct slab *s, const uint8_t *key, size_t len, uint16_t type)
{
	struct slab_entry *e;

	if (s->entry_count == s->entry_cap) {
		s->entry_cap = s->entry_cap == 0 ? 64 : s->entry_cap * 2;
		s->entries = mem_grow(s->entries, s->entry_cap, sizeof(s->entries[0]));
	}
	e = &s->entries[s->entry_count];
	memset(e, 0, sizeof(*e));
	e->key_at = put(s, key, len);
	e->key_len = (uint16_t)len;
	e->type = type;
	return s->entry_count++;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a == 0 || b < a ? b : a;
}

/* The apex goes by a time of its own: its key sets may have to be renewed more often than the rest.
 */
static void note_expiry(
    struct slab *s, const struct slab_entry *e, uint32_t expiration, const struct lifetime *life)
{
	struct sign_run *r = s->run;
	int64_t at = r->job.now + (int32_t)(expiration - (uint32_t)r->job.now);

	if (r->amend != NULL)
		r->amend->owner_is = sooner(r->amend->owner_is, at);
	if (!s->is_nsec3 && e->key_len == r->apex_key_len) {
		r->head.apex_expiry = sooner(r->head.apex_expiry, at);
		r->head.apex_due = sooner(r->head.apex_due, at - life->refresh);
		return;
	}
	if (!s->has_expiry)
		s->expiry_entry = (unsigned)(e - s->entries);
	s->has_expiry = true;
	s->expiry_last = (unsigned)(e - s->entries);
	s->expiry_first = sooner(s->expiry_first, at);
}

void slab_expiry(const struct slab *s, struct expiry_entry *out)
{
	const struct slab_entry *first = &s->entries[s->expiry_entry];
	const struct slab_entry *last = &s->entries[s->expiry_last];

	*out = (struct expiry_entry){.expiry = s->expiry_first,
	    .is_nsec3 = s->is_nsec3,
	    .first = s->data.data + first->key_at,
	    .first_len = first->key_len,
	    .last = s->data.data + last->key_at,
	    .last_len = last->key_len};
}

void slab_entry_value(const struct slab *s, const struct slab_entry *e, struct buf *out)
{
	const struct slab_job *j = s->jobs + e->first_job;

	buf_put(out, s->data.data + e->packed_at, e->packed_len - 1);
	buf_u8(out, (uint8_t)(e->kept + e->jobs));
	buf_put(out, s->data.data + e->kept_at, e->kept_len);
	for (unsigned i = 0; i < e->jobs; i++, j++) {
		buf_u16(out, (uint16_t)(j->prefix_len + j->sig_len));
		buf_put(out, s->data.data + j->prefix_at, j->prefix_len);
		buf_put(out, s->data.data + j->sig_at, j->sig_len);
	}
}

static bool must_verify(struct sign_run *r, unsigned k, uint16_t type)
{
	bool is_first = !r->keys[k].was_verified;

	r->keys[k].was_verified = true;
	return r->job.policy.verify || is_first || type == RR_DNSKEY || type == RR_CDS ||
	       type == RR_CDNSKEY;
}

/* What the token is to sign of `set` with key k. */
static int add_job(struct slab *s, struct slab_entry *e, const struct rrset *set, unsigned k)
{
	struct sign_run *r = s->run;
	const struct keyset_key *key = &r->job.keys.keys[k];
	const struct lifetime *life = run_lifetime(r, set);
	struct rrsig_params params = {.algorithm = key->algorithm,
	    .key_tag = key->tag,
	    .inception = r->inception,
	    .expiration = life->validity < r->life_rest.validity
			      ? (uint32_t)(r->job.now + life->validity)
			      : s->expiration,
	    .signer = r->job.apex};
	struct slab_job job = {.key = (uint8_t)k, .verify = must_verify(r, k, e->type)};
	uint8_t digest[64];

	buf_reset(&r->prefix);
	rrsig_prefix(set, &params, &r->prefix);
	buf_reset(&r->message);
	rrsig_message(set, r->prefix.data, r->prefix.len, &r->message);
	if (r->prefix.failed || r->message.failed)
		return run_fail(r, ERR_LIMIT, "out of memory");
	job.prefix_len = (uint16_t)r->prefix.len;
	job.prefix_at = put(s, r->prefix.data, r->prefix.len);
	if (dnskey_is_hashed(key->algorithm)) {
		job.data_len =
		    (uint32_t)rrsig_digest(key->algorithm, r->message.data, r->message.len, digest);
		job.data_at = put(s, digest, job.data_len);
		if (job.data_len == 0)
			return run_fail(r, ERR_CRYPTO, "hashing an RRset failed in OpenSSL");
	} else {
		job.data_len = (uint32_t)r->message.len;
		job.data_at = put(s, r->message.data, r->message.len);
	}
	if (s->job_count == s->job_cap) {
		s->job_cap = s->job_cap == 0 ? SLAB_SIGNATURES + 8 : s->job_cap * 2;
		s->jobs = mem_grow(s->jobs, s->job_cap, sizeof(s->jobs[0]));
	}
	s->jobs[s->job_count++] = job;
	e->jobs++;
	note_expiry(s, e, params.expiration, life);
	return OK;
}

static void keep(struct slab *s, struct slab_entry *e, const uint8_t *sig, uint16_t len,
    uint32_t expiration, const struct lifetime *life)
{
	if (e->kept++ == 0)
		e->kept_at = (uint32_t)s->data.len;
	buf_lv16(&s->data, sig, len);
	e->kept_len = (uint32_t)s->data.len - e->kept_at;
	note_expiry(s, e, expiration, life);
}

int slab_fill(struct slab *s, unsigned i, const uint8_t *packed, size_t len, uint32_t mask,
    const struct old_set *old)
{
	struct sign_run *r = s->run;
	struct slab_entry *e = &s->entries[i];
	uint32_t to_sign = 0;
	struct rrset set;
	int rc = OK;

	e->packed_at = put(s, packed, len);
	e->packed_len = (uint32_t)len;
	e->first_job = s->job_count;
	if (rrset_unpack(packed, len, &set) != OK)
		return run_fail(r, ERR_FORMAT, "a value of the signer's own making is damaged");
	if (set.ttl > r->head.ttl_max)
		r->head.ttl_max = set.ttl;
	if (old != NULL && !old_is_same(old, packed, len))
		old = NULL;
	/* All that is kept comes first, in one piece. */
	for (unsigned k = 0; k < r->job.keys.count; k++) {
		const uint8_t *sig = NULL;
		uint32_t expiration = 0;
		uint16_t sig_len = 0;

		if (!(mask >> k & 1))
			continue;
		r->keys[k].signatures++;
		s->weight++;
		sig = old_signature(r, old, &set, k, &sig_len, &expiration);
		if (sig != NULL)
			keep(s, e, sig, sig_len, expiration, run_lifetime(r, &set));
		else
			to_sign |= 1U << k;
	}
	for (unsigned k = 0; rc == OK && to_sign >> k != 0; k++) {
		if (to_sign >> k & 1)
			rc = add_job(s, e, &set, k);
	}
	e->records = set.count;
	if (s->data.failed)
		return run_fail(r, ERR_LIMIT, "out of memory");
	return rc;
}
