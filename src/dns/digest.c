/* digest: one-shot hashing.  Runs in every process. */
#include "dns/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include "base/log.h"
#include "base/mem.h"

static const struct {
	const char *name;
	size_t len;
} kinds[] = {
    [DIGEST_SHA1] = {"SHA1", 20},
    [DIGEST_SHA224] = {"SHA224", 28},
    [DIGEST_SHA256] = {"SHA256", 32},
    [DIGEST_SHA384] = {"SHA384", 48},
    [DIGEST_SHA512] = {"SHA512", 64},
};
struct contexts { /* of a thread; NULL: not made yet */
	EVP_MD_CTX *of[MEM_COUNT(kinds)];
};
static EVP_MD *fetched[MEM_COUNT(kinds)];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_contexts;

static void contexts_free(void *arg)
{
	struct contexts *c = arg;

	for (size_t i = 0; i < MEM_COUNT(kinds); i++)
		EVP_MD_CTX_free(c->of[i]);
	free(c);
}

/* A libcrypto without SHA-2 is a broken installation: nothing here could work. */
static void fetch_all(void)
{
	for (size_t i = 0; i < MEM_COUNT(kinds); i++) {
		fetched[i] = EVP_MD_fetch(NULL, kinds[i].name, NULL);
		if (fetched[i] == NULL) {
			log_error("OpenSSL offers no %s: check its configuration", kinds[i].name);
			abort();
		}
	}
	if (pthread_key_create(&thread_contexts, contexts_free) != 0) {
		log_error("no thread-specific data is left for hashing");
		abort();
	}
}

const EVP_MD *digest_md(enum digest d)
{
	pthread_once(&once, fetch_all);
	return fetched[d];
}

const char *digest_name(enum digest d)
{
	return kinds[d].name;
}

size_t digest_len(enum digest d)
{
	return kinds[d].len;
}

static EVP_MD_CTX *context_of(enum digest d)
{
	struct contexts *c = pthread_getspecific(thread_contexts);

	if (c == NULL) {
		c = mem_alloc(sizeof(*c));
		pthread_setspecific(thread_contexts, c);
	}
	if (c->of[d] == NULL)
		c->of[d] = EVP_MD_CTX_new();
	return c->of[d];
}

size_t digest_once(enum digest d, const void *data, size_t len, uint8_t *out)
{
	const EVP_MD *md = digest_md(d);
	EVP_MD_CTX *c = context_of(d);

	/* Only memory can be missing, and then nothing else would work either (base/mem.h). */
	if (c == NULL || EVP_DigestInit_ex2(c, md, NULL) != 1 ||
	    EVP_DigestUpdate(c, data, len) != 1 || EVP_DigestFinal_ex(c, out, NULL) != 1) {
		log_error("OpenSSL could not hash %zu octets: out of memory", len);
		abort();
	}
	return kinds[d].len;
}
