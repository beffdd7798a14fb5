# src/parent: what the parent's servers have, as they were seen
noinst_LIBRARIES += libparent.a
libparent_a_SOURCES = src/parent/observe.c src/parent/observe.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_observe
UNIT_TESTS += tests/unit/test_observe
endif
tests_unit_test_observe_SOURCES = tests/unit/test_observe.c
tests_unit_test_observe_LDADD = libparent.a $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
