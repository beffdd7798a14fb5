/* Templates filled in: see template.h.  What a notice carries may come from anybody's name server,
 * and is shown as what it is; what an operator writes into a template is trusted not to be long. */
#include "notices/template.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/period.h"
#include "base/text.h"

#define WIDTH 72
#define INDENT "  "

struct filling {
	const struct notice *notice;
	char zone[NAME_TEXT_SIZE], id[24], at[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE];
};

/* NULL: the notice has no such fact. */
static const char *value_of(const struct filling *f, const char *name)
{
	const struct notice *n = f->notice;

	if (strcmp(name, "zone") == 0)
		return n->apex == NULL ? NULL : f->zone;
	if (strcmp(name, "kind") == 0)
		return notice_kind_name(n->kind);
	if (strcmp(name, "id") == 0)
		return f->id;
	if (strcmp(name, "at") == 0)
		return f->at;
	if (strcmp(name, "until") == 0)
		return n->until == 0 ? NULL : f->until;
	return notice_value(n, name);
}

/* The placeholder at p ("{name}"): its length, 0 if it is none. */
static size_t placeholder(const char *p, const char *end, char name[NOTICE_NAME_MAX + 1])
{
	const char *close = memchr(p, '}', (size_t)(end - p));
	size_t len = close == NULL ? 0 : (size_t)(close - p) - 1;

	if (len == 0 || len > NOTICE_NAME_MAX ||
	    strspn(p + 1, "abcdefghijklmnopqrstuvwxyz0123456789_") < len)
		return 0;
	memcpy(name, p + 1, len);
	name[len] = '\0';
	return len + 2;
}

/* One line with its facts; false: it lacks one. */
static bool fill_line(const struct filling *f, const char *p, const char *end, struct buf *out)
{
	while (p < end) {
		char name[NOTICE_NAME_MAX + 1];
		size_t len = *p == '{' ? placeholder(p, end, name) : 0;

		if (len > 0) {
			const char *value = value_of(f, name);

			if (value == NULL)
				return false;
			buf_put(out, value, strlen(value));
			p += len;
			continue;
		}
		p += end - p > 1 && (*p == '{' || *p == '}') && p[1] == *p;
		buf_put(out, p++, 1);
	}
	return true;
}

static void put_wrapped(struct buf *out, const char *text, size_t len)
{
	size_t column = 0;

	for (size_t i = 0; i < len;) {
		size_t word = 0;

		while (i < len && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t'))
			i++;
		while (i + word < len && text[i + word] != ' ' && text[i + word] != '\n' &&
		       text[i + word] != '\t')
			word++;
		if (word == 0)
			break;
		if (column > 0) {
			bool fits = column + 1 + text_width(text + i, word) <= WIDTH;

			buf_put(out, fits ? " " : "\n", 1);
			column = fits ? column + 1 : 0;
		}
		text_escape(out, text + i, word, false);
		column += text_width(text + i, word);
		i += word;
	}
	buf_put(out, "\n", 1);
}

static void put_as_it_is(struct buf *out, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		buf_put(out, INDENT, strlen(INDENT));
		text_escape(out, text, len, false);
		buf_put(out, "\n", 1);
		text += len + (text[len] == '\n');
	}
}

static void put_paragraph(const struct filling *f, const char *p, const char *end, struct buf *out)
{
	char name[NOTICE_NAME_MAX + 1];
	struct buf line = {0};

	if (*p == '{' && placeholder(p, end, name) == (size_t)(end - p)) {
		if (value_of(f, name) != NULL)
			put_as_it_is(out, value_of(f, name));
		return;
	}
	if (fill_line(f, p, end, &line))
		put_wrapped(out, (const char *)line.data, line.len);
	buf_free(&line);
}

/* What was left out leaves no hole. */
static void put_empty(struct buf *out)
{
	bool has_one =
	    out->len > 1 && out->data[out->len - 1] == '\n' && out->data[out->len - 2] == '\n';

	if (out->len > 0 && !has_one)
		buf_put(out, "\n", 1);
}

static void put_subject(const struct filling *f, const char *p, const char *end, struct buf *out)
{
	static const char title[] = "Subject:";
	struct buf line = {0};
	size_t len = (size_t)(end - p), skip = sizeof(title) - 1;

	if (len >= skip && memcmp(p, title, skip) == 0)
		p += skip;
	while (p < end && *p == ' ')
		p++;
	if (!fill_line(f, p, end, &line)) {
		buf_reset(&line);
		buf_printf(&line, "%s%s%s", f->zone, f->zone[0] == '\0' ? "" : ": ",
		    notice_kind_name(f->notice->kind));
	}
	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] == '\n' || line.data[i] == '\t')
			line.data[i] = ' ';
	}
	text_escape(out, line.data, line.len, false);
	buf_free(&line);
}

static void begin(struct filling *f, const struct notice *n, uint64_t id)
{
	*f = (struct filling){.notice = n};
	notice_zone(n, f->zone);
	snprintf(f->id, sizeof(f->id), "%" PRIu64, id);
	time_text(n->at, f->at);
	time_text(n->until, f->until);
}

/* The next line that is no comment: from *at to *end, which is NULL before the first; false: none.
 */
static bool next_line(const char **at, const char **end)
{
	do {
		if (*end != NULL)
			*at = **end == '\0' ? *end : *end + 1;
		if (**at == '\0')
			return false;
		*end = *at + strcspn(*at, "\n");
	} while (**at == '#');
	return true;
}

void template_subject(const char *text, const struct notice *n, uint64_t id, struct buf *out)
{
	const char *p = text, *end = NULL;
	struct filling f;

	begin(&f, n, id);
	if (next_line(&p, &end))
		put_subject(&f, p, end, out);
}

void template_fill(const char *text, const struct notice *n, uint64_t id, struct notice_text *out)
{
	const char *p = text, *end = NULL;
	struct filling f;

	begin(&f, n, id);
	if (next_line(&p, &end))
		put_subject(&f, p, end, &out->subject);
	while (next_line(&p, &end)) {
		if (p == end)
			put_empty(&out->body);
		else
			put_paragraph(&f, p, end, &out->body);
	}
	if (out->body.len > 1 && out->body.data[out->body.len - 2] == '\n')
		out->body.len--; /* the last line was left out */
}

void notice_text_free(struct notice_text *t)
{
	buf_free(&t->subject);
	buf_free(&t->body);
}
