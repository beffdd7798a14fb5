/* `intaglio-hsm restore`: makes in a token what a back-up has and it lacks; nothing is overwritten.
 *
 * First all is compared, and any conflict refuses the whole; then keys; then records, in the order
 * of their sequence.  A zone is known by its record, so that a run which was cut leaves keys
 * without a record, for which the daemon makes nothing new; a second run finds what is there and
 * makes the rest. */
#include "hsm-setup/backup.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/period.h"
#include "pkcs11/labels.h"

#define HASH_AT 5 /* in labels of keys and records: after "itg1/", "itg1|" */
#define HASH_LEN 16

struct restoring {
	const struct options *o;
	struct token *t;
	struct backup backup;
	struct backup_keys keys;
	struct holding holding;
	const char **failed; /* labels of keys, borrowed from the back-up */
	size_t keys_made, keys_present, keys_failed;
	size_t records_made, records_present, records_held;
	json_t *lines; /* of the keys */
};

static void restoring_free(struct restoring *r)
{
	backup_free(&r->backup);
	backup_keys_free(&r->keys);
	holding_free(&r->holding);
	json_decref(r->lines);
	free(r->failed);
}

static void hash_text(const char *label, char out[HASH_LEN + 1])
{
	snprintf(out, HASH_LEN + 1, "%s", label + HASH_AT);
}

