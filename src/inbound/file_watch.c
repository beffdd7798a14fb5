/* Notices that input files change: the directories of all of them are watched with inotify, so that
 * an idle zone costs nothing.  Network side; names in a directory are not trusted, only compared.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "inbound/file.h"

/* Programs that write a file in several steps get this long to finish. */
#define SETTLE_MS 300
#define WATCH_EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR)

struct file_watch {
	struct inbound *in;
	int fd;
	struct loop_watch *watch;
	struct loop_timer *settle;
};

static bool file_has_changed(const struct input_file *f)
{
	struct stat now;

	if (stat(f->path, &now) != 0)
		return false; /* gone: what we have stays */
	return now.st_ino != f->seen.st_ino || now.st_dev != f->seen.st_dev ||
	       now.st_size != f->seen.st_size || now.st_mtim.tv_sec != f->seen.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != f->seen.st_mtim.tv_nsec;
}

bool file_watch_resume(struct input_file *f, uint64_t mark)
{
	file_watch_directory(f);
	if (stat(f->path, &f->seen) == 0 && file_mark(f) == mark)
		return true;
	f->seen = (struct stat){0};
	return false;
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

/* inotify knows a directory that it watches already; one that was moved away and made anew gets a
 * new watch here. */
void file_watch_directory(struct input_file *f)
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
