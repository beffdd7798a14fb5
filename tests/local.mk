# `make check` runs what needs nothing but the build tree; `make check-system` needs other name servers too.
# PATIENCE multiplies the time limits (sanitizers, valgrind, slow machines).
PATIENCE = 1
RUN_TESTS = PYTHONDONTWRITEBYTECODE=1 $(top_srcdir)/tests/run -b $(top_builddir) --patience $(PATIENCE)

check-programs: $(check_LIBRARIES) $(check_PROGRAMS) $(check_DATA) bench-programs

check-local: check-programs
	$(RUN_TESTS) unit="$(UNIT_TESTS)" sim="$(SIM_TESTS)" token="$(TOKEN_TESTS)" fuzz="$(FUZZ_TESTS)" lint

check-system: all bench-programs
	$(RUN_TESTS) system

# What the yardsticks of the bench are measured with.
EXTRA_PROGRAMS += tests/bench/tokenrate
tests_bench_tokenrate_SOURCES = tests/bench/tokenrate.c
tests_bench_tokenrate_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
tests_bench_tokenrate_CFLAGS = $(AM_CFLAGS) -pthread
tests_bench_tokenrate_LDADD = $(CRYPTO_LIBS) -ldl -lpthread

# make bench BENCH="--only full --sizes 10k"
BENCH =
BENCH_HELPERS = tests/bench/tokenrate$(EXEEXT) tests/bench/signbench$(EXEEXT)

bench-programs: $(BENCH_HELPERS) tests/token/delaymod.so

bench: all bench-programs
	PYTHONDONTWRITEBYTECODE=1 $(top_srcdir)/tests/bench/bench -b $(top_builddir) $(BENCH)

dist-hook:
	find $(distdir) -name __pycache__ -prune -exec rm -rf {} +

.PHONY: check-programs check-system bench bench-programs

CLEANFILES += $(BENCH_HELPERS)
EXTRA_DIST += tests/run tests/tap.py tests/tldzone.py tests/lint tests/system tests/bench/bench tests/bench/measure tests/bench/README.md \
	contrib/deps contrib/check contrib/quickstart contrib/hooks/nsupdate-ds
