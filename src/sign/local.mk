# src/sign
noinst_LIBRARIES += libsign.a
libsign_a_SOURCES = \
	src/sign/accept.c \
	src/sign/chain.c \
	src/sign/check.c src/sign/check.h src/sign/check_state.h \
	src/sign/check_chain.c \
	src/sign/check_name.c \
	src/sign/check_sig.c \
	src/sign/commit.c \
	src/sign/denial.c \
	src/sign/due.c \
	src/sign/plan.c \
	src/sign/pool.c src/sign/pool.h \
	src/sign/queue.c \
	src/sign/reuse.c \
	src/sign/run.c src/sign/run.h \
	src/sign/sign.c src/sign/sign.h \
	src/sign/slab.c \
	src/sign/source.c src/sign/source.h \
	src/sign/submit.c
libsign_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)

if HAVE_CMOCKA
SIGN_TEST_LIBS = libsign.a libzone.a $(LMDB_LIBS) $(DNS_LIBS)
check_PROGRAMS += tests/unit/test_sign tests/unit/test_sign_check
UNIT_TESTS += tests/unit/test_sign tests/unit/test_sign_check
tests_unit_test_sign_SOURCES = tests/unit/test_sign.c \
	tests/unit/fake_token.c tests/unit/fake_token.h \
	tests/unit/sign_fixture.c tests/unit/sign_fixture.h
tests_unit_test_sign_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) -I$(top_srcdir)/tests/unit
tests_unit_test_sign_LDADD = $(SIGN_TEST_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_sign_check_SOURCES = tests/unit/test_sign_check.c \
	tests/unit/fake_token.c tests/unit/fake_token.h \
	tests/unit/sign_fixture.c tests/unit/sign_fixture.h
tests_unit_test_sign_check_CPPFLAGS = $(tests_unit_test_sign_CPPFLAGS)
tests_unit_test_sign_check_LDADD = $(tests_unit_test_sign_LDADD)
endif
