/* verify: does a signature from a token hold?  For intaglio-hsm and the tests, which may not use the
 * dns room. */
#ifndef PKCS11_VERIFY_H
#define PKCS11_VERIFY_H

#include <stddef.h>
#include <stdint.h>

/* pub as in a DNSKEY; data as in struct token_sign_item.  OK, ERR_VERIFY, or ERR_CRYPTO when the key is
 * not one for the algorithm. */
int token_verify(uint8_t algorithm, const uint8_t *pub, size_t pub_len, const uint8_t *data,
    size_t data_len, const uint8_t *signature, size_t signature_len);

#endif
