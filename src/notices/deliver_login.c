/* A connection to the mail server, as far as libcurl makes it: look-up, TCP, TLS, EHLO, STARTTLS
 * and AUTH. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "base/err.h"
#include "base/mem.h"
#include "notices/deliver_internal.h"
#include "notices/smtp.h"

enum stage { CONNECT, GREETING, HELLO, STARTTLS, AUTH };

struct login {
	struct wire *wire;
	CURL *easy;
	char errors[CURL_ERROR_SIZE];
	bool is_tls_first;
	enum stage stage;
	struct smtp_reply reply;
	login_done_fn *done;
	void *arg;
};

/* Whether it cannot be reached or says nothing makes a difference to whoever has to look for the
 * cause. */
const char *login_stage(struct login *l)
{
	static const char *const words[] = {[CONNECT] = "connecting",
	    [GREETING] = "at its greeting",
	    [HELLO] = "at EHLO",
	    [STARTTLS] = "at STARTTLS",
	    [AUTH] = "at AUTH"};
	curl_off_t us = 0;

	curl_easy_getinfo(
	    l->easy, l->is_tls_first ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T, &us);
	if (l->stage == CONNECT && us > 0)
		l->stage = GREETING;
	return words[l->stage];
}

void login_judge(struct login *l, CURLcode code, const char *where, struct verdict *v)
{
	const char *words = wire_words(code, l->errors), *stage = login_stage(l);

	v->code = code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_CLOSED;
	if (l->reply.is_whole && l->reply.code >= 400)
		snprintf(v->why, sizeof(v->why), "%s, %s: it said \"%s\" (%s)", where, stage,
		    l->reply.text, words);
	else
		snprintf(v->why, sizeof(v->why), "%s, %s: %s%s", where, stage, words,
		    code == CURLE_PEER_FAILED_VERIFICATION
			? " (whom to trust says notices.smtp.ca_file)"
			: "");
}

/* What libcurl hears. */
static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
	struct login *l = arg;
	size_t used;

	if (l->stage == CONNECT)
		l->stage = GREETING;
	return smtp_reply_take(&l->reply, data, size * count, &used) == SMTP_BROKEN ? 0
										    : size * count;
}

/* What it says: only the command's name, since there are passwords among the rest. */
static int on_debug(CURL *easy, curl_infotype type, char *data, size_t len, void *arg)
{
	static const struct {
		const char *name;
		enum stage stage;
	} commands[] = {{"EHLO", HELLO}, {"HELO", HELLO}, {"STARTTLS", STARTTLS}, {"AUTH", AUTH}};
	struct login *l = arg;

	(void)easy;
	for (unsigned i = 0; i < MEM_COUNT(commands) && type == CURLINFO_HEADER_OUT; i++) {
		size_t name = strlen(commands[i].name);

		if (len >= name && memcmp(data, commands[i].name, name) == 0)
			l->stage = commands[i].stage;
	}
	if (type == CURLINFO_HEADER_OUT)
		memset(&l->reply, 0, sizeof(l->reply));
	return 0;
}

static bool transfer_done(void *arg, CURL *easy, CURLcode code)
{
	struct login *l = arg;

	(void)easy;
	l->done(l->arg, code);
	return false;
}

/* Mechanisms are named since others would ask servers of their own, and wait for them. */
static void set_user(struct login *l, const struct deliver_smtp *c)
{
	if (c->username == NULL)
		return;
	curl_easy_setopt(l->easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5");
	curl_easy_setopt(l->easy, CURLOPT_USERNAME, c->username);
	curl_easy_setopt(l->easy, CURLOPT_PASSWORD, c->password == NULL ? "" : c->password);
}

static void make_easy(struct login *l, const struct deliver_smtp *c, uint64_t patience_ms)
{
	bool is_v6 = strchr(c->server, ':') != NULL;
	char *url = mem_printf("%s://%s%s%s:%u/", c->tls == DELIVER_TLS_AT_ONCE ? "smtps" : "smtp",
	    is_v6 ? "[" : "", c->server, is_v6 ? "]" : "", c->port);

	l->easy = wire_easy(url, "smtp,smtps", c->ca_file, patience_ms, l->errors);
	free(url);
	curl_easy_setopt(l->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(l->easy, CURLOPT_USE_SSL,
	    (long)(c->tls == DELIVER_TLS_NONE ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	curl_easy_setopt(l->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(l->easy, CURLOPT_HEADERDATA, l);
	curl_easy_setopt(l->easy, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(l->easy, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(l->easy, CURLOPT_DEBUGDATA, l);
	set_user(l, c);
}

struct login *login_start(struct loop *loop, const struct deliver_smtp *c, uint64_t patience_ms,
    login_done_fn *done, void *arg)
{
	struct login *l = mem_alloc(sizeof(*l));

	l->is_tls_first = c->tls == DELIVER_TLS_AT_ONCE;
	l->done = done;
	l->arg = arg;
	l->wire = wire_new(loop, transfer_done, l);
	make_easy(l, c, patience_ms);
	wire_add(l->wire, l->easy);
	return l;
}

CURL *login_easy(const struct login *l, int *fd)
{
	curl_socket_t s = -1;

	if (curl_easy_getinfo(l->easy, CURLINFO_ACTIVESOCKET, &s) != CURLE_OK)
		s = -1;
	*fd = (int)s;
	return l->easy;
}

/* Nothing may wait for the server here, not even within libcurl. */
void login_free(struct login *l)
{
	int fd;

	login_easy(l, &fd);
	if (fd >= 0)
		shutdown(fd, SHUT_RD);
	wire_remove(l->wire, l->easy);
	curl_easy_cleanup(l->easy);
	wire_free(l->wire);
	free(l);
}
