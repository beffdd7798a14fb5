/* Makes and drops key pairs.  Runs where a module is loaded, with `objects` held.  A key object is
 * written once: there is no code here that changes one (SoftHSM loses keys when it is killed in
 * that). */
#include "pkcs11/local.h"

#include <string.h>
#include "base/log.h"
#include "pkcs11/labels.h"

#define RSA_MIN 1024
#define RSA_MAX 4096

bool keygen_bits_ok(unsigned bits)
{
	return bits >= RSA_MIN && bits <= RSA_MAX && bits % 8 == 0;
}

/* Attributes that a token may refuse are left out one level after the other. */
enum { LEVEL_FULL, LEVEL_PUBLIC_VISIBLE, LEVEL_NO_USAGE, LEVEL_BARE, LEVELS };

static void common_part(struct template *t, const struct keygen_spec *spec)
{
	template_bool(t, CKA_TOKEN, spec->token);
	template_add(t, CKA_LABEL, spec->label, strlen(spec->label));
	template_add(t, CKA_ID, spec->id, TOKEN_ID_LEN);
}

static void public_template(
    struct template *t, const struct keygen_spec *spec, unsigned level, const CK_ULONG *bits)
{
	static const CK_BYTE f4[] = {1, 0, 1};

	t->count = 0;
	common_part(t, spec);
	if (level < LEVEL_PUBLIC_VISIBLE) /* else it can be destroyed without a log-in */
		template_bool(t, CKA_PRIVATE, true);
	if (level < LEVEL_NO_USAGE)
		template_bool(t, CKA_VERIFY, true);
	if (spec->mech->key_type == CKK_RSA) {
		template_ulong(t, CKA_MODULUS_BITS, bits);
		template_add(t, CKA_PUBLIC_EXPONENT, f4, sizeof f4);
	} else {
		template_add(t, CKA_EC_PARAMS, spec->mech->curve, spec->mech->curve_len);
	}
}

static void private_template(struct template *t, const struct keygen_spec *spec, unsigned level)
{
	t->count = 0;
	common_part(t, spec);
	template_bool(t, CKA_SIGN, true);
	if (level < LEVEL_BARE) {
		template_bool(t, CKA_PRIVATE, true);
		template_bool(t, CKA_SENSITIVE, true);
		template_bool(t, CKA_EXTRACTABLE, spec->extractable);
	}
}

/* What the token made of a template is looked at: a key that can be read out is none. */
int keygen_check_guarded(struct local *l, struct session *s, bool may_be_extractable,
    CK_OBJECT_HANDLE private, struct err *e)
{
	CK_BBOOL sensitive = CK_TRUE, extractable = CK_FALSE;
	CK_ATTRIBUTE a[] = {{CKA_SENSITIVE, &sensitive, sizeof sensitive},
	    {CKA_EXTRACTABLE, &extractable, sizeof extractable}};
	CK_RV rv = CALL(l->module.list, &s->call, C_GetAttributeValue, s->handle, private, a, 2);

	if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID)
		return call_error(e, &s->call, "token %s: looking at a new key", l->base.name);
	if (sensitive && (!extractable || may_be_extractable))
		return OK;
	return err_set(e, ERR_REFUSED,
	    "token %s: it made a key that can be read out (CKA_SENSITIVE %s, CKA_EXTRACTABLE %s); "
	    "it was destroyed",
	    l->base.name, sensitive ? "true" : "false", extractable ? "true" : "false");
}

int keygen_pair(struct local *l, struct session *s, const struct keygen_spec *spec,
    CK_OBJECT_HANDLE *public, CK_OBJECT_HANDLE *private, struct err *e)
{
	CK_MECHANISM mechanism = {spec->mech->keygen, NULL, 0};
	CK_FUNCTION_LIST *list = l->module.list;
	struct template pub, priv;
	CK_ULONG bits = spec->bits;
	CK_RV rv;
	int rc;

	for (unsigned level = l->keygen_level;; level++) {
		public_template(&pub, spec, level, &bits);
		private_template(&priv, spec, level);
		rv = CALL(list, &s->call, C_GenerateKeyPair, s->handle, &mechanism, pub.attributes,
		    pub.count, priv.attributes, priv.count, public, private);
		if (rv == CKR_OK && level > l->keygen_level) {
			log_notice(
			    "token %s: keys are made without all wished attributes (level %u)",
			    l->base.name, level);
			l->keygen_level = level;
		}
		if (!template_is_refusal(rv) || level + 1 == LEVELS)
			break;
	}
	if (rv != CKR_OK)
		return call_error(e, &s->call, "token %s: generating a key for %s", l->base.name,
		    spec->mech->name);
	rc = keygen_check_guarded(l, s, spec->extractable, *private, e);
	if (rc == ERR_REFUSED) {
		CALL(list, &s->call, C_DestroyObject, s->handle, *private);
		CALL(list, &s->call, C_DestroyObject, s->handle, *public);
	}
	return rc;
}

static int check_request(struct local *l, const struct token_request *r, struct err *e)
{
	const struct mech *mech = mech_by_algorithm(r->algorithm);
	struct birth_label birth;

	if (mech == NULL)
		return err_set(e, ERR_ARGUMENT,
		    "token %s: no key can be made for algorithm %u; 8, 10, 13, 14, 15 and 16 are "
		    "known",
		    l->base.name, (unsigned)r->algorithm);
	if (mech->key_type == CKK_RSA && !keygen_bits_ok(r->bits))
		return err_set(e, ERR_ARGUMENT,
		    "token %s: an RSA key of %u bits cannot be made; %u to %u are possible",
		    l->base.name, (unsigned)r->bits, RSA_MIN, RSA_MAX);
	if (!labels_parse_key(r->label, &birth) || birth.algorithm != r->algorithm)
		return err_set(e, ERR_ARGUMENT,
		    "token %s: \"%s\" is no birth label of a key for algorithm %u", l->base.name,
		    r->label, (unsigned)r->algorithm);
	return OK;
}

