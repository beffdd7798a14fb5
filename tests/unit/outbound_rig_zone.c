/* outbound_rig_zone: writing zones into the store of the rig, see outbound_rig.h. */
#include "outbound_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

/* As good as an RRSIG where nobody validates: the fixed fields, the apex as signer, 64 octets. */
static void put_sig(struct buf *b, uint16_t type, const uint8_t *apex, unsigned salt)
{
	struct buf sig = {0};

	buf_u16(&sig, type);
	buf_u8(&sig, 13);
	buf_u8(&sig, 2);
	buf_u32(&sig, 3600);
	buf_u32(&sig, 2000000000 + salt);
	buf_u32(&sig, 1000000000);
	buf_u16(&sig, 4711);
	buf_put(&sig, apex, name_len(apex));
	for (unsigned i = 0; i < 64; i++)
		buf_u8(&sig, (uint8_t)(i * 7 + type));
	buf_lv16(b, sig.data, sig.len);
	buf_free(&sig);
}

/* The set with one signature, or with a second one that never changes. */
static void pack(
    struct buf *out, struct rrset *set, const struct buf *rdata, const uint8_t *apex, unsigned salt)
{
	struct buf sigs = {0};

	set->rdata = rdata->data;
	set->rdata_len = rdata->len;
	set->sigs = 1 + salt / 2 % 2;
	put_sig(&sigs, set->type, apex, salt);
	if (set->sigs > 1)
		put_sig(&sigs, set->type, apex, UINT16_MAX);
	set->sigdata = sigs.data;
	set->sigdata_len = sigs.len;
	buf_reset(out);
	rrset_pack(set, out);
	buf_free(&sigs);
}

static void put_rrset(struct build *b, const uint8_t *owner, uint16_t type, const struct buf *rdata,
    uint16_t count, const uint8_t *apex)
{
	struct rrset set = {.owner = owner, .type = type, .ttl = 3600, .count = count};
	uint8_t key[NAME_KEY_MAX];
	struct buf packed = {0};
	struct err e = {0};

	pack(&packed, &set, rdata, apex, 0);
	rig_check(build_rrset(b, key, name_key(owner, key), type, packed.data, packed.len, &e), &e);
	buf_free(&packed);
}

static void make_soa_rdata(struct buf *rdata, uint32_t serial)
{
	uint8_t ns[NAME_MAX_LEN];
	struct buf soa = {0};

	name_parse("ns2.elsewhere.", ns);
	buf_put(&soa, ns, name_len(ns));
	buf_put(&soa, ns, name_len(ns));
	buf_u32(&soa, serial);
	for (unsigned i = 0; i < 4; i++)
		buf_u32(&soa, 3600 + i);
	buf_reset(rdata);
	buf_lv16(rdata, soa.data, soa.len);
	buf_free(&soa);
}

static void put_apex(struct build *b, const uint8_t *apex, uint32_t serial)
{
	struct buf rdata = {0};
	uint8_t ns[NAME_MAX_LEN];

	name_parse("ns1.elsewhere.", ns);
	buf_lv16(&rdata, ns, name_len(ns));
	name_parse("ns2.elsewhere.", ns);
	buf_lv16(&rdata, ns, name_len(ns));
	put_rrset(b, apex, RR_NS, &rdata, 2, apex);
	make_soa_rdata(&rdata, serial);
	put_rrset(b, apex, RR_SOA, &rdata, 1, apex);
	buf_free(&rdata);
}

/* TXT RDATA with `size` characters, 255 to a string. */
static void put_text(struct buf *b, unsigned size)
{
	struct buf txt = {0};

	do {
		unsigned len = size < 255 ? size : 255;

		buf_u8(&txt, (uint8_t)len);
		memset(buf_extend(&txt, len), 'x', len);
		size -= len;
	} while (size > 0);
	buf_lv16(b, txt.data, txt.len);
	buf_free(&txt);
}

static void put_hosts(
    struct build *b, const char *apex_text, const uint8_t *apex, unsigned names, unsigned size)
{
	uint8_t owner[NAME_MAX_LEN];
	struct buf rdata = {0};

	for (unsigned i = 0; i < names; i++) {
		char *text = mem_printf("Host%08u.%s", i, apex_text);

		name_parse(text, owner);
		free(text);
		buf_reset(&rdata);
		buf_lv16(&rdata, (uint8_t[]){192, 0, 2, (uint8_t)i}, 4);
		put_rrset(b, owner, RR_A, &rdata, 1, apex);
		buf_reset(&rdata);
		put_text(&rdata, size);
		put_rrset(b, owner, RR_TXT, &rdata, 1, apex);
	}
	buf_free(&rdata);
}

/* NSEC3 number n, complete: its hash and its value. */
static void make_nsec3(const char *apex_text, unsigned n, const struct buf *rdata, unsigned salt,
    uint8_t hash[NSEC3_HASH_LEN], struct buf *packed)
{
	struct rrset set = {.type = RR_NSEC3, .ttl = 3600, .count = 1};
	uint8_t owner[NAME_MAX_LEN], apex[NAME_MAX_LEN];
	char *text = mem_printf("%032u.%s", n, apex_text);

	name_parse(text, owner);
	name_parse(apex_text, apex);
	free(text);
	memset(hash, 0, NSEC3_HASH_LEN);
	store_u32(hash, n);
	set.owner = owner;
	pack(packed, &set, rdata, apex, salt);
}

