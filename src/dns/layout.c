/* layout: the fields of each type's RDATA.  Runs in every process; the octets that
 * layout_field_len measures come from the network. */
#include "dns/layout.h"

#include <strings.h>
#include "base/buf.h"
#include "base/mem.h"
#include "dns/name.h"

static const ldns_rdf_type fields_name[] = {LDNS_RDF_TYPE_DNAME};
static const ldns_rdf_type fields_nxt[] = {LDNS_RDF_TYPE_DNAME, LDNS_RDF_TYPE_UNKNOWN};
static const ldns_rdf_type fields_a6[] = {(ldns_rdf_type)FIELD_A6};
static const ldns_rdf_type fields_sink[] = {
    LDNS_RDF_TYPE_INT8, LDNS_RDF_TYPE_INT8, LDNS_RDF_TYPE_INT8, LDNS_RDF_TYPE_B64};
static const ldns_rdf_type fields_rkey[] = {
    LDNS_RDF_TYPE_INT16, LDNS_RDF_TYPE_INT8, LDNS_RDF_TYPE_ALG, LDNS_RDF_TYPE_B64};
static const ldns_rdf_type fields_dsync[] = {
    LDNS_RDF_TYPE_TYPE, (ldns_rdf_type)FIELD_SCHEME, LDNS_RDF_TYPE_INT16, LDNS_RDF_TYPE_DNAME};
static const ldns_rdf_type fields_base64[] = {LDNS_RDF_TYPE_B64};
static const ldns_rdf_type fields_opaque[] = {LDNS_RDF_TYPE_UNKNOWN};
static const ldns_rdf_type fields_doa[] = {LDNS_RDF_TYPE_INT32, LDNS_RDF_TYPE_INT32,
    LDNS_RDF_TYPE_INT8, LDNS_RDF_TYPE_STR, LDNS_RDF_TYPE_B64};
static const ldns_rdf_type fields_amtrelay[] = {LDNS_RDF_TYPE_AMTRELAY};
static const ldns_rdf_type fields_ta[] = {
    LDNS_RDF_TYPE_INT16, LDNS_RDF_TYPE_ALG, LDNS_RDF_TYPE_INT8, LDNS_RDF_TYPE_HEX};

#define FIXED(type, name, min, fields)                                                             \
	{                                                                                          \
		type, name, min, MEM_COUNT(fields), fields, LDNS_RDF_TYPE_NONE,                    \
		    LDNS_RR_NO_COMPRESS, 0                                                         \
	}
#define STRINGS(type, name)                                                                        \
	{                                                                                          \
		type, name, 1, 0, NULL, LDNS_RDF_TYPE_STR, LDNS_RR_NO_COMPRESS, 0                  \
	}

/* Sorted by type.  NSAP-PTR is a name (RFC 1348), SINK has four fields, and NXT's descriptor has
 * a bitmap that is always there; the others ldns 1.8 does not know. */
static const ldns_rr_descriptor ours[] = {
    FIXED(23, "NSAP-PTR", 1, fields_name),
    FIXED(30, "NXT", 2, fields_nxt),
    FIXED(38, "A6", 1, fields_a6),
    FIXED(40, "SINK", 3, fields_sink),
    STRINGS(56, "NINFO"),
    FIXED(57, "RKEY", 4, fields_rkey),
    FIXED(66, "DSYNC", 4, fields_dsync),
    FIXED(67, "HHIT", 1, fields_base64),
    FIXED(68, "BRID", 1, fields_base64),
    FIXED(100, "UINFO", 0, fields_opaque),
    FIXED(101, "UID", 0, fields_opaque),
    FIXED(102, "GID", 0, fields_opaque),
    FIXED(103, "UNSPEC", 0, fields_opaque),
    STRINGS(258, "AVC"),
    FIXED(259, "DOA", 4, fields_doa),
    FIXED(260, "AMTRELAY", 1, fields_amtrelay),
    STRINGS(261, "RESINFO"),
    STRINGS(262, "WALLET"),
    FIXED(32768, "TA", 4, fields_ta),
};

const ldns_rr_descriptor *layout_common(uint16_t type)
{
	const ldns_rr_descriptor *d = ldns_rr_descript(type);

	/* ldns fills its gaps with entries called TYPE<number>. */
	if (d == NULL || d->_type != type || d->_name == NULL || strncmp(d->_name, "TYPE", 4) == 0)
		return NULL;
	return d;
}

