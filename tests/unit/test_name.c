/* Names: text and wire form, comparison, compression pointers, sort keys. */
#include "dns_fixture.h"

#include <string.h>
#include "base/mem.h"
#include "dns/name.h"

static void test_text_round_trip(void **state)
{
	static const char *const same[] = {".", "example.", "a.b.c.", "\\000\\001\\255.x.",
	    "dot\\.in\\.label.x.", "\\\"\\$\\(\\)\\;\\@\\\\.x.", "*.UPPER.case.", "sp\\032ace.x."};
	uint8_t wire[NAME_MAX_LEN];
	char text[NAME_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(same); i++) {
		assert_int_equal(name_parse(same[i], wire), OK);
		assert_int_equal(name_check(wire, sizeof(wire)), name_len(wire));
		name_text(wire, text);
		assert_string_equal(text, same[i]);
	}
	assert_int_equal(name_parse("no.dot", wire), OK);
	name_text(wire, text);
	assert_string_equal(text, "no.dot.");
}

static void test_text_refused(void **state)
{
	static const char *const bad[] = {"", "..", ".a", "a..b", "a\\", "a\\25", "a\\256.",
	    "a\\2x5.", "1234567890123456789012345678901234567890123456789012345678901234."};
	uint8_t wire[NAME_MAX_LEN];
	char text[600] = "";

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(bad); i++)
		assert_int_equal(name_parse(bad[i], wire), ERR_FORMAT);
	for (size_t i = 0; i < 127; i++)
		memcpy(text + 2 * i, "a.", 3);
	assert_int_equal(name_parse(text, wire), OK);
	assert_int_equal(name_len(wire), 255);
	assert_int_equal(name_labels(wire), 127);
	memmove(text + 1, text, strlen(text) + 1);
	assert_int_equal(name_parse(text, wire), ERR_FORMAT);
}

static void test_relative(void **state)
{
	uint8_t wire[NAME_MAX_LEN];

	(void)state;
	assert_int_equal(name_parse_at("www", fixture_name("example.org."), wire), OK);
	assert_true(name_equal(wire, fixture_name("WWW.example.ORG.")));
	assert_int_equal(name_parse_at("www.", fixture_name("example.org."), wire), OK);
	assert_true(name_equal(wire, fixture_name("www.")));
	assert_int_equal(name_parse_at("sub", wire, wire), OK);
	assert_true(name_equal(wire, fixture_name("sub.www.")));
}

static void test_relations(void **state)
{
	(void)state;
	assert_true(name_is_at_or_below(fixture_name("a.B.c."), fixture_name("b.C.")));
	assert_true(name_is_at_or_below(fixture_name("b.c."), fixture_name("b.c.")));
	assert_true(name_is_at_or_below(fixture_name("b.c."), fixture_name(".")));
	assert_false(name_is_at_or_below(fixture_name("xb.c."), fixture_name("b.c.")));
	assert_false(name_is_at_or_below(fixture_name("c."), fixture_name("b.c.")));
	assert_true(name_is_wildcard(fixture_name("*.c.")));
	assert_false(name_is_wildcard(fixture_name("**.c.")));
	assert_null(name_parent(fixture_name(".")));
	assert_true(name_equal(name_parent(fixture_name("a.b.")), fixture_name("b.")));
}

static void test_check_bounds(void **state)
{
	static const uint8_t cut[] = {3, 'a', 'b'}, no_end[] = {1, 'a'}, pointer[] = {0xc0, 0};

	(void)state;
	assert_int_equal(name_check(cut, sizeof(cut)), 0);
	assert_int_equal(name_check(no_end, sizeof(no_end)), 0);
	assert_int_equal(name_check(pointer, sizeof(pointer)), 0);
	assert_int_equal(name_check((const uint8_t *)"", 0), 0);
	assert_int_equal(name_check((const uint8_t *)"\0", 1), 1);
}

static void test_expand(void **state)
{
	/* 0: "b."; 3: "a" and a pointer to 0; 7: to itself; 9: forwards; 11: at 3, twice removed.
	 */
	static const uint8_t msg[] = {
	    1, 'b', 0, 1, 'a', 0xc0, 0, 0xc0, 7, 0xc0, 11, 1, 'x', 0xc0, 3, 0xc0};
	uint8_t name[NAME_MAX_LEN];

	(void)state;
	assert_int_equal(name_expand(msg, sizeof(msg), 3, name), 4);
	assert_true(name_equal(name, fixture_name("a.b.")));
	assert_int_equal(name_expand(msg, sizeof(msg), 7, name), 0);
	assert_int_equal(name_expand(msg, sizeof(msg), 9, name), 0);
	assert_int_equal(name_expand(msg, sizeof(msg), 11, name), 4);
	assert_true(name_equal(name, fixture_name("x.a.b.")));
	assert_int_equal(name_expand(msg, sizeof(msg), 15, name), 0);
	assert_int_equal(name_expand(msg, sizeof(msg), 16, name), 0);
}

