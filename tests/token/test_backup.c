/* intaglio-hsm backup and restore, as an operator runs them, from one SoftHSM token into another.
 * SoftHSM 2.6.1 wraps RSA and ECDSA keys; EdDSA keys it does not (CKR_KEY_NOT_WRAPPABLE). */
#include "hsm-setup/backup.h" /* before cmocka.h, which has a macro `fail` */
#include "tests/token/hsm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>
#include "base/buf.h"
#include "pkcs11/local.h"
#include "pkcs11/verify.h"

#define TOKEN " --module " SOFTHSM " --pin-file @/pin --label "
#define FAULTY " --module " FAULTMOD_PATH " --pin-file @/pin --label "
#define TO_FILE " --to @/backup --key-file @/key"
#define FROM_FILE " --from @/backup --key-file @/key"
#define KINDS 4

static const uint8_t wrappable[KINDS] = {8, 10, 13, 14};

struct state {
	struct hsm h;
	uint8_t pub[32][600];
	size_t pub_len[32]; /* by algorithm */
};

static void put_file(struct state *s, const char *name, const void *data, size_t len, mode_t mode)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", s->h.f.dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static size_t get_file(struct state *s, const char *name, uint8_t *out, size_t room)
{
	char path[128];
	size_t len;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", s->h.f.dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	len = fread(out, 1, room, f);
	fclose(f);
	return len;
}

static struct token *open_one(struct state *s, const char *label)
{
	struct err e = {0};
	struct token *t;

	s->h.f.settings.module = SOFTHSM;
	s->h.f.settings.label = label;
	t = token_open_local(&s->h.f.settings, &s->h.f.pin, &e);
	if (t == NULL)
		fail_msg("%s", e.text);
	return t;
}

static void make_key(
    struct state *s, struct token *t, unsigned n, uint8_t algorithm, bool can_leave)
{
	struct token_request r = generate_request(n, algorithm);
	struct seen out = {0};

	r.extractable = can_leave;
	assert_int_equal(token_call(t, &r, seen_reply, &out, NULL), OK);
	memcpy(s->pub[algorithm], out.pub, out.pub_len);
	s->pub_len[algorithm] = out.pub_len;
}

static void make_record(struct token *t, unsigned n, uint64_t sequence, const char *value)
{
	char name[TOKEN_LABEL_MAX];
	struct seen out = {0};

	record_name(n, sequence, name);
	assert_int_equal(put_record(t, name, value, strlen(value), &out), OK);
}

/* Token "intaglio" with a key of each kind that SoftHSM wraps and three records; "other" is empty.
 */
static int set_up(void **state)
{
	struct state *s = calloc(1, sizeof *s);
	struct token *t;

	fixture_open(&s->h.f);
	put_file(s, "pin", PIN "\n", strlen(PIN) + 1, 0600);
	put_file(s, "so", SO_PIN "\n", strlen(SO_PIN) + 1, 0600);
	/* SoftHSM leaks with each EdDSA signature */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	hsm_expect(&s->h, "init --so-pin-file @/so" TOKEN "other", 0, "is initialised");
	t = open_one(s, "intaglio");
	for (unsigned i = 0; i < KINDS; i++)
		make_key(s, t, i + 1, wrappable[i], true);
	make_record(t, 1, 1, "the first state");
	make_record(t, 1, 2, "the second state");
	make_record(t, 2, 1, "of another zone");
	token_close(t);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct state *s = *state;

	fixture_close(&s->h.f);
	free(s);
	return 0;
}

static void check_signs(struct state *s, struct token *t, unsigned n, uint8_t algorithm)
{
	uint8_t data[1000];
	size_t len = input_len(algorithm);
	struct seen out = {0};

	fill(data, len, n);
	assert_int_equal(sign(t, n, algorithm, data, len, &out), OK);
	assert_int_equal(token_verify(algorithm, s->pub[algorithm], s->pub_len[algorithm], data,
			     len, out.signature, out.signature_len),
	    OK);
}

struct records {
	unsigned count;
	uint32_t sum; /* over labels and values, whatever their order */
};

