# src/keys: which keys a zone has; their state is in the token
noinst_LIBRARIES += libkeys.a
libkeys_a_SOURCES = \
	src/keys/accept.c src/keys/change.c src/keys/change.h src/keys/check.c src/keys/check.h \
	src/keys/check_emergency.c src/keys/check_internal.h src/keys/commit.c src/keys/destroy.c \
	src/keys/edit.c src/keys/edit.h src/keys/facts.h src/keys/intent.c src/keys/intent.h \
	src/keys/inventory.c src/keys/keys.c src/keys/keys.h src/keys/keys_internal.h \
	src/keys/keyset.h src/keys/life.c src/keys/load.c src/keys/make.c src/keys/make.h \
	src/keys/make_begin.c src/keys/observe.c src/keys/observe.h src/keys/plan.c \
	src/keys/plan.h src/keys/policy.c src/keys/policy.h src/keys/prove.c src/keys/record.c \
	src/keys/record.h src/keys/request.c src/keys/resolve.c src/keys/rival.c src/keys/roll.c \
	src/keys/roll.h src/keys/roll_come.c src/keys/roll_internal.h src/keys/roll_leave.c \
	src/keys/safety.c src/keys/safety.h src/keys/share.c src/keys/share.h src/keys/step.c \
	src/keys/tell.c src/keys/tell.h src/keys/timeline.c src/keys/timeline.h
libkeys_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
# What a program that uses keys must link, in front of a token library and ZONE_LIBS.
KEYS_LIBS = libkeys.a

if HAVE_CMOCKA
KEYS_TESTS = tests/unit/test_keys tests/unit/test_keys_order tests/unit/test_keys_records tests/unit/test_life \
	tests/unit/test_policy_check tests/unit/test_roll tests/unit/test_versions \
	tests/unit/test_record tests/unit/test_share tests/unit/test_tell tests/unit/test_timeline
check_PROGRAMS += $(KEYS_TESTS) tests/token/test_keys tests/token/test_keys_many \
	tests/token/test_roll_kill tests/sim/test_caches
SIM_TESTS += tests/sim/test_caches
UNIT_TESTS += $(KEYS_TESTS)
TOKEN_TESTS += tests/token/test_keys tests/token/test_keys_many tests/token/test_roll_kill
KEYS_TEST_LIBS = $(KEYS_LIBS) $(ZONE_LIBS) $(DNS_LIBS)
# labels.o is all that these take from libtoken.
tests_unit_test_keys_SOURCES = tests/unit/test_keys.c tests/unit/keys_rig.c tests/unit/keys_rig.h \
	tests/unit/failing_token.c tests/unit/failing_token.h
tests_unit_test_keys_LDADD = $(KEYS_TEST_LIBS) libtoken.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_keys_records_SOURCES = tests/unit/test_keys_records.c tests/unit/keys_rig.c tests/unit/keys_rig.h \
	tests/unit/failing_token.c tests/unit/failing_token.h
tests_unit_test_keys_records_LDADD = $(KEYS_TEST_LIBS) libtoken.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_keys_order_SOURCES = tests/unit/test_keys_order.c \
	tests/unit/failing_token.c tests/unit/failing_token.h
tests_unit_test_keys_order_LDADD = $(KEYS_TEST_LIBS) libtoken.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_life_SOURCES = tests/unit/test_life.c \
	tests/unit/failing_token.c tests/unit/failing_token.h
tests_unit_test_life_LDADD = $(KEYS_TEST_LIBS) libtoken.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_policy_check_LDADD = $(KEYS_TEST_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_record_LDADD = $(KEYS_TEST_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_share_LDADD = $(KEYS_TEST_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_roll_LDADD = $(KEYS_TEST_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_sim_test_caches_SOURCES = tests/sim/test_caches.c tests/sim/caches.c tests/sim/caches.h \
	tests/sim/world.c tests/sim/world.h \
	tests/sim/world_internal.h tests/sim/world_zone.c
tests_sim_test_caches_LDADD = $(KEYS_TEST_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_versions_LDADD = $(KEYS_TEST_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_tell_LDADD = $(KEYS_TEST_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_timeline_LDADD = $(KEYS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_token_test_keys_LDADD = $(KEYS_TEST_LIBS) $(TOKEN_TEST_LIBS)
tests_token_test_keys_many_LDADD = $(KEYS_TEST_LIBS) $(TOKEN_TEST_LIBS)
tests_token_test_roll_kill_LDADD = $(KEYS_TEST_LIBS) $(TOKEN_TEST_LIBS)
endif

check_PROGRAMS += tests/fuzz/fuzz_record
FUZZ_TESTS += tests/fuzz/fuzz_record
tests_fuzz_fuzz_record_SOURCES = tests/fuzz/fuzz_record.c tests/fuzz/driver.c
tests_fuzz_fuzz_record_LDADD = $(KEYS_LIBS) $(DNS_LIBS) $(BASE_LIBS)
EXTRA_DIST += tests/fuzz/record