static void random_name(uint8_t out[NAME_MAX_LEN])
{
	static const uint8_t octets[] = {
	    0, 1, 2, '-', '0', 'A', 'a', 'B', 'b', 'Z', '[', 0x7f, 0xff};
	unsigned labels = fixture_random(5), at = 0;

	for (unsigned i = 0; i < labels; i++) {
		unsigned len = 1 + fixture_random(fixture_random(10) == 0 ? 60 : 3);

		if (at + len + 2 > NAME_MAX_LEN)
			break;
		out[at++] = (uint8_t)len;
		while (len-- > 0)
			out[at++] = octets[fixture_random(MEM_COUNT(octets))];
	}
	out[at] = 0;
}

/* RFC 4034 6.1 word for word: label by label from the right. */
static int compare_plainly(const uint8_t *a, const uint8_t *b)
{
	unsigned an = name_labels(a), bn = name_labels(b);

	for (unsigned depth = 1; depth <= an && depth <= bn; depth++) {
		const uint8_t *x = a, *y = b;

		for (unsigned i = an; i > depth; i--)
			x += *x + 1;
		for (unsigned i = bn; i > depth; i--)
			y += *y + 1;
		for (unsigned i = 1; i <= *x || i <= *y; i++) {
			int l = i <= *x ? x[i] : -1, r = i <= *y ? y[i] : -1;

			l += l >= 'A' && l <= 'Z' ? 32 : 0;
			r += r >= 'A' && r <= 'Z' ? 32 : 0;
			if (l != r)
				return l < r ? -1 : 1;
		}
	}
	return (an > bn) - (an < bn);
}

static int sign_of(int v)
{
	return (v > 0) - (v < 0);
}

static void test_key_order(void **state)
{
	uint8_t a[NAME_MAX_LEN], b[NAME_MAX_LEN], ak[NAME_KEY_MAX], bk[NAME_KEY_MAX];

	(void)state;
	fixture_seed();
	for (unsigned i = 0; i < 200000; i++) {
		size_t an, bn;
		int order;

		random_name(a);
		random_name(b);
		an = name_key(a, ak);
		bn = name_key(b, bk);
		order = memcmp(ak, bk, an < bn ? an : bn);
		if (order == 0)
			order = (an > bn) - (an < bn);
		assert_int_equal(sign_of(order), compare_plainly(a, b));
		assert_int_equal(an <= bn && memcmp(ak, bk, an) == 0, name_is_at_or_below(b, a));
	}
}

static void test_key_and_back(void **state)
{
	uint8_t name[NAME_MAX_LEN], back[NAME_MAX_LEN], key[NAME_KEY_MAX];

	(void)state;
	fixture_seed();
	for (unsigned i = 0; i < 100000; i++) {
		size_t n;

		random_name(name);
		n = name_key(name, key);
		assert_int_equal(name_from_key(key, n, back), name_len(name));
		name_lower(name);
		assert_memory_equal(name, back, name_len(name));
	}
}

static void test_key_longest(void **state)
{
	uint8_t name[NAME_MAX_LEN] = {0}, back[NAME_MAX_LEN], key[NAME_KEY_MAX];

	(void)state;
	/* All octets zero: each becomes two.  Four labels are the fewest. */
	name[0] = name[64] = name[128] = 63;
	name[192] = 61;
	assert_int_equal(name_len(name), 255);
	assert_int_equal(name_key(name, key), 504);
	assert_int_equal(name_from_key(key, 504, back), 255);
	assert_memory_equal(name, back, 255);
}

static void test_key_malformed(void **state)
{
	static const uint8_t no_end[] = {'a'}, empty_label[] = {0}, half[] = {1, 0},
			     bad_escape[] = {1, 3, 0};
	uint8_t name[NAME_MAX_LEN], key[NAME_KEY_MAX + 600];

	(void)state;
	assert_int_equal(name_from_key(no_end, 1, name), 0);
	assert_int_equal(name_from_key(empty_label, 1, name), 0);
	assert_int_equal(name_from_key(half, 2, name), 0);
	assert_int_equal(name_from_key(bad_escape, 3, name), 0);
	memset(key, 'a', sizeof(key));
	for (size_t i = 63; i < sizeof(key); i += 64)
		key[i] = 0;
	assert_int_equal(name_from_key(key, 256, name), 0);
	assert_int_equal(name_from_key(key + 1, 63, name), 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text_round_trip),
	    cmocka_unit_test(test_text_refused),
	    cmocka_unit_test(test_relative),
	    cmocka_unit_test(test_relations),
	    cmocka_unit_test(test_check_bounds),
	    cmocka_unit_test(test_expand),
	    cmocka_unit_test(test_key_order),
	    cmocka_unit_test(test_key_and_back),
	    cmocka_unit_test(test_key_longest),
	    cmocka_unit_test(test_key_malformed),
	};

	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
