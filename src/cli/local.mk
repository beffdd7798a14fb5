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
