/* store: opening and closing the zone store.
 *
 * Runs in the signing side (the one writer) and the network side (readers).  Keys and values:
 *
 *   head     name key of the zone, 00                     struct zone_head (head.c)
 *   rr       u32 generation, name key, 00, u16 type       packed RRset (dns/rrset.h)
 *   nsec3    u32 generation, hash                         packed NSEC3 RRset
 *   expiry   u32 generation, u64 expiry, 16 of SHA-256    see store_expiry_row
 *   journal  name key of the zone, 00, u32 serial,        signed difference, in chunks
 *            u16 chunk                                    (journal_row.c)
 *   ttl      name key of the zone, 00, u32 TTL            u64 until when
 *   meta     u8 class, key                                whatever the class says
 *   event    u64 number                                   event row
 *
 * A big generation has rr, nsec3 and expiry trees of its own, "rr/0000002a" and so on, with the
 * same keys: they can be dropped at once and written by appending while others are written, too.
 *
 * Locks: writer.lock in the directory (flock) makes the writer sole; LMDB's own lock file keeps
 * readers apart.  The environment does not outlive a fork: open it behind, never before. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "zone/store_internal.h"

#define READERS_MAX 512
#define LOCK_FILE_OCTETS (9 * 4096) /* for as many readers */
#define REMEDY_SIZE 250
#define TREES_MAX (TREE_COUNT + DATA_COUNT * 4096)

void store_space(const struct store *s, struct store_space *out)
{
	struct store_space n = {.reserved = s->size_max};
	struct statvfs disk;
	MDB_envinfo info;
	MDB_stat stat;

	if (s->env != NULL && mdb_env_info(s->env, &info) == 0 &&
	    mdb_env_stat(s->env, &stat) == 0) {
		n.file = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
		n.reserved = info.me_mapsize;
	}
	if (statvfs(s->dir, &disk) == 0) {
		n.disk_free = (uint64_t)disk.f_bavail * disk.f_frsize;
		n.disk_size = (uint64_t)disk.f_blocks * disk.f_frsize;
	}
	*out = n;
}

/* What to do about rc, for an operator; "" when there is nothing to say. */
static void remedy(const struct store *s, int rc, char out[REMEDY_SIZE])
{
	const char *text = "";
	struct store_space n;

	store_space(s, &n);
	switch (rc) {
	case MDB_MAP_FULL:
		snprintf(out, REMEDY_SIZE,
		    "; all the %llu MiB that it may have are used: raise store_max and start "
		    "again; the last good version stays",
		    (unsigned long long)n.reserved >> 20);
		return;
	case ENOSPC:
	case EDQUOT:
	case EIO: /* LMDB's word for a write that was cut short */
	case EFBIG:
		snprintf(out, REMEDY_SIZE,
		    "; the disk is full or failing, or the file may not grow: %llu MiB are free "
		    "there, the store has %llu MiB: make room; the last good version stays",
		    (unsigned long long)n.disk_free >> 20, (unsigned long long)n.file >> 20);
		return;
	case MDB_READERS_FULL:
		text = "; too many snapshots are open at once";
		break;
	case MDB_DBS_FULL:
		text = "; too many big zones (the store has room for 4096)";
		break;
	case MDB_VERSION_MISMATCH:
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
		text = "; this is no store, or it is damaged: move it away and start again; it is "
		       "rebuilt from token, configuration and sources";
		break;
	case MDB_BAD_TXN:
		text = "; another change is under way, or this one failed before";
		break;
	case MDB_MAP_RESIZED:
		text = "; another process has it open with a larger store_max: start again";
		break;
	case MDB_PANIC:
		text = "; the disk failed in the middle of a commit: start again; the last good "
		       "version stays";
		break;
	}
	snprintf(out, REMEDY_SIZE, "%s", text);
}

int store_error(const struct store *s, int rc, struct err *e, const char *fmt, ...)
{
	char what[200], more[REMEDY_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	remedy(s, rc, more);
	return err_set(e, ERR_STORE, "store %s: %s: %s%s", s->dir, what, mdb_strerror(rc), more);
}

int store_begin(const struct store *s, MDB_txn **txn)
{
	return s->is_writing ? MDB_BAD_TXN : mdb_txn_begin(s->env, NULL, 0, txn);
}

static void read_pid(int fd, char out[16])
{
	ssize_t n = pread(fd, out, 15, 0);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static int take_lock(struct store *s, struct err *e)
{
	char *path = mem_printf("%s/writer.lock", s->dir), pid[16];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), rc = OK;

	if (fd < 0) {
		rc = err_sys(e, "opening %s", path);
	} else if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
		read_pid(fd, pid);
		rc = err_set(e, ERR_CONFLICT,
		    "%s is in use by another daemon (pid %s): stop that one, or give this one a "
		    "state_dir of its own",
		    s->dir, pid);
	} else if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		rc = err_sys(e, "writing %s", path);
	}
	if (rc == OK)
		s->lock_fd = fd;
	else if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

