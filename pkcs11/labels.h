/* labels: the names our objects carry in a token (at most 40 octets, for tokens that allow no more).
 *
 *   keys     itg1/<16 hex of the zone's hash>/<k|z|c>/<algorithm>/<birth, seconds, base 36>
 *   records  itg1|<16 hex of the zone's hash>|<sequence, decimal>|<4 hex, random>
 *
 * The zone's hash is the first 8 octets of SHA-256 over its name in canonical wire form (a shared
 * key: over the name that stands for the policy's keys, keys/share.h).  Objects with other labels are not ours: never
 * touched. */
#ifndef PKCS11_LABELS_H
#define PKCS11_LABELS_H

#include <stdbool.h>
#include <stdint.h>
#include "pkcs11/token.h"

struct birth_label {
	uint8_t zone_hash[8];
	char role; /* 'k', 'z', 'c' */
	uint8_t algorithm;
	int64_t birth;
};
struct record_label {
	uint8_t zone_hash[8];
	uint64_t sequence;
	uint16_t nonce;
};
void labels_zone_hash(const void *data, size_t len, uint8_t out[8]);
void labels_format_key(const struct birth_label *l, char out[TOKEN_LABEL_MAX]);
bool labels_parse_key(const char *label, struct birth_label *out);
void labels_format_record(const struct record_label *l, char out[TOKEN_LABEL_MAX]);
bool labels_parse_record(const char *label, struct record_label *out);

#endif
