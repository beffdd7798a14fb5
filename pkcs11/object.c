/* Objects of a token: searching, reading, destroying.  Runs where a module is loaded, with
 * `objects` held, in the control session.  What objects hold is not trusted: anybody with the PIN,
 * or a crash in the middle of a write, can have left it. */
#include "pkcs11/local.h"

#include <string.h>
#include "pkcs11/labels.h"

void template_add(struct template *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	CK_ATTRIBUTE *a = &t->attributes[t->count++];

	a->type = type;
	a->pValue = (void *)value;
	a->ulValueLen = len;
}

void template_bool(struct template *t, CK_ATTRIBUTE_TYPE type, bool value)
{
	static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

	template_add(t, type, value ? &yes : &no, sizeof yes);
}

void template_ulong(struct template *t, CK_ATTRIBUTE_TYPE type, const CK_ULONG *value)
{
	template_add(t, type, value, sizeof *value);
}

bool template_is_refusal(CK_RV rv)
{
	return rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	       rv == CKR_ATTRIBUTE_VALUE_INVALID || rv == CKR_TEMPLATE_INCOMPLETE ||
	       rv == CKR_TEMPLATE_INCONSISTENT || rv == CKR_ACTION_PROHIBITED ||
	       rv == CKR_ARGUMENTS_BAD;
}

/* Some modules set CKR_ATTRIBUTE_TYPE_INVALID for what an object does not have, and still say the
 * rest. */
static bool is_partial(CK_RV rv)
{
	return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE ||
	       rv == CKR_BUFFER_TOO_SMALL;
}

static const CK_ULONG kind_class[INDEX_KINDS] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_DATA, 0};

static bool is_ours(enum index_kind kind, const uint8_t *key, size_t len)
{
	char label[TOKEN_LABEL_MAX];
	struct record_label parsed;

	if (kind != INDEX_RECORD)
		return len == TOKEN_ID_LEN;
	if (len >= sizeof label || memchr(key, '\0', len) != NULL)
		return false;
	memcpy(label, key, len);
	label[len] = '\0';
	return labels_parse_record(label, &parsed);
}

/* ERR_MISSING: it is gone.  ERR_AGAIN: it cannot be read (now): half made, or being made. */
static int read_key(struct local *l, enum index_kind kind, CK_OBJECT_HANDLE h,
    uint8_t out[TOKEN_LABEL_MAX], size_t *len, struct err *e)
{
	struct session *s = &l->control;
	CK_ATTRIBUTE a = {kind == INDEX_RECORD ? CKA_LABEL : CKA_ID, out, TOKEN_LABEL_MAX};
	CK_RV rv = CALL(l->module.list, &s->call, C_GetAttributeValue, s->handle, h, &a, 1);

	*len = 0;
	if (rv == CKR_OK && a.ulValueLen <= TOKEN_LABEL_MAX)
		*len = a.ulValueLen;
	if (rv == CKR_OK || is_partial(rv))
		return OK;
	call_error(e, &s->call, "token %s: reading an object", l->base.name);
	if (rv == CKR_OBJECT_HANDLE_INVALID)
		return ERR_MISSING;
	return rv == CKR_GENERAL_ERROR || !ladder_is_fault(rv) ? ERR_AGAIN : ERR_TOKEN;
}

static int index_object(struct local *l, enum index_kind kind, CK_OBJECT_HANDLE h, struct err *e)
{
	uint8_t key[TOKEN_LABEL_MAX];
	size_t len;
	int rc;

	if (index_knows(&l->index, h))
		return OK;
	rc = read_key(l, kind, h, key, &len, e);
	if (rc == ERR_AGAIN)
		l->unreadable++;
	if (rc == ERR_MISSING || rc == ERR_AGAIN)
		return OK; /* looked at again by the next scan */
	if (rc != OK)
		return rc;
	if (is_ours(kind, key, len))
		index_add(&l->index, kind, key, len, h);
	else
		index_add(&l->index, INDEX_FOREIGN, &h, sizeof h, h);
	return OK;
}

/* All handles of a class, without reading anything yet: some modules allow one search at a time. */
static int find_handles(struct local *l, enum index_kind kind, struct buf *out, struct err *e)
{
	struct session *s = &l->control;
	CK_FUNCTION_LIST *list = l->module.list;
	struct template t = {.count = 0};
	CK_OBJECT_HANDLE found[256];
	CK_ULONG n = 0;
	CK_RV rv;

	template_ulong(&t, CKA_CLASS, &kind_class[kind]);
	template_bool(&t, CKA_TOKEN, true); /* session copies have the same CKA_ID */
	rv = CALL(list, &s->call, C_FindObjectsInit, s->handle, t.attributes, t.count);
	if (rv != CKR_OK)
		return call_error(e, &s->call, "token %s: searching", l->base.name);
	do {
		rv = CALL(list, &s->call, C_FindObjects, s->handle, found, 256, &n);
		if (rv == CKR_OK)
			buf_put(out, found, n * sizeof found[0]);
	} while (rv == CKR_OK && n > 0);
	if (rv != CKR_OK) {
		struct call ignored;
		CALL(list, &ignored, C_FindObjectsFinal, s->handle);
		return call_error(e, &s->call, "token %s: searching", l->base.name);
	}
	if (CALL(list, &s->call, C_FindObjectsFinal, s->handle) != CKR_OK)
		return call_error(e, &s->call, "token %s: searching", l->base.name);
	return OK;
}

