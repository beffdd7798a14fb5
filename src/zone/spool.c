/* spool: the writer of spool files.
 *
 * Runs on the network side while a transfer comes in (and wherever a zone file is read).  Records
 * have been checked by the caller; their sort keys are computed here, once, so that the signing
 * side sorts by memcmp.  The header is written last: a file without it is not a spool. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "zone/spool.h"
#include "zone/spool_file.h"

#define WRITE_BUFFER (256 * 1024)

struct spool_writer {
	int fd;
	char *path;
	uint8_t apex[NAME_MAX_LEN];
	uint64_t limit;
	uint64_t length; /* of the file, with what is still buffered */
	uint64_t count;
	uint32_t from; /* of a difference */
	struct buf buffer;
};

static int write_all(struct spool_writer *w, const uint8_t *p, size_t len, off_t at, struct err *e)
{
	while (len > 0) {
		ssize_t n = at < 0 ? write(w->fd, p, len) : pwrite(w->fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "writing spool file %s", w->path);
		p += n;
		len -= (size_t)n;
		at = at < 0 ? at : at + n;
	}
	return OK;
}

static int flush_buffer(struct spool_writer *w, struct err *e)
{
	int rc = write_all(w, w->buffer.data, w->buffer.len, -1, e);

	buf_reset(&w->buffer);
	return rc;
}

struct spool_writer *spool_create(
    const char *path, const uint8_t *apex, uint64_t limit, struct err *e)
{
	static const uint8_t no_header[SPOOL_HEADER_LEN];
	struct spool_writer *w;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		err_sys(e, "creating spool file %s", path);
		return NULL;
	}
	w = mem_alloc(sizeof(*w));
	w->fd = fd;
	w->path = mem_strdup(path);
	w->limit = limit != 0 && limit < SPOOL_FILE_MAX ? limit : SPOOL_FILE_MAX;
	memcpy(w->apex, apex, name_len(apex));
	buf_put(&w->buffer, no_header, sizeof(no_header));
	w->length = SPOOL_HEADER_LEN;
	return w;
}

static size_t padded(size_t len)
{
	return (len + SPOOL_ALIGN - 1) & ~(size_t)(SPOOL_ALIGN - 1);
}

int spool_write(struct spool_writer *w, enum spool_step step, const uint8_t *owner, uint16_t type,
    uint32_t ttl, const uint8_t *rdata, uint16_t rdlen, struct err *e)
{
	static const uint8_t zeros[SPOOL_ALIGN];
	uint8_t key[NAME_KEY_MAX];
	size_t owner_len = name_len(owner), key_len = name_key(owner, key);
	size_t used = SPOOL_RECORD_HEADER + owner_len + key_len + rdlen;
	struct buf *b = &w->buffer;

	if (w->length + padded(used) > w->limit)
		return err_set(e, ERR_LIMIT,
		    "%s: more than the %llu octets that a zone may have as it comes in", w->path,
		    (unsigned long long)w->limit);
	buf_u32(b, (uint32_t)padded(used));
	buf_u8(b, (uint8_t)step);
	buf_u8(b, (uint8_t)owner_len);
	buf_u16(b, (uint16_t)key_len);
	buf_u16(b, type);
	buf_u16(b, rdlen);
	buf_u32(b, ttl);
	buf_put(b, owner, owner_len);
	buf_put(b, key, key_len);
	buf_put(b, rdata, rdlen);
	buf_put(b, zeros, padded(used) - used);
	w->length += padded(used);
	w->count++;
	if (b->failed)
		return err_set(e, ERR_LIMIT, "%s: out of memory for the write buffer", w->path);
	return b->len < WRITE_BUFFER ? OK : flush_buffer(w, e);
}

static void writer_free(struct spool_writer *w)
{
	buf_free(&w->buffer);
	free(w->path);
	free(w);
}

void spool_set_from(struct spool_writer *w, uint32_t serial)
{
	w->from = serial;
}

int spool_finish(struct spool_writer *w, enum spool_kind kind, uint32_t serial, struct err *e)
{
	struct buf h = {0};
	size_t apex_len = name_len(w->apex);
	int rc = flush_buffer(w, e);

	buf_put(&h, SPOOL_MAGIC, 8);
	buf_u32(&h, SPOOL_VERSION);
	buf_u32(&h, (uint32_t)kind);
	buf_u32(&h, serial);
	buf_u32(&h, kind == SPOOL_DELTA ? w->from : 0);
	buf_u64(&h, w->count);
	buf_u64(&h, w->length);
	buf_u8(&h, (uint8_t)apex_len);
	buf_put(&h, w->apex, apex_len);
	if (rc == OK)
		rc = write_all(w, h.data, h.len, 0, e);
	/* A disk may say only now that it is full. */
	if (close(w->fd) != 0 && rc == OK)
		rc = err_sys(e, "closing spool file %s", w->path);
	if (rc != OK)
		unlink(w->path);
	buf_free(&h);
	writer_free(w);
	return rc;
}

void spool_abandon(struct spool_writer *w)
{
	if (w == NULL)
		return;
	close(w->fd);
	unlink(w->path);
	writer_free(w);
}

uint64_t spool_count(const struct spool_writer *w)
{
	return w->count;
}
