/* A token in this process, against SoftHSM: keys, signatures, records, faults. */
#include "tests/token/support.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/mem.h"
#include "pkcs11/verify.h"

static const uint8_t algorithms[] = {8, 10, 13, 14, 15, 16};

struct state {
	struct fixture f;
	struct token *t;
};

static int set_up(void **state)
{
	struct state *s = calloc(1, sizeof *s);
	struct err e = {0};

	fixture_open(&s->f);
	s->t = token_open_local(&s->f.settings, &s->f.pin, &e);
	if (s->t == NULL)
		fail_msg("%s", e.text);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct state *s = *state;

	token_close(s->t);
	fixture_close(&s->f);
	free(s);
	return 0;
}

static void check_signature(
    struct token *t, unsigned n, uint8_t algorithm, const struct seen *key, uint32_t seed)
{
	struct seen made = {0};
	uint8_t data[1024];
	size_t len = input_len(algorithm);

	fill(data, len, seed);
	if (sign(t, n, algorithm, data, len, &made) != OK)
		fail_msg("%s", made.err.text);
	assert_int_equal(token_verify(algorithm, key->pub, key->pub_len, data, len, made.signature,
			     made.signature_len),
	    OK);
	data[3] ^= 1;
	assert_int_equal(token_verify(algorithm, key->pub, key->pub_len, data, len, made.signature,
			     made.signature_len),
	    ERR_VERIFY);
}

static void test_algorithms(void **state)
{
	struct state *s = *state;

	for (unsigned i = 0; i < sizeof algorithms; i++) {
		struct seen key = {0};
		if (generate(s->t, i, algorithms[i], &key) != OK)
			fail_msg("algorithm %u: %s", algorithms[i], key.err.text);
		/* before and after a session copy is made */
		for (uint32_t j = 0; j < 20; j++)
			check_signature(s->t, i, algorithms[i], &key, j);
	}
	assert_true(fixture_calls(&s->f, "C_CopyObject") >= sizeof algorithms);
	assert_int_equal(fixture_calls(&s->f, "C_SetAttributeValue"), 0);
}

static void test_generate_again(void **state)
{
	struct state *s = *state;
	struct seen first = {0}, again = {0};
	struct token_request r = generate_request(1, 13);

	assert_int_equal(generate(s->t, 1, 13, &first), OK);
	assert_int_equal(generate(s->t, 1, 13, &again), OK);
	assert_memory_equal(first.pub, again.pub, first.pub_len);
	/* also when this process knows nothing yet */
	token_close(s->t);
	s->t = token_open_local(&s->f.settings, &s->f.pin, NULL);
	assert_non_null(s->t);
	assert_int_equal(generate(s->t, 1, 13, &again), OK);
	assert_int_equal(again.pub_len, 64);
	assert_memory_equal(first.pub, again.pub, first.pub_len);
	assert_int_equal(fixture_calls(&s->f, "C_GenerateKeyPair"), 1);
	/* an id that is taken by another label is no key of ours to return */
	key_label(2, 13, r.label);
	assert_int_equal(token_call(s->t, &r, seen_reply, &again, NULL), ERR_EXISTS);
}

/* The reply of C_GenerateKeyPair is lost: the key is there, and returned. */
static void test_generate_lost_reply(void **state)
{
	struct state *s = *state;
	struct seen key = {0};

	fixture_rules(&s->f, "C_GenerateKeyPair:after 30 1 0\n");
	if (generate(s->t, 1, 13, &key) != OK)
		fail_msg("%s", key.err.text);
	assert_int_equal(fixture_calls(&s->f, "C_GenerateKeyPair"), 1);
	check_signature(s->t, 1, 13, &key, 7);
}

