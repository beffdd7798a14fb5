/* The digest that a source's zone carries of itself (RFC 8976 section 4): whether what came in is
 * what was sent.  In a thread of the signing side; what is read is not trusted.
 *
 * It says nothing about who sent it: the signatures of a source that signs are stripped unread. */
#include "sign/zonemd.h"

#include <string.h>
#include "dns/rrtype.h"
#include "dns/soa.h"
#include "dns/zonemd.h"

#define HASHES 2

struct incoming {
	const uint8_t *apex;
	bool has_soa;
	bool has_mixed;	 /* an RRset's records had different TTLs: it has the lowest here */
	uint32_t serial; /* of the SOA */
	/* What the records of a scheme and hash that we know say, by hash - 1. */
	struct {
		bool is_there;
		uint8_t digest[ZONEMD_DIGEST_MAX];
		size_t len;
		uint32_t serial;
	} said[HASHES];
};

static int refuse(const struct incoming *in, struct err *e, const char *why)
{
	char zone[NAME_TEXT_SIZE];

	name_text(in->apex, zone);
	return err_set(e, ERR_VERIFY, "its ZONEMD (RFC 8976) at %.250s %s", zone, why);
}

static int take_zonemd(struct incoming *in, const struct spool_rrset *s, struct err *e)
{
	const uint8_t *p = s->rdata;

	for (unsigned i = 0; i < s->count; i++) {
		struct zonemd_fields f;
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		if (zonemd_parse(rdata, len, &f) != OK || f.scheme != ZONEMD_SIMPLE || f.hash < 1 ||
		    f.hash > HASHES || f.digest_len > ZONEMD_DIGEST_MAX)
			continue;
		if (in->said[f.hash - 1].is_there)
			return refuse(in, e,
			    "is there twice for one scheme and hash: neither can be trusted");
		in->said[f.hash - 1].is_there = true;
		memcpy(in->said[f.hash - 1].digest, f.digest, f.digest_len);
		in->said[f.hash - 1].len = f.digest_len;
		in->said[f.hash - 1].serial = f.serial;
	}
	return OK;
}

/* The sets of the apex come first. */
static int read_apex(struct incoming *in, struct spool *spool, struct err *e)
{
	struct spool_rrset s;
	struct soa soa;
	int rc;

	while ((rc = spool_next(spool, &s, e)) == OK && name_equal(s.owner, in->apex)) {
		if (s.type == RR_SOA && soa_parse(s.rdata + 2, s.rdata_len - 2, &soa) == OK) {
			in->has_soa = true;
			in->serial = soa.serial;
		}
		rc = s.type == RR_ZONEMD ? take_zonemd(in, &s, e) : OK;
		if (rc != OK)
			return rc;
	}
	return rc == ERR_MISSING ? OK : rc;
}

static int read_all(
    struct incoming *in, struct spool *spool, struct zonemd *digests[HASHES], struct err *e)
{
	struct spool_rrset s;
	int rc;

	while ((rc = spool_next(spool, &s, e)) == OK) {
		struct rrset set = {.owner = s.owner,
		    .type = s.type,
		    .ttl = s.ttl,
		    .count = s.count,
		    .rdata = s.rdata,
		    .rdata_len = s.rdata_len};

		in->has_mixed = in->has_mixed || (s.ttl_mixed && s.type != RR_RRSIG);
		for (unsigned i = 0; i < HASHES; i++) {
			if (digests[i] != NULL)
				zonemd_add(digests[i], &set);
		}
	}
	return rc == ERR_MISSING ? OK : rc;
}

/* One that fits is enough. */
static int check_digests(struct incoming *in, struct spool *spool, struct err *e)
{
	struct zonemd *digests[HASHES] = {NULL};
	bool fits = false;
	int rc;

	for (unsigned i = 0; i < HASHES; i++) {
		if (in->said[i].is_there)
			digests[i] = zonemd_new(in->apex, (uint8_t)(i + 1));
	}
	spool_rewind(spool);
	rc = read_all(in, spool, digests, e);
	for (unsigned i = 0; i < HASHES; i++) {
		uint8_t digest[ZONEMD_DIGEST_MAX];
		size_t len = digests[i] == NULL ? 0 : zonemd_end(digests[i], digest);

		fits = fits || (len > 0 && len == in->said[i].len &&
				   memcmp(digest, in->said[i].digest, len) == 0);
	}
	if (rc == OK && !fits)
		rc = refuse(in, e,
		    in->has_mixed
			? "cannot be that of what came in: an RRset has records of different TTLs, "
			  "which RFC 2181 section 5.2 forbids (the policy's zonemd.verify turns "
			  "this off)"
			: "is not the digest of what came in: the zone was changed on its way, or "
			  "at its source after the digest was made; nothing of it is used (the "
			  "policy's zonemd.verify turns this off)");
	return rc;
}

int zonemd_verify_spool(struct spool *spool, const uint8_t *apex, struct err *e)
{
	struct incoming in = {.apex = apex};
	bool is_there = false;
	int rc;

	spool_rewind(spool);
	rc = read_apex(&in, spool, e);
	for (unsigned i = 0; rc == OK && i < HASHES; i++) {
		is_there = is_there || in.said[i].is_there;
		if (in.said[i].is_there && in.has_soa && in.said[i].serial != in.serial)
			rc = refuse(&in, e,
			    "is of another serial than its SOA: it was not made anew with this "
			    "version of the zone (the policy's zonemd.verify turns this off)");
	}
	if (rc == OK && is_there)
		rc = check_digests(&in, spool, e);
	spool_rewind(spool);
	return rc;
}
