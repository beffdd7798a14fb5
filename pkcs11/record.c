/* Records: immutable CKO_DATA objects.  Runs where a module is loaded, with `objects` held.
 * Creating one object is the only atomic write that PKCS#11 has, and its reply can be lost: so
 * whether it happened is always read from the token.  Random octets live here, too. */
#include "pkcs11/local.h"

#include <string.h>
#include "pkcs11/labels.h"

#define APPLICATION "intaglio"
#define RANDOM_MAX 65536

static CK_RV create(
    struct local *l, struct session *s, const struct token_request *r, CK_OBJECT_HANDLE *out)
{
	static const CK_ULONG class = CKO_DATA;
	struct template t = {.count = 0};

	template_ulong(&t, CKA_CLASS, &class);
	template_bool(&t, CKA_TOKEN, true);
	template_add(&t, CKA_APPLICATION, APPLICATION, strlen(APPLICATION));
	template_add(&t, CKA_LABEL, r->label, strlen(r->label));
	template_add(&t, CKA_VALUE, r->value, r->value_len);
	template_bool(&t, CKA_PRIVATE, !l->private_refused);
	return CALL(
	    l->module.list, &s->call, C_CreateObject, s->handle, t.attributes, t.count, out);
}

/* OK: it holds this value; ERR_CONFLICT: another one. */
static int compare(struct attempt *a, CK_OBJECT_HANDLE h, struct err *e)
{
	struct object_value v = {CKA_VALUE, 0, 0};
	struct buf got = {.limit = a->r->value_len + 65536};
	int rc = object_values(a->l, h, &v, 1, &got, e);

	if (rc == OK && (v.len != a->r->value_len ||
			    (v.len > 0 && memcmp(got.data + v.at, a->r->value, v.len) != 0)))
		rc = err_set(e, ERR_CONFLICT,
		    "token %s: record %s reads back with another value (%zu octets, not %zu)",
		    a->l->base.name, a->r->label, v.len, a->r->value_len);
	buf_free(&got);
	return rc;
}

/* Is it there already, from a try whose reply was lost?  ERR_MISSING if not. */
static int find_same(struct attempt *a, struct err *e)
{
	size_t len = strlen(a->r->label);
	CK_OBJECT_HANDLE h;
	int rc = object_find(a->l, INDEX_RECORD, a->r->label, len, &h, e);

	while (rc == OK && h != 0) {
		rc = compare(a, h, e);
		if (rc != ERR_CONFLICT)
			return rc;
		h = index_find(&a->l->index, INDEX_RECORD, a->r->label, len, h);
		rc = h != 0 ? OK : rc;
	}
	return rc;
}

static int create_record(struct attempt *a, CK_OBJECT_HANDLE *h, struct err *e)
{
	struct session *s = a->s;
	CK_RV rv = create(a->l, s, a->r, h);

	if (template_is_refusal(rv) && !a->l->private_refused) {
		a->l->private_refused = true; /* some tokens hold public data only */
		rv = create(a->l, s, a->r, h);
		if (rv != CKR_OK)
			a->l->private_refused = false;
	}
	if (rv == CKR_OK)
		return OK;
	/* Created or not?  The next attempt, if the ladder makes one, looks first. */
	a->l->index.complete[INDEX_RECORD] = false;
	return call_error(
	    e, &s->call, "token %s: creating record %s", a->l->base.name, a->r->label);
}

static int check_label(struct attempt *a, struct err *e)
{
	struct record_label parsed;

	if (labels_parse_record(a->r->label, &parsed))
		return OK;
	return err_set(e, ERR_REFUSED, "token %s: \"%s\" is not the label of a record of ours",
	    a->l->base.name, a->r->label);
}

int record_put(struct attempt *a, struct err *e)
{
	size_t len = strlen(a->r->label);
	CK_OBJECT_HANDLE h;
	struct err lost;
	int rc = check_label(a, e);

	if (rc != OK)
		return rc;
	if (!a->l->index.complete[INDEX_RECORD] ||
	    index_find(&a->l->index, INDEX_RECORD, a->r->label, len, 0) != 0) {
		rc = find_same(a, e);
		if (rc != ERR_MISSING)
			return rc;
	}
	rc = create_record(a, &h, e);
	if (rc == OK) {
		index_add(&a->l->index, INDEX_RECORD, a->r->label, len, h);
		return compare(a, h, e);
	}
	/* A reply can be lost although the object was made. */
	return find_same(a, &lost) == OK ? OK : rc;
}

int record_drop(struct attempt *a, struct err *e)
{
	size_t len = strlen(a->r->label);
	CK_OBJECT_HANDLE h, next;
	int rc = check_label(a, e);

	if (rc == OK)
		rc = object_find(a->l, INDEX_RECORD, a->r->label, len, &next, e);
	if (rc == ERR_MISSING)
		return OK; /* dropped before */
	while (rc == OK && (h = next) != 0) {
		next = index_find(&a->l->index, INDEX_RECORD, a->r->label, len, h);
		rc = object_destroy(a->l, INDEX_RECORD, h, a->r->label, len, e);
	}
	return rc;
}

int random_make(struct attempt *a, struct err *e)
{
	uint8_t *out;

	if (a->r->length == 0 || a->r->length > RANDOM_MAX)
		return err_set(e, ERR_ARGUMENT,
		    "token %s: %u random octets cannot be had, 1 to %u can", a->l->base.name,
		    (unsigned)a->r->length, RANDOM_MAX);
	buf_reset(&a->w->data);
	out = buf_extend(&a->w->data, a->r->length);
	if (CALL(a->l->module.list, &a->s->call, C_GenerateRandom, a->s->handle, out,
		a->r->length) != CKR_OK)
		return call_error(e, &a->s->call, "token %s: random octets", a->l->base.name);
	a->reply->value = out;
	a->reply->value_len = a->r->length;
	return OK;
}
