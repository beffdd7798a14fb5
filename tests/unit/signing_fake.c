/* The rig of signing.h with a token that is fake_token's. */
#include <stdlib.h>
#include "base/mem.h"
#include "dns/dnskey.h"
#include "tests/unit/fake_token.h"
#include "tests/unit/signing.h"

int signing_setup(void **state)
{
	struct signing *f = mem_alloc(sizeof(*f));

	signing_open(f, "example.");
	f->token = fake_token_new(f->loop, "soft");
	f->job.keys.count = 2;
	fake_token_key(f->token, ALG_ECDSAP256SHA256, KEY_KSK, &f->job.keys.keys[0]);
	fake_token_key(f->token, ALG_ECDSAP256SHA256, KEY_ZSK, &f->job.keys.keys[1]);
	*state = f;
	return 0;
}

int signing_teardown(void **state)
{
	struct signing *f = *state;

	sign_free(f->sign); /* before the token that it uses */
	f->sign = NULL;
	fake_token_free(f->token);
	signing_close(f);
	free(f);
	return 0;
}
