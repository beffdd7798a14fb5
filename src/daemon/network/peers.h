/* network_peers: servers and TSIG keys of a configuration in the shape of the network rooms. */
#ifndef DAEMON_NETWORK_PEERS_H
#define DAEMON_NETWORK_PEERS_H

#include "daemon/config/config.h"
#include "dns/peer.h"

/* A configuration from the descriptor of a cut; fd is borrowed. */
struct config *network_read_cut(int fd, struct err *e);

struct network_peers;
struct network_peers *network_peers_new(const struct config *c); /* borrows nothing of c */
void network_peers_free(struct network_peers *p);                /* NULL is fine */
/* The peers of these names, in their order; the array lives as long as p. */
const struct peer *const *network_peers_list(struct network_peers *p,
    const struct conf_names *names, unsigned *count);
const struct peer *network_peers_find(const struct network_peers *p, const char *name); /* NULL */
const struct tsig_key *network_peers_key(const struct network_peers *p, const uint8_t *name,
    enum tsig_algorithm a);

#endif
