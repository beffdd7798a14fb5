/* rdata_text: RDATA in presentation form, field by field.  Runs on the signing side and in the
 * operator's commands.  What has no presentation form here, or one that would not be read back as
 * the same octets, is written as RFC 3597 has it. */
#include "dns/rdata.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "dns/layout.h"
#include "dns/name.h"
#include "dns/rdata_text.h"
#include "dns/rrtype.h"

typedef void text_fn(const uint8_t *p, size_t len, struct buf *out);

static void put_hex(const uint8_t *p, size_t len, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *at = buf_extend(out, 2 * len);

	for (size_t i = 0; at != NULL && i < len; i++) {
		*at++ = (uint8_t)digits[p[i] >> 4];
		*at++ = (uint8_t)digits[p[i] & 15];
	}
}

void text_put_quoted(const uint8_t *p, size_t len, struct buf *out)
{
	buf_u8(out, '"');
	for (; len > 0; len--, p++) {
		if (*p < ' ' || *p >= 0x7f) {
			buf_printf(out, "\\%03u", *p);
			continue;
		}
		if (*p == '"' || *p == '\\')
			buf_u8(out, '\\');
		buf_u8(out, *p);
	}
	buf_u8(out, '"');
}

static void put_string(const uint8_t *p, size_t len, struct buf *out)
{
	text_put_quoted(p + 1, len - 1, out);
}

static void put_tag(const uint8_t *p, size_t len, struct buf *out)
{
	buf_put(out, p + 1, len - 1);
}

static void put_name(const uint8_t *p, size_t len, struct buf *out)
{
	char text[NAME_TEXT_SIZE];

	(void)len;
	name_text(p, text);
	buf_put(out, text, strlen(text));
}

static void put_number(const uint8_t *p, size_t len, struct buf *out)
{
	uint32_t value = 0;

	while (len-- > 0)
		value = value << 8 | *p++;
	buf_printf(out, "%u", (unsigned)value);
}

static void put_type_name(uint16_t type, struct buf *out)
{
	char text[RRTYPE_TEXT_SIZE];

	rrtype_text(type, text);
	buf_put(out, text, strlen(text));
}

static void put_type(const uint8_t *p, size_t len, struct buf *out)
{
	(void)len;
	put_type_name(load_u16(p), out);
}

static void put_bitmap(const uint8_t *p, size_t len, struct buf *out)
{
	const uint8_t *end = p + len;
	bool first = true;

	for (; p < end; p += 2 + p[1]) {
		for (unsigned bit = 0; bit < p[1] * 8u; bit++) {
			if ((p[2 + bit / 8] & 0x80 >> bit % 8) == 0)
				continue;
			if (!first)
				buf_u8(out, ' ');
			first = false;
			put_type_name((uint16_t)(p[0] << 8 | bit), out);
		}
	}
}

static void put_time(const uint8_t *p, size_t len, struct buf *out)
{
	time_t t = load_u32(p);
	struct tm tm;
	char text[16];

	(void)len;
	gmtime_r(&t, &tm);
	buf_put(out, text, strftime(text, sizeof(text), "%Y%m%d%H%M%S", &tm));
}

/* Protocol and ports as numbers: names depend on the files of the machine. */
static void put_wks(const uint8_t *p, size_t len, struct buf *out)
{
	buf_printf(out, "%u", p[0]);
	for (size_t bit = 0; bit < (len - 1) * 8; bit++)
		if ((p[1 + bit / 8] & 0x80 >> bit % 8) != 0)
			buf_printf(out, " %zu", bit);
}

void text_put_address(int family, const uint8_t *p, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, p, text, sizeof(text));
	buf_put(out, text, strlen(text));
}

static void put_ipv4(const uint8_t *p, size_t len, struct buf *out)
{
	(void)len;
	text_put_address(AF_INET, p, out);
}

static void put_ipv6(const uint8_t *p, size_t len, struct buf *out)
{
	(void)len;
	text_put_address(AF_INET6, p, out);
}

static void put_salt(const uint8_t *p, size_t len, struct buf *out)
{
	if (p[0] == 0)
		buf_u8(out, '-');
	put_hex(p + 1, len - 1, out);
}

