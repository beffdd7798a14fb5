noinst_LIBRARIES += libconfiguration.a
libconfiguration_a_SOURCES = \
	src/daemon/config.c src/daemon/config.h \
	src/daemon/config_edit.c src/daemon/config_internal.h \
	src/daemon/config_tables.c


if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_config
UNIT_TESTS += tests/unit/test_config
endif
tests_unit_test_config_SOURCES = tests/unit/test_config.c
tests_unit_test_config_LDADD = libconfiguration.a $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
