# src/watch: monitored domains, what their servers have and which DS they should have
noinst_LIBRARIES += libwatch.a
libwatch_a_SOURCES = \
	src/watch/answer.c src/watch/answer.h src/watch/child.c src/watch/child.h \
	src/watch/child_internal.h src/watch/child_note.c src/watch/child_past.c \
	src/watch/child_wish.c src/watch/child_write.c src/watch/decide.c src/watch/decide.h src/watch/decide_dnskey.c \
	src/watch/decide_internal.h src/watch/decide_wish.c src/watch/findings.c src/watch/findings.h src/watch/findings_look.c src/watch/proof.c \
	src/watch/proof.h src/watch/record.c src/watch/record.h src/watch/trust.c src/watch/trust.h
# What a program that uses watch must link, in front of DNS_LIBS.
WATCH_LIBS = libwatch.a libparent.a
