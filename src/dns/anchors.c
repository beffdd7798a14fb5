/* Trust anchors out of a file: see anchors.h.  The file is the operator's. */
#include "dns/anchors.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/dnskey.h"
#include "dns/rrtype.h"
#include "dns/zonefile.h"

#define DIGEST_SHA256_DS 2
#define RECORDS_MAX 32 /* of one name */

struct reading {
	struct anchors anchors;
	struct buf items[ANCHORS_MAX]; /* u16 length, DS RDATA */
	uint16_t counts[ANCHORS_MAX];
	uint8_t names[ANCHORS_MAX][NAME_MAX_LEN];
};

static int slot_of(struct reading *r, const uint8_t *owner, unsigned *slot, struct err *e)
{
	for (*slot = 0; *slot < r->anchors.count; (*slot)++) {
		if (name_equal(r->names[*slot], owner))
			return OK;
	}
	if (*slot == ANCHORS_MAX)
		return err_set(e, ERR_LIMIT, "trust anchors of more than %d names", ANCHORS_MAX);
	memcpy(r->names[*slot], owner, name_len(owner));
	r->anchors.count++;
	return OK;
}

static int take(void *arg, const uint8_t *owner, uint16_t type, uint16_t class, uint32_t ttl,
    const uint8_t *rdata, uint16_t len, struct err *e)
{
	struct reading *r = arg;
	struct buf ds = {0};
	unsigned slot;
	int code;

	(void)class;
	(void)ttl;
	if (type != RR_DS && type != RR_DNSKEY)
		return err_set(e, ERR_FORMAT, "a trust anchor is a DS or a DNSKEY record");
	code = slot_of(r, owner, &slot, e);
	if (code != OK)
		return code;
	if (r->counts[slot] == RECORDS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d trust anchors of one name", RECORDS_MAX);
	if (type == RR_DS)
		buf_put(&ds, rdata, len);
	else if (dnskey_ds(owner, rdata, len, DIGEST_SHA256_DS, &ds) != OK)
		code = err_set(e, ERR_FORMAT, "a broken DNSKEY record");
	if (code == OK) {
		buf_lv16(&r->items[slot], ds.data, ds.len);
		r->counts[slot]++;
	}
	buf_free(&ds);
	return code;
}

static void pack(struct reading *r, unsigned slot)
{
	struct buf sorted = {0};
	struct rrset set = {.owner = r->names[slot], .type = RR_DS};

	set.count =
	    rrset_sort(RR_DS, r->items[slot].data, r->items[slot].len, r->counts[slot], &sorted);
	set.rdata = sorted.data;
	set.rdata_len = sorted.len;
	rrset_pack(&set, &r->anchors.sets[slot]);
	buf_free(&sorted);
}

int anchors_read(const char *path, struct anchors *out, struct err *e)
{
	static const uint8_t root[1] = {0};
	struct reading *r = mem_alloc(sizeof(*r));
	int code = zonefile_read_loose(path, root, take, r, e);

	if (code == OK && r->anchors.count == 0)
		code = err_set(
		    e, ERR_MISSING, "%s: no trust anchor in it: a DS or DNSKEY record", path);
	if (code == OK) {
		for (unsigned i = 0; i < r->anchors.count; i++)
			pack(r, i);
		anchors_free(out);
		*out = r->anchors;
	}
	for (unsigned i = 0; i < ANCHORS_MAX; i++)
		buf_free(&r->items[i]);
	free(r);
	return code;
}

void anchors_free(struct anchors *a)
{
	for (unsigned i = 0; i < a->count; i++)
		buf_free(&a->sets[i]);
	a->count = 0;
}

bool anchors_find(const struct anchors *a, const uint8_t *name, struct rrset *out)
{
	for (unsigned i = 0; i < a->count; i++) {
		const struct buf *set = &a->sets[i];

		if (rrset_unpack(set->data, set->len, out) == OK && name_equal(out->owner, name))
			return true;
	}
	return false;
}