static void add_records(void *arg, const struct token_reply *reply)
{
	struct records *r = arg;

	assert_int_equal(reply->code, OK);
	for (size_t i = 0; i < reply->record_count; i++) {
		uint32_t sum = 1;
		for (const char *p = reply->records[i].label; *p != '\0'; p++)
			sum = sum * 31 + (uint8_t)*p;
		for (size_t j = 0; j < reply->records[i].value_len; j++)
			sum = sum * 31 + reply->records[i].value[j];
		r->sum += sum;
		r->count++;
	}
}

static struct records records_of(struct state *s, const char *label)
{
	struct token_request r = {.op = TOKEN_LIST};
	struct token *t = open_one(s, label);
	struct records found = {0};

	assert_int_equal(token_call(t, &r, add_records, &found, NULL), OK);
	token_close(t);
	return found;
}

static void test_round_trip(void **state)
{
	struct state *s = *state;
	struct records before = records_of(s, "intaglio"), after;
	struct token *t;

	hsm_expect(
	    &s->h, "backup --make-key" TOKEN "intaglio" TO_FILE, 0, "4 of 4 keys and 3 records");
	hsm_expect(
	    &s->h, "restore --dry-run" TOKEN "other" FROM_FILE, 0, "4 keys and 3 records made");
	hsm_expect(&s->h, "list" TOKEN "other", 0, "0 keys, 0 records");
	hsm_expect(&s->h, "restore" TOKEN "other" FROM_FILE, 0, "4 keys and 3 records made");
	t = open_one(s, "other");
	for (unsigned i = 0; i < KINDS; i++)
		check_signs(s, t, i + 1, wrappable[i]);
	token_close(t);
	after = records_of(s, "other");
	assert_int_equal(after.count, before.count);
	assert_int_equal(after.sum, before.sum);
	hsm_expect(&s->h, "restore" TOKEN "other" FROM_FILE, 0, "4 keys and 3 records were there");
	/* a restored key may be backed up again */
	hsm_expect(
	    &s->h, "backup --dry-run --json --key-file @/key" TOKEN "other", 0, "\"saved\": 4");
}

static void test_left_out(void **state)
{
	struct state *s = *state;
	struct token *t = open_one(s, "intaglio");

	make_key(s, t, 5, 13, false);
	make_key(s, t, 6, 15, true);
	make_key(s, t, 7, 16, true);
	token_close(t);
	hsm_expect(&s->h, "backup --make-key" TOKEN "intaglio" TO_FILE, 1, "4 of 7 keys");
	assert_non_null(strstr(s->h.out, "CKR_KEY_UNEXTRACTABLE"));
	assert_non_null(strstr(s->h.out, "require_backup"));
	assert_non_null(strstr(s->h.out, "ZSK ED25519"));
	assert_non_null(strstr(s->h.out, "ZSK ED448"));
	assert_non_null(strstr(s->h.out, "CKR_KEY_NOT_WRAPPABLE"));
	assert_non_null(strstr(s->h.out, "directories.tokendir"));
	hsm_expect(&s->h, "restore" TOKEN "other" FROM_FILE, 0, "is not in the back-up");
}

static void test_only_unwrappable(void **state)
{
	struct state *s = *state;
	struct token *t = open_one(s, "other");

	make_key(s, t, 5, 15, true);
	token_close(t);
	hsm_expect(&s->h, "backup --make-key" TOKEN "other" TO_FILE, 1, "no back-up was written");
	hsm_expect(&s->h, "restore" TOKEN "other" FROM_FILE, 1, "No such file");
}

