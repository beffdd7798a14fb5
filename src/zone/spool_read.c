/* spool_read: the reader of spool files.
 *
 * Runs on the signing side; the file was written by the network side and is NOT trusted.  Opening
 * checks every record (bounds, owner, sort key, RDATA layout), and every later look at a record
 * checks its bounds again, because the writer may still have the file open.  (A file that is cut
 * while it is mapped ends the process with SIGBUS: the master starts the signer again, the last
 * version stays.)
 *
 * The file is mapped; an index entry is the four octets of the sort key behind the apex (which
 * decide most comparisons without touching the file) and the record's offset in units of 8.
 * Transfers mostly come in canonical order, and then nothing is sorted. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "dns/rdata.h"
#include "dns/rrset.h"
#include "dns/rrtype.h"
#include "zone/spool.h"
#include "zone/spool_file.h"

#define RECORD_MIN 24 /* header and the root as owner, padded */

struct record { /* a view into the file */
	enum spool_step step;
	const uint8_t *owner, *key, *rdata;
	size_t owner_len, key_len;
	uint16_t type, rdlen;
	uint32_t ttl;
	size_t size;
};

struct spool {
	const uint8_t *map;
	size_t size;
	char *path;
	enum spool_kind kind;
	uint32_t serial, from;
	uint64_t records;
	uint8_t apex[NAME_MAX_LEN];
	uint8_t apex_key[NAME_KEY_MAX];
	size_t apex_key_len;
	uint64_t *index;
	bool is_sorted;
	uint64_t next, at; /* the group after the present one, and the present one's next record */
	struct buf items, sorted; /* of the RRset given last */
};

/* Every access goes through here.  Lengths are read once, so that what is checked is what is used.
 */
static bool record_at(const struct spool *s, size_t at, struct record *out)
{
	const uint8_t *p = s->map + at;
	struct record r;
	size_t used;

	if (at > s->size || s->size - at < RECORD_MIN)
		return false;
	r.size = load_u32(p);
	r.step = (enum spool_step)p[4];
	r.owner_len = p[5];
	r.key_len = load_u16(p + 6);
	r.type = load_u16(p + 8);
	r.rdlen = load_u16(p + 10);
	r.ttl = load_u32(p + 12);
	used = SPOOL_RECORD_HEADER + r.owner_len + r.key_len + r.rdlen;
	if (r.size % SPOOL_ALIGN != 0 || r.size > s->size - at || used > r.size ||
	    r.owner_len > NAME_MAX_LEN || r.key_len > NAME_KEY_MAX)
		return false;
	r.owner = p + SPOOL_RECORD_HEADER;
	r.key = r.owner + r.owner_len;
	r.rdata = r.key + r.key_len;
	*out = r;
	return true;
}

static size_t entry_offset(uint64_t entry)
{
	return (size_t)(entry & UINT32_MAX) * SPOOL_ALIGN;
}

static int bytes_compare(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	int c = memcmp(a, b, alen < blen ? alen : blen);

	return c != 0 ? c : (alen > blen) - (alen < blen);
}

/* The four octets behind the apex's key.  Names outside the zone (the spool does not judge them) go
 * to the ends, where equal prefixes leave the decision to the whole key. */
static uint32_t key_prefix(const struct spool *s, const struct record *r)
{
	uint8_t four[4] = {0};
	size_t left;

	if (r->key_len < s->apex_key_len || memcmp(r->key, s->apex_key, s->apex_key_len) != 0)
		return bytes_compare(r->key, r->key_len, s->apex_key, s->apex_key_len) < 0
			   ? 0
			   : UINT32_MAX;
	left = r->key_len - s->apex_key_len;
	memcpy(four, r->key + s->apex_key_len, left < 4 ? left : 4);
	return load_u32(four);
}

static int entry_compare(const void *pa, const void *pb, void *arg)
{
	const struct spool *s = arg;
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;
	struct record ra, rb;
	int c;

	if (a >> 32 != b >> 32)
		return a >> 32 < b >> 32 ? -1 : 1;
	if (record_at(s, entry_offset(a), &ra) && record_at(s, entry_offset(b), &rb)) {
		c = bytes_compare(ra.key, ra.key_len, rb.key, rb.key_len);
		if (c != 0)
			return c;
		if (ra.type != rb.type)
			return ra.type < rb.type ? -1 : 1;
	}
	return (a > b) - (a < b); /* as received */
}

