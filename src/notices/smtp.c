/* Replies, messages and addresses of SMTP: see smtp.h.  What a server says is not trusted: lines
 * and replies have an end here, whether they have one there or not. */
#include "notices/smtp.h"

#include <stdio.h>
#include <string.h>
#include "base/text.h"

#define ADDRESS_MAX 254 /* RFC 5321 4.5.3.1.3, without the brackets */
#define LOCAL_MAX 64

/* Replies */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "250-" and "250 " both begin a line; "250" alone is one as well. */
static bool is_reply_line(const struct smtp_reply *r)
{
	return r->len >= 3 && r->line[0] >= '2' && r->line[0] <= '5' && is_digit(r->line[1]) &&
	       is_digit(r->line[2]) && (r->len == 3 || r->line[3] == ' ' || r->line[3] == '-');
}

static void add_text(struct smtp_reply *r)
{
	size_t skip = r->lines == 1 ? 0 : r->len < 4 ? r->len : 4;
	size_t had = strlen(r->text);
	struct buf shown = {0};

	text_escape(&shown, r->line + skip, r->len - skip, false);
	snprintf(r->text + had, sizeof(r->text) - had, "%s%.*s", had == 0 ? "" : " ",
	    (int)shown.len, (const char *)shown.data);
	buf_free(&shown);
}

static enum smtp_progress line_done(struct smtp_reply *r)
{
	bool is_last;

	while (r->len > 0 && (r->line[r->len - 1] == '\r' || r->line[r->len - 1] == ' '))
		r->len--;
	if (!is_reply_line(r) || ++r->lines > SMTP_LINES_MAX)
		return SMTP_BROKEN;
	r->code = (unsigned)(r->line[0] - '0') * 100 + (unsigned)(r->line[1] - '0') * 10 +
		  (unsigned)(r->line[2] - '0');
	add_text(r);
	is_last = r->len == 3 || r->line[3] == ' ';
	r->len = 0;
	r->is_whole = is_last;
	return is_last ? SMTP_WHOLE : SMTP_MORE;
}

enum smtp_progress smtp_reply_take(struct smtp_reply *r, const char *data, size_t len, size_t *used)
{
	enum smtp_progress progress = SMTP_MORE;
	size_t i = 0;

	if (r->is_whole)
		memset(r, 0, sizeof(*r));
	while (i < len && progress == SMTP_MORE) {
		char c = data[i++];

		if (c == '\n')
			progress = line_done(r);
		else if (r->len < sizeof(r->line))
			r->line[r->len++] = c;
	}
	*used = i;
	r->heard += i;
	if (progress == SMTP_MORE && r->heard > SMTP_REPLY_MAX)
		progress = SMTP_BROKEN;
	return progress;
}

/* Messages */

/* Without what ends it, which is CRLF, or either of them alone: nothing in a message may look to
 * one server like the end of it and to another not. */
static size_t line_length(const char *p, const char *end, size_t *whole)
{
	size_t len = 0, left = (size_t)(end - p);

	while (len < left && p[len] != '\r' && p[len] != '\n')
		len++;
	*whole = len;
	if (len < left)
		*whole += p[len] == '\r' && len + 1 < left && p[len + 1] == '\n' ? 2 : 1;
	return len;
}

void smtp_message(const void *message, size_t len, struct buf *out)
{
	const char *p = message, *end = p + len;

	while (p < end) {
		size_t whole, line = line_length(p, end, &whole);

		if (*p == '.')
			buf_u8(out, '.');
		buf_put(out, p, line);
		buf_put(out, "\r\n", 2);
		p += whole;
	}
	buf_put(out, ".\r\n", 3);
}

/* Addresses */

static bool is_local_part(const char *p, size_t len)
{
	if (len == 0 || len > LOCAL_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (p[i] <= ' ' || p[i] > '~' || strchr("<>()[],;:\\\"@", p[i]) != NULL)
			return false;
	}
	return p[0] != '.' && p[len - 1] != '.';
}

static bool is_domain(const char *p)
{
	bool is_label = false; /* one has begun */

	for (; *p != '\0'; p++) {
		bool is_letter =
		    (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || is_digit(*p);

		if (*p == '.' ? !is_label : !is_letter && (*p != '-' || !is_label))
			return false;
		is_label = *p != '.';
	}
	return is_label;
}

bool smtp_is_address(const char *text)
{
	const char *at = strchr(text, '@');

	return at != NULL && strlen(text) <= ADDRESS_MAX &&
	       is_local_part(text, (size_t)(at - text)) && is_domain(at + 1);
}
