/* keyset: the keys that sign a zone now: what `keys` decides and `sign` holds for one run. */
#ifndef KEYS_KEYSET_H
#define KEYS_KEYSET_H

#include <stdbool.h>
#include <stdint.h>
#include "dns/dnskey.h"
#include "pkcs11/token.h"

enum key_role { KEY_KSK = 1, KEY_ZSK = 2, KEY_CSK = 3 };
const char *key_role_name(enum key_role r); /* "KSK" */

#define KEYSET_MAX 16
#define KEYSET_CDS_MAX 32

struct keyset_key {
	uint8_t id[TOKEN_ID_LEN];
	enum key_role role;
	uint8_t algorithm;
	uint16_t tag;
	uint16_t dnskey_len;
	uint8_t dnskey[DNSKEY_RDATA_MAX]; /* RDATA */
	bool in_set;     /* its DNSKEY is published */
	bool signs_set;  /* it signs the DNSKEY, CDS and CDNSKEY sets */
	bool signs_zone; /* it signs everything else */
	char token[64];  /* where the private key is */
};

struct keyset {
	struct keyset_key keys[KEYSET_MAX];
	unsigned count;
	/* The zone is to be led back to being unsigned: when no key is left (count 0), it goes out so. */
	bool unsign;
	/* A compromised key is published: signatures over the DNSKEY set live only so long (seconds), and
	 * what is signed by a key that signs no more is replaced at once.  0: no. */
	uint32_t emergency_validity;
	/* RDATA of the CDS and CDNSKEY sets, packed as in struct rrset; empty: not published. */
	uint16_t cds_count, cdnskey_count;
	uint16_t cds_len, cdnskey_len;
	uint8_t cds[2048], cdnskey[4096];
};

#endif
