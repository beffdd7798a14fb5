/* Mail: connections to the mail server, each for one message after the other.
 *
 * libcurl connects, speaks TLS and logs in (STARTTLS, EHLO, AUTH); the few commands of a message
 * are given here, through the connection that it made: libcurl itself would stand still for the
 * reply to a message, and for that to QUIT, and the whole network side with it.
 *
 *   CONNECT ... AUTH    libcurl's
 *   MAIL RCPT DATA TEXT ours, for each message
 *   IDLE                another may come, for a while
 *   QUIT                its reply is waited for, but not long
 *
 * What the server says is not trusted (smtp.h). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "base/err.h"
#include "base/mem.h"
#include "notices/deliver_internal.h"
#include "notices/smtp.h"

#define IDLE_MS 10000
#define QUIT_MS 2000
#define AUTH_REQUIRED 530 /* of us, whoever the recipient is */
#define CLOSING 421

enum stage { CONNECT, GREETING, HELLO, STARTTLS, AUTH, MAIL, RCPT, DATA, TEXT, IDLE, QUIT };

static const struct {
	const char *words;
	unsigned good; /* first digit of the reply with which it goes on */
} stages[] = {
    [CONNECT] = {"connecting", 0},
    [GREETING] = {"at its greeting", 0},
    [HELLO] = {"at EHLO", 0},
    [STARTTLS] = {"at STARTTLS", 0},
    [AUTH] = {"at AUTH", 0},
    [MAIL] = {"at MAIL FROM", 2},
    [RCPT] = {"at RCPT TO", 2},
    [DATA] = {"at DATA", 3},
    [TEXT] = {"at the end of the message", 2},
    [IDLE] = {"", 0},
    [QUIT] = {"", 0},
};

struct session {
	struct deliver *deliver;
	struct session *next;
	struct job *job; /* NULL: none under way */
	char *where;	 /* "mail server 192.0.2.1 port 25" */
	unsigned generation;
	bool is_reused; /* it has taken a message before */
	bool is_tls_first;
	enum stage stage;
	struct wire *wire;
	CURL *easy;
	char errors[CURL_ERROR_SIZE];
	struct loop_watch *watch; /* NULL: libcurl's turn */
	struct loop_timer *timer;
	uint64_t patience_ms;
	struct smtp_reply reply;
	struct buf out;
	size_t sent;
};

static void session_start(struct deliver *d, struct job *j);

/* Its end */

