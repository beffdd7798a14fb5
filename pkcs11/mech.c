/* DNSSEC algorithms as PKCS#11 mechanisms.  Runs where a module is loaded. */
#include "pkcs11/local.h"

#include "base/mem.h"

/* Object identifiers as CKA_EC_PARAMS wants them (DER). */
static const uint8_t curve_p256[] = {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7};
static const uint8_t curve_p384[] = {6, 5, 0x2b, 0x81, 4, 0, 0x22};
static const uint8_t curve_ed25519[] = {6, 3, 0x2b, 0x65, 0x70};
static const uint8_t curve_ed448[] = {6, 3, 0x2b, 0x65, 0x71};

/* DigestInfo (RFC 8017 section 9.2) up to the digest. */
static const uint8_t sha256_prefix[] = {
    0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20};
static const uint8_t sha512_prefix[] = {
    0x30, 0x51, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 0x40};

const struct mech mech_table[] = {
    {8, "RSASHA256", CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS, NULL, 0, 0, sha256_prefix,
	sizeof sha256_prefix, 32, 0},
    {10, "RSASHA512", CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS, NULL, 0, 0, sha512_prefix,
	sizeof sha512_prefix, 64, 0},
    {13, "ECDSAP256SHA256", CKK_EC, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, curve_p256, sizeof curve_p256,
	256, NULL, 0, 32, 64},
    {14, "ECDSAP384SHA384", CKK_EC, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, curve_p384, sizeof curve_p384,
	384, NULL, 0, 48, 96},
    {15, "ED25519", CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA, curve_ed25519,
	sizeof curve_ed25519, 255, NULL, 0, 0, 64},
    {16, "ED448", CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA, curve_ed448,
	sizeof curve_ed448, 448, NULL, 0, 0, 114},
};
const unsigned mech_count = MEM_COUNT(mech_table);

const struct mech *mech_by_algorithm(uint8_t algorithm)
{
	for (unsigned i = 0; i < mech_count; i++)
		if (mech_table[i].algorithm == algorithm)
			return &mech_table[i];
	return NULL;
}
