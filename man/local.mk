# Manual pages.  What tables can tell, the programs themselves print (--man), so that parser, help and page
# say the same.  The pages are made here, never distributed.
man_MANS += man/intaglio.8 man/intagliod.8 man/intaglio.conf.5
EXTRA_DIST += man/intaglio.8.in man/intagliod.8.in man/intaglio.conf.5.in
CLEANFILES += man/intaglio.8 man/intagliod.8 man/intaglio.conf.5 \
	man/verbs.mdoc man/options.mdoc man/settings.mdoc contrib/intaglio

MAN_PATHS = sed -e 's|[@]sysconfdir[@]|$(sysconfdir)|g' -e 's|[@]datadir[@]|$(datadir)|g'

man/intaglio.8: man/intaglio.8.in intaglio$(EXEEXT)
	@$(MKDIR_P) man
	$(AM_V_GEN)./intaglio$(EXEEXT) --man > man/verbs.mdoc && \
	$(MAN_PATHS) -e '/^@VERBS@$$/r man/verbs.mdoc' -e '/^@VERBS@$$/d' \
		$(srcdir)/man/intaglio.8.in > $@.tmp && mv $@.tmp $@

man/intagliod.8: man/intagliod.8.in intagliod$(EXEEXT)
	@$(MKDIR_P) man
	$(AM_V_GEN)./intagliod$(EXEEXT) --man options > man/options.mdoc && \
	$(MAN_PATHS) -e '/^@OPTIONS@$$/r man/options.mdoc' -e '/^@OPTIONS@$$/d' \
		$(srcdir)/man/intagliod.8.in > $@.tmp && mv $@.tmp $@

man/intaglio.conf.5: man/intaglio.conf.5.in intagliod$(EXEEXT)
	@$(MKDIR_P) man
	$(AM_V_GEN)./intagliod$(EXEEXT) --man config > man/settings.mdoc && \
	$(MAN_PATHS) -e '/^@SETTINGS@$$/r man/settings.mdoc' -e '/^@SETTINGS@$$/d' \
		$(srcdir)/man/intaglio.conf.5.in > $@.tmp && mv $@.tmp $@

# Completion for bash, from the table of verbs.
bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA = contrib/intaglio
contrib/intaglio: intaglio$(EXEEXT)
	@$(MKDIR_P) contrib
	$(AM_V_GEN)./intaglio$(EXEEXT) --completion bash > $@.tmp && mv $@.tmp $@
