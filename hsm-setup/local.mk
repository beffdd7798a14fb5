# hsm-setup: the tool for tokens, and its manual, whose lists come from the tool's own tables.
sbin_PROGRAMS += intaglio-hsm
intaglio_hsm_SOURCES = \
	hsm-setup/backup.c hsm-setup/backup.h \
	hsm-setup/backup_file.c \
	hsm-setup/backup_key.c \
	hsm-setup/backup_words.c \
	hsm-setup/bench.c \
	hsm-setup/check.c \
	hsm-setup/hsm.h \
	hsm-setup/holding.c \
	hsm-setup/init.c \
	hsm-setup/list.c \
	hsm-setup/main.c \
	hsm-setup/options.c \
	hsm-setup/pin.c \
	hsm-setup/restore.c
intaglio_hsm_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) -DITG_VERSION='"$(PACKAGE_VERSION)"'
intaglio_hsm_LDADD = $(TOKEN_LOCAL_LIBS) $(BASE_LIBS) $(JANSSON_LIBS)

man_MANS += man/intaglio-hsm.8
EXTRA_DIST += man/intaglio-hsm.8.in
CLEANFILES += man/intaglio-hsm.8 man/intaglio-hsm.lists
man/intaglio-hsm.8: man/intaglio-hsm.8.in intaglio-hsm$(EXEEXT)
	@$(MKDIR_P) man
	$(AM_V_GEN)./intaglio-hsm$(EXEEXT) --man > man/intaglio-hsm.lists && \
	sed -e '/^@COMMANDS@$$/r man/intaglio-hsm.lists' -e '/^@COMMANDS@$$/d' \
		$(srcdir)/man/intaglio-hsm.8.in > $@.tmp && mv $@.tmp $@
