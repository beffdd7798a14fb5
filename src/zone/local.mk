# src/zone: the only room that knows LMDB
noinst_LIBRARIES += libzone.a
libzone_a_SOURCES = \
	src/zone/batch.c src/zone/build.c src/zone/change.c src/zone/change.h src/zone/change_walk.c src/zone/head.c \
	src/zone/journal.c src/zone/journal.h src/zone/journal_row.c src/zone/journal_write.c \
	src/zone/snapshot.c src/zone/spool.c src/zone/spool.h \
	src/zone/spool_file.h src/zone/spool_read.c src/zone/store.c \
	src/zone/store.h src/zone/store_internal.h src/zone/store_key.c src/zone/trees.c \
	src/zone/walk.c src/zone/write.c
libzone_a_CPPFLAGS = $(AM_CPPFLAGS) $(LMDB_CFLAGS) $(CRYPTO_CFLAGS)
# What a program that uses zone must link, in front of DNS_LIBS.
ZONE_LIBS = libzone.a $(LMDB_LIBS) $(CRYPTO_LIBS)

if HAVE_CMOCKA
JOURNAL_RIG = tests/unit/journal_rig.c tests/unit/journal_rig_cell.c \
	tests/unit/journal_rig_check.c tests/unit/journal_rig.h
ZONE_TESTS = tests/unit/test_change tests/unit/test_journal tests/unit/test_spool \
	tests/unit/test_store tests/unit/test_walk
check_PROGRAMS += $(ZONE_TESTS)
UNIT_TESTS += $(ZONE_TESTS)
tests_unit_test_change_SOURCES = tests/unit/test_change.c $(JOURNAL_RIG)
tests_unit_test_change_LDADD = $(ZONE_LIBS) $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_journal_SOURCES = tests/unit/test_journal.c $(JOURNAL_RIG)
tests_unit_test_journal_LDADD = $(ZONE_LIBS) $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_journal_CPPFLAGS = $(AM_CPPFLAGS) $(LMDB_CFLAGS)
tests_unit_test_walk_SOURCES = tests/unit/test_walk.c $(JOURNAL_RIG)
tests_unit_test_walk_LDADD = $(ZONE_LIBS) $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_spool_LDADD = $(ZONE_LIBS) $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_store_LDADD = $(ZONE_LIBS) $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_store_CPPFLAGS = $(AM_CPPFLAGS) $(LMDB_CFLAGS)
endif

check_PROGRAMS += tests/fuzz/fuzz_spool
FUZZ_TESTS += tests/fuzz/fuzz_spool
tests_fuzz_fuzz_spool_SOURCES = tests/fuzz/fuzz_spool.c tests/fuzz/driver.c
tests_fuzz_fuzz_spool_LDADD = $(ZONE_LIBS) $(DNS_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/fuzz/spool
