/* rdata_parse_fields: one field of RDATA from the tokens of a zone file.  Runs on the signing side;
 * any text may come. */
#include "dns/rdata_parse_internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "dns/name.h"
#include "dns/nsec.h"
#include "dns/rrtype.h"

typedef bool field_fn(struct parse *p, ldns_rdf_type kind, struct buf *out);

static bool put_number(const char *text, size_t octets, struct buf *out)
{
	uint32_t most = octets == 1 ? UINT8_MAX : octets == 2 ? UINT16_MAX : UINT32_MAX, value;
	uint8_t wire[4];

	if (!parse_number(text, most, &value))
		return false;
	store_u32(wire, value);
	buf_put(out, wire + 4 - octets, octets);
	return true;
}

static bool field_name(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	(void)kind;
	return parse_name(p, out);
}

static bool field_number(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	size_t octets = kind == LDNS_RDF_TYPE_INT8 ? 1 : kind == LDNS_RDF_TYPE_INT16 ? 2 : 4;

	return put_number(parse_take(p), octets, out);
}

/* A number, or a mnemonic that ldns knows. */
static bool field_algorithm(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	const char *text = parse_take(p);
	size_t octets = kind == LDNS_RDF_TYPE_CERT_ALG ? 2 : 1;

	return put_number(text, octets, out) || parse_by_ldns(kind, text, out);
}

static bool field_period(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	uint32_t seconds;

	(void)kind;
	if (!rdata_parse_period(parse_take(p), &seconds))
		return false;
	buf_u32(out, seconds);
	return true;
}

static bool field_address(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	return parse_address(kind == LDNS_RDF_TYPE_A ? AF_INET : AF_INET6, parse_take(p), out);
}

static bool field_type(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	uint16_t type;

	(void)kind;
	if (!rrtype_parse(parse_take(p), &type))
		return false;
	buf_u16(out, type);
	return true;
}

/* Put the length of what stands behind out[at] there. */
static bool close_string(size_t at, struct buf *out)
{
	if (out->failed || out->len - at - 1 > UINT8_MAX)
		return false;
	out->data[at] = (uint8_t)(out->len - at - 1);
	return true;
}

static bool field_string(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	size_t at = out->len;

	(void)kind;
	buf_u8(out, 0);
	return rdata_parse_string(parse_take(p), out) && close_string(at, out);
}

static bool field_long_string(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	(void)kind;
	return rdata_parse_string(parse_take(p), out);
}

static bool field_salt(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	const char *text = parse_take(p);
	size_t at = out->len;

	(void)kind;
	buf_u8(out, 0);
	if (strcmp(text, "-") != 0 && (*text == '\0' || !parse_hex(text, '\0', out)))
		return false;
	return close_string(at, out);
}

static bool field_hex(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	(void)kind;
	return parse_hex_rest(p, out);
}

static int compare_types(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static bool field_bitmap(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	size_t count = 0, kept = 0;
	uint16_t *types = calloc(p->count - p->at + 1, sizeof(*types));
	bool good = types != NULL;

	(void)kind;
	while (good && p->at < p->count)
		good = rrtype_parse(parse_take(p), &types[count++]);
	if (good && count > 0) {
		qsort(types, count, sizeof(*types), compare_types);
		for (size_t i = 0; i < count; i++)
			if (i == 0 || types[i] != types[i - 1])
				types[kept++] = types[i];
		nsec_bitmap(types, kept, out);
	}
	free(types);
	return good;
}

/* The next tokens joined, as ldns wants them for one field. */
static bool put_joined(
    struct parse *p, ldns_rdf_type kind, const char *between, size_t most, struct buf *out)
{
	struct buf joined = {0};
	bool good = true;

	if (p->at == p->count)
		return layout_is_rest(kind);
	parse_join(p, between, most, &joined);
	good = !joined.failed && parse_by_ldns(kind, (const char *)joined.data, out);
	buf_free(&joined);
	return good;
}

static bool field_base64(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	return put_joined(p, kind, "", p->count, out);
}

static bool field_hip(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	return put_joined(p, kind, " ", 3, out);
}

static bool field_words(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	return put_joined(p, kind, " ", p->count, out);
}

static bool field_nsap(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	const char *text = parse_take(p);

	(void)kind;
	return strncasecmp(text, "0x", 2) == 0 && parse_hex(text + 2, '.', out);
}

static bool field_svcparams(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	(void)kind;
	return parse_svcparams(p, out);
}

/* RFC 3597 has another form for these. */
static bool field_unknown(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	(void)p;
	(void)kind;
	(void)out;
	return false;
}

static field_fn *const kinds[FIELD_KINDS] = {
    [LDNS_RDF_TYPE_DNAME] = field_name,
    [LDNS_RDF_TYPE_INT8] = field_number,
    [LDNS_RDF_TYPE_INT16] = field_number,
    [LDNS_RDF_TYPE_INT32] = field_number,
    [LDNS_RDF_TYPE_ALG] = field_algorithm,
    [LDNS_RDF_TYPE_CERT_ALG] = field_algorithm,
    [LDNS_RDF_TYPE_PERIOD] = field_period,
    [LDNS_RDF_TYPE_A] = field_address,
    [LDNS_RDF_TYPE_AAAA] = field_address,
    [LDNS_RDF_TYPE_STR] = field_string,
    [LDNS_RDF_TYPE_TAG] = field_string,
    [LDNS_RDF_TYPE_LONG_STR] = field_long_string,
    [LDNS_RDF_TYPE_TYPE] = field_type,
    [LDNS_RDF_TYPE_HEX] = field_hex,
    [LDNS_RDF_TYPE_B64] = field_base64,
    [LDNS_RDF_TYPE_NSEC] = field_bitmap,
    [LDNS_RDF_TYPE_NSEC3_SALT] = field_salt,
    [LDNS_RDF_TYPE_NSAP] = field_nsap,
    [LDNS_RDF_TYPE_HIP] = field_hip,
    [LDNS_RDF_TYPE_LOC] = field_words,
    [LDNS_RDF_TYPE_WKS] = field_words,
    [LDNS_RDF_TYPE_SVCPARAMS] = field_svcparams,
    [LDNS_RDF_TYPE_UNKNOWN] = field_unknown,
    [LDNS_RDF_TYPE_NSEC3_NEXT_OWNER] = parse_special,
    [LDNS_RDF_TYPE_EUI48] = parse_special,
    [LDNS_RDF_TYPE_EUI64] = parse_special,
    [LDNS_RDF_TYPE_ATMA] = parse_special,
    [LDNS_RDF_TYPE_IPSECKEY] = parse_special,
    [LDNS_RDF_TYPE_AMTRELAY] = parse_special,
    [FIELD_A6] = parse_special,
    [FIELD_SCHEME] = parse_special,
};

bool parse_field(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	return kinds[kind] != NULL ? kinds[kind](p, kind, out)
				   : parse_by_ldns(kind, parse_take(p), out);
}
