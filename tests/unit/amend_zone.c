/* amend_zone: see amend_zone.h.  What a zone may be is known here once more, so that the signer's
 * own idea of it is not what it is tested with. */
#include "tests/unit/amend_zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/err.h"
#include "base/mem.h"
#include "dns/rdata.h"
#include "dns/rrset.h"
#include "dns/rrtype.h"
#include "dns/soa.h"
#include "dns/zonefile.h"
#include "zone/spool.h"

void amend_seed(struct amend_random *r, uint64_t a, uint64_t b)
{
	r->state = a * 0x9e3779b97f4a7c15U + b * 0xd1342543de82ef95U + 1;
}

uint32_t amend_draw(struct amend_random *r, uint32_t below)
{
	uint64_t x = r->state += 0x9e3779b97f4a7c15U; /* SplitMix64 */

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
	x = (x ^ x >> 27) * 0x94d049bb133111ebU;
	x ^= x >> 31;
	return (uint32_t)(x >> 32) % below;
}

void amend_zone_free(struct amend_zone *z)
{
	for (unsigned i = 0; i < z->count; i++)
		buf_free(&z->sets[i].items);
	free(z->sets);
	z->sets = NULL;
	z->count = z->cap = 0;
}

static struct amend_set *new_set(struct amend_zone *z)
{
	if (z->count == z->cap) {
		z->cap = z->cap * 2 + 16;
		z->sets = mem_grow(z->sets, z->cap, sizeof(z->sets[0]));
	}
	memset(&z->sets[z->count], 0, sizeof(z->sets[0]));
	return &z->sets[z->count++];
}

void amend_zone_copy(struct amend_zone *to, const struct amend_zone *from)
{
	memset(to, 0, sizeof(*to));
	memcpy(to->apex, from->apex, sizeof(to->apex));
	for (unsigned i = 0; i < from->count; i++) {
		struct amend_set *s = new_set(to);

		*s = from->sets[i];
		memset(&s->items, 0, sizeof(s->items));
		buf_put(&s->items, from->sets[i].items.data, from->sets[i].items.len);
	}
}

static struct amend_set *find(const struct amend_zone *z, const uint8_t *owner, uint16_t type)
{
	for (unsigned i = 0; i < z->count; i++) {
		if (z->sets[i].type == type && name_equal(z->sets[i].owner, owner))
			return &z->sets[i];
	}
	return NULL;
}

const struct amend_set *amend_zone_find(
    const struct amend_zone *z, const uint8_t *owner, uint16_t type)
{
	return find(z, owner, type);
}

uint32_t amend_zone_serial(const struct amend_zone *z)
{
	const struct amend_set *s = find(z, z->apex, RR_SOA);
	struct soa soa;

	assert_int_equal(soa_parse(s->items.data + 2, s->items.len - 2, &soa), OK);
	return soa.serial;
}

void amend_zone_set_serial(struct amend_zone *z, uint32_t serial)
{
	struct amend_set *s = find(z, z->apex, RR_SOA);

	soa_set_serial(s->items.data + 2, s->items.len - 2, serial);
}

static bool is_single(uint16_t type)
{
	return type == RR_SOA || type == RR_CNAME || type == RR_DNAME;
}

/* Of `owner` there is something that `type` cannot be beside. */
static bool is_at_odds(const struct amend_zone *z, const uint8_t *owner, uint16_t type)
{
	bool is_apex = name_equal(owner, z->apex);

	if ((type == RR_SOA && !is_apex) || (type == RR_DS && is_apex))
		return true;
	if (is_single(type) && find(z, owner, type) != NULL)
		return true;
	for (unsigned i = 0; i < z->count; i++) {
		if (name_equal(z->sets[i].owner, owner) && z->sets[i].type != type &&
		    (type == RR_CNAME || z->sets[i].type == RR_CNAME))
			return true;
	}
	return false;
}

static bool is_same_rdata(
    uint16_t type, const uint8_t *a, uint16_t alen, const uint8_t *b, uint16_t blen)
{
	static uint8_t x[65536], y[65536];

	if (alen != blen)
		return false;
	rdata_canonical(type, a, alen, x);
	rdata_canonical(type, b, blen, y);
	return memcmp(x, y, alen) == 0;
}

