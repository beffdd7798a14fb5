/* Zone files: syntax, errors with file and line, every type there is, and back again. */
#include "dns_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"

static char file[64];

static void write_zone(const char *text, size_t len)
{
	FILE *f;
	int fd;

	snprintf(file, sizeof(file), "/tmp/itg-zone-XXXXXX");
	fd = mkstemp(file);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

static void load(const char *text, struct fixture_zone *z)
{
	struct err e = {0};

	write_zone(text, strlen(text));
	if (fixture_load(z, file, "example.org.", &e) != OK)
		fail_msg("%s", e.text);
	unlink(file);
}

/* The records as text, for comparison. */
static void print_zone(const struct fixture_zone *z, struct buf *out)
{
	char owner[NAME_TEXT_SIZE], type[RRTYPE_TEXT_SIZE];

	buf_reset(out);
	for (size_t i = 0; i < z->count; i++) {
		name_text(z->records[i].owner, owner);
		rrtype_text(z->records[i].type, type);
		buf_printf(out, "%s %u IN %s ", owner, (unsigned)z->records[i].ttl, type);
		rdata_text(z->records[i].type, z->records[i].rdata, z->records[i].len, out);
		buf_put(out, "\n", 1);
	}
	buf_u8(out, 0);
	assert_false(out->failed);
}

static void expect(const char *zone, const char *want)
{
	struct fixture_zone z;
	struct buf text = {0};

	load(zone, &z);
	print_zone(&z, &text);
	assert_string_equal((char *)text.data, want);
	buf_free(&text);
	fixture_free(&z);
}

static void test_syntax(void **state)
{
	(void)state;
	expect("; comment\n"
	       "$TTL 1h\n"
	       "@ SOA ns HostMaster ( 1 ; serial\n"
	       "\t2h 3 4w\n"
	       " 5 ) ; minimum\n"
	       "\n"
	       "  NS ns\n"
	       "  IN 300 NS ns.Other.\n"
	       "  300 IN NS @\n"
	       "$ORIGIN sub\n"
	       "www A 192.0.2.1\r\n"
	       "$ORIGIN example.net.\n"
	       "a\\.b\\065 TXT \"semi;colon\" un\\\"quoted \"par(en\" \\(x\n",
	    "example.org. 3600 IN SOA ns.example.org. HostMaster.example.org. 1 7200 3 2419200 5\n"
	    "example.org. 3600 IN NS ns.example.org.\n"
	    "example.org. 300 IN NS ns.Other.\n"
	    "example.org. 300 IN NS example.org.\n"
	    "www.sub.example.org. 3600 IN A 192.0.2.1\n"
	    "a\\.bA.example.net. 3600 IN TXT \"semi;colon\" \"un\\\"quoted\" \"par(en\" \"(x\"\n");
}

/* RFC 1035 5.1: the TTL of the record before; RFC 2308 4: $TTL; the SOA's minimum at first. */
static void test_ttls(void **state)
{
	(void)state;
	expect("@ SOA a b 1 2 3 4 77\n"
	       "@ NS a\n"
	       "a 5 A 192.0.2.1\n"
	       "b A 192.0.2.1\n"
	       "$TTL 9\n"
	       "c A 192.0.2.1\n"
	       "d 0 A 192.0.2.1\n"
	       "e A 192.0.2.1\n",
	    "example.org. 77 IN SOA a.example.org. b.example.org. 1 2 3 4 77\n"
	    "example.org. 77 IN NS a.example.org.\n"
	    "a.example.org. 5 IN A 192.0.2.1\n"
	    "b.example.org. 5 IN A 192.0.2.1\n"
	    "c.example.org. 9 IN A 192.0.2.1\n"
	    "d.example.org. 0 IN A 192.0.2.1\n"
	    "e.example.org. 9 IN A 192.0.2.1\n");
}

/* What BIND 9.18 makes of the same lines. */
static void test_generate(void **state)
{
	(void)state;
	expect(
	    "$TTL 6\n"
	    "$GENERATE 1-3/2 a$ 300 IN TXT \"x$$y \\$ ${0,5,x} ${10,4,o} ${254,6,n} ${171,0,N}\"\n"
	    "$GENERATE 1024-1024 ${-2000,0,n} AAAA 2001:db8::${0,4,x}\n"
	    "b A 192.0.2.1\n",
	    "a1.example.org. 300 IN TXT \"x$y\" \"$\" \"00001\" \"0013\" \"f.f.0.\" \"C.A\"\n"
	    "a3.example.org. 300 IN TXT \"x$y\" \"$\" \"00003\" \"0015\" \"1.0.1.\" \"E.A\"\n"
	    "0.3.c.f.f.f.f.f.example.org. 6 IN AAAA 2001:db8::400\n"
	    "b.example.org. 6 IN A 192.0.2.1\n");
}

static void test_unknown_types_R7(void **state)
{
	(void)state;
	expect("a 1 TYPE731 \\# 6 abcdef 01 23 45\n"
	       "a 1 A \\# 4 c0000201\n"
	       "a 1 CLASS1 TYPE1 192.0.2.2\n"
	       "a 1 TYPE731 \\# 0\n"
	       "a 1 DSYNC CDS NOTIFY 53 Scanner\n",
	    "a.example.org. 1 IN TYPE731 \\# 6 abcdef012345\n"
	    "a.example.org. 1 IN A 192.0.2.1\n"
	    "a.example.org. 1 IN A 192.0.2.2\n"
	    "a.example.org. 1 IN TYPE731 \\# 0\n"
	    "a.example.org. 1 IN TYPE66 \\# 26 "
	    "003b010035075363616e6e6572076578616d706c65036f726700\n");
}

static const struct {
	const char *zone, *want; /* want: part of the error, behind the file's name */
} refused[] = {
    {"a 1 A 192.0.2.1\nb 1 A 192.0.2\n", ":2: A record, at \"192.0.2\""},
    {"\n\na 1 (\nTXT\n", ":5: a parenthesis is not closed"},
    {"a 1 TXT )\n", ":1: a parenthesis is closed that was not opened"},
    {"a 1 TXT \"x\n\"", ": a quote is not closed"},
    {"a 1 TXT\n", ":1"},
    {"a A 192.0.2.1\n", ":1: no TTL"},
    {" 1 A 192.0.2.1\n", ":1: no record before"},
    {"a..b 1 A 192.0.2.1\n", ":1: not a domain name"},
    {"a 1 NOSUCH x\n", ":1: unknown RR type \"NOSUCH\""},
    {"a 1 CH TXT x\n", ":1: only class IN"},
    {"a 1 AXFR x\n", ":1: not a type that a zone can hold"},
    {"a 1 OPT \\# 0\n", ":1: not a type that a zone can hold"},
    {"a 1 IN\n", ":1: a record without a type"},
    {"a 2147483648 A 192.0.2.1\n", ":1: a TTL must be"},
    {"a 1 A 192.0.2.1 x\n", "text behind the last field"},
    {"a 1 MX 10\n", "a field is missing"},
    {"a 1 MX 65536 b\n", "\"65536\": a field cannot be read"},
    {"a 1 TYPE731 abcd\n", "RFC 3597"},
    {"a 1 TYPE731 \\# 3 abcd\n", "the length behind \\#"},
    {"a 1 TYPE731 \\# 2 abc\n", "\\# must be followed"},
    {"a 1 A \\# 3 abcdef\n", "malformed A RDATA"},
    {"a 1 TXT \\256\n", "a field cannot be read"},
    {"a 1 EUI48 1-23-45-67-89-ab\n", "a field cannot be read"},
    {"a 1 SVCB 1 . port=1 port=2\n", "ascending order"},
    {"a 1 SVCB 1 . alpn=a,,b\n", "a field cannot be read"},
    {"a 1 NSEC b A NOSUCH\n", "\"NOSUCH\": a field cannot be read"},
    {"$TTL\n", ":1: $TTL must be"},
    {"$ORIGIN a b\n", ":1: $ORIGIN must be"},
    {"$INCLUDE x\n", ":1: not supported"},
    {"$GENERATE 2-1 a$ A 192.0.2.$\n", ":1: $GENERATE must be"},
    {"$GENERATE 1-2/0 a$ A 192.0.2.$\n", ":1: $GENERATE must be"},
    {"$GENERATE 0-1048576 a$ A 192.0.2.1\n", ":1: $GENERATE must be"},
    {"$GENERATE 1-2 a$ A\n", ":1: $GENERATE needs"},
    {"$GENERATE 1-2 a${0,0,z} A 192.0.2.1\n", ":1: bad substitution"},
    {"$GENERATE 1-2 a${0 A 192.0.2.1\n", ":1: bad substitution"},
    {"\n$GENERATE 250-260 a$ 5 A 192.0.2.$\n", ":2: A record, at \"192.0.2.256\""},
    {"$NOSUCH\n", ":1: unknown directive"},
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < MEM_COUNT(refused); i++) {
		struct fixture_zone z;
		struct err e = {0};

		write_zone(refused[i].zone, strlen(refused[i].zone));
		assert_int_equal(fixture_load(&z, file, "example.org.", &e), ERR_FORMAT);
		if (strstr(e.text, refused[i].want) == NULL || strstr(e.text, file) == NULL)
			fail_msg("\"%s\" instead of \"%s\"", e.text, refused[i].want);
		fixture_free(&z);
		unlink(file);
	}
}

