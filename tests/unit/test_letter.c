/* What a notice looks like: filled templates, mails, JSON; and that no fact gets into a header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>
#include "base/mem.h"
#include "notices/letter.h"

#define AT INT64_C(1798761600) /* 2027-01-01T00:00:00Z */

static struct notice_row make_row(void)
{
	static const uint8_t apex[] = "\7example\3gov";
	struct notice_row r = {.id = 7};

	r.notice = (struct notice){.kind = NOTICE_DS_LATE, .apex = apex, .occasion = "x", .at = AT};
	r.of = NOTICE_SOURCE_FAILED;
	memset(r.random, 0xab, sizeof(r.random));
	return r;
}

static char *text_of(const struct buf *b)
{
	char *text = mem_alloc(b->len + 1);

	assert_false(b->failed);
	memcpy(text, b->data == NULL ? (const uint8_t *)"" : b->data, b->len);
	return text;
}

static void expect(
    const char *template, const struct notice *n, const char *subject, const char *body)
{
	struct notice_text t = {0};
	char *got;

	template_fill(template, n, 7, &t);
	got = text_of(&t.subject);
	assert_string_equal(got, subject);
	free(got);
	got = text_of(&t.body);
	assert_string_equal(got, body);
	free(got);
	notice_text_free(&t);
}

static void fills(void **state)
{
	struct notice_row r = make_row();
	struct notice *n = &r.notice;

	(void)state;
	notice_add(n, "server", "src1");
	notice_add(n, "list", "one\n  two\n");
	notice_add(n, "gone", NULL);
	expect("# c\nSubject: {zone}: {server}\n\n{kind} {id} at {at}\n", n, "example.gov: src1",
	    "ds-late 7 at 2027-01-01T00:00:00Z\n");
	/* a line that lacks a fact goes, and leaves no hole */
	expect("S\n\na\n\nuntil {until}\n\n{gone} x\n{none}\n\nb\n", n, "S", "a\n\nb\n");
	n->until = AT + 1;
	expect("S\nuntil {until}", n, "S", "until 2027-01-01T00:00:01Z\n");
	expect("S\n{list}\nx {list} y\n", n, "S", "  one\n    two\nx one two y\n");
	/* braces, and what is none of ours */
	expect(
	    "{{zone}}\n{Zone} { zone} {zone {} }}\n", n, "{zone}", "{Zone} { zone} {zone {} }\n");
	expect("Subject: {none}\nx\n", n, "example.gov: ds-late", "x\n");
	expect("", n, "", "");
}

static void wraps(void **state)
{
	struct notice_row r = make_row();
	char word[301], *body;
	struct notice_text t = {0};
	size_t column = 0;

	(void)state;
	memset(word, 'w', 300);
	word[300] = '\0';
	notice_add(&r.notice, "word", word);
	template_fill(
	    "S\nlorem ipsum dolor sit amet {word} consectetur adipiscing elit sed do eiusmod "
	    "tempor incididunt ut labore et dolore magna aliqua\n",
	    &r.notice, 1, &t);
	body = text_of(&t.body);
	assert_non_null(strstr(body, word));
	for (const char *p = body; *p != '\0'; p++) {
		column = *p == '\n' ? 0 : column + 1;
		assert_true(column <= 72 || column <= 300);
	}
	assert_non_null(strstr(body, "amet\nwww"));
	free(body);
	notice_text_free(&t);
}

static char *mail_of(const struct notice_row *r, const char *template)
{
	struct notice_text t = {0};
	struct buf out = {0};
	char *mail;

	template_fill(template, &r->notice, r->id, &t);
	letter_mail(r, &t, "signer@example.gov", "ops@example.gov", &out);
	mail = text_of(&out);
	assert_int_equal(strlen(mail), out.len);
	buf_free(&out);
	notice_text_free(&t);
	return mail;
}

