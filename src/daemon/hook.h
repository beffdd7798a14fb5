/* hook: one run of an operator's command: with input, a time limit, and its last words.  Runs in the
 * master, which has no threads and no module loaded, so that fork is harmless; exec follows at once.
 *
 * The command is a file of its own (no shell in between) that only root or who it runs as can write.  It
 * gets a clean environment, its input as a file on stdin, and a process group of its own, no descriptors
 * of ours and no privileges.  What it says on stdout and stderr goes to the log, line by line; the last
 * line says why when it fails.  What it leaves running is killed when it ends. */
#ifndef DAEMON_HOOK_H
#define DAEMON_HOOK_H

#include <stddef.h>
#include <sys/types.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"

struct hook_call { /* all borrowed for the call of hook_start */
	const char *path;
	const char *user; /* to run as when we are root; NULL: as we are */
	const char *const *arguments;	/* after the name; NULL ends the list */
	const char *const *environment; /* "NAME=value" beside PATH; NULL ends the list */
	const struct buf *input;
	uint64_t limit_ms;
	const char *what; /* for the log: "zone example.gov., submit" */
};
/* OK, ERR_REFUSED (it said no), ERR_TIMEOUT or ERR_SYSTEM, with words. */
typedef void hook_done_fn(void *arg, int code, const char *why);

struct hook;
/* NULL and why when it cannot be run; else done is called once, from hook_ended. */
struct hook *hook_start(struct loop *l, const struct hook_call *c, hook_done_fn *done, void *arg,
    struct err *e);
pid_t hook_pid(const struct hook *h);
void hook_stop(struct hook *h); /* SIGTERM now, SIGKILL soon */
void hook_kill(struct hook *h);
/* Its process has ended: before it is waited for, while its number is still its own ... */
void hook_ending(struct hook *h);
/* ... and after.  h is gone then. */
void hook_ended(struct hook *h, int status);

/* May the command be run at all?  An absolute path of a file that can be executed, and that nobody but
 * root and `runner` can change.  resolved: without symbolic links, to be freed. */
int hook_check_path(const char *path, uid_t runner, char **resolved, struct err *e);

#endif