static void test_keys(void **state)
{
	struct state *s = *state;
	static const char other[] =
	    "00112233 44556677 8899aabb ccddeeff 00112233 44556677 8899aabb ccddeeff\n";

	hsm_expect(&s->h, "backup --make-key" TOKEN "intaglio" TO_FILE, 0, "check value");
	hsm_expect(&s->h, "backup --make-key --to @/second --key-file @/key" TOKEN "intaglio", 1,
	    "exists");
	hsm_expect(&s->h, "backup" TOKEN "intaglio" TO_FILE, 1, "never overwritten");
	put_file(s, "wrong", other, strlen(other), 0600);
	hsm_expect(
	    &s->h, "restore --from @/backup --key-file @/wrong" TOKEN "other", 1, "another key");
	put_file(s, "wrong", other, strlen(other), 0640);
	hsm_expect(
	    &s->h, "restore --from @/backup --key-file @/wrong" TOKEN "other", 1, "chmod 600");
	put_file(s, "short", other, 20, 0600);
	hsm_expect(
	    &s->h, "restore --from @/backup --key-file @/short" TOKEN "other", 1, "64 hexadecimal");
	hsm_expect(&s->h, "restore --from @/backup" TOKEN "other", 1, "no terminal");
	hsm_expect(&s->h, "list" TOKEN "other", 0, "0 keys, 0 records");
}

static void test_two_halves(void **state)
{
	struct state *s = *state;

	hsm_expect(
	    &s->h, "backup --make-key --key-file-2 @/key2" TOKEN "intaglio" TO_FILE, 0, "4 of 4");
	hsm_expect(&s->h, "restore" TOKEN "other" FROM_FILE, 1, "another key");
	hsm_expect(&s->h, "restore --key-file-2 @/key" TOKEN "other" FROM_FILE, 1, "are the same");
	hsm_expect(&s->h, "restore --key-file-2 @/key2" TOKEN "other" FROM_FILE, 0,
	    "4 keys and 3 records");
}

static void load_key(struct state *s, struct secret *key)
{
	struct options o = {0};
	char path[128];
	struct err e = {0};

	snprintf(path, sizeof path, "%s/key", s->h.f.dir);
	o.key_file = path;
	if (backup_key_get(&o, NULL, key, &e) != OK)
		fail_msg("%s", e.text);
}

static int decode(
    const uint8_t *file, size_t len, const struct secret *key, struct backup *out, struct err *e)
{
	struct backup_keys keys = {0};
	struct buf octets = {0};
	int rc;

	buf_put(&octets, file, len);
	rc = backup_decode(&octets, key, out, &keys, e);
	assert_null(octets.data);
	backup_keys_free(&keys);
	return rc;
}

/* What a token wrapped is what RFC 5649 says, and a PKCS#8 of the key that the file says. */
static void check_wrapped(const struct wrapped_key *k, const struct secret *wrap)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t plain[WRAP_MAX + 16], spki[600], *end = spki;
	const uint8_t *p = plain;
	EVP_PKEY *key;
	int len = 0;

	assert_true(k->wrapped_len <= WRAP_MAX);
	EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	assert_int_equal(
	    EVP_DecryptInit_ex(context, EVP_aes_256_wrap_pad(), NULL, wrap->data, NULL), 1);
	assert_int_equal(
	    EVP_DecryptUpdate(context, plain, &len, k->wrapped, (int)k->wrapped_len), 1);
	key = d2i_AutoPrivateKey(NULL, &p, len);
	assert_non_null(key);
	assert_true(i2d_PUBKEY(key, NULL) <= (int)sizeof spki);
	len = i2d_PUBKEY(key, &end);
	if (k->algorithm >= 13) /* the point stands at the end */
		assert_memory_equal(end - k->pub_len, k->pub, k->pub_len);
	else /* the modulus stands before the exponent's five octets */
		assert_memory_equal(end - 5 - 128, k->pub + k->pub_len - 128, 128);
	EVP_PKEY_free(key);
	EVP_CIPHER_CTX_free(context);
}

static void test_standard(void **state)
{
	struct state *s = *state;
	static uint8_t file[65536];
	struct secret key = {0};
	struct backup_keys keys = {0};
	struct backup b = {0};
	struct buf octets = {0};
	size_t len;

	hsm_expect(&s->h, "backup --make-key" TOKEN "intaglio" TO_FILE, 0, "4 of 4");
	len = get_file(s, "backup", file, sizeof file);
	load_key(s, &key);
	buf_put(&octets, file, len);
	assert_int_equal(backup_decode(&octets, &key, &b, &keys, NULL), OK);
	assert_int_equal(b.key_count, KINDS);
	for (size_t i = 0; i < b.key_count; i++)
		check_wrapped(&b.keys[i], &keys.wrap);
	backup_free(&b);
	backup_keys_free(&keys);
	secret_free(&key);
}