/* The first record of a list sorted by label that is of this record's zone, or would be. */
static size_t first_of_zone(const struct backup *b, const char *label)
{
	size_t low = 0, high = b->record_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strncmp(b->records[middle].label, label, HASH_AT + HASH_LEN) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The highest sequence of that zone's records in the back-up. */
static bool highest_in_backup(const struct backup *b, const char *label, uint64_t *out)
{
	struct record_label l;
	bool found = false;

	for (size_t i = first_of_zone(b, label); i < b->record_count; i++) {
		if (strncmp(b->records[i].label, label, HASH_AT + HASH_LEN) != 0)
			break;
		if (!labels_parse_record(b->records[i].label, &l))
			continue;
		if (!found || l.sequence > *out)
			*out = l.sequence;
		found = true;
	}
	return found;
}

static int by_label(const void *a, const void *b)
{
	return strcmp(
	    ((const struct token_record *)a)->label, ((const struct token_record *)b)->label);
}

static bool is_in_backup(const struct backup *b, const char *label)
{
	struct token_record wanted;

	snprintf(wanted.label, sizeof wanted.label, "%s", label);
	return b->record_count > 0 && bsearch(&wanted, b->records, b->record_count,
					  sizeof b->records[0], by_label) != NULL;
}

/* A record that the token has and the back-up has not: older state of the same zone is superseded;
 * the same or a later one would make two truths, or go back. */
static int check_other_record(
    const struct restoring *r, const struct token_record *record, struct err *e)
{
	struct record_label l;
	uint64_t highest = 0;
	char hash[HASH_LEN + 1];

	if (!labels_parse_record(record->label, &l) || is_in_backup(&r->backup, record->label) ||
	    !highest_in_backup(&r->backup, record->label, &highest) || l.sequence < highest)
		return OK;
	hash_text(record->label, hash);
	return err_set(e, ERR_CONFLICT,
	    "nothing was restored: the token has record %llu of the zone with hash %s, which is "
	    "not in the back-up, whose latest is %llu: its state went on since; --keys-only "
	    "restores the keys and leaves the state as it is",
	    (unsigned long long)l.sequence, hash, (unsigned long long)highest);
}

static int check_same_record(
    const struct restoring *r, const struct token_record *record, struct err *e)
{
	const struct token_record *there = holding_record(&r->holding, record->label);

	if (there == NULL || (there->value_len == record->value_len &&
				 memcmp(there->value, record->value, record->value_len) == 0))
		return OK;
	return err_set(e, ERR_CONFLICT,
	    "nothing was restored: the token has a record %s that says something else than the "
	    "back-up's",
	    record->label);
}

static int check_records(const struct restoring *r, struct err *e)
{
	int rc = OK;

	if (r->o->keys_only)
		return OK;
	for (size_t i = 0; rc == OK && i < r->backup.record_count; i++)
		rc = check_same_record(r, &r->backup.records[i], e);
	for (size_t i = 0; rc == OK && i < r->holding.record_count; i++)
		rc = check_other_record(r, &r->holding.records[i], e);
	return rc;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(
	    ((const struct token_key *)a)->id, ((const struct token_key *)b)->id, TOKEN_ID_LEN);
}

static int check_key(const struct restoring *r, const struct wrapped_key *key, struct err *e)
{
	const struct holding *h = &r->holding;
	const struct token_key *there = NULL;
	struct token_key wanted;
	char text[100];

	memcpy(wanted.id, key->id, TOKEN_ID_LEN);
	if (h->key_count > 0)
		there = bsearch(&wanted, h->keys, h->key_count, sizeof h->keys[0], by_id);
	if (there == NULL ||
	    (strcmp(there->label, key->label) == 0 &&
		(there->pub_len == 0 || (there->pub_len == key->pub_len &&
					    memcmp(there->pub, key->pub, key->pub_len) == 0))))
		return OK;
	backup_key_text(key->label, key->id, text);
	return err_set(e, ERR_CONFLICT,
	    "nothing was restored: the token has another key of the CKA_ID of %s (%s)", text,
	    there->label);
}

static int check_all(struct restoring *r, struct err *e)
{
	int rc = holding_read(r->t, &r->holding, e);

	for (size_t i = 0; rc == OK && i < r->backup.key_count; i++)
		rc = check_key(r, &r->backup.keys[i], e);
	return rc == OK ? check_records(r, e) : rc;
}

static void note_key(
    struct restoring *r, const struct wrapped_key *key, const char *status, const struct err *why)
{
	char text[100], id[2 * TOKEN_ID_LEN + 1];

	backup_id_text(key->id, id);
	json_array_append_new(
	    r->lines, json_pack("{s:s, s:s, s:s, s:s}", "id", id, "label", key->label, "status",
			  status, "why", why != NULL ? why->text : ""));
	if (why == NULL)
		return;
	backup_key_text(key->label, key->id, text);
	backup_progress_end();
	fprintf(stderr, "intaglio-hsm: %s is NOT restored: %s\n", text, why->text);
}

static int stopped(struct err *e)
{
	return err_set(e, ERR_REFUSED,
	    "interrupted: what was made stays; the same command again makes the rest");
}

/* A key that fails does not keep the others away; a token that went does. */
static int restore_key(struct restoring *r, const struct wrapped_key *key, struct err *e)
{
	enum wrap_outcome outcome;
	struct err mine = {0};
	int rc = wrap_import(r->t, &r->keys.wrap, key, r->o->dry_run, &outcome, &mine);

	if (rc == OK) {
		*(outcome == WRAP_PRESENT ? &r->keys_present : &r->keys_made) += 1;
		note_key(r, key, outcome == WRAP_PRESENT ? "present" : "restored", NULL);
		return OK;
	}
	r->failed[r->keys_failed++] = key->label;
	note_key(r, key, "failed", &mine);
	if (token_is_up(r->t, NULL))
		return OK;
	*e = mine;
	return rc;
}

static int restore_keys(struct restoring *r, struct err *e)
{
	int rc = OK;

	for (size_t i = 0; rc == OK && i < r->backup.key_count; i++) {
		rc = interrupted ? stopped(e) : restore_key(r, &r->backup.keys[i], e);
		backup_progress("key", i + 1, r->backup.key_count);
	}
	backup_progress_end();
	return rc;
}

/* A record must not come before the keys that it names: labels of both have the zone's hash there.
 */
static bool is_held(const struct restoring *r, const char *label)
{
	for (size_t i = 0; i < r->keys_failed; i++)
		if (strncmp(r->failed[i] + HASH_AT, label + HASH_AT, HASH_LEN) == 0)
			return true;
	return false;
}

static int restore_record(struct restoring *r, const struct token_record *record, struct err *e)
{
	struct token_request q = {
	    .op = TOKEN_PUT_RECORD, .value = record->value, .value_len = record->value_len};
	int rc;

	if (is_held(r, record->label)) {
		r->records_held++;
		return OK;
	}
	if (holding_record(&r->holding, record->label) != NULL) {
		r->records_present++;
		return OK;
	}
	memcpy(q.label, record->label, sizeof q.label);
	rc = r->o->dry_run ? OK : token_call(r->t, &q, NULL, NULL, e);
	r->records_made += rc == OK;
	return rc;
}

static int restore_records(struct restoring *r, struct err *e)
{
	int rc = OK;

	if (r->o->keys_only)
		return OK;
	for (size_t i = 0; rc == OK && i < r->backup.record_count; i++) {
		rc = interrupted ? stopped(e) : restore_record(r, &r->backup.records[i], e);
		backup_progress("record", i + 1, r->backup.record_count);
	}
	backup_progress_end();
	return rc;
}

static void print_json(const struct restoring *r, bool complete)
{
	char time[TIME_TEXT_SIZE];
	json_t *all;

	time_text(r->backup.time, time);
	all = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}",
	    "token", r->o->label, "file", r->o->from, "of_token", r->backup.token, "of_time", time,
	    "dry_run", (int)r->o->dry_run, "complete", (int)complete, "restored",
	    (json_int_t)r->keys_made, "present", (json_int_t)r->keys_present, "failed",
	    (json_int_t)r->keys_failed, "records_restored", (json_int_t)r->records_made,
	    "records_present", (json_int_t)r->records_present, "records_held",
	    (json_int_t)r->records_held, "not_in_backup", (json_int_t)r->backup.left_out_count,
	    "keys", r->lines);
	json_dumpf(all, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(all);
}

