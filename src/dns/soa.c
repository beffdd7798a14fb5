/* soa: SOA fields and serial numbers.  Runs in every process. */
#include "dns/soa.h"

#include <time.h>
#include "base/buf.h"
#include "base/err.h"
#include "dns/name.h"

#define NUMBERS_LEN 20 /* five times four octets behind the two names */

int soa_parse(const uint8_t *rdata, size_t len, struct soa *out)
{
	size_t mname = name_check(rdata, len);
	size_t rname = mname > 0 ? name_check(rdata + mname, len - mname) : 0;
	const uint8_t *p = rdata + mname + rname;

	if (rname == 0 || len - mname - rname != NUMBERS_LEN)
		return ERR_FORMAT;
	out->serial = load_u32(p);
	out->refresh = load_u32(p + 4);
	out->retry = load_u32(p + 8);
	out->expire = load_u32(p + 12);
	out->minimum = load_u32(p + 16);
	return OK;
}

void soa_set_serial(uint8_t *rdata, size_t len, uint32_t serial)
{
	if (len > NUMBERS_LEN)
		store_u32(rdata + len - NUMBERS_LEN, serial);
}

bool serial_gt(uint32_t a, uint32_t b)
{
	return a != b && a - b < UINT32_C(1) << 31;
}

/* YYYYMMDD00 */
static uint32_t date_serial(int64_t now)
{
	time_t t = (time_t)now;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		return 0;
	return (uint32_t)(((tm.tm_year + 1900) * 100 + tm.tm_mon + 1) * 100 + tm.tm_mday) * 100;
}

uint32_t serial_next(enum serial_policy policy, bool has_last, uint32_t last, uint32_t source,
    int64_t now, bool *jumped)
{
	uint32_t wanted = source;

	*jumped = false;
	switch (policy) {
	case SERIAL_KEEP:
		*jumped = has_last && !serial_gt(source, last);
		break;
	case SERIAL_COUNTER:
		wanted = has_last ? last : source;
		break;
	case SERIAL_UNIXTIME:
		wanted = (uint32_t)now;
		break;
	case SERIAL_DATECOUNTER:
		wanted = date_serial(now);
		break;
	}
	return has_last && !serial_gt(wanted, last) ? last + 1 : wanted;
}