static bool record_is_sound(const struct spool *s, const struct record *r)
{
	uint8_t key[NAME_KEY_MAX];

	return (r->step == SPOOL_ADD || (r->step == SPOOL_DELETE && s->kind == SPOOL_DELTA)) &&
	       r->owner_len > 0 && name_check(r->owner, r->owner_len) == r->owner_len &&
	       name_key(r->owner, key) == r->key_len && memcmp(key, r->key, r->key_len) == 0 &&
	       rdata_check(r->type, r->rdata, r->rdlen, NULL) == OK;
}

static int read_header(struct spool *s, struct err *e)
{
	struct reader r = reader_of(s->map, s->size);
	const uint8_t *magic = reader_bytes(&r, 8), *apex;
	uint32_t version = reader_u32(&r), kind = reader_u32(&r);
	uint64_t length;
	size_t apex_len;

	s->serial = reader_u32(&r);
	s->from = reader_u32(&r);
	s->records = reader_u64(&r);
	length = reader_u64(&r);
	apex_len = reader_u8(&r);
	apex = reader_bytes(&r, apex_len);
	if (r.failed || s->size < SPOOL_HEADER_LEN || memcmp(magic, SPOOL_MAGIC, 8) != 0)
		return err_set(e, ERR_FORMAT, "%s: not a complete spool file", s->path);
	if (version != SPOOL_VERSION)
		return err_set(e, ERR_FORMAT, "%s: spool version %u, this program reads %u",
		    s->path, version, SPOOL_VERSION);
	if (length != s->size || s->records > (s->size - SPOOL_HEADER_LEN) / RECORD_MIN ||
	    s->size > SPOOL_FILE_MAX || (kind != SPOOL_FULL && kind != SPOOL_DELTA) ||
	    (kind == SPOOL_FULL && s->from != 0) || apex_len == 0 ||
	    name_check(apex, apex_len) != apex_len)
		return err_set(
		    e, ERR_FORMAT, "%s: the spool file's header does not fit it", s->path);
	s->kind = (enum spool_kind)kind;
	memcpy(s->apex, apex, apex_len);
	s->apex_key_len = name_key(s->apex, s->apex_key);
	return OK;
}

/* Check each record and note where it is. */
static int read_index(struct spool *s, struct err *e)
{
	size_t at = SPOOL_HEADER_LEN;
	struct record r;

	s->index = malloc((s->records + 1) * sizeof(*s->index));
	if (s->index == NULL)
		return err_set(e, ERR_LIMIT, "%s: no memory for an index of %llu records", s->path,
		    (unsigned long long)s->records);
	s->is_sorted = true;
	for (uint64_t i = 0; i < s->records; i++, at += r.size) {
		if (!record_at(s, at, &r) || !record_is_sound(s, &r))
			return err_set(e, ERR_FORMAT, "%s: record %llu (octet %zu) is damaged",
			    s->path, (unsigned long long)i + 1, at);
		s->index[i] = (uint64_t)key_prefix(s, &r) << 32 | at / SPOOL_ALIGN;
		if (i > 0 && s->is_sorted && entry_compare(&s->index[i - 1], &s->index[i], s) > 0)
			s->is_sorted = false;
	}
	if (at != s->size)
		return err_set(e, ERR_FORMAT, "%s: %zu octets behind the last of %llu records",
		    s->path, s->size - at, (unsigned long long)s->records);
	return OK;
}

static int map_file(struct spool *s, struct err *e)
{
	struct stat st;
	void *map;
	int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = OK;

	if (fd < 0)
		return err_sys(e, "opening spool file %s", s->path);
	if (fstat(fd, &st) != 0) {
		rc = err_sys(e, "looking at spool file %s", s->path);
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size < SPOOL_HEADER_LEN) {
		rc = err_set(e, ERR_FORMAT, "%s: not a complete spool file", s->path);
		goto out;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED) {
		rc = err_sys(e, "mapping spool file %s", s->path);
		goto out;
	}
	s->map = map;
	s->size = (size_t)st.st_size;
out:
	close(fd);
	return rc;
}

struct spool *spool_open(const char *path, struct err *e)
{
	struct spool *s = mem_alloc(sizeof(*s));

	s->path = mem_strdup(path);
	if (map_file(s, e) != OK || read_header(s, e) != OK || read_index(s, e) != OK) {
		spool_close(s);
		return NULL;
	}
	return s;
}

void spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	if (s->map != NULL)
		munmap((void *)(uintptr_t)s->map, s->size);
	buf_free(&s->items);
	buf_free(&s->sorted);
	free(s->index);
	free(s->path);
	free(s);
}

