/* Record checks and the way into the spool: see accept.h.  Network side; the records come from a
 * source or a zone file and are not trusted. */
#include "inbound/accept.h"

#include <string.h>
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "dns/soa.h"

#define CLASS_IN 1
#define TTL_MAX 0x7fffffff

int accept_broken(struct err *e, const uint8_t *owner, uint16_t type, const char *what)
{
	char name[NAME_TEXT_SIZE], rrtype[RRTYPE_TEXT_SIZE];

	name_text(owner, name);
	rrtype_text(type, rrtype);
	/* A name of 255 binary octets must not push the cause out of the text. */
	return err_set(e, ERR_FORMAT, "zone broken: %.250s %s: %s", name, rrtype, what);
}

int accept_begin(
    struct accept *a, const uint8_t *apex, const char *path, uint64_t limit, struct err *e)
{
	*a = (struct accept){.apex = apex};
	a->spool = spool_create(path, apex, limit * ACCEPT_UNPACKED, e);
	if (a->spool == NULL)
		return e == NULL || e->code == OK ? ERR_SYSTEM : e->code;
	return OK;
}

static const char *record_flaw(
    const struct accept *a, const uint8_t *owner, uint16_t type, uint16_t class)
{
	if (class != CLASS_IN)
		return "its class is not IN";
	if (rrtype_is_meta(type))
		return "a type that cannot be zone data";
	if (!name_is_at_or_below(owner, a->apex))
		return "its owner is not in the zone";
	if (type == RR_SOA && !name_equal(owner, a->apex))
		return "an SOA below the apex";
	return NULL;
}

/* RFC 2181 section 8 */
static uint32_t sane_ttl(uint32_t ttl)
{
	return ttl > TTL_MAX ? 0 : ttl;
}

int accept_soa(struct accept *a, const uint8_t *rdata, uint16_t rdlen, struct err *e)
{
	struct soa soa;

	if (rdlen > sizeof(a->soa) || soa_parse(rdata, rdlen, &soa) != OK)
		return accept_broken(e, a->apex, RR_SOA, "not an SOA that can be read");
	a->has_soa = true;
	a->serial = soa.serial;
	a->soa_len = rdlen;
	rdata_canonical(RR_SOA, rdata, rdlen, a->soa);
	return OK;
}

bool accept_is_same_soa(const struct accept *a, const uint8_t *rdata, size_t len)
{
	uint8_t canonical[ACCEPT_SOA_MAX];

	if (!a->has_soa || len != a->soa_len)
		return false;
	rdata_canonical(RR_SOA, rdata, (uint16_t)len, canonical);
	return memcmp(canonical, a->soa, len) == 0;
}

int accept_record(struct accept *a, const uint8_t *owner, uint16_t type, uint16_t class,
    uint32_t ttl, const uint8_t *rdata, uint16_t rdlen, struct err *e)
{
	const char *flaw = record_flaw(a, owner, type, class);
	int rc;

	if (flaw != NULL)
		return accept_broken(e, owner, type, flaw);
	if (type == RR_NS && name_equal(owner, a->apex)) {
		a->has_ns = true;
	} else if (type == RR_SOA) {
		/* Zone files made from a transfer have it twice, at the end again. */
		if (accept_is_same_soa(a, rdata, rdlen))
			return OK;
		if (a->has_soa)
			return accept_broken(e, owner, type, "a second SOA that is not the first");
		rc = accept_soa(a, rdata, rdlen, e);
		if (rc != OK)
			return rc;
	}
	return spool_write(a->spool, SPOOL_ADD, owner, type, sane_ttl(ttl), rdata, rdlen, e);
}

int accept_change(struct accept *a, enum spool_step step, const uint8_t *owner, uint16_t type,
    uint16_t class, uint32_t ttl, const uint8_t *rdata, uint16_t rdlen, struct err *e)
{
	const char *flaw = record_flaw(a, owner, type, class);
	bool at_apex = name_equal(owner, a->apex);

	if (flaw != NULL)
		return accept_broken(e, owner, type, flaw);
	if (type == RR_DNSKEY && at_apex)
		return err_set(e, ERR_REFUSED, "it changes the DNSKEY set that the source has");
	if (rrtype_is_stripped(type, at_apex))
		return OK;
	return spool_write(a->spool, step, owner, type, sane_ttl(ttl), rdata, rdlen, e);
}

int accept_finish(struct accept *a, struct err *e)
{
	struct spool_writer *spool = a->spool;
	int rc;

	if (!a->has_soa || !a->has_ns) {
		rc = accept_broken(e, a->apex, a->has_soa ? RR_NS : RR_SOA,
		    "the apex has none, every zone must have one");
		accept_abandon(a);
		return rc;
	}
	a->spool = NULL;
	return spool_finish(spool, SPOOL_FULL, a->serial, e);
}

int accept_finish_difference(struct accept *a, uint32_t from, struct err *e)
{
	struct spool_writer *spool = a->spool;

	a->spool = NULL;
	spool_set_from(spool, from);
	return spool_finish(spool, SPOOL_DELTA, a->serial, e);
}

void accept_abandon(struct accept *a)
{
	spool_abandon(a->spool);
	a->spool = NULL;
}
