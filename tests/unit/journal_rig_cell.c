/* journal_rig_cell: what stands for what: cells for RRsets, numbers for entries of the expiry
 * index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "dns/rrset.h"
#include "dns/rrtype.h"
#include "journal_rig.h"

static const uint16_t types[RIG_TYPES] = {RR_A, RR_TXT, RR_AAAA};

bool rig_cell_is_nsec3(unsigned cell)
{
	return cell >= RIG_OWNERS * RIG_TYPES;
}

uint16_t rig_cell_type(unsigned cell)
{
	return rig_cell_is_nsec3(cell) ? RR_NSEC3
	       : cell == RIG_SOA       ? RR_SOA
				       : types[cell % RIG_TYPES];
}

/* Owners nest: n0, then n1 below it, then n2 below that, n3 at the side again. */
static void owner_of(const struct rig_zone *z, unsigned cell, bool upper, uint8_t out[NAME_MAX_LEN])
{
	unsigned n = cell / RIG_TYPES;
	char apex[NAME_TEXT_SIZE], text[NAME_TEXT_SIZE + 64], c = upper ? 'N' : 'n';

	name_text(z->head.apex, apex);
	if (n > 0 && strcmp(apex, ".") == 0)
		apex[0] = '\0';
	if (rig_cell_is_nsec3(cell))
		snprintf(text, sizeof(text), "hash%u.%s", cell, apex);
	else if (n == 0)
		snprintf(text, sizeof(text), "%s", apex);
	else if (n % 3 == 0)
		snprintf(text, sizeof(text), "%c%02u.%s", c, n, apex);
	else
		snprintf(text, sizeof(text), "%c%02u.n%02u.%s", c, n, n - n % 3, apex);
	assert_int_equal(name_parse(text, out), OK);
}

static void hash_of(unsigned cell, uint8_t out[NSEC3_HASH_LEN])
{
	memset(out, (int)cell, NSEC3_HASH_LEN);
}

static void pack(const struct rig_zone *z, unsigned cell, uint32_t ttl, const struct buf *rdata,
    uint16_t count, unsigned sigs, bool upper, struct buf *out)
{
	struct rrset set = {.type = rig_cell_type(cell), .ttl = ttl, .count = count};
	uint8_t owner[NAME_MAX_LEN];
	struct buf signatures = {0};

	owner_of(z, cell, upper, owner);
	for (unsigned i = 0; i < 4; i++) {
		if (!(sigs >> i & 1))
			continue;
		buf_lv16(&signatures, (uint8_t[48]){(uint8_t)i, (uint8_t)cell}, 40 + i);
		set.sigs++;
	}
	set.owner = owner;
	set.rdata = rdata->data;
	set.rdata_len = rdata->len;
	set.sigdata = signatures.data;
	set.sigdata_len = signatures.len;
	rrset_pack(&set, out);
	buf_free(&signatures);
}

static void pack_set(const struct rig_zone *z, unsigned cell, uint32_t ttl, unsigned records,
    unsigned sigs, bool upper, struct buf *out)
{
	struct buf rdata = {0};
	uint16_t count = 0;

	for (unsigned i = 0; i < 6; i++) {
		if (!(records >> i & 1))
			continue;
		buf_lv16(&rdata, (uint8_t[64]){(uint8_t)i}, 4 + 9 * (i % 4));
		count++;
	}
	pack(z, cell, ttl, &rdata, count, sigs, upper, out);
	buf_free(&rdata);
}

void rig_pack(const struct rig_zone *z, unsigned cell, uint32_t ttl, unsigned records,
    unsigned sigs, struct buf *out)
{
	pack_set(z, cell, ttl, records, sigs, false, out);
}

void rig_pack_soa(const struct rig_zone *z, uint32_t serial, struct buf *out)
{
	struct buf rdata = {0}, item = {0};

	buf_put(&rdata, "\0\0", 2); /* two names: the root */
	buf_u32(&rdata, serial);
	for (unsigned i = 0; i < 4; i++)
		buf_u32(&rdata, 3600);
	buf_lv16(&item, rdata.data, rdata.len);
	pack(z, RIG_SOA, 3600, &item, 1, 1u << serial % 4, false, out);
	buf_free(&item);
	buf_free(&rdata);
}

void rig_pack_random(const struct rig_zone *z, unsigned cell, struct buf *out)
{
	pack_set(z, cell, rig_random(4) == 0 ? 60 : 300, 1 + rig_random(63), rig_random(16),
	    rig_random(4) == 0 && cell >= RIG_TYPES && !rig_cell_is_nsec3(cell), out);
}

size_t rig_cell_key(const struct rig_zone *z, unsigned cell, uint8_t out[NAME_KEY_MAX])
{
	uint8_t owner[NAME_MAX_LEN];

	if (rig_cell_is_nsec3(cell)) {
		hash_of(cell, out);
		return NSEC3_HASH_LEN;
	}
	owner_of(z, cell, false, owner);
	return name_key(owner, out);
}

/* Entry i of the index: always the same for the same i. */
void rig_entry_make(const struct rig_zone *z, unsigned i, uint8_t first[NAME_KEY_MAX],
    uint8_t last[NAME_KEY_MAX], struct expiry_entry *out)
{
	uint8_t owner[NAME_MAX_LEN];

	memset(out, 0, sizeof(*out));
	out->expiry = RIG_NOW + i * 7919 % 13 * 1000 + (i % 5 == 0 ? 1ll << 33 : 0);
	out->is_nsec3 = i % 4 == 3;
	out->first_len = out->last_len = NSEC3_HASH_LEN;
	if (out->is_nsec3) {
		hash_of(i, first);
		hash_of(i + 1, last);
	} else {
		owner_of(z, i % RIG_OWNERS * RIG_TYPES, false, owner);
		out->first_len = name_key(owner, first);
		owner_of(z, i / 2 * RIG_TYPES, false, owner);
		out->last_len = name_key(owner, last);
	}
	out->first = first;
	out->last = last;
}

const struct rig_cell *rig_cell_of(const struct rig_zone *z, const struct walk *w)
{
	uint8_t key[NAME_KEY_MAX];

	for (unsigned i = 0; i < RIG_CELLS; i++)
		if (rig_cell_is_nsec3(i) == w->is_nsec3 && rig_cell_type(i) == w->type &&
		    rig_cell_key(z, i, key) == w->key_len && memcmp(key, w->key, w->key_len) == 0)
			return &z->now.cells[i];
	fail_msg("an RRset of type %u that no cell stands for", w->type);
	return NULL;
}

unsigned rig_entry_of(const struct rig_zone *z, const struct expiry_entry *x)
{
	uint8_t first[NAME_KEY_MAX], last[NAME_KEY_MAX];
	struct expiry_entry y;
	unsigned i;

	for (i = 0; i < RIG_ENTRIES; i++) {
		rig_entry_make(z, i, first, last, &y);
		if (x->expiry == y.expiry && x->is_nsec3 == y.is_nsec3 &&
		    x->first_len == y.first_len && x->last_len == y.last_len &&
		    memcmp(x->first, first, x->first_len) == 0 &&
		    memcmp(x->last, last, x->last_len) == 0)
			break;
	}
	return i;
}
