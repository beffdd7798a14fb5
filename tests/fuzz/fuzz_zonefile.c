/* Any text as a zone file.  What is read must be good RDATA, and its text must be read back as the
 * same octets; names must come back from their sort keys. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "dns/zonefile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct buf printed; /* the zone, printed */
static struct buf records; /* type, RDATA: as read the first time */
static struct reader expected;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_key(const uint8_t *owner)
{
	uint8_t key[NAME_KEY_MAX], back[NAME_MAX_LEN];

	must(name_from_key(key, name_key(owner, key), back) == name_len(owner));
	must(name_equal(owner, back));
}

static int first_time(void *arg, const uint8_t *owner, uint16_t type, uint16_t class, uint32_t ttl,
    const uint8_t *rdata, uint16_t rdlen, struct err *e)
{
	char name[NAME_TEXT_SIZE], type_name[RRTYPE_TEXT_SIZE];

	(void)arg;
	(void)class;
	(void)e;
	must(name_check(owner, NAME_MAX_LEN) > 0 && !rrtype_is_meta(type));
	must(rdata_check(type, rdata, rdlen, NULL) == OK);
	check_key(owner);
	name_text(owner, name);
	rrtype_text(type, type_name);
	buf_printf(&printed, "%s %u %s ", name, (unsigned)ttl, type_name);
	rdata_text(type, rdata, rdlen, &printed);
	buf_put(&printed, "\n", 1);
	buf_u16(&records, type);
	buf_lv16(&records, rdata, rdlen);
	return OK;
}

static int second_time(void *arg, const uint8_t *owner, uint16_t type, uint16_t class, uint32_t ttl,
    const uint8_t *rdata, uint16_t rdlen, struct err *e)
{
	const uint8_t *want;
	size_t len;

	(void)arg;
	(void)owner;
	(void)class;
	(void)ttl;
	(void)e;
	must(reader_u16(&expected) == type);
	want = reader_lv16(&expected, &len);
	must(!expected.failed && len == rdlen && (len == 0 || memcmp(want, rdata, len) == 0));
	return OK;
}

static int read_zone(const void *text, size_t size, zonefile_record_fn *fn)
{
	static const uint8_t origin[] = "\7example";
	char path[64];
	int fd = memfd_create("zone", MFD_CLOEXEC), rc;

	must(fd >= 0 && write(fd, text, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = zonefile_read(path, origin, fn, NULL, NULL);
	close(fd);
	return rc;
}

static void done(void)
{
	buf_free(&printed);
	buf_free(&records);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;

	if (!begun)
		atexit(done);
	begun = true;
	buf_reset(&printed);
	buf_reset(&records);
	read_zone(data, size, first_time);
	must(!printed.failed && !records.failed);
	if (records.len == 0)
		return 0;
	expected = reader_of(records.data, records.len);
	must(read_zone(printed.data, printed.len, second_time) == OK);
	must(reader_left(&expected) == 0);
	return 0;
}