/* Where among the set's items it is, or NULL. */
static const uint8_t *find_item(const struct amend_set *s, const uint8_t *rdata, uint16_t len)
{
	const uint8_t *p = s->items.data;

	for (unsigned i = 0; i < s->count; i++) {
		const uint8_t *start = p, *item;
		uint16_t item_len;

		item = rrset_next(&p, &item_len);
		if (is_same_rdata(s->type, item, item_len, rdata, len))
			return start;
	}
	return NULL;
}

static void put(struct amend_zone *z, const uint8_t *owner, uint16_t type, uint32_t ttl,
    const uint8_t *rdata, size_t len)
{
	struct amend_set *s = find(z, owner, type);

	if (s == NULL) {
		s = new_set(z);
		memcpy(s->owner, owner, name_len(owner));
		s->type = type;
		s->ttl = ttl;
	}
	buf_lv16(&s->items, rdata, len);
	s->count++;
}

bool amend_zone_put(struct amend_zone *z, const uint8_t *owner, uint16_t type, uint32_t ttl,
    const uint8_t *rdata, size_t len)
{
	const struct amend_set *s = find(z, owner, type);

	if (is_at_odds(z, owner, type) || !name_is_at_or_below(owner, z->apex))
		return false;
	if (s != NULL && find_item(s, rdata, (uint16_t)len) != NULL)
		return false;
	put(z, owner, type, ttl, rdata, len);
	return true;
}

void amend_zone_drop(struct amend_zone *z, const uint8_t *name, uint16_t type)
{
	uint8_t owner[NAME_MAX_LEN]; /* name may be in what goes */

	memcpy(owner, name, name_len(name));
	for (unsigned i = z->count; i-- > 0;) {
		struct amend_set *s = &z->sets[i];

		if (!name_equal(s->owner, owner) || (type != 0 && s->type != type))
			continue;
		buf_free(&s->items);
		*s = z->sets[--z->count];
	}
}

static void drop_item(struct amend_zone *z, struct amend_set *s, const uint8_t *item)
{
	size_t at = (size_t)(item - s->items.data), len = 2u + load_u16(item);

	memmove(s->items.data + at, s->items.data + at + len, s->items.len - at - len);
	s->items.len -= len;
	if (--s->count == 0)
		amend_zone_drop(z, s->owner, s->type);
}

/* Records from text. */

enum text_use { TEXT_PUT, TEXT_FORCE, TEXT_DROP };
struct text {
	struct amend_zone *z;
	enum text_use use;
	bool is_done;
};

static int take_text(void *arg, const uint8_t *owner, uint16_t type, uint16_t class, uint32_t ttl,
    const uint8_t *rdata, uint16_t rdlen, struct err *e)
{
	struct text *t = arg;
	struct amend_set *s = find(t->z, owner, type);
	const uint8_t *item = s == NULL ? NULL : find_item(s, rdata, rdlen);

	(void)class;
	(void)e;
	t->is_done = true;
	if (t->use == TEXT_FORCE)
		put(t->z, owner, type, ttl, rdata, rdlen);
	else if (t->use == TEXT_PUT)
		t->is_done = amend_zone_put(t->z, owner, type, ttl, rdata, rdlen);
	else if (item != NULL)
		drop_item(t->z, s, item);
	else
		t->is_done = false;
	return OK;
}

static bool read_text(struct amend_zone *z, const char *record, enum text_use use)
{
	char path[] = "/tmp/itg-amend-XXXXXX";
	int fd = mkstemp(path);
	struct text t = {z, use, false};
	struct err e = {0};

	assert_true(fd >= 0);
	dprintf(fd, "$TTL 60\n%s\n", record);
	close(fd);
	if (zonefile_read(path, z->apex, take_text, &t, &e) != OK)
		fail_msg("%s: %s", record, e.text);
	unlink(path);
	return t.is_done;
}

bool amend_zone_text(struct amend_zone *z, const char *record)
{
	return read_text(z, record, TEXT_PUT);
}

void amend_zone_force(struct amend_zone *z, const char *record)
{
	assert_true(read_text(z, record, TEXT_FORCE));
}

void amend_zone_drop_text(struct amend_zone *z, const char *record)
{
	assert_true(read_text(z, record, TEXT_DROP));
}

/* Spools. */

static void other_case(uint8_t *name, struct amend_random *r)
{
	for (uint8_t *p = name; *p != 0; p += *p + 1) {
		for (unsigned i = 1; i <= *p; i++) {
			if (isalpha(p[i]) && p[i] < 128 && amend_chance(r, 50))
				p[i] ^= 0x20;
		}
	}
}

