/* rrset: the packed form of an RRset.  Runs in every process that touches zone data.  What
 * rrset_unpack is given comes from our own store or a sibling process; it is checked all the same,
 * so that a damaged value is an error and not a crash. */
#include "dns/rrset.h"

#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"

void rrset_pack(const struct rrset *set, struct buf *out)
{
	size_t owner_len = name_len(set->owner);

	buf_u8(out, (uint8_t)owner_len);
	buf_put(out, set->owner, owner_len);
	buf_u16(out, set->type);
	buf_u32(out, set->ttl);
	buf_u16(out, set->count);
	buf_put(out, set->rdata, set->rdata_len);
	buf_u8(out, set->sigs);
	buf_put(out, set->sigdata, set->sigdata_len);
}

/* Step over count items; where they began, and their length in *len. */
static const uint8_t *take_items(struct reader *r, unsigned count, size_t *len)
{
	const uint8_t *start = r->p;
	size_t item;

	while (count-- > 0 && !r->failed)
		reader_lv16(r, &item);
	*len = (size_t)(r->p - start);
	return start;
}

int rrset_unpack(const uint8_t *packed, size_t len, struct rrset *out)
{
	struct reader r = reader_of(packed, len);
	uint8_t owner_len = reader_u8(&r);
	struct rrset set = {.owner = reader_bytes(&r, owner_len)};

	if (set.owner == NULL || name_check(set.owner, owner_len) != owner_len)
		return ERR_FORMAT;
	set.type = reader_u16(&r);
	set.ttl = reader_u32(&r);
	set.count = reader_u16(&r);
	set.rdata = take_items(&r, set.count, &set.rdata_len);
	set.sigs = reader_u8(&r);
	set.sigdata = take_items(&r, set.sigs, &set.sigdata_len);
	if (r.failed || reader_left(&r) != 0)
		return ERR_FORMAT;
	*out = set;
	return OK;
}

struct sort_item {
	const uint8_t *item;	  /* u16 length, RDATA, as given */
	const uint8_t *canonical; /* RDATA in canonical form */
	uint16_t len;
};

static int compare_items(const void *a, const void *b)
{
	const struct sort_item *x = a, *y = b;

	return rdata_compare(x->canonical, x->len, y->canonical, y->len);
}

/* Fill the table; canonical forms that differ from the given ones are made in `forms`. */
static void index_items(
    uint16_t type, const uint8_t *items, uint16_t count, struct sort_item *table, uint8_t *forms)
{
	const uint8_t *p = items;

	for (uint16_t i = 0; i < count; i++) {
		table[i].item = p;
		table[i].canonical = rrset_next(&p, &table[i].len);
		if (forms != NULL) {
			rdata_canonical(type, table[i].canonical, table[i].len, forms);
			table[i].canonical = forms;
			forms += table[i].len;
		}
	}
}

uint16_t rrset_sort(
    uint16_t type, const uint8_t *items, size_t len, uint16_t count, struct buf *out)
{
	struct sort_item few[8], *table = few;
	uint8_t small[512], *forms = NULL;
	uint16_t kept = 0;

	if (count < 2) {
		buf_put(out, items, len);
		return count;
	}
	if (count > MEM_COUNT(few))
		table = mem_array(count, sizeof(*table));
	if (!rdata_is_caseless(type))
		forms = len <= sizeof(small) ? small : mem_alloc(len);
	index_items(type, items, count, table, forms);
	qsort(table, count, sizeof(*table), compare_items);
	for (uint16_t i = 0; i < count; i++) {
		if (i > 0 && compare_items(&table[i - 1], &table[i]) == 0)
			continue;
		buf_put(out, table[i].item, table[i].len + 2u);
		kept++;
	}
	if (forms != small)
		free(forms);
	if (table != few)
		free(table);
	return kept;
}

void rrset_canonical(const struct rrset *set, uint32_t ttl, struct buf *out)
{
	size_t owner_len = name_len(set->owner), head_len = owner_len + 8;
	uint8_t head[NAME_MAX_LEN + 8];
	const uint8_t *p = set->rdata;
	bool caseless = rdata_is_caseless(set->type);
	uint8_t *at;

	memcpy(head, set->owner, owner_len);
	name_lower(head);
	store_u16(head + owner_len, set->type);
	store_u16(head + owner_len + 2, 1); /* IN */
	store_u32(head + owner_len + 4, ttl);
	at = buf_extend(out, set->count * head_len + set->rdata_len);
	for (uint16_t i = 0; at != NULL && i < set->count; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		memcpy(at, head, head_len);
		store_u16(at + head_len, len);
		at += head_len + 2;
		if (caseless)
			memcpy(at, rdata, len);
		else
			rdata_canonical(set->type, rdata, len, at);
		at += len;
	}
}

static void text_items(const char *owner, uint32_t ttl, uint16_t type, const uint8_t *p,
    unsigned count, struct buf *out)
{
	char type_name[RRTYPE_TEXT_SIZE];
	uint16_t len;

	rrtype_text(type, type_name);
	while (count-- > 0) {
		const uint8_t *rdata = rrset_next(&p, &len);

		buf_printf(out, "%s\t%u\tIN\t%s\t", owner, (unsigned)ttl, type_name);
		rdata_text(type, rdata, len, out);
		buf_put(out, "\n", 1);
	}
}

void rrset_text(const struct rrset *set, struct buf *out)
{
	char owner[NAME_TEXT_SIZE];

	name_text(set->owner, owner);
	text_items(owner, set->ttl, set->type, set->rdata, set->count, out);
	text_items(owner, set->ttl, RR_RRSIG, set->sigdata, set->sigs, out);
}