static void print_summary(const struct restoring *r)
{
	char time[TIME_TEXT_SIZE];

	time_text(r->backup.time, time);
	printf("back-up of token \"%s\" (serial %s) of %s: %s%zu keys and %zu records made, "
	       "%zu keys and %zu records were there, %zu keys failed, and %zu "
	       "records of their zones wait for them\n",
	    r->backup.token, r->backup.serial, time, r->o->dry_run ? "dry run: " : "", r->keys_made,
	    r->records_made, r->keys_present, r->records_present, r->keys_failed, r->records_held);
	for (size_t i = 0; i < r->backup.left_out_count; i++) {
		char text[100];

		backup_key_text(r->backup.left_out[i].label, r->backup.left_out[i].id, text);
		fprintf(stderr, "intaglio-hsm: %s is not in the back-up: %s\n", text,
		    r->backup.left_out[i].why);
	}
}

static int load(struct restoring *r, struct err *e)
{
	struct secret key = {0};
	int rc = backup_key_get(r->o, r->t, &key, e);

	if (rc == OK)
		rc = backup_load(r->o->from, &key, &r->backup, &r->keys, e);
	if (rc == OK)
		rc = wrap_probe(r->t, &r->keys.wrap, e);
	secret_free(&key);
	return rc;
}

static int by_sequence(const void *pa, const void *pb)
{
	struct record_label a = {0}, b = {0};

	labels_parse_record(((const struct token_record *)pa)->label, &a);
	labels_parse_record(((const struct token_record *)pb)->label, &b);
	return (a.sequence > b.sequence) - (a.sequence < b.sequence);
}

static int restore(struct restoring *r, struct err *e)
{
	int rc;

	if (r->backup.record_count > 1)
		qsort(r->backup.records, r->backup.record_count, sizeof r->backup.records[0],
		    by_label);
	rc = check_all(r, e);
	if (rc != OK)
		return rc;
	if (r->backup.record_count > 1)
		qsort(r->backup.records, r->backup.record_count, sizeof r->backup.records[0],
		    by_sequence);
	r->failed = mem_array(r->backup.key_count + 1, sizeof r->failed[0]);
	rc = restore_keys(r, e);
	if (rc == OK)
		rc = restore_records(r, e);
	if (r->o->json)
		print_json(r, rc == OK && r->keys_failed == 0);
	else
		print_summary(r);
	return rc;
}

int cmd_restore(const struct options *o)
{
	struct restoring r = {.o = o};
	struct err e = {0};
	int status = EXIT_DONE, rc;

	if (o->from == NULL) {
		err_set(&e, ERR_ARGUMENT, "restore needs --from FILE");
		return fail(&e);
	}
	r.t = open_token(o, &status);
	if (r.t == NULL)
		return status;
	r.lines = json_array();
	rc = load(&r, &e);
	if (rc == OK)
		rc = restore(&r, &e);
	if (rc != OK)
		status = fail(&e);
	else if (r.keys_failed > 0)
		status = EXIT_FAILED;
	token_close(r.t);
	restoring_free(&r);
	return status;
}
