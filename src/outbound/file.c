/* file: signed zones as zone files.  Written beside their place under another name, synced,
 * renamed, so that whoever reads the file sees one whole version or another.
 *
 * Runs in the network side.  One file at a time, in slices, from one snapshot of the store. */
#include "outbound/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define SLICE_OCTETS (256 * 1024)
#define SYNC_OCTETS (8 * 1024 * 1024) /* in steps, so that no sync takes long */

struct out_files {
	struct outbound *out;
	struct loop_timer *timer;
	struct out_zone *wanted, **wanted_end; /* those with file_wanted, in the order of asking */
	const struct out_zone *zone;	       /* being written; NULL: none */
	struct out_version version;
	char *temporary;
	int fd;
	struct buf text;
	uint64_t octets, unsynced;
};

static void job_end(struct out_files *f)
{
	if (f->zone == NULL)
		return;
	if (f->fd >= 0)
		close(f->fd);
	if (f->temporary != NULL)
		unlink(f->temporary);
	free(f->temporary);
	f->temporary = NULL;
	f->fd = -1;
	out_version_close(&f->version);
	f->zone = NULL;
}

static int job_begin(struct out_files *f, const struct out_zone *z, struct err *e)
{
	int rc = out_version_open(z, &f->version, e);

	if (rc != OK)
		return rc;
	f->zone = z;
	f->octets = f->unsynced = 0;
	f->temporary = mem_printf("%s.tmp", z->output_file);
	/* What a process left there that died goes away; a link that somebody put there, too. */
	unlink(f->temporary);
	f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (f->fd < 0) {
		rc = err_sys(e, "cannot create %.200s", f->temporary);
		free(f->temporary);
		f->temporary = NULL;
		job_end(f);
	}
	return rc;
}

static int write_text(struct out_files *f, struct err *e)
{
	size_t done = 0;

	if (f->text.failed)
		return err_set(e, ERR_LIMIT, "out of memory");
	while (done < f->text.len) {
		ssize_t n = write(f->fd, f->text.data + done, f->text.len - done);

		if (n < 0 && errno != EINTR)
			return err_sys(e, "cannot write to %.200s", f->temporary);
		done += n < 0 ? 0 : (size_t)n;
	}
	f->octets += done;
	f->unsynced += done;
	if (f->unsynced >= SYNC_OCTETS) {
		f->unsynced = 0;
		if (fdatasync(f->fd) != 0)
			return err_sys(e, "cannot write to %.200s", f->temporary);
	}
	return OK;
}

static int job_finish(struct out_files *f, struct err *e)
{
	int rc = fsync(f->fd);

	rc = close(f->fd) != 0 ? -1 : rc;
	f->fd = -1;
	if (rc != 0)
		return err_sys(e, "cannot write to %.200s", f->temporary);
	if (rename(f->temporary, f->zone->output_file) != 0)
		return err_sys(e, "cannot rename %.200s to its place", f->temporary);
	free(f->temporary);
	f->temporary = NULL;
	log_notice("zone %s: serial %u written to %s, %llu octets", f->zone->text,
	    f->version.head.serial_out, f->zone->output_file, (unsigned long long)f->octets);
	return OK;
}

/* OK: there is more to do; ERR_MISSING: the file stands. */
static int job_slice(struct out_files *f, struct err *e)
{
	struct rrset set;
	int rc = OK;

	buf_reset(&f->text);
	while (f->text.len < SLICE_OCTETS) {
		rc = out_version_next(&f->version, &set, e);
		if (rc != OK)
			break;
		rrset_text(&set, &f->text);
	}
	if (rc == OK || rc == ERR_MISSING) {
		int written = write_text(f, e);

		rc = written == OK ? rc : written;
	}
	if (rc == ERR_MISSING) {
		int finished = job_finish(f, e);

		rc = finished == OK ? rc : finished;
	}
	return rc;
}

/* Out of the list of those whose file is to be written. */
static void take_out(struct out_files *f, struct out_zone *z)
{
	struct out_zone **p = &f->wanted;

	while (*p != z)
		p = &(*p)->file_next;
	*p = z->file_next;
	if (*p == NULL)
		f->wanted_end = p;
	z->file_wanted = false;
}

/* The next zone whose file is due. */
static struct out_zone *next_zone(const struct out_files *f, uint64_t now)
{
	struct out_zone *z = f->wanted;

	while (z != NULL && z->file_due > now)
		z = z->file_next;
	return z;
}

static void want(struct out_files *f, struct out_zone *z, uint64_t due)
{
	z->file_due = due;
	if (z->file_wanted)
		return;
	z->file_wanted = true;
	z->file_next = NULL;
	*f->wanted_end = z;
	f->wanted_end = &z->file_next;
}

static void failed(struct out_files *f, struct out_zone *z, const struct err *e)
{
	log_error("zone %s: output file %s not written, tried again in %llu s: %s", z->text,
	    z->output_file, (unsigned long long)f->out->limits.file_again / 1000, e->text);
	want(f, z, clock_mono_ms() + f->out->limits.file_again);
	job_end(f);
}

static void run(void *arg)
{
	struct out_files *f = arg;
	struct out_zone *z;
	struct err e = {0};
	int rc;

	if (f->zone == NULL) {
		z = next_zone(f, clock_mono_ms());
		if (z == NULL)
			return;
		take_out(f, z); /* a version that comes from now on sets it again */
		rc = job_begin(f, z, &e);
	} else {
		z = out_zone_find(f->out, f->zone->apex);
		rc = job_slice(f, &e);
	}
	if (rc == ERR_MISSING && f->zone != NULL)
		job_end(f);
	else if (rc != OK)
		failed(f, z, &e);
	loop_timer_set(f->timer, 0);
}

struct out_files *out_files_new(struct outbound *out)
{
	struct out_files *f = mem_alloc(sizeof(*f));

	f->out = out;
	f->fd = -1;
	f->wanted_end = &f->wanted;
	f->timer = loop_timer_new(out->loop, run, f);
	return f;
}

void out_files_free(struct out_files *f)
{
	job_end(f);
	loop_timer_free(f->timer);
	buf_free(&f->text);
	free(f);
}

bool out_files_busy(const struct out_files *f)
{
	return f->zone != NULL || next_zone(f, clock_mono_ms()) != NULL;
}

void out_files_wake(struct out_files *f)
{
	loop_timer_set(f->timer, 0);
}

void out_files_want(struct out_files *f, struct out_zone *z)
{
	if (z->output_file != NULL)
		want(f, z, 0);
}

void out_files_forget(struct out_files *f, struct out_zone *z)
{
	if (f->zone == z)
		job_end(f);
	if (z->file_wanted)
		take_out(f, z);
}
