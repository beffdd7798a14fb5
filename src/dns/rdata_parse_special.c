/* rdata_parse_special: fields of rare types whose text ldns cannot read, or reads without the
 * origin of relative names.  Runs on the signing side, on text from zone files. */
#include "dns/rdata_parse_internal.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* A gateway or relay: none, IPv4, IPv6 or name. */
static bool put_gateway(struct parse *p, unsigned type, struct buf *out)
{
	switch (type) {
	case 0:
		return strcmp(parse_take(p), ".") == 0;
	case 1:
		return parse_address(AF_INET, parse_take(p), out);
	case 2:
		return parse_address(AF_INET6, parse_take(p), out);
	case 3:
		return parse_name(p, out);
	default:
		return false;
	}
}

/* RFC 4025 3.1: precedence, type of the gateway, algorithm, gateway, key. */
static bool put_ipseckey(struct parse *p, struct buf *out)
{
	uint32_t precedence, type, algorithm;
	struct buf key = {0};
	bool good;

	if (!parse_number(parse_take(p), UINT8_MAX, &precedence) ||
	    !parse_number(parse_take(p), 3, &type) ||
	    !parse_number(parse_take(p), UINT8_MAX, &algorithm))
		return false;
	buf_u8(out, (uint8_t)precedence);
	buf_u8(out, (uint8_t)type);
	buf_u8(out, (uint8_t)algorithm);
	if (!put_gateway(p, type, out))
		return false;
	if (p->at == p->count)
		return true;
	parse_join(p, "", p->count, &key);
	good = !key.failed && parse_by_ldns(LDNS_RDF_TYPE_B64, (const char *)key.data, out);
	buf_free(&key);
	return good;
}

/* RFC 8777 4.3: precedence, D bit, type of the relay, relay. */
static bool put_amtrelay(struct parse *p, struct buf *out)
{
	uint32_t precedence, discovery, type;

	if (!parse_number(parse_take(p), UINT8_MAX, &precedence) ||
	    !parse_number(parse_take(p), 1, &discovery) || !parse_number(parse_take(p), 3, &type))
		return false;
	buf_u8(out, (uint8_t)precedence);
	buf_u8(out, (uint8_t)(discovery << 7 | type));
	return put_gateway(p, type, out);
}

/* RFC 2874 3.1.2: length of the prefix, the rest of the address, name of the prefix. */
static bool put_a6(struct parse *p, struct buf *out)
{
	struct buf address = {0};
	uint32_t prefix;
	bool good = true;

	if (!parse_number(parse_take(p), 128, &prefix))
		return false;
	buf_u8(out, (uint8_t)prefix);
	if (prefix < 128) {
		size_t suffix = (128 - prefix + 7) / 8;

		good = parse_address(AF_INET6, parse_take(p), &address);
		if (good) {
			address.data[16 - suffix] &= (uint8_t)(0xff >> prefix % 8);
			buf_put(out, address.data + 16 - suffix, suffix);
		}
		buf_free(&address);
	}
	return good && (prefix == 0 || parse_name(p, out));
}

/* ATM Forum AF-DANS-0152: an E.164 number behind "+", or hexadecimal digits of an AESA. */
static bool put_atma(const char *text, struct buf *out)
{
	if (*text != '+') {
		buf_u8(out, 0);
		return *text != '\0' && parse_hex(text, '.', out);
	}
	buf_u8(out, 1);
	for (text++; *text != '\0'; text++) {
		if (*text == '.')
			continue;
		if (*text < '0' || *text > '9')
			return false;
		buf_u8(out, (uint8_t)*text);
	}
	return true;
}

/* Base 32 with the extended hex alphabet, without padding (RFC 5155 3.3). */
static bool put_hash(const char *text, struct buf *out)
{
	size_t at = out->len, len = strlen(text) * 5 / 8;
	unsigned held = 0, bits = 0;

	if (len == 0 || len > UINT8_MAX)
		return false;
	buf_u8(out, (uint8_t)len);
	for (; *text != '\0'; text++) {
		char c = (char)(*text >= 'A' && *text <= 'V' ? *text | 0x20 : *text);

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'v'))
			return false;
		held = held << 5 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			buf_u8(out, (uint8_t)(held >> bits));
			held &= (1u << bits) - 1;
		}
	}
	/* A character too many, or bits that belong to no octet. */
	return held == 0 && bits < 5 && out->len - at == len + 1;
}

/* Octets as two hexadecimal digits with "-" between (RFC 7043 3.2, 4.2). */
static bool put_eui(const char *text, size_t octets, struct buf *out)
{
	if (strlen(text) != octets * 3 - 1)
		return false;
	for (size_t i = 0; i < octets; i++) {
		char digits[3] = {text[3 * i], text[3 * i + 1], '\0'};

		if (!parse_hex(digits, '\0', out) || (i + 1 < octets && text[3 * i + 2] != '-'))
			return false;
	}
	return true;
}

static bool put_scheme(const char *text, struct buf *out)
{
	uint32_t scheme = 1;

	if (strcasecmp(text, "NOTIFY") != 0 && !parse_number(text, UINT8_MAX, &scheme))
		return false;
	buf_u8(out, (uint8_t)scheme);
	return true;
}

bool parse_special(struct parse *p, ldns_rdf_type kind, struct buf *out)
{
	switch ((int)kind) {
	case LDNS_RDF_TYPE_IPSECKEY:
		return put_ipseckey(p, out);
	case LDNS_RDF_TYPE_AMTRELAY:
		return put_amtrelay(p, out);
	case LDNS_RDF_TYPE_NSEC3_NEXT_OWNER:
		return put_hash(parse_take(p), out);
	case LDNS_RDF_TYPE_EUI48:
		return put_eui(parse_take(p), 6, out);
	case LDNS_RDF_TYPE_EUI64:
		return put_eui(parse_take(p), 8, out);
	case LDNS_RDF_TYPE_ATMA:
		return put_atma(parse_take(p), out);
	case FIELD_A6:
		return put_a6(p, out);
	default:
		return put_scheme(parse_take(p), out);
	}
}
