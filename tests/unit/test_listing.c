/* JSON shown to people, and texts that would like to steer a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/text.h"
#include "ops/listing.h"

static json_t *parse(const char *text)
{
	json_error_t e;
	json_t *v = json_loads(text, JSON_ALLOW_NUL, &e);

	if (v == NULL)
		fail_msg("%s", e.text);
	return v;
}

static void assert_buf(struct buf *b, const char *wanted)
{
	assert_false(b->failed);
	buf_u8(b, '\0');
	assert_string_equal((char *)b->data, wanted);
	buf_free(b);
}

static void test_table(void **state)
{
	json_t *rows = parse("[{\"zone\":\"a.\",\"serial\":7,\"next\":{\"what\":\"refresh\"}},"
			     "{\"zone\":\"b\\u00fccher.\",\"serial\":2026112400,\"next\":null,"
			     "\"tags\":[1,2],\"ok\":true}]");
	struct buf out = {0};

	(void)state;
	listing_table(
	    &out, rows, "zones", "zone:Zone,serial:Serial,next.what:Next,tags:Tags,ok:Good");
	assert_buf(&out, "Zone         Serial  Next     Tags  Good\n"
			 "a.                7  refresh  -     -\n"
			 "b\xc3\xbc"
			 "cher.  2026112400  -        1,2   yes\n");
	json_decref(rows);
}

static void test_empty_table(void **state)
{
	json_t *rows = parse("[]");
	struct buf out = {0};

	(void)state;
	listing_table(&out, rows, "zones", "zone:Zone");
	assert_buf(&out, "no zones\n");
	json_decref(rows);
	listing_table(&out, NULL, "keys", "zone:Zone");
	assert_buf(&out, "no keys\n");
}

static void test_cell_stays_a_cell(void **state)
{
	json_t *rows = parse("[{\"zone\":\"a\\nb.\\u001b[2J\\u009b\\u202e\",\"x\":\"y\"}]");
	struct buf out = {0};

	(void)state;
	listing_table(&out, rows, "zones", "zone:Zone,x:X");
	assert_buf(&out, "Zone                                X\n"
			 "a\\010b.\\027[2J\\194\\155\\226\\128\\174  y\n");
	json_decref(rows);
}

static void test_tree(void **state)
{
	json_t *rows = parse("[{\"name\":\"default\",\"ksk\":{\"active\":\"P2Y\"},"
			     "\"servers\":[{\"a\":1,\"b\":2},{\"a\":3}],\"none\":[]},"
			     "{\"name\":\"other\"}]");
	struct buf out = {0};

	(void)state;
	listing_tree(&out, rows, "policies");
	assert_buf(&out, "name: default\nksk:\n  active: P2Y\nservers:\n  a: 1\n    b: 2\n  a: 3\n"
			 "none: -\n\nname: other\n");
	json_decref(rows);
}

static void test_json(void **state)
{
	json_t *v = parse("{\"zone\":\"\\u001b\\u009b\\u0000\\u007f\"}");
	struct buf out = {0};

	(void)state;
	listing_json(&out, v, false);
	assert_buf(&out, "{\"zone\":\"\\u001B\\u009B\\u0000\\u007F\"}\n");
	json_decref(v);
}

static void escapes(const char *in, size_t len, bool lines, const char *wanted)
{
	struct buf out = {0};

	text_escape(&out, in, len, lines);
	assert_buf(&out, wanted);
}

static void test_escape(void **state)
{
	(void)state;
	escapes("plain \xe2\x82\xac\n\t", 11, true, "plain \xe2\x82\xac\n\t");
	escapes("a\n\r", 3, false, "a\\010\\013");
	escapes("\r\x1b\x7f", 3, true, "\\013\\027\\127");
	/* Too long a form, a surrogate, above the last code point, cut short, alone. */
	escapes("\xc0\x80", 2, true, "\\192\\128");
	escapes("\xed\xa0\x80", 3, true, "\\237\\160\\128");
	escapes("\xf4\x90\x80\x80", 4, true, "\\244\\144\\128\\128");
	escapes("\xe2\x82", 2, true, "\\226\\130");
	escapes("\x80\xff", 2, true, "\\128\\255");
	escapes("\0", 1, true, "\\000");
	assert_int_equal(text_width("b\xc3\xbc", 3), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_empty_table),
	    cmocka_unit_test(test_cell_stays_a_cell),
	    cmocka_unit_test(test_tree),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