static void test_no_file(void **state)
{
	struct fixture_zone z;
	struct err e = {0};

	(void)state;
	assert_int_equal(fixture_load(&z, "/nowhere/zone", "a.", &e), ERR_SYSTEM);
	assert_non_null(strstr(e.text, "/nowhere/zone"));
	assert_int_equal(fixture_load(&z, "/", "a.", &e), ERR_FORMAT);
}

static void test_zero_octets(void **state)
{
	static const char zones[][24] = {
	    "a 1 TXT \"x\0y\"\n", "a 1 TXT x\0y\n", "\0", "a 1 TXT \\\0\n"};
	struct fixture_zone z;

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(zones); i++) {
		struct err e = {0};

		write_zone(zones[i], 14);
		assert_int_equal(fixture_load(&z, file, "a.", &e), ERR_FORMAT);
		fixture_free(&z);
		unlink(file);
	}
}

/* 65535 octets of RDATA, each as \DDD: far longer than the lines that ldns reads. */
static void test_longest_record_R7(void **state)
{
	struct buf zone = {0};
	struct fixture_zone z;

	(void)state;
	buf_printf(&zone, "a 1 TXT");
	for (unsigned i = 0; i < 256; i++) {
		buf_put(&zone, " \"", 2);
		for (unsigned k = 0; k < (i < 255 ? 255 : 254); k++)
			buf_printf(&zone, "\\%03u", k);
		buf_u8(&zone, '"');
	}
	buf_put(&zone, "\n", 2);
	load((char *)zone.data, &z);
	assert_int_equal(z.count, 1);
	assert_int_equal(z.records[0].len, 65535);
	fixture_free(&z);
	buf_free(&zone);
}

