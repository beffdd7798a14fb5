/* dnskey: algorithms, DNSKEY and DS RDATA.  Runs on the signing side and in the network side's
 * probes. */
#include "dns/dnskey.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "dns/digest.h"

static const struct {
	const char *name;
	enum dnskey_algorithm number;
	bool hashed;
	enum digest digest;
} algorithms[] = {
    {"RSASHA256", ALG_RSASHA256, true, DIGEST_SHA256},
    {"RSASHA512", ALG_RSASHA512, true, DIGEST_SHA512},
    {"ECDSAP256SHA256", ALG_ECDSAP256SHA256, true, DIGEST_SHA256},
    {"ECDSAP384SHA384", ALG_ECDSAP384SHA384, true, DIGEST_SHA384},
    {"ED25519", ALG_ED25519, false, 0},
    {"ED448", ALG_ED448, false, 0},
};

/* Index into algorithms; their number when it is not one of ours. */
static size_t find(uint8_t algorithm)
{
	size_t i = 0;

	while (i < MEM_COUNT(algorithms) && algorithms[i].number != algorithm)
		i++;
	return i;
}

const char *dnskey_algorithm_name(uint8_t algorithm)
{
	size_t i = find(algorithm);

	return i < MEM_COUNT(algorithms) ? algorithms[i].name : NULL;
}

int dnskey_algorithm_parse(const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (end != text && *end == '\0')
		return number <= UINT8_MAX && find((uint8_t)number) < MEM_COUNT(algorithms)
			   ? (int)number
			   : 0;
	for (size_t i = 0; i < MEM_COUNT(algorithms); i++)
		if (strcasecmp(algorithms[i].name, text) == 0)
			return algorithms[i].number;
	return 0;
}

bool dnskey_is_hashed(uint8_t algorithm)
{
	size_t i = find(algorithm);

	return i < MEM_COUNT(algorithms) && algorithms[i].hashed;
}

size_t dnskey_digest_len(uint8_t algorithm)
{
	size_t i = find(algorithm);

	return i < MEM_COUNT(algorithms) && algorithms[i].hashed ? digest_len(algorithms[i].digest)
								 : 0;
}

size_t rrsig_digest(uint8_t algorithm, const uint8_t *message, size_t len, uint8_t out[64])
{
	size_t i = find(algorithm);

	if (i == MEM_COUNT(algorithms) || !algorithms[i].hashed)
		return 0;
	return digest_once(algorithms[i].digest, message, len, out);
}

void dnskey_rdata(
    uint16_t flags, uint8_t algorithm, const uint8_t *pub, size_t len, struct buf *out)
{
	buf_u16(out, flags);
	buf_u8(out, 3); /* protocol, RFC 4034 2.1.2 */
	buf_u8(out, algorithm);
	buf_put(out, pub, len);
}

uint16_t dnskey_tag(const uint8_t *rdata, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? rdata[i] : (uint32_t)rdata[i] << 8;
	return (uint16_t)(sum + (sum >> 16));
}

int dnskey_ds(
    const uint8_t *owner, const uint8_t *rdata, size_t len, uint8_t digest_type, struct buf *out)
{
	static const int kinds[] = {[1] = DIGEST_SHA1, [2] = DIGEST_SHA256, [4] = DIGEST_SHA384};
	struct buf message = {0};
	uint8_t name[NAME_MAX_LEN], hash[DIGEST_MAX];
	size_t hash_len;
	int rc = OK;

	if ((digest_type != 1 && digest_type != 2 && digest_type != 4) || len < 4)
		return ERR_ARGUMENT;
	memcpy(name, owner, name_len(owner));
	name_lower(name);
	buf_put(&message, name, name_len(name));
	buf_put(&message, rdata, len);
	if (!message.failed) {
		hash_len =
		    digest_once((enum digest)kinds[digest_type], message.data, message.len, hash);
		buf_u16(out, dnskey_tag(rdata, len));
		buf_u8(out, rdata[3]);
		buf_u8(out, digest_type);
		buf_put(out, hash, hash_len);
	}
	if (message.failed || out->failed)
		rc = ERR_LIMIT;
	buf_free(&message);
	return rc;
}
