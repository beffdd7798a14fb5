/* Which versions the zones' servers have, and whom the operator does not wait for (R25).  Included by signer.h. */
#ifndef DAEMON_SIGNER_OBSERVE_H
#define DAEMON_SIGNER_OBSERVE_H

#include "dns/peer.h"
#include "keys/facts.h"
#include "keys/keyset.h"
#include "keys/record.h"

struct signer_zone;

struct signer_release { /* of a server that is not waited for any more */
	char server[PEER_NAME_MAX];
	char reason[160], requester[80];
	int64_t at;
};
void signer_observe_configure(struct signer_zone *z); /* after its servers */
void signer_observe_free(struct signer_zone *z);
void signer_observe_version(struct signer_zone *z, const struct keyset *ks); /* head was published, signed by ks */
void signer_observe_seen(struct signer_zone *z, const char *server, uint32_t serial);
void signer_observe_lost(struct signer_zone *z, const char *server); /* it cannot be asked */
void signer_observe_facts(const struct signer_zone *z, const struct record *r, struct facts *f);
/* Does every server have this version, or a later one? */
bool signer_observe_all_have(const struct signer_zone *z, uint32_t serial);
/* The operator does not wait for this server any more; kept over restarts, until the server is taken out of
 * the configuration or is seen with the current version.  ERR_MISSING: no such. */
int signer_observe_release(struct signer_zone *z, const char *server, const char *reason,
    const char *requester, struct err *e);
const struct signer_release *signer_observe_released(const struct signer_zone *z, const char *server);
/* The servers that do not have what was published last, as text: "dst1 (SERVFAIL), dst2"; "" none. */
void signer_observe_laggards(const struct signer_zone *z, char *out, size_t size);

#endif
