/* Mail: connections to the mail server, each for one message after the other.
 *
 * libcurl connects, speaks TLS and logs in (STARTTLS, EHLO, AUTH); the few commands of a message
 * are given here, through the connection that it made: libcurl itself would stand still for the
 * reply to a message, and for that to QUIT, and the whole network side with it.
 *
 *   CONNECT             libcurl's: deliver_login.c
 *   MAIL RCPT DATA TEXT ours, for each message
 *   IDLE                another may come, for a while
 *   QUIT                its reply is waited for, but not long
 *
 * What the server says is not trusted (smtp.h). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"
#include "notices/deliver_internal.h"
#include "notices/smtp.h"

#define IDLE_MS 10000
#define QUIT_MS 2000
#define AUTH_REQUIRED 530 /* of us, whoever the recipient is */
#define CLOSING 421

enum stage { CONNECT, MAIL, RCPT, DATA, TEXT, IDLE, QUIT };

static const struct {
	const char *words;
	unsigned good; /* first digit of the reply with which it goes on */
} stages[] = {
    [CONNECT] = {"", 0},
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
	enum stage stage;
	struct login *login;
	CURL *easy; /* NULL: it is not logged in yet */
	struct loop_watch *watch;
	struct loop_timer *timer;
	uint64_t patience_ms;
	struct smtp_reply reply;
	struct buf out;
	size_t sent;
};

static void session_start(struct deliver *d, struct job *j);

/* Its end */

static void session_free(struct session *s)
{
	struct session **p = &s->deliver->sessions;
	size_t n;

	/* Without asking whether it was heard. */
	if (s->stage == IDLE)
		curl_easy_send(s->easy, "QUIT\r\n", 6, &n);
	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	loop_watch_free(s->watch);
	loop_timer_free(s->timer);
	login_free(s->login);
	buf_free(&s->out);
	free(s->where);
	free(s);
}

__attribute__((format(printf, 3, 4))) static void explain(
    const struct session *s, struct verdict *v, const char *fmt, ...)
{
	bool has_address = s->stage == RCPT && s->job != NULL;
	va_list ap;
	const char *stage = s->stage == CONNECT ? login_stage(s->login) : stages[s->stage].words;
	int len = snprintf(v->why, sizeof(v->why), "%s, %s%s%s%s: ", s->where, stage,
	    has_address ? ":<" : "", has_address ? s->job->to : "", has_address ? ">" : "");

	va_start(ap, fmt);
	vsnprintf(v->why + len, sizeof(v->why) - (size_t)len, fmt, ap);
	va_end(ap);
}

/* The connection is of no more use. */
static void session_fail(struct session *s, struct verdict *v)
{
	struct job *j = s->job;

	session_free(s);
	if (j != NULL)
		deliver_finish(j, v);
}

/* Servers close connections on which nothing comes; that it did so just now is no failure. */
static void session_lost(struct session *s, const char *words)
{
	struct verdict v = {.code = ERR_REFUSED}; /* it may bear the next message */
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
	if (s->reply.code == CLOSING)
		v.code = ERR_CLOSED;
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

static void logged_in(void *arg, CURLcode code)
{
	struct session *s = arg;
	struct verdict v = {.code = OK};
	int fd = -1;

	if (code == CURLE_OK)
		s->easy = login_easy(s->login, &fd);
	if (fd < 0) {
		login_judge(
		    s->login, code == CURLE_OK ? CURLE_COULDNT_CONNECT : code, s->where, &v);
		session_fail(s, &v);
		return;
	}
	s->watch = loop_watch(s->deliver->loop, fd, LOOP_READ, ready, s);
	begin(s);
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
		explain(s, &v, "no answer within %llu s",
		    (unsigned long long)((s->patience_ms + 999) / 1000));
		session_fail(s, &v);
	}
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
	s->patience_ms = deliver_patience(d, DELIVER_MAIL);
	s->timer = loop_timer_new(d->loop, waited, s);
	loop_timer_set(s->timer, s->patience_ms);
	s->login = login_start(d->loop, c, s->patience_ms, logged_in, s);
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
