/* The conversation with the daemon over its control socket: see src/ops/request.c and control.c.
 * Runs as the operator.  The daemon's word is taken, but not its control characters: what it says
 * could have come from the network. */
#include "cli/cli.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/conf.h"
#include "base/text.h"

#define DEFAULT_RUN_DIR "/run/intaglio"
#define ANSWER_MAX (512u << 20)
#define CHUNK 65536

/* The request */

static int read_file(const char *path, struct buf *out, struct err *e)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *f = is_stdin ? stdin : fopen(path, "re");
	uint8_t chunk[CHUNK];
	size_t n;
	int code = OK;

	if (f == NULL)
		return err_sys(e, "reading %s", path);
	out->limit = VERB_VALUE_MAX;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_put(out, chunk, n);
	if (ferror(f))
		code = err_sys(e, "reading %s", path);
	else if (out->failed)
		code = err_set(e, ERR_LIMIT, "%s is larger than %u MiB: send it in parts", path,
		    VERB_VALUE_MAX >> 20);
	else if (out->len > 0 && memchr(out->data, '\0', out->len) != NULL)
		code = err_set(e, ERR_FORMAT, "%s is not a text", path);
	if (!is_stdin)
		fclose(f);
	return code;
}

/* A value as it is sent: the text of a file in place of its name, paths from the root. */
static int make_value(const char *value, unsigned flags, json_t **out, struct err *e)
{
	char folder[PATH_MAX];
	struct buf text = {0};
	int code = OK;

	if (flags & VERB_PATH && value[0] != '/') {
		if (getcwd(folder, sizeof(folder)) == NULL)
			return err_sys(e, "finding the way to %s", value);
		buf_printf(&text, "%s/", folder);
	}
	if (flags & VERB_FILE)
		code = read_file(value, &text, e);
	else
		buf_put(&text, value, strlen(value));
	if (code == OK) {
		*out = json_stringn(text.len == 0 ? "" : (const char *)text.data, text.len);
		if (*out == NULL)
			code = err_set(e, ERR_FORMAT, "%s is not UTF-8", value);
	}
	buf_free(&text);
	return code;
}

static int add_option(json_t *options, const struct verb_given *g, struct err *e)
{
	const char *name = g->option->name;
	json_t *value, *list;
	int code;

	if (g->option->flags & VERB_LOCAL)
		return OK;
	if (g->value == NULL) {
		json_object_set_new(options, name, json_true());
		return OK;
	}
	if ((code = make_value(g->value, g->option->flags, &value, e)) != OK)
		return code;
	if (!(g->option->flags & VERB_REPEATABLE)) {
		json_object_set_new(options, name, value);
		return OK;
	}
	if ((list = json_object_get(options, name)) == NULL) {
		list = json_array();
		json_object_set_new(options, name, list);
	}
	json_array_append_new(list, value);
	return OK;
}

static int make_request(const struct verb_call *c, struct buf *out, struct err *e)
{
	json_t *options = json_object(), *arguments = json_array(), *value, *request;
	int code = OK;
	char *text;

	for (unsigned i = 0; i < c->count && code == OK; i++)
		code = add_option(options, &c->given[i], e);
	if (code == OK && c->argument != NULL) {
		code = make_value(c->argument, c->verb->argument_flags, &value, e);
		if (code == OK)
			json_array_append_new(arguments, value);
	}
	request = json_pack("{s:s,s:o,s:o,s:b,s:b}", "verb", c->verb->name, "options", options,
	    "arguments", arguments, "tty", progress_is_shown(), "pretty", isatty(STDOUT_FILENO));
	text = code == OK ? json_dumps(request, JSON_COMPACT) : NULL;
	if (text != NULL) {
		buf_put(out, text, strlen(text));
		buf_u8(out, '\n');
	}
	free(text);
	json_decref(request);
	return code;
}

/* The connection */

static int find_socket(const char *config, struct sockaddr_un *out, struct err *e)
{
	char run_dir[sizeof(out->sun_path)];
	int code = OK;

	/* The file may hold secrets, so that a member of the group may be kept from reading it. */
	if (access(config, R_OK) != 0 && errno == EACCES)
		code = ERR_MISSING;
	else if (access(config, R_OK) != 0)
		return err_sys(e, "reading the configuration %s (-c names another)", config);
	else
		code = conf_lookup_string(config, "run_dir", run_dir, sizeof(run_dir), e);
	if (code == ERR_MISSING)
		strcpy(run_dir, DEFAULT_RUN_DIR);
	else if (code != OK)
		return code;
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((size_t)snprintf(out->sun_path, sizeof(out->sun_path), "%s/control.sock", run_dir) >=
	    sizeof(out->sun_path))
		return err_set(
		    e, ERR_LIMIT, "%s: run_dir is longer than a socket's path may be", config);
	return OK;
}

