/* The control socket: a daemon's loop and its clients in one process. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/log.h"
#include "base/mem.h"
#include "ops/ops.h"

struct bench {
	struct loop *loop;
	struct ops *ops;
	struct sockaddr_un address;
	struct ops_call *held; /* by verbs that do not end at once */
	unsigned drained;
};

static void list_zones(void *arg, struct ops_call *c)
{
	(void)arg;
	ops_list(c,
	    json_pack("{s:[{s:s,s:i},{s:s,s:i}]}", "zones", "zone", "a.", "serial", 7, "zone",
		"longer.", "serial", 12),
	    "zones", "zone:Zone,serial:Serial");
	ops_done(c);
}

static void add_zone(void *arg, struct ops_call *c)
{
	(void)arg;
	ops_text(
	    c, "%s %s %u", ops_requester(c), ops_option(c, "zone"), ops_option_count(c, "source"));
	for (unsigned i = 0; i < ops_option_count(c, "source"); i++)
		ops_text(c, " %s", ops_option_at(c, "source", i));
	ops_text(c, "%s\n", ops_flag(c, "replace-dnssec") ? " replaces" : "");
	ops_warn(c, "steers \x1b[2J and is not UTF-8: \xff");
	ops_fail(c, "refused: %d", 42);
}

static void sign_zone(void *arg, struct ops_call *c)
{
	(void)arg;
	ops_progress(c, "signing a.", 0, 10);
	ops_progress(c, "signing a.", 1, 10); /* too soon to be shown */
	ops_progress(c, "signing a.", 10, 10);
	ops_done(c);
}

static void import_zones(void *arg, struct ops_call *c)
{
	(void)arg;
	ops_text(c, "%zu\n", strlen(ops_argument(c, 0)));
	ops_done(c);
}

static void hold(void *arg, struct ops_call *c)
{
	struct bench *b = arg;

	b->held = c;
}

static void note_drained(void *arg, struct ops_call *c)
{
	struct bench *b = arg;

	b->drained++;
	if (!ops_is_gone(c))
		ops_text(c, "end\n");
	ops_done(c);
	b->held = NULL;
}

static void write_much(void *arg, struct ops_call *c)
{
	struct bench *b = arg;

	b->held = c;
	while (!ops_is_full(c))
		ops_text(c, "%01000d\n", 0);
	ops_when_drained(c, note_drained, b);
}

static int set_up(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	log_open("test", false, LOG_LEVEL_ERROR);
	b->loop = loop_new();
	b->ops = ops_new(b->loop);
	b->address.sun_family = AF_UNIX;
	snprintf(b->address.sun_path, sizeof(b->address.sun_path), "./control.%d", (int)getpid());
	unlink(b->address.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&b->address, sizeof(b->address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	ops_register(b->ops, "zone list", list_zones, b);
	ops_register(b->ops, "zone add", add_zone, b);
	ops_register(b->ops, "zone sign", sign_zone, b);
	ops_register(b->ops, "zone import", import_zones, b);
	ops_register(b->ops, "status", hold, b);
	ops_register(b->ops, "zone export", write_much, b);
	ops_listen(b->ops, fd, (gid_t)-1);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	ops_free(b->ops);
	loop_free(b->loop);
	unlink(b->address.sun_path);
	free(b);
	return 0;
}

static void turn(struct bench *b)
{
	for (int i = 0; i < 20; i++)
		loop_once(b->loop, false);
}

static int dial(struct bench *b)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&b->address, sizeof(b->address)), 0);
	turn(b);
	return fd;
}

/* Sends all of it, the loop turning meanwhile; false when the other end closes. */
static bool say(struct bench *b, int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return false;
		text += n < 0 ? 0 : n;
		len -= n < 0 ? 0 : (size_t)n;
		turn(b);
	}
	return true;
}

/* All that comes until the other end closes. */
static char *hear(struct bench *b, int fd)
{
	size_t len = 0, cap = 1 << 20;
	char *text = malloc(cap);

	for (;;) {
		ssize_t n = recv(fd, text + len, cap - len - 1, 0);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		len += n < 0 ? 0 : (size_t)n;
		if (cap - len < 65536)
			text = realloc(text, cap *= 2);
		turn(b);
	}
	text[len] = '\0';
	close(fd);
	return text;
}

static void assert_answer(struct bench *b, const char *request, const char *answer)
{
	int fd = dial(b);
	char *text;

	assert_true(say(b, fd, request, strlen(request)));
	text = hear(b, fd);
	assert_string_equal(text, answer);
	free(text);
}

