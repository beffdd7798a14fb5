/* The intaglio command, as an operator runs it, against a daemon's control socket in another
 * process. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/log.h"
#include "base/mem.h"
#include "ops/ops.h"

extern char **environ;

#define OUTPUT_MAX 4096
#define WORDS_MAX 20

static char folder[] = "/tmp/itg-cli.XXXXXX";
static char conf[64], gone_conf[64], bad_conf[64], program[400];
static pid_t daemon_pid;

struct said {
	char out[OUTPUT_MAX], err[OUTPUT_MAX];
	int status;
};

/* The daemon's side */

static void list_zones(void *arg, struct ops_call *c)
{
	(void)arg;
	ops_list(c, json_pack("{s:[{s:s,s:i}]}", "zones", "zone", "a.", "serial", 7), "zones",
	    "zone:Zone,serial:Serial");
	ops_done(c);
}

static void import_zones(void *arg, struct ops_call *c)
{
	(void)arg;
	ops_text(c, "got %s", ops_argument(c, 0));
	ops_done(c);
}

static void add_zone(void *arg, struct ops_call *c)
{
	(void)arg;
	ops_warn(c, "input is %s", ops_option(c, "input-file"));
	ops_fail(c, "zone %s exists", ops_option(c, "zone"));
}

static void sign_zone(void *arg, struct ops_call *c)
{
	(void)arg;
	ops_progress(c, "signing a.", 3, 12);
	ops_text(c, "signed\n");
	ops_done(c);
}

static void vanish(void *arg, struct ops_call *c)
{
	(void)arg;
	ops_text(c, "half an ans");
	_exit(0);
}

static void generate(void *arg, struct ops_call *c)
{
	(void)arg;
	ops_text(c, "the secret is %s", ops_option(c, "secret-file"));
	ops_done(c);
}

static void serve(int fd)
{
	struct loop *l = loop_new();
	struct ops *o = ops_new(l);

	log_open("test", false, LOG_LEVEL_ERROR);
	ops_register(o, "zone list", list_zones, NULL);
	ops_register(o, "zone import", import_zones, NULL);
	ops_register(o, "zone add", add_zone, NULL);
	ops_register(o, "zone sign", sign_zone, NULL);
	ops_register(o, "tsig generate", generate, NULL);
	ops_register(o, "stop", vanish, NULL);
	ops_listen(o, fd, (gid_t)-1);
	loop_run(l);
}

static void start_daemon(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", folder);
	unlink(address.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	daemon_pid = fork();
	assert_true(daemon_pid >= 0);
	if (daemon_pid == 0) {
		serve(fd);
		_exit(1);
	}
	close(fd);
}

static void stop_daemon(void)
{
	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, NULL, 0);
}