/* Print, read again: octet for octet the same. */
static size_t round_trip(const char *path, const char *origin)
{
	struct fixture_zone z, again;
	struct buf text = {0};
	struct err e = {0};
	size_t count;

	if (fixture_load(&z, path, origin, &e) != OK)
		fail_msg("%s", e.text);
	print_zone(&z, &text);
	load((char *)text.data, &again);
	assert_int_equal(again.count, z.count);
	for (size_t i = 0; i < z.count; i++) {
		assert_int_equal(again.records[i].len, z.records[i].len);
		assert_memory_equal(
		    again.records[i].owner, z.records[i].owner, name_len(z.records[i].owner));
		assert_memory_equal(again.records[i].rdata, z.records[i].rdata, z.records[i].len);
		assert_int_equal(again.records[i].ttl, z.records[i].ttl);
		assert_int_equal(again.records[i].type, z.records[i].type);
	}
	count = z.count;
	fixture_free(&again);
	fixture_free(&z);
	buf_free(&text);
	return count;
}

static void test_every_type_R7(void **state)
{
	const char *path;

	(void)state;
	round_trip(fixture_path("dns/ecdsap256sha256.zone"), "example.");
	if ((path = fixture_public_path("zones/odd/bind-genzone.zone")) == NULL)
		skip();
	assert_true(round_trip(path, "example.") > 150);
	path = fixture_public_path("zones/odd/knot-records.zone");
	assert_true(round_trip(path, "records.") > 90);
}