static void assert_refused(struct bench *b, const char *request, const char *why)
{
	int fd = dial(b);
	char *text;

	say(b, fd, request, strlen(request));
	text = hear(b, fd);
	if (strstr(text, why) == NULL || strstr(text, "{\"exit\":2}\n") == NULL)
		fail_msg("%s: was answered %s", request, text);
	free(text);
}

static void test_listing_as_table_and_json(void **state)
{
	assert_answer(*state, "{\"verb\":\"zone list\"}\n",
	    "{\"out\":\"Zone     Serial\\na.            7\\nlonger.      12\\n\"}\n{\"exit\":0}\n");
	assert_answer(*state, "{\"verb\":\"zone list\",\"options\":{\"json\":true}}\n",
	    "{\"out\":\"{\\\"zones\\\":[{\\\"zone\\\":\\\"a.\\\",\\\"serial\\\":7},"
	    "{\\\"zone\\\":\\\"longer.\\\",\\\"serial\\\":12}]}\\n\"}\n{\"exit\":0}\n");
}

static void test_options_and_refusal(void **state)
{
	char wanted[400];

	snprintf(wanted, sizeof(wanted),
	    "{\"out\":\"uid %ld%s a. 2\"}\n{\"out\":\" x\"}\n{\"out\":\" y\"}\n"
	    "{\"out\":\" replaces\\n\"}\n"
	    "{\"err\":\"steers \\\\027[2J and is not UTF-8: \\\\255\"}\n"
	    "{\"err\":\"refused: 42\"}\n{\"exit\":1}\n",
	    (long)getuid(), getuid() == 0 ? " (root)" : "");
	assert_answer(*state,
	    "{\"verb\":\"zone add\",\"options\":{\"zone\":\"a.\",\"source\":[\"x\",\"y\"],"
	    "\"replace-dnssec\":true}}\n",
	    wanted);
}

static void test_progress_only_on_a_terminal(void **state)
{
	assert_answer(*state, "{\"verb\":\"zone sign\",\"options\":{\"all\":true},\"tty\":true}\n",
	    "{\"progress\":{\"what\":\"signing a.\",\"done\":0,\"total\":10}}\n"
	    "{\"progress\":{\"what\":\"signing a.\",\"done\":10,\"total\":10}}\n{\"exit\":0}\n");
	assert_answer(
	    *state, "{\"verb\":\"zone sign\",\"options\":{\"all\":true}}\n", "{\"exit\":0}\n");
}

static void test_verbs_without_function(void **state)
{
	assert_answer(*state, "{\"verb\":\"monitor list\"}\n",
	    "{\"err\":\"monitor list: not available in this version\"}\n{\"exit\":1}\n");
}

static void test_bad_requests(void **state)
{
	assert_refused(*state, "hello\n", "not JSON");
	assert_refused(*state, "\n", "not JSON");
	assert_refused(*state, "[]\n", "must be");
	assert_refused(*state, "{\"verb\":7}\n", "must be");
	assert_refused(*state, "{\"verb\":\"zone list\",\"options\":[]}\n", "must be");
	assert_refused(*state, "{\"verb\":\"zone paint\"}\n", "knows no verb");
	assert_refused(*state, "{\"verb\":\"zone list\",\"verb\":\"stop\"}\n", "not JSON");
	assert_refused(*state, "{\"verb\":\"zone add\"}\n", "needs -z ZONE");
	assert_refused(
	    *state, "{\"verb\":\"zone add\",\"options\":{\"zone\":3}}\n", "must be true, a string");
	assert_refused(
	    *state, "{\"verb\":\"zone add\",\"options\":{\"colour\":\"red\"}}\n", "no option");
	assert_refused(
	    *state, "{\"verb\":\"zone add\",\"options\":{\"zone\":\"a\\u0000b\"}}\n", "not JSON");
	assert_refused(*state, "{\"verb\":\"status\",\"arguments\":[\"x\"]}\n", "too many");
}

static void test_large_text_by_value(void **state)
{
	struct bench *b = *state;
	size_t len = 5 << 20;
	char *request = malloc(len + 100), wanted[60];
	int n = snprintf(request, 100, "{\"verb\":\"zone import\",\"arguments\":[\"");

	memset(request + n, 'x', len);
	strcpy(request + (size_t)n + len, "\"]}\n");
	snprintf(wanted, sizeof(wanted), "{\"out\":\"%zu\\n\"}\n{\"exit\":0}\n", len);
	assert_answer(b, request, wanted);
	free(request);
}

