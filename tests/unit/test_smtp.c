/* notices: replies of mail servers, messages on the wire, addresses. */
#include "notices/smtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* The reply in pieces of every size gives the same. */
static enum smtp_progress take(struct smtp_reply *r, const char *text, size_t piece)
{
	size_t len = strlen(text), at = 0, used;
	enum smtp_progress p = SMTP_MORE;

	while (at < len && p == SMTP_MORE) {
		p = smtp_reply_take(r, text + at, len - at < piece ? len - at : piece, &used);
		at += used;
	}
	assert_true(p == SMTP_BROKEN || at == len);
	return p;
}

static void test_replies(void **state)
{
	static const char long_one[] = "250-mail.example.gov at your service\r\n"
				       "250-SIZE 1000\r\n250-\r\n250 STARTTLS\r\n";

	(void)state;
	for (size_t piece = 1; piece < 20; piece++) {
		struct smtp_reply r = {0};

		assert_int_equal(take(&r, "354 go ahead\r\n", piece), SMTP_WHOLE);
		assert_int_equal(r.code, 354);
		assert_string_equal(r.text, "354 go ahead");
		assert_int_equal(take(&r, long_one, piece), SMTP_WHOLE);
		assert_int_equal(r.code, 250);
		assert_string_equal(
		    r.text, "250-mail.example.gov at your service SIZE 1000  STARTTLS");
		assert_int_equal(take(&r, "550\n", piece), SMTP_WHOLE);
		assert_int_equal(r.code, 550);
		assert_string_equal(r.text, "550");
		assert_int_equal(take(&r, "550-5.1.1 no\033[31m\r\n", piece), SMTP_MORE);
		assert_int_equal(take(&r, "550 5.1.1 such user\r\n", piece), SMTP_WHOLE);
		assert_string_equal(r.text, "550-5.1.1 no\\027[31m 5.1.1 such user");
	}
}

static void test_leftover(void **state)
{
	struct smtp_reply r = {0};
	size_t used;

	(void)state;
	assert_int_equal(smtp_reply_take(&r, "250 a\r\n421 b\r\n", 14, &used), SMTP_WHOLE);
	assert_int_equal(used, 7);
	assert_string_equal(r.text, "250 a");
}

static void test_no_replies(void **state)
{
	static const char *const bad[] = {"\r\n", "25\r\n", "HTTP/1.1 400 Bad Request\r\n",
	    "2500 x\r\n", "150 x\r\n", "650 x\r\n", "2x0 x\r\n", "250_x\r\n", "-\r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct smtp_reply r = {0};

		assert_int_equal(take(&r, bad[i], 3), SMTP_BROKEN);
	}
}

/* Neither a line without an end nor a reply without one fills anything. */
static void test_endless(void **state)
{
	struct smtp_reply r = {0};
	enum smtp_progress p = SMTP_MORE;
	size_t used;
	unsigned lines = 0;

	(void)state;
	assert_int_equal(take(&r, "250 ", 4), SMTP_MORE);
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(smtp_reply_take(&r, "aaaaaaaaaa", 10, &used), SMTP_MORE);
	assert_int_equal(take(&r, "\r\n", 2), SMTP_WHOLE);
	assert_int_equal(strlen(r.text), SMTP_TEXT_SIZE - 1);
	while (p == SMTP_MORE && lines++ < 1000)
		p = smtp_reply_take(&r, "250-x\r\n", 7, &used);
	assert_int_equal(p, SMTP_BROKEN);
	assert_int_equal(lines, SMTP_LINES_MAX + 1);
	memset(&r, 0, sizeof(r));
	p = SMTP_MORE;
	for (lines = 0; p == SMTP_MORE && lines < 10000; lines++)
		p = smtp_reply_take(&r, "aaaaaaaaaa", 10, &used);
	assert_int_equal(p, SMTP_BROKEN);
	assert_int_equal(lines, SMTP_REPLY_MAX / 10 + 1);
}

static void check_message(const char *text, const char *wire)
{
	struct buf out = {0};

	smtp_message(text, strlen(text), &out);
	assert_int_equal(out.len, strlen(wire));
	assert_memory_equal(out.data, wire, out.len);
	buf_free(&out);
}

static void test_messages(void **state)
{
	(void)state;
	check_message("Subject: x\r\n\r\nhello\r\n", "Subject: x\r\n\r\nhello\r\n.\r\n");
	check_message("Subject: x\n\nhello", "Subject: x\r\n\r\nhello\r\n.\r\n");
	check_message("", ".\r\n");
	check_message(".", "..\r\n.\r\n");
	check_message(".a\n.\n..\nb.\n", "..a\r\n..\r\n...\r\nb.\r\n.\r\n");
	/* Nothing that one server takes for the end of the message, and another for its middle. */
	check_message("a\n.\r\nQUIT", "a\r\n..\r\nQUIT\r\n.\r\n");
	check_message("a\r.\r\nb", "a\r\n..\r\nb\r\n.\r\n");
	check_message("a\r\n.\rb\n", "a\r\n..\r\nb\r\n.\r\n");
	check_message("a\r\r\n.\n", "a\r\n\r\n..\r\n.\r\n");
}

static void test_addresses(void **state)
{
	static const char *const good[] = {"ops@example.gov", "a.b-c+d@x",
	    "O'Neil/x@mail.Example-1.gov", "root@localhost", "a@1.2"};
	static const char *const bad[] = {"", "@", "ops", "ops@", "@example.gov", "a b@c", "a@b c",
	    "a@b@c", "<a@b>", "A <a@b>", "a@b\r\nRCPT TO:<x@y>", "a\n@b", "\"a\"@b", "a@.b",
	    "a@b..c", "a@b.", "a@-b", ".a@b", "a.@b", "a,b@c", "\xc3\xa4@b", "a@\xc3\xa4", "a@b/c",
	    "a@[127.0.0.1]"};
	char text[400] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(smtp_is_address(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(smtp_is_address(bad[i]));
	memset(text, 'a', 64);
	strcpy(text + 64, "@b");
	assert_true(smtp_is_address(text));
	memmove(text + 1, text, 67);
	assert_false(smtp_is_address(text));
	strcpy(text, "a@");
	memset(text + 2, 'b', 253);
	text[255] = '\0';
	assert_false(smtp_is_address(text));
	text[254] = '\0';
	assert_true(smtp_is_address(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_replies),
	    cmocka_unit_test(test_leftover),
	    cmocka_unit_test(test_no_replies),
	    cmocka_unit_test(test_endless),
	    cmocka_unit_test(test_messages),
	    cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests_name("notices: SMTP", tests, NULL, NULL);
}