static int client_connect(
    const struct sockaddr_un *address, const char *config, int *out, struct err *e)
{
	const char *path = address->sun_path;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int code = OK;

	if (fd < 0)
		return err_sys(e, "making a socket");
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			code = err_set(e, ERR_CLOSED,
			    "cannot reach intagliod at %s: is it running? (start it with: "
			    "intagliod -c %s)",
			    path, config);
		else if (errno == EACCES)
			code = err_set(e, ERR_REFUSED,
			    "you may not speak to intagliod at %s: only root and the members of "
			    "the socket's group may",
			    path);
		else
			code = err_sys(e, "cannot reach intagliod at %s", path);
		close(fd);
		return code;
	}
	*out = fd;
	return OK;
}

/* When the daemon closes early it has said why: that is read next. */
static void client_say(int fd, const struct buf *request)
{
	size_t sent = 0;

	while (sent < request->len) {
		ssize_t n = send(fd, request->data + sent, request->len - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return;
		sent += n < 0 ? 0 : (size_t)n;
	}
}

/* The answer */

static void print_safe(FILE *to, const char *prefix, const char *text, const char *suffix)
{
	struct buf safe = {0};

	text_escape(&safe, text, strlen(text), true);
	progress_clear();
	fputs(prefix, to);
	fwrite(safe.data, 1, safe.len, to);
	fputs(suffix, to);
	buf_free(&safe);
}

/* One line of the answer.  true: it was the last one, *status is set. */
static bool take_line(const char *line, size_t len, int *status)
{
	json_t *reply = json_loadb(line, len, 0, NULL);
	json_t *progress = json_object_get(reply, "progress");
	json_t *end = json_object_get(reply, "exit");
	const char *out = json_string_value(json_object_get(reply, "out"));
	const char *err = json_string_value(json_object_get(reply, "err"));
	const char *what = json_string_value(json_object_get(progress, "what"));
	bool is_last = json_is_integer(end);

	if (out != NULL)
		print_safe(stdout, "", out, "");
	if (err != NULL) {
		fflush(stdout);
		print_safe(stderr, "intaglio: ", err, "\n");
	}
	if (what != NULL)
		progress_show(what, (uint64_t)json_integer_value(json_object_get(progress, "done")),
		    (uint64_t)json_integer_value(json_object_get(progress, "total")));
	if (is_last)
		*status = (int)json_integer_value(end) & 0xff;
	json_decref(reply);
	return is_last;
}

static bool take_lines(struct buf *in, size_t from, int *status)
{
	uint8_t *line = in->data, *end = in->data + in->len, *newline = in->data + from;

	while ((newline = memchr(newline, '\n', (size_t)(end - newline))) != NULL) {
		if (take_line((char *)line, (size_t)(newline - line), status))
			return true;
		line = ++newline;
	}
	in->len = (size_t)(end - line);
	memmove(in->data, line, in->len);
	return false;
}

static int client_hear(int fd, const char *path, int *status, struct err *e)
{
	struct buf in = {.limit = ANSWER_MAX};
	uint8_t chunk[CHUNK];
	int code = OK;

	for (;;) {
		ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
		size_t before = in.len;

		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			buf_put(&in, chunk, (size_t)n);
		if (n <= 0 || in.failed) {
			code = err_set(e, ERR_CLOSED,
			    "intagliod at %s went away before its answer was complete; what was "
			    "asked for may have been done all the same",
			    path);
			break;
		}
		if (take_lines(&in, before, status))
			break;
	}
	progress_clear();
	buf_free(&in);
	return code;
}

int client_run(const struct verb_call *c, const char *config)
{
	struct buf request = {0};
	struct sockaddr_un address;
	struct err e;
	int fd = -1, status = EXIT_FAILED, code;

	if ((code = make_request(c, &request, &e)) == OK &&
	    (code = find_socket(config, &address, &e)) == OK &&
	    (code = client_connect(&address, config, &fd, &e)) == OK) {
		client_say(fd, &request);
		code = client_hear(fd, address.sun_path, &status, &e);
	}
	if (code != OK)
		print_safe(stderr, "intaglio: ", e.text, "\n");
	if (code == OK && fflush(stdout) != 0 && status == EXIT_DONE) {
		fprintf(stderr, "intaglio: writing the answer: %s\n", strerror(errno));
		code = ERR_SYSTEM;
	}
	if (fd >= 0)
		close(fd);
	buf_free(&request);
	return code == OK ? status : EXIT_FAILED;
}
