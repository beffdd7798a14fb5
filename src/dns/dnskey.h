/* dnskey: DNSKEY, DS and RRSIG: making, hashing and verifying (RFC 4034, 5702, 6605, 8080).
 * OpenSSL does the cryptography.  No private key is ever seen here. */
#ifndef DNS_DNSKEY_H
#define DNS_DNSKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "dns/rrset.h"

enum dnskey_algorithm { /* IANA DNS Security Algorithm Numbers */
	ALG_RSASHA256 = 8, ALG_RSASHA512 = 10, ALG_ECDSAP256SHA256 = 13, ALG_ECDSAP384SHA384 = 14,
	ALG_ED25519 = 15, ALG_ED448 = 16
};

#define DNSKEY_FLAG_ZONE 0x0100
#define DNSKEY_FLAG_SEP 0x0001
#define DNSKEY_FLAG_REVOKE 0x0080
#define DNSKEY_RDATA_MAX 520   /* RSA-4096 and head room */
#define DNSKEY_SIG_MAX 512

const char *dnskey_algorithm_name(uint8_t algorithm); /* "ECDSAP256SHA256"; NULL if not one of ours */
int dnskey_algorithm_parse(const char *text); /* mnemonic or number; 0 if not one of ours */
bool dnskey_is_hashed(uint8_t algorithm);     /* false: EdDSA signs the whole message */
size_t dnskey_digest_len(uint8_t algorithm);  /* of the hash that is signed; 0 for EdDSA */

/* DNSKEY RDATA from flags and the public key as the algorithm's RFC has it in the record. */
void dnskey_rdata(uint16_t flags, uint8_t algorithm, const uint8_t *pub, size_t len,
    struct buf *out);
uint16_t dnskey_tag(const uint8_t *rdata, size_t len); /* RFC 4034 appendix B */
/* DS RDATA; digest type 1, 2 (SHA-256) or 4 (SHA-384). */
int dnskey_ds(const uint8_t *owner, const uint8_t *rdata, size_t len, uint8_t digest_type,
    struct buf *out);

/* RRSIG RDATA up to and with the signer's name: RFC 4034 3.1 without the signature.
 * labels is computed from the owner. */
struct rrsig_params {
	uint8_t algorithm;
	uint16_t key_tag;
	uint32_t inception, expiration; /* seconds, RFC 1982 */
	const uint8_t *signer;          /* the apex, wire */
};
void rrsig_prefix(const struct rrset *set, const struct rrsig_params *p, struct buf *out);
/* What is signed: prefix, then the RRset in canonical form (RFC 4034 3.1.8.1).  Appends. */
void rrsig_message(const struct rrset *set, const uint8_t *prefix, size_t prefix_len,
    struct buf *out);
/* The digest that goes to the token for hashed algorithms: bytes written to out (<= 64). */
size_t rrsig_digest(uint8_t algorithm, const uint8_t *message, size_t len, uint8_t out[64]);

#define RRSIG_SIGNER_AT 18 /* of the signer's name, in RDATA (RFC 4034 3.1) */
/* Fields of an RRSIG RDATA.  OK or ERR_FORMAT. */
struct rrsig {
	uint16_t covered;
	uint8_t algorithm, labels;
	uint32_t original_ttl, expiration, inception;
	uint16_t key_tag;
	const uint8_t *signer;
	const uint8_t *signature;
	size_t signature_len;
	size_t prefix_len; /* octets before the signature */
};
int rrsig_parse(const uint8_t *rdata, size_t len, struct rrsig *out);

/* A public key ready to verify.  May be used by many threads at once. */
struct verifier;
struct verifier *verifier_new(const uint8_t *dnskey_rdata, size_t len, struct err *e);
void verifier_free(struct verifier *v);
uint16_t verifier_tag(const struct verifier *v);
uint8_t verifier_algorithm(const struct verifier *v);
/* Per thread: contexts that are reused. */
struct verifier_scratch;
struct verifier_scratch *verifier_scratch_new(void);
void verifier_scratch_free(struct verifier_scratch *s);
/* Does sig (raw, as in the RRSIG) hold over message?  OK, ERR_VERIFY, ERR_CRYPTO. */
int verifier_check(const struct verifier *v, struct verifier_scratch *s, const uint8_t *message,
    size_t len, const uint8_t *sig, size_t sig_len);
/* The same when the digest of the message is already known (hashed algorithms only). */
int verifier_check_digest(const struct verifier *v, struct verifier_scratch *s,
    const uint8_t *digest, size_t len, const uint8_t *sig, size_t sig_len);

#endif
