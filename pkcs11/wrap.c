/* Private keys out of a token, wrapped by it.  Runs in intaglio-hsm, with `objects` held. */
#include "pkcs11/wrap_internal.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "pkcs11/verify.h"

/* Not in every header.  Where a token has both, the second is the one that is RFC 5649 by its text.
 */
#define MECH_AES_KEY_WRAP_PAD 0x210aUL
#define MECH_AES_KEY_WRAP_KWP 0x210bUL

#define CHALLENGE_LEN 64

CK_MECHANISM_TYPE wrap_mechanism(struct local *l, struct session *s)
{
	static const CK_MECHANISM_TYPE known[] = {MECH_AES_KEY_WRAP_KWP, MECH_AES_KEY_WRAP_PAD};
	const CK_FLAGS both = CKF_WRAP | CKF_UNWRAP;

	for (unsigned i = 0; i < MEM_COUNT(known); i++) {
		CK_MECHANISM_INFO info = {0};
		CK_RV rv = CALL(
		    l->module.list, &s->call, C_GetMechanismInfo, l->module.slot, known[i], &info);
		if (rv == CKR_OK && (info.flags & both) == both)
			return known[i];
	}
	return 0;
}

static void job_init(struct wrap_job *j, struct token *t, const struct secret *wrapping_key)
{
	struct local *l = (struct local *)t;

	j->attempt.l = l;
	j->attempt.s = &l->control;
	j->wrapping_key = wrapping_key;
}

int wrap_job_begin(struct wrap_job *j, struct token *t, const struct secret *wrapping_key,
    uint8_t algorithm, struct err *e)
{
	job_init(j, t, wrapping_key);
	j->mech = mech_by_algorithm(algorithm);
	if (j->mech == NULL)
		return err_set(e, ERR_ARGUMENT,
		    "token %s: its label and its type do not tell which algorithm it is for",
		    token_name(t));
	return OK;
}

int wrap_enter(struct wrap_job *j, struct err *e)
{
	static const CK_ULONG class = CKO_SECRET_KEY, type = CKK_AES;
	struct local *l = j->attempt.l;
	struct session *s = j->attempt.s;
	struct template t = {.count = 0};

	j->mechanism = wrap_mechanism(l, s);
	if (j->mechanism == 0)
		return err_set(e, ERR_REFUSED,
		    "token %s: it has no AES key wrap with padding (CKM_AES_KEY_WRAP_KWP or _PAD)",
		    l->base.name);
	template_ulong(&t, CKA_CLASS, &class);
	template_ulong(&t, CKA_KEY_TYPE, &type);
	template_bool(&t, CKA_TOKEN, false);
	template_bool(&t, CKA_PRIVATE, true);
	template_bool(&t, CKA_SENSITIVE, true);
	template_bool(&t, CKA_EXTRACTABLE, false);
	template_bool(&t, CKA_WRAP, true);
	template_bool(&t, CKA_UNWRAP, true);
	template_bool(&t, CKA_ENCRYPT, false);
	template_bool(&t, CKA_DECRYPT, false);
	template_add(&t, CKA_VALUE, j->wrapping_key->data, j->wrapping_key->len);
	if (CALL(l->module.list, &s->call, C_CreateObject, s->handle, t.attributes, t.count,
		&j->wrapper) != CKR_OK)
		return call_error(
		    e, &s->call, "token %s: importing the wrapping key", l->base.name);
	return OK;
}

void wrap_destroy(struct wrap_job *j, CK_OBJECT_HANDLE h)
{
	struct session *s = j->attempt.s;

	CALL(j->attempt.l->module.list, &s->call, C_DestroyObject, s->handle, h);
}

void wrap_leave(struct wrap_job *j)
{
	wrap_destroy(j, j->wrapper);
	j->wrapper = 0;
}

/* `guarded` false: for tokens that choose these attributes themselves; what they chose is looked
 * at. */
static void private_template(
    struct template *t, const struct wrap_job *j, bool in_token, bool guarded)
{
	static const CK_ULONG class = CKO_PRIVATE_KEY;

	t->count = 0;
	template_ulong(t, CKA_CLASS, &class);
	template_ulong(t, CKA_KEY_TYPE, &j->mech->key_type);
	template_bool(t, CKA_TOKEN, in_token);
	template_add(t, CKA_LABEL, j->key.label, strlen(j->key.label));
	template_add(t, CKA_ID, j->key.id, TOKEN_ID_LEN);
	template_bool(t, CKA_SIGN, true);
	if (!guarded)
		return;
	template_bool(t, CKA_PRIVATE, true);
	template_bool(t, CKA_SENSITIVE, true);
	template_bool(t, CKA_EXTRACTABLE, true); /* else it could not have been wrapped */
}

