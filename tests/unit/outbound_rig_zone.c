/* outbound_rig_zone: writing zones into the store of the rig, see outbound_rig.h. */
#include "outbound_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

/* As good as an RRSIG where nobody validates: the fixed fields, the apex as signer, 64 octets. */
static void put_sig(struct buf *b, uint16_t type, const uint8_t *apex)
{
	struct buf sig = {0};

	buf_u16(&sig, type);
	buf_u8(&sig, 13);
	buf_u8(&sig, 2);
	buf_u32(&sig, 3600);
	buf_u32(&sig, 2000000000);
	buf_u32(&sig, 1000000000);
	buf_u16(&sig, 4711);
	buf_put(&sig, apex, name_len(apex));
	for (unsigned i = 0; i < 64; i++)
		buf_u8(&sig, (uint8_t)(i * 7 + type));
	buf_lv16(b, sig.data, sig.len);
	buf_free(&sig);
}

static void pack(struct buf *out, const uint8_t *owner, uint16_t type, const struct buf *rdata,
    uint16_t count, const uint8_t *apex)
{
	struct buf sigs = {0};
	struct rrset set = {.owner = owner,
	    .type = type,
	    .ttl = 3600,
	    .count = count,
	    .rdata = rdata->data,
	    .rdata_len = rdata->len,
	    .sigs = 1};

	put_sig(&sigs, type, apex);
	set.sigdata = sigs.data;
	set.sigdata_len = sigs.len;
	buf_reset(out);
	rrset_pack(&set, out);
	buf_free(&sigs);
}

static void put_rrset(struct build *b, const uint8_t *owner, uint16_t type, const struct buf *rdata,
    uint16_t count, const uint8_t *apex)
{
	uint8_t key[NAME_KEY_MAX];
	struct buf packed = {0};
	struct err e = {0};

	pack(&packed, owner, type, rdata, count, apex);
	rig_check(build_rrset(b, key, name_key(owner, key), type, packed.data, packed.len, &e), &e);
	buf_free(&packed);
}

static void put_apex(struct build *b, const uint8_t *apex, uint32_t serial)
{
	struct buf rdata = {0}, soa = {0};
	uint8_t ns[NAME_MAX_LEN];

	name_parse("ns1.elsewhere.", ns);
	buf_lv16(&rdata, ns, name_len(ns));
	name_parse("ns2.elsewhere.", ns);
	buf_lv16(&rdata, ns, name_len(ns));
	put_rrset(b, apex, RR_NS, &rdata, 2, apex);
	buf_put(&soa, ns, name_len(ns));
	buf_put(&soa, ns, name_len(ns));
	buf_u32(&soa, serial);
	for (unsigned i = 0; i < 4; i++)
		buf_u32(&soa, 3600 + i);
	buf_reset(&rdata);
	buf_lv16(&rdata, soa.data, soa.len);
	put_rrset(b, apex, RR_SOA, &rdata, 1, apex);
	buf_free(&rdata);
	buf_free(&soa);
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

static void put_nsec3s(struct build *b, const char *apex_text, const uint8_t *apex, unsigned names)
{
	static const uint8_t body[] = "\1\0\0\0\0\24twenty octets it is.\0\1\100";
	uint8_t owner[NAME_MAX_LEN], hash[NSEC3_HASH_LEN] = {0};
	struct buf rdata = {0}, packed = {0};
	struct err e = {0};

	buf_lv16(&rdata, body, sizeof(body) - 1);
	for (unsigned i = 0; i < names; i++) {
		char *text = mem_printf("%032u.%s", i, apex_text);

		name_parse(text, owner);
		free(text);
		store_u32(hash, i);
		pack(&packed, owner, RR_NSEC3, &rdata, 1, apex);
		rig_check(build_nsec3(b, hash, packed.data, packed.len, &e), &e);
	}
	buf_free(&rdata);
	buf_free(&packed);
}

void rig_write_zone(struct rig *r, const char *apex_text, uint32_t serial, unsigned names,
    unsigned size, bool published)
{
	struct zone_head h = {.has_out = true, .serial_out = serial, .published = published};
	struct err e = {0};
	struct build *b = build_begin(r->store, 2 + 3 * (uint64_t)names, &e);

	if (b == NULL)
		rig_check(e.code, &e);
	name_parse(apex_text, h.apex);
	if (!published)
		snprintf(h.hold, sizeof(h.hold), "a DNSKEY that is not ours stands in the parent");
	put_apex(b, h.apex, serial);
	put_hosts(b, apex_text, h.apex, names, size);
	put_nsec3s(b, apex_text, h.apex, names);
	rig_check(build_flip(b, &h, NULL, NULL, &e), &e);
}
