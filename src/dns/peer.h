/* peer: a configured name server, as the network rooms see it. */
#ifndef DNS_PEER_H
#define DNS_PEER_H

#include <stdbool.h>
#include <sys/socket.h>
#include "dns/tsig.h"

#define PEER_NAME_MAX 64
#define PEER_TEXT_SIZE 64

struct peer {
	char name[PEER_NAME_MAX];
	struct sockaddr_storage address; /* with port */
	struct sockaddr_storage local;   /* ss_family 0: any */
	bool use_ixfr;                   /* as a source: ask it for changes alone */
	const struct tsig_key *tsig;     /* NULL: none; borrowed, lives as long as the configuration */
	const struct tsig_key *notify_tsig; /* NULL: an unsigned NOTIFY is a hint */
};

socklen_t peer_addrlen(const struct sockaddr_storage *a);
/* Same address, ports not compared. */
bool peer_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
/* "127.0.0.1 port 5301" */
void peer_address_text(const struct sockaddr_storage *a, char out[PEER_TEXT_SIZE]);
/* Numeric IPv4 or IPv6 address and port; OK or ERR_FORMAT. */
int peer_address_parse(const char *text, uint16_t port, struct sockaddr_storage *out);

#endif