/* Each octet flipped, each length: refused.  And what has a right HMAC over wrong content is read
 * with bounds (the sanitizers look). */
static void test_every_octet(void **state)
{
	struct state *s = *state;
	static uint8_t file[65536];
	struct secret key = {0};
	struct backup_keys keys = {0};
	struct backup b = {0};
	struct err e = {0};
	unsigned out_len, read = 0;
	size_t len;

	hsm_expect(&s->h, "backup --make-key" TOKEN "intaglio" TO_FILE, 0, "4 of 4");
	len = get_file(s, "backup", file, sizeof file);
	load_key(s, &key);
	assert_int_equal(decode(file, len, &key, &b, &e), OK);
	backup_free(&b);
	for (size_t i = 0; i < len; i++) {
		assert_int_not_equal(decode(file, i, &key, &b, &e), OK);
		file[i] ^= 1;
		assert_int_not_equal(decode(file, len, &key, &b, &e), OK);
		file[i] ^= 1;
	}
	backup_keys_derive(&key, file + 28, &keys);
	for (size_t i = 48; i < len - 32; i++) {
		uint8_t was = file[i];
		file[i] = (uint8_t)(was + 1 + i % 255);
		HMAC(EVP_sha256(), keys.mac.data, (int)keys.mac.len, file, len - 32,
		    file + len - 32, &out_len);
		if (decode(file, len, &key, &b, &e) == OK) {
			read++;
			backup_free(&b);
		}
		file[i] = was;
	}
	assert_true(read > 0);
	backup_keys_free(&keys);
	secret_free(&key);
}

/* Every part of a file, damaged in turn, and files cut at every part. */
static void test_damage(void **state)
{
	struct state *s = *state;
	static uint8_t file[65536];
	size_t len;

	hsm_expect(&s->h, "backup --make-key" TOKEN "intaglio" TO_FILE, 0, "4 of 4");
	len = get_file(s, "backup", file, sizeof file);
	assert_true(len > 100);
	for (size_t at = 0; at < len; at += at < 48 ? 7 : len / 8) {
		file[at] ^= 0x10;
		put_file(s, "backup", file, len, 0600);
		file[at] ^= 0x10;
		assert_int_equal(hsm_run(&s->h, "restore" TOKEN "other" FROM_FILE), 1);
		if (strstr(s->h.out, "the back-up") == NULL ||
		    (strstr(s->h.out, "damaged") == NULL && strstr(s->h.out, "no back-up") == NULL))
			fail_msg("octet %zu flipped: %s", at, s->h.out);
	}
	for (size_t cut = 0; cut < len; cut += len / 5) {
		put_file(s, "backup", file, cut, 0600);
		hsm_expect(&s->h, "restore" TOKEN "other" FROM_FILE, 1, "cut");
	}
	hsm_expect(&s->h, "list" TOKEN "other", 0, "0 keys, 0 records");
}

static void test_conflicts(void **state)
{
	struct state *s = *state;
	struct token *t;

	hsm_expect(&s->h, "backup --make-key" TOKEN "intaglio" TO_FILE, 0, "4 of 4");
	t = open_one(s, "other");
	make_key(s, t, 1, wrappable[0], true); /* the same CKA_ID, another key */
	token_close(t);
	hsm_expect(&s->h, "restore" TOKEN "other" FROM_FILE, 1, "nothing was restored");
	hsm_expect(&s->h, "list" TOKEN "other", 0, "1 keys, 0 records");
	t = open_one(s, "intaglio");
	make_record(t, 1, 3, "the state went on");
	token_close(t);
	hsm_expect(&s->h, "restore" TOKEN "intaglio" FROM_FILE, 1, "went on since");
	hsm_expect(&s->h, "restore --keys-only" TOKEN "intaglio" FROM_FILE, 0,
	    "4 keys and 0 records were");
}

