noinst_LIBRARIES += libdns.a
libdns_a_SOURCES = \
	src/dns/absence.c src/dns/absence.h src/dns/absence_internal.h \
	src/dns/absence_nsec.c src/dns/absence_nsec3.c \
	src/dns/anchors.c src/dns/anchors.h \
	src/dns/answer.c src/dns/answer.h \
	src/dns/digest.c src/dns/digest.h \
	src/dns/dnskey.c src/dns/dnskey.h \
	src/dns/edns.c src/dns/edns.h \
	src/dns/layout.c src/dns/layout.h \
	src/dns/name.c src/dns/name.h \
	src/dns/nsec.c src/dns/nsec.h \
	src/dns/packet.c src/dns/packet.h \
	src/dns/packet_build.c \
	src/dns/peer.c src/dns/peer.h \
	src/dns/rdata.c src/dns/rdata.h \
	src/dns/rdata_parse.c src/dns/rdata_parse.h \
	src/dns/rdata_parse_fields.c src/dns/rdata_parse_internal.h \
	src/dns/rdata_parse_special.c \
	src/dns/rdata_rules.c src/dns/rdata_rules.h \
	src/dns/rdata_svcb.c \
	src/dns/rdata_svcb_text.c \
	src/dns/rdata_text.c src/dns/rdata_text.h \
	src/dns/rrset.c src/dns/rrset.h \
	src/dns/rrsig.c \
	src/dns/rrtype.c src/dns/rrtype.h \
	src/dns/soa.c src/dns/soa.h \
	src/dns/tsig.c src/dns/tsig.h \
	src/dns/tsig_record.c src/dns/tsig_record.h \
	src/dns/validate.c src/dns/validate.h \
	src/dns/verifier.c \
	src/dns/zonemd.c src/dns/zonemd.h \
	src/dns/zonefile.c src/dns/zonefile.h \
	src/dns/zonefile_generate.c src/dns/zonefile_generate.h \
	src/dns/zonefile_lex.c src/dns/zonefile_lex.h
libdns_a_CPPFLAGS = $(AM_CPPFLAGS) $(LDNS_CFLAGS) $(CRYPTO_CFLAGS)
# What a program that uses dns must link, in front of BASE_LIBS.
DNS_LIBS = libdns.a $(LDNS_LIBS) $(CRYPTO_LIBS)

if HAVE_CMOCKA
DNS_TESTS = tests/unit/test_dnskey \
	tests/unit/test_name \
	tests/unit/test_nsec \
	tests/unit/test_packet \
	tests/unit/test_rdata \
	tests/unit/test_rrset \
	tests/unit/test_soa \
	tests/unit/test_tsig \
	tests/unit/test_validate \
	tests/unit/test_zonefile \
	tests/unit/test_zonemd
check_PROGRAMS += $(DNS_TESTS)
UNIT_TESTS += $(DNS_TESTS)
DNS_TEST_LIBS = $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
DNS_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) -DITG_TOP='"$(abs_top_srcdir)"'
DNS_FIXTURE = tests/unit/dns_fixture.c tests/unit/dns_fixture.h
tests_unit_test_zonemd_SOURCES = tests/unit/test_zonemd.c $(DNS_FIXTURE)
tests_unit_test_zonemd_CPPFLAGS = $(DNS_TEST_CPPFLAGS)
tests_unit_test_zonemd_LDADD = $(DNS_TEST_LIBS)
tests_unit_test_dnskey_SOURCES = tests/unit/test_dnskey.c $(DNS_FIXTURE)
tests_unit_test_dnskey_CPPFLAGS = $(DNS_TEST_CPPFLAGS)
tests_unit_test_dnskey_LDADD = $(DNS_TEST_LIBS)
tests_unit_test_name_SOURCES = tests/unit/test_name.c $(DNS_FIXTURE)
tests_unit_test_name_CPPFLAGS = $(DNS_TEST_CPPFLAGS)
tests_unit_test_name_LDADD = $(DNS_TEST_LIBS)
tests_unit_test_nsec_SOURCES = tests/unit/test_nsec.c $(DNS_FIXTURE)
tests_unit_test_nsec_CPPFLAGS = $(DNS_TEST_CPPFLAGS)
tests_unit_test_nsec_LDADD = $(DNS_TEST_LIBS)
tests_unit_test_packet_SOURCES = tests/unit/test_packet.c $(DNS_FIXTURE)
tests_unit_test_packet_CPPFLAGS = $(DNS_TEST_CPPFLAGS)
tests_unit_test_packet_LDADD = $(DNS_TEST_LIBS)
tests_unit_test_rdata_SOURCES = tests/unit/test_rdata.c $(DNS_FIXTURE)
tests_unit_test_rdata_CPPFLAGS = $(DNS_TEST_CPPFLAGS)
tests_unit_test_rdata_LDADD = $(DNS_TEST_LIBS)
tests_unit_test_rrset_SOURCES = tests/unit/test_rrset.c $(DNS_FIXTURE)
tests_unit_test_rrset_CPPFLAGS = $(DNS_TEST_CPPFLAGS)
tests_unit_test_rrset_LDADD = $(DNS_TEST_LIBS)
tests_unit_test_soa_SOURCES = tests/unit/test_soa.c $(DNS_FIXTURE)
tests_unit_test_soa_CPPFLAGS = $(DNS_TEST_CPPFLAGS)
tests_unit_test_soa_LDADD = $(DNS_TEST_LIBS)
tests_unit_test_tsig_SOURCES = tests/unit/test_tsig.c $(DNS_FIXTURE)
tests_unit_test_tsig_CPPFLAGS = $(DNS_TEST_CPPFLAGS)
tests_unit_test_tsig_LDADD = $(DNS_TEST_LIBS)
tests_unit_test_validate_SOURCES = tests/unit/test_validate.c $(DNS_FIXTURE)
tests_unit_test_validate_CPPFLAGS = $(DNS_TEST_CPPFLAGS)
tests_unit_test_validate_LDADD = $(DNS_TEST_LIBS)
tests_unit_test_zonefile_SOURCES = tests/unit/test_zonefile.c $(DNS_FIXTURE)
tests_unit_test_zonefile_CPPFLAGS = $(DNS_TEST_CPPFLAGS)
tests_unit_test_zonefile_LDADD = $(DNS_TEST_LIBS)
endif

DNS_FUZZ = tests/fuzz/fuzz_packet tests/fuzz/fuzz_validate tests/fuzz/fuzz_zonefile
check_PROGRAMS += $(DNS_FUZZ)
FUZZ_TESTS += $(DNS_FUZZ)
tests_fuzz_fuzz_packet_SOURCES = tests/fuzz/fuzz_packet.c tests/fuzz/driver.c
tests_fuzz_fuzz_packet_LDADD = $(DNS_LIBS) $(BASE_LIBS)
tests_fuzz_fuzz_validate_SOURCES = tests/fuzz/fuzz_validate.c tests/fuzz/driver.c
tests_fuzz_fuzz_validate_LDADD = $(DNS_LIBS) $(BASE_LIBS)
tests_fuzz_fuzz_zonefile_SOURCES = tests/fuzz/fuzz_zonefile.c tests/fuzz/driver.c
tests_fuzz_fuzz_zonefile_LDADD = $(DNS_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/fuzz/packet tests/fuzz/validate tests/fuzz/zonefile
