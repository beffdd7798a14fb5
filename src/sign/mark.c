/* Numbers that stand for sets of keys: see mark.h.  Signing side. */
#include "sign/mark.h"

#include "sign/sign.h"

#define MARK_BEGIN UINT64_C(0xcbf29ce484222325)

uint64_t mark_with(uint64_t mark, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		mark = (mark ^ p[i]) * UINT64_C(0x100000001b3);
	return mark;
}

uint64_t mark_of_signers(const struct keyset *ks)
{
	uint64_t mark = MARK_BEGIN;

	for (unsigned k = 0; k < ks->count; k++) {
		if (ks->keys[k].signs_zone)
			mark = mark_with(mark, ks->keys[k].id, sizeof(ks->keys[k].id));
	}
	return mark;
}

uint64_t sign_keyset_mark(const struct keyset *ks)
{
	uint64_t mark = MARK_BEGIN;

	for (unsigned k = 0; k < ks->count; k++) {
		const struct keyset_key *key = &ks->keys[k];
		uint8_t work = (uint8_t)(key->in_set | key->signs_set << 1 | key->signs_zone << 2);

		mark = mark_with(mark, key->id, sizeof(key->id));
		mark = mark_with(mark, &work, sizeof(work));
	}
	mark = mark_with(mark, &ks->emergency_validity, sizeof(ks->emergency_validity));
	mark = mark_with(mark, ks->cds, ks->cds_len);
	return mark_with(mark, ks->cdnskey, ks->cdnskey_len);
}
