/* rdata_parse: RDATA from presentation form.  Runs on the signing side, for zone files, which an
 * operator or a machine has written: any text may come. */
#include "dns/rdata_parse.h"

#include <arpa/inet.h>
#include <string.h>
#include "dns/name.h"
#include "dns/rdata.h"
#include "dns/rdata_parse_internal.h"
#include "dns/rrtype.h"

const char *parse_take(struct parse *p)
{
	return p->at < p->count ? p->tokens[p->at++].text : "";
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

bool parse_hex_rest(struct parse *p, struct buf *out)
{
	struct buf joined = {0};
	bool good;

	parse_join(p, "", p->count, &joined);
	good = !joined.failed && parse_hex((const char *)joined.data, '\0', out);
	buf_free(&joined);
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

bool parse_by_ldns(ldns_rdf_type kind, const char *text, struct buf *out)
{
	ldns_rdf *field = ldns_rdf_new_frm_str(kind, text);

	if (field == NULL)
		return false;
	buf_put(out, ldns_rdf_data(field), ldns_rdf_size(field));
	ldns_rdf_deep_free(field);
	return true;
}

static const char *put_fields(const ldns_rr_descriptor *d, struct parse *p, struct buf *out)
{
	for (size_t i = 0; p->at < p->count || i < d->_minimum; i++) {
		ldns_rdf_type kind = layout_field(d, i);

		if (kind == LDNS_RDF_TYPE_NONE)
			return "text behind the last field";
		if (p->at == p->count && !layout_is_rest(kind))
			return "a field is missing";
		if (!parse_field(p, kind, out))
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
	if (!parse_number(parse_take(p), UINT16_MAX, &len) || !parse_hex_rest(p, out))
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