static void test_refusals(void **state)
{
	struct state *s = *state;
	struct token_request r = generate_request(1, 5);
	struct seen out = {0};
	uint8_t data[64] = {0};

	assert_int_equal(token_call(s->t, &r, seen_reply, &out, NULL), ERR_ARGUMENT);
	r = generate_request(1, 8);
	r.bits = 512;
	assert_int_equal(token_call(s->t, &r, seen_reply, &out, NULL), ERR_ARGUMENT);
	r = generate_request(1, 13);
	strcpy(r.label, "my own key");
	assert_int_equal(token_call(s->t, &r, seen_reply, &out, NULL), ERR_ARGUMENT);
	assert_int_equal(sign(s->t, 1, 13, data, 32, &out), ERR_MISSING);
	assert_int_equal(generate(s->t, 1, 13, &out), OK);
	assert_int_equal(sign(s->t, 1, 13, data, 33, &out), ERR_ARGUMENT);
	assert_int_equal(sign(s->t, 1, 13, data, 32, &out), OK);
}

static void test_drop_key(void **state)
{
	struct state *s = *state;
	struct token_request r = generate_request(1, 13);
	struct seen out = {0};
	uint8_t data[32] = {1};

	assert_int_equal(generate(s->t, 1, 13, &out), OK);
	assert_int_equal(generate(s->t, 2, 13, &out), OK);
	for (unsigned i = 0; i < 20; i++) /* until there is a copy */
		assert_int_equal(sign(s->t, 1, 13, data, 32, &out), OK);
	r.op = TOKEN_DROP_KEY;
	assert_int_equal(token_call(s->t, &r, seen_reply, &out, NULL), OK);
	assert_int_equal(sign(s->t, 1, 13, data, 32, &out), ERR_MISSING);
	assert_int_equal(sign(s->t, 2, 13, data, 32, &out), OK);
	assert_int_equal(token_call(s->t, &r, seen_reply, &out, NULL), OK);
	assert_int_equal(list(s->t, &out), OK);
	assert_int_equal(out.key_count, 1);
}

/* Objects that others keep in the token, made with its own functions beside ours. */
static CK_FUNCTION_LIST *functions(void)
{
	void *handle = dlopen(SOFTHSM, RTLD_NOW | RTLD_NOLOAD);
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST *out;
	void *symbol = dlsym(handle, "C_GetFunctionList");

	memcpy(&get, &symbol, sizeof get);
	assert_int_equal(get(&out), CKR_OK);
	return out;
}

static CK_SESSION_HANDLE foreign_session(CK_FUNCTION_LIST *p)
{
	CK_SLOT_ID slots[8];
	CK_ULONG n = 8;
	CK_SESSION_HANDLE h;

	assert_int_equal(p->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
	assert_int_equal(
	    p->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &h),
	    CKR_OK);
	return h;
}

static void make_foreign(CK_FUNCTION_LIST *p, CK_SESSION_HANDLE h, const char *label)
{
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_BBOOL yes = CK_TRUE;
	CK_OBJECT_HANDLE out;
	CK_ATTRIBUTE a[] = {{CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &yes, sizeof yes},
	    {CKA_LABEL, (void *)label, strlen(label)}, {CKA_VALUE, (void *)"theirs", 6}};

	assert_int_equal(p->C_CreateObject(h, a, 4, &out), CKR_OK);
}

static unsigned count_data(CK_FUNCTION_LIST *p, CK_SESSION_HANDLE h)
{
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_ATTRIBUTE a = {CKA_CLASS, &class, sizeof class};
	CK_OBJECT_HANDLE out[100];
	CK_ULONG n = 0;

	assert_int_equal(p->C_FindObjectsInit(h, &a, 1), CKR_OK);
	assert_int_equal(p->C_FindObjects(h, out, 100, &n), CKR_OK);
	p->C_FindObjectsFinal(h);
	return (unsigned)n;
}

