/* spool: what came in, in a file: a list of steps (add or delete one record), written by the network
 * side while it receives, read once by the signing side.  An AXFR or a zone file is a list of adds.
 *
 * A file is complete only when spool_finish wrote its header; anything else is refused.  Records are
 * uncompressed and checked one by one (rdata.h); the reader checks bounds again.  Reading maps the
 * file and sorts an index of it, so that private memory is 8 octets per record. */
#ifndef ZONE_SPOOL_H
#define ZONE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "dns/name.h"

enum spool_kind { SPOOL_FULL = 1, SPOOL_DELTA = 2 };
enum spool_step { SPOOL_ADD = 1, SPOOL_DELETE = 2 };

struct spool_writer;
/* Creates path (0600, must not exist). limit: octets the file may have, 0 for none. */
struct spool_writer *spool_create(const char *path, const uint8_t *apex, uint64_t limit,
    struct err *e);
/* OK, ERR_LIMIT, ERR_SYSTEM (disk full).  Buffered. */
int spool_write(struct spool_writer *w, enum spool_step step, const uint8_t *owner, uint16_t type,
    uint32_t ttl, const uint8_t *rdata, uint16_t rdlen, struct err *e);
/* Writes the header and closes.  Frees w in any case; on an error the file is removed. */
int spool_finish(struct spool_writer *w, enum spool_kind kind, uint32_t serial, struct err *e);
/* Of a difference: the serial of the version that it starts from, before spool_finish. */
void spool_set_from(struct spool_writer *w, uint32_t serial);
void spool_abandon(struct spool_writer *w); /* closes, removes the file, frees; NULL is fine */
uint64_t spool_count(const struct spool_writer *w);

struct spool;
struct spool *spool_open(const char *path, struct err *e);
void spool_close(struct spool *s);
enum spool_kind spool_kind(const struct spool *s);
uint32_t spool_serial(const struct spool *s);
const uint8_t *spool_apex(const struct spool *s);
uint64_t spool_records(const struct spool *s);

/* The RRsets of a full spool in canonical order of owner, then type.  The first call sorts. */
struct spool_rrset {
	const uint8_t *key; /* sort key of the owner (name.h); borrowed from the spool */
	size_t key_len;
	const uint8_t *owner; /* case as first received */
	uint16_t type;
	uint32_t ttl;      /* the lowest of the records' (RFC 2181 5.2) */
	bool ttl_mixed;    /* they were not all the same */
	uint16_t count;
	const uint8_t *rdata; /* packed as in struct rrset, canonical order; valid until the next call */
	size_t rdata_len;
};
int spool_next(struct spool *s, struct spool_rrset *out, struct err *e); /* ERR_MISSING: the end */
void spool_rewind(struct spool *s); /* of either kind */

/* Of a difference (SPOOL_DELTA): the version that it starts from. */
uint32_t spool_serial_from(const struct spool *s);
/* Its RRsets in the same order, each with the records to be deleted and added in the order in which they
 * came; those of several versions follow each other (RFC 1995 section 4).  The SOA is among them, of each
 * version; what the signer makes itself (rrtype_is_stripped) was left out by the writer, which is not
 * checked here.  ERR_MISSING: the end. */
struct spool_group {
	const uint8_t *key;
	size_t key_len;
	const uint8_t *owner;
	uint16_t type;
};
struct spool_record {
	enum spool_step step;
	uint32_t ttl;
	const uint8_t *owner, *rdata; /* owner in the case of this record; borrowed from the spool */
	uint16_t rdlen;
};
int spool_next_group(struct spool *s, struct spool_group *out, struct err *e);
int spool_next_record(struct spool *s, struct spool_record *out, struct err *e); /* of that group */

#endif
