/* rdata_parse: RDATA from presentation form, field by field.  Runs on the signing side, for zone
 * files, which an operator or a machine has written: any text may come. */
#include "dns/rdata_parse.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "dns/layout.h"
#include "dns/name.h"
#include "dns/nsec.h"
#include "dns/rdata.h"
#include "dns/rdata_parse_internal.h"
#include "dns/rrtype.h"

const char *parse_take(struct parse *p)
{
	return p->at < p->count ? p->tokens[p->at++].text : "";
}

bool rdata_parse_period(const char *text, uint32_t *out)
{
	uint64_t total = 0, number = 0;
	bool digits = false;

	for (; *text != '\0'; text++) {
		static const char units[] = "smhdw";
		static const uint32_t seconds[] = {1, 60, 3600, 86400, 604800};
		const char *unit = strchr(units, *text | 0x20);

		if (*text >= '0' && *text <= '9') {
			number = number * 10 + (uint64_t)(*text - '0');
			digits = true;
		} else if (unit != NULL && digits) {
			total += number * seconds[unit - units];
			number = 0;
			digits = false;
		} else {
			return false;
		}
		if (number > UINT32_MAX || total > UINT32_MAX)
			return false;
	}
	if (total + number > UINT32_MAX || (!digits && total == 0))
		return false;
	*out = (uint32_t)(total + number);
	return true;
}

bool parse_number(const char *text, uint32_t most, uint32_t *out)
{
	uint64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
		if (value > most)
			return false;
	}
	*out = (uint32_t)value;
	return true;
}

