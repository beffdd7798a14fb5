/* `intaglio-hsm backup`: key pairs, wrapped by the token, and state records into a file.
 *
 * The daemon may be at work meanwhile: the token is listed again at the end, and what is new is
 * taken in, until two listings show the same.  So the file has no record of a key that it lacks. */
#include "hsm-setup/backup.h"

#include <jansson.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "base/period.h"

#define ROUNDS_MAX 10

struct saved {			  /* a key that was looked at */
	uint8_t id[TOKEN_ID_LEN]; /* first: they are sorted by it */
	char label[TOKEN_LABEL_MAX];
	uint8_t algorithm;
	size_t at, pub_len, wrapped_len; /* in saving.octets: public half, wrapped private half */
	bool is_left_out;
	char why[300];
};

struct saving {
	const struct options *o;
	struct token *t;
	struct token_caps caps;
	struct secret key;
	struct backup_keys keys;
	uint8_t salt[BACKUP_SALT_LEN];
	struct saved *saved;
	size_t count, room;
	struct buf octets;
	struct holding holding;
	struct backup backup; /* made of the above */
};

static void saving_free(struct saving *s)
{
	holding_free(&s->holding);
	backup_free(&s->backup);
	backup_keys_free(&s->keys);
	secret_free(&s->key);
	buf_free(&s->octets);
	free(s->saved);
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, TOKEN_ID_LEN);
}

static struct saved *find_saved(const struct saving *s, const uint8_t id[TOKEN_ID_LEN])
{
	return s->count == 0 ? NULL : bsearch(id, s->saved, s->count, sizeof s->saved[0], by_id);
}

static int export(struct saving *s, const struct token_key *key, struct saved *out, struct err *e)
{
	int rc;

	if (!key->has_private)
		return err_set(e, ERR_MISSING, "its private half is missing");
	if (key->pub_len == 0)
		return err_set(e, ERR_MISSING,
		    "its public half is missing or of another kind than its label says: there is "
		    "nothing to prove it with");
	buf_put(&s->octets, key->pub, key->pub_len);
	out->pub_len = key->pub_len;
	rc = wrap_export(s->t, &s->keys.wrap, key, &s->octets, e);
	if (rc == OK && s->octets.failed)
		rc = err_set(e, ERR_LIMIT, "there is no room for it");
	if (rc == OK)
		out->wrapped_len = s->octets.len - out->at - out->pub_len;
	return rc;
}

/* OK also when the key is left out; an error when there is no point in going on. */
static int save_key(struct saving *s, const struct token_key *key, struct err *e)
{
	struct saved *k;
	struct err mine = {0};

	if (s->count == s->room) {
		s->room = s->room == 0 ? 64 : 2 * s->room;
		s->saved = mem_grow(s->saved, s->room, sizeof s->saved[0]);
	}
	k = &s->saved[s->count];
	memset(k, 0, sizeof *k);
	memcpy(k->id, key->id, TOKEN_ID_LEN);
	memcpy(k->label, key->label, TOKEN_LABEL_MAX);
	k->algorithm = key->algorithm;
	k->at = s->octets.len;
	s->count++;
	if (export(s, key, k, &mine) == OK)
		return OK;
	k->is_left_out = true;
	snprintf(k->why, sizeof k->why, "%.299s", mine.text);
	if (token_is_up(s->t, NULL))
		return OK;
	*e = mine;
	return mine.code;
}

static int save_new_keys(struct saving *s, struct err *e)
{
	size_t known = s->count;
	int rc = OK;

	for (size_t i = 0; rc == OK && i < s->holding.key_count; i++) {
		struct saving before = {.saved = s->saved, .count = known};
		if (interrupted)
			rc = err_set(e, ERR_REFUSED, "interrupted: no back-up was written");
		else if (find_saved(&before, s->holding.keys[i].id) == NULL)
			rc = save_key(s, &s->holding.keys[i], e);
		backup_progress("key", i + 1, s->holding.key_count);
	}
	backup_progress_end();
	if (s->count > 1)
		qsort(s->saved, s->count, sizeof s->saved[0], by_id);
	return rc;
}

static bool is_same(const struct holding *a, const struct holding *b)
{
	if (a->key_count != b->key_count || a->record_count != b->record_count)
		return false;
	for (size_t i = 0; i < a->key_count; i++)
		if (memcmp(a->keys[i].id, b->keys[i].id, TOKEN_ID_LEN) != 0)
			return false;
	for (size_t i = 0; i < a->record_count; i++)
		if (strcmp(a->records[i].label, b->records[i].label) != 0)
			return false;
	return true;
}

