/* store_key: how rows are named in the trees.  Numbers are big endian, so that memcmp sorts. */
#include <string.h>
#include <openssl/sha.h>
#include "zone/store_internal.h"

#define EXPIRY_HASH_LEN 16

size_t store_key_rr(uint8_t out[STORE_KEY_MAX], uint32_t generation, const uint8_t *key,
    size_t key_len, uint16_t type)
{
	store_u32(out, generation);
	memcpy(out + 4, key, key_len);
	out[4 + key_len] = 0;
	store_u16(out + 5 + key_len, type);
	return key_len + 7;
}

/* u8 kind, u16 length of the first, first, last. */
static size_t expiry_value(uint8_t out[STORE_EXPIRY_MAX], const struct expiry_entry *x)
{
	out[0] = x->is_nsec3;
	store_u16(out + 1, (uint16_t)x->first_len);
	memcpy(out + 3, x->first, x->first_len);
	memcpy(out + 3 + x->first_len, x->last, x->last_len);
	return 3 + x->first_len + x->last_len;
}

/* Several runs may expire in the same second: the hash tells them apart. */
int store_expiry_row(uint8_t key[STORE_KEY_MAX], size_t *key_len, uint8_t value[STORE_EXPIRY_MAX],
    size_t *len, const struct expiry_entry *x, struct err *e)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	if (x->first_len > NAME_KEY_LONGEST || x->last_len > NAME_KEY_LONGEST)
		return err_set(e, ERR_ARGUMENT, "sort keys of %zu and %zu octets: at most %d",
		    x->first_len, x->last_len, NAME_KEY_LONGEST);
	*len = expiry_value(value, x);
	SHA256(value, *len, digest);
	store_u32(key, 0);
	store_u32(key + 4, (uint32_t)((uint64_t)x->expiry >> 32));
	store_u32(key + 8, (uint32_t)(uint64_t)x->expiry);
	memcpy(key + 12, digest, EXPIRY_HASH_LEN);
	*key_len = 12 + EXPIRY_HASH_LEN;
	return OK;
}

/* The root's sort key is empty, and LMDB has no empty keys; the 00 also makes no zone's key a
 * prefix of another's. */
size_t store_key_zone(uint8_t out[STORE_KEY_MAX], const uint8_t *apex)
{
	size_t len = name_key(apex, out);

	out[len] = 0;
	return len + 1;
}

size_t store_key_journal(
    uint8_t out[STORE_KEY_MAX], const uint8_t *apex, uint32_t serial, uint16_t chunk)
{
	size_t len = store_key_zone(out, apex);

	store_u32(out + len, serial);
	store_u16(out + len + 4, chunk);
	return len + 6;
}

size_t store_key_meta(uint8_t out[STORE_KEY_MAX], uint8_t class, const void *key, size_t key_len)
{
	out[0] = class;
	memcpy(out + 1, key, key_len);
	return key_len + 1;
}
