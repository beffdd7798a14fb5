/* One run of an operator's command: see hook.h. */
#include "daemon/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/text.h"
#include "daemon/process.h"

#define GRACE_MS 2000
#define LINE_MAX_LEN 300
#define LINES_LOGGED 50
#define OUTPUT_MAX (1024 * 1024)
#define FILES_MAX 1024
#define ARGUMENTS_MAX 8
#define ENVIRONMENT_MAX 8

struct hook {
	pid_t pid;
	char *path, *what;
	int output; /* of both its stdout and its stderr */
	struct loop_watch *watch;
	struct loop_timer *timer;
	uint64_t limit_ms;
	bool is_late, is_stopped;
	char line[LINE_MAX_LEN + 1], last[LINE_MAX_LEN + 1];
	size_t len, total;
	unsigned lines;
	hook_done_fn *done;
	void *arg;
};

/* The path */

static int check_folder(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return err_sys(e, "looking at the folder %s", path);
	if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
		return err_set(e, ERR_REFUSED,
		    "everybody can put other files into its folder %s (chmod o-w)", path);
	return OK;
}

static int check_folders(char *path, struct err *e)
{
	int code = check_folder("/", e);

	for (char *slash = strchr(path + 1, '/'); slash != NULL && code == OK;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		code = check_folder(path, e);
		*slash = '/';
	}
	return code;
}

