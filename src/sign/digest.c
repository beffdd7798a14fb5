/* The digest of an input: see digest.h.  Signing side. */
#include "sign/digest.h"

#include "dns/digest.h"

void digest_add(uint8_t sum[DIGEST_LEN], const uint8_t *packed, size_t len)
{
	uint8_t one[DIGEST_LEN];
	unsigned carry = 0;

	digest_once(DIGEST_SHA256, packed, len, one);
	for (unsigned i = DIGEST_LEN; i-- > 0;) {
		carry += sum[i] + one[i];
		sum[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

void digest_subtract(uint8_t sum[DIGEST_LEN], const uint8_t *packed, size_t len)
{
	uint8_t one[DIGEST_LEN];
	int borrow = 0;

	digest_once(DIGEST_SHA256, packed, len, one);
	for (unsigned i = DIGEST_LEN; i-- > 0;) {
		borrow += sum[i] - one[i];
		sum[i] = (uint8_t)borrow;
		borrow = borrow < 0 ? -1 : 0;
	}
}
