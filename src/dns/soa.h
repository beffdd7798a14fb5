/* soa: the SOA record's fields, and serial arithmetic (RFC 1982). */
#ifndef DNS_SOA_H
#define DNS_SOA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct soa {
	uint32_t serial, refresh, retry, expire, minimum;
};

int soa_parse(const uint8_t *rdata, size_t len, struct soa *out); /* uncompressed; OK or ERR_FORMAT */
void soa_set_serial(uint8_t *rdata, size_t len, uint32_t serial); /* in place */
bool serial_gt(uint32_t a, uint32_t b);

enum serial_policy { SERIAL_KEEP, SERIAL_COUNTER, SERIAL_UNIXTIME, SERIAL_DATECOUNTER };
/* The serial of the next signed version.  has_last: a version was published before with `last`;
 * source: the unsigned zone's serial; now: calendar.
 *
 *   keep         the source's
 *   counter      the source's for the first version, then last + 1
 *   unixtime     now
 *   datecounter  YYYYMMDD00, UTC
 *
 * and in each case last + 1 where that would not be greater than last (RFC 1982).  *jumped: `keep`
 * could not keep the source's, as when a version is made because signatures had to be renewed. */
uint32_t serial_next(enum serial_policy policy, bool has_last, uint32_t last, uint32_t source,
    int64_t now, bool *jumped);

#endif
