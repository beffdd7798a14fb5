# `make check` runs what needs nothing but the build tree; tests/run system needs other name servers too.
# PATIENCE multiplies the time limits (sanitizers, valgrind, slow machines).
PATIENCE = 1
RUN_TESTS = PYTHONDONTWRITEBYTECODE=1 $(top_srcdir)/tests/run -b $(top_builddir) --patience $(PATIENCE)

check-local: $(check_PROGRAMS)
	$(RUN_TESTS) unit="$(UNIT_TESTS)" token="$(TOKEN_TESTS)" fuzz="$(FUZZ_TESTS)" lint

check-system: all
	$(RUN_TESTS) system

bench: all
	$(top_srcdir)/tests/bench/bench -b $(top_builddir)

.PHONY: check-system bench

EXTRA_DIST += tests/run tests/tap.py tests/lint tests/system tests/bench tests/data \
	contrib/deps contrib/check contrib/quickstart