static int save_all(struct saving *s, struct err *e)
{
	struct holding now;
	int rc = holding_read(s->t, &s->holding, e);

	for (unsigned round = 0; rc == OK && round < ROUNDS_MAX; round++) {
		rc = save_new_keys(s, e);
		if (rc == OK)
			rc = holding_read(s->t, &now, e);
		if (rc != OK)
			return rc;
		bool same = is_same(&s->holding, &now);
		holding_free(&s->holding);
		s->holding = now;
		if (same)
			return OK;
	}
	return rc != OK ? rc
			: err_set(e, ERR_AGAIN,
			      "the token changes faster than it can be read: try again when the "
			      "daemon does less, or is stopped");
}

static void add_left_out(struct backup *b, const struct saved *k)
{
	struct backup_left_out *l = &b->left_out[b->left_out_count++];

	memcpy(l->id, k->id, TOKEN_ID_LEN);
	memcpy(l->label, k->label, TOKEN_LABEL_MAX);
	memcpy(l->why, k->why, sizeof l->why);
}

static void add_key(struct saving *s, const struct saved *k)
{
	struct wrapped_key *key = &s->backup.keys[s->backup.key_count++];

	memcpy(key->id, k->id, TOKEN_ID_LEN);
	memcpy(key->label, k->label, TOKEN_LABEL_MAX);
	key->algorithm = k->algorithm;
	key->pub = s->octets.data + k->at;
	key->pub_len = k->pub_len;
	key->wrapped = key->pub + k->pub_len;
	key->wrapped_len = k->wrapped_len;
}

/* What the last listing showed: keys that went meanwhile are not in it. */
static void gather(struct saving *s)
{
	const struct holding *h = &s->holding;
	struct backup *b = &s->backup;

	memcpy(b->token, s->caps.token_label, sizeof b->token);
	memcpy(b->serial, s->caps.serial, sizeof b->serial);
	memcpy(b->manufacturer, s->caps.manufacturer, sizeof b->manufacturer);
	memcpy(b->model, s->caps.model, sizeof b->model);
	b->time = clock_real();
	b->keys = mem_array(h->key_count + 1, sizeof b->keys[0]);
	b->left_out = mem_array(h->key_count + 1, sizeof b->left_out[0]);
	b->records = mem_array(h->record_count + 1, sizeof b->records[0]);
	for (size_t i = 0; i < h->key_count; i++) {
		const struct saved *k = find_saved(s, h->keys[i].id);
		if (k->is_left_out)
			add_left_out(b, k);
		else
			add_key(s, k);
	}
	b->record_count = h->record_count;
	if (h->record_count > 0)
		memcpy(b->records, h->records, h->record_count * sizeof b->records[0]);
}

static int check_worth(const struct saving *s, struct err *e)
{
	const struct backup *b = &s->backup;

	if (b->key_count > 0)
		return OK;
	if (b->left_out_count == 0)
		return err_set(e, ERR_MISSING,
		    "token \"%s\" has no keys of Intaglio: there is "
		    "nothing to back up",
		    s->o->label);
	return err_set(e, ERR_REFUSED,
	    "not one of its %zu keys could be wrapped: no back-up was written; instead, %s",
	    b->left_out_count, backup_advice(s->caps.manufacturer));
}

/* Written, then read again as a restore would. */
static int write_file(struct saving *s, struct err *e)
{
	struct buf octets = {0};
	struct backup again = {0};
	struct backup_keys keys = {0};
	int rc;

	backup_encode(&s->backup, &s->key, s->salt, &octets);
	rc = octets.failed ? err_set(e, ERR_LIMIT, "the back-up is too large")
			   : backup_save(s->o->to, &octets, e);
	buf_free(&octets);
	if (rc == OK)
		rc = backup_load(s->o->to, &s->key, &again, &keys, e);
	backup_free(&again);
	backup_keys_free(&keys);
	return rc;
}

static void say_left_out(const struct saving *s)
{
	for (size_t i = 0; i < s->backup.left_out_count; i++) {
		const struct backup_left_out *l = &s->backup.left_out[i];
		char key[100];

		backup_key_text(l->label, l->id, key);
		fprintf(stderr, "intaglio-hsm: %s is NOT backed up: %s\n", key, l->why);
	}
}

