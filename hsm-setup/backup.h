/* backup: what the files of `intaglio-hsm backup` and `restore` share.
 *
 * The file, numbers big endian:
 *
 *   magic "INTAGLIO-BACKUP\n" (16), u32 version (1), u64 length of the whole file, salt (16), check value of the
 *   key (4), then sections of u8 kind, u32 length, content; last of all HMAC-SHA256 (32) over all before it
 *
 * From the operator's key come two, by HKDF-SHA256 (RFC 5869) with the file's salt: one wraps the private
 * keys (AES-256, in the token), one is for the HMAC.  Nothing of a file is believed before its HMAC. */
#ifndef HSM_SETUP_BACKUP_H
#define HSM_SETUP_BACKUP_H

#include "hsm-setup/hsm.h"
#include "pkcs11/wrap.h"

#define BACKUP_SALT_LEN 16
#define BACKUP_CHECK_LEN 4

struct backup_left_out { /* a key that is in the token and not in the file */
	uint8_t id[TOKEN_ID_LEN];
	char label[TOKEN_LABEL_MAX];
	char why[300];
};

struct backup {
	char token[33], serial[17], manufacturer[33], model[17];
	int64_t time;
	struct wrapped_key *keys; /* borrow from `octets` */
	struct token_record *records;
	struct backup_left_out *left_out;
	size_t key_count, record_count, left_out_count;
	struct buf octets;
};
void backup_free(struct backup *b);

/* --- backup_key.c: the operator's key, and what follows from it */
struct backup_keys {
	struct secret wrap, mac;
};
/* From --key-file, from both halves, or from the terminal; --make-key makes the files first, with random
 * octets of the token t. */
int backup_key_get(const struct options *o, struct token *t, struct secret *out, struct err *e);
void backup_key_check(const struct secret *key, uint8_t out[BACKUP_CHECK_LEN]);
void backup_keys_derive(
    const struct secret *key, const uint8_t salt[BACKUP_SALT_LEN], struct backup_keys *out);
void backup_keys_free(struct backup_keys *k);

/* --- backup_file.c */
void backup_encode(const struct backup *b, const struct secret *key,
    const uint8_t salt[BACKUP_SALT_LEN], struct buf *out);
/* Takes the octets (also on failure).  ERR_FORMAT: no back-up, cut, or damaged; ERR_BADKEY: another key. */
int backup_decode(struct buf *octets, const struct secret *key, struct backup *out,
    struct backup_keys *keys, struct err *e);
int backup_load(const char *path, const struct secret *key, struct backup *out,
    struct backup_keys *keys, struct err *e);
/* A new file that is whole or not there; an existing one is not touched (ERR_EXISTS). */
int backup_check_absent(const char *path, struct err *e);
int backup_save(const char *path, const struct buf *octets, struct err *e);

/* --- holding.c: what a token holds of ours, copied; keys sorted by CKA_ID, records by label */
struct holding {
	struct token_key *keys;
	struct token_record *records;
	size_t key_count, record_count;
	struct buf octets;
};
int holding_read(struct token *t, struct holding *out, struct err *e);
void holding_free(struct holding *h);
const struct token_record *holding_record(const struct holding *h, const char *label);

/* --- backup_words.c */
void backup_id_text(const uint8_t id[TOKEN_ID_LEN], char out[2 * TOKEN_ID_LEN + 1]);
const char *backup_algorithm_name(uint8_t algorithm);
/* "KSK ED25519 <CKA_ID>" */
void backup_key_text(const char *label, const uint8_t id[TOKEN_ID_LEN], char out[100]);
/* What the vendor's own tool can do where wrapping does not help; by CK_TOKEN_INFO.manufacturerID. */
const char *backup_advice(const char *manufacturer);
void backup_progress(const char *what, size_t done, size_t all); /* on a terminal only */
void backup_progress_end(void);

#endif
