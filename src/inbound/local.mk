noinst_LIBRARIES += libinbound.a
libinbound_a_SOURCES = \
	src/inbound/accept.c src/inbound/accept.h \
	src/inbound/axfr.c src/inbound/axfr.h \
	src/inbound/exchange.c src/inbound/exchange.h \
	src/inbound/file.c src/inbound/file.h \
	src/inbound/gate.c src/inbound/gate.h \
	src/inbound/inbound.c src/inbound/inbound.h \
	src/inbound/internal.h \
	src/inbound/notify.c \
	src/inbound/query.c src/inbound/query.h \
	src/inbound/refresh.c \
	src/inbound/round.c \
	src/inbound/stream.c src/inbound/stream.h \
	src/inbound/transfer.c src/inbound/transfer.h
