/* peer: addresses of name servers.  Runs in every process; text comes from the configuration. */
#include "dns/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include "base/err.h"

socklen_t peer_addrlen(const struct sockaddr_storage *a)
{
	switch (a->ss_family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	default:
		return 0;
	}
}

/* The four octets of an IPv4 address, of one mapped into IPv6 too; NULL: another kind. */
static const void *ipv4_of(const struct sockaddr_storage *a)
{
	const struct in6_addr *six = &((const struct sockaddr_in6 *)a)->sin6_addr;

	if (a->ss_family == AF_INET)
		return &((const struct sockaddr_in *)a)->sin_addr;
	if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(six))
		return six->s6_addr + 12;
	return NULL;
}

bool peer_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)b;
	const void *a4 = ipv4_of(a), *b4 = ipv4_of(b);

	if (a4 != NULL || b4 != NULL)
		return a4 != NULL && b4 != NULL && memcmp(a4, b4, 4) == 0;
	return a->ss_family == AF_INET6 && b->ss_family == AF_INET6 &&
	       IN6_ARE_ADDR_EQUAL(&a6->sin6_addr, &b6->sin6_addr);
}

void peer_address_text(const struct sockaddr_storage *a, char out[PEER_TEXT_SIZE])
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)a;
	char host[INET6_ADDRSTRLEN] = "no address";
	unsigned port = 0;

	if (a->ss_family == AF_INET) {
		inet_ntop(AF_INET, &four->sin_addr, host, sizeof(host));
		port = ntohs(four->sin_port);
	} else if (a->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof(host));
		port = ntohs(six->sin6_port);
	}
	snprintf(out, PEER_TEXT_SIZE, "%s port %u", host, port);
}

int peer_address_parse(const char *text, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_storage a = {0};
	struct sockaddr_in *four = (struct sockaddr_in *)&a;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a;

	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		a.ss_family = AF_INET;
		four->sin_port = htons(port);
	} else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
		a.ss_family = AF_INET6;
		six->sin6_port = htons(port);
	} else {
		return ERR_FORMAT;
	}
	*out = a;
	return OK;
}
