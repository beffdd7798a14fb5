/* An operator's command: what it gets, what is taken from it, and how it ends.  Real processes. */
#include "daemon/hook.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"

#include <cmocka.h>

struct fixture {
	struct loop *loop;
	char folder[64], path[96], out[96];
	const char *user;
	struct hook *hook;
	bool is_done;
	int code;
	char why[500];
};

static void child_ended(void *arg)
{
	struct fixture *f = arg;
	siginfo_t ended = {0};
	int status;

	if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || f->hook == NULL ||
	    ended.si_pid != hook_pid(f->hook))
		return;
	hook_ending(f->hook);
	assert_int_equal(waitpid(ended.si_pid, &status, 0), ended.si_pid);
	hook_ended(f->hook, status);
	f->hook = NULL;
}

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	strcpy(f->folder, "/tmp/hook-XXXXXX");
	*state = f;
	if (mkdtemp(f->folder) == NULL)
		return 1;
	snprintf(f->path, sizeof(f->path), "%s/command", f->folder);
	snprintf(f->out, sizeof(f->out), "%s/out", f->folder);
	f->loop = loop_new();
	loop_signal(f->loop, SIGCHLD, child_ended, f);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	unlink(f->out);
	rmdir(f->folder);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void write_command(const struct fixture *f, const char *body)
{
	FILE *out = fopen(f->path, "we");

	assert_non_null(out);
	fprintf(out, "#!/bin/sh\n%s\n", body);
	fclose(out);
	assert_int_equal(chmod(f->path, 0755), 0);
}

static void done(void *arg, int code, const char *why)
{
	struct fixture *f = arg;

	assert_false(f->is_done);
	f->is_done = true;
	f->code = code;
	snprintf(f->why, sizeof(f->why), "%s", why);
}

static struct hook *start(struct fixture *f, uint64_t limit_ms, struct err *e)
{
	static const char *const arguments[] = {"submit", "example.gov.", NULL};
	static const char *const environment[] = {"INTAGLIO_ZONE=example.gov.", NULL};
	struct buf input = {0};
	struct hook_call call = {.path = f->path,
	    .user = f->user,
	    .arguments = arguments,
	    .environment = environment,
	    .input = &input,
	    .limit_ms = limit_ms,
	    .what = "zone example.gov."};

	buf_printf(&input, "first line\nsecond line\n");
	f->hook = hook_start(f->loop, &call, done, f, e);
	buf_free(&input);
	return f->hook;
}

static void run(struct fixture *f, const char *body, uint64_t limit_ms)
{
	struct err e = {0};

	write_command(f, body);
	if (start(f, limit_ms, &e) == NULL)
		fail_msg("it was not started: %s", e.text);
	while (!f->is_done)
		loop_once(f->loop, true);
}

static void read_out(const struct fixture *f, char *out, size_t size)
{
	FILE *in = fopen(f->out, "re");

	assert_non_null(in);
	out[fread(out, 1, size - 1, in)] = '\0';
	fclose(in);
}

static void test_given(void **state)
{
	struct fixture *f = *state;
	char body[400], out[2000], expected[200];
	int fd = fcntl(0, F_DUPFD, 77); /* no business of the command's */

	setenv("SECRET", "of ours", 1);
	snprintf(body, sizeof(body),
	    "{ echo \"$0 $# $1 $2\"; cat; pwd; umask; ulimit -c; env | grep -v ^_= | sort; "
	    "[ -e /proc/$$/fd/77 ] || echo closed; [ $(cut -d' ' -f5 /proc/$$/stat) = $$ ] && echo group; "
	    "grep NoNewPrivs /proc/$$/status; grep SigIgn /proc/$$/status; } > %s",
	    f->out);
	run(f, body, 20000);
	close(fd);
	unsetenv("SECRET");
	assert_int_equal(f->code, OK);
	assert_string_equal(f->why, "");
	read_out(f, out, sizeof(out));
	snprintf(expected, sizeof(expected),
	    "%s 2 submit example.gov.\nfirst line\nsecond line\n/\n0077\n0\nINTAGLIO_ZONE=",
	    f->path);
	assert_memory_equal(out, expected, strlen(expected));
	assert_null(strstr(out, "SECRET"));
	assert_non_null(strstr(out, "\nPATH=/usr/local/sbin:"));
	assert_int_equal(fd, 77);
	assert_non_null(strstr(out, "\nclosed\ngroup\n"));
	assert_non_null(strstr(out, "NoNewPrivs:\t1\n"));
	assert_non_null(strstr(out, "SigIgn:\t0000000000000000\n"));
}

static void test_user(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(f->folder, 0755), 0);
	f->user = "nobody";
	run(f, "id -un; id -Gn; exit 1", 20000);
	assert_non_null(strstr(f->why, ": nogroup"));
	f->user = "nobody-of-that-name";
	assert_null(start(f, 20000, &e));
	assert_non_null(strstr(e.text, "no user nobody-of-that-name"));
}

static void test_refuses(void **state)
{
	struct fixture *f = *state;

	run(f, "echo begun; echo 'the registry says 2306' >&2; echo; exit 3", 20000);
	assert_int_equal(f->code, ERR_REFUSED);
	assert_non_null(strstr(f->why, f->path));
	assert_non_null(strstr(f->why, "exit status 3: the registry says 2306"));
}