static int check_file(const char *path, uid_t runner, struct err *e)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return err_sys(e, "looking at it");
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_REFUSED, "it is not a file");
	if (st.st_uid != 0 && st.st_uid != runner)
		return err_set(e, ERR_REFUSED,
		    "it belongs to user %u; it must belong to root or to the user that it runs as",
		    (unsigned)st.st_uid);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(e, ERR_REFUSED,
		    "others than its owner can write it (chmod go-w); that is not safe");
	if ((st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
		return err_set(e, ERR_REFUSED, "it is not executable (chmod +x)");
	return OK;
}

int hook_check_path(const char *path, uid_t runner, char **resolved, struct err *e)
{
	char *real;
	int code;

	if (path[0] != '/')
		return err_set(
		    e, ERR_REFUSED, "command %s: it must be given with its whole path", path);
	real = realpath(path, NULL);
	if (real == NULL)
		return err_sys(e, "command %s", path);
	code = check_file(real, runner, e);
	if (code == OK)
		code = check_folders(real, e);
	if (code == OK) {
		*resolved = real;
		return OK;
	}
	free(real);
	return err_wrap(e, "command %s", path);
}

static int find_runner(const char *user, uid_t *out, struct err *e)
{
	const struct passwd *pw;

	*out = geteuid();
	if (user == NULL || *out != 0)
		return OK;
	pw = getpwnam(user);
	if (pw == NULL)
		return err_set(e, ERR_MISSING,
		    "there is no user %s on this system that commands could run as", user);
	*out = pw->pw_uid;
	return OK;
}

/* The child */

static void limit(int resource, rlim_t most)
{
	struct rlimit r;

	if (getrlimit(resource, &r) != 0)
		return;
	r.rlim_max = r.rlim_max < most ? r.rlim_max : most;
	r.rlim_cur = r.rlim_max;
	setrlimit(resource, &r);
}

static void reset_signals(void)
{
	sigset_t none;

	/* An ignored signal would stay ignored: ours, and those of whoever started the daemon. */
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void place_descriptors(int input, int output)
{
	/* Away from the places they will have. */
	int in = fcntl(input, F_DUPFD, 10), out = fcntl(output, F_DUPFD, 10);

	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	close_range(3, ~0U, 0);
}

static void child(const struct hook_call *c, const char *path, int input, int output,
    char *const *argv, char *const *envp, pid_t master)
{
	struct err e = {0};

	setpgid(0, 0);
	reset_signals();
	place_descriptors(input, output);
	umask(077);
	limit(RLIMIT_NOFILE, FILES_MAX);
	limit(RLIMIT_CPU, (rlim_t)(c->limit_ms / 1000 + 1));
	if (sandbox_drop(c->user, &e) != OK || sandbox_enter(0, &e) != OK) {
		dprintf(2, "%s\n", e.text);
		_exit(126);
	}
	/* After the change of user, which would undo it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != master || chdir("/") != 0)
		_exit(126);
	execve(path, argv, envp);
	dprintf(2, "it cannot be executed: %s\n", strerror(errno));
	_exit(127);
}

/* exec does not write to the strings that it takes as writable. */
static void fill(char **out, const char *first, const char *const *more, unsigned most)
{
	unsigned n = 0;

	out[n++] = (char *)(uintptr_t)first;
	for (unsigned i = 0; more != NULL && more[i] != NULL && n < most; i++)
		out[n++] = (char *)(uintptr_t)more[i];
	out[n] = NULL;
}

static pid_t child_start(const struct hook_call *c, const char *path, int input, int output)
{
	static const char clean_path[] =
	    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *argv[ARGUMENTS_MAX + 1], *envp[ENVIRONMENT_MAX + 1];
	pid_t pid, master = getpid();

	fill(argv, c->path, c->arguments, ARGUMENTS_MAX);
	fill(envp, clean_path, c->environment, ENVIRONMENT_MAX);
	pid = fork();
	if (pid == 0)
		child(c, path, input, output, argv, envp, master);
	if (pid > 0)
		setpgid(pid, pid); /* whoever of us two comes first */
	return pid;
}

/* What it says */

static void line_done(struct hook *h)
{
	struct buf shown = {0};

	while (h->len > 0 && (h->line[h->len - 1] == ' ' || h->line[h->len - 1] == '\r'))
		h->len--;
	if (h->len == 0)
		return;
	text_escape(&shown, h->line, h->len, false);
	snprintf(h->last, sizeof(h->last), "%.*s", (int)shown.len, (const char *)shown.data);
	buf_free(&shown);
	h->len = 0;
	if (h->lines++ < LINES_LOGGED)
		log_notice("%s: %s: %s", h->what, h->path, h->last);
}

static void take_output(struct hook *h, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n')
			line_done(h);
		else if (h->len < LINE_MAX_LEN)
			h->line[h->len++] = data[i];
	}
}

static void give_up(void *arg)
{
	struct hook *h = arg;

	if (!h->is_late && !h->is_stopped) {
		h->is_late = true;
		hook_stop(h);
	} else {
		hook_kill(h);
	}
}

static void output_ready(void *arg, int fd, int io)
{
	struct hook *h = arg;
	char data[4096];
	ssize_t len = read(fd, data, sizeof(data));

	(void)io;
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		loop_watch_set(h->watch, 0);
		return;
	}
	h->total += (size_t)len;
	if (h->total <= OUTPUT_MAX)
		take_output(h, data, (size_t)len);
	else
		hook_kill(h); /* it only fills the log */
}

static void drain(struct hook *h)
{
	char data[4096];
	ssize_t len;

	while (h->total <= OUTPUT_MAX && (len = read(h->output, data, sizeof(data))) > 0) {
		h->total += (size_t)len;
		take_output(h, data, (size_t)len);
	}
	line_done(h);
}

/* Its life */

static struct hook *hook_new(
    struct loop *l, const struct hook_call *c, hook_done_fn *done, void *arg)
{
	struct hook *h = mem_alloc(sizeof(*h));

	h->path = mem_strdup(c->path);
	h->what = mem_strdup(c->what);
	h->output = -1;
	h->timer = loop_timer_new(l, give_up, h);
	h->limit_ms = c->limit_ms;
	h->done = done;
	h->arg = arg;
	return h;
}

static void hook_free(struct hook *h)
{
	loop_watch_free(h->watch);
	loop_timer_free(h->timer);
	if (h->output >= 0)
		close(h->output);
	free(h->path);
	free(h->what);
	free(h);
}

static int input_file(const struct buf *input)
{
	int fd = memfd_create("intaglio-hook", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (write(fd, input->data, input->len) == (ssize_t)input->len &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -1;
}

static int start(
    struct hook *h, struct loop *l, const struct hook_call *c, const char *path, struct err *e)
{
	int input = input_file(c->input), out[2] = {-1, -1}, code = OK;

	if (input < 0 || pipe2(out, O_CLOEXEC) != 0 || fcntl(out[0], F_SETFL, O_NONBLOCK) != 0 ||
	    (h->pid = child_start(c, path, input, out[1])) < 0) {
		code = err_sys(e, "starting command %s", c->path);
		if (out[0] >= 0)
			close(out[0]);
	} else {
		h->output = out[0];
		h->watch = loop_watch(l, h->output, LOOP_READ, output_ready, h);
		loop_timer_set(h->timer, h->limit_ms);
	}
	if (input >= 0)
		close(input);
	if (out[1] >= 0)
		close(out[1]);
	return code;
}

struct hook *hook_start(
    struct loop *l, const struct hook_call *c, hook_done_fn *done, void *arg, struct err *e)
{
	struct hook *h;
	char *path;
	uid_t runner;

	if (find_runner(c->user, &runner, e) != OK ||
	    hook_check_path(c->path, runner, &path, e) != OK)
		return NULL;
	h = hook_new(l, c, done, arg);
	if (start(h, l, c, path, e) != OK) {
		hook_free(h);
		h = NULL;
	}
	free(path);
	return h;
}

pid_t hook_pid(const struct hook *h)
{
	return h->pid;
}

void hook_stop(struct hook *h)
{
	h->is_stopped = true;
	kill(-h->pid, SIGTERM);
	loop_timer_set(h->timer, GRACE_MS);
}

void hook_kill(struct hook *h)
{
	kill(-h->pid, SIGKILL);
}

void hook_ending(struct hook *h)
{
	hook_kill(h); /* what it started and left */
}

static int judge(const struct hook *h, int status, char *why, size_t size)
{
	const char *colon = h->last[0] == '\0' ? "" : ": ";
	char how[64];

	why[0] = '\0';
	if (h->total > OUTPUT_MAX) {
		snprintf(why, size, "command %s was ended, since it wrote more than %u KiB",
		    h->path, OUTPUT_MAX / 1024);
		return ERR_LIMIT;
	}
	if (h->is_late) {
		snprintf(why, size, "command %s was ended, since it took longer than %llu s%s%s",
		    h->path, (unsigned long long)(h->limit_ms / 1000), colon, h->last);
		return ERR_TIMEOUT;
	}
	if (status == 0)
		return OK;
	process_end_text(status, how);
	snprintf(why, size, "command %s: %s%s%s", h->path, how, colon, h->last);
	return ERR_REFUSED;
}

void hook_ended(struct hook *h, int status)
{
	hook_done_fn *done = h->done;
	void *arg = h->arg;
	char why[500];
	int code;

	drain(h);
	code = judge(h, status, why, sizeof(why));
	hook_free(h);
	done(arg, code, why);
}
