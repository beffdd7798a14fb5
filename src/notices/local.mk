# src/notices: what people are told
noinst_LIBRARIES += libtrouble.a
libtrouble_a_SOURCES = src/notices/history.c src/notices/history.h \
	src/notices/trouble.c src/notices/trouble.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_trouble
UNIT_TESTS += tests/unit/test_trouble
endif
tests_unit_test_trouble_LDADD = libtrouble.a $(BASE_LIBS) $(CMOCKA_LIBS)