static void test_real_zones_R7(void **state)
{
	static const char *const folders[] = {
	    "b4ldr", "grapheneos", "nycmesh", "skopjehacklab", "zonetransfer.me"};
	char name[600], origin[256];
	size_t zones = 0;

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(folders); i++) {
		struct dirent *entry;
		const char *path;
		DIR *d;

		snprintf(name, sizeof(name), "zones/%s", folders[i]);
		if ((path = fixture_public_path(name)) == NULL)
			skip();
		d = opendir(path);
		while ((entry = readdir(d)) != NULL) {
			size_t len = strlen(entry->d_name);

			if (len < 6 || strcmp(entry->d_name + len - 5, ".zone") != 0)
				continue;
			snprintf(origin, sizeof(origin), "%.*s", (int)len - 5, entry->d_name);
			snprintf(name, sizeof(name), "zones/%s/%s", folders[i], entry->d_name);
			round_trip(fixture_public_path(name), origin);
			zones++;
		}
		closedir(d);
	}
	assert_true(zones > 50);
}

/* Broken in syntax or RDATA.  What else is bad in that folder is about whole zones. */
static void test_broken_zones(void **state)
{
	static const char *const names[] = {"caa-rr", "dhcid", "eid", "eui48-no-leading-zero",
	    "eui48-three-digits", "eui48-too-short", "eui48-trailing-garbage",
	    "eui64-no-leading-zero", "eui64-three-digits", "eui64-too-short",
	    "eui64-trailing-garbage", "generate-garbage", "generate-missing-brace",
	    "generate-range", "generate-tkey", "include-directory", "nsap-empty", "nsap-odd-nibble",
	    "nsec3-length", "nsec3-padded", "svcb-alpn1", "svcb-alpn2", "svcb-alpn3", "svcb-alpn4",
	    "svcb-alpn5", "svcb-alpn6", "svcb-mandatory", "svcb", "tkey", "unspec"};
	static const char *const fine[] = {"cdnskey", "cds-unsigned", "cds", "dns-sd-reverse",
	    "gc-msdcs", "generate-modifier", "nsap", "nsec3-nopadhash", "occulted-ns-by-dname",
	    "spf-exception", "svcb"};
	struct fixture_zone z;
	char name[100];
	const char *path;

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(names); i++) {
		struct err e = {0};

		snprintf(name, sizeof(name), "broken/bad-%s.db", names[i]);
		if ((path = fixture_public_path(name)) == NULL)
			skip();
		if (fixture_load(&z, path, "example.", &e) != ERR_FORMAT ||
		    strncmp(e.text, path, strlen(path)) != 0 || e.text[strlen(path)] != ':')
			fail_msg("%s: \"%s\"", path, e.text);
		fixture_free(&z);
	}
	for (size_t i = 0; i < MEM_COUNT(fine); i++) {
		snprintf(name, sizeof(name), "broken/good-%s.db", fine[i]);
		round_trip(fixture_public_path(name), "example.");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_syntax),
	    cmocka_unit_test(test_ttls),
	    cmocka_unit_test(test_generate),
	    cmocka_unit_test(test_unknown_types_R7),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_no_file),
	    cmocka_unit_test(test_zero_octets),
	    cmocka_unit_test(test_longest_record_R7),
	    cmocka_unit_test(test_every_type_R7),
	    cmocka_unit_test(test_real_zones_R7),
	    cmocka_unit_test(test_broken_zones),
	};

	return cmocka_run_group_tests_name("zonefile", tests, NULL, NULL);
}