static void test_records(void **state)
{
	struct state *s = *state;
	char one[TOKEN_LABEL_MAX], two[TOKEN_LABEL_MAX];
	uint8_t big[100000];
	struct seen out = {0};

	record_name(1, 1, one);
	record_name(1, 2, two);
	fill(big, sizeof big, 3);
	assert_int_equal(put_record(s->t, one, "first", 5, &out), OK);
	assert_int_equal(put_record(s->t, one, "first", 5, &out), OK); /* the same again */
	assert_int_equal(put_record(s->t, one, "other", 5, &out), ERR_CONFLICT);
	assert_int_equal(put_record(s->t, two, big, sizeof big, &out), OK);
	assert_int_equal(list(s->t, &out), OK);
	assert_int_equal(out.record_count, 2);
	assert_int_equal(drop_record(s->t, two, &out), OK);
	assert_int_equal(drop_record(s->t, two, &out), OK);
	assert_int_equal(list(s->t, &out), OK);
	assert_int_equal(out.record_count, 1);
	assert_string_equal(out.last_record, one);
	assert_int_equal(out.value_len, 5);
	assert_memory_equal(out.value, "first", 5);
}

static void test_foreign_objects(void **state)
{
	struct state *s = *state;
	CK_FUNCTION_LIST *p = functions();
	CK_SESSION_HANDLE h = foreign_session(p);
	char mine[TOKEN_LABEL_MAX];
	struct seen out = {0};

	record_name(1, 1, mine);
	make_foreign(p, h, "somebody's");
	make_foreign(p, h, "itg1|tooshort|1|0000");
	assert_int_equal(put_record(s->t, mine, "mine", 4, &out), OK);
	assert_int_equal(list(s->t, &out), OK);
	assert_int_equal(out.record_count, 1);
	assert_string_equal(out.last_record, mine);
	assert_int_equal(drop_record(s->t, "somebody's", &out), ERR_REFUSED);
	assert_int_equal(put_record(s->t, "somebody's", "x", 1, &out), ERR_REFUSED);
	assert_int_equal(drop_record(s->t, mine, &out), OK);
	assert_int_equal(count_data(p, h), 2);
}

/* What another program writes is told once, and nothing is searched for that is known. */
static void test_news(void **state)
{
	struct state *s = *state;
	CK_FUNCTION_LIST *p = functions();
	CK_SESSION_HANDLE h = foreign_session(p);
	struct token_request r = {.op = TOKEN_NEWS};
	char mine[TOKEN_LABEL_MAX], theirs[TOKEN_LABEL_MAX];
	struct seen out = {0};
	unsigned searches;

	record_name(1, 1, mine);
	record_name(1, 2, theirs);
	assert_int_equal(put_record(s->t, mine, "mine", 4, &out), OK);
	assert_int_equal(list(s->t, &out), OK);
	assert_int_equal(token_call(s->t, &r, seen_reply, &out, NULL), OK);
	assert_int_equal(out.record_count, 0);
	make_foreign(p, h, theirs);
	make_foreign(p, h, "somebody's");
	searches = fixture_calls(&s->f, "C_FindObjectsInit");
	assert_int_equal(token_call(s->t, &r, seen_reply, &out, NULL), OK);
	assert_int_equal(out.record_count, 1);
	assert_string_equal(out.last_record, theirs);
	assert_int_equal(fixture_calls(&s->f, "C_FindObjectsInit"), searches + 1);
	assert_int_equal(token_call(s->t, &r, seen_reply, &out, NULL), OK);
	assert_int_equal(out.record_count, 0);
	assert_int_equal(list(s->t, &out), OK);
	assert_int_equal(out.record_count, 2);
}

/* The object was made and the reply was lost; or the token failed before. */
static void test_record_lost_reply(void **state)
{
	struct state *s = *state;
	static const char *const faults[] = {"C_CreateObject:after 5 1 0\n",
	    "C_CreateObject:after 30 1 0\n", "C_CreateObject:after 6 1 0\n",
	    "C_CreateObject 30 1 0\n", "C_CreateObject b3 1 0\n"};
	char name[TOKEN_LABEL_MAX];
	struct seen out = {0};

	for (unsigned i = 0; i < MEM_COUNT(faults); i++) {
		record_name(i, 1, name);
		fixture_rules(&s->f, faults[i]);
		if (put_record(s->t, name, "value", 5, &out) != OK)
			fail_msg("%s: %s", faults[i], out.err.text);
		fixture_rules(&s->f, "");
		assert_int_equal(list(s->t, &out), OK);
		assert_int_equal(out.record_count, i + 1);
	}
}

