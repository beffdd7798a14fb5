/* amend_chance: the jitter of signatures is drawn from here and not from OpenSSL, so that a seed
 * repeats it. */
#include <openssl/rand.h>
#include "tests/unit/amend_zone.h"

static struct amend_random jitter;

void amend_seed_jitter(uint64_t a, uint64_t b)
{
	amend_seed(&jitter, a, b);
}

int RAND_bytes(unsigned char *buf, int num)
{
	for (int i = 0; i < num; i++)
		buf[i] = (unsigned char)amend_draw(&jitter, 256);
	return 1;
}
