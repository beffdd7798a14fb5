/* Zone files as input: see file.h.  Network side; the file's content is not trusted: it passes the
 * same checks as a transfer.
 *
 * A file is parsed in a thread of its own, one file at a time, so that a large one does not hold up
 * the sockets.  The thread sees nothing but its struct reading, and that is the loop's again when
 * the eventfd has spoken; there are no locks. */
#include "inbound/file.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "dns/zonefile.h"
#include "inbound/accept.h"
#include "inbound/receive.h"

struct reading {
	/* the loop's */
	struct input_file *file;
	pthread_t thread;
	int done; /* eventfd */
	struct loop_watch *watch;
	/* set before the thread begins */
	uint8_t apex[NAME_MAX_LEN];
	char *path, *spool;
	uint64_t size_max;
	bool has_known; /* stop when its SOA has serial `known` */
	uint32_t known;
	/* set by the thread */
	struct accept accept;
	bool is_same;
	int rc;
	struct err e;
	atomic_bool is_abandoned; /* set by the loop: end soon */
};

/* The thread */

static int reading_record(void *arg, const uint8_t *owner, uint16_t type, uint16_t class,
    uint32_t ttl, const uint8_t *rdata, uint16_t rdlen, struct err *e)
{
	struct reading *r = arg;
	int rc = accept_record(&r->accept, owner, type, class, ttl, rdata, rdlen, e);

	if (rc == OK && atomic_load_explicit(&r->is_abandoned, memory_order_relaxed))
		return err_set(e, ERR_CLOSED, "given up");
	if (rc == OK && type == RR_SOA && r->has_known && r->accept.serial == r->known) {
		r->is_same = true;
		return ERR_EXISTS; /* the rest need not be read */
	}
	return rc;
}

static void *reading_run(void *arg)
{
	struct reading *r = arg;
	uint64_t one = 1;

	r->rc = accept_begin(&r->accept, r->apex, r->spool, r->size_max, &r->e);
	if (r->rc == OK)
		r->rc = zonefile_read(r->path, r->apex, reading_record, r, &r->e);
	if (r->rc == OK)
		r->rc = accept_finish(&r->accept, &r->e);
	accept_abandon(&r->accept);
	if (r->is_same)
		r->rc = OK;
	(void)!write(r->done, &one, sizeof(one));
	return NULL;
}

/* The loop */

static void reading_free(struct reading *r)
{
	loop_watch_free(r->watch);
	if (r->done >= 0)
		close(r->done);
	free(r->path);
	free(r->spool);
	free(r);
}

static void file_failed(struct input_file *f, int rc, struct err *e)
{
	gate_leave(f->zone->in->files, &f->ticket);
	if (rc == ERR_FORMAT && strstr(e->text, "zone broken") == NULL)
		err_wrap(e, "zone broken");
	zone_status(f->zone, "", SOURCE_FAILED_XFER, false, 0, e->text);
	zone_file_done(f->zone, false);
}

static void reading_done(void *arg, int fd, int io)
{
	struct reading *r = arg;
	struct input_file *f = r->file;
	struct zone *z = f->zone;

	(void)fd;
	(void)io;
	pthread_join(r->thread, NULL);
	f->reading = NULL;
	if (r->rc != OK) {
		file_failed(f, r->rc, &r->e);
	} else if (r->is_same) {
		gate_leave(z->in->files, &f->ticket);
		zone_status(z, "", SOURCE_OK, true, z->serial, "");
		zone_file_done(z, true);
	} else {
		gate_leave(z->in->files, &f->ticket);
		f->must = false;
		inbound_hand_over(z, "", r->accept.serial, r->spool);
	}
	reading_free(r);
}

static struct reading *reading_new(struct input_file *f)
{
	struct zone *z = f->zone;
	struct reading *r = mem_alloc(sizeof(*r));

	r->file = f;
	r->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	memcpy(r->apex, z->apex, sizeof(r->apex));
	r->path = mem_strdup(f->path);
	r->spool = inbound_spool_path(z->in);
	r->size_max = z->size_max == 0 ? RECEIVE_SIZE_MAX : z->size_max;
	r->has_known = !f->must && z->has_version;
	r->known = z->serial;
	return r;
}

static int reading_begin(struct input_file *f, struct err *e)
{
	struct reading *r;
	int error;

	/* Before it is read: what changes meanwhile is seen as a change. */
	file_watch_directory(f);
	if (stat(f->path, &f->seen) != 0) {
		f->seen = (struct stat){0};
		return err_sys(e, "cannot read input file %s", f->path);
	}
	r = reading_new(f);
	error = r->done < 0 ? errno : pthread_create(&r->thread, NULL, reading_run, r);
	if (error != 0) {
		reading_free(r);
		errno = error;
		return err_sys(e, "cannot read input file %s in a thread", f->path);
	}
	r->watch = loop_watch(f->zone->in->loop, r->done, LOOP_READ, reading_done, r);
	f->reading = r;
	return OK;
}

static void file_enter(void *arg)
{
	struct input_file *f = arg;
	struct err e = {0};
	int rc = reading_begin(f, &e);

	if (rc != OK)
		file_failed(f, rc, &e);
}

void file_read(struct input_file *f)
{
	static const struct sockaddr_storage nowhere = {.ss_family = AF_UNSPEC};

	gate_queue(f->zone->in->files, &f->ticket, &nowhere, file_enter, f);
}

uint64_t file_mark(const struct input_file *f)
{
	const struct stat *st = &f->seen;
	const uint64_t what[] = {(uint64_t)st->st_dev, (uint64_t)st->st_ino, (uint64_t)st->st_size,
	    (uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec,
	    (uint64_t)st->st_ctim.tv_sec, (uint64_t)st->st_ctim.tv_nsec};
	uint64_t mark = 0;

	if (st->st_ino == 0)
		return 0;
	for (size_t i = 0; i < MEM_COUNT(what); i++)
		mark = (mark ^ what[i]) * UINT64_C(0x9e3779b97f4a7c15) + (mark >> 29);
	return mark == 0 ? 1 : mark;
}

struct input_file *file_new(struct zone *z, const char *path)
{
	struct input_file *f = mem_alloc(sizeof(*f));

	f->zone = z;
	f->path = mem_strdup(path);
	f->watch = -1;
	return f;
}

static void reading_abandon(struct reading *r)
{
	atomic_store_explicit(&r->is_abandoned, true, memory_order_relaxed);
	pthread_join(r->thread, NULL);
	if (r->rc == OK && !r->is_same)
		unlink(r->spool);
	reading_free(r);
}

void file_free(struct input_file *f)
{
	if (f == NULL)
		return;
	if (f->reading != NULL)
		reading_abandon(f->reading);
	gate_leave(f->zone->in->files, &f->ticket);
	free(f->path);
	free(f);
}
