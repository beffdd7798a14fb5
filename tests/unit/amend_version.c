/* amend_version: see amend_version.h. */
#include "tests/unit/amend_version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/dnskey.h"
#include "dns/rdata.h"
#include "dns/rrset.h"
#include "dns/rrtype.h"

static const uint8_t *canonical_of(const struct amend_record *r)
{
	return r->data + r->key_len;
}

const uint8_t *amend_record_rdata(const struct amend_record *r)
{
	return canonical_of(r) + r->rdlen;
}

static const uint8_t *owner_of(const struct amend_record *r)
{
	return amend_record_rdata(r) + r->rdlen;
}

static int compare_octets(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	size_t least = alen < blen ? alen : blen;
	int c = least == 0 ? 0 : memcmp(a, b, least);

	return c != 0 ? c : (alen > blen) - (alen < blen);
}

static int compare_places(const struct amend_record *a, const struct amend_record *b)
{
	int c = compare_octets(a->data, a->key_len, b->data, b->key_len);

	if (c == 0)
		c = (a->type > b->type) - (a->type < b->type);
	return c != 0 ? c : (a->covered > b->covered) - (a->covered < b->covered);
}

/* All but the letters of the owner. */
static int compare_records(const void *pa, const void *pb)
{
	const struct amend_record *a = pa, *b = pb;
	int c = compare_places(a, b);

	if (c == 0)
		c = compare_octets(canonical_of(a), a->rdlen, canonical_of(b), b->rdlen);
	if (c == 0)
		c = memcmp(amend_record_rdata(a), amend_record_rdata(b), a->rdlen);
	return c != 0 ? c : (a->ttl > b->ttl) - (a->ttl < b->ttl);
}

static void make_record(struct amend_record *r, const struct rrset *set, uint16_t type,
    const uint8_t *rdata, uint16_t rdlen)
{
	uint8_t key[NAME_KEY_MAX];
	size_t owner_len = name_len(set->owner);

	r->key_len = (uint16_t)name_key(set->owner, key);
	r->type = type;
	r->covered = type == RR_RRSIG ? set->type : 0;
	r->ttl = set->ttl;
	r->rdlen = rdlen;
	r->data = mem_alloc(r->key_len + 2u * rdlen + owner_len);
	memcpy(r->data, key, r->key_len);
	rdata_canonical(type, rdata, rdlen, r->data + r->key_len);
	memcpy(r->data + r->key_len + rdlen, rdata, rdlen);
	memcpy(r->data + r->key_len + 2u * rdlen, set->owner, owner_len);
}

static struct amend_record *new_record(struct amend_version *v)
{
	if (v->count == v->cap) {
		v->cap = v->cap * 2 + 64;
		v->records = mem_grow(v->records, v->cap, sizeof(v->records[0]));
	}
	return &v->records[v->count++];
}

static void add_set(struct amend_version *v, const struct rrset *set)
{
	const uint8_t *p = set->rdata;

	for (unsigned i = 0; i < set->count + (unsigned)set->sigs; i++) {
		uint16_t len;
		const uint8_t *rdata;

		if (i == set->count)
			p = set->sigdata;
		rdata = rrset_next(&p, &len);
		make_record(new_record(v), set, i < set->count ? set->type : RR_RRSIG, rdata, len);
	}
}

static void sort(struct amend_version *v)
{
	if (v->count > 0)
		qsort(v->records, v->count, sizeof(v->records[0]), compare_records);
}

bool amend_version_read(struct amend_version *v, struct store *s, const uint8_t *apex)
{
	struct snapshot *sn;
	struct err e = {0};
	struct walk w;
	bool is_there;
	int rc;

	memset(v, 0, sizeof(*v));
	assert_int_equal(snapshot_open(s, &sn, &e), OK);
	is_there = snapshot_head(sn, apex, &v->head) == OK && v->head.generation != 0;
	if (!is_there)
		goto out;
	assert_int_equal(walk_open(sn, &v->head, &w, &e), OK);
	while ((rc = walk_next(&w)) == OK) {
		struct rrset set;

		assert_int_equal(rrset_unpack(w.packed, w.packed_len, &set), OK);
		add_set(v, &set);
	}
	assert_int_equal(rc, ERR_MISSING);
	walk_close(&w);
	sort(v);
out:
	snapshot_close(sn);
	return is_there;
}

void amend_version_free(struct amend_version *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->records[i].data);
	free(v->records);
	memset(v, 0, sizeof(*v));
}

void amend_version_copy(struct amend_version *to, const struct amend_version *from)
{
	*to = *from;
	to->records = mem_array(from->cap, sizeof(to->records[0]));
	for (size_t i = 0; i < from->count; i++) {
		const struct amend_record *r = &from->records[i];
		size_t len = r->key_len + 2u * r->rdlen + name_len(owner_of(r));

		to->records[i] = *r;
		to->records[i].data = mem_alloc(len);
		memcpy(to->records[i].data, r->data, len);
	}
}