/* The reply's key, from its public object. */
static int tell_key(struct attempt *a, CK_OBJECT_HANDLE public, const char *label, struct err *e)
{
	struct token_key *key = &a->reply->key;
	const struct mech *mech = mech_by_algorithm(a->r->algorithm);
	size_t at, len;
	int rc = pubkey_of_object(
	    a->l, public, mech->key_type, a->r->algorithm, &a->w->data, &at, &len, e);

	if (rc != OK)
		return rc;
	if (len == 0)
		return err_set(e, ERR_CONFLICT,
		    "token %s: key \"%s\" is there, but its public half is not one for %s",
		    a->l->base.name, label, mech->name);
	memcpy(key->id, a->r->id, TOKEN_ID_LEN);
	memcpy(key->label, label, TOKEN_LABEL_MAX);
	key->algorithm = a->r->algorithm;
	key->has_private = true;
	key->pub = a->w->data.data + at;
	key->pub_len = len;
	return OK;
}

/* The key was made by an earlier try whose reply was lost. */
static int adopt(
    struct attempt *a, CK_OBJECT_HANDLE private, CK_OBJECT_HANDLE public, struct err *e)
{
	char label[TOKEN_LABEL_MAX] = "";
	int rc = object_label(a->l, private, label, e);

	if (rc != OK)
		return rc;
	if (strcmp(label, a->r->label) != 0)
		return err_set(e, ERR_EXISTS,
		    "token %s: a key of this CKA_ID is there already, with label \"%s\"",
		    a->l->base.name, label);
	if (public == 0)
		return err_set(e, ERR_CONFLICT,
		    "token %s: key \"%s\" has lost its public half; drop it and make another",
		    a->l->base.name, label);
	return tell_key(a, public, label, e);
}

int keygen_find_half(
    struct local *l, enum index_kind kind, const uint8_t *id, CK_OBJECT_HANDLE *out, struct err *e)
{
	int rc = OK;

	*out = index_find(&l->index, kind, id, TOKEN_ID_LEN, 0);
	if (*out == 0 && !l->index.complete[kind])
		rc = object_find(l, kind, id, TOKEN_ID_LEN, out, e);
	return rc == ERR_MISSING ? OK : rc;
}

/* A crash between its two objects leaves a public half alone. */
static int drop_half(struct local *l, enum index_kind kind, const uint8_t *id, struct err *e)
{
	char label[TOKEN_LABEL_MAX];
	struct birth_label birth;
	CK_OBJECT_HANDLE h, next = index_find(&l->index, kind, id, TOKEN_ID_LEN, 0);
	int rc = OK;

	while (rc == OK && (h = next) != 0) {
		next = index_find(&l->index, kind, id, TOKEN_ID_LEN, h);
		rc = object_label(l, h, label, e);
		if (rc == OK && !labels_parse_key(label, &birth))
			rc = err_set(e, ERR_REFUSED,
			    "token %s: the key with this CKA_ID has the label \"%s\": it is not "
			    "ours",
			    l->base.name, label);
		if (rc == OK)
			rc = object_destroy(l, kind, h, id, TOKEN_ID_LEN, e);
	}
	return rc;
}

int keygen_generate(struct attempt *a, struct err *e)
{
	struct local *l = a->l;
	const struct token_request *r = a->r;
	struct keygen_spec spec = {
	    mech_by_algorithm(r->algorithm), r->bits, true, r->extractable, r->label, r->id};
	CK_OBJECT_HANDLE public = 0, private = 0;
	int rc = check_request(l, r, e);

	if (rc == OK)
		rc = keygen_find_half(l, INDEX_PRIVATE, r->id, &private, e);
	if (rc == OK)
		rc = keygen_find_half(l, INDEX_PUBLIC, r->id, &public, e);
	if (rc != OK)
		return rc;
	if (private != 0)
		return adopt(a, private, public, e);
	if (public != 0)
		rc = drop_half(l, INDEX_PUBLIC, r->id, e);
	if (rc == OK)
		rc = keygen_pair(l, a->s, &spec, &public, &private, e);
	if (rc != OK) { /* whatever was made has to be looked for */
		l->index.complete[INDEX_PRIVATE] = l->index.complete[INDEX_PUBLIC] = false;
		return rc;
	}
	index_add(&l->index, INDEX_PRIVATE, r->id, TOKEN_ID_LEN, private);
	index_add(&l->index, INDEX_PUBLIC, r->id, TOKEN_ID_LEN, public);
	return tell_key(a, public, r->label, e);
}

int keygen_drop(struct attempt *a, struct err *e)
{
	CK_OBJECT_HANDLE h;
	int rc = keygen_find_half(a->l, INDEX_PRIVATE, a->r->id, &h, e);

	if (rc == OK)
		rc = keygen_find_half(a->l, INDEX_PUBLIC, a->r->id, &h, e);
	if (rc == OK)
		rc = drop_half(a->l, INDEX_PRIVATE, a->r->id, e);
	if (rc == OK)
		rc = drop_half(a->l, INDEX_PUBLIC, a->r->id, e);
	a->l->epoch++; /* session copies go, too */
	return rc;
}
