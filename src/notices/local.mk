# src/notices: what operators and contacts are told
noinst_LIBRARIES += libnotices.a
libnotices_a_SOURCES = \
	src/notices/gather.c src/notices/letter.c src/notices/letter.h \
	src/notices/notice.c src/notices/notice.h \
	src/notices/outbox.c src/notices/outbox.h src/notices/outbox_internal.h \
	src/notices/queue.c src/notices/row.c src/notices/row.h src/notices/shelf.c \
	src/notices/template.c src/notices/template.h src/notices/templates.c
libnotices_a_CPPFLAGS = $(AM_CPPFLAGS) -Isrc $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)
# What a program that uses notices must link, in front of ZONE_LIBS.
NOTICES_LIBS = libnotices.a $(JANSSON_LIBS)

# The templates, one for each kind: part of the program, and installed to be read and copied.
NOTICE_TEMPLATES = \
	contrib/notices/child-key-error.txt contrib/notices/child-rollover-completed.txt \
	contrib/notices/child-rrsig-expiry.txt contrib/notices/destination-failed-xfer.txt \
	contrib/notices/digest.txt contrib/notices/ds-late.txt contrib/notices/ds-wrong.txt \
	contrib/notices/emergency-ksk.txt contrib/notices/emergency-zsk.txt \
	contrib/notices/heartbeat.txt contrib/notices/ksk-postpublish-complete.txt \
	contrib/notices/ksk-rollover-scheduled.txt contrib/notices/ksk-rollover-successful.txt \
	contrib/notices/signatures-running-out.txt contrib/notices/source-failed-xfer.txt \
	contrib/notices/source-soa-query-failed.txt contrib/notices/status-recovered.txt \
	contrib/notices/test.txt contrib/notices/token-back.txt contrib/notices/token-unreachable.txt
noticesdir = $(datadir)/intaglio/notices
dist_notices_DATA = $(NOTICE_TEMPLATES)
BUILT_SOURCES += src/notices/builtin.inc
CLEANFILES += src/notices/builtin.inc
src/notices/builtin.inc: $(NOTICE_TEMPLATES) src/notices/local.mk
	$(AM_V_GEN)$(MKDIR_P) src/notices; cd $(srcdir) && for f in $(NOTICE_TEMPLATES); do \
		echo "{\"`basename $$f .txt`\","; \
		sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $$f; echo "},"; \
	done > $(abs_builddir)/$@.new
	$(AM_V_at)mv $@.new $@
$(libnotices_a_OBJECTS): src/notices/builtin.inc

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_letter tests/unit/test_outbox
UNIT_TESTS += tests/unit/test_letter tests/unit/test_outbox
endif
tests_unit_test_letter_SOURCES = tests/unit/test_letter.c
tests_unit_test_letter_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_letter_LDADD = $(NOTICES_LIBS) $(ZONE_LIBS) $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_outbox_SOURCES = tests/unit/test_outbox.c
tests_unit_test_outbox_LDADD = $(NOTICES_LIBS) $(ZONE_LIBS) $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)

# Of troubles, when to tell of them: pure.
noinst_LIBRARIES += libtrouble.a
libtrouble_a_SOURCES = src/notices/history.c src/notices/history.h \
	src/notices/trouble.c src/notices/trouble.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_trouble
UNIT_TESTS += tests/unit/test_trouble
endif
tests_unit_test_trouble_LDADD = libtrouble.a $(BASE_LIBS) $(CMOCKA_LIBS)

# How it is brought to them.
noinst_LIBRARIES += libdeliver.a
libdeliver_a_SOURCES = src/notices/deliver.c src/notices/deliver.h \
	src/notices/deliver_internal.h src/notices/deliver_login.c src/notices/deliver_mail.c \
	src/notices/deliver_web.c src/notices/deliver_wire.c src/notices/smtp.c src/notices/smtp.h
libdeliver_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS)
DELIVER_LIBS = libdeliver.a $(CURL_LIBS) $(CRYPTO_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_smtp
UNIT_TESTS += tests/unit/test_smtp
endif
tests_unit_test_smtp_SOURCES = tests/unit/test_smtp.c
tests_unit_test_smtp_LDADD = libdeliver.a $(BASE_LIBS) $(CMOCKA_LIBS)

# One delivery by hand, for the tests against real servers.
check_PROGRAMS += tests/programs/deliver_one
tests_programs_deliver_one_SOURCES = tests/programs/deliver_one.c
tests_programs_deliver_one_LDADD = $(DELIVER_LIBS) $(BASE_LIBS)
