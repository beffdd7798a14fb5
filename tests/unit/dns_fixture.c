/* dns_fixture: helpers of the tests of src/dns. */
#include "dns_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "dns/dnskey.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "dns/zonefile.h"

const char *fixture_path(const char *name)
{
	static char path[1024];

	snprintf(path, sizeof(path), "%s/tests/data/%s", ITG_TOP, name);
	return path;
}

const char *fixture_public_path(const char *name)
{
	static char path[1024];
	const char *data = getenv("ITG_DATA");

	snprintf(
	    path, sizeof(path), "%s/%s", data != NULL ? data : ITG_TOP "/../shared/data", name);
	if (access(path, R_OK) == 0)
		return path;
	print_message("no %s: set ITG_DATA to the folder of public zones\n", path);
	return NULL;
}

bool fixture_gunzip(const char *path, char out[64])
{
	char command[2048];
	int fd;

	snprintf(out, 64, "/tmp/itg-fixture-XXXXXX");
	fd = mkstemp(out);
	if (fd < 0)
		return false;
	close(fd);
	snprintf(command, sizeof(command), "gunzip -c '%s' > '%s'", path, out);
	if (system(command) == 0)
		return true;
	unlink(out);
	return false;
}

static int keep_record(void *arg, const uint8_t *owner, uint16_t type, uint16_t class, uint32_t ttl,
    const uint8_t *rdata, uint16_t rdlen, struct err *e)
{
	struct fixture_zone *z = arg;
	struct fixture_record *r;

	(void)class;
	(void)e;
	if (z->count == z->room) {
		z->room = z->room * 2 + 64;
		z->records = mem_grow(z->records, z->room, sizeof(*z->records));
	}
	r = &z->records[z->count++];
	memcpy(r->owner, owner, name_len(owner));
	r->type = type;
	r->ttl = ttl;
	r->len = rdlen;
	r->rdata = mem_alloc(rdlen + 1u);
	if (rdlen > 0)
		memcpy(r->rdata, rdata, rdlen);
	return OK;
}

int fixture_load(struct fixture_zone *z, const char *path, const char *origin, struct err *e)
{
	memset(z, 0, sizeof(*z));
	return zonefile_read(path, fixture_name(origin), keep_record, z, e);
}

void fixture_free(struct fixture_zone *z)
{
	for (size_t i = 0; i < z->count; i++)
		free(z->records[i].rdata);
	free(z->records);
	memset(z, 0, sizeof(*z));
}

/* The type whose RRset the record goes with. */
static uint16_t group_of(const struct fixture_record *r)
{
	return r->type == RR_RRSIG ? load_u16(r->rdata) : r->type;
}

static int compare_records(const void *a, const void *b)
{
	const struct fixture_record *x = a, *y = b;
	uint8_t xk[NAME_KEY_MAX], yk[NAME_KEY_MAX];
	size_t xn = name_key(x->owner, xk), yn = name_key(y->owner, yk);
	int order = memcmp(xk, yk, xn < yn ? xn : yn);

	if (order == 0)
		order = (xn > yn) - (xn < yn);
	if (order == 0)
		order = group_of(x) - group_of(y);
	return order != 0 ? order : (x->type == RR_RRSIG) - (y->type == RR_RRSIG);
}

/* One RRset: records [0, n), its signatures behind them. */
static void give_rrset(const struct fixture_record *r, size_t n, fixture_rrset_fn *fn, void *arg)
{
	struct rrset set = {.owner = r->owner, .type = group_of(r), .ttl = r->ttl};
	struct buf items = {0}, sorted = {0}, sigs = {0};
	uint16_t count = 0;

	assert_int_not_equal(r->type, RR_RRSIG);
	for (size_t i = 0; i < n; i++) {
		if (r[i].type == RR_RRSIG)
			set.sigs++;
		else
			count++;
		buf_lv16(r[i].type == RR_RRSIG ? &sigs : &items, r[i].rdata, r[i].len);
	}
	set.count = rrset_sort(set.type, items.data, items.len, count, &sorted);
	set.rdata = sorted.data;
	set.rdata_len = sorted.len;
	set.sigdata = sigs.data;
	set.sigdata_len = sigs.len;
	fn(arg, &set);
	buf_free(&items);
	buf_free(&sorted);
	buf_free(&sigs);
}

void fixture_rrsets(struct fixture_zone *z, fixture_rrset_fn *fn, void *arg)
{
	size_t start = 0;

	qsort(z->records, z->count, sizeof(*z->records), compare_records);
	while (start < z->count) {
		size_t end = start + 1;

		while (end < z->count &&
		       group_of(&z->records[end]) == group_of(&z->records[start]) &&
		       name_equal(z->records[end].owner, z->records[start].owner))
			end++;
		give_rrset(&z->records[start], end - start, fn, arg);
		start = end;
	}
}

size_t fixture_hex(const char *text, uint8_t *out)
{
	size_t n = 0;
	unsigned octet;

	while (sscanf(text, " %2x", &octet) == 1) {
		out[n++] = (uint8_t)octet;
		text += strspn(text, " ") + 2;
	}
	return n;
}

const uint8_t *fixture_name(const char *text)
{
	static uint8_t names[8][NAME_MAX_LEN];
	static unsigned next;
	uint8_t *out = names[next++ % 8];

	assert_int_equal(name_parse(text, out), OK);
	return out;
}

static uint64_t state;

void fixture_seed(void)
{
	const char *given = getenv("ITG_SEED");

	state = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)getpid() * 2654435761u + 1;
	print_message("ITG_SEED=%llu\n", (unsigned long long)state);
}

uint32_t fixture_random(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}
