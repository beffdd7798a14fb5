/* The back-up file: see backup.h.  Runs in intaglio-hsm.  A file is not trusted before its HMAC
 * holds; then it is what somebody with the key has written, and still read with bounds. */
#include "hsm-setup/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "pkcs11/labels.h"

#define MAGIC "INTAGLIO-BACKUP\n"
#define MAGIC_LEN 16
#define VERSION 1
#define LENGTH_AT (MAGIC_LEN + 4)
#define SALT_AT (LENGTH_AT + 8)
#define CHECK_AT (SALT_AT + BACKUP_SALT_LEN)
#define BODY_AT (CHECK_AT + BACKUP_CHECK_LEN)
#define MAC_LEN 32
#define FILE_MAX ((size_t)1 << 30)

enum section { SECTION_TOKEN = 1, SECTION_KEY, SECTION_RECORD, SECTION_LEFT_OUT };

void backup_free(struct backup *b)
{
	free(b->keys);
	free(b->records);
	free(b->left_out);
	buf_free(&b->octets);
	memset(b, 0, sizeof *b);
}

static void put_section(struct buf *out, enum section kind, struct buf *content)
{
	buf_u8(out, (uint8_t)kind);
	buf_lv32(out, content->data, content->len);
	buf_reset(content);
}

static void put_body(const struct backup *b, struct buf *out)
{
	struct buf s = {0};

	buf_str(&s, b->token);
	buf_str(&s, b->serial);
	buf_str(&s, b->manufacturer);
	buf_str(&s, b->model);
	buf_u64(&s, (uint64_t)b->time);
	put_section(out, SECTION_TOKEN, &s);
	for (size_t i = 0; i < b->key_count; i++) {
		buf_put(&s, b->keys[i].id, TOKEN_ID_LEN);
		buf_str(&s, b->keys[i].label);
		buf_u8(&s, b->keys[i].algorithm);
		buf_lv16(&s, b->keys[i].pub, b->keys[i].pub_len);
		buf_lv16(&s, b->keys[i].wrapped, b->keys[i].wrapped_len);
		put_section(out, SECTION_KEY, &s);
	}
	for (size_t i = 0; i < b->record_count; i++) {
		buf_str(&s, b->records[i].label);
		buf_lv32(&s, b->records[i].value, b->records[i].value_len);
		put_section(out, SECTION_RECORD, &s);
	}
	for (size_t i = 0; i < b->left_out_count; i++) {
		buf_put(&s, b->left_out[i].id, TOKEN_ID_LEN);
		buf_str(&s, b->left_out[i].label);
		buf_str(&s, b->left_out[i].why);
		put_section(out, SECTION_LEFT_OUT, &s);
	}
	buf_free(&s);
}

static void make_mac(const struct secret *key, const void *data, size_t len, uint8_t out[MAC_LEN])
{
	unsigned out_len = MAC_LEN;

	HMAC(EVP_sha256(), key->data, (int)key->len, data, len, out, &out_len);
}

void backup_encode(const struct backup *b, const struct secret *key,
    const uint8_t salt[BACKUP_SALT_LEN], struct buf *out)
{
	struct backup_keys keys = {0};
	uint8_t check[BACKUP_CHECK_LEN], mac[MAC_LEN];

	backup_key_check(key, check);
	backup_keys_derive(key, salt, &keys);
	buf_put(out, MAGIC, MAGIC_LEN);
	buf_u32(out, VERSION);
	buf_u64(out, 0);
	buf_put(out, salt, BACKUP_SALT_LEN);
	buf_put(out, check, sizeof check);
	put_body(b, out);
	if (!out->failed) {
		uint64_t total = out->len + MAC_LEN;
		store_u32(out->data + LENGTH_AT, (uint32_t)(total >> 32));
		store_u32(out->data + LENGTH_AT + 4, (uint32_t)total);
		make_mac(&keys.mac, out->data, out->len, mac);
		buf_put(out, mac, sizeof mac);
	}
	backup_keys_free(&keys);
}

