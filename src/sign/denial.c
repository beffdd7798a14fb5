/* Type bitmaps, and the NSEC records (RFC 4034 section 4): each needs the next name, so the last
 * one waits in its slab until that is known.  What lies between (glue, what a DNAME hides) goes on
 * into the slabs behind it; only then do more of them pile up than the queue would allow. */
#include "sign/run.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/nsec.h"
#include "dns/rrtype.h"

/* At a zone cut the parent speaks for these two only (RFC 4035 section 2.3). */
static bool counts_at_cut(uint16_t type)
{
	return type == RR_NS || type == RR_DS;
}

static size_t put_sorted(uint16_t *types, size_t count, uint16_t type)
{
	size_t i = count;

	for (; i > 0 && types[i - 1] > type; i--)
		types[i] = types[i - 1];
	types[i] = type;
	return count + 1;
}

void denial_bitmap(const struct node *n, bool is_delegation, bool is_nsec, struct buf *out)
{
	uint16_t *types = mem_array(n->count + 2, sizeof(types[0]));
	bool is_signed = is_nsec || !is_delegation || node_find(n, RR_DS) != NULL;
	size_t count = 0;

	for (unsigned i = 0; i < n->count; i++) {
		uint16_t type = n->sets[i].type;

		if (!is_delegation || counts_at_cut(type))
			types[count++] = type;
	}
	if (is_signed)
		count = put_sorted(types, count, RR_RRSIG);
	if (is_nsec)
		count = put_sorted(types, count, RR_NSEC);
	buf_reset(out);
	nsec_bitmap(types, count, out);
	free(types);
}

void denial_wait(
    struct sign_run *r, const struct node *n, bool is_delegation, struct slab *s, unsigned i)
{
	memcpy(r->nsec_owner, n->owner, name_len(n->owner));
	denial_bitmap(n, is_delegation, true, &r->nsec_bitmap);
	r->nsec_old = old_find(&r->old, RR_NSEC);
	r->nsec_slab = s;
	r->nsec_entry = i;
	slab_hold(s, true);
}

int denial_next(struct sign_run *r, const uint8_t *next_key, size_t next_len)
{
	struct rrset set = {
	    .owner = r->nsec_owner, .type = RR_NSEC, .ttl = r->denial_ttl, .count = 1};
	struct slab *s = r->nsec_slab;
	uint8_t next[NAME_MAX_LEN];
	size_t len;
	int rc;

	if (s == NULL)
		return OK;
	r->nsec_slab = NULL;
	len = name_from_key(next_key, next_len, next);
	buf_reset(&r->rdata);
	buf_u16(&r->rdata, (uint16_t)(len + r->nsec_bitmap.len));
	buf_put(&r->rdata, next, len);
	buf_put(&r->rdata, r->nsec_bitmap.data, r->nsec_bitmap.len);
	set.rdata = r->rdata.data;
	set.rdata_len = r->rdata.len;
	buf_reset(&r->value);
	rrset_pack(&set, &r->value);
	if (r->rdata.failed || r->value.failed || r->nsec_bitmap.failed)
		return run_fail(r, ERR_LIMIT, "out of memory");
	rc = slab_fill(s, r->nsec_entry, r->value.data, r->value.len, r->zone_mask, &r->nsec_old);
	slab_hold(s, false);
	return rc;
}
