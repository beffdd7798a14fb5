/* smtp: what of a dialogue with a mail server (RFC 5321) is pure: its replies, a message as it goes
 * over the wire, and which addresses can stand in a command. */
#ifndef NOTICES_SMTP_H
#define NOTICES_SMTP_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

#define SMTP_TEXT_SIZE 300
#define SMTP_LINE_MAX 512
#define SMTP_LINES_MAX 100
#define SMTP_REPLY_MAX (64 * 1024) /* octets */

struct smtp_reply { /* zeroed: nothing has come yet */
	unsigned code;
	char
	    text[SMTP_TEXT_SIZE]; /* "550 5.1.1 no such user": all its lines in one, safe to show */
	bool is_whole;
	/* the line that comes in */
	char line[SMTP_LINE_MAX];
	size_t len, heard;
	unsigned lines;
};
enum smtp_progress {
	SMTP_MORE, /* all was taken, and more must come */
	SMTP_WHOLE,
	SMTP_BROKEN /* it is none, or it does not end */
};
/* What a server says is taken up to the end of its reply; used: how much that was.  A reply that
 * was whole makes room for the next. */
enum smtp_progress smtp_reply_take(
    struct smtp_reply *r, const char *data, size_t len, size_t *used);

/* A message after DATA, with the line that ends it: lines end in CRLF, whatever they ended in, and
 * those that begin with a dot get another (RFC 5321 4.5.2). */
void smtp_message(const void *message, size_t len, struct buf *out);

/* Is it a plain address, "ops@example.gov"?  No display name, no quotes, ASCII only. */
bool smtp_is_address(const char *text);

#endif
