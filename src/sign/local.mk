# src/sign
noinst_LIBRARIES += libsign.a
libsign_a_SOURCES = \
	src/sign/accept.c \
	src/sign/amend.c src/sign/amend.h \
	src/sign/amend_nsec3.c \
	src/sign/catchup.c \
	src/sign/chain.c \
	src/sign/check.c src/sign/check.h src/sign/check_state.h \
	src/sign/check_chain.c \
	src/sign/check_keys.c \
	src/sign/check_part.c src/sign/check_part.h src/sign/check_part_state.h \
	src/sign/check_part_denial.c \
	src/sign/check_part_look.c \
	src/sign/check_part_sums.c \
	src/sign/check_name.c \
	src/sign/check_set.c \
	src/sign/check_sig.c \
	src/sign/choose.c \
	src/sign/commit.c \
	src/sign/compare.c \
	src/sign/delta.c src/sign/delta.h \
	src/sign/denial.c \
	src/sign/digest.c src/sign/digest.h \
	src/sign/due.c \
	src/sign/judge.c src/sign/links.c \
	src/sign/mark.c src/sign/mark.h \
	src/sign/neighbours.c \
	src/sign/plan.c \
	src/sign/pool.c src/sign/pool.h \
	src/sign/publish.c \
	src/sign/queue.c \
	src/sign/resign.c \
	src/sign/reuse.c \
	src/sign/run.c src/sign/run.h \
	src/sign/sign.c src/sign/sign.h \
	src/sign/slab.c \
	src/sign/source.c src/sign/source.h \
	src/sign/submit.c \
	src/sign/tally.c \
	src/sign/view.c \
	src/sign/zonemd.h src/sign/zonemd_in.c \
	src/sign/zonemd_out.c \
	src/sign/zonemd_rows.c
libsign_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)

if HAVE_CMOCKA
check_LIBRARIES += libsigntest.a
libsigntest_a_SOURCES = tests/unit/change_rig.c tests/unit/change_rig.h \
	tests/unit/fake_token.c tests/unit/fake_token.h \
	tests/unit/signing.c tests/unit/signing.h tests/unit/signing_fake.c
libsigntest_a_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
SIGN_TEST_LIBS = libsigntest.a libsign.a libsigntest.a libzone.a $(LMDB_LIBS) $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_catchup tests/unit/test_check_part tests/unit/test_check_part_random tests/unit/test_publish tests/unit/test_sign tests/unit/test_sign_check tests/unit/test_sign_keys tests/unit/test_sign_oracle tests/unit/test_sign_zonemd
UNIT_TESTS += tests/unit/test_catchup tests/unit/test_check_part tests/unit/test_check_part_random tests/unit/test_publish tests/unit/test_sign tests/unit/test_sign_check tests/unit/test_sign_keys tests/unit/test_sign_oracle tests/unit/test_sign_zonemd
tests_unit_test_check_part_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_check_part_LDADD = $(SIGN_TEST_LIBS)
tests_unit_test_check_part_random_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_check_part_random_LDADD = $(SIGN_TEST_LIBS)
tests_unit_test_publish_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_publish_LDADD = $(SIGN_TEST_LIBS)
tests_unit_test_sign_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_sign_LDADD = $(SIGN_TEST_LIBS)
tests_unit_test_sign_check_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_sign_check_LDADD = $(SIGN_TEST_LIBS)
tests_unit_test_catchup_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_catchup_LDADD = $(SIGN_TEST_LIBS)
tests_unit_test_sign_keys_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_sign_keys_LDADD = $(SIGN_TEST_LIBS)
tests_unit_test_sign_zonemd_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) -DITG_TOP='"$(abs_top_srcdir)"'
tests_unit_test_sign_zonemd_LDADD = $(SIGN_TEST_LIBS)
tests_unit_test_sign_oracle_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_sign_oracle_LDADD = $(SIGN_TEST_LIBS)

AMEND_RIG = tests/unit/amend_chance.c tests/unit/amend_change.c tests/unit/amend_follow.c tests/unit/amend_judge.c tests/unit/amend_keys.c \
	tests/unit/amend_rig.c tests/unit/amend_rig.h tests/unit/amend_signatures.c \
	tests/unit/amend_version.c tests/unit/amend_version.h tests/unit/amend_zone.c tests/unit/amend_zone.h
libamendtest_a_SOURCES = $(AMEND_RIG)
libamendtest_a_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
check_LIBRARIES += libamendtest.a
check_PROGRAMS += tests/unit/test_amend tests/unit/test_amend_random
UNIT_TESTS += tests/unit/test_amend tests/unit/test_amend_random
tests_unit_test_amend_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_amend_LDADD = libamendtest.a $(SIGN_TEST_LIBS)
tests_unit_test_amend_random_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_amend_random_LDADD = libamendtest.a $(SIGN_TEST_LIBS)

# The same with slices and slabs of a few signatures.
check_LIBRARIES += libsignsmall.a
libsignsmall_a_SOURCES = $(libsign_a_SOURCES)
libsignsmall_a_CPPFLAGS = $(libsign_a_CPPFLAGS) -DSLICE_SIGNATURES=7 -DAMEND_SMALL=0 -DSLAB_SIGNATURES=4
check_PROGRAMS += tests/unit/test_amend_slices
UNIT_TESTS += tests/unit/test_amend_slices
tests_unit_test_amend_slices_SOURCES = tests/unit/test_amend_random.c
tests_unit_test_amend_slices_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) -DAMEND_IN_SLICES
tests_unit_test_amend_slices_LDADD = libamendtest.a libsigntest.a libsignsmall.a libzone.a $(LMDB_LIBS) $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/token/test_sign
TOKEN_TESTS += tests/token/test_sign
tests_token_test_sign_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_token_test_sign_SOURCES = tests/token/test_sign.c tests/unit/signing.c tests/unit/signing.h
tests_token_test_sign_LDADD = libsign.a libzone.a $(LMDB_LIBS) $(DNS_LIBS) $(TOKEN_TEST_LIBS)
check_PROGRAMS += tests/token/test_sessions
TOKEN_TESTS += tests/token/test_sessions
tests_token_test_sessions_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_token_test_sessions_SOURCES = tests/token/test_sessions.c tests/unit/signing.c tests/unit/signing.h
tests_token_test_sessions_LDADD = libsign.a libzone.a $(LMDB_LIBS) $(DNS_LIBS) $(TOKEN_TEST_LIBS)
endif

EXTRA_PROGRAMS += tests/bench/signbench
tests_bench_signbench_SOURCES = tests/bench/signbench.c
tests_bench_signbench_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
tests_bench_signbench_LDADD = libsign.a libzone.a $(LMDB_LIBS) $(DNS_LIBS) $(TOKEN_CLIENT_LIBS) \
	$(TOKEN_LOCAL_LIBS) $(BASE_LIBS)
