# src/zone: the only room that knows LMDB
noinst_LIBRARIES += libzone.a
libzone_a_SOURCES = \
	src/zone/batch.c src/zone/build.c src/zone/head.c src/zone/snapshot.c src/zone/spool.c \
	src/zone/spool.h src/zone/spool_file.h src/zone/spool_read.c src/zone/store.c \
	src/zone/store.h src/zone/store_internal.h src/zone/store_key.c src/zone/trees.c \
	src/zone/walk.c src/zone/write.c
libzone_a_CPPFLAGS = $(AM_CPPFLAGS) $(LMDB_CFLAGS) $(CRYPTO_CFLAGS)
