/* State records as they come from a token.  Body length and digest are made right, so that the
 * fuzzer gets past them; what was understood is written again and must be understood again. */
#include <stdlib.h>
#include <string.h>
#include <openssl/sha.h>
#include "keys/record.h"

#define DIGEST_AT (RECORD_HEADER_LEN - RECORD_DIGEST_LEN)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal(uint8_t *data, size_t size)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	store_u32(data + DIGEST_AT - 4, (uint32_t)(size - RECORD_HEADER_LEN));
	memset(data + DIGEST_AT, 0, RECORD_DIGEST_LEN);
	SHA256(data, size, digest);
	memcpy(data + DIGEST_AT, digest, RECORD_DIGEST_LEN);
}

static void write_again(struct record *r)
{
	struct record again;
	struct buf b = {0};

	record_encode(r, &b);
	if (b.failed || record_decode(b.data, b.len, &again, NULL) != OK)
		abort();
	if (again.key_count != r->key_count || again.sequence != r->sequence)
		abort();
	record_free(&again);
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record r;
	uint8_t *copy = malloc(size + 1);

	memcpy(copy, data, size);
	if (size >= RECORD_HEADER_LEN)
		seal(copy, size);
	if (record_decode(copy, size, &r, NULL) == OK) {
		write_again(&r);
		record_free(&r);
	}
	free(copy);
	return 0;
}