static void write_text(char path[64], const char *name, const char *fmt, ...)
{
	va_list ap;
	FILE *f;

	snprintf(path, 64, "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fclose(f);
}

static int set_up(void **state)
{
	const char *build = getenv("ITG_BUILD");

	(void)state;
	snprintf(program, sizeof(program), "%s/intaglio", build == NULL ? "." : build);
	if (access(program, X_OK) != 0 || mkdtemp(folder) == NULL)
		return -1;
	write_text(conf, "intaglio.conf", "run_dir = \"%s\";\n", folder);
	write_text(gone_conf, "gone.conf", "run_dir = \"%s/nowhere\";\n", folder);
	write_text(bad_conf, "bad.conf", "run_dir = ;\n");
	start_daemon();
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {
	    "intaglio.conf", "gone.conf", "bad.conf", "zones", "secret", "control.sock"};
	char path[64];

	(void)state;
	stop_daemon();
	for (size_t i = 0; i < MEM_COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

/* The operator's side */

static void read_all(int fds[2], char *texts[2])
{
	struct pollfd p[2] = {{fds[0], POLLIN, 0}, {fds[1], POLLIN, 0}};
	size_t len[2] = {0, 0};

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		poll(p, 2, -1);
		for (int i = 0; i < 2; i++) {
			ssize_t n;

			if (p[i].fd < 0 || p[i].revents == 0)
				continue;
			n = read(p[i].fd, texts[i] + len[i], OUTPUT_MAX - 1 - len[i]);
			if (n <= 0)
				p[i].fd = -1;
			len[i] += n > 0 ? (size_t)n : 0;
		}
	}
	texts[0][len[0]] = texts[1][len[1]] = '\0';
	close(fds[0]);
	close(fds[1]);
}

/* words: up to a NULL.  terminal: stderr is one. */
static struct said run_words(const char *const words[], bool terminal)
{
	posix_spawn_file_actions_t actions;
	struct said s;
	char *argv[WORDS_MAX] = {program}, *texts[2] = {s.out, s.err};
	int out[2], err[2], status, fds[2];
	pid_t pid;

	for (int i = 0; words[i] != NULL; i++)
		argv[i + 1] = (char *)words[i];
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	if (terminal) {
		err[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		assert_int_equal(grantpt(err[0]) | unlockpt(err[0]), 0);
		err[1] = open(ptsname(err[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
	} else {
		assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
	assert_int_equal(posix_spawn(&pid, program, &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	close(err[1]);
	fds[0] = out[0];
	fds[1] = err[0];
	read_all(fds, texts);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	s.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return s;
}

#define RUN(...) run_words((const char *const[]){__VA_ARGS__, NULL}, false)
#define RUN_ON_TERMINAL(...) run_words((const char *const[]){__VA_ARGS__, NULL}, true)

static void assert_said(struct said s, int status, const char *out, const char *err)
{
	if (s.status != status || strstr(s.out, out) == NULL || strstr(s.err, err) == NULL)
		fail_msg("exit %d, stdout \"%s\", stderr \"%s\"", s.status, s.out, s.err);
}

static void test_listing(void **state)
{
	(void)state;
	assert_said(RUN("-c", conf, "zone", "list"), 0, "Zone  Serial\na.         7\n", "");
	assert_said(RUN("zone", "list", "-c", conf, "--json"), 0,
	    "{\"zones\":[{\"zone\":\"a.\",\"serial\":7}]}\n", "");
}

static void test_failure(void **state)
{
	(void)state;
	assert_said(RUN("-c", conf, "zone", "add", "-z", "a.", "--input-file", "/x"), 1, "",
	    "intaglio: input is /x\nintaglio: zone a. exists\n");
	assert_said(RUN("-c", conf, "monitor", "list"), 1, "", "not available in this version");
}

static void test_usage(void **state)
{
	(void)state;
	assert_said(RUN("-c", conf, "zone", "add"), 2, "", "usage: intaglio zone add -z ZONE");
	assert_said(RUN("zone"), 2, "", "needs one of: add");
	assert_said(RUN("--colour"), 2, "", "no option --colour");
	assert_said(RUN("-c", conf), 2, "", "usage: intaglio");
	assert_said(RUN("help", "zones"), 2, "", "no verb \"zones\"");
	assert_said(RUN("help", "zone", "add"), 0, "--replace-dnssec", "");
	assert_said(RUN("zone", "add", "--help"), 0, "--replace-dnssec", "");
	assert_said(RUN("help", "key"), 0, "key emergency", "");
	assert_said(RUN("--version"), 0, "intaglio ", "");
}

static void test_paths_are_made_absolute(void **state)
{
	char folder_now[300], wanted[320];

	(void)state;
	assert_non_null(getcwd(folder_now, sizeof(folder_now)));
	snprintf(wanted, sizeof(wanted), "input is %s/x\n", folder_now);
	assert_said(RUN("-c", conf, "zone", "add", "-z", "a.", "--input-file", "x"), 1, "", wanted);
}

static void test_files_are_sent_as_text(void **state)
{
	char path[64];

	(void)state;
	write_text(path, "zones", "zones = ( );\n");
	assert_said(RUN("-c", conf, "zone", "import", path), 0, "got zones = ( );\n", "");
	write_text(path, "secret", "c2VjcmV0\n");
	assert_said(RUN("-c", conf, "tsig", "generate", "--name", "k.", "--secret-file", path), 0,
	    "the secret is c2VjcmV0\n", "");
	write_text(path, "zones", "\xff\xfe");
	assert_said(RUN("-c", conf, "zone", "import", path), 1, "", "is not UTF-8");
	assert_said(RUN("-c", conf, "zone", "import", "/nowhere/at/all"), 1, "",
	    "reading /nowhere/at/all: No such file");
}

static void test_unreachable(void **state)
{
	(void)state;
	assert_said(RUN("-c", gone_conf, "status"), 1, "", "nowhere/control.sock: is it running?");
	assert_said(RUN("-c", gone_conf, "status"), 1, "", "start it with: intagliod -c ");
	assert_said(RUN("-c", bad_conf, "status"), 1, "", "bad.conf line 1");
	assert_said(RUN("-c", "/nowhere.conf", "status"), 1, "", "-c names another");
}

static void test_progress_on_a_terminal(void **state)
{
	struct said s;

	(void)state;
	setenv("TERM", "vt100", 1);
	s = RUN_ON_TERMINAL("-c", conf, "zone", "sign", "-z", "a.");
	assert_said(s, 0, "signed\n", "\r\033[Ksigning a.: 3 of 12 (25 %)\r\033[K");
	s = RUN("-c", conf, "zone", "sign", "-z", "a.");
	assert_said(s, 0, "signed\n", "");
	assert_string_equal(s.err, "");
	setenv("TERM", "dumb", 1);
	s = RUN_ON_TERMINAL("-c", conf, "zone", "sign", "-z", "a.");
	assert_string_equal(s.err, "");
}

static void test_daemon_dies_meanwhile(void **state)
{
	(void)state;
	assert_said(RUN("-c", conf, "stop"), 1, "half an ans", "went away before its answer");
	assert_said(RUN("-c", conf, "status"), 1, "", "is it running?");
	waitpid(daemon_pid, NULL, 0);
	start_daemon();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_listing),
	    cmocka_unit_test(test_failure),
	    cmocka_unit_test(test_usage),
	    cmocka_unit_test(test_paths_are_made_absolute),
	    cmocka_unit_test(test_files_are_sent_as_text),
	    cmocka_unit_test(test_unreachable),
	    cmocka_unit_test(test_progress_on_a_terminal),
	    cmocka_unit_test(test_daemon_dies_meanwhile),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