static int check_frame(
    const struct buf *b, const struct secret *key, struct backup_keys *keys, struct err *e)
{
	uint8_t check[BACKUP_CHECK_LEN], mac[MAC_LEN];
	const uint8_t *p = b->data;
	uint64_t total;

	if (b->len < BODY_AT + MAC_LEN || memcmp(p, MAGIC, MAGIC_LEN) != 0)
		return err_set(e, ERR_FORMAT,
		    "it is no back-up of `intaglio-hsm backup`, or what a cut one left");
	if (load_u32(p + MAGIC_LEN) != VERSION)
		return err_set(e, ERR_FORMAT,
		    "it has version %u, and this program knows version %d only: it is of a newer "
		    "program, or damaged",
		    (unsigned)load_u32(p + MAGIC_LEN), VERSION);
	total = (uint64_t)load_u32(p + LENGTH_AT) << 32 | load_u32(p + LENGTH_AT + 4);
	if (total != b->len)
		return err_set(e, ERR_FORMAT,
		    "it is cut or damaged: it has %zu octets and says that it has %llu", b->len,
		    (unsigned long long)total);
	backup_key_check(key, check);
	if (memcmp(check, p + CHECK_AT, sizeof check) != 0)
		return err_set(e, ERR_BADKEY,
		    "it was made with another key, of check value %02x%02x%02x%02x (or is damaged)",
		    p[CHECK_AT], p[CHECK_AT + 1], p[CHECK_AT + 2], p[CHECK_AT + 3]);
	backup_keys_derive(key, p + SALT_AT, keys);
	make_mac(&keys->mac, p, b->len - MAC_LEN, mac);
	if (CRYPTO_memcmp(mac, p + b->len - MAC_LEN, MAC_LEN) != 0)
		return err_set(e, ERR_FORMAT,
		    "it is damaged, or was changed by somebody without the key: its HMAC does not "
		    "hold");
	return OK;
}

static void read_token(struct reader *r, struct backup *b)
{
	reader_str(r, b->token, sizeof b->token);
	reader_str(r, b->serial, sizeof b->serial);
	reader_str(r, b->manufacturer, sizeof b->manufacturer);
	reader_str(r, b->model, sizeof b->model);
	b->time = (int64_t)reader_u64(r);
}

static void read_id(struct reader *r, uint8_t out[TOKEN_ID_LEN])
{
	const uint8_t *id = reader_bytes(r, TOKEN_ID_LEN);

	if (id != NULL)
		memcpy(out, id, TOKEN_ID_LEN);
}

static void read_key(struct reader *r, struct wrapped_key *k)
{
	read_id(r, k->id);
	reader_str(r, k->label, sizeof k->label);
	k->algorithm = reader_u8(r);
	k->pub = reader_lv16(r, &k->pub_len);
	k->wrapped = reader_lv16(r, &k->wrapped_len);
}

static void read_record(struct reader *r, struct token_record *record)
{
	reader_str(r, record->label, sizeof record->label);
	record->value = reader_lv32(r, &record->value_len);
}

static void read_left_out(struct reader *r, struct backup_left_out *l)
{
	read_id(r, l->id);
	reader_str(r, l->label, sizeof l->label);
	reader_str(r, l->why, sizeof l->why);
}

/* Anything else would make objects that this program could never touch again. */
static bool are_labels_ours(const struct backup *b)
{
	struct birth_label birth;
	struct record_label record;

	for (size_t i = 0; i < b->key_count; i++)
		if (!labels_parse_key(b->keys[i].label, &birth))
			return false;
	for (size_t i = 0; i < b->record_count; i++)
		if (!labels_parse_record(b->records[i].label, &record))
			return false;
	return true;
}

/* First with out NULL, to count; sections of kinds that we do not know are a newer program's. */
static bool read_sections(struct reader r, struct backup *out, size_t counts[SECTION_LEFT_OUT + 1])
{
	bool good = true;

	memset(counts, 0, (SECTION_LEFT_OUT + 1) * sizeof counts[0]);
	while (good && reader_left(&r) > 0) {
		uint8_t kind = reader_u8(&r);
		size_t len, i;
		const uint8_t *content = reader_lv32(&r, &len);
		struct reader s = reader_of(content, content != NULL ? len : 0);

		good = !r.failed && kind >= SECTION_TOKEN && kind <= SECTION_LEFT_OUT;
		if (!good)
			break;
		i = counts[kind]++;
		if (out == NULL)
			continue;
		if (kind == SECTION_TOKEN)
			read_token(&s, out);
		else if (kind == SECTION_KEY)
			read_key(&s, &out->keys[i]);
		else if (kind == SECTION_RECORD)
			read_record(&s, &out->records[i]);
		else
			read_left_out(&s, &out->left_out[i]);
		good = !s.failed && reader_left(&s) == 0;
	}
	return good && !r.failed;
}

int backup_decode(struct buf *octets, const struct secret *key, struct backup *out,
    struct backup_keys *keys, struct err *e)
{
	struct backup b = {.octets = *octets};
	struct backup_keys derived = {0};
	size_t counts[SECTION_LEFT_OUT + 1];
	struct reader r;
	int rc;

