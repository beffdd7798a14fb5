bin_PROGRAMS += intaglio
intaglio_SOURCES = \
	src/cli/cli.h \
	src/cli/client.c \
	src/cli/completion.c \
	src/cli/main.c \
	src/cli/manual.c \
	src/cli/progress.c \
	src/cli/usage.c
intaglio_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
intaglio_LDADD = libverbs.a $(BASE_LIBS) $(JANSSON_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_cli
UNIT_TESTS += tests/unit/test_cli
tests_unit_test_cli_SOURCES = tests/unit/test_cli.c
tests_unit_test_cli_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cli_LDADD = $(OPS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
endif
