/* Zone files as input: see file.h.  Network side; the file's content is not trusted: it passes the
 * same checks as a transfer.
 *
 * The directories of all input files are watched with inotify, so that an idle zone costs nothing.
 * A file is read in one go, one file per turn of the loop: a very large one holds up the sockets of
 * this process for as long as ldns takes to parse it (about a second per million records). */
#include "inbound/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "dns/rrtype.h"
#include "dns/zonefile.h"
#include "inbound/accept.h"
#include "inbound/axfr.h"

/* Programs that write a file in several steps get this long to finish. */
#define SETTLE_MS 300
#define WATCH_EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR)

struct input_file {
	struct zone *zone;
	char *path;
	struct gate_ticket ticket;
	int watch;	 /* inotify's number of the directory; -1: none */
	bool is_touched; /* something happened to it: look whether it changed */
	bool must;
	struct stat seen; /* when it was last read; st_ino 0: never */
};

struct file_watch {
	struct inbound *in;
	int fd;
	struct loop_watch *watch;
	struct loop_timer *settle;
};

/* The watch */

static bool file_has_changed(const struct input_file *f)
{
	struct stat now;

	if (stat(f->path, &now) != 0)
		return false; /* gone: what we have stays */
	return now.st_ino != f->seen.st_ino || now.st_dev != f->seen.st_dev ||
	       now.st_size != f->seen.st_size || now.st_mtim.tv_sec != f->seen.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != f->seen.st_mtim.tv_nsec;
}

static void watch_settled(void *arg)
{
	struct file_watch *w = arg;

	for (unsigned i = 0; i < w->in->zone_count; i++) {
		struct zone *z = w->in->zones[i];
		struct input_file *f = z->file;

		if (f == NULL || !f->is_touched)
			continue;
		f->is_touched = false;
		if (!file_has_changed(f))
			continue;
		f->must = true;
		z->want_file = true;
		zone_pump(z);
	}
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static void watch_note(struct file_watch *w, const struct inotify_event *event)
{
	bool all = event->mask & IN_Q_OVERFLOW;

	for (unsigned i = 0; i < w->in->zone_count; i++) {
		struct input_file *f = w->in->zones[i]->file;

		if (f != NULL && (all || (f->watch == event->wd && event->len > 0 &&
					     strcmp(base_name(f->path), event->name) == 0)))
			f->is_touched = true;
	}
}

static void watch_ready(void *arg, int fd, int io)
{
	struct file_watch *w = arg;
	_Alignas(struct inotify_event) char events[16384];
	ssize_t n = read(fd, events, sizeof(events));

	(void)io;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *event = (const void *)(events + at);

		watch_note(w, event);
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	loop_timer_set(w->settle, SETTLE_MS);
}

static struct file_watch *watch_new(struct inbound *in)
{
	struct file_watch *w;
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0) {
		log_warning("input files are read at start and on retransfer only: no inotify: %s",
		    strerror(errno));
		return NULL;
	}
	w = mem_alloc(sizeof(*w));
	w->in = in;
	w->fd = fd;
	w->watch = loop_watch(in->loop, fd, LOOP_READ, watch_ready, w);
	w->settle = loop_timer_new(in->loop, watch_settled, w);
	return w;
}

void file_watch_free(struct file_watch *w)
{
	if (w == NULL)
		return;
	loop_watch_free(w->watch);
	loop_timer_free(w->settle);
	close(w->fd);
	free(w);
}

/* Done again before each reading: inotify knows a directory that it watches already, and one that
 * was moved away and made anew gets a new watch. */
static void file_watch_directory(struct input_file *f)
{
	struct inbound *in = f->zone->in;
	const char *base = base_name(f->path);
	char *dir =
	    base == f->path ? mem_strdup(".") : mem_printf("%.*s", (int)(base - f->path), f->path);

	if (in->watch == NULL)
		in->watch = watch_new(in);
	f->watch = in->watch == NULL ? -1 : inotify_add_watch(in->watch->fd, dir, WATCH_EVENTS);
	free(dir);
}

/* Reading */

struct reading {
	struct input_file *file;
	struct accept accept;
	bool is_same; /* it has the serial we have */
};

static int reading_record(void *arg, const uint8_t *owner, uint16_t type, uint16_t class,
    uint32_t ttl, const uint8_t *rdata, uint16_t rdlen, struct err *e)
{
	struct reading *r = arg;
	const struct zone *z = r->file->zone;
	int rc = accept_record(&r->accept, owner, type, class, ttl, rdata, rdlen, e);

	if (rc == OK && type == RR_SOA && !r->file->must && z->has_version &&
	    r->accept.serial == z->serial) {
		r->is_same = true;
		return ERR_EXISTS; /* the rest need not be read */
	}
	return rc;
}

/* OK: a complete spool lies at path, or is_same. */
static int file_to_spool(struct input_file *f, struct reading *r, const char *path, struct err *e)
{
	const struct zone *z = f->zone;
	uint64_t limit = z->size_max == 0 ? AXFR_SIZE_MAX : z->size_max;
	int rc;

	/* Before it is read: what changes meanwhile is seen as a change. */
	if (stat(f->path, &f->seen) != 0) {
		f->seen = (struct stat){0};
		return err_sys(e, "cannot read input file %s", f->path);
	}
	rc = accept_begin(&r->accept, z->apex, path, limit, e);
	if (rc == OK)
		rc = zonefile_read(f->path, z->apex, reading_record, r, e);
	if (rc == OK)
		rc = accept_finish(&r->accept, e);
	accept_abandon(&r->accept);
	return r->is_same ? OK : rc;
}

static void file_enter(void *arg)
{
	struct input_file *f = arg;
	struct zone *z = f->zone;
	struct inbound *in = z->in;
	struct reading r = {.file = f};
	struct err e = {0};
	char *path = inbound_spool_path(in);
	int rc;

	file_watch_directory(f);
	rc = file_to_spool(f, &r, path, &e);
	gate_leave(in->files, &f->ticket);
	if (rc != OK) {
		if (rc == ERR_FORMAT && strstr(e.text, "zone broken") == NULL)
			err_wrap(&e, "zone broken");
		zone_status(z, "", SOURCE_FAILED_XFER, false, 0, e.text);
		zone_file_done(z, false);
	} else if (r.is_same) {
		zone_status(z, "", SOURCE_OK, true, z->serial, "");
		zone_file_done(z, true);
	} else {
		f->must = false;
		inbound_hand_over(z, "", r.accept.serial, path);
	}
	free(path);
}

void file_read(struct input_file *f)
{
	static const struct sockaddr_storage nowhere = {.ss_family = AF_UNSPEC};

	gate_queue(f->zone->in->files, &f->ticket, &nowhere, file_enter, f);
}

void file_force(struct input_file *f)
{
	f->must = true;
}

const char *file_path(const struct input_file *f)
{
	return f->path;
}

struct input_file *file_new(struct zone *z, const char *path)
{
	struct input_file *f = mem_alloc(sizeof(*f));

	f->zone = z;
	f->path = mem_strdup(path);
	f->watch = -1;
	return f;
}

void file_free(struct input_file *f)
{
	if (f == NULL)
		return;
	gate_leave(f->zone->in->files, &f->ticket);
	free(f->path);
	free(f);
}