int wrap_unwrap(struct wrap_job *j, bool in_token, CK_OBJECT_HANDLE *out, struct err *e)
{
	CK_MECHANISM mechanism = {j->mechanism, NULL, 0};
	CK_FUNCTION_LIST *list = j->attempt.l->module.list;
	struct session *s = j->attempt.s;
	struct template t;
	CK_RV rv = CKR_OK;
	int rc;

	for (unsigned guarded = 2; guarded-- > 0;) {
		private_template(&t, j, in_token, guarded != 0);
		rv = CALL(list, &s->call, C_UnwrapKey, s->handle, &mechanism, j->wrapper,
		    (CK_BYTE *)j->key.wrapped, j->key.wrapped_len, t.attributes, t.count, out);
		if (!template_is_refusal(rv))
			break;
	}
	if (rv != CKR_OK)
		return call_error(e, &s->call, "token %s: unwrapping a key for %s",
		    j->attempt.l->base.name, j->mech->name);
	rc = keygen_check_guarded(j->attempt.l, s, true, *out, e);
	if (rc == ERR_REFUSED)
		wrap_destroy(j, *out);
	return rc;
}

int wrap_prove(struct wrap_job *j, CK_OBJECT_HANDLE private, struct err *e)
{
	struct local *l = j->attempt.l;
	uint8_t challenge[CHALLENGE_LEN], signature[TOKEN_SIG_MAX];
	size_t len = j->mech->input_len > 0 ? j->mech->input_len : sizeof challenge, signature_len;
	int rc;

	if (RAND_bytes(challenge, sizeof challenge) != 1)
		return err_set(e, ERR_CRYPTO, "no random numbers for a challenge");
	rc = sign_raw(
	    l, j->attempt.s, j->mech, private, challenge, len, signature, &signature_len, e);
	if (rc != OK)
		return rc;
	rc = token_verify(j->mech->algorithm, j->key.pub, j->key.pub_len, challenge, len, signature,
	    signature_len);
	if (rc != OK)
		err_set(e, rc,
		    "token %s: the key did not prove itself: what it signed does not verify with "
		    "its public half",
		    l->base.name);
	return rc;
}

static int probe(struct attempt *a, struct err *e)
{
	struct wrap_job *j = (struct wrap_job *)a;
	int rc = wrap_enter(j, e);

	if (rc == OK)
		wrap_leave(j);
	return rc;
}

int wrap_probe(struct token *t, const struct secret *wrapping_key, struct err *e)
{
	struct wrap_job *j = mem_alloc(sizeof *j);
	int rc;

	job_init(j, t, wrapping_key);
	rc = ladder_run(&j->attempt, probe, e);
	free(j);
	return rc;
}

static int wrap_private(struct wrap_job *j, CK_OBJECT_HANDLE private, struct err *e)
{
	CK_MECHANISM mechanism = {j->mechanism, NULL, 0};
	struct session *s = j->attempt.s;
	CK_ULONG len = sizeof j->wrapped;

	if (CALL(j->attempt.l->module.list, &s->call, C_WrapKey, s->handle, &mechanism, j->wrapper,
		private, j->wrapped, &len) != CKR_OK)
		return call_error(e, &s->call, "token %s: wrapping a key for %s",
		    j->attempt.l->base.name, j->mech->name);
	j->key.wrapped = j->wrapped;
	j->key.wrapped_len = len;
	return OK;
}

static int read_back(struct wrap_job *j, struct err *e)
{
	CK_OBJECT_HANDLE copy;
	int rc = wrap_unwrap(j, false, &copy, e);

	if (rc != OK) {
		err_wrap(e, "what was wrapped cannot be read back");
		return rc;
	}
	rc = wrap_prove(j, copy, e);
	wrap_destroy(j, copy);
	return rc;
}

static int export_one(struct attempt *a, struct err *e)
{
	struct wrap_job *j = (struct wrap_job *)a;
	CK_OBJECT_HANDLE private;
	int rc = object_find(a->l, INDEX_PRIVATE, j->key.id, TOKEN_ID_LEN, &private, e);

	if (rc == OK)
		rc = wrap_enter(j, e);
	if (rc != OK)
		return rc;
	rc = wrap_private(j, private, e);
	if (rc == OK)
		rc = read_back(j, e);
	wrap_leave(j);
	return rc;
}

int wrap_export(struct token *t, const struct secret *wrapping_key, const struct token_key *key,
    struct buf *out, struct err *e)
{
	struct wrap_job *j = mem_alloc(sizeof *j);
	int rc = wrap_job_begin(j, t, wrapping_key, key->algorithm, e);

	if (rc == OK) {
		memcpy(j->key.id, key->id, TOKEN_ID_LEN);
		memcpy(j->key.label, key->label, TOKEN_LABEL_MAX);
		j->key.pub = key->pub;
		j->key.pub_len = key->pub_len;
		rc = ladder_run(&j->attempt, export_one, e);
	}
	if (rc == OK)
		buf_put(out, j->key.wrapped, j->key.wrapped_len);
	free(j);
	return rc;
}
