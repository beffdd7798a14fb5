/* transfer: fetch one zone from one source by AXFR into a spool file. */
#ifndef INBOUND_TRANSFER_H
#define INBOUND_TRANSFER_H

#include "base/err.h"
#include "dns/peer.h"
#include "inbound/internal.h"

struct transfer;

/* Called once, from the loop.  e->code OK: a complete spool with this serial lies at path; else
 * e->text is the reason and there is no file.  The transfer is gone when it returns. */
typedef void transfer_fn(void *arg, const struct err *e, uint32_t serial, const char *path);

/* Waits for its turn at the gate.  apex is borrowed; size_max: octets, 0 for the built-in limit. */
struct transfer *transfer_start(struct inbound *in, const struct peer *peer, const uint8_t *apex,
    uint64_t size_max, transfer_fn *done, void *arg);
void transfer_cancel(struct transfer *t);   /* done is not called; NULL is fine */
void transfer_keep_key(struct transfer *t); /* see exchange_keep_key; NULL is fine */

#endif
