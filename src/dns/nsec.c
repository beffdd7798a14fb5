/* nsec: the records that prove denial of existence.  Runs on the signing side. */
#include "dns/nsec.h"

#include <string.h>
#include "dns/digest.h"

void nsec_bitmap(const uint16_t *types, size_t count, struct buf *out)
{
	size_t i = 0;

	while (i < count) {
		uint8_t window[2 + 32] = {(uint8_t)(types[i] >> 8)};

		for (; i < count && types[i] >> 8 == window[0]; i++) {
			uint8_t low = (uint8_t)types[i];

			window[2 + low / 8] |= (uint8_t)(0x80 >> low % 8);
			window[1] = (uint8_t)(low / 8 + 1);
		}
		buf_put(out, window, 2u + window[1]);
	}
}

bool nsec_bitmap_has(const uint8_t *bitmap, size_t len, uint16_t type)
{
	const uint8_t *p = bitmap, *end = bitmap + len;
	unsigned octet = (type & 0xff) / 8;

	while (end - p >= 2 && end - p - 2 >= p[1]) {
		if (p[0] == type >> 8)
			return octet < p[1] && (p[2 + octet] & 0x80 >> type % 8) != 0;
		p += 2 + p[1];
	}
	return false;
}

void nsec3_hash(const struct nsec3_params *p, const uint8_t *name, uint8_t out[NSEC3_HASH_LEN])
{
	uint8_t input[NAME_MAX_LEN + sizeof(p->salt)];
	size_t len = name_len(name);

	memcpy(input, name, len);
	name_lower(input);
	memcpy(input + len, p->salt, p->salt_len);
	digest_once(DIGEST_SHA1, input, len + p->salt_len, out);
	if (p->iterations == 0)
		return;
	memcpy(input + NSEC3_HASH_LEN, p->salt, p->salt_len);
	for (unsigned i = 0; i < p->iterations; i++) {
		memcpy(input, out, NSEC3_HASH_LEN);
		digest_once(DIGEST_SHA1, input, NSEC3_HASH_LEN + (size_t)p->salt_len, out);
	}
}

size_t nsec3_owner(
    const uint8_t hash[NSEC3_HASH_LEN], const uint8_t *apex, uint8_t out[NAME_MAX_LEN])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	size_t apex_len = name_len(apex);
	uint8_t *p = out;

	if (1 + NSEC3_HASH_LEN * 8 / 5 + apex_len > NAME_MAX_LEN)
		return 0;
	*p++ = NSEC3_HASH_LEN * 8 / 5;
	for (unsigned bit = 0; bit < NSEC3_HASH_LEN * 8; bit += 5) {
		/* Five bits lie in one octet or in two. */
		unsigned two = (unsigned)hash[bit / 8] << 8;

		if (bit / 8 + 1 < NSEC3_HASH_LEN)
			two |= hash[bit / 8 + 1];
		*p++ = (uint8_t)digits[two >> (11 - bit % 8) & 31];
	}
	memcpy(p, apex, apex_len);
	name_lower(out);
	return (size_t)(p - out) + apex_len;
}

static void put_params(const struct nsec3_params *p, uint8_t flags, struct buf *out)
{
	buf_u8(out, 1); /* SHA-1, the only hash there is */
	buf_u8(out, flags);
	buf_u16(out, p->iterations);
	buf_u8(out, p->salt_len);
	buf_put(out, p->salt, p->salt_len);
}

void nsec3_rdata(const struct nsec3_params *p, uint8_t flags, const uint8_t next[NSEC3_HASH_LEN],
    const uint8_t *bitmap, size_t bitmap_len, struct buf *out)
{
	put_params(p, flags, out);
	buf_u8(out, NSEC3_HASH_LEN);
	buf_put(out, next, NSEC3_HASH_LEN);
	buf_put(out, bitmap, bitmap_len);
}

void nsec3param_rdata(const struct nsec3_params *p, struct buf *out)
{
	put_params(p, 0, out);
}