const ldns_rr_descriptor *layout_of(uint16_t type)
{
	for (size_t i = 0; i < MEM_COUNT(ours) && ours[i]._type <= type; i++)
		if (ours[i]._type == type)
			return &ours[i];
	return layout_common(type);
}

const ldns_rr_descriptor *layout_by_name(const char *name)
{
	for (size_t i = 0; i < MEM_COUNT(ours); i++)
		if (strcasecmp(ours[i]._name, name) == 0)
			return &ours[i];
	return NULL;
}

ldns_rdf_type layout_field(const ldns_rr_descriptor *d, size_t i)
{
	/* Types that repeat a field have a `_maximum` that is not the size of the array. */
	if (d->_variable != LDNS_RDF_TYPE_NONE)
		return i < d->_minimum && d->_wireformat != NULL ? d->_wireformat[i] : d->_variable;
	return i < d->_maximum ? d->_wireformat[i] : LDNS_RDF_TYPE_NONE;
}

bool layout_is_rest(ldns_rdf_type kind)
{
	static const bool rest[FIELD_KINDS] = {[LDNS_RDF_TYPE_B64] = true,
	    [LDNS_RDF_TYPE_HEX] = true,
	    [LDNS_RDF_TYPE_NSEC] = true,
	    [LDNS_RDF_TYPE_LONG_STR] = true,
	    [LDNS_RDF_TYPE_UNKNOWN] = true,
	    [LDNS_RDF_TYPE_SVCPARAMS] = true,
	    [LDNS_RDF_TYPE_WKS] = true,
	    [LDNS_RDF_TYPE_NSAP] = true,
	    [LDNS_RDF_TYPE_ATMA] = true,
	    [LDNS_RDF_TYPE_IPSECKEY] = true,
	    [LDNS_RDF_TYPE_AMTRELAY] = true,
	    [FIELD_A6] = true};

	return rest[kind];
}

/* Lengths of the kinds that always have the same one. */
static const uint8_t fixed_len[FIELD_KINDS] = {[LDNS_RDF_TYPE_INT8] = 1,
    [LDNS_RDF_TYPE_ALG] = 1,
    [LDNS_RDF_TYPE_CERTIFICATE_USAGE] = 1,
    [LDNS_RDF_TYPE_SELECTOR] = 1,
    [LDNS_RDF_TYPE_MATCHING_TYPE] = 1,
    [FIELD_SCHEME] = 1,
    [LDNS_RDF_TYPE_INT16] = 2,
    [LDNS_RDF_TYPE_TYPE] = 2,
    [LDNS_RDF_TYPE_CLASS] = 2,
    [LDNS_RDF_TYPE_CERT_ALG] = 2,
    [LDNS_RDF_TYPE_INT32] = 4,
    [LDNS_RDF_TYPE_A] = 4,
    [LDNS_RDF_TYPE_TIME] = 4,
    [LDNS_RDF_TYPE_PERIOD] = 4,
    [LDNS_RDF_TYPE_TSIGTIME] = 6,
    [LDNS_RDF_TYPE_EUI48] = 6,
    [LDNS_RDF_TYPE_ILNP64] = 8,
    [LDNS_RDF_TYPE_EUI64] = 8,
    [LDNS_RDF_TYPE_AAAA] = 16,
    [LDNS_RDF_TYPE_LOC] = 16};

/* Precedence, D bit and type of the relay, relay (RFC 8777 4.2); and the same with an algorithm
 * between (RFC 4025 2.1).  Octets before what follows the address, or -1. */
static ssize_t gateway_len(unsigned type, size_t head, const uint8_t *p, size_t left)
{
	static const uint8_t sizes[] = {0, 4, 16};
	size_t len = type < MEM_COUNT(sizes) ? sizes[type] : 0;

	if (type == 3) {
		len = name_check(p + head, left - head);
		if (len == 0)
			return -1;
	}
	return head + len <= left ? (ssize_t)(head + len) : -1;
}