bool text_put_by_ldns(ldns_rdf_type kind, const uint8_t *p, size_t len, struct buf *out)
{
	ldns_rdf *field = ldns_rdf_new_frm_data(kind, len, p), *back = NULL;
	char *text = ldns_rdf2str(field);
	bool same = false;

	for (size_t n = text != NULL ? strlen(text) : 0; n > 0 && text[n - 1] == ' '; n--)
		text[n - 1] = '\0';
	if (text != NULL)
		back = ldns_rdf_new_frm_str(kind, text);
	if (back != NULL && ldns_rdf_size(back) == len &&
	    memcmp(ldns_rdf_data(back), p, len) == 0) {
		buf_put(out, text, strlen(text));
		same = true;
	}
	ldns_rdf_deep_free(back);
	ldns_rdf_deep_free(field);
	free(text);
	return same;
}

static text_fn *const kinds[FIELD_KINDS] = {
    [LDNS_RDF_TYPE_DNAME] = put_name,
    [LDNS_RDF_TYPE_INT8] = put_number,
    [LDNS_RDF_TYPE_ALG] = put_number,
    [LDNS_RDF_TYPE_CERTIFICATE_USAGE] = put_number,
    [LDNS_RDF_TYPE_SELECTOR] = put_number,
    [LDNS_RDF_TYPE_MATCHING_TYPE] = put_number,
    [LDNS_RDF_TYPE_INT16] = put_number,
    [LDNS_RDF_TYPE_CERT_ALG] = put_number,
    [LDNS_RDF_TYPE_INT32] = put_number,
    [LDNS_RDF_TYPE_PERIOD] = put_number,
    [LDNS_RDF_TYPE_TIME] = put_time,
    [LDNS_RDF_TYPE_TYPE] = put_type,
    [LDNS_RDF_TYPE_A] = put_ipv4,
    [LDNS_RDF_TYPE_AAAA] = put_ipv6,
    [LDNS_RDF_TYPE_STR] = put_string,
    [LDNS_RDF_TYPE_TAG] = put_tag,
    [LDNS_RDF_TYPE_LONG_STR] = text_put_quoted,
    [LDNS_RDF_TYPE_HEX] = put_hex,
    [LDNS_RDF_TYPE_NSEC] = put_bitmap,
    [LDNS_RDF_TYPE_SVCPARAMS] = text_put_svcparams,
    [LDNS_RDF_TYPE_WKS] = put_wks,
    [LDNS_RDF_TYPE_NSEC3_SALT] = put_salt,
};

static bool put_field(ldns_rdf_type kind, const uint8_t *p, size_t len, struct buf *out)
{
	if (kinds[kind] != NULL) {
		kinds[kind](p, len, out);
		return true;
	}
	/* Of ATMA ldns writes the format's octet as if it were one of the address. */
	return kind != LDNS_RDF_TYPE_UNKNOWN && kind != LDNS_RDF_TYPE_ATMA &&
	       text_put_by_ldns(kind, p, len, out);
}

static bool put_fields(
    const ldns_rr_descriptor *d, const uint8_t *rdata, uint16_t len, struct buf *out)
{
	size_t at = 0, i = 0;

	for (; at < len; i++) {
		ldns_rdf_type kind = layout_field(d, i);
		ssize_t n = layout_field_len(kind, rdata + at, len - at);

		if (i > 0)
			buf_u8(out, ' ');
		if (n < 0 || !put_field(kind, rdata + at, (size_t)n, out))
			return false;
		at += (size_t)n;
	}
	/* An empty last string must be seen; other empty fields are just left out. */
	if (layout_field(d, i) == LDNS_RDF_TYPE_LONG_STR && i < d->_minimum)
		buf_put(out, " \"\"", 3);
	return true;
}

void rdata_text(uint16_t type, const uint8_t *rdata, uint16_t len, struct buf *out)
{
	const ldns_rr_descriptor *d = layout_common(type);
	size_t before = out->len;
	/* Text of damaged RDATA must not lead anybody to believe in it. */
	bool plain = d != NULL && d == layout_of(type) && rdata_check(type, rdata, len, NULL) == OK;

	if (plain && put_fields(d, rdata, len, out))
		return;
	if (!out->failed)
		out->len = before;
	buf_printf(out, len > 0 ? "\\# %u " : "\\# %u", len);
	put_hex(rdata, len, out);
}
