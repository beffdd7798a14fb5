/* dns_fixture: zone files as RRsets, and other helpers of the tests of src/dns. */
#ifndef DNS_FIXTURE_H
#define DNS_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdbool.h>
#include "base/buf.h"
#include "base/err.h"
#include "dns/rrset.h"

struct fixture_record {
	uint8_t owner[NAME_MAX_LEN];
	uint16_t type;
	uint32_t ttl;
	uint8_t *rdata;
	uint16_t len;
};

struct fixture_zone {
	struct fixture_record *records;
	size_t count, room;
};

/* A file of tests/data, or of the public data that ITG_DATA names (NULL: it is not there). */
const char *fixture_path(const char *name);
const char *fixture_public_path(const char *name);
/* Unpack a .gz into a temporary file, to be removed; false if it is not there. */
bool fixture_gunzip(const char *path, char out[64]);

int fixture_load(struct fixture_zone *z, const char *path, const char *origin, struct err *e);
void fixture_free(struct fixture_zone *z);
/* All RRsets, their RRSIGs with them; RRSIGs alone (over nothing) fail the test. */
typedef void fixture_rrset_fn(void *arg, const struct rrset *set);
void fixture_rrsets(struct fixture_zone *z, fixture_rrset_fn *fn, void *arg);

/* Octets from hexadecimal digits; the number. */
size_t fixture_hex(const char *text, uint8_t *out);
/* Wire form of a name that is right; a static buffer, a few of them in turn. */
const uint8_t *fixture_name(const char *text);
/* A generator whose seed is printed; ITG_SEED repeats a run. */
void fixture_seed(void);
uint32_t fixture_random(uint32_t below);

#endif
