/* amend_change: zones and changes at random: see amend_zone.h.  It loves what is easily forgotten:
 * names that others hide, empty non-terminals, octets and letters of all sorts, delegations of
 * every kind. */
#include "tests/unit/amend_zone.h"

#include <string.h>
#include "base/mem.h"
#include "dns/rrset.h"
#include "dns/rrtype.h"

enum { TYPE_SRV = 33, TYPE_HTTPS = 65, TYPE_CAA = 257, TYPE_ODD = 65280 };

static const struct {
	uint8_t len;
	const char *octets;
} labels[] = {{1, "a"}, {1, "b"}, {1, "c"}, {1, "A"}, {2, "ns"}, {1, "*"}, {1, "-"}, {4, "_tcp"},
    {1, "\0"}, {1, "\1"}, {1, "\377"}, {2, "a\0"}, {2, "a\1"}, {2, "\0\0"}, {1, " "}, {1, "."},
    {1, "["}, {63, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"}};

static void put_octets(struct buf *b, struct amend_random *r, unsigned count)
{
	while (count-- > 0)
		buf_u8(b, (uint8_t)amend_draw(r, amend_chance(r, 50) ? 2 : 256));
}

/* Puts a label in front; false: the name would be too long. */
static bool push_label(uint8_t *name, const void *octets, uint8_t len)
{
	size_t old = name_len(name);

	if (old + len + 1 > NAME_MAX_LEN)
		return false;
	memmove(name + len + 1, name, old);
	name[0] = len;
	memcpy(name + 1, octets, len);
	return true;
}

static void push_random(uint8_t *name, struct amend_random *r)
{
	/* The first ones more often, so that names meet. */
	uint32_t i = amend_draw(r, amend_chance(r, 60) ? 5 : MEM_COUNT(labels));

	push_label(name, labels[i].octets, labels[i].len);
}

/* As long as a name can be: many short labels, or few of octets that a sort key writes as two. */
static void push_many(uint8_t *name, struct amend_random *r)
{
	static const uint8_t zeros[63];
	uint8_t len = amend_chance(r, 50) ? 1 : 63;

	while (push_label(name, len == 1 ? (const void *)"a" : zeros, len))
		;
	while (len > 1 && !push_label(name, zeros, --len))
		;
}

static const uint8_t *any_owner(const struct amend_zone *z, struct amend_random *r)
{
	return z->sets[amend_draw(r, z->count)].owner;
}

static void random_name(const struct amend_zone *z, struct amend_random *r, uint8_t *out)
{
	uint32_t kind = amend_draw(r, 100);
	const uint8_t *owner = any_owner(z, r);

	memcpy(out, kind < 80 ? owner : z->apex, name_len(kind < 80 ? owner : z->apex));
	if (kind >= 98) {
		push_many(out, r);
	} else if (kind >= 80) {
		for (unsigned n = 1 + amend_draw(r, 4); n > 0; n--)
			push_random(out, r);
	} else if (kind >= 50) {
		push_random(out, r);
	} else if (kind >= 40 && !name_equal(owner, z->apex)) {
		const uint8_t *parent = name_parent(owner);

		memmove(out, parent, name_len(parent));
	}
	if (amend_chance(r, 5)) {
		for (unsigned i = 1; i <= out[0]; i++)
			out[i] ^= (out[i] | 0x20) >= 'a' && (out[i] | 0x20) <= 'z' ? 0x20 : 0;
	}
}

static void put_name(const struct amend_zone *z, struct amend_random *r, struct buf *b)
{
	uint8_t name[NAME_MAX_LEN];

	random_name(z, r, name);
	if (amend_chance(r, 30))
		memcpy(name, "\2Ns\4else\5where", 15);
	buf_put(b, name, name_len(name));
}

static void put_ds(struct amend_random *r, struct buf *b)
{
	buf_u16(b, (uint16_t)amend_draw(r, 65536));
	buf_u8(b, 13);
	buf_u8(b, 2);
	put_octets(b, r, 32);
}

static void random_rdata(
    const struct amend_zone *z, uint16_t type, struct amend_random *r, struct buf *b)
{
	uint8_t len;

	buf_reset(b);
	switch (type) {
	case RR_A:
		put_octets(b, r, 4);
		break;
	case RR_AAAA:
		put_octets(b, r, 16);
		break;
	case RR_NS:
	case RR_CNAME:
	case RR_DNAME:
	case RR_PTR:
		put_name(z, r, b);
		break;
	case RR_MX:
		buf_u16(b, (uint16_t)amend_draw(r, 3));
		put_name(z, r, b);
		break;
	case TYPE_SRV:
		put_octets(b, r, 6);
		put_name(z, r, b);
		break;
	case RR_DS:
	case RR_CDS:
		put_ds(r, b);
		break;
	case RR_DNSKEY:
	case RR_CDNSKEY:
		buf_u32(b, 0x0101030d);
		put_octets(b, r, 64);
		break;
	case RR_NSEC3PARAM:
		buf_put(b, "\1\0\0\0", 5);
		break;
	case TYPE_HTTPS:
		buf_put(b, "\0\1", 3);
		break;
	case TYPE_CAA:
		buf_put(b, "\0\5issuex", 8);
		break;
	case TYPE_ODD:
		put_octets(b, r, amend_draw(r, 300));
		break;
	default: /* TXT */
		len = (uint8_t)amend_draw(r, amend_chance(r, 90) ? 6 : 256);
		buf_u8(b, len);
		put_octets(b, r, len);
	}
}

static uint16_t random_type(struct amend_random *r)
{
	static const uint16_t types[] = {RR_A, RR_AAAA, RR_TXT, RR_MX, RR_A, RR_TXT, RR_PTR,
	    TYPE_SRV, TYPE_CAA, TYPE_ODD, RR_CDS, RR_CDNSKEY, RR_DNSKEY, RR_NSEC3PARAM, RR_DS,
	    TYPE_HTTPS};

	return types[amend_draw(r, amend_chance(r, 70) ? 6 : MEM_COUNT(types))];
}

static uint32_t random_ttl(struct amend_random *r)
{
	static const uint32_t ttls[] = {3600, 3600, 300, 0, 86400, 200000, 0x7fffffff};

	return ttls[amend_draw(r, MEM_COUNT(ttls))];
}

static void say(struct buf *what, const char *doing, const uint8_t *owner, uint16_t type)
{
	char name[NAME_TEXT_SIZE], text[RRTYPE_TEXT_SIZE] = "";

	name_text(owner, name);
	if (type != 0)
		rrtype_text(type, text);
	buf_printf(what, "%s %.80s %s; ", doing, name, text);
}

static bool put_random(
    struct amend_zone *z, struct amend_random *r, const uint8_t *owner, uint16_t type)
{
	struct buf rdata = {0};
	bool is_done;

	/* At the apex these are the signer's. */
	if (rrtype_is_stripped(type, name_equal(owner, z->apex)))
		return false;
	random_rdata(z, type, r, &rdata);
	is_done = amend_zone_put(z, owner, type, random_ttl(r), rdata.data, rdata.len);
	buf_free(&rdata);
	return is_done;
}

typedef void change_fn(struct amend_zone *z, struct amend_random *r, struct buf *what);

static void add_record(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	uint8_t owner[NAME_MAX_LEN];
	uint16_t type = random_type(r);

	random_name(z, r, owner);
	if (put_random(z, r, owner, type))
		say(what, "add", owner, type);
}

/* One more in an RRset that is there. */
static void add_another(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	struct amend_set s = z->sets[amend_draw(r, z->count)];

	if (put_random(z, r, s.owner, s.type))
		say(what, "another", s.owner, s.type);
}

static bool is_needed(const struct amend_zone *z, const struct amend_set *s)
{
	return name_equal(s->owner, z->apex) && (s->type == RR_SOA || s->type == RR_NS);
}

static void drop_set(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	struct amend_set s = z->sets[amend_draw(r, z->count)];

	if (is_needed(z, &s))
		return;
	say(what, "drop", s.owner, s.type);
	amend_zone_drop(z, s.owner, s.type);
}

static void drop_record(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	struct amend_set *s = &z->sets[amend_draw(r, z->count)];
	size_t len;

	if (s->count < 2) {
		drop_set(z, r, what);
		return;
	}
	say(what, "one less", s->owner, s->type);
	len = 2u + load_u16(s->items.data);
	memmove(s->items.data, s->items.data + len, s->items.len - len);
	s->items.len -= len;
	s->count--;
}

static void drop_name(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	uint8_t owner[NAME_MAX_LEN];

	memcpy(owner, any_owner(z, r), sizeof(owner));
	if (name_equal(owner, z->apex))
		return;
	say(what, "drop all of", owner, 0);
	amend_zone_drop(z, owner, 0);
}

static void drop_tree(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	uint8_t top[NAME_MAX_LEN];

	memcpy(top, any_owner(z, r), sizeof(top));
	if (name_equal(top, z->apex))
		return;
	if (amend_chance(r, 30) && !name_equal(name_parent(top), z->apex))
		memmove(top, name_parent(top), name_len(name_parent(top)));
	say(what, "drop all below", top, 0);
	for (unsigned i = z->count; i-- > 0;) {
		if (i < z->count && name_is_at_or_below(z->sets[i].owner, top))
			amend_zone_drop(z, z->sets[i].owner, z->sets[i].type);
	}
}

static void change_record(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	struct amend_set *s = &z->sets[amend_draw(r, z->count)];
	struct amend_set was = *s;

	if (is_needed(z, s) && (s->type == RR_SOA || s->count > 1))
		return;
	memset(&s->items, 0, sizeof(s->items));
	s->count = 0;
	say(what, "replace", s->owner, s->type);
	buf_reset(&s->items);
	random_rdata(z, s->type, r, &was.items);
	buf_lv16(&s->items, was.items.data, was.items.len);
	s->count = 1;
	buf_free(&was.items);
}

static void change_ttl(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	struct amend_set *s = &z->sets[amend_draw(r, z->count)];

	if (s->type == RR_SOA)
		return;
	s->ttl = random_ttl(r);
	say(what, "TTL of", s->owner, s->type);
}

/* Sometimes with the consequence that all denial records have another TTL. */
static void change_soa(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	for (unsigned i = 0; i < z->count; i++) {
		struct amend_set *s = &z->sets[i];
		uint8_t *end = s->items.data + s->items.len;

		if (s->type != RR_SOA)
			continue;
		if (amend_chance(r, 60))
			store_u32(end - 12, 600 + amend_draw(r, 3));
		else if (amend_chance(r, 50))
			store_u32(end - 4, 300 * (1 + amend_draw(r, 3)));
		else
			s->ttl = 300 * (1 + amend_draw(r, 5));
		say(what, "change", s->owner, s->type);
	}
}

static void cut(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	uint8_t owner[NAME_MAX_LEN];

	random_name(z, r, owner);
	if (name_equal(owner, z->apex) || !put_random(z, r, owner, RR_NS))
		return;
	say(what, "cut", owner, RR_NS);
	if (amend_chance(r, 50))
		put_random(z, r, owner, RR_DS);
	if (amend_chance(r, 30) && push_label(owner, "ns", 2))
		put_random(z, r, owner, amend_chance(r, 50) ? RR_A : RR_AAAA);
}

/* A delegation becomes an ordinary name, or loses or gains its DS. */
static void uncut(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	unsigned from = amend_draw(r, z->count);

	for (unsigned i = 0; i < z->count; i++) {
		struct amend_set s = z->sets[(from + i) % z->count];

		if (s.type != RR_NS || is_needed(z, &s))
			continue;
		if (amend_chance(r, 30)) {
			say(what, "uncut", s.owner, RR_NS);
			amend_zone_drop(z, s.owner, RR_NS);
		} else if (amend_zone_find(z, s.owner, RR_DS) != NULL) {
			say(what, "insecure", s.owner, RR_DS);
			amend_zone_drop(z, s.owner, RR_DS);
		} else if (put_random(z, r, s.owner, RR_DS)) {
			say(what, "secure", s.owner, RR_DS);
		}
		return;
	}
}

static void redirect(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	uint16_t type = amend_chance(r, 60) ? RR_DNAME : RR_CNAME;
	uint8_t owner[NAME_MAX_LEN];

	random_name(z, r, owner);
	if (amend_zone_find(z, owner, type) != NULL) {
		say(what, "drop", owner, type);
		amend_zone_drop(z, owner, type);
		return;
	}
	if (type == RR_CNAME && !name_equal(owner, z->apex) && amend_chance(r, 50))
		amend_zone_drop(z, owner, 0);
	if (put_random(z, r, owner, type))
		say(what, "redirect", owner, type);
}

static void deepen(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	uint8_t owner[NAME_MAX_LEN];

	memcpy(owner, any_owner(z, r), sizeof(owner));
	for (unsigned n = 2 + amend_draw(r, 3); n > 0; n--)
		push_random(owner, r);
	if (put_random(z, r, owner, RR_TXT))
		say(what, "deep", owner, RR_TXT);
}

static void recase(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	struct amend_set *s = &z->sets[amend_draw(r, z->count)];

	say(what, "letters of", s->owner, s->type);
	for (unsigned i = 1; i <= s->owner[0]; i++)
		s->owner[i] ^=
		    (s->owner[i] | 0x20) >= 'a' && (s->owner[i] | 0x20) <= 'z' ? 0x20 : 0;
}

static const struct {
	unsigned weight;
	change_fn *fn;
} changes[] = {{20, add_record}, {10, add_another}, {8, drop_record}, {12, drop_set},
    {10, drop_name}, {3, drop_tree}, {8, change_record}, {5, change_ttl}, {5, change_soa},
    {12, cut}, {12, uncut}, {8, redirect}, {6, deepen}, {2, recase}};

void amend_zone_change(struct amend_zone *z, struct amend_random *r, struct buf *what)
{
	uint32_t all = 0, drawn;

	for (size_t i = 0; i < MEM_COUNT(changes); i++)
		all += changes[i].weight;
	drawn = amend_draw(r, all);
	for (size_t i = 0; i < MEM_COUNT(changes); i++) {
		if (drawn < changes[i].weight) {
			changes[i].fn(z, r, what);
			return;
		}
		drawn -= changes[i].weight;
	}
}

void amend_zone_make(struct amend_zone *z, struct amend_random *r)
{
	static const char *const apexes[] = {
	    "example.", "example.", ".", "a.b.example.", "\\000.\\255.example.", "Example."};
	static change_fn *const makers[] = {
	    add_record, add_record, add_another, cut, cut, redirect, deepen};
	unsigned size = amend_chance(r, 80) ? amend_draw(r, 40) : amend_draw(r, 150);
	struct buf what = {0};

	memset(z, 0, sizeof(*z));
	name_parse(apexes[amend_draw(r, MEM_COUNT(apexes))], z->apex);
	amend_zone_text(z, "@ 3600 IN SOA ns1 host 100 3600 900 1209600 1800");
	amend_zone_text(z, "@ 3600 IN NS ns1");
	while (z->count < size + 2)
		makers[amend_draw(r, MEM_COUNT(makers))](z, r, &what);
	buf_free(&what);
}
