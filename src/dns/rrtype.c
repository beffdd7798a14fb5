/* rrtype: names of RR types and the signer's view of them.  Runs in every process. */
#include "dns/rrtype.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "dns/layout.h"

static const struct {
	uint16_t type;
	const char *name;
} queries[] = {
    {RR_IXFR, "IXFR"}, {RR_AXFR, "AXFR"}, {253, "MAILB"}, {254, "MAILA"}, {RR_ANY, "ANY"}};

void rrtype_text(uint16_t type, char out[RRTYPE_TEXT_SIZE])
{
	const ldns_rr_descriptor *d = layout_common(type);
	const char *name = d != NULL ? d->_name : NULL;

	for (size_t i = 0; i < MEM_COUNT(queries); i++)
		if (queries[i].type == type)
			name = queries[i].name;
	if (name != NULL)
		snprintf(out, RRTYPE_TEXT_SIZE, "%s", name);
	else
		snprintf(out, RRTYPE_TEXT_SIZE, "TYPE%u", (unsigned)type);
}

/* What stands behind "TYPE" in "TYPE731" */
static bool parse_number(const char *text, uint16_t *out)
{
	unsigned value = 0;

	if (text[4] == '\0')
		return false;
	for (text += 4; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
		if (value > UINT16_MAX)
			return false;
	}
	*out = (uint16_t)value;
	return true;
}

bool rrtype_parse(const char *text, uint16_t *out)
{
	const ldns_rr_descriptor *d = layout_by_name(text);
	unsigned type;

	if (strncasecmp(text, "TYPE", 4) == 0)
		return parse_number(text, out);
	for (size_t i = 0; i < MEM_COUNT(queries); i++) {
		if (strcasecmp(text, queries[i].name) == 0) {
			*out = queries[i].type;
			return true;
		}
	}
	type = d != NULL ? (unsigned)d->_type : (unsigned)ldns_get_rr_type_by_name(text);
	if (type == 0)
		return false;
	*out = (uint16_t)type;
	return true;
}

bool rrtype_is_meta(uint16_t type)
{
	return type == 0 || type == RR_OPT || (type >= 128 && type <= 255);
}

bool rrtype_is_stripped(uint16_t type, bool at_apex)
{
	switch (type) {
	case RR_RRSIG:
	case RR_NSEC:
	case RR_NSEC3:
		return true;
	case RR_DNSKEY:
	case RR_NSEC3PARAM:
	case RR_CDS:
	case RR_CDNSKEY:
	case RR_ZONEMD:
	case RR_TYPE65534:
		return at_apex;
	default:
		return false;
	}
}