int object_scan(struct local *l, enum index_kind kind, struct err *e)
{
	struct buf handles = {0};
	CK_OBJECT_HANDLE h;
	int rc = find_handles(l, kind, &handles, e);

	if (rc == OK && handles.failed)
		rc = err_set(e, ERR_LIMIT, "token %s: too many objects", l->base.name);
	for (size_t at = 0; rc == OK && at < handles.len; at += sizeof h) {
		memcpy(&h, handles.data + at, sizeof h);
		rc = index_object(l, kind, h, e);
	}
	if (rc == OK && !session_is_logged_in(l, &l->control)) {
		l->control.call = (struct call){"C_FindObjects", CKR_USER_NOT_LOGGED_IN};
		rc = call_error(e, &l->control.call, "token %s: searching", l->base.name);
	}
	if (rc == OK)
		l->index.complete[kind] = true;
	buf_free(&handles);
	return rc;
}

int object_find(struct local *l, enum index_kind kind, const void *key, size_t len,
    CK_OBJECT_HANDLE *out, struct err *e)
{
	*out = index_find(&l->index, kind, key, len, 0);
	if (*out == 0) {
		int rc = object_scan(l, kind, e);
		if (rc != OK)
			return rc;
		*out = index_find(&l->index, kind, key, len, 0);
	}
	if (*out == 0)
		return err_set(e, ERR_MISSING, "token %s: it has no such object", l->base.name);
	return OK;
}

int object_label(struct local *l, CK_OBJECT_HANDLE h, char out[TOKEN_LABEL_MAX], struct err *e)
{
	struct session *s = &l->control;
	CK_ATTRIBUTE a = {CKA_LABEL, out, TOKEN_LABEL_MAX - 1};
	CK_RV rv = CALL(l->module.list, &s->call, C_GetAttributeValue, s->handle, h, &a, 1);

	if (rv == CKR_OK && a.ulValueLen < TOKEN_LABEL_MAX) {
		out[a.ulValueLen] = '\0';
		return OK;
	}
	out[0] = '\0';
	if (rv == CKR_OK || is_partial(rv))
		return OK;
	return call_error(e, &s->call, "token %s: reading a label", l->base.name);
}

int object_values(struct local *l, CK_OBJECT_HANDLE h, struct object_value *values, unsigned count,
    struct buf *out, struct err *e)
{
	struct session *s = &l->control;
	struct template t = {.count = 0};
	CK_RV rv;

	for (unsigned i = 0; i < count; i++)
		template_add(&t, values[i].type, NULL, 0);
	rv = CALL(l->module.list, &s->call, C_GetAttributeValue, s->handle, h, t.attributes, count);
	if (rv != CKR_OK && !is_partial(rv))
		return call_error(e, &s->call, "token %s: reading an object", l->base.name);
	size_t total = 0, start = out->len;
	for (unsigned i = 0; i < count; i++) {
		if (t.attributes[i].ulValueLen == CK_UNAVAILABLE_INFORMATION)
			t.attributes[i].ulValueLen = 0;
		values[i].at = start + total;
		values[i].len = t.attributes[i].ulValueLen;
		total += values[i].len;
	}
	if (total == 0)
		return OK;
	uint8_t *room = buf_extend(out, total);
	if (room == NULL)
		return err_set(e, ERR_LIMIT, "token %s: an object is too large", l->base.name);
	struct template filled = {.count = 0};
	for (unsigned i = 0; i < count; i++)
		if (values[i].len > 0)
			template_add(
			    &filled, values[i].type, out->data + values[i].at, values[i].len);
	rv = CALL(l->module.list, &s->call, C_GetAttributeValue, s->handle, h, filled.attributes,
	    filled.count);
	if (rv != CKR_OK)
		return call_error(e, &s->call, "token %s: reading an object", l->base.name);
	for (unsigned i = 0, j = 0; i < count; i++)
		if (values[i].len > 0 && filled.attributes[j++].ulValueLen < values[i].len)
			values[i].len = filled.attributes[j - 1].ulValueLen;
	return OK;
}

int object_destroy(struct local *l, enum index_kind kind, CK_OBJECT_HANDLE h, const void *key,
    size_t len, struct err *e)
{
	struct session *s = &l->control;
	uint8_t now[TOKEN_LABEL_MAX];
	size_t now_len;
	int rc = read_key(l, kind, h, now, &now_len, e);

	if (rc == ERR_AGAIN || rc == ERR_TOKEN)
		return ERR_TOKEN;
	index_remove(&l->index, h);
	if (rc == ERR_MISSING)
		return OK;
	if (now_len != len || memcmp(now, key, len) != 0)
		return OK; /* the handle was stale: it is gone already */
	if (CALL(l->module.list, &s->call, C_DestroyObject, s->handle, h) != CKR_OK &&
	    s->call.rv != CKR_OBJECT_HANDLE_INVALID)
		return call_error(e, &s->call, "token %s: destroying an object", l->base.name);
	return OK;
}
