/* rrsig: what an RRSIG covers, octet for octet (RFC 4034 3.1.8.1).  Runs on the signing side, once
 * or twice per signature: this is the hot path, and nothing but the caller's buffer is allocated.
 */
#include "dns/dnskey.h"

#include <string.h>
#include "dns/name.h"

#define FIXED_LEN 18 /* up to the signer's name */

void rrsig_prefix(const struct rrset *set, const struct rrsig_params *p, struct buf *out)
{
	unsigned labels = name_labels(set->owner) - name_is_wildcard(set->owner);
	uint8_t *at = buf_extend(out, FIXED_LEN), *signer;
	size_t signer_len = name_len(p->signer);

	if (at == NULL)
		return;
	store_u16(at, set->type);
	at[2] = p->algorithm;
	at[3] = (uint8_t)labels;
	store_u32(at + 4, set->ttl);
	store_u32(at + 8, p->expiration);
	store_u32(at + 12, p->inception);
	store_u16(at + 16, p->key_tag);
	signer = buf_extend(out, signer_len);
	if (signer == NULL)
		return;
	memcpy(signer, p->signer, signer_len);
	name_lower(signer);
}

/* The TTL in the message is the one of the prefix: a verifier may hold the RRset with another. */
void rrsig_message(
    const struct rrset *set, const uint8_t *prefix, size_t prefix_len, struct buf *out)
{
	buf_put(out, prefix, prefix_len);
	rrset_canonical(set, load_u32(prefix + 4), out);
}

int rrsig_parse(const uint8_t *rdata, size_t len, struct rrsig *out)
{
	size_t signer_len;

	if (len <= FIXED_LEN)
		return ERR_FORMAT;
	signer_len = name_check(rdata + FIXED_LEN, len - FIXED_LEN);
	if (signer_len == 0 || FIXED_LEN + signer_len >= len)
		return ERR_FORMAT;
	out->covered = load_u16(rdata);
	out->algorithm = rdata[2];
	out->labels = rdata[3];
	out->original_ttl = load_u32(rdata + 4);
	out->expiration = load_u32(rdata + 8);
	out->inception = load_u32(rdata + 12);
	out->key_tag = load_u16(rdata + 16);
	out->signer = rdata + FIXED_LEN;
	out->prefix_len = FIXED_LEN + signer_len;
	out->signature = rdata + out->prefix_len;
	out->signature_len = len - out->prefix_len;
	return OK;
}
