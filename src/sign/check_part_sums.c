/* The judge of changes adds up: the sums of the head before, less what was there, plus what is
 * there now, must be the sums of the new head. */
#include "sign/check_part_state.h"

#include <string.h>
#include "dns/rrtype.h"

/* They wrap around in between: unsigned. */
int part_begin_sums(struct part *t, struct err *e)
{
	const struct zone_head *was = t->p->was, *is = t->p->is;
	struct check *c = t->c;

	if (was->key_count > STORE_HEAD_KEYS || is->key_count > STORE_HEAD_KEYS)
		return check_fault(c, e, is->apex, 0, "its head is damaged");
	c->rrsets = was->rrsets;
	c->records = was->records;
	c->signatures = was->signatures;
	c->input_records = was->input_records;
	memcpy(c->input_digest, was->input_digest, sizeof(c->input_digest));
	for (unsigned i = 0; i < was->key_count; i++) {
		t->key_now[i] = -1;
		for (unsigned k = 0; k < is->key_count; k++) {
			if (memcmp(was->keys[i].id, is->keys[k].id, sizeof(is->keys[k].id)) == 0)
				t->key_now[i] = (int)k;
		}
		if (t->key_now[i] < 0)
			t->signatures_gone[i] = was->keys[i].signatures;
		else
			c->key_signatures[t->key_now[i]] = was->keys[i].signatures;
	}
	return OK;
}

static int subtract_signature(
    struct part *t, const struct rrset *set, const uint8_t *rdata, uint16_t len, struct err *e)
{
	const struct zone_head *was = t->p->was;
	struct rrsig sig;
	unsigned i = 0;

	if (rrsig_parse(rdata, len, &sig) != OK)
		return check_fault(t->c, e, set->owner, set->type, "had a malformed signature");
	while (i < was->key_count &&
	       (was->keys[i].tag != sig.key_tag || was->keys[i].algorithm != sig.algorithm))
		i++;
	if (i == was->key_count)
		return check_fault(t->c, e, set->owner, set->type,
		    "was signed by key %u, which did not sign this zone", sig.key_tag);
	t->c->signatures--;
	if (t->key_now[i] < 0)
		t->signatures_gone[i]--;
	else
		t->c->key_signatures[t->key_now[i]]--;
	return OK;
}

/* What check_apex_change compares with. */
static void note_apex(struct part *t, const struct rrset *set)
{
	const uint8_t *p = set->rdata;
	struct soa soa;

	if (set->type == RR_SOA && soa_parse(p + 2, set->rdata_len - 2, &soa) == OK)
		t->denial_ttl = set->ttl < soa.minimum ? set->ttl : soa.minimum;
	for (unsigned i = 0; set->type == RR_DNSKEY && i < set->count; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		t->algorithms |= len < 4 ? 0 : 1U << (rdata[3] & 31);
	}
}

int part_subtract(struct part *t, const struct walk *w, bool at_apex, struct err *e)
{
	struct check *c = t->c;
	struct rrset set;
	const uint8_t *p;
	int rc = OK;

	if (rrset_unpack(w->packed, w->packed_len, &set) != OK || set.count == 0)
		return check_fault(c, e, c->head.apex, w->type, "a stored value was damaged");
	if (at_apex)
		note_apex(t, &set);
	c->rrsets--;
	c->records -= set.count;
	p = set.sigdata;
	for (unsigned i = 0; rc == OK && i < set.sigs; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		rc = subtract_signature(t, &set, rdata, len, e);
	}
	if (rc != OK || rrtype_is_stripped(set.type, at_apex))
		return rc;
	c->input_records -= set.count;
	rc = check_input(c, w->packed, &set, t->p->was->serial_in, digest_subtract);
	return rc == OK ? OK : err_set(e, rc, "checking the signed zone: out of memory");
}

int part_check_sums(const struct part *t, struct err *e)
{
	const struct zone_head *was = t->p->was;

	for (unsigned i = 0; i < was->key_count; i++) {
		if (t->key_now[i] < 0 && t->signatures_gone[i] != 0)
			return check_fault(t->c, e, was->apex, 0,
			    "key %u has signatures and is not counted any more", was->keys[i].tag);
	}
	return check_sums(t->c, e);
}
