/* The parts of delaymod.so. */
#ifndef TESTS_TOKEN_DELAYMOD_INTERNAL_H
#define TESTS_TOKEN_DELAYMOD_INTERNAL_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include "delaymod.h"

extern struct delaymod_file *file;

/* --- delaymod_objects.c: a handle is an offset in the file, + 1 */
/* From two lists of attributes.  One process at a time, one thread at a time. */
CK_RV object_create(const CK_ATTRIBUTE *one, CK_ULONG one_count, const CK_ATTRIBUTE *two,
    CK_ULONG two_count, CK_OBJECT_HANDLE *out);
CK_RV object_destroy(CK_OBJECT_HANDLE h);
/* As C_GetAttributeValue: what a private key signs with is not told. */
CK_RV object_read(CK_OBJECT_HANDLE h, CK_ATTRIBUTE *a, CK_ULONG count);
/* What a private key signs with; NULL: it is none.  Stays where it is. */
const uint8_t *object_secret(CK_OBJECT_HANDLE h);
/* The first one like that from *at on; 0: no more.  *at goes on behind it. */
CK_OBJECT_HANDLE object_next(uint64_t *at, const CK_ATTRIBUTE *wanted, CK_ULONG count);

/* --- delaymod_sign.c */
#define SCALAR_LEN 32
#define POINT_LEN 65
#define SECRET_LEN 96

bool signer_key(uint8_t point[POINT_LEN], uint8_t secret[SECRET_LEN]);
struct signer *signer_new(void);
void signer_free(struct signer *g);
/* Takes as long as it should. */
bool signer_sign(struct signer *g, const uint8_t *secret, const uint8_t *digest, uint8_t *out);

#endif
