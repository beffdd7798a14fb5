/* deliver: the wire half of notices: a message is given to the mail server, a text in JSON is
 * posted to the webhook (libcurl behind it).  Runs on the loop of the network side and blocks
 * nothing; what becomes of a notice, and when it is tried again, is for others to decide.
 *
 * A few deliveries of each channel go on at once, the others wait.  When a server cannot be
 * reached, or does not get as far as to take a message, all that waits for it fails with the one
 * that found out. */
#ifndef NOTICES_DELIVER_H
#define NOTICES_DELIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/loop.h"

enum deliver_channel {
	DELIVER_MAIL,
	DELIVER_WEBHOOK,
	DELIVER_WIRES,			 /* those that go over the wire */
	DELIVER_COMMAND = DELIVER_WIRES, /* not here: the master runs it */
	DELIVER_CHANNELS
};
enum deliver_tls { DELIVER_TLS_NONE, DELIVER_TLS_STARTTLS, DELIVER_TLS_AT_ONCE };

/* The longest message, or text; what is longer is refused. */
#define DELIVER_BODY_MAX (128 * 1024)
#define DELIVER_TO_MAX 256 /* an address, with its zero */
#define DELIVER_WHY_MAX 600

struct deliver_settings { /* borrowed for the call of deliver_configure */
	const char *from; /* the sender's address */
	struct deliver_smtp {
		const char *server; /* name or address; NULL: there is none */
		uint16_t port;
		enum deliver_tls tls;
		const char *username, *password; /* NULL: without AUTH */
		const char *ca_file;		 /* whom to trust; NULL: whom the system trusts */
	} smtp;
	struct deliver_webhook {
		const char *url;    /* NULL: there is none */
		const char *secret; /* of the signature; NULL: without */
		const char *ca_file;
	} webhook;
	uint64_t patience_ms; /* for a whole delivery, the connection included */
	uint64_t
	    hurry_ms; /* ... once a delivery took longer, until one gets an answer; 0: the same */
};

struct deliver;
struct deliver *deliver_new(struct loop *l);
void deliver_free(struct deliver *d); /* NULL is fine; as deliver_cancel */
/* What is under way goes on as it began. */
void deliver_configure(struct deliver *d, const struct deliver_settings *s);

/* code OK; ERR_REFUSED: this one was not taken, is_permanent: and will not be, says the server;
 * anything else: no other would be taken now.  why: words that name the server, how far it got,
 * what it said. */
typedef void deliver_done_fn(void *arg, int code, bool is_permanent, const char *why);
/* to (mail only) and body are copied.  done is called once, never from here; nothing of this may be
 * called from it. */
void deliver_start(struct deliver *d, enum deliver_channel c, const char *to, const void *body,
    size_t len, deliver_done_fn *done, void *arg);
void deliver_cancel(struct deliver *d);		/* everything; ERR_AGAIN */
unsigned deliver_busy(const struct deliver *d); /* deliveries under way, or waiting */

#endif
