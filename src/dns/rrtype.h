/* rrtype: the RR types the signer treats by number, and names for all of them. */
#ifndef DNS_RRTYPE_H
#define DNS_RRTYPE_H

#include <stdbool.h>
#include <stdint.h>

enum rrtype {
	RR_A = 1, RR_NS = 2, RR_CNAME = 5, RR_SOA = 6, RR_PTR = 12, RR_MX = 15, RR_TXT = 16,
	RR_AAAA = 28, RR_DNAME = 39, RR_OPT = 41, RR_DS = 43, RR_RRSIG = 46, RR_NSEC = 47,
	RR_DNSKEY = 48, RR_NSEC3 = 50, RR_NSEC3PARAM = 51, RR_CDS = 59, RR_CDNSKEY = 60,
	RR_ZONEMD = 63, RR_DSYNC = 66, RR_TKEY = 249, RR_TSIG = 250, RR_IXFR = 251, RR_AXFR = 252, RR_ANY = 255,
	RR_TYPE65534 = 65534
};

#define RRTYPE_TEXT_SIZE 16
void rrtype_text(uint16_t type, char out[RRTYPE_TEXT_SIZE]); /* "A", "TYPE731" */
bool rrtype_parse(const char *text, uint16_t *out); /* any case; false: no such type */
bool rrtype_is_meta(uint16_t type);   /* OPT, TSIG, TKEY, 128-255 queries: never zone data */
/* Incoming DNSSEC data that the signer replaces: RRSIG, NSEC, NSEC3 anywhere; DNSKEY, NSEC3PARAM,
 * CDS, CDNSKEY, ZONEMD, TYPE65534 at the apex.  Never DS. */
bool rrtype_is_stripped(uint16_t type, bool at_apex);

#endif
