/* The configuration handed to operators of BIND, NSD and Knot, judged by their own checkers. */
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "ops/stanza.h"

extern char **environ;

static const char *const zones[] = {"example.gov", "0/25.2.0.192.in-addr.arpa."};
static const struct stanza good = {"source-key.", "hmac-sha256", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
    "192.0.2.1", 5300, zones, MEM_COUNT(zones)};

static const struct {
	const char *words[5]; /* "" stands for the file's name */
} checkers[STANZA_SERVERS] = {
    [STANZA_BIND] = {{"named-checkconf", ""}},
    [STANZA_NSD] = {{"nsd-checkconf", ""}},
    [STANZA_KNOT] = {{"knotc", "-c", "", "conf-check"}},
};

/* The program's path, also where PATH lacks the folders of the administrator; NULL: not installed.
 */
static const char *find_checker(enum stanza_server server)
{
	static const char *const folders[] = {
	    "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"};
	static char path[100];

	for (size_t i = 0; i < MEM_COUNT(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], checkers[server].words[0]);
		if (access(path, X_OK) == 0)
			return path;
	}
	return NULL;
}

/* The checker's exit status for a text. */
static int judge(enum stanza_server server, const struct buf *text)
{
	char path[] = "./stanza.XXXXXX", log[] = "./judged.XXXXXX", *words[6] = {NULL};
	int fd = mkstemp(path), status, out = mkstemp(log);
	posix_spawn_file_actions_t actions;
	pid_t pid;

	assert_true(fd >= 0 && out >= 0);
	assert_int_equal(write(fd, text->data, text->len), text->len);
	close(fd);
	for (size_t i = 0; i < 5 && checkers[server].words[i] != NULL; i++)
		words[i] =
		    checkers[server].words[i][0] == '\0' ? path : (char *)checkers[server].words[i];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
	assert_int_equal(
	    posix_spawn(&pid, find_checker(server), &actions, NULL, words, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(out);
	unlink(path);
	unlink(log);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int judge_stanza(enum stanza_server server, enum stanza_side side, const struct stanza *s)
{
	struct buf text = {0};
	int status;

	stanza_put(&text, server, side, s);
	assert_false(text.failed);
	status = judge(server, &text);
	if (status != 0)
		print_message("# %.*s", (int)text.len, text.data);
	buf_free(&text);
	return status;
}

static void check_server(enum stanza_server server)
{
	static const char *const addresses[] = {"192.0.2.1", "2001:db8::1"};
	static const char *const algorithms[] = {
	    "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"};
	struct buf broken = {0};

	if (find_checker(server) == NULL)
		skip();
	for (int side = 0; side < STANZA_SIDES; side++) {
		for (size_t a = 0; a < MEM_COUNT(addresses) * MEM_COUNT(algorithms); a++) {
			struct stanza s = good;

			s.address = addresses[a % 2];
			s.algorithm = algorithms[a / 2];
			assert_int_equal(judge_stanza(server, side, &s), 0);
		}
	}
	/* The judge is awake. */
	stanza_put(&broken, server, STANZA_SOURCE, &good);
	buf_printf(&broken, "\nnonsense: yes\n");
	assert_int_not_equal(judge(server, &broken), 0);
	buf_free(&broken);
}

static void test_bind(void **state)
{
	(void)state;
	check_server(STANZA_BIND);
}

static void test_nsd(void **state)
{
	(void)state;
	check_server(STANZA_NSD);
}

static void test_knot(void **state)
{
	(void)state;
	check_server(STANZA_KNOT);
}

static void test_both_sides_name_key_zone_and_us(void **state)
{
	struct buf text = {0};

	(void)state;
	stanza_put_all(&text, &good);
	buf_u8(&text, '\0');
	assert_false(text.failed);
	for (int i = 0; i < STANZA_SERVERS; i++)
		assert_non_null(strstr((char *)text.data, stanza_title(i)));
	assert_non_null(strstr((char *)text.data, "also-notify { 192.0.2.1 port 5300 key"));
	assert_non_null(strstr((char *)text.data, "primaries { 192.0.2.1 port 5300 key"));
	assert_non_null(strstr((char *)text.data, "request-xfr: 192.0.2.1@5300 \"source-key.\""));
	assert_non_null(strstr((char *)text.data, "master: intaglio-out"));
	assert_non_null(strstr((char *)text.data, "\"0_25.2.0.192.in-addr.arpa.signed\""));
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    {"R6 stanzas that BIND accepts", test_bind, NULL, NULL, NULL},
	    {"R6 stanzas that NSD accepts", test_nsd, NULL, NULL, NULL},
	    {"R6 stanzas that Knot accepts", test_knot, NULL, NULL, NULL},
	    cmocka_unit_test(test_both_sides_name_key_zone_and_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
