# src/watch: monitored domains, what their servers have and which DS they should have
noinst_LIBRARIES += libwatch.a
libwatch_a_SOURCES = \
	src/watch/answer.c src/watch/answer.h src/watch/child.c src/watch/child.h \
	src/watch/child_internal.h src/watch/child_note.c src/watch/child_past.c \
	src/watch/child_wish.c src/watch/child_write.c src/watch/decide.c src/watch/decide.h \
	src/watch/decide_dnskey.c src/watch/decide_internal.h src/watch/decide_wish.c \
	src/watch/findings.c src/watch/findings.h src/watch/findings_look.c \
	src/watch/lag.c src/watch/lag.h src/watch/proof.c \
	src/watch/proof.h src/watch/record.c src/watch/record.h \
	src/watch/runway.c src/watch/runway.h src/watch/trust.c \
	src/watch/trust.h
# What a program that uses watch must link, in front of DNS_LIBS.
WATCH_LIBS = libwatch.a libparent.a

if HAVE_CMOCKA
WATCH_TESTS = tests/unit/test_lag tests/unit/test_runway tests/unit/test_watch_answer tests/unit/test_watch_cds tests/unit/test_watch_dnskey \
	tests/unit/test_watch_findings tests/unit/test_watch_random
check_PROGRAMS += $(WATCH_TESTS)
UNIT_TESTS += $(WATCH_TESTS)
WATCH_RIG = tests/unit/watch_rig.c tests/unit/watch_rig.h tests/unit/watch_rig_keys.c \
	tests/unit/watch_rig_keys.h
WATCH_TEST_LIBS = $(WATCH_LIBS) $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
WATCH_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_lag_SOURCES = tests/unit/test_lag.c
tests_unit_test_lag_LDADD = $(WATCH_TEST_LIBS)
tests_unit_test_runway_SOURCES = tests/unit/test_runway.c
tests_unit_test_runway_LDADD = $(WATCH_TEST_LIBS)
tests_unit_test_watch_answer_SOURCES = tests/unit/test_watch_answer.c $(WATCH_RIG)
tests_unit_test_watch_answer_CPPFLAGS = $(WATCH_TEST_CPPFLAGS)
tests_unit_test_watch_answer_LDADD = $(WATCH_TEST_LIBS)
tests_unit_test_watch_cds_SOURCES = tests/unit/test_watch_cds.c $(WATCH_RIG)
tests_unit_test_watch_cds_CPPFLAGS = $(WATCH_TEST_CPPFLAGS)
tests_unit_test_watch_cds_LDADD = $(WATCH_TEST_LIBS)
tests_unit_test_watch_dnskey_SOURCES = tests/unit/test_watch_dnskey.c $(WATCH_RIG)
tests_unit_test_watch_dnskey_CPPFLAGS = $(WATCH_TEST_CPPFLAGS)
tests_unit_test_watch_dnskey_LDADD = $(WATCH_TEST_LIBS)
tests_unit_test_watch_findings_SOURCES = tests/unit/test_watch_findings.c $(WATCH_RIG)
tests_unit_test_watch_findings_CPPFLAGS = $(WATCH_TEST_CPPFLAGS)
tests_unit_test_watch_findings_LDADD = $(WATCH_TEST_LIBS)
tests_unit_test_watch_random_SOURCES = tests/unit/test_watch_random.c $(WATCH_RIG) $(DNS_FIXTURE)
tests_unit_test_watch_random_CPPFLAGS = $(WATCH_TEST_CPPFLAGS) -DITG_TOP='"$(abs_top_srcdir)"'
tests_unit_test_watch_random_LDADD = $(WATCH_TEST_LIBS)
endif