static void make_nsec3_rdata(struct buf *rdata, uint8_t types)
{
	static const uint8_t body[] = "\1\0\0\0\0\24twenty octets it is.\0\1\100";

	buf_reset(rdata);
	buf_lv16(rdata, body, sizeof(body) - 1);
	rdata->data[rdata->len - 1] = types;
}

static void put_nsec3s(struct build *b, const char *apex_text, unsigned names)
{
	uint8_t hash[NSEC3_HASH_LEN];
	struct buf rdata = {0}, packed = {0};
	struct err e = {0};

	make_nsec3_rdata(&rdata, 0x40);
	for (unsigned i = 0; i < names; i++) {
		make_nsec3(apex_text, i, &rdata, 0, hash, &packed);
		rig_check(build_nsec3(b, hash, packed.data, packed.len, &e), &e);
	}
	buf_free(&rdata);
	buf_free(&packed);
}

void rig_write_zone(struct rig *r, const char *apex_text, uint32_t serial, unsigned names,
    unsigned size, bool published)
{
	struct zone_head h = {.has_out = true,
	    .serial_out = serial,
	    .published = published,
	    .records = 3 + 3 * (uint64_t)names,
	    .signatures = 2 + 3 * (uint64_t)names};
	struct err e = {0};
	struct build *b = build_begin(r->store, 2 + 3 * (uint64_t)names, &e);

	if (b == NULL)
		rig_check(e.code, &e);
	name_parse(apex_text, h.apex);
	if (!published)
		snprintf(h.hold, sizeof(h.hold), "a DNSKEY that is not ours stands in the parent");
	put_apex(b, h.apex, serial);
	put_hosts(b, apex_text, h.apex, names, size);
	put_nsec3s(b, apex_text, names);
	rig_check(build_flip(b, &h, NULL, NULL, &e), &e);
}

void rig_set_ends(struct rig *r, int64_t expiry_first, int64_t refreshed, int64_t source_expires)
{
	struct snapshot *sn;
	struct store_write *w;
	struct zone_head h;
	struct err e = {0};

	rig_check(snapshot_open(r->store, &sn, &e), &e);
	rig_check(snapshot_head(sn, r->apex, &h), &e);
	snapshot_close(sn);
	h.expiry_first = expiry_first;
	h.refreshed = refreshed;
	h.soa_in.expire = 3602;
	h.source_expires = source_expires;
	rig_check(store_write_begin(r->store, &w, &e), &e);
	rig_check(store_write_head(w, &h, &e), &e);
	rig_check(store_write_commit(w, &e), &e);
}

void rig_change_begin(struct rig_change *c, struct rig *r)
{
	struct snapshot *sn;
	struct err e = {0};

	*c = (struct rig_change){.rig = r, .octets_max = 1 << 24};
	rig_check(snapshot_open(r->store, &sn, &e), &e);
	rig_check(snapshot_head(sn, r->apex, &c->from), &e);
	snapshot_close(sn);
	c->change = change_new(r->store);
}

void rig_change_rrset(struct rig_change *c, const char *owner, uint16_t type, uint32_t ttl,
    const struct buf *rdata, uint16_t count)
{
	uint8_t name[NAME_MAX_LEN], key[NAME_KEY_MAX];
	struct rrset set = {.owner = name, .type = type, .ttl = ttl, .count = count};
	struct buf packed = {0};
	struct err e = {0};
	size_t key_len;

	name_parse(owner, name);
	key_len = name_key(name, key);
	if (count > 0)
		pack(&packed, &set, rdata, c->rig->apex, c->from.serial_out + 1);
	rig_check(change_rrset(c->change, key, key_len, type, count > 0 ? packed.data : NULL,
		      packed.len, &e),
	    &e);
	buf_free(&packed);
}

void rig_change_nsec3(struct rig_change *c, unsigned n, uint8_t types)
{
	uint8_t hash[NSEC3_HASH_LEN];
	struct buf rdata = {0}, packed = {0};
	struct err e = {0};

	make_nsec3_rdata(&rdata, types);
	make_nsec3("example.", n, &rdata, c->from.serial_out + 1, hash, &packed);
	rig_check(
	    change_nsec3(c->change, hash, types != 0 ? packed.data : NULL, packed.len, &e), &e);
	buf_free(&rdata);
	buf_free(&packed);
}

void rig_change_end(struct rig_change *c, uint32_t serial)
{
	struct journal_limits limits = {c->octets_max, 1000, 1};
	struct zone_head h = c->from;
	struct store_write *w;
	struct buf rdata = {0};
	struct err e = {0};

	make_soa_rdata(&rdata, serial);
	rig_change_rrset(c, "example.", RR_SOA, 3600, &rdata, 1);
	h.serial_out = serial;
	rig_check(store_write_begin(c->rig->store, &w, &e), &e);
	rig_check(change_apply(c->change, w, &c->from, &h, &limits, &e), &e);
	rig_check(store_write_commit(w, &e), &e);
	change_free(c->change);
	buf_free(&rdata);
}
