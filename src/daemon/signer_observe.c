/* Which versions of a zone its servers have, as they were seen to answer (R25).  Runs in the signing
 * side; the network side asks. */
#include "daemon/signer.h"

void signer_observe_configure(struct signer_zone *z, struct snapshot *sn)
{
	(void)z;
	(void)sn;
}

void signer_observe_free(struct signer_zone *z)
{
	(void)z;
}

void signer_observe_version(struct signer_zone *z, const struct keyset *ks)
{
	(void)z;
	(void)ks;
}

void signer_observe_seen(struct signer_zone *z, const char *server, uint32_t serial)
{
	(void)z;
	(void)server;
	(void)serial;
}

void signer_observe_facts(const struct signer_zone *z, const struct record *r, struct facts *f)
{
	(void)z;
	(void)r;
	(void)f;
}

int signer_observe_release(struct signer_zone *z, const char *server, const char *reason,
    const char *requester, struct err *e)
{
	(void)reason;
	(void)requester;
	return err_set(e, ERR_MISSING, "zone %s has no server %s", z->name, server);
}

void signer_observe_laggards(const struct signer_zone *z, char *out, size_t size)
{
	(void)z;
	if (size > 0)
		out[0] = '\0';
}
