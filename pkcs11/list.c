/* Lists our keys and records: one search per class, then the attributes of each.  Runs where a
 * module is loaded, with `objects` held.  Everything read is checked before it is passed on. */
#include "pkcs11/local.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/log.h"
#include "base/mem.h"
#include "pkcs11/labels.h"

#define RETRY_MS 50

static struct token_key *add_key(struct work *w)
{
	if (w->key_count == w->key_room) {
		w->key_room = w->key_room == 0 ? 64 : 2 * w->key_room;
		w->keys = mem_grow(w->keys, w->key_room, sizeof w->keys[0]);
	}
	struct token_key *key = &w->keys[w->key_count++];
	memset(key, 0, sizeof *key);
	return key;
}

static struct token_record *add_record(struct work *w)
{
	if (w->record_count == w->record_room) {
		w->record_room = w->record_room == 0 ? 64 : 2 * w->record_room;
		w->records = mem_grow(w->records, w->record_room, sizeof w->records[0]);
	}
	struct token_record *record = &w->records[w->record_count++];
	memset(record, 0, sizeof *record);
	return record;
}

/* While the list grows, pub and value are offsets + 1; 0 is NULL. */
static const uint8_t *as_offset(size_t at)
{
	return (const uint8_t *)(uintptr_t)(at + 1);
}

static const uint8_t *resolve(const struct work *w, const uint8_t *offset)
{
	return offset != NULL ? w->data.data + ((uintptr_t)offset - 1) : NULL;
}

static int read_label_and_type(struct local *l, CK_OBJECT_HANDLE h, char label[TOKEN_LABEL_MAX],
    CK_KEY_TYPE *type, struct err *e)
{
	struct session *s = &l->control;
	CK_ATTRIBUTE a[] = {
	    {CKA_LABEL, label, TOKEN_LABEL_MAX - 1}, {CKA_KEY_TYPE, type, sizeof *type}};
	CK_RV rv = CALL(l->module.list, &s->call, C_GetAttributeValue, s->handle, h, a, 2);

	if (rv != CKR_OK && !ladder_is_fault(rv))
		return ERR_MISSING; /* a label longer than ours, or no key as we make them */
	if (rv != CKR_OK)
		return call_error(e, &s->call, "token %s: reading a key", l->base.name);
	label[a[0].ulValueLen] = '\0';
	return strlen(label) == a[0].ulValueLen ? OK : ERR_MISSING;
}

/* The algorithm that a label claims, if a key of this type can be that. */
static uint8_t claimed_algorithm(const struct birth_label *birth, CK_KEY_TYPE type)
{
	const struct mech *mech = mech_by_algorithm(birth->algorithm);

	return mech != NULL && mech->key_type == type ? birth->algorithm : 0;
}

static int list_private(struct attempt *a, const struct index_entry *entry, struct err *e)
{
	CK_OBJECT_HANDLE public;
	struct token_key *key;
	char label[TOKEN_LABEL_MAX], other[TOKEN_LABEL_MAX];
	struct birth_label birth;
	CK_KEY_TYPE type, other_type;
	size_t at = 0, len = 0;
	int rc = read_label_and_type(a->l, entry->handle, label, &type, e);

	if (rc != OK || !labels_parse_key(label, &birth))
		return rc == ERR_MISSING ? OK : rc;
	public = index_find(&a->l->index, INDEX_PUBLIC, entry->key, entry->key_len, 0);
	if (public != 0) {
		rc = read_label_and_type(a->l, public, other, &other_type, e);
		if (rc == OK && other_type == type)
			rc = pubkey_of_object(
			    a->l, public, type, birth.algorithm, &a->w->data, &at, &len, e);
	}
	if (rc != OK && rc != ERR_MISSING)
		return rc;
	key = add_key(a->w);
	memcpy(key->id, entry->key, TOKEN_ID_LEN);
	memcpy(key->label, label, sizeof label);
	key->algorithm = claimed_algorithm(&birth, type);
	if (public != 0 && len == 0)
		key->algorithm = 0; /* a point of another curve */
	key->has_private = true;
	key->pub = len > 0 ? as_offset(at) : NULL;
	key->pub_len = len;
	return OK;
}

/* Public halves alone: of a key that was dropped half, or made half. */
static int list_public(struct attempt *a, const struct index_entry *entry, struct err *e)
{
	char label[TOKEN_LABEL_MAX];
	struct birth_label birth;
	struct token_key *key;
	CK_KEY_TYPE type;
	size_t at, len;
	int rc;

	if (index_find(&a->l->index, INDEX_PRIVATE, entry->key, entry->key_len, 0) != 0)
		return OK;
	rc = read_label_and_type(a->l, entry->handle, label, &type, e);
	if (rc != OK || !labels_parse_key(label, &birth))
		return rc == ERR_MISSING ? OK : rc;
	rc =
	    pubkey_of_object(a->l, entry->handle, type, birth.algorithm, &a->w->data, &at, &len, e);
	if (rc != OK)
		return rc;
	key = add_key(a->w);
	memcpy(key->id, entry->key, TOKEN_ID_LEN);
	memcpy(key->label, label, sizeof label);
	key->algorithm = len > 0 ? claimed_algorithm(&birth, type) : 0;
	key->pub = len > 0 ? as_offset(at) : NULL;
	key->pub_len = len;
	return OK;
}

