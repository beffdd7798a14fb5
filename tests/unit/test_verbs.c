/* The table of verbs and its parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "ops/verbs.h"

/* What operators were promised, word for word. */
static const char *const promised[] = {"zone add", "zone unsign", "zone delete", "zone list",
    "zone status", "zone sign", "zone retransfer", "zone diagnose", "zone set-policy",
    "zone import", "zone export", "zone history", "key list", "key generate", "key export", "key rollover",
    "key emergency", "key purge", "key ds-submit", "key ds-seen", "key ds-retract", "key ds-gone",
    "key accept-record", "rollover list", "rollover release", "policy list", "policy show",
    "policy check", "repository list", "backup prepare", "backup commit", "backup rollback",
    "backup list", "tsig generate", "tsig list", "tsig delete", "server add", "server list",
    "server delete", "monitor add", "monitor list", "monitor status", "monitor history",
    "monitor look", "monitor delete", "notice list", "notice show", "notice resend",
    "notice test", "time leap", "update conf", "status", "stop"};
/* Letters that stay what ods-ksmutil made them. */
static const struct {
	char letter;
	const char *name;
} letters[] = {{'z', "zone"}, {'p', "policy"}, {'k', "cka-id"}, {'x', "key-tag"}, {'t', "key-type"},
    {'r', "repository"}, {'v', "verbose"}};

static void test_every_promised_verb(void **state)
{
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(promised); i++)
		assert_non_null(verb_find(promised[i]));
	for (const struct verb *v = verbs; v->name != NULL; v++)
		count++;
	assert_int_equal(count, MEM_COUNT(promised));
	assert_null(verb_find("zone"));
}

static void test_every_listing_gives_json(void **state)
{
	(void)state;
	for (const struct verb *v = verbs; v->name != NULL; v++) {
		const char *last = strrchr(v->name, ' ');

		last = last == NULL ? v->name : last + 1;
		if (strcmp(last, "list") == 0 || strcmp(last, "status") == 0)
			assert_non_null(verb_option(v, "json", 4));
	}
}

static void check_option(const struct verb *v, const struct verb_option *o)
{
	assert_true(o->help != NULL && o->help[strlen(o->help) - 1] == '.');
	assert_false(o->flags & VERB_REQUIRED && o->value == NULL);
	assert_false(o->flags & VERB_FILE && o->value == NULL);
	assert_ptr_equal(verb_option(v, o->name, strlen(o->name)), o);
	for (const struct verb_option *p = o + 1; p->name != NULL; p++) {
		assert_string_not_equal(o->name, p->name);
		assert_true(o->letter == 0 || o->letter != p->letter);
	}
	for (const struct verb_option *p = verb_common; p->name != NULL; p++) {
		assert_string_not_equal(o->name, p->name);
		assert_true(o->letter == 0 || o->letter != p->letter);
	}
	for (size_t i = 0; i < MEM_COUNT(letters); i++) {
		if (o->letter == letters[i].letter)
			assert_string_equal(o->name, letters[i].name);
		if (strcmp(o->name, letters[i].name) == 0)
			assert_int_equal(o->letter, letters[i].letter);
	}
}

static void test_table_is_consistent(void **state)
{
	(void)state;
	for (const struct verb *v = verbs; v->name != NULL; v++) {
		assert_ptr_equal(verb_find(v->name), v);
		assert_non_null(v->help);
		assert_non_null(v->manual);
		assert_non_null(v->options);
		for (const struct verb_option *o = v->options; o->name != NULL; o++)
			check_option(v, o);
	}
}

#define MAX_WORDS 16

static int parse(struct verb_call *c, struct err *e, const char *text)
{
	static char copy[400];
	char *words[MAX_WORDS], *rest = copy, *word;
	int n = 0;

	assert_true(strlen(text) < sizeof(copy));
	strcpy(copy, text);
	while ((word = strsep(&rest, " ")) != NULL)
		words[n++] = word;
	return verb_call_parse(c, n, words, e);
}

