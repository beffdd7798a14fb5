/* What the files of deliver share. */
#ifndef NOTICES_DELIVER_INTERNAL_H
#define NOTICES_DELIVER_INTERNAL_H

#include <curl/curl.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"
#include "notices/deliver.h"

struct job { /* one delivery */
	struct deliver *deliver;
	struct job *next;
	enum deliver_channel channel;
	char *to;
	struct buf body;
	deliver_done_fn *done;
	void *arg;
};

struct post;	/* a delivery to the webhook, under way */
struct session; /* a connection to the mail server */

struct deliver {
	struct loop *loop;
	struct loop_timer *soon;
	struct queue {
		struct job *waiting;
		unsigned running;
		bool was_late; /* the last one got no answer in time */
	} queues[DELIVER_WIRES];
	struct deliver_settings settings; /* its strings in arena, but for the secrets */
	struct arena *arena;
	struct secret password, key;
	unsigned generation; /* of the settings */
	struct wire *web;    /* of all posts; NULL: none yet */
	struct post *posts;
	struct session *sessions;
};

struct verdict {
	int code;
	bool is_permanent;
	char why[DELIVER_WHY_MAX];
};
/* The job is over; it is gone then. */
void deliver_finish(struct job *j, const struct verdict *v);
void deliver_give_up(struct job *j); /* ... since nobody waits for it any more */
uint64_t deliver_patience(const struct deliver *d, enum deliver_channel c);

/* deliver_login.c: a connection to the mail server.  done is called once, never from login_start;
 * code CURLE_OK: the transfer that login_easy gives is logged in, and takes commands. */
struct login;
typedef void login_done_fn(void *arg, CURLcode code);
struct login *login_start(struct loop *loop, const struct deliver_smtp *c, uint64_t patience_ms,
    login_done_fn *done, void *arg);
CURL *login_easy(const struct login *l, int *fd); /* fd -1: it is not connected */
const char *login_stage(struct login *l);	  /* how far it got: "at AUTH" */
/* What became of it in words; where: "mail server 192.0.2.1 port 25". */
void login_judge(struct login *l, CURLcode code, const char *where, struct verdict *v);
void login_free(struct login *l); /* also from done */

/* deliver_mail.c: they take the job, and finish it, now or later */
void mail_start(struct deliver *d, struct job *j);
void mail_settle(struct deliver *d); /* the settings are new: idle connections of old ones end */
void mail_free(struct deliver *d);

/* deliver_web.c */
void web_start(struct deliver *d, struct job *j);
void web_free(struct deliver *d);

/* deliver_wire.c: libcurl's multi interface on our loop.  A transfer that has ended is given to
 * done; false: the wire is gone. */
typedef bool wire_done_fn(void *arg, CURL *easy, CURLcode code);
struct wire *wire_new(struct loop *l, wire_done_fn *done, void *arg);
void wire_free(struct wire *w); /* its transfers must have been removed; NULL is fine */
void wire_add(struct wire *w, CURL *easy);
void wire_remove(struct wire *w, CURL *easy);
/* A transfer with what holds for all of ours.  errors: CURL_ERROR_SIZE octets that outlive it. */
CURL *wire_easy(const char *url, const char *protocols, const char *ca_file, uint64_t patience_ms,
    char *errors);
/* What went wrong, in curl's words. */
const char *wire_words(CURLcode code, const char *errors);

#endif
