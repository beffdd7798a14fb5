/* Key pairs into a token, from their wrapped private and their public half.  Runs in intaglio-hsm,
 * with `objects` held.
 *
 * Each of the two objects is one write, and its reply can be lost: so every attempt first looks
 * which of them are there.  The private half comes first: it proves itself against the back-up's
 * public half, which is only then made. */
#include "pkcs11/wrap_internal.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define POINT_MAX (4 + 96) /* an uncompressed point of P-384 in a DER string */

struct public_parts { /* attribute values, borrowed or in `point` */
	const uint8_t *exponent, *modulus;
	size_t exponent_len, modulus_len;
	uint8_t point[POINT_MAX]; /* CKA_EC_POINT as a DER string */
	size_t point_len, raw_at; /* without the string's header it begins here */
};

/* RFC 3110 */
static bool split_rsa(const struct wrapped_key *key, struct public_parts *out)
{
	struct reader r = reader_of(key->pub, key->pub_len);

	out->exponent_len = reader_u8(&r);
	if (out->exponent_len == 0)
		out->exponent_len = reader_u16(&r);
	out->exponent = reader_bytes(&r, out->exponent_len);
	out->modulus_len = reader_left(&r);
	out->modulus = reader_bytes(&r, out->modulus_len);
	return !r.failed && out->exponent_len > 0 && out->modulus_len > 0;
}

/* RFC 6605, RFC 8080; all lengths are below 128, so that DER has one octet for them. */
static bool make_point(const struct wrap_job *j, struct public_parts *out)
{
	bool has_form_octet = j->mech->key_type == CKK_EC;
	size_t want = has_form_octet ? j->mech->bits / 4 : (j->mech->bits + 8) / 8, at = 0;

	if (j->key.pub_len != want || want + 3 > sizeof out->point)
		return false;
	out->point[at++] = 4; /* OCTET STRING */
	out->point[at++] = (uint8_t)(want + has_form_octet);
	out->raw_at = at;
	if (has_form_octet)
		out->point[at++] = 4; /* uncompressed */
	memcpy(out->point + at, j->key.pub, want);
	out->point_len = at + want;
	return true;
}

static int take_apart(const struct wrap_job *j, struct public_parts *out, struct err *e)
{
	bool good = j->mech->key_type == CKK_RSA ? split_rsa(&j->key, out) : make_point(j, out);

	if (!good)
		return err_set(e, ERR_FORMAT, "its public half is not one for %s", j->mech->name);
	return OK;
}

/* Attributes that a token may refuse are left out one level after the other; old modules want the
 * point in a DER string, newer ones without. */
enum { LEVEL_FULL, LEVEL_PUBLIC_VISIBLE, LEVEL_NO_USAGE, LEVEL_RAW_POINT, LEVELS };

static void public_template(
    struct template *t, const struct wrap_job *j, const struct public_parts *parts, unsigned level)
{
	static const CK_ULONG class = CKO_PUBLIC_KEY;
	size_t skip = level < LEVEL_RAW_POINT ? 0 : parts->raw_at;

	t->count = 0;
	template_ulong(t, CKA_CLASS, &class);
	template_ulong(t, CKA_KEY_TYPE, &j->mech->key_type);
	template_bool(t, CKA_TOKEN, true);
	template_add(t, CKA_LABEL, j->key.label, strlen(j->key.label));
	template_add(t, CKA_ID, j->key.id, TOKEN_ID_LEN);
	if (level < LEVEL_PUBLIC_VISIBLE)
		template_bool(t, CKA_PRIVATE, true);
	if (level < LEVEL_NO_USAGE)
		template_bool(t, CKA_VERIFY, true);
	if (j->mech->key_type == CKK_RSA) {
		template_add(t, CKA_MODULUS, parts->modulus, parts->modulus_len);
		template_add(t, CKA_PUBLIC_EXPONENT, parts->exponent, parts->exponent_len);
	} else {
		template_add(t, CKA_EC_PARAMS, j->mech->curve, j->mech->curve_len);
		template_add(t, CKA_EC_POINT, parts->point + skip, parts->point_len - skip);
	}
}

/* Is this public object the back-up's?  ERR_CONFLICT if not. */
static int compare_public(struct wrap_job *j, CK_OBJECT_HANDLE h, struct err *e)
{
	struct buf pub = {.limit = 4096};
	size_t at, len;
	int rc = pubkey_of_object(
	    j->attempt.l, h, j->mech->key_type, j->mech->algorithm, &pub, &at, &len, e);

	if (rc == OK && (len != j->key.pub_len || memcmp(pub.data + at, j->key.pub, len) != 0))
		rc = err_set(e, ERR_CONFLICT,
		    "token %s: the public half of this CKA_ID is another one than the back-up's",
		    j->attempt.l->base.name);
	buf_free(&pub);
	return rc;
}

