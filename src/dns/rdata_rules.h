/* rdata_rules: what RDATA must obey beyond its layout.  Private to this room. */
#ifndef DNS_RDATA_RULES_H
#define DNS_RDATA_RULES_H

#include <stdint.h>

/* What is wrong with this RDATA, whose layout has been checked; NULL: nothing. */
const char *rdata_rules_broken(uint16_t type, const uint8_t *rdata, uint16_t len);
/* The same for SVCB and HTTPS alone. */
const char *rdata_rules_svcb(const uint8_t *rdata, uint16_t len);

#endif