static void is_a_mail(void **state)
{
	struct notice_row r = make_row();
	char *mail;

	(void)state;
	mail = mail_of(&r, "Subject: {zone} is late\nText.\n");
	assert_string_equal(mail,
	    "Date: Fri, 01 Jan 2027 00:00:00 +0000\r\nFrom: signer@example.gov\r\nTo: ops@example.gov\r\n"
	    "Subject: example.gov is late\r\n"
	    "Message-ID: <abababababababababababababababab@example.gov>\r\n"
	    "Auto-Submitted: auto-generated\r\nX-Intaglio-Kind: ds-late\r\n"
	    "X-Intaglio-Zone: example.gov\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
	    "Text.\r\n");
	free(mail);
	r.notice.apex = NULL;
	r.notice.kind = NOTICE_DIGEST;
	mail = mail_of(&r, "x\n");
	assert_null(strstr(mail, "X-Intaglio-Zone"));
	assert_non_null(strstr(mail, "X-Intaglio-Digest-Of: source-failed-xfer\r\n"));
	free(mail);
}

/* No line of the head but those that belong there, and none that is too long. */
static void check_head(const char *mail)
{
	static const char *const known[] = {"Date: ", "From: signer@example.gov\r",
	    "To: ops@example.gov\r",
	    "Subject:", "Message-ID: ", "Auto-Submitted: ", "X-Intaglio-Kind: ds-late\r",
	    "X-Intaglio-Zone: ", "MIME-Version: ", "Content-Type: ", "Content-Transfer-Encoding: ",
	    " "};

	while (strncmp(mail, "\r\n", 2) != 0) {
		size_t len = strcspn(mail, "\r\n");
		bool is_known = false;

		assert_true(len > 0 && len < 998 && strncmp(mail + len, "\r\n", 2) == 0);
		for (size_t i = 0; i < MEM_COUNT(known); i++)
			is_known = is_known || strncmp(mail, known[i], strlen(known[i])) == 0;
		if (!is_known)
			fail_msg("a line of the head: %.*s", (int)len, mail);
		mail += len + 2;
	}
	for (const char *p = mail; *p != '\0'; p++) {
		assert_true((uint8_t)*p < 0x80);
		assert_true((*p == '\n') == (p[-1] == '\r'));
	}
}

static void injection(void **state)
{
	static const char *const attacks[] = {"x\r\nBcc: a@b\r\n\r\nhello", "x\nBcc: a@b",
	    "x\rBcc: a@b", "\r\n.\r\nMAIL FROM:<x>", "\x01\x02\x7f\x1b[2J",
	    "\xc2\x85"
	    "Bcc: a",
	    "\xe2\x80\xa8"
	    "Bcc: a",
	    "\xff\xfe\xc3",
	    "=?utf-8?Q?=0d=0aBcc:_a@b?=", "\xc3\xa4\xc3\xb6\xc3\xbc \xf0\x9f\x98\x80"};

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(attacks); i++) {
		struct notice_row r = make_row();
		char *mail;

		notice_add(&r.notice, "reason", attacks[i]);
		mail = mail_of(&r, "Subject: {zone}: {reason}\n{reason}\nx {reason} y\n");
		check_head(mail);
		free(mail);
	}
}

static void long_ones(void **state)
{
	static char value[NOTICE_VALUE_MAX + 1];

	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		struct notice_row r = make_row();
		char *mail;

		for (unsigned i = 0; i < NOTICE_VALUE_MAX; i += 2)
			memcpy(value + i, kind == 0 ? "aa" : kind == 1 ? "\xc3\xa4" : "a ", 2);
		notice_add(&r.notice, "reason", value);
		mail = mail_of(&r, "Subject: {zone}: {reason}\n{reason}\nx {reason} y\n");
		if (kind != 0) /* a subject that is one word cannot be folded */
			check_head(mail);
		free(mail);
	}
}

/* The rest of a text that is too long is left out, and it says so. */
static void is_cut(void **state)
{
	struct notice_row r = make_row();
	struct buf list = {0};
	char *mail;

	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		buf_printf(&list, "zone%u.example.gov: does not come\n", i);
	buf_u8(&list, 0);
	notice_add(&r.notice, "list", (const char *)list.data);
	mail = mail_of(&r, "Subject: x\n{list}\n");
	assert_in_range(strlen(mail), LETTER_MAX - 100, LETTER_MAX + 6000);
	assert_non_null(strstr(mail, "does not fit into a letter"));
	check_head(mail);
	free(mail);
	buf_free(&list);
}