static void test_lost_replies(void **state)
{
	struct state *s = *state;
	struct token *t;

	hsm_expect(&s->h, "backup --make-key" TOKEN "intaglio" TO_FILE, 0, "4 of 4");
	fixture_rules(&s->h.f, "C_UnwrapKey:after 5 1 0\nC_CreateObject:after 5 2 0\n");
	hsm_expect(&s->h, "restore" FAULTY "other" FROM_FILE, 0, "3 records");
	fixture_rules(&s->h.f, "");
	hsm_expect(&s->h, "list" TOKEN "other", 0, "4 keys, 3 records");
	assert_null(strstr(s->h.out, "missing"));
	t = open_one(s, "other");
	for (unsigned i = 0; i < KINDS; i++)
		check_signs(s, t, i + 1, wrappable[i]);
	token_close(t);
}

/* A run that was cut is completed by the next. */
static void test_cut(void **state)
{
	struct state *s = *state;
	/* In this order: a private half that stayed is found by the next run. */
	static const char *const broken[] = {"C_UnwrapKey 30 -1 0\n", "C_Sign 30 -1 0\n"};
	struct token *t;

	hsm_expect(&s->h, "backup --make-key" TOKEN "intaglio" TO_FILE, 0, "4 of 4");
	for (unsigned i = 0; i < 2; i++) {
		fixture_rules(&s->h.f, broken[i]);
		hsm_expect(&s->h, "restore" FAULTY "other" FROM_FILE, 1, "CKR_DEVICE_ERROR");
		assert_non_null(strstr(s->h.out, "0 records made"));
	}
	fixture_rules(&s->h.f, "");
	hsm_expect(&s->h, "restore" TOKEN "other" FROM_FILE, 0, "0 keys failed");
	hsm_expect(&s->h, "list" TOKEN "other", 0, "4 keys, 3 records");
	t = open_one(s, "other");
	for (unsigned i = 0; i < KINDS; i++)
		check_signs(s, t, i + 1, wrappable[i]);
	token_close(t);
}

/* kill -9 before every second object that a run makes: public halves, wrapping keys, records. */
static void test_killed(void **state)
{
	struct state *s = *state;
	unsigned kills = 0;
	int status;
	struct token *t;

	hsm_expect(&s->h, "backup --make-key" TOKEN "intaglio" TO_FILE, 0, "4 of 4");
	fixture_rules(&s->h.f, "C_CreateObject:kill 0 3 0\n"); /* the first is the probe's */
	while ((status = hsm_run_status(&s->h, "restore" FAULTY "other" FROM_FILE)) != 0) {
		if (!WIFSIGNALED(status) && WEXITSTATUS(status) != 128 + 9)
			fail_msg("not killed, and failed: %s", s->h.out);
		assert_true(++kills < 30);
	}
	fixture_rules(&s->h.f, "");
	assert_true(kills >= 5);
	hsm_expect(&s->h, "list" TOKEN "other", 0, "4 keys, 3 records");
	assert_null(strstr(s->h.out, "missing"));
	t = open_one(s, "other");
	for (unsigned i = 0; i < KINDS; i++)
		check_signs(s, t, i + 1, wrappable[i]);
	token_close(t);
}

static int drop_public(struct attempt *a, struct err *e)
{
	CK_OBJECT_HANDLE h = 0;
	int rc = keygen_find_half(a->l, INDEX_PUBLIC, a->r->id, &h, e);

	assert_true(h != 0);
	return rc == OK ? object_destroy(a->l, INDEX_PUBLIC, h, a->r->id, TOKEN_ID_LEN, e) : rc;
}

/* What a kill in the middle of C_UnwrapKey leaves in SoftHSM: CKA_ID and label without a good key.
 */