	memset(octets, 0, sizeof *octets);
	rc = check_frame(&b.octets, key, &derived, e);
	if (rc != OK)
		goto failed;
	r = reader_of(b.octets.data + BODY_AT, b.octets.len - BODY_AT - MAC_LEN);
	if (read_sections(r, NULL, counts) && counts[SECTION_TOKEN] == 1) {
		b.key_count = counts[SECTION_KEY];
		b.record_count = counts[SECTION_RECORD];
		b.left_out_count = counts[SECTION_LEFT_OUT];
		b.keys = mem_array(b.key_count + 1, sizeof b.keys[0]);
		b.records = mem_array(b.record_count + 1, sizeof b.records[0]);
		b.left_out = mem_array(b.left_out_count + 1, sizeof b.left_out[0]);
		if (read_sections(r, &b, counts) && are_labels_ours(&b)) {
			*out = b;
			*keys = derived;
			return OK;
		}
	}
	rc = err_set(e, ERR_FORMAT, "it is whole, and not what this program writes: a newer one's");
failed:
	backup_keys_free(&derived);
	backup_free(&b);
	return rc;
}

static int read_all(const char *path, struct buf *out, struct err *e)
{
	struct stat st;
	int rc = OK, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "opening it");
	if (fstat(fd, &st) != 0)
		rc = err_sys(e, "reading it");
	else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > FILE_MAX)
		rc = err_set(e, ERR_FORMAT, "it is not a plain file of less than 1 GiB");
	for (size_t at = 0; rc == OK && at < (size_t)st.st_size;) {
		size_t want = (size_t)st.st_size - at < 65536 ? (size_t)st.st_size - at : 65536;
		uint8_t *room = buf_extend(out, want);
		ssize_t n = room != NULL ? read(fd, room, want) : -1;

		if (n <= 0)
			rc = n < 0 ? err_sys(e, "reading it")
				   : err_set(e, ERR_FORMAT, "it became shorter while it was read");
		else
			out->len = at += (size_t)n;
	}
	close(fd);
	return rc;
}

int backup_load(const char *path, const struct secret *key, struct backup *out,
    struct backup_keys *keys, struct err *e)
{
	struct buf octets = {.limit = FILE_MAX};
	int rc = read_all(path, &octets, e);

	if (rc == OK)
		rc = backup_decode(&octets, key, out, keys, e);
	buf_free(&octets);
	if (rc != OK)
		err_wrap(e, "the back-up %s", path);
	return rc;
}

int backup_check_absent(const char *path, struct err *e)
{
	if (access(path, F_OK) == 0)
		return err_set(e, ERR_EXISTS,
		    "%s is there already: a back-up is never overwritten; choose another name",
		    path);
	return errno == ENOENT ? OK : err_sys(e, "%s", path);
}

static int write_all(int fd, const struct buf *octets, const char *path, struct err *e)
{
	for (size_t at = 0; at < octets->len;) {
		ssize_t n = write(fd, octets->data + at, octets->len - at);
		if (n < 0 && errno != EINTR)
			return err_sys(e, "writing %s", path);
		at += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) != 0 ? err_sys(e, "writing %s", path) : OK;
}

/* The name is durable when the folder is. */
static int sync_folder(const char *path, struct err *e)
{
	char *copy = mem_strdup(path);
	int rc = OK, fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		rc = err_sys(e, "writing the folder of %s", path);
	if (fd >= 0)
		close(fd);
	free(copy);
	return rc;
}

static int put_in_place(const char *partial, const char *path, struct err *e)
{
	if (renameat2(AT_FDCWD, partial, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return OK;
	/* Some file systems do not know the flag. */
	if (errno == EINVAL && access(path, F_OK) != 0 && rename(partial, path) == 0)
		return OK;
	return err_sys(e, "giving %s its name", path);
}

int backup_save(const char *path, const struct buf *octets, struct err *e)
{
	char *partial = mem_printf("%s.partial", path);
	int rc = OK, fd;

	unlink(partial); /* of a run that was cut */
	fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		rc = err_sys(e, "making %s", partial);
		goto out;
	}
	rc = write_all(fd, octets, partial, e);
	if (close(fd) != 0 && rc == OK)
		rc = err_sys(e, "writing %s", partial);
	if (rc == OK)
		rc = put_in_place(partial, path, e);
	if (rc == OK)
		rc = sync_folder(path, e);
	else
		unlink(partial);
out:
	free(partial);
	return rc;
}