static int compare_label(struct wrap_job *j, CK_OBJECT_HANDLE h, struct err *e)
{
	char label[TOKEN_LABEL_MAX];
	int rc = object_label(j->attempt.l, h, label, e);

	if (rc == OK && strcmp(label, j->key.label) != 0)
		rc = err_set(e, ERR_CONFLICT,
		    "token %s: a key of this CKA_ID is there already, with another label, \"%s\"",
		    j->attempt.l->base.name, label);
	return rc;
}

static int make_public(struct wrap_job *j, struct err *e)
{
	struct local *l = j->attempt.l;
	struct session *s = j->attempt.s;
	struct public_parts parts;
	struct template t;
	CK_OBJECT_HANDLE h;
	CK_RV rv = CKR_OK;
	int rc = take_apart(j, &parts, e);

	if (rc != OK)
		return rc;
	for (unsigned level = 0; level < LEVELS; level++) {
		public_template(&t, j, &parts, level);
		rv = CALL(
		    l->module.list, &s->call, C_CreateObject, s->handle, t.attributes, t.count, &h);
		if (!template_is_refusal(rv))
			break;
	}
	if (rv != CKR_OK) {
		l->index.complete[INDEX_PUBLIC] = false; /* made or not: it is looked for */
		return call_error(e, &s->call, "token %s: making a public half for %s",
		    l->base.name, j->mech->name);
	}
	index_add(&l->index, INDEX_PUBLIC, j->key.id, TOKEN_ID_LEN, h);
	return compare_public(j, h, e);
}

/* Unwrap, prove; a key that does not prove itself goes again. */
static int make_private(struct wrap_job *j, bool in_token, struct err *e)
{
	struct local *l = j->attempt.l;
	CK_OBJECT_HANDLE h;
	int rc = wrap_enter(j, e);

	if (rc != OK)
		return rc;
	rc = wrap_unwrap(j, in_token, &h, e);
	wrap_leave(j);
	if (rc != OK) {
		l->index.complete[INDEX_PRIVATE] = false;
		return rc;
	}
	if (in_token)
		index_add(&l->index, INDEX_PRIVATE, j->key.id, TOKEN_ID_LEN, h);
	rc = wrap_prove(j, h, e);
	if (!in_token || (rc != OK && rc != ERR_TOKEN)) {
		index_remove(&l->index, h);
		wrap_destroy(j, h);
	}
	return rc;
}

/* A private half alone that does not sign for the back-up's public half: a run was cut in the
 * middle of it (SoftHSM makes the object first, and its value then).  It goes only once the
 * back-up's key has shown, in the session, that it would be better. */
static int replace_private(struct wrap_job *j, CK_OBJECT_HANDLE broken, struct err *e)
{
	int rc = make_private(j, false, e);

	if (rc != OK || j->try_only)
		return rc;
	rc = object_destroy(j->attempt.l, INDEX_PRIVATE, broken, j->key.id, TOKEN_ID_LEN, e);
	return rc == OK ? make_private(j, true, e) : rc;
}

static int see_to_private(
    struct wrap_job *j, CK_OBJECT_HANDLE private, CK_OBJECT_HANDLE public, struct err *e)
{
	int rc;

	if (private == 0)
		return make_private(j, !j->try_only, e);
	if (j->may_replace && public == 0)
		return replace_private(j, private, e);
	rc = wrap_prove(j, private, e);
	j->is_doubtful = rc != OK && public == 0;
	return rc;
}

static int import_one(struct attempt *a, struct err *e)
{
	struct wrap_job *j = (struct wrap_job *)a;
	CK_OBJECT_HANDLE private = 0, public = 0;
	int rc = keygen_find_half(a->l, INDEX_PRIVATE, j->key.id, &private, e);

	if (rc == OK)
		rc = keygen_find_half(a->l, INDEX_PUBLIC, j->key.id, &public, e);
	if (rc == OK && public != 0)
		rc = compare_label(j, public, e);
	if (rc == OK && public != 0)
		rc = compare_public(j, public, e);
	if (rc == OK && private != 0)
		rc = compare_label(j, private, e);
	if (rc != OK)
		return rc;
	rc = see_to_private(j, private, public, e);
	if (rc == OK && public == 0 && !j->try_only)
		rc = make_public(j, e);
	/* What an attempt made before its reply was lost is found by the next, and was not there.
	 */
	if (private == 0 || public == 0)
		j->outcome = WRAP_RESTORED;
	return rc;
}

int wrap_import(struct token *t, const struct secret *wrapping_key, const struct wrapped_key *key,
    bool try_only, enum wrap_outcome *out, struct err *e)
{
	struct wrap_job *j = mem_alloc(sizeof *j);
	struct err again;
	int rc = wrap_job_begin(j, t, wrapping_key, key->algorithm, e);

	if (rc == OK) {
		j->key = *key;
		j->try_only = try_only;
		j->outcome = WRAP_PRESENT;
		rc = ladder_run(&j->attempt, import_one, e);
	}
	if (rc != OK && j->is_doubtful) { /* not a passing fault: the ladder has been climbed */
		j->may_replace = true;
		if (ladder_run(&j->attempt, import_one, &again) == OK)
			rc = OK;
	}
	if (rc == OK)
		*out = j->outcome;
	free(j);
	return rc;
}