static void test_parser_accepts(void **state)
{
	struct verb_call c;
	struct err e;

	(void)state;
	assert_int_equal(parse(&c, &e,
			     "zone add -z example. -pdefault --source a --source=b "
			     "--destination d --replace-dnssec"),
	    OK);
	assert_string_equal(c.verb->name, "zone add");
	assert_string_equal(verb_value(&c, "zone"), "example.");
	assert_string_equal(verb_value(&c, "policy"), "default");
	assert_int_equal(verb_count(&c, "source"), 2);
	assert_string_equal(verb_value_at(&c, "source", 1), "b");
	assert_null(verb_value_at(&c, "source", 2));
	assert_true(verb_is_given(&c, "replace-dnssec"));
	assert_false(verb_is_given(&c, "contact"));
	verb_call_free(&c);

	assert_int_equal(parse(&c, &e, "key list -vz 0/25.2.0.192.in-addr.arpa. --json"), OK);
	assert_true(verb_is_given(&c, "verbose"));
	assert_string_equal(verb_value(&c, "zone"), "0/25.2.0.192.in-addr.arpa.");
	verb_call_free(&c);

	assert_int_equal(parse(&c, &e, "key list -t ksk"), OK);
	verb_call_free(&c);
	assert_int_equal(parse(&c, &e, "zone import -- -odd-name"), OK);
	assert_string_equal(c.argument, "-odd-name");
	verb_call_free(&c);
	assert_int_equal(parse(&c, &e, "zone import -"), OK);
	assert_string_equal(c.argument, "-");
	verb_call_free(&c);
	assert_int_equal(parse(&c, &e, "status -c /etc/x.conf"), OK);
	assert_string_equal(verb_value(&c, "config"), "/etc/x.conf");
	verb_call_free(&c);
	assert_int_equal(parse(&c, &e, "zone add --help"), OK);
	verb_call_free(&c);
}

static void test_parser_refuses(void **state)
{
	static const struct {
		const char *words, *why;
	} cases[] = {
	    {"zone", "\"zone\" needs one of: add, unsign"},
	    {"zone ad", "there is no verb \"zone ad\""},
	    {"zones list", "there is no verb \"zones\""},
	    {"zone add", "zone add needs -z ZONE (--zone)"},
	    {"zone add -z", "--zone needs a value"},
	    {"zone add --zone=", "the value of --zone is empty"},
	    {"zone add -z a -z b", "--zone can be given only once"},
	    {"zone add -z a --replace-dnssec=yes", "--replace-dnssec takes no value"},
	    {"zone add -z a --sources x", "there is no option --sources"},
	    {"zone add -z a -q", "there is no option -q"},
	    {"zone add -z a b", "\"b\" is one word too many"},
	    {"key list -t TSK", "--key-type takes one of KSK|ZSK|CSK|ALL, not \"TSK\""},
	    {"key list -t KSK|ZSK", "--key-type takes one of"},
	    {"zone import", "zone import needs a FILE"},
	    {"zone import a b", "zone import takes one FILE"},
	    {"zone sign", "zone sign needs --zone ZONE or --all"},
	    {"zone sign -z a --all", "not several of them"},
	    {"server add --name a", "server add needs --address ADDRESS"},
	};

	(void)state;
	for (size_t i = 0; i < MEM_COUNT(cases); i++) {
		struct verb_call c;
		struct err e;

		assert_int_equal(parse(&c, &e, cases[i].words), ERR_ARGUMENT);
		if (strstr(e.text, cases[i].why) == NULL)
			fail_msg("%s: said \"%s\"", cases[i].words, e.text);
		verb_call_free(&c);
	}
}

static void test_many_options_are_bounded(void **state)
{
	struct verb_call c;
	struct err e;
	int code = OK;

	(void)state;
	verb_call_init(&c, verb_find("zone add"));
	for (unsigned i = 0; i <= VERB_WORDS_MAX && code == OK; i++)
		code = verb_call_option(&c, "source", 6, "x", &e);
	assert_int_equal(code, ERR_LIMIT);
	assert_int_equal(c.count, VERB_WORDS_MAX);
	verb_call_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_promised_verb),
	    cmocka_unit_test(test_every_listing_gives_json),
	    cmocka_unit_test(test_table_is_consistent),
	    cmocka_unit_test(test_parser_accepts),
	    cmocka_unit_test(test_parser_refuses),
	    cmocka_unit_test(test_many_options_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
