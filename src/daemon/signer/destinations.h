/* What a zone's destinations were seen to serve: how far each is behind, and whether what it serves
 * is good for validators.  Signing side; the network side asks (outbound/notify.c). */
#ifndef DAEMON_SIGNER_DESTINATIONS_H
#define DAEMON_SIGNER_DESTINATIONS_H

#include "base/buf.h"
#include "outbound/outbound.h"
#include "watch/lag.h"
#include "zone/store.h"

struct signer_zone;

/* PROTO_DESTINATION, behind the apex. */
void signer_destination_news(struct signer_zone *z, struct reader *body);
void signer_destinations_configure(
    struct signer_zone *z, struct snapshot *sn); /* after its servers */
void signer_destinations_version(
    struct signer_zone *z); /* the head may be another one, and published */
int signer_destinations_save(const struct signer_zone *z, struct store_write *w, struct err *e);
int signer_destinations_forget(const struct signer_zone *z, struct store_write *w, struct err *e);
void signer_destinations_free(struct signer_zone *z);

struct destination_view {
	int64_t asked; /* calendar; 0: since the start it did not say anything */
	enum destination_signatures signatures;
	int64_t expires; /* of the SOA's signature as it serves it; 0: not known */
	struct lag lag;
	char behind[LAG_TEXT_SIZE], finding[LAG_TEXT_SIZE];
};
/* serial: the last that it showed. */
void signer_destination_view(const struct signer_zone *z, const char *server,
    enum destination_status status, bool has_serial, uint32_t serial, struct destination_view *out);
const char *signer_signatures_name(enum destination_signatures s); /* "there" */

#endif