static void test_list_is_one_search_per_class(void **state)
{
	struct state *s = *state;
	char name[TOKEN_LABEL_MAX];
	struct seen out = {0};
	unsigned before, calls[2];

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 10; i++) {
			record_name(round * 100 + i, 1, name);
			assert_int_equal(put_record(s->t, name, "v", 1, &out), OK);
			assert_int_equal(generate(s->t, round * 100 + i, 13, &out), OK);
		}
		before = fixture_calls(&s->f, "C_FindObjectsInit");
		assert_int_equal(list(s->t, &out), OK);
		calls[round] = fixture_calls(&s->f, "C_FindObjectsInit") - before;
	}
	assert_int_equal(out.record_count, 20);
	assert_int_equal(out.key_count, 20);
	assert_int_equal(calls[0], 3);
	assert_int_equal(calls[1], 3);
}

/* What cannot be read is tried once more, and then does not hide the others. */
static void test_unreadable_object(void **state)
{
	struct state *s = *state;
	static const struct {
		const char *rule;
		int code;
	} faults[] = {
	    {"C_GetAttributeValue 13 1 0\n", OK}, {"C_GetAttributeValue 5 1 0\n", OK},
	    {"C_GetAttributeValue 5 -1 0\n", ERR_TOKEN}, /* not: empty */
	};
	char name[TOKEN_LABEL_MAX];
	struct seen out = {0};

	for (unsigned i = 0; i < 5; i++) {
		record_name(i, 1, name);
		assert_int_equal(put_record(s->t, name, "v", 1, &out), OK);
	}
	for (unsigned i = 0; i < MEM_COUNT(faults); i++) {
		fixture_rules(&s->f, faults[i].rule);
		assert_int_equal(list(s->t, &out), faults[i].code);
		assert_int_equal(out.record_count, faults[i].code == OK ? 5 : 0);
		fixture_rules(&s->f, "");
		assert_int_equal(list(s->t, &out), OK);
		assert_int_equal(out.record_count, 5);
	}
}

static void test_faults_while_signing(void **state)
{
	struct state *s = *state;
	static const char *const faults[] = {
	    "C_SignInit b3 1 0\n",
	    "C_SignInit b0 1 0\n",
	    "C_Sign b3 1 0\n",
	    "C_SignInit 101 1 0\n",
	    "C_SignInit 82 1 0\n",
	    "C_SignInit 60 1 0\n",
	    "C_SignInit 30 1 0\n",
	    "C_Sign 30 1 0\n",
	    "C_Sign 6 2 0\n",
	    "C_SignInit 5 1 0\n",
	    "C_SignInit e0 1 0\n",
	    "C_SignInit 190 1 0\n",
	    "C_Sign 90 1 0\n",
	    "C_SignInit b3 1 0\nC_OpenSession 30 1 0\n",
	    "C_SignInit b3 1 0\nC_OpenSession b1 2 0\n",
	    "C_SignInit 30 1 0\nC_FindObjects 5 1 0\n",
	};
	struct seen key = {0};

	assert_int_equal(generate(s->t, 1, 13, &key), OK);
	for (unsigned i = 0; i < MEM_COUNT(faults); i++) {
		fixture_rules(&s->f, faults[i]);
		print_message("# %s", faults[i]);
		check_signature(s->t, 1, 13, &key, i);
		assert_true(token_is_up(s->t, NULL));
	}
}

