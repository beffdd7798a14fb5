/* rdata_svcb: the parameters of SVCB and HTTPS records (RFC 9460).  Runs in every process, on data
 * from the network whose layout rdata_check has seen. */
#include "dns/rdata_rules.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include "base/buf.h"
#include "dns/name.h"

enum svcb_key {
	SVCB_MANDATORY = 0,
	SVCB_ALPN = 1,
	SVCB_NO_DEFAULT_ALPN = 2,
	SVCB_PORT = 3,
	SVCB_IPV4HINT = 4,
	SVCB_ECH = 5,
	SVCB_IPV6HINT = 6,
	SVCB_DOHPATH = 7,
	SVCB_INVALID = 65535
};

static bool has_param(const uint8_t *p, const uint8_t *end, uint16_t key)
{
	while (p < end && load_u16(p) != key)
		p += 4 + load_u16(p + 2);
	return p < end;
}

/* Strings one behind the other, none of them empty. */
static bool is_alpn(const uint8_t *p, size_t len)
{
	if (len == 0)
		return false;
	while (len > 0) {
		if (p[0] == 0 || p[0] >= len)
			return false;
		len -= p[0] + 1u;
		p += p[0] + 1;
	}
	return true;
}

/* RFC 9461 5: a URI template in which "dns" is a variable. */
static bool is_dohpath(const uint8_t *p, size_t len)
{
	return memmem(p, len, "{?dns", 5) != NULL || memmem(p, len, "{&dns", 5) != NULL;
}

/* A list of keys in ascending order, each of them there (RFC 9460 8). */
static bool is_mandatory(
    const uint8_t *p, size_t len, const uint8_t *params, const uint8_t *params_end)
{
	int last = SVCB_MANDATORY;

	if (len == 0 || len % 2 != 0)
		return false;
	for (size_t i = 0; i < len; i += 2) {
		if (load_u16(p + i) <= last || !has_param(params, params_end, load_u16(p + i)))
			return false;
		last = load_u16(p + i);
	}
	return true;
}

static const char *check_param(
    uint16_t key, const uint8_t *p, size_t len, const uint8_t *params, const uint8_t *params_end)
{
	switch (key) {
	case SVCB_MANDATORY:
		return is_mandatory(p, len, params, params_end)
			   ? NULL
			   : "mandatory must list, in order, keys that are there";
	case SVCB_ALPN:
		return is_alpn(p, len) ? NULL : "alpn must be a list of strings, none empty";
	case SVCB_NO_DEFAULT_ALPN:
		if (!has_param(params, params_end, SVCB_ALPN))
			return "no-default-alpn needs alpn";
		return len == 0 ? NULL : "no-default-alpn must be empty";
	case SVCB_PORT:
		return len == 2 ? NULL : "port must have two octets";
	case SVCB_IPV4HINT:
		return len > 0 && len % 4 == 0 ? NULL : "ipv4hint must be IPv4 addresses";
	case SVCB_ECH:
		return len > 0 ? NULL : "ech is empty";
	case SVCB_IPV6HINT:
		return len > 0 && len % 16 == 0 ? NULL : "ipv6hint must be IPv6 addresses";
	case SVCB_DOHPATH:
		return is_dohpath(p, len) ? NULL : "dohpath must be a template of the variable dns";
	case SVCB_INVALID:
		return "key 65535 is reserved";
	default:
		return NULL;
	}
}

const char *rdata_rules_svcb(const uint8_t *rdata, uint16_t len)
{
	const uint8_t *params = rdata + 2 + name_len(rdata + 2), *end = rdata + len, *p;
	int last = -1;

	/* All lengths first: the checks of one parameter may look at the others. */
	for (p = params; p < end; p += 4 + load_u16(p + 2)) {
		if (end - p < 4 || end - p - 4 < load_u16(p + 2))
			return "a parameter is cut off";
		if (load_u16(p) <= last)
			return "the keys of the parameters are not in ascending order";
		last = load_u16(p);
	}
	for (p = params; p < end; p += 4 + load_u16(p + 2)) {
		const char *wrong = check_param(load_u16(p), p + 4, load_u16(p + 2), params, end);

		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}
