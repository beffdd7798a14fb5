/* acl: who may have a zone.  Its destinations, by address, and by TSIG key where one is configured.
 *
 * Runs in the network side.  The address of a datagram is whatever its sender wrote there; what is
 * worth protecting from that has a key. */
#include "outbound/parts.h"

/* By name and algorithm, not by pointer: the keys of the configuration may have been read anew. */
static bool same_key(const struct tsig_key *a, const struct tsig_key *b)
{
	return a == b || (a->algorithm == b->algorithm && name_equal(a->name, b->name));
}

bool out_acl_is(const struct out_destination *d, const struct sockaddr_storage *from,
    const struct tsig_key *key)
{
	const struct tsig_key *its = d->peer->tsig;

	return peer_same_host(&d->peer->address, from) &&
	       (its == NULL || (key != NULL && same_key(its, key)));
}

const char *out_acl_refuses(
    const struct out_zone *z, const struct sockaddr_storage *from, const struct tsig_key *key)
{
	const char *why = "the address is not one of the zone's destinations";

	for (unsigned i = 0; i < z->destination_count; i++) {
		if (out_acl_is(z->destinations[i], from, key))
			return NULL;
		if (!peer_same_host(&z->destinations[i]->peer->address, from))
			continue;
		why = key == NULL ? "not signed with the destination's TSIG key"
				  : "signed with another TSIG key than the destination's";
	}
	return why;
}
