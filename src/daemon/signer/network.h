/* signer/network: messages from the network side and to it. */
#ifndef DAEMON_SIGNER_NETWORK_H
#define DAEMON_SIGNER_NETWORK_H

#include <stdint.h>
#include "base/buf.h"

struct signer;
struct signer_zone;

/* There is a new network side, or none (-1).  Takes fd. */
void signer_network_take(struct signer *s, int fd);
/* About a zone that is known. */
void signer_zone_message(struct signer_zone *z, uint16_t type, struct reader *body);

#endif