bool rdata_parse_string(const char *text, struct buf *out)
{
	while (*text != '\0') {
		unsigned value = (uint8_t)*text++;

		if (value == '\\') {
			const char *digits = text;

			if (*digits == '\0')
				return false;
			value = (uint8_t)*text++;
			if (value >= '0' && value <= '9') {
				if (strspn(digits, "0123456789") < 3)
					return false;
				value = (unsigned)(digits[0] - '0') * 100 +
					(unsigned)(digits[1] - '0') * 10 +
					(unsigned)(digits[2] - '0');
				text = digits + 3;
			}
		}
		if (value > UINT8_MAX)
			return false;
		buf_u8(out, (uint8_t)value);
	}
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool parse_hex(const char *text, char skip, struct buf *out)
{
	int high = -1;

	for (; *text != '\0'; text++) {
		int digit = hex_digit(*text);

		if (*text == skip && skip != '\0')
			continue;
		if (digit < 0)
			return false;
		if (high >= 0)
			buf_u8(out, (uint8_t)(high << 4 | digit));
		high = high >= 0 ? -1 : digit;
	}
	return high < 0;
}

static bool put_hex_rest(struct parse *p, struct buf *out)
{
	struct buf joined = {0};
	bool good;

	parse_join(p, "", p->count, &joined);
	good = !joined.failed && parse_hex((const char *)joined.data, '\0', out);
	buf_free(&joined);
	return good;
}

void parse_join(struct parse *p, const char *between, size_t most, struct buf *out)
{
	for (size_t n = 0; n < most && p->at < p->count; n++) {
		const struct rdata_token *t = &p->tokens[p->at++];

		if (n > 0)
			buf_put(out, between, strlen(between));
		buf_put(out, t->text, strlen(t->text));
	}
	buf_u8(out, '\0');
}

bool parse_by_ldns(ldns_rdf_type kind, const char *text, struct buf *out)
{
	ldns_rdf *field = ldns_rdf_new_frm_str(kind, text);

	if (field == NULL)
		return false;
	buf_put(out, ldns_rdf_data(field), ldns_rdf_size(field));
	ldns_rdf_deep_free(field);
	return true;
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

static bool put_string(const char *text, struct buf *out)
{
	size_t at = out->len, len;

	buf_u8(out, 0);
	if (!rdata_parse_string(text, out) || out->failed)
		return false;
	len = out->len - at - 1;
	if (len > UINT8_MAX)
		return false;
	out->data[at] = (uint8_t)len;
	return true;
}

static bool put_salt(const char *text, struct buf *out)
{
	size_t at = out->len;

	buf_u8(out, 0);
	if (strcmp(text, "-") != 0 && (*text == '\0' || !parse_hex(text, '\0', out)))
		return false;
	if (out->failed || out->len - at - 1 > UINT8_MAX)
		return false;
	out->data[at] = (uint8_t)(out->len - at - 1);
	return true;
}

static int compare_types(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static bool put_bitmap(struct parse *p, struct buf *out)
{
	size_t count = 0, kept = 0;
	uint16_t *types = calloc(p->count - p->at + 1, sizeof(*types));
	bool good = types != NULL;

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

bool parse_name(struct parse *p, struct buf *out)
{
	const char *text = parse_take(p);
	uint8_t name[NAME_MAX_LEN];

	if (strcmp(text, "@") == 0)
		memcpy(name, p->origin, name_len(p->origin));
	else if (name_parse_at(text, p->origin, name) != OK)
		return false;
	buf_put(out, name, name_len(name));
	return true;
}

bool parse_address(int family, const char *text, struct buf *out)
{
	uint8_t address[16];

	if (inet_pton(family, text, address) != 1)
		return false;
	buf_put(out, address, family == AF_INET ? 4 : 16);
	return true;
}

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

/* A number, or a mnemonic that ldns knows. */
static bool put_algorithm(ldns_rdf_type kind, const char *text, struct buf *out)
{
	size_t octets = kind == LDNS_RDF_TYPE_CERT_ALG ? 2 : 1;

	return put_number(text, octets, out) || parse_by_ldns(kind, text, out);
}

static bool put_type(const char *text, struct buf *out)
{
	uint16_t type;

	if (!rrtype_parse(text, &type))
		return false;
	buf_u16(out, type);
	return true;
}

static bool put_nsap(const char *text, struct buf *out)
{
	return strncasecmp(text, "0x", 2) == 0 && parse_hex(text + 2, '.', out);
}

static bool put_period(const char *text, struct buf *out)
{
	uint32_t seconds;

	if (!rdata_parse_period(text, &seconds))
		return false;
	buf_u32(out, seconds);
	return true;
}

static bool put_field(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	switch ((int)kind) {
	case LDNS_RDF_TYPE_DNAME:
		return parse_name(p, out);
	case LDNS_RDF_TYPE_INT8:
		return put_number(parse_take(p), 1, out);
	case LDNS_RDF_TYPE_INT16:
		return put_number(parse_take(p), 2, out);
	case LDNS_RDF_TYPE_INT32:
		return put_number(parse_take(p), 4, out);
	case LDNS_RDF_TYPE_PERIOD:
		return put_period(parse_take(p), out);
	case LDNS_RDF_TYPE_A:
		return parse_address(AF_INET, parse_take(p), out);
	case LDNS_RDF_TYPE_AAAA:
		return parse_address(AF_INET6, parse_take(p), out);
	case LDNS_RDF_TYPE_STR:
	case LDNS_RDF_TYPE_TAG:
		return put_string(parse_take(p), out);
	case LDNS_RDF_TYPE_LONG_STR:
		return rdata_parse_string(parse_take(p), out);
	case LDNS_RDF_TYPE_TYPE:
		return put_type(parse_take(p), out);
	case LDNS_RDF_TYPE_ALG:
	case LDNS_RDF_TYPE_CERT_ALG:
		return put_algorithm(kind, parse_take(p), out);
	case LDNS_RDF_TYPE_HEX:
		return put_hex_rest(p, out);
	case LDNS_RDF_TYPE_NSEC:
		return put_bitmap(p, out);
	case LDNS_RDF_TYPE_NSEC3_SALT:
		return put_salt(parse_take(p), out);
	case LDNS_RDF_TYPE_NSAP:
		return put_nsap(parse_take(p), out);
	case LDNS_RDF_TYPE_B64:
		return put_joined(p, kind, "", p->count, out);
	case LDNS_RDF_TYPE_HIP:
		return put_joined(p, kind, " ", 3, out);
	case LDNS_RDF_TYPE_LOC:
	case LDNS_RDF_TYPE_WKS:
		return put_joined(p, kind, " ", p->count, out);
	case LDNS_RDF_TYPE_SVCPARAMS:
		return parse_svcparams(p, out);
	case LDNS_RDF_TYPE_UNKNOWN:
		return false;
	case LDNS_RDF_TYPE_NSEC3_NEXT_OWNER:
	case LDNS_RDF_TYPE_EUI48:
	case LDNS_RDF_TYPE_EUI64:
	case LDNS_RDF_TYPE_ATMA:
	case LDNS_RDF_TYPE_IPSECKEY:
	case LDNS_RDF_TYPE_AMTRELAY:
	case (int)FIELD_A6:
	case (int)FIELD_SCHEME:
		return parse_special(p, kind, out);
	default:
		return parse_by_ldns(kind, parse_take(p), out);
	}
}

static const char *put_fields(const ldns_rr_descriptor *d, struct parse *p, struct buf *out)
{
	for (size_t i = 0; p->at < p->count || i < d->_minimum; i++) {
		ldns_rdf_type kind = layout_field(d, i);

		if (kind == LDNS_RDF_TYPE_NONE)
			return "text behind the last field";
		if (p->at == p->count && !layout_is_rest(kind))
			return "a field is missing";
		if (!put_field(p, kind, out))
			return "a field cannot be read";
	}
	return NULL;
}

/* \# length hexadecimal (RFC 3597 5) */
static const char *put_opaque(struct parse *p, struct buf *out)
{
	size_t before = out->len;
	uint32_t len;

	p->at = 1;
	if (!parse_number(parse_take(p), UINT16_MAX, &len) || !put_hex_rest(p, out))
		return "\\# must be followed by a length and hexadecimal digits";
	return out->len - before == len ? NULL
					: "the length behind \\# is not the number of octets";
}

int rdata_parse(uint16_t type, const struct rdata_token *tokens, size_t count,
    const uint8_t *origin, struct buf *out, struct err *e)
{
	struct parse p = {.tokens = tokens, .count = count, .origin = origin};
	const ldns_rr_descriptor *d = layout_of(type);
	size_t before = out->len;
	char name[RRTYPE_TEXT_SIZE];
	const char *wrong;

	if (count > 0 && !tokens[0].quoted && strcmp(tokens[0].text, "\\#") == 0)
		wrong = put_opaque(&p, out);
	else if (d == NULL)
		wrong = "this type must be written as \\# length hexadecimal (RFC 3597)";
	else
		wrong = put_fields(d, &p, out);
	rrtype_text(type, name);
	if (wrong != NULL)
		return err_set(e, ERR_FORMAT, "%s record, at \"%.40s\": %s", name,
		    p.at > 0 ? tokens[p.at - 1].text : "", wrong);
	if (out->failed || out->len - before > UINT16_MAX)
		return err_set(e, ERR_LIMIT, "%s record: longer than 65535 octets", name);
	return rdata_check(type, out->data + before, (uint16_t)(out->len - before), e);
}