/* Nothing may wait for the server here, not even within libcurl. */
static void session_free(struct session *s)
{
	struct session **p = &s->deliver->sessions;
	curl_socket_t fd;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	loop_watch_free(s->watch);
	loop_timer_free(s->timer);
	if (curl_easy_getinfo(s->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd >= 0)
		shutdown(fd, SHUT_RD);
	wire_remove(s->wire, s->easy);
	curl_easy_cleanup(s->easy);
	wire_free(s->wire);
	buf_free(&s->out);
	free(s->where);
	free(s);
}

__attribute__((format(printf, 3, 4))) static void explain(
    const struct session *s, struct verdict *v, const char *fmt, ...)
{
	bool has_address = s->stage == RCPT && s->job != NULL;
	va_list ap;
	int len =
	    snprintf(v->why, sizeof(v->why), "%s, %s%s%s%s: ", s->where, stages[s->stage].words,
		has_address ? ":<" : "", has_address ? s->job->to : "", has_address ? ">" : "");

	va_start(ap, fmt);
	vsnprintf(v->why + len, sizeof(v->why) - (size_t)len, fmt, ap);
	va_end(ap);
}

/* The connection is of no more use. */
static void session_fail(struct session *s, struct verdict *v)
{
	struct job *j = s->job;

	v->is_of_server = v->is_of_server || s->stage < MAIL || v->code == ERR_TIMEOUT;
	session_free(s);
	if (j != NULL)
		deliver_finish(j, v);
}

/* Servers close connections on which nothing comes; that it did so just now is no failure. */
static void session_lost(struct session *s, const char *words)
{
	struct verdict v = {.code = ERR_CLOSED};
	struct deliver *d = s->deliver;
	struct job *j = s->job;

	if (j != NULL && s->is_reused && s->stage == MAIL) {
		session_free(s);
		session_start(d, j);
		return;
	}
	explain(s, &v, "%s", words);
	session_fail(s, &v);
}

/* The dialogue */

/* false: the session is gone. */
static bool flush(struct session *s)
{
	CURLcode code = CURLE_OK;
	size_t n;

	while (s->sent < s->out.len && code == CURLE_OK) {
		code = curl_easy_send(s->easy, s->out.data + s->sent, s->out.len - s->sent, &n);
		if (code == CURLE_OK)
			s->sent += n;
	}
	if (code != CURLE_OK && code != CURLE_AGAIN) {
		session_lost(s, "the connection broke");
		return false;
	}
	loop_watch_set(s->watch, LOOP_READ | (s->sent < s->out.len ? LOOP_WRITE : 0));
	return true;
}

static bool command(struct session *s, enum stage stage, const char *fmt, const char *what)
{
	s->stage = stage;
	s->sent = 0;
	buf_reset(&s->out);
	if (stage == TEXT)
		smtp_message(s->job->body.data, s->job->body.len, &s->out);
	else
		buf_printf(&s->out, fmt, what);
	return flush(s);
}

static void quit(struct session *s)
{
	loop_timer_set(s->timer, QUIT_MS);
	command(s, QUIT, "%s\r\n", "QUIT");
}

static bool begin(struct session *s)
{
	s->patience_ms = deliver_patience(s->deliver, DELIVER_MAIL);
	loop_timer_set(s->timer, s->patience_ms);
	return command(s, MAIL, "MAIL FROM:<%s>\r\n", s->deliver->settings.from);
}

static void taken(struct session *s)
{
	struct verdict v = {.code = OK};
	struct job *j = s->job;

	s->job = NULL;
	s->stage = IDLE;
	loop_timer_set(s->timer, IDLE_MS);
	if (s->generation != s->deliver->generation)
		quit(s);
	deliver_finish(j, &v);
}

/* Only the word on the recipient is final: whatever else is refused may be mended, here or there.
 */
static void refused(struct session *s)
{
	struct verdict v = {.code = ERR_REFUSED};
	struct job *j = s->job;

	if (s->reply.code == CLOSING && s->is_reused && s->stage == MAIL) {
		session_lost(s, s->reply.text);
		return;
	}
	explain(s, &v, "it said \"%s\"", s->reply.text);
	v.is_permanent = s->stage == RCPT && s->reply.code >= 500 && s->reply.code != AUTH_REQUIRED;
	v.is_of_server = s->reply.code == CLOSING;
	s->job = NULL;
	quit(s);
	deliver_finish(j, &v);
}

/* false: the session is gone, or has nothing more to hear. */
static bool replied(struct session *s)
{
	if (s->reply.code / 100 != stages[s->stage].good) {
		refused(s);
		return false;
	}
	switch (s->stage) {
	case MAIL:
		return command(s, RCPT, "RCPT TO:<%s>\r\n", s->job->to);
	case RCPT:
		return command(s, DATA, "%s\r\n", "DATA");
	case DATA:
		return command(s, TEXT, NULL, NULL);
	default:
		taken(s);
		return false;
	}
}

/* What comes beyond a reply comes out of turn, and is of no interest.  false as above. */
static bool hear(struct session *s, const char *data, size_t len)
{
	size_t used;

	if (s->stage == IDLE || s->stage == QUIT) {
		session_free(s); /* it takes its leave */
		return false;
	}
	switch (smtp_reply_take(&s->reply, data, len, &used)) {
	case SMTP_WHOLE:
		return replied(s);
	case SMTP_MORE:
		return true;
	default:
		session_lost(s, "what it said is no reply of a mail server");
		return false;
	}
}

static void ready(void *arg, int fd, int io)
{
	struct session *s = arg;
	char data[4096];
	CURLcode code = CURLE_OK;
	size_t n = 0;

	(void)fd;
	if ((io & LOOP_WRITE) != 0 && !flush(s))
		return;
	do {
		code = curl_easy_recv(s->easy, data, sizeof(data), &n);
	} while (code == CURLE_OK && n > 0 && hear(s, data, n));
	if (code == CURLE_AGAIN || (code == CURLE_OK && n > 0))
		return;
	if (s->job == NULL)
		session_free(s);
	else
		session_lost(s, "it closed the connection");
}

/* Connecting */

/* Whether it cannot be reached or says nothing makes a difference to whoever has to look for the
 * cause. */
static void look_how_far(struct session *s)
{
	curl_off_t us = 0;

	curl_easy_getinfo(
	    s->easy, s->is_tls_first ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T, &us);
	if (s->stage == CONNECT && us > 0)
		s->stage = GREETING;
}

static void fail_connect(struct session *s, CURLcode code)
{
	struct verdict v = {.code = code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT
				    : code == CURLE_LOGIN_DENIED     ? ERR_REFUSED
								     : ERR_CLOSED};
	const char *words = wire_words(code, s->errors);

	look_how_far(s);
	if (s->reply.is_whole && s->reply.code >= 400)
		explain(s, &v, "it said \"%s\" (%s)", s->reply.text, words);
	else if (code == CURLE_PEER_FAILED_VERIFICATION)
		explain(s, &v, "%s (whom to trust says notices.smtp.ca_file)", words);
	else
		explain(s, &v, "%s", words);
	session_fail(s, &v);
}

static bool connected(void *arg, CURL *easy, CURLcode code)
{
	struct session *s = arg;
	curl_socket_t fd = -1;

	if (code == CURLE_OK)
		curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd < 0) {
		fail_connect(s, code == CURLE_OK ? CURLE_COULDNT_CONNECT : code);
		return false;
	}
	memset(&s->reply, 0, sizeof(s->reply));
	s->watch = loop_watch(s->deliver->loop, fd, LOOP_READ, ready, s);
	return begin(s);
}

