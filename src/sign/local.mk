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

