/* The operator's key of a back-up: 256 bits as 64 hexadecimal digits, whole in one file, or as two
 * halves that two persons hold: the key is one half XOR the other, and neither half alone says
 * anything about it.  Runs in intaglio-hsm. */
#include "hsm-setup/backup.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS (2 * WRAP_KEY_LEN)

static void hmac(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[32])
{
	unsigned out_len = 32;

	HMAC(EVP_sha256(), key, (int)key_len, data, len, out, &out_len);
}

void backup_key_check(const struct secret *key, uint8_t out[BACKUP_CHECK_LEN])
{
	static const char text[] = "intaglio backup check value";
	uint8_t digest[32];

	hmac(key->data, key->len, text, sizeof text - 1, digest);
	memcpy(out, digest, BACKUP_CHECK_LEN);
}

/* RFC 5869 section 2.3, one block */
static void expand(const uint8_t prk[32], const char *info, struct secret *out)
{
	uint8_t input[64], key[32];
	size_t len = strlen(info);

	memcpy(input, info, len);
	input[len] = 1;
	hmac(prk, 32, input, len + 1, key);
	secret_set(out, key, sizeof key);
	secret_wipe(key, sizeof key);
}

void backup_keys_derive(
    const struct secret *key, const uint8_t salt[BACKUP_SALT_LEN], struct backup_keys *out)
{
	uint8_t prk[32];

	hmac(salt, BACKUP_SALT_LEN, key->data, key->len, prk);
	expand(prk, "intaglio backup wrap", &out->wrap);
	expand(prk, "intaglio backup file", &out->mac);
	secret_wipe(prk, sizeof prk);
}

void backup_keys_free(struct backup_keys *k)
{
	secret_free(&k->wrap);
	secret_free(&k->mac);
}

