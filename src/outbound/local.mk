noinst_LIBRARIES += liboutbound.a
liboutbound_a_SOURCES = \
	src/outbound/acl.c \
	src/outbound/answer.c \
	src/outbound/ask.c \
	src/outbound/expire.c \
	src/outbound/file.c \
	src/outbound/listen.c \
	src/outbound/look.c \
	src/outbound/notify.c \
	src/outbound/outbound.c src/outbound/outbound.h src/outbound/parts.h \
	src/outbound/socket.c \
	src/outbound/source.c \
	src/outbound/stream.c \
	src/outbound/tcp.c \
	src/outbound/tkey.c \
	src/outbound/transfer.c \
	src/outbound/udp.c \
	src/outbound/version.c

# What a test of this room needs: a rig with a store, and clients.
OUTBOUND_TEST_LIBS = liboutbound.a libzone.a $(LMDB_LIBS) $(DNS_LIBS) $(BASE_LIBS)
OUTBOUND_RIG = tests/unit/outbound_rig.c tests/unit/outbound_rig_client.c \
	tests/unit/outbound_rig_copy.c tests/unit/outbound_rig_zone.c tests/unit/outbound_rig.h

if HAVE_CMOCKA
OUTBOUND_TESTS = tests/unit/test_outbound_answer tests/unit/test_outbound_ixfr \
	tests/unit/test_outbound_notify tests/unit/test_outbound_transfer
check_PROGRAMS += $(OUTBOUND_TESTS)
UNIT_TESTS += $(OUTBOUND_TESTS)
tests_unit_test_outbound_answer_SOURCES = tests/unit/test_outbound_answer.c $(OUTBOUND_RIG)
tests_unit_test_outbound_answer_LDADD = $(OUTBOUND_TEST_LIBS) $(CMOCKA_LIBS)
tests_unit_test_outbound_ixfr_SOURCES = tests/unit/test_outbound_ixfr.c $(OUTBOUND_RIG)
tests_unit_test_outbound_ixfr_LDADD = $(OUTBOUND_TEST_LIBS) $(CMOCKA_LIBS)
tests_unit_test_outbound_notify_SOURCES = tests/unit/test_outbound_notify.c $(OUTBOUND_RIG)
tests_unit_test_outbound_notify_LDADD = $(OUTBOUND_TEST_LIBS) $(CMOCKA_LIBS)
tests_unit_test_outbound_transfer_SOURCES = tests/unit/test_outbound_transfer.c $(OUTBOUND_RIG)
tests_unit_test_outbound_transfer_LDADD = $(OUTBOUND_TEST_LIBS) $(CMOCKA_LIBS)
endif

check_PROGRAMS += tests/fuzz/fuzz_query
FUZZ_TESTS += tests/fuzz/fuzz_query
tests_fuzz_fuzz_query_SOURCES = tests/fuzz/fuzz_query.c tests/fuzz/driver.c $(OUTBOUND_RIG)
tests_fuzz_fuzz_query_LDADD = $(OUTBOUND_TEST_LIBS)
EXTRA_DIST += tests/fuzz/query

# For whoever works on the sender: make tests/unit/outbound_bench
EXTRA_PROGRAMS += tests/unit/outbound_bench
tests_unit_outbound_bench_SOURCES = tests/unit/outbound_bench.c $(OUTBOUND_RIG)
tests_unit_outbound_bench_LDADD = $(OUTBOUND_TEST_LIBS)
CLEANFILES += tests/unit/outbound_bench$(EXEEXT)
