/* `intaglio-hsm list`: our keys and records.  What others keep in the token is not shown. */
#include "hsm-setup/hsm.h"

#include <jansson.h>
#include <string.h>
#include "base/period.h"
#include "pkcs11/labels.h"

static void hex(const uint8_t *data, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", data[i]);
}

static const char *role_name(char role)
{
	return role == 'k' ? "KSK" : role == 'z' ? "ZSK" : role == 'c' ? "CSK" : "?";
}

static json_t *key_json(const struct token_key *key)
{
	struct birth_label birth = {0};
	char id[2 * TOKEN_ID_LEN + 1], hash[17], time[TIME_TEXT_SIZE];

	labels_parse_key(key->label, &birth);
	hex(key->id, TOKEN_ID_LEN, id);
	hex(birth.zone_hash, 8, hash);
	time_text(birth.birth, time);
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:b, s:b}", "id", id, "label", key->label,
	    "role", role_name(birth.role), "zone_hash", hash, "algorithm", (int)key->algorithm,
	    "born", time, "private", (int)key->has_private, "public", (int)(key->pub_len > 0));
}

static json_t *record_json(const struct token_record *record)
{
	struct record_label label = {0};
	char hash[17];

	labels_parse_record(record->label, &label);
	hex(label.zone_hash, 8, hash);
	return json_pack("{s:s, s:s, s:I, s:I}", "label", record->label, "zone_hash", hash,
	    "sequence", (json_int_t)label.sequence, "octets", (json_int_t)record->value_len);
}

static void print_json(void *arg, const struct token_reply *r)
{
	json_t *keys = json_array(), *records = json_array(), *all;

	(void)arg;
	for (size_t i = 0; i < r->key_count; i++)
		json_array_append_new(keys, key_json(&r->keys[i]));
	for (size_t i = 0; i < r->record_count; i++)
		json_array_append_new(records, record_json(&r->records[i]));
	all = json_pack("{s:o, s:o}", "keys", keys, "records", records);
	json_dumpf(all, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(all);
}

static void print_key(const struct token_key *key)
{
	struct birth_label birth = {0};
	char id[2 * TOKEN_ID_LEN + 1], time[TIME_TEXT_SIZE];
	const char *missing = !key->has_private	  ? "  private half missing"
			      : key->pub_len == 0 ? "  public half missing"
						  : "";

	labels_parse_key(key->label, &birth);
	hex(key->id, TOKEN_ID_LEN, id);
	time_text(birth.birth, time);
	printf("%s  %s  %3u  %s  %.16s%s\n", id, role_name(birth.role), (unsigned)key->algorithm,
	    time, key->label + strlen("itg1/"), missing);
}

static void print_table(void *arg, const struct token_reply *r)
{
	(void)arg;
	if (r->key_count > 0)
		printf(
		    "%-32s  %-4s %-3s  %-20s  %s\n", "CKA_ID", "ROLE", "ALG", "BORN", "ZONE HASH");
	for (size_t i = 0; i < r->key_count; i++)
		print_key(&r->keys[i]);
	if (r->record_count > 0)
		printf("%s%-48s  %s\n", r->key_count > 0 ? "\n" : "", "RECORD", "OCTETS");
	for (size_t i = 0; i < r->record_count; i++)
		printf("%-48s  %6zu\n", r->records[i].label, r->records[i].value_len);
	printf("%s%zu keys, %zu records\n", r->key_count + r->record_count > 0 ? "\n" : "",
	    r->key_count, r->record_count);
}

static void print_reply(void *arg, const struct token_reply *reply)
{
	const struct options *o = arg;

	if (reply->code == OK)
		(o->json ? print_json : print_table)(NULL, reply);
}

int cmd_list(const struct options *o)
{
	struct token_request r = {.op = TOKEN_LIST};
	struct err e = {0};
	int status = EXIT_DONE;
	struct token *t = open_token(o, &status);

	if (t == NULL)
		return status;
	if (token_call(t, &r, print_reply, (void *)o, &e) != OK)
		status = fail(&e);
	token_close(t);
	return status;
}