/* A reader must not make anything, and LMDB would not tell a missing store from a broken one. */
static int check_made(const struct store *s, struct err *e)
{
	char *path = mem_printf("%s/data.mdb", s->dir);
	struct stat st;
	bool made = stat(path, &st) == 0 && st.st_size > 0;

	free(path);
	return made ? OK : err_set(e, ERR_AGAIN, "%s: the store is not made yet", s->dir);
}

/* LMDB maps its lock file with holes in it, and a page that a full disk has no room for would end
 * the process that touches it.  Before LMDB opens it only: closing a file drops its POSIX locks. */
static int fill_lock_file(const struct store *s, struct err *e)
{
	char *path = mem_printf("%s/lock.mdb", s->dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640), rc = OK;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		rc = err_sys(e, "opening %s", path);
	} else {
		errno = posix_fallocate(
		    fd, 0, st.st_size > LOCK_FILE_OCTETS ? st.st_size : LOCK_FILE_OCTETS);
		if (errno != 0)
			rc = err_sys(e, "making room for %s", path);
	}
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

static int open_env(struct store *s, bool writer, struct err *e)
{
	/* Walks go forward in the file, but one look-up should not read its neighbours. */
	unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | (writer ? 0 : MDB_RDONLY);
	int rc = mdb_env_create(&s->env);

	if (rc == 0)
		rc = mdb_env_set_mapsize(s->env, s->size_max);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, TREES_MAX);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(s->env, READERS_MAX);
	if (rc == 0)
		rc = mdb_env_open(s->env, s->dir, flags, 0640);
	return rc == 0 ? OK : store_error(s, rc, e, "opening it");
}

static int open_all(struct store *s, bool writer, struct err *e)
{
	int rc = writer ? take_lock(s, e) : check_made(s, e);

	if (rc == OK && writer)
		rc = fill_lock_file(s, e);
	if (rc == OK)
		rc = open_env(s, writer, e);
	if (rc == OK)
		rc = trees_open_shared(s, writer, e);
	if (rc != OK || !writer)
		return rc;
	store_check_readers(s);
	rc = trees_find_garbage(s, e);
	if (rc == OK)
		trees_sweep(s);
	return rc;
}

struct store *store_open(const char *dir, bool writer, uint64_t size_max, struct err *e)
{
	struct store *s = mem_alloc(sizeof(*s));

	s->dir = mem_strdup(dir);
	s->lock_fd = -1;
	s->size_max = size_max;
	pthread_mutex_init(&s->mutex, NULL);
	if (open_all(s, writer, e) != OK) {
		store_close(s);
		return NULL;
	}
	return s;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	while (s->idle_count > 0)
		mdb_txn_abort(s->idle[--s->idle_count]);
	if (s->env != NULL)
		mdb_env_close(s->env);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	pthread_mutex_destroy(&s->mutex);
	free(s->own);
	free(s->dir);
	free(s);
}

void store_check_readers(struct store *s)
{
	int dead = 0, rc = mdb_reader_check(s->env, &dead);

	if (rc != 0)
		log_warning("store %s: looking for dead readers: %s", s->dir, mdb_strerror(rc));
	else if (dead > 0)
		log_notice(
		    "store %s: %d dead reader%s cleared", s->dir, dead, dead == 1 ? "" : "s");
	if (s->lock_fd >= 0)
		trees_sweep(s);
}

void store_usage(const struct store *s, uint64_t *used, uint64_t *reserved)
{
	struct store_space n;

	store_space(s, &n);
	*used = n.file;
	*reserved = n.reserved;
}

/* Pages that nothing uses any more, in the file still: to be used again, or seen by old snapshots.
 */
static uint64_t free_pages(const struct store *s)
{
	MDB_val key, value;
	MDB_cursor *c;
	MDB_txn *txn;
	uint64_t pages = 0;
	size_t count;

	if (mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn) != 0)
		return 0;
	if (mdb_cursor_open(txn, 0, &c) ==
	    0) { /* LMDB's own list: rows of a count and that many numbers */
		while (mdb_cursor_get(c, &key, &value, MDB_NEXT) == 0) {
			memcpy(&count, value.mv_data, sizeof(count));
			pages += count;
		}
		mdb_cursor_close(c);
	}
	mdb_txn_abort(txn);
	return pages;
}

bool store_is_short(const struct store *s, char why[STORE_SHORT_SIZE])
{
	struct store_space n;
	MDB_stat stat;

	store_space(s, &n);
	/* Only then is the list of free pages worth reading. */
	if (n.file > n.reserved / 10 * 9 && mdb_env_stat(s->env, &stat) == 0)
		n.file -= free_pages(s) * stat.ms_psize;
	if (n.file > n.reserved / 10 * 9) {
		snprintf(why, STORE_SHORT_SIZE,
		    "store %s: %llu of the %llu MiB that it may have are used: raise store_max and "
		    "start again",
		    s->dir, (unsigned long long)n.file >> 20, (unsigned long long)n.reserved >> 20);
		return true;
	}
	if (n.disk_free >= n.disk_size / 10)
		return false;
	snprintf(why, STORE_SHORT_SIZE,
	    "store %s: %llu of the %llu MiB of its disk are free: make room", s->dir,
	    (unsigned long long)n.disk_free >> 20, (unsigned long long)n.disk_size >> 20);
	return true;
}