static int hex_value(uint8_t c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* Blanks between the digits are let through: people write them in groups. */
static int parse(const struct secret *text, const char *from, struct secret *out, struct err *e)
{
	uint8_t key[WRAP_KEY_LEN] = {0};
	unsigned digits = 0;
	bool good = true;

	for (size_t i = 0; good && i < text->len; i++) {
		int value = hex_value(text->data[i]);
		if (text->data[i] == ' ')
			continue;
		good = value >= 0 && digits < DIGITS;
		if (good) {
			key[digits / 2] = (uint8_t)(key[digits / 2] << 4 | value);
			digits++;
		}
	}
	if (good && digits == DIGITS)
		secret_set(out, key, sizeof key);
	secret_wipe(key, sizeof key);
	if (good && digits == DIGITS)
		return OK;
	return err_set(e, ERR_FORMAT, "%s: it does not hold a key: %d hexadecimal digits are one",
	    from, DIGITS);
}

static int check_mode(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return err_sys(e, "the key file %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_REFUSED, "the key file %s is not a plain file", path);
	if ((st.st_mode & 077) != 0)
		return err_set(e, ERR_REFUSED,
		    "the key file %s can be read by others than its owner (mode %03o): chmod 600 "
		    "it, "
		    "and think of who has seen it",
		    path, (unsigned)st.st_mode & 0777);
	return OK;
}

static int read_file(const char *path, struct secret *out, struct err *e)
{
	struct secret text = {0};
	int rc = check_mode(path, e);

	if (rc == OK)
		rc = secret_read_file(&text, path, e);
	if (rc == OK)
		rc = parse(&text, path, out, e);
	secret_free(&text);
	return rc;
}

static int ask(const char *what, struct secret *out, struct err *e)
{
	struct secret text = {0};
	int rc = pin_get(NULL, what, false, &text, e);

	if (rc == OK)
		rc = parse(&text, what, out, e);
	secret_free(&text);
	return rc;
}

/* So that a half can be compared with what its holder has written down. */
static void tell_check(const char *what, const struct secret *key)
{
	uint8_t check[BACKUP_CHECK_LEN];

	backup_key_check(key, check);
	fprintf(stderr, "intaglio-hsm: %s: check value %02x%02x%02x%02x\n", what, check[0],
	    check[1], check[2], check[3]);
}

static void keep_random(void *arg, const struct token_reply *reply)
{
	if (reply->code == OK && reply->value_len == WRAP_KEY_LEN)
		secret_set(arg, reply->value, reply->value_len);
}

/* Random octets of the token and of this host: one of the two being good is enough. */
static int make_random(struct token *t, uint8_t out[WRAP_KEY_LEN], struct err *e)
{
	struct token_request r = {.op = TOKEN_RANDOM, .length = WRAP_KEY_LEN};
	struct secret of_token = {0};
	int rc = token_call(t, &r, keep_random, &of_token, e);

	if (rc == OK && (of_token.len != WRAP_KEY_LEN || RAND_bytes(out, WRAP_KEY_LEN) != 1))
		rc = err_set(e, ERR_CRYPTO, "no random numbers for a key");
	for (size_t i = 0; rc == OK && i < WRAP_KEY_LEN; i++)
		out[i] ^= of_token.data[i];
	secret_free(&of_token);
	return rc;
}

static int make_file(const char *path, struct token *t, struct err *e)
{
	uint8_t key[WRAP_KEY_LEN];
	char text[DIGITS + 2];
	int fd, rc = make_random(t, key, e);

	if (rc != OK)
		return rc;
	for (unsigned i = 0; i < WRAP_KEY_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", key[i]);
	text[DIGITS] = '\n';
	secret_wipe(key, sizeof key);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		rc = err_sys(e, "making the key file %s", path);
	else if (write(fd, text, DIGITS + 1) != DIGITS + 1 || fsync(fd) != 0)
		rc = err_sys(e, "writing the key file %s", path);
	if (fd >= 0)
		close(fd);
	secret_wipe(text, sizeof text);
	return rc;
}

static int make_files(const struct options *o, struct token *t, struct err *e)
{
	int rc;

	if (o->key_file == NULL)
		return err_set(e, ERR_ARGUMENT, "--make-key needs --key-file: where to put it");
	rc = make_file(o->key_file, t, e);
	if (rc == OK && o->key_file_2 != NULL)
		rc = make_file(o->key_file_2, t, e);
	return rc;
}

static void join(struct secret *key, const struct secret *half)
{
	for (size_t i = 0; i < WRAP_KEY_LEN; i++)
		key->data[i] ^= half->data[i];
}

/* Both halves of a key that is split; *second empty: it is whole. */
static int get_parts(
    const struct options *o, struct secret *first, struct secret *second, struct err *e)
{
	int rc;

	if (o->key_file != NULL) {
		rc = read_file(o->key_file, first, e);
		if (rc == OK && o->key_file_2 != NULL)
			rc = read_file(o->key_file_2, second, e);
		return rc;
	}
	if (o->key_file_2 != NULL)
		return err_set(e, ERR_ARGUMENT, "--key-file-2 is the other half of a --key-file");
	rc = ask("First half of the back-up key (64 hexadecimal digits)", first, e);
	if (rc == OK)
		tell_check("first half", first);
	if (rc == OK)
		rc = ask("Second half of the back-up key", second, e);
	if (rc == OK)
		tell_check("second half", second);
	return rc;
}

int backup_key_get(const struct options *o, struct token *t, struct secret *out, struct err *e)
{
	struct secret first = {0}, second = {0};
	int rc = o->make_key ? make_files(o, t, e) : OK;

	if (rc == OK)
		rc = get_parts(o, &first, &second, e);
	if (rc == OK && second.len > 0) {
		join(&first, &second);
		static const uint8_t zeros[WRAP_KEY_LEN];
		if (memcmp(first.data, zeros, WRAP_KEY_LEN) == 0)
			rc = err_set(e, ERR_REFUSED,
			    "the two halves of the key are the same: each person has one of their "
			    "own");
	}
	if (rc == OK) {
		tell_check("the back-up key", &first);
		secret_set(out, first.data, first.len);
	}
	secret_free(&first);
	secret_free(&second);
	return rc;
}
