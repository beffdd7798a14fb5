/* Notices as mail and as JSON: see letter.h.  Header lines hold nothing but what was made safe: the
 * subject has no control characters left, addresses were checked with the configuration. */
#include "notices/letter.h"

#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/period.h"
#include "base/text.h"

#define LINE_MOST 76
#define LINE_LIMIT 990 /* octets; RFC 5322 2.1.1 allows 998 */
#define WORD_OCTETS 45 /* of a subject in one encoded word (RFC 2047) */
#define CUT "\n(The rest does not fit into a letter; \"intaglio notice list\" has all.)\n"

/* Header lines */

static void put_date(struct buf *out, int64_t at)
{
	time_t t = (time_t)at;
	char text[64];
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm) == 0)
		return;
	buf_printf(out, "Date: %s\r\n", text);
}

static void message_id(const struct notice_row *r, const char *from, struct buf *out)
{
	const char *at = strrchr(from, '@');

	for (unsigned i = 0; i < sizeof(r->random); i++)
		buf_printf(out, "%02x", r->random[i]);
	buf_printf(out, "@%s", at == NULL ? "intaglio.invalid" : at + 1);
}

static bool is_ascii(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		if (b->data[i] >= 0x80)
			return false;
	}
	return true;
}

/* Folded at blanks; a word that is too long stays whole (RFC 5322 2.2.3). */
static void put_folded(struct buf *out, const struct buf *text)
{
	size_t column = strlen("Subject:"), begin = 0;

	while (begin < text->len) {
		size_t end = begin;

		while (end < text->len && text->data[end] != ' ')
			end++;
		if (column + 1 + end - begin > LINE_MOST && column > strlen("Subject:")) {
			buf_put(out, "\r\n", 2);
			column = 0;
		}
		buf_put(out, " ", 1);
		buf_put(out, text->data + begin, end - begin);
		column += 1 + end - begin;
		begin = end + 1;
	}
}

/* RFC 2047, no character being torn. */
static void put_encoded(struct buf *out, const struct buf *text)
{
	for (size_t begin = 0; begin < text->len;) {
		size_t len = text->len - begin < WORD_OCTETS ? text->len - begin : WORD_OCTETS;
		unsigned char word[4 * WORD_OCTETS / 3 + 4];

		while (
		    begin + len < text->len && len > 1 && (text->data[begin + len] & 0xc0) == 0x80)
			len--;
		EVP_EncodeBlock(word, text->data + begin, (int)len);
		buf_printf(out, "%s =?utf-8?B?%s?=", begin == 0 ? "" : "\r\n", (const char *)word);
		begin += len;
	}
}

static void put_subject(struct buf *out, const struct buf *subject)
{
	struct buf cut = {.data = subject->data, .len = subject->len < 400 ? subject->len : 400};

	while (cut.len > 0 && cut.len < subject->len && (subject->data[cut.len] & 0xc0) == 0x80)
		cut.len--;
	buf_printf(out, "Subject:");
	is_ascii(&cut) ? put_folded(out, &cut) : put_encoded(out, &cut);
	buf_printf(out, "\r\n");
}

/* The body */

static bool is_plain(const struct buf *body)
{
	size_t line = 0;

	for (size_t i = 0; i < body->len; i++) {
		line = body->data[i] == '\n' ? 0 : line + 1;
		if (line > LINE_LIMIT)
			return false;
	}
	return is_ascii(body);
}

static void put_plain(struct buf *out, const struct buf *body)
{
	for (size_t i = 0; i < body->len; i++) {
		if (body->data[i] == '\n')
			buf_put(out, "\r", 1);
		buf_put(out, &body->data[i], 1);
	}
}