static void test_unclean_words(void **state)
{
	struct fixture *f = *state;

	run(f, "printf 'red \\033[31m and \\001'; exit 1", 20000);
	assert_non_null(strstr(f->why, "red \\027[31m and \\001"));
}

static void test_killed(void **state)
{
	struct fixture *f = *state;

	run(f, "kill -9 $$", 20000);
	assert_int_equal(f->code, ERR_REFUSED);
	assert_non_null(strstr(f->why, "killed by signal 9"));
}

static bool is_alive(pid_t pid)
{
	char path[40], text[400] = "";
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	in = fopen(path, "re");
	if (in == NULL)
		return false;
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	return strstr(text, ") Z ") == NULL;
}

/* A child of the command that must have ended with it. */
static void assert_child_ends(const struct fixture *f)
{
	char out[40];

	read_out(f, out, sizeof(out));
	for (unsigned i = 0; i < 500 && is_alive(atoi(out)); i++)
		usleep(10000);
	assert_true(atoi(out) > 0);
	assert_false(is_alive(atoi(out)));
}

static void test_late(void **state)
{
	struct fixture *f = *state;
	char body[200];

	/* Neither it nor its child is impressed by SIGTERM. */
	snprintf(body, sizeof(body),
	    "trap '' TERM; echo waiting >&2; sleep 600 & echo $! > %s; while :; do wait; done",
	    f->out);
	run(f, body, 1000);
	assert_int_equal(f->code, ERR_TIMEOUT);
	assert_non_null(strstr(f->why, "longer than 1 s: waiting"));
	assert_child_ends(f);
}

static void test_leaves(void **state)
{
	struct fixture *f = *state;
	char body[200];

	snprintf(body, sizeof(body), "sleep 600 & echo $! > %s", f->out);
	run(f, body, 20000);
	assert_int_equal(f->code, OK);
	assert_child_ends(f);
}

static void test_floods(void **state)
{
	struct fixture *f = *state;

	run(f, "exec yes intaglio", 20000);
	assert_int_equal(f->code, ERR_LIMIT);
	assert_non_null(strstr(f->why, "wrote more than"));
}

static void test_stopped(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	write_command(f, "exec sleep 600");
	assert_non_null(start(f, 600000, &e));
	hook_stop(f->hook);
	while (!f->is_done)
		loop_once(f->loop, true);
	assert_int_equal(f->code, ERR_REFUSED);
}

static void assert_refused(struct fixture *f, const char *why)
{
	struct err e = {0};

	assert_null(start(f, 1000, &e));
	if (strstr(e.text, why) == NULL || strstr(e.text, f->path) == NULL)
		fail_msg("it says: %s", e.text);
	assert_false(f->is_done);
}

static void test_path(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, "No such file");
	write_command(f, "exit 0");
	assert_int_equal(chmod(f->path, 0644), 0);
	assert_refused(f, "not executable");
	assert_int_equal(chmod(f->path, 0775), 0);
	assert_refused(f, "others than its owner can write it");
	assert_int_equal(chmod(f->path, 0755), 0);
	assert_int_equal(chmod(f->folder, 0777), 0);
	assert_refused(f, "everybody can put other files");
	assert_int_equal(chmod(f->folder, 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(f->path, 4242, 0), 0);
		assert_refused(f, "belongs to user 4242");
	}
	snprintf(f->path, sizeof(f->path), "bin/command");
	assert_refused(f, "whole path");
	snprintf(f->path, sizeof(f->path), "%s", f->folder);
	assert_refused(f, "not a file");
	snprintf(f->path, sizeof(f->path), "%s/command", f->folder);
}

static void test_not_a_program(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	FILE *out = fopen(f->path, "we");

	assert_non_null(out);
	fprintf(out, "#!/nowhere/interpreter\n");
	fclose(out);
	assert_int_equal(chmod(f->path, 0755), 0);
	assert_non_null(start(f, 20000, &e));
	while (!f->is_done)
		loop_once(f->loop, true);
	assert_int_equal(f->code, ERR_REFUSED);
	assert_non_null(strstr(f->why, "cannot be executed: No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    {"a command gets its arguments, its input, a clean environment and nothing of ours",
		test_given, setup, teardown, NULL},
	    {"started by root it runs as the user it is given", test_user, setup, teardown, NULL},
	    {"its exit status and last words say why it fails", test_refuses, setup, teardown,
		NULL},
	    {"its words are made safe to show", test_unclean_words, setup, teardown, NULL},
	    {"a signal that ends it is named", test_killed, setup, teardown, NULL},
	    {"one that takes too long is ended with all it started", test_late, setup, teardown,
		NULL},
	    {"what it leaves running ends with it", test_leaves, setup, teardown, NULL},
	    {"one that writes without end is ended", test_floods, setup, teardown, NULL},
	    {"one that is stopped ends", test_stopped, setup, teardown, NULL},
	    {"a file that others can change is not run", test_path, setup, teardown, NULL},
	    {"one that cannot be executed says so", test_not_a_program, setup, teardown, NULL},
	};

	log_open("test", false, LOG_LEVEL_ERROR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
