/* rdata_rules: rules for single types which other name servers enforce when they load or transfer
 * a zone.  What we let through here and they do not would be a version nobody takes.  Runs in
 * every process, on data from the network whose layout rdata_check has seen. */
#include "dns/rdata_rules.h"

#include <ldns/rr.h>
#include <string.h>
#include "base/buf.h"
#include "base/mem.h"
#include "dns/name.h"
#include "dns/rrtype.h"

static const char *check_bitmap(const uint8_t *p, size_t len, bool may_be_empty)
{
	int last = -1;

	if (len == 0)
		return may_be_empty ? NULL : "the type bitmap is empty";
	while (len > 0) {
		if (len < 2 || p[1] == 0 || p[1] > 32 || len - 2 < p[1])
			return "a window of the type bitmap is empty, too long or cut off";
		if (p[0] <= last)
			return "the windows of the type bitmap are not in order";
		if (p[1 + p[1]] == 0)
			return "a window of the type bitmap ends in a zero octet";
		last = p[0];
		len -= 2u + p[1];
		p += 2 + p[1];
	}
	return NULL;
}

static const char *check_nsec(const uint8_t *p, uint16_t len)
{
	size_t name = name_len(p);

	return check_bitmap(p + name, len - name, false);
}

static const char *check_nsec3(const uint8_t *p, uint16_t len)
{
	const uint8_t *hash = p + 5 + p[4];

	if (hash[0] == 0)
		return "the next hash is empty";
	if (p[0] == 1 && hash[0] != 20)
		return "the next hash must have 20 octets (SHA-1)";
	return check_bitmap(hash + 1 + hash[0], len - 6u - p[4] - hash[0], true);
}

static const char *check_csync(const uint8_t *p, uint16_t len)
{
	return check_bitmap(p + 6, len - 6u, true);
}

static const char *check_digest(uint8_t digest_type, size_t len)
{
	static const uint8_t sizes[] = {0, 20, 32, 32, 48};

	if (len == 0)
		return "the digest is empty";
	if (digest_type < MEM_COUNT(sizes) && sizes[digest_type] != 0 && len != sizes[digest_type])
		return "the digest has the wrong length for its type";
	return NULL;
}

static const char *check_ds(const uint8_t *p, uint16_t len)
{
	return check_digest(p[3], len - 4u);
}

static const char *check_cds(const uint8_t *p, uint16_t len)
{
	static const uint8_t delete_form[] = {0, 0, 0, 0, 0};

	if (p[2] != 0)
		return check_digest(p[3], len - 4u);
	return len == sizeof(delete_form) && memcmp(p, delete_form, len) == 0
		   ? NULL
		   : "algorithm 0 is only for the delete form 0 0 0 00 (RFC 8078)";
}

static const char *check_dnskey(const uint8_t *p, uint16_t len)
{
	(void)p;
	return len > 4 ? NULL : "the key is empty";
}

static const char *check_key(const uint8_t *p, uint16_t len)
{
	/* RFC 2535 3.1.2: both of the first bits set, and there is no key. */
	return len > 4 || (p[0] & 0xc0) == 0xc0 ? NULL : "the key is empty";
}

static const char *check_rrsig(const uint8_t *p, uint16_t len)
{
	return len > 18 + name_len(p + 18) ? NULL : "the signature is empty";
}

static const char *check_caa(const uint8_t *p, uint16_t len)
{
	(void)len;
	if (p[1] == 0)
		return "the tag is empty";
	for (unsigned i = 2; i < 2u + p[1]; i++)
		if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'z') ||
			(p[i] >= 'A' && p[i] <= 'Z')))
			return "the tag must be letters and digits";
	return NULL;
}

static const char *check_loc(const uint8_t *p, uint16_t len)
{
	const uint32_t middle = UINT32_C(1) << 31, degree = 3600 * 1000;
	uint32_t latitude = load_u32(p + 4), longitude = load_u32(p + 8);

	(void)len;
	if (p[0] != 0)
		return "the version must be 0";
	for (unsigned i = 1; i <= 3; i++)
		if (p[i] >> 4 > 9 || (p[i] & 15) > 9)
			return "a size or precision has a digit above 9";
	if (latitude - (middle - 90 * degree) > 180 * degree)
		return "the latitude is not within 90 degrees";
	if (longitude - (middle - 180 * degree) > 360 * degree)
		return "the longitude is not within 180 degrees";
	return NULL;
}

