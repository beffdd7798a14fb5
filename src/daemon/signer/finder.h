/* finder: which servers serve a domain, or its parent, found by following the delegation (R25, R31,
 * R40) through the configured resolver: NS records and each address of each of their names.  Used
 * for our zones (signer/find.c) and for monitored domains. */
#ifndef DAEMON_SIGNER_FINDER_H
#define DAEMON_SIGNER_FINDER_H

#include <stdbool.h>
#include <stdint.h>
#include "dns/peer.h"
#include "parent/find.h"

#define FOUND_WHY_MAX 400

struct signer;
struct finder;

enum find_kind { FIND_NAMESERVERS, FIND_PARENT, FIND_KINDS };

struct found {
	char (*servers)[PEER_NAME_MAX]; /* "address@port", in some order that stays */
	unsigned count;
	struct find_names *names; /* of them; NULL where the finder repeats */
	bool is_complete; /* false: not found yet, or not for the NS set of today; why says why */
	char why[FOUND_WHY_MAX];
};

struct finder_have {		 /* what is known without the resolver */
	struct find_names names; /* whose addresses are to be asked for */
	struct find_addresses addresses;
	uint32_t ttl; /* the smallest of what was used */
};

struct finder_owner {
	const char *label;     /* "zone example.", for the log; borrowed */
	const uint8_t *domain; /* borrowed */
	enum find_kind kind;
	/* Found anew when the TTL has passed, and tried again after a failure; false: only by
	 * finder_start. */
	bool repeats;
	/* Fill in the NS set, and the addresses that are known: no resolver is asked for those.
	 * ERR_AGAIN: not now, finder_start comes later; other errors with words.  NULL: the
	 * resolver is asked for all. */
	int (*names)(void *arg, struct finder_have *have, struct err *e);
	/* Other servers were found; or none, as long as nothing is found: why says why.  The finder
	 * may be freed by it. */
	void (*tell)(void *arg);
	void *arg;
};

struct finder *finder_new(struct signer *s, const struct finder_owner *owner);
void finder_free(struct finder *f);  /* NULL is fine */
void finder_start(struct finder *f); /* at once, whatever is under way */
void finder_soon(struct finder *f);  /* ... from the loop, and only if something is missing */
/* What was found counts no more.  To be started after that. */
void finder_outdated(struct finder *f);
bool finder_is_running(const struct finder *f);
bool finder_is_new(const struct finder *f); /* its first look is not over */
const struct found *finder_found(const struct finder *f);

#endif