static void test_half_made(void **state)
{
	struct state *s = *state;
	struct token_request r = generate_request(3, 13);
	struct attempt a = {.r = &r};
	struct seen out = {0};
	struct token *t;

	hsm_expect(&s->h, "backup --make-key" TOKEN "intaglio" TO_FILE, 0, "4 of 4");
	t = open_one(s, "other");
	assert_int_equal(token_call(t, &r, seen_reply, &out, NULL), OK);
	a.l = (struct local *)t;
	a.s = &a.l->control;
	assert_int_equal(ladder_run(&a, drop_public, NULL), OK);
	token_close(t);
	hsm_expect(
	    &s->h, "restore --dry-run" TOKEN "other" FROM_FILE, 0, "4 keys and 3 records made");
	hsm_expect(&s->h, "list" TOKEN "other", 0, "public half missing");
	hsm_expect(&s->h, "restore" TOKEN "other" FROM_FILE, 0, "4 keys and 3 records made");
	hsm_expect(&s->h, "list" TOKEN "other", 0, "4 keys, 3 records");
	t = open_one(s, "other");
	check_signs(s, t, 3, 13);
	token_close(t);
}

/* Tokens that cannot, as far as their words go. */
static void test_incapable(void **state)
{
	struct state *s = *state;

	hsm_expect(&s->h, "backup --make-key" TOKEN "intaglio" TO_FILE, 0, "4 of 4");
	fixture_rules(&s->h.f, "C_GetMechanismInfo 70 -1 0\n");
	hsm_expect(&s->h, "backup --to @/second --key-file @/key" FAULTY "intaglio", 1,
	    "no AES key wrap with padding");
	assert_non_null(strstr(s->h.out, "directories.tokendir"));
	hsm_expect(&s->h, "restore" FAULTY "other" FROM_FILE, 1, "no AES key wrap with padding");
	fixture_rules(&s->h.f, "C_CreateObject 13 -1 0\n");
	hsm_expect(&s->h, "backup --to @/second --key-file @/key" FAULTY "intaglio", 1,
	    "importing the wrapping key: C_CreateObject: CKR_ATTRIBUTE_VALUE_INVALID");
	fixture_rules(&s->h.f, "C_WrapKey 54 -1 0\n");
	hsm_expect(&s->h, "backup --to @/second --key-file @/key" FAULTY "intaglio", 1,
	    "CKR_FUNCTION_NOT_SUPPORTED");
	assert_non_null(strstr(s->h.out, "no back-up was written"));
}

/* A signature that does not verify: the key is not kept. */
static void test_unproved(void **state)
{
	struct state *s = *state;

	hsm_expect(&s->h, "backup --make-key" TOKEN "intaglio" TO_FILE, 0, "4 of 4");
	fixture_rules(&s->h.f, "C_Sign:flip 0 1 0\n");
	hsm_expect(&s->h, "restore" FAULTY "other" FROM_FILE, 1, "did not prove itself");
	fixture_rules(&s->h.f, "");
	assert_non_null(strstr(s->h.out, "1 keys failed"));
	hsm_expect(&s->h, "list" TOKEN "other", 0, "3 keys");
	fixture_rules(&s->h.f, "C_Sign:flip 0 1 0\n");
	hsm_expect(&s->h, "backup --dry-run --key-file @/key" FAULTY "intaglio", 1, "3 of 4 keys");
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
#define TEST(title, fn) {title, fn, set_up, tear_down, NULL}
	    TEST("R27 keys and records go from token to token, the same", test_round_trip),
	    TEST("keys that cannot leave are named, with what to do; the rest is saved",
		test_left_out),
	    TEST("where nothing can leave, nothing is written", test_only_unwrappable),
	    TEST("the key file: made once, guarded, told from a wrong one", test_keys),
	    TEST("a key in two halves needs both", test_two_halves),
	    TEST("a damaged or cut back-up is refused with words", test_damage),
	    TEST("each octet and each length of a file counts", test_every_octet),
	    TEST("what is wrapped can be read by the book (RFC 5649, PKCS#8)", test_standard),
	    TEST("nothing is overwritten, no state goes back", test_conflicts),
	    TEST("lost replies make no second key", test_lost_replies),
	    TEST("a restore that was cut is completed by the next", test_cut),
	    TEST("kill -9 at every step of a restore loses nothing", test_killed),
	    TEST("what a kill inside the token left is made anew", test_half_made),
	    TEST("a token that cannot do it is told so, with what to do", test_incapable),
	    TEST("a key that does not prove itself is not kept", test_unproved),
	};

	maybe_worker(argc, argv);
	if (getenv("ONLY") != NULL)
		cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("backup", tests, NULL, NULL);
}
