noinst_LIBRARIES += liboutbound.a
liboutbound_a_SOURCES = \
	src/outbound/acl.c \
	src/outbound/answer.c \
	src/outbound/ask.c \
	src/outbound/axfr.c \
	src/outbound/file.c \
	src/outbound/notify.c \
	src/outbound/outbound.c src/outbound/outbound.h src/outbound/parts.h \
	src/outbound/tcp.c \
	src/outbound/tkey.c \
	src/outbound/transfer.c \
	src/outbound/udp.c \
	src/outbound/version.c