static ssize_t apl_item_len(const uint8_t *p, size_t left)
{
	static const uint8_t most_bits[] = {255, 32, 128}, most_octets[] = {127, 4, 16};
	uint16_t family;
	size_t len;

	if (left < 4)
		return -1;
	family = load_u16(p);
	family = family <= 2 ? family : 0;
	len = p[3] & 0x7f;
	if (p[2] > most_bits[family] || len > most_octets[family] || len > left - 4)
		return -1;
	/* RFC 3123 4: trailing zero octets are left out. */
	return len > 0 && p[3 + len] == 0 ? -1 : (ssize_t)(4 + len);
}

/* HIT length, algorithm, key length, HIT, key (RFC 8005 5). */
static ssize_t hip_len(const uint8_t *p, size_t left)
{
	size_t len;

	if (left < 4 || p[0] == 0 || load_u16(p + 2) == 0)
		return -1;
	len = 4 + (size_t)p[0] + load_u16(p + 2);
	return len <= left ? (ssize_t)len : -1;
}

static ssize_t a6_len(const uint8_t *p, size_t left)
{
	size_t suffix, name;

	if (left < 1 || p[0] > 128)
		return -1;
	suffix = 1 + (128 - (size_t)p[0] + 7) / 8;
	if (suffix > left)
		return -1;
	name = p[0] == 0 ? 0 : name_check(p + suffix, left - suffix);
	return suffix + name == left && (p[0] == 0 || name > 0) ? (ssize_t)left : -1;
}

static ssize_t ipseckey_len(const uint8_t *p, size_t left)
{
	return left >= 3 && p[1] <= 3 && gateway_len(p[1], 3, p, left) > 0 ? (ssize_t)left : -1;
}

/* A relay of a type not known yet may have any length. */
static ssize_t amtrelay_len(const uint8_t *p, size_t left)
{
	ssize_t len = left >= 2 ? gateway_len(p[1] & 0x7f, 2, p, left) : -1;

	return len == (ssize_t)left || (len > 0 && (p[1] & 0x7f) > 3) ? (ssize_t)left : -1;
}

ssize_t layout_field_len(ldns_rdf_type kind, const uint8_t *p, size_t left)
{
	size_t len = fixed_len[kind];

	if (len > 0)
		return len <= left ? (ssize_t)len : -1;
	switch ((int)kind) {
	case LDNS_RDF_TYPE_DNAME:
		len = name_check(p, left);
		return len > 0 ? (ssize_t)len : -1;
	case LDNS_RDF_TYPE_STR:
	case LDNS_RDF_TYPE_TAG:
	case LDNS_RDF_TYPE_NSEC3_SALT:
	case LDNS_RDF_TYPE_NSEC3_NEXT_OWNER:
		return left > 0 && p[0] < left ? p[0] + 1 : -1;
	case LDNS_RDF_TYPE_INT16_DATA:
		return left >= 2 && load_u16(p) <= left - 2 ? load_u16(p) + 2 : -1;
	case LDNS_RDF_TYPE_APL:
		return apl_item_len(p, left);
	case LDNS_RDF_TYPE_HIP:
		return hip_len(p, left);
	case FIELD_A6:
		return a6_len(p, left);
	case LDNS_RDF_TYPE_IPSECKEY:
		return ipseckey_len(p, left);
	case LDNS_RDF_TYPE_AMTRELAY:
		return amtrelay_len(p, left);
	default:
		return layout_is_rest(kind) ? (ssize_t)left : -1;
	}
}

#define BIT(type) (UINT64_C(1) << (type))

/* NS MD MF CNAME SOA MB MG MR PTR MINFO MX RP AFSDB RT SIG PX NXT SRV NAPTR */
static const uint64_t compressible = BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) |
				     BIT(9) | BIT(12) | BIT(14) | BIT(15) | BIT(17) | BIT(18) |
				     BIT(21) | BIT(24) | BIT(26) | BIT(30) | BIT(33) | BIT(35);
/* KX A6 DNAME RRSIG; not NSEC (RFC 6840 5.1), and HINFO, which RFC 4034 lists, has no names. */
static const uint64_t lowered_too = BIT(36) | BIT(38) | BIT(39) | BIT(46);

bool layout_is_lowered(uint16_t type)
{
	return type < 64 && ((compressible | lowered_too) >> type & 1) != 0;
}

bool layout_is_compressible(uint16_t type)
{
	return type < 64 && (compressible >> type & 1) != 0;
}