static const char *check_sshfp(const uint8_t *p, uint16_t len)
{
	if (len == 2)
		return "the fingerprint is empty";
	if ((p[1] == 1 && len != 2 + 20) || (p[1] == 2 && len != 2 + 32))
		return "the fingerprint has the wrong length for its type";
	return NULL;
}

/* Of another scheme than SIMPLE the digest may be anything: RFC 8976 appendix A.3. */
static const char *check_zonemd(const uint8_t *p, uint16_t len)
{
	size_t digest = len - 6u;

	if (digest < 12 ||
	    (p[4] == 1 && ((p[5] == 1 && digest != 48) || (p[5] == 2 && digest != 64))))
		return "the digest has the wrong length";
	return NULL;
}

static const char *check_cert(const uint8_t *p, uint16_t len)
{
	(void)p;
	return len > 5 ? NULL : "the certificate is empty";
}

static const char *check_x25(const uint8_t *p, uint16_t len)
{
	for (unsigned i = 1; i < len; i++)
		if (p[i] < '0' || p[i] > '9')
			return "the address must be digits";
	return p[0] >= 4 ? NULL : "the address must have 4 digits at least";
}

static const char *check_wks(const uint8_t *p, uint16_t len)
{
	(void)p;
	return len >= 5 && len <= 5 + 8192 ? NULL
					   : "the protocol is missing or the bitmap too long";
}

static const char *check_not_empty(const uint8_t *p, uint16_t len)
{
	(void)p;
	return len > 0 ? NULL : "it is empty";
}

#define TYPE_HHIT 67 /* ldns 1.8 has neither */
#define TYPE_BRID 68

static const struct rule {
	uint16_t type;
	const char *(*broken)(const uint8_t *rdata, uint16_t len);
} rules[] = {
    {LDNS_RR_TYPE_WKS, check_wks},
    {LDNS_RR_TYPE_X25, check_x25},
    {LDNS_RR_TYPE_NSAP, check_not_empty},
    {LDNS_RR_TYPE_SIG, check_rrsig},
    {LDNS_RR_TYPE_KEY, check_key},
    {LDNS_RR_TYPE_LOC, check_loc},
    {LDNS_RR_TYPE_EID, check_not_empty},
    {LDNS_RR_TYPE_NIMLOC, check_not_empty},
    {LDNS_RR_TYPE_ATMA, check_not_empty},
    {LDNS_RR_TYPE_CERT, check_cert},
    {RR_DS, check_ds},
    {LDNS_RR_TYPE_SSHFP, check_sshfp},
    {RR_RRSIG, check_rrsig},
    {RR_NSEC, check_nsec},
    {RR_DNSKEY, check_dnskey},
    {LDNS_RR_TYPE_DHCID, check_not_empty},
    {RR_NSEC3, check_nsec3},
    {RR_CDS, check_cds},
    {RR_CDNSKEY, check_dnskey},
    {LDNS_RR_TYPE_OPENPGPKEY, check_not_empty},
    {LDNS_RR_TYPE_CSYNC, check_csync},
    {RR_ZONEMD, check_zonemd},
    {LDNS_RR_TYPE_SVCB, rdata_rules_svcb},
    {LDNS_RR_TYPE_HTTPS, rdata_rules_svcb},
    {TYPE_HHIT, check_not_empty},
    {TYPE_BRID, check_not_empty},
    {LDNS_RR_TYPE_CAA, check_caa},
    {LDNS_RR_TYPE_TA, check_ds},
    {LDNS_RR_TYPE_DLV, check_ds},
};

const char *rdata_rules_broken(uint16_t type, const uint8_t *rdata, uint16_t len)
{
	for (size_t i = 0; i < MEM_COUNT(rules) && rules[i].type <= type; i++)
		if (rules[i].type == type)
			return rules[i].broken(rdata, len);
	return NULL;
}