/* All our sessions are closed behind our back, and the log-in went with them. */
static void test_sessions_gone(void **state)
{
	struct state *s = *state;
	CK_FUNCTION_LIST *p = functions();
	CK_SLOT_ID slots[8];
	CK_ULONG n = 8;
	struct seen key = {0}, out = {0};
	char name[TOKEN_LABEL_MAX];

	record_name(1, 1, name);
	assert_int_equal(generate(s->t, 1, 13, &key), OK);
	assert_int_equal(put_record(s->t, name, "v", 1, &out), OK);
	check_signature(s->t, 1, 13, &key, 1);
	p->C_GetSlotList(CK_TRUE, slots, &n);
	p->C_CloseAllSessions(slots[0]);
	check_signature(s->t, 1, 13, &key, 2);
	p->C_CloseAllSessions(slots[0]);
	assert_int_equal(list(s->t, &out), OK);
	assert_int_equal(out.key_count, 1);
	assert_int_equal(out.record_count, 1);
	p->C_CloseAllSessions(slots[0]);
	assert_int_equal(drop_record(s->t, name, &out), OK);
	assert_int_equal(list(s->t, &out), OK);
	assert_int_equal(out.record_count, 0);
	p->C_Logout(foreign_session(p));
	assert_int_equal(list(s->t, &out), OK);
	assert_int_equal(out.key_count, 1);
}

static void test_token_away(void **state)
{
	struct state *s = *state;
	struct seen key = {0}, out = {0};
	uint8_t data[32] = {0};
	char why[256];

	assert_int_equal(generate(s->t, 1, 13, &key), OK);
	fixture_rules(&s->f, "C_SignInit 30 -1 0\nC_OpenSession 30 -1 0\n");
	assert_int_equal(sign(s->t, 1, 13, data, 32, &out), ERR_TOKEN);
	assert_int_equal(out.err.ckr, CKR_DEVICE_ERROR);
	assert_non_null(strstr(out.err.text, "CKR_DEVICE_ERROR"));
	assert_false(token_is_up(s->t, why));
	assert_non_null(strstr(why, "C_OpenSession"));
	fixture_rules(&s->f, "");
	for (unsigned i = 0; i < 100 && sign(s->t, 1, 13, data, 32, &out) != OK; i++) {
		struct timespec ts = {0, 50000000};
		nanosleep(&ts, NULL);
	}
	assert_true(token_is_up(s->t, why));
	check_signature(s->t, 1, 13, &key, 2);
}

static void test_wrong_signature_is_seen(void **state)
{
	struct state *s = *state;
	struct seen key = {0}, out = {0};
	uint8_t data[32] = {0};

	assert_int_equal(generate(s->t, 1, 13, &key), OK);
	fixture_rules(&s->f, "C_Sign:flip 0 1 0\n");
	assert_int_equal(sign(s->t, 1, 13, data, 32, &out), OK);
	assert_int_equal(
	    token_verify(13, key.pub, key.pub_len, data, 32, out.signature, out.signature_len),
	    ERR_VERIFY);
}

static void test_random_and_caps(void **state)
{
	struct state *s = *state;
	struct token_request r = {.op = TOKEN_RANDOM, .length = 16};
	struct seen out = {0};

	assert_int_equal(token_call(s->t, &r, seen_reply, &out, NULL), OK);
	assert_int_equal(out.value_len, 16);
	r.op = TOKEN_CAPS;
	assert_int_equal(token_call(s->t, &r, seen_reply, &out, NULL), OK);
	for (unsigned i = 0; i < sizeof algorithms; i++)
		assert_true(out.caps.algorithms & 1U << algorithms[i]);
	assert_true(out.caps.data_objects && out.caps.private_objects && out.caps.session_copies);
	assert_true(out.caps.wrapping);
	assert_string_equal(out.caps.token_label, "intaglio");
	assert_int_equal(list(s->t, &out), OK);
	assert_int_equal(out.key_count + out.record_count, 0);
	assert_int_equal(count_data(functions(), foreign_session(functions())), 0);
}

