# src/parent: what the parent's servers have, as they were seen
noinst_LIBRARIES += libparent.a
libparent_a_SOURCES = src/parent/alert.c src/parent/alert.h \
	src/parent/trust.c src/parent/trust.h \
	src/parent/trust_memory.c src/parent/trust_memory.h \
	src/parent/dsync.c src/parent/dsync.h \
	src/parent/find.c src/parent/find.h \
	src/parent/observe.c src/parent/observe.h \
	src/parent/submit.c src/parent/submit.h \
	src/parent/update.c src/parent/update.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_alert tests/unit/test_dsync tests/unit/test_find tests/unit/test_observe tests/unit/test_trust \
	tests/unit/test_submit tests/unit/test_update
UNIT_TESTS += tests/unit/test_alert tests/unit/test_dsync tests/unit/test_find tests/unit/test_observe tests/unit/test_trust \
	tests/unit/test_submit tests/unit/test_update
endif
tests_unit_test_trust_SOURCES = tests/unit/test_trust.c $(DNS_FIXTURE)
tests_unit_test_trust_CPPFLAGS = $(DNS_TEST_CPPFLAGS)
tests_unit_test_trust_LDADD = libparent.a $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_observe_SOURCES = tests/unit/test_observe.c
tests_unit_test_observe_LDADD = libparent.a $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_submit_SOURCES = tests/unit/test_submit.c
tests_unit_test_submit_LDADD = libparent.a $(KEYS_LIBS) $(ZONE_LIBS) $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_find_SOURCES = tests/unit/test_find.c
tests_unit_test_find_LDADD = libparent.a $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_update_SOURCES = tests/unit/test_update.c
tests_unit_test_update_LDADD = libparent.a $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_alert_SOURCES = tests/unit/test_alert.c
tests_unit_test_alert_LDADD = libparent.a $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_dsync_SOURCES = tests/unit/test_dsync.c
tests_unit_test_dsync_LDADD = libparent.a $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