/* The first record that is not before r, letters of the owner apart. */
static size_t place_of(const struct amend_version *v, const struct amend_record *r)
{
	size_t low = 0, high = v->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_records(&v->records[middle], r) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool amend_version_add(struct amend_version *v, const struct rrset *set, uint16_t type,
    const uint8_t *rdata, uint16_t rdlen)
{
	struct amend_record r;
	size_t i;

	make_record(&r, set, type, rdata, rdlen);
	i = place_of(v, &r);
	if (i < v->count && compare_records(&v->records[i], &r) == 0) {
		free(r.data);
		return false;
	}
	(void)new_record(v);
	memmove(&v->records[i + 1], &v->records[i], (v->count - 1 - i) * sizeof(v->records[0]));
	v->records[i] = r;
	return true;
}

bool amend_version_remove(struct amend_version *v, const struct rrset *set, uint16_t type,
    const uint8_t *rdata, uint16_t rdlen)
{
	struct amend_record r;
	size_t i;
	bool is_there;

	make_record(&r, set, type, rdata, rdlen);
	i = place_of(v, &r);
	is_there = i < v->count && compare_records(&v->records[i], &r) == 0 &&
		   name_equal(owner_of(&v->records[i]), set->owner);
	free(r.data);
	if (!is_there)
		return false;
	free(v->records[i].data);
	memmove(&v->records[i], &v->records[i + 1], (--v->count - i) * sizeof(v->records[0]));
	return true;
}

void amend_record_text(const struct amend_record *r, struct buf *out)
{
	uint8_t items[65537];
	struct rrset set = {.owner = owner_of(r),
	    .type = r->type,
	    .ttl = r->ttl,
	    .count = 1,
	    .rdata = items,
	    .rdata_len = 2u + r->rdlen};

	store_u16(items, r->rdlen);
	memcpy(items + 2, amend_record_rdata(r), r->rdlen);
	rrset_text(&set, out);
}

static void say(struct buf *why, const char *what, const struct amend_record *r)
{
	buf_printf(why, "%s: ", what);
	amend_record_text(r, why);
}

static bool is_signature(const struct amend_record *r)
{
	return r->type == RR_RRSIG;
}

/* The same octets; of RDATA that RFC 4034 compares without letters, those do not matter if not
 * `exact`. */
static bool is_same(const struct amend_record *a, const struct amend_record *b, bool exact)
{
	bool is_denial = a->type == RR_NSEC || a->type == RR_NSEC3;

	if (compare_places(a, b) != 0 || a->ttl != b->ttl || a->rdlen != b->rdlen)
		return false;
	if (memcmp(canonical_of(a), canonical_of(b), a->rdlen) != 0)
		return false;
	return !exact || is_denial ||
	       (memcmp(amend_record_rdata(a), amend_record_rdata(b), a->rdlen) == 0 &&
		   memcmp(owner_of(a), owner_of(b), name_len(owner_of(a))) == 0);
}

static size_t skip_signatures(const struct amend_version *v, size_t i, enum amend_level level)
{
	while (level == AMEND_NO_SIGNATURES && i < v->count && is_signature(&v->records[i]))
		i++;
	return i;
}

bool amend_version_same(const struct amend_version *a, const struct amend_version *b,
    enum amend_level level, bool exact, struct buf *why)
{
	size_t i = 0, k = 0;

	for (;; i++, k++) {
		i = skip_signatures(a, i, level);
		k = skip_signatures(b, k, level);
		if (i == a->count || k == b->count)
			break;
		if (is_same(&a->records[i], &b->records[k], exact))
			continue;
		say(why, "here", &a->records[i]);
		say(why, "there", &b->records[k]);
		return false;
	}
	if (i == a->count && k == b->count)
		return true;
	if (i < a->count)
		say(why, "only here", &a->records[i]);
	else
		say(why, "only there", &b->records[k]);
	return false;
}

static bool has_record(const struct amend_version *v, const struct amend_record *r)
{
	return v->count > 0 &&
	       bsearch(r, v->records, v->count, sizeof(v->records[0]), compare_records) != NULL;
}

void amend_version_new(
    const struct amend_version *a, const struct amend_version *b, amend_new_fn *fn, void *arg)
{
	for (size_t i = 0; i < b->count; i++) {
		if (!has_record(a, &b->records[i]))
			fn(arg, &b->records[i]);
	}
}

/* The first record that is not before this place. */
static size_t seek(const struct amend_version *v, const struct amend_record *place)
{
	size_t low = 0, high = v->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_places(&v->records[middle], place) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool amend_version_same_set(
    const struct amend_version *a, const struct amend_version *b, const struct amend_record *r)
{
	struct amend_record place = *r;
	size_t i, k;

	place.type = r->covered;
	place.covered = 0;
	for (i = seek(a, &place), k = seek(b, &place);; i++, k++) {
		bool in_a = i < a->count && compare_places(&a->records[i], &place) == 0;
		bool in_b = k < b->count && compare_places(&b->records[k], &place) == 0;

		if (!in_a || !in_b)
			return in_a == in_b;
		if (compare_records(&a->records[i], &b->records[k]) != 0 ||
		    memcmp(owner_of(&a->records[i]), owner_of(&b->records[k]),
			name_len(owner_of(&a->records[i]))) != 0)
			return false;
	}
}

const struct amend_record *amend_version_before(
    const struct amend_version *v, const struct amend_record *r)
{
	struct rrsig is, was;

	assert_int_equal(rrsig_parse(amend_record_rdata(r), r->rdlen, &is), OK);
	for (size_t i = seek(v, r); i < v->count && compare_places(&v->records[i], r) == 0; i++) {
		const struct amend_record *old = &v->records[i];

		assert_int_equal(rrsig_parse(amend_record_rdata(old), old->rdlen, &was), OK);
		if (was.key_tag == is.key_tag && was.algorithm == is.algorithm)
			return old;
	}
	return NULL;
}
