# pkcs11: libtoken is what both kinds of token share; a program links one of TOKEN_CLIENT_LIBS (no PKCS#11
# library in it) and TOKEN_LOCAL_LIBS, then $(BASE_LIBS).
noinst_LIBRARIES += libtoken.a libtoken_client.a libtoken_local.a
libtoken_a_SOURCES = \
	pkcs11/token.c pkcs11/token.h pkcs11/driver.h \
	pkcs11/ckr.c \
	pkcs11/labels.c pkcs11/labels.h \
	pkcs11/verify.c pkcs11/verify.h \
	pkcs11/wire.c pkcs11/wire.h
libtoken_client_a_SOURCES = \
	pkcs11/client.c pkcs11/client.h \
	pkcs11/dispatch.c \
	pkcs11/queue.c \
	pkcs11/request.c
libtoken_local_a_SOURCES = \
	pkcs11/admin.c pkcs11/admin.h \
	pkcs11/call.c pkcs11/call.h \
	pkcs11/caps.c \
	pkcs11/index.c pkcs11/index.h \
	pkcs11/keygen.c \
	pkcs11/ladder.c \
	pkcs11/list.c \
	pkcs11/local.c pkcs11/local.h \
	pkcs11/mech.c \
	pkcs11/module.c pkcs11/module.h \
	pkcs11/object.c \
	pkcs11/pubkey.c \
	pkcs11/record.c \
	pkcs11/session.c \
	pkcs11/sign.c \
	pkcs11/trial.c pkcs11/trial.h \
	pkcs11/unwrap.c \
	pkcs11/worker.c \
	pkcs11/wrap.c pkcs11/wrap.h pkcs11/wrap_internal.h
libtoken_local_a_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS) $(LIBP11_CFLAGS)
TOKEN_CLIENT_LIBS = libtoken_client.a libtoken.a
TOKEN_LOCAL_LIBS = libtoken_local.a libtoken.a $(LIBP11_LIBS)

# Shared objects without libtool: they are for the tests and the bench alone and never installed.
delaymod_c = tests/token/delaymod.c tests/token/delaymod_objects.c tests/token/delaymod_sign.c
delaymod_h = tests/token/delaymod.h tests/token/delaymod_internal.h
tests/token/delaymod.so: $(delaymod_c) $(delaymod_h)
	@$(MKDIR_P) tests/token
	$(AM_V_CCLD)$(CC) $(STD_CFLAGS) $(WARN_CFLAGS) -D_GNU_SOURCE $(P11KIT_CFLAGS) $(CFLAGS) \
		-shared -fPIC -o $@ $(delaymod_c:%=$(srcdir)/%) $(CRYPTO_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_token_wire tests/unit/test_token_tables
UNIT_TESTS += tests/unit/test_token_wire tests/unit/test_token_tables
tests_unit_test_token_wire_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_token_wire_LDADD = libtoken.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_token_tables_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_token_tables_LDADD = $(TOKEN_LOCAL_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)

tests/token/faultmod.so: tests/token/faultmod.c tests/token/faultmod.h
	@$(MKDIR_P) tests/token
	$(AM_V_CCLD)$(CC) $(STD_CFLAGS) $(WARN_CFLAGS) -D_GNU_SOURCE $(P11KIT_CFLAGS) $(CFLAGS) \
		-shared -fPIC -o $@ $(srcdir)/tests/token/faultmod.c

check_DATA = tests/token/faultmod.so tests/token/delaymod.so
CLEANFILES += tests/token/faultmod.so tests/token/delaymod.so
EXTRA_DIST += tests/token/faultmod.c tests/token/faultmod.h \
	$(delaymod_c) $(delaymod_h)

check_LIBRARIES += libtokentest.a
libtokentest_a_SOURCES = tests/token/support.c tests/token/support.h
libtokentest_a_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) \
	-DFAULTMOD_PATH='"$(abs_top_builddir)/tests/token/faultmod.so"' \
	-DDELAYMOD_PATH='"$(abs_top_builddir)/tests/token/delaymod.so"'
TOKEN_TEST_LIBS = libtokentest.a libtoken_client.a $(TOKEN_LOCAL_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/token/test_token_local tests/token/test_token_client \
	tests/token/test_token_kill tests/token/test_hsm tests/token/test_backup
TOKEN_TESTS += tests/token/test_token_local tests/token/test_token_client \
	tests/token/test_token_kill tests/token/test_hsm tests/token/test_backup
tests_token_test_token_local_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS) $(CMOCKA_CFLAGS)
tests_token_test_token_local_LDADD = $(TOKEN_TEST_LIBS)
tests_token_test_token_client_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_token_test_token_client_LDADD = $(TOKEN_TEST_LIBS)
tests_token_test_token_kill_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_token_test_token_kill_LDADD = $(TOKEN_TEST_LIBS)
tests_token_test_hsm_SOURCES = tests/token/test_hsm.c tests/token/hsm.c tests/token/hsm.h
tests_token_test_hsm_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) \
	-DHSM_PATH='"$(abs_top_builddir)/intaglio-hsm"' \
	-DFAULTMOD_PATH='"$(abs_top_builddir)/tests/token/faultmod.so"'
tests_token_test_hsm_LDADD = $(TOKEN_TEST_LIBS)
tests_token_test_backup_SOURCES = tests/token/test_backup.c tests/token/hsm.c tests/token/hsm.h \
	hsm-setup/backup.h hsm-setup/backup_file.c hsm-setup/backup_key.c hsm-setup/pin.c
tests_token_test_backup_CPPFLAGS = $(tests_token_test_hsm_CPPFLAGS) $(P11KIT_CFLAGS) $(LIBP11_CFLAGS)
tests_token_test_backup_LDADD = $(TOKEN_TEST_LIBS)
endif
