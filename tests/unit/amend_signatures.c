/* amend_signatures: which signatures a version may have made, and when they are to be renewed: see
 * amend_rig.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "dns/dnskey.h"
#include "dns/rrtype.h"
#include "tests/unit/amend_rig.h"

struct look {
	struct amend_rig *g;
	struct amend_one *o;
	const struct amend_version *was, *is;
	uint64_t made;
};

static bool is_key_set(const struct amend_one *o, const struct amend_record *r)
{
	uint8_t key[NAME_KEY_MAX];

	return (r->covered == RR_DNSKEY || r->covered == RR_CDS || r->covered == RR_CDNSKEY) &&
	       r->key_len == name_key(o->job.apex, key);
}

/* Remaining life, in seconds, at which a signature over such a set is due. */
static int64_t due_at(const struct amend_one *o, bool of_key_set)
{
	int64_t most = o->job.keys.emergency_validity, day = 86400;

	if (!of_key_set || most == 0 || most >= o->job.policy.validity)
		return o->job.policy.refresh;
	return most - (most / 3 < day ? most / 3 : day);
}

static int64_t validity_of(const struct amend_one *o, bool of_key_set)
{
	int64_t most = o->job.keys.emergency_validity, all = o->job.policy.validity;

	return of_key_set && most > 0 && most < all ? most : all;
}

static void parse(const struct amend_record *r, struct rrsig *out)
{
	assert_int_equal(rrsig_parse(amend_record_rdata(r), r->rdlen, out), OK);
}

/* A signature that was not there before: why was it made? */
static void look_at_new(void *arg, const struct amend_record *r)
{
	struct look *l = arg;
	const struct amend_one *o = l->o;
	const struct amend_record *before;
	bool of_set = is_key_set(o, r);
	int64_t life, validity = validity_of(o, of_set), due = due_at(o, of_set);
	struct buf text = {0};
	struct rrsig sig;

	if (r->type != RR_RRSIG)
		return;
	l->made++;
	before = amend_version_before(l->was, r);
	if (before == NULL || !amend_version_same_set(l->was, l->is, r) || l->is->head.has_walk ||
	    l->was->head.has_walk || o->job.force)
		return;
	parse(before, &sig);
	life = (int32_t)(sig.expiration - (uint32_t)o->job.now);
	/* A little earlier than it must be is well: neighbours are renewed together. */
	if (life <= due + (validity - due) / 16 || life > validity)
		return;
	amend_record_text(before, &text);
	buf_u8(&text, 0);
	amend_fail(l->g, "a signature that is good for %lld s more was made again: %s",
	    (long long)life, text.data);
}

void amend_judge_signatures(struct amend_rig *g, struct amend_one *o,
    const struct amend_version *was, const struct amend_version *is)
{
	struct look l = {.g = g, .o = o, .was = was, .is = is};

	amend_version_new(was, is, look_at_new, &l);
	if (o->result.signed_now < l.made)
		amend_fail(g, "%llu signatures are new, and the run says that it made %llu",
		    (unsigned long long)l.made, (unsigned long long)o->result.signed_now);
}

static void fail_with(
    struct amend_rig *g, const struct amend_record *r, const char *what, int64_t is, int64_t said)
{
	struct buf text = {0};

	if (r != NULL)
		amend_record_text(r, &text);
	buf_u8(&text, 0);
	amend_fail(g, "its first signature %s at %lld, and its head says %lld: %s", what,
	    (long long)is, (long long)said, text.data);
}

void amend_judge_expiry(struct amend_rig *g, struct amend_one *o, const struct amend_version *is)
{
	const struct zone_head *h = &is->head;
	const struct amend_record *of_first = NULL, *of_due = NULL;
	int64_t now = o->job.now, first = 0, due = 0;

	for (size_t i = 0; i < is->count; i++) {
		const struct amend_record *r = &is->records[i];
		int64_t expires, renewed;
		struct rrsig sig;

		if (r->type != RR_RRSIG)
			continue;
		parse(r, &sig);
		expires = now + (int32_t)(sig.expiration - (uint32_t)now);
		renewed = expires - due_at(o, is_key_set(o, r));
		of_first = first == 0 || expires < first ? r : of_first;
		first = first == 0 || expires < first ? expires : first;
		of_due = due == 0 || renewed < due ? r : of_due;
		due = due == 0 || renewed < due ? renewed : due;
	}
	if (h->expiry_first > first || (h->expiry_first == 0) != (first == 0))
		fail_with(g, of_first, "expires", first, h->expiry_first);
	/* What is overdue is due now. */
	if ((h->resign_at > due && h->resign_at > now) || (h->resign_at == 0) != (due == 0))
		fail_with(g, of_due, "is due", due, h->resign_at);
}