static void write_set(struct spool_writer *w, enum spool_step step, const struct amend_set *s,
    unsigned flags, struct amend_random *r)
{
	uint8_t owner[NAME_MAX_LEN];
	const uint8_t *p = s->items.data;
	struct err e = {0};

	memcpy(owner, s->owner, sizeof(owner));
	if (step == SPOOL_DELETE && (flags & AMEND_OTHER_CASE))
		other_case(owner, r);
	for (unsigned i = 0; i < s->count; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		if (spool_write(w, step, owner, s->type, s->ttl, rdata, len, &e) != OK)
			fail_msg("%s", e.text);
	}
}

static struct spool_writer *create(const char *path, const struct amend_zone *z)
{
	struct err e = {0};
	struct spool_writer *w = spool_create(path, z->apex, 0, &e);

	if (w == NULL)
		fail_msg("%s", e.text);
	return w;
}

void amend_zone_spool(
    const struct amend_zone *z, const char *path, unsigned flags, struct amend_random *r)
{
	struct spool_writer *w = create(path, z);
	unsigned from = (flags & AMEND_SHUFFLED) ? amend_draw(r, z->count) : 0;
	struct err e = {0};

	for (unsigned i = 0; i < z->count; i++)
		write_set(w, SPOOL_ADD, &z->sets[(from + i) % z->count], flags, r);
	if (spool_finish(w, SPOOL_FULL, amend_zone_serial(z), &e) != OK)
		fail_msg("%s", e.text);
}

/* What of `a` is not in `b`, of one RRset; nothing, or all of it with `whole`. */
static void write_rest(struct spool_writer *w, enum spool_step step, const struct amend_set *a,
    const struct amend_set *b, bool whole, unsigned flags, struct amend_random *r)
{
	struct amend_set rest = *a;
	const uint8_t *p = a->items.data;

	if (b == NULL || whole) {
		write_set(w, step, a, flags, r);
		return;
	}
	memset(&rest.items, 0, sizeof(rest.items));
	rest.count = 0;
	for (unsigned i = 0; i < a->count; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len), *other = find_item(b, rdata, len);

		if (other != NULL && memcmp(other + 2, rdata, len) == 0)
			continue;
		buf_lv16(&rest.items, rdata, len);
		rest.count++;
	}
	write_set(w, step, &rest, flags, r);
	buf_free(&rest.items);
}

static bool is_same_set(const struct amend_set *a, const struct amend_set *b)
{
	return a->ttl == b->ttl && a->items.len == b->items.len &&
	       memcmp(a->items.data, b->items.data, a->items.len) == 0;
}

/* One half of a difference: what leaves `a` (or, the other way round, comes). */
static void write_half(struct spool_writer *w, enum spool_step step, const struct amend_zone *a,
    const struct amend_zone *b, unsigned flags, struct amend_random *r)
{
	write_set(w, step, find(a, a->apex, RR_SOA), 0, r);
	for (unsigned i = 0; i < a->count; i++) {
		const struct amend_set *s = &a->sets[i], *t = find(b, s->owner, s->type);
		bool is_apex = name_equal(s->owner, a->apex);
		bool whole = t != NULL &&
			     (t->ttl != s->ttl || ((flags & AMEND_REPEATED) && !is_same_set(s, t)));

		if (!(is_apex && s->type == RR_SOA) && !rrtype_is_stripped(s->type, is_apex))
			write_rest(w, step, s, t, whole, flags, r);
	}
}

void amend_zone_delta(const struct amend_zone *const *versions, unsigned count, const char *path,
    unsigned flags, struct amend_random *r)
{
	struct spool_writer *w = create(path, versions[0]);
	struct err e = {0};

	for (unsigned i = 1; i < count; i++) {
		write_half(w, SPOOL_DELETE, versions[i - 1], versions[i], flags, r);
		write_half(w, SPOOL_ADD, versions[i], versions[i - 1], flags, r);
	}
	spool_set_from(w, amend_zone_serial(versions[0]));
	if (spool_finish(w, SPOOL_DELTA, amend_zone_serial(versions[count - 1]), &e) != OK)
		fail_msg("%s", e.text);
}

bool amend_zone_is_recased(const struct amend_zone *a, const struct amend_zone *b)
{
	for (unsigned i = 0; i < b->count; i++) {
		const struct amend_set *s = &b->sets[i], *was = find(a, s->owner, s->type);

		if (was != NULL && memcmp(was->owner, s->owner, name_len(s->owner)) != 0)
			return true;
	}
	return false;
}
