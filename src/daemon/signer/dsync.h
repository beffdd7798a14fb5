/* dsync: a parent is told to look at a child's CDS (RFC 9859): its DSYNC record is looked up through the
 * resolver, unless parent.notify names a server, and a NOTIFY(CDS) is sent there.  Included by signer.h. */
#ifndef DAEMON_SIGNER_DSYNC_H
#define DAEMON_SIGNER_DSYNC_H

#include <stdbool.h>
#include <stdint.h>
#include "zone/store.h"

struct signer;
struct signer_zone;
struct dsync_job;

/* where "": the parent does not want to be told; else who has acknowledged it.  code not OK: why. */
typedef void dsync_done_fn(void *arg, int code, const char *where, const char *why);
/* Once, and to each address until one acknowledges it.  server: parent.notify, or NULL.  done is called
 * once, never from here.  NULL: nobody can be told, since there is no resolver, or can be no such name. */
struct dsync_job *dsync_start(struct signer *s, const uint8_t *apex, const char *server,
    dsync_done_fn *done, void *arg);
void dsync_cancel(struct dsync_job *j); /* NULL is fine */

/* signer/cds.c: each time when a zone's CDS or CDNSKEY set has changed and all of its servers have it. */
void signer_cds_look(struct signer_zone *z);
void signer_cds_free(struct signer_zone *z);
int signer_cds_remove(const struct signer_zone *z, struct store_write *w, struct err *e);

#endif