static void test_oversize_is_cut_off(void **state)
{
	struct bench *b = *state;
	size_t len = 40u << 20;
	char *request = malloc(len), *text;
	int fd = dial(b);

	memset(request, 'x', len);
	say(b, fd, request, len);
	text = hear(b, fd);
	assert_non_null(strstr(text, "too large"));
	free(text);
	free(request);
}

static void test_several_at_once(void **state)
{
	struct bench *b = *state;
	int slow = dial(b), silent = dial(b);
	char *text;

	say(b, slow, "{\"verb\":\"sta", 12);
	assert_answer(b, "{\"verb\":\"zone sign\",\"options\":{\"all\":true}}\n", "{\"exit\":0}\n");
	say(b, slow, "tus\"}\n", 6);
	assert_non_null(b->held);
	assert_answer(b, "{\"verb\":\"zone sign\",\"options\":{\"all\":true}}\n", "{\"exit\":0}\n");
	ops_text(b->held, "late\n");
	ops_done(b->held);
	text = hear(b, slow);
	assert_string_equal(text, "{\"out\":\"late\\n\"}\n{\"exit\":0}\n");
	free(text);
	close(silent);
	turn(b);
}

static void test_client_hangs_up(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);

	say(b, fd, "{\"verb\":\"status\"}\n", 18);
	assert_non_null(b->held);
	assert_false(ops_is_gone(b->held));
	close(fd);
	turn(b);
	assert_true(ops_is_gone(b->held));
	ops_text(b->held, "to nobody\n");
	ops_list(b->held, json_object(), NULL, NULL);
	ops_progress(b->held, "nothing", 1, 2);
	ops_fail(b->held, "too late");
}

/* `printf ... | nc -UN`: the request is all it says, and it still listens. */
static void test_half_closed_client_is_answered(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);
	char *text;

	say(b, fd, "{\"verb\":\"status\"}\n", 18);
	shutdown(fd, SHUT_WR);
	turn(b);
	assert_false(ops_is_gone(b->held));
	ops_done(b->held);
	text = hear(b, fd);
	assert_string_equal(text, "{\"exit\":0}\n");
	free(text);
}

static void test_long_text_waits_for_its_reader(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);
	char *text;
	size_t len;

	b->drained = 0;
	say(b, fd, "{\"verb\":\"zone export\"}\n", 23);
	assert_int_equal(b->drained, 0);
	text = hear(b, fd);
	len = strlen(text);
	assert_int_equal(b->drained, 1);
	assert_true(len > 1000000);
	assert_string_equal(text + len - 27, "{\"out\":\"end\\n\"}\n{\"exit\":0}\n");
	free(text);

	fd = dial(b);
	say(b, fd, "{\"verb\":\"zone export\"}\n", 23);
	close(fd);
	turn(b);
	assert_int_equal(b->drained, 2);
	assert_null(b->held);
}

static void test_daemon_ends_under_a_call(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);

	say(b, fd, "{\"verb\":\"status\"}\n", 18);
	ops_free(b->ops);
	b->ops = NULL;
	assert_true(ops_is_gone(b->held));
	ops_done(b->held);
	close(fd);
}

/* Needs root: another user connects through a socket that anybody may write to. */
static void test_stranger_is_refused(void **state)
{
	struct bench *b = *state;
	char *text;
	int fd;

	if (getuid() != 0)
		skip();
	chmod(b->address.sun_path, 0666);
	chmod(".", 0755);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(seteuid(65534), 0);
	if (connect(fd, (struct sockaddr *)&b->address, sizeof(b->address)) != 0) {
		assert_int_equal(seteuid(0), 0);
		fail_msg("connecting as nobody: %s", strerror(errno));
	}
	assert_int_equal(seteuid(0), 0);
	say(b, fd, "{\"verb\":\"zone list\"}\n", 21);
	text = hear(b, fd);
	assert_non_null(strstr(text, "you may not command intagliod"));
	assert_non_null(strstr(text, "{\"exit\":1}"));
	assert_null(strstr(text, "longer."));
	free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_listing_as_table_and_json),
	    TEST(test_options_and_refusal),
	    TEST(test_progress_only_on_a_terminal),
	    TEST(test_verbs_without_function),
	    TEST(test_bad_requests),
	    TEST(test_large_text_by_value),
	    TEST(test_oversize_is_cut_off),
	    TEST(test_several_at_once),
	    TEST(test_client_hangs_up),
	    TEST(test_half_closed_client_is_answered),
	    TEST(test_long_text_waits_for_its_reader),
	    TEST(test_daemon_ends_under_a_call),
	    TEST(test_stranger_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