/* What libcurl hears. */
static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
	struct session *s = arg;
	size_t used;

	if (s->stage == CONNECT)
		s->stage = GREETING;
	return smtp_reply_take(&s->reply, data, size * count, &used) == SMTP_BROKEN ? 0
										    : size * count;
}

/* What it says: only the command's name, since there are passwords among the rest. */
static int on_debug(CURL *easy, curl_infotype type, char *data, size_t len, void *arg)
{
	static const struct {
		const char *name;
		enum stage stage;
	} commands[] = {{"EHLO", HELLO}, {"HELO", HELLO}, {"STARTTLS", STARTTLS}, {"AUTH", AUTH}};
	struct session *s = arg;

	(void)easy;
	for (unsigned i = 0; i < MEM_COUNT(commands) && type == CURLINFO_HEADER_OUT; i++) {
		size_t name = strlen(commands[i].name);

		if (len >= name && memcmp(data, commands[i].name, name) == 0)
			s->stage = commands[i].stage;
	}
	if (type == CURLINFO_HEADER_OUT)
		memset(&s->reply, 0, sizeof(s->reply));
	return 0;
}

static void waited(void *arg)
{
	struct session *s = arg;
	struct verdict v = {.code = ERR_TIMEOUT};

	if (s->stage == IDLE) {
		quit(s);
	} else if (s->stage == QUIT) {
		session_free(s);
	} else {
		look_how_far(s);
		explain(s, &v, "no answer within %llu s",
		    (unsigned long long)((s->patience_ms + 999) / 1000));
		session_fail(s, &v);
	}
}

/* Mechanisms are named since others would ask servers of their own, and wait for them. */
static void set_login(struct session *s, const struct deliver_smtp *c)
{
	if (c->username == NULL)
		return;
	curl_easy_setopt(s->easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5");
	curl_easy_setopt(s->easy, CURLOPT_USERNAME, c->username);
	curl_easy_setopt(s->easy, CURLOPT_PASSWORD, c->password == NULL ? "" : c->password);
}

static CURL *make_easy(struct session *s, const struct deliver_smtp *c)
{
	bool is_v6 = strchr(c->server, ':') != NULL;
	char *url = mem_printf("%s://%s%s%s:%u/", c->tls == DELIVER_TLS_AT_ONCE ? "smtps" : "smtp",
	    is_v6 ? "[" : "", c->server, is_v6 ? "]" : "", c->port);

	s->easy = wire_easy(url, "smtp,smtps", c->ca_file, s->patience_ms, s->errors);
	free(url);
	curl_easy_setopt(s->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(s->easy, CURLOPT_USE_SSL,
	    (long)(c->tls == DELIVER_TLS_NONE ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	curl_easy_setopt(s->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(s->easy, CURLOPT_HEADERDATA, s);
	curl_easy_setopt(s->easy, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(s->easy, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(s->easy, CURLOPT_DEBUGDATA, s);
	set_login(s, c);
	return s->easy;
}

static void session_start(struct deliver *d, struct job *j)
{
	struct session *s = mem_alloc(sizeof(*s));
	const struct deliver_smtp *c = &d->settings.smtp;

	s->deliver = d;
	s->next = d->sessions;
	d->sessions = s;
	s->job = j;
	s->where = mem_printf("mail server %s port %u", c->server, c->port);
	s->generation = d->generation;
	s->is_tls_first = c->tls == DELIVER_TLS_AT_ONCE;
	s->patience_ms = deliver_patience(d, DELIVER_MAIL);
	s->timer = loop_timer_new(d->loop, waited, s);
	loop_timer_set(s->timer, s->patience_ms);
	s->wire = wire_new(d->loop, connected, s);
	wire_add(s->wire, make_easy(s, c));
}

void mail_start(struct deliver *d, struct job *j)
{
	struct session *s = d->sessions;

	while (s != NULL && (s->stage != IDLE || s->generation != d->generation))
		s = s->next;
	if (s == NULL) {
		session_start(d, j);
		return;
	}
	s->job = j;
	s->is_reused = true;
	memset(&s->reply, 0, sizeof(s->reply));
	begin(s);
}

void mail_settle(struct deliver *d)
{
	struct session *next;

	for (struct session *s = d->sessions; s != NULL; s = next) {
		next = s->next;
		if (s->stage == IDLE)
			quit(s);
	}
}

void mail_free(struct deliver *d)
{
	while (d->sessions != NULL) {
		struct job *j = d->sessions->job;

		session_free(d->sessions);
		if (j != NULL)
			deliver_give_up(j);
	}
}