enum spool_kind spool_kind(const struct spool *s)
{
	return s->kind;
}

uint32_t spool_serial(const struct spool *s)
{
	return s->serial;
}

uint32_t spool_serial_from(const struct spool *s)
{
	return s->from;
}

const uint8_t *spool_apex(const struct spool *s)
{
	return s->apex;
}

uint64_t spool_records(const struct spool *s)
{
	return s->records;
}

static int group_changed(const struct spool *s, struct err *e)
{
	return err_set(e, ERR_FORMAT, "%s: changed while it was read", s->path);
}

/* The records of the next owner and type: from s->at up to s->next. */
static int group_find(struct spool *s, struct record *first, struct err *e)
{
	struct record r;

	if (!s->is_sorted) {
		qsort_r(s->index, s->records, sizeof(*s->index), entry_compare, s);
		s->is_sorted = true;
	}
	s->at = s->next;
	if (s->next == s->records)
		return ERR_MISSING;
	if (!record_at(s, entry_offset(s->index[s->next]), first))
		return group_changed(s, e);
	while (++s->next < s->records) {
		if (s->index[s->next] >> 32 != s->index[s->at] >> 32)
			break;
		if (!record_at(s, entry_offset(s->index[s->next]), &r))
			return group_changed(s, e);
		if (r.type != first->type ||
		    bytes_compare(r.key, r.key_len, first->key, first->key_len) != 0)
			break;
	}
	return OK;
}

/* The group's records as one RRset, in the order in which they came. */
static int gather(
    struct spool *s, const struct record *first, struct spool_rrset *out, struct err *e)
{
	uint64_t count = s->next - s->at;
	struct record r;

	buf_reset(&s->items);
	out->ttl = first->ttl;
	for (; s->at < s->next; s->at++) {
		if (!record_at(s, entry_offset(s->index[s->at]), &r))
			return group_changed(s, e);
		out->ttl_mixed |= r.ttl != out->ttl;
		out->ttl = r.ttl < out->ttl ? r.ttl : out->ttl;
		buf_lv16(&s->items, r.rdata, r.rdlen);
	}
	if (count > UINT16_MAX || s->items.failed) {
		char owner[NAME_TEXT_SIZE], type[RRTYPE_TEXT_SIZE];

		name_text(first->owner, owner);
		rrtype_text(first->type, type);
		return err_set(e, ERR_LIMIT, "%s %s: an RRset of %llu records is too large", owner,
		    type, (unsigned long long)count);
	}
	out->key = first->key;
	out->key_len = first->key_len;
	out->owner = first->owner;
	out->type = first->type;
	out->count = (uint16_t)count;
	return OK;
}

int spool_next(struct spool *s, struct spool_rrset *out, struct err *e)
{
	struct spool_rrset set = {0};
	struct record first;
	int rc;

	if (s->kind != SPOOL_FULL)
		return err_set(e, ERR_ARGUMENT, "%s: a list of changes, not a whole zone", s->path);
	rc = group_find(s, &first, e);
	if (rc == OK)
		rc = gather(s, &first, &set, e);
	if (rc != OK)
		return rc;
	buf_reset(&s->sorted);
	set.count = rrset_sort(set.type, s->items.data, s->items.len, set.count, &s->sorted);
	if (s->sorted.failed)
		return err_set(e, ERR_LIMIT, "%s: no memory to sort an RRset", s->path);
	set.rdata = s->sorted.data;
	set.rdata_len = s->sorted.len;
	*out = set;
	return OK;
}

int spool_next_group(struct spool *s, struct spool_group *out, struct err *e)
{
	struct record first;
	int rc;

	if (s->kind != SPOOL_DELTA)
		return err_set(e, ERR_ARGUMENT, "%s: a whole zone, not a list of changes", s->path);
	rc = group_find(s, &first, e);
	if (rc != OK)
		return rc;
	*out = (struct spool_group){
	    .key = first.key, .key_len = first.key_len, .owner = first.owner, .type = first.type};
	return OK;
}

int spool_next_record(struct spool *s, struct spool_record *out, struct err *e)
{
	struct record r;

	if (s->at == s->next)
		return ERR_MISSING;
	if (!record_at(s, entry_offset(s->index[s->at]), &r))
		return group_changed(s, e);
	s->at++;
	*out = (struct spool_record){
	    .step = r.step, .ttl = r.ttl, .owner = r.owner, .rdata = r.rdata, .rdlen = r.rdlen};
	return OK;
}

void spool_rewind(struct spool *s)
{
	s->next = s->at = 0;
}