/* Quoted-printable (RFC 2045 6.7). */
static void put_quoted(struct buf *out, const struct buf *body)
{
	size_t column = 0;

	for (size_t i = 0; i < body->len; i++) {
		uint8_t c = body->data[i];
		bool at_end = i + 1 == body->len || body->data[i + 1] == '\n';
		bool is_safe = (c > ' ' && c <= '~' && c != '=') || (c == ' ' && !at_end);

		if (c == '\n') {
			buf_put(out, "\r\n", 2);
			column = 0;
			continue;
		}
		if (column + (is_safe ? 1 : 3) > LINE_MOST - 1) {
			buf_put(out, "=\r\n", 3);
			column = 0;
		}
		buf_printf(out, is_safe ? "%c" : "=%02X", c);
		column += is_safe ? 1 : 3;
	}
}

static void put_body(struct buf *out, const struct buf *body)
{
	bool plain = is_plain(body);
	struct buf cut = *body;

	buf_printf(
	    out, "Content-Transfer-Encoding: %s\r\n\r\n", plain ? "7bit" : "quoted-printable");
	if (cut.len > LETTER_MAX / (plain ? 1 : 3)) {
		cut.len = LETTER_MAX / (plain ? 1 : 3);
		while (cut.len > 0 && cut.data[cut.len - 1] != '\n')
			cut.len--;
	}
	plain ? put_plain(out, &cut) : put_quoted(out, &cut);
	if (cut.len < body->len)
		put_plain(out, &(struct buf){.data = (uint8_t *)CUT, .len = strlen(CUT)});
}

void letter_mail(const struct notice_row *r, const struct notice_text *t, const char *from,
    const char *to, struct buf *out)
{
	char zone[NAME_TEXT_SIZE];

	put_date(out, r->notice.at);
	buf_printf(out, "From: %s\r\nTo: %s\r\n", from, to);
	put_subject(out, &t->subject);
	buf_printf(out, "Message-ID: <");
	message_id(r, from, out);
	buf_printf(out, ">\r\nAuto-Submitted: auto-generated\r\nX-Intaglio-Kind: %s\r\n",
	    notice_kind_name(r->notice.kind));
	if (r->notice.kind == NOTICE_DIGEST)
		buf_printf(out, "X-Intaglio-Digest-Of: %s\r\n", notice_kind_name(r->of));
	if (r->notice.apex != NULL)
		buf_printf(out, "X-Intaglio-Zone: %s\r\n", notice_zone(&r->notice, zone));
	buf_printf(out, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n");
	put_body(out, &t->body);
	if (t->subject.failed || t->body.failed)
		out->failed = true;
}

/* JSON */

static json_t *safe_string(const void *text, size_t len)
{
	struct buf safe = {0};
	json_t *string;

	text_escape(&safe, text, len, true);
	string = json_stringn((const char *)safe.data, safe.len);
	buf_free(&safe);
	return string == NULL ? json_string("") : string;
}

static json_t *time_json(int64_t t)
{
	char text[TIME_TEXT_SIZE];

	time_text(t, text);
	return t == 0 ? json_null() : json_string(text);
}

static json_t *fields_json(const struct notice *n)
{
	json_t *fields = json_object();

	for (unsigned i = 0; i < n->field_count; i++) {
		const char *value = n->fields[i].value;

		json_object_set_new(fields, n->fields[i].name,
		    value == NULL ? json_null() : safe_string(value, strlen(value)));
	}
	return fields;
}

void letter_json(
    const struct notice_row *r, const struct notice_text *t, const char *from, struct buf *out)
{
	const struct notice *n = &r->notice;
	char zone[NAME_TEXT_SIZE], *text;
	struct buf id = {0};
	json_t *root;

	message_id(r, from == NULL ? "" : from, &id);
	root = json_pack("{s:I,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "id", (json_int_t)r->id,
	    "message_id", safe_string(id.data, id.len), "kind", notice_kind_name(n->kind), "zone",
	    n->apex == NULL ? json_null() : json_string(notice_zone(n, zone)), "at",
	    time_json(n->at), "until", time_json(n->until), "subject",
	    safe_string(t->subject.data, t->subject.len), "text",
	    safe_string(t->body.data, t->body.len), "fields", fields_json(n));
	text = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);
	if (text == NULL)
		out->failed = true;
	else
		buf_printf(out, "%s\n", text);
	free(text);
	json_decref(root);
	buf_free(&id);
}