static json_t *key_json(const char *label, const uint8_t id[TOKEN_ID_LEN], const char *why)
{
	char text[2 * TOKEN_ID_LEN + 1];

	backup_id_text(id, text);
	return json_pack("{s:s, s:s, s:b, s:s}", "id", text, "label", label, "saved",
	    (int)(why == NULL), "why", why != NULL ? why : "");
}

static void print_json(const struct saving *s)
{
	const struct backup *b = &s->backup;
	json_t *keys = json_array(), *all;
	char time[TIME_TEXT_SIZE];

	for (size_t i = 0; i < b->key_count; i++)
		json_array_append_new(keys, key_json(b->keys[i].label, b->keys[i].id, NULL));
	for (size_t i = 0; i < b->left_out_count; i++)
		json_array_append_new(
		    keys, key_json(b->left_out[i].label, b->left_out[i].id, b->left_out[i].why));
	time_text(b->time, time);
	all = json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:o}", "token", b->token,
	    "serial", b->serial, "time", time, "file", s->o->to != NULL ? s->o->to : "", "dry_run",
	    (int)s->o->dry_run, "saved", (json_int_t)b->key_count, "left_out",
	    (json_int_t)b->left_out_count, "records", (json_int_t)b->record_count, "keys", keys);
	json_dumpf(all, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(all);
}

static void report(const struct saving *s)
{
	const struct backup *b = &s->backup;

	say_left_out(s);
	if (s->o->json)
		print_json(s);
	else
		printf("%zu of %zu keys and %zu records of token \"%s\" %s %s\n", b->key_count,
		    b->key_count + b->left_out_count, b->record_count, b->token,
		    s->o->dry_run ? "could be written" : "are in",
		    s->o->dry_run ? "(dry run)" : s->o->to);
	if (b->left_out_count > 0)
		fprintf(stderr,
		    "intaglio-hsm: %zu keys are not backed up by this; for those that this token "
		    "does not wrap, %s\n",
		    b->left_out_count, backup_advice(s->caps.manufacturer));
}

static void keep_caps(void *arg, const struct token_reply *reply)
{
	*(struct token_caps *)arg = reply->caps;
}

static int prepare(struct saving *s, struct err *e)
{
	struct token_request r = {.op = TOKEN_CAPS};
	int rc = token_call(s->t, &r, keep_caps, &s->caps, e);

	if (rc == OK && !s->caps.wrapping)
		rc = err_set(e, ERR_REFUSED,
		    "this token (%s, %s) has no AES key wrap with padding, so keys cannot leave "
		    "it "
		    "wrapped; instead, %s",
		    s->caps.manufacturer, s->caps.model, backup_advice(s->caps.manufacturer));
	if (rc == OK)
		rc = backup_key_get(s->o, s->t, &s->key, e);
	if (rc == OK && RAND_bytes(s->salt, sizeof s->salt) != 1)
		rc = err_set(e, ERR_CRYPTO, "no random numbers for a salt");
	if (rc != OK)
		return rc;
	backup_keys_derive(&s->key, s->salt, &s->keys);
	return wrap_probe(s->t, &s->keys.wrap, e);
}

static int check_options(const struct options *o, struct err *e)
{
	if (o->to == NULL && !o->dry_run)
		return err_set(e, ERR_ARGUMENT, "backup needs --to FILE (or --dry-run)");
	return o->to != NULL ? backup_check_absent(o->to, e) : OK;
}

int cmd_backup(const struct options *o)
{
	struct saving s = {.o = o};
	struct err e = {0};
	int status = EXIT_DONE, rc = check_options(o, &e);

	if (rc != OK)
		return fail(&e);
	s.t = open_token(o, &status);
	if (s.t == NULL)
		return status;
	rc = prepare(&s, &e);
	if (rc == OK)
		rc = save_all(&s, &e);
	if (rc == OK) {
		gather(&s);
		rc = check_worth(&s, &e);
		if (rc != OK)
			say_left_out(&s);
	}
	if (rc == OK && !o->dry_run)
		rc = write_file(&s, &e);
	if (rc == OK) {
		report(&s);
		status = s.backup.left_out_count > 0 ? EXIT_FAILED : EXIT_DONE;
	} else {
		status = fail(&e);
	}
	token_close(s.t);
	saving_free(&s);
	return status;
}
