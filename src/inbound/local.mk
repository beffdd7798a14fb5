noinst_LIBRARIES += libinbound.a
libinbound_a_SOURCES = \
	src/inbound/accept.c src/inbound/accept.h \
	src/inbound/axfr.c \
	src/inbound/exchange.c src/inbound/exchange.h \
	src/inbound/file.c src/inbound/file.h \
	src/inbound/file_watch.c \
	src/inbound/gate.c src/inbound/gate.h \
	src/inbound/inbound.c src/inbound/inbound.h \
	src/inbound/internal.h \
	src/inbound/ixfr.c \
	src/inbound/notify.c \
	src/inbound/probe.c src/inbound/probe.h \
	src/inbound/query.c src/inbound/query.h \
	src/inbound/receive.c src/inbound/receive.h \
	src/inbound/refresh.c \
	src/inbound/round.c \
	src/inbound/stream.c src/inbound/stream.h \
	src/inbound/transfer.c src/inbound/transfer.h

if HAVE_CMOCKA
INBOUND_TESTS = tests/unit/test_inbound_accept tests/unit/test_inbound_axfr \
	tests/unit/test_inbound_file tests/unit/test_inbound_gate tests/unit/test_inbound_ixfr \
	tests/unit/test_inbound_notify \
	tests/unit/test_inbound_peers tests/unit/test_inbound_probe tests/unit/test_inbound_rounds
check_PROGRAMS += $(INBOUND_TESTS)
UNIT_TESTS += $(INBOUND_TESTS)
INBOUND_TEST_LIBS = libinbound.a libzone.a $(LMDB_LIBS) $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
INBOUND_BENCH = tests/unit/inbound_bench.c tests/unit/inbound_fake.c tests/unit/inbound_fake.h
tests_unit_test_inbound_accept_LDADD = $(INBOUND_TEST_LIBS)
tests_unit_test_inbound_axfr_LDADD = $(INBOUND_TEST_LIBS)
tests_unit_test_inbound_gate_LDADD = $(INBOUND_TEST_LIBS)
tests_unit_test_inbound_file_LDADD = $(INBOUND_TEST_LIBS)
tests_unit_test_inbound_file_SOURCES = tests/unit/test_inbound_file.c $(INBOUND_BENCH)
tests_unit_test_inbound_ixfr_LDADD = $(INBOUND_TEST_LIBS)
tests_unit_test_inbound_ixfr_SOURCES = tests/unit/test_inbound_ixfr.c $(INBOUND_BENCH)
tests_unit_test_inbound_notify_LDADD = $(INBOUND_TEST_LIBS)
tests_unit_test_inbound_notify_SOURCES = tests/unit/test_inbound_notify.c $(INBOUND_BENCH)
tests_unit_test_inbound_peers_LDADD = $(INBOUND_TEST_LIBS)
tests_unit_test_inbound_peers_SOURCES = tests/unit/test_inbound_peers.c $(INBOUND_BENCH)
tests_unit_test_inbound_probe_LDADD = $(INBOUND_TEST_LIBS)
tests_unit_test_inbound_probe_SOURCES = tests/unit/test_inbound_probe.c $(INBOUND_BENCH)
tests_unit_test_inbound_rounds_LDADD = $(INBOUND_TEST_LIBS)
tests_unit_test_inbound_rounds_SOURCES = tests/unit/test_inbound_rounds.c $(INBOUND_BENCH)
endif

check_PROGRAMS += tests/fuzz/fuzz_axfr
FUZZ_TESTS += tests/fuzz/fuzz_axfr
tests_fuzz_fuzz_axfr_SOURCES = tests/fuzz/fuzz_axfr.c tests/fuzz/driver.c
tests_fuzz_fuzz_axfr_LDADD = libinbound.a libzone.a $(LMDB_LIBS) $(DNS_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/fuzz/axfr
