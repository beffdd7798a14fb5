/* fake_token: a token whose keys live in OpenSSL, for tests of what uses tokens.  It answers from the
 * loop, later, as the client does; and it can be told to fail, to lie and to be silent. */
#ifndef TESTS_FAKE_TOKEN_H
#define TESTS_FAKE_TOKEN_H

#include "keys/keyset.h"

struct token *fake_token_new(struct loop *l, const char *name);
/* Makes a key: id, algorithm, tag, DNSKEY and token are filled in. */
void fake_token_key(
    struct token *t, uint8_t algorithm, enum key_role role, struct keyset_key *out);
/* From now on ... */
void fake_token_fail_after(struct token *t, unsigned signatures); /* CKR_DEVICE_ERROR */
void fake_token_lie_after(struct token *t, unsigned signatures);  /* one bit is wrong */
void fake_token_silence(struct token *t, bool silent);            /* no reply until it ends */
unsigned fake_token_requests(const struct token *t);              /* not answered */
void fake_token_free(struct token *t);

#endif
