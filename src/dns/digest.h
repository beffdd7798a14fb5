/* digest: hashes.  Looking one up in OpenSSL, or making a context for it, costs more than hashing a record
 * does: both are done once, the latter in each thread.  Safe for many threads. */
#ifndef DNS_DIGEST_H
#define DNS_DIGEST_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_MAX 64

enum digest { DIGEST_SHA1, DIGEST_SHA224, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };

const EVP_MD *digest_md(enum digest d);
const char *digest_name(enum digest d); /* OpenSSL's */
size_t digest_len(enum digest d);
/* Octets written. */
size_t digest_once(enum digest d, const void *data, size_t len, uint8_t *out);

#endif