static int list_record(struct attempt *a, const struct index_entry *entry, struct err *e)
{
	struct object_value v = {CKA_VALUE, 0, 0};
	struct token_record *record;
	int rc = object_values(a->l, entry->handle, &v, 1, &a->w->data, e);

	if (rc != OK)
		return rc;
	record = add_record(a->w);
	memcpy(record->label, entry->key, entry->key_len);
	record->value = v.len > 0 ? as_offset(v.at) : NULL;
	record->value_len = v.len;
	return OK;
}

static int list_entry(struct attempt *a, uint32_t i, struct err *e)
{
	struct index_entry entry = a->l->index.entries[i];
	int rc = OK;

	a->l->index.entries[i].is_listed = true;
	switch (entry.kind) {
	case INDEX_PRIVATE:
		rc = list_private(a, &entry, e);
		break;
	case INDEX_PUBLIC:
		rc = list_public(a, &entry, e);
		break;
	case INDEX_RECORD:
		rc = list_record(a, &entry, e);
		break;
	default:
		break;
	}
	/* Another process may be in the middle of making or dropping it; and one object that the
	 * token cannot read must not hide all others. */
	if (rc == ERR_TOKEN && (e->ckr == CKR_OBJECT_HANDLE_INVALID ||
				   e->ckr == CKR_GENERAL_ERROR || !ladder_is_fault(e->ckr))) {
		log_warning(
		    "token %s: an object of ours cannot be read and was left out of the list: %s",
		    a->l->base.name, e->text);
		index_remove(&a->l->index, entry.handle);
		a->l->unreadable++;
		rc = OK;
	}
	return rc;
}

static int list_once(struct attempt *a, struct err *e)
{
	struct local *l = a->l;
	int rc = OK;

	work_reset(a->w);
	index_clear(&l->index); /* what others dropped must not be listed */
	l->unreadable = 0;
	for (unsigned kind = 0; rc == OK && kind < INDEX_FOREIGN; kind++)
		rc = object_scan(l, kind, e);
	for (uint32_t i = 1; rc == OK && i < l->index.count; i++)
		rc = list_entry(a, i, e);
	return rc;
}

static void resolve_all(struct attempt *a)
{
	struct work *w = a->w;

	for (size_t i = 0; i < w->key_count; i++)
		w->keys[i].pub = resolve(w, w->keys[i].pub);
	for (size_t i = 0; i < w->record_count; i++)
		w->records[i].value = resolve(w, w->records[i].value);
	a->reply->keys = w->keys;
	a->reply->key_count = w->key_count;
	a->reply->records = w->records;
	a->reply->record_count = w->record_count;
}

/* Whatever is in the index already costs nothing. */
int list_news(struct attempt *a, struct err *e)
{
	struct local *l = a->l;
	int rc;

	work_reset(a->w);
	rc = object_scan(l, INDEX_RECORD, e);
	for (uint32_t i = 1; rc == OK && i < l->index.count; i++)
		if (l->index.entries[i].kind == INDEX_RECORD && !l->index.entries[i].is_listed)
			rc = list_entry(a, i, e);
	if (rc == OK && a->w->data.failed)
		rc = err_set(
		    e, ERR_LIMIT, "token %s: its records are too many to list", l->base.name);
	if (rc == OK)
		resolve_all(a);
	return rc;
}

int list_all(struct attempt *a, struct err *e)
{
	const struct timespec pause = {0, RETRY_MS * 1000000L};
	struct work *w = a->w;
	int rc = list_once(a, e);

	if (rc == OK && a->l->unreadable > 0) {
		nanosleep(&pause, NULL); /* it may be in the making */
		rc = list_once(a, e);
	}
	/* A token in trouble must not look like an empty one: that would be a new one. */
	if (rc == OK && a->l->unreadable > w->key_count + w->record_count)
		return err_set(e, ERR_TOKEN,
		    "token %s: %u of its objects cannot be read, and only %zu can", a->l->base.name,
		    a->l->unreadable, w->key_count + w->record_count);
	if (rc == OK && a->l->unreadable > 0)
		log_warning(
		    "token %s: %u objects cannot be read", a->l->base.name, a->l->unreadable);
	if (rc == OK && w->data.failed)
		rc = err_set(
		    e, ERR_LIMIT, "token %s: its objects are too many to list", a->l->base.name);
	if (rc != OK)
		return rc;
	resolve_all(a);
	return OK;
}
