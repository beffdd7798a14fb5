/* packet_build: writing DNS messages.  Runs on the network side.  Transfers put every record of a
 * zone through packet_add, so it looks at one other name only and writes each record in one go. */
#include "dns/packet.h"

#include <string.h>
#include "dns/rrtype.h"

#define HEADER_LEN 12
#define CLASS_IN 1
#define POINTER_MAX 0x3fff

/* Where the labels of a name begin, the top one first; their number. */
static unsigned index_labels(const uint8_t *name, uint8_t starts[NAME_DEPTH_MAX + 1])
{
	uint8_t forward[NAME_DEPTH_MAX + 1];
	unsigned depth = 0, at = 0;

	for (; name[at] != 0; at += name[at] + 1u)
		forward[depth++] = (uint8_t)at;
	for (unsigned i = 1; i <= depth; i++)
		starts[i] = forward[depth - i];
	return depth;
}

/* How a name will be written: its first `plain` octets, then a pointer, or the root label. */
struct placed {
	uint8_t starts[NAME_DEPTH_MAX + 1];
	unsigned depth, shared;
	size_t plain, len;
};

static void place_name(const struct packet_builder *b, const uint8_t *name, struct placed *out)
{
	unsigned shared = 0;

	out->depth = index_labels(name, out->starts);
	while (shared < out->depth && shared < b->depth) {
		const uint8_t *mine = name + out->starts[shared + 1];
		const uint8_t *theirs = b->last + b->starts[shared + 1];

		if (*mine != *theirs || memcmp(mine + 1, theirs + 1, *mine) != 0)
			break;
		shared++;
	}
	while (shared > 0 && b->at[shared] == 0)
		shared--;
	out->shared = shared;
	if (shared == 0) {
		out->plain = name_len(name) - 1;
		out->len = out->plain + 1;
	} else {
		out->plain = out->starts[shared];
		out->len = out->plain + 2;
	}
}

/* Write the name at p, which is at `offset` in the message, and remember its labels. */
static uint8_t *put_name(struct packet_builder *b, uint8_t *p, size_t offset, const uint8_t *name,
    const struct placed *placed)
{
	size_t name_size = placed->depth > 0 ? placed->starts[1] + name[placed->starts[1]] + 2u : 1;

	memcpy(p, name, placed->plain);
	p += placed->plain;
	if (placed->shared == 0) {
		*p++ = 0;
	} else {
		store_u16(p, (uint16_t)(0xc000 | b->at[placed->shared]));
		p += 2;
	}
	for (unsigned i = placed->shared + 1; i <= placed->depth; i++) {
		size_t at = offset + placed->starts[i];

		b->starts[i] = placed->starts[i];
		b->at[i] = at <= POINTER_MAX ? (uint16_t)at : 0;
	}
	/* Shared labels lie elsewhere in this name than in the one before. */
	for (unsigned i = 1; i <= placed->shared; i++)
		b->starts[i] = placed->starts[i];
	memcpy(b->last, name, name_size);
	b->depth = placed->depth;
	return p;
}

void packet_begin(struct packet_builder *b, size_t limit, uint16_t id, uint16_t flags,
    const uint8_t *qname, uint16_t qtype)
{
	struct placed placed;
	uint8_t *p;

	buf_reset(&b->buf);
	b->limit = limit < UINT16_MAX ? limit : UINT16_MAX;
	memset(b->counts, 0, sizeof(b->counts));
	b->depth = 0;
	p = buf_extend(&b->buf, HEADER_LEN);
	if (p == NULL)
		return;
	memset(p, 0, HEADER_LEN);
	store_u16(p, id);
	store_u16(p + 2, flags);
	if (qname == NULL)
		return;
	place_name(b, qname, &placed);
	p = buf_extend(&b->buf, placed.len + 4);
	if (p == NULL)
		return;
	p = put_name(b, p, HEADER_LEN, qname, &placed);
	store_u16(p, qtype);
	store_u16(p + 2, CLASS_IN);
	b->counts[0] = 1;
}

/* Type, class, TTL, RDATA: the rest of a record, at p. */
static void put_body(
    uint8_t *p, uint16_t type, uint16_t class, uint32_t ttl, const uint8_t *rdata, uint16_t rdlen)
{
	store_u16(p, type);
	store_u16(p + 2, class);
	store_u32(p + 4, ttl);
	store_u16(p + 8, rdlen);
	if (rdlen > 0)
		memcpy(p + 10, rdata, rdlen);
}

/* Room for a record in that section, counted; NULL: it does not fit. */
static uint8_t *extend(struct packet_builder *b, unsigned section, size_t need)
{
	uint8_t *p;

	if (b->buf.len + need > b->limit || b->counts[section] == UINT16_MAX)
		return NULL;
	p = buf_extend(&b->buf, need);
	if (p != NULL)
		b->counts[section]++;
	return p;
}

int packet_add_class(struct packet_builder *b, unsigned section, const uint8_t *owner,
    uint16_t type, uint16_t class, uint32_t ttl, const uint8_t *rdata, uint16_t rdlen)
{
	struct placed placed;
	size_t offset = b->buf.len;
	uint8_t *p;

	place_name(b, owner, &placed);
	p = extend(b, section, placed.len + 10 + rdlen);
	if (p == NULL)
		return ERR_LIMIT;
	p = put_name(b, p, offset, owner, &placed);
	put_body(p, type, class, ttl, rdata, rdlen);
	return OK;
}

int packet_add_again(struct packet_builder *b, unsigned section, const uint8_t *owner,
    uint16_t type, uint32_t ttl, const uint8_t *rdata, uint16_t rdlen)
{
	uint16_t at = b->at[b->depth];
	uint8_t *p;

	if (b->depth == 0 || at == 0)
		return packet_add(b, section, owner, type, ttl, rdata, rdlen);
	p = extend(b, section, 2 + 10 + (size_t)rdlen);
	if (p == NULL)
		return ERR_LIMIT;
	store_u16(p, (uint16_t)(0xc000 | at));
	put_body(p + 2, type, CLASS_IN, ttl, rdata, rdlen);
	return OK;
}

int packet_add(struct packet_builder *b, unsigned section, const uint8_t *owner, uint16_t type,
    uint32_t ttl, const uint8_t *rdata, uint16_t rdlen)
{
	return packet_add_class(b, section, owner, type, CLASS_IN, ttl, rdata, rdlen);
}

int packet_add_edns(struct packet_builder *b, uint16_t size, bool dnssec_ok)
{
	static const uint8_t root[1] = {0};

	return packet_add_class(b, 3, root, RR_OPT, size, dnssec_ok ? 0x8000 : 0, NULL, 0);
}

void packet_end(struct packet_builder *b)
{
	for (unsigned i = 0; i < 4; i++)
		buf_patch_u16(&b->buf, 4 + 2 * i, b->counts[i]);
}

void packet_builder_free(struct packet_builder *b)
{
	buf_free(&b->buf);
}
