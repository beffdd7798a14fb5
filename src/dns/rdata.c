/* rdata: taking RDATA out of messages, and its canonical form.  Runs in every process; what
 * rdata_from_message and rdata_check are given is not trusted. */
#include "dns/rdata.h"

#include <string.h>
#include "dns/layout.h"
#include "dns/name.h"
#include "dns/rdata_rules.h"
#include "dns/rrtype.h"

static int format_error(uint16_t type, struct err *e, const char *what)
{
	char name[RRTYPE_TEXT_SIZE];

	rrtype_text(type, name);
	return err_set(e, ERR_FORMAT, "malformed %s RDATA: %s", name, what);
}

static int check_fields(
    const ldns_rr_descriptor *d, uint16_t type, const uint8_t *rdata, uint16_t len, struct err *e)
{
	size_t i = 0, at = 0;

	for (; at < len; i++) {
		ldns_rdf_type kind = layout_field(d, i);
		ssize_t n;

		if (kind == LDNS_RDF_TYPE_NONE)
			return format_error(type, e, "octets behind the last field");
		n = layout_field_len(kind, rdata + at, len - at);
		if (n < 0)
			return format_error(
			    type, e, "a field is cut off, too long or holds a bad name");
		at += (size_t)n;
	}
	/* A field that runs to the end may be empty; the rules say for which types. */
	if (i + 1 == d->_minimum && layout_is_rest(layout_field(d, i)))
		i++;
	return i < d->_minimum ? format_error(type, e, "it ends before its last field") : OK;
}

int rdata_check(uint16_t type, const uint8_t *rdata, uint16_t len, struct err *e)
{
	const ldns_rr_descriptor *d = layout_of(type);
	const char *wrong;

	if (d == NULL)
		return OK;
	if (check_fields(d, type, rdata, len, e) != OK)
		return ERR_FORMAT;
	wrong = rdata_rules_broken(type, rdata, len);
	return wrong == NULL ? OK : format_error(type, e, wrong);
}

/* Copy the fields one by one, names decompressed. */
static int expand_fields(const ldns_rr_descriptor *d, uint16_t type, const uint8_t *msg, size_t at,
    size_t end, struct buf *out, struct err *e)
{
	uint8_t name[NAME_MAX_LEN];

	for (size_t i = 0; at < end; i++) {
		ldns_rdf_type kind = layout_field(d, i);
		ssize_t n;

		if (kind == LDNS_RDF_TYPE_NONE)
			return format_error(type, e, "octets behind the last field");
		if (kind == LDNS_RDF_TYPE_DNAME) {
			n = (ssize_t)name_expand(msg, end, at, name);
			if (n == 0)
				return format_error(type, e, "bad name");
			buf_put(out, name, name_len(name));
		} else {
			n = layout_field_len(kind, msg + at, end - at);
			if (n < 0)
				return format_error(type, e, "a field is cut off or too long");
			buf_put(out, msg + at, (size_t)n);
		}
		at += (size_t)n;
	}
	return OK;
}

int rdata_from_message(uint16_t type, const uint8_t *msg, size_t msg_len, size_t offset,
    uint16_t rdlen, struct buf *out, struct err *e)
{
	const ldns_rr_descriptor *d = layout_of(type);
	size_t before = out->len;
	int rc = OK;

	if (offset > msg_len || rdlen > msg_len - offset)
		return format_error(type, e, "longer than the message");
	if (d != NULL && layout_is_compressible(type))
		rc = expand_fields(d, type, msg, offset, offset + rdlen, out, e);
	else
		buf_put(out, msg + offset, rdlen);
	if (rc == OK && (out->failed || out->len - before > UINT16_MAX))
		rc = err_set(e, ERR_LIMIT, "RDATA longer than 65535 octets or out of memory");
	if (rc == OK && rdlen > 0)
		rc = rdata_check(type, out->data + before, (uint16_t)(out->len - before), e);
	else if (rc == OK)
		rc = rdata_check(type, msg, 0, e);
	if (rc != OK)
		out->len = before;
	return rc;
}

static void lower_name_at(uint8_t *p, size_t left)
{
	if (name_check(p, left) > 0)
		name_lower(p);
}

void rdata_canonical(uint16_t type, const uint8_t *rdata, uint16_t len, uint8_t *out)
{
	const ldns_rr_descriptor *d;
	size_t at = 0;

	if (out != rdata)
		memcpy(out, rdata, len);
	if (!layout_is_lowered(type))
		return;
	d = layout_of(type);
	for (size_t i = 0; at < len; i++) {
		ldns_rdf_type kind = layout_field(d, i);
		ssize_t n = layout_field_len(kind, out + at, len - at);

		if (n < 0)
			return;
		if (kind == LDNS_RDF_TYPE_DNAME)
			name_lower(out + at);
		else if ((int)kind == FIELD_A6 && out[0] > 0)
			lower_name_at(
			    out + 1 + (128 - out[0] + 7) / 8, len - 1u - (128u - out[0] + 7) / 8);
		at += (size_t)n;
	}
}

bool rdata_is_caseless(uint16_t type)
{
	return !layout_is_lowered(type);
}

int rdata_compare(const uint8_t *a, uint16_t alen, const uint8_t *b, uint16_t blen)
{
	uint16_t shorter = alen < blen ? alen : blen;
	int order = shorter > 0 ? memcmp(a, b, shorter) : 0;

	return order != 0 ? order : (alen > blen) - (alen < blen);
}
