noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	src/base/arena.c src/base/arena.h \
	src/base/buf.c src/base/buf.h \
	src/base/channel.c src/base/msg.h \
	src/base/clock.c src/base/clock.h \
	src/base/conf.c src/base/conf_write.c src/base/conf.h \
	src/base/err.c src/base/err.h \
	src/base/log.c src/base/log.h \
	src/base/loop.c src/base/loop.h \
	src/base/manual.c src/base/manual.h \
	src/base/mem.c src/base/mem.h \
	src/base/period.c src/base/period.h \
	src/base/sandbox.c src/base/sandbox.h \
	src/base/secret.c src/base/secret.h \
	src/base/text.c src/base/text.h
libbase_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(LIBCONFIG_CFLAGS) $(CRYPTO_CFLAGS)
# What a program that uses base must link.
BASE_LIBS = libbase.a $(EVENT_LIBS) $(LIBCONFIG_LIBS) $(CRYPTO_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_base tests/unit/test_loop
UNIT_TESTS += tests/unit/test_base tests/unit/test_loop
endif
tests_unit_test_base_SOURCES = tests/unit/test_base.c
tests_unit_test_base_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_loop_SOURCES = tests/unit/test_loop.c
tests_unit_test_loop_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
