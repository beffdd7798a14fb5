/* Digests of zones: the examples of RFC 8976 appendix A. */
#include "dns_fixture.h"

#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "dns/zonemd.h"

struct zone {
	const uint8_t *apex;
	bool splits;		   /* RRSIGs come as RRsets of their own */
	struct zonemd *digests[2]; /* SHA-384, SHA-512 */
	struct buf zonemd;	   /* the records of the apex: u16 length, RDATA */
	unsigned count;
};

static void add(void *arg, const struct rrset *set)
{
	struct zone *z = arg;
	struct rrset bare = *set, sigs = *set;

	if (set->type == RR_ZONEMD && name_equal(set->owner, z->apex)) {
		buf_put(&z->zonemd, set->rdata, set->rdata_len);
		z->count = set->count;
	}
	bare.sigs = 0;
	bare.sigdata_len = 0;
	sigs.type = RR_RRSIG;
	sigs.count = set->sigs;
	sigs.rdata = set->sigdata;
	sigs.rdata_len = set->sigdata_len;
	sigs.sigs = 0;
	for (unsigned i = 0; i < MEM_COUNT(z->digests); i++) {
		zonemd_add(z->digests[i], z->splits ? &bare : set);
		if (z->splits && set->sigs > 0)
			zonemd_add(z->digests[i], &sigs);
	}
}

/* Each of its ZONEMD records that is of a hash that we know must be right: their number. */
static unsigned check_zone(const char *file, const char *apex, bool splits)
{
	struct zone z = {.apex = fixture_name(apex), .splits = splits};
	uint8_t digests[2][ZONEMD_DIGEST_MAX];
	struct fixture_zone records;
	const uint8_t *p;
	struct err e = {0};
	unsigned known = 0;
	size_t len[2];

	if (fixture_load(&records, fixture_path(file), apex, &e) != OK)
		fail_msg("%s", e.text);
	for (unsigned i = 0; i < 2; i++)
		z.digests[i] = zonemd_new(z.apex, (uint8_t)(i + 1));
	fixture_rrsets(&records, add, &z);
	for (unsigned i = 0; i < 2; i++)
		len[i] = zonemd_end(z.digests[i], digests[i]);
	p = z.zonemd.data;
	for (unsigned i = 0; i < z.count; i++) {
		struct zonemd_fields f;
		uint16_t rdlen;
		const uint8_t *rdata = rrset_next(&p, &rdlen);

		assert_int_equal(zonemd_parse(rdata, rdlen, &f), OK);
		if (f.scheme != ZONEMD_SIMPLE || f.hash > ZONEMD_SHA512)
			continue;
		known++;
		assert_int_equal(f.digest_len, len[f.hash - 1]);
		assert_memory_equal(f.digest, digests[f.hash - 1], f.digest_len);
	}
	buf_free(&z.zonemd);
	fixture_free(&records);
	return known;
}

static void test_examples_of_rfc8976(void **state)
{
	(void)state;
	assert_int_equal(check_zone("zonemd/a1.zone", "example.", false), 1);
	assert_int_equal(check_zone("zonemd/a2.zone", "example.", false), 1);
	assert_int_equal(check_zone("zonemd/a3.zone", "example.", false), 2);
	assert_int_equal(check_zone("zonemd/a4.zone", "uri.arpa.", false), 1);
	assert_int_equal(check_zone("zonemd/a4.zone", "uri.arpa.", true), 1);
}

static void test_rdata(void **state)
{
	static const uint8_t digest[48] = {1, 2, 3};
	struct zonemd_fields f = {2018031900, ZONEMD_SIMPLE, ZONEMD_SHA384, digest, 48}, back;
	struct buf rdata = {0};

	(void)state;
	zonemd_rdata(&f, &rdata);
	assert_int_equal(rdata.len, 54);
	assert_int_equal(zonemd_parse(rdata.data, rdata.len, &back), OK);
	assert_int_equal(back.serial, f.serial);
	assert_int_equal(back.scheme, f.scheme);
	assert_int_equal(back.hash, f.hash);
	assert_memory_equal(back.digest, digest, 48);
	assert_int_equal(zonemd_parse(rdata.data, 6, &back), ERR_FORMAT);
	assert_null(zonemd_new(fixture_name("example."), 3));
	buf_free(&rdata);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_examples_of_rfc8976),
	    cmocka_unit_test(test_rdata),
	};

	return cmocka_run_group_tests_name("zonemd", tests, NULL, NULL);
}