static void is_json(void **state)
{
	struct notice_row r = make_row();
	struct notice_text t = {0};
	struct buf out = {0};
	char *text;
	json_t *root;

	(void)state;
	notice_add(&r.notice, "reason", "\xff \"quoted\"\nline");
	notice_add(&r.notice, "gone", NULL);
	template_fill("Subject: s\nbody\n", &r.notice, 7, &t);
	letter_json(&r, &t, "signer@example.gov", &out);
	text = text_of(&out);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_integer_value(json_object_get(root, "id")), 7);
	assert_string_equal(json_string_value(json_object_get(root, "kind")), "ds-late");
	assert_string_equal(json_string_value(json_object_get(root, "zone")), "example.gov");
	assert_string_equal(json_string_value(json_object_get(root, "at")), "2027-01-01T00:00:00Z");
	assert_true(json_is_null(json_object_get(root, "until")));
	assert_string_equal(json_string_value(json_object_get(root, "message_id")),
	    "abababababababababababababababab@example.gov");
	assert_string_equal(
	    json_string_value(json_object_get(json_object_get(root, "fields"), "reason")),
	    "\\255 \"quoted\"\nline");
	json_decref(root);
	free(text);
	buf_free(&out);
	notice_text_free(&t);
}

/* Each kind has a template, and each says the four things. */
static void all_kinds(void **state)
{
	static const char *const parts[] = {
	    "Subject: ", "\nWhat happened: ", "\nWhat it means: ", "\nWhat you must do: "};

	(void)state;
	for (unsigned k = 0; k < NOTICE_KINDS; k++) {
		const char *text = template_builtin(notice_kind_name((enum notice_kind)k));
		enum notice_kind found;

		if (text == NULL)
			fail_msg("%s has no template", notice_kind_name((enum notice_kind)k));
		for (size_t i = 0; i < MEM_COUNT(parts); i++) {
			if (strstr(text, parts[i]) == NULL)
				fail_msg("%s lacks \"%s\"", notice_kind_name((enum notice_kind)k),
				    parts[i]);
		}
		assert_true(notice_kind_find(notice_kind_name((enum notice_kind)k), &found));
		assert_int_equal(found, k);
	}
}

static void own_templates(void **state)
{
	char dir[] = "/tmp/itg-templates-XXXXXX", path[80], *got;
	const char *folders[] = {NULL, "/nowhere", dir};
	struct notice_row r = make_row();
	struct notice_text t = {0};
	struct templates *own;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/ds-late.txt", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("Subject: mine\nof {zone}\n", f);
	fclose(f);
	own = templates_load(folders, 3);
	templates_fill(own, &r.notice, 1, &t);
	got = text_of(&t.body);
	assert_string_equal(got, "of example.gov\n");
	free(got);
	notice_text_free(&t);
	templates_free(own);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0); /* no file: the program's own */
	own = templates_load(folders, 3);
	memset(&t, 0, sizeof(t));
	templates_fill(own, &r.notice, 1, &t);
	got = text_of(&t.body);
	assert_non_null(strstr(got, "What it means: "));
	free(got);
	notice_text_free(&t);
	templates_free(own);
	rmdir(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    {"R50 facts are filled in, lines that lack one are left out", fills, NULL, NULL, NULL},
	    {"R50 lines are wrapped", wraps, NULL, NULL, NULL},
	    {"R50 the mail of a notice", is_a_mail, NULL, NULL, NULL},
	    {"R50 nothing a server says gets into the head of a mail", injection, NULL, NULL, NULL},
	    {"R50 long facts make no long lines", long_ones, NULL, NULL, NULL},
	    {"R50 a letter that is too long is cut and says so", is_cut, NULL, NULL, NULL},
	    {"R50 the JSON of a notice", is_json, NULL, NULL, NULL},
	    {"R50 each kind has a template that says four things", all_kinds, NULL, NULL, NULL},
	    {"R50 an operator's own template goes before the program's", own_templates, NULL, NULL,
		NULL},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
