/* The reader of spool files, which the network side writes and the signing side must not trust. The
 * length in the header is made right, so that the fuzzer gets past it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dns/rdata.h"
#include "dns/rrset.h"
#include "zone/spool.h"
#include "zone/spool_file.h"

#define LENGTH_AT 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_spool(const char *path, const uint8_t *data, size_t size)
{
	FILE *f = fopen(path, "w");
	uint8_t length[8] = {0};

	if (f == NULL)
		abort();
	store_u32(length + 4, (uint32_t)size);
	if (size < LENGTH_AT + sizeof(length)) {
		fwrite(data, 1, size, f);
	} else {
		fwrite(data, 1, LENGTH_AT, f);
		fwrite(length, 1, sizeof(length), f);
		fwrite(data + LENGTH_AT + sizeof(length), 1, size - LENGTH_AT - sizeof(length), f);
	}
	fclose(f);
}

/* What is given out is sound: the signer relies on it. */
static void look_at(const struct spool_rrset *set)
{
	const uint8_t *p = set->rdata;
	uint8_t key[NAME_KEY_MAX];
	uint16_t len;

	if (name_key(set->owner, key) != set->key_len || memcmp(key, set->key, set->key_len) != 0)
		abort();
	for (unsigned i = 0; i < set->count; i++)
		rrset_next(&p, &len);
	if (p != set->rdata + set->rdata_len)
		abort();
}

static void look_at_group(struct spool *s, const struct spool_group *g)
{
	struct spool_record r;
	uint8_t key[NAME_KEY_MAX];

	if (name_key(g->owner, key) != g->key_len || memcmp(key, g->key, g->key_len) != 0)
		abort();
	while (spool_next_record(s, &r, NULL) == OK)
		if (!name_equal(r.owner, g->owner) ||
		    rdata_check(g->type, r.rdata, r.rdlen, NULL) != OK)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spool_rrset set;
	struct spool_group group;
	struct spool *s;
	char path[64];

	snprintf(path, sizeof(path), "/tmp/fuzz_spool.%d", (int)getpid());
	write_spool(path, data, size);
	s = spool_open(path, NULL);
	if (s != NULL && spool_kind(s) == SPOOL_FULL)
		while (spool_next(s, &set, NULL) == OK)
			look_at(&set);
	if (s != NULL && spool_kind(s) == SPOOL_DELTA)
		while (spool_next_group(s, &group, NULL) == OK)
			look_at_group(s, &group);
	spool_close(s);
	unlink(path);
	return 0;
}
