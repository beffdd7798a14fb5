noinst_LIBRARIES += libverbs.a libops.a
libverbs_a_SOURCES = src/ops/verbs.c src/ops/verbs_parse.c src/ops/verbs.h
libops_a_SOURCES = \
	src/ops/call.c src/ops/control.c src/ops/internal.h src/ops/ops.h \
	src/ops/listing.c src/ops/listing.h \
	src/ops/request.c \
	src/ops/stanza.c src/ops/stanza.h
libops_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
OPS_LIBS = libops.a libverbs.a $(JANSSON_LIBS)

if HAVE_CMOCKA
OPS_TESTS = \
	tests/unit/test_control \
	tests/unit/test_listing \
	tests/unit/test_stanza \
	tests/unit/test_verbs
check_PROGRAMS += $(OPS_TESTS)
UNIT_TESTS += $(OPS_TESTS)
tests_unit_test_control_SOURCES = tests/unit/test_control.c
tests_unit_test_control_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_control_LDADD = $(OPS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_listing_SOURCES = tests/unit/test_listing.c
tests_unit_test_listing_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_listing_LDADD = $(OPS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_stanza_SOURCES = tests/unit/test_stanza.c
tests_unit_test_stanza_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_stanza_LDADD = libops.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_verbs_SOURCES = tests/unit/test_verbs.c
tests_unit_test_verbs_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_verbs_LDADD = libverbs.a $(BASE_LIBS) $(CMOCKA_LIBS)
endif

check_PROGRAMS += tests/fuzz/fuzz_request
FUZZ_TESTS += tests/fuzz/fuzz_request
tests_fuzz_fuzz_request_SOURCES = tests/fuzz/fuzz_request.c tests/fuzz/driver.c
tests_fuzz_fuzz_request_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_request_LDADD = $(OPS_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/fuzz/request
