/* zonemd: the digest of a zone (RFC 8976 section 3.3).  Runs in the signing side, in a thread of
 * its own.
 *
 * The RRSIGs of a name are one RRset, which stands between its other types: so they are gathered,
 * and what comes behind them waits, until the name is complete. */
#include "dns/zonemd.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/digest.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"

#define FIXED_LEN 6	   /* serial, scheme, hash */
#define CHUNK (256 * 1024) /* octets hashed at once */

struct zonemd {
	EVP_MD_CTX *ctx;
	uint8_t apex[NAME_MAX_LEN];
	uint8_t owner[NAME_MAX_LEN]; /* of the name in hand, lower case */
	bool has_owner;
	struct buf ready;  /* canonical records */
	struct buf behind; /* those of the name in hand whose types are greater than RRSIG */
	struct buf sigs;   /* u16 length, RDATA in canonical form */
	unsigned sig_count;
	bool failed;
};

int zonemd_parse(const uint8_t *rdata, size_t len, struct zonemd_fields *out)
{
	if (len <= FIXED_LEN)
		return ERR_FORMAT;
	*out = (struct zonemd_fields){.serial = load_u32(rdata),
	    .scheme = rdata[4],
	    .hash = rdata[5],
	    .digest = rdata + FIXED_LEN,
	    .digest_len = len - FIXED_LEN};
	return OK;
}

void zonemd_rdata(const struct zonemd_fields *f, struct buf *out)
{
	buf_u32(out, f->serial);
	buf_u8(out, f->scheme);
	buf_u8(out, f->hash);
	buf_put(out, f->digest, f->digest_len);
}

struct zonemd *zonemd_new(const uint8_t *apex, uint8_t hash)
{
	const EVP_MD *md;
	struct zonemd *z;

	if (hash != ZONEMD_SHA384 && hash != ZONEMD_SHA512)
		return NULL;
	md = digest_md(hash == ZONEMD_SHA384 ? DIGEST_SHA384 : DIGEST_SHA512);
	z = mem_alloc(sizeof(*z));
	z->ctx = EVP_MD_CTX_new();
	z->failed = z->ctx == NULL || EVP_DigestInit_ex(z->ctx, md, NULL) != 1;
	memcpy(z->apex, apex, name_len(apex));
	return z;
}

static void hash_ready(struct zonemd *z)
{
	z->failed = z->failed || z->ready.failed ||
		    EVP_DigestUpdate(z->ctx, z->ready.data, z->ready.len) != 1;
	buf_reset(&z->ready);
}

static int compare_sigs(const void *a, const void *b)
{
	const uint8_t *x = *(const uint8_t *const *)a, *y = *(const uint8_t *const *)b;

	return rdata_compare(x + 2, load_u16(x), y + 2, load_u16(y));
}

/* The TTL of an RRSIG is that of its RRset (RFC 4034 section 3), which it says itself. */
static void put_sig(struct zonemd *z, const uint8_t *rdata, uint16_t len)
{
	buf_put(&z->ready, z->owner, name_len(z->owner));
	buf_u16(&z->ready, RR_RRSIG);
	buf_u16(&z->ready, 1); /* IN */
	buf_put(&z->ready, rdata + 4, 4);
	buf_u16(&z->ready, len);
	buf_put(&z->ready, rdata, len);
}

static void end_name(struct zonemd *z)
{
	const uint8_t **sigs = mem_array(z->sig_count + 1, sizeof(*sigs)), *p = z->sigs.data;

	z->failed = z->failed || z->sigs.failed || z->behind.failed;
	for (unsigned i = 0; !z->failed && i < z->sig_count; i++) {
		uint16_t len;

		sigs[i] = p;
		rrset_next(&p, &len);
	}
	if (!z->failed && z->sig_count > 0)
		qsort(sigs, z->sig_count, sizeof(*sigs), compare_sigs);
	for (unsigned i = 0; !z->failed && i < z->sig_count; i++) {
		if (i == 0 || compare_sigs(&sigs[i - 1], &sigs[i]) != 0)
			put_sig(z, sigs[i] + 2, load_u16(sigs[i]));
	}
	free(sigs);
	buf_put(&z->ready, z->behind.data, z->behind.len);
	buf_reset(&z->behind);
	buf_reset(&z->sigs);
	z->sig_count = 0;
	if (z->ready.len >= CHUNK)
		hash_ready(z);
}

static void begin_name(struct zonemd *z, const uint8_t *owner)
{
	end_name(z);
	memcpy(z->owner, owner, name_len(owner));
	name_lower(z->owner);
	z->has_owner = true;
}

static void take_sigs(struct zonemd *z, const uint8_t *items, unsigned count)
{
	bool is_apex = name_equal(z->owner, z->apex);

	for (unsigned i = 0; i < count; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&items, &len);
		size_t at = z->sigs.len;

		if (len < 18 || (is_apex && load_u16(rdata) == RR_ZONEMD))
			continue;
		buf_lv16(&z->sigs, rdata, len);
		if (z->sigs.failed)
			return;
		rdata_canonical(RR_RRSIG, rdata, len, z->sigs.data + at + 2);
		z->sig_count++;
	}
}

void zonemd_add(struct zonemd *z, const struct rrset *set)
{
	if (!z->has_owner || !name_equal(z->owner, set->owner))
		begin_name(z, set->owner);
	if (set->type == RR_ZONEMD && name_equal(z->owner, z->apex))
		return;
	if (set->type == RR_RRSIG)
		take_sigs(z, set->rdata, set->count);
	else
		rrset_canonical(set, set->ttl, set->type < RR_RRSIG ? &z->ready : &z->behind);
	take_sigs(z, set->sigdata, set->sigs);
}

size_t zonemd_end(struct zonemd *z, uint8_t out[ZONEMD_DIGEST_MAX])
{
	unsigned len = 0;

	end_name(z);
	hash_ready(z);
	if (!z->failed && EVP_DigestFinal_ex(z->ctx, out, &len) != 1)
		len = 0;
	EVP_MD_CTX_free(z->ctx);
	buf_free(&z->ready);
	buf_free(&z->behind);
	buf_free(&z->sigs);
	free(z);
	return len;
}