static void test_wrong_pin(void **state)
{
	struct state *s = *state;
	struct secret wrong = {0};
	struct err e = {0};
	unsigned before;

	token_close(s->t);
	before = fixture_calls(&s->f, "C_Login");
	secret_set(&wrong, "999999", 6);
	s->t = token_open_local(&s->f.settings, &wrong, &e);
	assert_null(s->t);
	assert_int_equal(e.code, ERR_TOKEN);
	assert_int_equal(e.ckr, CKR_PIN_INCORRECT);
	assert_int_equal(fixture_calls(&s->f, "C_Login") - before, 1);
	/* an empty one, of a file that could not be read, not even that */
	secret_set(&wrong, "", 0);
	assert_null(token_open_local(&s->f.settings, &wrong, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	assert_int_equal(fixture_calls(&s->f, "C_Login") - before, 1);
	secret_free(&wrong);
}

/* The PIN stops being right while we run. */
static void test_pin_changed(void **state)
{
	struct state *s = *state;
	struct seen out = {0};
	uint8_t data[32] = {0};
	unsigned before;

	assert_int_equal(generate(s->t, 1, 13, &out), OK);
	before = fixture_calls(&s->f, "C_Login");
	fixture_rules(&s->f, "C_SignInit 30 1 0\nC_Login a0 -1 0\n");
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(sign(s->t, 1, 13, data, 32, &out), ERR_TOKEN);
	assert_int_equal(out.err.ckr, CKR_PIN_INCORRECT);
	assert_int_equal(fixture_calls(&s->f, "C_Login") - before, 1);
}

static void test_not_there(void **state)
{
	struct state *s = *state;
	struct token_settings other = s->f.settings;
	struct err e = {0};

	token_close(s->t);
	other.label = "nobody";
	s->t = token_open_local(&other, &s->f.pin, &e);
	assert_null(s->t);
	assert_int_equal(e.code, ERR_MISSING);
	assert_non_null(strstr(e.text, "\"intaglio\"")); /* what is there */
	other.module = "/nowhere/module.so";
	assert_null(token_open_local(&other, &s->f.pin, &e));
	assert_int_equal(e.code, ERR_MISSING);
	assert_non_null(strstr(e.text, "/nowhere/module.so"));
	other.module = "/usr/lib/x86_64-linux-gnu/libcrypto.so.3";
	assert_null(token_open_local(&other, &s->f.pin, &e));
	assert_int_equal(e.code, ERR_REFUSED);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
#define TEST(title, fn) {title, fn, set_up, tear_down, NULL}
	    TEST("R13 keys of all algorithms sign, and OpenSSL agrees", test_algorithms),
	    TEST("R12 generating again returns the same key", test_generate_again),
	    TEST("a key whose reply was lost is found", test_generate_lost_reply),
	    TEST("R13 what cannot be done is refused with words", test_refusals),
	    TEST("a dropped key signs no more", test_drop_key),
	    TEST("records are kept, and dropped", test_records),
	    TEST("foreign objects are neither listed nor touched", test_foreign_objects),
	    TEST("new records of others are told once, for one search", test_news),
	    TEST("a record whose reply was lost is there once", test_record_lost_reply),
	    TEST("listing takes one search per class", test_list_is_one_search_per_class),
	    TEST("an unreadable object does not hide the others", test_unreadable_object),
	    TEST("faults while signing are mended", test_faults_while_signing),
	    TEST("sessions closed by others are opened again", test_sessions_gone),
	    TEST("a token that is away comes back", test_token_away),
	    TEST("a wrong signature does not verify", test_wrong_signature_is_seen),
	    TEST("random octets, and what the token can do", test_random_and_caps),
	    TEST("a wrong PIN is tried once", test_wrong_pin),
	    TEST("a PIN that was changed is tried once", test_pin_changed),
	    TEST("a missing module or token is named", test_not_there),
	};

	maybe_worker(argc, argv);
	if (getenv("ONLY") != NULL)
		cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("token_local", tests, NULL, NULL);
}
