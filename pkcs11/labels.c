/* Formats and parses the labels of our objects.  Runs wherever keys are handled.  A label read from
 * a token is not trusted: whoever has the PIN can write any; what does not parse exactly as we
 * write it is not ours. */
#include "pkcs11/labels.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base36_digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

/* Zones are looked up by their hash all the time, and to find the algorithm takes OpenSSL several
 * times as long as to hash a name. */
static EVP_MD *sha256;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch_sha256(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

void labels_zone_hash(const void *data, size_t len, uint8_t out[8])
{
	uint8_t digest[EVP_MAX_MD_SIZE] = {0};

	pthread_once(&once, fetch_sha256);
	EVP_Digest(data, len, digest, NULL, sha256 != NULL ? sha256 : EVP_sha256(), NULL);
	memcpy(out, digest, 8);
}

static void put_hash(const uint8_t hash[8], char out[17])
{
	for (unsigned i = 0; i < 8; i++) {
		out[2 * i] = hex_digits[hash[i] >> 4];
		out[2 * i + 1] = hex_digits[hash[i] & 15];
	}
	out[16] = '\0';
}

/* A number in a small alphabet, ended by `stop`; NULL unless it is exactly what we would write. */
static const char *get_number(const char *p, unsigned base, char stop, uint64_t *out)
{
	const char *start = p;
	uint64_t value = 0;

	for (; *p != stop; p++) {
		const char *digit = *p != '\0' ? memchr(base36_digits, *p, base) : NULL;
		if (digit == NULL)
			return NULL;
		unsigned d = (unsigned)(digit - base36_digits);
		if (value > (UINT64_MAX - d) / base)
			return NULL;
		value = value * base + d;
	}
	if (p == start || (*start == '0' && p - start > 1))
		return NULL;
	*out = value;
	return p;
}

static bool get_hex(const char *p, unsigned digits, uint64_t *out)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < digits; i++) {
		const char *digit = p[i] != '\0' ? strchr(hex_digits, p[i]) : NULL;
		if (digit == NULL)
			return false;
		value = value << 4 | (uint64_t)(digit - hex_digits);
	}
	*out = value;
	return true;
}

static bool get_hash(const char *p, uint8_t out[8])
{
	uint64_t value;

	if (!get_hex(p, 16, &value))
		return false;
	for (unsigned i = 0; i < 8; i++)
		out[i] = (uint8_t)(value >> (56 - 8 * i));
	return true;
}

void labels_format_key(const struct birth_label *l, char out[TOKEN_LABEL_MAX])
{
	char hash[17], birth[16];
	uint64_t rest = l->birth > 0 ? (uint64_t)l->birth : 0;
	char *p = birth + sizeof birth - 1;

	*p = '\0';
	do {
		*--p = base36_digits[rest % 36];
		rest /= 36;
	} while (rest > 0);
	put_hash(l->zone_hash, hash);
	snprintf(
	    out, TOKEN_LABEL_MAX, "itg1/%s/%c/%u/%s", hash, l->role, (unsigned)l->algorithm, p);
}

bool labels_parse_key(const char *label, struct birth_label *out)
{
	struct birth_label l = {0};
	uint64_t algorithm, birth;
	const char *p = label;

	if (strncmp(p, "itg1/", 5) != 0 || !get_hash(p + 5, l.zone_hash) || p[21] != '/')
		return false;
	if (p[22] == '\0' || strchr("kzc", p[22]) == NULL || p[23] != '/')
		return false;
	l.role = p[22];
	p = get_number(p + 24, 10, '/', &algorithm);
	if (p == NULL || algorithm > 255)
		return false;
	if (get_number(p + 1, 36, '\0', &birth) == NULL || birth > INT64_MAX)
		return false;
	l.algorithm = (uint8_t)algorithm;
	l.birth = (int64_t)birth;
	*out = l;
	return true;
}

void labels_format_record(const struct record_label *l, char out[TOKEN_LABEL_MAX])
{
	char hash[17];

	put_hash(l->zone_hash, hash);
	snprintf(out, TOKEN_LABEL_MAX, "itg1|%s|%llu|%04x", hash, (unsigned long long)l->sequence,
	    (unsigned)l->nonce);
}

bool labels_parse_record(const char *label, struct record_label *out)
{
	struct record_label l = {0};
	uint64_t nonce;
	const char *p = label;

	if (strncmp(p, "itg1|", 5) != 0 || !get_hash(p + 5, l.zone_hash) || p[21] != '|')
		return false;
	p = get_number(p + 22, 10, '|', &l.sequence);
	if (p == NULL || !get_hex(p + 1, 4, &nonce) || p[5] != '\0')
		return false;
	l.nonce = (uint16_t)nonce;
	*out = l;
	return true;
}
